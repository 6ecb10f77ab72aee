#include "internal.h"

/*
 * What commands that are about several streams cost each other. The streams that they share, such
 * as a customer's and a coupon's, are worked on by one batch at a time: so what one such stream can
 * take is a full batch after the other. How near the busiest one came to that is measured in
 * windows.
 */

#define WINDOW_US INT64_C(10000000)
#define BUSY_PERCENT 50 /* from here on the log names the stream */

static void publish(struct loop_timer *timer);

void contention_init(struct contention *contention)
{
    contention->window.fired = publish;
}

void contention_finish(struct service *service)
{
    loop_stop_timer(service->options.loop, &service->contention.window);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* The entry of a stream, or the one that has been busy for the shortest time, for it: of many
 * streams that are hardly busy not all have an entry, and none of them is the busiest. */
static struct contention_entry *find_entry(
    struct contention *contention, const struct base_uuid *stream_id)
{
    struct contention_entry *least = &contention->entries[0];
    for (size_t i = 0; i < CONTENTION_ENTRIES; i++) {
        struct contention_entry *entry = &contention->entries[i];
        if (base_uuid_compare(&entry->stream_id, stream_id) == 0)
            return entry;
        if (entry->busy_us < least->busy_us)
            least = entry;
    }
    *least = (struct contention_entry){.stream_id = *stream_id};
    return least;
}

/* How much of a batch's room one of its commands takes: of its commands, or of its streams. */
static double share_of_command(const struct batch *batch)
{
    double of_commands = 1.0 / (double)batch->service->options.batch_commands;
    double of_streams =
        (double)batch->n_streams / (double)batch->n_commands / (double)batch->streams_max;
    return of_commands > of_streams ? of_commands : of_streams;
}

void contention_note(struct batch *batch)
{
    struct service *service = batch->service;
    struct contention *contention = &service->contention;
    int64_t now_us = base_clock_monotonic_us();
    double took_us = (double)(now_us - batch->began_at_us) * share_of_command(batch);
    for (size_t i = 0; i < batch->n_streams; i++) {
        const struct batch_stream *stream = &batch->streams[i];
        if (stream->n_sharing == 0)
            continue;
        struct contention_entry *entry = find_entry(contention, &stream->load.id);
        entry->stream_type = stream->load.aggregate->stream_type;
        entry->busy_us += (int64_t)(took_us * (double)stream->n_sharing);
        contention->has_some = true;
    }
    if (contention->began_at_us == 0) {
        contention->began_at_us = now_us;
        loop_start_timer(service->options.loop, &contention->window, WINDOW_US);
    }
}

/* ---- publishing ------------------------------------------------------------------------------ */

static const struct contention_entry *find_busiest(const struct contention *contention)
{
    const struct contention_entry *busiest = &contention->entries[0];
    for (size_t i = 1; i < CONTENTION_ENTRIES; i++)
        if (contention->entries[i].busy_us > busiest->busy_us)
            busiest = &contention->entries[i];
    return busiest;
}

static void name_stream(
    const struct service *service, const struct contention_entry *busiest, int64_t percent)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(&busiest->stream_id, id);
    base_log(
        service->options.log, BASE_LOG_STREAM_BUSY,
        BASE_LOG_TEXT("stream_type", busiest->stream_type), BASE_LOG_TEXT("stream_id", id),
        BASE_LOG_NUMBER("percent", percent));
}

static void publish(struct loop_timer *timer)
{
    struct contention *contention = BASE_CONTAINER(timer, struct contention, window);
    struct service *service = BASE_CONTAINER(contention, struct service, contention);
    int64_t now_us = base_clock_monotonic_us();
    const struct contention_entry *busiest = find_busiest(contention);
    int64_t percent = busiest->busy_us * 100 / (now_us - contention->began_at_us);
    metrics_set(service->options.metrics, METRICS_SHARED_BUSIEST_PERCENT, percent);
    if (percent >= BUSY_PERCENT)
        name_stream(service, busiest, percent);
    bool goes_on = contention->has_some; /* else the gauge has just become 0 */
    *contention = (struct contention){.window = contention->window};
    if (!goes_on)
        return;
    contention->began_at_us = now_us;
    loop_start_timer(service->options.loop, &contention->window, WINDOW_US);
}
