/*
 * auth: who the caller is, from the bearer token (JWT, RFC 7519) of a request. It knows the keys,
 * the one algorithm that is taken, and what a token must say; it knows no HTTP, and not which route
 * needs which scope.
 *
 * A signature costs ten microseconds (HS256) to three hundred (RS256, ES256) on the one loop, so
 * who was verified is cached by the digest of the token, until it expires or the keys are read
 * again.
 */
#ifndef CARTD_AUTH_H
#define CARTD_AUTH_H

#include "base.h"
#include "metrics.h"

#define AUTH_TOKEN_MAX 8192   /* bytes of a token */
#define AUTH_LEEWAY_S 30      /* by which clocks may differ, for exp and nbf */
#define AUTH_KEYS_MAX 2       /* the new one and the old one */
#define AUTH_CACHED_MAX 16384 /* tokens at most */

/* With their names of RFC 7518. */
#define AUTH_ALGORITHMS(ROW)                                                                       \
    ROW(HS256, "HS256")                                                                            \
    ROW(RS256, "RS256")                                                                            \
    ROW(ES256, "ES256")
enum auth_algorithm {
#define AUTH_ROW(NAME, name) AUTH_##NAME,
    AUTH_ALGORITHMS(AUTH_ROW)
#undef AUTH_ROW
};

/* What a token may be good for; other scopes are not ours and are passed over. */
#define AUTH_SCOPES(ROW)                                                                           \
    ROW(CARTS, "carts")         /* one's own carts */                                              \
    ROW(CARTS_ALL, "carts:all") /* any cart, and lists of them: the back office */                 \
    ROW(CATALOG, "catalog")                                                                        \
    ROW(COUPONS, "coupons") /* to define and see them; not to use one */                           \
    ROW(EVENTS, "events")                                                                          \
    ROW(REPORTS, "reports")                                                                        \
    ROW(PRICES, "prices") /* prices of lines that are not the catalogue's: quotes */               \
    ROW(TOTALS, "totals") /* amounts of other services in any cart: taxes, delivery */
enum auth_scope {
#define AUTH_ROW(NAME, name) AUTH_SCOPE_##NAME,
    AUTH_SCOPES(AUTH_ROW)
#undef AUTH_ROW
        AUTH_N_SCOPES
};
/* For sets of scopes. */
#define AUTH_ALLOW(NAME) (1U << AUTH_SCOPE_##NAME)
const char *auth_scope_name(enum auth_scope scope);

struct auth_options {
    const struct base_log *log;
    struct metrics *metrics;
    enum auth_algorithm algorithm;
    const char *keys; /* the file */
    const char *issuer;
    const char *audience;
};

struct auth;
/* Reads the keys: public ones in PEM (SPKI), or for HS256 one secret a line. NULL with *problem
 * (the caller's to free) when the file or what it holds can't be used. */
struct auth *auth_create(const struct auth_options *options, char **problem) BASE_MUST_CHECK;
/* NULL-safe. */
void auth_destroy(struct auth *auth);
/* Reads the keys again. When that fails, those of before stay in use; the log says what happened.
 */
void auth_reload(struct auth *auth);

/* Whose token it was. */
struct auth_identity {
    const char *subject; /* 1 to 128 characters without control characters, as a customer_id */
    unsigned scopes;     /* AUTH_ALLOW(…) */
    int64_t expires_at_s;
};
/* NULL and whose token it is, with the subject in the arena; or why it is not taken, as a sentence
 * for who sent it. */
const char *auth_verify(
    struct auth *auth, const char *token, int64_t now_us, struct base_arena *arena,
    struct auth_identity *identity) BASE_MUST_CHECK;

#endif
