#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "admission.h"
#include "reply.h"
#include "request.h"
#include "server.h"

enum { COMMENTS_PER_TURN = 256, ID_SIZE = 32 };

struct http_stream {
    struct http_streams *streams;
    TAILQ_ENTRY(http_stream) by_due;
    int64_t due_us; /* its next comment */
    struct feed_listener listener;
    struct http_caller *holder; /* the caller that opened it */
    struct loop_watch watch;
    struct base_buffer rest; /* of what the socket has taken a part of */
    size_t n_rest_sent;
    int64_t sent_id;      /* the last id that was sent */
    int64_t expires_at_s; /* with the bearer token; INT64_MAX: never */
    bool ends_at_claim;
};

/* ---- its slot among the streams -------------------------------------------------------------- */

static void leave(struct http_stream *stream)
{
    TAILQ_REMOVE(&stream->streams->list, stream, by_due);
}

static void join(struct http_stream *stream)
{
    struct http_streams *streams = stream->streams;
    stream->due_us = loop_now_us(streams->loop) + HTTP_STREAM_COMMENT_MS * 1000;
    TAILQ_INSERT_TAIL(&streams->list, stream, by_due);
    if (streams->timer.heap_index == 0)
        loop_start_timer(streams->loop, &streams->timer, HTTP_STREAM_COMMENT_MS * 1000);
}

static void close_stream(struct http_stream *stream)
{
    struct http_streams *streams = stream->streams;
    feed_unlisten(streams->feed, &stream->listener);
    http_caller_drop(streams->callers, stream->holder, HTTP_LISTENER);
    loop_stop_watch(streams->loop, &stream->watch);
    (void)close(stream->watch.fd); /* whatever was not delivered is asked for again */
    leave(stream);
    base_buffer_finish(&stream->rest);
    free(stream);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* How much of the parts the socket has taken. An error shuts it down, so that the loop finds it. */
static size_t send_parts(struct http_stream *stream, struct iovec *parts, size_t n_parts)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n_parts};
    ssize_t n_sent = sendmsg(stream->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n_sent < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
            (void)shutdown(stream->watch.fd, SHUT_RDWR); /* it may be so already */
        return 0;
    }
    leave(stream);
    join(stream);
    return (size_t)n_sent;
}

static void watch_for(struct http_stream *stream, bool is_blocked)
{
    loop_change_watch(
        stream->streams->loop, &stream->watch, EPOLLRDHUP | (is_blocked ? EPOLLOUT : 0U));
}

/* True: nothing of it is left. */
static bool send_rest(struct http_stream *stream)
{
    struct iovec part = {
        .iov_base = stream->rest.bytes + stream->n_rest_sent,
        .iov_len = stream->rest.length - stream->n_rest_sent,
    };
    stream->n_rest_sent += send_parts(stream, &part, 1);
    if (stream->n_rest_sent < stream->rest.length)
        return false;
    base_buffer_finish(&stream->rest); /* most streams never need it again */
    stream->n_rest_sent = 0;
    return true;
}

static void say(struct http_stream *stream)
{
    watch_for(stream, !send_rest(stream));
}

/* Stores what the socket did not take of the event that it has begun with. */
static void store_rest(struct http_stream *stream, const struct iovec *parts, size_t n_taken)
{
    for (size_t i = 0; i < 2; i++) {
        size_t skipped = n_taken < parts[i].iov_len ? n_taken : parts[i].iov_len;
        base_buffer_append(
            &stream->rest, (const char *)parts[i].iov_base + skipped, parts[i].iov_len - skipped);
        n_taken -= skipped;
    }
}

static bool has_expired(const struct http_stream *stream)
{
    return stream->expires_at_s != INT64_MAX &&
           base_clock_now_us() / 1000000 >= stream->expires_at_s;
}

/* How many of the events are for who has opened the stream. */
static size_t count_allowed(
    const struct http_stream *stream, const struct feed_event *events, size_t n)
{
    size_t n_allowed = 0;
    while (n_allowed < n && !(stream->ends_at_claim && feed_is_claim(events[n_allowed].type)))
        n_allowed++;
    return n_allowed;
}

