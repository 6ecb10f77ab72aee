#include "tables.h"

#include <string.h>

/*
 * The checksum is no signature. A client that makes a cursor up gets another page of the same list,
 * and nothing that the list's filters and the client's rights don't let in. The checksum catches a
 * cursor that was cut or mistyped, and one of another list or of other filters.
 */
enum { CHECKSUM_BYTES = 8 };

static void compute_checksum(
    const struct cursor_list *list, const void *position, size_t n_bytes,
    uint8_t checksum[static CHECKSUM_BYTES])
{
    struct base_part parts[2 + BASE_COUNT(list->filters)] = {
        {.bytes = &list->kind, .length = 1},
        {.bytes = position, .length = n_bytes},
    };
    for (size_t i = 0; i < BASE_COUNT(list->filters); i++) {
        /* No filter is an empty text. */
        const char *filter = list->filters[i] == NULL ? "" : list->filters[i];
        parts[2 + i] = (struct base_part){.bytes = filter, .length = strlen(filter)};
    }
    uint8_t digest[BASE_SHA256_SIZE];
    base_sha256(parts, BASE_COUNT(parts), digest);
    memcpy(checksum, digest, CHECKSUM_BYTES);
}

void cursor_encode(
    struct base_buffer *out, const struct cursor_list *list, const void *position, size_t n_bytes)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    uint8_t *bytes = base_arena_alloc(&arena, 1 + n_bytes + CHECKSUM_BYTES);
    bytes[0] = (uint8_t)list->kind;
    memcpy(bytes + 1, position, n_bytes);
    compute_checksum(list, position, n_bytes, bytes + 1 + n_bytes);
    base_buffer_append_text(
        out, base_base64url_encode(&arena, bytes, 1 + n_bytes + CHECKSUM_BYTES));
}

const uint8_t *cursor_decode(
    struct base_arena *arena, const struct cursor_list *list, const char *cursor, size_t *n_bytes)
{
    size_t length = 0;
    const uint8_t *bytes = base_base64url_decode(arena, cursor, &length);
    if (bytes == NULL || length < 2 + CHECKSUM_BYTES || bytes[0] != (uint8_t)list->kind)
        return NULL;
    size_t n_position_bytes = length - 1 - CHECKSUM_BYTES;
    uint8_t checksum[CHECKSUM_BYTES];
    compute_checksum(list, bytes + 1, n_position_bytes, checksum);
    if (memcmp(bytes + 1 + n_position_bytes, checksum, CHECKSUM_BYTES) != 0)
        return NULL;
    *n_bytes = n_position_bytes;
    return bytes + 1;
}
