#include "internal.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec.h"

struct auth {
    struct auth_options options;
    struct auth_keys keys;
    struct auth_cache cache;
};

const char *auth_scope_name(enum auth_scope scope)
{
    static const char *const names[] = {
#define AUTH_ROW(NAME, name) name,
        AUTH_SCOPES(AUTH_ROW)
#undef AUTH_ROW
    };
    return names[scope];
}

const char *auth_algorithm_name(enum auth_algorithm algorithm)
{
    static const char *const names[] = {
#define AUTH_ROW(NAME, name) name,
        AUTH_ALGORITHMS(AUTH_ROW)
#undef AUTH_ROW
    };
    return names[algorithm];
}

/* ---- its life -------------------------------------------------------------------------------- */

static void log_keys(const struct auth *auth)
{
    base_log(
        auth->options.log, BASE_LOG_KEYS_READ, BASE_LOG_TEXT("file", auth->options.keys),
        BASE_LOG_TEXT("algorithm", auth_algorithm_name(auth->options.algorithm)),
        BASE_LOG_NUMBER("keys", auth->keys.n));
    if (auth->keys.is_exposed)
        base_log(
            auth->options.log, BASE_LOG_KEYS_EXPOSED, BASE_LOG_TEXT("file", auth->options.keys));
}

struct auth *auth_create(const struct auth_options *options, char **problem)
{
    struct auth_keys keys;
    if (!auth_read_keys(options->algorithm, options->keys, &keys, problem))
        return NULL;
    struct auth *auth = base_alloc(sizeof *auth);
    auth->options = *options;
    auth->keys = keys;
    auth_cache_init(&auth->cache);
    log_keys(auth);
    return auth;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL)
        return;
    auth_cache_clear(&auth->cache);
    auth_finish_keys(&auth->keys);
    free(auth);
}

void auth_reload(struct auth *auth)
{
    struct auth_keys keys;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!auth_read_keys(auth->options.algorithm, auth->options.keys, &keys, &problem)) {
        base_log(auth->options.log, BASE_LOG_KEYS_REFUSED, BASE_LOG_TEXT("reason", problem));
        return;
    }
    /* What a key that is gone has signed is good no more. */
    auth_cache_clear(&auth->cache);
    auth_finish_keys(&auth->keys);
    auth->keys = keys;
    log_keys(auth);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static const char *check_times(int64_t now_us, int64_t expires_at_s, int64_t not_before_s)
{
    int64_t now_s = now_us / 1000000;
    if (now_s >= expires_at_s + AUTH_LEEWAY_S)
        return "The token has expired.";
    if (now_s + AUTH_LEEWAY_S < not_before_s)
        return "The token is not valid yet.";
    return NULL;
}

static unsigned read_scopes(const char *scope)
{
    unsigned scopes = 0;
    while (scope != NULL && *scope != '\0') {
        size_t length = strcspn(scope, " ");
        for (enum auth_scope i = 0; i < AUTH_N_SCOPES; i++)
            if (strlen(auth_scope_name(i)) == length &&
                memcmp(auth_scope_name(i), scope, length) == 0)
                scopes |= 1U << i;
        scope += length + strspn(scope + length, " ");
    }
    return scopes;
}

/* NULL, or what is wrong with the claims; all that a token needs beside its signature. */
static const char *check_claims(
    const struct auth *auth, const char *json, int64_t now_us, struct base_arena *arena,
    struct codec_claims *claims)
{
    if (!codec_read_claims(json, auth->options.audience, arena, claims))
        return "The token has a claim of the wrong type.";
    if (claims->issuer == NULL || strcmp(claims->issuer, auth->options.issuer) != 0)
        return "The token was issued by another issuer.";
    if (!claims->names_audience)
        return "The token is for another audience.";
    if (claims->subject == NULL || !codec_is_label(claims->subject, CART_CUSTOMER_ID_MAX))
        return "The subject of the token must have 1 to 128 characters and no control characters.";
    if (!claims->has_expiry)
        return "The token has no expiry time (exp).";
    return check_times(now_us, claims->expires_at_s, claims->not_before_s);
}

/* ---- its signature --------------------------------------------------------------------------- */

/* libjwt takes the algorithm from the token; so it was looked at before, and is again after. */
static bool is_signed_with(const struct auth *auth, const char *token, const char *key)
{
    static const jwt_alg_t algorithms[] = {
        [AUTH_HS256] = JWT_ALG_HS256,
        [AUTH_RS256] = JWT_ALG_RS256,
        [AUTH_ES256] = JWT_ALG_ES256,
    };
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key)) != 0)
        return false;
    bool is_ours = jwt_get_alg(jwt) == algorithms[auth->options.algorithm];
    jwt_free(jwt);
    return is_ours;
}

