#include "customer.h"

#include <string.h>

#include "aggregate.h"
#include "codec.h"
#include "pack.h"

_Static_assert(sizeof(struct customer_event) <= AGGREGATE_FACT_MAX, "a fact fits");

/* Fixed for all time: it is in every log. */
static const struct base_uuid SPACE = {
    {0x2f, 0x5c, 0x8a, 0x1d, 0x40, 0xe7, 0x4b, 0x36, 0x8d, 0x12, 0x9b, 0x6f, 0x03, 0xc4, 0x5a,
     0xee}};

struct base_uuid aggregate_customer_id(const char *customer_id)
{
    return base_uuid_make_v5(&SPACE, customer_id, strlen(customer_id));
}

static void begin(void *state)
{
    memset(state, 0, offsetof(struct customer, coupons));
}

static int32_t version(const void *state)
{
    return ((const struct customer *)state)->version;
}

static bool read_fact(const struct eventstore_event *event, struct base_arena *arena, void *fact)
{
    return codec_read_customer_event(event->type, event->schema_version, event->data, arena, fact);
}

static bool round_trips(const struct eventstore_event *event, const char **reason)
{
    return codec_round_trips(event->type, event->schema_version, event->data, reason);
}

static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    (void)of_version; /* it counts them itself */
    customer_evolve(state, fact, recorded_at_us);
}

static void stamp(void *state, int64_t recorded_at_us)
{
    struct customer *customer = state;
    if (customer->updated_at_us == CART_TIME_PENDING)
        customer->updated_at_us = recorded_at_us;
}

/* It has no commands of its own: those of carts are about it. */
static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    (void)state;
    (void)command;
    (void)known;
    (void)arena;
    *decision = (struct aggregate_decision){.n_facts = 0};
}

static struct aggregate_event_type event_type(const void *fact)
{
    const struct customer_event *event = fact;
    return (struct aggregate_event_type){
        .name = codec_customer_event_name(event->type),
        .schema_version = codec_customer_event_schema_version(event->type),
    };
}

static void write_fact(struct base_buffer *out, const void *fact)
{
    codec_write_customer_event(out, fact);
}

static size_t used_size(const struct customer *customer)
{
    return offsetof(struct customer, coupons) + customer->n_coupons * sizeof customer->coupons[0];
}

static void copy(void *to, const void *from)
{
    memcpy(to, from, used_size(from));
}

static size_t packed_size(const void *state)
{
    const struct customer *customer = state;
    size_t n_bytes =
        used_size(customer) + pack_size(customer->customer_id) + pack_size(customer->open_cart_id);
    for (size_t i = 0; i < customer->n_coupons; i++)
        n_bytes += pack_size(customer->coupons[i].code);
    return n_bytes;
}

static void pack(void *memory, const void *state)
{
    struct customer *packed = memory;
    copy(packed, state);
    char *at = (char *)memory + used_size(packed);
    packed->customer_id = pack_text(&at, packed->customer_id);
    packed->open_cart_id = pack_text(&at, packed->open_cart_id);
    for (size_t i = 0; i < packed->n_coupons; i++)
        packed->coupons[i].code = pack_text(&at, packed->coupons[i].code);
}

static const char *key(const void *state)
{
    return ((const struct customer *)state)->customer_id;
}

static const char *find_fault(const void *state, const struct base_uuid *id)
{
    const struct customer *customer = state;
    struct base_uuid right_id = aggregate_customer_id(customer->customer_id);
    return base_uuid_compare(&right_id, id) == 0 ? NULL
                                                 : "is of a customer whose stream has another id";
}

static void write_document(struct base_buffer *out, const struct base_uuid *id, const void *state)
{
    (void)id; /* clients know a customer by the customer's id */
    const struct customer *customer = state;
    base_buffer_append_text(out, "{\"customer_id\":");
    base_buffer_append_json_text(out, customer->customer_id);
    base_buffer_append_text(out, ",\"open_cart_id\":");
    if (customer->open_cart_id == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, customer->open_cart_id);
    base_buffer_append_char(out, '}');
}

static struct aggregate_times times(const void *state)
{
    return (struct aggregate_times){
        .updated_at_us = ((const struct customer *)state)->updated_at_us};
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    codec_append_updated_at(out, given->updated_at_us);
}

const struct aggregate aggregate_customer = {
    .stream_type = "customer",
    .plural = "customers",
    .state_size = sizeof(struct customer),
    .fact_size = sizeof(struct customer_event),
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
    .id_of_key = aggregate_customer_id,
    .fault = find_fault,
    .write_document = write_document,
    .times = times,
    .append_times = append_times,
};
