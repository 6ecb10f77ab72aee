#include <string.h>

#include "aggregate.h"
#include "catalog.h"
#include "codec.h"
#include "pack.h"

_Static_assert(sizeof(struct catalog_event) <= AGGREGATE_FACT_MAX, "a fact fits");

/* Fixed for all time: it is in every log. */
static const struct base_uuid SPACE = {
    {0x6b, 0x1d, 0x0c, 0x52, 0x8e, 0x4f, 0x4a, 0x0b, 0x9c, 0x77, 0x2f, 0x35, 0xd1, 0x90, 0xe3,
     0x04}};

struct base_uuid aggregate_product_id(const char *sku)
{
    return base_uuid_make_v5(&SPACE, sku, strlen(sku));
}

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

static bool round_trips(const struct eventstore_event *event, const char **reason)
{
    return codec_round_trips(event->type, event->schema_version, event->data, reason);
}

/* Of a product only the newest event may have been read. */
static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    struct catalog_product *product = state;
    product->version = of_version - 1;
    catalog_evolve(product, fact, recorded_at_us);
}

static void stamp(void *state, int64_t recorded_at_us)
{
    struct catalog_product *product = state;
    if (product->updated_at_us == CART_TIME_PENDING)
        product->updated_at_us = recorded_at_us;
}

static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    (void)known; /* it makes offers */
    struct catalog_decision *made = base_arena_alloc(arena, sizeof *made);
    catalog_decide(state, command, made);
    *decision = (struct aggregate_decision){
        .facts = &made->event,
        .n_facts = made->outcome == CATALOG_ACCEPTED,
        .is_refused = made->outcome == CATALOG_TOO_MANY_PRICES,
        .refusal = CATALOG_REFUSED_TOO_MANY_PRICES,
    };
}

static struct aggregate_event_type event_type(const void *fact)
{
    const struct catalog_event *event = fact;
    return (struct aggregate_event_type){
        .name = codec_catalog_event_name(event->type),
        .schema_version = codec_catalog_event_schema_version(event->type),
    };
}

static void write_fact(struct base_buffer *out, const void *fact)
{
    codec_write_catalog_event(out, fact);
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

static size_t packed_size(const void *state)
{
    const struct catalog_product *product = state;
    return used_size(product) + pack_size(product->sku) + pack_size(product->content.name) +
           pack_size(product->content.quantity.unit) + pack_size(product->content.tags);
}

static void pack(void *memory, const void *state)
{
    struct catalog_product *packed = memory;
    copy(packed, state);
    char *at = (char *)memory + used_size(packed);
    packed->sku = pack_text(&at, packed->sku);
    packed->content.name = pack_text(&at, packed->content.name);
    packed->content.quantity.unit = pack_text(&at, packed->content.quantity.unit);
    packed->content.tags = pack_text(&at, packed->content.tags);
}

static const char *key(const void *state)
{
    const struct catalog_product *product = state;
    return product->sku;
}

static const char *find_fault(const void *state, const struct base_uuid *id)
{
    const struct catalog_product *product = state;
    struct base_uuid right_id = aggregate_product_id(product->sku);
    return base_uuid_compare(&right_id, id) == 0 ? NULL
                                                 : "is of a product whose stream has another id";
}

static void write_document(struct base_buffer *out, const struct base_uuid *id, const void *state)
{
    (void)id; /* clients know a product by its sku */
    codec_write_product(out, state);
}

static struct aggregate_times times(const void *state)
{
    const struct catalog_product *product = state;
    return (struct aggregate_times){.updated_at_us = product->updated_at_us};
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    codec_append_product_times(out, given->updated_at_us);
}

const struct aggregate aggregate_product = {
    .stream_type = "product",
    .plural = "products",
    .state_size = sizeof(struct catalog_product),
    .fact_size = sizeof(struct catalog_event),
    .newest_says_all = true,
    .is_shared = true,
    .begin = begin,
    .version = version,
    .read = read_fact,
    .round_trips = round_trips,
    .evolve = evolve,
    .stamp = stamp,
    .decide = decide,
    .event_type = event_type,
    .write = write_fact,
    .copy = copy,
    .packed_size = packed_size,
    .pack = pack,
    .key = key,
    .id_of_key = aggregate_product_id,
    .fault = find_fault,
    .write_document = write_document,
    .times = times,
    .append_times = append_times,
};
