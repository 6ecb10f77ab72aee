#include <string.h>

#include "internal.h"

/* ---- on the loop ----------------------------------------------------------------------------- */

/* No row when another process runs the projections: one that has said so within the last
 * five seconds. What it said in the future it said before the clock was set back: it will say so
 * again within a second, if it still runs. Two that look away at the same time can't both have it,
 * and if a slow one goes on all the same, it finds that the checkpoints have moved. */
static const struct postgres_statement CLAIM = {
    .name = "claim_projections",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql = "UPDATE projection_runner\n"
           "SET runner = $1, renewed_at = clock_timestamp()\n"
           "WHERE runner = $1 OR renewed_at < clock_timestamp() - '5 seconds'::interval\n"
           "    OR renewed_at > clock_timestamp() + '5 seconds'::interval\n"
           "RETURNING set_config('synchronous_commit', 'off', true)",
    POSTGRES_TYPES(POSTGRES_UUID),
};

/* A row a projection. */
static const struct postgres_statement READ = {
    .name = "read_checkpoints",
    .sql = "SELECT c.name, c.position, c.rebuilt_position, c.paused_position IS NOT NULL,\n"
           "    e.recorded_at\n"
           "FROM projection_checkpoints c\n"
           "LEFT JOIN events e ON e.position = c.position + 1",
};

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

const struct postgres_statement *const checkpoints_statements[] = {&CLAIM,        &READ,  &MOVE,
                                                                   &MOVE_REBUILD, &PAUSE, NULL};

void checkpoints_ask_claim(struct postgres_pipeline *pipeline, const struct base_uuid *runner)
{
    postgres_put_uuid(postgres_pipeline_add(pipeline, &CLAIM), runner);
}

bool checkpoints_receive_claim(const struct postgres_rows *rows)
{
    return postgres_rows_count(rows) == 1;
}

void checkpoints_ask(struct postgres_pipeline *pipeline)
{
    (void)postgres_pipeline_add(pipeline, &READ); /* it has no parameters */
}

void checkpoints_receive(const struct postgres_rows *rows, struct follow_checkpoint *list)
{
    size_t n_followers = 0;
    const struct projections_follower *const *followers = projections_followers(&n_followers);
    for (size_t i = 0; i < n_followers; i++)
        list[i] = (struct follow_checkpoint){.is_known = false};
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        for (size_t i = 0; i < n_followers; i++) {
            if (strcmp(postgres_get_text(rows, row, 0), followers[i]->name) != 0)
                continue;
            list[i] = (struct follow_checkpoint){
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

static int64_t read_number(const char *cell, int64_t otherwise)
{
    int64_t number = otherwise;
    if (cell != NULL && !base_parse_int(cell, INT64_MIN, INT64_MAX, &number))
        return otherwise;
    return number;
}

bool follow_list(
    struct postgres_session *session, struct base_arena *arena, struct follow_state **list,
    size_t *n, char **problem)
{
    static const char sql[] =
        "SELECT c.name, c.position, h.position - c.position,\n"
        "    greatest(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::bigint,\n"
        "    c.rebuilt_position, c.paused_position, c.paused_reason,\n"
        "    to_char(c.paused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
        "FROM projection_checkpoints c\n"
        "CROSS JOIN log_head h\n"
        "LEFT JOIN events e ON e.position = c.position + 1\n"
        "ORDER BY c.name";
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, NULL, 0, &table, problem))
        return false;
    *n = table.n_rows;
    *list = base_arena_alloc(arena, table.n_rows * sizeof **list);
    for (size_t i = 0; i < table.n_rows; i++) {
        char *const *cells = &table.cells[i * table.n_columns];
        (*list)[i] = (struct follow_state){
            .name = base_arena_copy_text(arena, cells[0]),
            .position = read_number(cells[1], 0),
            .lag_events = read_number(cells[2], 0),
            .lag_seconds = read_number(cells[3], 0),
            .rebuilt_position = read_number(cells[4], -1),
            .paused_position = read_number(cells[5], 0),
            .paused_reason = cells[6] == NULL ? NULL : base_arena_copy_text(arena, cells[6]),
            .paused_at = cells[7] == NULL ? NULL : base_arena_copy_text(arena, cells[7]),
        };
    }
    postgres_table_finish(&table);
    return true;
}

bool follow_resume(
    struct postgres_session *session, const char *name, bool *was_paused, char **problem)
{
    static const char sql[] = "UPDATE projection_checkpoints\n"
                              "SET paused_position = NULL, paused_reason = NULL, paused_at = NULL\n"
                              "WHERE name = $1 AND paused_position IS NOT NULL\n"
                              "RETURNING name";
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, &name, 1, &table, problem))
        return false;
    *was_paused = table.n_rows == 1;
    postgres_table_finish(&table);
    return true;
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
