/* Pipelines: each outcome, what was done and what was not, and the order of the answers. */
#include "postgres_fixture.h"

#include <string.h>
#include <unistd.h>

static const struct postgres_statement one = {.name = "one", .sql = "SELECT 1"};
static const struct postgres_statement pid = {.name = "pid", .sql = "SELECT pg_backend_pid()"};
static const struct postgres_statement put = {
    .name = "put",
    .sql = "INSERT INTO things (id) VALUES ($1) RETURNING id",
    POSTGRES_TYPES(POSTGRES_INT4)};
static const struct postgres_statement put_late = {
    .name = "put_late", .sql = "INSERT INTO late (id) VALUES ($1)", POSTGRES_TYPES(POSTGRES_INT4)};
static const struct postgres_statement put_state = {
    .name = "put_state", .sql = "INSERT INTO states VALUES ($1)", POSTGRES_TYPES(POSTGRES_TEXT)};
static const struct postgres_statement list = {
    .name = "list", .sql = "SELECT * FROM things ORDER BY id"};
static const struct postgres_statement raise = {
    .name = "raise", .sql = "SELECT raise_state($1)", POSTGRES_TYPES(POSTGRES_TEXT)};
static const struct postgres_statement warn = {.name = "warn", .sql = "SELECT raise_warning()"};
static const struct postgres_statement sleep_long = {
    .name = "sleep_long", .sql = "SELECT pg_sleep(30)"};
static const struct postgres_statement no_timeout = {
    .name = "no_timeout", .sql = "SELECT set_config('statement_timeout', '0', true)"};
static const struct postgres_statement forget = {.name = "forget", .sql = "DEALLOCATE ALL"};

/* By the number of rows that they promise. */
#define ROWS_OF(count_name, count)                                                                 \
    [count] = {                                                                                    \
        .name = count_name,                                                                        \
        .rows = (count),                                                                           \
        .sql = "SELECT generate_series(1, $1)",                                                    \
        POSTGRES_TYPES(POSTGRES_INT4)}
static const struct postgres_statement count_rows[] = {
    ROWS_OF("any_rows", POSTGRES_ANY_ROWS), ROWS_OF("no_rows", POSTGRES_NO_ROWS),
    ROWS_OF("at_most_one_row", POSTGRES_AT_MOST_ONE_ROW), ROWS_OF("one_row", POSTGRES_ONE_ROW)};

static const struct postgres_statement *const statements[] = {
    &one,
    &pid,
    &put,
    &put_late,
    &put_state,
    &list,
    &raise,
    &warn,
    &sleep_long,
    &no_timeout,
    &forget,
    &count_rows[POSTGRES_ANY_ROWS],
    &count_rows[POSTGRES_NO_ROWS],
    &count_rows[POSTGRES_AT_MOST_ONE_ROW],
    &count_rows[POSTGRES_ONE_ROW],
    NULL};

static void setup(void)
{
    fixture_setup();
    fixture_run("CREATE TABLE things (id integer PRIMARY KEY);"
                "CREATE TABLE late (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED);"
                "CREATE FUNCTION raise_state(state text) RETURNS integer LANGUAGE plpgsql AS"
                "  $$BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = state; END$$;"
                "CREATE FUNCTION raise_late() RETURNS trigger LANGUAGE plpgsql AS"
                "  $$BEGIN PERFORM raise_state(NEW.state); RETURN NULL; END$$;"
                "CREATE TABLE states (state text);"
                "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON states"
                "  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_late();"
                "CREATE FUNCTION raise_warning() RETURNS integer LANGUAGE plpgsql AS"
                "  $$BEGIN RAISE WARNING 'mind the step'; RETURN 1; END$$;");
}

/* Begins the pipeline with `put` of one number. */
static void begin_put(struct asked *asked, int32_t id)
{
    postgres_put_int4(asked_begin(asked, &put), id);
}

static void expect_raise(const char *sqlstate, enum postgres_outcome outcome)
{
    struct asked asked = {0};
    begin_put(&asked, 77);
    postgres_put_text(postgres_pipeline_add(&asked.pipeline, &raise), sqlstate);
    postgres_pipeline_add(&asked.pipeline, &one);
    asked_expect(&asked, outcome);
    postgres_pipeline_finish(&asked.pipeline);
    fixture_assert_answer("SELECT count(*) FROM things WHERE id = 77", "0");
}

