#include "internal.h"

/*
 *   begin ──▶ the walk ──▶ orphans ◀──▶ ask_removal
 *             │    ▲         └── no table is left ──▶ ask_orphaned_snapshots ──▶ the end
 *             ▼    │
 *    rows differ: rewrite ──a stream was refused──▶ reload ──▶ rewrite …
 *
 * What was read is a guess until the head of the log is locked: a rewrite does that, and refuses a
 * stream that moved on meanwhile; then only what came since is loaded. The lock is not held across
 * a round trip to here, but for streams that keep moving on: it is taken before they are loaded,
 * and let go with the rewrite.
 */

#define SLICE_EVENTS 1000
#define REFUSED_MOST 8 /* before the lock is taken first */

/* A client that stops with the lock in its hand must not keep it from others for long. */
static const struct postgres_statement LIMIT_IDLE = {
    .name = "limit_idle",
    .sql = "SELECT set_config('idle_in_transaction_session_timeout', '1000', true)",
};

static void init(struct audit *audit)
{
    const struct audit_options *options = &audit->options;
    struct rebuild *rebuild = &audit->rebuild;
    rebuild->removing = base_alloc(options->n_tables * sizeof *rebuild->removing);
    rebuild->putting = base_alloc(options->n_tables * sizeof *rebuild->putting);
    for (size_t i = 0; i < options->n_tables; i++) {
        rebuild->removing[i] = options->tables[i]->removing;
        rebuild->putting[i] = options->tables[i]->clause;
    }
    rebuild->rewriter =
        eventstore_rewriter_create(rebuild->removing, rebuild->putting, options->n_tables);
    audit_add_statements(audit, eventstore_rewriter_statements(rebuild->rewriter));
    audit_add_statements(audit, (const struct postgres_statement *[]){&LIMIT_IDLE, NULL});
}

static void counted(struct audit *audit)
{
    audit->result.n_all = eventstore_receive_count(postgres_pipeline_rows(&audit->pipeline, 0));
    audit_go(audit, walk_ask);
}

static void begin(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    eventstore_ask_entries_count(
        pipeline, &(struct eventstore_entries_wanted){
                      .first_id = audit->walk.next_id,
                      .types = audit->walk.types,
                      .n_types = audit->walk.n_types,
                  });
    audit_send_pipeline(audit, counted);
}

/* ---- a chunk is loaded again, at last with the head locked ----------------------------------- */

static void locked(struct audit *audit)
{
    chunk_load(&audit->walk.lanes[0]);
}

static void reload(struct audit *audit)
{
    if (audit->rebuild.n_refused < REFUSED_MOST) {
        chunk_load(&audit->walk.lanes[0]);
        return;
    }
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    audit_ask_transaction(audit, false);
    (void)postgres_pipeline_add(pipeline, &LIMIT_IDLE); /* no parameters */
    eventstore_ask_lock(pipeline);
    audit_send_pipeline(audit, locked);
}

/* ---- its rows are rewritten ------------------------------------------------------------------ */

/* Of the streams that differ. */
static void ask_rewrite(struct audit *audit, struct chunk *chunk)
{
    struct eventstore_stream streams[CHUNK_STREAMS_MAX];
    struct projections_change list[CHUNK_STREAMS_MAX];
    bool has_shared = false;
    size_t n = 0;
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        stream->ordinal = 0;
        if (!stream->differs)
            continue;
        streams[n] = (struct eventstore_stream){
            .stream_id = stream->id, .expected_version = stream->version};
        list[n] = chunk_make_change(stream);
        stream->ordinal = list[n].ordinal = (int32_t)n + 1;
        has_shared |= stream->aggregate->is_shared;
        n++;
    }
    const struct projections_changes changes = {.list = list, .n = n};
    const struct eventstore_rewrite rewrite = {
        .streams = streams, .n_streams = n, .changes = &changes};
    if (n > 0)
        audit->rebuild.verdicts_at =
            eventstore_ask_rewrite(audit->rebuild.rewriter, &audit->pipeline, &rewrite);
    if (has_shared)
        eventstore_ask_move_shared_position(&audit->pipeline); /* what is offered has changed */
}

static void ask_forget_snapshots(struct audit *audit, const struct chunk *chunk)
{
    struct base_uuid ids[CHUNK_STREAMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < chunk->n_streams; i++)
        if (chunk->streams[i].has_bad_snapshot)
            ids[n++] = chunk->streams[i].id;
    if (n > 0)
        eventstore_ask_forget_snapshots(&audit->pipeline, ids, n);
    audit->rebuild.n_snapshots = n;
}

/* False: the stream was refused, and is tried again. */
static bool receive_verdict(struct audit *audit, const struct chunk_stream *stream)
{
    if (eventstore_was_rewritten(
            postgres_pipeline_rows(&audit->pipeline, audit->rebuild.verdicts_at),
            stream->ordinal)) {
        audit->result.n_rewritten++;
        return true;
    }
    if (!audit->is_in_transaction)
        return false;
    audit_report(/* nobody could have moved it on */
                 audit,
                 audit_about(
                     "events", stream->aggregate->stream_type, &stream->id, stream->version),
                 "the version of its last event is not the number of its events; its rows were "
                 "left "
                 "unchanged");
    return true;
}

