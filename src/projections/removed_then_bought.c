#include <string.h>

#include "tables.h"

/* ---- written --------------------------------------------------------------------------------- */

/* A sku that left a cart, or was bought: rows[REMOVALS] and rows[PURCHASES]. A cart that was
 * reopened: rows[REOPENINGS]. */
enum { REMOVALS, PURCHASES, REOPENINGS };
struct reopening {
    int64_t position;
    int64_t closed_position;
};
struct happening {
    int64_t position;
    int64_t recorded_at_us;
    struct base_uuid customer;
    struct base_uuid cart_id;
    const char *sku;
};

/* A customer of several carts is one, and a guest is one for each cart: nothing more is known of
 * them. As a UUID, since customers are compared a lot and never shown. */
static struct base_uuid name_customer(const struct projections_step *step)
{
    static const struct base_uuid space = {
        {0x5b, 0x0c, 0x3d, 0x8e, 0x41, 0x7a, 0x4d, 0x02, 0x9c, 0x55, 0x1e, 0x60, 0xb7, 0x2f, 0xa8,
         0x93}};
    const char *customer_id = step->cart->customer_id;
    return customer_id == NULL ? step->cart_id
                               : base_uuid_make_v5(&space, customer_id, strlen(customer_id));
}

static void add_happenings(
    struct projections_facts *facts, const struct projections_step *step, size_t which)
{
    struct happening row = {
        .position = step->position,
        .recorded_at_us = step->recorded_at_us,
        .customer = name_customer(step),
        .cart_id = step->cart_id,
    };
    for (size_t i = 0; i < step->n_held; i++) {
        if (step->held[i].units_before == 0 || step->held[i].units_after > 0)
            continue;
        row.sku = step->held[i].sku;
        base_buffer_append(&facts->rows[which], &row, sizeof row);
        facts->n++;
    }
}

static void add_reopening(struct projections_facts *facts, const struct projections_step *step)
{
    struct reopening row = {step->position, step->closed_position};
    base_buffer_append(&facts->rows[REOPENINGS], &row, sizeof row);
    facts->n++;
}

static void add_step(struct projections_facts *facts, const struct projections_step *step)
{
    if (step->type == CART_EVENT_ITEM_REMOVED || step->type == CART_EVENT_CLEARED)
        add_happenings(facts, step, REMOVALS);
    if (step->type == CART_EVENT_CHECKED_OUT)
        add_happenings(facts, step, PURCHASES);
    if (step->type == CART_EVENT_REOPENED)
        add_reopening(facts, step);
}

#define NAME "removed_then_bought"
static const struct postgres_statement WRITE_REMOVALS = {
    .name = "write_removals",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO removals (position, removed_at, customer, sku)\n"
           "SELECT r.position, r.removed_at, r.customer, r.sku\n"
           "FROM unnest($1, $2, $3, $4) AS r (position, removed_at, customer, sku)\n"
           "WHERE " PROJECTIONS_IF_MOVED(NAME),
    POSTGRES_TYPES(
        POSTGRES_INT8_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY),
};

/* Runs after the removals of the same events were written. Whoever claimed a cart took
 * things out of it as its guest before. */
static const struct postgres_statement WRITE_BOUGHT = {
    .name = "write_removals_bought",
    .rows = POSTGRES_NO_ROWS,
    .sql =
        "INSERT INTO removals_bought (position, waited_us, customer, sku)\n"
        "SELECT p.position, (extract(epoch FROM p.bought_at - r.removed_at) * 1000000)::bigint,\n"
        "    p.customer, p.sku\n"
        "FROM unnest($1, $2, $3, $4, $5) AS p (position, bought_at, customer, sku, cart_id)\n"
        "CROSS JOIN LATERAL (\n"
        "    SELECT removed_at\n"
        "    FROM removals\n"
        "    WHERE customer IN (p.customer, p.cart_id) AND sku = p.sku AND position < p.position\n"
        "    ORDER BY position DESC\n"
        "    LIMIT 1\n"
        ") r\n"
        "WHERE " PROJECTIONS_IF_MOVED(NAME),
    POSTGRES_TYPES(
        POSTGRES_INT8_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_UUID_ARRAY),
};

static const struct postgres_statement WRITE_REOPENINGS = {
    .name = "write_reopenings",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO reopenings (position, closed_position)\n"
           "SELECT r.position, r.closed_position\n"
           "FROM unnest($1, $2) AS r (position, closed_position)\n"
           "WHERE " PROJECTIONS_IF_MOVED(NAME),
    POSTGRES_TYPES(POSTGRES_INT8_ARRAY, POSTGRES_INT8_ARRAY),
};

static const struct postgres_statement ERASE_REOPENINGS = PROJECTIONS_ERASE(NAME, "reopenings");