START_TEST(a_pipeline_that_is_done_has_the_rows_of_every_statement)
{
    fixture_connect(statements);
    struct asked asked = {0};
    begin_put(&asked, 1);
    postgres_put_int4(postgres_pipeline_add(&asked.pipeline, &put), 2);
    postgres_pipeline_add(&asked.pipeline, &list);
    postgres_put_int4(postgres_pipeline_add(&asked.pipeline, &put_late), 2);
    asked_expect(&asked, POSTGRES_DONE);
    ck_assert_int_eq(postgres_get_int4(postgres_pipeline_rows(&asked.pipeline, 1), 0, 0), 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&asked.pipeline, 2)), 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&asked.pipeline, 3)), 0);
    ck_assert_uint_eq(postgres_connection_under_way(fixture.connection), 0);
    postgres_pipeline_finish(&asked.pipeline);
    fixture_assert_answer("SELECT count(*) FROM things", "2");
}
END_TEST

START_TEST(an_unlucky_pipeline_may_be_tried_again)
{
    fixture_connect(statements);
    expect_raise("40001", POSTGRES_AGAIN);
    expect_raise("40P01", POSTGRES_AGAIN);
    expect_raise("55P03", POSTGRES_AGAIN);
    ck_assert_uint_eq(fixture_count_in_log("statement_failed"), 0);
    /* What took too long may do so again: somebody should know. */
    expect_raise("57014", POSTGRES_AGAIN);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"statement_failed\""), 1);
}
END_TEST

START_TEST(a_pipeline_that_a_constraint_refuses_is_violated)
{
    fixture_connect(statements);
    fixture_run("INSERT INTO things VALUES (5)");
    struct asked asked = {0};
    begin_put(&asked, 4);
    postgres_put_int4(postgres_pipeline_add(&asked.pipeline, &put), 5);
    postgres_put_int4(postgres_pipeline_add(&asked.pipeline, &put), 6);
    asked_expect(&asked, POSTGRES_VIOLATED);
    postgres_pipeline_finish(&asked.pipeline);
    fixture_assert_answer("SELECT string_agg(id::text, ',') FROM things", "5");
    expect_raise("23514", POSTGRES_VIOLATED);
}
END_TEST

START_TEST(an_error_between_the_last_success_and_the_commit_fails_the_pipeline)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct asked next = {0};
    postgres_put_int4(asked_begin(&asked, &put_late), 1);
    postgres_put_int4(postgres_pipeline_add(&asked.pipeline, &put_late), 1);
    begin_put(&next, 3);
    asked_send(&asked);
    asked_expect(&next, POSTGRES_DONE);
    ck_assert_int_eq(asked.pipeline.outcome, POSTGRES_VIOLATED);
    fixture_assert_answer("SELECT count(*) FROM late", "0");
    postgres_pipeline_finish(&asked.pipeline);
    postgres_pipeline_finish(&next.pipeline);
}
END_TEST

static void expect_raise_at_commit(const char *sqlstate, enum postgres_outcome outcome)
{
    struct asked asked = {0};
    postgres_put_text(asked_begin(&asked, &put_state), sqlstate);
    asked_expect(&asked, outcome);
    postgres_pipeline_finish(&asked.pipeline);
}

START_TEST(what_a_commit_that_broke_off_did_is_not_known)
{
    static const char *const broken[] = {"08000", "08006", "08007", "XX000", "XX001", "XX002"};
    fixture_connect(statements);
    for (size_t i = 0; i < BASE_COUNT(broken); i++) {
        expect_raise_at_commit(broken[i], POSTGRES_UNKNOWN);
        fixture_destroy(); /* the connection has been left, so that its backend ends */
        fixture.n_changes = 0;
        fixture_connect(statements);
    }
    expect_raise("XX000", POSTGRES_FAILED); /* the controls: before the commit, or said clearly */
    expect_raise_at_commit("23514", POSTGRES_VIOLATED);
    expect_raise_at_commit("40001", POSTGRES_AGAIN);
    expect_raise_at_commit("53100", POSTGRES_UNABLE);
    expect_raise_at_commit("22012", POSTGRES_FAILED);
}
END_TEST

