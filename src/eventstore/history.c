#include "columns.h"
#include "eventstore.h"

/* At most $6 rows and one for a snapshot. Times never decrease with the version, so that what had
 * happened by a moment is a beginning of the stream; the snapshot's own event says when it was. */
const struct postgres_statement eventstore_load_history = {
    .name = "load_history",
    .sql = "WITH snapshot AS MATERIALIZED (\n"
           "    SELECT s.version, s.shape, s.state\n"
           "    FROM snapshots s\n"
           "    JOIN events e ON e.stream_id = s.stream_id AND e.version = s.version\n"
           "    WHERE s.stream_id = $1 AND s.version > $2 AND s.version <= $3\n"
           "        AND e.recorded_at <= $4 AND s.shape = $5\n"
           ")\n"
           "(\n"
           "    SELECT " EVENT_COLUMNS "\n"
           "    FROM events\n"
           "    WHERE stream_id = $1 AND version <= $3 AND recorded_at <= $4\n"
           "        AND version > coalesce((SELECT version FROM snapshot), $2)\n"
           "    ORDER BY version\n"
           "    LIMIT $6\n"
           ")\n"
           "UNION ALL\n"
           "SELECT 0, '', $1, version, '" EVENTSTORE_SNAPSHOT "', shape, state, '{}', $1, 'epoch'\n"
           "FROM snapshot\n"
           "ORDER BY 4",
    POSTGRES_TYPES(
        POSTGRES_UUID, POSTGRES_INT4, POSTGRES_INT4, POSTGRES_TIMESTAMPTZ, POSTGRES_INT4,
        POSTGRES_INT4),
};

const struct postgres_statement *const eventstore_history_statements[] = {
    &eventstore_load_history, &eventstore_read_head, NULL};

void eventstore_ask_history(
    struct postgres_pipeline *pipeline, const struct eventstore_history_wanted *wanted)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &eventstore_load_history);
    postgres_put_uuid(to, &wanted->stream_id);
    postgres_put_int4(to, wanted->after_version);
    postgres_put_int4(to, wanted->until_version);
    postgres_put_time(to, wanted->until_us);
    postgres_put_int4(to, wanted->snapshot_shape);
    postgres_put_int4(to, wanted->limit);
}

/* ---- before a command ------------------------------------------------------------------------ */

const struct postgres_statement eventstore_version_before = {
    .name = "version_before",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT coalesce(min(version), 0) - 1\n"
           "FROM events\n"
           "WHERE stream_id = $1 AND command_id = (\n"
           "    SELECT command_id FROM events WHERE stream_id = $1 AND version = $2)",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),
};

void eventstore_ask_version_before(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_id, int32_t version)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &eventstore_version_before);
    postgres_put_uuid(to, stream_id);
    postgres_put_int4(to, version);
}

int32_t eventstore_receive_version_before(const struct postgres_rows *rows)
{
    return postgres_get_int4(rows, 0, 0);
}
