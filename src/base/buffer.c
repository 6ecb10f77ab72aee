#include "base.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_LEAST_CAPACITY = 256 };

void base_buffer_finish(struct base_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct base_buffer){0};
}

char *base_buffer_grow(struct base_buffer *buffer, size_t n_bytes)
{
    assert(n_bytes <= SIZE_MAX / 4 && buffer->length <= SIZE_MAX / 4);
    size_t wanted = buffer->length + n_bytes;
    size_t capacity = buffer->capacity * 2;
    if (capacity < BUFFER_LEAST_CAPACITY)
        capacity = BUFFER_LEAST_CAPACITY;
    if (capacity < wanted)
        capacity = wanted;
    buffer->bytes = base_realloc(buffer->bytes, capacity);
    buffer->capacity = capacity;
    return buffer->bytes + buffer->length;
}

/* By hand, as every number of every answer comes through here: two digits a division. */
char *base_format_int(char *at, int64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[BASE_INT_SIZE];
    size_t first = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    for (; rest >= 10; rest /= 100) {
        first -= 2;
        memcpy(digits + first, &pairs[rest % 100 * 2], 2);
    }
    if (rest > 0 || first == sizeof(digits))
        digits[--first] = (char)('0' + rest);
    if (number < 0)
        digits[--first] = '-';
    memcpy(at, digits + first, sizeof(digits) - first);
    return at + (sizeof(digits) - first);
}

void base_buffer_append_int(struct base_buffer *buffer, int64_t number)
{
    const char *end = base_format_int(base_buffer_reserve(buffer, BASE_INT_SIZE), number);
    buffer->length = (size_t)(end - buffer->bytes);
}

void base_buffer_printf(struct base_buffer *buffer, const char *format, ...)
{
    assert(format != NULL);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    size_t size = (size_t)length + 1;
    char *end = base_buffer_reserve(buffer, size);
    va_start(arguments, format);
    (void)vsnprintf(end, size, format, arguments); /* Its length is known already. */
    va_end(arguments);
    buffer->length += (size_t)length;
}

const char *base_buffer_text(struct base_buffer *buffer)
{
    *base_buffer_reserve(buffer, 1) = '\0';
    return buffer->bytes;
}
