#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what it is about ------------------------------------------------------------------------ */

void service_set_boundary(
    struct service_command *command, const struct aggregate_stream *streams, size_t n)
{
    free(command->boundary);
    command->boundary = NULL;
    if (n == 0)
        return;
    command->boundary = base_alloc(sizeof *command->boundary);
    command->boundary->n = n;
    memcpy(command->boundary->streams, streams, n * sizeof *streams);
}

/* ---- answering ------------------------------------------------------------------------------- */

static enum metrics_number counter_of(const struct service_command *command)
{
    switch (command->outcome) {
    case SERVICE_DONE:
        if (command->is_replayed)
            return METRICS_COMMANDS_REPLAYED;
        return command->is_recorded ? METRICS_COMMANDS_RECORDED : METRICS_COMMANDS_UNCHANGED;
    case SERVICE_REFUSED:
    case SERVICE_OTHER_TYPE:
    case SERVICE_VERSION_MISMATCH:
    case SERVICE_KEY_REUSED:
        return METRICS_COMMANDS_REFUSED;
    case SERVICE_OVERLOADED:
        return METRICS_COMMANDS_OVERLOADED;
    case SERVICE_UNAVAILABLE:
    case SERVICE_UNKNOWN:
    case SERVICE_SHUTTING_DOWN:
        return METRICS_COMMANDS_UNAVAILABLE;
    case SERVICE_FAILED:
        return METRICS_COMMANDS_FAILED;
    }
    return METRICS_COMMANDS_FAILED;
}

/* Before the command forgets which streams it is about. */
static void count_shared(struct metrics *metrics, const struct service_command *command)
{
    if (command->boundary == NULL)
        return;
    if (command->outcome == SERVICE_REFUSED)
        metrics_add(metrics, METRICS_SHARED_REFUSED, 1);
    else if (command->outcome == SERVICE_DONE && command->is_recorded)
        metrics_add(metrics, METRICS_SHARED_RECORDED, 1);
}

static void settle_time(int64_t *time_us, int64_t recorded_at_us)
{
    if (*time_us == CART_TIME_PENDING)
        *time_us = recorded_at_us;
}

static void complete_body(struct service_command *command)
{
    if (!command->lacks_times || command->outcome != SERVICE_DONE)
        return;
    struct aggregate_times times = command->times;
    settle_time(&times.created_at_us, command->recorded_at_us);
    settle_time(&times.updated_at_us, command->recorded_at_us);
    settle_time(&times.closed_at_us, command->recorded_at_us);
    settle_time(&times.abandoned_at_us, command->recorded_at_us);
    command->aggregate->append_times(&command->body, &times);
}

void service_answer(struct service *service, struct service_command *command)
{
    struct metrics *metrics = service->options.metrics;
    complete_body(command);
    settle_time(&command->closed_at_us, command->recorded_at_us);
    count_shared(metrics, command);
    service_set_boundary(command, NULL, 0);
    needs_finish(command);
    if (command->outcome == SERVICE_FAILED)
        base_log(
            service->options.log, BASE_LOG_COMMAND_FAILED,
            BASE_LOG_TEXT("request_id", command->request_id != NULL ? command->request_id : ""));
    service->n_waiting--;
    metrics_add(metrics, counter_of(command), 1);
    metrics_set(metrics, METRICS_COMMANDS_QUEUED, (int64_t)service->n_waiting);
    metrics_observe(
        metrics, METRICS_COMMAND_SECONDS, base_clock_monotonic_us() - command->submitted_at_us);
    command->answered(command);
}

void service_give_up(
    struct service *service, struct service_command *command, enum service_outcome why)
{
    bool may_be_recorded = command->may_be_recorded || command->is_in_doubt;
    command->outcome = may_be_recorded ? SERVICE_UNKNOWN : why;
    service_answer(service, command);
}

/* ---- going back ------------------------------------------------------------------------------ */

void service_undecide(struct service_command *command)
{
    command->n_attempts++;
    command->body.length = 0;
    command->lacks_times = false;
    command->is_created = false;
    command->is_replayed = false;
    command->is_recorded = false;
}

void service_requeue(struct service *service, struct service_command *command)
{
    service_undecide(command);
    command->n_attempts--; /* for how long it is tried, its age says */
    streams_add(&service->streams, command);
    command->stream->rests_until_us = base_clock_monotonic_us() + REST_MOST_US;
    if (!service->is_ending)
        service_poke(service);
}

void service_poke(struct service *service)
{
    if (!service->is_ending)
        loop_start_deferred(service->options.loop, &service->dispatch);
}