START_TEST(any_other_error_fails_the_pipeline_and_is_logged_without_its_data)
{
    fixture_connect(statements);
    expect_raise("22012", POSTGRES_FAILED);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"statement_failed\""), 1);
    ck_assert_uint_eq(fixture_count_in_log("\"statement\":\"raise\",\"sqlstate\":\"22012\""), 1);
    ck_assert_uint_eq(fixture_count_in_log("\"hint\""), 0);
    expect_raise("42501", POSTGRES_FAILED);
    ck_assert_uint_eq(fixture_count_in_log("\"hint\":\"a right is missing"), 1);
    expect_raise("0A000", POSTGRES_FAILED);
    expect_raise("42P01", POSTGRES_FAILED);
    fixture_expect(&one, POSTGRES_DONE);
}
END_TEST

START_TEST(a_statement_with_another_number_of_rows_than_it_promises_has_failed)
{
    static const enum postgres_outcome expected[][3] = {
        [POSTGRES_ANY_ROWS] = {POSTGRES_DONE, POSTGRES_DONE, POSTGRES_DONE},
        [POSTGRES_NO_ROWS] = {POSTGRES_DONE, POSTGRES_FAILED, POSTGRES_FAILED},
        [POSTGRES_AT_MOST_ONE_ROW] = {POSTGRES_DONE, POSTGRES_DONE, POSTGRES_FAILED},
        [POSTGRES_ONE_ROW] = {POSTGRES_FAILED, POSTGRES_DONE, POSTGRES_FAILED},
    };
    fixture_connect(statements);
    for (size_t count = 0; count < BASE_COUNT(count_rows); count++) {
        for (int32_t n_rows = 0; n_rows < 3; n_rows++) {
            struct asked asked = {0};
            postgres_put_int4(asked_begin(&asked, &count_rows[count]), n_rows);
            asked_expect(&asked, expected[count][n_rows]);
            postgres_pipeline_finish(&asked.pipeline);
        }
    }
}
END_TEST

START_TEST(a_server_without_room_is_unable_and_the_log_is_spared)
{
    static const char *const reasons[] = {"08006", "25P02", "53200", "53400", "57P03", "58030"};
    fixture_connect(statements);
    for (size_t i = 0; i < 20; i++)
        expect_raise("53100", POSTGRES_UNABLE);
    ck_assert_uint_le(fixture_count_in_log("\"sqlstate\":\"53100\""), 3);
    ck_assert_ptr_nonnull(
        strstr(postgres_connection_last_failure(fixture.connection), "SQLSTATE 53100"));
    for (size_t i = 0; i < BASE_COUNT(reasons); i++)
        expect_raise(reasons[i], i == 1 ? POSTGRES_FAILED : POSTGRES_UNABLE);
    ck_assert_uint_eq(fixture_count_in_log("\"left_out\""), 1);
    fixture_expect(&one, POSTGRES_DONE);
    ck_assert_uint_eq(fixture.n_changes, 1);
}
END_TEST

START_TEST(pipelines_around_a_failing_one_are_not_touched_by_it)
{
    fixture_connect(statements);
    struct asked asked[3] = {0};
    begin_put(&asked[0], 1);
    postgres_put_text(asked_begin(&asked[1], &raise), "22012");
    postgres_put_int4(postgres_pipeline_add(&asked[1].pipeline, &put), 2);
    begin_put(&asked[2], 3);
    for (size_t i = 0; i < 3; i++) {
        asked_send(&asked[i]);
    }
    ck_assert_uint_eq(postgres_connection_under_way(fixture.connection), 3);
    fixture_wait(fixture.n_answered == 3);
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_DONE);
    ck_assert_int_eq(asked[1].pipeline.outcome, POSTGRES_FAILED);
    ck_assert_int_eq(asked[2].pipeline.outcome, POSTGRES_DONE);
    fixture_assert_answer("SELECT string_agg(id::text, ',' ORDER BY id) FROM things", "1,3");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(asked[i].answered_as, i + 1);
        postgres_pipeline_finish(&asked[i].pipeline);
    }
}
END_TEST

