#include "codec_json.h"

#include <string.h>

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_mark(char byte)
{
    return byte == '{' || byte == '}' || byte == '[' || byte == ']' || byte == ':' || byte == ',';
}

static const char *find_end_of_text(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end ? at + 1 : end;
}

static const char *find_end_of_word(const char *at, const char *end)
{
    while (at < end && !is_mark(*at) && !is_blank(*at) && *at != '"')
        at++;
    return at;
}

struct codec_token codec_next_token(struct codec_scanner *scanner)
{
    const char *at = scanner->at;
    while (at < scanner->end && is_blank(*at))
        at++;
    struct codec_token token = {.kind = CODEC_TOKEN_END, .bytes = at};
    if (at == scanner->end) {
        scanner->at = at;
        return token;
    }
    if (is_mark(*at)) {
        scanner->at = at + 1;
        token.kind = *at;
        scanner->depth += *at == '{' || *at == '[';
        scanner->depth -= (*at == '}' || *at == ']') && scanner->depth > 0;
    } else if (*at == '"') {
        scanner->at = find_end_of_text(at + 1, scanner->end);
        token.kind = CODEC_TOKEN_TEXT;
    } else {
        scanner->at = find_end_of_word(at, scanner->end);
        token.kind = CODEC_TOKEN_WORD;
    }
    token.length = (size_t)(scanner->at - at);
    return token;
}

static struct codec_token next_value(struct codec_scanner *scanner)
{
    struct codec_token value = codec_next_token(scanner);
    if (value.kind != '{' && value.kind != '[')
        return value;
    size_t depth = scanner->depth;
    while (scanner->depth >= depth && codec_next_token(scanner).kind != CODEC_TOKEN_END) {
    }
    value.length = (size_t)(scanner->at - value.bytes);
    return value;
}

bool codec_next_member(
    struct codec_scanner *object, struct codec_token *name, struct codec_token *value)
{
    *name = codec_next_token(object);
    if (name->kind == '{' || name->kind == ',')
        *name = codec_next_token(object);
    if (name->kind != CODEC_TOKEN_TEXT)
        return false;
    (void)codec_next_token(object); /* the colon */
    *value = next_value(object);
    return true;
}

bool codec_is_named(const struct codec_token *name, const char *plain)
{
    size_t length = strlen(plain);
    return name->length == length + 2 && memcmp(name->bytes + 1, plain, length) == 0;
}

/* ---- for people ------------------------------------------------------------------------------ */

#define INDENT "  "

static void break_line(struct base_buffer *out, size_t depth)
{
    base_buffer_append_char(out, '\n');
    for (size_t i = 0; i < depth; i++)
        base_buffer_append_text(out, INDENT);
}

void codec_write_indented(struct base_buffer *out, const char *json, size_t length)
{
    struct codec_scanner scanner = {.at = json, .end = json + length};
    bool was_opened = false; /* nothing that is empty takes a line of its own */
    for (;;) {
        struct codec_token token = codec_next_token(&scanner);
        if (token.kind == CODEC_TOKEN_END)
            return;
        bool opens = token.kind == '{' || token.kind == '[';
        bool closes = token.kind == '}' || token.kind == ']';
        if (was_opened != closes)
            break_line(out, scanner.depth - opens);
        was_opened = opens;
        base_buffer_append(out, token.bytes, token.length);
        if (token.kind == ',')
            break_line(out, scanner.depth);
        if (token.kind == ':')
            base_buffer_append_char(out, ' ');
    }
}
