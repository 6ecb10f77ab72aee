#include "internal.h"

#include <string.h>

#include <stdlib.h>

static const struct base_state states[] = {TAIL_STATES(BASE_STATE_ROW)};

static void move_to(struct feed *feed, enum feed_tail_state state)
{
    feed->state = base_move(states, feed->state, state);
}

/* Looks again after a while; at once if that is over. */
static void wait_for(struct feed *feed, int64_t delay_us)
{
    move_to(feed, TAIL_WAITING);
    loop_start_timer(feed->options.loop, &feed->tail_timer, delay_us < 0 ? 0 : delay_us);
}

/* What comes while one read is under way, or shortly after it, is read together. */
static void wait_for_pace(struct feed *feed)
{
    wait_for(feed, feed->asked_at_us + TAIL_PACE_US - loop_now_us(feed->options.loop));
}

void feed_history_changed(struct feed *feed, int64_t head)
{
    base_log(
        feed->options.log, BASE_LOG_HISTORY_CHANGED, BASE_LOG_NUMBER("read", feed->memory.head),
        BASE_LOG_NUMBER("head", head));
    feed_memory_stop(&feed->memory);
    feed_memory_start(&feed->memory, feed->options.memory_bytes, head);
    feed->poked = 0;
    feed_listeners_end(feed, FEED_HISTORY_CHANGED);
}

static void receive_events(struct feed *feed)
{
    const struct postgres_pipeline *pipeline = &feed->tail_pipeline;
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(pipeline, 0));
    char log_id[FEED_LOG_ID_SIZE];
    feed_identify(feed, head.log, log_id);
    /* The log only grows, so what ends before what was read of it is not the same one. Nor is what
     * a promoted standby goes on with, which may lack the end of it. */
    if (head.position < feed->memory.head || strcmp(log_id, feed->log_id) != 0) {
        memcpy(feed->log_id, log_id, sizeof log_id);
        feed_history_changed(feed, head.position);
        wait_for(feed, FEED_POLL_MS * 1000);
        return;
    }
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 1);
    size_t n_rows = postgres_rows_count(rows);
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_event stored;
        eventstore_receive_event(rows, row, &stored);
        struct feed_event event = feed_write_event(&stored);
        feed_memory_add(&feed->memory, &event);
        feed_listeners_notice(feed, &event);
    }
    if (n_rows > 0)
        feed_listeners_wake(feed);
    if (n_rows == TAIL_ROWS || feed->poked > feed->memory.head)
        wait_for_pace(feed);
    else
        wait_for(feed, FEED_POLL_MS * 1000);
}

static void receive_head(struct feed *feed)
{
    struct eventstore_head head =
        eventstore_receive_head(postgres_pipeline_rows(&feed->tail_pipeline, 0));
    feed_identify(feed, head.log, feed->log_id);
    feed_memory_start(&feed->memory, feed->options.memory_bytes, head.position);
    feed_listeners_unpark(feed);
    wait_for(feed, FEED_POLL_MS * 1000);
}

static void answered(struct postgres_pipeline *pipeline)
{
    struct feed *feed = BASE_CONTAINER(pipeline, struct feed, tail_pipeline);
    bool is_done = postgres_is_done(pipeline->outcome);
    enum feed_tail_state state = feed->state;
    feed->is_tail_asked = false;
    bool is_stale = feed->is_tail_stale;
    feed->is_tail_stale = false;
    if (feed->is_ending || state == TAIL_STOPPED)
        return;
    if (is_done && state == TAIL_FINDING && !is_stale)
        receive_head(feed);
    else if (is_done && state == TAIL_READING)
        receive_events(feed);
    else
        wait_for(feed, is_done ? 0 : RETRY_US);
}

static void ask(struct feed *feed, enum feed_tail_state state)
{
    struct postgres_pipeline *pipeline = &feed->tail_pipeline;
    move_to(feed, state);
    feed->is_tail_asked = true;
    feed->asked_at_us = loop_now_us(feed->options.loop);
    postgres_pipeline_begin(pipeline);
    pipeline->answered = answered;
    eventstore_ask_head(pipeline);
    if (state == TAIL_READING)
        eventstore_ask_log(
            pipeline, &(struct eventstore_log_wanted){
                          .after_position = feed->memory.head,
                          .until_position = INT64_MAX,
                          .limit = TAIL_ROWS,
                      });
    postgres_send(feed->tail, pipeline);
}

static void timer_fired(struct loop_timer *timer)
{
    struct feed *feed = BASE_CONTAINER(timer, struct feed, tail_timer);
    ask(feed, feed->memory.slots == NULL ? TAIL_FINDING : TAIL_READING);
}

void feed_tail_init(struct feed *feed)
{
    feed->tail_timer.fired = timer_fired;
}

void feed_tail_start(struct feed *feed)
{
    if (feed->is_tail_asked) {
        move_to(feed, TAIL_FINDING);
        feed->is_tail_stale = true; /* it was asked before somebody stopped */
    } else {
        ask(feed, TAIL_FINDING);
    }
}

void feed_tail_stop(struct feed *feed)
{
    move_to(feed, TAIL_STOPPED);
    loop_stop_timer(feed->options.loop, &feed->tail_timer);
    feed_memory_stop(&feed->memory);
}

void feed_poke(struct feed *feed, int64_t position)
{
    if (feed->state == TAIL_STOPPED)
        return;
    if (position > feed->poked)
        feed->poked = position;
    if (feed->state == TAIL_WAITING && feed->memory.slots != NULL && position > feed->memory.head)
        wait_for_pace(feed);
}

const char *feed_log_id(const struct feed *feed)
{
    return feed->log_id;
}

int64_t feed_head(const struct feed *feed)
{
    return feed->memory.slots == NULL ? -1 : feed->memory.head;
}
