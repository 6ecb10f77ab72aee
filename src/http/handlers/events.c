#include "handlers.h"

#include <string.h>

#include "admission.h"
#include "reply.h"
#include "server.h"

/* False: the request was refused. */
static bool check_outcome(struct http_request *request, const struct feed_page *page)
{
    switch (page->outcome) {
    case FEED_FOUND:
        return true;
    case FEED_NOT_FOUND:
        http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
        return false;
    case FEED_FAILED:
        http_refuse_failed(request, page->request.failure);
        return false;
    }
    return false;
}

/* ---- pages ----------------------------------------------------------------------------------- */

struct list {
    struct base_buffer *events; /* is emptied */
    bool has_next;
    int64_t next_after;
    bool has_head;
    int64_t head;
    const char *log_id;
};

static void reply_list(struct http_request *request, const struct list *list)
{
    struct base_buffer body = {0};
    base_buffer_append_text(&body, "{\"events\":[");
    base_buffer_append(&body, list->events->bytes, list->events->length);
    base_buffer_append_text(&body, "],\"next_after\":");
    if (list->has_next)
        base_buffer_append_int(&body, list->next_after);
    else
        base_buffer_append_text(&body, "null");
    if (list->has_head) {
        base_buffer_append_text(&body, ",\"head\":");
        base_buffer_append_int(&body, list->head);
        base_buffer_append_text(&body, ",\"log_id\":");
        base_buffer_append_json_text(&body, list->log_id);
    }
    base_buffer_append_char(&body, '}');
    base_buffer_finish(list->events);
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_JSON,
                     .body = &body,
                     .cache = HTTP_CACHE_NEVER,
                 });
}

static void refuse_beyond(struct http_request *request, int64_t after)
{
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER,
        "There is no event %lld, the value of Last-Event-ID or \"after\": it is from another log, "
        "or "
        "from before the database was restored from an older copy. Start again from 0.",
        (long long)after);
}

/* Whether the client's position is one of this log. */
static bool is_of_this_log(const struct http_request *request, const char *log_id)
{
    const char *given = request->parameters[HTTP_PARAMETER_LOG_ID];
    return given == NULL || strcmp(given, log_id) == 0;
}

/* Whether there is a page, and `after` is in it or before it. False: the request was refused. */
static bool check_page(struct http_request *request, const struct feed_page *page)
{
    if (!check_outcome(request, page))
        return false;
    if (!is_of_this_log(request, page->log_id)) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "The log is %s, not that of \"log_id\": a standby was promoted or a copy was restored "
            "since, and events that you have read may be missing or have other positions. Compare "
            "the last event that you have with the one at its position, and go on from where both "
            "are the same.",
            page->log_id);
        return false;
    }
    if (page->is_beyond)
        refuse_beyond(request, page->after);
    return !page->is_beyond;
}

static void answer_page(struct feed_page *page)
{
    struct http_request *request = BASE_CONTAINER(page, struct http_request, wait.feed_page);
    if (check_page(request, page))
        reply_list(
            request, &(struct list){
                         .events = &page->events,
                         .has_next = page->has_more || !page->source.is_of_cart,
                         .next_after = page->next_after,
                         .has_head = !page->source.is_of_cart,
                         .head = page->head,
                         .log_id = page->log_id,
                     });
    base_buffer_finish(&page->events);
}

/* ---- long polls ------------------------------------------------------------------------------ */

/* `otherwise` is why there is no answer if the database has not said yet where the log ends. */
static void end_poll(struct http_poll *poll, enum http_problem otherwise)
{
    struct http_request *request = BASE_CONTAINER(poll, struct http_request, wait.poll);
    struct feed *feed = request->http->options.feed;
    int64_t head = feed_head(feed);
    int64_t after = poll->listener.after;
    feed_unlisten(feed, &poll->listener);
    http_caller_drop(&request->http->callers, poll->holder, HTTP_LISTENER);
    loop_stop_timer(request->http->options.loop, &poll->timer);
    /* What it has read may be newer than what all know. */
    if (head >= 0 && head < after && after > poll->began_after && !poll->is_beyond)
        head = after;
    if (poll->is_beyond && after > head)
        refuse_beyond(request, after);
    else if (head >= 0)
        reply_list(
            request, &(struct list){
                         .events = &poll->events,
                         .has_next = true,
                         .next_after = after,
                         .has_head = true,
                         .head = head,
                         .log_id = feed_log_id(feed),
                     });
    else
        http_refuse(
            request, otherwise,
            "The service has not read the end of the log from the database yet.");
}

static size_t take(struct feed_listener *listener, const struct feed_event *events, size_t n)
{
    struct http_poll *poll = BASE_CONTAINER(listener, struct http_poll, listener);
    if (n > (size_t)poll->limit)
        n = (size_t)poll->limit;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            base_buffer_append_char(&poll->events, ',');
        base_buffer_append(&poll->events, events[i].json, events[i].json_length);
    }
    listener->after = events[n - 1].position;
    end_poll(poll, HTTP_PROBLEM_INTERNAL_ERROR); /* it is known */
    return n;
}

static void time_is_over(struct loop_timer *timer)
{
    end_poll(BASE_CONTAINER(timer, struct http_poll, timer), HTTP_PROBLEM_DATABASE_UNAVAILABLE);
}

