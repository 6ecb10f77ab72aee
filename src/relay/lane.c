#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "internal.h"

/*
 *             not ours, or in trouble: later
 *         ┌──────────────────────────────────────────┐
 *         │         nothing new: soon                │
 *     RESTING ───▶ ASKING ─────────────────▶ SENDING, in the worker's thread
 *         ▲     checkpoint, claim,                   │
 *         │     end of the log, events               │
 *         └──────────── at once ─────────────────────┘
 *
 * One thing at a time, so a batch of events is all that is in memory, whatever the sink does. While
 * the sink takes its time, the claim is renewed.
 */
#define BATCH_EVENTS 1000
/* Of the log, at once: most events may be of other types. */
#define RANGE_MAX 80000
#define POLL_US (100 * 1000)
#define CLAIM_US (1000 * 1000) /* how often a claim is renewed; five of these are its end */
#define TROUBLE_LEAST_US (500 * 1000)
#define TROUBLE_MOST_US (30 * 1000 * 1000)

struct lane {
    struct lane_options options;
    struct postgres_connection *connection;
    struct worker *worker;
    struct base_uuid id; /* this process */
    struct loop_timer rest;
    struct loop_timer renewal;
    struct postgres_pipeline turn;
    struct postgres_pipeline renew;
    struct base_arena arena; /* of the batch */
    struct relay_event *events;
    size_t n_events;
    int64_t until;         /* what the position is when the batch is sent */
    int64_t written;       /* the checkpoint, as this process believes; -1: it does not know */
    int64_t n_unwritten;   /* events that were taken since */
    int64_t claimed_at_us; /* by the loop's clock */
    int64_t trouble_us;    /* how long the last trouble made it rest; 0: there is none */
    char problem[RELAY_PROBLEM_SIZE];
    struct lane_numbers numbers;
    bool asks_events; /* in the turn that is under way */
    bool is_asking;
    bool is_renewing;
    bool is_sending;
    bool is_ending;
    bool is_released;
};

static void begin_turn(struct lane *self);

static void rest(struct lane *self, int64_t delay_us)
{
    loop_start_timer(self->options.loop, &self->rest, self->is_ending ? 0 : delay_us);
}

static void rested(struct loop_timer *timer)
{
    begin_turn(BASE_CONTAINER(timer, struct lane, rest));
}

static void end(struct lane *self)
{
    loop_stop_timer(self->options.loop, &self->rest);
    loop_stop_timer(self->options.loop, &self->renewal);
    self->numbers.is_runner = false;
    self->options.ended(self->options.context);
}

/* ---- the claim ------------------------------------------------------------------------------- */

static const char *find_failure(const struct lane *self)
{
    return self->problem[0] != '\0' ? self->problem : NULL;
}

static void ask_claim(struct lane *self, struct postgres_pipeline *pipeline)
{
    self->claimed_at_us = loop_now_us(self->options.loop);
    checkpoints_ask_claim(
        pipeline, &(struct checkpoints_claim){
                      .name = self->options.name,
                      .runner = &self->id,
                      .after = self->written,
                      .until = self->numbers.position,
                      .n_sent = self->n_unwritten,
                      .failure = find_failure(self),
                  });
}

/* False: another process has it. */
static bool receive_claim(struct lane *self, const struct postgres_rows *rows)
{
    self->numbers.is_runner = postgres_rows_count(rows) == 1;
    if (!self->numbers.is_runner) {
        self->written = -1;
        return false;
    }
    self->written = postgres_get_int8(rows, 0, 0);
    self->n_unwritten = 0;
    return true;
}

static void renew_answered(struct postgres_pipeline *pipeline)
{
    struct lane *self = BASE_CONTAINER(pipeline, struct lane, renew);
    self->is_renewing = false;
}

/* A batch takes long, and so does a rest in trouble. Whether the claim still holds is looked at in
 * the next turn. */
