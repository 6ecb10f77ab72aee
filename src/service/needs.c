#include "internal.h"

#include <stdlib.h>

/*
 * What a decision turned out to need: offers that could not be foreseen, as they depend on the
 * state, what streams were, and other streams that only those name. The command takes a list of
 * that along and is decided anew, until nothing is missing. Most commands never have such a list.
 */

struct past {
    struct aggregate_past wanted;
    bool is_read;
    void *state; /* packed; NULL: there was none */
};

struct service_needs {
    struct base_arena texts;
    struct base_buffer skus;  /* of const char * */
    struct base_buffer pasts; /* of struct past */
    struct aggregate_stream others[AGGREGATE_BOUNDARY_MAX];
    size_t n_others;
    bool is_missing_offers; /* since the last decision began; so are the next two */
    bool is_missing_pasts;
    bool is_missing_others;
};

static struct service_needs *find_or_make(struct service_command *command)
{
    if (command->needs == NULL)
        command->needs = base_alloc(sizeof *command->needs);
    return command->needs;
}

void needs_begin(struct service_command *command)
{
    if (command->needs == NULL)
        return;
    command->needs->is_missing_offers = false;
    command->needs->is_missing_pasts = false;
    command->needs->is_missing_others = false;
}

bool needs_more(struct batch_command *entry)
{
    const struct service_needs *needs = entry->command->needs;
    if (needs == NULL ||
        (!needs->is_missing_offers && !needs->is_missing_pasts && !needs->is_missing_others))
        return false;
    entry->resolution = needs->is_missing_pasts ? BATCH_READ_PAST : BATCH_RETRY;
    return true;
}

/* ---- offers ---------------------------------------------------------------------------------- */

void needs_offer(struct service_command *command, const char *sku)
{
    struct service_needs *needs = find_or_make(command);
    const char *copy = base_arena_copy_text(&needs->texts, sku);
    base_buffer_append(&needs->skus, &copy, sizeof copy);
    needs->is_missing_offers = true;
}

void needs_list_skus(const struct service_command *command, struct base_buffer *skus)
{
    if (command->needs != NULL)
        base_buffer_append(skus, command->needs->skus.bytes, command->needs->skus.length);
}

/* ---- other streams --------------------------------------------------------------------------- */

void needs_other(struct service_command *command, const struct aggregate_stream *stream)
{
    struct service_needs *needs = find_or_make(command);
    size_t n = needs->n_others;
    needs->n_others = aggregate_add_stream(needs->others, n, *stream);
    needs->is_missing_others |= needs->n_others > n;
}

size_t needs_list_others(
    const struct service_command *command, struct aggregate_stream *list, size_t n)
{
    const struct service_needs *needs = command->needs;
    for (size_t i = 0; needs != NULL && i < needs->n_others; i++)
        n = aggregate_add_stream(list, n, needs->others[i]);
    return n;
}

/* ---- pasts ----------------------------------------------------------------------------------- */

static size_t count_pasts(const struct service_needs *needs)
{
    return needs->pasts.length / sizeof(struct past);
}

static struct past *past_at(const struct service_needs *needs, size_t i)
{
    return (struct past *)(void *)needs->pasts.bytes + i;
}

static bool is_same(const struct aggregate_past *left, const struct aggregate_past *right)
{
    return left->stream.aggregate == right->stream.aggregate &&
           base_uuid_compare(&left->stream.id, &right->stream.id) == 0 &&
           left->version == right->version && left->is_before_command == right->is_before_command;
}

const void *needs_find_past(
    struct service_command *command, const struct aggregate_past *past, bool *is_read)
{
    struct service_needs *needs = find_or_make(command);
    struct past wanted = {.wanted = *past};
    if (past->stream.aggregate == NULL)
        wanted.wanted.stream = (struct aggregate_stream){command->aggregate, command->stream_id};
    for (size_t i = 0; i < count_pasts(needs); i++) {
        const struct past *known = past_at(needs, i);
        if (!is_same(&known->wanted, &wanted.wanted))
            continue;
        *is_read = known->is_read;
        needs->is_missing_pasts |= !known->is_read;
        return known->state;
    }
    base_buffer_append(&needs->pasts, &wanted, sizeof wanted);
    needs->is_missing_pasts = true;
    *is_read = false;
    return NULL;
}

void needs_finish(struct service_command *command)
{
    struct service_needs *needs = command->needs;
    if (needs == NULL)
        return;
    command->needs = NULL;
    for (size_t i = 0; i < count_pasts(needs); i++)
        free(past_at(needs, i)->state);
    base_buffer_finish(&needs->pasts);
    base_buffer_finish(&needs->skus);
    base_arena_finish(&needs->texts);
    free(needs);
}

