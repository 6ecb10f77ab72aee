#include <assert.h>

#include "replay.h"

void replay_ranges_begin(struct replay_ranges *ranges)
{
    ranges->n = 0;
}

bool replay_ranges_add(struct replay_ranges *ranges, const struct replay_range *range)
{
    if (ranges->n == REPLAY_RANGES_MAX)
        return false;
    ranges->list[ranges->n++] = *range;
    return true;
}

void replay_ranges_ask(const struct replay_ranges *ranges, struct postgres_pipeline *pipeline)
{
    struct eventstore_range wanted[REPLAY_RANGES_MAX];
    for (size_t i = 0; i < ranges->n; i++)
        wanted[i] = (struct eventstore_range){
            .stream_id = ranges->list[i].id,
            .after_version = ranges->list[i].after_version,
            .until_version = ranges->list[i].until_version,
        };
    eventstore_ask_ranges(pipeline, wanted, ranges->n, ranges->slice_events);
}

/* The first row behind those of the stream that `row` is of. */
static size_t end_of_stream(
    const struct postgres_rows *rows, size_t row, const struct replay_range *range,
    int32_t *version)
{
    size_t n_rows = postgres_rows_count(rows);
    for (; row < n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        if (base_uuid_compare(&event.stream_id, &range->id) != 0)
            break;
        *version = event.version;
    }
    return row;
}

bool replay_ranges_receive(struct replay_ranges *ranges, const struct postgres_rows *rows)
{
    size_t n_rows = postgres_rows_count(rows);
    size_t at = 0;
    for (size_t row = 0; row < n_rows;) {
        assert(at < ranges->n); /* rows come in the order of the list */
        struct replay_range *range = &ranges->list[at];
        size_t end = end_of_stream(rows, row, range, &range->after_version);
        if (end > row)
            ranges->received(ranges->context, range->owner, rows, row, end);
        if (end < n_rows)
            at++;
        row = end;
    }
    /* A full slice ends somewhere in the stream that it is at; those before that are complete. */
    bool is_full = n_rows == (size_t)ranges->slice_events;
    size_t n_left = is_full ? ranges->n - at : 0;
    if (n_left > 0 && ranges->list[at].after_version >= ranges->list[at].until_version) {
        at++;
        n_left--;
    }
    for (size_t i = 0; i < n_left; i++)
        ranges->list[i] = ranges->list[at + i];
    ranges->n = n_left;
    return n_left > 0;
}
