/*
 * kept: carts as they were read for GETs, so that the next GET needs no round trip. Private to the
 * room.
 *
 * What is kept is answered only while a lease lasts (eventstore.h), within which nobody else
 * changes carts, and what this process changes itself is not until its answer is there. A read that
 * was on its way while its cart was being changed, or that was asked without a lease, is not kept.
 */
#ifndef CARTD_PROJECTIONS_KEPT_H
#define CARTD_PROJECTIONS_KEPT_H

#include "projections.h"

/* Carts that may be under change are counted by a part of their hash: two that share one keep each
 * other from being kept for a moment, no more. */
#define KEPT_CHANGE_SLOTS 4096

struct kept_cart;

struct kept_place {
    uint64_t hash;
    struct kept_cart *cart; /* NULL: free */
};

struct kept {
    struct kept_place *places;
    size_t n_places;         /* a power of two */
    struct kept_cart *first; /* a ring of all, in the order of the next look for room */
    size_t n_carts;
    size_t n_bytes;
    size_t bytes_max; /* 0: nothing is kept */
    uint64_t secret[2];
    int64_t until_us;  /* the lease's end, monotonic; 0: none */
    int64_t n_writers; /* of the last lease */
    uint64_t epoch;    /* grows whenever all was dropped */
    struct {
        uint32_t n_under_way;
        uint32_t n_begun;
    } changes[KEPT_CHANGE_SLOTS];
};

void kept_init(struct kept *kept, size_t bytes_max);
void kept_finish(struct kept *kept);

/* A lease, or more of it. What is kept from the one before stays if the number is still the same.
 */
void kept_trust(struct kept *kept, int64_t until_us, int64_t n_writers);
void kept_distrust(struct kept *kept);

/* Gives the read what is kept, its version and body. False: it must be read; also a cart that is
 * kept and does not admit the caller, for whom it takes as long as one that does not exist. */
bool kept_find(struct kept *kept, int64_t now_us, struct projections_read *read) BASE_MUST_CHECK;

/* To be noted when a cart is asked for, and given to kept_put() with the answer; 0: it can't be
 * kept. */
uint64_t kept_mark(const struct kept *kept, int64_t now_us, const struct base_uuid *cart_id);
/* Keeps a copy, where nothing speaks against it. */
struct kept_found {
    struct base_uuid cart_id;
    int32_t version;
    const char *customer_id; /* NULL: none; the same for the hash */
    const char *guest_token_hash;
    const char *document; /* with its times */
    size_t document_length;
};
void kept_put(struct kept *kept, int64_t now_us, uint64_t mark, const struct kept_found *found);

/* A change of a cart is about to be sent: what is kept of it is behind. And it was answered. */
void kept_begin_change(struct kept *kept, const struct base_uuid *cart_id);
void kept_end_change(struct kept *kept, const struct base_uuid *cart_id);
/* Whether it was kept when it was changed last, and so may be wanted again. */
bool kept_is_behind(const struct kept *kept, const struct base_uuid *cart_id);

#endif
