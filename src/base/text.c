#include "base.h"

#include <stdio.h>
#include <string.h>

/* The length of the well-formed UTF-8 sequence that begins at bytes[0] (RFC 3629, section 4), or 0;
 * then *n_bad is how many bytes belong to the broken beginning of one, at least 1. */
static size_t measure_sequence(const unsigned char *bytes, size_t n_bytes, size_t *n_bad)
{
    unsigned char first = bytes[0];
    if (first < 0x80)
        return 1;

    size_t length = 0;
    if (first >= 0xc2 && first <= 0xdf)
        length = 2;
    else if (first >= 0xe0 && first <= 0xef)
        length = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        length = 4;

    /* The second byte is what tells overlong forms, surrogates and too large numbers. */
    unsigned char least = 0x80;
    unsigned char most = 0xbf;
    if (first == 0xe0)
        least = 0xa0;
    else if (first == 0xed)
        most = 0x9f;
    else if (first == 0xf0)
        least = 0x90;
    else if (first == 0xf4)
        most = 0x8f;

    for (size_t i = 1; i < length; i++) {
        if (i >= n_bytes || bytes[i] < least || bytes[i] > most) {
            *n_bad = i;
            return 0;
        }
        least = 0x80;
        most = 0xbf;
    }
    if (length == 0)
        *n_bad = 1;
    return length;
}

ptrdiff_t base_utf8_length(const char *bytes, size_t n_bytes)
{
    const unsigned char *rest = (const unsigned char *)bytes;
    ptrdiff_t n_points = 0;
    while (n_bytes > 0) {
        size_t n_bad;
        size_t length = measure_sequence(rest, n_bytes, &n_bad);
        if (length == 0)
            return -1;
        rest += length;
        n_bytes -= length;
        n_points++;
    }
    return n_points;
}

bool base_parse_int(const char *text, int64_t least, int64_t most, int64_t *number)
{
    bool is_negative = *text == '-';
    if (is_negative)
        text++;
    if (*text == '\0')
        return false;
    int64_t parsed = 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        int64_t digit = is_negative ? '0' - *text : *text - '0';
        if (__builtin_mul_overflow(parsed, 10, &parsed) ||
            __builtin_add_overflow(parsed, digit, &parsed))
            return false;
    }
    if (parsed < least || parsed > most)
        return false;
    *number = parsed;
    return true;
}

static void append_json_escape(struct base_buffer *buffer, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";
    char letter = 0;
    if (byte == '"' || byte == '\\')
        letter = (char)byte;
    else if (byte == '\n')
        letter = 'n';
    else if (byte == '\r')
        letter = 'r';
    else if (byte == '\t')
        letter = 't';
    if (letter != 0) {
        base_buffer_append(buffer, (const char[]){'\\', letter}, 2);
        return;
    }
    base_buffer_append(
        buffer, (const char[]){'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0x0f]}, 6);
}

/* An ASCII character that JSON takes as it is: most of most texts. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

void base_buffer_append_json_text(struct base_buffer *buffer, const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    const unsigned char *rest = (const unsigned char *)text;
    size_t n_bytes = strlen(text);
    size_t n_plain = 0; /* bytes at rest that go through as they are */
    (void)base_buffer_reserve(buffer, n_bytes + 2);
    base_buffer_append_char(buffer, '"');
    for (;;) {
        while (n_plain < n_bytes && is_plain(rest[n_plain]))
            n_plain++;
        if (n_plain == n_bytes)
            break;
        size_t n_bad = 0;
        size_t length = measure_sequence(rest + n_plain, n_bytes - n_plain, &n_bad);
        unsigned char byte = rest[n_plain];
        bool is_escaped = byte < 0x80; /* being no plain one */
        if (length > 0 && !is_escaped) {
            n_plain += length;
            continue;
        }
        base_buffer_append(buffer, rest, n_plain);
        if (is_escaped)
            append_json_escape(buffer, byte);
        else
            base_buffer_append(buffer, replacement, sizeof(replacement) - 1);
        size_t n_done = n_plain + (is_escaped ? 1 : n_bad);
        rest += n_done;
        n_bytes -= n_done;
        n_plain = 0;
    }
    base_buffer_append(buffer, rest, n_plain);
    base_buffer_append_char(buffer, '"');
}

/* Of a well-formed sequence. */
static uint32_t decode(const unsigned char *bytes, size_t length)
{
    uint32_t point = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++)
        point = point << 6 | (bytes[i] & 0x3fU);
    return point;
}

/* Control characters, and those that can't be seen or change how others are shown: Unicode's Cc,
 * Cf, Zl and Zp. */
static bool is_unseen(uint32_t point)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {{0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x0600, 0x0605},
                  {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},   {0x0890, 0x0891},
                  {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
                  {0x2060, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
                  {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
                  {0xe0001, 0xe0001}, {0xe0020, 0xe007f}};
    for (size_t i = 0; i < BASE_COUNT(ranges) && point >= ranges[i].first; i++)
        if (point <= ranges[i].last)
            return true;
    return false;
}

/* As in a JSON string. */
static void append_escaped(struct base_buffer *buffer, uint32_t point)
{
    if (point < 0x10000) {
        base_buffer_printf(buffer, "\\u%04x", (unsigned)point);
        return;
    }
    point -= 0x10000;
    base_buffer_printf(
        buffer, "\\u%04x\\u%04x", (unsigned)(0xd800 + (point >> 10)),
        (unsigned)(0xdc00 + (point & 0x3ff)));
}

void base_buffer_append_printable(struct base_buffer *buffer, const char *text)
{
    const unsigned char *rest = (const unsigned char *)text;
    size_t n_bytes = strlen(text);
    while (n_bytes > 0) {
        size_t n_bad = 0;
        size_t length = measure_sequence(rest, n_bytes, &n_bad);
        if (length == 0)
            base_buffer_append_text(buffer, "\xef\xbf\xbd");
        else if (is_unseen(decode(rest, length)))
            append_escaped(buffer, decode(rest, length));
        else
            base_buffer_append(buffer, rest, length);
        size_t n_done = length > 0 ? length : n_bad;
        rest += n_done;
        n_bytes -= n_done;
    }
}

#define DISTANCE_MAX_BYTES 64

static size_t least_of(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* One row of the table of distances between the beginnings of both is enough. */
size_t base_text_distance(const char *left, const char *right)
{
    size_t row[DISTANCE_MAX_BYTES + 1];
    size_t n_right = strnlen(right, DISTANCE_MAX_BYTES);
    for (size_t j = 0; j <= n_right; j++)
        row[j] = j;
    for (size_t i = 0; left[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n_right; j++) {
            size_t above = row[j + 1];
            size_t changed = diagonal + (left[i] != right[j]);
            row[j + 1] = least_of(changed, least_of(above, row[j]) + 1);
            diagonal = above;
        }
    }
    return row[n_right];
}

void base_complain(const char *program, const char *format, va_list values)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer said = {0};
    BASE_CLEANUP(base_free_pointer) char *text = NULL;
    if (vasprintf(&text, format, values) >= 0)
        base_buffer_append_printable(&said, text);
    fprintf(stderr, "%s: %s\n", program, base_buffer_text(&said));
}
