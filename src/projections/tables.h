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

/* For removing parts: the ordinals and the ids of a batch's carts. */
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
 * to page->next_cursor. decode gives NULL for anything that encode would not have written for
 * `kind`. */
void cursor_encode(struct projections_page *page, char kind, const void *place, size_t n_bytes);
const uint8_t *cursor_decode(
    struct base_arena *arena, const char *cursor, char kind, size_t *n_bytes) BASE_MUST_CHECK;

#endif
