#include "internal.h"

#include <stdlib.h>

#include "projections.h"

#define PAGES_MAX 16384 /* unanswered */
#define PAGES_AT_ONCE 32

static struct feed_page *page_of(struct queue_request *request)
{
    return BASE_CONTAINER(request, struct feed_page, request);
}

static void page_answered(struct queue_request *request)
{
    struct feed_page *page = page_of(request);
    if (request->failure != BASE_NO_FAILURE)
        page->outcome = FEED_FAILED;
    postgres_pipeline_finish(&page->pipeline);
    page->answered(page);
}

/* ---- ask and receive ------------------------------------------------------------------------- */

static void ask(struct feed *feed, struct feed_page *page);

static bool needs_owner(const struct feed_page *page)
{
    return page->source.is_of_cart && !page->caller.may_all;
}

static bool is_admitted(struct feed_page *page)
{
    return !needs_owner(page) || projections_receive_owner(
                                     postgres_pipeline_rows(&page->pipeline, FEED_STATEMENTS),
                                     &page->caller, &page->is_unclaimed);
}

/* False: another window is to be looked at. */
static bool receive(struct feed_page *page)
{
    int32_t wanted = page->limit - (int32_t)page->n_events;
    if (!is_admitted(page)) {
        page->outcome = FEED_NOT_FOUND;
        return true;
    }
    struct feed_found found =
        feed_receive(&page->pipeline, &page->source, page->next_after, wanted);
    for (size_t i = 0; i < found.n_rows; i++) {
        struct eventstore_event stored;
        eventstore_receive_event(found.rows, found.first + i, &stored);
        struct feed_event event = feed_write_event(&stored);
        if (page->n_events++ > 0)
            base_buffer_append_char(&page->events, ',');
        base_buffer_append(&page->events, event.json, event.json_length);
        free((char *)(uintptr_t)event.framed);
    }
    page->outcome = found.exists ? FEED_FOUND : FEED_NOT_FOUND;
    page->is_beyond = found.is_beyond;
    page->head = found.head;
    if (!page->source.is_of_cart)
        feed_identify(page->feed, found.log, page->log_id);
    page->next_after = found.scanned;
    page->has_more = !found.is_all;
    return found.is_all || page->n_events == (size_t)page->limit ||
           ++page->n_windows == FEED_PAGE_WINDOWS;
}

static void page_read(struct postgres_pipeline *pipeline)
{
    struct feed_page *page = BASE_CONTAINER(pipeline, struct feed_page, pipeline);
    struct feed *feed = page->feed;
    if (!queue_receive(&feed->pages, &page->request, pipeline->outcome)) {
        queue_sent(&feed->pages);
    } else if (receive(page) || feed->is_ending) {
        queue_answer(&feed->pages, &page->request, BASE_NO_FAILURE);
        queue_sent(&feed->pages);
    } else {
        ask(feed, page);
    }
}

static void ask(struct feed *feed, struct feed_page *page)
{
    int32_t wanted = page->limit - (int32_t)page->n_events;
    postgres_pipeline_begin(&page->pipeline);
    page->pipeline.answered = page_read;
    feed_ask(&page->pipeline, &page->source, page->next_after, wanted);
    if (needs_owner(page))
        projections_ask_owner(&page->pipeline, &page->source.cart_id);
    postgres_send(feed->reader, &page->pipeline);
}

static void send(struct queue *queue)
{
    struct feed_page *page = page_of(queue_take(queue));
    ask(page->feed, page);
}

/* ---- public ---------------------------------------------------------------------------------- */

void feed_read_page(struct feed *feed, struct feed_page *page)
{
    page->feed = feed;
    page->next_after = page->after;
    queue_ask(&feed->pages, &page->request);
}

void feed_pages_init(struct feed *feed)
{
    queue_init(
        &feed->pages, &(struct queue_options){
                          .loop = feed->options.loop,
                          .metrics = feed->options.metrics,
                          .answers = METRICS_READS,
                          .seconds = METRICS_READ_SECONDS,
                          .wait_us = feed->options.wait_ms * 1000,
                          .requests_max = PAGES_MAX,
                          .sends_max = PAGES_AT_ONCE,
                          .send = send,
                          .answered = page_answered,
                      });
}
