#include "eventstore.h"

#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "columns.h"

/*
 * Any number of rows. A join with a subquery that is sorted by itself gives each stream's events in
 * their order, straight from the index: sorting all of them by stream and version cost a tenth of
 * it (bench/NOTES.md). Without that SQL promises no order, so whoever folds them looks at versions.
 *
 * A snapshot ahead of its stream is of another history, such as that of a log which was restored
 * without its read tables. Its state comes as null, which nobody can read.
 */
static const struct postgres_statement LOAD_STREAMS = {
    .name = "load_streams",
    .sql = "WITH wanted AS MATERIALIZED (\n"
           "    SELECT w.stream_id, coalesce(e.version, w.after_version) AS after_version,\n"
           "        s.version AS snapshot_version, s.shape,\n"
           "        CASE WHEN e.version IS NULL THEN 'null' ELSE s.state END AS state\n"
           "    FROM unnest($1, $2, $3) AS w (stream_id, after_version, shape)\n"
           "    LEFT JOIN snapshots s ON s.stream_id = w.stream_id AND s.shape = w.shape\n"
           "        AND s.version > w.after_version\n"
           "    LEFT JOIN events e ON e.stream_id = s.stream_id AND e.version = s.version\n"
           ")\n"
           "SELECT '', w.stream_id, w.snapshot_version, '" EVENTSTORE_SNAPSHOT "', w.shape,\n"
           "    w.state,\n"
           "    'epoch'\n"
           "FROM wanted w\n"
           "WHERE w.snapshot_version IS NOT NULL\n"
           "UNION ALL\n"
           "SELECT e.*\n"
           "FROM wanted w\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT " REPLAYED_COLUMNS "\n"
           "    FROM events\n"
           "    WHERE stream_id = w.stream_id AND version > w.after_version\n"
           "    ORDER BY version\n"
           ") e",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY),
};

/* At most one row a stream. */
static const struct postgres_statement LOAD_NEWEST = {
    .name = "load_newest",
    .sql = "SELECT e.*\n"
           "FROM unnest($1) AS w (stream_id)\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT " REPLAYED_COLUMNS "\n"
           "    FROM events\n"
           "    WHERE stream_id = w.stream_id\n"
           "    ORDER BY version DESC\n"
           "    LIMIT 1\n"
           ") e",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

const struct postgres_statement *const eventstore_load_statements[] = {
    &LOAD_STREAMS, &LOAD_NEWEST, NULL};

/* At most one row a wanted command. */
static const struct postgres_statement FIND_COMMANDS = {
    .name = "find_commands",
    .sql = "SELECT w.command_id, e.version\n"
           "FROM unnest($1, $2) AS w (stream_id, command_id)\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT version\n"
           "    FROM events\n"
           "    WHERE stream_id = w.stream_id AND command_id = w.command_id\n"
           "    ORDER BY version DESC\n"
           "    LIMIT 1\n"
           ") e",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY, POSTGRES_UUID_ARRAY),
};

/* At most $3 rows. */
const struct postgres_statement eventstore_load_stream_after = {
    .name = "load_stream_after",
    .sql = "SELECT " EVENT_COLUMNS "\n"
           "FROM events\n"
           "WHERE stream_id = $1 AND version > $2\n"
           "ORDER BY version\n"
           "LIMIT $3",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4, POSTGRES_INT4),
};

/* The lock of all who append (append.c), held until the transaction ends. */
const struct postgres_statement eventstore_lock_head = {
    .name = "lock_head",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT position FROM log_head FOR UPDATE",
};

/* A transaction that writes nothing to the write-ahead log commits without waiting for anybody, so
 * it writes a message there that nobody reads. */
static const struct postgres_statement CONFIRM = {
    .name = "confirm",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT CASE WHEN current_setting('synchronous_standby_names') <> ''\n"
           "    THEN pg_logical_emit_message(true, 'cartd', '') END IS NULL",
};

const struct postgres_statement eventstore_load_shared_position = {
    .name = "load_shared_position",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT coalesce((SELECT shared_position FROM log_head), 0)",
};

