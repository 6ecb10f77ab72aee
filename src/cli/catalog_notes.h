/*
 * catalog_notes: what the lines of a catalogue file say of its products, as digests: to find lines
 * that contradict each other, and to compare the whole file with the catalogue.
 */
#ifndef CARTD_CLI_CATALOG_NOTES_H
#define CARTD_CLI_CATALOG_NOTES_H

#include "base.h"
#include "product_line.h"
#include "seen.h"

struct catalog_notes {
    struct seen seen; /* by currency, and "name", "active", "quantity", "tags" */
    int64_t n_products;
    struct base_buffer currencies; /* of all prices, each once: an array of char[4] */
    bool has_quantities;           /* the file has columns for them */
    bool has_tags;                 /* likewise */
};

void catalog_notes_finish(struct catalog_notes *notes);
void catalog_notes_take_header(
    struct catalog_notes *notes, const struct product_line_header *header);
/* Notes what a line says, and returns 0. Or nothing, and returns the number of an earlier line of
 * the same product that says something else; *what is in what, static: "price". */
int64_t catalog_notes_take(
    struct catalog_notes *notes, const struct product_line *line, int64_t line_number,
    const char **what);

/* Whether the file has the product; whether it says if the product is active. */
bool catalog_notes_have(const struct catalog_notes *notes, const char *sku) BASE_MUST_CHECK;
bool catalog_notes_say_active(const struct catalog_notes *notes, const char *sku) BASE_MUST_CHECK;

/* Of a file that is the whole catalogue: of what no line of the product says, the line says the
 * default. It is active; of quantity and tags only where the file has columns for them. */
void catalog_notes_complete(const struct catalog_notes *notes, struct product_line *line);
/* Likewise: the currencies in which the file has a price of the product. How many. */
size_t catalog_notes_list_currencies(
    const struct catalog_notes *notes, const char *sku,
    char currencies[CATALOG_PRICES_MAX][4]) BASE_MUST_CHECK;
/* Whether an import of the file changes a product that the file and the catalogue have.
 * `replaces`: the file is the whole catalogue. */
bool catalog_notes_differ(
    const struct catalog_notes *notes, const char *sku, const struct catalog_content *content,
    bool replaces) BASE_MUST_CHECK;

#endif
