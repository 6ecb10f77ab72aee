#include "internal.h"

#include <inttypes.h>

/*
 *   begin ──▶ the walk ──▶ ask_positions ──▶ orphans ──▶ ask_rest ──▶ the end
 *
 * One connection, one transaction, one snapshot, of which nothing is left to be committed.
 */

#define SLICE_EVENTS 2000
#define POSITIONS_PAGE 20000
#define REST_LIMIT 1000 /* snapshots and keys that are reported */
/* Nobody waits for a lock of ours, so waiting costs nothing. */
#define ANSWER_MS INT64_C(3600000)

/* A row a checkpoint of a projection that can't be where it is: beyond the log, or beyond itself.
 */
static const struct postgres_statement FALSE_CHECKPOINTS = {
    .name = "read_false_checkpoints",
    .sql = "SELECT c.name, c.position\n"
           "FROM projection_checkpoints c\n"
           "CROSS JOIN log_head h\n"
           "WHERE (c.position BETWEEN 0 AND h.position\n"
           "    AND coalesce(c.recorded_at <= h.recorded_at, true)\n"
           "    AND coalesce(c.rebuilt_position BETWEEN 0 AND c.position, true)\n"
           "    AND coalesce(c.paused_position BETWEEN 1 AND h.position, true)) IS NOT TRUE\n"
           "ORDER BY c.name",
};

static const struct audit_finding ABOUT_LOG = {.kind = "log"};

static void init(struct audit *audit)
{
    audit->verify.last_position = INT64_MIN;
    audit_add_statements(audit, eventstore_log_statements);
    audit_add_statements(
        audit, (const struct postgres_statement *[]){
                   &FALSE_CHECKPOINTS, &projections_false_rankings, NULL});
}

/* ---- the snapshot, and what there is --------------------------------------------------------- */

static void begun(struct audit *audit)
{
    const struct postgres_rows *head = postgres_pipeline_rows(&audit->pipeline, 1);
    if (postgres_rows_count(head) != 1) {
        audit_report(audit, ABOUT_LOG, "log_head has no row: nothing can be appended");
        audit_end(audit, AUDIT_DONE, NULL); /* nothing to check the rest against */
        return;
    }
    audit->verify.head = eventstore_receive_head(head);
    audit->result.head = audit->verify.head.position;
    audit->result.n_all = eventstore_receive_count(postgres_pipeline_rows(&audit->pipeline, 2));
    audit->verify.shared_position =
        eventstore_receive_shared_position(postgres_pipeline_rows(&audit->pipeline, 3));
    audit_go(audit, walk_ask);
}

static void begin(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    audit_ask_transaction(audit, true);
    eventstore_ask_head(pipeline);
    eventstore_ask_entries_count(pipeline, &(struct eventstore_entries_wanted){.limit = 0});
    eventstore_ask_shared_position(pipeline);
    audit_send_pipeline(audit, begun);
}

/* ---- the order of the log -------------------------------------------------------------------- */

static void check_position(struct audit *audit, const struct eventstore_log_row *log_row)
{
    struct verify *verify = &audit->verify;
    bool is_first = audit->result.n_positions == 0;
    int64_t expected = is_first ? 1 : verify->last_position + 1;
    if (log_row->position > expected)
        audit_report(
            audit, ABOUT_LOG, "position %" PRId64 " is missing: the next event is at %" PRId64,
            expected, log_row->position);
    else if (log_row->position < expected)
        audit_report(
            audit, ABOUT_LOG, "position %" PRId64 " is before the first", log_row->position);
    if (!is_first && log_row->recorded_at_us < verify->last_at_us)
        audit_report(
            audit, ABOUT_LOG,
            "recorded_at goes back at position %" PRId64 ", by %" PRId64 " microseconds",
            log_row->position, verify->last_at_us - log_row->recorded_at_us);
    if (!log_row->has_entry) {
        verify->n_without_entry++;
        audit_report(
            audit, audit_about("streams", "stream", &log_row->stream_id, 0),
            "has an event but no row in streams");
    }
    verify->last_position = log_row->position;
    verify->last_at_us = log_row->recorded_at_us;
    audit->result.n_positions++;
}

static void check_head(struct audit *audit)
{
    const struct verify *verify = &audit->verify;
    int64_t n_positions = audit->result.n_positions;
    int64_t last = n_positions == 0 ? 0 : verify->last_position;
    if (verify->head.position != last)
        audit_report(
            audit, ABOUT_LOG, "log_head.position is %" PRId64 " and should be %" PRId64,
            verify->head.position, last);
    else if (last > 0 && verify->head.recorded_at_us != verify->last_at_us)
        audit_report(audit, ABOUT_LOG, "log_head.recorded_at is not that of the last event");
    if (verify->shared_position < audit->last_shared_position)
        audit_report(
            audit, ABOUT_LOG,
            "log_head.shared_position is %" PRId64 ", before the last product's %" PRId64,
            verify->shared_position, audit->last_shared_position);
    int64_t n_by_stream = audit->result.n_events + verify->n_without_entry;
    if (n_by_stream != n_positions)
        audit_report(
            audit, ABOUT_LOG, "%" PRId64 " events are found by stream and %" PRId64 " by position",
            n_by_stream, n_positions);
}

