/*
 * catalog_missing: the active products that a catalogue file does not have.
 */
#ifndef CARTD_CLI_CATALOG_MISSING_H
#define CARTD_CLI_CATALOG_MISSING_H

#include "base.h"
#include "config.h"
#include "seen.h"

struct catalog_missing_product {
    char *sku;
    int32_t version; /* when it was found */
};

struct catalog_missing {
    struct base_buffer bytes; /* an array of struct catalog_missing_product */
    size_t n;
};

/* Finds those of which `seen` has no "name". False: the database can't be asked; said on stderr. */
bool catalog_missing_find(
    const struct config *config, const struct seen *seen,
    struct catalog_missing *missing) BASE_MUST_CHECK;
/* One of the n, borrowed. */
const struct catalog_missing_product *catalog_missing_at(
    const struct catalog_missing *missing, size_t i);
void catalog_missing_finish(struct catalog_missing *missing);

#endif
