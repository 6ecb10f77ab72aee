#include "internal.h"

/* ---- answering ------------------------------------------------------------------------------- */

void past_answer(struct service_past *past, enum replay_history_outcome outcome)
{
    past->outcome = outcome;
    if (past->service != NULL) {
        struct metrics *metrics = past->service->options.metrics;
        metrics_add(metrics, METRICS_READS, 1);
        metrics_observe(
            metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - past->asked_at_us);
    }
    past->answered(past);
}

static void write_body(struct service_past *past, const struct cart *cart)
{
    codec_write_cart(&past->body, &past->cart_id, cart);
    codec_append_cart_times(
        &past->body, cart->created_at_us, cart->updated_at_us, cart->closed_at_us);
}

static void history_read(struct replay_history *history)
{
    struct service_past *past = BASE_CONTAINER(history, struct service_past, history);
    past->version = history->version;
    past->is_final = history->is_final;
    if (history->outcome == REPLAY_FOUND)
        write_body(past, history->state);
    if (past->service != NULL)
        past->service->n_pasts--;
    past_answer(past, history->outcome);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

/* Whose it was is in the events; whose it is now counts. */
static void ask_owner(struct replay_history *history, struct postgres_group *group)
{
    projections_ask_owner(group, &history->stream_id);
}

static bool is_admitted(struct replay_history *history, const struct postgres_rows *rows)
{
    const struct service_past *past = BASE_CONTAINER(history, struct service_past, history);
    bool is_unclaimed;
    return projections_receive_owner(rows, &past->caller, &is_unclaimed);
}

/* ---- asking ---------------------------------------------------------------------------------- */

void service_read_past_over(
    struct postgres_connection *connection, const struct base_log *log, struct service_past *past)
{
    bool may_all = past->caller.may_all;
    past->history = (struct replay_history){
        .aggregate = &aggregate_cart,
        .stream_id = past->cart_id,
        .at_version = past->at_version,
        .at_us = past->at_us,
        .ask_owner = may_all ? NULL : ask_owner,
        .is_admitted = may_all ? NULL : is_admitted,
        .answered = history_read,
    };
    replay_history_read(&past->history, connection, log);
}

void service_read_past(struct service *service, struct service_past *past)
{
    past->service = service;
    past->asked_at_us = base_clock_monotonic_us();
    if (service->n_pasts >= SERVICE_PAST_MAX) {
        past->next = service->shed_pasts;
        service->shed_pasts = past;
        service_poke(service);
        return;
    }
    service->n_pasts++;
    service_read_past_over(service->side, service->options.log, past);
}