/* At most one row a wanted key. */
static const struct postgres_statement LOAD_KEYS = {
    .name = "load_keys",
    .sql = "SELECT k.scope_id, k.key, k.stream_id, k.fingerprint, k.status, k.version\n"
           "FROM unnest($1, $2) AS w (scope_id, key)\n"
           "JOIN idempotency_keys k ON k.scope_id = w.scope_id AND k.key = w.key",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY),
};

/* A snapshot of another shape is replaced whatever its version. */
static const struct postgres_statement STORE_SNAPSHOT = {
    .name = "store_snapshot",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO snapshots AS s (stream_id, version, shape, state)\n"
           "VALUES ($1, $2, $3, $4)\n"
           "ON CONFLICT (stream_id) DO UPDATE\n"
           "SET version = excluded.version, shape = excluded.shape, state = excluded.state\n"
           "WHERE s.version < excluded.version OR s.shape <> excluded.shape",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4, POSTGRES_INT4, POSTGRES_JSONB),
};

/* Two processes may do it at once: the second waits for the first and finds nothing. */
static const struct postgres_statement FORGET_KEYS = {
    .name = "forget_keys",
    .rows = POSTGRES_NO_ROWS,
    .sql = "DELETE FROM idempotency_keys\n"
           "WHERE (scope_id, key) IN (\n"
           "    SELECT scope_id, key\n"
           "    FROM idempotency_keys\n"
           "    WHERE created_at < now() - make_interval(hours => $1)\n"
           "    ORDER BY created_at\n"
           "    LIMIT $2\n"
           ")",
    POSTGRES_TYPES(POSTGRES_INT4, POSTGRES_INT4),
};

/* True when the process is gone. The pid alone could be another's by now. */
static const struct postgres_statement SETTLE = {
    .name = "settle",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT coalesce(bool_and(pg_terminate_backend(pid, 5000)), true)\n"
           "FROM pg_stat_activity\n"
           "WHERE pid = $1 AND backend_start = $2",
    POSTGRES_TYPES(POSTGRES_INT4, POSTGRES_TIMESTAMPTZ),
};

/* A row for each server process that was told to end. An append commits with the message that comes
 * after it, so one whose client froze in between (stopped, or its network gone) holds the head of
 * the log, and nothing of PostgreSQL's own ends that: its time limits are for statements and for
 * transactions that were begun in so many words. */
static const struct postgres_statement END_STUCK = {
    .name = "end_stuck",
    .sql = "SELECT pg_terminate_backend(a.pid)\n"
           "FROM pg_stat_activity a\n"
           "WHERE a.datname = current_database() AND a.usename = current_user\n"
           "    AND a.state = 'active' AND a.wait_event = 'ClientRead'\n"
           "    AND a.xact_start < clock_timestamp() - make_interval(secs => $1 / 1000.0)\n"
           "    AND EXISTS (SELECT FROM pg_locks l\n"
           "        WHERE l.pid = a.pid AND l.relation = 'log_head'::regclass\n"
           "            AND l.mode IN ('RowShareLock', 'RowExclusiveLock') AND l.granted)",
    POSTGRES_TYPES(POSTGRES_INT8),
};

struct eventstore {
    const struct eventstore_clause *const *clauses;
    size_t n_clauses;
    const struct eventstore_clause **usual_clauses; /* what of them is in the usual append */
    size_t n_usual_clauses;
    struct postgres_statement appends[EVENTSTORE_APPENDS];
    const struct postgres_statement *batch_statements[12];
};

static const struct postgres_statement *const SIDE_STATEMENTS[] = {
    &eventstore_load_history,
    &eventstore_version_before,
    &eventstore_read_head,
    &eventstore_load_stream_after,
    &STORE_SNAPSHOT,
    &eventstore_forget_snapshots,
    &FORGET_KEYS,
    &END_STUCK,
    NULL,
};

