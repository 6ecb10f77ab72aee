/* Bearer tokens: header and payload, a line each, behind a first byte. When it is even they are
 * signed with the right secret, when it is odd the rest is the token as it is. */
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth.h"
#include "codec.h"
#include "fuzz.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_S INT64_C(1795406280)

static struct base_arena arena;
static struct metrics metrics;

static struct auth *make_auth(void)
{
    static const struct base_log quiet = {.fd = -1, .least = BASE_LOG_ERROR};
    char path[64];
    int fd = memfd_create("keys", 0);
    FUZZ_CLAIM(fd >= 0 && write(fd, SECRET "\n", sizeof SECRET) == (ssize_t)sizeof SECRET);
    FUZZ_CLAIM(fchmod(fd, 0600) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    char *problem = NULL;
    struct auth *auth = auth_create(
        &(struct auth_options){
            .log = &quiet,
            .metrics = &metrics,
            .algorithm = AUTH_HS256,
            .keys = path,
            .issuer = "https://id.example",
            .audience = "cartd",
        },
        &problem);
    FUZZ_CLAIM(auth != NULL);
    return auth;
}

static const char *sign(const char *header, size_t header_length, const char *payload)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct hmac_sha256_ctx state;
    const char *signed_part = base_arena_printf(
        &arena, "%s.%s", base_base64url_encode(&arena, header, header_length),
        base_base64url_encode(&arena, payload, strlen(payload)));
    hmac_sha256_set_key(&state, strlen(SECRET), (const uint8_t *)SECRET);
    hmac_sha256_update(&state, strlen(signed_part), (const uint8_t *)signed_part);
    hmac_sha256_digest(&state, sizeof digest, digest);
    return base_arena_printf(
        &arena, "%s.%s", signed_part, base_base64url_encode(&arena, digest, sizeof digest));
}

static void claim_identity(const struct auth_identity *identity)
{
    FUZZ_CLAIM(codec_is_label(identity->subject, CART_CUSTOMER_ID_MAX));
    FUZZ_CLAIM(identity->expires_at_s + AUTH_LEEWAY_S >= NOW_S);
    FUZZ_CLAIM(identity->scopes < 1U << AUTH_N_SCOPES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct auth *auth;
    if (n_bytes == 0)
        return 0;
    if (auth == NULL)
        auth = make_auth();
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes + 1, n_bytes - 1);
    size_t header_length = strcspn(text, "\n");
    bool is_signed = bytes[0] % 2 == 0 && text[header_length] == '\n';
    const char *token = is_signed ? sign(text, header_length, text + header_length + 1) : text;
    struct auth_identity identity = {.subject = NULL};
    const char *complaint = auth_verify(auth, token, NOW_S * 1000000, &arena, &identity);
    FUZZ_CLAIM(complaint != NULL || is_signed); /* nobody guesses a signature */
    if (complaint == NULL)
        claim_identity(&identity);
    else
        FUZZ_CLAIM(complaint[0] != '\0');
    base_arena_reset(&arena);
    return 0;
}