static void rewritten(struct audit *audit)
{
    struct chunk *chunk = &audit->walk.lanes[0];
    bool is_refused = false;
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        stream->is_left_out = stream->ordinal == 0 || receive_verdict(audit, stream);
        stream->has_bad_snapshot = false;
        is_refused |= !stream->is_left_out;
    }
    audit->result.n_removed += (int64_t)audit->rebuild.n_snapshots;
    audit->is_in_transaction = false;
    audit->rebuild.n_refused = is_refused ? audit->rebuild.n_refused + 1 : 0;
    if (is_refused)
        audit_go(audit, reload);
    else
        walk_go_on(audit, chunk);
}

static void receive(struct audit *audit, struct chunk *chunk)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    ask_rewrite(audit, chunk);
    ask_forget_snapshots(audit, chunk);
    audit_ask_commit(audit);
    if (pipeline->n_statements > 0) {
        audit_send_pipeline(audit, rewritten);
    } else {
        audit->rebuild.n_refused = 0;
        walk_go_on(audit, chunk);
    }
}

/* ---- rows without a stream ------------------------------------------------------------------- */

static void removed(struct audit *audit)
{
    const struct postgres_rows *verdicts =
        postgres_pipeline_rows(&audit->pipeline, audit->rebuild.verdicts_at);
    for (size_t i = 0; i < audit->orphans.n_rows; i++)
        audit->result.n_removed += eventstore_was_rewritten(verdicts, (int32_t)i + 1);
    audit_go(audit, orphans_ask);
}

/* From all tables of the subject, but for streams that somebody has made meanwhile. */
static void ask_removal(struct audit *audit)
{
    const struct orphans *orphans = &audit->orphans;
    struct eventstore_stream streams[ORPHANS_PAGE];
    struct projections_change list[ORPHANS_PAGE];
    for (size_t i = 0; i < orphans->n_rows; i++) {
        const struct orphan *orphan = &orphans->rows[i];
        streams[i] = (struct eventstore_stream){
            .stream_id = orphan->stream_id, .expected_version = orphan->last_version};
        list[i] = (struct projections_change){
            .ordinal = (int32_t)i + 1,
            .aggregate = orphans->table->aggregate,
            .stream_id = orphan->stream_id,
            .key = orphan->key,
        };
    }
    const struct projections_changes changes = {.list = list, .n = orphans->n_rows};
    const struct eventstore_rewrite rewrite = {
        .streams = streams,
        .n_streams = orphans->n_rows,
        .changes = &changes,
        .only_removes = true,
    };
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    audit->rebuild.verdicts_at =
        eventstore_ask_rewrite(audit->rebuild.rewriter, pipeline, &rewrite);
    if (orphans->table->aggregate->is_shared)
        eventstore_ask_move_shared_position(pipeline);
    audit_send_pipeline(audit, removed);
}

/* ---- snapshots without a stream -------------------------------------------------------------- */

static void ask_orphaned_snapshots(struct audit *audit);

static void orphaned_snapshots_listed(struct audit *audit)
{
    struct rebuild *rebuild = &audit->rebuild;
    const struct postgres_rows *rows =
        postgres_pipeline_rows(&audit->pipeline, audit->pipeline.n_statements - 1);
    audit->result.n_removed += (int64_t)rebuild->n_snapshots;
    rebuild->n_snapshots = postgres_rows_count(rows);
    for (size_t row = 0; row < rebuild->n_snapshots; row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(rows, row, &snapshot);
        rebuild->snapshots[row] = snapshot.stream_id;
    }
    if (rebuild->n_snapshots > 0)
        audit_go(audit, ask_orphaned_snapshots);
    else
        audit_end(audit, AUDIT_DONE, NULL);
}

/* Removes those that were found, and finds others. */
static void ask_orphaned_snapshots(struct audit *audit)
{
    struct rebuild *rebuild = &audit->rebuild;
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    if (rebuild->n_snapshots > 0)
        eventstore_ask_forget_snapshots(pipeline, rebuild->snapshots, rebuild->n_snapshots);
    eventstore_ask_orphan_snapshots(pipeline, SNAPSHOTS_AT_ONCE);
    audit_send_pipeline(audit, orphaned_snapshots_listed);
}

/* ---- the job --------------------------------------------------------------------------------- */

static void found_orphans(struct audit *audit)
{
    const struct aggregate *only = audit->wanted.only;
    audit->rebuild.n_snapshots = 0;
    if (audit->orphans.table != NULL)
        audit_go(audit, audit->orphans.n_rows > 0 ? ask_removal : orphans_ask);
    else if (only == NULL || only->snapshot_shape != 0)
        audit_go(audit, ask_orphaned_snapshots);
    else
        audit_end(audit, AUDIT_DONE, NULL);
}

const struct job job_rebuild = {
    .role = "rebuild",
    .slice_events = SLICE_EVENTS,
    .longest = INT32_MAX,
    .n_lanes = 1,
    .writes = true,
    .init = init,
    .begin = begin,
    .reload = reload,
    .receive = receive,
    .walked = orphans_ask,
    .found_orphans = found_orphans,
};
