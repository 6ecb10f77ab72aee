/*
 * table: entries found by an id. The one hash table for all who look things up by a UUID; clients
 * choose some of those, so what shares a bucket depends on a secret. Entries are the caller's,
 * embedded in whatever they are of (BASE_CONTAINER); nothing here is allocated for each but room in
 * the buckets.
 */
#ifndef CARTD_TABLE_H
#define CARTD_TABLE_H

#include <uthash.h>

#include "base.h"

struct table_entry {
    struct base_uuid id; /* not to be changed while it is in a table */
    UT_hash_handle hh;
};

struct table {
    struct table_entry *entries;
    uint64_t secret[2];
};

void table_init(struct table *table);
/* NULL: there is none with that id. */
struct table_entry *table_find(const struct table *table, const struct base_uuid *id);
/* Adds an entry whose id is set and not in the table yet. */
void table_add(struct table *table, struct table_entry *entry);
void table_remove(struct table *table, struct table_entry *entry);
size_t table_count(const struct table *table);
/* The most entries that share a bucket; for tests. */
size_t table_longest_bucket(const struct table *table);

#endif
