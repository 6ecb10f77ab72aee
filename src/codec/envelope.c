#include <string.h>

#include "codec_fields.h"

/* An event with everything around it: as it is shown, as a copy of the log has it, and the metadata
 * that it is recorded with. */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct codec_event_copy, member)

static const struct codec_field event_fields[] = {
    {FIELD("position", INTEGER, event.position), .least = 1, .most = INT64_MAX},
    {FIELD("stream_type", TEXT, event.stream_type)},
    {FIELD("stream_id", UUID, event.stream_id)},
    {FIELD("version", INTEGER, event.version), .least = 1, .most = INT32_MAX},
    {FIELD("type", TEXT, event.type)},
    {FIELD("schema_version", INTEGER, event.schema_version), .least = 1, .most = INT32_MAX},
    {FIELD("recorded_at", TIME, event.recorded_at_us)},
    /* It is in the metadata, too. */
    {FIELD("command_id", UUID, command_id), .is_hidden = true},
    {FIELD("data", VERBATIM, event.data)},
    {FIELD("metadata", VERBATIM, event.metadata)},
    {.name = NULL},
};

#undef FIELD

/* ---- metadata -------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct codec_metadata, member)

static const struct codec_field metadata_fields[] = {
    {FIELD("command_id", UUID, command_id)},
    {FIELD("actor", TEXT, actor)},
    {FIELD("causation_id", TEXT, cause.causation_id), .is_optional = true},
    {FIELD("correlation_id", TEXT, cause.correlation_id), .is_optional = true},
    {FIELD("traceparent", TEXT, trace.traceparent), .is_optional = true},
    {FIELD("tracestate", TEXT, trace.tracestate), .is_optional = true},
    {FIELD("baggage", TEXT, trace.baggage), .is_optional = true},
    {.name = NULL},
};

#undef FIELD

void codec_write_event_metadata(struct base_buffer *out, const struct codec_metadata *metadata)
{
    codec_write_fields(out, metadata_fields, metadata);
}

/* A text of a member without escapes, whose quotes are left out; else its length is 0. */
static struct codec_token find_text(const char *metadata, const char *wanted)
{
    struct codec_scanner scanner = {.at = metadata, .end = metadata + strlen(metadata)};
    struct codec_token name;
    struct codec_token value;
    while (codec_next_member(&scanner, &name, &value)) {
        if (!codec_is_named(&name, wanted) || value.length < 2 || value.bytes[0] != '"')
            continue;
        return (struct codec_token){.bytes = value.bytes + 1, .length = value.length - 2};
    }
    return (struct codec_token){.length = 0};
}

bool codec_read_correlation(const char *metadata, char id[static BASE_UUID_SIZE])
{
    struct codec_token text = find_text(metadata, "correlation_id");
    if (text.length != BASE_UUID_SIZE - 1)
        return false;
    memcpy(id, text.bytes, text.length);
    id[text.length] = '\0';
    return true;
}

const char *codec_read_traceparent(const char *metadata, struct base_arena *arena)
{
    struct codec_token text = find_text(metadata, "traceparent");
    return text.length == 0 ? NULL : base_arena_copy(arena, text.bytes, text.length);
}

/* ---- written --------------------------------------------------------------------------------- */

static const struct codec_field *find_hidden(const char *type)
{
    const struct codec_shape *shape = codec_find_shape(type);
    if (shape == NULL)
        return NULL;
    for (const struct codec_field *field = shape->fields; field->name != NULL; field++)
        if (field->is_hidden)
            return field;
    return NULL;
}

