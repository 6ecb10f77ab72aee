#include <stdlib.h>

#include "internal.h"

/*
 *     the runner ──▶ READING ──▶ LOADING ──▶ WRITING or PAUSING ──▶ the runner
 *                  the log,    carts that       tables and
 *                 chunk.c     are not cached   checkpoints
 *
 * One thing at a time: what comes next is asked for when the answer is there.
 */
#define LOAD_EVENTS_MAX 256 /* of carts that are not cached, at once */
#define CARTS_MAX 32768
#define CARTS_BYTES_MAX (32 * 1024 * 1024)

/* ---- for the runner -------------------------------------------------------------------------- */

static void measure(void *context, int64_t head_position)
{
    const struct follow *self = context;
    struct metrics *metrics = self->options.metrics;
    for (size_t i = 0; i < self->n_members; i++) {
        const struct projections_follower *follower = self->members[i].follower;
        const struct runner_checkpoint *checkpoint = self->members[i].checkpoint;
        metrics_set(metrics, follower->lag_events, head_position - checkpoint->position);
        metrics_set(metrics, follower->lag_seconds, runner_lag_seconds(checkpoint));
        metrics_set(metrics, follower->is_paused, checkpoint->is_paused);
    }
}

static void begin_chunk(void *context, int64_t head_position)
{
    struct follow *self = context;
    if (!follow_begin_chunk(self, head_position))
        runner_ended(&self->runner, RUNNER_NOTHING);
}

static bool is_busy(void *context)
{
    const struct follow *self = context;
    return self->options.is_busy(self->options.context);
}

void follow_chunk_ended(struct follow *self, enum runner_result result)
{
    base_arena_reset(&self->arena);
    runner_ended(&self->runner, result);
}

/* ---- the room -------------------------------------------------------------------------------- */

static bool start_runner(struct follow *self, char **problem)
{
    const struct follow_options *options = &self->options;
    const char *names[PROJECTIONS_FOLLOWERS_MAX];
    const struct postgres_statement *const *statements[2 + 2 * PROJECTIONS_FOLLOWERS_MAX] = {
        checkpoints_statements, eventstore_ranges_statements};
    for (size_t i = 0; i < self->n_members; i++) {
        const struct projections_follower *follower = self->members[i].follower;
        names[i] = follower->name;
        statements[2 + 2 * i] = follower->erase;
        statements[3 + 2 * i] = follower->write;
        self->members[i].checkpoint = &self->runner.checkpoints[i];
    }
    return runner_start(
        &self->runner,
        &(struct runner_options){
            .kind = &checkpoints_kind,
            .names = names,
            .n_names = self->n_members,
            .loop = options->loop,
            .log = options->log,
            .metrics = options->metrics,
            .url = options->url,
            .role = "follow",
            .history = options->history,
            .ready_sql = options->ready_sql,
            .not_ready_detail = options->not_ready_detail,
            .statements = statements,
            .n_statements = 2 + 2 * self->n_members,
            .begin = begin_chunk,
            .measure = measure,
            .is_busy = is_busy,
            .context = self,
        },
        problem);
}

struct follow *follow_create(const struct follow_options *options, char **problem)
{
    struct follow *self = base_alloc(sizeof *self);
    self->options = *options;
    const struct projections_follower *const *followers = projections_followers(&self->n_members);
    for (size_t i = 0; i < self->n_members; i++)
        self->members[i].follower = followers[i];
    if (!start_runner(self, problem)) {
        free(self);
        return NULL;
    }
    replay_cache_init(
        &self->carts, &(struct replay_cache_limits){
                          .states_max = CARTS_MAX,
                          .bytes_max = CARTS_BYTES_MAX,
                          .notes_size = sizeof(struct follow_notes),
                      });
    self->missing = (struct replay_ranges){
        .slice_events = LOAD_EVENTS_MAX,
        .received = follow_receive_range,
        .context = self,
    };
    self->scratch = base_alloc(sizeof *self->scratch);
    return self;
}

void follow_destroy(struct follow *self)
{
    if (self == NULL)
        return;
    runner_stop(&self->runner);
    postgres_pipeline_finish(&self->log);
    postgres_pipeline_finish(&self->load);
    for (size_t i = 0; i < self->n_members; i++)
        projections_finish_facts(&self->members[i].facts);
    replay_cache_finish(&self->carts);
    base_arena_finish(&self->arena);
    free(self->scratch);
    free(self);
}
