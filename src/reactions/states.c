#include "internal.h"

#include <string.h>

/* ---- the list -------------------------------------------------------------------------------- */

static void put_timers(
    const struct runner_state *states, size_t n, struct reactions_timers *timers,
    char *const *cells)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(states[i].name, cells[0]) != 0)
            continue;
        timers[i].n = runner_read_number(cells[1], 0);
        timers[i].n_due = runner_read_number(cells[2], 0);
    }
}

bool reactions_list(
    struct postgres_session *session, struct base_arena *arena, struct runner_state **states,
    struct reactions_timers **timers, size_t *n, char **problem)
{
    static const char sql[] =
        "SELECT reaction, count(*), count(*) FILTER (WHERE due_at <= clock_timestamp())\n"
        "FROM reaction_due\n"
        "GROUP BY reaction";
    if (!runner_list(session, &reactions_kind, arena, states, n, problem))
        return false;
    *timers = base_arena_alloc(arena, *n * sizeof **timers);
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, NULL, 0, &table, problem))
        return false;
    for (size_t row = 0; row < table.n_rows; row++)
        put_timers(*states, *n, *timers, &table.cells[row * table.n_columns]);
    postgres_table_finish(&table);
    return true;
}

/* ---- changes --------------------------------------------------------------------------------- */

static bool change(
    struct postgres_session *session, const char *sql, const char *const *parameters,
    size_t n_parameters, bool *has_changed, char **problem)
{
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, parameters, n_parameters, &table, problem))
        return false;
    *has_changed = table.n_rows == 1;
    postgres_table_finish(&table);
    return true;
}

bool reactions_pause(
    struct postgres_session *session, const char *name, bool *has_changed, char **problem)
{
    static const char sql[] =
        "UPDATE reaction_checkpoints\n"
        "SET paused_reason = 'by an operator', paused_at = clock_timestamp()\n"
        "WHERE name = $1 AND paused_at IS NULL\n"
        "RETURNING name";
    return change(session, sql, &name, 1, has_changed, problem);
}

bool reactions_resume(
    struct postgres_session *session, const char *name, bool *has_changed, char **problem)
{
    return runner_resume(session, &reactions_kind, name, has_changed, problem);
}

bool reactions_rerun(
    struct postgres_session *session, const char *name, const char *from_position,
    bool *has_changed, char **problem)
{
    static const char sql[] = "UPDATE reaction_checkpoints\n"
                              "SET position = $2::bigint - 1, paused_position = NULL,\n"
                              "    paused_reason = NULL, paused_at = NULL\n"
                              "WHERE name = $1 AND position >= $2::bigint\n"
                              "RETURNING name";
    const char *const parameters[] = {name, from_position};
    return change(session, sql, parameters, BASE_COUNT(parameters), has_changed, problem);
}