START_TEST(a_lock_that_is_not_released_makes_the_pipeline_try_again)
{
    fixture.options.answer_timeout_ms = 1000;
    fixture_connect(statements);
    struct postgres_session *other = support_open_session(fixture.url);
    support_run_in(other, "BEGIN; INSERT INTO things VALUES (1)");
    struct asked asked = {0};
    begin_put(&asked, 1);
    asked_expect(&asked, POSTGRES_AGAIN);
    postgres_pipeline_finish(&asked.pipeline);
    postgres_session_close(other);
}
END_TEST

START_TEST(a_statement_that_takes_too_long_is_ended_by_the_server_first)
{
    fixture.options.answer_timeout_ms = 1000;
    fixture_connect(statements);
    fixture_expect(&sleep_long, POSTGRES_AGAIN);
    ck_assert(postgres_connection_is_ready(fixture.connection));
    ck_assert_uint_eq(fixture.n_changes, 1);
}
END_TEST

/* ---- unknown --------------------------------------------------------------------------------- */

static void send_sleep(struct asked *asked)
{
    asked_begin(asked, &no_timeout);
    postgres_pipeline_add(&asked->pipeline, &sleep_long);
    asked_send(asked);
}

START_TEST(an_answer_that_never_comes_is_unknown_and_the_connection_is_made_anew)
{
    fixture.options.answer_timeout_ms = 500;
    fixture_connect(statements);
    struct postgres_backend before;
    ck_assert(postgres_connection_backend(fixture.connection, &before));
    struct asked asked[2] = {0};
    send_sleep(&asked[0]);
    begin_put(&asked[1], 1);
    asked_send(&asked[1]);
    fixture_wait(fixture.n_answered == 2);
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_UNKNOWN);
    ck_assert_int_eq(asked[1].pipeline.outcome, POSTGRES_UNKNOWN);
    ck_assert_uint_eq(fixture_count_in_log("database_timeout"), 1);
    fixture_wait(postgres_connection_is_ready(fixture.connection) && fixture.n_changes == 3);
    struct postgres_backend after;
    ck_assert(postgres_connection_backend(fixture.connection, &after));
    ck_assert_int_ne(before.pid, after.pid);
    fixture_expect(&one, POSTGRES_DONE);
    postgres_pipeline_finish(&asked[0].pipeline);
    postgres_pipeline_finish(&asked[1].pipeline);
}
END_TEST

START_TEST(a_backend_that_is_terminated_leaves_the_outcome_unknown)
{
    fixture_connect(statements);
    struct asked asked[2] = {0};
    begin_put(&asked[0], 1);
    asked_expect(&asked[0], POSTGRES_DONE);
    send_sleep(&asked[1]);
    for (int i = 0; i < 5; i++) {
        fixture_turn();
    }
    fixture_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cartd test' AND datname = current_database()");
    fixture_wait(asked[1].answered_as > 0);
    ck_assert_int_eq(asked[1].pipeline.outcome, POSTGRES_UNKNOWN);
    ck_assert_uint_eq(fixture_count_in_log("\"event\":\"database_lost\""), 1);
    ck_assert_uint_eq(fixture_count_in_log("due to administrator command"), 1);
    fixture_wait(postgres_connection_is_ready(fixture.connection));
    fixture_expect(&one, POSTGRES_DONE);
    postgres_pipeline_finish(&asked[0].pipeline);
    postgres_pipeline_finish(&asked[1].pipeline);
}
END_TEST

/* The answers to the first pipelines are in the socket before the connection breaks. */
START_TEST(what_was_answered_before_the_connection_broke_counts)
{
    fixture_connect(statements);
    struct asked asked[3] = {0};
    begin_put(&asked[0], 1);
    begin_put(&asked[1], 1);
    asked_send(&asked[0]);
    asked_send(&asked[1]);
    send_sleep(&asked[2]);
    usleep(200000);
    fixture_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cartd test' AND datname = current_database()");
    usleep(200000);
    fixture_wait(fixture.n_answered == 3);
    ck_assert_int_eq(asked[0].pipeline.outcome, POSTGRES_DONE);
    ck_assert_int_eq(asked[1].pipeline.outcome, POSTGRES_VIOLATED);
    ck_assert_int_eq(asked[2].pipeline.outcome, POSTGRES_UNKNOWN);
    for (size_t i = 0; i < 3; i++) {
        postgres_pipeline_finish(&asked[i].pipeline);
    }
}
END_TEST

