#include "aggregate.h"

#include <stdalign.h>
#include <string.h>

const struct aggregate *aggregate_find(const char *stream_type)
{
    for (size_t i = 0; i < aggregates_count; i++)
        if (strcmp(aggregates[i]->stream_type, stream_type) == 0)
            return aggregates[i];
    return NULL;
}

void aggregate_write_document(
    struct base_buffer *out, const struct aggregate *aggregate, const struct base_uuid *id,
    const void *state)
{
    struct aggregate_times times = aggregate->times(state);
    aggregate->write_document(out, id, state);
    aggregate->append_times(out, &times);
}

struct codec_event aggregate_to_codec(const struct eventstore_event *event)
{
    return (struct codec_event){
        .position = event->position,
        .stream_type = event->stream_type,
        .stream_id = event->stream_id,
        .version = event->version,
        .type = event->type,
        .schema_version = event->schema_version,
        .recorded_at_us = event->recorded_at_us,
        .data = event->data,
        .metadata = event->metadata,
    };
}

size_t aggregate_state_room(void)
{
    size_t most = 0;
    for (size_t i = 0; i < aggregates_count; i++)
        most = aggregates[i]->state_size > most ? aggregates[i]->state_size : most;
    return (most + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}
