#include "kept.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_AT_FIRST 1024

/* In one piece of memory with its texts. */
struct kept_cart {
    struct base_uuid id;
    struct kept_cart *next;
    struct kept_cart *previous;
    const char *customer_id;
    const char *guest_token_hash;
    const char *document; /* with its times, as it is answered */
    size_t document_length;
    size_t n_bytes; /* of it all */
    int32_t version;
    bool is_behind; /* it was changed since, or is being changed */
    bool was_used;  /* since room was looked for */
};

/* ---- the table ------------------------------------------------------------------------------- */

/* The first place from `at` on that is free or of this hash: linear probing (Knuth, The Art of
 * Computer Programming, 6.4, algorithm L). That a place holds another cart is seen by its hash,
 * without a look at that cart, which is in no processor's cache. */
static size_t probe(const struct kept *kept, uint64_t hash, size_t at)
{
    size_t mask = kept->n_places - 1;
    at &= mask;
    while (kept->places[at].cart != NULL && kept->places[at].hash != hash)
        at = (at + 1) & mask;
    return at;
}

/* Where it is, or else where it belongs. Clients may choose ids, so which of them come to the same
 * place depends on a secret. */
static struct kept_place *find(const struct kept *kept, const struct base_uuid *id)
{
    uint64_t hash = base_uuid_hash(id, kept->secret);
    size_t at = probe(kept, hash, (size_t)hash);
    while (kept->places[at].cart != NULL && base_uuid_compare(&kept->places[at].cart->id, id) != 0)
        at = probe(kept, hash, at + 1);
    return &kept->places[at];
}

/* Those who stand further on than they belong move up (algorithm R there). */
static void vacate(struct kept *kept, struct kept_place *place)
{
    size_t mask = kept->n_places - 1;
    size_t hole = (size_t)(place - kept->places);
    for (size_t i = (hole + 1) & mask; kept->places[i].cart != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)kept->places[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            kept->places[hole] = kept->places[i];
            hole = i;
        }
    }
    kept->places[hole].cart = NULL;
}

static void drop(struct kept *kept, struct kept_place *place)
{
    struct kept_cart *cart = place->cart;
    if (cart == NULL)
        return;
    vacate(kept, place);
    cart->previous->next = cart->next;
    cart->next->previous = cart->previous;
    if (kept->first == cart)
        kept->first = cart->next == cart ? NULL : cart->next;
    kept->n_carts--;
    kept->n_bytes -= cart->n_bytes;
    free(cart);
}

static void make_places(struct kept *kept, size_t n_places)
{
    kept->n_places = n_places;
    kept->places = base_alloc(n_places * sizeof(struct kept_place));
}

/* Into the place where a cart belongs that is not there yet. */
static void put(struct kept *kept, struct kept_place place)
{
    size_t at = probe(kept, place.hash, (size_t)place.hash);
    while (kept->places[at].cart != NULL)
        at = probe(kept, place.hash, at + 1);
    kept->places[at] = place;
}

/* By the hashes that are there already, without a look at any cart. */
static void grow(struct kept *kept)
{
    struct kept_place *old = kept->places;
    size_t n_old = kept->n_places;
    make_places(kept, n_old * 2);
    for (size_t i = 0; i < n_old; i++)
        if (old[i].cart != NULL)
            put(kept, old[i]);
    free(old);
}

/* Puts it where room is looked for last. */
static void add(struct kept *kept, struct kept_cart *cart)
{
    if (kept->n_carts >= kept->n_places / 4 * 3)
        grow(kept);
    assert(find(kept, &cart->id)->cart == NULL);
    put(kept, (struct kept_place){base_uuid_hash(&cart->id, kept->secret), cart});
    if (kept->first == NULL) {
        kept->first = cart->next = cart->previous = cart;
    } else {
        cart->next = kept->first;
        cart->previous = kept->first->previous;
        cart->previous->next = cart->next->previous = cart;
    }
    kept->n_carts++;
    kept->n_bytes += cart->n_bytes;
}

/* The one that was not used since it was looked at last goes first: the clock of Corbató's, which
 * costs a hit one store. */
static void make_room(struct kept *kept)
{
    while (kept->n_bytes > kept->bytes_max) {
        struct kept_cart *cart = kept->first;
        if (cart->was_used) {
            cart->was_used = false;
            kept->first = cart->next;
        } else {
            drop(kept, find(kept, &cart->id));
        }
    }
}

