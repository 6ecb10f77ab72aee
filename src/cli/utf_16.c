#include "utf_16.h"

#define NOT_UTF_8 '\xff'

static unsigned unit_at(const char *bytes, bool is_big_endian)
{
    unsigned first = (unsigned char)bytes[0];
    unsigned second = (unsigned char)bytes[1];
    return is_big_endian ? first << 8 | second : second << 8 | first;
}

static bool is_high_surrogate(unsigned unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(unsigned unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

static void append_point(struct base_buffer *out, unsigned point)
{
    char *at = base_buffer_reserve(out, 4);
    size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; point >>= 6)
        at[i] = (char)(0x80 | (point & 0x3f));
    at[0] = (char)(marks[n] | point);
    out->length += n;
}

size_t utf_16_decode(
    struct base_buffer *out, const char *bytes, size_t n_bytes, bool is_big_endian, bool is_last)
{
    size_t i = 0;
    while (n_bytes - i >= 2) {
        unsigned unit = unit_at(bytes + i, is_big_endian);
        bool has_next = n_bytes - i >= 4;
        unsigned next = has_next ? unit_at(bytes + i + 2, is_big_endian) : 0;
        if (is_high_surrogate(unit) && !has_next && !is_last)
            return i;
        i += 2;
        if (is_high_surrogate(unit) && is_low_surrogate(next)) {
            append_point(out, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
            i += 2;
        } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
            base_buffer_append_char(out, NOT_UTF_8);
        } else {
            append_point(out, unit);
        }
    }
    if (is_last && i < n_bytes) {
        base_buffer_append_char(out, NOT_UTF_8);
        i = n_bytes;
    }
    return i;
}
