#include "internal.h"

/*
 * Appends that wait for a lock longer than they may are tried again, which is right when its holder
 * is busy. But one whose client froze in the middle of its append never lets go. Who waits in vain
 * looks for such and has them ended; what becomes of them is what becomes of any lost append.
 */

static void stuck_answered(struct postgres_pipeline *pipeline)
{
    struct service *service = BASE_CONTAINER(pipeline, struct service, stuck);
    service->is_checking_for_stuck = false;
    size_t n_ended =
        pipeline->outcome == POSTGRES_DONE ? eventstore_receive_end_stuck(pipeline) : 0;
    if (n_ended > 0)
        base_log(
            service->options.log, BASE_LOG_STUCK_ENDED, BASE_LOG_NUMBER("connections", n_ended));
}

void service_end_stuck(struct service *service)
{
    if (service->is_checking_for_stuck || service->is_ending ||
        !postgres_connection_is_ready(service->side))
        return;
    service->is_checking_for_stuck = true;
    postgres_pipeline_begin(&service->stuck);
    service->stuck.answered = stuck_answered;
    /* As long as a lock is waited for: somebody has, and this is who holds it. */
    eventstore_ask_end_stuck(&service->stuck, service->options.wait_ms / 2);
    postgres_send(service->side, &service->stuck);
}
