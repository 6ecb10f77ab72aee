/*
 * cart_cache: carts as they were read, so that the next GET needs no round trip. Private to the
 * room.
 *
 * What is cached is answered only while a lease lasts (eventstore.h), within which nobody else
 * changes carts, and what this process changes itself is not until its answer is there. A read that
 * was on its way while its cart was being changed, or that was asked without a lease, is not
 * cached.
 */
#ifndef CARTD_PROJECTIONS_CART_CACHE_H
#define CARTD_PROJECTIONS_CART_CACHE_H

#include "projections.h"

/* Changes under way are counted by a part of the cart's hash. Two carts that share a counter only
 * keep each other from being cached for a moment. */
#define CART_CACHE_COUNTERS 4096

struct cached_cart;

struct cart_cache_slot {
    uint64_t hash;
    struct cached_cart *cart; /* NULL: free */
};

struct cart_cache {
    struct cart_cache_slot *slots;
    size_t n_slots;                  /* a power of two */
    TAILQ_HEAD(, cached_cart) carts; /* in the order of the next check for eviction */
    size_t n_carts;
    size_t n_bytes;
    size_t bytes_max; /* 0: nothing is cached */
    uint64_t secret[2];
    int64_t until_us;  /* the lease's end, monotonic; 0: none */
    int64_t n_writers; /* of the last lease */
    uint64_t epoch;    /* grows whenever all was dropped */
    struct {
        uint32_t n_under_way;
        uint32_t n_begun;
    } changes[CART_CACHE_COUNTERS];
};

void cart_cache_init(struct cart_cache *cache, size_t bytes_max);
void cart_cache_finish(struct cart_cache *cache);

/* A lease, or more of it. What is cached from the one before stays if n_writers is still the same.
 */
void cart_cache_grant(struct cart_cache *cache, int64_t until_us, int64_t n_writers);
void cart_cache_revoke(struct cart_cache *cache);

/* Gives the read the cached version and body. False: it must be read from the table; also a cart
 * that does not admit the caller, for whom it takes as long as one that does not exist. */
bool cart_cache_find(struct cart_cache *cache, int64_t now_us, struct projections_read *read)
    BASE_MUST_CHECK;

/* To be noted when a cart is asked for, and given to cart_cache_put() with the answer; 0: it can't
 * be cached. */
uint64_t cart_cache_mark(
    const struct cart_cache *cache, int64_t now_us, const struct base_uuid *cart_id);
/* Caches a copy, unless the cart was changed meanwhile or the lease has ended. */
struct cart_cache_entry {
    struct base_uuid cart_id;
    int32_t version;
    const char *customer_id; /* NULL: none; the same for the hash */
    const char *guest_token_hash;
    const char *resume_token_hash;
    const char *document; /* with its times */
    size_t document_length;
};
void cart_cache_put(
    struct cart_cache *cache, int64_t now_us, uint64_t mark, const struct cart_cache_entry *found);

/* A change of a cart is about to be sent: what is cached of it is behind. And it was answered. */
void cart_cache_begin_change(struct cart_cache *cache, const struct base_uuid *cart_id);
void cart_cache_end_change(struct cart_cache *cache, const struct base_uuid *cart_id);
/* Whether it was cached when it was changed last, and so may be wanted again. */
bool cart_cache_is_behind(const struct cart_cache *cache, const struct base_uuid *cart_id);

#endif
