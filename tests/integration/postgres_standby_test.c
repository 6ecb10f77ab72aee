/*
 * A synchronous standby that is not there. It is a setting of the whole server, so this test starts
 * a server of its own, and is skipped where no server programs are installed.
 */
#include "postgres_fixture.h"

#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77 /* meson's */ };

static const struct postgres_statement put = {
    .name = "put", .sql = "INSERT INTO things (id) VALUES ($1)", POSTGRES_TYPES(POSTGRES_INT4)};
static const struct postgres_statement count = {
    .name = "count", .sql = "SELECT count(*) FROM things"};
static const struct postgres_statement *const statements[] = {&put, &count, NULL};

static void setup(void)
{
    fixture_setup();
    fixture_run("CREATE TABLE things (id integer PRIMARY KEY)");
    static char url[1024];
    (void)snprintf(url, sizeof url, "%s options='-c synchronous_commit=on'", fixture.url);
    fixture.options.url = url;
    fixture.options.answer_timeout_ms = 15000;
    fixture_connect(statements);
}

static void send_put(struct asked *asked, int32_t id)
{
    postgres_put_int4(asked_begin(asked, &put), id);
    asked_send(asked);
}

/* Waits until the backend waits for the standby, then ends that by the function. */
static void end_wait(const char *function)
{
    const char *is_waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    for (bool is_there = false; !is_there;) {
        fixture_turn();
        BASE_CLEANUP(base_free_pointer) char *n = fixture_ask(is_waiting);
        is_there = strcmp(n, "1") == 0;
    }
    char sql[256];
    (void)snprintf(
        sql, sizeof sql, "SELECT %s(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        function);
    fixture_run(sql);
}

START_TEST(a_commit_that_no_standby_confirmed_is_unacknowledged)
{
    struct asked asked[3] = {0};
    send_put(&asked[0], 1);
    send_put(&asked[1], 1);
    asked_begin(&asked[2], &count);
    asked_send(&asked[2]);
    end_wait("pg_cancel_backend");
    fixture_wait(fixture.n_answered == 3);
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_UNACKNOWLEDGED);
    ck_assert_int_eq(asked[1].pipeline.outcome, POSTGRES_VIOLATED);
    ck_assert_int_eq(asked[2].pipeline.outcome, POSTGRES_DONE);
    ck_assert_int_eq(postgres_get_int8(postgres_pipeline_rows(&asked[2].pipeline, 0), 0, 0), 1);
    ck_assert_uint_eq(fixture_count_in_log("canceling wait for synchronous replication"), 1);
    for (size_t i = 0; i < 3; i++) {
        postgres_pipeline_finish(&asked[i].pipeline);
    }
}
END_TEST

/* PostgreSQL says it by a warning alone, and the role has said that it wants none. */
START_TEST(a_role_without_warnings_hears_that_no_standby_confirmed)
{
    fixture_run("ALTER ROLE postgres SET client_min_messages = error");
    fixture_destroy();
    fixture.n_changes = 0;
    fixture_connect(statements);
    struct asked asked = {0};
    send_put(&asked, 1);
    end_wait("pg_cancel_backend");
    fixture_wait(fixture.n_answered == 1);
    ck_assert_int_eq(asked.pipeline.outcome, POSTGRES_UNACKNOWLEDGED);
    fixture_run("ALTER ROLE postgres RESET client_min_messages");
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(a_backend_terminated_in_that_wait_leaves_the_outcome_unknown)
{
    struct asked asked = {0};
    send_put(&asked, 1);
    end_wait("pg_terminate_backend");
    fixture_wait(asked.answered_as > 0);
    ck_assert_int_eq(asked.pipeline.outcome, POSTGRES_UNKNOWN);
    fixture_assert_answer("SELECT count(*) FROM things", "1");
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

/* ---- the server ------------------------------------------------------------------------------ */

static char programs[512];  /* the folder of initdb and pg_ctl */
static char directory[256]; /* the server's, which has its socket too */
static const char *as_user = "";

static bool has_programs(const char *folder)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/initdb", folder);
    return access(path, X_OK) == 0;
}

static bool find_programs(void)
{
    glob_t found = {0};
    (void)glob("/usr/lib/postgresql/*/bin", 0, NULL, &found);
    for (size_t i = found.gl_pathc; i > 0 && programs[0] == '\0'; i--) {
        if (has_programs(found.gl_pathv[i - 1])) {
            (void)snprintf(programs, sizeof programs, "%s", found.gl_pathv[i - 1]);
        }
    }
    globfree(&found);
    if (programs[0] != '\0') {
        return true;
    }
    FILE *answer = popen("pg_config --bindir 2>/dev/null", "r");
    if (answer != NULL) {
        if (fgets(programs, sizeof programs, answer) != NULL) {
            programs[strcspn(programs, "\n")] = '\0';
        }
        (void)pclose(answer);
    }
    return programs[0] != '\0' && has_programs(programs);
}

static bool run_program(const char *program, const char *arguments)
{
    char command[2048];
    (void)snprintf(
        command, sizeof command, "cd / && %s '%s/%s' %s >>'%s/log' 2>&1", as_user, programs,
        program, arguments, directory);
    return system(command) == 0;
}

/* The server refuses to run as root. */
static bool make_directory(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/cartd-standby-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return false;
    }
    if (geteuid() != 0) {
        return true;
    }
    as_user = "runuser -u postgres --";
    const struct passwd *user = getpwnam("postgres");
    return user != NULL && chown(directory, user->pw_uid, user->pw_gid) == 0;
}

static bool start_server(void)
{
    char arguments[1024];
    if (!make_directory()) {
        return false;
    }
    (void)snprintf(
        arguments, sizeof arguments, "-D '%s/data' -U postgres -A trust -N --locale=C -E UTF8",
        directory);
    if (!run_program("initdb", arguments)) {
        return false;
    }
    (void)snprintf(
        arguments, sizeof arguments,
        "-s -w -D '%s/data' -l '%s/server.log' -o \"-c listen_addresses= -c fsync=off"
        " -c port=5432 -c unix_socket_directories='%s' -c synchronous_standby_names=nobody\" start",
        directory, directory, directory);
    return run_program("pg_ctl", arguments);
}

static void stop_server(void)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "-s -w -m immediate -D '%s/data' stop", directory);
    (void)run_program("pg_ctl", text);
    (void)snprintf(text, sizeof text, "rm -rf '%s'", directory);
    (void)!system(text);
}

int main(void)
{
    if (!find_programs()) {
        (void)printf("skipped: PostgreSQL's server programs are not installed\n");
        return EXIT_SKIPPED;
    }
    if (!start_server()) {
        (void)fprintf(stderr, "no server could be started, see %s/log\n", directory);
        return EXIT_FAILURE;
    }
    char url[512];
    (void)snprintf(
        url, sizeof url,
        "host=%s port=5432 user=postgres dbname=postgres options='-c synchronous_commit=local'",
        directory);
    (void)setenv("CARTD_TEST_DATABASE_URL", url, 1);

    Suite *suite = suite_create("postgres standby");
    TCase *tests = tcase_create("standby");
    tcase_add_checked_fixture(tests, setup, fixture_teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_commit_that_no_standby_confirmed_is_unacknowledged);
    tcase_add_test(tests, a_role_without_warnings_hears_that_no_standby_confirmed);
    tcase_add_test(tests, a_backend_terminated_in_that_wait_leaves_the_outcome_unknown);
    suite_add_tcase(suite, tests);
    int status = support_run(suite);
    stop_server();
    return status;
}
