/*
 * Inside of aggregate: the coupons that a command of a cart is about, each a stream of its own, and
 * the customer, who counts those that are limited for each customer. Which of them are redeemed
 * follows from the cart: if it is checked out, those that take something off.
 */
#ifndef CARTD_CART_COUPONS_H
#define CARTD_CART_COUPONS_H

#include "aggregate.h"

/* Whether a command may be about coupons. */
bool cart_coupons_may_be(const struct cart_command *command);
/* Adds, behind the n others, what the request is about in that state of the cart: as many coupons
 * as there is room for. Returns how many there are then. */
size_t cart_coupons_list(
    const struct cart *cart, const struct cart_request *request, struct aggregate_stream *others,
    size_t n);
/* The same for a merge: the coupons that `merged` has, for the customer (NULL: none) who has the
 * cart then. */
size_t cart_coupons_list_merged(
    const struct cart *merged, const char *customer_id, struct aggregate_stream *others, size_t n);
/* What a coupon is for the cart, which was `before` when the request came. One that is not among
 * the others, as an earlier command of the request has brought it back, is asked for; where there
 * is no room for it, it can't be used. */
struct cart_coupon_offer cart_coupons_find(
    const struct cart *before, const struct cart_request *request,
    const struct aggregate_known *known, const char *code);

/* Facts of other streams, in their order, behind those that are there. */
struct cart_effects {
    struct base_arena *arena;
    const struct aggregate_others *others;
    const char *cart_id;
    struct aggregate_effect *list; /* with room for CART_COUPON_EFFECTS_MAX more */
    size_t n;
};
#define CART_COUPON_EFFECTS_MAX ((size_t)4 * CART_COUPONS_MAX)
/* Redeems and releases what the way from `before` to `after` says. */
void cart_coupons_settle(
    const struct cart *before, const struct cart *after, int64_t now_us,
    struct cart_effects *effects);

#endif
