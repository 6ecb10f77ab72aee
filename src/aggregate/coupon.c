#include <string.h>

#include "aggregate.h"
#include "codec.h"
#include "coupon.h"
#include "pack.h"

_Static_assert(sizeof(struct coupon_event) <= AGGREGATE_FACT_MAX, "a fact fits");
_Static_assert(
    COUPON_TIME_NONE == CART_TIME_NONE && COUPON_TIME_PENDING == CART_TIME_PENDING,
    "times are the same everywhere");

/* Fixed for all time: it is in every log. */
static const struct base_uuid SPACE = {
    {0x0e, 0x62, 0xb7, 0x5b, 0x36, 0x1c, 0x4d, 0x5a, 0xa9, 0x0d, 0x7f, 0x43, 0x81, 0x2c, 0xe6,
     0x9a}};

struct base_uuid aggregate_coupon_id(const char *folded_code)
{
    return base_uuid_make_v5(&SPACE, folded_code, strlen(folded_code));
}

static void begin(void *state)
{
    *(struct coupon *)state = (struct coupon){
        .updated_at_us = COUPON_TIME_NONE,
        .definition = {.starts_at_us = COUPON_TIME_NONE, .ends_at_us = COUPON_TIME_NONE},
    };
}

static int32_t version(const void *state)
{
    const struct coupon *coupon = state;
    return coupon->version;
}

static bool read_fact(const struct eventstore_event *event, struct base_arena *arena, void *fact)
{
    return codec_read_coupon_event(event->type, event->schema_version, event->data, arena, fact);
}

static bool round_trips(const struct eventstore_event *event, const char **reason)
{
    return codec_round_trips(event->type, event->schema_version, event->data, reason);
}

static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    (void)of_version; /* it is the next one */
    coupon_evolve(state, fact, recorded_at_us);
}

static void stamp(void *state, int64_t recorded_at_us)
{
    struct coupon *coupon = state;
    if (coupon->updated_at_us == COUPON_TIME_PENDING)
        coupon->updated_at_us = recorded_at_us;
}

static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    (void)known; /* it is about nothing else */
    struct coupon_decision *made = base_arena_alloc(arena, sizeof *made);
    coupon_decide(state, command, made);
    *decision = (struct aggregate_decision){
        .facts = &made->event,
        .n_facts = made->outcome == COUPON_ACCEPTED,
        .is_refused = made->outcome == COUPON_NOT_FOUND,
        .refusal = COUPON_REFUSED_NOT_FOUND,
    };
}

static struct aggregate_event_type event_type(const void *fact)
{
    const struct coupon_event *event = fact;
    return (struct aggregate_event_type){
        .name = codec_coupon_event_name(event->type),
        .schema_version = codec_coupon_event_schema_version(event->type),
    };
}

static void write_fact(struct base_buffer *out, const void *fact)
{
    codec_write_coupon_event(out, fact);
}

/* ---- caching --------------------------------------------------------------------------------- */

static void copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct coupon));
}

static size_t amounts_size(const struct coupon_amounts *amounts)
{
    return amounts->n * sizeof *amounts->list;
}

static size_t texts_size(const struct coupon_texts *texts)
{
    size_t size = texts->n * sizeof *texts->list;
    for (size_t i = 0; i < texts->n; i++)
        size += pack_size(texts->list[i]);
    return size;
}

static size_t packed_size(const void *state)
{
    const struct coupon *coupon = state;
    const struct coupon_definition *definition = &coupon->definition;
    return sizeof *coupon + amounts_size(&definition->amounts) +
           amounts_size(&definition->minimums) + texts_size(&definition->skus) +
           texts_size(&definition->tags) + pack_size(definition->code);
}

/* What must be aligned comes before all texts. */
static void *take(char **at, size_t n_bytes)
{
    void *taken = *at;
    *at += n_bytes;
    return taken;
}

static void pack_amounts(char **at, struct coupon_amounts *amounts)
{
    size_t n_bytes = amounts_size(amounts);
    if (n_bytes > 0)
        amounts->list = memcpy(take(at, n_bytes), amounts->list, n_bytes);
}

static void pack_texts(char **at, const char **list, struct coupon_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        list[i] = pack_text(at, texts->list[i]);
    texts->list = list;
}

static void pack(void *memory, const void *state)
{
    struct coupon *coupon = memory;
    struct coupon_definition *definition = &coupon->definition;
    char *at = (char *)memory + sizeof *coupon;
    copy(coupon, state);
    pack_amounts(&at, &definition->amounts);
    pack_amounts(&at, &definition->minimums);
    const char **skus = take(&at, definition->skus.n * sizeof *skus);
    const char **tags = take(&at, definition->tags.n * sizeof *tags);
    pack_texts(&at, skus, &definition->skus);
    pack_texts(&at, tags, &definition->tags);
    definition->code = pack_text(&at, definition->code);
}

/* ---- stored ---------------------------------------------------------------------------------- */

static const char *find_fault(const void *state, const struct base_uuid *id)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    const struct coupon *coupon = state;
    if (coupon->definition.code == NULL)
        return "has no event that defines the coupon";
    if (coupon->n_redeemed < 0)
        return "has more releases than uses";
    const char *folded = codec_fold_code(&arena, coupon->definition.code);
    if (folded == NULL)
        return "is of a code that can't be a coupon's";
    struct base_uuid right_id = aggregate_coupon_id(folded);
    return base_uuid_compare(&right_id, id) == 0 ? NULL
                                                 : "is of a coupon whose stream has another id";
}

static void write_document(struct base_buffer *out, const struct base_uuid *id, const void *state)
{
    (void)id; /* clients know a coupon by its code */
    codec_write_coupon(out, state);
}

static struct aggregate_times times(const void *state)
{
    const struct coupon *coupon = state;
    return (struct aggregate_times){.updated_at_us = coupon->updated_at_us};
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    codec_append_updated_at(out, given->updated_at_us);
}

static void write_snapshot(struct base_buffer *out, const void *state)
{
    codec_write_coupon_snapshot(out, state);
}

static bool read_snapshot(const char *json, struct base_arena *arena, void *state)
{
    return codec_read_coupon_snapshot(json, arena, state);
}

const struct aggregate aggregate_coupon = {
    .stream_type = "coupon",
    .plural = "coupons",
    .state_size = sizeof(struct coupon),
    .fact_size = sizeof(struct coupon_event),
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
    .fault = find_fault,
    .write_document = write_document,
    .times = times,
    .append_times = append_times,
    .snapshot_shape = CODEC_COUPON_SNAPSHOT_SHAPE,
    .write_snapshot = write_snapshot,
    .read_snapshot = read_snapshot,
};
