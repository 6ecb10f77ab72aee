#include "runner.h"

#include <assert.h>
#include <string.h>

#include "eventstore.h"

/*
 *              not the runner, or in trouble: a second
 *         ┌──────────────────────────────────────────────┐
 *         │              nothing new: a quarter of one   │
 *     RESTING ───▶ POLLING ─────────────▶ the owner's chunk
 *         ▲        claim, checkpoints,           │
 *         │        the end of the log            │
 *         └──── at once while it is behind, else soon; longer while commands wait
 *
 * One thing at a time: what comes next is asked for when the answer is there, or by the timer.
 */
#define TROUBLE_US (1000 * 1000)
#define ANSWER_MS 30000 /* nobody waits for it */
#define POLL_US (250 * 1000)
#define CLAIM_US (1000 * 1000) /* how often it is said who runs them; five are long enough */
/* Few events wait for more, which cost little more than one: a chunk's price is its round trips. */
#define FEW_EVENTS 4096
#define FEW_US (50 * 1000)
/* While commands wait, the work takes at most a fifth of the time, its own and PostgreSQL's. */
#define BUSY_RESTS 4
#define BUSY_REST_MAX_US (500 * 1000)

static void poll_log(struct runner *self);

static void rest(struct runner *self, int64_t delay_us)
{
    if (!self->is_ending)
        loop_start_timer(self->options.loop, &self->timer, delay_us);
}

static void rested(struct loop_timer *timer)
{
    poll_log(BASE_CONTAINER(timer, struct runner, timer));
}

/* ---- polling --------------------------------------------------------------------------------- */

static void receive_checkpoints(struct runner *self, const struct postgres_rows *rows)
{
    const struct runner_options *options = &self->options;
    for (size_t i = 0; i < options->n_names; i++)
        self->checkpoints[i] = (struct runner_checkpoint){.is_known = false};
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        for (size_t i = 0; i < options->n_names; i++) {
            if (strcmp(postgres_get_text(rows, row, 0), options->names[i]) != 0)
                continue;
            self->checkpoints[i] = (struct runner_checkpoint){
                .position = postgres_get_int8(rows, row, 1),
                .rebuilt_position =
                    postgres_is_null(rows, row, 2) ? -1 : postgres_get_int8(rows, row, 2),
                .is_paused = postgres_get_bool(rows, row, 3),
                .next_recorded_at_us =
                    postgres_is_null(rows, row, 4) ? INT64_MAX : postgres_get_time(rows, row, 4),
                .is_known = true,
            };
        }
    }
}

int64_t runner_lag_seconds(const struct runner_checkpoint *checkpoint)
{
    int64_t age_us = base_clock_now_us() - checkpoint->next_recorded_at_us;
    return age_us > 0 ? age_us / 1000000 : 0;
}

static bool is_behind(const struct runner *self, int64_t head_position)
{
    for (size_t i = 0; i < self->options.n_names; i++) {
        const struct runner_checkpoint *checkpoint = &self->checkpoints[i];
        if (checkpoint->is_known && !checkpoint->is_paused &&
            head_position - checkpoint->position > FEW_EVENTS)
            return true;
    }
    return false;
}

static void poll_answered(struct postgres_pipeline *pipeline)
{
    struct runner *self = BASE_CONTAINER(pipeline, struct runner, poll);
    const struct runner_options *options = &self->options;
    if (!postgres_is_done(pipeline->outcome)) {
        rest(self, TROUBLE_US);
        return;
    }
    receive_checkpoints(self, postgres_pipeline_rows(pipeline, 0));
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(pipeline, 1));
    if (pipeline->n_statements > 2)
        self->is_runner = postgres_rows_count(postgres_pipeline_rows(pipeline, 2)) == 1;
    self->is_behind = is_behind(self, head.position);
    metrics_set(options->metrics, options->kind->is_runner, self->is_runner);
    options->measure(options->context, head.position);
    if (self->is_runner)
        options->begin(options->context, head.position);
    else
        rest(self, CLAIM_US);
}