static void renew(struct loop_timer *timer)
{
    struct lane *self = BASE_CONTAINER(timer, struct lane, renewal);
    loop_start_timer(self->options.loop, timer, CLAIM_US);
    int64_t age_us = loop_now_us(self->options.loop) - self->claimed_at_us;
    if (!self->numbers.is_runner || self->is_asking || self->is_renewing || age_us < CLAIM_US)
        return;
    self->claimed_at_us = loop_now_us(self->options.loop);
    self->is_renewing = true;
    postgres_pipeline_begin(&self->renew);
    self->renew.answered = renew_answered;
    checkpoints_ask_claim(
        &self->renew, &(struct checkpoints_claim){
                          .name = self->options.name,
                          .runner = &self->id,
                          .after = self->written,
                          .until = self->written,
                          .failure = find_failure(self),
                      });
    postgres_send(self->connection, &self->renew);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void note_trouble(struct lane *self, const char *problem)
{
    self->numbers.n_failures++;
    if (strcmp(self->problem, problem) != 0)
        base_log(
            self->options.log, BASE_LOG_RELAY_FAILED, BASE_LOG_TEXT("relay", self->options.name),
            BASE_LOG_NUMBER("position", self->numbers.position), BASE_LOG_TEXT("reason", problem));
    memcpy(self->problem, problem, sizeof self->problem);
    self->trouble_us = self->trouble_us == 0 ? TROUBLE_LEAST_US : self->trouble_us * 2;
    if (self->trouble_us > TROUBLE_MOST_US)
        self->trouble_us = TROUBLE_MOST_US;
}

static void note_success(struct lane *self)
{
    if (self->problem[0] != '\0')
        base_log(
            self->options.log, BASE_LOG_RELAY_GOES_ON, BASE_LOG_TEXT("relay", self->options.name),
            BASE_LOG_NUMBER("position", self->numbers.position));
    self->problem[0] = '\0';
    self->trouble_us = 0;
}

void lane_answered(struct worker *worker, void *context)
{
    struct lane *self = context;
    const struct worker_answer *answer = worker_find_answer(worker);
    self->is_sending = false;
    self->n_unwritten += (int64_t)answer->n_taken;
    self->numbers.n_sent += (int64_t)answer->n_taken;
    if (answer->n_taken == self->n_events) {
        self->numbers.position = self->until;
        note_success(self);
    } else {
        if (answer->n_taken > 0)
            self->numbers.position = self->events[answer->n_taken - 1].position;
        note_trouble(self, answer->problem);
        self->is_ending = self->is_ending || self->options.ends_in_trouble;
    }
    base_arena_reset(&self->arena);
    rest(self, self->trouble_us);
}

static void make_event(
    const struct lane *self, const struct eventstore_event *stored, struct base_arena *arena,
    struct relay_event *event)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer json = {0};
    const struct codec_event shown = aggregate_to_codec(stored);
    event->position = stored->position;
    event->stream_type = base_arena_copy_text(arena, stored->stream_type);
    event->type = base_arena_copy_text(arena, stored->type);
    event->attributes = codec_make_cloud_event(&shown, &self->options.naming, arena);
    codec_write_cloud_event(&json, &event->attributes);
    event->json = base_arena_copy(arena, json.bytes, json.length);
    event->json_length = json.length;
}

