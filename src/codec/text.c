#include <string.h>
#include <utf8proc.h>

#include "codec_json.h"

/* Normal form C (Unicode Standard Annex 15) makes at most one character of four, so a text of more
 * than four times what is allowed is too long in any case. To put the marks of one character in
 * order takes the square of their number, which that bounds too. */
enum { POINTS_OF_ONE_MAX = 4 };
static const utf8proc_option_t NORMAL_FORM_C = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
/* As utf8proc_NFKC_Casefold() has it, and without what is not assigned. */
static const utf8proc_option_t NFKC_CASEFOLD = UTF8PROC_STABLE | UTF8PROC_COMPOSE |
                                               UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                               UTF8PROC_IGNORE | UTF8PROC_REJECTNA;

/* Most texts: nothing to be done. */
static bool is_normal(const char *text, size_t length)
{
    unsigned char bits = 0;
    bool has_return = false;
    for (size_t i = 0; i < length; i++) {
        bits |= (unsigned char)text[i];
        has_return |= text[i] == '\r';
    }
    return bits < 0x80 && !has_return && length > 0 && text[0] > ' ' && text[length - 1] > ' ';
}

/* What Unicode calls a separator. */
static bool is_separator(utf8proc_int32_t point)
{
    utf8proc_category_t category = utf8proc_category(point);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP;
}

/* A space or joiner without width, or a byte order mark: at an end, it says nothing. */
static bool has_no_width(utf8proc_int32_t point)
{
    return (point >= 0x200b && point <= 0x200d) || point == 0x2060 || point == 0xfeff;
}

/* Line breaks and tabs, separators, and what has no width. */
static bool is_blank(utf8proc_int32_t point)
{
    if (point < 0x80)
        return point == ' ' || point == '\t' || point == '\n' || point == '\r';
    return is_separator(point) || has_no_width(point);
}

bool codec_has_unseen(const char *text)
{
    const utf8proc_uint8_t *rest = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t point;
    while (utf8proc_iterate(rest, -1, &point) > 0 && point != 0) {
        if (is_separator(point) || utf8proc_category(point) == UTF8PROC_CATEGORY_CF)
            return true;
        rest += utf8proc_iterate(rest, -1, &point);
    }
    return false;
}

/* Cuts off the blanks around a well-formed text. */
static const char *trim(const char *text, size_t *length)
{
    utf8proc_int32_t point;
    const char *end = text + *length;
    const char *begin = end; /* of what is no blank */
    const char *after = end; /* of the last that is none */
    for (const char *at = text; at < end;) {
        const char *next = at + utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &point);
        if (!is_blank(point)) {
            begin = begin == end ? at : begin;
            after = next;
        }
        at = next;
    }
    *length = (size_t)(after - begin);
    return begin;
}

/* CR LF and CR become LF, in place; the new length. (utf8proc's NLF2LF would let NEL through, which
 * is a control character here.) */
static size_t unify_line_breaks(char *text, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\r' && i + 1 < length && text[i + 1] == '\n')
            continue;
        text[n++] = text[i] == '\r' ? '\n' : text[i];
    }
    text[n] = '\0';
    return n;
}

/* NULL: the options refuse it. */
static const char *map(
    struct base_arena *arena, const char *text, size_t length, utf8proc_option_t how)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t n_bytes = (utf8proc_ssize_t)length;
    /* Both steps work in one array, with room for a NUL behind its end. */
    utf8proc_ssize_t n = utf8proc_decompose(bytes, n_bytes, NULL, 0, how);
    if (n < 0)
        return NULL;
    utf8proc_int32_t *points = base_arena_alloc(arena, ((size_t)n + 1) * sizeof *points);
    n = utf8proc_decompose(bytes, n_bytes, points, n, how);
    n = utf8proc_reencode(points, n, how);
    return n < 0 ? NULL : (const char *)points;
}

const char *codec_normalise(struct base_arena *arena, const char *text, size_t most)
{
    size_t length = strlen(text);
    if (is_normal(text, length))
        return text;
    if (base_utf8_length(text, length) < 0)
        return text;
    text = trim(text, &length);
    char *copy = base_arena_copy(arena, text, length);
    length = unify_line_breaks(copy, length);
    size_t n_points = (size_t)base_utf8_length(copy, length);
    return n_points > POINTS_OF_ONE_MAX * most ? copy : map(arena, copy, length, NORMAL_FORM_C);
}

const char *codec_fold_code(struct base_arena *arena, const char *code)
{
    if (!codec_is_label(code, COUPON_CODE_MAX) || strchr(code, '/') != NULL ||
        codec_has_dot_segment(code))
        return NULL;
    const char *folded = map(arena, code, strlen(code), NFKC_CASEFOLD);
    return folded != NULL && codec_is_label(folded, COUPON_CODE_MAX) ? folded : NULL;
}

const char *codec_read_code(struct base_arena *arena, const char *text)
{
    return codec_fold_code(arena, codec_normalise(arena, text, COUPON_CODE_MAX));
}