static void poll_log(struct runner *self)
{
    const struct runner_kind *kind = self->options.kind;
    if (!postgres_connection_is_ready(self->connection)) {
        self->is_runner = false;
        rest(self, TROUBLE_US);
        return;
    }
    self->began_at_us = base_clock_monotonic_us();
    postgres_pipeline_begin(&self->poll);
    self->poll.answered = poll_answered;
    (void)postgres_pipeline_add(&self->poll, &kind->read); /* it has no parameters */
    eventstore_ask_head(&self->poll);
    if (!self->is_runner || self->began_at_us - self->claimed_at_us >= CLAIM_US) {
        self->claimed_at_us = self->began_at_us;
        postgres_put_uuid(postgres_pipeline_add(&self->poll, &kind->claim), &self->id);
    }
    postgres_send(self->connection, &self->poll);
}

static int64_t choose_busy_rest(int64_t took_us, int64_t least_us)
{
    int64_t rest_us = took_us * BUSY_RESTS;
    if (rest_us > BUSY_REST_MAX_US)
        rest_us = BUSY_REST_MAX_US;
    return rest_us > least_us ? rest_us : least_us;
}

void runner_ended(struct runner *self, enum runner_result result)
{
    int64_t took_us = base_clock_monotonic_us() - self->began_at_us;
    int64_t rest_us = 0;
    switch (result) {
    case RUNNER_DONE:
        rest_us = self->is_behind ? 0 : FEW_US;
        if (self->options.is_busy(self->options.context))
            rest_us = choose_busy_rest(took_us, rest_us);
        break;
    case RUNNER_NOTHING:
        rest_us = POLL_US;
        break;
    case RUNNER_TROUBLE:
        rest_us = TROUBLE_US;
        break;
    }
    rest(self, rest_us);
}

/* ---- the room -------------------------------------------------------------------------------- */

static bool has_statement(const struct runner *self, const struct postgres_statement *statement)
{
    for (size_t i = 0; self->statements[i] != NULL; i++)
        if (self->statements[i] == statement)
            return true;
    return false;
}

static void add_statements(struct runner *self, const struct postgres_statement *const *list)
{
    size_t n = 0;
    while (self->statements[n] != NULL)
        n++;
    for (; *list != NULL; list++) {
        if (has_statement(self, *list))
            continue;
        assert(n + 1 < RUNNER_STATEMENTS_MAX);
        self->statements[n++] = *list;
    }
}

bool runner_start(struct runner *self, const struct runner_options *options, char **problem)
{
    assert(options->n_names <= RUNNER_FOLLOWERS_MAX);
    self->options = *options;
    memcpy(self->names, options->names, options->n_names * sizeof self->names[0]);
    self->options.names = self->names;
    self->timer.fired = rested;
    struct base_random random = {0};
    self->id = base_uuid_make_v7(&random, base_clock_now_us());
    const struct postgres_statement *own[] = {&options->kind->claim, &options->kind->read, NULL};
    add_statements(self, own);
    add_statements(self, eventstore_log_statements);
    for (size_t i = 0; i < options->n_statements; i++)
        add_statements(self, options->statements[i]);
    self->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = options->loop,
            .log = options->log,
            .url = options->url,
            .history = options->history,
            .role = options->role,
            .statements = self->statements,
            .ready_sql = options->ready_sql,
            .not_ready_detail = options->not_ready_detail,
            .answer_timeout_ms = ANSWER_MS,
        },
        problem);
    if (self->connection == NULL)
        return false;
    rest(self, 0);
    return true;
}

void runner_stop(struct runner *self)
{
    self->is_ending = true;
    postgres_connection_destroy(self->connection);
    loop_stop_timer(self->options.loop, &self->timer);
    postgres_pipeline_finish(&self->poll);
}
