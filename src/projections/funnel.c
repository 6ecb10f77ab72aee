#include "tables.h"

/* ---- written --------------------------------------------------------------------------------- */

/* As funnel_steps.step stores them: the numbers are a promise. */
enum funnel_step {
    FUNNEL_NO_STEP = 0, /* only the value changed */
    FUNNEL_CREATED = 1,
    FUNNEL_FIRST_ITEM = 2,
    FUNNEL_CHECKED_OUT = 3,
    FUNNEL_CANCELLED = 4,
    FUNNEL_REOPENED_CHECKED_OUT = 5, /* the opposite of 3 */
    FUNNEL_REOPENED_CANCELLED = 6,   /* and of 4 */
    FUNNEL_LEFT_EMPTY = 7,           /* the cart has another currency from now on, */
    FUNNEL_CAME_EMPTY = 8,           /* and it never held anything */
    FUNNEL_LEFT = 9,                 /* or did */
    FUNNEL_CAME = 10,
    FUNNEL_EXPIRED = 11,
    FUNNEL_REOPENED_EXPIRED = 12, /* the opposite of 11 */
    FUNNEL_MERGED = 13,
    FUNNEL_MERGE_REVERTED = 14 /* the opposite of 13 */
};

struct step {
    int64_t position;
    int64_t created_position;
    int64_t value_minor;
    enum funnel_step step;
    char currency[4];
};

static enum funnel_step name_reopening(enum cart_status status_before)
{
    if (status_before == CART_EXPIRED)
        return FUNNEL_REOPENED_EXPIRED;
    return status_before == CART_CHECKED_OUT ? FUNNEL_REOPENED_CHECKED_OUT
                                             : FUNNEL_REOPENED_CANCELLED;
}

static enum funnel_step name_step(const struct projections_step *step)
{
    if (step->type == CART_EVENT_CREATED)
        return FUNNEL_CREATED;
    if (step->type == CART_EVENT_CHECKED_OUT)
        return FUNNEL_CHECKED_OUT;
    if (step->type == CART_EVENT_CANCELLED)
        return FUNNEL_CANCELLED;
    if (step->type == CART_EVENT_EXPIRED)
        return FUNNEL_EXPIRED;
    if (step->type == CART_EVENT_MERGED_INTO)
        return FUNNEL_MERGED;
    if (step->type == CART_EVENT_MERGE_REVERTED && step->status_before == CART_MERGED)
        return FUNNEL_MERGE_REVERTED;
    if (step->type == CART_EVENT_REOPENED)
        return name_reopening(step->status_before);
    return step->is_first_item ? FUNNEL_FIRST_ITEM : FUNNEL_NO_STEP;
}

static void add_row(
    struct projections_facts *facts, const struct projections_step *step, enum funnel_step name,
    int64_t value_minor, const char *currency)
{
    struct step row = {
        .position = step->position,
        .created_position = step->created_position,
        .value_minor = value_minor,
        .step = name,
    };
    for (size_t i = 0; i < sizeof row.currency; i++)
        row.currency[i] = currency[i];
    base_buffer_append(&facts->rows[0], &row, sizeof row);
    facts->n++;
}

static void add_change_of_currency(
    struct projections_facts *facts, const struct projections_step *step)
{
    bool has_held = step->has_held_items;
    add_row(
        facts, step, has_held ? FUNNEL_LEFT : FUNNEL_LEFT_EMPTY, -step->total_before_minor,
        step->currency_before);
    add_row(
        facts, step, has_held ? FUNNEL_CAME : FUNNEL_CAME_EMPTY, step->cart->total_minor,
        step->cart->currency);
}

static void add_step(struct projections_facts *facts, const struct projections_step *step)
{
    enum funnel_step name = name_step(step);
    int64_t total_minor = step->cart->total_minor;
    int64_t value_minor = total_minor - step->total_before_minor;
    if (step->type == CART_EVENT_CURRENCY_CHANGED) {
        add_change_of_currency(facts, step);
        return;
    }
    if (name >= FUNNEL_CHECKED_OUT)
        value_minor = total_minor; /* of closing and reopening it is what the cart is worth */
    if (name != FUNNEL_NO_STEP || value_minor != 0)
        add_row(facts, step, name, value_minor, step->cart->currency);
}

static const struct postgres_statement WRITE = {
    .name = "write_funnel",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO funnel_steps (position, created_position, value, step, currency)\n"
           "SELECT s.position, s.created_position, s.value, s.step::smallint, s.currency\n"
           "FROM unnest($1, $2, $3, $4, $5)\n"
           "    AS s (position, created_position, value, step, currency)\n"
           "WHERE " PROJECTIONS_IF_MOVED("funnel"),
    POSTGRES_TYPES(
        POSTGRES_INT8_ARRAY, POSTGRES_INT8_ARRAY, POSTGRES_INT8_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_TEXT_ARRAY),
};

static const struct postgres_statement ERASE = PROJECTIONS_ERASE("funnel", "funnel_steps");

static void ask_write(const struct projections_facts *facts, struct postgres_pipeline *pipeline)
{
    const struct step *list = (const struct step *)(const void *)facts->rows[0].bytes;
    size_t n = facts->rows[0].length / sizeof *list;
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &WRITE);
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, created_position);
    POSTGRES_PUT_COLUMN(to, list, n, value_minor);
    POSTGRES_PUT_COLUMN(to, list, n, step);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_text(to, list[i].currency);
}

