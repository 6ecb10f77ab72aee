#include "tables.h"

/* ---- written --------------------------------------------------------------------------------- */

/* What became of an abandoned cart, each 0 or 1; or what an event changed of it. */
struct outcome {
    int32_t recovered;
    int32_t checked_out;
    int32_t cancelled;
    int32_t expired;
    int32_t still_abandoned;
};

struct change {
    int64_t position;
    struct projections_abandonment abandonment;
    int32_t carts;
    struct outcome outcome;
};

static struct outcome find_outcome(enum cart_status status, bool is_recovered)
{
    return (struct outcome){
        .recovered = is_recovered,
        .checked_out = status == CART_CHECKED_OUT,
        .cancelled = status == CART_CANCELLED,
        .expired = status == CART_EXPIRED,
        .still_abandoned = status == CART_OPEN && !is_recovered,
    };
}

static struct outcome subtract(struct outcome after, struct outcome before)
{
    return (struct outcome){
        .recovered = after.recovered - before.recovered,
        .checked_out = after.checked_out - before.checked_out,
        .cancelled = after.cancelled - before.cancelled,
        .expired = after.expired - before.expired,
        .still_abandoned = after.still_abandoned - before.still_abandoned,
    };
}

/* A cart that is abandoned again begins anew: what became of it the last time stays as it is. */
static void add_step(struct projections_facts *facts, const struct projections_step *step)
{
    bool is_new = step->type == CART_EVENT_ABANDONED;
    struct outcome before = find_outcome(step->status_before, step->was_recovered);
    struct change change = {
        .position = step->position,
        .abandonment = step->abandonment,
        .carts = is_new,
        .outcome = find_outcome(step->cart->status, step->abandonment.is_recovered),
    };
    if (step->abandonment.position == 0)
        return;
    if (!is_new)
        change.outcome = subtract(change.outcome, before);
    if (memcmp(&change.outcome, &(struct outcome){0}, sizeof change.outcome) == 0)
        return;
    base_buffer_append(&facts->rows[0], &change, sizeof change);
    facts->n++;
}

#define NAME "abandoned_carts"
static const struct postgres_statement WRITE = {
    .name = "write_abandonments",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO abandonments\n"
           "    (position, abandoned_position, abandoned_at, value, currency, is_guest,\n"
           "     carts, recovered, checked_out, cancelled, expired, still_abandoned)\n"
           "SELECT a.position, a.abandoned_position, a.abandoned_at, a.value, a.currency,\n"
           "    a.is_guest, a.carts::smallint, a.recovered::smallint, a.checked_out::smallint,\n"
           "    a.cancelled::smallint, a.expired::smallint, a.still_abandoned::smallint\n"
           "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)\n"
           "    AS a (position, abandoned_position, abandoned_at, value, currency, is_guest,\n"
           "          carts, recovered, checked_out, cancelled, expired, still_abandoned)\n"
           "WHERE " PROJECTIONS_IF_MOVED(NAME),
    POSTGRES_TYPES(
        POSTGRES_INT8_ARRAY, POSTGRES_INT8_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_INT8_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_BOOL_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY),
};

static const struct postgres_statement ERASE = PROJECTIONS_ERASE(NAME, "abandonments");

static void ask_write(const struct projections_facts *facts, struct postgres_pipeline *pipeline)
{
    const struct change *list = (const struct change *)(const void *)facts->rows[0].bytes;
    size_t n = facts->rows[0].length / sizeof *list;
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &WRITE);
    POSTGRES_PUT_COLUMN(to, list, n, position);
    POSTGRES_PUT_COLUMN(to, list, n, abandonment.position);
    POSTGRES_PUT_COLUMN(to, list, n, abandonment.at_us);
    POSTGRES_PUT_COLUMN(to, list, n, abandonment.value_minor);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_text(to, list[i].abandonment.currency);
    POSTGRES_PUT_COLUMN(to, list, n, abandonment.is_guest);
    POSTGRES_PUT_COLUMN(to, list, n, carts);
    POSTGRES_PUT_COLUMN(to, list, n, outcome.recovered);
    POSTGRES_PUT_COLUMN(to, list, n, outcome.checked_out);
    POSTGRES_PUT_COLUMN(to, list, n, outcome.cancelled);
    POSTGRES_PUT_COLUMN(to, list, n, outcome.expired);
    POSTGRES_PUT_COLUMN(to, list, n, outcome.still_abandoned);
}