/* ---- stale plans ----------------------------------------------------------------------------- */

START_TEST(a_plan_that_went_stale_is_prepared_again_and_nobody_notices)
{
    fixture_connect(statements);
    fixture_expect(&list, POSTGRES_DONE);
    fixture_run("ALTER TABLE things ADD COLUMN colour text DEFAULT 'red'");
    fixture_run("INSERT INTO things VALUES (1)");
    struct asked asked[4] = {0};
    asked_begin(&asked[0], &one);
    asked_begin(&asked[1], &list);
    asked_begin(&asked[2], &pid);
    asked_begin(&asked[3], &list);
    for (size_t i = 0; i < 4; i++) {
        asked_send(&asked[i]);
    }
    fixture_wait(fixture.n_answered == 5);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(asked[i].pipeline.outcome, POSTGRES_DONE);
        ck_assert_uint_eq(asked[i].answered_as, 2 + i);
    }
    const struct postgres_rows *rows = postgres_pipeline_rows(&asked[3].pipeline, 0);
    ck_assert_str_eq(postgres_get_text(rows, 0, 1), "red");
    for (size_t i = 0; i < 4; i++) {
        postgres_pipeline_finish(&asked[i].pipeline);
    }
    ck_assert_uint_eq(fixture.n_changes, 1);
    ck_assert_uint_eq(fixture_count_in_log("statement_failed"), 0);
}
END_TEST

START_TEST(statements_that_somebody_deallocated_are_prepared_again)
{
    fixture_connect(statements);
    fixture_expect(&forget, POSTGRES_DONE);
    fixture_expect(&one, POSTGRES_DONE);
    fixture_expect(&list, POSTGRES_DONE);
}
END_TEST

START_TEST(a_pipeline_that_goes_stale_twice_is_tried_again_by_its_owner)
{
    fixture_connect(statements);
    struct asked asked = {0};
    asked_begin(&asked, &forget);
    postgres_pipeline_add(&asked.pipeline, &one);
    asked_expect(&asked, POSTGRES_AGAIN);
    postgres_pipeline_finish(&asked.pipeline);
    fixture_expect(&one, POSTGRES_DONE);
}
END_TEST

