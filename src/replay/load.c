#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* ---- asking ---------------------------------------------------------------------------------- */

static int ask_streams(
    const struct replay_load *load, struct postgres_pipeline *pipeline, struct base_arena *arena)
{
    struct eventstore_stream_wanted *streams =
        base_arena_alloc(arena, load->n_wanted * sizeof *streams);
    size_t n = 0;
    for (size_t i = 0; i < load->n_wanted; i++) {
        const struct replay_wanted *wanted = load->wanted[i];
        const struct aggregate *aggregate = wanted->aggregate;
        if (!aggregate->newest_says_all)
            streams[n++] = (struct eventstore_stream_wanted){
                .stream_id = wanted->id,
                .after_version = aggregate->version(wanted->state),
                .snapshot_shape = wanted->without_snapshot ? 0 : aggregate->snapshot_shape,
            };
    }
    if (n == 0)
        return -1;
    eventstore_ask_streams(pipeline, streams, n);
    return (int)pipeline->n_statements - 1;
}

static int ask_newest(
    const struct replay_load *load, struct postgres_pipeline *pipeline, struct base_arena *arena)
{
    struct base_uuid *ids = base_arena_alloc(arena, load->n_wanted * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < load->n_wanted; i++)
        if (load->wanted[i]->aggregate->newest_says_all)
            ids[n++] = load->wanted[i]->id;
    if (n == 0)
        return -1;
    eventstore_ask_newest(pipeline, ids, n);
    return (int)pipeline->n_statements - 1;
}

void replay_ask(
    struct replay_load *load, struct postgres_pipeline *pipeline, struct base_arena *arena)
{
    for (size_t i = 0; i < load->n_wanted; i++) {
        struct replay_wanted *wanted = load->wanted[i];
        wanted->began_at = wanted->aggregate->version(wanted->state);
        wanted->n_read = 0;
        wanted->outcome = REPLAY_DONE;
    }
    load->streams_at = ask_streams(load, pipeline, arena);
    load->newest_at = ask_newest(load, pipeline, arena);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static int compare_id(const void *id, const void *element)
{
    const struct replay_wanted *const *wanted = element;
    return base_uuid_compare(id, &(*wanted)->id);
}

static struct replay_wanted *find(const struct replay_load *load, const struct base_uuid *id)
{
    struct replay_wanted *const *found =
        bsearch(id, load->wanted, load->n_wanted, sizeof(load->wanted[0]), compare_id);
    return found == NULL ? NULL : *found;
}

/* A stream of which some events are of another type is one that nobody can replay; one of which all
 * are is another thing's. */
static enum replay_outcome judge(const struct replay_wanted *wanted, enum replay_outcome outcome)
{
    bool is_other_thing = wanted->n_read == 0 && wanted->began_at == 0;
    return outcome == REPLAY_OTHER_TYPE && !is_other_thing ? REPLAY_UNREADABLE : outcome;
}

static void receive(
    struct replay_wanted *wanted, const struct eventstore_event *event, struct base_arena *arena,
    const struct base_log *log)
{
    bool is_snapshot = strcmp(event->type, EVENTSTORE_SNAPSHOT) == 0;
    enum replay_outcome outcome = replay_fold(wanted->aggregate, wanted->state, event, arena);
    wanted->outcome = judge(wanted, outcome);
    if (!is_snapshot)
        wanted->n_read++;
    else if (outcome == REPLAY_DONE)
        wanted->began_at = event->version;
    if (wanted->outcome != REPLAY_DONE && wanted->outcome != REPLAY_OTHER_TYPE)
        replay_log_unreadable(log, event);
}

static void receive_rows(
    const struct replay_load *load, const struct postgres_pipeline *pipeline, int index,
    struct base_arena *arena, const struct base_log *log)
{
    if (index < 0)
        return;
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, (size_t)index);
    size_t n_rows = postgres_rows_count(rows);
    struct replay_wanted *wanted = NULL;
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_replayed(rows, row, &event);
        if (wanted == NULL || base_uuid_compare(&wanted->id, &event.stream_id) != 0)
            wanted = find(load, &event.stream_id);
        if (wanted != NULL && wanted->outcome == REPLAY_DONE)
            receive(wanted, &event, arena, log);
    }
}

void replay_receive(
    const struct replay_load *load, const struct postgres_pipeline *pipeline,
    struct base_arena *arena, const struct base_log *log)
{
    receive_rows(load, pipeline, load->streams_at, arena, log);
    receive_rows(load, pipeline, load->newest_at, arena, log);
}
