#include <assert.h>
#include <stdlib.h>

#include "internal.h"

/* A cart has its choice of a few places that its id hashes to; among them the one that was wanted
 * longest ago gives way. */
#define SETS 8192
#define WAYS 4
#define PLACES (SETS * WAYS)
#define BYTES_MAX (32 * 1024 * 1024)

void follow_carts_init(struct follow_carts *carts)
{
    *carts = (struct follow_carts){.places = base_alloc(PLACES * sizeof *carts->places)};
    struct base_random random = {0};
    base_random_take(&random, carts->secret, sizeof carts->secret);
}

static void drop(struct follow_carts *carts, struct follow_cart *place)
{
    carts->n_bytes -= place->n_bytes;
    free(place->cart);
    place->cart = NULL;
    place->n_bytes = 0;
}

void follow_carts_finish(struct follow_carts *carts)
{
    for (size_t i = 0; i < PLACES; i++)
        drop(carts, &carts->places[i]);
    free(carts->places);
}

void follow_carts_begin_round(struct follow_carts *carts)
{
    carts->round++;
    for (size_t i = 0; i < PLACES && carts->n_bytes > BYTES_MAX; i++) {
        drop(carts, &carts->places[carts->hand]);
        carts->hand = (carts->hand + 1) % PLACES;
    }
}

static bool is_of(const struct follow_cart *place, const struct base_uuid *id)
{
    return place->round > 0 && base_uuid_compare(&place->id, id) == 0;
}

struct follow_cart *follow_carts_claim(
    struct follow_carts *carts, const struct base_uuid *id, bool *is_first)
{
    struct follow_cart *set = &carts->places[base_uuid_hash(id, carts->secret) % SETS * WAYS];
    struct follow_cart *place = &set[0];
    for (size_t i = 0; i < WAYS && !is_of(place, id); i++)
        if (is_of(&set[i], id) || set[i].round < place->round)
            place = &set[i];
    bool is_there = is_of(place, id);
    if (!is_there && place->round == carts->round)
        return NULL;
    if (!is_there) {
        drop(carts, place);
        *place = (struct follow_cart){.id = *id};
    }
    *is_first = place->round != carts->round;
    place->round = carts->round;
    return place;
}

void follow_carts_keep(
    struct follow_carts *carts, struct follow_cart *place, const struct cart *cart)
{
    struct cart *kept = NULL;
    size_t n_bytes = 0;
    if (cart != NULL) {
        n_bytes = cart_packed_size(cart);
        kept = cart_pack(base_alloc(n_bytes), cart);
    }
    drop(carts, place); /* only now: the cart may borrow from it */
    place->cart = kept;
    place->n_bytes = n_bytes;
    carts->n_bytes += n_bytes;
}

int32_t follow_carts_version(const struct follow_cart *place)
{
    return place->cart == NULL ? 0 : place->cart->version;
}
