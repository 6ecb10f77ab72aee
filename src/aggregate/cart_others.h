/*
 * Inside of aggregate: the streams besides its own that a command of a cart is about, and what it
 * does to them. What it does follows from the cart before and after, whichever command led there.
 */
#ifndef CARTD_CART_OTHERS_H
#define CARTD_CART_OTHERS_H

#include "aggregate.h"

/* Whether there may be any; false: there are none, whatever the cart. */
bool cart_others_may_be(const struct cart_request *request);
/* Names them, each once; returns how many. */
size_t cart_others_list(
    const struct cart *cart, const struct cart_request *request, struct aggregate_stream *others);
/* Adds the facts of the others to an accepted decision that makes `after` of `before`, or refuses
 * it. `known` has the states of those that cart_others_list() names for `before`. */
void cart_others_decide(
    const struct cart *before, const struct cart *after, const struct cart_request *request,
    const struct aggregate_known *known, struct base_arena *arena,
    struct aggregate_decision *decision);

#endif
