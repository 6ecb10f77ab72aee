#include "base.h"

#include <assert.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <string.h>

/* Before each part: its length, the highest byte first. */
static void write_length(size_t part_length, uint8_t length[static 8])
{
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)part_length >> (56 - 8 * i));
}

void base_sha256(
    const struct base_part *parts, size_t n_parts, uint8_t digest[static BASE_SHA256_SIZE])
{
    struct sha256_ctx state;
    sha256_init(&state);
    for (size_t i = 0; i < n_parts; i++) {
        uint8_t length[8];
        write_length(parts[i].length, length);
        sha256_update(&state, sizeof(length), length);
        sha256_update(&state, parts[i].length, parts[i].bytes);
    }
    sha256_digest(&state, BASE_SHA256_SIZE, digest);
}

void base_sha256_hex(const char *text, char hex[static BASE_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[BASE_SHA256_SIZE];
    struct sha256_ctx state;
    sha256_init(&state);
    sha256_update(&state, strlen(text), (const uint8_t *)text);
    sha256_digest(&state, sizeof(digest), digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * sizeof(digest)] = '\0';
}

char *base_base64url_encode(struct base_arena *arena, const void *bytes, size_t n_bytes)
{
    assert(n_bytes <= SIZE_MAX / 4);
    size_t most = BASE64_ENCODE_LENGTH(n_bytes) + BASE64_ENCODE_FINAL_LENGTH;
    char *text = base_arena_alloc(arena, most + 1);
    struct base64_encode_ctx state;
    base64url_encode_init(&state);
    size_t length = base64_encode_update(&state, text, n_bytes, bytes);
    length += base64_encode_final(&state, text + length);
    while (length > 0 && text[length - 1] == '=')
        length--;
    text[length] = '\0';
    return text;
}

uint8_t *base_base64url_decode(struct base_arena *arena, const char *text, size_t *n_bytes)
{
    size_t n_digits = strlen(text);
    uint8_t *bytes = base_arena_alloc(arena, BASE64_DECODE_LENGTH(n_digits) + 1);
    struct base64_decode_ctx state;
    base64url_decode_init(&state);
    size_t length = BASE64_DECODE_LENGTH(n_digits);
    if (!base64_decode_update(&state, &length, bytes, n_digits, text))
        return NULL;
    /* nettle skips white space, takes padding, and leaves the bits after the last whole byte alone.
     * What encodes to the same text had none of these. */
    if (strcmp(base_base64url_encode(arena, bytes, length), text) != 0)
        return NULL;
    *n_bytes = length;
    return bytes;
}
