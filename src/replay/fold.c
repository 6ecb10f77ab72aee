#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "replay.h"

enum replay_outcome replay_read(
    const struct aggregate *aggregate, const void *state, const struct eventstore_event *event,
    struct base_arena *arena, void *fact)
{
    if (strcmp(event->stream_type, aggregate->stream_type) != 0)
        return REPLAY_OTHER_TYPE;
    if (!aggregate->newest_says_all && event->version != aggregate->version(state) + 1)
        return REPLAY_MISSING;
    return aggregate->read(event, arena, fact) ? REPLAY_DONE : REPLAY_UNREADABLE;
}

static enum replay_outcome begin_from(
    const struct aggregate *aggregate, void *state, const struct eventstore_event *snapshot,
    struct base_arena *arena)
{
    if (aggregate->snapshot_shape != 0 && aggregate->read_snapshot(snapshot->data, arena, state) &&
        aggregate->version(state) == snapshot->version)
        return REPLAY_DONE;
    aggregate->begin(state);
    return REPLAY_BAD_SNAPSHOT;
}

enum replay_outcome replay_fold(
    const struct aggregate *aggregate, void *state, const struct eventstore_event *event,
    struct base_arena *arena)
{
    assert(aggregate->fact_size <= AGGREGATE_FACT_MAX);
    if (strcmp(event->type, EVENTSTORE_SNAPSHOT) == 0)
        return begin_from(aggregate, state, event, arena);
    alignas(max_align_t) char fact[AGGREGATE_FACT_MAX];
    enum replay_outcome outcome = replay_read(aggregate, state, event, arena, fact);
    if (outcome == REPLAY_DONE)
        aggregate->evolve(state, fact, event->version, event->recorded_at_us);
    return outcome;
}

void replay_log_unreadable(const struct base_log *log, const struct eventstore_event *event)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(&event->stream_id, id);
    base_log(
        log, BASE_LOG_EVENT_UNREADABLE, BASE_LOG_TEXT("stream_id", id),
        BASE_LOG_NUMBER("version", event->version), BASE_LOG_TEXT("type", event->type),
        BASE_LOG_NUMBER("schema_version", event->schema_version));
}

void replay_move_texts(const struct aggregate *aggregate, void *state, struct base_arena *to)
{
    void *packed = base_arena_alloc(to, aggregate->packed_size(state));
    aggregate->pack(packed, state);
    aggregate->copy(state, packed);
}
