#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is recorded ------------------------------------------------------------------------ */

/* Of an event whose data is in batch->text. Texts of the append live in the arena of the batch. */
static void add_event(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command,
    const char *type, int32_t schema_version, int32_t version)
{
    size_t data_length = batch->text.length;
    codec_write_event_metadata(&batch->text, &command->command_id, command->actor, &command->trace);
    const char *texts = base_arena_copy(&batch->arena, batch->text.bytes, batch->text.length);
    struct eventstore_new_event event = {
        .version = version,
        .type = type,
        .schema_version = schema_version,
        .data = texts,
        .data_length = data_length,
        .metadata = texts + data_length,
        .metadata_length = batch->text.length - data_length,
        .command_id = command->command_id,
    };
    base_buffer_append(&batch->events, &event, sizeof event);
    stream->n_events++;
}

static void add_cart_event(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command,
    const struct cart_event *event, int32_t version)
{
    batch->text.length = 0;
    codec_write_cart_event(&batch->text, event);
    add_event(
        batch, stream, command, codec_cart_event_name(event->type),
        codec_cart_event_schema_version(event->type), version);
}

/* Keeps the answer for retries of the same request. */
static void add_key(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command)
{
    if (command->key == NULL)
        return;
    struct eventstore_new_key key = {
        .scope_id = command->key_scope_id,
        .key = command->key,
        .status = command->is_created ? 201 : 200,
        .version = command->version,
    };
    memcpy(key.fingerprint, command->key_fingerprint, sizeof key.fingerprint);
    base_buffer_append(&batch->keys, &key, sizeof key);
    stream->n_keys++;
}

static bool is_same_key(const struct service_command *command, const struct eventstore_new_key *key)
{
    return base_uuid_compare(&command->key_scope_id, &key->scope_id) == 0 &&
           strcmp(command->key, key->key) == 0;
}

static bool has_key_in_batch(const struct batch *batch, const struct service_command *command)
{
    const struct eventstore_new_key *keys = (const void *)batch->keys.bytes;
    for (size_t i = 0; i < batch->keys.length / sizeof *keys; i++)
        if (is_same_key(command, &keys[i]))
            return true;
    return false;
}

/* ---- a cart ---------------------------------------------------------------------------------- */

/* A new line gets the first id that no other line of the cart has: there are no more lines than
 * CART_LINES_MAX, and ids without end. */
static struct cart_decision decide_wish(
    struct batch *batch, const struct cart *cart, const struct cart_command *wish)
{
    struct cart_offer offer = {0};
    if (wish->type == CART_COMMAND_ADD_ITEM)
        offer = offers_find(batch, wish->add_item.sku, cart->currency);
    struct cart_decision decision = cart_decide(cart, wish, &offer);
    struct cart_command renamed = *wish;
    for (int attempt = 1; decision.outcome == CART_ID_TAKEN; attempt++) {
        renamed.add_item.item_id = codec_make_item_id(
            &batch->arena, wish->add_item.sku, wish->add_item.properties, attempt);
        decision = cart_decide(cart, &renamed, &offer);
    }
    return decision;
}

/* The events of one request, all or nothing. Each wish is decided on what the ones before it made
 * of `cart`, which must be a copy when there is more than one. */
struct cart_step {
    struct cart_event event;
    bool is_recorded;
};

static enum cart_outcome apply_commands(
    struct batch *batch, struct service_command *command, struct cart *cart,
    struct cart_step *steps)
{
    enum cart_outcome outcome = CART_ALREADY_SO;
    for (size_t i = 0; i < command->n_cart_commands; i++) {
        struct cart_decision decision = decide_wish(batch, cart, &command->cart_commands[i]);
        switch (decision.outcome) {
        case CART_REFUSED:
        case CART_ID_TAKEN: /* never: decide_wish() has found another */
            command->outcome = SERVICE_REFUSED;
            command->refusal = decision.refusal;
            command->command_index = i;
            command->current_total_minor = cart->total_minor;
            return CART_REFUSED;
        case CART_ALREADY_SO:
            break;
        case CART_ACCEPTED:
            steps[i] = (struct cart_step){.event = decision.event, .is_recorded = true};
            if (i + 1 < command->n_cart_commands)
                cart_evolve(cart, &decision.event, CART_TIME_PENDING);
            outcome = CART_ACCEPTED;
            break;
        }
    }
    return outcome;
}

