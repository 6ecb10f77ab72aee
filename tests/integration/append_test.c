#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "projections.h"
#include "store_fixture.h"

/* ---- what others do -------------------------------------------------------------------------- */

/* What somebody else than cartd might do: a second event of FIRST. */
#define APPEND_BY_HAND                                                                             \
    "UPDATE log_head SET position = position + 1;"                                                 \
    "INSERT INTO events SELECT h.position, e.stream_type, e.stream_id, 2, e.type,"                 \
    "    e.schema_version, e.data, e.metadata, e.command_id, e.recorded_at"                        \
    "    FROM events e, log_head h WHERE e.position = 1"

static void assert_only_second_is_accepted(void)
{
    ck_assert(!eventstore_was_accepted(&pipeline, FIRST));
    ck_assert(eventstore_was_accepted(&pipeline, SECOND));
}

START_TEST(an_append_by_hand_is_seen)
{
    append_to(STREAMS({FIRST, .at = 0}, {SECOND, .at = 0}));
    run_sql(APPEND_BY_HAND);
    append_to(STREAMS({FIRST, .at = 1}, {SECOND, .at = 1}));
    assert_only_second_is_accepted();
}
END_TEST

/* As restoring a copy does: another table of the same name and rows. */
#define REPLACE_LOG_HEAD                                                                           \
    "CREATE TABLE head_copy AS TABLE log_head; DROP TABLE log_head;"                               \
    "ALTER TABLE head_copy RENAME TO log_head; GRANT SELECT, UPDATE ON log_head TO cartd_app"

START_TEST(an_append_to_a_log_that_was_replaced_does_nothing)
{
    append_to(STREAMS({FIRST, .at = 0}));
    ck_assert(!last_append.log_was_replaced);
    in_log = last_append.log;
    append_to(STREAMS({FIRST, .at = 1}));
    ck_assert(!last_append.log_was_replaced);

    run_sql(REPLACE_LOG_HEAD);
    append_to(STREAMS({FIRST, .at = 2}));
    ck_assert_int_eq(last_append.position, NOTHING_APPENDED);
    ck_assert(last_append.log_was_replaced);
    ck_assert_int_ne(last_append.log, in_log);

    in_log = last_append.log;
    append_to(STREAMS({FIRST, .at = 2}));
    ck_assert_int_eq(last_append.position, 3);
    in_log = 0;
}
END_TEST

START_TEST(a_log_without_its_head_fails_the_append)
{
    append_to(STREAMS({FIRST, .at = 0}));
    run_sql("DELETE FROM log_head");
    put_append(STREAMS({FIRST, .at = 1}));
    begin_asking();
    await_answer();
    ck_assert_int_eq(pipeline.outcome, POSTGRES_FAILED);
    run_sql("DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM events); END $$");
}
END_TEST

static bool is_somebody_waiting_for_a_lock(void)
{
    return support_ask_sql(
               url, "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock' AND datname = current_database()") > 0;
}

START_TEST(an_append_that_waited_for_another_sees_what_that_one_did)
{
    append_to(STREAMS({FIRST, .at = 0}, {SECOND, .at = 0}));
    struct postgres_session *other = support_open_session(url);
    support_run_in(other, "BEGIN; " APPEND_BY_HAND);

    put_append(STREAMS({FIRST, .at = 1}, {SECOND, .at = 1}));
    begin_asking();
    while (!is_somebody_waiting_for_a_lock())
        loop_turn(loop, 10);
    support_run_in(other, "COMMIT");
    await_answer();

    ck_assert_int_eq(pipeline.outcome, POSTGRES_DONE);
    eventstore_receive_append(&pipeline, &last_append);
    ck_assert_int_eq(last_append.position, 4); /* two, one by hand, and that of SECOND */
    assert_only_second_is_accepted();
    postgres_session_close(other);
    check_that_positions_are_dense(4);
}
END_TEST

/* ---- the plan -------------------------------------------------------------------------------- */

#define FULL_BATCH 256

/* An argument of an append of FULL_BATCH streams: an array that has a text for each stream, or what
 * these say. */
struct argument {
    const char *name; /* the statement's column */
    const char *content;
};
static const char ITS_ID[] = "an id for each stream";
static const char ITS_ORDINAL[] = "1 to FULL_BATCH";
static const char EACH_NULL[] = "a NULL for each stream";
static const char NO_ROWS[] = "an empty array";
static const char JUST_NULL[] = "NULL"; /* no array */
static const char JUST_ZERO[] = "0";

