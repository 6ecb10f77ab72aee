#include "streams.h"

#include "support.h"

/* ---- turns ----------------------------------------------------------------------------------- */

static struct service_command command_for(uint8_t stream)
{
    return (struct service_command){.aggregate = &aggregate_cart, .stream_id = {{stream}}};
}

START_TEST(what_is_put_back_stands_before_what_came_meanwhile)
{
    struct streams streams;
    streams_init(&streams);
    struct service_command first = command_for(1);
    struct service_command second = command_for(1);
    struct service_command third = command_for(1);
    streams_add(&streams, &first);
    streams_add(&streams, &second);
    struct service_stream *stream = first.stream;
    streams_hold(stream, NULL, 0);
    streams_begin(&streams, stream);
    ck_assert_uint_eq(streams.n_ready, 0);
    ck_assert_ptr_eq(streams_take(stream), &first);
    ck_assert_ptr_eq(streams_take(stream), &second);
    streams_add(&streams, &third);
    first.next = &second;
    streams_put_back(&streams, stream, &first);
    streams_end(&streams, stream);
    ck_assert_uint_eq(streams.n_ready, 1);
    ck_assert_ptr_eq(streams_take(stream), &first);
    ck_assert_ptr_eq(streams_take(stream), &second);
    ck_assert_ptr_eq(streams_take(stream), &third);
    streams_settle(&streams, stream);
    ck_assert_uint_eq(table_count(&streams.table), 0);
    streams_finish(&streams);
}
END_TEST

START_TEST(what_is_reserved_stays_until_it_is_released)
{
    struct streams streams;
    streams_init(&streams);
    const struct base_uuid id = {{1}};
    streams_reserve(&streams, &id);
    streams_reserve(&streams, &id);
    struct service_stream *stream = streams_find(&streams, &id);
    ck_assert(stream->is_reserved);
    ck_assert_uint_eq(streams.n_ready, 0);
    /* A batch that had it before ends. */
    streams_hold(stream, NULL, 0);
    streams_end(&streams, stream);
    ck_assert_ptr_eq(streams_find(&streams, &id), stream);
    streams_release(&streams);
    ck_assert_ptr_null(streams_find(&streams, &id));
    streams_finish(&streams);
}
END_TEST

START_TEST(a_stream_that_another_command_needs_stays_in_turn)
{
    struct streams streams;
    streams_init(&streams);
    struct service_command command = command_for(1);
    streams_add(&streams, &command);
    streams_hold(command.stream, NULL, 0);
    ck_assert_uint_eq(streams.n_ready, 1);
    streams_end(&streams, command.stream);
    ck_assert_uint_eq(streams.n_ready, 1);
    streams_reserve(&streams, &command.stream_id);
    ck_assert_ptr_eq(streams_take(command.stream), &command);
    streams_settle(&streams, command.stream);
    ck_assert_uint_eq(streams.n_ready, 0);
    streams_finish(&streams);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *cases = tcase_create("streams");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_is_put_back_stands_before_what_came_meanwhile);
    tcase_add_test(cases, what_is_reserved_stays_until_it_is_released);
    tcase_add_test(cases, a_stream_that_another_command_needs_stays_in_turn);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
