#include <stdlib.h>
#include <string.h>

#include "eventstore.h"
#include "projections.h"
#include "support.h"

/* A connection that has the store's statements, and a group to ask with. */
static char *url;
static struct loop *loop;
static struct eventstore *store;
static struct postgres_connection *connection;
static struct postgres_group group;
static bool is_answered;

static void answered(struct postgres_group *which)
{
    (void)which;
    is_answered = true;
}

static void turn_until(bool *condition)
{
    for (int i = 0; i < 2000 && !*condition; i++)
        loop_turn(loop, 10);
    ck_assert_msg(*condition, "PostgreSQL did not answer");
}

static void ask(void)
{
    is_answered = false;
    group.answered = answered;
    postgres_send(connection, &group);
    turn_until(&is_answered);
    ck_assert_int_eq(group.outcome, POSTGRES_DONE);
}

static void connect_with(const struct postgres_statement *const *statements)
{
    char *problem = NULL;
    postgres_connection_destroy(connection);
    connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = loop,
            .log = support_quiet_log(),
            .url = url,
            .role = "test",
            .statements = statements,
            /* As the service, which may do less than the owner. */
            .ready_sql = "SELECT set_config('role', 'cartd_app', false) = 'cartd_app'",
            .not_ready_detail = "there is no role cartd_app",
            .answer_timeout_ms = 10000,
        },
        &problem);
    ck_assert_ptr_nonnull(connection);
    for (int i = 0; i < 2000 && !postgres_connection_is_ready(connection); i++)
        loop_turn(loop, 10);
}

static void open_store(void)
{
    url = support_create_migrated_database();
    loop = loop_create();
    store = eventstore_create(NULL, 0);
    connect_with(eventstore_batch_statements(store));
}

static void close_store(void)
{
    postgres_group_finish(&group);
    postgres_connection_destroy(connection);
    eventstore_destroy(store);
    loop_destroy(loop);
    support_drop_database(url);
}

static void run_sql(const char *sql)
{
    support_run_sql(url, sql);
}

static struct base_uuid id_of(uint8_t number)
{
    return (struct base_uuid){{[15] = number}};
}

/* What append_to() does if shared streams are at it, and whether its streams are shared. */
static int64_t if_shared_position = EVENTSTORE_ANY;
static bool are_shared;

/* Appends one event to each of some streams that are at `expected`; returns the position after. */
static int64_t append_to(const uint8_t *numbers, const int32_t *expected, size_t n)
{
    struct eventstore_stream streams[16];
    struct eventstore_new_event events[16];
    for (size_t i = 0; i < n; i++) {
        streams[i] = (struct eventstore_stream){
            .stream_id = id_of(numbers[i]),
            .stream_type = "test",
            .expected_version = expected[i],
            .n_events = 1,
            .is_shared = are_shared,
        };
        events[i] = (struct eventstore_new_event){
            .ordinal = (int32_t)i + 1,
            .version = expected[i] + 1,
            .type = "Happened",
            .schema_version = 1,
            .data = "{}",
            .data_length = 2,
            .metadata = "{}",
            .metadata_length = 2,
            .command_id = id_of(200),
        };
    }
    postgres_group_begin(&group);
    eventstore_ask_append(
        store, &group,
        &(struct eventstore_batch){
            .streams = streams,
            .n_streams = n,
            .events = events,
            .n_events = n,
            .shared_position = if_shared_position});
    ask();
    struct eventstore_appended appended;
    eventstore_receive_append(&group, &appended);
    return appended.position;
}

static void check_that_positions_are_dense(size_t n)
{
    connect_with(eventstore_log_statements);
    postgres_group_begin(&group);
    eventstore_ask_log(
        &group, &(struct eventstore_log_wanted){.until_position = INT64_MAX, .limit = 99});
    ask();
    const struct postgres_rows *rows = postgres_group_rows(&group, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), n);
    for (size_t row = 0; row < n; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        ck_assert_int_eq(event.position, (int64_t)row + 1);
    }
}

