/*
 * internal: what the files of auth share. keys.c reads keys, cache.c knows who was verified,
 * auth.c verifies.
 */
#ifndef CARTD_AUTH_INTERNAL_H
#define CARTD_AUTH_INTERNAL_H

#include <sys/queue.h>

#include "auth.h"
#include "table.h"

const char *auth_algorithm_name(enum auth_algorithm algorithm);

/* ---- keys (keys.c) --------------------------------------------------------------------------- */

#define AUTH_KEYS_FILE_MAX 65536
#define AUTH_SECRET_MIN 32      /* bytes: as many as the digest has (RFC 7518, section 3.2) */
#define AUTH_RSA_BITS_MIN 2048  /* RFC 7518, section 3.3 */
#define AUTH_RSA_BITS_MAX 16384 /* a signature of such a key takes a millisecond */

/* As libjwt takes them: a secret, or the text of one PEM block. */
struct auth_keys {
    size_t n;
    char *list[AUTH_KEYS_MAX];
    bool is_exposed; /* secrets that everybody on this machine may read */
};
void auth_finish_keys(struct auth_keys *keys);
/* False with *problem, the caller's to free; `keys` is untouched then. */
bool auth_read_keys(
    enum auth_algorithm algorithm, const char *path, struct auth_keys *keys,
    char **problem) BASE_MUST_CHECK;

/* ---- who was verified (cache.c) -------------------------------------------------------------- */

/* A token of which all but the time was found good. */
struct auth_cached {
    struct table_entry entry;
    TAILQ_ENTRY(auth_cached) by_age;
    uint8_t digest[BASE_SHA256_SIZE]; /* of the token */
    struct auth_identity identity;
    int64_t not_before_s;
    char subject[]; /* the identity's */
};

/* At most AUTH_CACHED_MAX; the one that was not used for longest makes room for a new one. */
struct auth_cache {
    struct table table;
    TAILQ_HEAD(auth_by_age, auth_cached) by_age; /* of the last use, the oldest first */
};
void auth_cache_init(struct auth_cache *cache);
void auth_cache_clear(struct auth_cache *cache);
/* NULL: not cached. Borrowed until the next one is. */
const struct auth_cached *auth_cache_find(
    struct auth_cache *cache, const uint8_t digest[static BASE_SHA256_SIZE]);
/* Copies the identity, for a token that is not cached. */
void auth_cache_add(
    struct auth_cache *cache, const uint8_t digest[static BASE_SHA256_SIZE],
    const struct auth_identity *identity, int64_t not_before_s);

#endif
