#include "internal.h"

#include <stdlib.h>

struct feed_stream *feed_streams_find(const struct table *streams, const struct base_uuid *id)
{
    struct table_entry *entry = table_find(streams, id);
    return entry == NULL ? NULL : BASE_CONTAINER(entry, struct feed_stream, entry);
}

void feed_streams_add_listener(struct table *streams, struct feed_listener *listener)
{
    struct feed_stream *stream = feed_streams_find(streams, &listener->source.cart_id);
    if (stream == NULL) {
        stream = base_alloc(sizeof *stream);
        stream->entry.id = listener->source.cart_id;
        LIST_INIT(&stream->listeners);
        table_add(streams, &stream->entry);
    }
    listener->stream = stream;
    LIST_INSERT_HEAD(&stream->listeners, listener, of_stream);
}

void feed_streams_remove_listener(struct table *streams, struct feed_listener *listener)
{
    struct feed_stream *stream = listener->stream;
    LIST_REMOVE(listener, of_stream);
    listener->stream = NULL;
    if (!LIST_EMPTY(&stream->listeners))
        return;
    table_remove(streams, &stream->entry);
    free(stream);
}
