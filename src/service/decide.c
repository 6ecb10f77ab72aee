#include "internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is recorded ------------------------------------------------------------------------ */

/* What refers to a stream until it has its ordinal in the append. */
static int32_t slot_of(const struct batch *batch, const struct batch_stream *stream)
{
    return (int32_t)(stream - batch->streams);
}

/* Of an event whose data is in batch->text. Texts of the append live in the arena of the batch. */
static void add_event(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command,
    const char *type, int32_t schema_version, int32_t version)
{
    size_t data_length = batch->text.length;
    codec_write_event_metadata(
        &batch->text, &(struct codec_metadata){
                          .command_id = command->command_id,
                          .actor = command->actor,
                          .cause = command->cause,
                          .trace = command->trace,
                      });
    const char *texts = base_arena_copy(&batch->arena, batch->text.bytes, batch->text.length);
    struct eventstore_new_event event = {
        .ordinal = slot_of(batch, stream),
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

/* Stores the answer for retries of the same request. */
static void add_key(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command)
{
    if (command->key == NULL)
        return;
    struct eventstore_new_key key = {
        .ordinal = slot_of(batch, stream),
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

/* ---- the rules ------------------------------------------------------------------------------- */

static int32_t version_of(const struct batch_stream *stream)
{
    return stream->load.aggregate->version(stream->load.state);
}

/* What the rules ask of a command that is being decided. */
struct question {
    const struct batch *batch;
    struct service_command *command;
};

static struct cart_offer find_offer(void *context, const char *sku, const char *currency)
{
    const struct question *question = context;
    if (offers_know(question->batch, sku))
        return offers_find(question->batch, sku, currency);
    needs_offer(question->command, sku);
    return (struct cart_offer){.is_known = false};
}

static const void *find_past(void *context, const struct aggregate_past *past, bool *is_read)
{
    const struct question *question = context;
    return needs_find_past(question->command, past, is_read);
}

static void need_other(void *context, const struct aggregate_stream *stream)
{
    const struct question *question = context;
    needs_other(question->command, stream);
}

static void refuse(struct service_command *command, const struct aggregate_decision *decision)
{
    command->outcome = SERVICE_REFUSED;
    command->refusal = decision->refusal;
    command->command_index = decision->command_index;
    command->current_total_minor = decision->current_total_minor;
    command->limits = decision->limits;
    command->coupon_usability = decision->coupon_usability;
    command->refused_quantity = decision->refused_quantity;
    command->version = decision->current_version;
    if (decision->details != NULL)
        base_buffer_append_text(&command->body, decision->details);
    command->status = decision->status;
    command->closed_at_us = decision->closed_at_us;
    command->other_cart_id = decision->other_cart_id;
}

/* The state becomes what the facts make of it. */
static void record(
    struct batch *batch, struct batch_stream *stream, const struct service_command *command,
    const void *facts, size_t n_facts)
{
    const struct aggregate *aggregate = stream->load.aggregate;
    const char *fact = facts;
    for (size_t i = 0; i < n_facts; i++, fact += aggregate->fact_size) {
        int32_t version = version_of(stream) + 1;
        struct aggregate_event_type type = aggregate->event_type(fact);
        aggregate->evolve(stream->load.state, fact, version, CART_TIME_PENDING);
        batch->text.length = 0;
        aggregate->write(&batch->text, fact);
        add_event(batch, stream, command, type.name, type.schema_version, version);
    }
}

/* What is answered when the append has accepted it. */
static void prepare_answer(struct batch_stream *stream, struct service_command *command)
{
    const struct aggregate *aggregate = stream->load.aggregate;
    command->outcome = SERVICE_DONE;
    command->version = version_of(stream);
    command->lacks_times = command->wants_body;
    if (!command->wants_body)
        return;
    command->times = aggregate->times(stream->load.state);
    aggregate->write_document(&command->body, &stream->load.id, stream->load.state);
    stream->document = &command->body;
    stream->document_version = command->version;
}

static void apply_rules(
    struct batch *batch, struct batch_stream *stream, struct batch_command *entry)
{
    struct service_command *command = entry->command;
    struct batch_others others;
    if (!boundary_find(batch, stream, entry, &others))
        return;
    struct question question = {.batch = batch, .command = command};
    const struct aggregate_known known = {
        .find_offer = find_offer,
        .find_past = find_past,
        .need_other = need_other,
        .context = &question,
        .stream_id = &stream->load.id,
        .others = {.n = others.n, .streams = others.wanted, .states = others.states},
    };
    struct aggregate_decision decision;
    int32_t former_version = version_of(stream);
    needs_begin(command);
    stream->load.aggregate->decide(
        stream->load.state, command->command, &known, &batch->arena, &decision);
    if (needs_more(entry))
        return;
    if (decision.is_refused) {
        refuse(command, &decision);
        return;
    }
    record(batch, stream, command, decision.facts, decision.n_facts);
    assert(decision.n_effects == 0 || decision.n_facts > 0);
    for (size_t i = 0; i < decision.n_effects; i++) {
        const struct aggregate_effect *effect = &decision.effects[i];
        record(batch, others.streams[effect->other], command, effect->facts, effect->n_facts);
    }
    command->is_created = former_version == 0 && decision.n_facts > 0;
    command->is_recorded = decision.n_facts > 0;
    prepare_answer(stream, command);
    add_key(batch, stream, command);
}

/* ---- one stream ------------------------------------------------------------------------------ */

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

static bool is_creation(const struct service_command *command)
{
    return command->aggregate->creates != NULL && command->aggregate->creates(command->command);
}

static bool is_of_same_request(
    const struct service_command *command, const uint8_t fingerprint[static BASE_SHA256_SIZE])
{
    return memcmp(fingerprint, command->key_fingerprint, BASE_SHA256_SIZE) == 0 ||
           (command->former_fingerprint != NULL &&
            memcmp(fingerprint, command->former_fingerprint, BASE_SHA256_SIZE) == 0);
}

/* A request that was answered before, or whose lost append turns out to have happened. True: its
 * resolution is set. */
static bool find_former_answer(struct batch_command *entry)
{
    struct service_command *command = entry->command;
    if (entry->has_key_row) {
        const struct eventstore_key *row = &entry->key_row;
        bool is_same_request = is_of_same_request(command, row->fingerprint);
        entry->resolution = is_same_request ? BATCH_REPLAY : BATCH_ANSWER_ANYWAY;
        command->outcome = is_same_request ? SERVICE_DONE : SERVICE_KEY_REUSED;
        /* Not a retry in the client's eyes when it is our own lookup after a lost append. */
        command->is_replayed = command->has_own_id || !command->may_be_recorded;
        command->is_created = row->status == 201;
        command->version = row->version;
        command->stream_id = row->stream_id;
        return true;
    }
    if (entry->recorded_version > 0) {
        entry->resolution = BATCH_REPLAY;
        command->outcome = SERVICE_DONE;
        command->is_replayed = command->has_own_id;
        command->is_recorded = true;
        command->is_created = command->aggregate->creates == NULL ? entry->recorded_version == 1
                                                                  : is_creation(command);
        command->version = entry->recorded_version;
        return true;
    }
    return false;
}

/* Whether the stream is there for the caller. A cart of somebody else is none, before anything else
 * is looked at. What was recorded before its answer was lost was the caller's to do then. */
static bool is_there(const struct batch_stream *stream, const struct batch_command *entry)
{
    return entry->recorded_version > 0 ||
           stream->load.aggregate->is_there(stream->load.state, entry->command->command);
}

/* A stored answer is for whom the stream admits now, and what is cached of it may be from before it
 * was claimed elsewhere. Also, a load reads streams a moment before keys: an answer that is stored
 * for a stream which was not there was given in between. */
static bool needs_sight(const struct batch_stream *stream, const struct batch_command *entry)
{
    if (!entry->has_key_row)
        return false;
    bool came_meanwhile = version_of(stream) == 0 &&
                          base_uuid_compare(&entry->key_row.stream_id, &stream->load.id) == 0;
    return came_meanwhile || stream->is_guess;
}

/* Existence. True: its resolution is set. */
static bool find_absence(struct batch_stream *stream, struct batch_command *entry)
{
    struct service_command *command = entry->command;
    if (command->aggregate->is_there == NULL)
        return false;
    if (needs_sight(stream, entry)) {
        entry->resolution = BATCH_RETRY;
        stream->stream->must_read = true;
        return true;
    }
    bool is_new = is_creation(command);
    if (is_there(stream, entry) || (is_new && !entry->has_key_row))
        return false;
    /* Who repeats a creation may have no right any more to what it made. */
    command->outcome = is_new ? SERVICE_KEY_REUSED : SERVICE_REFUSED;
    command->refusal = command->aggregate->not_found;
    command->command_index = 0;
    return true;
}

static bool hides_events(const struct batch_stream *stream, const struct service_command *command)
{
    const struct aggregate *aggregate = command->aggregate;
    return aggregate->shows_events != NULL &&
           !aggregate->shows_events(stream->load.state, command->command);
}

/* In this order (docs/http.md, "Order of checks"): existence, idempotency key, If-Match, rules. */
static void decide_command(
    struct batch *batch, struct batch_stream *stream, struct batch_command *entry)
{
    struct service_command *command = entry->command;
    entry->resolution = BATCH_ANSWER;
    if (command->may_be_recorded && !command->has_own_id)
        metrics_add(batch->service->options.metrics, METRICS_OUTCOMES_LOOKED_UP, 1);
    if (find_absence(stream, entry))
        return;
    if (find_former_answer(entry))
        return;
    if (command->key != NULL && has_key_in_batch(batch, command)) {
        entry->resolution = BATCH_RETRY; /* the next load finds what the other one was answered */
        return;
    }
    int32_t version = version_of(stream);
    if (!is_matching(command, version)) {
        command->outcome = SERVICE_VERSION_MISMATCH;
        command->version = version;
        command->hides_events = hides_events(stream, command);
        return;
    }
    apply_rules(batch, stream, entry);
}

/* ---- a batch --------------------------------------------------------------------------------- */

struct arrival {
    int64_t at_us;
    size_t number; /* keeps the order within a stream */
    struct batch_stream *stream;
    struct batch_command *entry;
};

static int compare_arrivals(const void *left, const void *right)
{
    const struct arrival *const a = left;
    const struct arrival *const b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Where commands are about streams of others, the order is that of their arrival. */
static void decide_by_arrival(struct batch *batch)
{
    struct arrival *arrivals =
        base_arena_alloc(&batch->arena, batch->n_commands * sizeof *arrivals);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        for (size_t j = 0; stream->load.outcome == REPLAY_DONE && j < stream->n_commands; j++, n++)
            arrivals[n] = (struct arrival){
                .at_us = stream->commands[j].command->submitted_at_us,
                .number = n,
                .stream = stream,
                .entry = &stream->commands[j],
            };
    }
    qsort(arrivals, n, sizeof *arrivals, compare_arrivals);
    for (size_t i = 0; i < n; i++)
        decide_command(batch, arrivals[i].stream, arrivals[i].entry);
}

static void decide_by_stream(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        for (size_t j = 0; stream->load.outcome == REPLAY_DONE && j < stream->n_commands; j++)
            decide_command(batch, stream, &stream->commands[j]);
    }
}

void decide_batch(struct batch *batch)
{
    if (batch->has_others)
        decide_by_arrival(batch);
    else
        decide_by_stream(batch);
}