struct eventstore *eventstore_create(
    const struct eventstore_clause *const *clauses, size_t n_clauses)
{
    struct eventstore *store = base_alloc(sizeof *store);
    store->clauses = clauses;
    store->n_clauses = n_clauses;
    store->usual_clauses = base_alloc((n_clauses + 1) * sizeof(struct eventstore_clause *));
    for (size_t i = 0; i < n_clauses; i++) {
        const struct eventstore_clause *clause =
            clauses[i]->has_work == NULL ? clauses[i] : clauses[i]->usual;
        if (clause != NULL)
            store->usual_clauses[store->n_usual_clauses++] = clause;
    }
    for (size_t i = 0; i < EVENTSTORE_APPENDS; i++) {
        bool is_usual = i == EVENTSTORE_APPEND_USUAL;
        append_compose_append(
            (enum eventstore_append)i, is_usual ? store->usual_clauses : clauses,
            is_usual ? store->n_usual_clauses : n_clauses, &store->appends[i]);
    }
    const struct postgres_statement *const batch_statements[] = {
        &eventstore_lock_head,
        &store->appends[EVENTSTORE_APPEND_TIED],
        &store->appends[EVENTSTORE_APPEND_ANYTHING],
        &store->appends[EVENTSTORE_APPEND_USUAL],
        &CONFIRM,
        &LOAD_STREAMS,
        &LOAD_NEWEST,
        &FIND_COMMANDS,
        &LOAD_KEYS,
        &eventstore_load_shared_position,
        &SETTLE,
        NULL,
    };
    memcpy(store->batch_statements, batch_statements, sizeof batch_statements);
    return store;
}

void eventstore_destroy(struct eventstore *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < EVENTSTORE_APPENDS; i++)
        append_finish(&store->appends[i]);
    free(store->usual_clauses);
    free(store);
}

const struct postgres_statement *const *eventstore_batch_statements(const struct eventstore *store)
{
    return store->batch_statements;
}

const struct postgres_statement *const *eventstore_side_statements(void)
{
    return SIDE_STATEMENTS;
}

const struct postgres_statement *eventstore_append_statement(
    const struct eventstore *store, enum eventstore_append which)
{
    return &store->appends[which];
}

/* ---- appending ------------------------------------------------------------------------------- */

#define APPEND_AT 1   /* in its pipeline: behind the lock */
#define REFUSALS_AT 6 /* the column */

static void put_streams(
    struct postgres_parameters *to, const struct eventstore_stream *list, size_t n)
{
    POSTGRES_PUT_COLUMN(to, list, n, stream_id);
    POSTGRES_PUT_COLUMN(to, list, n, stream_type);
    POSTGRES_PUT_COLUMN(to, list, n, expected_version);
    POSTGRES_PUT_COLUMN(to, list, n, n_events);
    POSTGRES_PUT_COLUMN(to, list, n, is_shared);
}

static void put_events(
    struct postgres_parameters *to, const struct eventstore_new_event *list, size_t n)
{
    POSTGRES_PUT_COLUMN(to, list, n, ordinal);
    POSTGRES_PUT_COLUMN(to, list, n, version);
    POSTGRES_PUT_COLUMN(to, list, n, type);
    POSTGRES_PUT_COLUMN(to, list, n, schema_version);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_bytes(to, list[i].data, list[i].data_length);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_bytes(to, list[i].metadata, list[i].metadata_length);
    POSTGRES_PUT_COLUMN(to, list, n, command_id);
}

static void put_keys(
    struct postgres_parameters *to, const struct eventstore_new_key *list, size_t n,
    const struct eventstore_stream *streams)
{
    POSTGRES_PUT_COLUMN(to, list, n, ordinal);
    POSTGRES_PUT_COLUMN(to, list, n, scope_id);
    POSTGRES_PUT_COLUMN(to, list, n, key);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_uuid(to, &streams[list[i].ordinal - 1].stream_id);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_bytes(to, list[i].fingerprint, sizeof list[i].fingerprint);
    POSTGRES_PUT_COLUMN(to, list, n, status);
    POSTGRES_PUT_COLUMN(to, list, n, version);
}

static void put_number(struct postgres_parameters *to, int64_t number, int64_t none)
{
    if (number == none)
        postgres_put_null(to);
    else
        postgres_put_int8(to, number);
}

/* The smallest append that the batch fits in. */
static enum eventstore_append choose_append(
    const struct eventstore *store, const struct eventstore_batch *batch)
{
    bool is_usual = batch->n_keys == 0;
    for (size_t i = 0; i < batch->n_streams; i++)
        is_usual &= batch->streams[i].expected_version > 0;
    bool has_ties = batch->has_ties;
    for (size_t i = 0; i < store->n_clauses; i++) {
        const struct eventstore_clause *clause = store->clauses[i];
        bool has_work = clause->has_work != NULL && clause->has_work(batch->changes);
        has_ties |= has_work && clause->refusals != NULL;
        is_usual &= !has_work;
    }
    if (has_ties)
        return EVENTSTORE_APPEND_TIED;
    return is_usual ? EVENTSTORE_APPEND_USUAL : EVENTSTORE_APPEND_ANYTHING;
}

