#include "streams.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_AT_FIRST 1024

/* ---- lists ----------------------------------------------------------------------------------- */

static void list_remove(struct service_stream *stream)
{
    struct streams_list *list = stream->list;
    if (list == NULL)
        return;
    *(stream->previous != NULL ? &stream->previous->next : &list->first) = stream->next;
    *(stream->next != NULL ? &stream->next->previous : &list->last) = stream->previous;
    list->length--;
    stream->list = NULL;
    stream->next = stream->previous = NULL;
}

static void list_append(struct streams_list *list, struct service_stream *stream)
{
    assert(stream->list == NULL);
    stream->list = list;
    stream->previous = list->last;
    stream->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = stream;
    list->last = stream;
    list->length++;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Clients may choose ids, so which of them share a bucket depends on a secret. */
static size_t bucket_of(const struct streams *streams, const struct base_uuid *id)
{
    return (size_t)base_uuid_hash(id, streams->secret) & (streams->n_buckets - 1);
}

static void grow(struct streams *streams)
{
    struct service_stream **old = streams->buckets;
    size_t n_old = streams->n_buckets;
    streams->n_buckets = n_old * 2;
    streams->buckets = base_alloc(streams->n_buckets * sizeof *streams->buckets);
    for (size_t i = 0; i < n_old; i++) {
        struct service_stream *stream = old[i];
        while (stream != NULL) {
            struct service_stream *next = stream->next_in_bucket;
            size_t bucket = bucket_of(streams, &stream->id);
            stream->next_in_bucket = streams->buckets[bucket];
            streams->buckets[bucket] = stream;
            stream = next;
        }
    }
    free(old);
}

static struct service_stream *find_or_make(struct streams *streams, const struct base_uuid *id)
{
    size_t bucket = bucket_of(streams, id);
    for (struct service_stream *at = streams->buckets[bucket]; at != NULL; at = at->next_in_bucket)
        if (base_uuid_compare(&at->id, id) == 0)
            return at;
    if (streams->n_entries >= streams->n_buckets) {
        grow(streams);
        bucket = bucket_of(streams, id);
    }
    struct service_stream *stream = base_alloc(sizeof *stream);
    stream->id = *id;
    stream->next_in_bucket = streams->buckets[bucket];
    streams->buckets[bucket] = stream;
    streams->n_entries++;
    return stream;
}

static void drop_kept(struct streams *streams, struct service_stream *stream)
{
    if (stream->kept == NULL)
        return;
    free(stream->kept);
    stream->kept = NULL;
    streams->n_kept--;
    streams->kept_bytes -= stream->kept_bytes;
}

static void free_stream(struct streams *streams, struct service_stream *stream)
{
    struct service_stream **link = &streams->buckets[bucket_of(streams, &stream->id)];
    while (*link != stream)
        link = &(*link)->next_in_bucket;
    *link = stream->next_in_bucket;
    list_remove(stream);
    drop_kept(streams, stream);
    streams->n_entries--;
    free(stream);
}

static bool keeps_too_much(const struct streams *streams)
{
    return streams->n_kept > streams->kept_max ||
           streams->kept_bytes / STREAMS_KEPT_BYTES_EACH > streams->kept_max;
}

/* Puts a stream into the list where it belongs now, or ends it. */
static void file_stream(struct streams *streams, struct service_stream *stream)
{
    if (stream->is_busy)
        return;
    if (stream->first != NULL) {
        if (stream->list != &streams->ready) {
            list_remove(stream);
            list_append(&streams->ready, stream);
        }
        return;
    }
    list_remove(stream);
    if (stream->kept == NULL) {
        free_stream(streams, stream);
        return;
    }
    list_append(&streams->idle, stream);
    while (keeps_too_much(streams) && streams->idle.first != NULL)
        free_stream(streams, streams->idle.first);
}

void streams_init(struct streams *streams, size_t kept_max)
{
    *streams = (struct streams){.n_buckets = BUCKETS_AT_FIRST, .kept_max = kept_max};
    struct base_random random = {0};
    base_random_take(&random, streams->secret, sizeof streams->secret);
    streams->buckets = base_alloc(streams->n_buckets * sizeof *streams->buckets);
}

void streams_finish(struct streams *streams)
{
    assert(streams->ready.length == 0);
    while (streams->idle.first != NULL)
        free_stream(streams, streams->idle.first);
    assert(streams->n_entries == 0);
    free(streams->buckets);
}

/* ---- commands -------------------------------------------------------------------------------- */

void streams_add(struct streams *streams, struct service_command *command)
{
    struct service_stream *stream = find_or_make(streams, &command->stream_id);
    command->stream = stream;
    command->next = NULL;
    *(stream->last != NULL ? &stream->last->next : &stream->first) = command;
    stream->last = command;
    file_stream(streams, stream);
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
    file_stream(streams, stream);
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

void streams_begin(struct streams *streams, struct service_stream *stream)
{
    (void)streams;
    list_remove(stream);
    stream->is_busy = true;
}

void streams_end(struct streams *streams, struct service_stream *stream)
{
    stream->is_busy = false;
    file_stream(streams, stream);
}

void streams_settle(struct streams *streams, struct service_stream *stream)
{
    file_stream(streams, stream);
}

/* ---- kept carts ------------------------------------------------------------------------------ */

void streams_keep(struct streams *streams, struct service_stream *stream, const struct cart *cart)
{
    assert(stream->is_busy);
    struct cart *kept = NULL;
    size_t kept_bytes = 0;
    if (cart != NULL && streams->kept_max > 0) {
        kept_bytes = cart_packed_size(cart);
        kept = cart_pack(base_alloc(kept_bytes), cart);
    }
    drop_kept(streams, stream); /* only now: the cart may borrow from it */
    stream->kept = kept;
    stream->kept_bytes = kept_bytes;
    stream->kept_in_epoch = streams->epoch;
    stream->is_stale = false;
    streams->n_kept += kept != NULL;
    streams->kept_bytes += kept_bytes;
}

const struct cart *streams_kept(const struct streams *streams, const struct service_stream *stream)
{
    return stream->kept_in_epoch == streams->epoch ? stream->kept : NULL;
}

void streams_begin_epoch(struct streams *streams)
{
    streams->epoch++;
}