START_TEST(positions_are_dense_and_a_stream_that_moved_on_leaves_no_gap)
{
    ck_assert_int_eq(append_to((uint8_t[]){1, 2, 3}, (int32_t[]){0, 0, 0}, 3), 3);
    /* The second stream is at 1, not at 0 or 7. */
    ck_assert_int_eq(append_to((uint8_t[]){1, 2, 3}, (int32_t[]){1, 7, 1}, 3), 5);
    ck_assert(eventstore_was_accepted(&group, 1));
    ck_assert(!eventstore_was_accepted(&group, 2));
    ck_assert(eventstore_was_accepted(&group, 3));
    ck_assert_int_eq(append_to((uint8_t[]){2}, (int32_t[]){0}, 1), 0);
    ck_assert(!eventstore_was_accepted(&group, 1));
    ck_assert_int_eq(append_to((uint8_t[]){2}, (int32_t[]){1}, 1), 6);

    postgres_group_begin(&group);
    eventstore_ask_streams(
        &group,
        (struct eventstore_stream_wanted[]){
            {.stream_id = id_of(2)}, {.stream_id = id_of(3)}, {.stream_id = id_of(1)}},
        3);
    ask();
    const struct postgres_rows *rows = postgres_group_rows(&group, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 6);
    int32_t versions[4] = {0};
    for (size_t row = 0; row < 6; row++) {
        struct eventstore_event event;
        eventstore_receive_replayed(rows, row, &event);
        ck_assert_int_eq(event.version, ++versions[event.stream_id.bytes[15]]);
    }
    ck_assert(versions[1] == 2 && versions[2] == 2 && versions[3] == 2);

    postgres_group_begin(&group);
    eventstore_ask_streams(
        &group,
        (struct eventstore_stream_wanted[]){
            {.stream_id = id_of(1), .after_version = 1},
            {.stream_id = id_of(2), .after_version = 2}},
        2);
    ask();
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 0)), 1);
    check_that_positions_are_dense(6);
}
END_TEST

START_TEST(a_command_is_found_by_its_id_where_it_recorded_something)
{
    append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2);
    append_to((uint8_t[]){1}, (int32_t[]){1}, 1);
    postgres_group_begin(&group);
    eventstore_ask_commands(
        &group,
        (struct eventstore_command_wanted[]){
            {.stream_id = id_of(1), .command_id = id_of(200)},
            {.stream_id = id_of(1), .command_id = id_of(201)},
            {.stream_id = id_of(9), .command_id = id_of(202)}},
        3);
    eventstore_ask_commands(
        &group,
        &(struct eventstore_command_wanted){.stream_id = id_of(9), .command_id = id_of(200)}, 1);
    ask();
    const struct postgres_rows *rows = postgres_group_rows(&group, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 1);
    struct eventstore_command found;
    eventstore_receive_command(rows, 0, &found);
    ck_assert_uint_eq(found.command_id.bytes[15], 200);
    ck_assert_int_eq(found.version, 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 1)), 0);
}
END_TEST

static int64_t ask_shared_position(void)
{
    postgres_group_begin(&group);
    eventstore_ask_shared_position(&group);
    ask();
    return eventstore_receive_shared_position(postgres_group_rows(&group, 0));
}

