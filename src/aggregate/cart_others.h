/*
 * Inside of aggregate: the streams besides its own that a command of a cart is about, and what it
 * does to them. They are customers, and the cart that another one is merged with. What becomes of
 * the customers follows from the carts before and after, whichever command led there.
 */
#ifndef CARTD_CART_OTHERS_H
#define CARTD_CART_OTHERS_H

#include "aggregate.h"

/* Whether there may be any; false: there are none, whatever the cart. */
bool cart_others_may_be(const struct cart_request *request);
/* Names them, each once; returns how many. `known` as for boundary() in aggregate.h. */
size_t cart_others_list(
    const struct cart *cart, const struct cart_request *request, const void *const *known,
    size_t n_known, struct aggregate_stream *others);
/* The cart that a command merges with this one, or that was merged, and its id, in the arena. NULL:
 * there is none for the caller, also with the token that the command brings. */
const struct cart *cart_others_find_merged(
    const struct cart_request *request, const struct cart_command *command,
    const struct aggregate_others *others, struct base_arena *arena, const char **cart_id);
/* Adds the facts of the others to an accepted decision that makes `after` of `before`, or refuses
 * it; of the merged cart it has the fact already, alone. */
void cart_others_decide(
    const struct cart *before, const struct cart *after, const struct cart_request *request,
    const struct aggregate_known *known, struct base_arena *arena,
    struct aggregate_decision *decision);
/* Adds that fact. */
void cart_others_add_merged(
    const struct aggregate_others *others, const struct cart_event *fact, struct base_arena *arena,
    struct aggregate_decision *decision);

#endif
