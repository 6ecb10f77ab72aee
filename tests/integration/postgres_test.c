/* A connection's life: connecting by any name, not ready, lost, destroyed at any moment. */
#include "postgres_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct postgres_statement one = {.name = "one", .sql = "SELECT 1"};
static const struct postgres_statement sleep_long = {
    .name = "sleep_long", .sql = "SELECT pg_sleep(30)"};
static const struct postgres_statement list = {.name = "list", .sql = "SELECT id FROM later"};
static const struct postgres_statement setting = {
    .name = "setting", .sql = "SELECT current_setting($1)", POSTGRES_TYPES(POSTGRES_TEXT)};

static const struct postgres_statement *const statements[] = {&one, &sleep_long, &setting, NULL};
static const struct postgres_statement *const statements_on_a_table[] = {&one, &list, NULL};

static const char REFUSED_URL[] = "postgresql://postgres@127.0.0.1:1/none";

/* libpq takes the last value of a name that is given twice. */
static void change_url(const char *name, const char *value)
{
    static char url[1024];
    char old[sizeof url];
    (void)snprintf(old, sizeof old, "%s", fixture.options.url);
    bool is_uri = strstr(old, "://") != NULL;
    const char *join = !is_uri ? " " : strchr(old, '?') != NULL ? "&" : "?";
    size_t length = strlen(old);
    memcpy(url, old, length);
    (void)snprintf(url + length, sizeof url - length, "%s%s=%s", join, name, value);
    fixture.options.url = url;
}

static const char *trouble(void)
{
    const char *text = postgres_connection_trouble(fixture.connection);
    return text == NULL ? "" : text;
}

static bool is_in_trouble(const char *part)
{
    return strstr(trouble(), part) != NULL;
}

/* ---- connecting ------------------------------------------------------------------------------ */

START_TEST(a_connection_becomes_ready_and_says_so_once)
{
    fixture_create(statements);
    ck_assert(!postgres_connection_is_ready(fixture.connection));
    ck_assert_ptr_nonnull(postgres_connection_trouble(fixture.connection));
    struct postgres_backend backend;
    ck_assert(!postgres_connection_backend(fixture.connection, &backend));
    fixture_wait(fixture.n_changes > 0);
    ck_assert(postgres_connection_is_ready(fixture.connection));
    ck_assert_ptr_null(postgres_connection_trouble(fixture.connection));
    ck_assert_uint_eq(fixture_count_in_log("database_connected"), 1);
    ck_assert(postgres_connection_backend(fixture.connection, &backend));
    char sql[256];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT extract(epoch FROM backend_start) * 1000000 = %lld FROM pg_stat_activity"
        " WHERE pid = %d AND application_name = 'cartd test'",
        (long long)backend.started_at_us, (int)backend.pid);
    fixture_assert_answer(sql, "t");
}
END_TEST

static void assert_setting(const char *name, const char *expected)
{
    struct asked asked = {0};
    postgres_put_text(asked_begin(&asked, &setting), name);
    asked_expect(&asked, POSTGRES_DONE);
    ck_assert_str_eq(postgres_get_text(postgres_pipeline_rows(&asked.pipeline, 0), 0, 0), expected);
    postgres_pipeline_finish(&asked.pipeline);
}

START_TEST(the_session_is_set_up_as_the_rest_relies_on)
{
    change_url("application_name", "mine");
    fixture_connect(statements);
    assert_setting("application_name", "mine");
    assert_setting("default_transaction_isolation", "read committed");
    assert_setting("transaction_isolation", "read committed");
    assert_setting("plan_cache_mode", "force_generic_plan");
    assert_setting("jit", "off");
    assert_setting("client_encoding", "UTF8");
    assert_setting("TimeZone", "UTC");
    assert_setting("lock_timeout", "2500ms");
    assert_setting("statement_timeout", "3750ms");
    assert_setting("idle_in_transaction_session_timeout", "5s");
}
END_TEST

START_TEST(a_string_that_is_none_is_refused_with_a_sentence)
{
    fixture.options.url = "postgresql://[::1";
    fixture.options.statements = statements;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    ck_assert_ptr_null(postgres_connection_create(&fixture.options, &problem));
    ck_assert_ptr_nonnull(problem);
    ck_assert_ptr_null(strchr(problem, '\n'));
}
END_TEST

START_TEST(a_host_name_is_resolved)
{
    change_url("host", "localhost");
    fixture_connect(statements);
    fixture_expect(&one, POSTGRES_DONE);
}
END_TEST

