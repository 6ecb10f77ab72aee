/*
 * catalog_missing: the active products that a catalogue file does not have.
 */
#ifndef CARTD_CLI_CATALOG_MISSING_H
#define CARTD_CLI_CATALOG_MISSING_H

#include "base.h"
#include "catalog_notes.h"
#include "config.h"

struct catalog_missing_product {
    char *sku;
    int32_t version; /* when it was found */
};

struct catalog_missing {
    struct base_buffer bytes; /* an array of struct catalog_missing_product */
    size_t n;
};

/* Finds those of which `notes` have no "name". False: the database can't be asked; said on stderr.
 */
bool catalog_missing_find(
    const struct config *config, const struct catalog_notes *notes,
    struct catalog_missing *missing) BASE_MUST_CHECK;
/* One of the n, borrowed. */
const struct catalog_missing_product *catalog_missing_at(
    const struct catalog_missing *missing, size_t i);
void catalog_missing_finish(struct catalog_missing *missing);

#endif
