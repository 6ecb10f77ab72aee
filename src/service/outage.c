#include "internal.h"

#include <stdlib.h>

/*
 * An outage: PostgreSQL answers, but can't do what it is asked, whoever asks; its disk is full, for
 * one. Trying at once would only add to the trouble, so:
 *
 *   NONE ──a batch failed──▶ PAUSED ──the pause is over──▶ one batch is tried
 *    ▲                          ▲                            │            │
 *    │                          └── it failed: a longer pause┘            │
 *    └────────── it was recorded, or nothing was tried for a while ───────┘
 *
 * It is not ready meanwhile. A balancer then sends no commands any more that could show that the
 * outage is over, so it is taken for over some time after the last failure, and the next command
 * shows the truth.
 *
 * That the server is to blame is a guess: memory may be short for one command only, or one page of
 * the disk be damaged. So batches that failed are tried in halves, and a command that failed alone
 * rests while others are tried.
 */

#define PAUSE_LEAST_US INT64_C(100000)
#define PAUSE_MOST_US INT64_C(1000000)
#define TRIES 4                    /* while a command waits, at least */
#define QUIET_US INT64_C(10000000) /* without a failure, until it is taken for over */

static void end(struct service *service);

static void has_been_quiet(struct loop_timer *timer)
{
    struct outage *outage = BASE_CONTAINER(timer, struct outage, over);
    end(BASE_CONTAINER(outage, struct service, outage));
}

void outage_init(struct outage *outage)
{
    outage->over.fired = has_been_quiet;
}

void outage_finish(struct service *service)
{
    loop_stop_timer(service->options.loop, &service->outage.over);
    free(service->outage.reason);
    service->outage.reason = NULL;
}

/* ---- it begins and goes on ------------------------------------------------------------------- */

static void note_reason(struct service *service)
{
    const char *failure = postgres_connection_last_failure(service->writer);
    struct base_buffer reason = {0};
    base_buffer_printf(
        &reason, "PostgreSQL can't record commands: %s",
        failure != NULL ? failure : "no reason was given");
    (void)base_buffer_text(&reason);
    free(service->outage.reason);
    service->outage.reason = reason.bytes;
}

static void begin(struct service *service, int64_t now_us)
{
    service->outage.since_us = now_us;
    service->outage.delay_us = 0;
    service->outage.retry_at_us = now_us;
    metrics_set(service->options.metrics, METRICS_DATABASE_READY, 0);
    base_log(
        service->options.log, BASE_LOG_RECORDING_PAUSED,
        BASE_LOG_TEXT("reason", service->outage.reason));
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Batches that were under way beside the first are no further tries. Each command is to be tried
 * more than once while it waits. */
static void pause_longer(struct service *service, int64_t now_us)
{
    struct outage *outage = &service->outage;
    if (now_us < outage->retry_at_us)
        return;
    int64_t longer_us = outage->delay_us == 0 ? PAUSE_LEAST_US : outage->delay_us * 2;
    outage->delay_us =
        least(longer_us, least(PAUSE_MOST_US, service->options.wait_ms * 1000 / TRIES));
    outage->retry_at_us = now_us + outage->delay_us;
}

static void suspect(struct batch *batch, int64_t now_us)
{
    if (batch->n_commands == 1) {
        if (batch->service->streams.n_ready > 0)
            batch_find_first(batch)->stream->rests_until_us = now_us + PAUSE_MOST_US;
        return;
    }
    for (size_t i = 0; i < batch->n_streams; i++)
        for (size_t j = 0; j < batch->streams[i].n_commands; j++)
            batch->streams[i].commands[j].command->batch_limit = batch->n_commands / 2;
}

void outage_note(struct batch *batch)
{
    struct service *service = batch->service;
    struct outage *outage = &service->outage;
    int64_t now_us = base_clock_monotonic_us();
    batch->met_outage = true;
    note_reason(service);
    if (outage->since_us == 0)
        begin(service, now_us);
    pause_longer(service, now_us);
    suspect(batch, now_us);
    if (batch->began_at_us > outage->tried_at_us)
        outage->tried_at_us = batch->began_at_us;
    if (!service->is_ending)
        loop_start_timer(service->options.loop, &outage->over, QUIET_US);
}

/* ---- it ends --------------------------------------------------------------------------------- */

/* What failed for longer than a single command would is nobody's fault. */
static void clear_suspicion(struct service *service)
{
    struct service_stream *stream;
    TAILQ_FOREACH(stream, &service->streams.ready, by_turn)
    {
        stream->rests_until_us = 0;
        for (struct service_command *command = stream->first; command != NULL;
             command = command->next)
            command->batch_limit = SIZE_MAX;
    }
}

static void end(struct service *service)
{
    struct outage *outage = &service->outage;
    if (base_clock_monotonic_us() - outage->since_us > PAUSE_MOST_US)
        clear_suspicion(service);
    outage_finish(service);
    outage->since_us = 0;
    outage->tried_at_us = 0;
    metrics_set(
        service->options.metrics, METRICS_DATABASE_READY,
        postgres_connection_is_ready(service->writer));
    service_poke(service);
}

void outage_end(struct service *service)
{
    int64_t since_us = service->outage.since_us;
    if (since_us == 0)
        return;
    base_log(
        service->options.log, BASE_LOG_RECORDING_RESUMED,
        BASE_LOG_NUMBER("after_ms", (base_clock_monotonic_us() - since_us) / 1000));
    end(service);
}

/* ---- meanwhile ------------------------------------------------------------------------------- */

bool outage_lets_begin(const struct service *service, size_t n_under_way)
{
    const struct outage *outage = &service->outage;
    return outage->since_us == 0 ||
           (n_under_way == 0 && base_clock_monotonic_us() >= outage->retry_at_us);
}

/* As with a server that is gone: it was waited for, those who come now need not. But each is tried
 * once, as that is how the end of the outage is found. */
int64_t outage_answers_until(const struct service *service, int64_t now_us)
{
    const struct outage *outage = &service->outage;
    bool is_long = now_us - outage->since_us > service->options.wait_ms * 1000;
    return outage->since_us != 0 && is_long ? outage->tried_at_us : 0;
}
