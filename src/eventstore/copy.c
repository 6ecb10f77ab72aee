#include "columns.h"
#include "eventstore.h"

#define COPIED_TYPES                                                                               \
    POSTGRES_INT8_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY,            \
        POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_JSONB_ARRAY, POSTGRES_JSONB_ARRAY,      \
        POSTGRES_UUID_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY
#define COPIED                                                                                     \
    "unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)\n"                                            \
    "        AS c (position, stream_type, stream_id, version, type, schema_version, data, "        \
    "metadata,\n"                                                                                  \
    "              command_id, recorded_at)"

/* Null when every event is there. */
static const struct postgres_statement COMPARE = {
    .name = "compare_copy",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT min(c.position)\n"
           "FROM " COPIED "\n"
           "LEFT JOIN events e ON e.position = c.position\n"
           "WHERE (e.stream_type = c.stream_type AND e.stream_id = c.stream_id\n"
           "    AND e.version = c.version AND e.type = c.type\n"
           "    AND e.schema_version = c.schema_version AND e.data = c.data\n"
           "    AND e.metadata = c.metadata AND e.command_id = c.command_id\n"
           "    AND e.recorded_at = c.recorded_at) IS NOT TRUE",
    POSTGRES_TYPES(COPIED_TYPES),
};

/* $11 to $13: the streams; $14: where the log must end. A stream that is at another version than
 * the one before its first event here keeps the head from moving, and without the head nothing is
 * written. The head is locked by the statement before. */
static const struct postgres_statement IMPORT = {
    .name = "import_copy",
    .rows = POSTGRES_ONE_ROW,
    .sql =
        "WITH wanted AS MATERIALIZED (\n"
        "    SELECT w.stream_id, w.stream_type, w.first_version,\n"
        "        " LAST_VERSION_OF(
            "w") " AS version,\n"
                 "        coalesce(s.stream_type, w.stream_type) AS present_type\n"
                 "    FROM unnest($11, $12, $13) AS w (stream_id, stream_type, first_version)\n"
                 "    LEFT JOIN streams s ON s.stream_id = w.stream_id\n"
                 "),\n"
                 "wrong AS MATERIALIZED (\n"
                 "    SELECT stream_id, version\n"
                 "    FROM wanted\n"
                 "    WHERE version + 1 <> first_version OR present_type <> stream_type\n"
                 "    LIMIT 1\n"
                 "),\n"
                 "head AS (\n"
                 "    UPDATE log_head\n"
                 "    SET position = ($1)[cardinality($1)], recorded_at = "
                 "($10)[cardinality($10)],\n"
                 "        shared_position = greatest(($1)[cardinality($1)], shared_position + 1)\n"
                 "    WHERE position = $14 AND NOT EXISTS (SELECT 1 FROM wrong)\n"
                 "    RETURNING position\n"
                 "),\n"
                 "entered AS (\n"
                 "    INSERT INTO streams (stream_id, stream_type)\n"
                 "    SELECT w.stream_id, w.stream_type\n"
                 "    FROM wanted w\n"
                 "    CROSS JOIN head h\n"
                 "    ON CONFLICT (stream_id) DO NOTHING\n"
                 "),\n"
                 "appended AS (\n"
                 "    INSERT INTO events\n"
                 "        (position, stream_type, stream_id, version, type, schema_version, data,\n"
                 "         metadata, command_id, recorded_at)\n"
                 "    SELECT c.position, c.stream_type, c.stream_id, c.version, c.type,\n"
                 "        c.schema_version, c.data, c.metadata, c.command_id, c.recorded_at\n"
                 "    FROM " COPIED "\n"
                 "    CROSS JOIN head h\n"
                 ")\n"
                 "SELECT h.position, w.stream_id, w.version\n"
                 "FROM (SELECT 1) AS one_row\n"
                 "LEFT JOIN head h ON true\n"
                 "LEFT JOIN wrong w ON true",
    POSTGRES_TYPES(
        COPIED_TYPES, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT8),
};

const struct postgres_statement *const eventstore_copy_statements[] = {
    &COMPARE, &eventstore_lock_head, &IMPORT, &eventstore_read_head, NULL};

static void put_events(
    struct postgres_parameters *to, const struct eventstore_event *list, size_t n)
{
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, stream_type);
    POSTGRES_PUT_COLUMN(to, list, n, stream_id);
    POSTGRES_PUT_COLUMN(to, list, n, version);
    POSTGRES_PUT_COLUMN(to, list, n, type);
    POSTGRES_PUT_COLUMN(to, list, n, schema_version);
    POSTGRES_PUT_COLUMN(to, list, n, data);
    POSTGRES_PUT_COLUMN(to, list, n, metadata);
    POSTGRES_PUT_COLUMN(to, list, n, command_id);
    POSTGRES_PUT_COLUMN(to, list, n, recorded_at_us);
}

static void put_copied_streams(
    struct postgres_parameters *to, const struct eventstore_copied_stream *list, size_t n)
{
    POSTGRES_PUT_COLUMN(to, list, n, stream_id);
    POSTGRES_PUT_COLUMN(to, list, n, stream_type);
    POSTGRES_PUT_COLUMN(to, list, n, first_version);
}

void eventstore_ask_compare(
    struct postgres_pipeline *pipeline, const struct eventstore_copied *copied)
{
    put_events(postgres_pipeline_add(pipeline, &COMPARE), copied->events, copied->n_events);
}

int64_t eventstore_receive_compared(const struct postgres_pipeline *pipeline)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 0);
    return postgres_is_null(rows, 0, 0) ? 0 : postgres_get_int8(rows, 0, 0);
}

void eventstore_ask_import(
    struct postgres_pipeline *pipeline, const struct eventstore_copied *copied)
{
    eventstore_ask_lock(pipeline);
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &IMPORT);
    put_events(to, copied->events, copied->n_events);
    put_copied_streams(to, copied->streams, copied->n_streams);
    postgres_put_int8(to, copied->events[0].position - 1);
}

struct eventstore_imported eventstore_receive_imported(const struct postgres_pipeline *pipeline)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 1); /* after the lock */
    struct eventstore_imported imported = {.is_done = !postgres_is_null(rows, 0, 0)};
    if (!imported.is_done && !postgres_is_null(rows, 0, 1)) {
        imported.has_wrong_stream = true;
        imported.stream_id = postgres_get_uuid(rows, 0, 1);
        imported.version = postgres_get_int4(rows, 0, 2);
    }
    return imported;
}