/* Records the steps that were decided: `cart` becomes what they make of it. */
static void record_steps(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command,
    const struct cart_step *steps)
{
    struct cart *cart = stream->cart;
    for (size_t i = 0; i < command->n_cart_commands; i++) {
        if (!steps[i].is_recorded)
            continue;
        cart_evolve(cart, &steps[i].event, CART_TIME_PENDING);
        add_cart_event(batch, stream, command, &steps[i].event, cart->version);
    }
}

static void decide_cart_command(
    struct batch *batch, struct batch_stream *stream, struct service_command *command)
{
    struct cart_step *steps =
        base_arena_alloc(&batch->arena, command->n_cart_commands * sizeof *steps);
    struct cart *trial = stream->cart;
    if (command->n_cart_commands > 1) {
        trial = batch->scratch;
        cart_copy(trial, stream->cart);
    }
    if (apply_commands(batch, command, trial, steps) == CART_REFUSED)
        return;
    record_steps(batch, stream, command, steps);
    const struct cart *cart = stream->cart;
    command->outcome = SERVICE_DONE;
    command->is_created = command->cart_commands[0].type == CART_COMMAND_CREATE;
    command->version = cart->version;
    command->created_at_us = cart->created_at_us;
    command->updated_at_us = cart->updated_at_us;
    command->closed_at_us = cart->closed_at_us;
    command->lacks_times = command->wants_body;
    if (command->wants_body) {
        codec_write_cart(&command->body, &command->stream_id, cart);
        stream->document = &command->body;
        stream->document_version = cart->version;
    }
    add_key(batch, stream, command);
}

/* ---- a product ------------------------------------------------------------------------------- */

static void decide_product_command(
    struct batch *batch, struct batch_stream *stream, struct service_command *command)
{
    struct catalog_product *product = stream->product;
    struct catalog_decision *decision = base_arena_alloc(&batch->arena, sizeof *decision);
    catalog_decide(product, command->catalog_command, decision);
    command->outcome = SERVICE_DONE;
    switch (decision->outcome) {
    case CATALOG_TOO_MANY_PRICES:
        command->outcome = SERVICE_TOO_MANY_PRICES;
        return;
    case CATALOG_ALREADY_SO:
        break;
    case CATALOG_ACCEPTED: {
        command->is_created = product->version == 0;
        catalog_evolve(product, &decision->event, CART_TIME_PENDING);
        batch->text.length = 0;
        codec_write_catalog_event(&batch->text, &decision->event);
        add_event(
            batch, stream, command, codec_catalog_event_name(decision->event.type),
            codec_catalog_event_schema_version(decision->event.type), product->version);
        break;
    }
    }
    command->version = product->version;
    command->updated_at_us = product->updated_at_us;
    command->lacks_times = command->wants_body;
    if (command->wants_body)
        codec_write_product(&command->body, product);
    add_key(batch, stream, command);
}

/* ---- one stream ------------------------------------------------------------------------------ */

static int32_t version_of(const struct batch_stream *stream)
{
    return stream->subject == SERVICE_CART ? stream->cart->version : stream->product->version;
}

static bool is_creation(const struct service_command *command)
{
    return command->subject == SERVICE_CART &&
           command->cart_commands[0].type == CART_COMMAND_CREATE;
}

/* If-Match, against a stream that exists. */
static bool is_matching(const struct service_command *command, int32_t version)
{
    switch (command->match) {
    case SERVICE_MATCH_NOTHING:
        return true;
    case SERVICE_MATCH_ANY:
        return version > 0;
    case SERVICE_MATCH_VERSIONS:
        for (size_t i = 0; i < command->n_match_versions; i++)
            if (command->match_versions[i] == version)
                return true;
        return false;
    }
    return false;
}

/* A request that was answered before, or whose lost append turns out to have happened. True: its
 * fate is settled. */
