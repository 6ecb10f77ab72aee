#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "projections.h"
#include "store_fixture.h"

/* ---- what others do -------------------------------------------------------------------------- */

/* By somebody else than cartd. */
#define APPEND_BY_HAND                                                                             \
    "UPDATE log_head SET position = position + 1;"                                                 \
    "INSERT INTO events SELECT h.position, e.stream_type, e.stream_id, 2, e.type,"                 \
    "    e.schema_version, e.data, e.metadata, e.command_id, e.recorded_at"                        \
    "    FROM events e, log_head h WHERE e.position = 1"

static void check_that_only_the_last_is_accepted(void)
{
    ck_assert(!eventstore_was_accepted(&group, 1));
    ck_assert(eventstore_was_accepted(&group, 2));
}

START_TEST(an_append_by_hand_is_seen)
{
    append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2);
    run_sql(APPEND_BY_HAND);
    append_to((uint8_t[]){1, 2}, (int32_t[]){1, 1}, 2);
    check_that_only_the_last_is_accepted();
}
END_TEST

START_TEST(an_append_to_a_log_that_was_replaced_does_nothing)
{
    append_to((uint8_t[]){1}, (int32_t[]){0}, 1);
    ck_assert(!told.log_was_replaced);
    in_log = told.log;
    append_to((uint8_t[]){1}, (int32_t[]){1}, 1);
    ck_assert(!told.log_was_replaced);
    run_sql(
        "CREATE TABLE head_copy AS TABLE log_head; DROP TABLE log_head;"
        "ALTER TABLE head_copy RENAME TO log_head; GRANT SELECT, UPDATE ON log_head TO cartd_app");
    ck_assert_int_eq(append_to((uint8_t[]){1}, (int32_t[]){2}, 1), 0);
    ck_assert(told.log_was_replaced);
    ck_assert_int_ne(told.log, in_log);
    in_log = told.log;
    ck_assert_int_eq(append_to((uint8_t[]){1}, (int32_t[]){2}, 1), 3);
    in_log = 0;
}
END_TEST

START_TEST(a_log_without_its_head_fails_the_append)
{
    append_to((uint8_t[]){1}, (int32_t[]){0}, 1);
    run_sql("DELETE FROM log_head");
    put_append((uint8_t[]){1}, (int32_t[]){1}, 1);
    begin_asking();
    await_answer();
    ck_assert_int_eq(group.outcome, POSTGRES_FAILED);
    run_sql("DO $$ BEGIN ASSERT (SELECT count(*) = 1 FROM events); END $$");
}
END_TEST

static bool is_blocked(void)
{
    struct postgres_session *session = NULL;
    char *problem = NULL;
    session = postgres_session_open(url, &problem);
    ck_assert_msg(session != NULL, "%s", problem);
    bool is_free = postgres_session_run(
        session,
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()); END $$",
        &problem);
    free(problem);
    postgres_session_close(session);
    return !is_free;
}

START_TEST(an_append_that_waited_for_another_sees_what_that_one_did)
{
    append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2);
    char *problem = NULL;
    struct postgres_session *other = postgres_session_open(url, &problem);
    ck_assert_msg(other != NULL, "%s", problem);
    ck_assert(postgres_session_run(other, "BEGIN; " APPEND_BY_HAND, &problem));
    put_append((uint8_t[]){1, 2}, (int32_t[]){1, 1}, 2);
    begin_asking();
    while (!is_blocked())
        loop_turn(loop, 10);
    ck_assert(postgres_session_run(other, "COMMIT", &problem));
    await_answer();
    ck_assert_int_eq(group.outcome, POSTGRES_DONE);
    eventstore_receive_append(&group, &told);
    ck_assert_int_eq(told.position, 4);
    check_that_only_the_last_is_accepted();
    postgres_session_close(other);
    check_that_positions_are_dense(4);
}
END_TEST

/* ---- the plan -------------------------------------------------------------------------------- */

#define FULL_BATCH 256

/* An append of FULL_BATCH new carts with one line each, as literals: what each array parameter
 * holds for stream i. UUID is an id made of i, NUMBER is i, NONE an empty array. */
#define UUID "U"
#define NUMBER "N"
#define NONE ""
static const char *const FULL_APPEND[] = {
    UUID,   "cart", "0",    "1",    "f",                                /* streams */
    NUMBER, "1",    "Made", "1",    "\"{}\"", "\"{}\"", UUID,           /* events */
    NULL,   NULL,                                                       /* shared, log */
    NUMBER, UUID,   "key",  UUID,   "x",      "200",    "1",            /* keys */
    NUMBER, UUID,   "1",    "1",    "1",      "{}",     "NULL",         /* carts */
    "open", "EUR",  "NULL", "NULL", "NULL",   "f",      "NULL", "NULL", /* carts */
    NUMBER, UUID,   "0",    "x",                                        /* parts put */
    NUMBER, UUID,   "1",                                                /* parts past the end */
    NUMBER, UUID,   "tea",  "tea",                                      /* lines that came */
    NONE,   NONE,   NONE,                                               /* lines that went */
    NONE,   NONE,   NONE,   NONE,   NONE,     NONE,     NONE,   NONE,   /* products */
};
/* The next change of the same carts. */
static const char *const USUAL_APPEND[] = {
    UUID,   "cart", "1",    "1", "f",                        /* streams */
    NUMBER, "2",    "Made", "1", "\"{}\"", "\"{}\"", UUID,   /* events */
    "=0",   NULL,                                            /* shared position, log */
    NUMBER, UUID,   "2",    "1", "1",      "{}",     "NULL", /* carts */
};

