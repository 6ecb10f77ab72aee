#include <string.h>

#include "codec_json.h"

/* The members of a copied event, in the order in which they are written. */
#define MEMBERS(ROW)                                                                               \
    ROW(POSITION, "position")                                                                      \
    ROW(STREAM_TYPE, "stream_type")                                                                \
    ROW(STREAM_ID, "stream_id")                                                                    \
    ROW(VERSION, "version")                                                                        \
    ROW(TYPE, "type")                                                                              \
    ROW(SCHEMA_VERSION, "schema_version")                                                          \
    ROW(RECORDED_AT, "recorded_at")                                                                \
    ROW(COMMAND_ID, "command_id")                                                                  \
    ROW(DATA, "data")                                                                              \
    ROW(METADATA, "metadata")
enum member {
#define COPY_ROW(NAME, name) MEMBER_##NAME,
    MEMBERS(COPY_ROW)
#undef COPY_ROW
        N_MEMBERS
};
static const char *const member_names[] = {
#define COPY_ROW(NAME, name) name,
    MEMBERS(COPY_ROW)
#undef COPY_ROW
};

bool codec_is_event_name(const char *name)
{
    static const char *const names[] = {
#define COPY_ROW(NAME, event_name, schema_version) event_name,
        CART_EVENTS(COPY_ROW) CATALOG_EVENTS(COPY_ROW)
#undef COPY_ROW
    };
    for (size_t i = 0; i < BASE_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* ---- written --------------------------------------------------------------------------------- */

static void begin_member(struct base_buffer *out, enum member member)
{
    base_buffer_append_char(out, member == 0 ? '{' : ',');
    base_buffer_append_char(out, '"');
    base_buffer_append_text(out, member_names[member]);
    base_buffer_append_text(out, "\":");
}

static void write_number(struct base_buffer *out, enum member member, int64_t number)
{
    begin_member(out, member);
    base_buffer_append_int(out, number);
}

static void write_text(struct base_buffer *out, enum member member, const char *text)
{
    begin_member(out, member);
    base_buffer_append_json_text(out, text);
}

static void write_id(struct base_buffer *out, enum member member, const struct base_uuid *uuid)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(uuid, id);
    write_text(out, member, id);
}

void codec_write_event_copy(struct base_buffer *out, const struct codec_event_copy *copy)
{
    const struct codec_event *event = &copy->event;
    char recorded_at[BASE_TIME_SIZE];
    base_time_format(event->recorded_at_us, recorded_at);
    write_number(out, MEMBER_POSITION, event->position);
    write_text(out, MEMBER_STREAM_TYPE, event->stream_type);
    write_id(out, MEMBER_STREAM_ID, &event->stream_id);
    write_number(out, MEMBER_VERSION, event->version);
    write_text(out, MEMBER_TYPE, event->type);
    write_number(out, MEMBER_SCHEMA_VERSION, event->schema_version);
    write_text(out, MEMBER_RECORDED_AT, recorded_at);
    write_id(out, MEMBER_COMMAND_ID, &copy->command_id);
    begin_member(out, MEMBER_DATA);
    base_buffer_append(out, event->data, copy->data_length);
    begin_member(out, MEMBER_METADATA);
    base_buffer_append(out, event->metadata, copy->metadata_length);
    base_buffer_append_char(out, '}');
}

/* ---- read: where the members stand ----------------------------------------------------------- */

/* Data and metadata must be taken as they stand, since not all numbers are the same when they are
 * read and written again. False: they are not found by their plain names. */
static bool find_texts(
    const char *line, size_t length, struct codec_token *data, struct codec_token *metadata)
{
    struct codec_scanner scanner = {.at = line, .end = line + length};
    struct codec_token name;
    struct codec_token value;
    while (codec_next_member(&scanner, &name, &value)) {
        if (codec_is_named(&name, member_names[MEMBER_DATA]))
            *data = value;
        else if (codec_is_named(&name, member_names[MEMBER_METADATA]))
            *metadata = value;
    }
    return data->bytes != NULL && metadata->bytes != NULL;
}

/* ---- read: the values ------------------------------------------------------------------------ */

/* A line that is being read. Each read_… leaves the first complaint and returns a plain value. */
struct copy_reader {
    const json_t *members;
    struct base_arena *arena;
    const char *complaint;
};

static void complain(struct copy_reader *reader, const char *complaint)
{
    if (reader->complaint == NULL)
        reader->complaint = complaint;
}

static void complain_of(struct copy_reader *reader, enum member member, const char *must_be)
{
    if (reader->complaint == NULL)
        reader->complaint =
            base_arena_printf(reader->arena, "\"%s\" must be %s", member_names[member], must_be);
}

static int64_t read_number(struct copy_reader *reader, enum member member, int64_t most)
{
    const json_t *value = json_object_get(reader->members, member_names[member]);
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > most)
        complain_of(reader, member, most == INT32_MAX ? "from 1 to 2147483647" : "from 1 upwards");
    return number;
}

