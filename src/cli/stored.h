/*
 * stored: reads all of a list that is stored, page by page, for what a dry run says of it.
 */
#ifndef CARTD_CLI_STORED_H
#define CARTD_CLI_STORED_H

#include "base.h"

struct stored_list {
    const char *url;     /* of the database */
    const char *sql;     /* a page: of $1, the key that it comes behind; the key is in column 0 */
    const char *further; /* $2; NULL: it has none */
    size_t n_columns;
    /* Takes a row, which is borrowed until it returns. */
    void (*receive)(void *context, char *const *row);
    void *context;
};
/* False with *problem (the caller's to free): the database can't be asked. */
bool stored_read(const struct stored_list *list, char **problem) BASE_MUST_CHECK;

#endif
