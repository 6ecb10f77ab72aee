#include "runner.h"

int64_t runner_read_number(const char *cell, int64_t otherwise)
{
    int64_t number = otherwise;
    if (cell != NULL && !base_parse_int(cell, INT64_MIN, INT64_MAX, &number))
        return otherwise;
    return number;
}

static const char *read_text(struct base_arena *arena, const char *cell)
{
    return cell == NULL ? NULL : base_arena_copy_text(arena, cell);
}

bool runner_list(
    struct postgres_session *session, const struct runner_kind *kind, struct base_arena *arena,
    struct runner_state **list, size_t *n, char **problem)
{
    const char *sql = base_arena_printf(
        arena,
        "SELECT c.name, c.position, h.position - c.position,\n"
        "    greatest(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::bigint,\n"
        "    %s, c.paused_position, c.paused_reason,\n"
        "    to_char(c.paused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
        "FROM %s c\n"
        "CROSS JOIN log_head h\n"
        "LEFT JOIN events e ON e.position = c.position + 1\n"
        "ORDER BY c.name",
        kind->rebuilt, kind->checkpoints);
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, NULL, 0, &table, problem))
        return false;
    *n = table.n_rows;
    *list = base_arena_alloc(arena, table.n_rows * sizeof **list);
    for (size_t i = 0; i < table.n_rows; i++) {
        char *const *cells = &table.cells[i * table.n_columns];
        (*list)[i] = (struct runner_state){
            .name = base_arena_copy_text(arena, cells[0]),
            .position = runner_read_number(cells[1], 0),
            .lag_events = runner_read_number(cells[2], 0),
            .lag_seconds = runner_read_number(cells[3], 0),
            .rebuilt_position = runner_read_number(cells[4], -1),
            .paused_position = runner_read_number(cells[5], 0),
            .paused_reason = read_text(arena, cells[6]),
            .paused_at = read_text(arena, cells[7]),
        };
    }
    postgres_table_finish(&table);
    return true;
}

bool runner_resume(
    struct postgres_session *session, const struct runner_kind *kind, const char *name,
    bool *was_paused, char **problem)
{
    BASE_CLEANUP(base_free_pointer)
    char *sql = base_print(
        "UPDATE %s\n"
        "SET paused_position = NULL, paused_reason = NULL, paused_at = NULL\n"
        "WHERE name = $1 AND paused_at IS NOT NULL\n"
        "RETURNING name",
        kind->checkpoints);
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, &name, 1, &table, problem))
        return false;
    *was_paused = table.n_rows == 1;
    postgres_table_finish(&table);
    return true;
}
