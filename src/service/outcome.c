#include "internal.h"

/* ---- moving ---------------------------------------------------------------------------------- */

static const struct base_state states[] = {BATCH_STATES(BASE_STATE_ROW)};

void batch_move(struct batch *batch, enum batch_state to)
{
    batch->state = base_move(states, batch->state, to);
}

/* ---- answering ------------------------------------------------------------------------------- */

/* Lets go of one command, as its resolution says. Those that go back are prepended to *again. */
static void let_go(struct batch *batch, struct batch_command *entry, struct service_command **again)
{
    struct service *service = batch->service;
    struct service_command *command = entry->command;
    switch (entry->resolution) {
    case BATCH_ANSWER:
    case BATCH_ANSWER_ANYWAY:
        if (command->outcome == SERVICE_VERSION_MISMATCH)
            answer_missed_events(service, command);
        else
            service_answer(service, command);
        return;
    case BATCH_REPLAY:
        answer_from_log(service, command);
        return;
    case BATCH_READ_PAST:
        needs_read_past(service, command);
        return;
    case BATCH_RETRY:
        break;
    }
    service_undecide(command);
    if (batch->met_outage)
        command->n_attempts--; /* for how long it is tried, its age says */
    if (command->n_attempts > ATTEMPTS_MAX) {
        service_give_up(service, command, SERVICE_OVERLOADED);
        return;
    }
    command->next = *again;
    *again = command;
}

/* The state takes the place of what was cached of it, from which it may borrow. */
void batch_cache_state(struct batch *batch, struct batch_stream *stream)
{
    struct replay_cache *cache = &batch->service->cache;
    const struct replay_wanted *load = &stream->load;
    if (batch->epoch == cache->epoch && !load->aggregate->newest_says_all)
        (void)replay_cache_put(cache, &load->id, load->aggregate, load->state);
    stream->replaced = stream->cached;
    stream->cached = NULL;
}

void batch_forget_cached(struct batch_stream *stream)
{
    replay_cached_free(stream->cached);
    stream->cached = NULL;
}

/* What was loaded and not changed is true and worth caching too; what was not proved wrong goes
 * back. */
static void cache_loaded(struct batch *batch, struct batch_stream *stream)
{
    const struct replay_wanted *load = &stream->load;
    if (stream->ordinal == 0 && !stream->is_guess && stream->is_loaded &&
        load->outcome == REPLAY_DONE && load->aggregate->version(load->state) > 0)
        batch_cache_state(batch, stream);
    else if (stream->cached != NULL)
        replay_cache_return(&batch->service->cache, stream->cached);
}

static void end_stream(struct batch *batch, struct batch_stream *stream)
{
    struct service *service = batch->service;
    cache_loaded(batch, stream);
    replay_cached_free(stream->replaced);
    stream->replaced = NULL;
    struct service_command *again = NULL;
    for (size_t i = stream->n_commands; i > 0; i--)
        if (stream->commands[i - 1].resolution == BATCH_RETRY)
            let_go(batch, &stream->commands[i - 1], &again);
    for (size_t i = 0; i < stream->n_commands; i++)
        if (stream->commands[i].resolution != BATCH_RETRY)
            let_go(batch, &stream->commands[i], &again);
    streams_put_back(&service->streams, stream->stream, again);
    streams_end(&service->streams, stream->stream);
}

void batch_end(struct batch *batch)
{
    struct service *service = batch->service;
    if (batch->has_ties)
        contention_note(batch);
    for (size_t i = 0; i < batch->n_streams; i++)
        end_stream(batch, &batch->streams[i]);
    replay_cache_trim(&service->cache);
    offers_release(batch);
    metrics_set(
        service->options.metrics, METRICS_CACHE_CARTS, (int64_t)table_count(&service->cache.table));
    batch_move(batch, BATCH_FREE);
    service_poke(service);
}

void batch_resolve(struct batch_stream *stream, enum batch_resolution resolution)
{
    for (size_t i = 0; i < stream->n_commands; i++)
        if (stream->commands[i].resolution == BATCH_ANSWER)
            stream->commands[i].resolution = resolution;
}

/* What was read is not confirmed: it is read again. Of a replay it is known that it was recorded,
 * if only here. */
void batch_read_again(struct batch_stream *stream)
{
    for (size_t i = 0; i < stream->n_commands; i++) {
        struct batch_command *entry = &stream->commands[i];
        if (!entry->rests_on_read)
            continue;
        entry->command->is_in_doubt |= entry->resolution == BATCH_REPLAY;
        entry->resolution = BATCH_RETRY;
    }
}

void batch_try_again(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_streams; i++) {
        if (batch->state == BATCH_LOADING || batch->streams[i].ordinal > 0)
            batch_resolve(&batch->streams[i], BATCH_RETRY);
        if (batch->state == BATCH_APPENDING)
            batch_read_again(&batch->streams[i]);
    }
}

void batch_split(struct batch *batch, bool may_pass)
{
    struct service *service = batch->service;
    if (batch->n_commands > 1) {
        base_log(
            service->options.log, BASE_LOG_BATCH_SPLIT,
            BASE_LOG_NUMBER("commands", batch->n_commands));
        metrics_add(service->options.metrics, METRICS_BATCHES_SPLIT, 1);
    }
    for (size_t i = 0; i < batch->n_streams; i++)
        for (size_t j = 0; j < batch->streams[i].n_commands; j++) {
            struct service_command *command = batch->streams[i].commands[j].command;
            if (batch->n_commands > 1)
                command->batch_limit = batch->n_commands / 2;
            else if (!may_pass || command->n_attempts > 10)
                command->outcome = SERVICE_FAILED;
        }
    if (batch->n_commands > 1 || batch_find_first(batch)->outcome != SERVICE_FAILED)
        batch_try_again(batch);
}
