#include "internal.h"

/* ---- answering ------------------------------------------------------------------------------- */

void history_answer(struct service_history *history, enum replay_history_outcome outcome)
{
    history->outcome = outcome;
    if (history->service != NULL) {
        struct metrics *metrics = history->service->options.metrics;
        metrics_add(metrics, METRICS_READS, 1);
        metrics_observe(
            metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - history->asked_at_us);
    }
    history->answered(history);
}

static void history_read(struct replay_history *read)
{
    struct service_history *history = BASE_CONTAINER(read, struct service_history, read);
    history->version = read->version;
    history->is_final = read->is_final;
    if (read->outcome == REPLAY_FOUND)
        aggregate_write_document(&history->body, read->aggregate, &read->stream_id, read->state);
    if (history->service != NULL)
        history->service->n_histories--;
    history_answer(history, read->outcome);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

/* Whose it was is in the events; whose it is now counts. */
static void ask_owner(struct replay_history *read, struct postgres_group *group)
{
    projections_ask_owner(group, &read->stream_id);
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

void service_read_history(struct service *service, struct service_history *history)
{
    history->service = service;
    history->asked_at_us = base_clock_monotonic_us();
    if (service->n_histories >= SERVICE_HISTORIES_MAX) {
        history->next = service->shed_histories;
        service->shed_histories = history;
        service_poke(service);
        return;
    }
    service->n_histories++;
    service_read_history_over(service->side, service->options.log, history);
}
