#include <stdarg.h>
#include <stdio.h>

#include "internal.h"

void relay_complain(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    base_complain("cartd-relay", format, values);
    va_end(values);
}
