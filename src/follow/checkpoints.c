#include "internal.h"

const struct runner_kind checkpoints_kind = RUNNER_KIND(
    "projection_checkpoints", "projection_runner", "c.rebuilt_position", METRICS_PROJECTION_RUNNER);

/* A row a projection that was moved. The locks on the rows are held through the commit. */
static const struct postgres_statement MOVE = {
    .name = "move_checkpoints",
    .sql = "UPDATE projection_checkpoints\n"
           "SET position = $3, recorded_at = $4\n"
           "WHERE name = ANY ($1) AND position = $2 AND paused_position IS NULL\n"
           "RETURNING name, false, set_config('synchronous_commit', 'off', true)",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TIMESTAMPTZ),
};

/* A row a projection that was moved. */
static const struct postgres_statement MOVE_REBUILD = {
    .name = "move_rebuilds",
    .sql = "UPDATE projection_checkpoints\n"
           "SET rebuilt_position = CASE WHEN $3 < position THEN $3 END\n"
           "WHERE name = ANY ($1) AND rebuilt_position = $2 AND paused_position IS NULL\n"
           "RETURNING name, rebuilt_position IS NULL,\n"
           "    set_config('synchronous_commit', 'off', true)",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY, POSTGRES_INT8, POSTGRES_INT8),
};

/* A row a projection that was paused. */
static const struct postgres_statement PAUSE = {
    .name = "pause_projections",
    .sql = "UPDATE projection_checkpoints\n"
           "SET paused_position = $3, paused_reason = $4, paused_at = clock_timestamp()\n"
           "WHERE name = ANY ($1) AND paused_position IS NULL\n"
           "    AND (position = $2 OR rebuilt_position = $2)\n"
           "RETURNING name",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TEXT),
};

const struct postgres_statement *const checkpoints_statements[] = {
    &MOVE, &MOVE_REBUILD, &PAUSE, NULL};

void checkpoints_ask_move(struct postgres_pipeline *pipeline, const struct follow_move *move)
{
    struct postgres_parameters *to =
        postgres_pipeline_add(pipeline, move->is_rebuild ? &MOVE_REBUILD : &MOVE);
    POSTGRES_PUT_LIST(to, move->names, move->n_names);
    postgres_put_int8(to, move->after);
    postgres_put_int8(to, move->until);
    if (!move->is_rebuild)
        postgres_put_time(to, move->until_us);
}

void checkpoints_ask_pause(
    struct postgres_pipeline *pipeline, const struct follow_move *move, int64_t position,
    const char *reason)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &PAUSE);
    POSTGRES_PUT_LIST(to, move->names, move->n_names);
    postgres_put_int8(to, move->after);
    postgres_put_int8(to, position);
    postgres_put_text(to, reason);
}

/* ---- for the command line -------------------------------------------------------------------- */

bool follow_list(
    struct postgres_session *session, struct base_arena *arena, struct runner_state **list,
    size_t *n, char **problem)
{
    return runner_list(session, &checkpoints_kind, arena, list, n, problem);
}

bool follow_resume(
    struct postgres_session *session, const char *name, bool *was_paused, char **problem)
{
    return runner_resume(session, &checkpoints_kind, name, was_paused, problem);
}

bool follow_rebuild(struct postgres_session *session, const char *name, char **problem)
{
    static const char sql[] = "UPDATE projection_checkpoints\n"
                              "SET rebuilt_position = CASE WHEN position > 0 THEN 0 END,\n"
                              "    paused_position = NULL, paused_reason = NULL, paused_at = NULL\n"
                              "WHERE name = $1\n"
                              "RETURNING name";
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, &name, 1, &table, problem))
        return false;
    postgres_table_finish(&table);
    return true;
}