#define N_BEFORE_TABLES 21

/* Makes FULL_BATCH carts of one line each. */
static const struct argument FULL_APPEND[] = {
    /* streams */
    {"stream_id", ITS_ID},
    {"stream_type", "cart"},
    {"expected_version", "0"},
    {"n_events", "1"},
    {"is_shared", "f"},
    /* events */
    {"stream_ordinal", ITS_ORDINAL},
    {"version", "1"},
    {"type", "Made"},
    {"schema_version", "1"},
    {"data", "{}"},
    {"metadata", "{}"},
    {"command_id", ITS_ID},
    /* what else was decided on */
    {"shared_position", JUST_NULL},
    {"log", JUST_NULL},
    /* idempotency keys */
    {"stream_ordinal", ITS_ORDINAL},
    {"scope_id", ITS_ID},
    {"key", "key"},
    {"stream_id", ITS_ID},
    {"fingerprint", "x"},
    {"status", "200"},
    {"version", "1"},
    /* carts */
    {"stream_ordinal", ITS_ORDINAL},
    {"cart_id", ITS_ID},
    {"version", "1"},
    {"item_count", "1"},
    {"total", "1"},
    {"document", "{}"},
    {"document_end", EACH_NULL},
    {"status", "open"},
    {"currency", "EUR"},
    {"customer_id", EACH_NULL},
    {"created_at", EACH_NULL},
    {"closed_at", EACH_NULL},
    {"is_closed", "f"},
    {"updated_at", EACH_NULL},
    {"guest_token_hash", EACH_NULL},
    {"order_reference", EACH_NULL},
    {"customer_email", EACH_NULL},
    {"abandoned_at", EACH_NULL},
    {"is_abandoned", "f"},
    {"resume_token_hash", EACH_NULL},
    {"coupons", EACH_NULL},
    /* chunks of long documents: put */
    {"stream_ordinal", ITS_ORDINAL},
    {"cart_id", ITS_ID},
    {"chunk", "0"},
    {"lines", "x"},
    /* and removed from behind the last one */
    {"stream_ordinal", ITS_ORDINAL},
    {"cart_id", ITS_ID},
    {"n_chunks", "1"},
    /* lines put */
    {"stream_ordinal", ITS_ORDINAL},
    {"cart_id", ITS_ID},
    {"item_id", "tea"},
    {"sku", "tea"},
    /* lines removed */
    {"stream_ordinal", NO_ROWS},
    {"cart_id", NO_ROWS},
    {"item_id", NO_ROWS},
    /* products */
    {"stream_ordinal", NO_ROWS},
    {"sku", NO_ROWS},
    {"version", NO_ROWS},
    {"name", NO_ROWS},
    {"prices", NO_ROWS},
    {"is_active", NO_ROWS},
    {"document", NO_ROWS},
    {"updated_at", NO_ROWS},
    {"quantity", NO_ROWS},
    {"tags", NO_ROWS},
    /* coupons */
    {"stream_ordinal", NO_ROWS},
    {"coupon_id", NO_ROWS},
    {"folded_code", NO_ROWS},
    {"version", NO_ROWS},
    {"document", NO_ROWS},
    {"updated_at", NO_ROWS},
};

/* The next change of the same carts. */
static const struct argument USUAL_APPEND[] = {
    /* streams */
    {"stream_id", ITS_ID},
    {"stream_type", "cart"},
    {"expected_version", "1"},
    {"n_events", "1"},
    {"is_shared", "f"},
    /* events */
    {"stream_ordinal", ITS_ORDINAL},
    {"version", "2"},
    {"type", "Made"},
    {"schema_version", "1"},
    {"data", "{}"},
    {"metadata", "{}"},
    {"command_id", ITS_ID},
    /* what else was decided on */
    {"shared_position", JUST_ZERO},
    {"log", JUST_NULL},
    /* carts */
    {"stream_ordinal", ITS_ORDINAL},
    {"cart_id", ITS_ID},
    {"version", "2"},
    {"item_count", "1"},
    {"total", "1"},
    {"document", "{}"},
    {"document_end", EACH_NULL},
};

