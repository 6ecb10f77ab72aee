#include <string.h>

#include "aggregate.h"
#include "catalog.h"
#include "codec.h"

_Static_assert(sizeof(struct catalog_event) <= AGGREGATE_FACT_MAX, "a fact fits");

static void begin(void *state)
{
    memset(state, 0, sizeof(struct catalog_product));
}

static int32_t version(const void *state)
{
    const struct catalog_product *product = state;
    return product->version;
}

static bool read_fact(const struct eventstore_event *event, struct base_arena *arena, void *fact)
{
    return codec_read_catalog_event(event->type, event->schema_version, event->data, arena, fact);
}

/* Of a product only the newest event may have been read. */
static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    struct catalog_product *product = state;
    product->version = of_version - 1;
    catalog_evolve(product, fact, recorded_at_us);
}

static size_t used_size(const struct catalog_product *product)
{
    return offsetof(struct catalog_product, content.prices) +
           product->content.n_prices * sizeof product->content.prices[0];
}

static void copy(void *to, const void *from)
{
    memcpy(to, from, used_size(from));
}

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static size_t packed_size(const void *state)
{
    const struct catalog_product *product = state;
    return used_size(product) + text_size(product->sku) + text_size(product->content.name);
}

static void pack(void *memory, const void *state)
{
    struct catalog_product *packed = memory;
    copy(packed, state);
    char *at = (char *)memory + used_size(packed);
    if (packed->sku != NULL) {
        size_t size = text_size(packed->sku);
        packed->sku = memcpy(at, packed->sku, size);
        at += size;
    }
    if (packed->content.name != NULL)
        packed->content.name = memcpy(at, packed->content.name, text_size(packed->content.name));
}

const struct aggregate aggregate_product = {
    .stream_type = "product",
    .state_size = sizeof(struct catalog_product),
    .fact_size = sizeof(struct catalog_event),
    .newest_says_all = true,
    .is_shared = true,
    .begin = begin,
    .version = version,
    .read = read_fact,
    .evolve = evolve,
    .copy = copy,
    .packed_size = packed_size,
    .pack = pack,
};