START_TEST(a_host_name_that_does_not_exist_is_trouble_and_blocks_nobody)
{
    change_url("host", "no-such-host.invalid");
    fixture_create(statements);
    fixture_wait(is_in_trouble("no-such-host.invalid") || is_in_trouble("no name server"));
    fixture_expect(&one, POSTGRES_UNAVAILABLE);
}
END_TEST

START_TEST(of_several_hosts_one_that_answers_is_enough)
{
    change_url("host", "no-such-host.invalid,localhost");
    fixture_connect(statements);
    fixture_expect(&one, POSTGRES_DONE);
}
END_TEST

/* Takes connections and never says a word. */
static int listen_silently(char port[static 8])
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(port, 8, "%d", ntohs(address.sin_port));
    return fd;
}

/* The port of the test's server. */
static void find_port(char port[static 8])
{
    BASE_CLEANUP(base_free_pointer)
    char *text = fixture_ask("SELECT current_setting('port')");
    (void)snprintf(port, 8, "%s", text);
}

START_TEST(a_host_that_is_silent_is_given_up_and_the_next_one_is_first)
{
    char silent[8];
    char good[8];
    int fd = listen_silently(silent);
    find_port(good);
    char ports[32];
    (void)snprintf(ports, sizeof ports, "%s,%s", silent, good);
    change_url("host", "127.0.0.1,127.0.0.1");
    change_url("port", ports);
    fixture_create(statements);
    fixture_wait(is_in_trouble("longer than 5 s"));
    fixture_wait(postgres_connection_is_ready(fixture.connection));
    close(fd);
}
END_TEST

START_TEST(a_refused_connection_is_tried_again_and_logged_once)
{
    fixture.options.url = REFUSED_URL;
    fixture_create(statements);
    fixture_expect(&one, POSTGRES_UNAVAILABLE);
    fixture_wait(is_in_trouble("refused"));
    ck_assert_ptr_null(strchr(trouble(), '\n'));
    int64_t start_us = base_clock_monotonic_us();
    fixture_wait(base_clock_monotonic_us() - start_us > 800000);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"database_unreachable\""), 1);
    ck_assert_uint_eq(fixture.n_changes, 0);
    fixture_expect(&one, POSTGRES_UNAVAILABLE);
}
END_TEST

START_TEST(a_database_that_does_not_exist_is_trouble)
{
    change_url("dbname", "cartd_no_such_database");
    fixture_create(statements);
    fixture_wait(is_in_trouble("does not exist"));
}
END_TEST

/* ---- ready ----------------------------------------------------------------------------------- */

START_TEST(a_database_that_is_not_ready_is_asked_until_it_is)
{
    fixture_run("CREATE TABLE readiness (is_ready boolean); INSERT INTO readiness VALUES (false)");
    fixture.options.ready_sql = "SELECT is_ready FROM readiness";
    fixture.options.not_ready_detail = "run the migrations first";
    fixture_create(statements);
    fixture_wait(strcmp(trouble(), "run the migrations first") == 0);
    fixture_expect(&one, POSTGRES_UNAVAILABLE);
    int64_t start_us = base_clock_monotonic_us();
    fixture_wait(base_clock_monotonic_us() - start_us > 1500000);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"database_not_ready\""), 1);
    ck_assert_uint_eq(fixture.n_changes, 0);
    fixture_run("UPDATE readiness SET is_ready = true");
    fixture_wait(fixture.n_changes == 1);
    fixture_expect(&one, POSTGRES_DONE);
}
END_TEST

START_TEST(an_error_instead_of_an_answer_is_not_ready_either)
{
    fixture.options.ready_sql = "SELECT true FROM readiness";
    fixture.options.not_ready_detail = "run the migrations first";
    fixture_create(statements);
    fixture_wait(is_in_trouble("run the migrations first (relation \"readiness\""));
}
END_TEST

START_TEST(a_script_is_run_before_anything_else_until_it_succeeds)
{
    fixture.options.ready_sql = "SELECT true";
    fixture.options.enter_sql = "INSERT INTO entries VALUES (1)";
    fixture_create(statements);
    fixture_wait(is_in_trouble("relation \"entries\" does not exist"));
    fixture_expect(&one, POSTGRES_UNAVAILABLE);
    fixture_run("CREATE TABLE entries (id integer)");
    fixture_wait(fixture.n_changes == 1);
    fixture_expect(&one, POSTGRES_DONE);
    fixture_run("DO 'BEGIN ASSERT (SELECT count(*) FROM entries) = 1; END'");
}
END_TEST