START_TEST(an_append_that_relied_on_a_shared_stream_is_refused_when_one_has_moved)
{
    ck_assert_int_eq(ask_shared_position(), 0);
    are_shared = true;
    append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2);
    are_shared = false;
    append_to((uint8_t[]){3}, (int32_t[]){0}, 1);
    ck_assert_int_eq(ask_shared_position(), 2);

    if_shared_position = 2;
    ck_assert_int_eq(append_to((uint8_t[]){3, 4}, (int32_t[]){1, 0}, 2), 5);
    if_shared_position = 1;
    ck_assert_int_eq(append_to((uint8_t[]){3, 5}, (int32_t[]){2, 0}, 2), 0);
    struct eventstore_appended appended;
    eventstore_receive_append(&group, &appended);
    ck_assert(appended.shared_has_moved);
    ck_assert(!eventstore_was_accepted(&group, 1));
    ck_assert(!eventstore_was_accepted(&group, 2));
    if_shared_position = EVENTSTORE_ANY;
    ck_assert_int_eq(append_to((uint8_t[]){3, 5}, (int32_t[]){2, 0}, 2), 7);
    eventstore_receive_append(&group, &appended);
    ck_assert(!appended.shared_has_moved);
}
END_TEST

START_TEST(the_newest_event_of_each_stream_is_found)
{
    append_to((uint8_t[]){1, 2}, (int32_t[]){0, 0}, 2);
    append_to((uint8_t[]){2}, (int32_t[]){1}, 1);
    postgres_group_begin(&group);
    eventstore_ask_newest(&group, (struct base_uuid[]){id_of(1), id_of(2), id_of(9)}, 3);
    ask();
    const struct postgres_rows *rows = postgres_group_rows(&group, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 2);
    for (size_t row = 0; row < 2; row++) {
        struct eventstore_event event;
        eventstore_receive_replayed(rows, row, &event);
        ck_assert_int_eq(event.version, event.stream_id.bytes[15]);
    }
}
END_TEST

START_TEST(the_log_is_read_in_order_from_a_position_on)
{
    connect_with(eventstore_log_statements);
    postgres_group_begin(&group);
    eventstore_ask_head(&group);
    ask();
    ck_assert_int_eq(eventstore_receive_head(postgres_group_rows(&group, 0)).position, 0);

    connect_with(eventstore_batch_statements(store));
    append_to((uint8_t[]){1, 2, 3}, (int32_t[]){0, 0, 0}, 3);
    append_to((uint8_t[]){1, 2, 3}, (int32_t[]){1, 1, 1}, 3);
    connect_with(eventstore_log_statements);
    const char *const known[] = {"Happened", "Missing"};
    const char *const unknown[] = {"Missing"};
    postgres_group_begin(&group);
    eventstore_ask_head(&group);
    eventstore_ask_log(
        &group, &(struct eventstore_log_wanted){
                    .after_position = 2, .until_position = INT64_MAX, .limit = 3});
    eventstore_ask_log(
        &group, &(struct eventstore_log_wanted){
                    .until_position = 2, .limit = 9, .types = known, .n_types = 2});
    eventstore_ask_log(
        &group, &(struct eventstore_log_wanted){
                    .until_position = INT64_MAX, .limit = 9, .types = unknown, .n_types = 1});
    ask();
    struct eventstore_head head = eventstore_receive_head(postgres_group_rows(&group, 0));
    ck_assert_int_eq(head.position, 6);
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 1)), 3);
    struct eventstore_event event;
    for (size_t row = 0; row < 3; row++) {
        eventstore_receive_event(postgres_group_rows(&group, 1), row, &event);
        ck_assert_int_eq(event.position, (int64_t)row + 3);
        ck_assert_int_le(event.recorded_at_us, head.recorded_at_us);
    }
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 2)), 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 3)), 0);
}
END_TEST

