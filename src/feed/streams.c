#include "internal.h"

#include <stdlib.h>

#define BUCKETS_AT_FIRST 256

void feed_streams_init(struct feed_streams *streams)
{
    struct base_random random = {.n_left = 0};
    *streams = (struct feed_streams){.n_buckets = BUCKETS_AT_FIRST};
    streams->buckets = base_alloc(streams->n_buckets * sizeof *streams->buckets);
    base_random_take(&random, streams->secret, sizeof streams->secret);
}

void feed_streams_finish(struct feed_streams *streams)
{
    free(streams->buckets); /* they are empty: who listens has been ended */
}

static struct feed_stream **bucket_of(
    const struct feed_streams *streams, const struct base_uuid *id)
{
    return &streams->buckets[base_uuid_hash(id, streams->secret) & (streams->n_buckets - 1)];
}

struct feed_stream *feed_streams_find(
    const struct feed_streams *streams, const struct base_uuid *id)
{
    struct feed_stream *stream = *bucket_of(streams, id);
    while (stream != NULL && base_uuid_compare(&stream->id, id) != 0)
        stream = stream->next_in_bucket;
    return stream;
}

static void link_stream(struct feed_streams *streams, struct feed_stream *stream)
{
    struct feed_stream **bucket = bucket_of(streams, &stream->id);
    stream->next_in_bucket = *bucket;
    *bucket = stream;
}

static void grow(struct feed_streams *streams)
{
    struct feed_stream **old = streams->buckets;
    size_t n_old = streams->n_buckets;
    streams->n_buckets *= 2;
    streams->buckets = base_alloc(streams->n_buckets * sizeof *streams->buckets);
    for (size_t i = 0; i < n_old; i++)
        for (struct feed_stream *stream = old[i], *next; stream != NULL; stream = next) {
            next = stream->next_in_bucket;
            link_stream(streams, stream);
        }
    free(old);
}

void feed_streams_add_listener(struct feed_streams *streams, struct feed_listener *listener)
{
    struct feed_stream *stream = feed_streams_find(streams, &listener->source.cart_id);
    if (stream == NULL) {
        if (streams->n_streams == streams->n_buckets)
            grow(streams);
        stream = base_alloc(sizeof *stream);
        stream->id = listener->source.cart_id;
        link_stream(streams, stream);
        streams->n_streams++;
    }
    listener->stream = stream;
    listener->previous_of_stream = NULL;
    listener->next_of_stream = stream->first;
    if (stream->first != NULL)
        stream->first->previous_of_stream = listener;
    stream->first = listener;
}

static void free_stream(struct feed_streams *streams, struct feed_stream *stream)
{
    struct feed_stream **link = bucket_of(streams, &stream->id);
    while (*link != stream)
        link = &(*link)->next_in_bucket;
    *link = stream->next_in_bucket;
    streams->n_streams--;
    free(stream);
}

void feed_streams_remove_listener(struct feed_streams *streams, struct feed_listener *listener)
{
    struct feed_stream *stream = listener->stream;
    struct feed_listener *next = listener->next_of_stream;
    struct feed_listener *previous = listener->previous_of_stream;
    *(previous != NULL ? &previous->next_of_stream : &stream->first) = next;
    if (next != NULL)
        next->previous_of_stream = previous;
    listener->stream = NULL;
    if (stream->first == NULL)
        free_stream(streams, stream);
}
