#include "internal.h"

/* A row a reaction that has any. What was counted is not read again: a limit bounds it. */
static const struct postgres_statement COUNT_DUE = {
    .name = "count_due",
    .sql = "SELECT r.name, d.n, d.first_at\n"
           "FROM unnest($1) AS r (name)\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT count(*) AS n, min(due_at) AS first_at\n"
           "    FROM (\n"
           "        SELECT due_at\n"
           "        FROM reaction_due\n"
           "        WHERE reaction = r.name AND due_at <= $2\n"
           "        ORDER BY due_at\n"
           "        LIMIT $3\n"
           "    ) s\n"
           ") d\n"
           "WHERE d.n > 0",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY, POSTGRES_TIMESTAMPTZ, POSTGRES_INT4),
};

/* At most $3 rows. */
static const struct postgres_statement READ_DUE = {
    .name = "read_due",
    .sql = "SELECT stream_id, due_at\n"
           "FROM reaction_due\n"
           "WHERE reaction = $1 AND due_at <= $2\n"
           "ORDER BY due_at\n"
           "LIMIT $3",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_TIMESTAMPTZ, POSTGRES_INT4),
};

/* The last that is said of a stream counts. */
static const struct postgres_statement SET_TIMERS = {
    .name = "set_timers",
    .rows = POSTGRES_NO_ROWS,
    .sql = "INSERT INTO reaction_due (reaction, stream_id, due_at)\n"
           "SELECT DISTINCT ON (stream_id) $1, stream_id, due_at\n"
           "FROM unnest($2, $3) WITH ORDINALITY AS w (stream_id, due_at, ordinal)\n"
           "ORDER BY stream_id, ordinal DESC\n"
           "ON CONFLICT (reaction, stream_id) DO UPDATE SET due_at = excluded.due_at",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_UUID_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY),
};

/* A timer that is no longer as it was answered was set by somebody else, and stays. */
static const struct postgres_statement MOVE_TIMERS = {
    .name = "move_timers",
    .rows = POSTGRES_NO_ROWS,
    .sql = "UPDATE reaction_due d\n"
           "SET due_at = w.next_at\n"
           "FROM unnest($2, $3, $4) AS w (stream_id, due_at, next_at)\n"
           "WHERE d.reaction = $1 AND d.stream_id = w.stream_id AND d.due_at = w.due_at",
    POSTGRES_TYPES(
        POSTGRES_TEXT, POSTGRES_UUID_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY),
};
static const struct postgres_statement END_TIMERS = {
    .name = "end_timers",
    .rows = POSTGRES_NO_ROWS,
    .sql = "DELETE FROM reaction_due d\n"
           "USING unnest($2, $3) AS w (stream_id, due_at)\n"
           "WHERE d.reaction = $1 AND d.stream_id = w.stream_id AND d.due_at = w.due_at",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_UUID_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY),
};

/* No row when the checkpoint is elsewhere: the reaction is run again, or another process runs it.
 */
static const struct postgres_statement MOVE = {
    .name = "move_reaction",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql = "UPDATE reaction_checkpoints\n"
           "SET position = $3\n"
           "WHERE name = $1 AND position = $2\n"
           "RETURNING name",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_INT8, POSTGRES_INT8),
};

static const struct postgres_statement PAUSE = {
    .name = "pause_reaction",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql =
        "UPDATE reaction_checkpoints\n"
        "SET paused_position = nullif($2, 0), paused_reason = $3, paused_at = clock_timestamp()\n"
        "WHERE name = $1 AND paused_at IS NULL\n"
        "RETURNING name",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_INT8, POSTGRES_TEXT),
};

static const struct postgres_statement COMMIT_LATER = {
    .name = "commit_later",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT set_config('synchronous_commit', 'off', true)",
};

const struct postgres_statement *const timers_statements[] = {
    &COUNT_DUE, &READ_DUE, &SET_TIMERS,   &MOVE_TIMERS, &END_TIMERS,
    &MOVE,      &PAUSE,    &COMMIT_LATER, NULL};

void timers_ask_count(
    struct postgres_pipeline *pipeline, const char *const *names, size_t n_names, int64_t now_us)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &COUNT_DUE);
    POSTGRES_PUT_LIST(to, names, n_names);
    postgres_put_time(to, now_us);
    postgres_put_int4(to, DUE_COUNTED_MAX);
}

void timers_ask_due(
    struct postgres_pipeline *pipeline, const char *name, int64_t now_us, int32_t limit)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &READ_DUE);
    postgres_put_text(to, name);
    postgres_put_time(to, now_us);
    postgres_put_int4(to, limit);
}

/* ---- what a chunk leaves --------------------------------------------------------------------- */

/* Some steps of a chunk, as columns. */
struct columns {
    struct base_uuid streams[CHUNK_STEPS_MAX];
    int64_t due_at_us[CHUNK_STEPS_MAX];
    int64_t wake_at_us[CHUNK_STEPS_MAX];
    size_t n;
};

/* Those of the first `n` steps that say when they want to be woken, or those that don't. */
static struct columns select_steps(const struct chunk *chunk, size_t n, bool wakes)
{
    struct columns columns = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        const struct step *step = &chunk->steps[i];
        if ((step->wake_at_us != 0) != wakes)
            continue;
        columns.streams[columns.n] = step->stream_id;
        columns.due_at_us[columns.n] = step->due_at_us;
        columns.wake_at_us[columns.n++] = step->wake_at_us;
    }
    return columns;
}

static void put_timers(
    struct postgres_pipeline *pipeline, const struct postgres_statement *statement,
    const struct chunk *chunk, const struct columns *columns)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, statement);
    postgres_put_text(to, chunk->reaction->name);
    POSTGRES_PUT_LIST(to, columns->streams, columns->n);
    if (statement != &SET_TIMERS)
        POSTGRES_PUT_LIST(to, columns->due_at_us, columns->n);
    if (statement != &END_TIMERS)
        POSTGRES_PUT_LIST(to, columns->wake_at_us, columns->n);
}

void timers_ask_write(
    struct postgres_pipeline *pipeline, const struct chunk *chunk, size_t n, int64_t until)
{
    (void)postgres_pipeline_add(pipeline, &COMMIT_LATER); /* it has no parameters */
    const struct columns set = select_steps(chunk, n, true);
    if (set.n > 0)
        put_timers(pipeline, chunk->is_of_timers ? &MOVE_TIMERS : &SET_TIMERS, chunk, &set);
    if (chunk->is_of_timers) {
        const struct columns ended = select_steps(chunk, n, false);
        if (ended.n > 0)
            put_timers(pipeline, &END_TIMERS, chunk, &ended);
    } else if (until > chunk->after) {
        struct postgres_parameters *to = postgres_pipeline_add(pipeline, &MOVE);
        postgres_put_text(to, chunk->reaction->name);
        postgres_put_int8(to, chunk->after);
        postgres_put_int8(to, until);
    }
}

void timers_ask_pause(struct postgres_pipeline *pipeline, const struct chunk *chunk)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &PAUSE);
    postgres_put_text(to, chunk->reaction->name);
    postgres_put_int8(to, chunk->reason_position);
    postgres_put_text(to, chunk->reason);
}