START_TEST(stretches_of_streams_come_in_the_order_asked_for_and_no_more_than_wanted)
{
    for (int32_t version = 0; version < 5; version++)
        append_to((uint8_t[]){1, 2, 3}, (int32_t[]){version, version, version}, 3);
    connect_with(eventstore_log_statements);
    const struct eventstore_stretch wanted[] = {
        {.stream_id = id_of(3), .after_version = 1, .until_version = 4},
        {.stream_id = id_of(9), .until_version = 7},
        {.stream_id = id_of(1), .until_version = 2},
    };
    static const struct {
        uint8_t stream;
        int32_t version;
    } expected[] = {{3, 2}, {3, 3}, {3, 4}, {1, 1}, {1, 2}};
    for (size_t limit = 1; limit <= 6; limit++) {
        postgres_group_begin(&group);
        eventstore_ask_stretches(&group, wanted, BASE_COUNT(wanted), (int32_t)limit);
        ask();
        const struct postgres_rows *rows = postgres_group_rows(&group, 0);
        ck_assert_uint_eq(postgres_rows_count(rows), limit < 5 ? limit : 5);
        for (size_t row = 0; row < postgres_rows_count(rows); row++) {
            struct eventstore_event event;
            eventstore_receive_event(rows, row, &event);
            ck_assert_uint_eq(event.stream_id.bytes[15], expected[row].stream);
            ck_assert_int_eq(event.version, expected[row].version);
        }
    }
}
END_TEST

START_TEST(each_append_has_a_time_of_its_own_also_when_the_clock_was_set_back)
{
    run_sql("UPDATE log_head SET recorded_at = now() + interval '1 day'");
    int64_t last_us = INT64_MIN;
    for (int32_t i = 0; i < 3; i++) {
        append_to((uint8_t[]){1, 2}, (int32_t[]){i, i}, 2);
        struct eventstore_appended appended;
        eventstore_receive_append(&group, &appended);
        ck_assert_int_gt(appended.recorded_at_us, last_us);
        last_us = appended.recorded_at_us;
    }
}
END_TEST

static void append_key(int32_t expected, int32_t n_events)
{
    struct eventstore_stream stream = {
        .stream_id = id_of(1),
        .stream_type = "test",
        .expected_version = expected,
        .n_events = n_events,
    };
    struct eventstore_new_key key = {
        .ordinal = 1,
        .scope_id = id_of(1),
        .key = "a key with \"quotes\" and ünïcode",
        .fingerprint = {1, 2, 3},
        .status = 201,
        .version = expected,
    };
    postgres_group_begin(&group);
    eventstore_ask_append(
        store, &group,
        &(struct eventstore_batch){
            .streams = &stream,
            .n_streams = 1,
            .keys = &key,
            .n_keys = 1,
            .shared_position = EVENTSTORE_ANY});
    is_answered = false;
    group.answered = answered;
    postgres_send(connection, &group);
    turn_until(&is_answered);
}

START_TEST(an_answer_is_kept_without_an_event_and_only_at_the_expected_version)
{
    append_to((uint8_t[]){1}, (int32_t[]){0}, 1);
    append_key(2, 0);
    ck_assert_int_eq(group.outcome, POSTGRES_DONE);
    ck_assert(!eventstore_was_accepted(&group, 1));
    append_key(1, 0);
    ck_assert_int_eq(group.outcome, POSTGRES_DONE);
    ck_assert(eventstore_was_accepted(&group, 1));
    append_key(1, 0);
    ck_assert_msg(group.outcome == POSTGRES_VIOLATED, "the same key is kept once");

    postgres_group_begin(&group);
    eventstore_ask_keys(
        &group,
        (struct eventstore_key_wanted[]){
            {.scope_id = id_of(1), .key = "a key with \"quotes\" and ünïcode"},
            {.scope_id = id_of(2), .key = "a key with \"quotes\" and ünïcode"}},
        2);
    ask();
    ck_assert_uint_eq(postgres_rows_count(postgres_group_rows(&group, 0)), 1);
    struct eventstore_key key;
    eventstore_receive_key(postgres_group_rows(&group, 0), 0, &key);
    ck_assert_int_eq(key.status, 201);
    ck_assert_int_eq(key.version, 1);
    ck_assert_int_eq(key.fingerprint[2], 3);
}
END_TEST