static size_t take(struct feed_listener *listener, const struct feed_event *events, size_t n)
{
    struct http_stream *stream = BASE_CONTAINER(listener, struct http_stream, listener);
    if (stream->rest.length > 0)
        return 0;
    if (has_expired(stream)) { /* a busy one never needs a comment */
        close_stream(stream);
        return 0;
    }
    size_t n_offered = n;
    n = count_allowed(stream, events, n_offered);
    if (n == 0 && n_offered > 0) {
        close_stream(stream);
        return 0;
    }
    struct iovec parts[2 * FEED_OFFER_MAX];
    char ids[FEED_OFFER_MAX][ID_SIZE];
    for (size_t i = 0; i < n; i++) {
        int64_t id = listener->source.is_of_cart ? events[i].version : events[i].position;
        int length = snprintf(ids[i], ID_SIZE, "id: %lld\n", (long long)id);
        parts[2 * i] = (struct iovec){.iov_base = ids[i], .iov_len = (size_t)length};
        parts[2 * i + 1] = (struct iovec){
            .iov_base = (char *)(uintptr_t)events[i].framed,
            .iov_len = events[i].framed_length,
        };
    }
    size_t n_left = send_parts(stream, parts, 2 * n);
    size_t n_taken = 0;
    while (n_taken < n && n_left > 0) {
        const struct iovec *of_event = &parts[2 * n_taken++];
        size_t length = of_event[0].iov_len + of_event[1].iov_len;
        if (n_left < length)
            store_rest(stream, of_event, n_left);
        n_left -= n_left < length ? n_left : length;
    }
    if (n_taken > 0 && !listener->source.is_of_cart)
        stream->sent_id = events[n_taken - 1].position;
    /* With an event that is not for this client it comes here again, once the socket is free. */
    if (n_taken < n_offered || stream->rest.length > 0)
        watch_for(stream, true);
    return n_taken;
}

/* ---- comments -------------------------------------------------------------------------------- */

/* Also says how far a stream of few types has come, so that it need not begin where its last event
 * was when it resumes. An id without data is stored by the client, and no event. */
static void comment(struct http_stream *stream)
{
    if (stream->rest.length > 0) { /* the kernel has enough to find out whether the client lives */
        leave(stream);
        join(stream);
        return;
    }
    base_buffer_append_text(&stream->rest, ":\n");
    if (stream->listener.source.types != 0 && stream->listener.after > stream->sent_id) {
        stream->sent_id = stream->listener.after;
        base_buffer_printf(&stream->rest, "id: %lld\n", (long long)stream->sent_id);
    }
    base_buffer_append_char(&stream->rest, '\n');
    leave(stream);
    join(stream);
    say(stream);
}

static void timer_fired(struct loop_timer *timer)
{
    struct http_streams *streams = BASE_CONTAINER(timer, struct http_streams, timer);
    int64_t now_us = loop_now_us(streams->loop);
    struct http_stream *first = TAILQ_FIRST(&streams->list);
    for (int i = 0; i < COMMENTS_PER_TURN && first != NULL && first->due_us <= now_us; i++) {
        if (has_expired(first))
            close_stream(first);
        else
            comment(first);
        first = TAILQ_FIRST(&streams->list);
    }
    if (first == NULL)
        return;
    int64_t sleep_us = first->due_us - now_us;
    loop_start_timer(streams->loop, timer, sleep_us < 0 ? 0 : sleep_us);
}

/* ---- its end --------------------------------------------------------------------------------- */

/* For clients that would not see the 400 with which their next attempt is refused, if it comes when
 * the log has grown again. What the socket does not take is lost, as the whole stream is. */
static void say_error(struct http_stream *stream)
{
    base_buffer_append_text(
        &stream->rest, "event: error\ndata: "
                       "{\"type\":\"/problems/invalid-parameter\",\"status\":400,\"detail\":\"The "
                       "log ends before the events that this stream has sent: it is another log, "
                       "or one that was restored from an older copy. Start again from 0.\"}\n\n");
    (void)send_rest(stream);
}

static void ended(struct feed_listener *listener, enum feed_end end)
{
    struct http_stream *stream = BASE_CONTAINER(listener, struct http_stream, listener);
    switch (end) {
    case FEED_HISTORY_CHANGED:
        say_error(stream);
        break;
    case FEED_TOO_SLOW:
    case FEED_STOPPED:
        break; /* the client goes on where it was, here or elsewhere */
    }
    close_stream(stream);
}

static void count_stalled(const struct http_stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
        error == ETIMEDOUT)
        metrics_add(stream->streams->metrics, METRICS_FEED_CUT_OFF, 1);
}

