#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

void replay_cache_init(struct replay_cache *cache, const struct replay_cache_limits *limits)
{
    *cache = (struct replay_cache){.limits = *limits};
    table_init(&cache->table);
    TAILQ_INIT(&cache->by_use);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static void add(struct replay_cache *cache, struct replay_cached *cached)
{
    table_add(&cache->table, &cached->entry);
    TAILQ_INSERT_TAIL(&cache->by_use, cached, by_use);
    cache->n_bytes += cached->n_bytes;
}

static void withdraw(struct replay_cache *cache, struct replay_cached *cached)
{
    table_remove(&cache->table, &cached->entry);
    TAILQ_REMOVE(&cache->by_use, cached, by_use);
    cache->n_bytes -= cached->n_bytes;
}

static void drop(struct replay_cache *cache, struct replay_cached *cached)
{
    withdraw(cache, cached);
    free(cached);
}

void replay_cache_finish(struct replay_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->by_use))
        drop(cache, TAILQ_FIRST(&cache->by_use));
}

void replay_cached_free(struct replay_cached *cached)
{
    free(cached);
}

void replay_cache_trim(struct replay_cache *cache)
{
    while (table_count(&cache->table) > cache->limits.states_max ||
           cache->n_bytes > cache->limits.bytes_max)
        drop(cache, TAILQ_FIRST(&cache->by_use));
}

void replay_cache_begin_epoch(struct replay_cache *cache)
{
    cache->epoch++;
}

/* ---- states ---------------------------------------------------------------------------------- */

static struct replay_cached *find(struct replay_cache *cache, const struct base_uuid *id)
{
    struct table_entry *entry = table_find(&cache->table, id);
    if (entry == NULL)
        return NULL;
    struct replay_cached *cached = BASE_CONTAINER(entry, struct replay_cached, entry);
    if (cached->epoch == cache->epoch)
        return cached;
    drop(cache, cached);
    return NULL;
}

struct replay_cached *replay_cache_find(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate)
{
    struct replay_cached *cached = find(cache, id);
    return cached != NULL && cached->aggregate == aggregate ? cached : NULL;
}

static size_t round_up(size_t n_bytes)
{
    return (n_bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
}

/* All in one allocation: the entry, the notes, the state. */
static struct replay_cached *make(
    const struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate,
    const void *state)
{
    size_t notes_at = round_up(sizeof(struct replay_cached));
    size_t state_at = notes_at + round_up(cache->limits.notes_size);
    size_t n_bytes = state_at + aggregate->packed_size(state);
    char *memory = base_realloc(NULL, n_bytes);
    struct replay_cached *cached = (struct replay_cached *)(void *)memory;
    *cached = (struct replay_cached){
        .entry = {.id = *id},
        .epoch = cache->epoch,
        .n_bytes = n_bytes,
        .aggregate = aggregate,
        .notes = memory + notes_at,
        .state = memory + state_at,
    };
    aggregate->pack(memory + state_at, state);
    return cached;
}

struct replay_cached *replay_cache_put(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate,
    const void *state)
{
    if (cache->limits.states_max == 0)
        return NULL;
    struct replay_cached *former = find(cache, id);
    struct replay_cached *cached = make(cache, id, aggregate, state);
    if (former == NULL) {
        memset(cached->notes, 0, cache->limits.notes_size);
    } else {
        memcpy(cached->notes, former->notes, cache->limits.notes_size);
        drop(cache, former);
    }
    add(cache, cached);
    return cached;
}

void replay_cache_remove(struct replay_cache *cache, const struct base_uuid *id)
{
    struct replay_cached *cached = find(cache, id);
    if (cached != NULL)
        drop(cache, cached);
}

struct replay_cached *replay_cache_take(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate)
{
    struct replay_cached *cached = replay_cache_find(cache, id, aggregate);
    if (cached != NULL)
        withdraw(cache, cached);
    return cached;
}

void replay_cache_return(struct replay_cache *cache, struct replay_cached *cached)
{
    add(cache, cached);
}
