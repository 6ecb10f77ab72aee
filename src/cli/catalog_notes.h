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
};

void catalog_notes_finish(struct catalog_notes *notes);
/* Notes what a line says. 0, or the number of an earlier line of the same product that says
 * something else in its name, price, activity, quantity or tags; what that one says stays noted. */
int64_t catalog_notes_take(
    struct catalog_notes *notes, const struct product_line *line, int64_t line_number);

#endif