static bool find_former_answer(struct batch_command *entry)
{
    struct service_command *command = entry->command;
    if (entry->has_key_row) {
        const struct eventstore_key *row = &entry->key_row;
        bool is_same_request =
            memcmp(row->fingerprint, command->key_fingerprint, sizeof row->fingerprint) == 0;
        entry->fate = is_same_request ? FATE_REPLAY : FATE_ANSWER_ANYWAY;
        command->outcome = is_same_request ? SERVICE_DONE : SERVICE_KEY_REUSED;
        /* Not a retry in the client's eyes when it is our own look after a lost append. */
        command->is_replayed = !command->may_be_recorded;
        command->is_created = row->status == 201;
        command->version = row->version;
        command->stream_id = row->stream_id;
        return true;
    }
    if (entry->recorded_version > 0) {
        entry->fate = FATE_REPLAY;
        command->outcome = SERVICE_DONE;
        command->is_created =
            command->subject == SERVICE_CART ? is_creation(command) : entry->recorded_version == 1;
        command->version = entry->recorded_version;
        return true;
    }
    return false;
}

/* Whether the cart is there for who asks. A cart of somebody else is none, before anything else is
 * looked at. What was recorded before its answer was lost was his to do then. */
static bool is_there(const struct batch_stream *stream, const struct batch_command *entry)
{
    const struct cart *cart = stream->cart;
    const struct cart_caller *caller = &entry->command->caller;
    return entry->recorded_version > 0 ||
           (cart->version > 0 &&
            (caller->may_all || cart_admits(cart->customer_id, cart->guest_token_hash, caller)));
}

/* A kept answer is for whom the cart admits now, and what is kept of the cart may be from before it
 * was claimed elsewhere. Also, a load reads carts a moment before keys: an answer that is kept for
 * a cart which was not there was given in between. */
static bool needs_sight(const struct batch_stream *stream, const struct batch_command *entry)
{
    if (!entry->has_key_row)
        return false;
    bool came_meanwhile = stream->cart->version == 0 &&
                          base_uuid_compare(&entry->key_row.stream_id, &stream->load.id) == 0;
    return came_meanwhile || (stream->is_guess && !entry->command->caller.may_all);
}

/* Existence. True: its fate is settled. */
static bool find_no_cart(struct batch_stream *stream, struct batch_command *entry)
{
    struct service_command *command = entry->command;
    if (needs_sight(stream, entry)) {
        entry->fate = FATE_AGAIN;
        stream->stream->must_read = true;
        return true;
    }
    bool is_new = is_creation(command);
    if (is_there(stream, entry) || (is_new && !entry->has_key_row))
        return false;
    /* Who repeats a creation may have no right any more to what it made. */
    command->outcome = is_new ? SERVICE_KEY_REUSED : SERVICE_REFUSED;
    command->refusal = CART_REFUSED_NOT_FOUND;
    command->command_index = 0;
    return true;
}

/* The order of the checks is API section 6's: existence, idempotency key, If-Match, the rules. */
static void decide_command(
    struct batch *batch, struct batch_stream *stream, struct batch_command *entry)
{
    struct service_command *command = entry->command;
    entry->fate = FATE_ANSWER;
    if (command->may_be_recorded)
        metrics_add(batch->service->options.metrics, METRICS_OUTCOMES_LOOKED_UP, 1);
    if (command->subject == SERVICE_CART && find_no_cart(stream, entry))
        return;
    if (find_former_answer(entry))
        return;
    if (command->key != NULL && has_key_in_batch(batch, command)) {
        entry->fate = FATE_AGAIN; /* the next load finds what the other one was answered */
        return;
    }
    int32_t version = version_of(stream);
    if (!is_matching(command, version)) {
        command->outcome = SERVICE_VERSION_MISMATCH;
        command->version = version;
        return;
    }
    if (command->subject == SERVICE_CART)
        decide_cart_command(batch, stream, command);
    else
        decide_product_command(batch, stream, command);
}

void decide_stream(struct batch *batch, struct batch_stream *stream)
{
    stream->loaded_version = version_of(stream);
    for (size_t i = 0; i < stream->n_commands; i++)
        decide_command(batch, stream, &stream->commands[i]);
}
