/*
 * internal: what the files of auth share. keys.c reads keys, memory.c remembers who was verified,
 * auth.c verifies.
 */
#ifndef CARTD_AUTH_INTERNAL_H
#define CARTD_AUTH_INTERNAL_H

#include "auth.h"

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

/* ---- who was verified (memory.c) ------------------------------------------------------------- */

/* A token of which all but the time was found good. */
struct auth_remembered {
    uint8_t digest[BASE_SHA256_SIZE]; /* of the token */
    char *subject;                    /* NULL: the place is free */
    unsigned scopes;
    int64_t expires_at_s;
    int64_t not_before_s;
};

/* Each token has one place, by its digest; the newer one of two that meet there stays. */
struct auth_memory {
    struct auth_remembered *list;
};
void auth_init_memory(struct auth_memory *memory);
void auth_finish_memory(struct auth_memory *memory);
void auth_forget_all(struct auth_memory *memory);
/* NULL: not remembered. */
const struct auth_remembered *auth_recall(
    const struct auth_memory *memory, const uint8_t digest[static BASE_SHA256_SIZE]);
/* Copies it, and the subject. */
void auth_remember(struct auth_memory *memory, const struct auth_remembered *verified);

#endif
