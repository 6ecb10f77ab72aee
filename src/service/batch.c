#include "internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- moving ---------------------------------------------------------------------------------- */

void batch_move(struct batch *batch, enum batch_state to)
{
    static const bool MAY_MOVE[5][5] = {
        [BATCH_FREE] = {[BATCH_LOADING] = true},
        [BATCH_LOADING] = {[BATCH_DECIDING] = true, [BATCH_ANSWERING] = true},
        [BATCH_DECIDING] = {[BATCH_APPENDING] = true, [BATCH_ANSWERING] = true},
        [BATCH_APPENDING] = {[BATCH_ANSWERING] = true},
        [BATCH_ANSWERING] = {[BATCH_FREE] = true},
    };
    assert(MAY_MOVE[batch->state][to]);
    batch->state = to;
}

void batch_init(struct batch *batch, struct service *service)
{
    size_t most = service->options.batch_commands;
    *batch = (struct batch){.service = service};
    batch->streams = base_alloc(most * sizeof *batch->streams);
    batch->carts = base_alloc(most * sizeof *batch->carts);
    batch->scratch = base_alloc(sizeof *batch->scratch);
}

void batch_finish(struct batch *batch)
{
    assert(batch->state == BATCH_FREE);
    postgres_group_finish(&batch->group);
    base_arena_finish(&batch->arena);
    base_buffer_finish(&batch->events);
    base_buffer_finish(&batch->text);
    base_buffer_finish(&batch->keys);
    base_buffer_finish(&batch->skus);
    free(batch->streams);
    free(batch->carts);
    free(batch->scratch);
}

/* ---- collecting ------------------------------------------------------------------------------ */

/* Takes what the batch has room for from one stream. False: it is full for this stream's next. */
static bool collect_stream(struct batch *batch, struct service_stream *from)
{
    struct batch_stream *stream = &batch->streams[batch->n_streams];
    size_t room = batch->limit - batch->n_commands;
    *stream = (struct batch_stream){
        .stream = from,
        .subject = from->first->subject,
        .cart = &batch->carts[batch->n_streams],
    };
    size_t n_waiting = 0;
    for (const struct service_command *at = from->first; at != NULL && n_waiting < room;
         at = at->next)
        n_waiting++;
    stream->commands = base_arena_alloc(&batch->arena, n_waiting * sizeof *stream->commands);
    while (from->first != NULL && from->first->subject == stream->subject &&
           batch->n_commands < batch->limit && batch->n_commands < from->first->batch_limit) {
        struct service_command *command = streams_take(from);
        stream->commands[stream->n_commands++] = (struct batch_command){.command = command};
        batch->n_commands++;
        if (command->batch_limit < batch->limit)
            batch->limit = command->batch_limit;
    }
    if (stream->n_commands == 0)
        return false;
    stream->must_read = from->must_read;
    from->must_read = false;
    batch->n_streams++;
    streams_begin(&batch->service->streams, from);
    return true;
}

static int compare_streams(const void *left, const void *right)
{
    const struct batch_stream *const a = left;
    const struct batch_stream *const b = right;
    return base_uuid_compare(&a->stream->id, &b->stream->id);
}