static void write_array(struct base_buffer *sql, const char *content)
{
    base_buffer_append_text(sql, "'{");
    for (int ordinal = 1; ordinal <= FULL_BATCH && content != NO_ROWS; ordinal++) {
        base_buffer_append_text(sql, ordinal > 1 ? "," : "");
        if (content == ITS_ID)
            base_buffer_printf(sql, "00000000-0000-0000-0000-%012d", ordinal);
        else if (content == ITS_ORDINAL)
            base_buffer_printf(sql, "%d", ordinal);
        else if (content == EACH_NULL)
            base_buffer_append_text(sql, "NULL");
        else
            base_buffer_printf(sql, "\"%s\"", content);
    }
    base_buffer_append_text(sql, "}'");
}

static void write_explain(
    struct base_buffer *sql, const char *statement, const struct argument *arguments, size_t n)
{
    base_buffer_printf(sql, "EXPLAIN (ANALYZE, COSTS off, TIMING off) EXECUTE %s (", statement);
    for (size_t i = 0; i < n; i++) {
        const char *content = arguments[i].content;
        /* Its name is for those who read PostgreSQL's complaint about it. */
        base_buffer_printf(sql, "%s /* %s */ ", i > 0 ? "," : "", arguments[i].name);
        if (content == JUST_NULL || content == JUST_ZERO)
            base_buffer_append_text(sql, content);
        else
            write_array(sql, content);
    }
    base_buffer_append_text(sql, ")");
}

/* rows times loops of a line of a plan; 0 when it has none. */
static double rows_handled(const char *line)
{
    const char *at = strstr(line, "(actual rows=");
    if (at == NULL)
        return 0;
    char *end = NULL;
    double rows = strtod(at + strlen("(actual rows="), &end);
    return rows * strtod(end + strlen(" loops="), NULL);
}

static void assert_linear(const struct postgres_rows *plan)
{
    double most = 0;
    for (size_t row = 0; row < postgres_rows_count(plan); row++) {
        const char *line = postgres_get_text(plan, row, 0);
        double handled = rows_handled(line);
        ck_assert_msg(handled <= FULL_BATCH, "quadratic: %s", line);
        ck_assert_msg(
            strstr(line, "Seq Scan") == NULL || strstr(line, "log_head") != NULL,
            "reads a whole table: %s", line);
        most = handled > most ? handled : most;
        if (strstr(line, "Index Scan") != NULL && strstr(line, "never executed") == NULL) {
            const char *next =
                row + 1 < postgres_rows_count(plan) ? postgres_get_text(plan, row + 1, 0) : "";
            ck_assert_msg(
                strstr(next, "Index Cond") != NULL, "reads a whole table by its index: %s", line);
        }
    }
    ck_assert_msg((int)most == FULL_BATCH, "the plan shows no step that handles the whole batch");
}

/* How PostgreSQL does it, on a connection of cartd's own kind, with its settings, on empty tables.
 */
static void explain(
    const struct eventstore *whole, enum eventstore_append which, const struct argument *arguments,
    size_t n)
{
    const struct postgres_statement *append = eventstore_append_statement(whole, which);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer sql = {0};
    ck_assert_uint_eq(append->n_parameters, n);
    write_explain(&sql, append->name, arguments, n);
    const struct postgres_statement statement = {.name = "explain", .sql = base_buffer_text(&sql)};
    const struct postgres_statement *const statements[] = {append, &statement, NULL};
    connect_with(statements);
    postgres_pipeline_begin(&pipeline);
    (void)postgres_pipeline_add(&pipeline, &statement); /* it has no parameters */
    ask();
    assert_linear(postgres_pipeline_rows(&pipeline, 0));
}

START_TEST(an_append_handles_no_row_more_than_once_a_step)
{
    size_t n_clauses = 0;
    const struct eventstore_clause *const *clauses = projections_clauses(&n_clauses);
    struct eventstore *whole = eventstore_create(clauses, n_clauses);
    explain(whole, EVENTSTORE_APPEND_ANYTHING, FULL_APPEND, BASE_COUNT(FULL_APPEND));
    explain(whole, EVENTSTORE_APPEND_USUAL, USUAL_APPEND, BASE_COUNT(USUAL_APPEND));
    eventstore_destroy(whole);
}
END_TEST

