#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scripts.h"

#include "embedded_scripts.h"

/* Held for the whole run. The number only has to differ from other programs' on the same database:
 * it is "cartd" in ASCII. */
#define LOCK_SQL "SELECT pg_advisory_lock(426836653156)"

#define TABLE_SQL                                                                                  \
    "CREATE TABLE IF NOT EXISTS schema_migrations ("                                               \
    "    version integer PRIMARY KEY,"                                                             \
    "    name text NOT NULL,"                                                                      \
    "    checksum text NOT NULL,"                                                                  \
    "    applied_at timestamptz NOT NULL DEFAULT now()"                                            \
    ")"

/* Both wordings of the first script of databases that were made before 0.1.0. */
#define IS_BEFORE_0_1_0                                                                            \
    "version = 1 AND checksum IN"                                                                  \
    " ('ac3698a637c56e48455091050d13a518b5a9412132fffb6061a8d50f23b0e451',"                        \
    "  'd16a71db562a7052b65cde7c17c4b602724536f11fababf2ae6dff47b94900b0')"

#define APPLIED_SQL                                                                                \
    "SELECT version, name, checksum, " IS_BEFORE_0_1_0 " FROM schema_migrations"                   \
    " ORDER BY version"

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
    if (!postgres_session_query(session, sql, parameters, n_parameters, &table, problem))
        return false;
    postgres_table_finish(&table);
    return true;
}

/* The lock ends with the session. Who waited for it sees what the other one applied. */
static struct postgres_session *open_locked(const char *url, char **problem)
{
    struct postgres_session *session = postgres_session_open(url, problem);
    if (session != NULL && !run_query(session, LOCK_SQL, NULL, 0, problem)) {
        postgres_session_close(session);
        session = NULL;
    }
    return session;
}

/* ---- what was applied before ----------------------------------------------------------------- */

/* Why the i-th row is not what the scripts have there, the caller's to free; NULL: it is. */
static char *check_applied(
    const char *const *row, size_t i, const struct migrate_script *scripts, size_t n_scripts)
{
    const char *version = row[0];
    const char *name = row[1];
    const char *checksum = row[2];
    bool is_before_0_1_0 = strcmp(row[3], "t") == 0;
    char expected[24];
    (void)snprintf(expected, sizeof expected, "%zu", i + 1);
    if (is_before_0_1_0)
        return make_problem("the database was made before 0.1.0, and its schema can't be migrated: "
                            "export its log with `cartd events export`, and import it into a new "
                            "database with `cartd migrate` and `cartd events import`");
    if (i >= n_scripts)
        return make_problem(
            "the database is at migration %s (%s), which this binary does not have: it is older "
            "than the database; use a newer cartd",
            version, name);
    if (strcmp(version, expected) != 0)
        return make_problem(
            "schema_migrations has version %s where %s is expected: the migrations before it were "
            "not applied in order",
            version, expected);
    if (strcmp(checksum, scripts[i].checksum) != 0)
        return make_problem(
            "migration %s (%s) was applied with other content than this binary has; an applied "
            "script must never change",
            version, name);
    return NULL;
}

/* Counts what was applied, if it is what the scripts begin with. */
static bool read_applied(
    struct postgres_session *session, const struct migrate_script *scripts, size_t n_scripts,
    size_t *n_applied, char **problem)
{
    struct postgres_table table = {0};
    if (!postgres_session_query(session, APPLIED_SQL, NULL, 0, &table, problem))
        return false;
    char *difference = NULL;
    for (size_t i = 0; difference == NULL && i < table.n_rows; i++) {
        const char *const *row = (const char *const *)&table.cells[i * table.n_columns];
        difference = check_applied(row, i, scripts, n_scripts);
    }
    size_t n_rows = table.n_rows;
    postgres_table_finish(&table);
    if (difference != NULL) {
        *problem = difference;
        return false;
    }
    *n_applied = n_rows;
    return true;
}

/* ---- applying -------------------------------------------------------------------------------- */

/* One transaction: the script and its row, or nothing. A transaction that failed ends with the
 * session, which the caller closes. */
static bool apply(
    struct postgres_session *session, const struct migrate_script *script, const char *version,
    char **problem)
{
    const char *row[] = {version, script->name, script->checksum};
    char *reason = NULL;
    bool is_applied = postgres_session_run(session, "BEGIN", &reason) &&
                      postgres_session_run(session, script->sql, &reason) &&
                      run_query(session, RECORD_SQL, row, BASE_COUNT(row), &reason) &&
                      postgres_session_run(session, "COMMIT", &reason);
    if (is_applied)
        return true;
    *problem = make_problem(
        "migration %s (%s) failed and was rolled back: %s", version, script->name, reason);
    free(reason);
    return false;
}

static bool apply_missing(
    struct postgres_session *session, const struct base_log *log,
    const struct migrate_script *scripts, size_t n_scripts, size_t *n_applied, char **problem)
{
    size_t n_before = 0;
    if (!postgres_session_run(session, TABLE_SQL, problem) ||
        !read_applied(session, scripts, n_scripts, &n_before, problem))
        return false;
    for (size_t i = n_before; i < n_scripts; i++) {
        char version[24];
        (void)snprintf(version, sizeof version, "%zu", i + 1);
        if (!apply(session, &scripts[i], version, problem))
            return false;
        base_log(
            log, BASE_LOG_MIGRATED, BASE_LOG_NUMBER("version", i + 1),
            BASE_LOG_TEXT("name", scripts[i].name));
    }
    *n_applied = n_scripts - n_before;
    return true;
}

bool migrate_run_scripts(
    const char *url, const struct base_log *log, const struct migrate_script *scripts,
    size_t n_scripts, size_t *n_applied, char **problem)
{
    BASE_CLEANUP(close_session) struct postgres_session *session = open_locked(url, problem);
    return session != NULL && apply_missing(session, log, scripts, n_scripts, n_applied, problem);
}

/* ---- public ---------------------------------------------------------------------------------- */

int32_t migrate_version(void)
{
    return (int32_t)BASE_COUNT(embedded_scripts);
}

bool migrate_run(const char *url, const struct base_log *log, size_t *n_applied, char **problem)
{
    BASE_CLEANUP(close_session) struct postgres_session *session = open_locked(url, problem);
    return session != NULL &&
           apply_missing(
               session, log, embedded_scripts, BASE_COUNT(embedded_scripts), n_applied, problem) &&
           migrate_repair_rights(session, log, (const char *)embedded_rights, problem);
}

/* One schema has all tables: a search path that finds some in another one's would mix two logs. */
#define READY_SQL(row)                                                                             \
    "SELECT EXISTS (SELECT FROM schema_migrations WHERE " row ")"                                  \
    " AND NOT EXISTS ("                                                                            \
    "    SELECT FROM pg_class c JOIN pg_class h ON h.oid = 'log_head'::regclass"                   \
    "    WHERE c.relname IN ('schema_migrations', " EMBEDDED_TABLES ")"                            \
    "        AND pg_table_is_visible(c.oid) AND c.relnamespace <> h.relnamespace)"

#define IS_NEWEST "version = " EMBEDDED_NEWEST " AND checksum = '" EMBEDDED_NEWEST_CHECKSUM "'"

const char *migrate_ready_sql(void)
{
    return READY_SQL(IS_NEWEST);
}

const char *migrate_log_ready_sql(void)
{
    return READY_SQL(IS_NEWEST " OR " IS_BEFORE_0_1_0);
}