static bool collect(struct batch *batch)
{
    struct streams *streams = &batch->service->streams;
    base_arena_reset(&batch->arena);
    batch->n_streams = 0;
    batch->n_commands = 0;
    batch->limit = batch->service->options.batch_commands;
    batch->met_outage = false;
    int64_t now_us = base_clock_monotonic_us();
    batch->began_at_us = now_us;
    struct service_stream *next = streams->ready.first;
    while (batch->n_commands < batch->limit && next != NULL) {
        struct service_stream *stream = next;
        next = stream->next;
        if (stream->rests_until_us > now_us)
            batch->service->has_resting = true;
        else if (!collect_stream(batch, stream))
            break;
    }
    qsort(batch->streams, batch->n_streams, sizeof *batch->streams, compare_streams);
    return batch->n_commands > 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* Begins with the cart that is kept, if there is one. False: what came after it must be loaded, so
 * that a cart that others keep changing costs no more than what they changed. */
static bool begin_cart(struct batch *batch, struct batch_stream *stream)
{
    const struct cart *kept = streams_kept(&batch->service->streams, stream->stream);
    if (kept == NULL)
        cart_clear(stream->cart);
    else
        cart_copy(stream->cart, kept);
    stream->read_version = stream->cart->version;
    stream->knows_bad_snapshot = stream->stream->has_bad_snapshot;
    stream->was_kept = stream->cart->version > 0 && !stream->stream->is_stale && !stream->must_read;
    metrics_add(
        batch->service->options.metrics,
        stream->was_kept ? METRICS_CACHE_HITS : METRICS_CACHE_MISSES, 1);
    return stream->was_kept;
}

/* Adds the carts that must be read; -1 when there are none. */
static int ask_carts(struct batch *batch)
{
    struct eventstore_stream_wanted *wanted =
        base_arena_alloc(&batch->arena, batch->n_streams * sizeof *wanted);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        if (stream->subject == SERVICE_CART && !begin_cart(batch, stream))
            wanted[n++] = (struct eventstore_stream_wanted){
                .stream_id = stream->stream->id,
                .after_version = stream->cart->version,
                .snapshot_shape = stream->stream->has_bad_snapshot ? 0 : CODEC_SNAPSHOT_SHAPE,
            };
    }
    if (n == 0)
        return -1;
    int place = (int)batch->group.n_statements;
    eventstore_ask_streams(&batch->group, wanted, n);
    return place;
}

/* The same for products, whose newest event says everything. */
static int ask_products(struct batch *batch)
{
    struct base_uuid *ids = base_arena_alloc(&batch->arena, batch->n_streams * sizeof *ids);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        if (stream->subject != SERVICE_PRODUCT)
            continue;
        stream->product = base_arena_alloc(&batch->arena, sizeof *stream->product);
        ids[n++] = stream->stream->id;
    }
    if (n == 0)
        return -1;
    int place = (int)batch->group.n_statements;
    eventstore_ask_newest(&batch->group, ids, n);
    return place;
}

/* The commands of which a lost append may have recorded something. */
static int ask_recorded(struct batch *batch)
{
    struct eventstore_command_wanted *wanted =
        base_arena_alloc(&batch->arena, batch->n_commands * sizeof *wanted);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_streams; i++)
        for (size_t j = 0; j < batch->streams[i].n_commands; j++) {
            const struct service_command *command = batch->streams[i].commands[j].command;
            if (command->may_be_recorded)
                wanted[n++] = (struct eventstore_command_wanted){
                    .stream_id = batch->streams[i].stream->id, .command_id = command->command_id};
        }
    if (n == 0)
        return -1;
    int place = (int)batch->group.n_statements;
    eventstore_ask_commands(&batch->group, wanted, n);
    return place;
}

static int ask_keys(struct batch *batch)
{
    struct eventstore_key_wanted *wanted =
        base_arena_alloc(&batch->arena, batch->n_commands * sizeof *wanted);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_streams; i++)
        for (size_t j = 0; j < batch->streams[i].n_commands; j++) {
            const struct service_command *command = batch->streams[i].commands[j].command;
            if (command->key != NULL)
                wanted[n++] = (struct eventstore_key_wanted){
                    .scope_id = command->key_scope_id, .key = command->key};
        }
    if (n == 0)
        return -1;
    int place = (int)batch->group.n_statements;
    eventstore_ask_keys(&batch->group, wanted, n);
    return place;
}

static void load_answered(struct postgres_group *group);
static void decide(struct batch *batch);

bool batch_start(struct batch *batch)
{
    if (!collect(batch))
        return false;
    batch_move(batch, BATCH_LOADING);
    postgres_group_begin(&batch->group);
    batch->group.answered = load_answered;
    batch->carts_at = ask_carts(batch);
    batch->products_at = ask_products(batch);
    batch->recorded_at = ask_recorded(batch);
    batch->keys_at = ask_keys(batch);
    batch->offers_at = offers_ask(batch);
    if (batch->group.n_statements == 0)
        decide(batch);
    else
        postgres_send(batch->service->writer, &batch->group);
    return true;
}

/* ---- receiving the load ---------------------------------------------------------------------- */

