#include "eventstore.h"

#include <string.h>

#include "columns.h"

/* ---- which streams there are ----------------------------------------------------------------- */

/* Of a row s of streams. */
#define ENTRY_COLUMNS "s.stream_id, s.stream_type, " LAST_VERSION_OF("s")

/* At most $2 rows. */
static const struct postgres_statement READ_ENTRIES = {
    .name = "read_entries",
    .sql = "SELECT " ENTRY_COLUMNS "\n"
           "FROM streams s\n"
           "WHERE s.stream_id >= $1 AND (cardinality($3) = 0 OR s.stream_type = ANY ($3))\n"
           "ORDER BY s.stream_id\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4, POSTGRES_TEXT_ARRAY),
};

static const struct postgres_statement COUNT_ENTRIES = {
    .name = "count_entries",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT count(*)\n"
           "FROM streams\n"
           "WHERE stream_id >= $1 AND (cardinality($2) = 0 OR stream_type = ANY ($2))",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_TEXT_ARRAY),
};

/* At most one row a stream. */
static const struct postgres_statement READ_ENTRIES_OF = {
    .name = "read_entries_of",
    .sql = "SELECT " ENTRY_COLUMNS "\n"
           "FROM streams s\n"
           "WHERE s.stream_id = ANY ($1)\n"
           "ORDER BY s.stream_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* At most $1 rows. Positions are dense, so a random number is a random event. */
static const struct postgres_statement READ_RANDOM_ENTRIES = {
    .name = "read_random_entries",
    .sql = "SELECT " ENTRY_COLUMNS "\n"
           "FROM streams s\n"
           "WHERE s.stream_id = ANY (ARRAY(\n"
           "    SELECT stream_id\n"
           "    FROM events\n"
           "    WHERE position = ANY (ARRAY(\n"
           "        SELECT 1 + floor(random() * h.position)::bigint\n"
           "        FROM log_head h, generate_series(1, $1)))))\n"
           "ORDER BY s.stream_id",
    POSTGRES_TYPES(POSTGRES_INT4),
};

void eventstore_receive_entry(
    const struct postgres_rows *rows, size_t row, struct eventstore_entry *entry)
{
    *entry = (struct eventstore_entry){
        .stream_id = postgres_get_uuid(rows, row, 0),
        .stream_type = postgres_get_text(rows, row, 1),
        .version = postgres_get_int4(rows, row, 2),
    };
}

void eventstore_ask_entries(
    struct postgres_pipeline *pipeline, const struct eventstore_entries_wanted *wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &READ_ENTRIES);
    postgres_put_uuid(to, &wanted->first_id);
    postgres_put_int4(to, wanted->limit);
    POSTGRES_PUT_LIST(to, wanted->types, wanted->n_types);
}

void eventstore_ask_entries_count(
    struct postgres_pipeline *pipeline, const struct eventstore_entries_wanted *wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &COUNT_ENTRIES);
    postgres_put_uuid(to, &wanted->first_id);
    POSTGRES_PUT_LIST(to, wanted->types, wanted->n_types);
}

int64_t eventstore_receive_count(const struct postgres_rows *rows)
{
    return postgres_get_int8(rows, 0, 0);
}

void eventstore_ask_entries_of(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams)
{
    POSTGRES_PUT_LIST(postgres_pipeline_add(pipeline, &READ_ENTRIES_OF), stream_ids, n_streams);
}

void eventstore_ask_random_entries(struct postgres_pipeline *pipeline, int32_t n_events)
{
    postgres_put_int4(postgres_pipeline_add(pipeline, &READ_RANDOM_ENTRIES), n_events);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* At most $2 rows. */
static const struct postgres_statement READ_LOG_ROWS = {
    .name = "read_log_rows",
    .sql = "SELECT e.position, e.recorded_at, e.stream_id, s.stream_id IS NOT NULL\n"
           "FROM events e\n"
           "LEFT JOIN streams s ON s.stream_id = e.stream_id\n"
           "WHERE e.position > $1\n"
           "ORDER BY e.position\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT4),
};

void eventstore_ask_log_rows(
    struct postgres_pipeline *pipeline, int64_t after_position, int32_t limit)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &READ_LOG_ROWS);
    postgres_put_int8(to, after_position);
    postgres_put_int4(to, limit);
}

void eventstore_receive_log_row(
    const struct postgres_rows *rows, size_t row, struct eventstore_log_row *log_row)
{
    *log_row = (struct eventstore_log_row){
        .position = postgres_get_int8(rows, row, 0),
        .recorded_at_us = postgres_get_time(rows, row, 1),
        .stream_id = postgres_get_uuid(rows, row, 2),
        .has_entry = postgres_get_bool(rows, row, 3),
    };
}

