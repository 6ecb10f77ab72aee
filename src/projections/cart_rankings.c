#include <string.h>

#include "tables.h"

/*
 * What lists of carts are ordered and searched by, of what an add changes: a row for each cart.
 * Indexes of `carts` on these columns would cost every add; here the carts of some hundred events
 * are written at once, a moment later. cart_lists.c reads it.
 */

/* A cart after an event. */
struct ranking {
    struct base_uuid cart_id;
    int64_t total_minor;
    int64_t created_at_us;
    int64_t updated_at_us;
    const char *status;
    int32_t version;
    char currency[4];
};

static void add_step(struct projections_facts *facts, const struct projections_step *step)
{
    const struct cart *cart = step->cart;
    struct ranking row = {
        .cart_id = step->cart_id,
        .total_minor = cart->total_minor,
        .created_at_us = cart->created_at_us,
        .updated_at_us = cart->updated_at_us,
        .status = cart_status_name(cart->status),
        .version = cart->version,
    };
    memcpy(row.currency, cart->currency, sizeof row.currency);
    base_buffer_append(&facts->rows[0], &row, sizeof row);
    facts->n++;
}

/* A row is never replaced by an older one: a rebuild comes to what a cart was before it comes to
 * what it is. */
static const struct postgres_statement WRITE = {
    .name = "write_cart_rankings",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO cart_rankings\n"
           "    (cart_id, version, status, currency, total, created_at, updated_at)\n"
           "SELECT DISTINCT ON (r.cart_id)\n"
           "    r.cart_id, r.version, r.status, r.currency, r.total, r.created_at, r.updated_at\n"
           "FROM unnest($1, $2, $3, $4, $5, $6, $7)\n"
           "    AS r (cart_id, version, status, currency, total, created_at, updated_at)\n"
           "WHERE " PROJECTIONS_IF_MOVED(
               "cart_rankings") "\n"
                                "ORDER BY r.cart_id, r.version DESC\n"
                                "ON CONFLICT (cart_id) DO UPDATE\n"
                                "SET version = excluded.version, status = excluded.status,\n"
                                "    currency = excluded.currency, total = excluded.total,\n"
                                "    updated_at = excluded.updated_at\n"
                                "WHERE cart_rankings.version < excluded.version",
    POSTGRES_TYPES(
        POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_INT8_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY),
};

/* Rows of the carts that changed in the range, unless a later range is what they say; and those of
 * a version that the cart never had. */
static const struct postgres_statement ERASE = {
    .name = "erase_cart_rankings",
    .rows = POSTGRES_NO_ROWS,
    .sql = "DELETE FROM cart_rankings r\n"
           "USING (\n"
           "    SELECT stream_id, max(version) AS version\n"
           "    FROM events\n"
           "    WHERE position > $1 AND position <= $2\n"
           "    GROUP BY stream_id\n"
           ") e\n"
           "WHERE r.cart_id = e.stream_id\n"
           "    AND (r.version <= e.version OR NOT EXISTS (\n"
           "        SELECT FROM events n\n"
           "        WHERE n.stream_id = r.cart_id AND n.version = r.version))\n"
           "    AND " PROJECTIONS_IF_MOVED("cart_rankings"),
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8),
};

/* With the first range ($1 is 0): rows without a cart, which no range leads to. */
static const struct postgres_statement ERASE_ORPHANS = {
    .name = "erase_cart_ranking_orphans",
    .rows = POSTGRES_NO_ROWS,
    .sql = "DELETE FROM cart_rankings r\n"
           "WHERE $1 = 0 AND $2 > 0 AND NOT EXISTS (\n"
           "        SELECT FROM streams s\n"
           "        WHERE s.stream_id = r.cart_id AND s.stream_type = 'cart')\n"
           "    AND " PROJECTIONS_IF_MOVED("cart_rankings"),
    POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8),
};

/* The order of the keys is that of both tables, so both are read once, side by side. */
const struct postgres_statement projections_false_rankings = {
    .name = "read_false_rankings",
    .sql = "SELECT coalesce(c.cart_id, r.cart_id)\n"
           "FROM carts c\n"
           "FULL JOIN cart_rankings r ON r.cart_id = c.cart_id\n"
           "WHERE CASE WHEN r.version = c.version THEN\n"
           "    (r.status, r.currency, r.total, r.created_at, r.updated_at)\n"
           "    IS DISTINCT FROM (c.status, c.currency, c.total, c.created_at, c.updated_at)\n"
           "ELSE NOT EXISTS (\n"
           "    SELECT FROM events n\n"
           "    JOIN projection_checkpoints p ON p.name = 'cart_rankings'\n"
           "    WHERE n.stream_id = c.cart_id AND n.version = coalesce(r.version, 0) + 1\n"
           "        AND n.position > p.position)\n"
           "END\n"
           "ORDER BY 1\n"
           "LIMIT $1",
    POSTGRES_TYPES(POSTGRES_INT4),
};

static void ask_write(const struct projections_facts *facts, struct postgres_pipeline *pipeline)
{
    const struct ranking *list = (const struct ranking *)(const void *)facts->rows[0].bytes;
    size_t n = facts->rows[0].length / sizeof *list;
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &WRITE);
    POSTGRES_PUT_COLUMN(to, list, n, cart_id);
    POSTGRES_PUT_COLUMN(to, list, n, version);
    POSTGRES_PUT_COLUMN(to, list, n, status);
    postgres_begin_array(to);
    for (size_t i = 0; i < n; i++)
        postgres_put_text(to, list[i].currency);
    POSTGRES_PUT_COLUMN(to, list, n, total_minor);
    POSTGRES_PUT_COLUMN(to, list, n, created_at_us);
    POSTGRES_PUT_COLUMN(to, list, n, updated_at_us);
}

const struct projections_follower cart_rankings_follower = {
    .name = "cart_rankings",
    .erase = (const struct postgres_statement *const[]){&ERASE, &ERASE_ORPHANS, NULL},
    .write = (const struct postgres_statement *const[]){&WRITE, NULL},
    .add = add_step,
    .ask_write = ask_write,
    .lag_events = METRICS_CART_RANKINGS_LAG_EVENTS,
    .lag_seconds = METRICS_CART_RANKINGS_LAG_SECONDS,
    .is_paused = METRICS_CART_RANKINGS_PAUSED,
};
