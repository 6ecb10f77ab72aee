#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Who is ready is offered events in turn, some in each turn of the loop. */

/* ---- states ---------------------------------------------------------------------------------- */

static const struct base_state states[] = {LISTENER_STATES(BASE_STATE_ROW)};

static void move_to(
    struct feed *feed, struct feed_listener *listener, enum feed_listener_state state)
{
    if (listener->state != LISTENER_AWAY)
        TAILQ_REMOVE(&feed->listeners[listener->state], listener, of_state);
    listener->state = base_move(states, listener->state, state);
    if (state != LISTENER_AWAY)
        TAILQ_INSERT_TAIL(&feed->listeners[state], listener, of_state);
    if (state == LISTENER_READY)
        loop_start_deferred(feed->options.loop, &feed->deliver);
}

static struct feed_listener *first_in(const struct feed *feed, enum feed_listener_state state)
{
    return TAILQ_FIRST(&feed->listeners[state]);
}

static void make_all_ready(struct feed *feed, enum feed_listener_state state)
{
    while (first_in(feed, state) != NULL)
        move_to(feed, first_in(feed, state), LISTENER_READY);
}

/* ---- offering -------------------------------------------------------------------------------- */

enum taken {
    TAKEN_ALL,
    TAKEN_SOME, /* it is blocked now */
    TAKEN_LEFT  /* it listens no more, and may be gone */
};

static enum taken offer(
    struct feed *feed, struct feed_listener *listener, const struct feed_event *events, size_t n,
    size_t *n_taken)
{
    if (n == 0)
        return TAKEN_ALL;
    feed->offered = listener;
    feed->n_offered += n;
    *n_taken = listener->take(listener, events, n);
    metrics_add(feed->options.metrics, METRICS_FEED_EVENTS, (int64_t)*n_taken);
    if (feed->offered == NULL)
        return TAKEN_LEFT;
    feed->offered = NULL;
    if (*n_taken == n)
        return TAKEN_ALL;
    listener->blocked_at = feed->memory.head;
    move_to(feed, listener, LISTENER_BLOCKED);
    return TAKEN_SOME;
}

static bool is_wanted(const struct feed_listener *listener, const struct feed_event *event)
{
    return listener->source.types == 0 || (listener->source.types & event->type) != 0;
}

/* The whole log, from the memory. */
static void serve_log(struct feed *feed, struct feed_listener *listener)
{
    struct feed_event *events = feed->events;
    size_t n = 0;
    int64_t seen = listener->after;
    while (n < FEED_OFFER_MAX && seen < feed->memory.head) {
        const struct feed_entry *entry = feed_memory_at(&feed->memory, ++seen);
        if (is_wanted(listener, &entry->event))
            events[n++] = entry->event;
    }
    size_t n_taken = 0;
    switch (offer(feed, listener, events, n, &n_taken)) {
    case TAKEN_ALL:
        listener->after = seen;
        if (seen < feed->memory.head)
            move_to(feed, listener, LISTENER_READY);
        else
            move_to(feed, listener, LISTENER_IDLE);
        return;
    case TAKEN_SOME:
        listener->after = events[n_taken].position - 1;
        return;
    case TAKEN_LEFT:
        return;
    }
}

/* One cart, from the memory. False: an event that it lacks is not there any more. */
static bool serve_cart(struct feed *feed, struct feed_listener *listener)
{
    struct feed_event *events = feed->events;
    size_t n = 0;
    int64_t position = listener->pending;
    while (n < FEED_OFFER_MAX && position != 0) {
        if (position < feed->memory.tail)
            return false;
        const struct feed_entry *entry = feed_memory_at(&feed->memory, position);
        int64_t expected = listener->after + (int64_t)n + 1;
        if (entry->event.version > expected)
            return false;
        if (entry->event.version == expected)
            events[n++] = entry->event;
        position = entry->next_of_stream;
    }
    size_t n_taken = 0;
    switch (offer(feed, listener, events, n, &n_taken)) {
    case TAKEN_ALL:
        listener->after += (int64_t)n;
        listener->pending = position;
        if (position != 0)
            move_to(feed, listener, LISTENER_READY);
        else
            move_to(feed, listener, LISTENER_IDLE_CART);
        break;
    case TAKEN_SOME:
        listener->after += (int64_t)n_taken;
        listener->pending = events[n_taken].position;
        break;
    case TAKEN_LEFT:
        break;
    }
    return true;
}

