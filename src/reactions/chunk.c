#include "internal.h"

#include <stdio.h>
#include <string.h>

/*
 *     READING ──rows──▶ ANSWERING ◄──▶ SENDING ──all answered──▶ WRITING ──▶ the runner
 *   events or timers     perhaps a     a few in            timers, checkpoint,
 *                       state is read   flight              perhaps a pause
 *
 * Steps are answered in order, and so are their commands sent. When something is wrong, nothing
 * more is sent; when all that is in flight is answered, what was done before that is written.
 */

/* Of the log, at once: most events may be of other types. */
#define CHUNK_RANGE_MAX 4096
/* A timer is not set again for earlier, whatever its reaction says. */
#define WAKE_LEAST_US (1000 * 1000)

/* Whether nothing more is sent. */
static bool is_stopped(const struct reactions *self)
{
    return self->is_draining || self->chunk.has_trouble || self->chunk.reason[0] != '\0';
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_answered(struct postgres_pipeline *pipeline)
{
    struct reactions *self = BASE_CONTAINER(pipeline, struct reactions, write);
    const struct chunk *chunk = &self->chunk;
    bool is_written = postgres_is_done(pipeline->outcome);
    bool is_paused =
        is_written && chunk->reason[0] != '\0' &&
        postgres_rows_count(postgres_pipeline_rows(pipeline, pipeline->n_statements - 1)) == 1;
    if (is_paused)
        base_log(
            self->options.log, BASE_LOG_REACTION_PAUSED,
            BASE_LOG_TEXT("reaction", chunk->reaction->name),
            BASE_LOG_NUMBER("position", chunk->reason_position),
            BASE_LOG_TEXT("reason", chunk->reason));
    base_arena_reset(&self->arena);
    runner_ended(&self->runner, is_written && !chunk->has_trouble ? RUNNER_DONE : RUNNER_TROUBLE);
}

/* The steps before the first that is not done. */
static size_t count_done(const struct chunk *chunk)
{
    size_t n = 0;
    while (n < chunk->n_steps && chunk->steps[n].n_done == chunk->steps[n].n_commands)
        n++;
    return n;
}

static void write_chunk(struct reactions *self)
{
    const struct chunk *chunk = &self->chunk;
    size_t n = count_done(chunk);
    int64_t until = chunk->until;
    if (n < chunk->n_rows)
        until = n == 0 ? chunk->after : chunk->steps[n - 1].position;
    postgres_pipeline_begin(&self->write);
    self->write.answered = write_answered;
    timers_ask_write(&self->write, chunk, n, until);
    if (chunk->reason[0] != '\0')
        timers_ask_pause(&self->write, chunk);
    postgres_send(self->runner.connection, &self->write);
}

/* ---- answering ------------------------------------------------------------------------------- */

static struct reaction_answer begin_answer(struct reactions *self)
{
    return (struct reaction_answer){
        .arena = &self->arena,
        .settings = self->options.settings,
        .now_us = self->chunk.now_us,
    };
}

/* The next row is answered with that. */
static void add_step(
    struct reactions *self, const struct step *what, const struct reaction_answer *answer)
{
    struct step *step = &self->chunk.steps[self->chunk.n_steps++];
    *step = *what;
    step->n_commands = answer->n_commands;
    step->commands = (const void *)base_arena_copy(
        &self->arena, (const char *)answer->commands,
        answer->n_commands * sizeof answer->commands[0]);
    step->wake_at_us = answer->wake_at_us;
}

static void stop_at(struct reactions *self, int64_t position, const char *what)
{
    self->chunk.reason_position = position;
    (void)snprintf(self->chunk.reason, sizeof self->chunk.reason, "%s", what);
}

static void answer_event(
    struct reactions *self, const struct eventstore_event *event, const void *state)
{
    const struct reaction *reaction = self->chunk.reaction;
    void *fact = base_arena_alloc(&self->arena, reaction->aggregate->fact_size);
    if (!reaction->aggregate->read(event, &self->arena, fact)) {
        stop_at(
            self, event->position,
            base_arena_printf(
                &self->arena, "it can't be read as %.64s of schema version %d", event->type,
                (int)event->schema_version));
        return;
    }
    struct reaction_answer answer = begin_answer(self);
    reaction->answer(
        &(struct reaction_event){.event = event, .fact = fact, .state = state}, &answer);
    add_step(
        self,
        &(struct step){
            .stream_id = event->stream_id,
            .position = event->position,
            .cause = answer.n_commands > 0 ? reactions_find_cause(&self->arena, event)
                                           : (struct codec_cause){0},
        },
        &answer);
}

/* The event that is answered next. */
static void receive_event(const struct reactions *self, struct eventstore_event *event)
{
    eventstore_receive_event(postgres_pipeline_rows(&self->rows, 0), self->chunk.n_steps, event);
}

static void stop_at_stream(struct reactions *self, int64_t position, const struct base_uuid *id)
{
    char stream[BASE_UUID_SIZE];
    base_uuid_format(id, stream);
    stop_at(
        self, position,
        base_arena_printf(
            &self->arena, "the events of %s %s can't be read",
            self->chunk.reaction->aggregate->stream_type, stream));
}

/* ---- an event and its state ------------------------------------------------------------------ */

static void state_read(struct replay_history *history)
{
    struct reactions *self = BASE_CONTAINER(history, struct reactions, history);
    bool may_be_read_later = history->outcome == REPLAY_FAILED && history->failure != BASE_BROKEN;
    struct eventstore_event event;
    receive_event(self, &event);
    self->chunk.is_reading = false;
    if (history->outcome == REPLAY_FOUND)
        answer_event(self, &event, history->state);
    else if (may_be_read_later)
        self->chunk.has_trouble = true;
    else
        stop_at_stream(self, event.position, &event.stream_id);
    reactions_advance(self);
}

static void read_state(struct reactions *self, const struct eventstore_event *event)
{
    self->chunk.is_reading = true;
    self->history = (struct replay_history){
        .aggregate = self->chunk.reaction->aggregate,
        .stream_id = event->stream_id,
        .at_version = event->version,
        .at_us = INT64_MAX,
        .answered = state_read,
    };
    replay_history_read(&self->history, self->runner.connection, self->options.log);
}

/* ---- timers ---------------------------------------------------------------------------------- */

/* NULL: the stream is not there, so that nothing is to be done. */
static void answer_timer(struct reactions *self, const struct base_uuid *id, const void *state)
{
    const struct reaction *reaction = self->chunk.reaction;
    int64_t due_at_us =
        postgres_get_time(postgres_pipeline_rows(&self->rows, 0), self->chunk.n_steps, 1);
    struct reaction_answer answer = begin_answer(self);
    if (state != NULL && reaction->due != NULL)
        reaction->due(
            &(struct reaction_timer){.stream_id = *id, .due_at_us = due_at_us, .state = state},
            &answer);
    if (answer.wake_at_us != 0 && answer.wake_at_us < answer.now_us + WAKE_LEAST_US)
        answer.wake_at_us = answer.now_us + WAKE_LEAST_US;
    add_step(self, &(struct step){.stream_id = *id, .due_at_us = due_at_us}, &answer);
}

static void answer_next_timer(struct reactions *self)
{
    const struct replay_wanted *stream = slice_find(self);
    if (stream == NULL) {
        slice_load(self, reactions_advance);
        return;
    }
    bool is_there = stream->aggregate->version(stream->state) > 0;
    if (stream->outcome == REPLAY_DONE || stream->outcome == REPLAY_OTHER_TYPE)
        answer_timer(self, &stream->id, is_there ? stream->state : NULL);
    else
        stop_at_stream(self, 0, &stream->id);
}

/* ---- in turn --------------------------------------------------------------------------------- */

static void answer_next_event(struct reactions *self)
{
    const struct reaction *reaction = self->chunk.reaction;
    struct eventstore_event event;
    receive_event(self, &event);
    if (strcmp(event.stream_type, reaction->aggregate->stream_type) != 0)
        add_step(
            self, &(struct step){.stream_id = event.stream_id, .position = event.position},
            &(struct reaction_answer){.n_commands = 0});
    else if (reaction->wants_state)
        read_state(self, &event);
    else
        answer_event(self, &event, NULL);
}

void reactions_advance(struct reactions *self)
{
    struct chunk *chunk = &self->chunk;
    while (!chunk->is_reading && !is_stopped(self)) {
        if (chunk->sending < chunk->n_steps) {
            struct step *step = &chunk->steps[chunk->sending];
            if (step->n_sent == step->n_commands)
                chunk->sending++;
            else if (!reactions_send_command(self, step))
                return;
        } else if (chunk->n_steps < chunk->n_rows) {
            if (chunk->is_of_timers)
                answer_next_timer(self);
            else
                answer_next_event(self);
        } else {
            break;
        }
    }
    if (!chunk->is_reading && self->n_in_flight == 0)
        write_chunk(self);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void rows_answered(struct postgres_pipeline *pipeline)
{
    struct reactions *self = BASE_CONTAINER(pipeline, struct reactions, rows);
    struct chunk *chunk = &self->chunk;
    if (!postgres_is_done(pipeline->outcome)) {
        runner_ended(&self->runner, RUNNER_TROUBLE);
        return;
    }
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 0);
    chunk->n_rows = postgres_rows_count(rows);
    if (!chunk->is_of_timers && chunk->n_rows == CHUNK_STEPS_MAX) {
        struct eventstore_event last;
        eventstore_receive_event(rows, chunk->n_rows - 1, &last);
        chunk->until = last.position;
    }
    reactions_advance(self);
}

static size_t count_types(const char *const *types)
{
    size_t n = 0;
    while (types[n] != NULL)
        n++;
    return n;
}

void reactions_begin_chunk(struct reactions *self, const struct member *member, bool is_of_timers)
{
    const struct reaction *reaction = member->reaction;
    struct chunk *chunk = &self->chunk;
    chunk->reaction = reaction;
    chunk->is_of_timers = is_of_timers;
    chunk->now_us = self->options.now_us();
    chunk->after = member->checkpoint->position;
    chunk->until = self->head_position;
    if (chunk->until - chunk->after > CHUNK_RANGE_MAX)
        chunk->until = chunk->after + CHUNK_RANGE_MAX;
    chunk->n_rows = chunk->n_steps = chunk->sending = 0;
    chunk->has_trouble = false;
    self->slice.n = 0;
    chunk->reason[0] = '\0';
    postgres_pipeline_begin(&self->rows);
    self->rows.answered = rows_answered;
    if (is_of_timers)
        timers_ask_due(&self->rows, reaction->name, chunk->now_us, CHUNK_STEPS_MAX);
    else
        eventstore_ask_log(
            &self->rows, &(struct eventstore_log_wanted){
                             .after_position = chunk->after,
                             .until_position = chunk->until,
                             .limit = CHUNK_STEPS_MAX,
                             .types = reaction->types,
                             .n_types = count_types(reaction->types),
                         });
    postgres_send(self->runner.connection, &self->rows);
}
