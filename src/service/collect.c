#include "internal.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Which commands a batch takes: those of the streams in turn, one stream after the other, as long
 * as there is room. A command that is about other streams too takes them along, so that the batch
 * has all of them. Where one is busy in another batch the command waits, and what it needs is
 * reserved until the next batch is collected: nobody who is later in turn takes it meanwhile. So
 * who is first in turn gets all that it needs as soon as the batches under way have ended, and
 * nobody holds one stream while waiting for another.
 */

/* The batch's entry for a stream, which it holds from now on. */
static struct batch_stream *hold(
    struct batch *batch, struct service_stream *from, const struct aggregate *aggregate)
{
    if (from->batch == batch)
        return &batch->streams[from->slot];
    struct batch_stream *stream = &batch->streams[batch->n_streams];
    *stream = (struct batch_stream){
        .stream = from,
        .load = {.aggregate = aggregate},
        .must_read = from->must_read,
    };
    from->must_read = false;
    streams_hold(from, batch, batch->n_streams++);
    return stream;
}

/* ---- other streams --------------------------------------------------------------------------- */

/* Of a command that is seen for the first time, on what is cached of its stream: a guess, and what
 * is wrong with it the decision finds. */
static void guess_boundary(struct batch *batch, struct service_command *command)
{
    const struct aggregate *aggregate = command->aggregate;
    struct replay_cached *cached =
        replay_cache_find(&batch->service->cache, &command->stream_id, aggregate);
    void *empty = batch->states; /* no state is in there before the load */
    if (cached == NULL)
        aggregate->begin(empty);
    struct aggregate_stream others[AGGREGATE_BOUNDARY_MAX];
    size_t n = aggregate->boundary(
        cached == NULL ? empty : cached->state, command->command, NULL, 0, others);
    service_set_boundary(command, others, n);
}

static bool is_free(
    const struct batch *batch, const struct aggregate_stream *wanted, size_t *n_further)
{
    const struct service_stream *stream = streams_find(&batch->service->streams, &wanted->id);
    if (stream == NULL || (!stream->is_busy && !stream->is_reserved)) {
        ++*n_further;
        return true;
    }
    return stream->batch == batch &&
           batch->streams[stream->slot].load.aggregate == wanted->aggregate;
}

static void reserve(struct batch *batch, const struct service_command *command)
{
    struct streams *streams = &batch->service->streams;
    streams_reserve(streams, &command->stream_id);
    for (size_t i = 0; i < command->boundary->n; i++)
        streams_reserve(streams, &command->boundary->streams[i].id);
}

static void count_wait(struct service *service, struct service_command *command)
{
    metrics_add(service->options.metrics, METRICS_SHARED_WAITED, !command->has_waited);
    command->has_waited = true;
}

/* Takes the other streams of a command into the batch. False: it has to wait for them. */
static bool hold_others(struct batch *batch, struct service_command *command)
{
    if (command->aggregate->boundary == NULL ||
        !command->aggregate->may_have_others(command->command))
        return true;
    if (command->boundary == NULL)
        guess_boundary(batch, command);
    const struct service_boundary *boundary = command->boundary;
    if (boundary == NULL)
        return true;
    size_t n_further = 1; /* its own */
    bool are_free = true;
    for (size_t i = 0; i < boundary->n && are_free; i++)
        are_free = is_free(batch, &boundary->streams[i], &n_further);
    if (!are_free)
        count_wait(batch->service, command);
    if (!are_free || batch->n_streams + n_further > batch->streams_max) {
        reserve(batch, command);
        return false;
    }
    batch->has_others = true;
    for (size_t i = 0; i < boundary->n; i++)
        (void)hold(
            batch, streams_find_or_add(&batch->service->streams, &boundary->streams[i].id),
            boundary->streams[i].aggregate);
    return true;
}

/* ---- one stream ------------------------------------------------------------------------------ */

static size_t count_waiting(const struct service_stream *from, size_t most)
{
    size_t n = 0;
    for (const struct service_command *at = from->first; at != NULL && n < most; at = at->next)
        n++;
    return n;
}

static bool has_room_for(const struct batch *batch, const struct service_command *command)
{
    return batch->n_commands < batch->limit && batch->n_commands < command->batch_limit &&
           batch->n_streams < batch->streams_max;
}

/* Takes what the batch has room for from one stream. False: it is full for this stream's next. */
static bool collect_stream(struct batch *batch, struct service_stream *from)
{
    const struct aggregate *aggregate = from->first->aggregate;
    size_t n_room = count_waiting(from, batch->limit - batch->n_commands);
    struct batch_command *commands = base_arena_alloc(&batch->arena, n_room * sizeof *commands);
    size_t n = 0;
    bool has_room = true;
    while (from->first != NULL && from->first->aggregate == aggregate) {
        has_room = has_room_for(batch, from->first);
        if (!has_room || !hold_others(batch, from->first))
            break;
        struct batch_stream *stream = hold(batch, from, aggregate);
        struct service_command *command = streams_take(from);
        commands[n++] = (struct batch_command){.command = command};
        stream->commands = commands;
        stream->n_commands = n;
        batch->n_commands++;
        if (command->batch_limit < batch->limit)
            batch->limit = command->batch_limit;
    }
    if (n > 0)
        streams_begin(&batch->service->streams, from);
    return n > 0 || has_room;
}

/* ---- a batch --------------------------------------------------------------------------------- */

static int compare_streams(const void *left, const void *right)
{
    const struct batch_stream *const a = left;
    const struct batch_stream *const b = right;
    return base_uuid_compare(&a->stream->entry.id, &b->stream->entry.id);
}

static void clear(struct batch *batch, int64_t now_us)
{
    base_arena_reset(&batch->arena);
    batch->n_streams = 0;
    batch->n_commands = 0;
    batch->has_others = false;
    batch->has_ties = false;
    batch->limit = batch->service->options.batch_commands;
    batch->met_outage = false;
    batch->began_at_us = now_us;
    batch->epoch = batch->service->cache.epoch;
}

/* Whether a stream in turn may be taken from. One that is in the batch for another command may, if
 * its commands are for that type of stream. */
static bool is_takable(const struct batch *batch, const struct service_stream *stream)
{
    if (stream->first == NULL || stream->is_reserved)
        return false;
    if (!stream->is_busy)
        return true;
    return stream->batch == batch &&
           batch->streams[stream->slot].load.aggregate == stream->first->aggregate;
}

bool batch_collect(struct batch *batch)
{
    struct streams *streams = &batch->service->streams;
    int64_t now_us = base_clock_monotonic_us();
    clear(batch, now_us);
    streams_release(streams);
    struct service_stream *next = TAILQ_FIRST(&streams->ready);
    while (batch->n_commands < batch->limit && next != NULL) {
        struct service_stream *stream = next;
        next = TAILQ_NEXT(stream, by_turn);
        if (stream->rests_until_us > now_us)
            batch->service->has_resting = true;
        else if (is_takable(batch, stream) && !collect_stream(batch, stream))
            break;
    }
    qsort(batch->streams, batch->n_streams, sizeof *batch->streams, compare_streams);
    return batch->n_commands > 0;
}

struct service_command *batch_find_first(const struct batch *batch)
{
    size_t i = 0;
    while (batch->streams[i].n_commands == 0)
        i++;
    return batch->streams[i].commands[0].command;
}
