#include "aggregate.h"
#include "cart.h"
#include "cart_coupons.h"
#include "cart_others.h"
#include "codec.h"

#include <string.h>

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

/* What the rules ask, and what they get. */
struct question {
    const struct aggregate_known *known;
    const struct cart *recorded; /* the cart without what the request has already changed */
    const struct cart_request *request;
    struct base_arena *arena;
};

static struct cart_offer find_offer(void *context, const char *sku, const char *currency)
{
    const struct question *question = context;
    return question->known->find_offer(question->known->context, sku, currency);
}

static struct cart_coupon_offer find_coupon(void *context, const char *code)
{
    const struct question *question = context;
    return cart_coupons_find(question->recorded, question->request, question->known, code);
}

static const struct cart *find_past(
    void *context, int32_t version, bool is_before_command, bool *is_read)
{
    const struct question *question = context;
    const struct aggregate_past past = {.version = version, .is_before_command = is_before_command};
    if (version == question->recorded->version && !is_before_command)
        return question->recorded;
    return question->known->find_past(question->known->context, &past, is_read);
}

/* A cart that does not admit the caller now is not there. */
static const struct cart *find_source(
    void *context, const char *cart_id, int32_t version, bool *is_read)
{
    const struct question *question = context;
    struct aggregate_past past = {.stream = {.aggregate = &aggregate_cart}, .version = version};
    if (!base_uuid_parse(cart_id, &past.stream.id))
        return NULL;
    const struct cart *source =
        question->known->find_past(question->known->context, &past, is_read);
    if (source == NULL || version > 0 ||
        cart_admits(source->customer_id, source->guest_token_hash, &question->request->caller))
        return source;
    return NULL;
}

static const struct cart *find_merged(
    void *context, const struct cart_command *command, const char **cart_id)
{
    const struct question *question = context;
    return cart_others_find_merged(
        question->request, command, &question->known->others, question->arena, cart_id);
}

/* For the other cart of a merge to name; NULL: there is no other of any kind. */
static const char *name_cart(const struct aggregate_known *known, struct base_arena *arena)
{
    return known->others.n == 0 ? NULL : base_uuid_text(arena, known->stream_id);
}

static const char *make_item_id(void *context, const char *sku, const char *properties, int attempt)
{
    const struct question *question = context;
    return codec_make_item_id(question->arena, sku, properties, attempt);
}

static bool merge_metadata(
    void *context, const char *metadata, const char *patch, const char **merged)
{
    const struct question *question = context;
    static const struct codec_merge_limits limits = {
        .bytes = CART_METADATA_MAX, .members = SIZE_MAX, .levels = CART_METADATA_DEPTH_MAX};
    return codec_merge_patch(metadata, patch, &limits, question->arena, merged);
}

static bool merge_properties(
    void *context, const char *properties, const char *patch, const char **merged)
{
    const struct question *question = context;
    static const struct codec_merge_limits limits = {
        .bytes = CART_PROPERTIES_BYTES_MAX, .members = CART_PROPERTIES_MAX, .levels = 1};
    return codec_merge_patch(properties, patch, &limits, question->arena, merged);
}

static void begin_decision(
    const struct cart *cart, const struct cart_command *command, struct base_arena *arena,
    struct cart_decision *decision)
{
    struct cart_sizes sizes = cart_find_sizes(cart, command);
    *decision = (struct cart_decision){
        .events = base_arena_alloc(arena, sizes.n_events * sizeof(struct cart_event))};
    if (sizes.n_notes == 0)
        return;
    decision->notes = base_arena_alloc(arena, sizes.n_notes * sizeof *decision->notes);
    decision->prices = base_arena_alloc(arena, cart->n_lines * sizeof *decision->prices);
}

/* The last event of a decision that has notes says them; that of a merge also what came of it. */
static void put_notes(
    const struct cart *cart, struct cart_decision *decision, struct base_arena *arena)
{
    if (decision->outcome != CART_ACCEPTED || decision->n_events == 0)
        return;
    struct cart_event *event = &decision->events[decision->n_events - 1];
    const char *notes = codec_make_notes(arena, decision->notes, decision->n_notes, false);
    if (event->type == CART_EVENT_COPIED) {
        event->copied.notes = notes;
    } else if (event->type == CART_EVENT_RESTORED) {
        event->restored.notes = notes;
    } else if (event->type == CART_EVENT_MERGE_REVERTED) {
        event->merge_reverted.notes = notes;
    } else if (event->type == CART_EVENT_MERGED) {
        event->merged.notes = notes;
        event->merged.lines = codec_make_changes(arena, cart, decision->events, decision->n_events);
    }
}

/* A new line gets the first id that no other line of the cart has: there are no more lines than
 * CART_LINES_MAX, and ids without end. */
