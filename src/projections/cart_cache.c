#include "cart_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_AT_FIRST 1024
/* In one allocation with its texts. */
struct cached_cart {
    struct base_uuid id;
    TAILQ_ENTRY(cached_cart) by_check;
    const char *customer_id;
    const char *guest_token_hash;
    const char *resume_token_hash;
    const char *document; /* with its times, as it is answered */
    size_t document_length;
    size_t n_bytes; /* of it all */
    int32_t version;
    bool is_behind; /* it was changed since, or is being changed */
    bool was_used;  /* since it was checked last */
};

/* ---- the table ------------------------------------------------------------------------------- */

/* The first slot from `at` on that is free or of this hash: linear probing (Knuth, The Art of
 * Computer Programming, 6.4, algorithm L). That a slot holds another cart is seen by its hash,
 * without reading that cart, which would be a miss in the processor's cache: hence no table.h. */
static size_t probe(const struct cart_cache *cache, uint64_t hash, size_t at)
{
    size_t mask = cache->n_slots - 1;
    at &= mask;
    while (cache->slots[at].cart != NULL && cache->slots[at].hash != hash)
        at = (at + 1) & mask;
    return at;
}

/* Where it is, or else where it belongs. Clients may choose ids, so which of them come to the same
 * slot depends on a secret. */
static struct cart_cache_slot *find(const struct cart_cache *cache, const struct base_uuid *id)
{
    uint64_t hash = base_uuid_hash(id, cache->secret);
    size_t at = probe(cache, hash, (size_t)hash);
    while (cache->slots[at].cart != NULL && base_uuid_compare(&cache->slots[at].cart->id, id) != 0)
        at = probe(cache, hash, at + 1);
    return &cache->slots[at];
}

/* Those who stand further on than they belong move up (algorithm R there). */
static void vacate(struct cart_cache *cache, struct cart_cache_slot *slot)
{
    size_t mask = cache->n_slots - 1;
    size_t hole = (size_t)(slot - cache->slots);
    for (size_t i = (hole + 1) & mask; cache->slots[i].cart != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)cache->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            cache->slots[hole] = cache->slots[i];
            hole = i;
        }
    }
    cache->slots[hole].cart = NULL;
}

static void drop(struct cart_cache *cache, struct cart_cache_slot *slot)
{
    struct cached_cart *cart = slot->cart;
    if (cart == NULL)
        return;
    vacate(cache, slot);
    TAILQ_REMOVE(&cache->carts, cart, by_check);
    cache->n_carts--;
    cache->n_bytes -= cart->n_bytes;
    free(cart);
}

static void make_slots(struct cart_cache *cache, size_t n_slots)
{
    cache->n_slots = n_slots;
    cache->slots = base_alloc(n_slots * sizeof(struct cart_cache_slot));
}

/* Into the slot where a cart belongs that is not there yet. */
static void put(struct cart_cache *cache, struct cart_cache_slot slot)
{
    size_t at = probe(cache, slot.hash, (size_t)slot.hash);
    while (cache->slots[at].cart != NULL)
        at = probe(cache, slot.hash, at + 1);
    cache->slots[at] = slot;
}

/* By the hashes that are there already, without reading any cart. */
static void grow(struct cart_cache *cache)
{
    struct cart_cache_slot *old = cache->slots;
    size_t n_old = cache->n_slots;
    make_slots(cache, n_old * 2);
    for (size_t i = 0; i < n_old; i++)
        if (old[i].cart != NULL)
            put(cache, old[i]);
    free(old);
}

static void add(struct cart_cache *cache, struct cached_cart *cart)
{
    if (cache->n_carts >= cache->n_slots / 4 * 3)
        grow(cache);
    assert(find(cache, &cart->id)->cart == NULL);
    put(cache, (struct cart_cache_slot){base_uuid_hash(&cart->id, cache->secret), cart});
    TAILQ_INSERT_TAIL(&cache->carts, cart, by_check);
    cache->n_carts++;
    cache->n_bytes += cart->n_bytes;
}

/* Evicts carts that were not used since they were checked last: Corbató's clock, which costs a hit
 * one store. */
static void make_room(struct cart_cache *cache)
{
    while (cache->n_bytes > cache->bytes_max) {
        struct cached_cart *cart = TAILQ_FIRST(&cache->carts);
        if (cart->was_used) {
            cart->was_used = false;
            TAILQ_REMOVE(&cache->carts, cart, by_check);
            TAILQ_INSERT_TAIL(&cache->carts, cart, by_check);
        } else {
            drop(cache, find(cache, &cart->id));
        }
    }
}