/* ---- snapshots ------------------------------------------------------------------------------- */

/* At most one row a stream. */
static const struct postgres_statement READ_SNAPSHOTS = {
    .name = "read_snapshots",
    .sql = "SELECT stream_id, version, shape, state\n"
           "FROM snapshots\n"
           "WHERE stream_id = ANY ($1)\n"
           "ORDER BY stream_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* At most $1 rows. */
static const struct postgres_statement READ_ORPHAN_SNAPSHOTS = {
    .name = "read_orphan_snapshots",
    .sql = "SELECT n.stream_id, n.version, n.shape, n.state\n"
           "FROM snapshots n\n"
           "WHERE NOT EXISTS (SELECT 1 FROM streams s WHERE s.stream_id = n.stream_id)\n"
           "ORDER BY n.stream_id\n"
           "LIMIT $1",
    POSTGRES_TYPES(POSTGRES_INT4),
};

const struct postgres_statement eventstore_forget_snapshots = {
    .name = "forget_snapshots",
    .rows = POSTGRES_NO_ROWS,
    .sql = "DELETE FROM snapshots WHERE stream_id = ANY ($1)",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

void eventstore_ask_snapshots(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams)
{
    POSTGRES_PUT_LIST(postgres_pipeline_add(pipeline, &READ_SNAPSHOTS), stream_ids, n_streams);
}

void eventstore_receive_snapshot(
    const struct postgres_rows *rows, size_t row, struct eventstore_snapshot *snapshot)
{
    *snapshot = (struct eventstore_snapshot){
        .stream_id = postgres_get_uuid(rows, row, 0),
        .version = postgres_get_int4(rows, row, 1),
        .shape = postgres_get_int4(rows, row, 2),
        .state = postgres_get_text(rows, row, 3),
        .state_length = postgres_get_length(rows, row, 3),
    };
}

void eventstore_ask_orphan_snapshots(struct postgres_pipeline *pipeline, int32_t limit)
{
    postgres_put_int4(postgres_pipeline_add(pipeline, &READ_ORPHAN_SNAPSHOTS), limit);
}

void eventstore_ask_forget_snapshots(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams)
{
    POSTGRES_PUT_LIST(
        postgres_pipeline_add(pipeline, &eventstore_forget_snapshots), stream_ids, n_streams);
}

/* ---- stored answers -------------------------------------------------------------------------- */

/* At most $1 rows. */
static const struct postgres_statement READ_FALSE_KEYS = {
    .name = "read_false_keys",
    .sql = "SELECT k.scope_id, k.key, k.stream_id, k.fingerprint, k.status, k.version\n"
           "FROM idempotency_keys k\n"
           "LEFT JOIN events e ON e.stream_id = k.stream_id AND e.version = k.version\n"
           "WHERE (e.version IS NOT NULL AND k.status IN (200, 201)\n"
           "    AND length(k.fingerprint) = 32) IS NOT TRUE\n"
           "ORDER BY k.scope_id, k.key\n"
           "LIMIT $1",
    POSTGRES_TYPES(POSTGRES_INT4),
};

void eventstore_ask_false_keys(struct postgres_pipeline *pipeline, int32_t limit)
{
    postgres_put_int4(postgres_pipeline_add(pipeline, &READ_FALSE_KEYS), limit);
}

/* ---- shared streams -------------------------------------------------------------------------- */

/* It only grows, so it is never again what somebody may have cached. */
static const struct postgres_statement MOVE_SHARED_POSITION = {
    .name = "move_shared_position",
    .rows = POSTGRES_NO_ROWS,
    .sql = "UPDATE log_head SET shared_position = greatest(position, shared_position) + 1",
};

void eventstore_ask_move_shared_position(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(pipeline, &MOVE_SHARED_POSITION); /* it has no parameters */
}

const struct postgres_statement *const eventstore_walk_statements[] = {
    &READ_ENTRIES,
    &COUNT_ENTRIES,
    &READ_ENTRIES_OF,
    &eventstore_lock_head,
    &READ_RANDOM_ENTRIES,
    &READ_LOG_ROWS,
    &READ_SNAPSHOTS,
    &READ_ORPHAN_SNAPSHOTS,
    &eventstore_forget_snapshots,
    &READ_FALSE_KEYS,
    &MOVE_SHARED_POSITION,
    &eventstore_load_shared_position,
    NULL,
};
