#include "tables.h"

/* ---- written --------------------------------------------------------------------------------- */

/* What an event changed in the open carts, for one sku. */
struct change {
    int64_t position;
    const char *sku;
    int32_t units;
    int32_t carts;
};

static void add_step(struct projections_facts *facts, const struct projections_step *step)
{
    for (size_t i = 0; i < step->n_held; i++) {
        const struct projections_held *held = &step->held[i];
        struct change change = {
            .position = step->position,
            .sku = held->sku,
            .units = held->units_after - held->units_before,
            .carts = (held->units_after > 0) - (held->units_before > 0),
        };
        if (change.units == 0)
            continue;
        base_buffer_append(&facts->rows[0], &change, sizeof change);
        facts->n++;
    }
}

static const struct postgres_statement WRITE = {
    .name = "write_demand",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO demand_changes (position, sku, units, carts)\n"
           "SELECT c.position, c.sku, c.units, c.carts::smallint\n"
           "FROM unnest($1, $2, $3, $4) AS c (position, sku, units, carts)\n"
           "WHERE " PROJECTIONS_IF_MOVED("demand"),
    POSTGRES_TYPES(
        POSTGRES_INT8_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY),
};

static const struct postgres_statement ERASE = PROJECTIONS_ERASE("demand", "demand_changes");

static void ask_write(const struct projections_facts *facts, struct postgres_pipeline *pipeline)
{
    const struct change *list = (const struct change *)(const void *)facts->rows[0].bytes;
    size_t n = facts->rows[0].length / sizeof *list;
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &WRITE);
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, sku);
    POSTGRES_PUT_COLUMN(to, list, n, units);
    POSTGRES_PUT_COLUMN(to, list, n, carts);
}

const struct projections_follower demand_follower = {
    .name = "demand",
    .erase = (const struct postgres_statement *const[]){&ERASE, NULL},
    .write = (const struct postgres_statement *const[]){&WRITE, NULL},
    .add = add_step,
    .ask_write = ask_write,
    .lag_events = METRICS_DEMAND_LAG_EVENTS,
    .lag_seconds = METRICS_DEMAND_LAG_SECONDS,
    .is_paused = METRICS_DEMAND_PAUSED,
};

/* ---- read ------------------------------------------------------------------------------------ */

/* At most $4 rows. */
static const struct postgres_statement READ = {
    .name = "report_demand",
    .sql = "SELECT sku, sum(units)::text, sum(carts)::text\n"
           "FROM demand_changes\n"
           "WHERE position <= $1\n"
           "GROUP BY sku\n"
           "HAVING sum(carts) > 0 AND (sum(units) < $2 OR (sum(units) = $2 AND sku > $3))\n"
           "ORDER BY sum(units) DESC, sku\n"
           "LIMIT $4",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_INT4),
};

static void put_read(
    struct postgres_parameters *to, const struct projections_report *report,
    const struct report_moment *moment, const struct report_key *after)
{
    postgres_put_int8(to, moment->as_of);
    postgres_put_int8(to, after->number);
    postgres_put_text(to, after->sku);
    postgres_put_int4(to, report->limit + 1);
}

const struct report_table demand_report = {
    .name = "demand",
    .rows_name = "skus",
    .cursor = 'd',
    .statement = &READ,
    .put = put_read,
    .columns = {{"sku", true}, {"units", false}, {"carts", false}},
};
