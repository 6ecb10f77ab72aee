/*
 * tables: what the files of the read tables give to projections.c. Private to this room.
 */
#ifndef CARTD_PROJECTIONS_TABLES_H
#define CARTD_PROJECTIONS_TABLES_H

#include <string.h>

#include "projections.h"

/* The read tables, in the order in which they are written: each has name_clause and name_table. */
#define TABLES(ROW)                                                                                \
    ROW(carts)                                                                                     \
    ROW(cart_chunks)                                                                               \
    ROW(cart_items)                                                                                \
    ROW(products)                                                                                  \
    ROW(coupons)
#define TABLES_ROW(name)                                                                           \
    extern const struct eventstore_clause name##_clause;                                           \
    extern const struct projections_table name##_table;
TABLES(TABLES_ROW)
#undef TABLES_ROW

/* For removing clauses: the keys $2 of those streams, by ordinal $1, that were accepted. A join to
 * unnest() instead was planned as a scan of the whole table while statistics said that it is empty.
 */
#define TABLES_ACCEPTED_KEYS                                                                       \
    "\n"                                                                                           \
    "        SELECT u.key\n"                                                                       \
    "        FROM unnest($1, $2) AS u (stream_ordinal, key)\n"                                     \
    "        WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]"
/* What of a batch is about a table's streams: `change` is each of them in turn. */
#define TABLES_FOREACH(change, changes, of)                                                        \
    for (const struct projections_change *change = tables_first(changes, of); change != NULL;      \
         change = tables_next(changes, of, change))
const struct projections_change *tables_first(
    const struct projections_changes *changes, const struct aggregate *aggregate);
const struct projections_change *tables_next(
    const struct projections_changes *changes, const struct aggregate *aggregate,
    const struct projections_change *change);
/* The ordinals and the ids of a batch's carts. */
void tables_put_cart_keys(struct postgres_parameters *to, const void *changes);
/* The states of a change that is a cart's. */
static inline const struct cart *tables_cart(const struct projections_change *change)
{
    return change->after;
}
static inline const struct cart *tables_cart_before(const struct projections_change *change)
{
    return change->before;
}
/* A pending time arrives as null and becomes the moment of the append. */
void tables_put_time(struct postgres_parameters *to, int64_t time_us);
/* A time as JSON: null for PROJECTIONS_NO_TIME. */
void tables_write_time(struct base_buffer *out, int64_t unix_us);

/*
 * The document of a cart with many lines is stored in chunks of some lines each, so that an add
 * writes one of them, and not hundreds of lines anew. Whether it is depends on nothing but the
 * number of lines.
 */
#define TABLES_CHUNK_LINES 16
static inline bool tables_is_in_chunks(const struct cart *cart)
{
    return cart->n_lines > TABLES_CHUNK_LINES;
}
/* How all rows of some carts are removed from a table: the initialiser of its removing clause. */
#define TABLES_CART_REMOVING(table)                                                                \
    {                                                                                              \
        .ctes = table "_removed AS (\n"                                                            \
                      "    DELETE FROM " table "\n"                                                \
                      "    WHERE cart_id = ANY (ARRAY(" TABLES_ACCEPTED_KEYS "))\n"                \
                      ")",                                                                         \
        POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY), .put = tables_put_cart_keys,     \
    }
/* The carts that have rows of a table and no stream, at most $2, where a cart may have many. */
#define TABLES_CART_ORPHANS(table)                                                                 \
    {                                                                                              \
        .name = "orphans_of_" table,                                                               \
        .sql = "SELECT DISTINCT t.cart_id\n"                                                       \
               "FROM " table " t\n"                                                                \
               "WHERE t.cart_id >= $1\n"                                                           \
               "    AND NOT EXISTS (\n"                                                            \
               "        SELECT 1 FROM streams s\n"                                                 \
               "        WHERE s.stream_id = t.cart_id AND s.stream_type = 'cart')\n"               \
               "ORDER BY t.cart_id\n"                                                              \
               "LIMIT $2",                                                                         \
        POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),                                              \
    }

/* Reads of many: the rows answer the wanted ones by ordinal, from 1, in their first column. */
extern const struct postgres_statement carts_read;
extern const struct postgres_statement carts_read_priced;
extern const struct postgres_statement carts_read_customers;
extern const struct postgres_statement products_read;
extern const struct postgres_statement coupons_read;
/* A whole document, of a row c of `carts`. */
#define TABLES_CART_DOCUMENT                                                                       \
    "CASE WHEN c.document_end IS NULL THEN c.document ELSE concat(c.document,\n"                   \
    "        (SELECT string_agg(k.lines, ',' ORDER BY k.chunk) FROM cart_chunks k\n"               \
    "            WHERE k.cart_id = c.cart_id), c.document_end) END"
/* What its times are made of, of the same row: six columns, of which the last is the customer. */
#define TABLES_CART_TIMES                                                                          \
    "    c.created_at, c.updated_at, c.closed_at, c.abandoned_at, c.item_count, c.customer_id"
/* Appends the cart of a row whose columns from `column` on are these. */
void carts_append(
    struct base_buffer *out, const struct postgres_rows *rows, size_t row, size_t column);
