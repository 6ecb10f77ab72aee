#include "streams.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

#define N_STREAMS 50000

static struct service_command commands[N_STREAMS];

static size_t longest_bucket(const struct streams *streams)
{
    size_t longest = 0;
    for (size_t i = 0; i < streams->n_buckets; i++) {
        size_t length = 0;
        for (const struct service_stream *stream = streams->buckets[i]; stream != NULL;
             stream = stream->next_in_bucket)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Adds streams whose ids count upwards in the bytes from `place` on, and takes them away again. */
static size_t longest_bucket_of_ids_counted_at(size_t place)
{
    struct streams streams;
    streams_init(&streams, 0);
    for (uint32_t i = 0; i < N_STREAMS; i++) {
        commands[i] = (struct service_command){.subject = SERVICE_CART};
        for (size_t j = 0; j < sizeof i; j++)
            commands[i].stream_id.bytes[place + j] = (uint8_t)(i >> (24 - 8 * j));
        streams_add(&streams, &commands[i]);
    }
    size_t longest = longest_bucket(&streams);
    for (uint32_t i = 0; i < N_STREAMS; i++) {
        struct service_stream *stream = commands[i].stream;
        ck_assert_ptr_eq(streams_take(stream), &commands[i]);
        streams_settle(&streams, stream);
    }
    streams_finish(&streams);
    return longest;
}

START_TEST(ids_that_count_upwards_in_any_place_are_spread_over_the_buckets)
{
    for (size_t place = 0; place <= 12; place++)
        ck_assert_uint_le(longest_bucket_of_ids_counted_at(place), 16);
}
END_TEST

/* ---- turns ----------------------------------------------------------------------------------- */

static struct service_command command_for(uint8_t stream)
{
    return (struct service_command){.subject = SERVICE_CART, .stream_id = {{stream}}};
}

START_TEST(what_is_put_back_stands_before_what_came_meanwhile)
{
    struct streams streams;
    streams_init(&streams, 0);
    struct service_command first = command_for(1);
    struct service_command second = command_for(1);
    struct service_command third = command_for(1);
    streams_add(&streams, &first);
    streams_add(&streams, &second);
    struct service_stream *stream = first.stream;
    streams_begin(&streams, stream);
    ck_assert_uint_eq(streams.ready.length, 0);
    ck_assert_ptr_eq(streams_take(stream), &first);
    ck_assert_ptr_eq(streams_take(stream), &second);
    streams_add(&streams, &third);
    first.next = &second;
    streams_put_back(&streams, stream, &first);
    streams_end(&streams, stream);
    ck_assert_uint_eq(streams.ready.length, 1);
    ck_assert_ptr_eq(streams_take(stream), &first);
    ck_assert_ptr_eq(streams_take(stream), &second);
    ck_assert_ptr_eq(streams_take(stream), &third);
    streams_settle(&streams, stream);
    ck_assert_uint_eq(streams.n_entries, 0);
    streams_finish(&streams);
}
END_TEST

/* Works on stream i once, and keeps the cart. */
static void keep(struct streams *streams, uint8_t i, const struct cart *cart)
{
    struct service_command command = command_for(i);
    streams_add(streams, &command);
    struct service_stream *stream = command.stream;
    streams_begin(streams, stream);
    ck_assert_ptr_eq(streams_take(stream), &command);
    streams_keep(streams, stream, cart);
    streams_end(streams, stream);
}

START_TEST(the_least_recently_used_cart_is_the_first_to_be_let_go)
{
    struct streams streams;
    streams_init(&streams, 2);
    struct cart *cart = base_alloc(sizeof *cart);
    cart_clear(cart);
    for (uint8_t i = 0; i < 3; i++)
        keep(&streams, i, cart);
    ck_assert_uint_eq(streams.n_kept, 2);
    ck_assert_uint_eq(streams.n_entries, 2);
    for (const struct service_stream *at = streams.idle.first; at != NULL; at = at->next)
        ck_assert_int_ne(at->id.bytes[0], 0);
    free(cart);
    streams_finish(&streams);
}
END_TEST

START_TEST(fewer_carts_are_kept_when_they_are_large)
{
    struct streams streams;
    streams_init(&streams, 10);
    struct cart *small = base_alloc(sizeof *small);
    struct cart *large = base_alloc(sizeof *large);
    char properties[STREAMS_KEPT_BYTES_EACH * 3];
    memset(properties, 'x', sizeof properties);
    properties[sizeof properties - 1] = '\0';
    cart_clear(small);
    cart_clear(large);
    struct cart_event added = {
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {.item_id = "a", .sku = "a", .name = "A", .properties = properties, .quantity = 1},
    };
    cart_evolve(large, &added, 1);
    for (uint8_t i = 0; i < 100; i++)
        keep(&streams, i, i % 2 == 0 ? large : small);
    ck_assert_uint_ge(streams.n_kept, 5); /* three large ones and those between them */
    ck_assert_uint_le(streams.n_kept, 7);
    ck_assert_uint_le(streams.kept_bytes, 11 * STREAMS_KEPT_BYTES_EACH);
    for (uint8_t i = 0; i < 100; i++)
        keep(&streams, i, small);
    ck_assert_uint_eq(streams.n_kept, 10);
    for (uint8_t i = 0; i < 100; i++)
        keep(&streams, i, NULL);
    ck_assert_uint_eq(streams.n_kept, 0);
    ck_assert_uint_eq(streams.kept_bytes, 0);
    free(small);
    free(large);
    streams_finish(&streams);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *cases = tcase_create("streams");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, ids_that_count_upwards_in_any_place_are_spread_over_the_buckets);
    tcase_add_test(cases, what_is_put_back_stands_before_what_came_meanwhile);
    tcase_add_test(cases, the_least_recently_used_cart_is_the_first_to_be_let_go);
    tcase_add_test(cases, fewer_carts_are_kept_when_they_are_large);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
