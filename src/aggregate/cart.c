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

static bool round_trips(const struct eventstore_event *event, const char **reason)
{
    return codec_round_trips(event->type, event->schema_version, event->data, reason);
}

/* A cart counts its events itself. */
static void evolve(void *state, const void *fact, int32_t of_version, int64_t recorded_at_us)
{
    (void)of_version;
    cart_evolve(state, fact, recorded_at_us);
}

static void stamp(void *state, int64_t recorded_at_us)
{
    cart_stamp(state, recorded_at_us);
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* A new line gets the first id that no other line of the cart has: there are no more lines than
 * CART_LINES_MAX, and ids without end. */
static struct cart_decision decide_one(
    const struct cart *cart, const struct cart_command *command,
    const struct aggregate_known *known, struct base_arena *arena)
{
    struct cart_offer offer = {0};
    if (command->type == CART_COMMAND_ADD_ITEM)
        offer = known->find_offer(known->context, command->add_item.sku, cart->currency);
    struct cart_decision decision = cart_decide(cart, command, &offer);
    struct cart_command renamed = *command;
    for (int attempt = 1; decision.outcome == CART_ID_TAKEN; attempt++) {
        renamed.add_item.item_id =
            codec_make_item_id(arena, command->add_item.sku, command->add_item.properties, attempt);
        decision = cart_decide(cart, &renamed, &offer);
    }
    return decision;
}

/* `cart` is what the commands before this one made of `former`. */
static void refuse(
    struct aggregate_decision *decision, enum cart_refusal refusal, size_t command_index,
    const struct cart *cart, const struct cart *former)
{
    *decision = (struct aggregate_decision){
        .is_refused = true,
        .refusal = refusal,
        .command_index = command_index,
        .current_total_minor = cart->total_minor,
        .status = cart_status_name(cart->status),
        .closed_at_us = former->closed_at_us,
    };
}

/* Each command is decided on what the ones before it made of the cart. */
static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    const struct cart_request *request = command;
    const struct cart *cart = state;
    struct cart_event *events = base_arena_alloc(arena, request->n_commands * sizeof *events);
    struct cart *trial = NULL;
    *decision = (struct aggregate_decision){.facts = events};
    for (size_t i = 0; i < request->n_commands; i++) {
        struct cart_decision one = decide_one(cart, &request->commands[i], known, arena);
        switch (one.outcome) {
        case CART_REFUSED:
        case CART_ID_TAKEN: /* never: decide_one() has found another */
            refuse(decision, one.refusal, i, cart, state);
            return;
        case CART_ALREADY_SO:
            break;
        case CART_ACCEPTED:
            events[decision->n_facts++] = one.event;
            if (i + 1 == request->n_commands)
                break;
            if (trial == NULL) {
                trial = base_arena_alloc(arena, sizeof *trial);
                cart_copy(trial, cart);
                cart = trial;
            }
            cart_evolve(trial, &one.event, CART_TIME_PENDING);
            break;
        }
    }
}

static void list_skus(const void *command, struct base_buffer *skus)
{
    const struct cart_request *request = command;
    for (size_t i = 0; i < request->n_commands; i++) {
        const struct cart_command *one = &request->commands[i];
        if (one->type == CART_COMMAND_ADD_ITEM)
            base_buffer_append(skus, &one->add_item.sku, sizeof one->add_item.sku);
    }
}

static bool is_there(const void *state, const void *command)
{
    const struct cart *cart = state;
    const struct cart_caller *caller = &((const struct cart_request *)command)->caller;
    return cart->version > 0 &&
           (caller->may_all || cart_admits(cart->customer_id, cart->guest_token_hash, caller));
}

static bool creates(const void *command)
{
    const struct cart_request *request = command;
    return request->commands[0].type == CART_COMMAND_CREATE;
}

static struct aggregate_event_type event_type(const void *fact)
{
    const struct cart_event *event = fact;
    return (struct aggregate_event_type){
        .name = codec_cart_event_name(event->type),
        .schema_version = codec_cart_event_schema_version(event->type),
    };
}

static void write_fact(struct base_buffer *out, const void *fact)
{
    codec_write_cart_event(out, fact);
}

/* ---- keeping --------------------------------------------------------------------------------- */

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
    .round_trips = round_trips,
    .evolve = evolve,
    .stamp = stamp,
    .decide = decide,
    .list_skus = list_skus,
    .is_there = is_there,
    .creates = creates,
    .not_found = CART_REFUSED_NOT_FOUND,
    .first_event = "CartCreated",
    .event_type = event_type,
    .write = write_fact,
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
