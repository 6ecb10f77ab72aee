#include <inttypes.h>
#include <string.h>

#include "codec_fields.h"

/* CloudEvents 1.0.2: "Context Attributes", the JSON event format, and the extensions "sequence",
 * "partitioning" and "distributed tracing". */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct codec_cloud_event, member)

static const struct codec_field cloud_event_fields[] = {
    {FIELD("specversion", TEXT, specversion)},
    {FIELD("id", TEXT, id)},
    {FIELD("source", TEXT, source)},
    {FIELD("type", TEXT, type)},
    {FIELD("subject", TEXT, subject)},
    {FIELD("time", TIME, time_us)},
    {FIELD("datacontenttype", TEXT, datacontenttype)},
    {FIELD("sequence", TEXT, sequence)},
    {FIELD("partitionkey", TEXT, partitionkey)},
    {FIELD("traceparent", TEXT, traceparent), .is_optional = true},
    {FIELD("data", VERBATIM, data)},
    {.name = NULL},
};

#undef FIELD

struct codec_cloud_event codec_make_cloud_event(
    const struct codec_event *event, const struct codec_cloud_naming *naming,
    struct base_arena *arena)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer data = {0};
    char stream[BASE_UUID_SIZE];
    base_uuid_format(&event->stream_id, stream);
    const char *stream_id = base_arena_copy_text(arena, stream);
    return (struct codec_cloud_event){
        .specversion = "1.0",
        .id = base_arena_printf(arena, "%s:%" PRId32, stream, event->version),
        .source = naming->source,
        .type = base_arena_printf(
            arena, "%s.%s.%s.v%" PRId32, naming->prefix, event->stream_type, event->type,
            event->schema_version),
        .subject = stream_id,
        .time_us = event->recorded_at_us,
        .datacontenttype = "application/json",
        .sequence = base_arena_printf(arena, "%016" PRId64, event->position),
        .partitionkey = stream_id,
        .traceparent = codec_read_traceparent(event->metadata, arena),
        .data = base_arena_copy_text(arena, codec_show_data(event, &data)),
    };
}

void codec_write_cloud_event(struct base_buffer *out, const struct codec_cloud_event *event)
{
    codec_write_fields(out, cloud_event_fields, event);
}
