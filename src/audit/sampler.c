#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 *   WAITING ──time──▶ PICKING ──▶ LOADING ──▶ COMPARING ──▶ ENDING ──▶ WAITING
 *
 * Everything from PICKING to ENDING is one transaction that reads one snapshot. Slices are short,
 * so that no turn of the loop takes long; whatever fails, the sample is dropped and the next one
 * comes.
 */
enum sampler_state {
    SAMPLER_WAITING,
    SAMPLER_PICKING,
    SAMPLER_LOADING,
    SAMPLER_COMPARING,
    SAMPLER_ENDING
};

#define SAMPLE_EVENTS 4    /* that are picked; their streams are replayed */
#define SLICE_EVENTS 200   /* about a millisecond's work */
#define STREAM_EVENTS 2000 /* longer streams are left to `cartd verify` */

struct audit_sampler {
    struct common common;
    struct metrics *metrics;
    int64_t every_us;
    enum sampler_state state;
    struct chunk chunk;
    struct postgres_group group;
    struct loop_timer timer;
    bool is_lost; /* the connection, in the midst of a sample */
    bool is_ending;
};

/* ---- what is found --------------------------------------------------------------------------- */

/* One line a stream: a table that was emptied by mistake must not drown the log. */
static void found(void *context, const struct audit_finding *finding)
{
    struct audit_sampler *sampler = context;
    for (size_t i = 0; i < sampler->chunk.n_streams; i++) {
        struct chunk_stream *stream = &sampler->chunk.streams[i];
        if (base_uuid_compare(&stream->id, &finding->stream_id) != 0 || stream->n_told > 1)
            continue;
        char id[BASE_UUID_SIZE];
        base_uuid_format(&finding->stream_id, id);
        base_log(
            sampler->common.options.log, BASE_LOG_DISCREPANCY,
            BASE_LOG_TEXT("table", finding->kind),
            BASE_LOG_TEXT("stream_type", finding->stream_type), BASE_LOG_TEXT("stream_id", id),
            BASE_LOG_NUMBER("version", finding->version),
            BASE_LOG_TEXT("difference", finding->sentence));
    }
}

static void never_ends(void *context)
{
    (void)context;
}

static void count_streams(struct audit_sampler *sampler)
{
    for (size_t i = 0; i < sampler->chunk.n_streams; i++)
        metrics_add(
            sampler->metrics,
            sampler->chunk.streams[i].n_told == 0 ? METRICS_SAMPLED_SAME
                                                  : METRICS_SAMPLED_DIFFERENT,
            1);
}

/* ---- a sample: picked, loaded, compared ------------------------------------------------------ */

static void wait(struct audit_sampler *sampler)
{
    sampler->state = SAMPLER_WAITING;
    if (!sampler->is_ending)
        loop_start_timer(sampler->common.options.loop, &sampler->timer, sampler->every_us);
}

static void end_answered(struct postgres_group *group)
{
    wait(BASE_CONTAINER(group, struct audit_sampler, group));
}

static void end_sample(struct audit_sampler *sampler)
{
    if (sampler->is_lost || sampler->is_ending) {
        wait(sampler); /* the transaction is gone with its connection */
        return;
    }
    sampler->state = SAMPLER_ENDING;
    postgres_group_begin(&sampler->group);
    sampler->group.answered = end_answered;
    /* It has read only, and also ends what has failed. */
    (void)postgres_group_add(&sampler->group, &common_rollback); /* no parameters */
    postgres_send(sampler->common.connection, &sampler->group);
}

static void chunk_answered(struct chunk *chunk, enum postgres_outcome outcome)
{
    struct audit_sampler *sampler = BASE_CONTAINER(chunk, struct audit_sampler, chunk);
    if (outcome != POSTGRES_DONE || sampler->is_lost) {
        end_sample(sampler);
    } else if (sampler->state == SAMPLER_LOADING) {
        chunk_check_ends(chunk);
        sampler->state = SAMPLER_COMPARING;
        chunk_compare(chunk);
    } else {
        count_streams(sampler);
        end_sample(sampler);
    }
}