static bool is_signed(const struct auth *auth, const char *token)
{
    for (size_t i = 0; i < auth->keys.n; i++)
        if (is_signed_with(auth, token, auth->keys.list[i]))
            return true;
    return false;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Header and claims as texts. Strictly, as two readings of the same bytes are one too many. */
static bool split(
    const char *token, struct base_arena *arena, const char **header, const char **claims)
{
    size_t header_length = strcspn(token, ".");
    const char *middle = token + header_length;
    size_t claims_length = *middle == '.' ? strcspn(++middle, ".") : 0;
    const char *signature = middle + claims_length;
    if (*signature != '.' || signature[1] == '\0' || strchr(signature + 1, '.') != NULL)
        return false;
    const char *parts[] = {
        base_arena_copy(arena, token, header_length),
        base_arena_copy(arena, middle, claims_length),
        signature + 1,
    };
    const uint8_t *bytes[BASE_COUNT(parts)];
    const char *texts[BASE_COUNT(parts)];
    for (size_t i = 0; i < BASE_COUNT(parts); i++) {
        size_t n_bytes = 0;
        bytes[i] = base_base64url_decode(arena, parts[i], &n_bytes);
        if (bytes[i] == NULL)
            return false;
        texts[i] = base_arena_copy(arena, (const char *)bytes[i], n_bytes);
        if (i < 2 && strlen(texts[i]) != n_bytes)
            return false;
    }
    *header = texts[0];
    *claims = texts[1];
    return true;
}

/* All that needs no key comes first: whoever sends nonsense must not cost more than that. */
static const char *read_token(
    const struct auth *auth, const char *token, int64_t now_us, struct base_arena *arena,
    struct codec_claims *claims)
{
    const char *header_json;
    const char *claims_json;
    struct codec_token_header header;
    if (!split(token, arena, &header_json, &claims_json) ||
        !codec_read_token_header(header_json, arena, &header))
        return "The token is not a signed JWT.";
    /* libjwt takes no other, and would not say so. */
    if (header.type != NULL && strcasecmp(header.type, "JWT") != 0)
        return "The typ of the token is not JWT.";
    if (strcmp(header.algorithm, auth_algorithm_name(auth->options.algorithm)) != 0)
        return "The token is signed with an algorithm that is not accepted here.";
    const char *complaint = check_claims(auth, claims_json, now_us, arena, claims);
    if (complaint != NULL)
        return complaint;
    return is_signed(auth, token) ? NULL
                                  : "The signature of the token does not match any known key.";
}

static const char *verify(
    struct auth *auth, const char *token, int64_t now_us, struct base_arena *arena,
    struct auth_identity *identity)
{
    size_t length = strlen(token);
    if (length > AUTH_TOKEN_MAX)
        return "The token is too long.";
    uint8_t digest[BASE_SHA256_SIZE];
    base_sha256(&(struct base_part){token, length}, 1, digest);
    const struct auth_cached *known = auth_cache_find(&auth->cache, digest);
    if (known != NULL) {
        *identity = known->identity;
        identity->subject = base_arena_copy_text(arena, known->subject);
        metrics_add(auth->options.metrics, METRICS_TOKENS_CACHED, 1);
        return check_times(now_us, known->identity.expires_at_s, known->not_before_s);
    }
    struct codec_claims claims;
    const char *complaint = read_token(auth, token, now_us, arena, &claims);
    if (complaint != NULL)
        return complaint;
    *identity = (struct auth_identity){
        .subject = claims.subject,
        .scopes = read_scopes(claims.scope),
        .expires_at_s = claims.expires_at_s,
    };
    auth_cache_add(&auth->cache, digest, identity, claims.not_before_s);
    metrics_add(auth->options.metrics, METRICS_TOKENS_VERIFIED, 1);
    return NULL;
}

const char *auth_verify(
    struct auth *auth, const char *token, int64_t now_us, struct base_arena *arena,
    struct auth_identity *identity)
{
    const char *complaint = verify(auth, token, now_us, arena, identity);
    if (complaint != NULL) {
        *identity = (struct auth_identity){0};
        metrics_add(auth->options.metrics, METRICS_TOKENS_REFUSED, 1);
    }
    return complaint;
}
