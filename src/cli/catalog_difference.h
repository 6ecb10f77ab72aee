/*
 * catalog_difference: what an import of a catalogue file would change, and what it leaves that may
 * surprise: the catalogue beside the notes of a check.
 */
#ifndef CARTD_CLI_CATALOG_DIFFERENCE_H
#define CARTD_CLI_CATALOG_DIFFERENCE_H

#include "base.h"
#include "catalog_notes.h"
#include "config.h"

/* An active product that the file does not have. */
struct catalog_missing_product {
    char *sku;
    int32_t version; /* when it was found */
};

struct catalog_difference {
    struct base_buffer missing; /* an array of struct catalog_missing_product */
    size_t n_missing;
    int64_t n_new;       /* products of the file that the catalogue does not have */
    int64_t n_changed;   /* and that it has otherwise */
    int64_t n_withdrawn; /* and that are inactive, of which the file does not say so */
};

enum catalog_scope {
    CATALOG_SCOPE_ALL,     /* every product is read */
    CATALOG_SCOPE_INACTIVE /* only the inactive ones: only n_withdrawn is right */
};

/* `replaces`: as with --replace. False: the database can't be asked; *problem says why (the
 * caller's to free). Finish the difference in any case. */
bool catalog_difference_find(
    const struct config *config, const struct catalog_notes *notes, bool replaces,
    enum catalog_scope scope, struct catalog_difference *difference,
    char **problem) BASE_MUST_CHECK;
/* One of the n_missing, borrowed. */
const struct catalog_missing_product *catalog_difference_missing(
    const struct catalog_difference *difference, size_t i);
void catalog_difference_finish(struct catalog_difference *difference);

#endif
