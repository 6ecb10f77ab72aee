#include "internal.h"

#include <stdlib.h>

#include "projections.h"

/* ---- answering ------------------------------------------------------------------------------- */

static void answer(struct feed *feed, struct feed_page *page, enum feed_outcome outcome)
{
    page->outcome = outcome;
    metrics_add(feed->options.metrics, METRICS_READS, 1);
    metrics_observe(
        feed->options.metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - page->asked_at_us);
    postgres_group_finish(&page->group);
    page->answered(page);
}

/* The page whose turn it is. */
static struct feed_page *take_page(struct feed *feed)
{
    struct feed_page *page = feed->first_page;
    feed->first_page = page->next;
    if (feed->first_page == NULL)
        feed->last_page = NULL;
    feed->n_pages--;
    return page;
}

static void prepend_page(struct feed *feed, struct feed_page *page)
{
    page->next = feed->first_page;
    feed->first_page = page;
    if (feed->last_page == NULL)
        feed->last_page = page;
    feed->n_pages++;
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
                                     postgres_group_rows(&page->group, FEED_STATEMENTS),
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
    struct feed_found found = feed_receive(&page->group, &page->source, page->next_after, wanted);
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

static void page_answered(struct postgres_group *group)
{
    struct feed_page *page = BASE_CONTAINER(group, struct feed_page, group);
    struct feed *feed = page->feed;
    feed->n_pages_asked--;
    switch (group->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* a warning about commits; a read has none */
        if (receive(page) || feed->is_ending)
            answer(feed, page, page->outcome);
        else
            ask(feed, page);
        break;
    case POSTGRES_AGAIN:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        prepend_page(feed, page); /* a read changes nothing */
        break;
    case POSTGRES_UNABLE:
        answer(feed, page, FEED_UNAVAILABLE);
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        answer(feed, page, FEED_FAILED);
        break;
    }
    if (!feed->is_ending)
        loop_start_deferred(feed->options.loop, &feed->dispatch);
}

static void ask(struct feed *feed, struct feed_page *page)
{
    int32_t wanted = page->limit - (int32_t)page->n_events;
    postgres_group_begin(&page->group);
    page->group.answered = page_answered;
    feed_ask(&page->group, &page->source, page->next_after, wanted);
    if (needs_owner(page))
        projections_ask_owner(&page->group, &page->source.cart_id);
    feed->n_pages_asked++;
    postgres_send(feed->reader, &page->group);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void answer_shed(struct feed *feed)
{
    while (feed->shed_pages != NULL) {
        struct feed_page *page = feed->shed_pages;
        feed->shed_pages = page->next;
        answer(feed, page, FEED_OVERLOADED);
    }
}

static void answer_too_old(struct feed *feed)
{
    int64_t since_us = base_clock_monotonic_us() - feed->options.wait_ms * 1000;
    while (feed->first_page != NULL && feed->first_page->asked_at_us < since_us)
        answer(feed, take_page(feed), FEED_UNAVAILABLE);
}

static void dispatch(struct loop_deferred *deferred)
{
    struct feed *feed = BASE_CONTAINER(deferred, struct feed, dispatch);
    answer_shed(feed);
    answer_too_old(feed);
    while (feed->first_page != NULL && feed->n_pages_asked < PAGES_AT_ONCE &&
           postgres_connection_is_ready(feed->reader))
        ask(feed, take_page(feed));
    if (feed->first_page != NULL)
        loop_start_timer(feed->options.loop, &feed->sweep, PAGES_SWEEP_US);
}

static void sweep(struct loop_timer *timer)
{
    struct feed *feed = BASE_CONTAINER(timer, struct feed, sweep);
    dispatch(&feed->dispatch);
}

void feed_read_page(struct feed *feed, struct feed_page *page)
{
    page->feed = feed;
    page->next_after = page->after;
    page->asked_at_us = base_clock_monotonic_us();
    page->next = NULL;
    if (feed->n_pages >= PAGES_QUEUE) {
        page->next = feed->shed_pages;
        feed->shed_pages = page;
    } else {
        *(feed->last_page != NULL ? &feed->last_page->next : &feed->first_page) = page;
        feed->last_page = page;
        feed->n_pages++;
    }
    loop_start_deferred(feed->options.loop, &feed->dispatch);
}

void feed_pages_init(struct feed *feed)
{
    feed->dispatch.called = dispatch;
    feed->sweep.fired = sweep;
}

void feed_pages_finish(struct feed *feed)
{
    loop_stop_deferred(feed->options.loop, &feed->dispatch);
    loop_stop_timer(feed->options.loop, &feed->sweep);
    answer_shed(feed);
    while (feed->first_page != NULL)
        answer(feed, take_page(feed), FEED_UNAVAILABLE);
}