static void decide_one(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct base_arena *arena, struct cart_decision *decision)
{
    begin_decision(cart, command, arena, decision);
    cart_decide(cart, command, known, decision);
    struct cart_command renamed = *command;
    for (int attempt = 1; decision->outcome == CART_ID_TAKEN; attempt++) {
        renamed.add_item.item_id =
            codec_make_item_id(arena, command->add_item.sku, command->add_item.properties, attempt);
        cart_decide(cart, &renamed, known, decision);
    }
    put_notes(cart, decision, arena);
}

static const char *make_text(struct base_arena *arena, const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer json = {0};
    if (text == NULL)
        return "null";
    base_buffer_append_json_text(&json, text);
    return base_arena_copy_text(arena, base_buffer_text(&json));
}

/* `cart` is what the commands before this one made of `former`. */
static void refuse(
    struct aggregate_decision *decision, const struct cart_decision *one, size_t command_index,
    const struct cart *cart, const struct cart *former, struct base_arena *arena)
{
    *decision = (struct aggregate_decision){
        .is_refused = true,
        .refusal = one->refusal,
        .command_index = command_index,
        .current_total_minor = cart->total_minor,
        .limits = one->limits,
        .refused_quantity = one->refused_quantity,
        .current_version = one->current_version,
        .coupon_usability = one->coupon_usability,
        .status = cart_status_name(cart->status),
        .closed_at_us = former->closed_at_us,
        .details = one->refusal == CART_REFUSED_OTHER_ORDER_REFERENCE
                       ? make_text(arena, cart->order_reference)
                   : one->refusal == CART_REFUSED_COUPONS_CHANGED
                       ? codec_make_changed_coupons(arena, one->coupons, one->n_coupons)
                       : codec_make_notes(arena, one->notes, one->n_notes, true),
    };
}

/* Puts the events of one command behind those of the commands before it. */
static void add_events(
    struct aggregate_decision *decision, const struct cart_decision *one, struct base_arena *arena)
{
    size_t n_before = decision->n_facts;
    decision->n_facts += one->n_events;
    if (n_before == 0) {
        decision->facts = one->events;
        return;
    }
    struct cart_event *events = base_arena_alloc(arena, decision->n_facts * sizeof *events);
    memcpy(events, decision->facts, n_before * sizeof *events);
    memcpy(events + n_before, one->events, one->n_events * sizeof *events);
    decision->facts = events;
}

/* What one command made of the cart, for the next one. */
static struct cart *evolve_trial(
    struct cart *trial, const struct cart *cart, const struct cart_decision *one,
    struct base_arena *arena)
{
    if (trial == NULL) {
        trial = base_arena_alloc(arena, sizeof *trial);
        cart_copy(trial, cart);
    }
    for (size_t i = 0; i < one->n_events; i++)
        cart_evolve(trial, &one->events[i], CART_TIME_PENDING);
    return trial;
}

static bool may_have_others(const void *command)
{
    return cart_others_may_be(command);
}

static size_t boundary(
    const void *state, const void *command, const void *const *known, size_t n_known,
    struct aggregate_stream *others)
{
    return cart_others_list(state, command, known, n_known, others);
}

/* Each command is decided on what the ones before it made of the cart. */
static void decide(
    const void *state, const void *command, const struct aggregate_known *known,
    struct base_arena *arena, struct aggregate_decision *decision)
{
    const struct cart_request *request = command;
    const struct cart *cart = state;
    struct question question = {
        .known = known, .recorded = cart, .request = request, .arena = arena};
    const struct cart_known cart_known = {
        .find_offer = find_offer,
        .find_coupon = find_coupon,
        .find_past = find_past,
        .find_source = find_source,
        .cart_id = name_cart(known, arena),
        .find_merged = find_merged,
        .make_item_id = make_item_id,
        .merge_metadata = merge_metadata,
        .merge_properties = merge_properties,
        .context = &question,
        .recorded_version = cart->version,
        .request = request,
    };
    bool has_others = cart_others_may_be(request);
    struct cart *trial = NULL;
    *decision = (struct aggregate_decision){.n_facts = 0};
    for (size_t i = 0; i < request->n_commands; i++) {
        struct cart_decision one;
        decide_one(cart, &request->commands[i], &cart_known, arena, &one);
        switch (one.outcome) {
        case CART_REFUSED:
        case CART_ID_TAKEN: /* never: decide_one() has found another */
            refuse(decision, &one, i, cart, state, arena);
            return;
        case CART_UNREAD:
            return;
        case CART_ALREADY_SO:
            break;
        case CART_ACCEPTED:
            if (decision->n_facts + one.n_events > CART_EVENTS_MAX) {
                one = (struct cart_decision){.refusal = CART_REFUSED_TOO_MANY_EVENTS};
                refuse(decision, &one, i, cart, state, arena);
                return;
            }
            add_events(decision, &one, arena);
            if (one.has_other_event)
                cart_others_add_merged(&known->others, &one.other_event, arena, decision);
            if (i + 1 < request->n_commands || has_others)
                cart = trial = evolve_trial(trial, cart, &one, arena);
            break;
        }
    }
    if (has_others && decision->n_facts > 0)
        cart_others_decide(state, cart, request, known, arena, decision);
}

