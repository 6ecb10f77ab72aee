/*
 * streams: which streams have commands waiting, in whose turn, and the carts that are kept in
 * memory so that they need no replay. Private to the service.
 *
 * An entry lives while commands wait for its stream, while a batch works on it, or while its cart
 * is kept. A kept cart is a guess that the append's expected version proves or refutes; it never is
 * an answer by itself.
 */
#ifndef CARTD_SERVICE_STREAMS_H
#define CARTD_SERVICE_STREAMS_H

#include "service.h"

/* What the kept carts may take on average. Shoppers may fill a cart with 250 KiB of properties, and
 * as many carts as they like; a usual one takes 2. */
#define STREAMS_KEPT_BYTES_EACH 8192

struct service_stream {
    struct base_uuid id;
    struct service_command *first; /* waiting, in order */
    struct service_command *last;
    bool is_busy;      /* a batch works on it; it gets no other turn meanwhile */
    struct cart *kept; /* NULL: not kept. A deep copy, borrowed by the batch while it is busy */
    size_t kept_bytes;
    uint64_t kept_in_epoch;
    bool is_stale;          /* the kept cart has fallen behind; what came after it must be loaded */
    int64_t rests_until_us; /* it lost races and is not in turn before; 0: it does not rest */
    bool must_read; /* a decision on what is kept was not proved: the next is made without it */
    bool has_bad_snapshot; /* one that can't be read: it is not asked for again */
    struct service_stream *next_in_bucket;
    /* In `ready` while commands wait and it is not busy; in `idle` while only its cart is kept. */
    struct streams_list *list;
    struct service_stream *next;
    struct service_stream *previous;
};

struct streams_list {
    struct service_stream *first;
    struct service_stream *last;
    size_t length;
};

struct streams {
    struct service_stream **buckets;
    size_t n_buckets;
    size_t n_entries;
    uint64_t secret[2]; /* of the hash */
    size_t n_kept;
    size_t kept_bytes;
    uint64_t epoch;            /* what was kept in a former one is no guess any more */
    size_t kept_max;           /* carts, and in bytes STREAMS_KEPT_BYTES_EACH times as much */
    struct streams_list ready; /* first in turn first */
    struct streams_list idle;  /* least recently used first */
};

void streams_init(struct streams *streams, size_t kept_max);
/* Nothing may be waiting or busy. */
void streams_finish(struct streams *streams);

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

/* Keeps a copy of the cart, or (NULL) keeps none any more. Only while the stream is busy; whatever
 * borrowed from the former copy must be done with it. */
void streams_keep(struct streams *streams, struct service_stream *stream, const struct cart *cart);
/* The cart that is kept; NULL: none. */
const struct cart *streams_kept(const struct streams *streams, const struct service_stream *stream);
/* From now on nothing is kept that is now. Its memory is given up as the carts are asked for, or as
 * others need it. */
void streams_begin_epoch(struct streams *streams);

#endif