START_TEST(statements_that_can_not_be_prepared_are_tried_until_they_can)
{
    fixture_create(statements_on_a_table);
    fixture_wait(is_in_trouble("can't be prepared: relation \"later\" does not exist"));
    fixture_run("CREATE TABLE later (id integer)");
    fixture_wait(fixture.n_changes == 1);
    fixture_expect(&list, POSTGRES_DONE);
}
END_TEST

static void terminate(void)
{
    fixture_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cartd test' AND datname = current_database()");
}

START_TEST(an_idle_connection_that_is_lost_is_made_anew)
{
    fixture_connect(statements);
    for (size_t i = 1; i <= 3; i++) {
        terminate();
        fixture_wait(fixture.n_changes == 2 * i);
        ck_assert(!postgres_connection_is_ready(fixture.connection));
        ck_assert(is_in_trouble("terminating connection due to administrator command"));
        fixture_wait(fixture.n_changes == 2 * i + 1);
        fixture_expect(&one, POSTGRES_DONE);
    }
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"database_lost\""), 3);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"database_connected\""), 4);
}
END_TEST

START_TEST(a_pipeline_sent_into_a_connection_that_just_ended_is_unknown)
{
    fixture_connect(statements);
    terminate();
    usleep(300000);
    fixture_expect(&one, POSTGRES_UNKNOWN);
}
END_TEST

/* ---- destroyed ------------------------------------------------------------------------------- */

START_TEST(a_connection_can_be_destroyed_at_any_moment_of_its_beginning)
{
    change_url("host", "localhost");
    for (int n_turns = 0; n_turns < 30; n_turns++) {
        fixture_create(statements);
        for (int i = 0; i < n_turns; i++) {
            loop_turn(fixture.loop, i % 2);
        }
        fixture_destroy();
    }
    fixture.options.url = REFUSED_URL;
    for (int n_turns = 0; n_turns < 3; n_turns++) {
        fixture_create(statements);
        for (int i = 0; i < n_turns; i++) {
            loop_turn(fixture.loop, 1);
        }
        fixture_destroy();
    }
}
END_TEST

START_TEST(pipelines_under_way_are_answered_before_destroy_returns)
{
    fixture_create(statements);
    struct asked early = {0};
    asked_begin(&early, &one);
    asked_send(&early);
    fixture_destroy();
    ck_assert_int_eq(early.pipeline.outcome, POSTGRES_UNAVAILABLE);
    ck_assert_uint_eq(early.answered_as, 1);

    fixture_connect(statements);
    struct asked asked[2] = {0};
    asked_begin(&asked[0], &sleep_long);
    asked_begin(&asked[1], &one);
    asked_send(&asked[0]);
    asked_send(&asked[1]);
    ck_assert_uint_eq(postgres_connection_under_way(fixture.connection), 2);
    fixture_destroy();
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_UNKNOWN);
    ck_assert_uint_eq(asked[0].answered_as, 2);
    ck_assert_uint_eq(asked[1].answered_as, 3);
    postgres_pipeline_finish(&early.pipeline);
    postgres_pipeline_finish(&asked[0].pipeline);
    postgres_pipeline_finish(&asked[1].pipeline);
}
END_TEST

static void destroy_connection(struct asked *asked)
{
    (void)asked;
    fixture_destroy();
}

START_TEST(an_answered_pipeline_may_destroy_the_connection)
{
    fixture_connect(statements);
    struct asked asked[3] = {{.then = destroy_connection}};
    for (size_t i = 0; i < 3; i++) {
        asked_begin(&asked[i], &one);
        asked_send(&asked[i]);
    }
    fixture_wait(fixture.n_answered == 3);
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_DONE);
    ck_assert_ptr_null(fixture.connection);
    loop_turn(fixture.loop, 0);
    for (size_t i = 0; i < 3; i++) {
        postgres_pipeline_finish(&asked[i].pipeline);
    }

    /* Also when the answer is deferred. */
    fixture_create(statements);
    struct asked deferred = {.then = destroy_connection};
    asked_begin(&deferred, &one);
    asked_send(&deferred);
    fixture_wait(deferred.answered_as > 0);
    ck_assert_int_eq(deferred.pipeline.outcome, POSTGRES_UNAVAILABLE);
    postgres_pipeline_finish(&deferred.pipeline);
}
END_TEST