const struct projections_follower abandoned_carts_follower = {
    .name = NAME,
    .erase = (const struct postgres_statement *const[]){&ERASE, NULL},
    .write = (const struct postgres_statement *const[]){&WRITE, NULL},
    .add = add_step,
    .ask_write = ask_write,
    .lag_events = METRICS_ABANDONED_CARTS_LAG_EVENTS,
    .lag_seconds = METRICS_ABANDONED_CARTS_LAG_SECONDS,
    .is_paused = METRICS_ABANDONED_CARTS_PAUSED,
};

/* ---- read ------------------------------------------------------------------------------------ */

/* At most $6 rows, with two more columns, of which the key of a page is made. Days are numbered
 * from the first that PostgreSQL knows, so that each number is positive. Whatever was abandoned
 * after a position was also changed after it, which an index knows. */
#define FIRST_DAY "'4714-11-24 BC'::date"
static const struct postgres_statement READ = {
    .name = "report_abandoned_carts",
    .sql =
        "SELECT to_char(" FIRST_DAY " + day, 'YYYY-MM-DD'), currency, owner,\n"
        "    carts::text, value::text, recovered::text, recovered_value::text,\n"
        "    checked_out::text, checked_out_value::text, cancelled::text, cancelled_value::text,\n"
        "    expired::text, expired_value::text, still_abandoned::text,\n"
        "    still_abandoned_value::text, currency || '-' || owner, day::text\n"
        "FROM (\n"
        "    SELECT (abandoned_at AT TIME ZONE 'UTC')::date - " FIRST_DAY " AS day, currency,\n"
        "        CASE WHEN is_guest THEN 'guest' ELSE 'customer' END AS owner,\n"
        "        sum(carts) AS carts, sum(carts * value) AS value,\n"
        "        sum(recovered) AS recovered, sum(recovered * value) AS recovered_value,\n"
        "        sum(checked_out) AS checked_out, sum(checked_out * value) AS checked_out_value,\n"
        "        sum(cancelled) AS cancelled, sum(cancelled * value) AS cancelled_value,\n"
        "        sum(expired) AS expired, sum(expired * value) AS expired_value,\n"
        "        sum(still_abandoned) AS still_abandoned,\n"
        "        sum(still_abandoned * value) AS still_abandoned_value\n"
        "    FROM abandonments\n"
        "    WHERE position > $2 AND position <= $1\n"
        "        AND abandoned_position > $2 AND abandoned_position <= $3\n"
        "    GROUP BY 1, 2, 3\n"
        ") d\n"
        "WHERE day < $4 OR (day = $4 AND currency || '-' || owner > $5)\n"
        "ORDER BY day DESC, currency || '-' || owner\n"
        "LIMIT $6",
    POSTGRES_TYPES(
        POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_INT4),
};

static void put_read(
    struct postgres_parameters *to, const struct projections_report *report,
    const struct report_moment *moment, const struct report_key *after)
{
    postgres_put_int8(to, moment->as_of);
    postgres_put_int8(to, moment->period_after);
    postgres_put_int8(to, moment->period_until);
    postgres_put_int8(to, after->number);
    postgres_put_text(to, after->sku);
    postgres_put_int4(to, report->limit + 1);
}

const struct report_table abandoned_carts_report = {
    .name = NAME,
    .rows_name = "days",
    .cursor = 'a',
    .key_column = 15,
    .statement = &READ,
    .put = put_read,
    .write_asked = tables_write_period,
    .columns =
        {
            {"day", true},
            {"currency", true},
            {"owner", true},
            {"carts", false},
            {"value", false},
            {"recovered_carts", false},
            {"recovered_value", false},
            {"checked_out_carts", false},
            {"checked_out_value", false},
            {"cancelled_carts", false},
            {"cancelled_value", false},
            {"expired_carts", false},
            {"expired_value", false},
            {"still_abandoned_carts", false},
            {"still_abandoned_value", false},
        },
};