const struct projections_follower funnel_follower = {
    .name = "funnel",
    .erase = (const struct postgres_statement *const[]){&ERASE, NULL},
    .write = (const struct postgres_statement *const[]){&WRITE, NULL},
    .add = add_step,
    .ask_write = ask_write,
    .lag_events = METRICS_FUNNEL_LAG_EVENTS,
    .lag_seconds = METRICS_FUNNEL_LAG_SECONDS,
    .is_paused = METRICS_FUNNEL_PAUSED,
};

/* ---- read ------------------------------------------------------------------------------------ */

/* Seven rows a currency, of at most 200 currencies: those with the most carts. There are some 180
 * in the world, but a client may make carts of any three letters. A sum may be more than a bigint.
 * Whatever was created after a position was also changed after it, which an index knows. */
static const struct postgres_statement READ = {
    .name = "report_funnel",
    .sql = "SELECT s.stage, c.currency, s.carts::text, s.value::text\n"
           "FROM (\n"
           "    SELECT currency,\n"
           "        coalesce(sum(n) FILTER (WHERE step IN (1, 8, 10)), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step IN (7, 9)), 0) AS n_created,\n"
           "        coalesce(sum(n) FILTER (WHERE step IN (2, 10)), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step = 9), 0) AS n_with_items,\n"
           "        coalesce(sum(n) FILTER (WHERE step = 3), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step = 5), 0) AS n_checked_out,\n"
           "        coalesce(sum(n) FILTER (WHERE step = 4), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step = 6), 0) AS n_cancelled,\n"
           "        coalesce(sum(n) FILTER (WHERE step = 11), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step = 12), 0) AS n_expired,\n"
           "        coalesce(sum(n) FILTER (WHERE step = 13), 0)\n"
           "            - coalesce(sum(n) FILTER (WHERE step = 14), 0) AS n_merged,\n"
           "        coalesce(sum(value) FILTER (WHERE step < 3 OR step BETWEEN 7 AND 10), 0)\n"
           "            AS value,\n"
           "        coalesce(sum(value) FILTER (WHERE step = 3), 0)\n"
           "            - coalesce(sum(value) FILTER (WHERE step = 5), 0) AS value_checked_out,\n"
           "        coalesce(sum(value) FILTER (WHERE step = 4), 0)\n"
           "            - coalesce(sum(value) FILTER (WHERE step = 6), 0) AS value_cancelled,\n"
           "        coalesce(sum(value) FILTER (WHERE step = 11), 0)\n"
           "            - coalesce(sum(value) FILTER (WHERE step = 12), 0) AS value_expired,\n"
           "        coalesce(sum(value) FILTER (WHERE step = 13), 0)\n"
           "            - coalesce(sum(value) FILTER (WHERE step = 14), 0) AS value_merged\n"
           "    FROM (\n" /* first a few rows of many: seven sums a step took much longer */
           "        SELECT currency, step, count(*) AS n, sum(value) AS value\n"
           "        FROM funnel_steps\n"
           "        WHERE position > $2 AND position <= $1\n"
           "            AND created_position > $2 AND created_position <= $3\n"
           "        GROUP BY currency, step\n"
           "    ) s\n"
           "    GROUP BY currency\n" /* none may be left of one */
           "    HAVING sum(n) FILTER (WHERE step IN (1, 8, 10))\n"
           "        > coalesce(sum(n) FILTER (WHERE step IN (7, 9)), 0)\n"
           "    ORDER BY 2 DESC, 1\n"
           "    LIMIT 200\n"
           ") c\n"
           "CROSS JOIN LATERAL (VALUES\n"
           "    (1, 'created', c.n_created, c.value),\n"
           "    (2, 'with_items', c.n_with_items, c.value),\n"
           "    (3, 'checked_out', c.n_checked_out, c.value_checked_out),\n"
           "    (4, 'cancelled', c.n_cancelled, c.value_cancelled),\n"
           "    (5, 'expired', c.n_expired, c.value_expired),\n"
           "    (6, 'merged', c.n_merged, c.value_merged),\n"
           "    (7, 'open', c.n_created - c.n_checked_out - c.n_cancelled - c.n_expired - "
           "c.n_merged,\n"
           "        c.value - c.value_checked_out - c.value_cancelled - c.value_expired\n"
           "            - c.value_merged)\n"
           ") AS s (number, stage, carts, value)\n"
           "ORDER BY c.n_created DESC, c.currency, s.number",
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT8),
};

static void put_read(
    struct postgres_parameters *to, const struct projections_report *report,
    const struct report_moment *moment, const struct report_key *after)
{
    (void)report;
    (void)after;
    postgres_put_int8(to, moment->as_of);
    postgres_put_int8(to, moment->period_after);
    postgres_put_int8(to, moment->period_until);
}

const struct report_table funnel_report = {
    .name = "funnel",
    .rows_name = "stages",
    .statement = &READ,
    .put = put_read,
    .write_asked = tables_write_period,
    .columns = {{"stage", true}, {"currency", true}, {"carts", false}, {"value", false}},
};
