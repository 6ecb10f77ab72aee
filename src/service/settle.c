#include "internal.h"

/*
 * After an append was lost nobody knows whether it happened: its server process may still be at it.
 * So nothing is sent before that process is gone; then the log says what it recorded.
 */

void service_unsettle(struct service *service)
{
    if (postgres_connection_backend(service->writer, &service->lost))
        service->must_settle = true;
}

static void settle_answered(struct postgres_pipeline *pipeline)
{
    struct service *service = BASE_CONTAINER(pipeline, struct service, settle);
    service->is_settling = false;
    if (pipeline->outcome == POSTGRES_DONE && eventstore_receive_settled(pipeline)) {
        service->must_settle = false;
        base_log(
            service->options.log, BASE_LOG_OUTCOME_LOOKED_UP,
            BASE_LOG_NUMBER("backend", service->lost.pid),
            BASE_LOG_NUMBER("commands", service->n_waiting));
    }
    service_poke(service);
}

void settle_ask(struct service *service)
{
    if (service->is_settling || !postgres_connection_is_ready(service->writer))
        return;
    service->is_settling = true;
    postgres_pipeline_begin(&service->settle);
    service->settle.answered = settle_answered;
    eventstore_ask_settle(&service->settle, &service->lost);
    postgres_send(service->writer, &service->settle);
}
