#include "events_piece.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "service.h"

void events_piece_begin(struct events_piece *piece, int64_t first_line)
{
    piece->n_events = 0;
    piece->n_bytes = 0;
    piece->n_streams = 0;
    piece->first_line = first_line;
    base_arena_reset(&piece->arena);
}

void events_piece_finish(struct events_piece *piece)
{
    base_arena_finish(&piece->arena);
}

bool events_piece_is_full(const struct events_piece *piece)
{
    return piece->n_events == EVENTS_PIECE_MAX || piece->n_bytes >= EVENTS_PIECE_BYTES_MAX;
}

/* ---- a line ---------------------------------------------------------------------------------- */

static const char *check_place(
    struct events_piece *piece, const struct events_place *place,
    const struct codec_event_copy *copy)
{
    const struct codec_event *event = &copy->event;
    if (event->position != place->position + 1)
        return base_arena_printf(
            &piece->arena, "its position is %" PRId64 ", but %" PRId64 " comes next",
            event->position, place->position + 1);
    if (place->position > 0 && event->recorded_at_us < place->recorded_at_us)
        return "it was recorded before the event in front of it";
    if (copy->sku == NULL)
        return NULL;
    struct base_uuid stream_id = aggregate_product_id(copy->sku);
    if (base_uuid_compare(&stream_id, &event->stream_id) != 0)
        return base_arena_printf(
            &piece->arena, "its stream_id is not that of the product \"%s\"", copy->sku);
    return NULL;
}

const char *events_piece_add(
    struct events_piece *piece, struct events_place *place, const char *line, size_t length)
{
    struct codec_event_copy copy = {0};
    const char *complaint = codec_read_event_copy(line, length, &piece->arena, &copy);
    if (complaint == NULL)
        complaint = check_place(piece, place, &copy);
    if (complaint != NULL)
        return complaint;
    const struct codec_event *event = &copy.event;
    piece->events[piece->n_events++] = (struct eventstore_event){
        .position = event->position,
        .stream_type = event->stream_type,
        .stream_id = event->stream_id,
        .version = event->version,
        .type = event->type,
        .schema_version = event->schema_version,
        .data = event->data,
        .metadata = event->metadata,
        .command_id = copy.command_id,
        .recorded_at_us = event->recorded_at_us,
    };
    piece->n_bytes += length;
    place->position = event->position;
    place->recorded_at_us = event->recorded_at_us;
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

const char *events_piece_list_streams(struct events_piece *piece, int64_t *line)
{
    BASE_CLEANUP(base_free_pointer)
    const struct eventstore_event **sorted = base_alloc(piece->n_events * sizeof *sorted);
    for (size_t i = 0; i < piece->n_events; i++)
        sorted[i] = &piece->events[i];
    qsort(sorted, piece->n_events, sizeof *sorted, compare_events);

    struct eventstore_copied_stream *stream = NULL;
    for (size_t i = 0; i < piece->n_events; i++) {
        const struct eventstore_event *event = sorted[i];
        *line = piece->first_line + (event - piece->events);
        if (stream == NULL || !is_of(stream, event)) {
            piece->first_lines[piece->n_streams] = *line;
            stream = &piece->streams[piece->n_streams++];
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
                &piece->arena, "its stream_type is \"%s\", but its stream is of type \"%s\"",
                event->stream_type, stream->stream_type);
        if (stream->last_version == INT32_MAX || event->version != stream->last_version + 1)
            return base_arena_printf(
                &piece->arena, "its version is %d, but its stream is at %d", (int)event->version,
                (int)stream->last_version);
        stream->last_version = event->version;
    }
    return NULL;
}

int64_t events_piece_line_of(const struct events_piece *piece, const struct base_uuid *stream_id)
{
    size_t i = 0;
    while (i + 1 < piece->n_streams &&
           base_uuid_compare(&piece->streams[i].stream_id, stream_id) != 0)
        i++;
    return piece->first_lines[i];
}
