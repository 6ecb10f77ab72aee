#include "internal.h"

/* ---- answering ------------------------------------------------------------------------------- */

static void history_answered(struct queue_request *request)
{
    struct service_history *history = BASE_CONTAINER(request, struct service_history, request);
    if (request->failure != BASE_NO_FAILURE)
        history->outcome = REPLAY_FAILED;
    history->answered(history);
}

static void history_read(struct replay_history *read)
{
    struct service_history *history = BASE_CONTAINER(read, struct service_history, read);
    struct service *service = history->service;
    history->outcome = read->outcome;
    history->version = read->version;
    history->is_final = read->is_final;
    if (read->outcome == REPLAY_FOUND)
        aggregate_write_document(&history->body, read->aggregate, &read->stream_id, read->state);
    if (service == NULL) {
        history->request.failure = read->failure;
        history->answered(history);
        return;
    }
    queue_answer(&service->histories, &history->request, read->failure);
    queue_sent(&service->histories);
}

/* ---- the owner ------------------------------------------------------------------------------- */

/* Whose it was is in the events; whose it is now counts. */
static void ask_owner(struct replay_history *read, struct postgres_pipeline *pipeline)
{
    projections_ask_owner(pipeline, &read->stream_id);
}

static bool is_admitted(struct replay_history *read, const struct postgres_rows *rows)
{
    const struct service_history *history = BASE_CONTAINER(read, struct service_history, read);
    bool is_unclaimed;
    return projections_receive_owner(rows, &history->caller, &is_unclaimed);
}

/* ---- asking ---------------------------------------------------------------------------------- */

void service_read_history_over(
    struct postgres_connection *connection, const struct base_log *log,
    struct service_history *history)
{
    bool may_all = history->caller.may_all;
    history->read = (struct replay_history){
        .aggregate = &aggregate_cart,
        .stream_id = history->cart_id,
        .at_version = history->at_version,
        .at_us = history->at_us,
        .ask_owner = may_all ? NULL : ask_owner,
        .is_admitted = may_all ? NULL : is_admitted,
        .answered = history_read,
    };
    replay_history_read(&history->read, connection, log);
}

static void send(struct queue *queue)
{
    struct service *service = BASE_CONTAINER(queue, struct service, histories);
    struct queue_request *request = queue_take(queue);
    service_read_history_over(
        service->side, service->options.log,
        BASE_CONTAINER(request, struct service_history, request));
}

void service_read_history(struct service *service, struct service_history *history)
{
    history->service = service;
    queue_ask(&service->histories, &history->request);
}

void history_init(struct service *service)
{
    queue_init(
        &service->histories, &(struct queue_options){
                                 .loop = service->options.loop,
                                 .metrics = service->options.metrics,
                                 .answers = METRICS_READS,
                                 .seconds = METRICS_READ_SECONDS,
                                 .wait_us = service->options.wait_ms * 1000,
                                 .requests_max = SERVICE_HISTORIES_MAX,
                                 .sends_max = SERVICE_HISTORIES_MAX,
                                 .send = send,
                                 .answered = history_answered,
                             });
}