static void destroy_on_change(struct postgres_connection *connection, void *context)
{
    (void)context;
    postgres_connection_destroy(connection);
    fixture.connection = NULL;
}

START_TEST(a_change_may_destroy_the_connection)
{
    fixture.options.changed = destroy_on_change;
    fixture_create(statements);
    fixture_wait(fixture.connection == NULL);
    loop_turn(fixture.loop, 0);
}
END_TEST

/* ---- sessions -------------------------------------------------------------------------------- */

START_TEST(a_session_runs_scripts_and_asks_questions)
{
    char *problem = NULL;
    struct postgres_session *session = postgres_session_open(fixture.url, &problem);
    ck_assert_ptr_nonnull(session);
    ck_assert(postgres_session_run(
        session, "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (NULL)", &problem));
    struct postgres_table table;
    const char *parameters[] = {"x", NULL};
    ck_assert(postgres_session_query(
        session, "SELECT a, $1::text || a, $2::text FROM t ORDER BY a", parameters, 2, &table,
        &problem));
    ck_assert_uint_eq(table.n_rows, 2);
    ck_assert_uint_eq(table.n_columns, 3);
    ck_assert_str_eq(table.cells[1], "x1");
    ck_assert_ptr_null(table.cells[2]);
    ck_assert_ptr_null(table.cells[3]);
    postgres_table_finish(&table);
    ck_assert(postgres_session_query(session, "DELETE FROM t", NULL, 0, &table, &problem));
    ck_assert_uint_eq(table.n_rows, 0);
    postgres_table_finish(&table);
    postgres_session_close(session);
}
END_TEST

START_TEST(a_session_says_what_went_wrong_on_one_line)
{
    BASE_CLEANUP(base_free_pointer) char *refused = NULL;
    ck_assert_ptr_null(postgres_session_open(REFUSED_URL, &refused));
    ck_assert_ptr_nonnull(strstr(refused, "refused"));
    ck_assert_ptr_null(strchr(refused, '\n'));

    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct postgres_session *session = postgres_session_open(fixture.url, &problem);
    ck_assert(!postgres_session_run(session, "SELECT nonsense()", &problem));
    ck_assert_ptr_nonnull(strstr(problem, "function nonsense() does not exist (SQLSTATE 42883)"));
    ck_assert_ptr_nonnull(strstr(problem, "hint: No function matches"));
    BASE_CLEANUP(base_free_pointer) char *copy = NULL;
    ck_assert(!postgres_session_run(session, "COPY pg_class TO STDOUT", &copy));
    postgres_session_close(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postgres");
    TCase *tests = tcase_create("connections");
    tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_connection_becomes_ready_and_says_so_once);
    tcase_add_test(tests, the_session_is_set_up_as_the_rest_relies_on);
    tcase_add_test(tests, a_string_that_is_none_is_refused_with_a_sentence);
    tcase_add_test(tests, a_host_name_is_resolved);
    tcase_add_test(tests, a_host_name_that_does_not_exist_is_trouble_and_blocks_nobody);
    tcase_add_test(tests, of_several_hosts_one_that_answers_is_enough);
    tcase_add_test(tests, a_host_that_is_silent_is_given_up_and_the_next_one_is_first);
    tcase_add_test(tests, a_refused_connection_is_tried_again_and_logged_once);
    tcase_add_test(tests, a_database_that_does_not_exist_is_trouble);
    tcase_add_test(tests, a_database_that_is_not_ready_is_asked_until_it_is);
    tcase_add_test(tests, an_error_instead_of_an_answer_is_not_ready_either);
    tcase_add_test(tests, a_script_is_run_before_anything_else_until_it_succeeds);
    tcase_add_test(tests, statements_that_can_not_be_prepared_are_tried_until_they_can);
    tcase_add_test(tests, an_idle_connection_that_is_lost_is_made_anew);
    tcase_add_test(tests, a_pipeline_sent_into_a_connection_that_just_ended_is_unknown);
    tcase_add_test(tests, a_connection_can_be_destroyed_at_any_moment_of_its_beginning);
    tcase_add_test(tests, pipelines_under_way_are_answered_before_destroy_returns);
    tcase_add_test(tests, an_answered_pipeline_may_destroy_the_connection);
    tcase_add_test(tests, a_change_may_destroy_the_connection);
    tcase_add_test(tests, a_session_runs_scripts_and_asks_questions);
    tcase_add_test(tests, a_session_says_what_went_wrong_on_one_line);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
