/*
 * Streams of server-sent events (WHATWG HTML, section 9.2). When one begins, its socket is taken
 * over from libmicrohttpd, which is left with one that leads nowhere to close; from then on events
 * are written to the client's socket directly.
 *
 * Why not a response with a callback, suspended while there is nothing to send: libmicrohttpd walks
 * over all suspended connections whenever one is resumed, so that with thousands of listeners every
 * command and every read would pay for them; it would keep HTTP_CONNECTION_MEMORY for each; and it
 * notices nothing of the client meanwhile.
 */
#ifndef CARTD_HTTP_STREAM_H
#define CARTD_HTTP_STREAM_H

#include <sys/queue.h>

#include "base.h"
#include "callers.h"
#include "feed.h"
#include "loop.h"
#include "metrics.h"

/* A comment is sent when nothing else was for so long. */
#define HTTP_STREAM_COMMENT_MS 15000
/* A client that takes nothing of what was sent for so long, or that does not answer at all, is cut
 * off by the kernel. */
#define HTTP_STREAM_STALL_MS 30000
/* How long a client should wait before it connects again. */
#define HTTP_STREAM_RETRY_MS 1000
/* What the kernel keeps for a client that is slow; it makes it twice of that. */
#define HTTP_STREAM_SEND_BUFFER (64 * 1024)

struct http_refusal;
struct http_request;

struct http_streams {
    struct loop *loop;
    struct feed *feed;
    struct metrics *metrics;
    struct http_callers *callers;
    TAILQ_HEAD(http_stream_list, http_stream) list; /* longest without anything sent first */
    struct loop_timer timer;
};
void http_init_streams(
    struct http_streams *streams, struct loop *loop, struct feed *feed, struct metrics *metrics,
    struct http_callers *callers);
/* They must have been ended, by the feed. */
void http_finish_streams(struct http_streams *streams);

/* There is no room for one more who listens. */
const struct http_refusal *http_refuse_listener(struct http_request *request);
/* Answers a request that waits with the stream of a source after a position. `ends_at_claim`: it
 * was opened by the token of a guest, and ends with that, before the event that says so. It ends
 * when the bearer token expires that opened it, too. */
const struct http_refusal *http_start_stream(
    struct http_request *request, const struct feed_source *source, int64_t after,
    bool ends_at_claim) BASE_MUST_CHECK;

#endif
