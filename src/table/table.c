#include <stdlib.h>

#define uthash_malloc(n_bytes) base_alloc(n_bytes)
#define uthash_free(memory, n_bytes) free(memory)

#include "table.h"

static unsigned hash(const struct table *table, const struct base_uuid *id)
{
    return (unsigned)base_uuid_hash(id, table->secret);
}

void table_init(struct table *table)
{
    struct base_random random = {0};
    *table = (struct table){.entries = NULL};
    base_random_take(&random, table->secret, sizeof table->secret);
}

struct table_entry *table_find(const struct table *table, const struct base_uuid *id)
{
    struct table_entry *found = NULL;
    HASH_FIND_BYHASHVALUE(hh, table->entries, id, sizeof *id, hash(table, id), found);
    return found;
}

void table_add(struct table *table, struct table_entry *entry)
{
    unsigned value = hash(table, &entry->id);
    HASH_ADD_BYHASHVALUE(hh, table->entries, id, sizeof entry->id, value, entry);
}

void table_remove(struct table *table, struct table_entry *entry)
{
    HASH_DELETE(hh, table->entries, entry);
}

size_t table_count(const struct table *table)
{
    return HASH_COUNT(table->entries);
}

size_t table_longest_bucket(const struct table *table)
{
    size_t longest = 0;
    const UT_hash_table *own = table->entries == NULL ? NULL : table->entries->hh.tbl;
    for (unsigned i = 0; own != NULL && i < own->num_buckets; i++)
        longest = own->buckets[i].count > longest ? own->buckets[i].count : longest;
    return longest;
}
