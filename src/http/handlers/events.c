#include "handlers.h"

#include <string.h>

#include "admission.h"
#include "reply.h"
#include "server.h"

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
    http_send_json(request, &body, HTTP_CACHE_NEVER);
}

static const struct http_refusal *refuse_beyond(struct http_request *request, int64_t after)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "There is no event %lld, the value of Last-Event-ID or \"after\": it comes from another "
        "log, or from before the database was restored from an older copy. Start again from 0.",
        (long long)after);
}

/* Whether the client's position is one of this log. */
static bool is_of_this_log(const struct http_request *request, const char *log_id)
{
    const char *given = request->parameters[HTTP_PARAMETER_LOG_ID];
    return given == NULL || strcmp(given, log_id) == 0;
}

/* Whether there is a page, and `after` is in it or before it. */
static const struct http_refusal *check_page(
    struct http_request *request, const struct feed_page *page)
{
    if (page->outcome == FEED_NOT_FOUND)
        return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
    if (page->outcome == FEED_FAILED)
        return http_refuse_failure(request, page->request.failure);
    if (!is_of_this_log(request, page->log_id))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "The current log is %s, not that of \"log_id\": a standby was promoted or a copy was "
            "restored since, and events that you have read may be missing or have other positions. "
            "Compare the last event that you have with the one at its position, and continue from "
            "where both are the same.",
            page->log_id);
    return page->is_beyond ? refuse_beyond(request, page->after) : NULL;
}

static void answer_page(struct feed_page *page)
{
    struct http_request *request = BASE_CONTAINER(page, struct http_request, wait.feed_page);
    const struct http_refusal *refusal = check_page(request, page);
    http_send_refusal(request, refusal);
    if (refusal == NULL)
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
        http_send_refusal(request, refuse_beyond(request, after));
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
        http_send_refusal(
            request, &(struct http_refusal){
                         .problem = otherwise,
                         .detail = "The service has not read the end of the log from the database "
                                   "yet. Try again shortly."});
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

static const struct http_refusal *listen_for(
    struct http_request *request, const struct feed_page *wanted)
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
    const struct http_refusal *refusal = http_admit_listener(request);
    if (refusal != NULL)
        return refusal;
    if (!feed_listen(http->options.feed, &poll->listener))
        return http_refuse_listener(request);
    poll->holder = http_caller_hold(&http->callers, &request->caller, HTTP_LISTENER);
    loop_start_timer(http->options.loop, &poll->timer, request->poll_seconds * 1000000);
    return NULL;
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
    http_send_refusal(request, listen_for(request, &wanted));
}

/* Whether there is such an event is known of what this process has read, while somebody listens; of
 * anything else the database is asked first. */
static const struct http_refusal *ask_poll(
    struct http_request *request, const struct feed_page *wanted)
{
    struct feed *feed = request->http->options.feed;
    if (wanted->after <= feed_head(feed) && is_of_this_log(request, feed_log_id(feed)))
        return listen_for(request, wanted);
    if (!feed_has_room(feed))
        return http_refuse_listener(request);
    request->wait.feed_page = *wanted;
    request->wait.feed_page.answered = answer_poll;
    feed_read_page(feed, &request->wait.feed_page);
    return NULL;
}

/* ---- streams --------------------------------------------------------------------------------- */

static void answer_stream(struct feed_page *page)
{
    struct http_request *request = BASE_CONTAINER(page, struct http_request, wait.feed_page);
    base_buffer_finish(&page->events);
    const struct http_refusal *refusal = check_page(request, page);
    if (refusal == NULL)
        refusal = http_start_stream(request, &page->source, page->after, page->is_unclaimed);
    http_send_refusal(request, refusal);
}