static void unreadable(
    struct batch *batch, struct batch_stream *stream, const struct eventstore_event *event)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(&event->stream_id, id);
    stream->is_unreadable = true;
    base_log(
        batch->service->options.log, BASE_LOG_EVENT_UNREADABLE, BASE_LOG_TEXT("stream_id", id),
        BASE_LOG_NUMBER("version", event->version), BASE_LOG_TEXT("type", event->type),
        BASE_LOG_NUMBER("schema_version", event->schema_version));
}

static void receive_snapshot(
    struct batch *batch, struct batch_stream *stream, const struct eventstore_event *snapshot)
{
    if (codec_read_cart_snapshot(snapshot->data, &batch->arena, stream->cart) &&
        stream->cart->version == snapshot->version) {
        stream->read_version = snapshot->version;
        return;
    }
    /* The events say the same: it is decided anew, from them alone. */
    unreadable(batch, stream, snapshot);
    stream->stream->has_bad_snapshot = true;
    snapshot_forget(batch->service, &stream->stream->id);
}

static void receive_event(
    struct batch *batch, struct batch_stream *stream, const struct eventstore_event *event)
{
    stream->n_read++;
    if (stream->subject == SERVICE_CART) {
        struct cart_event fact;
        if (event->version == stream->cart->version + 1 &&
            codec_read_cart_event(
                event->type, event->schema_version, event->data, &batch->arena, &fact))
            cart_evolve(stream->cart, &fact, event->recorded_at_us);
        else
            unreadable(batch, stream, event);
    } else {
        struct catalog_event *fact = base_arena_alloc(&batch->arena, sizeof *fact);
        if (codec_read_catalog_event(
                event->type, event->schema_version, event->data, &batch->arena, fact))
            catalog_evolve(stream->product, fact, event->recorded_at_us);
        else
            unreadable(batch, stream, event);
        stream->product->version = event->version; /* only the newest was read */
    }
}

/* An id that belongs to something else: a client has chosen a cart's id so that it is a product's.
 * What is found behind events of the right type is a stream that nobody can replay. */
static void receive_other_type(
    struct batch *batch, struct batch_stream *stream, const struct eventstore_event *event)
{
    if (stream->n_read == 0 && stream->read_version == 0)
        stream->is_of_other_type = true;
    else
        unreadable(batch, stream, event);
}

static struct batch_stream *find_stream(struct batch *batch, const struct base_uuid *id)
{
    struct service_stream key = {.id = *id};
    struct batch_stream wanted = {.stream = &key};
    return bsearch(
        &wanted, batch->streams, batch->n_streams, sizeof *batch->streams, compare_streams);
}

static void receive_streams(struct batch *batch, int place)
{
    if (place < 0)
        return;
    const struct postgres_rows *rows = postgres_group_rows(&batch->group, (size_t)place);
    size_t n_rows = postgres_rows_count(rows);
    struct batch_stream *stream = NULL;
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_replayed(rows, row, &event);
        if (stream == NULL || base_uuid_compare(&stream->stream->id, &event.stream_id) != 0)
            stream = find_stream(batch, &event.stream_id);
        if (stream == NULL || stream->is_unreadable || stream->is_of_other_type)
            continue;
        if (strcmp(event.type, EVENTSTORE_SNAPSHOT) == 0)
            receive_snapshot(batch, stream, &event);
        else if (strcmp(event.stream_type, service_stream_type(stream->subject)) == 0)
            receive_event(batch, stream, &event);
        else
            receive_other_type(batch, stream, &event);
    }
}

static void receive_recorded(struct batch *batch)
{
    if (batch->recorded_at < 0)
        return;
    const struct postgres_rows *rows =
        postgres_group_rows(&batch->group, (size_t)batch->recorded_at);
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct eventstore_command found;
        eventstore_receive_command(rows, row, &found);
        for (size_t i = 0; i < batch->n_streams; i++)
            for (size_t j = 0; j < batch->streams[i].n_commands; j++) {
                struct batch_command *entry = &batch->streams[i].commands[j];
                if (base_uuid_compare(&entry->command->command_id, &found.command_id) == 0)
                    entry->recorded_version = found.version;
            }
    }
}

