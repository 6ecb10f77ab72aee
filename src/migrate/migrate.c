#include "scripts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#include "embedded_scripts.h"

#define TEXT_OF(number) TEXT_OF_ARGUMENT(number)
#define TEXT_OF_ARGUMENT(number) #number

#define TABLE_SQL                                                                                  \
    "CREATE TABLE IF NOT EXISTS schema_migrations ("                                               \
    "    version integer PRIMARY KEY,"                                                             \
    "    name text NOT NULL,"                                                                      \
    "    checksum text NOT NULL,"                                                                  \
    "    applied_at timestamptz NOT NULL DEFAULT now()"                                            \
    ")"

#define APPLIED_SQL "SELECT version, name, checksum FROM schema_migrations ORDER BY version"

#define RECORD_SQL                                                                                 \
    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::integer, $2, $3)"

static void close_session(struct postgres_session **session)
{
    postgres_session_close(*session);
}

static char *make_problem(const char *format, ...) BASE_PRINTF(1, 2);

static char *make_problem(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return length < 0 ? base_copy_text("out of memory") : text;
}

/* Runs a query of which the rows don't matter. */
static bool run_query(
    struct postgres_session *session, const char *sql, const char *const *parameters,
    size_t n_parameters, char **problem)
{
    struct postgres_table table = {0};
    if (!postgres_session_query(session, sql, parameters, n_parameters, &table, problem)) {
        return false;
    }
    postgres_table_finish(&table);
    return true;
}

/* ---- what was applied before ----------------------------------------------------------------- */

static bool check_applied(
    const char *const *row, size_t i, const struct migrate_script *scripts, size_t n_scripts,
    char **problem)
{
    const char *version = row[0];
    const char *name = row[1];
    const char *checksum = row[2];
    int64_t number = 0;
    if (!base_parse_int(version, INT32_MIN, INT32_MAX, &number)) {
        *problem = make_problem("schema_migrations has the version \"%s\"", version);
        return false;
    }
    if (number > (int64_t)n_scripts) {
        *problem = make_problem(
            "the database is at migration %s (%s), which this binary does not have: it is older "
            "than the database",
            version, name);
        return false;
    }
    if (number != (int64_t)i + 1) {
        *problem = make_problem(
            "schema_migrations has version %s where %zu is expected: the migrations before it were "
            "not applied in their order",
            version, i + 1);
        return false;
    }
    const char *former = scripts[i].former_checksum;
    if (strcmp(checksum, scripts[i].checksum) != 0 &&
        (former == NULL || strcmp(checksum, former) != 0)) {
        *problem = make_problem(
            "migration %s (%s) was applied with other bytes than this binary has: applied scripts "
            "must never change",
            version, name);
        return false;
    }
    return true;
}

/* Counts what was applied, if it is what the scripts begin with. */
static bool read_applied(
    struct postgres_session *session, const struct migrate_script *scripts, size_t n_scripts,
    size_t *n_applied, char **problem)
{
    struct postgres_table table = {0};
    if (!postgres_session_query(session, APPLIED_SQL, NULL, 0, &table, problem)) {
        return false;
    }
    bool is_known = true;
    for (size_t i = 0; is_known && i < table.n_rows; i++) {
        const char *const *row = (const char *const *)&table.cells[i * table.n_columns];
        is_known = check_applied(row, i, scripts, n_scripts, problem);
    }
    if (is_known) {
        *n_applied = table.n_rows;
    }
    postgres_table_finish(&table);
    return is_known;
}

/* ---- applying -------------------------------------------------------------------------------- */

static bool record(
    struct postgres_session *session, const struct migrate_script *script, char **problem)
{
    char version[16];
    (void)snprintf(version, sizeof version, "%" PRId32, script->version);
    const char *parameters[] = {version, script->name, script->checksum};
    return run_query(session, RECORD_SQL, parameters, BASE_COUNT(parameters), problem);
}

/* One transaction: the script and its row, or nothing. A transaction that failed ends with the
 * session, which the caller closes. */
static bool apply(
    struct postgres_session *session, const struct migrate_script *script, char **problem)
{
    char *reason = NULL;
    bool is_applied = postgres_session_run(session, "BEGIN", &reason) &&
                      postgres_session_run(session, script->sql, &reason) &&
                      record(session, script, &reason) &&
                      postgres_session_run(session, "COMMIT", &reason);
    if (is_applied) {
        return true;
    }
    *problem = make_problem(
        "migration %" PRId32 " (%s) failed and was rolled back: %s", script->version, script->name,
        reason);
    free(reason);
    return false;
}

bool migrate_run_scripts(
    const char *url, const struct base_log *log, const struct migrate_script *scripts,
    size_t n_scripts, size_t *n_applied, char **problem)
{
    BASE_CLEANUP(close_session)
    struct postgres_session *session = postgres_session_open(url, problem);
    if (session == NULL) {
        return false;
    }
    size_t n_before = 0;
    /* The lock ends with the session. Who waited for it sees what the other one applied. */
    if (!run_query(session, MIGRATE_LOCK_SQL, NULL, 0, problem) ||
        !postgres_session_run(session, TABLE_SQL, problem) ||
        !read_applied(session, scripts, n_scripts, &n_before, problem)) {
        return false;
    }
    *n_applied = 0;
    for (size_t i = n_before; i < n_scripts; i++) {
        assert(scripts[i].version == (int32_t)i + 1);
        if (!apply(session, &scripts[i], problem)) {
            return false;
        }
        base_log(
            log, BASE_LOG_MIGRATED, BASE_LOG_NUMBER("version", scripts[i].version),
            BASE_LOG_TEXT("name", scripts[i].name));
        (*n_applied)++;
    }
    return true;
}

/* ---- public ---------------------------------------------------------------------------------- */

int32_t migrate_version(void)
{
    return EMBEDDED_NEWEST;
}

bool migrate_run(const char *url, const struct base_log *log, size_t *n_applied, char **problem)
{
    return migrate_run_scripts(
               url, log, embedded_scripts, BASE_COUNT(embedded_scripts), n_applied, problem) &&
           migrate_repair_rights(url, log, problem);
}

const char *migrate_ready_sql(void)
{
    /* One schema has all: a search path that finds some tables in another one's would mix two logs.
     */
    return "SELECT coalesce(max(version), 0) >= " TEXT_OF(
        EMBEDDED_NEWEST) " AND NOT EXISTS ("
                         "    SELECT FROM pg_class c JOIN pg_class h ON h.oid = "
                         "'log_head'::regclass"
                         "    WHERE c.relname IN ('events', 'streams', 'idempotency_keys', "
                         "'snapshots', 'carts',"
                         "            'cart_items', 'cart_parts', 'products', 'cursor_key', "
                         "'read_lease',"
                         "            'projection_checkpoints', 'projection_runner', "
                         "'demand_changes',"
                         "            'funnel_steps', 'removals', 'removals_bought', "
                         "'schema_migrations')"
                         "        AND pg_table_is_visible(c.oid) AND c.relnamespace <> "
                         "h.relnamespace)"
                         " FROM schema_migrations";
}