/* A page first, which says whether there is such a cart and such an event. */
static const struct http_refusal *ask_stream(
    struct http_request *request, const struct feed_page *wanted)
{
    struct feed_page *page = &request->wait.feed_page;
    if (!feed_has_room(request->http->options.feed))
        return http_refuse_listener(request);
    *page = *wanted;
    page->limit = 1;
    page->answered = answer_stream;
    feed_read_page(request->http->options.feed, page);
    return NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Where a client is that has come back. An empty one counts as none. */
static const struct http_refusal *read_last_event_id(
    struct http_request *request, int64_t most, int64_t *after)
{
    const char *text = request->headers.values[HTTP_HEADER_LAST_EVENT_ID];
    if (text == NULL || *text == '\0' || base_parse_int(text, 0, most, after))
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "Last-Event-ID must be a number from 0 to %lld, the id of an event of this stream.",
        (long long)most);
}

static const struct http_refusal *refuse_page_parameters(struct http_request *request)
{
    if (request->parameters[HTTP_PARAMETER_LIMIT] == NULL &&
        request->parameters[HTTP_PARAMETER_WAIT] == NULL)
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "The query parameters \"limit\" and \"wait\" are for pages; leave them out for a stream, "
        "which has all events and waits for new ones.");
}

/* `most` is the largest number that `after` and Last-Event-ID can be. */
static const struct http_refusal *read_stream_parameters(
    struct http_request *request, int64_t most, struct feed_page *wanted)
{
    const struct http_refusal *refusal = refuse_page_parameters(request);
    return refusal != NULL ? refusal : read_last_event_id(request, most, &wanted->after);
}

static const struct http_refusal *read_page_parameters(
    struct http_request *request, struct feed_page *wanted)
{
    const struct http_refusal *refusal = http_read_limit(request, &wanted->limit);
    return refusal != NULL ? refusal
                           : http_read_number(
                                 request, HTTP_PARAMETER_WAIT, 0, HTTP_WAIT_SECONDS_MAX,
                                 &request->poll_seconds);
}

/* Answers with a page, a long poll or a stream of the source. */
static const struct http_refusal *ask(
    struct http_request *request, const struct feed_source *source, int64_t most)
{
    struct feed_page wanted = {
        .source = *source, .caller = request->rights, .answered = answer_page};
    const struct http_refusal *refusal =
        http_read_number(request, HTTP_PARAMETER_AFTER, 0, most, &wanted.after);
    if (refusal == NULL)
        refusal = request->wants_stream ? read_stream_parameters(request, most, &wanted)
                                        : read_page_parameters(request, &wanted);
    if (refusal != NULL)
        return refusal;
    if (request->wants_stream)
        return ask_stream(request, &wanted);
    if (request->poll_seconds > 0)
        return ask_poll(request, &wanted);
    request->wait.feed_page = wanted;
    feed_read_page(request->http->options.feed, &request->wait.feed_page);
    return NULL;
}

/* ---- the operations -------------------------------------------------------------------------- */

const struct http_refusal *http_ask_list_cart_events(struct http_request *request)
{
    struct feed_source source = {.is_of_cart = true};
    if (!base_uuid_parse(request->path_values[0], &source.cart_id))
        return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
    return ask(request, &source, INT32_MAX);
}

static bool read_types(const char *list, uint64_t *types)
{
    for (int i = 0; i < HTTP_LISTED_MAX; i++) {
        size_t length = strcspn(list, ",");
        uint64_t type = feed_type(list, length);
        if (type == 0)
            return false;
        *types |= type;
        list += length;
        if (*list++ == '\0')
            return true;
    }
    return false;
}

const struct http_refusal *http_ask_list_events(struct http_request *request)
{
    struct feed_source source = {.is_of_cart = false};
    const char *types = request->parameters[HTTP_PARAMETER_TYPE];
    if (types != NULL && !read_types(types, &source.types))
        return http_refuse_parameter(
            request, HTTP_PARAMETER_TYPE,
            base_arena_printf(
                &request->arena, "1 to %d event types separated by commas, such as %s",
                HTTP_LISTED_MAX, codec_cart_event_name(CART_EVENT_ITEM_ADDED)));
    /* Every integer in an answer fits into a double, as that is what JavaScript has. */
    return ask(request, &source, (INT64_C(1) << 53) - 1);
}
