#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static void close_session(struct postgres_session **session)
{
    postgres_session_close(*session);
}

/* One query in a session of its own. */
static bool query(
    const char *url, const char *sql, const char *const *parameters, size_t n_parameters,
    struct postgres_table *table, char **problem)
{
    BASE_CLEANUP(close_session)
    struct postgres_session *session = postgres_session_open(url, problem);
    return session != NULL &&
           postgres_session_query(session, sql, parameters, n_parameters, table, problem);
}

/* ---- for `run` ------------------------------------------------------------------------------- */

bool relay_register(
    const char *url, const char *name, const char *shown, const char *types, int64_t after,
    bool *is_new, char **problem)
{
    static const char sql[] = "INSERT INTO relays (name, sink, types, position)\n"
                              "VALUES ($1, $2, $3, $4::bigint)\n"
                              "ON CONFLICT (name) DO UPDATE\n"
                              "SET sink = excluded.sink, types = excluded.types\n"
                              "RETURNING xmax = 0";
    BASE_CLEANUP(base_free_pointer) char *position = base_print("%" PRId64, after);
    const char *const parameters[] = {name, shown, types, position};
    struct postgres_table table = {0};
    if (!query(url, sql, parameters, BASE_COUNT(parameters), &table, problem))
        return false;
    *is_new = table.n_rows == 1 && strcmp(table.cells[0], "t") == 0;
    postgres_table_finish(&table);
    return true;
}

bool relay_find_position(const char *url, const char *name, int64_t *position, char **problem)
{
    struct postgres_table table = {0};
    if (!query(url, "SELECT position FROM relays WHERE name = $1", &name, 1, &table, problem))
        return false;
    if (table.n_rows == 1 && !base_parse_int(table.cells[0], 0, INT64_MAX, position))
        *position = 0;
    postgres_table_finish(&table);
    return true;
}

/* ---- status ---------------------------------------------------------------------------------- */

static void print_row(char *const *cells)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer state = {0};
    base_buffer_append_printable(&state, cells[5]);
    printf(
        "%-24s %12s %10s %12s  %-32s %s\n", cells[0], cells[1], cells[2], cells[3], cells[4],
        base_buffer_text(&state));
}

enum relay_exit relay_status(const struct relay_call *call)
{
    static const char sql[] =
        "SELECT r.name, r.position, greatest(h.position - r.position, 0), r.sent, r.sink,\n"
        "    CASE WHEN r.runner IS NULL OR r.renewed_at < clock_timestamp() - '5 "
        "seconds'::interval\n"
        "        THEN 'nobody runs it'\n"
        "        WHEN r.failure IS NOT NULL THEN 'failing since '\n"
        "            || to_char(r.failed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
        "            || ': ' || r.failure\n"
        "        WHEN h.position > r.position THEN 'catching up'\n"
        "        ELSE 'up to date' END\n"
        "FROM relays r\n"
        "CROSS JOIN log_head h\n"
        "ORDER BY r.name";
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct postgres_table table = {0};
    if (!query(call->config->texts[CONFIG_DATABASE_URL], sql, NULL, 0, &table, &problem)) {
        relay_complain("%s", problem);
        return RELAY_FAILED;
    }
    printf("%-24s %12s %10s %12s  %-32s %s\n", "relay", "position", "lag", "sent", "sink", "state");
    for (size_t row = 0; row < table.n_rows; row++)
        print_row(&table.cells[row * table.n_columns]);
    postgres_table_finish(&table);
    return RELAY_DONE;
}

/* ---- changes --------------------------------------------------------------------------------- */

static enum relay_exit change(
    const struct relay_call *call, const char *sql, const char *const *parameters,
    size_t n_parameters, const char *done)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct postgres_table table = {0};
    const char *url = call->config->texts[CONFIG_DATABASE_URL];
    if (!query(url, sql, parameters, n_parameters, &table, &problem)) {
        relay_complain("%s", problem);
        return RELAY_FAILED;
    }
    bool is_there = table.n_rows == 1;
    postgres_table_finish(&table);
    if (!is_there) {
        relay_complain(
            "there is no relay \"%s\", or a process runs it; see `cartd-relay status`",
            call->arguments[0]);
        return RELAY_FAILED;
    }
    printf("%s %s\n", call->arguments[0], done);
    return RELAY_DONE;
}

enum relay_exit relay_rewind(const struct relay_call *call)
{
    const struct config_flag *from = &call->flags[RELAY_FLAG_FROM];
    int64_t position = 0;
    if (call->n_arguments != 1 || !from->is_given ||
        !base_parse_int(from->value, 1, INT64_MAX, &position)) {
        relay_complain("usage: `cartd-relay rewind NAME --from POSITION`");
        return RELAY_MISUSED;
    }
    BASE_CLEANUP(base_free_pointer) char *done = base_print("goes on with event %s", from->value);
    const char *const parameters[] = {call->arguments[0], from->value};
    return change(
        call, "UPDATE relays SET position = $2::bigint - 1 WHERE name = $1 RETURNING name",
        parameters, BASE_COUNT(parameters), done);
}

enum relay_exit relay_remove(const struct relay_call *call)
{
    if (call->n_arguments != 1) {
        relay_complain("usage: `cartd-relay remove NAME`");
        return RELAY_MISUSED;
    }
    return change(
        call,
        "DELETE FROM relays\n"
        "WHERE name = $1\n"
        "    AND (runner IS NULL OR renewed_at < clock_timestamp() - '5 seconds'::interval)\n"
        "RETURNING name",
        (const char *const *)call->arguments, 1, "is removed; what its sink has, it keeps");
}