static void read_for_next(struct feed *feed);

static void serve(struct feed *feed, struct feed_listener *listener)
{
    if (feed->memory.slots == NULL) {
        move_to(feed, listener, LISTENER_PARKED);
        return;
    }
    if (!listener->source.is_of_cart && listener->after + 1 >= feed->memory.tail) {
        serve_log(feed, listener);
        return;
    }
    if (listener->source.is_of_cart && listener->is_caught_up && serve_cart(feed, listener))
        return;
    listener->is_caught_up = false;
    move_to(feed, listener, LISTENER_BEHIND);
    read_for_next(feed);
}

static void deliver(struct loop_deferred *deferred)
{
    struct feed *feed = BASE_CONTAINER(deferred, struct feed, deliver);
    feed->n_offered = 0;
    struct feed_listener *listener;
    for (int i = 0; i < OFFERS_PER_TURN; i++) {
        listener = first_in(feed, LISTENER_READY);
        if (listener == NULL || feed->n_offered >= EVENTS_PER_TURN)
            break;
        serve(feed, listener);
    }
    if (first_in(feed, LISTENER_READY) != NULL)
        loop_start_deferred(feed->options.loop, &feed->deliver);
}

/* ---- who is behind --------------------------------------------------------------------------- */

static void receive_for(
    struct feed *feed, struct feed_listener *listener, const struct postgres_pipeline *pipeline)
{
    struct feed_found found =
        feed_receive(pipeline, &listener->source, listener->after, FEED_OFFER_MAX);
    struct feed_event *events = feed->events;
    for (size_t i = 0; i < found.n_rows; i++) {
        struct eventstore_event stored;
        eventstore_receive_event(found.rows, found.first + i, &stored);
        events[i] = feed_write_event(&stored);
    }
    bool is_of_cart = listener->source.is_of_cart;
    size_t n_taken = 0;
    listener->slot = NULL;
    switch (offer(feed, listener, events, found.n_rows, &n_taken)) {
    case TAKEN_ALL:
        listener->after = found.scanned;
        listener->is_caught_up = found.is_all;
        if (is_of_cart && found.is_all && listener->pending == 0)
            move_to(feed, listener, LISTENER_IDLE_CART);
        else
            move_to(feed, listener, LISTENER_READY);
        break;
    case TAKEN_SOME:
        listener->after =
            is_of_cart ? listener->after + (int64_t)n_taken : events[n_taken].position - 1;
        break;
    case TAKEN_LEFT:
        break;
    }
    for (size_t i = 0; i < found.n_rows; i++)
        free((char *)(uintptr_t)events[i].framed);
}

static void slot_answered(struct postgres_pipeline *pipeline)
{
    struct feed_slot *slot = BASE_CONTAINER(pipeline, struct feed_slot, pipeline);
    struct feed *feed = slot->feed;
    struct feed_listener *listener = slot->listener;
    slot->is_busy = false;
    slot->listener = NULL;
    if (feed->is_ending)
        return;
    if (listener != NULL) {
        if (postgres_is_done(pipeline->outcome)) {
            receive_for(feed, listener, pipeline);
        } else {
            listener->slot = NULL;
            move_to(feed, listener, LISTENER_PARKED);
            loop_start_timer(feed->options.loop, &feed->retry, RETRY_US);
        }
    }
    read_for_next(feed);
}

static void read_for(struct feed *feed, struct feed_slot *slot, struct feed_listener *listener)
{
    move_to(feed, listener, LISTENER_READING);
    slot->is_busy = true;
    slot->listener = listener;
    listener->slot = slot;
    /* Events that are noticed from now on are in memory; all before are in what is read. */
    listener->pending = 0;
    postgres_pipeline_begin(&slot->pipeline);
    slot->pipeline.answered = slot_answered;
    feed_ask(&slot->pipeline, &listener->source, listener->after, FEED_OFFER_MAX);
    postgres_send(feed->reader, &slot->pipeline);
}

static void read_for_next(struct feed *feed)
{
    for (size_t i = 0; i < CATCH_UP_SLOTS; i++)
        if (!feed->slots[i].is_busy && first_in(feed, LISTENER_BEHIND) != NULL)
            read_for(feed, &feed->slots[i], first_in(feed, LISTENER_BEHIND));
}

static void retry(struct loop_timer *timer)
{
    struct feed *feed = BASE_CONTAINER(timer, struct feed, retry);
    make_all_ready(feed, LISTENER_PARKED);
}