START_TEST(an_append_with_ties_handles_no_row_more_than_once_a_step)
{
    struct argument arguments[BASE_COUNT(FULL_APPEND) + 1];
    memcpy(arguments, FULL_APPEND, N_BEFORE_TABLES * sizeof arguments[0]);
    arguments[N_BEFORE_TABLES] = (struct argument){"tie", ITS_ORDINAL};
    memcpy(
        &arguments[N_BEFORE_TABLES + 1], &FULL_APPEND[N_BEFORE_TABLES],
        sizeof FULL_APPEND - N_BEFORE_TABLES * sizeof arguments[0]);
    size_t n_clauses = 0;
    const struct eventstore_clause *const *clauses = projections_clauses(&n_clauses);
    struct eventstore *whole = eventstore_create(clauses, n_clauses);
    explain(whole, EVENTSTORE_APPEND_TIED, arguments, BASE_COUNT(arguments));
    eventstore_destroy(whole);
}
END_TEST

/* ---- read tables of any width ---------------------------------------------------------------- */

/* Together more parameters than a statement once could have. */
#define WIDE_TABLES 6
#define ARRAYS_OF_A_TABLE 12
#define FORMER_LIMIT 64
/* Of the numbers that put_wide() puts for each stream: 1 to 11. */
#define SUM_OF_A_ROW "66"

/* For each stream of the batch its ordinal, then the numbers. */
static void put_wide(struct postgres_parameters *to, const void *changes)
{
    const int32_t *n_streams = changes;
    for (int32_t column = 0; column < ARRAYS_OF_A_TABLE; column++) {
        postgres_begin_array(to);
        for (int32_t i = 1; i <= *n_streams; i++)
            postgres_put_int4(to, column == 0 ? i : column);
    }
}

static const struct eventstore_clause WIDE = {
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY),
    .put = put_wide,
};

START_TEST(a_store_has_as_many_parameters_as_its_tables_need)
{
    char ctes[WIDE_TABLES][400];
    struct eventstore_clause clauses[WIDE_TABLES];
    const struct eventstore_clause *list[WIDE_TABLES];
    for (size_t i = 0; i < WIDE_TABLES; i++) {
        snprintf(
            ctes[i], sizeof ctes[i],
            "wide%zu AS (INSERT INTO wide SELECT u.b + u.c + u.d + u.e + u.f + u.g + u.h + u.i"
            " + u.j + u.k + u.l FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " AS u (o, b, c, d, e, f, g, h, i, j, k, l)"
            " WHERE (SELECT v.flags FROM verdict v)[u.o])",
            i);
        clauses[i] = WIDE;
        clauses[i].ctes = ctes[i];
        list[i] = &clauses[i];
    }
    run_sql("CREATE TABLE wide (sum integer); GRANT INSERT ON wide TO cartd_app");
    eventstore_destroy(store);
    store = eventstore_create(list, WIDE_TABLES);
    ck_assert_uint_gt(
        eventstore_append_statement(store, EVENTSTORE_APPEND_USUAL)->n_parameters, FORMER_LIMIT);
    connect_with(eventstore_batch_statements(store));
    int32_t n_streams = 2;
    change = &n_streams;
    append_to(STREAMS({FIRST, .at = 0}, {SECOND, .at = 0}));
    ck_assert_int_eq(last_append.position, n_streams);
    ck_assert_int_eq(
        support_ask_sql(url, "SELECT count(*) FROM wide WHERE sum = " SUM_OF_A_ROW),
        n_streams * WIDE_TABLES);

    /* Nothing of a stream that is refused. */
    append_to(STREAMS({FIRST, .at = 0}, {SECOND, .at = 1}));
    ck_assert_int_eq(last_append.position, n_streams + 1);
    ck_assert_int_eq(
        support_ask_sql(url, "SELECT count(*) FROM wide"), (n_streams + 1) * WIDE_TABLES);
    change = NULL;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("append");
    TCase *cases = tcase_create("append");
    tcase_add_checked_fixture(cases, open_store, close_store);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_append_by_hand_is_seen);
    tcase_add_test(cases, an_append_to_a_log_that_was_replaced_does_nothing);
    tcase_add_test(cases, a_log_without_its_head_fails_the_append);
    tcase_add_test(cases, an_append_that_waited_for_another_sees_what_that_one_did);
    tcase_add_test(cases, an_append_handles_no_row_more_than_once_a_step);
    tcase_add_test(cases, an_append_with_ties_handles_no_row_more_than_once_a_step);
    tcase_add_test(cases, a_store_has_as_many_parameters_as_its_tables_need);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
