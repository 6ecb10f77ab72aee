/*
 * streams: which streams have commands waiting, and in whose turn. Private to the service.
 *
 * An entry lives while commands wait for its stream or a batch works on it.
 */
#ifndef CARTD_SERVICE_STREAMS_H
#define CARTD_SERVICE_STREAMS_H

#include <sys/queue.h>

#include "service.h"
#include "table.h"

struct service_stream {
    struct table_entry entry;
    struct service_command *first; /* waiting, in order */
    struct service_command *last;
    bool is_busy;    /* a batch works on it; it gets no other turn meanwhile */
    bool is_in_turn; /* it is in `ready`: commands wait and it is not busy */
    bool is_stale;   /* the cached state has fallen behind; the rest must be loaded */
    bool must_read;  /* a decision on what is cached was not proved: the next is made without */
    bool has_bad_snapshot;  /* one that can't be read: it is not asked for again */
    int64_t rests_until_us; /* it lost races and is not in turn before; 0: it does not rest */
    TAILQ_ENTRY(service_stream) by_turn;
};

struct streams {
    struct table table;
    TAILQ_HEAD(streams_by_turn, service_stream) ready; /* first in turn first */
    size_t n_ready;
};

void streams_init(struct streams *streams);
/* Nothing may be waiting or busy. */
void streams_finish(const struct streams *streams);

/* Puts a command behind those that wait for its stream. */
void streams_add(struct streams *streams, struct service_command *command);
/* Puts commands (a list by `next`, in order) before those that wait; they were there first. */
void streams_put_back(
    struct streams *streams, struct service_stream *stream, struct service_command *commands);
/* The first waiting command leaves the stream. The stream must be in turn or busy. */
struct service_command *streams_take(struct service_stream *stream);
/* Begins and ends a batch's work on a stream. end may free it. */
void streams_begin(struct streams *streams, struct service_stream *stream);
void streams_end(struct streams *streams, struct service_stream *stream);
/* A stream whose last waiting command was taken away without a batch. May free it. */
void streams_settle(struct streams *streams, struct service_stream *stream);

#endif
