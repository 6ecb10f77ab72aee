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

size_t aggregate_state_room(void)
{
    size_t most = 0;
    for (size_t i = 0; i < aggregates_count; i++)
        most = aggregates[i]->state_size > most ? aggregates[i]->state_size : most;
    return (most + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}
