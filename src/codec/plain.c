#include "codec_json.h"

#include <string.h>

/*
 * Plain JSON, read in one pass. jansson's parser takes some hundred instructions a byte, which
 * was most of what it takes to replay a cart; this one makes the same tree of jansson's values.
 *
 * Plain is nearly all that cartd itself writes: objects, arrays, texts without escapes, integers
 * that are not negative and short enough, true, false, null. Anything else, be it good or bad, is
 * left to jansson: this reader takes nothing that jansson refuses, and never says what is wrong.
 */

enum { DIGITS_MAX = 18 /* any so many fit into a json_int_t */ };

struct plain {
    const char *at;
    const char *end;
};

static json_t *read_value(struct plain *plain, size_t most_levels);

/* The next byte that is no blank; NUL at the end. */
static char peek(struct plain *plain)
{
    while (plain->at < plain->end &&
           (*plain->at == ' ' || *plain->at == '\n' || *plain->at == '\r' || *plain->at == '\t'))
        plain->at++;
    return plain->at < plain->end ? *plain->at : '\0';
}

/* `byte` is not NUL. */
static bool take(struct plain *plain, char byte)
{
    if (peek(plain) != byte)
        return false;
    plain->at++;
    return true;
}

/* What is between the quotes, checked to be UTF-8 so that jansson need not. */
static bool take_text(struct plain *plain, const char **text, size_t *length)
{
    if (!take(plain, '"'))
        return false;
    const char *at = plain->at;
    unsigned char bits = 0;
    for (; at < plain->end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' '; at++)
        bits |= (unsigned char)*at;
    if (at == plain->end || *at != '"')
        return false;
    *text = plain->at;
    *length = (size_t)(at - plain->at);
    plain->at = at + 1;
    return bits < 0x80 || base_utf8_length(*text, *length) >= 0;
}

static json_t *read_text(struct plain *plain)
{
    const char *text;
    size_t length;
    return take_text(plain, &text, &length) ? json_stringn_nocheck(text, length) : NULL;
}

static json_t *read_integer(struct plain *plain)
{
    const char *begin = plain->at;
    json_int_t number = 0;
    for (; plain->at < plain->end && *plain->at >= '0' && *plain->at <= '9'; plain->at++) {
        if (plain->at - begin == DIGITS_MAX)
            return NULL;
        number = number * 10 + (*plain->at - '0');
    }
    ptrdiff_t n_digits = plain->at - begin;
    return n_digits > 1 && *begin == '0' ? NULL : json_integer(number);
}

static json_t *read_word(struct plain *plain, const char *word, json_t *value)
{
    size_t length = strlen(word);
    if ((size_t)(plain->end - plain->at) < length || memcmp(plain->at, word, length) != 0)
        return NULL;
    plain->at += length;
    return value;
}

static bool read_member(struct plain *plain, json_t *object, size_t most_levels)
{
    const char *name;
    size_t length;
    /* A name that is there already is refused, as JSON_REJECT_DUPLICATES has it. */
    return take_text(plain, &name, &length) && take(plain, ':') &&
           json_object_getn(object, name, length) == NULL &&
           json_object_setn_new_nocheck(object, name, length, read_value(plain, most_levels)) == 0;
}

static bool read_element(struct plain *plain, json_t *array, size_t most_levels)
{
    return json_array_append_new(array, read_value(plain, most_levels)) == 0;
}

/* Takes `empty`, fills it, and gives it back, or NULL. jansson's functions take NULL, of too little
 * memory or of what could not be read, as a failure. */
static json_t *read_several(
    struct plain *plain, json_t *empty, char close,
    bool (*read_one)(struct plain *plain, json_t *several, size_t most_levels), size_t most_levels)
{
    json_auto_t *several = empty;
    plain->at++;
    if (take(plain, close))
        return json_incref(several);
    while (read_one(plain, several, most_levels)) {
        if (take(plain, close))
            return json_incref(several);
        if (!take(plain, ','))
            return NULL;
    }
    return NULL;
}

static json_t *read_value(struct plain *plain, size_t most_levels)
{
    char first = peek(plain);
    if ((first == '{' || first == '[') && most_levels == 0)
        return NULL;
    switch (first) {
    case '{':
        return read_several(plain, json_object(), '}', read_member, most_levels - 1);
    case '[':
        return read_several(plain, json_array(), ']', read_element, most_levels - 1);
    case '"':
        return read_text(plain);
    case 't':
        return read_word(plain, "true", json_true());
    case 'f':
        return read_word(plain, "false", json_false());
    case 'n':
        return read_word(plain, "null", json_null());
    default:
        return first >= '0' && first <= '9' ? read_integer(plain) : NULL;
    }
}

json_t *codec_json_load_plain(const char *bytes, size_t length)
{
    struct plain plain = {.at = bytes, .end = bytes + length};
    if (peek(&plain) != '{')
        return NULL;
    json_auto_t *object = read_value(&plain, CODEC_DEPTH_MAX);
    (void)peek(&plain); /* Blanks may follow. */
    return plain.at == plain.end ? json_incref(object) : NULL;
}
