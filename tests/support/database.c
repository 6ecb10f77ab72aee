#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "postgres.h"

static const char *server_url(void)
{
    const char *url = getenv("CARTD_TEST_DATABASE_URL");
    if (url == NULL || *url == '\0')
        ck_abort_msg("CARTD_TEST_DATABASE_URL names no PostgreSQL to test with");
    return url;
}

struct postgres_session *support_open_session(const char *url)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct postgres_session *session = postgres_session_open(url, &problem);
    if (session == NULL)
        ck_abort_msg("%s", problem);
    return session;
}

void support_run_in(struct postgres_session *session, const char *sql)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!postgres_session_run(session, sql, &problem))
        ck_abort_msg("%s: %s", sql, problem);
}

void support_run_sql(const char *url, const char *sql)
{
    struct postgres_session *session = support_open_session(url);
    support_run_in(session, sql);
    postgres_session_close(session);
}

/* Runs one statement in the database that CARTD_TEST_DATABASE_URL names. */
static void run_on_server(const char *sql)
{
    support_run_sql(server_url(), sql);
}

static bool is_uri(const char *url)
{
    return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

char *support_create_database(void)
{
    const char *server = server_url();
    char id[BASE_UUID_SIZE];
    struct base_random random = {0};
    struct base_uuid uuid = base_uuid_make_v7(&random, base_clock_now_us());
    base_uuid_format(&uuid, id);
    /* template0, as a template with somebody connected to it can't be copied. */
    struct base_arena arena = {0};
    run_on_server(
        base_arena_printf(&arena, "CREATE DATABASE \"cartd_test_%s\" TEMPLATE template0", id));
    base_arena_finish(&arena);

    /* libpq takes the last value of a name that is given twice, in either form of the string. */
    struct base_buffer url = {0};
    const char *join = !is_uri(server) ? " " : strchr(server, '?') != NULL ? "&" : "?";
    base_buffer_printf(&url, "%s%sdbname=cartd_test_%s", server, join, id);
    base_buffer_append_char(&url, '\0');
    return url.bytes;
}

char *support_create_migrated_database(void)
{
    char *url = support_create_database();
    size_t n_applied;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!migrate_run(url, support_quiet_log(), &n_applied, &problem)) {
        support_drop_database(url);
        ck_abort_msg("%s", problem);
    }
    return url;
}

void support_drop_database(char *url)
{
    const char *name = strstr(url, "dbname=cartd_test_");
    ck_assert_ptr_nonnull(name);
    struct base_arena arena = {0};
    run_on_server(
        base_arena_printf(&arena, "DROP DATABASE \"%s\" WITH (FORCE)", name + strlen("dbname=")));
    base_arena_finish(&arena);
    free(url);
}

int64_t support_ask_sql(const char *url, const char *sql)
{
    char *problem = NULL;
    struct postgres_table table;
    struct postgres_session *session = support_open_session(url);
    bool is_done = postgres_session_query(session, sql, NULL, 0, &table, &problem);
    ck_assert_msg(is_done, "%s: %s", sql, problem);
    ck_assert_msg(table.n_rows == 1, "%s: %zu rows", sql, table.n_rows);
    int64_t answer = strtoll(table.cells[0], NULL, 10);
    postgres_table_finish(&table);
    postgres_session_close(session);
    return answer;
}