void feed_listeners_unpark(struct feed *feed)
{
    make_all_ready(feed, LISTENER_PARKED);
}

/* ---- new events ------------------------------------------------------------------------------ */

void feed_listeners_notice(struct feed *feed, const struct feed_event *event)
{
    struct feed_stream *stream = feed_streams_find(&feed->streams, &event->stream_id);
    if (stream == NULL)
        return;
    if (stream->newest >= feed->memory.tail)
        feed_memory_at(&feed->memory, stream->newest)->next_of_stream = event->position;
    stream->newest = event->position;
    struct feed_listener *listener;
    LIST_FOREACH(listener, &stream->listeners, of_stream)
    {
        if (listener->pending == 0)
            listener->pending = event->position;
        if (listener->state == LISTENER_IDLE_CART)
            move_to(feed, listener, LISTENER_READY);
    }
}

void feed_listeners_wake(struct feed *feed)
{
    make_all_ready(feed, LISTENER_IDLE);
    /* Those who have been blocked for longer stand before. */
    struct feed_listener *longest;
    while ((longest = first_in(feed, LISTENER_BLOCKED)) != NULL &&
           longest->blocked_at < feed->memory.tail) {
        metrics_add(feed->options.metrics, METRICS_FEED_CUT_OFF, 1);
        longest->ended(longest, FEED_TOO_SLOW);
    }
}

/* ---- coming and going ------------------------------------------------------------------------ */

bool feed_has_room(const struct feed *feed)
{
    return !feed->is_draining && feed->n_listeners < feed->options.listeners_max;
}

bool feed_listen(struct feed *feed, struct feed_listener *listener)
{
    if (!feed_has_room(feed))
        return false;
    if (listener->source.is_of_cart)
        feed_streams_add_listener(&feed->streams, listener);
    move_to(feed, listener, LISTENER_READY);
    metrics_set(feed->options.metrics, METRICS_FEED_LISTENERS, (int64_t)++feed->n_listeners);
    if (feed->state == TAIL_STOPPED)
        feed_tail_start(feed);
    return true;
}

void feed_unlisten(struct feed *feed, struct feed_listener *listener)
{
    if (listener->state == LISTENER_AWAY)
        return;
    move_to(feed, listener, LISTENER_AWAY);
    if (listener->stream != NULL)
        feed_streams_remove_listener(&feed->streams, listener);
    if (listener->slot != NULL)
        listener->slot->listener = NULL;
    listener->slot = NULL;
    if (feed->offered == listener)
        feed->offered = NULL;
    metrics_set(feed->options.metrics, METRICS_FEED_LISTENERS, (int64_t)--feed->n_listeners);
    if (feed->n_listeners == 0)
        loop_start_deferred(feed->options.loop, &feed->rest);
}

void feed_go_on(struct feed *feed, struct feed_listener *listener)
{
    if (listener->state == LISTENER_BLOCKED)
        move_to(feed, listener, LISTENER_READY);
}

void feed_listeners_end(struct feed *feed, enum feed_end end)
{
    struct feed_listener *listener;
    for (unsigned state = LISTENER_READY; state < N_LISTENER_STATES; state++)
        while ((listener = first_in(feed, state)) != NULL)
            listener->ended(listener, end);
}

/* After the last one has left, unless somebody came meanwhile: its events may be in use until the
 * turn ends. */
static void rest(struct loop_deferred *deferred)
{
    struct feed *feed = BASE_CONTAINER(deferred, struct feed, rest);
    if (feed->n_listeners == 0)
        feed_tail_stop(feed);
}

void feed_listeners_init(struct feed *feed)
{
    table_init(&feed->streams);
    for (size_t state = 0; state < N_LISTENER_STATES; state++)
        TAILQ_INIT(&feed->listeners[state]);
    feed->deliver.called = deliver;
    feed->retry.fired = retry;
    feed->rest.called = rest;
    for (size_t i = 0; i < CATCH_UP_SLOTS; i++)
        feed->slots[i].feed = feed;
}

void feed_listeners_finish(struct feed *feed)
{
    loop_stop_deferred(feed->options.loop, &feed->deliver);
    loop_stop_deferred(feed->options.loop, &feed->rest);
    loop_stop_timer(feed->options.loop, &feed->retry);
    feed_tail_stop(feed);
    for (size_t i = 0; i < CATCH_UP_SLOTS; i++)
        postgres_pipeline_finish(&feed->slots[i].pipeline);
}