static const struct postgres_statement ERASE_REMOVALS = PROJECTIONS_ERASE(NAME, "removals");

static const struct postgres_statement ERASE_BOUGHT = PROJECTIONS_ERASE(NAME, "removals_bought");

static void put_carts(struct postgres_parameters *to, const struct base_buffer *rows)
{
    const struct happening *list = (const struct happening *)(const void *)rows->bytes;
    POSTGRES_PUT_COLUMN(to, list, rows->length / sizeof *list, cart_id);
}

static void put_happenings(struct postgres_parameters *to, const struct base_buffer *rows)
{
    const struct happening *list = (const struct happening *)(const void *)rows->bytes;
    size_t n = rows->length / sizeof *list;
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, recorded_at_us);
    POSTGRES_PUT_COLUMN(to, list, n, customer);
    POSTGRES_PUT_COLUMN(to, list, n, sku);
}

static void put_reopenings(struct postgres_parameters *to, const struct base_buffer *rows)
{
    const struct reopening *list = (const struct reopening *)(const void *)rows->bytes;
    size_t n = rows->length / sizeof *list;
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, closed_position);
}

static void ask_write(const struct projections_facts *facts, struct postgres_pipeline *pipeline)
{
    put_happenings(postgres_pipeline_add(pipeline, &WRITE_REMOVALS), &facts->rows[REMOVALS]);
    struct postgres_parameters *bought = postgres_pipeline_add(pipeline, &WRITE_BOUGHT);
    put_happenings(bought, &facts->rows[PURCHASES]);
    put_carts(bought, &facts->rows[PURCHASES]);
    put_reopenings(postgres_pipeline_add(pipeline, &WRITE_REOPENINGS), &facts->rows[REOPENINGS]);
}

const struct projections_follower removed_then_bought_follower = {
    .name = NAME,
    .erase =
        (const struct postgres_statement *const[]){
            &ERASE_REMOVALS, &ERASE_BOUGHT, &ERASE_REOPENINGS, NULL},
    .write =
        (const struct postgres_statement *const[]){
            &WRITE_REMOVALS, &WRITE_BOUGHT, &WRITE_REOPENINGS, NULL},
    .add = add_step,
    .ask_write = ask_write,
    .lag_events = METRICS_REMOVED_THEN_BOUGHT_LAG_EVENTS,
    .lag_seconds = METRICS_REMOVED_THEN_BOUGHT_LAG_SECONDS,
    .is_paused = METRICS_REMOVED_THEN_BOUGHT_PAUSED,
};

/* ---- read ------------------------------------------------------------------------------------ */

/* At most $5 rows. A customer counts once a sku, with the first purchase that came in time; so what
 * a report said of someone stays so, unless that cart was reopened. The time between is from the
 * last removal before it, for if any removal was recent enough, the last one was. */
static const struct postgres_statement READ = {
    .name = "report_removed_then_bought",
    .sql = "SELECT sku, count(*)::text,\n"
           "    trim_scale(round(floor(percentile_cont(0.5) WITHIN GROUP (ORDER BY waited_us))\n"
           "        ::numeric / 1000000, 6))::text\n"
           "FROM (\n"
           "    SELECT DISTINCT ON (sku, customer) sku, waited_us\n"
           "    FROM removals_bought b\n"
           "    WHERE position <= $1 AND waited_us <= $2\n"
           "        AND NOT EXISTS (\n"
           "            SELECT FROM reopenings r\n"
           "            WHERE r.closed_position = b.position AND r.position <= $1\n"
           "        )\n"
           "    ORDER BY sku, customer, position\n"
           ") first\n"
           "GROUP BY sku\n"
           "HAVING count(*) < $3 OR (count(*) = $3 AND sku > $4)\n"
           "ORDER BY count(*) DESC, sku\n"
           "LIMIT $5",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_INT4),
};

static void put_read(
    struct postgres_parameters *to, const struct projections_report *report,
    const struct report_moment *moment, const struct report_key *after)
{
    static const int64_t us_per_day = INT64_C(24) * 60 * 60 * 1000000;
    postgres_put_int8(to, moment->as_of);
    postgres_put_int8(to, report->within_days * us_per_day);
    postgres_put_int8(to, after->number);
    postgres_put_text(to, after->sku);
    postgres_put_int4(to, report->limit + 1);
}

static void write_asked(struct base_buffer *out, const struct projections_report *report)
{
    base_buffer_printf(out, "\"within_days\":%d,", (int)report->within_days);
}

const struct report_table removed_then_bought_report = {
    .name = NAME,
    .rows_name = "skus",
    .cursor = 'r',
    .statement = &READ,
    .put = put_read,
    .write_asked = write_asked,
    .columns = {{"sku", true}, {"customers", false}, {"median_seconds", false}},
};
