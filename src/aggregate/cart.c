#include "aggregate.h"
#include "cart.h"
#include "codec.h"

_Static_assert(sizeof(struct cart_event) <= AGGREGATE_FACT_MAX, "a fact fits");

static void begin(void *state)
{
    cart_clear(state);
}

static int32_t version(const void *state)
{
    const struct cart *cart = state;
    return cart->version;
}

static bool read_fact(const struct eventstore_event *event, struct base_arena *arena, void *fact)
{
    return codec_read_cart_event(event->type, event->schema_version, event->data, arena, fact);
}

/* A cart counts its events itself. */
static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    (void)of_version;
    cart_evolve(state, fact, recorded_at_us);
}

static void copy(void *to, const void *from)
{
    cart_copy(to, from);
}

static size_t packed_size(const void *state)
{
    return cart_packed_size(state);
}

static void pack(void *memory, const void *state)
{
    (void)cart_pack(memory, state); /* it is returned as it was given */
}

static const char *find_fault(const void *state, const struct base_uuid *id)
{
    (void)id; /* any may be a cart's */
    const struct cart *cart = state;
    return cart->status == CART_ABSENT ? "has no event that creates the cart" : NULL;
}

static void write_document(struct base_buffer *out, const struct base_uuid *id, const void *state)
{
    codec_write_cart(out, id, state);
}

static struct aggregate_times times(const void *state)
{
    const struct cart *cart = state;
    return (struct aggregate_times){
        .created_at_us = cart->created_at_us,
        .updated_at_us = cart->updated_at_us,
        .closed_at_us = cart->closed_at_us,
    };
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    codec_append_cart_times(out, given->created_at_us, given->updated_at_us, given->closed_at_us);
}

static void write_snapshot(struct base_buffer *out, const void *state)
{
    codec_write_cart_snapshot(out, state);
}

static bool read_snapshot(const char *json, struct base_arena *arena, void *state)
{
    return codec_read_cart_snapshot(json, arena, state);
}

const struct aggregate aggregate_cart = {
    .stream_type = "cart",
    .plural = "carts",
    .state_size = sizeof(struct cart),
    .fact_size = sizeof(struct cart_event),
    .begin = begin,
    .version = version,
    .read = read_fact,
    .evolve = evolve,
    .copy = copy,
    .packed_size = packed_size,
    .pack = pack,
    .fault = find_fault,
    .write_document = write_document,
    .times = times,
    .append_times = append_times,
    .snapshot_shape = CODEC_SNAPSHOT_SHAPE,
    .write_snapshot = write_snapshot,
    .read_snapshot = read_snapshot,
};
