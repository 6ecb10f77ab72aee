#include "columns.h"
#include "eventstore.h"

/* At most $3 rows. */
static const struct postgres_statement READ_LOG = {
    .name = "read_log",
    .sql = "SELECT " EVENT_COLUMNS "\n"
           "FROM events\n"
           "WHERE position > $1 AND position <= $2\n"
           "ORDER BY position\n"
           "LIMIT $3",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT4),
};

/* At most $3 rows. */
static const struct postgres_statement READ_LOG_OF_TYPES = {
    .name = "read_log_of_types",
    .sql = "SELECT " EVENT_COLUMNS "\n"
           "FROM events\n"
           "WHERE position > $1 AND position <= $2 AND type = ANY ($4)\n"
           "ORDER BY position\n"
           "LIMIT $3",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT4, POSTGRES_TEXT_ARRAY),
};

/* None only where somebody has emptied the table, which `cartd verify` reports. */
const struct postgres_statement eventstore_read_head = {
    .name = "read_head",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql = "SELECT position, recorded_at, tableoid::bigint FROM log_head",
};

/* At most $4 rows. The inner limit keeps one long stream from being read to its end for each. */
static const struct postgres_statement READ_RANGES = {
    .name = "read_ranges",
    .sql = "SELECT " EVENT_COLUMNS_OF_E "\n"
           "FROM unnest($1, $2, $3) WITH ORDINALITY\n"
           "    AS w (stream_id, after_version, until_version, ordinal)\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT " EVENT_COLUMNS "\n"
           "    FROM events\n"
           "    WHERE stream_id = w.stream_id AND version > w.after_version\n"
           "        AND version <= w.until_version\n"
           "    ORDER BY version\n"
           "    LIMIT $4\n"
           ") e\n"
           "ORDER BY w.ordinal, e.version\n"
           "LIMIT $4",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4),
};

const struct postgres_statement *const eventstore_log_statements[] = {
    &READ_LOG, &READ_LOG_OF_TYPES, &eventstore_read_head, &eventstore_load_stream_after, NULL};

const struct postgres_statement *const eventstore_ranges_statements[] = {&READ_RANGES, NULL};

void eventstore_ask_log(
    struct postgres_pipeline *pipeline, const struct eventstore_log_wanted *wanted)
{
    const struct postgres_statement *statement =
        wanted->n_types == 0 ? &READ_LOG : &READ_LOG_OF_TYPES;
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, statement);
    postgres_put_int8(to, wanted->after_position);
    postgres_put_int8(to, wanted->until_position);
    postgres_put_int4(to, wanted->limit);
    if (wanted->n_types == 0)
        return;
    POSTGRES_PUT_LIST(to, wanted->types, wanted->n_types);
}

void eventstore_ask_head(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(pipeline, &eventstore_read_head); /* it has no parameters */
}

struct eventstore_head eventstore_receive_head(const struct postgres_rows *rows)
{
    struct eventstore_head head = {.position = 0};
    if (postgres_rows_count(rows) > 0) {
        head.position = postgres_get_int8(rows, 0, 0);
        head.log = postgres_get_int8(rows, 0, 2);
    }
    if (head.position > 0)
        head.recorded_at_us = postgres_get_time(rows, 0, 1);
    return head;
}

void eventstore_ask_ranges(
    struct postgres_pipeline *pipeline, const struct eventstore_range *wanted, size_t n_wanted,
    int32_t limit)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &READ_RANGES);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, stream_id);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, after_version);
    POSTGRES_PUT_COLUMN(to, wanted, n_wanted, until_version);
    postgres_end_array(to);
    postgres_put_int4(to, limit);
}
