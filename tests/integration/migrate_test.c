#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scripts.h"

static char *url;

static void make_database(void)
{
    url = support_create_database();
}

static void drop_database(void)
{
    support_drop_database(url);
}

/* The first cell of the first row; the caller's to free. */
static char *ask(const char *sql)
{
    char *problem = NULL;
    struct postgres_session *session = postgres_session_open(url, &problem);
    ck_assert_msg(session != NULL, "%s", problem);
    struct postgres_table table = {0};
    bool is_answered = postgres_session_query(session, sql, NULL, 0, &table, &problem);
    ck_assert_msg(is_answered, "%s", problem);
    ck_assert_uint_gt(table.n_rows, 0);
    char *cell = base_copy_text(table.cells[0] == NULL ? "null" : table.cells[0]);
    postgres_table_finish(&table);
    postgres_session_close(session);
    return cell;
}

static void assert_answer(const char *sql, const char *expected)
{
    BASE_CLEANUP(base_free_pointer) char *answer = ask(sql);
    ck_assert_str_eq(answer, expected);
}

static void run(const char *sql)
{
    char *problem = NULL;
    struct postgres_session *session = postgres_session_open(url, &problem);
    ck_assert_msg(session != NULL, "%s", problem);
    bool is_done = postgres_session_run(session, sql, &problem);
    ck_assert_msg(is_done, "%s", problem);
    postgres_session_close(session);
}

static size_t migrate(const struct migrate_script *scripts, size_t n_scripts)
{
    size_t n_applied = 0;
    char *problem = NULL;
    bool is_done =
        migrate_run_scripts(url, support_quiet_log(), scripts, n_scripts, &n_applied, &problem);
    ck_assert_msg(is_done, "%s", problem);
    return n_applied;
}

static void assert_refused(
    const struct migrate_script *scripts, size_t n_scripts, const char *part_of_problem)
{
    size_t n_applied = 99;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    ck_assert(
        !migrate_run_scripts(url, support_quiet_log(), scripts, n_scripts, &n_applied, &problem));
    ck_assert_msg(strstr(problem, part_of_problem) != NULL, "%s", problem);
}

static const struct migrate_script three[] = {
    {.name = "001_one", .checksum = "a1", .sql = "CREATE TABLE one (id integer)"},
    {.name = "002_two",
     .checksum = "b2",
     .sql = "CREATE TABLE two (id integer); INSERT INTO one VALUES (2);"},
    {.name = "003_three", .checksum = "c3", .sql = "INSERT INTO one SELECT id + 1 FROM one"},
};

START_TEST(an_empty_database_is_brought_to_the_newest_version)
{
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert_msg(migrate_run(url, support_quiet_log(), &n_applied, &problem), "%s", problem);
    ck_assert_int_gt(migrate_version(), 0);
    ck_assert_uint_eq(n_applied, (size_t)migrate_version());
    assert_answer(migrate_ready_sql(), "t");
    assert_answer("SELECT bool_and(checksum ~ '^[0-9a-f]{64}$') FROM schema_migrations", "t");
    assert_answer("SELECT name FROM schema_migrations WHERE version = 1", "001_event_log");
}
END_TEST

START_TEST(a_second_run_applies_nothing)
{
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert(migrate_run(url, support_quiet_log(), &n_applied, &problem));
    ck_assert(migrate_run(url, support_quiet_log(), &n_applied, &problem));
    ck_assert_uint_eq(n_applied, 0);
}
END_TEST

START_TEST(a_database_that_lacks_the_last_script_is_not_ready)
{
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert(migrate_run(url, support_quiet_log(), &n_applied, &problem));
    run("DELETE FROM schema_migrations"
        " WHERE version = (SELECT max(version) FROM schema_migrations)");
    assert_answer(migrate_ready_sql(), "f");
}
END_TEST

START_TEST(a_database_that_is_newer_is_ready)
{
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert(migrate_run(url, support_quiet_log(), &n_applied, &problem));
    run("INSERT INTO schema_migrations (version, name, checksum) VALUES (999, 'later', '')");
    assert_answer(migrate_ready_sql(), "t");
}
END_TEST

START_TEST(of_a_database_made_before_0_1_0_only_the_log_is_ready)
{
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert(migrate_run(url, support_quiet_log(), &n_applied, &problem));
    assert_answer(migrate_log_ready_sql(), "t");
    run("UPDATE schema_migrations SET checksum ="
        " 'd16a71db562a7052b65cde7c17c4b602724536f11fababf2ae6dff47b94900b0' WHERE version = 1;"
        "UPDATE schema_migrations SET checksum = 'another' WHERE version > 1;"
        "INSERT INTO schema_migrations (version, name, checksum) VALUES (999, 'former', '')");
    assert_answer(migrate_ready_sql(), "f");
    assert_answer(migrate_log_ready_sql(), "t");
    assert_refused(three, 3, "the database was made before 0.1.0");
}
END_TEST

START_TEST(only_what_is_missing_is_applied)
{
    ck_assert_uint_eq(migrate(three, 2), 2);
    ck_assert_uint_eq(migrate(three, 3), 1);
    assert_answer("SELECT sum(id) FROM one", "5");
}
END_TEST

