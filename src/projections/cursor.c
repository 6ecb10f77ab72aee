#include "tables.h"

#include <string.h>

/*
 * What a cursor says could be guarded by looking at it hard: any place is as good as another, and a
 * list shows nothing from one that its filters don't let in. It is signed all the same, so that
 * what a cursor holds may change, and may one day matter, without anybody having come to rely on
 * making one.
 */
enum { SIGNATURE_BYTES = 16 };

/* One row. */
const struct postgres_statement cursor_key_read = {
    .name = "cursor_key",
    .sql = "SELECT key\n"
           "FROM cursor_key",
};

bool cursor_receive_key(const struct postgres_rows *rows, struct cursor_key *key)
{
    if (postgres_rows_count(rows) != 1 || postgres_get_length(rows, 0, 0) != sizeof key->bytes)
        return false;
    memcpy(key->bytes, postgres_get_bytes(rows, 0, 0), sizeof key->bytes);
    return true;
}

static void sign(
    const struct cursor_list *list, const struct cursor_key *key, const void *place, size_t n_bytes,
    uint8_t digest[static BASE_SHA256_SIZE])
{
    struct base_part parts[2 + BASE_COUNT(list->filters)] = {
        {.bytes = &list->kind, .length = 1},
        {.bytes = place, .length = n_bytes},
    };
    for (size_t i = 0; i < BASE_COUNT(list->filters); i++) {
        /* No filter is an empty text. */
        const char *filter = list->filters[i] == NULL ? "" : list->filters[i];
        parts[2 + i] = (struct base_part){.bytes = filter, .length = strlen(filter)};
    }
    base_hmac_sha256(key->bytes, sizeof key->bytes, parts, BASE_COUNT(parts), digest);
}

void cursor_encode(
    struct base_buffer *out, const struct cursor_list *list, const struct cursor_key *key,
    const void *place, size_t n_bytes)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    uint8_t digest[BASE_SHA256_SIZE];
    sign(list, key, place, n_bytes, digest);
    char *bytes = base_arena_alloc(&arena, 1 + n_bytes + SIGNATURE_BYTES);
    bytes[0] = list->kind;
    memcpy(bytes + 1, place, n_bytes);
    memcpy(bytes + 1 + n_bytes, digest, SIGNATURE_BYTES);
    base_buffer_append_text(
        out, base_base64url_encode(&arena, bytes, 1 + n_bytes + SIGNATURE_BYTES));
}

const uint8_t *cursor_decode(
    struct base_arena *arena, const char *cursor, char kind, size_t *n_bytes)
{
    size_t length = 0;
    const uint8_t *bytes = base_base64url_decode(arena, cursor, &length);
    if (bytes == NULL || length < 2 + SIGNATURE_BYTES || bytes[0] != (uint8_t)kind)
        return NULL;
    *n_bytes = length - 1 - SIGNATURE_BYTES;
    return bytes + 1;
}

bool cursor_is_signed(
    const struct cursor_list *list, const struct cursor_key *key, const char *cursor)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    uint8_t digest[BASE_SHA256_SIZE];
    size_t n_bytes = 0;
    const uint8_t *place = cursor_decode(&arena, cursor, list->kind, &n_bytes);
    if (place == NULL)
        return false;
    sign(list, key, place, n_bytes, digest);
    return base_is_same_secret(place + n_bytes, digest, SIGNATURE_BYTES);
}
