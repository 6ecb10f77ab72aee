/*
 * tables: what the files of the read tables give to projections.c. Private to this room.
 */
#ifndef CARTD_PROJECTIONS_TABLES_H
#define CARTD_PROJECTIONS_TABLES_H

#include "projections.h"

/* The read tables, in the order in which they are written: each has name_part and name_table. */
#define TABLES(ROW)                                                                                \
    ROW(carts)                                                                                     \
    ROW(cart_items)                                                                                \
    ROW(products)
#define TABLES_ROW(name)                                                                           \
    extern const struct eventstore_part name##_part;                                               \
    extern const struct projections_table name##_table;
TABLES(TABLES_ROW)
#undef TABLES_ROW

/* For removing parts: the keys $2 of those streams, by ordinal $1, that were accepted. A join to
 * unnest() instead was planned as a scan of the whole table while statistics said that it is empty.
 */
#define TABLES_ACCEPTED_KEYS                                                                       \
    "\n"                                                                                           \
    "        SELECT u.key\n"                                                                       \
    "        FROM unnest($1, $2) AS u (stream_ordinal, key)\n"                                     \
    "        WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]"
/* The ordinals and the ids of a batch's carts. */
void tables_put_cart_keys(struct postgres_parameters *to, const void *changes);

/* Reads of many: the rows answer the wanted ones by ordinal, from 1, in their first column. */
extern const struct postgres_statement carts_read;
extern const struct postgres_statement products_read;
/* Fill a read from a row: version and body. */
void carts_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read);
void products_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read);

/* Pages. ask adds the statement that fits the filters to page->group; false for a bad cursor.
 * receive fills body and next_cursor from its rows. */
extern const struct postgres_statement *const carts_list_statements[];
extern const struct postgres_statement *const products_list_statements[];
bool carts_ask_page(struct projections_page *page) BASE_MUST_CHECK;
void carts_receive_page(struct projections_page *page);
bool products_ask_page(struct projections_page *page) BASE_MUST_CHECK;
void products_receive_page(struct projections_page *page);

/* A cursor is opaque to clients: the kind of list and the place in it, in base64url. encode appends
 * to `out`. decode gives NULL for anything that encode would not have written for `kind`. */
void cursor_encode(struct base_buffer *out, char kind, const void *place, size_t n_bytes);
const uint8_t *cursor_decode(
    struct base_arena *arena, const char *cursor, char kind, size_t *n_bytes) BASE_MUST_CHECK;

/* ---- what follows the log, and the reports over it ------------------------------------------- */

/* The stretch of the log that a report is about, as positions. */
struct report_moment {
    int64_t as_of; /* the last event that counts; 0: none does */
    int64_t as_of_us;
    int64_t created_after; /* of carts: their first event */
    int64_t created_until;
};

/* Where a page begins. Rows come by their number, the largest first, and then by sku. */
struct report_place {
    int64_t number;
    const char *sku;
};

struct report_table {
    const char *name;      /* of the projection */
    const char *rows_name; /* in JSON */
    char cursor;           /* the kind of its cursors; '\0': it comes in one page */
    const struct postgres_statement *statement;
    void (*put)(
        struct postgres_parameters *to, const struct projections_report *report,
        const struct report_moment *moment, const struct report_place *after);
    /* Appends members of the JSON answer that repeat what was asked, each with a comma behind it.
     */
    void (*write_asked)(struct base_buffer *out, const struct projections_report *report);
    /* In the order of the statement's columns, which are all texts. Of a report in pages the first
     * is the sku and the second the number. */
    struct {
        const char *name; /* NULL ends the list */
        bool is_text;     /* false: a number */
    } columns[6];
};

#define REPORTS_ROW(NAME, name)                                                                    \
    extern const struct projections_follower name##_follower;                                      \
    extern const struct report_table name##_report;
PROJECTIONS_REPORTS(REPORTS_ROW)
#undef REPORTS_ROW

/* A connection of their own, and the queue before it. */
struct reports;
struct reports *reports_create(const struct projections_options *options, char **problem)
    BASE_MUST_CHECK;
void reports_destroy(struct reports *reports); /* NULL-safe */
bool reports_is_ready(const struct reports *reports);
size_t reports_waiting(const struct reports *reports);
bool reports_ask(struct reports *reports, struct projections_report *report) BASE_MUST_CHECK;
/* A time as JSON: null for PROJECTIONS_NO_TIME. */
void reports_write_time(struct base_buffer *out, int64_t unix_us);

#endif