static void receive_keys(struct batch *batch)
{
    if (batch->keys_at < 0)
        return;
    const struct postgres_rows *rows = postgres_group_rows(&batch->group, (size_t)batch->keys_at);
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct eventstore_key key;
        eventstore_receive_key(rows, row, &key);
        for (size_t i = 0; i < batch->n_streams; i++)
            for (size_t j = 0; j < batch->streams[i].n_commands; j++) {
                struct batch_command *entry = &batch->streams[i].commands[j];
                if (entry->command->key == NULL ||
                    base_uuid_compare(&entry->command->key_scope_id, &key.scope_id) != 0 ||
                    strcmp(entry->command->key, key.key) != 0)
                    continue;
                entry->has_key_row = true;
                entry->key_row = key;
            }
    }
}

/* ---- deciding ---------------------------------------------------------------------------------
 */

/* What was decided on guesses and the append does not prove may refuse nobody and confirm nothing:
 * it is read and decided again. */
static void distrust_guesses(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        bool guesses_offers = offers_are_guesses(batch, stream);
        if (stream->n_events > 0 || stream->n_keys > 0 || (!stream->was_kept && !guesses_offers))
            continue;
        batch_doom(stream, FATE_AGAIN);
        stream->stream->must_read = true;
    }
}

static void fail_unreadable(struct batch_stream *stream)
{
    bool is_snapshot = stream->stream->has_bad_snapshot && !stream->knows_bad_snapshot;
    for (size_t i = 0; i < stream->n_commands; i++) {
        stream->commands[i].command->outcome = SERVICE_FAILED;
        stream->commands[i].fate = is_snapshot ? FATE_AGAIN : FATE_ANSWER_ANYWAY;
    }
}

static void refuse_other_type(struct batch_stream *stream)
{
    for (size_t i = 0; i < stream->n_commands; i++) {
        stream->commands[i].command->outcome = SERVICE_OTHER_TYPE;
        stream->commands[i].fate = FATE_ANSWER_ANYWAY;
    }
}

/* Which answers say that something is so without recording it: the batch has only read it. */
static bool find_read_answers(struct batch *batch)
{
    bool has_some = false;
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        bool records = stream->n_events > 0 || stream->n_keys > 0;
        for (size_t j = 0; j < stream->n_commands; j++) {
            struct batch_command *entry = &stream->commands[j];
            bool is_already_so =
                entry->fate == FATE_ANSWER && !records && entry->command->outcome == SERVICE_DONE;
            entry->rests_on_read = entry->fate == FATE_REPLAY || is_already_so;
            has_some |= entry->rests_on_read;
        }
    }
    return has_some;
}

static void decide(struct batch *batch)
{
    batch_move(batch, BATCH_DECIDING);
    batch->events.length = 0;
    batch->keys.length = 0;
    for (size_t i = 0; i < batch->n_streams; i++) {
        batch->streams[i].is_loaded = true;
        if (batch->streams[i].is_unreadable)
            fail_unreadable(&batch->streams[i]);
        else if (batch->streams[i].is_of_other_type)
            refuse_other_type(&batch->streams[i]);
        else
            decide_stream(batch, &batch->streams[i]);
    }
    distrust_guesses(batch);
    bool has_read_answers = find_read_answers(batch);
    if (batch->events.length > 0 || batch->keys.length > 0) {
        batch_append(batch, has_read_answers);
    } else if (has_read_answers) {
        batch_confirm(batch);
    } else {
        batch_move(batch, BATCH_ANSWERING);
        batch_end(batch);
    }
}

static void load_answered(struct postgres_group *group)
{
    struct batch *batch = BASE_CONTAINER(group, struct batch, group);
    switch (group->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* a load commits nothing */
        receive_streams(batch, batch->carts_at);
        receive_streams(batch, batch->products_at);
        receive_recorded(batch);
        receive_keys(batch);
        offers_receive(batch);
        decide(batch);
        return;
    case POSTGRES_UNABLE:
        outage_note(batch);
        batch_try_again(batch);
        break;
    case POSTGRES_AGAIN:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        batch_try_again(batch);
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        batch_split(batch, false);
        break;
    }
    batch_move(batch, BATCH_ANSWERING);
    batch_end(batch);
}
