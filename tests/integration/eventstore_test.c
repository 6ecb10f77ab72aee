#include <stdlib.h>
#include <string.h>

#include "store_fixture.h"

START_TEST(positions_are_dense_and_a_stream_that_moved_on_leaves_no_gap)
{
    ck_assert_int_eq(append_to(STREAMS({1, .at = 0}, {2, .at = 0}, {3, .at = 0})), 3);
    /* The second stream is at 1, not at 0 or 7. */
    ck_assert_int_eq(append_to(STREAMS({1, .at = 1}, {2, .at = 7}, {3, .at = 1})), 5);
    ck_assert(eventstore_was_accepted(&pipeline, 1));
    ck_assert(!eventstore_was_accepted(&pipeline, 2));
    ck_assert(eventstore_was_accepted(&pipeline, 3));
    ck_assert_int_eq(append_to(STREAMS({2, .at = 0})), 0);
    ck_assert(!eventstore_was_accepted(&pipeline, 1));
    ck_assert_int_eq(append_to(STREAMS({2, .at = 1})), 6);

    postgres_pipeline_begin(&pipeline);
    eventstore_ask_streams(
        &pipeline,
        (struct eventstore_stream_wanted[]){
            {.stream_id = id_of(2)}, {.stream_id = id_of(3)}, {.stream_id = id_of(1)}},
        3);
    ask();
    const struct postgres_rows *rows = postgres_pipeline_rows(&pipeline, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 6);
    int32_t versions[4] = {0};
    for (size_t row = 0; row < 6; row++) {
        struct eventstore_event event;
        eventstore_receive_replayed(rows, row, &event);
        ck_assert_int_eq(event.version, ++versions[event.stream_id.bytes[15]]);
    }
    ck_assert(versions[1] == 2 && versions[2] == 2 && versions[3] == 2);

    postgres_pipeline_begin(&pipeline);
    eventstore_ask_streams(
        &pipeline,
        (struct eventstore_stream_wanted[]){
            {.stream_id = id_of(1), .after_version = 1},
            {.stream_id = id_of(2), .after_version = 2}},
        2);
    ask();
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 0)), 1);
    check_that_positions_are_dense(6);
}
END_TEST

START_TEST(a_command_is_found_by_its_id_where_it_recorded_something)
{
    append_to(STREAMS({1, .at = 0}, {2, .at = 0}));
    append_to(STREAMS({1, .at = 1}));
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_commands(
        &pipeline,
        (struct eventstore_command_wanted[]){
            {.stream_id = id_of(1), .command_id = id_of(200)},
            {.stream_id = id_of(1), .command_id = id_of(201)},
            {.stream_id = id_of(9), .command_id = id_of(202)}},
        3);
    eventstore_ask_commands(
        &pipeline,
        &(struct eventstore_command_wanted){.stream_id = id_of(9), .command_id = id_of(200)}, 1);
    ask();
    const struct postgres_rows *rows = postgres_pipeline_rows(&pipeline, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 1);
    struct eventstore_command found;
    eventstore_receive_command(rows, 0, &found);
    ck_assert_uint_eq(found.command_id.bytes[15], 200);
    ck_assert_int_eq(found.version, 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 1)), 0);
}
END_TEST

static int64_t ask_shared_position(void)
{
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_shared_position(&pipeline);
    ask();
    return eventstore_receive_shared_position(postgres_pipeline_rows(&pipeline, 0));
}

START_TEST(an_append_that_relied_on_a_shared_stream_is_refused_when_one_has_moved)
{
    ck_assert_int_eq(ask_shared_position(), 0);
    are_shared = true;
    append_to(STREAMS({1, .at = 0}, {2, .at = 0}));
    are_shared = false;
    append_to(STREAMS({3, .at = 0}));
    ck_assert_int_eq(ask_shared_position(), 2);

    if_shared_position = 2;
    ck_assert_int_eq(append_to(STREAMS({3, .at = 1}, {4, .at = 0})), 5);
    if_shared_position = 1;
    ck_assert_int_eq(append_to(STREAMS({3, .at = 2}, {5, .at = 0})), 0);
    struct eventstore_appended appended;
    eventstore_receive_append(&pipeline, &appended);
    ck_assert(appended.shared_has_moved);
    ck_assert(!eventstore_was_accepted(&pipeline, 1));
    ck_assert(!eventstore_was_accepted(&pipeline, 2));
    if_shared_position = EVENTSTORE_ANY;
    ck_assert_int_eq(append_to(STREAMS({3, .at = 2}, {5, .at = 0})), 7);
    eventstore_receive_append(&pipeline, &appended);
    ck_assert(!appended.shared_has_moved);
}
END_TEST

