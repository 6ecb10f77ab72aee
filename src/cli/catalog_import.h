/*
 * catalog_import: one pass over a catalogue file, line by line: checked, or brought into the
 * catalogue, many at a time, through a service of its own. So lines take the same way into the log
 * as a PUT /products/{sku}, also beside running servers.
 */
#ifndef CARTD_CLI_CATALOG_IMPORT_H
#define CARTD_CLI_CATALOG_IMPORT_H

#include "catalog_difference.h"
#include "catalog_notes.h"
#include "config.h"
#include "source.h"

struct catalog_file {
    const struct config *config;
    struct source *source;
    char delimiter; /* '\0': found by itself */
    bool has_decimal_prices;
    const char *whole_by; /* "--strict": why nothing is imported if a line is bad; NULL: the others
                             are */
    bool replaces;        /* it is the whole catalogue; without products it is refused */
};

struct catalog_checked {
    int64_t n_lines;
    int64_t n_bad; /* or they contradict another; said */
};

/* Only reads the lines, and notes what the good ones say. False: nothing may be imported, because
 * of bad lines and whole_by, or as the file can't be read; said. The source is at its beginning
 * again. */
bool catalog_check(
    const struct catalog_file *file, struct catalog_notes *notes,
    struct catalog_checked *checked) BASE_MUST_CHECK;
/* Imports them. `notes` are those of the check that whole_by asks for; without one the import takes
 * them. `replaced` (NULL: nothing is): the file is the whole catalogue, so what it does not say is
 * not so, and the products that it does not have become inactive, but for those that somebody
 * changed meanwhile. False: not everything was recorded; said. */
bool catalog_import(
    const struct catalog_file *file, struct catalog_notes *notes,
    const struct catalog_difference *replaced) BASE_MUST_CHECK;

#endif