START_TEST(statements_that_can_not_be_prepared_again_make_the_connection_not_ready)
{
    fixture_connect(statements);
    fixture_run("DROP TABLE things");
    fixture_expect(&forget, POSTGRES_DONE);
    struct asked asked = {0};
    asked_begin(&asked, &one);
    asked_send(&asked);
    fixture_wait(asked.answered_as > 0);
    ck_assert_int_eq(asked.pipeline.outcome, POSTGRES_UNKNOWN);
    fixture_wait(!postgres_connection_is_ready(fixture.connection) && fixture.n_changes == 2);
    ck_assert_ptr_nonnull(strstr(postgres_connection_trouble(fixture.connection), "things"));
    fixture_run("CREATE TABLE things (id integer PRIMARY KEY)");
    fixture_wait(fixture.n_changes == 3);
    fixture_expect(&list, POSTGRES_DONE);
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

/* ---- the rest -------------------------------------------------------------------------------- */

START_TEST(a_database_that_became_read_only_is_unable_and_left)
{
    fixture_connect(statements);
    struct asked asked = {0};
    static const char *const back =
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only',"
        " current_database()); END$$";
    fixture_run("DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only"
                " TO on', current_database()); END$$");
    fixture_run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cartd test' AND datname = current_database()");
    fixture_wait(fixture.n_changes == 3);
    begin_put(&asked, 1);
    asked_expect(&asked, POSTGRES_UNABLE);
    ck_assert_ptr_nonnull(strstr(postgres_connection_trouble(fixture.connection), "read-only"));
    struct postgres_session *session = support_open_session(fixture.url);
    support_run_in(session, "SET default_transaction_read_only = off");
    support_run_in(session, back);
    postgres_session_close(session);
    fixture_wait(postgres_connection_is_ready(fixture.connection));
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(warnings_are_logged_and_change_nothing)
{
    fixture_connect(statements);
    fixture_expect(&warn, POSTGRES_DONE);
    ck_assert_uint_eq(fixture_count_in_log("\"notice\":\"mind the step\""), 1);
}
END_TEST

static size_t n_more;

static void send_again(struct asked *asked)
{
    if (n_more > 0) {
        n_more--;
        ck_assert_int_eq(asked->pipeline.outcome, POSTGRES_DONE);
        asked_begin(asked, &one);
        asked_send(asked);
    }
}

START_TEST(an_answered_pipeline_can_be_begun_and_sent_at_once)
{
    fixture_connect(statements);
    struct asked asked[2] = {{.then = send_again}, {.then = send_again}};
    n_more = 2000;
    asked_begin(&asked[0], &one);
    asked_begin(&asked[1], &one);
    asked_send(&asked[0]);
    asked_send(&asked[1]);
    fixture_wait(fixture.n_answered == 2002);
    postgres_pipeline_finish(&asked[0].pipeline);
    postgres_pipeline_finish(&asked[1].pipeline);
}
END_TEST

START_TEST(many_pipelines_are_answered_in_their_order)
{
    fixture_connect(statements);
    enum { N = 300 };
    static struct asked asked[N];
    memset(asked, 0, sizeof asked);
    for (size_t i = 0; i < N; i++) {
        begin_put(&asked[i], (int32_t)(i - i % 7)); /* most of them violate */
        asked_send(&asked[i]);
    }
    fixture_wait(fixture.n_answered == N);
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_eq(asked[i].answered_as, i + 1);
        ck_assert_int_eq(asked[i].pipeline.outcome, i % 7 == 0 ? POSTGRES_DONE : POSTGRES_VIOLATED);
        postgres_pipeline_finish(&asked[i].pipeline);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postgres pipelines");
    TCase *tests = tcase_create("pipelines");
    tcase_add_checked_fixture(tests, setup, fixture_teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_pipeline_that_is_done_has_the_rows_of_every_statement);
    tcase_add_test(tests, an_unlucky_pipeline_may_be_tried_again);
    tcase_add_test(tests, a_pipeline_that_a_constraint_refuses_is_violated);
    tcase_add_test(tests, an_error_between_the_last_success_and_the_commit_fails_the_pipeline);
    tcase_add_test(tests, what_a_commit_that_broke_off_did_is_not_known);
    tcase_add_test(tests, any_other_error_fails_the_pipeline_and_is_logged_without_its_data);
    tcase_add_test(tests, a_statement_with_another_number_of_rows_than_it_promises_has_failed);
    tcase_add_test(tests, a_server_without_room_is_unable_and_the_log_is_spared);
    tcase_add_test(tests, pipelines_around_a_failing_one_are_not_touched_by_it);
    tcase_add_test(tests, a_lock_that_is_not_released_makes_the_pipeline_try_again);
    tcase_add_test(tests, a_statement_that_takes_too_long_is_ended_by_the_server_first);
    tcase_add_test(tests, an_answer_that_never_comes_is_unknown_and_the_connection_is_made_anew);
    tcase_add_test(tests, a_backend_that_is_terminated_leaves_the_outcome_unknown);
    tcase_add_test(tests, what_was_answered_before_the_connection_broke_counts);
    tcase_add_test(tests, a_plan_that_went_stale_is_prepared_again_and_nobody_notices);
    tcase_add_test(tests, statements_that_somebody_deallocated_are_prepared_again);
    tcase_add_test(tests, a_pipeline_that_goes_stale_twice_is_tried_again_by_its_owner);
    tcase_add_test(tests, statements_that_can_not_be_prepared_again_make_the_connection_not_ready);
    tcase_add_test(tests, a_database_that_became_read_only_is_unable_and_left);
    tcase_add_test(tests, warnings_are_logged_and_change_nothing);
    tcase_add_test(tests, an_answered_pipeline_can_be_begun_and_sent_at_once);
    tcase_add_test(tests, many_pipelines_are_answered_in_their_order);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
