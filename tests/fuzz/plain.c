/* The quick reader of plain JSON beside jansson: it takes nothing that jansson refuses, and what it
 * takes is the same. */
#include <string.h>

#include "codec_json.h"
#include "fuzz.h"

static size_t depth_of(const json_t *value)
{
    size_t deepest = 0;
    const char *name;
    json_t *member;
    for (size_t i = 0; i < json_array_size(value); i++) {
        size_t depth = depth_of(json_array_get(value, i));
        deepest = depth > deepest ? depth : deepest;
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        size_t depth = depth_of(member);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(value) || json_is_array(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *copy = base_alloc(n_bytes);
    if (n_bytes > 0)
        memcpy(copy, bytes, n_bytes); /* no NUL behind it: a body has none */
    json_auto_t *plain = codec_json_load_plain(copy, n_bytes);
    if (plain == NULL)
        return 0;
    json_auto_t *other = json_loadb(copy, n_bytes, JSON_REJECT_DUPLICATES, NULL);
    FUZZ_CLAIM(other != NULL && json_equal(plain, other) == 1);
    FUZZ_CLAIM(json_is_object(plain) && depth_of(plain) <= CODEC_DEPTH_MAX);
    FUZZ_CLAIM(memchr(copy, '\0', n_bytes) == NULL);
    return 0;
}