/* ---- reading them ---------------------------------------------------------------------------- */

struct reading {
    struct service *service;
    struct service_command *command;
    struct past *past; /* that is being read */
    struct postgres_pipeline pipeline;
    struct replay_history history;
};

static void read_next(struct reading *reading);

static void end(struct reading *reading)
{
    postgres_pipeline_finish(&reading->pipeline);
    free(reading);
}

static void fail(struct reading *reading, enum base_failure failure)
{
    struct service_command *command = reading->command;
    if (failure == BASE_BROKEN) {
        command->outcome = SERVICE_FAILED;
        service_answer(reading->service, command);
    } else {
        service_requeue(reading->service, command);
    }
    end(reading);
}

static void receive(struct reading *reading, const void *state)
{
    const struct aggregate *aggregate = reading->past->wanted.stream.aggregate;
    reading->past->is_read = true;
    if (state != NULL) {
        reading->past->state = base_alloc(aggregate->packed_size(state));
        aggregate->pack(reading->past->state, state);
    }
    read_next(reading);
}

/* Of another stream, it never was. Of the command's own, it is not there yet, as what was to make
 * it was decided in the same batch and is not recorded so far, or not any more, after a failover:
 * it stays unknown, and is asked for again if the next decision needs it. */
static void miss(struct reading *reading)
{
    const struct service_command *command = reading->command;
    const struct aggregate_past *wanted = &reading->past->wanted;
    struct base_buffer *pasts = &command->needs->pasts;
    bool is_own = base_uuid_compare(&wanted->stream.id, &command->stream_id) == 0;
    if (!is_own || wanted->version == 0) {
        receive(reading, NULL);
        return;
    }
    *reading->past = *past_at(command->needs, count_pasts(command->needs) - 1);
    pasts->length -= sizeof(struct past);
    read_next(reading);
}

static void history_read(struct replay_history *history)
{
    struct reading *reading = BASE_CONTAINER(history, struct reading, history);
    switch (history->outcome) {
    case REPLAY_FOUND:
        receive(reading, history->state);
        return;
    case REPLAY_NO_STREAM:
    case REPLAY_NO_VERSION:
        miss(reading);
        return;
    case REPLAY_FAILED:
        fail(reading, history->failure);
        return;
    }
}

static void read_version(struct reading *reading, int32_t version)
{
    const struct aggregate_stream *stream = &reading->past->wanted.stream;
    reading->history = (struct replay_history){
        .aggregate = stream->aggregate,
        .stream_id = stream->id,
        .at_version = version,
        .at_us = INT64_MAX,
        .answered = history_read,
    };
    replay_history_read(&reading->history, reading->service->side, reading->service->options.log);
}

static void version_found(struct postgres_pipeline *pipeline)
{
    struct reading *reading = BASE_CONTAINER(pipeline, struct reading, pipeline);
    enum base_failure failure = postgres_failure(pipeline->outcome);
    if (failure != BASE_NO_FAILURE) {
        fail(reading, failure);
        return;
    }
    int32_t version = eventstore_receive_version_before(postgres_pipeline_rows(pipeline, 0));
    if (version < 0)
        miss(reading);
    else if (version == 0)
        receive(reading, NULL); /* the command was the first */
    else
        read_version(reading, version);
}

static void read_past(struct reading *reading)
{
    const struct aggregate_past *wanted = &reading->past->wanted;
    if (!wanted->is_before_command) {
        read_version(reading, wanted->version);
        return;
    }
    postgres_pipeline_begin(&reading->pipeline);
    reading->pipeline.answered = version_found;
    eventstore_ask_version_before(&reading->pipeline, &wanted->stream.id, wanted->version);
    postgres_send(reading->service->side, &reading->pipeline);
}

static void read_next(struct reading *reading)
{
    const struct service_needs *needs = reading->command->needs;
    for (size_t i = 0; i < count_pasts(needs); i++) {
        reading->past = past_at(needs, i);
        if (!reading->past->is_read) {
            read_past(reading);
            return;
        }
    }
    streams_add(&reading->service->streams, reading->command);
    service_poke(reading->service);
    end(reading);
}

void needs_read_past(struct service *service, struct service_command *command)
{
    struct reading *reading = base_alloc(sizeof *reading);
    *reading = (struct reading){.service = service, .command = command};
    service_undecide(command);
    command->n_attempts--; /* it has not failed: with each past it gets further */
    read_next(reading);
}
