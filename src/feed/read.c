#include "internal.h"

#include <stdio.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "codec.h"

/* ---- types ----------------------------------------------------------------------------------- */

uint64_t feed_type(const char *name, size_t length)
{
    for (size_t i = 0; codec_event_names[i] != NULL; i++)
        if (strlen(codec_event_names[i]) == length &&
            memcmp(codec_event_names[i], name, length) == 0)
            return UINT64_C(1) << i;
    return 0;
}

bool feed_is_claim(uint64_t type)
{
    const char *name = codec_cart_event_name(CART_EVENT_CLAIMED);
    return type == feed_type(name, strlen(name));
}

/* ---- events ---------------------------------------------------------------------------------- */

struct feed_event feed_write_event(const struct eventstore_event *stored)
{
    const struct codec_event event = aggregate_to_codec(stored);
    struct base_buffer text = {0};
    base_buffer_append_text(&text, "event: ");
    base_buffer_append_text(&text, stored->type);
    base_buffer_append_text(&text, "\ndata: ");
    size_t json_at = text.length;
    codec_write_event(&text, &event);
    size_t json_length = text.length - json_at;
    base_buffer_append_text(&text, "\n\n");
    return (struct feed_event){
        .position = stored->position,
        .version = stored->version,
        .stream_id = stored->stream_id,
        .type = feed_type(stored->type, strlen(stored->type)),
        .framed = text.bytes,
        .framed_length = text.length,
        .json = text.bytes + json_at,
        .json_length = json_length,
    };
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* The head is asked for first: whatever it says was committed before the events are looked at, so
 * that up to there nothing is missing among them. */
static void ask_log(
    struct postgres_pipeline *pipeline, uint64_t types, int64_t after, int32_t limit)
{
    const char *names[64]; /* as many as a set has bits; a test counts them */
    struct eventstore_log_wanted wanted = {
        .after_position = after,
        .until_position =
            types == 0 || after > INT64_MAX - FEED_WINDOW ? INT64_MAX : after + FEED_WINDOW,
        .limit = limit,
        .types = names,
    };
    for (size_t i = 0; codec_event_names[i] != NULL; i++)
        if ((types & UINT64_C(1) << i) != 0)
            names[wanted.n_types++] = codec_event_names[i];
    eventstore_ask_head(pipeline);
    eventstore_ask_log(pipeline, &wanted);
}

/* One row before and one row after what is wanted: to see whether `after` is there, and whether
 * there is more. The first event says whether there is such a cart at all. */
static void ask_cart(
    struct postgres_pipeline *pipeline, const struct base_uuid *cart_id, int64_t after,
    int32_t limit)
{
    int32_t before = after == 0 ? 0 : (int32_t)after - 1;
    eventstore_ask_stream_after(pipeline, cart_id, before, limit + 2);
    eventstore_ask_stream_after(pipeline, cart_id, 0, 1);
}

void feed_ask(
    struct postgres_pipeline *pipeline, const struct feed_source *source, int64_t after,
    int32_t limit)
{
    if (source->is_of_cart)
        ask_cart(pipeline, &source->cart_id, after, limit);
    else
        ask_log(pipeline, source->types, after, limit);
}

/* ---- which log ------------------------------------------------------------------------------- */

void feed_identify(const struct feed *feed, int64_t log, char id[FEED_LOG_ID_SIZE])
{
    struct postgres_server server = {0};
    if (feed->options.history != NULL)
        server = postgres_history_server(feed->options.history);
    (void)snprintf(
        id, FEED_LOG_ID_SIZE, "%" PRIx64 "-%" PRIx32 "-%" PRIx64, server.system_id, server.timeline,
        (uint64_t)log);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static struct feed_found receive_log(
    const struct postgres_pipeline *pipeline, uint64_t types, int64_t after, int32_t limit)
{
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(pipeline, 0));
    struct feed_found found = {
        .rows = postgres_pipeline_rows(pipeline, 1),
        .exists = true,
        .head = head.position,
        .log = head.log,
    };
    found.n_rows = postgres_rows_count(found.rows);
    found.is_beyond = after > found.head;
    found.scanned = after;
    if (found.n_rows > 0) {
        struct eventstore_event last;
        eventstore_receive_event(found.rows, found.n_rows - 1, &last);
        found.scanned = last.position;
    }
    bool is_full = found.n_rows == (size_t)limit;
    int64_t until = found.head;
    if (types != 0 && after + FEED_WINDOW < until)
        until = after + FEED_WINDOW;
    if (!is_full && until > found.scanned)
        found.scanned = until;
    if (found.head < found.scanned && !found.is_beyond)
        found.head = found.scanned; /* came between the two statements */
    found.is_all = found.scanned >= found.head;
    return found;
}

static struct feed_found receive_cart(
    const struct postgres_pipeline *pipeline, int64_t after, int32_t limit)
{
    struct feed_found found = {.rows = postgres_pipeline_rows(pipeline, 0), .scanned = after};
    const struct postgres_rows *first = postgres_pipeline_rows(pipeline, 1);
    struct eventstore_event event;
    if (postgres_rows_count(first) == 0)
        return found;
    eventstore_receive_event(first, 0, &event);
    found.exists = strcmp(event.stream_type, aggregate_cart.stream_type) == 0;
    if (!found.exists)
        return found;
    size_t n_rows = postgres_rows_count(found.rows);
    found.is_beyond = after > 0 && n_rows == 0;
    found.first = after > 0 && n_rows > 0 ? 1 : 0;
    found.n_rows = n_rows - found.first;
    found.is_all = found.n_rows <= (size_t)limit;
    if (found.n_rows > (size_t)limit)
        found.n_rows = (size_t)limit;
    found.scanned += (int64_t)found.n_rows; /* versions are dense */
    return found;
}

struct feed_found feed_receive(
    const struct postgres_pipeline *pipeline, const struct feed_source *source, int64_t after,
    int32_t limit)
{
    return source->is_of_cart ? receive_cart(pipeline, after, limit)
                              : receive_log(pipeline, source->types, after, limit);
}
