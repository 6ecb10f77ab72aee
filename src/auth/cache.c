#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The beginning of a digest, by which the table finds it. */
static struct base_uuid id_of(const uint8_t digest[static BASE_SHA256_SIZE])
{
    struct base_uuid id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

static void forget(struct auth_cache *cache, struct auth_cached *cached)
{
    TAILQ_REMOVE(&cache->by_age, cached, by_age);
    table_remove(&cache->table, &cached->entry);
    free(cached);
}

void auth_cache_init(struct auth_cache *cache)
{
    table_init(&cache->table);
    TAILQ_INIT(&cache->by_age);
}

void auth_cache_clear(struct auth_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->by_age))
        forget(cache, TAILQ_FIRST(&cache->by_age));
}

const struct auth_cached *auth_cache_find(
    struct auth_cache *cache, const uint8_t digest[static BASE_SHA256_SIZE])
{
    const struct base_uuid id = id_of(digest);
    struct table_entry *entry = table_find(&cache->table, &id);
    if (entry == NULL)
        return NULL;
    struct auth_cached *found = BASE_CONTAINER(entry, struct auth_cached, entry);
    if (memcmp(found->digest, digest, BASE_SHA256_SIZE) != 0)
        return NULL;
    TAILQ_REMOVE(&cache->by_age, found, by_age);
    TAILQ_INSERT_TAIL(&cache->by_age, found, by_age);
    return found;
}

void auth_cache_add(
    struct auth_cache *cache, const uint8_t digest[static BASE_SHA256_SIZE],
    const struct auth_identity *identity, int64_t not_before_s)
{
    const struct base_uuid id = id_of(digest);
    if (table_find(&cache->table, &id) != NULL)
        return; /* another token that begins alike */
    if (table_count(&cache->table) == AUTH_CACHED_MAX)
        forget(cache, TAILQ_FIRST(&cache->by_age));
    size_t subject_size = strlen(identity->subject) + 1;
    struct auth_cached *added = base_alloc(sizeof *added + subject_size);
    added->entry.id = id;
    memcpy(added->digest, digest, sizeof added->digest);
    memcpy(added->subject, identity->subject, subject_size);
    added->identity = *identity;
    added->identity.subject = added->subject;
    added->not_before_s = not_before_s;
    table_add(&cache->table, &added->entry);
    TAILQ_INSERT_TAIL(&cache->by_age, added, by_age);
}
