/*
 * catalog_import: one pass over a catalogue file, line by line: checked, or brought into the
 * catalogue, many at a time, through a service of its own. So lines take the same way into the log
 * as a PUT /products/{sku}, also beside running servers.
 */
#ifndef CARTD_CLI_CATALOG_IMPORT_H
#define CARTD_CLI_CATALOG_IMPORT_H

#include "catalog_missing.h"
#include "config.h"
#include "seen.h"
#include "source.h"

struct catalog_file {
    const struct config *config;
    struct source *source;
    char delimiter; /* '\0': found by itself */
    bool has_decimal_prices;
    const char *checked_by; /* "--strict": why nothing is imported if a line is bad */
    bool needs_products;    /* a file without any is refused by the check */
};

/* Only reads the lines, and finds those that contradict each other too. `seen` is what they say.
 * False: a line is bad, or it can't be read; said. The source is at its beginning again. */
bool catalog_check(const struct catalog_file *file, struct seen *seen) BASE_MUST_CHECK;
/* Imports them, and then makes the missing products inactive that nobody changed meanwhile (NULL:
 * none). False: not everything was recorded; said. */
bool catalog_import(const struct catalog_file *file, const struct catalog_missing *missing)
    BASE_MUST_CHECK;

#endif