static void want(struct base_buffer *skus, const char *sku)
{
    base_buffer_append(skus, &sku, sizeof sku);
}

static void want_line(struct base_buffer *skus, const struct cart *cart, const char *item_id)
{
    const struct cart_line *line = cart_find_line(cart, item_id);
    if (line != NULL)
        want(skus, line->sku);
}

static void want_lines(struct base_buffer *skus, const struct cart *cart)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        want(skus, cart->lines[i].sku);
}

static void list_skus_of(
    const struct cart *cart, const struct cart_command *command, struct base_buffer *skus)
{
    switch (command->type) {
    case CART_COMMAND_ADD_ITEM:
        want(skus, command->add_item.sku);
        return;
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
        if (command->change_item_quantity.quantity > 0)
            want_line(skus, cart, command->change_item_quantity.item_id);
        return;
    case CART_COMMAND_CHANGE_ITEM:
        if (command->change_item.quantity > 0 ||
            (command->change_item.has_unit_price &&
             command->change_item.unit_price_minor == CART_PRICE_OF_CATALOG))
            want_line(skus, cart, command->change_item.item_id);
        return;
    case CART_COMMAND_CHECK_OUT:
        if (command->check_out.checks_prices)
            want_lines(skus, cart);
        return;
    case CART_COMMAND_REPRICE:
    case CART_COMMAND_CHANGE_CURRENCY:
        want_lines(skus, cart);
        return;
    case CART_COMMAND_CREATE:
    case CART_COMMAND_CLAIM:
    case CART_COMMAND_REMOVE_ITEM:
    case CART_COMMAND_CLEAR_ITEMS:
    case CART_COMMAND_CANCEL:
    case CART_COMMAND_CHANGE_DETAILS:
    case CART_COMMAND_UNDO:
    case CART_COMMAND_RESTORE:
    case CART_COMMAND_REOPEN:
    case CART_COMMAND_SET_TOTAL:
    case CART_COMMAND_REMOVE_TOTAL:
    case CART_COMMAND_APPLY_COUPON:
    case CART_COMMAND_REMOVE_COUPON:
    case CART_COMMAND_ABANDON:
    case CART_COMMAND_EXPIRE:
    case CART_COMMAND_MERGE: /* the other cart's, which are asked for when it is known */
    case CART_COMMAND_REVERT_MERGE:
    case CART_COMMAND_MAKE_RESUME_TOKEN:
    case CART_COMMAND_END_RESUME_TOKEN:
        return;
    }
}

static void list_skus(const void *state, const void *command, struct base_buffer *skus)
{
    const struct cart_request *request = command;
    for (size_t i = 0; i < request->n_commands; i++)
        list_skus_of(state, &request->commands[i], skus);
}

/* Who has no more than the token to resume a cart may not. */
static bool shows_events(const void *state, const void *command)
{
    const struct cart *cart = state;
    const struct cart_request *request = command;
    return cart_admits(cart->customer_id, cart->guest_token_hash, &request->caller);
}

static bool is_there(const void *state, const void *command)
{
    const struct cart *cart = state;
    const struct cart_request *request = command;
    return cart->version > 0 && (shows_events(state, command) ||
                                 cart_has_token(cart->resume_token_hash, &request->caller));
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

/* ---- caching --------------------------------------------------------------------------------- */

static void copy(void *to, const void *from)
{
    cart_copy(to, from);
}

static const char *refusal_name(int refusal)
{
    return cart_refusal_name((enum cart_refusal)refusal);
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
        .abandoned_at_us = cart->abandoned_at_us,
        .lifetime_us = codec_lifetime_us(cart->customer_id != NULL, cart->n_lines == 0),
    };
}

static void append_times(struct base_buffer *out, const struct aggregate_times *given)
{
    codec_append_cart_times(
        out, &(struct codec_cart_times){
                 .created_at_us = given->created_at_us,
                 .updated_at_us = given->updated_at_us,
                 .closed_at_us = given->closed_at_us,
                 .abandoned_at_us = given->abandoned_at_us,
                 .lifetime_us = given->lifetime_us,
             });
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
    .may_have_others = may_have_others,
    .boundary = boundary,
    .decide = decide,
    .list_skus = list_skus,
    .is_there = is_there,
    .creates = creates,
    .shows_events = shows_events,
    .not_found = CART_REFUSED_NOT_FOUND,
    .refusal_name = refusal_name,
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
