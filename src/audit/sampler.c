#include "internal.h"

/* Everything from begin() to the pause is one transaction that reads one snapshot. Slices are
 * short, so that no turn of the loop takes long. */

#define SAMPLE_EVENTS 4    /* that are picked; their streams are replayed */
#define SLICE_EVENTS 200   /* about a millisecond's work */
#define STREAM_EVENTS 2000 /* longer streams are left to `cartd verify` */

/* One line a stream: a table that was emptied by mistake must not drown the log. */
static void found(void *context, const struct audit_finding *finding)
{
    struct audit *audit = context;
    const struct chunk *chunk = &audit->walk.lanes[0];
    size_t i = 0;
    while (base_uuid_compare(&chunk->streams[i].id, &finding->stream_id) != 0)
        i++; /* findings are of the chunk */
    if (chunk->streams[i].n_findings > 1)
        return;
    char id[BASE_UUID_SIZE];
    base_uuid_format(&finding->stream_id, id);
    base_log(
        audit->options.log, BASE_LOG_DISCREPANCY, BASE_LOG_TEXT("table", finding->kind),
        BASE_LOG_TEXT("stream_type", finding->stream_type), BASE_LOG_TEXT("stream_id", id),
        BASE_LOG_NUMBER("version", finding->version),
        BASE_LOG_TEXT("difference", finding->sentence));
}

static void init(struct audit *audit)
{
    audit->options.found = found;
    audit->options.context = audit;
}

static void picked(struct audit *audit)
{
    walk_receive(audit, postgres_pipeline_rows(&audit->pipeline, 1));
    audit_go(audit, walk_ask);
}

static void begin(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    audit_ask_transaction(audit, true);
    eventstore_ask_random_entries(pipeline, SAMPLE_EVENTS);
    audit_send_pipeline(audit, picked);
}

static void receive(struct audit *audit, struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->n_streams; i++)
        metrics_add(
            audit->wanted.metrics,
            chunk->streams[i].n_findings == 0 ? METRICS_SAMPLED_SAME : METRICS_SAMPLED_DIFFERENT,
            1);
    walk_go_on(audit, chunk);
}

static void rest(struct audit *audit)
{
    audit->step = begin;
    audit_pause(audit);
}

const struct job job_sample = {
    .role = "sample",
    .slice_events = SLICE_EVENTS,
    .longest = STREAM_EVENTS,
    .n_lanes = 1,
    .is_endless = true,
    .init = init,
    .begin = begin,
    .receive = receive,
    .walked = rest,
};
