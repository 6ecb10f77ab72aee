/*
 * What of a cart has a name in JSON and SQL, and is not a fact, a command or a refusal. A part of
 * cart.h.
 */
#ifndef CARTD_CART_NAMES_H
#define CARTD_CART_NAMES_H

/* The status of a cart, with its name in JSON and SQL. CART_ABSENT has no events yet. */
#define CART_STATUSES(ROW)                                                                         \
    ROW(ABSENT, "absent")                                                                          \
    ROW(OPEN, "open")                                                                              \
    ROW(CHECKED_OUT, "checked_out")                                                                \
    ROW(CANCELLED, "cancelled")                                                                    \
    ROW(EXPIRED, "expired")                                                                        \
    ROW(MERGED, "merged")
enum cart_status {
#define CART_ROW(NAME, name) CART_##NAME,
    CART_STATUSES(CART_ROW)
#undef CART_ROW
};
const char *cart_status_name(enum cart_status status);

/* How much a line has that both of two merged carts had, with its name in JSON: the sum, the larger
 * one, that of the cart that ends, or that of the one that stays. */
#define CART_MERGE_RULES(ROW)                                                                      \
    ROW(SUM, "sum")                                                                                \
    ROW(MAX, "max")                                                                                \
    ROW(THEIRS, "theirs")                                                                          \
    ROW(OURS, "ours")
enum cart_merge_rule {
#define CART_ROW(NAME, name) CART_MERGE_##NAME,
    CART_MERGE_RULES(CART_ROW)
#undef CART_ROW
};
const char *cart_merge_rule_name(enum cart_merge_rule rule);

#endif
