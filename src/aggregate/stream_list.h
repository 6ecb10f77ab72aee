/*
 * Inside of aggregate: the list of streams that a command is about, each once.
 */
#ifndef CARTD_STREAM_LIST_H
#define CARTD_STREAM_LIST_H

#include "aggregate.h"

/* Its index; n: it is not there. */
static inline size_t stream_list_find(
    const struct aggregate_stream *streams, size_t n, const struct base_uuid *id)
{
    size_t i = 0;
    while (i < n && base_uuid_compare(&streams[i].id, id) != 0)
        i++;
    return i;
}

/* Unless it is there, or there is no room; returns how many there are then. */
static inline size_t stream_list_add(
    struct aggregate_stream *streams, size_t n, struct aggregate_stream stream)
{
    if (n == AGGREGATE_BOUNDARY_MAX || stream_list_find(streams, n, &stream.id) < n)
        return n;
    streams[n] = stream;
    return n + 1;
}

#endif
