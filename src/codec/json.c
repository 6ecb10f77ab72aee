#include "codec_json.h"

#include <stdlib.h>
#include <string.h>

/* ---- what jansson leaves to us --------------------------------------------------------------- */

/* The offset of the bracket that opens one level too many, or `length`. Runs before the parser, so
 * the text may be anything. */
static size_t find_too_deep(const char *bytes, size_t length)
{
    struct codec_scanner scanner = {.at = bytes, .end = bytes + length};
    for (;;) {
        struct codec_token token = codec_next_token(&scanner);
        if (token.kind == CODEC_TOKEN_END || scanner.depth > CODEC_DEPTH_MAX)
            return (size_t)(token.bytes - bytes);
    }
}

/* Any JSON value; jansson takes no others than objects and arrays, unless it's told to. */
static json_t *load_any(const char *bytes, size_t length)
{
    return json_loadb(bytes, length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

/* The name that stands there, with its quotes. */
static const char *unescape(struct base_arena *arena, const struct codec_token *name)
{
    json_auto_t *text = load_any(name->bytes, name->length);
    return base_arena_copy_text(arena, json_is_string(text) ? json_string_value(text) : "");
}

/* The pointer of the value that ends at `end`; everything before it is well-formed JSON and not
 * too deep. jansson says only the offset of a number that it can't hold. */
static const char *pointer_at(struct base_arena *arena, const char *bytes, size_t end)
{
    struct codec_path paths[CODEC_DEPTH_MAX + 1] = {{.root = ""}};
    struct codec_token names[CODEC_DEPTH_MAX + 1] = {0}; /* of members; of an array none */
    bool is_array[CODEC_DEPTH_MAX + 1] = {false};
    struct codec_scanner scanner = {.at = bytes, .end = bytes + end};
    for (;;) {
        size_t depth = scanner.depth;
        struct codec_token token = codec_next_token(&scanner);
        if (token.kind == CODEC_TOKEN_END)
            break;
        if (scanner.depth > CODEC_DEPTH_MAX)
            return "";
        if (scanner.depth > depth) {
            paths[depth + 1] = (struct codec_path){.parent = &paths[depth]};
            names[depth + 1] = (struct codec_token){0};
            is_array[depth + 1] = token.kind == '[';
        } else if (token.kind == ',') {
            paths[depth].index++;
            names[depth] = (struct codec_token){0};
        } else if (token.kind == CODEC_TOKEN_TEXT && !is_array[depth] && names[depth].length == 0) {
            names[depth] = token;
        }
    }
    for (size_t i = 1; i <= scanner.depth; i++)
        paths[i].name = is_array[i] ? NULL : unescape(arena, &names[i]);
    return codec_json_pointer(arena, &paths[scanner.depth]);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Not cleared as base_alloc()'s is: that takes a tenth of the time to read an event. */
static void *allocate(size_t n_bytes)
{
    return base_realloc(NULL, n_bytes);
}

void codec_begin(void)
{
    json_set_alloc_funcs(allocate, free);
}

json_t *codec_json_load(const char *text)
{
    size_t length = strlen(text);
    json_t *plain = codec_json_load_plain(text, length);
    if (plain != NULL)
        return plain;
    if (find_too_deep(text, length) < length)
        return NULL;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

bool codec_is_same_json(const char *left, const char *right)
{
    json_auto_t *one = codec_json_load(left);
    json_auto_t *other = codec_json_load(right);
    return one != NULL && other != NULL && json_equal(one, other) == 1;
}

static enum codec_outcome malformed(struct codec_reader *reader, const char *detail)
{
    codec_complain(reader, &(struct codec_path){.root = ""}, "%s", detail);
    return CODEC_MALFORMED;
}

/* Lines and columns count from 1, columns in characters, as the parser counts them. */
static enum codec_outcome malformed_at(
    struct codec_reader *reader, struct codec_body body, size_t offset, const char *detail)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset; i++) {
        bool is_inner_byte = ((unsigned char)body.bytes[i] & 0xc0) == 0x80;
        if (body.bytes[i] == '\n') {
            line++;
            column = 1;
        } else if (!is_inner_byte) {
            column++;
        }
    }
    return malformed(
        reader,
        base_arena_printf(reader->arena, "Line %zu, column %zu: %s.", line, column, detail));
}

/* Whether the body is JSON but for the size of the number at which `error` stopped, as far as
 * another such number. With a 0 in its place it is read once more; `error` is of that then. */
static bool is_json_otherwise(struct codec_body body, json_error_t *error)
{
    size_t end = (size_t)error->position;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer other = {0};
    base_buffer_append(&other, body.bytes, body.length);
    size_t begin = end;
    while (begin > 0 && other.bytes[begin - 1] != '\0' &&
           strchr("0123456789+-.eE", other.bytes[begin - 1]) != NULL)
        begin--;
    if (begin == end)
        return false;
    memset(other.bytes + begin, ' ', end - begin);
    other.bytes[end - 1] = '0';
    json_auto_t *value = json_loadb(other.bytes, other.length, JSON_REJECT_DUPLICATES, error);
    return value != NULL || json_error_code(error) == json_error_numeric_overflow;
}

/* In our words where the parser's are about itself. */
static void append_reason(struct base_buffer *out, const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        base_buffer_append_text(out, "U+0000 (\\u0000) is not allowed in texts and names");
    else if (code == json_error_premature_end_of_input)
        base_buffer_append_text(out, "the text ends before its JSON does");
    else if (code == json_error_end_of_input_expected)
        base_buffer_append_text(out, "there is text after the JSON");
    else
        /* It repeats what it stumbled over, and that may be anything. */
        base_buffer_append_printable(out, error->text);
}

static enum codec_outcome explain_failure(
    struct codec_reader *reader, struct codec_body body, json_error_t *error)
{
    size_t position = (size_t)error->position;
    if (json_error_code(error) == json_error_numeric_overflow && is_json_otherwise(body, error)) {
        const char *pointer = pointer_at(reader->arena, body.bytes, position);
        codec_complain(
            reader, &(struct codec_path){.root = pointer},
            "The number is too large; the largest allowed is 9007199254740991 (2^53-1).");
        return CODEC_INVALID;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    append_reason(&text, error);
    return malformed(
        reader, base_arena_printf(
                    reader->arena, "Line %d, column %d: %s.", error->line, error->column,
                    base_buffer_text(&text)));
}

enum codec_outcome codec_json_read_body(
    struct codec_reader *reader, struct codec_body body, json_t **value)
{
    if (body.length == 0)
        return malformed(reader, "The body is empty; a JSON object is expected.");
    *value = codec_json_load_plain(body.bytes, body.length);
    if (*value != NULL)
        return CODEC_READ;
    const char *nul = memchr(body.bytes, '\0', body.length);
    if (nul != NULL)
        return malformed_at(reader, body, (size_t)(nul - body.bytes), "the body has a NUL byte");
    size_t too_deep = find_too_deep(body.bytes, body.length);
    if (too_deep < body.length)
        return malformed_at(
            reader, body, too_deep,
            base_arena_printf(reader->arena, "nested deeper than %d levels", CODEC_DEPTH_MAX));

    json_error_t error;
    *value = json_loadb(body.bytes, body.length, JSON_REJECT_DUPLICATES, &error);
    if (*value == NULL) /* A text, number or word alone is good JSON, too. */
        *value = load_any(body.bytes, body.length);
    return *value == NULL ? explain_failure(reader, body, &error) : CODEC_READ;
}
