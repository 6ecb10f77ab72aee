#include "events_chunk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "codec.h"

void events_chunk_begin(struct events_chunk *chunk, int64_t first_line)
{
    chunk->n_events = 0;
    chunk->n_bytes = 0;
    chunk->n_streams = 0;
    chunk->first_line = first_line;
    base_arena_reset(&chunk->arena);
}

void events_chunk_finish(struct events_chunk *chunk)
{
    base_arena_finish(&chunk->arena);
}

bool events_chunk_is_full(const struct events_chunk *chunk)
{
    return chunk->n_events == EVENTS_CHUNK_MAX || chunk->n_bytes >= EVENTS_CHUNK_BYTES_MAX;
}

/* ---- a line ---------------------------------------------------------------------------------- */

static const char *check_position(
    struct events_chunk *chunk, const struct events_last *last,
    const struct eventstore_event *event)
{
    if (event->position != last->position + 1)
        return base_arena_printf(
            &chunk->arena, "its position is %" PRId64 ", but %" PRId64 " comes next",
            event->position, last->position + 1);
    if (last->position > 0 && event->recorded_at_us < last->recorded_at_us)
        return "it was recorded before the event in front of it";
    return NULL;
}

static const char *refuse_type(struct events_chunk *chunk)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_append_text(&text, "\"stream_type\" must be ");
    for (size_t i = 0; i < aggregates_count; i++) {
        base_buffer_append_text(&text, i == 0 ? "" : i + 1 < aggregates_count ? ", " : " or ");
        base_buffer_append_text(&text, aggregates[i]->stream_type);
    }
    return base_arena_copy_text(&chunk->arena, base_buffer_text(&text));
}

/* Where streams are known by a text, each event says all of the stream. */
static const char *check_key(
    struct events_chunk *chunk, const struct aggregate *aggregate,
    const struct eventstore_event *event, const void *fact)
{
    void *state = base_arena_alloc(&chunk->arena, aggregate->state_size);
    aggregate->begin(state);
    aggregate->evolve(state, fact, event->version, event->recorded_at_us);
    const char *key = aggregate->key(state);
    struct base_uuid id = aggregate->id_of_key(key);
    if (base_uuid_compare(&id, &event->stream_id) == 0)
        return NULL;
    return base_arena_printf(
        &chunk->arena, "its stream_id is not that of the %s \"%s\"", aggregate->stream_type, key);
}

/* What an event means is checked by reading it as it will be read from the log. */
static const char *check_meaning(struct events_chunk *chunk, const struct eventstore_event *event)
{
    const struct aggregate *aggregate = aggregate_find(event->stream_type);
    if (aggregate == NULL)
        return refuse_type(chunk);
    void *fact = base_arena_alloc(&chunk->arena, aggregate->fact_size);
    if (!aggregate->read(event, &chunk->arena, fact))
        return base_arena_printf(
            &chunk->arena, "its data is not that of a %.64s with schema_version %d", event->type,
            (int)event->schema_version);
    const char *first = aggregate->first_event;
    if (first != NULL && (strcmp(event->type, first) == 0) != (event->version == 1))
        return base_arena_printf(
            &chunk->arena, "the first event of a %s, and no other, is %s", aggregate->stream_type,
            first);
    return aggregate->key == NULL ? NULL : check_key(chunk, aggregate, event, fact);
}

const char *events_chunk_add(
    struct events_chunk *chunk, struct events_last *last, const char *line, size_t length)
{
    struct codec_event_copy copy = {0};
    const char *complaint = codec_read_event_copy(line, length, &chunk->arena, &copy);
    if (complaint != NULL)
        return complaint;
    const struct eventstore_event event = {
        .position = copy.event.position,
        .stream_type = copy.event.stream_type,
        .stream_id = copy.event.stream_id,
        .version = copy.event.version,
        .type = copy.event.type,
        .schema_version = copy.event.schema_version,
        .data = copy.event.data,
        .metadata = copy.event.metadata,
        .command_id = copy.command_id,
        .recorded_at_us = copy.event.recorded_at_us,
    };
    complaint = check_meaning(chunk, &event);
    if (complaint == NULL)
        complaint = check_position(chunk, last, &event);
    if (complaint != NULL)
        return complaint;
    chunk->events[chunk->n_events++] = event;
    chunk->n_bytes += length;
    last->position = event.position;
    last->recorded_at_us = event.recorded_at_us;
    return NULL;
}

/* ---- the streams ----------------------------------------------------------------------------- */

static int compare_events(const void *left, const void *right)
{
    const struct eventstore_event *one = *(const struct eventstore_event *const *)left;
    const struct eventstore_event *other = *(const struct eventstore_event *const *)right;
    int order = base_uuid_compare(&one->stream_id, &other->stream_id);
    if (order != 0)
        return order;
    return one->position < other->position ? -1 : one->position > other->position;
}

static bool is_of(
    const struct eventstore_copied_stream *stream, const struct eventstore_event *event)
{
    return base_uuid_compare(&stream->stream_id, &event->stream_id) == 0;
}

const char *events_chunk_list_streams(struct events_chunk *chunk, int64_t *line)
{
    BASE_CLEANUP(base_free_pointer)
    const struct eventstore_event **sorted = base_alloc(chunk->n_events * sizeof *sorted);
    for (size_t i = 0; i < chunk->n_events; i++)
        sorted[i] = &chunk->events[i];
    qsort(sorted, chunk->n_events, sizeof *sorted, compare_events);

    struct eventstore_copied_stream *stream = NULL;
    for (size_t i = 0; i < chunk->n_events; i++) {
        const struct eventstore_event *event = sorted[i];
        *line = chunk->first_line + (event - chunk->events);
        if (stream == NULL || !is_of(stream, event)) {
            chunk->first_lines[chunk->n_streams] = *line;
            stream = &chunk->streams[chunk->n_streams++];
            *stream = (struct eventstore_copied_stream){
                .stream_id = event->stream_id,
                .stream_type = event->stream_type,
                .first_version = event->version,
                .last_version = event->version,
            };
            continue;
        }
        if (strcmp(stream->stream_type, event->stream_type) != 0)
            return base_arena_printf(
                &chunk->arena, "its stream_type is \"%s\", but its stream is of type \"%s\"",
                event->stream_type, stream->stream_type);
        if (stream->last_version == INT32_MAX || event->version != stream->last_version + 1)
            return base_arena_printf(
                &chunk->arena, "its version is %d, but its stream is at %d", (int)event->version,
                (int)stream->last_version);
        stream->last_version = event->version;
    }
    return NULL;
}

int64_t events_chunk_line_of(const struct events_chunk *chunk, const struct base_uuid *stream_id)
{
    size_t i = 0;
    while (i + 1 < chunk->n_streams &&
           base_uuid_compare(&chunk->streams[i].stream_id, stream_id) != 0)
        i++;
    return chunk->first_lines[i];
}
