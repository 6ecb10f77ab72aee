#include "queue.h"

#include <assert.h>

#define SWEEP_US 50000 /* how often waiting requests are looked at for their age */

/* ---- answering ------------------------------------------------------------------------------- */

void queue_answer(struct queue *queue, struct queue_request *request, enum base_failure failure)
{
    const struct queue_options *options = &queue->options;
    int64_t took_us = base_clock_monotonic_us() - request->asked_at_us;
    request->failure = failure;
    queue->n_requests--;
    metrics_add(options->metrics, options->answers, 1);
    metrics_observe(options->metrics, options->seconds, took_us);
    options->answered(request);
}

static void answer_first(
    struct queue *queue, struct queue_requests *requests, enum base_failure failure)
{
    struct queue_request *request = TAILQ_FIRST(requests);
    TAILQ_REMOVE(requests, request, by_turn);
    queue_answer(queue, request, failure);
}

static void answer_all(
    struct queue *queue, struct queue_requests *requests, enum base_failure failure)
{
    while (!TAILQ_EMPTY(requests))
        answer_first(queue, requests, failure);
}

static void answer_too_old(struct queue *queue)
{
    bool is_ready = postgres_connection_is_ready(queue->connection);
    if (is_ready && queue->options.waits_while_connected)
        return;
    int64_t since_us = base_clock_monotonic_us() - queue->options.wait_us;
    if (queue->not_ready_since_us != 0 && queue->not_ready_since_us < since_us)
        answer_all(queue, &queue->waiting, BASE_UNAVAILABLE);
    while (!TAILQ_EMPTY(&queue->waiting) && TAILQ_FIRST(&queue->waiting)->asked_at_us < since_us)
        answer_first(queue, &queue->waiting, BASE_UNAVAILABLE);
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

static void dispatch(struct loop_deferred *deferred)
{
    struct queue *queue = BASE_CONTAINER(deferred, struct queue, dispatch);
    answer_all(queue, &queue->rejected, BASE_OVERLOADED);
    answer_too_old(queue);
    while (!TAILQ_EMPTY(&queue->waiting) && queue->n_sends < queue->options.sends_max &&
           postgres_connection_is_ready(queue->connection)) {
        queue->n_sends++;
        queue->options.send(queue);
    }
    if (!TAILQ_EMPTY(&queue->waiting))
        loop_start_timer(queue->options.loop, &queue->sweep, SWEEP_US);
}

static void sweep(struct loop_timer *timer)
{
    dispatch(&BASE_CONTAINER(timer, struct queue, sweep)->dispatch);
}

static void start_dispatch(struct queue *queue)
{
    loop_start_deferred(queue->options.loop, &queue->dispatch);
}

void queue_connection_changed(struct postgres_connection *connection, void *context)
{
    struct queue *queue = context;
    bool is_ready = postgres_connection_is_ready(connection);
    queue->not_ready_since_us = is_ready ? 0 : base_clock_monotonic_us();
    start_dispatch(queue);
}

/* ---- asking ---------------------------------------------------------------------------------- */

void queue_ask(struct queue *queue, struct queue_request *request)
{
    bool is_full = queue->n_requests >= queue->options.requests_max;
    request->asked_at_us = base_clock_monotonic_us();
    queue->n_requests++;
    TAILQ_INSERT_TAIL(is_full ? &queue->rejected : &queue->waiting, request, by_turn);
    start_dispatch(queue);
}

void queue_answer_at_once(struct queue *queue, struct queue_request *request, int64_t asked_at_us)
{
    request->asked_at_us = asked_at_us;
    queue->n_requests++;
    queue_answer(queue, request, BASE_NO_FAILURE);
}

struct queue_request *queue_take(struct queue *queue)
{
    struct queue_request *request = TAILQ_FIRST(&queue->waiting);
    if (request != NULL)
        TAILQ_REMOVE(&queue->waiting, request, by_turn);
    return request;
}

void queue_sent(struct queue *queue)
{
    assert(queue->n_sends > 0);
    queue->n_sends--;
    start_dispatch(queue);
}

bool queue_receive(
    struct queue *queue, struct queue_request *request, enum postgres_outcome outcome)
{
    enum base_failure failure = postgres_failure(outcome);
    if (failure == BASE_NO_FAILURE)
        return true;
    if (postgres_should_retry(outcome)) {
        TAILQ_INSERT_HEAD(&queue->waiting, request, by_turn);
        start_dispatch(queue);
    } else {
        queue_answer(queue, request, failure);
    }
    return false;
}

/* ---- the queue itself ------------------------------------------------------------------------ */

void queue_init(struct queue *queue, const struct queue_options *options)
{
    *queue = (struct queue){
        .options = *options,
        .not_ready_since_us = base_clock_monotonic_us(),
        .dispatch.called = dispatch,
        .sweep.fired = sweep,
    };
    TAILQ_INIT(&queue->waiting);
    TAILQ_INIT(&queue->rejected);
}

void queue_finish(struct queue *queue)
{
    loop_stop_deferred(queue->options.loop, &queue->dispatch);
    loop_stop_timer(queue->options.loop, &queue->sweep);
    answer_all(queue, &queue->rejected, BASE_OVERLOADED);
    answer_all(queue, &queue->waiting, BASE_UNAVAILABLE);
}
