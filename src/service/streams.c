#include "streams.h"

#include <assert.h>
#include <stdlib.h>

void streams_init(struct streams *streams)
{
    *streams = (struct streams){.n_ready = 0};
    table_init(&streams->table);
    TAILQ_INIT(&streams->ready);
}

void streams_finish(const struct streams *streams)
{
    assert(table_count(&streams->table) == 0);
}

static struct service_stream *find_or_make(struct streams *streams, const struct base_uuid *id)
{
    struct table_entry *entry = table_find(&streams->table, id);
    if (entry != NULL)
        return BASE_CONTAINER(entry, struct service_stream, entry);
    struct service_stream *stream = base_alloc(sizeof *stream);
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
    table_remove(&streams->table, &stream->entry);
    free(stream);
}

void streams_begin(struct streams *streams, struct service_stream *stream)
{
    leave_turn(streams, stream);
    stream->is_busy = true;
}

void streams_end(struct streams *streams, struct service_stream *stream)
{
    stream->is_busy = false;
    streams_settle(streams, stream);
}

/* ---- commands -------------------------------------------------------------------------------- */

void streams_add(struct streams *streams, struct service_command *command)
{
    struct service_stream *stream = find_or_make(streams, &command->stream_id);
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
