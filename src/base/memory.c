#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* abort() rather than exit(): nothing that would run at exit can be trusted without memory. */
_Noreturn void base_end_without_memory(void)
{
    static const char line[] = "cartd: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
    (void)ignored; /* There is nobody left to tell. */
    abort();
}

void *base_alloc(size_t n_bytes)
{
    void *memory = calloc(1, n_bytes > 0 ? n_bytes : 1);
    if (memory == NULL)
        base_end_without_memory();
    return memory;
}

void *base_realloc(void *memory, size_t n_bytes)
{
    void *moved = realloc(memory, n_bytes > 0 ? n_bytes : 1);
    if (moved == NULL)
        base_end_without_memory();
    return moved;
}

char *base_copy_text(const char *text)
{
    size_t n_bytes = strlen(text) + 1;
    return memcpy(base_alloc(n_bytes), text, n_bytes);
}

char *base_print(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        base_end_without_memory();
    return text;
}

void base_free_pointer(void *pointer)
{
    /* The variable may be a pointer to any type; copying its bytes needs no cast between them. */
    void *memory;
    memcpy(&memory, pointer, sizeof(memory));
    free(memory);
}
