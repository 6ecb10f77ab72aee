#include "internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void batch_init(struct batch *batch, struct service *service)
{
    size_t most = service->options.batch_commands + AGGREGATE_BOUNDARY_MAX;
    *batch = (struct batch){.service = service, .streams_max = most};
    batch->streams = base_alloc(most * sizeof *batch->streams);
    batch->state_room = aggregate_state_room();
    batch->states = base_alloc(most * 2 * batch->state_room);
}

void batch_finish(struct batch *batch)
{
    assert(batch->state == BATCH_FREE);
    postgres_pipeline_finish(&batch->pipeline);
    base_arena_finish(&batch->arena);
    base_buffer_finish(&batch->events);
    base_buffer_finish(&batch->text);
    base_buffer_finish(&batch->keys);
    base_buffer_finish(&batch->skus);
    free(batch->streams);
    free(batch->states);
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The state as decided so far, and (former) the one before. */
static void *state_at(const struct batch *batch, size_t i, bool is_former)
{
    return batch->states + (2 * i + is_former) * batch->state_room;
}

static void init_state(struct batch *batch, size_t i)
{
    struct batch_stream *stream = &batch->streams[i];
    stream->load.id = stream->stream->entry.id;
    stream->load.without_snapshot = stream->stream->has_bad_snapshot;
    stream->load.state = state_at(batch, i, false);
    stream->load.aggregate->begin(stream->load.state);
}

/* Begins with what is cached, if there is something. False: what came after it must be loaded, so
 * that a stream that others keep changing costs no more than what they changed. */
static bool begin_state(struct batch *batch, struct batch_stream *stream)
{
    const struct aggregate *aggregate = stream->load.aggregate;
    stream->cached = replay_cache_take(&batch->service->cache, &stream->load.id, aggregate);
    if (stream->cached != NULL)
        aggregate->copy(stream->load.state, stream->cached->state);
    stream->load.began_at = aggregate->version(stream->load.state);
    stream->is_guess = stream->cached != NULL && !stream->cached->is_stale && !stream->must_read;
    if (!aggregate->newest_says_all)
        metrics_add(
            batch->service->options.metrics,
            stream->is_guess ? METRICS_CACHE_HITS : METRICS_CACHE_MISSES, 1);
    return stream->is_guess;
}

static void ask_states(struct batch *batch)
{
    struct replay_wanted **wanted =
        base_arena_alloc(&batch->arena, batch->n_streams * sizeof(struct replay_wanted *));
    batch->load = (struct replay_load){.wanted = wanted};
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        init_state(batch, i);
        if (!begin_state(batch, stream))
            wanted[batch->load.n_wanted++] = &stream->load;
    }
    replay_ask(&batch->load, &batch->pipeline, &batch->arena);
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
                    .stream_id = batch->streams[i].load.id, .command_id = command->command_id};
        }
    if (n == 0)
        return -1;
    int index = (int)batch->pipeline.n_statements;
    eventstore_ask_commands(&batch->pipeline, wanted, n);
    return index;
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
    int index = (int)batch->pipeline.n_statements;
    eventstore_ask_keys(&batch->pipeline, wanted, n);
    return index;
}

static void load_answered(struct postgres_pipeline *pipeline);
static void decide(struct batch *batch);

bool batch_start(struct batch *batch)
{
    if (!batch_collect(batch))
        return false;
    batch_move(batch, BATCH_LOADING);
    postgres_pipeline_begin(&batch->pipeline);
    batch->pipeline.answered = load_answered;
    ask_states(batch);
    batch->recorded_at = ask_recorded(batch);
    batch->keys_at = ask_keys(batch);
    batch->offers_at = offers_ask(batch);
    if (batch->pipeline.n_statements == 0)
        decide(batch);
    else
        postgres_send(batch->service->writer, &batch->pipeline);
    return true;
}

/* ---- receiving the load ---------------------------------------------------------------------- */

static void receive_recorded(struct batch *batch)
{
    if (batch->recorded_at < 0)
        return;
    const struct postgres_rows *rows =
        postgres_pipeline_rows(&batch->pipeline, (size_t)batch->recorded_at);
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
    const struct postgres_rows *rows =
        postgres_pipeline_rows(&batch->pipeline, (size_t)batch->keys_at);
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

/* ---- deciding -------------------------------------------------------------------------------- */

/* What was decided on guesses and the append does not prove may refuse nobody and confirm nothing:
 * it is read and decided again. */
static void distrust_guesses(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        bool guesses_offers = offers_are_guesses(batch, stream);
        if (batch_is_recorded(stream) || (!stream->is_guess && !guesses_offers))
            continue;
        batch_resolve(stream, BATCH_RETRY);
        stream->stream->must_read = true;
    }
}

static void answer_all(
    struct batch_stream *stream, enum service_outcome outcome, enum batch_resolution resolution)
{
    for (size_t i = 0; i < stream->n_commands; i++) {
        stream->commands[i].command->outcome = outcome;
        stream->commands[i].resolution = resolution;
    }
}

/* The state before it is decided on: the cached one, if nothing came after that. */
static void remember_state(struct batch *batch, struct batch_stream *stream)
{
    const struct replay_wanted *load = &stream->load;
    const struct aggregate *aggregate = load->aggregate;
    int32_t version = aggregate->version(load->state);
    if (stream->cached != NULL && aggregate->version(stream->cached->state) == version) {
        stream->before = stream->cached->state;
    } else if (version > 0) {
        void *before = state_at(batch, (size_t)(stream - batch->streams), true);
        aggregate->copy(before, load->state);
        stream->before = before;
    }
}

/* What the load says of a stream: its commands are answered already, or are to be decided. */
static void receive_state(struct batch *batch, struct batch_stream *stream)
{
    stream->is_loaded = true;
    switch (stream->load.outcome) {
    case REPLAY_DONE:
        remember_state(batch, stream);
        stream->loaded_version = stream->load.aggregate->version(stream->load.state);
        return;
    case REPLAY_OTHER_TYPE:
        answer_all(stream, SERVICE_OTHER_TYPE, BATCH_ANSWER_ANYWAY);
        return;
    case REPLAY_BAD_SNAPSHOT: /* the events say the same: it is decided anew, from them alone */
        answer_all(stream, SERVICE_FAILED, BATCH_RETRY);
        stream->stream->has_bad_snapshot = true;
        snapshot_forget(batch->service, &stream->load.id);
        return;
    case REPLAY_MISSING:
    case REPLAY_UNREADABLE:
        answer_all(stream, SERVICE_FAILED, BATCH_ANSWER_ANYWAY);
        return;
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
            bool is_already_so = entry->resolution == BATCH_ANSWER && !records &&
                                 entry->command->outcome == SERVICE_DONE;
            entry->rests_on_read = entry->resolution == BATCH_REPLAY || is_already_so;
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
    for (size_t i = 0; i < batch->n_streams; i++)
        receive_state(batch, &batch->streams[i]);
    decide_batch(batch);
    distrust_guesses(batch);
    bool has_read_answers = find_read_answers(batch);
    if (batch->events.length > 0 || batch->keys.length > 0 || batch->has_ties) {
        batch_append(batch, has_read_answers);
    } else if (has_read_answers) {
        batch_confirm(batch);
    } else {
        batch_move(batch, BATCH_ANSWERING);
        batch_end(batch);
    }
}

static void load_answered(struct postgres_pipeline *pipeline)
{
    struct batch *batch = BASE_CONTAINER(pipeline, struct batch, pipeline);
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* a load commits nothing */
        replay_receive(&batch->load, &batch->pipeline, &batch->arena, batch->service->options.log);
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
