#include "codec_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SHORT_TEXT_MAX = 40 /* bytes of a client's text that a sentence repeats */ };

/* ---- pointers -------------------------------------------------------------------------------- */

/* One reference token (RFC 6901, section 3): ~ is written ~0 and / is written ~1. */
static void append_token(struct base_buffer *out, const char *name)
{
    base_buffer_append_char(out, '/');
    for (; *name != '\0'; name++) {
        if (*name == '~')
            base_buffer_append_text(out, "~0");
        else if (*name == '/')
            base_buffer_append_text(out, "~1");
        else
            base_buffer_append_char(out, *name);
    }
}

static void append_path(struct base_buffer *out, const struct codec_path *path)
{
    if (path->parent == NULL) {
        base_buffer_append_text(out, path->root);
        return;
    }
    /* As deep as the JSON is, and that has a limit. */
    append_path(out, path->parent);
    if (path->name != NULL) {
        append_token(out, path->name);
    } else {
        base_buffer_append_char(out, '/');
        base_buffer_append_int(out, (int64_t)path->index);
    }
}

const char *codec_json_pointer(struct base_arena *arena, const struct codec_path *path)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
    append_path(&out, path);
    return base_arena_copy(arena, out.bytes, out.length);
}

/* ---- sentences ------------------------------------------------------------------------------- */

BASE_PRINTF(3, 0)
static void complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format,
    va_list arguments)
{
    assert(format != NULL);
    reader->is_refused = true;
    if (reader->complaints == NULL || reader->complaints->n == CODEC_COMPLAINTS_MAX)
        return;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t size = (size_t)(length < 0 ? 0 : length) + 1;
    char *detail = base_arena_alloc(reader->arena, size);
    (void)vsnprintf(detail, size, format, arguments); /* Measured above. */
    reader->complaints->list[reader->complaints->n++] = (struct codec_complaint){
        .pointer = codec_json_pointer(reader->arena, path),
        .detail = detail,
    };
}

void codec_complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(reader, path, format, arguments);
    va_end(arguments);
}

void codec_complain_of_member(
    const struct codec_object *object, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct codec_path path = {.parent = &object->path, .name = name};
    complain(object->reader, &path, format, arguments);
    va_end(arguments);
}

/* ---- what was given -------------------------------------------------------------------------- */

const char *codec_describe_text(struct codec_reader *reader, const char *text)
{
    if (reader->complaints == NULL)
        return "";
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quoted = {0};
    if (strlen(text) <= SHORT_TEXT_MAX) {
        base_buffer_append_json_text(&quoted, text);
    } else {
        size_t length = SHORT_TEXT_MAX;
        while (((unsigned char)text[length] & 0xc0) == 0x80) /* not within a character */
            length--;
        base_buffer_append_json_text(&quoted, base_arena_copy(reader->arena, text, length));
        base_buffer_append_text(&quoted, " and more");
    }
    return base_arena_copy(reader->arena, quoted.bytes, quoted.length);
}

const char *codec_describe(struct codec_reader *reader, const json_t *value)
{
    if (reader->complaints == NULL)
        return "";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return codec_describe_text(reader, json_string_value(value));
    case JSON_INTEGER:
        return base_arena_printf(reader->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL: {
        /* Whoever wrote 1.0 must not read that 1 is not what is expected. */
        const char *text = base_arena_printf(reader->arena, "%.15g", json_real_value(value));
        bool looks_whole = text[strspn(text, "-0123456789")] == '\0';
        return looks_whole ? base_arena_printf(reader->arena, "%s.0", text) : text;
    }
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

bool codec_open_object(
    struct codec_reader *reader, json_t *value, struct codec_path path, struct codec_object *object)
{
    if (!json_is_object(value)) {
        const char *subject = path.parent == NULL ? "The body" : path.name;
        codec_complain(
            reader, &path, "%s must be an object, not %s.",
            subject == NULL ? "This element" : subject, codec_describe(reader, value));
        return false;
    }
    *object = (struct codec_object){.reader = reader, .members = value, .path = path};
    return true;
}