static int compare_entries(const void *left, const void *right)
{
    const struct eventstore_entry *a = left;
    const struct eventstore_entry *b = right;
    return base_uuid_compare(&a->stream_id, &b->stream_id);
}

static void add_stream(struct audit_sampler *sampler, const struct eventstore_entry *entry)
{
    const struct aggregate *aggregate = aggregate_find(entry->stream_type);
    if (entry->version > STREAM_EVENTS || aggregate == NULL)
        return;
    /* One that there is no room for is left to another sample. */
    (void)!chunk_add(&sampler->chunk, &entry->stream_id, aggregate, entry->version);
}

static void pick_answered(struct postgres_group *group)
{
    struct audit_sampler *sampler = BASE_CONTAINER(group, struct audit_sampler, group);
    if (group->outcome != POSTGRES_DONE || sampler->is_lost) {
        end_sample(sampler);
        return;
    }
    struct eventstore_entry entries[SAMPLE_EVENTS] = {0};
    const struct postgres_rows *rows = postgres_group_rows(group, 1);
    size_t n = postgres_rows_count(rows);
    if (n > SAMPLE_EVENTS)
        n = SAMPLE_EVENTS; /* as many were asked for */
    for (size_t row = 0; row < n; row++)
        eventstore_receive_entry(rows, row, &entries[row]);
    qsort(entries, n, sizeof entries[0], compare_entries);
    chunk_begin(&sampler->chunk);
    for (size_t i = 0; i < n; i++)
        add_stream(sampler, &entries[i]);
    if (sampler->chunk.n_streams == 0) {
        end_sample(sampler);
        return;
    }
    sampler->state = SAMPLER_LOADING;
    chunk_load(&sampler->chunk);
}

static void take_sample(struct loop_timer *timer)
{
    struct audit_sampler *sampler = BASE_CONTAINER(timer, struct audit_sampler, timer);
    if (!postgres_connection_is_ready(sampler->common.connection)) {
        wait(sampler);
        return;
    }
    sampler->is_lost = false;
    sampler->state = SAMPLER_PICKING;
    postgres_group_begin(&sampler->group);
    sampler->group.answered = pick_answered;
    (void)postgres_group_add(&sampler->group, &common_begin_snapshot); /* no parameters */
    eventstore_ask_random_entries(&sampler->group, SAMPLE_EVENTS);
    postgres_send(sampler->common.connection, &sampler->group);
}

/* What is read on another connection is of another snapshot. */
static void connection_changed(struct postgres_connection *connection, void *context)
{
    struct audit_sampler *sampler = context;
    sampler->is_lost |= !postgres_connection_is_ready(connection);
}

/* ---- the sampler as a whole ------------------------------------------------------------------ */

struct audit_sampler *audit_sampler_create(
    const struct audit_options *options, struct metrics *metrics, int64_t every_ms, char **problem)
{
    struct audit_sampler *sampler = base_alloc(sizeof *sampler);
    struct audit_options own = *options;
    own.found = found;
    own.ended = never_ends;
    own.context = sampler;
    common_init(&sampler->common, &own);
    sampler->metrics = metrics;
    sampler->every_us = every_ms * 1000;
    sampler->timer.fired = take_sample;
    chunk_init(&sampler->chunk, &sampler->common, SLICE_EVENTS);
    sampler->chunk.answered = chunk_answered;
    sampler->chunk.checks_shapes = true;
    sampler->chunk.tells_differences = true;
    const struct common_wanted wanted = {
        .role = "sample",
        .answer_ms = options->wait_ms,
        .changed = connection_changed,
        .context = sampler,
    };
    if (!common_connect(&sampler->common, &wanted, problem)) {
        audit_sampler_destroy(sampler);
        return NULL;
    }
    wait(sampler);
    return sampler;
}

void audit_sampler_destroy(struct audit_sampler *sampler)
{
    if (sampler == NULL)
        return;
    sampler->is_ending = true;
    common_finish(&sampler->common);
    loop_stop_timer(sampler->common.options.loop, &sampler->timer);
    chunk_finish(&sampler->chunk);
    postgres_group_finish(&sampler->group);
    free(sampler);
}