/* Fill a read from a row: version and body. False: it is not for the caller. */
bool carts_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
    BASE_MUST_CHECK;
bool carts_receive_priced(
    const struct postgres_rows *rows, size_t row, struct projections_read *read) BASE_MUST_CHECK;
/* Caches what was received. */
struct cart_cache;
void carts_cache(
    struct cart_cache *cache, int64_t now_us, const struct postgres_rows *rows, size_t row,
    const struct projections_read *read);
/* Caches a changed cart that was cached before. Not large ones: the next read is the earlier to pay
 * for them. */
#define CACHED_CHANGE_MAX 4096
#define CACHED_CHANGE_LINES 32 /* whose documents are larger */
void carts_cache_change(
    struct cart_cache *cache, int64_t now_us, const struct projections_change *change);
bool products_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
    BASE_MUST_CHECK;
bool coupons_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
    BASE_MUST_CHECK;

/* A cursor is opaque to clients: the kind of list, the position in it, and a checksum of both and
 * of the list's filters, in base64url. So it goes on in the list that gave it, on any instance, and
 * nowhere else. A client can make one up: what it holds is input like any other, and decides only
 * where a page begins. */
#define CURSOR_FILTERS_MAX (PROJECTIONS_N_FILTERS + 1)
struct cursor_list {
    char kind;
    const char *filters[CURSOR_FILTERS_MAX]; /* NULL: none */
};
#define CARTS_CURSOR 'c'
#define PRODUCTS_CURSOR 'p'
#define COUPONS_CURSOR 'k'
/* Appends to `out`. */
void cursor_encode(
    struct base_buffer *out, const struct cursor_list *list, const void *position, size_t n_bytes);
/* The position, which is in the arena and whose bytes are the caller's to check; NULL for what is
 * no cursor of that list with those filters. */
const uint8_t *cursor_decode(
    struct base_arena *arena, const struct cursor_list *list, const char *cursor,
    size_t *n_bytes) BASE_MUST_CHECK;

/* Pages. ask adds the statements that fit the filters to page->pipeline; false for what is no
 * cursor of the list. receive fills body from their rows, but for its end, and next_cursor if there
 * are more. */
extern const struct postgres_statement carts_list_statements[];
extern const size_t carts_list_statements_count;
extern const struct postgres_statement products_list_statement;
extern const struct postgres_statement coupons_list_statement;
bool carts_ask_page(struct projections_page *page) BASE_MUST_CHECK;
void carts_receive_page(struct projections_page *page);

/* A list in the order of one text column. Its statement has the rows behind $1, at most $2; the
 * first column is the text, the others are what `append` makes an element of. */
struct key_list {
    const char *name; /* in JSON */
    const struct postgres_statement *statement;
    char cursor; /* the kind of its cursors */
    bool (*is_key)(const char *text);
    void (*append)(
        struct base_buffer *out, const struct postgres_rows *rows, size_t row, size_t column);
};
extern const struct key_list products_list;
extern const struct key_list coupons_list;
bool key_list_ask_page(const struct key_list *list, struct projections_page *page) BASE_MUST_CHECK;
void key_list_receive_page(const struct key_list *list, struct projections_page *page);

/* ---- what follows the log, and the reports over it ------------------------------------------- */

/* The range of the log that a report is about, as positions. */
struct report_moment {
    int64_t as_of; /* the last event that counts; 0: none does */
    int64_t as_of_us;
    int64_t period_after; /* what `from` and `to` let in: when a cart was created, or abandoned */
    int64_t period_until;
};

/* Where a page begins. Rows come by their number, the largest first, and then by sku (of a report
 * by day: by currency and owner). */
struct report_key {
    int64_t number;
    const char *sku;
};

struct report_table {
    const char *name;      /* of the projection */
    const char *rows_name; /* in JSON */
    char cursor;           /* the kind of its cursors; '\0': it comes in one page */
    size_t key_column;     /* of a report in pages: the sku of the key; behind it the number */
    const struct postgres_statement *statement;
    void (*put)(
        struct postgres_parameters *to, const struct projections_report *report,
        const struct report_moment *moment, const struct report_key *after);
    /* Appends members of the JSON answer that repeat what was asked, each with a comma behind it.
     */
    void (*write_asked)(struct base_buffer *out, const struct projections_report *report);
    /* In the order of the statement's columns, which are all texts. */
    struct {
        const char *name; /* NULL ends the list */
        bool is_text;     /* false: a number */
    } columns[16];
};
/* A write_asked of reports about a period. */
void tables_write_period(struct base_buffer *out, const struct projections_report *report);

#define REPORTS_ROW(NAME, name)                                                                    \
    extern const struct projections_follower name##_follower;                                      \
    extern const struct report_table name##_report;
PROJECTIONS_REPORTS(REPORTS_ROW)
#undef REPORTS_ROW
extern const struct projections_follower cart_rankings_follower;

/* A connection of their own, and the queue before it. */
struct reports;
struct reports *reports_create(const struct projections_options *options, char **problem)
    BASE_MUST_CHECK;
void reports_destroy(struct reports *reports); /* NULL-safe */
bool reports_is_ready(const struct reports *reports);
bool reports_ask(struct reports *reports, struct projections_report *report) BASE_MUST_CHECK;

#endif
