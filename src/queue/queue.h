/*
 * queue: requests that wait until a connection to PostgreSQL has room for them. The queue is
 * bounded and sheds load: a request that comes when too many are unanswered is rejected, and one
 * that has waited too long, or whose connection has been down that long, is given up. Whoever has
 * the queue sends the requests, one or many at a time, and receives their answers.
 *
 * It knows nothing of what is asked, and never calls back from within queue_ask().
 */
#ifndef CARTD_QUEUE_H
#define CARTD_QUEUE_H

#include <sys/queue.h>

#include "base.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"

/* Embedded in a request, which must not move or die until it is answered. */
struct queue_request {
    enum base_failure failure; /* of the answer */
    int64_t asked_at_us;
    TAILQ_ENTRY(queue_request) by_turn;
};
TAILQ_HEAD(queue_requests, queue_request);

struct queue;
struct queue_options {
    struct loop *loop;
    struct metrics *metrics;
    enum metrics_number answers; /* counts the answers */
    enum metrics_histogram seconds;
    int64_t wait_us;
    bool waits_while_connected; /* a request only becomes too old without a connection */
    size_t requests_max;        /* unanswered; beyond it a request is rejected */
    size_t sends_max;           /* under way at once */
    /* Something waits and there is room for one more send: takes requests and sends them. */
    void (*send)(struct queue *queue);
    /* A request is answered; its failure is set. It may be freed. */
    void (*answered)(struct queue_request *request);
};

/* Embedded in whatever it belongs to. `connection` is set by the owner, before anything is asked.
 */
struct queue {
    struct postgres_connection *connection;
    struct queue_options options;
    struct queue_requests waiting;
    struct queue_requests rejected; /* to be answered in the next turn */
    size_t n_requests;              /* not answered yet */
    size_t n_sends;                 /* under way */
    int64_t not_ready_since_us;     /* 0: the connection is ready */
    struct loop_deferred dispatch;
    struct loop_timer sweep;
};

void queue_init(struct queue *queue, const struct queue_options *options);
/* Answers whatever waits with BASE_UNAVAILABLE. Nothing may be under way any more. */
void queue_finish(struct queue *queue);
/* For postgres_options.changed of the connection, with the queue as context. */
void queue_connection_changed(struct postgres_connection *connection, void *context);

/* Puts a request behind those that wait, or rejects it with BASE_OVERLOADED. */
void queue_ask(struct queue *queue, struct queue_request *request);
/* For send(): the request whose turn it is; NULL: no more wait. */
struct queue_request *queue_take(struct queue *queue) BASE_MUST_CHECK;
/* What send() sent is answered: there is room again. */
void queue_sent(struct queue *queue);

/* Receives the outcome of a request that changes nothing. True: its rows are there. Otherwise it
 * waits again, ahead of the others, if the next try may succeed, or is answered with the failure.
 */
bool queue_receive(
    struct queue *queue, struct queue_request *request,
    enum postgres_outcome outcome) BASE_MUST_CHECK;
void queue_answer(struct queue *queue, struct queue_request *request, enum base_failure failure);
/* A request that need not wait is answered within the call. */
void queue_answer_at_once(struct queue *queue, struct queue_request *request, int64_t asked_at_us);

#endif