static void ready(struct loop_watch *watch, uint32_t events)
{
    struct http_stream *stream = BASE_CONTAINER(watch, struct http_stream, watch);
    if ((events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
        count_stalled(stream);
        close_stream(stream);
        return;
    }
    if (stream->rest.length > 0 && !send_rest(stream))
        return;
    watch_for(stream, false);
    feed_go_on(stream->streams->feed, &stream->listener);
}

/* ---- its beginning --------------------------------------------------------------------------- */

/* The client's socket; -1: there are no descriptors left. The connection is suspended, so it is not
 * in libmicrohttpd's epoll set, and the number of the socket is all that libmicrohttpd has of it.
 * Under that number it now finds another one, which leads nowhere, to close. */
static int take_socket(struct http_request *request)
{
    int nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (nowhere < 0)
        return -1;
    int fd = fcntl(request->client->fd, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0 && dup3(nowhere, request->client->fd, O_CLOEXEC) < 0) {
        (void)close(fd); /* libmicrohttpd still has it */
        fd = -1;
    }
    (void)close(nowhere); /* it goes on under the other number, or is of no use */
    request->is_taken_over = fd >= 0;
    return fd;
}

/* They only make it better: a socket that does not know one of them works all the same. */
static void set_options(int fd)
{
    const int on = 1;
    const int send_buffer = HTTP_STREAM_SEND_BUFFER;
    const unsigned stall_ms = HTTP_STREAM_STALL_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
}

static void begin(
    struct http_request *request, int fd, struct feed_listener listener, bool ends_at_claim)
{
    struct http_streams *streams = &request->http->streams;
    struct http_stream *stream = base_alloc(sizeof *stream);
    stream->streams = streams;
    stream->listener = listener;
    stream->holder = http_caller_hold(streams->callers, &request->caller, HTTP_LISTENER);
    stream->ends_at_claim = ends_at_claim;
    stream->expires_at_s = request->identity.subject != NULL
                               ? request->identity.expires_at_s + AUTH_LEEWAY_S
                               : INT64_MAX;
    stream->listener.take = take;
    stream->listener.ended = ended;
    stream->watch.ready = ready;
    set_options(fd);
    loop_start_watch(streams->loop, &stream->watch, fd, EPOLLRDHUP);
    join(stream);
    http_append_head(&stream->rest, MHD_HTTP_OK, HTTP_MEDIA_EVENTS, request, request->id);
    base_buffer_printf(
        &stream->rest, "X-Accel-Buffering: no\r\n\r\nretry: %d\n\n", HTTP_STREAM_RETRY_MS);
    say(stream);
    if (!feed_listen(streams->feed, &stream->listener))
        close_stream(stream); /* not after feed_has_room() */
}

const struct http_refusal *http_refuse_listener(struct http_request *request)
{
    if (request->http->is_draining)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_SHUTTING_DOWN,
            "This instance is shutting down and opens no new streams.");
    return http_refuse(
        &request->arena, HTTP_PROBLEM_OVERLOADED,
        "Too many streams and long polls are open. Try again later.");
}

const struct http_refusal *http_start_stream(
    struct http_request *request, const struct feed_source *source, int64_t after,
    bool ends_at_claim)
{
    bool is_head = strcmp(request->method, "HEAD") == 0;
    if (!is_head) {
        const struct http_refusal *refusal = http_admit_listener(request);
        if (refusal != NULL)
            return refusal;
        int fd = feed_has_room(request->http->options.feed) ? take_socket(request) : -1;
        if (fd < 0)
            return http_refuse_listener(request);
        struct feed_listener listener = {.source = *source, .after = after};
        begin(request, fd, listener, ends_at_claim);
    }
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_EVENTS,
                     .cache = HTTP_CACHE_NEVER,
                     .is_endless = is_head,
                 });
    return NULL;
}

/* ---- the streams ----------------------------------------------------------------------------- */

void http_init_streams(
    struct http_streams *streams, struct loop *loop, struct feed *feed, struct metrics *metrics,
    struct http_callers *callers)
{
    *streams =
        (struct http_streams){.loop = loop, .feed = feed, .metrics = metrics, .callers = callers};
    streams->timer.fired = timer_fired;
    TAILQ_INIT(&streams->list);
}

void http_finish_streams(struct http_streams *streams)
{
    loop_stop_timer(streams->loop, &streams->timer);
}