static const char *read_text(struct copy_reader *reader, enum member member)
{
    const char *text = json_string_value(json_object_get(reader->members, member_names[member]));
    if (text == NULL)
        complain_of(reader, member, "a text");
    return text == NULL ? "" : base_arena_copy_text(reader->arena, text);
}

static struct base_uuid read_id(struct copy_reader *reader, enum member member)
{
    struct base_uuid id = {0};
    if (!base_uuid_parse(read_text(reader, member), &id))
        complain_of(reader, member, "a UUID");
    return id;
}

static int64_t read_time(struct copy_reader *reader, enum member member)
{
    int64_t time_us = 0;
    if (!base_time_parse(read_text(reader, member), &time_us))
        complain_of(reader, member, "a time as 2026-11-23T04:38:00.123456Z");
    return time_us;
}

/* ---- read: what belongs together ------------------------------------------------------------- */

static void check_members(struct copy_reader *reader)
{
    for (size_t i = 0; i < N_MEMBERS; i++)
        if (json_object_get(reader->members, member_names[i]) == NULL)
            complain(
                reader, base_arena_printf(reader->arena, "\"%s\" is missing", member_names[i]));
    if (json_object_size(reader->members) > N_MEMBERS)
        complain(reader, "there are members that an event does not have");
}

static void check_metadata(struct copy_reader *reader, const struct base_uuid *command_id)
{
    const json_t *metadata = json_object_get(reader->members, member_names[MEMBER_METADATA]);
    const char *told = json_string_value(json_object_get(metadata, "command_id"));
    struct base_uuid id;
    if (!json_is_object(metadata))
        complain_of(reader, MEMBER_METADATA, "an object");
    else if (told == NULL || !base_uuid_parse(told, &id) || base_uuid_compare(&id, command_id) != 0)
        complain(reader, "\"command_id\" is not that of the metadata");
}

static void read_members(
    struct copy_reader *reader, const char *line, size_t length, struct codec_event_copy *copy)
{
    struct codec_token data = {0};
    struct codec_token metadata = {0};
    struct codec_event *event = &copy->event;
    event->position = read_number(reader, MEMBER_POSITION, INT64_MAX);
    event->stream_type = read_text(reader, MEMBER_STREAM_TYPE);
    event->stream_id = read_id(reader, MEMBER_STREAM_ID);
    event->version = (int32_t)read_number(reader, MEMBER_VERSION, INT32_MAX);
    event->type = read_text(reader, MEMBER_TYPE);
    event->schema_version = (int32_t)read_number(reader, MEMBER_SCHEMA_VERSION, INT32_MAX);
    event->recorded_at_us = read_time(reader, MEMBER_RECORDED_AT);
    copy->command_id = read_id(reader, MEMBER_COMMAND_ID);
    if (reader->complaint != NULL)
        return;
    if (!find_texts(line, length, &data, &metadata)) {
        complain(reader, "\"data\" and \"metadata\" must be written as plain names");
        return;
    }
    event->data = base_arena_copy(reader->arena, data.bytes, data.length);
    event->metadata = base_arena_copy(reader->arena, metadata.bytes, metadata.length);
    copy->data_length = data.length;
    copy->metadata_length = metadata.length;
    if (!json_is_object(json_object_get(reader->members, member_names[MEMBER_DATA])))
        complain_of(reader, MEMBER_DATA, "an object");
    check_metadata(reader, &copy->command_id);
}

const char *codec_read_event_copy(
    const char *line, size_t length, struct base_arena *arena, struct codec_event_copy *copy)
{
    /* jansson reads over a NUL that comes behind a number. */
    if (memchr(line, '\0', length) != NULL)
        return "it is not JSON: there is a NUL byte";
    json_error_t error;
    json_auto_t *members = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (members == NULL)
        return base_arena_printf(arena, "it is not JSON: %.120s", error.text);
    if (!json_is_object(members))
        return "it is not a JSON object";
    struct copy_reader reader = {.members = members, .arena = arena};
    check_members(&reader);
    if (reader.complaint == NULL)
        read_members(&reader, line, length, copy);
    return reader.complaint;
}
