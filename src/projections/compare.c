#include "tables.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_BEFORE = 20, SHOWN_MOST = 60 }; /* bytes of a text */

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* The text from about `from` on, in whole characters. */
static void append_part(struct base_buffer *out, const char *text, size_t from)
{
    if (text == NULL) {
        base_buffer_append_text(out, "null");
        return;
    }
    size_t length = strlen(text);
    if (from > length)
        from = length;
    while (from > 0 && is_continuation(text[from]))
        from--;
    size_t end = length - from > SHOWN_MOST ? from + SHOWN_MOST : length;
    while (end > from && is_continuation(text[end]))
        end--;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer excerpt = {0};
    base_buffer_append_text(&excerpt, from > 0 ? "…" : "");
    base_buffer_append(&excerpt, text + from, end - from);
    base_buffer_append_text(&excerpt, end < length ? "…" : "");
    base_buffer_append_json_text(out, base_buffer_text(&excerpt));
}

void projections_compare_texts(
    struct base_buffer *differences, const char *what, const char *is, const char *should_be)
{
    if (is == should_be || (is != NULL && should_be != NULL && strcmp(is, should_be) == 0))
        return;
    size_t same = 0;
    while (is != NULL && should_be != NULL && is[same] == should_be[same])
        same++;
    size_t from = same > SHOWN_BEFORE ? same - SHOWN_BEFORE : 0;
    base_buffer_printf(differences, "%s is ", what);
    append_part(differences, is, from);
    base_buffer_append_text(differences, " and should be ");
    append_part(differences, should_be, from);
    base_buffer_append_char(differences, '\n');
}

void projections_compare_numbers(
    struct base_buffer *differences, const char *what, int64_t is, int64_t should_be)
{
    if (is != should_be)
        base_buffer_printf(
            differences, "%s is %" PRId64 " and should be %" PRId64 "\n", what, is, should_be);
}

/* A time from a table, which may be any. */
static const char *show_time(int64_t time_us, char text[static BASE_TIME_SIZE])
{
    if (time_us == CART_TIME_NONE)
        return "null";
    if (time_us < BASE_TIME_LEAST_US)
        return "before the year 0";
    if (time_us > BASE_TIME_MOST_US)
        return "after the year 9999";
    base_time_format(time_us, text);
    return text;
}

void projections_compare_times(
    struct base_buffer *differences, const char *what, int64_t is_us, int64_t should_be_us)
{
    char is[BASE_TIME_SIZE];
    char should_be[BASE_TIME_SIZE];
    if (is_us != should_be_us)
        base_buffer_printf(
            differences, "%s is %s and should be %s\n", what, show_time(is_us, is),
            show_time(should_be_us, should_be));
}
