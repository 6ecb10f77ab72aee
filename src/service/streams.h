/*
 * streams: which streams have commands waiting, and in whose turn. Private to the service.
 *
 * An entry lives while commands wait for its stream, a batch works on it, or it is reserved.
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
    bool is_busy;              /* a batch works on it; it gets no other turn meanwhile */
    const struct batch *batch; /* which one; NULL: none */
    size_t slot;               /* in the batch, while that is being collected */
    bool is_reserved;          /* for a command that waits until all its streams are free */
    bool is_in_turn;           /* it is in `ready`: commands wait and it is not busy */
    bool must_read; /* a decision on what is cached was not proved: the next is made without */
    bool has_bad_snapshot;  /* one that can't be read: it is not asked for again */
    int64_t rests_until_us; /* it lost races and is not in turn before; 0: it does not rest */
    TAILQ_ENTRY(service_stream) by_turn;
    TAILQ_ENTRY(service_stream) by_reservation;
};

struct streams {
    struct table table;
    TAILQ_HEAD(streams_by_turn, service_stream) ready; /* first in turn first */
    size_t n_ready;
    TAILQ_HEAD(streams_by_reservation, service_stream) reserved;
};

void streams_init(struct streams *streams);
/* Nothing may be waiting or busy. */
void streams_finish(struct streams *streams);

/* Puts a command behind those that wait for its stream. */
void streams_add(struct streams *streams, struct service_command *command);
/* Puts commands (a list by `next`, in order) before those that wait; they were there first. */
void streams_put_back(
    struct streams *streams, struct service_stream *stream, struct service_command *commands);
/* The first waiting command leaves the stream. The stream must be in turn or busy. */
struct service_command *streams_take(struct service_stream *stream);
/* The stream with that id, if there is an entry; else NULL. */
struct service_stream *streams_find(const struct streams *streams, const struct base_uuid *id);
/* The same, with an entry made for it, which the caller holds or reserves. */
struct service_stream *streams_find_or_add(struct streams *streams, const struct base_uuid *id);
/* A batch works on a stream from now on, which stays in turn if commands wait for it. */
void streams_hold(struct service_stream *stream, const struct batch *batch, size_t slot);
/* The batch has taken the commands that it takes from a stream that it holds. */
void streams_begin(struct streams *streams, struct service_stream *stream);
/* The batch's work on a stream ends. May free it. */
void streams_end(struct streams *streams, struct service_stream *stream);
/* No batch holds a stream before the next release: a command that is in turn waits until it is
 * free. */
void streams_reserve(struct streams *streams, const struct base_uuid *id);
/* Nothing is reserved any more. May free streams, but none that is in turn. */
void streams_release(struct streams *streams);
/* A stream whose last waiting command was taken away without a batch. May free it. */
void streams_settle(struct streams *streams, struct service_stream *stream);

#endif
