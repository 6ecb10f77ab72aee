#include <stdlib.h>
#include <string.h>

#include "replay.h"

/* So that neither the loop stands still nor the memory is taken for a stream of any length: about a
 * millisecond of folding, and a quarter of a megabyte of rows. */
#define EVENTS_AT_ONCE 500

struct replay_history_work {
    struct base_arena texts[2]; /* of the state: one is in use */
    size_t texts_in_use;
    bool knows_bad_snapshot;
    int head_at; /* of the log, in the pipeline; -1: not asked */
    size_t events_at;
    char state[] __attribute__((aligned(_Alignof(max_align_t))));
};

static void end(struct replay_history *history, enum replay_history_outcome outcome)
{
    struct replay_history_work *work = history->work;
    struct postgres_pipeline pipeline = history->pipeline;
    history->outcome = outcome;
    history->state = work->state;
    history->version = history->aggregate->version(work->state);
    history->work = NULL;
    history->pipeline = (struct postgres_pipeline){0};
    postgres_pipeline_finish(&pipeline);
    history->answered(history); /* which may free it */
    base_arena_finish(&work->texts[0]);
    base_arena_finish(&work->texts[1]);
    free(work);
}

static void fail(struct replay_history *history, enum base_failure failure)
{
    history->failure = failure;
    end(history, REPLAY_FAILED);
}

static int32_t version_of(const struct replay_history *history)
{
    return history->aggregate->version(history->work->state);
}

static void end_with_state(struct replay_history *history)
{
    int32_t version = version_of(history);
    if (version == 0)
        end(history, REPLAY_NO_STREAM);
    else if (version < history->at_version)
        end(history, REPLAY_NO_VERSION);
    else
        end(history, REPLAY_FOUND);
}

/* ---- folding --------------------------------------------------------------------------------- */

/* *is_over: no more events are to be read. */
static enum replay_outcome fold_rows(
    struct replay_history *history, const struct postgres_rows *rows, bool *is_over)
{
    struct replay_history_work *work = history->work;
    size_t n_rows = postgres_rows_count(rows);
    size_t n_events = 0;
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        n_events += strcmp(event.type, EVENTSTORE_SNAPSHOT) != 0;
        enum replay_outcome outcome =
            replay_fold(history->aggregate, work->state, &event, &work->texts[work->texts_in_use]);
        if (outcome == REPLAY_DONE)
            continue;
        if (outcome != REPLAY_OTHER_TYPE && history->log != NULL)
            replay_log_unreadable(history->log, &event);
        return outcome;
    }
    bool is_there = history->at_version > 0 && version_of(history) == history->at_version;
    *is_over = n_events < EVENTS_AT_ONCE || is_there;
    return REPLAY_DONE;
}

/* Leaves only the texts that the state still has. */
static void forget_texts(struct replay_history *history)
{
    struct replay_history_work *work = history->work;
    size_t other = 1 - work->texts_in_use;
    replay_move_texts(history->aggregate, work->state, &work->texts[other]);
    base_arena_reset(&work->texts[work->texts_in_use]);
    work->texts_in_use = other;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void events_read(struct postgres_pipeline *pipeline);

/* The version from which on events are read. */
static int32_t begins_after(const struct replay_history *history)
{
    bool needs_one = history->aggregate->newest_says_all && history->at_version > 0;
    return needs_one ? history->at_version - 1 : version_of(history);
}

static void ask(struct replay_history *history)
{
    struct replay_history_work *work = history->work;
    struct postgres_pipeline *pipeline = &history->pipeline;
    bool is_first = version_of(history) == 0;
    bool wants_snapshot = is_first && !work->knows_bad_snapshot;
    bool is_by_version = history->at_version > 0;
    postgres_pipeline_begin(pipeline);
    pipeline->answered = events_read;
    /* Before the events: whatever is recorded later is no earlier than this head. */
    work->head_at = is_first && !is_by_version ? 0 : -1;
    if (work->head_at >= 0)
        eventstore_ask_head(pipeline);
    work->events_at = pipeline->n_statements;
    eventstore_ask_history(
        pipeline, &(struct eventstore_history_wanted){
                      .stream_id = history->stream_id,
                      .after_version = begins_after(history),
                      .until_version = is_by_version ? history->at_version : INT32_MAX,
                      .until_us = is_by_version ? INT64_MAX : history->at_us,
                      .snapshot_shape = wants_snapshot ? history->aggregate->snapshot_shape : 0,
                      .limit = EVENTS_AT_ONCE,
                  });
    if (history->ask_owner != NULL)
        history->ask_owner(history, pipeline);
    postgres_send(history->connection, pipeline);
}

/* What a version was stays so. What was at a moment does once the log has gone on behind it; the
 * clocks of this machine and of the client say nothing about that. */
static void check_whether_final(struct replay_history *history)
{
    int head_at = history->work->head_at;
    if (history->at_version > 0) {
        history->is_final = true;
    } else if (head_at >= 0) {
        struct eventstore_head head =
            eventstore_receive_head(postgres_pipeline_rows(&history->pipeline, (size_t)head_at));
        history->is_final = head.position > 0 && head.recorded_at_us > history->at_us;
    }
}

static bool is_admitted(struct replay_history *history)
{
    size_t owner_at = history->work->events_at + 1;
    return history->is_admitted == NULL ||
           history->is_admitted(history, postgres_pipeline_rows(&history->pipeline, owner_at));
}

static void receive_events(struct replay_history *history)
{
    struct replay_history_work *work = history->work;
    bool is_over = false;
    if (!is_admitted(history)) {
        end(history, REPLAY_NO_STREAM);
        return;
    }
    check_whether_final(history);
    switch (
        fold_rows(history, postgres_pipeline_rows(&history->pipeline, work->events_at), &is_over)) {
    case REPLAY_DONE:
        if (is_over) {
            end_with_state(history);
            return;
        }
        forget_texts(history);
        ask(history);
        return;
    case REPLAY_BAD_SNAPSHOT: /* the events say the same */
        work->knows_bad_snapshot = true;
        ask(history);
        return;
    case REPLAY_OTHER_TYPE:
        end(history, REPLAY_NO_STREAM);
        return;
    case REPLAY_MISSING:
    case REPLAY_UNREADABLE:
        fail(history, BASE_BROKEN);
        return;
    }
}

static void events_read(struct postgres_pipeline *pipeline)
{
    struct replay_history *history = BASE_CONTAINER(pipeline, struct replay_history, pipeline);
    enum base_failure failure = postgres_failure(pipeline->outcome);
    if (failure == BASE_NO_FAILURE)
        receive_events(history);
    else
        fail(history, failure);
}

void replay_history_read(
    struct replay_history *history, struct postgres_connection *connection,
    const struct base_log *log)
{
    history->connection = connection;
    history->log = log;
    history->work = base_alloc(sizeof *history->work + history->aggregate->state_size);
    history->aggregate->begin(history->work->state);
    ask(history);
}
