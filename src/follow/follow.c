#include <stdlib.h>

#include "internal.h"

/*
 *              not the runner, or in trouble: a second
 *         ┌──────────────────────────────────────────────┐
 *         │              nothing new: a quarter of one   │
 *     RESTING ───▶ POLLING ──▶ READING ──▶ LOADING ──▶ WRITING or PAUSING
 *         ▲        claim,       the log,    carts that       tables and
 *         │      checkpoints   chunk.c     are not cached   checkpoints
 *         └──────────── at once, or longer while commands wait ──┘
 *
 * One thing at a time: what comes next is asked for when the answer is there, or by the timer.
 */
#define TROUBLE_US (1000 * 1000)
#define ANSWER_MS 30000 /* nobody waits for it */
#define POLL_US (250 * 1000)
#define CLAIM_US (1000 * 1000) /* how often it is said who runs them; five are long enough */
/* While commands wait, the projections' work takes at most a fifth of the time, theirs and
 * PostgreSQL's. */
#define BUSY_RESTS 4
#define BUSY_REST_MAX_US (500 * 1000)

#define LOAD_EVENTS_MAX 256 /* of carts that are not cached, at once */
#define CARTS_MAX 32768
#define CARTS_BYTES_MAX (32 * 1024 * 1024)

static void poll_log(struct follow *self);

static void rest(struct follow *self, int64_t delay_us)
{
    if (!self->is_ending)
        loop_start_timer(self->options.loop, &self->timer, delay_us);
}

static void rested(struct loop_timer *timer)
{
    poll_log(BASE_CONTAINER(timer, struct follow, timer));
}

/* ---- polling --------------------------------------------------------------------------------- */

static void measure(const struct follow *self, int64_t head_position)
{
    struct metrics *metrics = self->options.metrics;
    int64_t now_us = base_clock_now_us();
    for (size_t i = 0; i < self->n_members; i++) {
        const struct projections_follower *follower = self->members[i].follower;
        const struct follow_checkpoint *checkpoint = &self->members[i].checkpoint;
        int64_t age_us = now_us - checkpoint->next_recorded_at_us;
        metrics_set(metrics, follower->lag_events, head_position - checkpoint->position);
        metrics_set(metrics, follower->lag_seconds, age_us > 0 ? age_us / 1000000 : 0);
        metrics_set(metrics, follower->is_paused, checkpoint->is_paused);
    }
    metrics_set(metrics, METRICS_PROJECTION_RUNNER, self->is_runner);
}

static void poll_answered(struct postgres_pipeline *pipeline)
{
    struct follow *self = BASE_CONTAINER(pipeline, struct follow, poll);
    if (!postgres_is_done(pipeline->outcome)) {
        rest(self, TROUBLE_US);
        return;
    }
    struct follow_checkpoint checkpoints[PROJECTIONS_FOLLOWERS_MAX];
    checkpoints_receive(postgres_pipeline_rows(pipeline, 0), checkpoints);
    for (size_t i = 0; i < self->n_members; i++)
        self->members[i].checkpoint = checkpoints[i];
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(pipeline, 1));
    if (pipeline->n_statements > 2)
        self->is_runner = checkpoints_receive_claim(postgres_pipeline_rows(pipeline, 2));
    measure(self, head.position);
    if (!self->is_runner)
        rest(self, CLAIM_US);
    else if (!follow_begin_chunk(self, head.position))
        rest(self, POLL_US);
}

static void poll_log(struct follow *self)
{
    if (!postgres_connection_is_ready(self->connection)) {
        self->is_runner = false;
        rest(self, TROUBLE_US);
        return;
    }
    self->began_at_us = base_clock_monotonic_us();
    postgres_pipeline_begin(&self->poll);
    self->poll.answered = poll_answered;
    checkpoints_ask(&self->poll);
    eventstore_ask_head(&self->poll);
    if (!self->is_runner || self->began_at_us - self->claimed_at_us >= CLAIM_US) {
        self->claimed_at_us = self->began_at_us;
        checkpoints_ask_claim(&self->poll, &self->runner);
    }
    postgres_send(self->connection, &self->poll);
}

void follow_chunk_ended(struct follow *self, bool is_done)
{
    base_arena_reset(&self->arena);
    if (!is_done) {
        rest(self, TROUBLE_US);
        return;
    }
    int64_t took_us = base_clock_monotonic_us() - self->began_at_us;
    int64_t rest_us = 0;
    if (self->options.is_busy(self->options.context))
        rest_us = took_us * BUSY_RESTS < BUSY_REST_MAX_US ? took_us * BUSY_RESTS : BUSY_REST_MAX_US;
    rest(self, rest_us);
}

/* ---- the room -------------------------------------------------------------------------------- */

static size_t add_statements(
    struct follow *self, size_t n, const struct postgres_statement *const *list)
{
    for (; *list != NULL; list++)
        self->statements[n++] = *list;
    return n;
}

static void collect_statements(struct follow *self)
{
    size_t n = add_statements(self, 0, checkpoints_statements);
    n = add_statements(self, n, eventstore_log_statements);
    n = add_statements(self, n, eventstore_ranges_statements);
    for (size_t i = 0; i < self->n_members; i++) {
        n = add_statements(self, n, self->members[i].follower->erase);
        n = add_statements(self, n, self->members[i].follower->write);
    }
    self->statements[n] = NULL;
}

struct follow *follow_create(const struct follow_options *options, char **problem)
{
    struct follow *self = base_alloc(sizeof *self);
    self->options = *options;
    self->timer.fired = rested;
    struct base_random random = {0};
    self->runner = base_uuid_make_v7(&random, base_clock_now_us());
    const struct projections_follower *const *followers = projections_followers(&self->n_members);
    for (size_t i = 0; i < self->n_members; i++)
        self->members[i].follower = followers[i];
    collect_statements(self);
    self->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = options->loop,
            .log = options->log,
            .url = options->url,
            .history = options->history,
            .role = "follow",
            .statements = self->statements,
            .ready_sql = options->ready_sql,
            .not_ready_detail = options->not_ready_detail,
            .answer_timeout_ms = ANSWER_MS,
        },
        problem);
    if (self->connection == NULL) {
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
    rest(self, 0);
    return self;
}

void follow_destroy(struct follow *self)
{
    if (self == NULL)
        return;
    self->is_ending = true;
    postgres_connection_destroy(self->connection);
    loop_stop_timer(self->options.loop, &self->timer);
    postgres_pipeline_finish(&self->poll);
    postgres_pipeline_finish(&self->log);
    postgres_pipeline_finish(&self->load);
    for (size_t i = 0; i < self->n_members; i++)
        projections_finish_facts(&self->members[i].facts);
    replay_cache_finish(&self->carts);
    base_arena_finish(&self->arena);
    free(self->scratch);
    free(self);
}