START_TEST(each_script_is_logged_with_version_and_name)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct base_log log = {.fd = fd, .form = BASE_LOG_JSON, .least = BASE_LOG_INFO};
    size_t n_applied = 0;
    char *problem = NULL;
    ck_assert(migrate_run_scripts(url, &log, three, 2, &n_applied, &problem));
    char text[4096] = {0};
    ck_assert_int_gt(pread(fd, text, sizeof text - 1, 0), 0);
    close(fd);
    ck_assert_ptr_nonnull(strstr(text, "\"event\":\"migrated\""));
    ck_assert_ptr_nonnull(strstr(text, "\"version\":2,\"name\":\"002_two\""));
}
END_TEST

START_TEST(a_script_that_was_changed_after_it_was_applied_is_refused)
{
    migrate(three, 2);
    struct migrate_script changed[] = {three[0], three[1], three[2]};
    changed[1].checksum = "other";
    assert_refused(changed, 3, "migration 2 (002_two) was applied with other content");
    assert_answer("SELECT count(*) FROM schema_migrations", "2");
}
END_TEST

START_TEST(a_database_newer_than_the_binary_is_refused)
{
    migrate(three, 3);
    assert_refused(three, 2, "the database is at migration 3 (003_three)");
}
END_TEST

START_TEST(a_gap_in_what_was_applied_is_refused)
{
    migrate(three, 2);
    run("DELETE FROM schema_migrations WHERE version = 1");
    assert_refused(three, 3, "has version 2 where 1 is expected");
}
END_TEST

START_TEST(a_failing_script_leaves_nothing_of_itself)
{
    const struct migrate_script scripts[] = {
        three[0],
        {.name = "002_bad",
         .checksum = "x",
         .sql = "CREATE TABLE half (id integer); SELECT nonsense FROM half"},
    };
    assert_refused(scripts, 2, "migration 2 (002_bad) failed and was rolled back: column");
    assert_answer("SELECT to_regclass('half') IS NULL AND to_regclass('one') IS NOT NULL", "t");
    assert_answer("SELECT count(*) FROM schema_migrations", "1");
    ck_assert_uint_eq(migrate(three, 3), 2);
}
END_TEST

START_TEST(a_script_that_fails_at_its_commit_leaves_nothing_of_itself)
{
    const struct migrate_script scripts[] = {
        {.name = "001_bad",
         .checksum = "x",
         .sql = "CREATE TABLE half (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);"
                "INSERT INTO half VALUES (1), (1)"},
    };
    assert_refused(scripts, 1, "23505");
    assert_answer("SELECT to_regclass('half') IS NULL", "t");
    assert_answer("SELECT count(*) FROM schema_migrations", "0");
}
END_TEST

START_TEST(an_unreachable_database_is_a_problem)
{
    size_t n_applied = 0;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    ck_assert(
        !migrate_run("postgresql://127.0.0.1:1/none", support_quiet_log(), &n_applied, &problem));
    ck_assert_ptr_nonnull(strstr(problem, "refused"));
}
END_TEST

START_TEST(several_runs_at_once_apply_each_script_once)
{
    static const struct migrate_script slow[] = {
        {.name = "001_slow",
         .checksum = "a",
         .sql = "CREATE TABLE one (id integer); SELECT pg_sleep(0.2)"},
        {.name = "002_slow",
         .checksum = "b",
         .sql = "INSERT INTO one VALUES (2); SELECT pg_sleep(0.2)"},
        {.name = "003_slow", .checksum = "c", .sql = "INSERT INTO one SELECT id + 1 FROM one"},
    };
    enum { N_RUNS = 4 };
    pid_t runs[N_RUNS];
    for (size_t i = 0; i < N_RUNS; i++) {
        runs[i] = fork();
        ck_assert_int_ge(runs[i], 0);
        if (runs[i] == 0) {
            size_t n_applied = 0;
            char *problem = NULL;
            bool is_done =
                migrate_run_scripts(url, support_quiet_log(), slow, 3, &n_applied, &problem);
            _exit(is_done ? (int)n_applied : 100);
        }
    }
    int n_applied = 0;
    for (size_t i = 0; i < N_RUNS; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(runs[i], &status, 0), runs[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 100);
        n_applied += WEXITSTATUS(status);
    }
    ck_assert_int_eq(n_applied, 3);
    assert_answer("SELECT sum(id) FROM one", "5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("migrate");
    TCase *tests = tcase_create("migrate");
    tcase_add_checked_fixture(tests, make_database, drop_database);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_empty_database_is_brought_to_the_newest_version);
    tcase_add_test(tests, a_second_run_applies_nothing);
    tcase_add_test(tests, a_database_that_lacks_the_last_script_is_not_ready);
    tcase_add_test(tests, a_database_that_is_newer_is_ready);
    tcase_add_test(tests, of_a_database_made_before_0_1_0_only_the_log_is_ready);
    tcase_add_test(tests, only_what_is_missing_is_applied);
    tcase_add_test(tests, each_script_is_logged_with_version_and_name);
    tcase_add_test(tests, a_script_that_was_changed_after_it_was_applied_is_refused);
    tcase_add_test(tests, a_database_newer_than_the_binary_is_refused);
    tcase_add_test(tests, a_gap_in_what_was_applied_is_refused);
    tcase_add_test(tests, a_failing_script_leaves_nothing_of_itself);
    tcase_add_test(tests, a_script_that_fails_at_its_commit_leaves_nothing_of_itself);
    tcase_add_test(tests, an_unreachable_database_is_a_problem);
    tcase_add_test(tests, several_runs_at_once_apply_each_script_once);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