static void put_ties(struct postgres_parameters *to, const struct eventstore_batch *batch)
{
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n_streams; i++)
        postgres_put_int4(to, batch->has_ties ? batch->streams[i].tie : (int32_t)i + 1);
    postgres_end_array(to);
}

void eventstore_ask_append(
    const struct eventstore *store, struct postgres_pipeline *pipeline,
    const struct eventstore_batch *batch)
{
    enum eventstore_append which = choose_append(store, batch);
    bool is_usual = which == EVENTSTORE_APPEND_USUAL;
    const struct eventstore_clause *const *clauses =
        is_usual ? store->usual_clauses : store->clauses;
    size_t n_clauses = is_usual ? store->n_usual_clauses : store->n_clauses;
    eventstore_ask_lock(pipeline);
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &store->appends[which]);
    put_streams(to, batch->streams, batch->n_streams);
    put_events(to, batch->events, batch->n_events);
    postgres_end_array(to);
    put_number(to, batch->shared_position, EVENTSTORE_ANY);
    put_number(to, batch->log, 0);
    if (!is_usual)
        put_keys(to, batch->keys, batch->n_keys, batch->streams);
    if (which == EVENTSTORE_APPEND_TIED)
        put_ties(to, batch);
    for (size_t i = 0; i < n_clauses; i++)
        clauses[i]->put(to, batch->changes);
    if (batch->confirms_reads)
        eventstore_ask_confirm(pipeline);
}

void eventstore_ask_confirm(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(pipeline, &CONFIRM); /* it has no parameters */
}

void eventstore_ask_lock(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(pipeline, &eventstore_lock_head); /* it has no parameters */
}

void eventstore_ask_shared_position(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(
        pipeline, &eventstore_load_shared_position); /* it has no parameters */
}

int64_t eventstore_receive_shared_position(const struct postgres_rows *rows)
{
    return postgres_get_int8(rows, 0, 0);
}

void eventstore_receive_append(
    const struct postgres_pipeline *pipeline, struct eventstore_appended *appended)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, APPEND_AT);
    *appended = (struct eventstore_appended){
        .shared_has_moved = !postgres_get_bool(rows, 0, 3),
        .log_was_replaced = !postgres_get_bool(rows, 0, 4),
        .log = postgres_get_int8(rows, 0, 5),
        .has_refusals = !postgres_is_null(rows, 0, REFUSALS_AT),
    };
    if (postgres_is_null(rows, 0, 1))
        return;
    appended->position = postgres_get_int8(rows, 0, 1);
    appended->recorded_at_us = postgres_get_time(rows, 0, 2);
}

bool eventstore_was_accepted(const struct postgres_pipeline *pipeline, int32_t ordinal)
{
    return postgres_get_bools_at(
        postgres_pipeline_rows(pipeline, APPEND_AT), 0, 0, (size_t)ordinal - 1);
}

int32_t eventstore_refusal(const struct postgres_pipeline *pipeline, int32_t ordinal)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, APPEND_AT);
    return postgres_get_int4s_at(rows, 0, REFUSALS_AT, (size_t)ordinal - 1);
}

/* ---- loading --------------------------------------------------------------------------------- */

void eventstore_ask_streams(
    struct postgres_pipeline *pipeline, const struct eventstore_stream_wanted *wanted,
    size_t n_wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &LOAD_STREAMS);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, stream_id);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, after_version);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, snapshot_shape);
}

void eventstore_ask_newest(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams)
{
    POSTGRES_PUT_LIST(postgres_pipeline_add(pipeline, &LOAD_NEWEST), stream_ids, n_streams);
}

void eventstore_ask_commands(
    struct postgres_pipeline *pipeline, const struct eventstore_command_wanted *wanted,
    size_t n_wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &FIND_COMMANDS);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, stream_id);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, command_id);
}

