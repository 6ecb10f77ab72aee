/*
 * Part of cart.h: a coupon in a cart.
 */
#ifndef CARTD_CART_COUPON_H
#define CARTD_CART_COUPON_H

#include <stdbool.h>
#include <stdint.h>

#include "coupon.h"

#define CART_COUPONS_MAX 8 /* in one cart */

/* What becomes of a coupon in a cart, with its name in JSON. */
#define CART_COUPON_STATES(ROW)                                                                    \
    ROW(APPLIED, "applied")                                                                        \
    ROW(MINIMUM_NOT_MET, "minimum-not-met")                                                        \
    ROW(NOT_FOR_THESE_ITEMS, "not-for-these-items")                                                \
    ROW(EXPIRED, "expired")                                                                        \
    ROW(EXHAUSTED, "exhausted")                                                                    \
    ROW(NEEDS_CUSTOMER, "needs-customer")
enum cart_coupon_state {
#define CART_ROW(NAME, name) CART_COUPON_##NAME,
    CART_COUPON_STATES(CART_ROW)
#undef CART_ROW
};
const char *cart_coupon_state_name(enum cart_coupon_state state);

/* A coupon that was applied to a cart. What it is was copied when it was applied, so that the cart
 * replays by itself. */
struct cart_coupon {
    const char *code;                           /* folded; as it was written, in the definition */
    const struct coupon_definition *definition; /* NULL: only what it does is known */
    int64_t amount_minor;                       /* what it takes off the lines */
    enum cart_coupon_state state;
};

/* What a coupon is at the moment, for the cart's customer. */
struct cart_coupon_offer {
    enum coupon_usability usability;
    const struct coupon_definition *definition; /* NULL, unless it is usable */
};

/* Whether checking the cart out redeems it: it takes something off. */
bool cart_coupon_is_used(const struct cart_coupon *coupon);

#endif