/* The service stops; or the log has changed, and the poll may be beyond its end. */
static void ended(struct feed_listener *listener, enum feed_end end)
{
    struct http_poll *poll = BASE_CONTAINER(listener, struct http_poll, listener);
    poll->is_beyond = end == FEED_HISTORY_CHANGED;
    end_poll(poll, HTTP_PROBLEM_SHUTTING_DOWN);
}

static void listen_for(struct http_request *request, const struct feed_page *wanted)
{
    struct http_poll *poll = &request->wait.poll;
    *poll = (struct http_poll){
        .listener =
            {.source = wanted->source, .after = wanted->after, .take = take, .ended = ended},
        .timer.fired = time_is_over,
        .limit = wanted->limit,
        .began_after = wanted->after,
    };
    struct http *http = request->http;
    if (!http_may_listen(request))
        return;
    if (!feed_listen(http->options.feed, &poll->listener)) {
        http_refuse_listener(request);
        return;
    }
    poll->holder = http_caller_hold(&http->callers, &request->caller, HTTP_LISTENER);
    loop_start_timer(http->options.loop, &poll->timer, request->poll_seconds * 1000000);
}

/* A page that has nothing becomes a poll: `after` is in the log. */
static void answer_poll(struct feed_page *page)
{
    struct http_request *request = BASE_CONTAINER(page, struct http_request, wait.feed_page);
    if (page->outcome != FEED_FOUND || page->is_beyond || page->n_events > 0 ||
        !is_of_this_log(request, page->log_id)) {
        answer_page(page);
        return;
    }
    const struct feed_page wanted = {
        .source = page->source, .after = page->next_after, .limit = page->limit};
    base_buffer_finish(&page->events);
    listen_for(request, &wanted);
}

/* Whether there is such an event is known of what this process has read, while somebody listens; of
 * anything else the database is asked first. */
static void ask_poll(struct http_request *request, const struct feed_page *wanted)
{
    struct feed *feed = request->http->options.feed;
    if (wanted->after <= feed_head(feed) && is_of_this_log(request, feed_log_id(feed))) {
        listen_for(request, wanted);
        return;
    }
    if (!feed_has_room(feed)) {
        http_refuse_listener(request);
        return;
    }
    request->wait.feed_page = *wanted;
    request->wait.feed_page.answered = answer_poll;
    feed_read_page(feed, &request->wait.feed_page);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void answer_stream(struct feed_page *page)
{
    struct http_request *request = BASE_CONTAINER(page, struct http_request, wait.feed_page);
    base_buffer_finish(&page->events);
    if (check_page(request, page))
        http_start_stream(request, &page->source, page->after, page->is_unclaimed);
}

/* A page first, which says whether there is such a cart and such an event. */
static void ask_stream(struct http_request *request, const struct feed_page *wanted)
{
    struct feed_page *page = &request->wait.feed_page;
    if (!feed_has_room(request->http->options.feed)) {
        http_refuse_listener(request);
        return;
    }
    *page = (struct feed_page){
        .source = wanted->source,
        .after = wanted->after,
        .limit = 1,
        .caller = request->rights,
        .answered = answer_stream,
    };
    feed_read_page(request->http->options.feed, page);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool read_number(
    struct http_request *request, enum http_parameter parameter, int64_t most, int64_t *number)
{
    const char *text = request->parameters[parameter];
    if (text == NULL || base_parse_int(text, 0, most, number))
        return true;
    http_refuse_parameter(
        request, http_parameter_name(parameter),
        base_arena_printf(&request->arena, "a number from 0 to %lld", (long long)most));
    return false;
}

/* Where a client is that has come back. An empty one counts as none. */
static bool read_last_event_id(struct http_request *request, int64_t most, int64_t *after)
{
    const char *text = request->headers.values[HTTP_HEADER_LAST_EVENT_ID];
    if (text == NULL || *text == '\0' || base_parse_int(text, 0, most, after))
        return true;
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER,
        "Last-Event-ID must be a number from 0 to %lld, the id of an event of this stream.",
        (long long)most);
    return false;
}

static bool refuse_page_parameters(struct http_request *request)
{
    if (request->parameters[HTTP_PARAMETER_LIMIT] == NULL &&
        request->parameters[HTTP_PARAMETER_WAIT] == NULL)
        return false;
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER,
        "The query parameters \"limit\" and \"wait\" are for pages; leave them out for a stream, "
        "which has all events and waits for new ones.");
    return true;
}

void http_ask_events(struct http_request *request, const struct feed_source *source, int64_t most)
{
    struct feed_page wanted = {
        .source = *source, .caller = request->rights, .answered = answer_page};
    int64_t wait_seconds = 0;
    if (!read_number(request, HTTP_PARAMETER_AFTER, most, &wanted.after))
        return;
    if (request->wants_stream) {
        if (!refuse_page_parameters(request) && read_last_event_id(request, most, &wanted.after))
            ask_stream(request, &wanted);
        return;
    }
    if (!http_read_limit(request, &wanted.limit) ||
        !read_number(request, HTTP_PARAMETER_WAIT, HTTP_WAIT_SECONDS_MAX, &wait_seconds))
        return;
    if (wait_seconds > 0) {
        request->poll_seconds = wait_seconds;
        ask_poll(request, &wanted);
        return;
    }
    request->wait.feed_page = wanted;
    feed_read_page(request->http->options.feed, &request->wait.feed_page);
}
