#include "tables.h"

#include <string.h>

void cursor_encode(struct base_buffer *out, char kind, const void *place, size_t n_bytes)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    char *bytes = base_arena_alloc(&arena, n_bytes + 1);
    bytes[0] = kind;
    memcpy(bytes + 1, place, n_bytes);
    base_buffer_append_text(out, base_base64url_encode(&arena, bytes, n_bytes + 1));
}

const uint8_t *cursor_decode(
    struct base_arena *arena, const char *cursor, char kind, size_t *n_bytes)
{
    size_t length = 0;
    const uint8_t *bytes = base_base64url_decode(arena, cursor, &length);
    if (bytes == NULL || length < 2 || bytes[0] != (uint8_t)kind)
        return NULL;
    *n_bytes = length - 1;
    return bytes + 1;
}