static void send_batch(struct lane *self, const struct postgres_rows *rows)
{
    self->events = base_arena_alloc(&self->arena, self->n_events * sizeof *self->events);
    for (size_t row = 0; row < self->n_events; row++) {
        struct eventstore_event stored;
        eventstore_receive_event(rows, row, &stored);
        make_event(self, &stored, &self->arena, &self->events[row]);
    }
    self->is_sending = true;
    worker_send(self->worker, self->events, self->n_events);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int64_t larger(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

/* Up to where all events of the types are in the rows. Positions have no gaps and are read in their
 * order, so what is behind the last row of a full page is still to be read, and of one that is not
 * full, what is behind the head that was read before it. */
static int64_t find_until(const struct lane *self, const struct postgres_rows *rows)
{
    int64_t range_end = self->numbers.position + RANGE_MAX;
    int64_t head = self->numbers.head_position;
    int64_t last = 0;
    if (self->n_events > 0) {
        struct eventstore_event event;
        eventstore_receive_event(rows, self->n_events - 1, &event);
        last = event.position;
    }
    if (self->n_events == BATCH_EVENTS)
        return last;
    return larger(range_end < head ? range_end : head, last);
}

static void receive_events(struct lane *self, const struct postgres_rows *rows)
{
    self->n_events = postgres_rows_count(rows);
    self->until = find_until(self, rows);
    if (self->n_events > 0) {
        struct eventstore_event first;
        eventstore_receive_event(rows, 0, &first);
        int64_t age_us = base_clock_now_us() - first.recorded_at_us;
        self->numbers.lag_seconds = age_us > 0 ? age_us / 1000000 : 0;
        send_batch(self, rows);
        return;
    }
    self->numbers.position = self->until;
    bool is_at_end = self->until >= self->numbers.head_position;
    if (is_at_end)
        self->numbers.lag_seconds = 0;
    if (is_at_end && self->options.is_rehearsal)
        end(self);
    else
        rest(self, is_at_end ? POLL_US : 0);
}

static void receive_turn(struct lane *self)
{
    bool has_claim = self->turn.n_statements > 1 + (size_t)self->asks_events;
    size_t next = 0;
    if (has_claim && !receive_claim(self, postgres_pipeline_rows(&self->turn, next++))) {
        rest(self, CLAIM_US);
        return;
    }
    struct eventstore_head head =
        eventstore_receive_head(postgres_pipeline_rows(&self->turn, next++));
    self->numbers.head_position = head.position;
    if (self->is_ending) {
        rest(self, 0);
    } else if (has_claim && self->written != self->numbers.position) {
        self->numbers.position = self->written; /* somebody else has set it */
        rest(self, 0);
    } else if (head.position < self->numbers.position) {
        char problem[RELAY_PROBLEM_SIZE] =
            "the log ends before events that were sent already: it is another log, or an older "
            "copy; `cartd-relay rewind` says where to go on";
        note_trouble(self, problem);
        rest(self, self->trouble_us);
    } else if (self->asks_events) {
        receive_events(self, postgres_pipeline_rows(&self->turn, next));
    } else {
        rest(self, 0);
    }
}

static void turn_answered(struct postgres_pipeline *pipeline)
{
    struct lane *self = BASE_CONTAINER(pipeline, struct lane, turn);
    self->is_asking = false;
    if (self->is_released)
        end(self);
    else if (postgres_is_done(pipeline->outcome))
        receive_turn(self);
    else /* mostly, it is not connected yet */
        rest(self, POLL_US);
}

static void ask_events(struct lane *self)
{
    self->asks_events = true;
    eventstore_ask_log(
        &self->turn, &(struct eventstore_log_wanted){
                         .after_position = self->numbers.position,
                         .until_position = self->numbers.position + RANGE_MAX,
                         .limit = BATCH_EVENTS,
                         .types = self->options.types,
                         .n_types = self->options.n_types,
                     });
}

/* Who writes nothing new says only now and then that it is still there. */
static bool needs_claim(const struct lane *self)
{
    if (self->options.is_rehearsal)
        return false;
    int64_t age_us = loop_now_us(self->options.loop) - self->claimed_at_us;
    bool has_news = self->written != self->numbers.position || self->n_unwritten > 0;
    return !self->numbers.is_runner || self->is_ending || age_us >= CLAIM_US || has_news ||
           self->problem[0] != '\0';
}

static void begin_turn(struct lane *self)
{
    bool knows_position = self->options.is_rehearsal || self->written >= 0;
    self->asks_events = false;
    self->is_asking = true;
    postgres_pipeline_begin(&self->turn);
    self->turn.answered = turn_answered;
    if (needs_claim(self))
        ask_claim(self, &self->turn);
    eventstore_ask_head(&self->turn);
    if (self->is_ending) {
        checkpoints_ask_release(&self->turn, self->options.name, &self->id);
        self->is_released = true;
    } else if (knows_position) {
        ask_events(self);
    }
    postgres_send(self->connection, &self->turn);
}

/* ---- from outside ---------------------------------------------------------------------------- */

struct lane *lane_create(const struct lane_options *options)
{
    struct base_random random = {0};
    struct lane *self = base_alloc(sizeof *self);
    self->options = *options;
    self->id = base_uuid_make_v7(&random, base_clock_now_us());
    self->rest.fired = rested;
    self->renewal.fired = renew;
    self->written = -1;
    self->numbers.position = options->is_rehearsal ? options->after : 0;
    return self;
}

void lane_use(struct lane *self, struct postgres_connection *connection, struct worker *worker)
{
    self->connection = connection;
    self->worker = worker;
}

void lane_start(struct lane *self)
{
    loop_start_timer(self->options.loop, &self->renewal, CLAIM_US);
    rest(self, 0);
}

void lane_stop(struct lane *self)
{
    self->is_ending = true;
    if (!self->is_asking && !self->is_sending)
        rest(self, 0);
}

void lane_destroy(struct lane *self)
{
    loop_stop_timer(self->options.loop, &self->rest);
    loop_stop_timer(self->options.loop, &self->renewal);
    postgres_pipeline_finish(&self->turn);
    postgres_pipeline_finish(&self->renew);
    base_arena_finish(&self->arena);
    free(self);
}

const struct lane_numbers *lane_count(const struct lane *self)
{
    return &self->numbers;
}
