/*
 * Part of cart.h: who asks for a cart, and whether they may.
 */
#ifndef CARTD_CART_CALLER_H
#define CARTD_CART_CALLER_H

#include <stdbool.h>

#define CART_TOKEN_MAX 64       /* characters of a Cart-Token that is told apart from others */
#define CART_TOKEN_HASH_SIZE 65 /* 64 hexadecimal digits and the terminating NUL */

/* Who asks for a cart; each of the first three is a right of its own. Zero: nobody. */
struct cart_caller {
    bool may_all;                                /* every cart */
    const char *customer_id;                     /* the carts of that customer; NULL: none */
    char guest_token_hash[CART_TOKEN_HASH_SIZE]; /* the cart whose token this is of, be it its
                                                    guest's or one to resume it; "": none */
    bool may_set_prices;                         /* of lines, in those carts */
    bool may_set_totals;
};
/* Whether the caller may see and change a cart of that owner. NULLs: it has no customer, no token.
 * How long it takes says nothing about the hashes. */
bool cart_admits(
    const char *customer_id, const char *guest_token_hash, const struct cart_caller *caller);
/* Whether the caller has the token of that hash (NULL: there is none), in the same constant time.
 */
bool cart_has_token(const char *token_hash, const struct cart_caller *caller);

#endif