void eventstore_receive_command(
    const struct postgres_rows *rows, size_t row, struct eventstore_command *command)
{
    *command = (struct eventstore_command){
        .command_id = postgres_get_uuid(rows, row, 0),
        .version = postgres_get_int4(rows, row, 1),
    };
}

void eventstore_ask_stream_after(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_id, int32_t after_version,
    int32_t limit)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &eventstore_load_stream_after);
    postgres_put_uuid(to, stream_id);
    postgres_put_int4(to, after_version);
    postgres_put_int4(to, limit);
}

void eventstore_receive_event(
    const struct postgres_rows *rows, size_t row, struct eventstore_event *event)
{
    *event = (struct eventstore_event){
        .position = postgres_get_int8(rows, row, 0),
        .stream_type = postgres_get_text(rows, row, 1),
        .stream_id = postgres_get_uuid(rows, row, 2),
        .version = postgres_get_int4(rows, row, 3),
        .type = postgres_get_text(rows, row, 4),
        .schema_version = postgres_get_int4(rows, row, 5),
        .data = postgres_get_text(rows, row, 6),
        .metadata = postgres_get_text(rows, row, 7),
        .command_id = postgres_get_uuid(rows, row, 8),
        .recorded_at_us = postgres_get_time(rows, row, 9),
    };
}

void eventstore_receive_replayed(
    const struct postgres_rows *rows, size_t row, struct eventstore_event *event)
{
    *event = (struct eventstore_event){
        .stream_type = postgres_get_text(rows, row, 0),
        .stream_id = postgres_get_uuid(rows, row, 1),
        .version = postgres_get_int4(rows, row, 2),
        .type = postgres_get_text(rows, row, 3),
        .schema_version = postgres_get_int4(rows, row, 4),
        .data = postgres_get_text(rows, row, 5),
        .recorded_at_us = postgres_get_time(rows, row, 6),
    };
}

void eventstore_ask_keys(
    struct postgres_pipeline *pipeline, const struct eventstore_key_wanted *wanted, size_t n_wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &LOAD_KEYS);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, scope_id);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, key);
}

void eventstore_receive_key(
    const struct postgres_rows *rows, size_t row, struct eventstore_key *key)
{
    *key = (struct eventstore_key){
        .scope_id = postgres_get_uuid(rows, row, 0),
        .key = postgres_get_text(rows, row, 1),
        .stream_id = postgres_get_uuid(rows, row, 2),
        .status = postgres_get_int4(rows, row, 4),
        .version = postgres_get_int4(rows, row, 5),
    };
    if (postgres_get_length(rows, row, 3) == sizeof key->fingerprint)
        memcpy(key->fingerprint, postgres_get_bytes(rows, row, 3), sizeof key->fingerprint);
}

/* ---- snapshots ------------------------------------------------------------------------------- */

void eventstore_ask_store_snapshot(
    struct postgres_pipeline *pipeline, const struct eventstore_snapshot *snapshot)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &STORE_SNAPSHOT);
    postgres_put_uuid(to, &snapshot->stream_id);
    postgres_put_int4(to, snapshot->version);
    postgres_put_int4(to, snapshot->shape);
    postgres_put_bytes(to, snapshot->state, snapshot->state_length);
}

/* ---- housekeeping ---------------------------------------------------------------------------- */

void eventstore_ask_forget_keys(struct postgres_pipeline *pipeline, int32_t hours, int32_t limit)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &FORGET_KEYS);
    postgres_put_int4(to, hours);
    postgres_put_int4(to, limit);
}

void eventstore_ask_settle(
    struct postgres_pipeline *pipeline, const struct postgres_backend *backend)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &SETTLE);
    postgres_put_int4(to, backend->pid);
    postgres_put_time(to, backend->started_at_us);
}

bool eventstore_receive_settled(const struct postgres_pipeline *pipeline)
{
    return postgres_get_bool(postgres_pipeline_rows(pipeline, 0), 0, 0);
}

void eventstore_ask_end_stuck(struct postgres_pipeline *pipeline, int64_t older_than_ms)
{
    postgres_put_int8(postgres_pipeline_add(pipeline, &END_STUCK), older_than_ms);
}

size_t eventstore_receive_end_stuck(const struct postgres_pipeline *pipeline)
{
    return postgres_rows_count(postgres_pipeline_rows(pipeline, 0));
}
