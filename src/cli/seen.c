#include "seen.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_LEAST 1024

/* The first eight bytes of it. That any two of a million subjects share them is one chance in
 * thirty million. */
static uint64_t digest(const char *text, const char *more)
{
    const struct base_part parts[] = {
        {.bytes = text, .length = strlen(text)}, {.bytes = more, .length = strlen(more)}};
    uint8_t bytes[BASE_SHA256_SIZE];
    uint64_t number;
    base_sha256(parts, BASE_COUNT(parts), bytes);
    memcpy(&number, bytes, sizeof number);
    return number == 0 ? 1 : number;
}

static uint32_t digest_value(const char *value)
{
    return (uint32_t)digest(value, "");
}

/* Where the thing is, or would be. There is room. */
static struct seen_thing *find(const struct seen *seen, uint64_t about)
{
    size_t i = about & (seen->n_slots - 1);
    while (seen->slots[i].about != 0 && seen->slots[i].about != about)
        i = (i + 1) & (seen->n_slots - 1);
    return &seen->slots[i];
}

static void grow(struct seen *seen)
{
    struct seen larger = {
        .n_slots = seen->n_slots == 0 ? SLOTS_LEAST : 2 * seen->n_slots,
        .n = seen->n,
    };
    larger.slots = base_alloc(larger.n_slots * sizeof *larger.slots);
    for (size_t i = 0; i < seen->n_slots; i++)
        if (seen->slots[i].about != 0)
            *find(&larger, seen->slots[i].about) = seen->slots[i];
    free(seen->slots);
    *seen = larger;
}

void seen_finish(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){.slots = NULL};
}

int64_t seen_find_other(
    const struct seen *seen, const char *sku, const char *what, const char *value)
{
    if (seen->n == 0)
        return 0;
    const struct seen_thing *thing = find(seen, digest(sku, what));
    return thing->about != 0 && thing->value != digest_value(value) ? thing->line : 0;
}

void seen_note(
    struct seen *seen, const char *sku, const char *what, const char *value, int64_t line)
{
    if (seen->n >= seen->n_slots / 8 * 7)
        grow(seen);
    const struct seen_thing thing = {
        .about = digest(sku, what),
        .value = digest_value(value),
        .line = (uint32_t)line,
    };
    struct seen_thing *slot = find(seen, thing.about);
    seen->n += slot->about == 0;
    *slot = thing;
}

bool seen_says(const struct seen *seen, const char *sku, const char *what, const char *value)
{
    if (seen->n == 0)
        return false;
    const struct seen_thing *thing = find(seen, digest(sku, what));
    return thing->about != 0 && thing->value == digest_value(value);
}

bool seen_has(const struct seen *seen, const char *sku, const char *what)
{
    return seen->n > 0 && find(seen, digest(sku, what))->about != 0;
}
