/*
 * product_line: what one line of a catalogue file says, once it is known to be right. Columns
 * sku, name, currency, price and, optionally, active, tags and what the product says of quantities,
 * in the order of the header line, among others that are ignored. It reads no file and records
 * nothing.
 */
#ifndef CARTD_CLI_PRODUCT_LINE_H
#define CARTD_CLI_PRODUCT_LINE_H

#include "base.h"
#include "catalog.h"
#include "columns.h"

/* Column, name, whether the header must have it. */
#define PRODUCT_LINE_COLUMNS(ROW)                                                                  \
    ROW(SKU, "sku", true)                                                                          \
    ROW(NAME, "name", true)                                                                        \
    ROW(CURRENCY, "currency", true)                                                                \
    ROW(PRICE, "price", true)                                                                      \
    ROW(ACTIVE, "active", false)                                                                   \
    ROW(MINIMUM, "minimum", false)                                                                 \
    ROW(MAXIMUM, "maximum", false)                                                                 \
    ROW(MULTIPLE_OF, "multiple_of", false)                                                         \
    ROW(UNIT, "unit", false)                                                                       \
    ROW(SCALE, "scale", false)                                                                     \
    ROW(TAGS, "tags", false)

enum product_line_column {
#define PRODUCT_LINE_ROW(NAME, name, is_needed) PRODUCT_LINE_##NAME,
    PRODUCT_LINE_COLUMNS(PRODUCT_LINE_ROW)
#undef PRODUCT_LINE_ROW
        PRODUCT_LINE_N_COLUMNS
};

struct product_line_header {
    bool has_decimal_prices; /* set by the caller: 4.99 or 4,99 instead of 499 */
    struct columns_header columns;
};

struct product_line {
    const char *sku; /* texts are borrowed from the record, or in the arena */
    const char *name;
    const char *currency;
    bool has_price; /* false: it is empty, so there is none any more */
    int64_t price_minor;
    bool has_active; /* false: there is no such column, or it is empty here */
    bool is_active;
    bool has_quantity;                /* false: the line says nothing of it */
    struct catalog_quantity quantity; /* all zero: the default */
    bool has_tags;                    /* likewise */
    const char *tags;                 /* a JSON array; NULL: none */
};

extern const struct columns product_line_columns;
/* False with `problem`, which has column, value and sku appended: then `line` is untouched. */
bool product_line_read(
    const struct product_line_header *header, const struct csv_record *record,
    struct base_arena *arena, struct product_line *line,
    struct base_buffer *problem) BASE_MUST_CHECK;
/* Appends " (sku …)", of a text that may be too long. */
void product_line_append_sku(struct base_buffer *problem, const char *sku);

#endif