void kept_init(struct kept *kept, size_t bytes_max)
{
    *kept = (struct kept){.bytes_max = bytes_max};
    struct base_random random = {0};
    base_random_take(&random, kept->secret, sizeof kept->secret);
    make_places(kept, PLACES_AT_FIRST);
}

/* ---- trust ----------------------------------------------------------------------------------- */

static bool is_trusted(const struct kept *kept, int64_t now_us)
{
    return now_us < kept->until_us;
}

void kept_trust(struct kept *kept, int64_t until_us, int64_t n_writers)
{
    if (n_writers != kept->n_writers)
        kept_distrust(kept);
    kept->n_writers = n_writers;
    kept->until_us = until_us;
}

void kept_distrust(struct kept *kept)
{
    while (kept->first != NULL)
        drop(kept, find(kept, &kept->first->id));
    kept->until_us = 0;
    kept->epoch++;
}

void kept_finish(struct kept *kept)
{
    kept_distrust(kept);
    free(kept->places);
}

/* ---- reads ----------------------------------------------------------------------------------- */

bool kept_find(struct kept *kept, int64_t now_us, struct projections_read *read)
{
    if (!is_trusted(kept, now_us))
        return false;
    struct kept_cart *cart = find(kept, &read->cart_id)->cart;
    if (cart == NULL || cart->is_behind)
        return false;
    if (!read->caller.may_all &&
        !cart_admits(cart->customer_id, cart->guest_token_hash, &read->caller))
        return false;
    cart->was_used = true;
    read->version = cart->version;
    base_buffer_append(&read->body, cart->document, cart->document_length);
    return true;
}

static size_t slot_of(const struct kept *kept, const struct base_uuid *cart_id)
{
    return (size_t)(base_uuid_hash(cart_id, kept->secret) >> 32) % KEPT_CHANGE_SLOTS;
}

/* Both numbers only grow, so the sum is the same only if both are. */
uint64_t kept_mark(const struct kept *kept, int64_t now_us, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(kept, cart_id);
    if (kept->bytes_max == 0 || !is_trusted(kept, now_us) || kept->changes[slot].n_under_way > 0)
        return 0;
    return 1 + kept->epoch + kept->changes[slot].n_begun;
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

void kept_put(struct kept *kept, int64_t now_us, uint64_t mark, const struct kept_found *found)
{
    if (mark == 0 || mark != kept_mark(kept, now_us, &found->cart_id))
        return;
    size_t n_bytes = sizeof(struct kept_cart) + found->document_length;
    n_bytes += found->customer_id == NULL ? 0 : strlen(found->customer_id) + 1;
    n_bytes += found->guest_token_hash == NULL ? 0 : strlen(found->guest_token_hash) + 1;
    if (n_bytes > kept->bytes_max / 16) /* one must not drive out all others */
        return;
    drop(kept, find(kept, &found->cart_id));
    struct kept_cart *cart = base_alloc(n_bytes);
    char *texts = (char *)(cart + 1);
    cart->id = found->cart_id;
    cart->version = found->version;
    cart->n_bytes = n_bytes;
    cart->customer_id = copy(&texts, found->customer_id);
    cart->guest_token_hash = copy(&texts, found->guest_token_hash);
    cart->document_length = found->document_length;
    memcpy(texts, found->document, found->document_length);
    cart->document = texts;
    add(kept, cart);
    make_room(kept);
}

/* ---- changes --------------------------------------------------------------------------------- */

void kept_begin_change(struct kept *kept, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(kept, cart_id);
    kept->changes[slot].n_under_way++;
    kept->changes[slot].n_begun++;
    struct kept_cart *cart = find(kept, cart_id)->cart;
    if (cart != NULL)
        cart->is_behind = true;
}

void kept_end_change(struct kept *kept, const struct base_uuid *cart_id)
{
    size_t slot = slot_of(kept, cart_id);
    assert(kept->changes[slot].n_under_way > 0);
    kept->changes[slot].n_under_way--;
}

bool kept_is_behind(const struct kept *kept, const struct base_uuid *cart_id)
{
    const struct kept_cart *cart = find(kept, cart_id)->cart;
    return cart != NULL && cart->is_behind;
}