START_TEST(answers_past_their_time_are_forgotten_and_others_kept)
{
    run_sql("INSERT INTO idempotency_keys"
            " SELECT gen_random_uuid(), 'key ' || hours, gen_random_uuid(), 'x', 200, 1,"
            "     now() - make_interval(hours => hours)"
            " FROM generate_series(1, 100) AS hours");
    connect_with(eventstore_side_statements());
    postgres_group_begin(&group);
    eventstore_ask_forget_keys(&group, 48, 10);
    ask();
    run_sql("DO $$ BEGIN ASSERT (SELECT count(*) FROM idempotency_keys) = 90; END $$");
    for (int i = 0; i < 10; i++) {
        postgres_group_begin(&group);
        eventstore_ask_forget_keys(&group, 48, 10);
        ask();
    }
    run_sql("DO $$ BEGIN ASSERT (SELECT min(created_at) > now() - interval '49 hours'"
            " AND count(*) BETWEEN 47 AND 48 FROM idempotency_keys); END $$");
}
END_TEST

START_TEST(a_server_process_that_is_gone_counts_as_settled)
{
    struct postgres_backend backend = {.pid = 1, .started_at_us = 1};
    postgres_group_begin(&group);
    eventstore_ask_settle(&group, &backend);
    ask();
    ck_assert(eventstore_receive_settled(&group));
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
    NULL,                                                               /* shared position */
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
    "=0",                                                    /* shared position */
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
    bool takes_guards_by_key = false;
    for (size_t row = 0; row < postgres_rows_count(plan); row++) {
        const char *line = postgres_get_text(plan, row, 0);
        double handled = rows_handled(line);
        ck_assert_msg(handled <= FULL_BATCH, "quadratic: %s", line);
        ck_assert_msg(
            strstr(line, "Seq Scan") == NULL || strstr(line, "log_head") != NULL,
            "reads a whole table: %s", line);
        most = handled > most ? handled : most;
        takes_guards_by_key |= strstr(line, "Index Scan using streams_pkey on streams s") != NULL;
        if (strstr(line, "Index Scan") != NULL && strstr(line, "never executed") == NULL) {
            const char *next =
                row + 1 < postgres_rows_count(plan) ? postgres_get_text(plan, row + 1, 0) : "";
            ck_assert_msg(
                strstr(next, "Index Cond") != NULL, "reads a whole table by its index: %s", line);
        }
    }
    ck_assert_msg(takes_guards_by_key, "the guards are not taken one after the other, in order");
    ck_assert_msg((int)most == FULL_BATCH, "the plan shows no step that handles the whole batch");
}

START_TEST(a_full_append_handles_no_row_more_than_once_a_step)
{
    size_t n_parts = 0;
    const struct eventstore_part *const *parts = projections_parts(&n_parts);
    struct eventstore *whole = eventstore_create(parts, n_parts);
    const struct postgres_statement *full = eventstore_append_statement(whole, false);
    const struct postgres_statement *usual = eventstore_append_statement(whole, true);
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

int main(void)
{
    Suite *suite = suite_create("eventstore");
    TCase *cases = tcase_create("log");
    tcase_add_checked_fixture(cases, open_store, close_store);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, positions_are_dense_and_a_stream_that_moved_on_leaves_no_gap);
    tcase_add_test(cases, an_append_that_relied_on_a_shared_stream_is_refused_when_one_has_moved);
    tcase_add_test(cases, a_command_is_found_by_its_id_where_it_recorded_something);
    tcase_add_test(cases, the_newest_event_of_each_stream_is_found);
    tcase_add_test(cases, the_log_is_read_in_order_from_a_position_on);
    tcase_add_test(cases, stretches_of_streams_come_in_the_order_asked_for_and_no_more_than_wanted);
    tcase_add_test(cases, each_append_has_a_time_of_its_own_also_when_the_clock_was_set_back);
    tcase_add_test(cases, an_answer_is_kept_without_an_event_and_only_at_the_expected_version);
    tcase_add_test(cases, a_full_append_handles_no_row_more_than_once_a_step);
    tcase_add_test(cases, answers_past_their_time_are_forgotten_and_others_kept);
    tcase_add_test(cases, a_server_process_that_is_gone_counts_as_settled);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