static void ask_positions(struct audit *audit);

static void positions_answered(struct audit *audit)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(&audit->pipeline, 0);
    size_t n_rows = postgres_rows_count(rows);
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_log_row log_row;
        eventstore_receive_log_row(rows, row, &log_row);
        check_position(audit, &log_row);
    }
    if (n_rows == POSITIONS_PAGE) {
        audit_go(audit, ask_positions);
        return;
    }
    check_head(audit);
    audit_go(audit, orphans_ask);
}

static void ask_positions(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    eventstore_ask_log_rows(pipeline, audit->verify.last_position, POSITIONS_PAGE);
    audit_send_pipeline(audit, positions_answered);
}

/* ---- the rest: snapshots, keys, checkpoints -------------------------------------------------- */

static void report_false_key(struct audit *audit, const struct eventstore_key *key)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quoted = {0};
    base_buffer_append_json_text(&quoted, key->key);
    audit_report(
        audit, audit_about("idempotency_keys", "stream", &key->stream_id, key->version),
        "the answer stored for the key %s is impossible: status %d, version %d of a stream that "
        "has not reached it",
        base_buffer_text(&quoted), (int)key->status, (int)key->version);
}

static void tell_false_rankings(struct audit *audit, const struct postgres_rows *rows)
{
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct base_uuid cart_id = postgres_get_uuid(rows, row, 0);
        audit_report(
            audit, audit_about("cart_rankings", aggregate_cart.stream_type, &cart_id, 0),
            "cart_rankings differs from carts, by more than what the projection has not processed; "
            "`cartd projections rebuild cart_rankings` writes it anew");
    }
}

static void rest_answered(struct audit *audit)
{
    const struct postgres_rows *snapshots = postgres_pipeline_rows(&audit->pipeline, 0);
    for (size_t row = 0; row < postgres_rows_count(snapshots); row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(snapshots, row, &snapshot);
        audit_report(
            audit, audit_about("snapshots", "stream", &snapshot.stream_id, snapshot.version),
            "has a snapshot, but it does not exist");
    }
    const struct postgres_rows *keys = postgres_pipeline_rows(&audit->pipeline, 1);
    for (size_t row = 0; row < postgres_rows_count(keys); row++) {
        struct eventstore_key key;
        eventstore_receive_key(keys, row, &key);
        report_false_key(audit, &key);
    }
    const struct postgres_rows *checkpoints = postgres_pipeline_rows(&audit->pipeline, 2);
    for (size_t row = 0; row < postgres_rows_count(checkpoints); row++)
        audit_report(
            audit, (struct audit_finding){.kind = "projection_checkpoints"},
            "the checkpoint of \"%.40s\" is impossible: position %" PRId64,
            postgres_get_text(checkpoints, row, 0), postgres_get_int8(checkpoints, row, 1));
    tell_false_rankings(audit, postgres_pipeline_rows(&audit->pipeline, 3));
    audit_end(audit, AUDIT_DONE, NULL);
}

static void ask_rest(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    eventstore_ask_orphan_snapshots(pipeline, REST_LIMIT);
    eventstore_ask_false_keys(pipeline, REST_LIMIT);
    (void)postgres_pipeline_add(pipeline, &FALSE_CHECKPOINTS); /* no parameters */
    postgres_put_int4(postgres_pipeline_add(pipeline, &projections_false_rankings), REST_LIMIT);
    audit_send_pipeline(audit, rest_answered);
}

/* ---- the job --------------------------------------------------------------------------------- */

static void report_orphan(
    struct audit *audit, const struct projections_table *table, const struct orphan *orphan)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer key = {0};
    if (orphan->key != NULL) {
        base_buffer_append_text(&key, ": sku ");
        base_buffer_append_json_text(&key, orphan->key);
    }
    audit_report(
        audit, audit_about(table->name, table->aggregate->stream_type, &orphan->stream_id, 0),
        "%s has rows for it, but it does not exist%s", table->name, base_buffer_text(&key));
}

static void found_orphans(struct audit *audit)
{
    const struct orphans *orphans = &audit->orphans;
    for (size_t i = 0; i < orphans->n_rows; i++)
        report_orphan(audit, orphans->table, &orphans->rows[i]);
    audit_go(audit, orphans->table != NULL ? orphans_ask : ask_rest);
}

const struct job job_verify = {
    .role = "verify",
    .slice_events = SLICE_EVENTS,
    .longest = INT32_MAX,
    .n_lanes = 2,
    .answer_ms = ANSWER_MS,
    .init = init,
    .begin = begin,
    .receive = walk_go_on,
    .walked = ask_positions,
    .found_orphans = found_orphans,
};