void cart_cache_init(struct cart_cache *cache, size_t bytes_max)
{
    *cache = (struct cart_cache){.bytes_max = bytes_max};
    struct base_random random = {0};
    TAILQ_INIT(&cache->carts);
    base_random_take(&random, cache->secret, sizeof cache->secret);
    make_slots(cache, SLOTS_AT_FIRST);
}

/* ---- the lease ------------------------------------------------------------------------------- */

static bool has_lease(const struct cart_cache *cache, int64_t now_us)
{
    return now_us < cache->until_us;
}

void cart_cache_grant(struct cart_cache *cache, int64_t until_us, int64_t n_writers)
{
    if (n_writers != cache->n_writers)
        cart_cache_revoke(cache);
    cache->n_writers = n_writers;
    cache->until_us = until_us;
}

void cart_cache_revoke(struct cart_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->carts))
        drop(cache, find(cache, &TAILQ_FIRST(&cache->carts)->id));
    cache->until_us = 0;
    cache->epoch++;
}

void cart_cache_finish(struct cart_cache *cache)
{
    cart_cache_revoke(cache);
    free(cache->slots);
}

/* ---- reads ----------------------------------------------------------------------------------- */

bool cart_cache_find(struct cart_cache *cache, int64_t now_us, struct projections_read *read)
{
    if (!has_lease(cache, now_us))
        return false;
    struct cached_cart *cart = find(cache, &read->id)->cart;
    if (cart == NULL || cart->is_behind)
        return false;
    if (!read->caller.may_all &&
        !cart_admits(cart->customer_id, cart->guest_token_hash, &read->caller) &&
        !cart_has_token(cart->resume_token_hash, &read->caller))
        return false;
    cart->was_used = true;
    read->version = cart->version;
    base_buffer_append(&read->body, cart->document, cart->document_length);
    return true;
}

static size_t slot_of(const struct cart_cache *cache, const struct base_uuid *cart_id)
{
    return (size_t)(base_uuid_hash(cart_id, cache->secret) >> 32) % CART_CACHE_COUNTERS;
}

/* Both numbers only grow, so the sum is the same only if both are. */
uint64_t cart_cache_mark(
    const struct cart_cache *cache, int64_t now_us, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(cache, cart_id);
    if (cache->bytes_max == 0 || !has_lease(cache, now_us) || cache->changes[slot].n_under_way > 0)
        return 0;
    return 1 + cache->epoch + cache->changes[slot].n_begun;
}

static const char *copy(char **to, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *at = *to;
    memcpy(at, text, size);
    *to += size;
    return at;
}

void cart_cache_put(
    struct cart_cache *cache, int64_t now_us, uint64_t mark, const struct cart_cache_entry *found)
{
    if (mark == 0 || mark != cart_cache_mark(cache, now_us, &found->cart_id))
        return;
    size_t n_bytes = sizeof(struct cached_cart) + found->document_length;
    n_bytes += found->customer_id == NULL ? 0 : strlen(found->customer_id) + 1;
    n_bytes += found->guest_token_hash == NULL ? 0 : strlen(found->guest_token_hash) + 1;
    n_bytes += found->resume_token_hash == NULL ? 0 : strlen(found->resume_token_hash) + 1;
    if (n_bytes > cache->bytes_max / 16) /* one must not drive out all others */
        return;
    drop(cache, find(cache, &found->cart_id));
    struct cached_cart *cart = base_alloc(n_bytes);
    char *texts = (char *)(cart + 1);
    cart->id = found->cart_id;
    cart->version = found->version;
    cart->n_bytes = n_bytes;
    cart->customer_id = copy(&texts, found->customer_id);
    cart->guest_token_hash = copy(&texts, found->guest_token_hash);
    cart->resume_token_hash = copy(&texts, found->resume_token_hash);
    cart->document_length = found->document_length;
    memcpy(texts, found->document, found->document_length);
    cart->document = texts;
    add(cache, cart);
    make_room(cache);
}

/* ---- changes --------------------------------------------------------------------------------- */

void cart_cache_begin_change(struct cart_cache *cache, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(cache, cart_id);
    cache->changes[slot].n_under_way++;
    cache->changes[slot].n_begun++;
    struct cached_cart *cart = find(cache, cart_id)->cart;
    if (cart != NULL)
        cart->is_behind = true;
}

void cart_cache_end_change(struct cart_cache *cache, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(cache, cart_id);
    assert(cache->changes[slot].n_under_way > 0);
    cache->changes[slot].n_under_way--;
}

bool cart_cache_is_behind(const struct cart_cache *cache, const struct base_uuid *cart_id)
{
    const struct cached_cart *cart = find(cache, cart_id)->cart;
    return cart != NULL && cart->is_behind;
}
