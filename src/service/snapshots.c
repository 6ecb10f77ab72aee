#include "internal.h"

#include <stdlib.h>

/* So that a flood of long carts can't fill the connection that answers replays; one that is not
 * stored now is stored some events later. */
#define SNAPSHOTS_AT_ONCE 16

struct snapshot {
    struct service *service;
    struct postgres_pipeline pipeline;
};

static void snapshot_stored(struct postgres_pipeline *pipeline)
{
    struct snapshot *snapshot = BASE_CONTAINER(pipeline, struct snapshot, pipeline);
    snapshot->service->n_snapshots--;
    postgres_pipeline_finish(pipeline); /* whatever became of it: the events are there */
    free(snapshot);
}

static struct snapshot *make_snapshot(struct service *service)
{
    struct snapshot *snapshot = base_alloc(sizeof *snapshot);
    snapshot->service = service;
    service->n_snapshots++;
    postgres_pipeline_begin(&snapshot->pipeline);
    snapshot->pipeline.answered = snapshot_stored;
    return snapshot;
}

void snapshot_forget(struct service *service, const struct base_uuid *stream_id)
{
    if (service->n_snapshots >= SNAPSHOTS_AT_ONCE || service->is_ending)
        return;
    struct snapshot *snapshot = make_snapshot(service);
    eventstore_ask_forget_snapshots(&snapshot->pipeline, stream_id, 1);
    postgres_send(service->side, &snapshot->pipeline);
}

void snapshot_state(
    struct service *service, const struct base_uuid *stream_id, const struct aggregate *aggregate,
    const void *state, int32_t version_before)
{
    int32_t version = aggregate->version(state);
    if (aggregate->snapshot_shape == 0 ||
        version / SNAPSHOT_EVERY == version_before / SNAPSHOT_EVERY ||
        service->n_snapshots >= SNAPSHOTS_AT_ONCE || service->is_ending)
        return;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    aggregate->write_snapshot(&text, state);
    struct snapshot *snapshot = make_snapshot(service);
    eventstore_ask_store_snapshot(
        &snapshot->pipeline, &(struct eventstore_snapshot){
                                 .stream_id = *stream_id,
                                 .version = version,
                                 .shape = aggregate->snapshot_shape,
                                 .state = text.bytes,
                                 .state_length = text.length,
                             });
    postgres_send(service->side, &snapshot->pipeline);
}
