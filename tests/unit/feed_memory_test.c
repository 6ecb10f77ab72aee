#include "codec.h"
#include "internal.h"

#include <string.h>

#include "support.h"

static struct feed_memory memory;

static void add(int64_t position, size_t length)
{
    char *text = base_alloc(length);
    memset(text, 'x', length);
    feed_memory_add(
        &memory, &(struct feed_event){
                     .position = position,
                     .framed = text,
                     .framed_length = length,
                 });
}

static void start(size_t n_bytes, int64_t head)
{
    feed_memory_start(&memory, n_bytes, head);
}

static void stop(void)
{
    feed_memory_stop(&memory);
}

static void assert_kept(int64_t tail, int64_t head)
{
    ck_assert_int_eq(memory.tail, tail);
    ck_assert_int_eq(memory.head, head);
    for (int64_t position = tail; position <= head; position++)
        ck_assert_int_eq(feed_memory_at(&memory, position)->event.position, position);
}

START_TEST(a_memory_begins_with_nothing_after_the_head)
{
    start(100000, 41);
    assert_kept(42, 41);
    add(42, 10);
    add(43, 10);
    assert_kept(42, 43);
}
END_TEST

START_TEST(the_oldest_are_forgotten_when_bytes_run_out)
{
    start(10 * (1000 + sizeof(struct feed_entry)), 0);
    for (int64_t position = 1; position <= 25; position++) {
        add(position, 1000);
        assert_kept(position <= 10 ? 1 : position - 9, position);
        ck_assert_uint_le(memory.n_bytes, memory.n_bytes_max);
    }
    add(26, 5000);
    assert_kept(21, 26);
}
END_TEST

START_TEST(the_oldest_are_forgotten_when_slots_run_out)
{
    start(1, 0);
    size_t n_slots = memory.n_slots;
    memory.n_bytes_max = SIZE_MAX;
    for (int64_t position = 1; position <= (int64_t)n_slots + 5; position++)
        add(position, 1);
    assert_kept(6, (int64_t)n_slots + 5);
}
END_TEST

START_TEST(the_newest_is_kept_however_large_it_is)
{
    start(1000, 0);
    add(1, 10);
    add(2, 50000);
    assert_kept(2, 2);
    add(3, 10);
    assert_kept(3, 3);
}
END_TEST

START_TEST(a_gap_forgets_what_was_before)
{
    start(100000, 0);
    add(1, 10);
    add(2, 10);
    add(7, 10);
    assert_kept(7, 7);
    add(8, 10);
    assert_kept(7, 8);
}
END_TEST

START_TEST(listeners_of_a_cart_are_found_and_leave_nothing)
{
    enum { N = 2000 };
    static struct feed_listener listeners[N];
    struct table streams;
    table_init(&streams);
    for (size_t i = 0; i < N; i++) {
        /* Two of each cart. */
        listeners[i] = (struct feed_listener){.source.is_of_cart = true};
        listeners[i].source.cart_id.bytes[3] = (uint8_t)(i / 2);
        listeners[i].source.cart_id.bytes[9] = (uint8_t)(i / 512);
        feed_streams_add_listener(&streams, &listeners[i]);
    }
    ck_assert_uint_eq(table_count(&streams), N / 2);
    for (size_t i = 0; i < N; i++) {
        struct feed_stream *stream = feed_streams_find(&streams, &listeners[i].source.cart_id);
        ck_assert_ptr_eq(stream, listeners[i].stream);
        struct feed_listener *first = LIST_FIRST(&stream->listeners);
        ck_assert_ptr_eq(first, &listeners[i | 1]);
        ck_assert_ptr_eq(LIST_NEXT(first, of_stream), &listeners[i & ~(size_t)1]);
    }
    for (size_t i = 0; i < N; i += 2)
        feed_streams_remove_listener(&streams, &listeners[i]);
    ck_assert_uint_eq(table_count(&streams), N / 2);
    for (size_t i = 1; i < N; i += 2)
        feed_streams_remove_listener(&streams, &listeners[i]);
    ck_assert_uint_eq(table_count(&streams), 0);
    ck_assert_ptr_null(feed_streams_find(&streams, &listeners[5].source.cart_id));
}
END_TEST

START_TEST(every_event_has_a_type_of_its_own)
{
    uint64_t seen = 0;
    for (const char *const *name = codec_event_names; *name != NULL; name++) {
        uint64_t type = feed_type(*name, strlen(*name));
        ck_assert_msg(type != 0 && (seen & type) == 0, "%s", *name);
        seen |= type;
    }
    ck_assert_uint_eq(
        feed_type("ItemAdded", 9) & (feed_type("CartCreated", 11) | feed_type("ItemRemoved", 11)),
        0);
    ck_assert_uint_eq(feed_type("ItemAdded", 8), 0);
    ck_assert_uint_eq(feed_type("ItemAddedX", 10), 0);
    ck_assert_uint_eq(feed_type("", 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_memory");
    TCase *tests = tcase_create("memory");
    tcase_add_checked_fixture(tests, NULL, stop);
    tcase_add_test(tests, a_memory_begins_with_nothing_after_the_head);
    tcase_add_test(tests, the_oldest_are_forgotten_when_bytes_run_out);
    tcase_add_test(tests, the_oldest_are_forgotten_when_slots_run_out);
    tcase_add_test(tests, the_newest_is_kept_however_large_it_is);
    tcase_add_test(tests, a_gap_forgets_what_was_before);
    tcase_add_test(tests, listeners_of_a_cart_are_found_and_leave_nothing);
    tcase_add_test(tests, every_event_has_a_type_of_its_own);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
