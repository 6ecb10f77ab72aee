#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

void relay_complain(const char *format, ...)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer said = {0};
    BASE_CLEANUP(base_free_pointer) char *text = NULL;
    va_list values;
    va_start(values, format);
    if (vasprintf(&text, format, values) >= 0)
        base_buffer_append_printable(&said, text);
    va_end(values);
    fprintf(stderr, "cartd-relay: %s\n", base_buffer_text(&said));
}
