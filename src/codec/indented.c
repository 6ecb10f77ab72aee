#include "codec.h"

#define INDENT "  "

static void break_line(struct base_buffer *out, size_t depth)
{
    base_buffer_append_char(out, '\n');
    for (size_t i = 0; i < depth; i++)
        base_buffer_append_text(out, INDENT);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The length of the text that begins with a quote. */
static size_t length_of_text(const char *json, size_t length)
{
    size_t i = 1;
    while (i < length && json[i] != '"')
        i += json[i] == '\\' ? 2 : 1;
    return i < length ? i + 1 : length;
}

void codec_write_indented(struct base_buffer *out, const char *json, size_t length)
{
    size_t depth = 0;
    bool is_just_opened = false; /* nothing that is empty takes a line of its own */
    for (size_t i = 0; i < length; i++) {
        char byte = json[i];
        if (is_blank(byte))
            continue;
        bool closes = byte == '}' || byte == ']';
        if (closes && depth > 0)
            depth--;
        if (is_just_opened != closes && (closes || is_just_opened))
            break_line(out, depth);
        is_just_opened = byte == '{' || byte == '[';
        if (is_just_opened)
            depth++;
        if (byte == '"') {
            size_t n = length_of_text(json + i, length - i);
            base_buffer_append(out, json + i, n);
            i += n - 1;
            continue;
        }
        base_buffer_append_char(out, byte);
        if (byte == ',')
            break_line(out, depth);
        if (byte == ':')
            base_buffer_append_char(out, ' ');
    }
}
