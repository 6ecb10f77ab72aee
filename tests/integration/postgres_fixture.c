#include "postgres_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture fixture;

static void count_change(struct postgres_connection *connection, void *context)
{
    ck_assert_ptr_eq(connection, fixture.connection);
    ck_assert_ptr_eq(context, &fixture);
    fixture.n_changes++;
}

void fixture_setup(void)
{
    fixture = (struct fixture){.loop = loop_create(), .url = support_create_database()};
    ck_assert_ptr_nonnull(fixture.loop);
    fixture.log = (struct base_log){
        .fd = memfd_create("log", MFD_CLOEXEC), .form = BASE_LOG_JSON, .least = BASE_LOG_DEBUG};
    fixture.options = (struct postgres_options){
        .loop = fixture.loop,
        .log = &fixture.log,
        .url = fixture.url,
        .role = "test",
        .answer_timeout_ms = 5000,
        .changed = count_change,
        .context = &fixture,
    };
}

void fixture_teardown(void)
{
    fixture_destroy();
    loop_destroy(fixture.loop);
    close(fixture.log.fd);
    support_drop_database(fixture.url);
}

void fixture_create(const struct postgres_statement *const *statements)
{
    fixture.options.statements = statements;
    char *problem = NULL;
    fixture.connection = postgres_connection_create(&fixture.options, &problem);
    ck_assert_msg(fixture.connection != NULL, "%s", problem);
}

void fixture_connect(const struct postgres_statement *const *statements)
{
    fixture_create(statements);
    fixture_wait(fixture.n_changes > 0);
    ck_assert(postgres_connection_is_ready(fixture.connection));
}

void fixture_destroy(void)
{
    postgres_connection_destroy(fixture.connection);
    fixture.connection = NULL;
}

void fixture_turn(void)
{
    int64_t start_us = base_clock_monotonic_us();
    loop_turn(fixture.loop, 10);
    /* Generous, as the machine is shared; a blocking lookup or connect takes seconds. */
    ck_assert_int_lt(base_clock_monotonic_us() - start_us, 1500000);
}

static void remember(struct postgres_pipeline *pipeline)
{
    struct asked *asked = BASE_CONTAINER(pipeline, struct asked, pipeline);
    ck_assert_uint_eq(asked->answered_as, 0);
    asked->answered_as = ++fixture.n_answered;
    if (asked->then != NULL) {
        asked->then(asked);
    }
}

struct postgres_parameters *asked_begin(
    struct asked *asked, const struct postgres_statement *statement)
{
    postgres_pipeline_begin(&asked->pipeline);
    asked->pipeline.answered = remember;
    asked->answered_as = 0;
    return postgres_pipeline_add(&asked->pipeline, statement);
}

void asked_send(struct asked *asked)
{
    postgres_send(fixture.connection, &asked->pipeline);
    ck_assert_uint_eq(asked->answered_as, 0);
}

void asked_expect(struct asked *asked, enum postgres_outcome outcome)
{
    asked_send(asked);
    fixture_wait(asked->answered_as > 0);
    ck_assert_int_eq(asked->pipeline.outcome, outcome);
}

void fixture_expect(const struct postgres_statement *statement, enum postgres_outcome outcome)
{
    struct asked asked = {0};
    asked_begin(&asked, statement);
    asked_expect(&asked, outcome);
    postgres_pipeline_finish(&asked.pipeline);
}

void fixture_run(const char *sql)
{
    support_run_sql(fixture.url, sql);
}

char *fixture_ask(const char *sql)
{
    char *problem = NULL;
    struct postgres_session *session = support_open_session(fixture.url);
    struct postgres_table table = {0};
    bool is_answered = postgres_session_query(session, sql, NULL, 0, &table, &problem);
    ck_assert_msg(is_answered, "%s", problem);
    ck_assert_uint_gt(table.n_rows, 0);
    char *cell = base_copy_text(table.cells[0] == NULL ? "null" : table.cells[0]);
    postgres_table_finish(&table);
    postgres_session_close(session);
    return cell;
}

void fixture_assert_answer(const char *sql, const char *expected)
{
    BASE_CLEANUP(base_free_pointer) char *answer = fixture_ask(sql);
    ck_assert_str_eq(answer, expected);
}

size_t fixture_count_in_log(const char *text)
{
    static char log[1 << 20];
    ssize_t length = pread(fixture.log.fd, log, sizeof log - 1, 0);
    ck_assert_int_ge(length, 0);
    log[length] = '\0';
    size_t n = 0;
    for (const char *found = strstr(log, text); found != NULL; found = strstr(found + 1, text)) {
        n++;
    }
    return n;
}