static void put_literal(struct base_buffer *sql, const char *content)
{
    base_buffer_append_text(sql, "'{");
    for (int i = 1; i <= FULL_BATCH && *content != '\0'; i++) {
        base_buffer_append_text(sql, i > 1 ? "," : "");
        if (strcmp(content, UUID) == 0)
            base_buffer_printf(sql, "00000000-0000-0000-0000-%012d", i);
        else if (strcmp(content, NUMBER) == 0)
            base_buffer_printf(sql, "%d", i);
        else if (strcmp(content, "{}") == 0)
            base_buffer_append_text(sql, "\"{}\"");
        else
            base_buffer_append_text(sql, content);
    }
    base_buffer_append_text(sql, "}'");
}

static void write_explain(
    struct base_buffer *sql, const char *name, const char *const *contents, size_t n)
{
    base_buffer_printf(sql, "EXPLAIN (ANALYZE, COSTS off, TIMING off) EXECUTE %s (", name);
    for (size_t i = 0; i < n; i++) {
        base_buffer_append_text(sql, i > 0 ? "," : "");
        if (contents[i] == NULL)
            base_buffer_append_text(sql, "NULL");
        else if (contents[i][0] == '=')
            base_buffer_append_text(sql, contents[i] + 1);
        else
            put_literal(sql, contents[i]);
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

START_TEST(a_full_append_handles_no_row_more_than_once_a_step)
{
    size_t n_parts = 0;
    const struct eventstore_part *const *parts = projections_parts(&n_parts);
    struct eventstore *whole = eventstore_create(parts, n_parts);
    const struct postgres_statement *full =
        eventstore_append_statement(whole, EVENTSTORE_APPEND_ANYTHING);
    const struct postgres_statement *usual =
        eventstore_append_statement(whole, EVENTSTORE_APPEND_USUAL);
    ck_assert_uint_eq(full->n_parameters, BASE_COUNT(FULL_APPEND));
    ck_assert_uint_eq(usual->n_parameters, BASE_COUNT(USUAL_APPEND));
    BASE_CLEANUP(base_buffer_finish) struct base_buffer first = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer second = {0};
    write_explain(&first, full->name, FULL_APPEND, BASE_COUNT(FULL_APPEND));
    write_explain(&second, usual->name, USUAL_APPEND, BASE_COUNT(USUAL_APPEND));
    /* On a connection of the service's own kind, with its settings, and on empty tables. */
    const struct postgres_statement explain_first = {
        .name = "explain_first", .sql = base_buffer_text(&first)};
    const struct postgres_statement explain_second = {
        .name = "explain_second", .sql = base_buffer_text(&second)};
    const struct postgres_statement *const statements[] = {
        full, usual, &explain_first, &explain_second, NULL};
    connect_with(statements);
    postgres_group_begin(&group);
    (void)postgres_group_add(&group, &explain_first); /* they have no parameters */
    (void)postgres_group_add(&group, &explain_second);
    ask();
    assert_linear(postgres_group_rows(&group, 0));
    assert_linear(postgres_group_rows(&group, 1));
    eventstore_destroy(whole);
}
END_TEST

/* ---- read tables of any width ---------------------------------------------------------------- */

#define WIDE_PARTS 6

/* For each stream of the batch its ordinal, then eleven numbers. */
static void put_wide(struct postgres_parameters *to, const void *changes)
{
    const int32_t *n_streams = changes;
    for (int32_t column = 0; column < 12; column++) {
        postgres_begin_array(to);
        for (int32_t i = 1; i <= *n_streams; i++)
            postgres_put_int4(to, column == 0 ? i : column);
    }
}

static const struct eventstore_part WIDE = {
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY),
    .put = put_wide,
};

START_TEST(a_store_has_as_many_parameters_as_its_tables_need)
{
    char ctes[WIDE_PARTS][400];
    struct eventstore_part parts[WIDE_PARTS];
    const struct eventstore_part *list[WIDE_PARTS];
    for (size_t i = 0; i < WIDE_PARTS; i++) {
        snprintf(
            ctes[i], sizeof ctes[i],
            "wide%zu AS (INSERT INTO wide SELECT u.b + u.c + u.d + u.e + u.f + u.g + u.h + u.i"
            " + u.j + u.k + u.l FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            " AS u (o, b, c, d, e, f, g, h, i, j, k, l)"
            " WHERE (SELECT v.flags FROM verdict v)[u.o])",
            i);
        parts[i] = WIDE;
        parts[i].ctes = ctes[i];
        list[i] = &parts[i];
    }
    run_sql("CREATE TABLE wide (sum integer); GRANT INSERT ON wide TO cartd_app");
    eventstore_destroy(store);
    store = eventstore_create(list, WIDE_PARTS);
    ck_assert_uint_gt(
        eventstore_append_statement(store, EVENTSTORE_APPEND_USUAL)->n_parameters, 64);
    connect_with(eventstore_batch_statements(store));
    int32_t n_streams = 2;
    change = &n_streams;
    ck_assert_int_eq(append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2), 2);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM wide WHERE sum = 66"), 12);
    /* Nothing of a stream that is refused. */
    ck_assert_int_eq(append_to((uint8_t[]){1, 2}, (int32_t[]){0, 1}, 2), 3);
    ck_assert_int_eq(support_ask_sql(url, "SELECT count(*) FROM wide"), 18);
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
    tcase_add_test(cases, a_full_append_handles_no_row_more_than_once_a_step);
    tcase_add_test(cases, a_store_has_as_many_parameters_as_its_tables_need);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
