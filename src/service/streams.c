#include "streams.h"

#include <assert.h>
#include <stdlib.h>

void streams_init(struct streams *streams)
{
    *streams = (struct streams){.n_ready = 0};
    table_init(&streams->table);
    TAILQ_INIT(&streams->ready);
    TAILQ_INIT(&streams->reserved);
}

void streams_finish(struct streams *streams)
{
    streams_release(streams);
    assert(table_count(&streams->table) == 0);
}

struct service_stream *streams_find(const struct streams *streams, const struct base_uuid *id)
{
    struct table_entry *entry = table_find(&streams->table, id);
    return entry == NULL ? NULL : BASE_CONTAINER(entry, struct service_stream, entry);
}

struct service_stream *streams_find_or_add(struct streams *streams, const struct base_uuid *id)
{
    struct service_stream *stream = streams_find(streams, id);
    if (stream != NULL)
        return stream;
    stream = base_alloc(sizeof *stream);
    stream->entry.id = *id;
    table_add(&streams->table, &stream->entry);
    return stream;
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void leave_turn(struct streams *streams, struct service_stream *stream)
{
    if (!stream->is_in_turn)
        return;
    TAILQ_REMOVE(&streams->ready, stream, by_turn);
    stream->is_in_turn = false;
    streams->n_ready--;
}

static void take_turn(struct streams *streams, struct service_stream *stream)
{
    if (stream->is_in_turn)
        return;
    TAILQ_INSERT_TAIL(&streams->ready, stream, by_turn);
    stream->is_in_turn = true;
    streams->n_ready++;
}

void streams_settle(struct streams *streams, struct service_stream *stream)
{
    if (stream->is_busy)
        return;
    if (stream->first != NULL) {
        take_turn(streams, stream);
        return;
    }
    leave_turn(streams, stream);
    if (stream->is_reserved)
        return;
    table_remove(&streams->table, &stream->entry);
    free(stream);
}

void streams_hold(struct service_stream *stream, const struct batch *batch, size_t slot)
{
    assert(!stream->is_busy);
    stream->is_busy = true;
    stream->batch = batch;
    stream->slot = slot;
}

void streams_begin(struct streams *streams, struct service_stream *stream)
{
    assert(stream->is_busy);
    leave_turn(streams, stream);
}

void streams_end(struct streams *streams, struct service_stream *stream)
{
    stream->is_busy = false;
    stream->batch = NULL;
    streams_settle(streams, stream);
}

/* ---- reservations ---------------------------------------------------------------------------- */

void streams_reserve(struct streams *streams, const struct base_uuid *id)
{
    struct service_stream *stream = streams_find_or_add(streams, id);
    if (stream->is_reserved)
        return;
    stream->is_reserved = true;
    TAILQ_INSERT_TAIL(&streams->reserved, stream, by_reservation);
}

void streams_release(struct streams *streams)
{
    while (!TAILQ_EMPTY(&streams->reserved)) {
        struct service_stream *stream = TAILQ_FIRST(&streams->reserved);
        TAILQ_REMOVE(&streams->reserved, stream, by_reservation);
        stream->is_reserved = false;
        streams_settle(streams, stream);
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

void streams_add(struct streams *streams, struct service_command *command)
{
    struct service_stream *stream = streams_find_or_add(streams, &command->stream_id);
    command->stream = stream;
    command->next = NULL;
    *(stream->last != NULL ? &stream->last->next : &stream->first) = command;
    stream->last = command;
    streams_settle(streams, stream);
}

void streams_put_back(
    struct streams *streams, struct service_stream *stream, struct service_command *commands)
{
    if (commands == NULL)
        return;
    struct service_command *last = commands;
    while (last->next != NULL)
        last = last->next;
    last->next = stream->first;
    stream->first = commands;
    if (stream->last == NULL)
        stream->last = last;
    streams_settle(streams, stream);
}

struct service_command *streams_take(struct service_stream *stream)
{
    struct service_command *command = stream->first;
    if (command == NULL)
        return NULL;
    stream->first = command->next;
    if (stream->first == NULL)
        stream->last = NULL;
    command->next = NULL;
    return command;
}
