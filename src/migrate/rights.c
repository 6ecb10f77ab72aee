#include <stdlib.h>

#include "scripts.h"

/*
 * A new database has no rights. Roles belong to the cluster, so a dump has none; and a dump that is
 * restored where they are missing loses the rights that they had. What exists is left as it is, so
 * that whoever migrates needs no right to make roles when nothing is missing.
 */

/* What has to be run, as it is shown and as it is run, roles first. Another database's migration
 * may be making them now. Of a role that does not exist, has_table_privilege() is null. */
static const char MISSING_SQL[] =
    "WITH wanted (role, relation, privilege) AS (VALUES %s),\n"
    "     missing AS (\n"
    "    SELECT w.role, w.relation, w.privilege, r.oid IS NULL AS is_role_missing\n"
    "    FROM wanted w\n"
    "    LEFT JOIN pg_roles r ON r.rolname = w.role\n"
    "    WHERE has_table_privilege(r.oid, w.relation::regclass, w.privilege) IS NOT TRUE)\n"
    "SELECT format('CREATE ROLE %%I NOLOGIN', role) AS statement,\n"
    "       format('DO $$BEGIN CREATE ROLE %%I NOLOGIN;'\n"
    "              'EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$', role),\n"
    "       1 AS step\n"
    "FROM missing\n"
    "WHERE is_role_missing\n"
    "GROUP BY role\n"
    "UNION ALL\n"
    "SELECT g.statement, g.statement, 2\n"
    "FROM (\n"
    "    SELECT format('GRANT %%s ON %%s TO %%I',\n"
    "        string_agg(privilege, ', ' ORDER BY privilege), relation::regclass, role)\n"
    "    FROM missing\n"
    "    GROUP BY relation, role) AS g (statement)\n"
    "UNION ALL\n"
    "SELECT g.statement, g.statement, 2\n"
    "FROM (\n"
    "    SELECT format('GRANT USAGE ON SCHEMA %%I TO %%I', current_schema(), w.role)\n"
    "    FROM (SELECT DISTINCT role FROM wanted) w\n"
    "    LEFT JOIN pg_roles r ON r.rolname = w.role\n"
    "    WHERE CASE WHEN r.oid IS NULL THEN current_schema() <> 'public'\n"
    "               ELSE NOT has_schema_privilege(r.oid, current_schema(), 'USAGE') END\n"
    ") AS g (statement)\n"
    "ORDER BY step, statement";

static const char *cell(const struct postgres_table *table, size_t row, size_t column)
{
    return table->cells[row * table->n_columns + column];
}

/* Takes the reason. */
static char *explain(const struct postgres_table *missing, char *reason)
{
    struct base_buffer text = {0};
    base_buffer_printf(
        &text,
        "this database lacks roles or rights that cartd needs, and they could not be created: %s. "
        "Run `cartd migrate` as the owner of the database with CREATEROLE, or have an "
        "administrator run:",
        reason);
    for (size_t row = 0; row < missing->n_rows; row++)
        base_buffer_printf(&text, " %s;", cell(missing, row, 0));
    (void)base_buffer_text(&text);
    free(reason);
    return text.bytes;
}

static bool run_all(
    struct postgres_session *session, const struct postgres_table *missing, char **problem)
{
    char *reason = NULL;
    bool is_done = postgres_session_run(session, "BEGIN", &reason);
    for (size_t row = 0; is_done && row < missing->n_rows; row++)
        is_done = postgres_session_run(session, cell(missing, row, 1), &reason);
    is_done = is_done && postgres_session_run(session, "COMMIT", &reason);
    if (!is_done)
        *problem = explain(missing, reason);
    return is_done;
}

bool migrate_repair_rights(
    struct postgres_session *session, const struct base_log *log, const char *rights,
    char **problem)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer sql = {0};
    base_buffer_printf(&sql, MISSING_SQL, rights);
    struct postgres_table missing = {0};
    if (!postgres_session_query(session, base_buffer_text(&sql), NULL, 0, &missing, problem))
        return false;
    bool is_done = missing.n_rows == 0 || run_all(session, &missing, problem);
    if (is_done && missing.n_rows > 0)
        base_log(log, BASE_LOG_RIGHTS_GRANTED, BASE_LOG_NUMBER("statements", missing.n_rows));
    postgres_table_finish(&missing);
    return is_done;
}