START_TEST(the_newest_event_of_each_stream_is_found)
{
    append_to(STREAMS({1, .at = 0}, {2, .at = 0}));
    append_to(STREAMS({2, .at = 1}));
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_newest(&pipeline, (struct base_uuid[]){id_of(1), id_of(2), id_of(9)}, 3);
    ask();
    const struct postgres_rows *rows = postgres_pipeline_rows(&pipeline, 0);
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
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_head(&pipeline);
    ask();
    ck_assert_int_eq(eventstore_receive_head(postgres_pipeline_rows(&pipeline, 0)).position, 0);

    connect_with(eventstore_batch_statements(store));
    append_to(STREAMS({1, .at = 0}, {2, .at = 0}, {3, .at = 0}));
    append_to(STREAMS({1, .at = 1}, {2, .at = 1}, {3, .at = 1}));
    connect_with(eventstore_log_statements);
    const char *const known[] = {"Happened", "Missing"};
    const char *const unknown[] = {"Missing"};
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_head(&pipeline);
    eventstore_ask_log(
        &pipeline, &(struct eventstore_log_wanted){
                       .after_position = 2, .until_position = INT64_MAX, .limit = 3});
    eventstore_ask_log(
        &pipeline, &(struct eventstore_log_wanted){
                       .until_position = 2, .limit = 9, .types = known, .n_types = 2});
    eventstore_ask_log(
        &pipeline, &(struct eventstore_log_wanted){
                       .until_position = INT64_MAX, .limit = 9, .types = unknown, .n_types = 1});
    ask();
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(&pipeline, 0));
    ck_assert_int_eq(head.position, 6);
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 1)), 3);
    struct eventstore_event event;
    for (size_t row = 0; row < 3; row++) {
        eventstore_receive_event(postgres_pipeline_rows(&pipeline, 1), row, &event);
        ck_assert_int_eq(event.position, (int64_t)row + 3);
        ck_assert_int_le(event.recorded_at_us, head.recorded_at_us);
    }
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 2)), 2);
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 3)), 0);
}
END_TEST

START_TEST(ranges_of_streams_come_in_the_order_asked_for_and_no_more_than_wanted)
{
    for (int32_t version = 0; version < 5; version++)
        append_to(STREAMS({1, .at = version}, {2, .at = version}, {3, .at = version}));
    connect_with(eventstore_ranges_statements);
    const struct eventstore_range wanted[] = {
        {.stream_id = id_of(3), .after_version = 1, .until_version = 4},
        {.stream_id = id_of(9), .until_version = 7},
        {.stream_id = id_of(1), .until_version = 2},
    };
    static const struct {
        uint8_t stream;
        int32_t version;
    } expected[] = {{3, 2}, {3, 3}, {3, 4}, {1, 1}, {1, 2}};
    for (size_t limit = 1; limit <= 6; limit++) {
        postgres_pipeline_begin(&pipeline);
        eventstore_ask_ranges(&pipeline, wanted, BASE_COUNT(wanted), (int32_t)limit);
        ask();
        const struct postgres_rows *rows = postgres_pipeline_rows(&pipeline, 0);
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
        append_to(STREAMS({1, .at = i}, {2, .at = i}));
        struct eventstore_appended appended;
        eventstore_receive_append(&pipeline, &appended);
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
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_append(
        store, &pipeline,
        &(struct eventstore_batch){
            .streams = &stream,
            .n_streams = 1,
            .keys = &key,
            .n_keys = 1,
            .shared_position = EVENTSTORE_ANY});
    begin_asking();
    await_answer();
}

START_TEST(an_answer_is_stored_without_an_event_and_only_at_the_expected_version)
{
    append_to(STREAMS({1, .at = 0}));
    append_key(2, 0);
    ck_assert_int_eq(pipeline.outcome, POSTGRES_DONE);
    ck_assert(!eventstore_was_accepted(&pipeline, 1));
    append_key(1, 0);
    ck_assert_int_eq(pipeline.outcome, POSTGRES_DONE);
    ck_assert(eventstore_was_accepted(&pipeline, 1));
    append_key(1, 0);
    ck_assert_msg(pipeline.outcome == POSTGRES_VIOLATED, "the same key is stored once");

    postgres_pipeline_begin(&pipeline);
    eventstore_ask_keys(
        &pipeline,
        (struct eventstore_key_wanted[]){
            {.scope_id = id_of(1), .key = "a key with \"quotes\" and ünïcode"},
            {.scope_id = id_of(2), .key = "a key with \"quotes\" and ünïcode"}},
        2);
    ask();
    ck_assert_uint_eq(postgres_rows_count(postgres_pipeline_rows(&pipeline, 0)), 1);
    struct eventstore_key key;
    eventstore_receive_key(postgres_pipeline_rows(&pipeline, 0), 0, &key);
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
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_forget_keys(&pipeline, 48, 10);
    ask();
    run_sql("DO $$ BEGIN ASSERT (SELECT count(*) FROM idempotency_keys) = 90; END $$");
    for (int i = 0; i < 10; i++) {
        postgres_pipeline_begin(&pipeline);
        eventstore_ask_forget_keys(&pipeline, 48, 10);
        ask();
    }
    run_sql("DO $$ BEGIN ASSERT (SELECT min(created_at) > now() - interval '49 hours'"
            " AND count(*) BETWEEN 47 AND 48 FROM idempotency_keys); END $$");
}
END_TEST

START_TEST(a_server_process_that_is_gone_counts_as_settled)
{
    struct postgres_backend backend = {.pid = 1, .started_at_us = 1};
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_settle(&pipeline, &backend);
    ask();
    ck_assert(eventstore_receive_settled(&pipeline));
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
    tcase_add_test(cases, ranges_of_streams_come_in_the_order_asked_for_and_no_more_than_wanted);
    tcase_add_test(cases, each_append_has_a_time_of_its_own_also_when_the_clock_was_set_back);
    tcase_add_test(cases, an_answer_is_stored_without_an_event_and_only_at_the_expected_version);
    tcase_add_test(cases, answers_past_their_time_are_forgotten_and_others_kept);
    tcase_add_test(cases, a_server_process_that_is_gone_counts_as_settled);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