/* Appends the data without that member, with blanks as jsonb has them. */
static void write_without(
    struct base_buffer *out, const char *data, const struct codec_field *hidden)
{
    struct codec_scanner scanner = {.at = data, .end = data + strlen(data)};
    struct codec_token name;
    struct codec_token value;
    bool is_first = true;
    base_buffer_append_char(out, '{');
    while (codec_next_member(&scanner, &name, &value)) {
        if (codec_is_named(&name, hidden->name))
            continue;
        if (!is_first)
            base_buffer_append_text(out, ", ");
        is_first = false;
        base_buffer_append(out, name.bytes, name.length);
        base_buffer_append_text(out, ": ");
        base_buffer_append(out, value.bytes, value.length);
    }
    base_buffer_append_char(out, '}');
}

const char *codec_show_data(const struct codec_event *event, struct base_buffer *data)
{
    const struct codec_field *hidden = find_hidden(event->type);
    if (hidden == NULL || event->data[0] != '{')
        return event->data;
    write_without(data, event->data, hidden);
    return base_buffer_text(data);
}

void codec_write_event(struct base_buffer *out, const struct codec_event *event)
{
    struct codec_event_copy shown = {.event = *event};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer data = {0};
    shown.event.data = codec_show_data(event, &data);
    codec_write_shown_fields(out, event_fields, &shown);
}

void codec_write_event_copy(struct base_buffer *out, const struct codec_event_copy *copy)
{
    codec_write_fields(out, event_fields, copy);
}

/* ---- read ------------------------------------------------------------------------------------ */

/* Data and metadata must be taken as they stand, since not all numbers are the same when they are
 * read and written again. False: they are not found by their plain names. */
static bool find_texts(
    const char *line, size_t length, struct base_arena *arena, struct codec_event *event)
{
    struct codec_scanner scanner = {.at = line, .end = line + length};
    struct codec_token name;
    struct codec_token value;
    while (codec_next_member(&scanner, &name, &value)) {
        if (codec_is_named(&name, "data"))
            event->data = base_arena_copy(arena, value.bytes, value.length);
        else if (codec_is_named(&name, "metadata"))
            event->metadata = base_arena_copy(arena, value.bytes, value.length);
    }
    return event->data != NULL && event->metadata != NULL;
}

static bool is_command_of(const json_t *metadata, const struct base_uuid *command_id)
{
    struct base_uuid id;
    const char *text = json_string_value(json_object_get(metadata, "command_id"));
    return text != NULL && base_uuid_parse(text, &id) && base_uuid_compare(&id, command_id) == 0;
}

/* The first complaint, as the rest of a sentence. */
static const char *read_members(
    json_t *members, struct base_arena *arena, struct codec_event_copy *copy)
{
    struct codec_complaints complaints = {.n = 0};
    struct codec_reader reader = {.arena = arena, .complaints = &complaints};
    struct codec_object object = {.reader = &reader, .members = members, .path = {.root = ""}};
    codec_read_fields(&object, event_fields, copy);
    codec_refuse_other_members(&object, event_fields);
    if (complaints.n == 0)
        return NULL;
    const char *detail = complaints.list[0].detail;
    return base_arena_printf(
        arena, "%s: %.*s", complaints.list[0].pointer, (int)strlen(detail) - 1, detail);
}

const char *codec_read_event_copy(
    const char *line, size_t length, struct base_arena *arena, struct codec_event_copy *copy)
{
    /* jansson reads over a NUL that comes behind a number. */
    if (memchr(line, '\0', length) != NULL)
        return "it is not JSON: it has a NUL byte";
    json_error_t error;
    json_auto_t *members = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (members == NULL)
        return base_arena_printf(arena, "it is not JSON: %.120s", error.text);
    if (!json_is_object(members))
        return "it is not a JSON object";
    struct codec_event_copy read = {0};
    const char *complaint = read_members(members, arena, &read);
    if (complaint != NULL)
        return complaint;
    if (!find_texts(line, length, arena, &read.event))
        return "\"data\" and \"metadata\" must be written without escapes";
    if (!is_command_of(json_object_get(members, "metadata"), &read.command_id))
        return "\"command_id\" differs from that of the metadata";
    *copy = read;
    return NULL;
}
