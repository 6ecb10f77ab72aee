#include "internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct runner_kind reactions_kind =
    RUNNER_KIND("reaction_checkpoints", "reaction_runner", "NULL::bigint", METRICS_REACTION_RUNNER);

/* ---- measuring ------------------------------------------------------------------------------- */

static int64_t larger(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

static void measure(void *context, int64_t head_position)
{
    const struct reactions *self = context;
    struct metrics *metrics = self->options.metrics;
    int64_t lag_events = 0;
    int64_t lag_seconds = 0;
    int64_t n_paused = 0;
    for (size_t i = 0; i < self->n_members; i++) {
        const struct runner_checkpoint *checkpoint = self->members[i].checkpoint;
        if (!checkpoint->is_known)
            continue;
        lag_events = larger(lag_events, head_position - checkpoint->position);
        lag_seconds = larger(lag_seconds, runner_lag_seconds(checkpoint));
        n_paused += checkpoint->is_paused;
    }
    metrics_set(metrics, METRICS_REACTION_LAG_EVENTS, lag_events);
    metrics_set(metrics, METRICS_REACTION_LAG_SECONDS, lag_seconds);
    metrics_set(metrics, METRICS_REACTIONS_PAUSED, n_paused);
}

static void receive_due(struct reactions *self, const struct postgres_rows *rows)
{
    struct metrics *metrics = self->options.metrics;
    int64_t now_us = self->options.now_us();
    int64_t n_due = 0;
    int64_t overdue_us = 0;
    for (size_t i = 0; i < self->n_members; i++)
        self->members[i].n_due = 0;
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        int64_t n = postgres_get_int8(rows, row, 1);
        for (size_t i = 0; i < self->n_members; i++)
            if (strcmp(postgres_get_text(rows, row, 0), self->members[i].reaction->name) == 0)
                self->members[i].n_due = n;
        n_due += n;
        overdue_us = larger(overdue_us, now_us - postgres_get_time(rows, row, 2));
    }
    metrics_set(metrics, METRICS_REACTION_TIMERS_DUE, n_due);
    metrics_set(metrics, METRICS_REACTION_OVERDUE_SECONDS, overdue_us / 1000000);
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

static bool has_work(const struct reactions *self, const struct member *member, bool is_of_timers)
{
    const struct runner_checkpoint *checkpoint = member->checkpoint;
    if (!checkpoint->is_known || checkpoint->is_paused)
        return false;
    return is_of_timers ? member->n_due > 0 : checkpoint->position < self->head_position;
}

/* Events and timers of each reaction have their turns. */
static bool begin_in_turn(struct reactions *self)
{
    size_t n = 2 * self->n_members;
    for (size_t i = 0; i < n; i++) {
        size_t turn = (self->turn + i) % n;
        const struct member *member = &self->members[turn / 2];
        bool is_of_timers = turn % 2 == 1;
        if (!has_work(self, member, is_of_timers))
            continue;
        self->turn = turn + 1;
        reactions_begin_chunk(self, member, is_of_timers);
        return true;
    }
    return false;
}

static void due_answered(struct postgres_pipeline *pipeline)
{
    struct reactions *self = BASE_CONTAINER(pipeline, struct reactions, due);
    if (!postgres_is_done(pipeline->outcome)) {
        runner_ended(&self->runner, RUNNER_TROUBLE);
        return;
    }
    receive_due(self, postgres_pipeline_rows(pipeline, 0));
    if (self->is_draining || !begin_in_turn(self))
        runner_ended(&self->runner, RUNNER_NOTHING);
}

static void begin(void *context, int64_t head_position)
{
    struct reactions *self = context;
    self->head_position = head_position;
    postgres_pipeline_begin(&self->due);
    self->due.answered = due_answered;
    timers_ask_count(&self->due, self->runner.names, self->n_members, self->options.now_us());
    postgres_send(self->runner.connection, &self->due);
}

static bool is_busy(void *context)
{
    const struct reactions *self = context;
    return service_waiting(self->options.service) > SERVICE_LOADED;
}

/* ---- the room -------------------------------------------------------------------------------- */

static bool start_runner(struct reactions *self, char **problem)
{
    const struct reactions_options *options = &self->options;
    const struct postgres_statement *const *statements[] = {
        timers_statements, eventstore_history_statements, eventstore_load_statements};
    const char *names[REACTIONS_MAX];
    for (size_t i = 0; i < self->n_members; i++) {
        names[i] = self->members[i].reaction->name;
        self->members[i].checkpoint = &self->runner.checkpoints[i];
    }
    return runner_start(
        &self->runner,
        &(struct runner_options){
            .kind = &reactions_kind,
            .names = names,
            .n_names = self->n_members,
            .loop = options->loop,
            .log = options->log,
            .metrics = options->metrics,
            .url = options->url,
            .role = "react",
            .history = options->history,
            .ready_sql = options->ready_sql,
            .not_ready_detail = options->not_ready_detail,
            .statements = statements,
            .n_statements = BASE_COUNT(statements),
            .begin = begin,
            .measure = measure,
            .is_busy = is_busy,
            .context = self,
        },
        problem);
}

struct reactions *reactions_create(const struct reactions_options *options, char **problem)
{
    struct reactions *self = base_alloc(sizeof *self);
    self->options = *options;
    for (; reactions[self->n_members] != NULL; self->n_members++) {
        assert(self->n_members < REACTIONS_MAX);
        self->members[self->n_members].reaction = reactions[self->n_members];
    }
    if (start_runner(self, problem))
        return self;
    free(self);
    return NULL;
}

void reactions_drain(struct reactions *self)
{
    if (self != NULL)
        self->is_draining = true;
}

void reactions_destroy(struct reactions *self)
{
    if (self == NULL)
        return;
    assert(self->is_draining && self->n_in_flight == 0);
    runner_stop(&self->runner);
    postgres_pipeline_finish(&self->due);
    postgres_pipeline_finish(&self->rows);
    postgres_pipeline_finish(&self->write);
    slice_finish(&self->slice);
    base_arena_finish(&self->arena);
    free(self);
}
