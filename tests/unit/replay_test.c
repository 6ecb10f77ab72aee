#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "cart.h"
#include "catalog.h"
#include "codec.h"
#include "support.h"

#define T1_US INT64_C(1764490000000000)

/* ---- folding --------------------------------------------------------------------------------- */

static struct cart cart;
static struct base_arena arena;

static void setup(void)
{
    aggregate_cart.begin(&cart);
    arena = (struct base_arena){NULL};
}

static void teardown(void)
{
    base_arena_finish(&arena);
}

static enum replay_outcome fold(struct eventstore_event event)
{
    return replay_fold(&aggregate_cart, &cart, &event, &arena);
}

static struct eventstore_event created(void)
{
    return (struct eventstore_event){
        .stream_type = "cart",
        .version = 1,
        .type = "CartCreated",
        .schema_version = 2,
        .data = "{\"currency\":\"EUR\",\"customer_id\":\"c1\",\"metadata\":{\"a\":1},"
                "\"guest_token_hash\":null}",
        .recorded_at_us = T1_US,
    };
}

static struct eventstore_event tea_added(int32_t version)
{
    return (struct eventstore_event){
        .stream_type = "cart",
        .version = version,
        .type = "ItemAdded",
        .schema_version = 2,
        .data = "{\"item_id\":\"tea\",\"sku\":\"tea\",\"name\":\"Tea\",\"quantity\":2,"
                "\"unit_price\":499,\"properties\":{}}",
        .recorded_at_us = T1_US + version,
    };
}

static void assert_is_tea_cart(void)
{
    ck_assert_int_eq(cart.version, 2);
    ck_assert_int_eq(cart.total_minor, 998);
    ck_assert_int_eq(cart.updated_at_us, T1_US + 2);
    ck_assert_str_eq(cart.customer_id, "c1");
}

START_TEST(events_are_put_on_top_of_each_other)
{
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_DONE);
    assert_is_tea_cart();
}
END_TEST

START_TEST(what_can_not_be_folded_changes_nothing)
{
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_MISSING);
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_DONE);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_MISSING);
    ck_assert_int_eq(fold(tea_added(4)), REPLAY_MISSING);
    struct eventstore_event other = tea_added(3);
    other.stream_type = "product";
    ck_assert_int_eq(fold(other), REPLAY_OTHER_TYPE);
    struct eventstore_event strange = tea_added(3);
    strange.data = "{\"item_id\":\"tea\"}";
    ck_assert_int_eq(fold(strange), REPLAY_UNREADABLE);
    struct eventstore_event unknown = tea_added(3);
    unknown.type = "ItemStolen";
    ck_assert_int_eq(fold(unknown), REPLAY_UNREADABLE);
    assert_is_tea_cart();
}
END_TEST

static struct eventstore_event snapshot_of(int32_t version, const char *state)
{
    return (struct eventstore_event){
        .stream_type = "",
        .version = version,
        .type = EVENTSTORE_SNAPSHOT,
        .data = state,
    };
}

START_TEST(a_snapshot_stands_in_for_the_events_before_it)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer state = {0};
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    aggregate_cart.write_snapshot(&state, &cart);
    aggregate_cart.begin(&cart);
    ck_assert_int_eq(fold(snapshot_of(1, base_buffer_text(&state))), REPLAY_DONE);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_DONE);
    assert_is_tea_cart();

    ck_assert_int_eq(fold(snapshot_of(2, base_buffer_text(&state))), REPLAY_BAD_SNAPSHOT);
    ck_assert_int_eq(cart.version, 0);
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    ck_assert_int_eq(fold(snapshot_of(1, "null")), REPLAY_BAD_SNAPSHOT);
    ck_assert_int_eq(cart.version, 0);
}
END_TEST

START_TEST(the_newest_event_of_a_product_says_all)
{
    struct catalog_product product;
    struct eventstore_event changed = {
        .stream_type = "product",
        .version = 7,
        .type = "ProductChanged",
        .schema_version = 1,
        .data = "{\"sku\":\"tea\",\"name\":\"Tea\",\"prices\":{\"EUR\":499},\"active\":true}",
        .recorded_at_us = T1_US,
    };
    aggregate_product.begin(&product);
    ck_assert_int_eq(replay_fold(&aggregate_product, &product, &changed, &arena), REPLAY_DONE);
    ck_assert_int_eq(product.version, 7);
    ck_assert_int_eq(product.updated_at_us, T1_US);
    changed = snapshot_of(7, "{}");
    ck_assert_int_eq(
        replay_fold(&aggregate_product, &product, &changed, &arena), REPLAY_BAD_SNAPSHOT);
}
END_TEST

START_TEST(texts_that_are_moved_need_nothing_of_the_former_arena)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena to = {0};
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_DONE);
    replay_move_texts(&aggregate_cart, &cart, &to);
    base_arena_finish(&arena);
    assert_is_tea_cart();
    ck_assert_str_eq(cart.lines[0].name, "Tea");
    /* It goes on as before. */
    ck_assert_int_eq(fold(tea_added(3)), REPLAY_DONE);
    ck_assert_int_eq(cart.lines[0].quantity, 4);
}
END_TEST

START_TEST(every_aggregate_is_found_by_its_stream_type)
{
    for (size_t i = 0; i < aggregates_count; i++) {
        ck_assert_ptr_eq(aggregate_find(aggregates[i]->stream_type), aggregates[i]);
        ck_assert_uint_le(aggregates[i]->fact_size, AGGREGATE_FACT_MAX);
        void *state = base_alloc(aggregates[i]->state_size);
        aggregates[i]->begin(state);
        ck_assert_int_eq(aggregates[i]->version(state), 0);
        void *packed = base_alloc(aggregates[i]->packed_size(state));
        aggregates[i]->pack(packed, state);
        ck_assert_int_eq(aggregates[i]->version(packed), 0);
        free(packed);
        free(state);
    }
    ck_assert_ptr_null(aggregate_find("order"));
}
END_TEST

/* ---- states in memory ------------------------------------------------------------------------ */

static struct replay_cache cache;

static void make_cache(size_t states_max, size_t bytes_max)
{
    replay_cache_init(
        &cache, &(struct replay_cache_limits){
                    .states_max = states_max,
                    .bytes_max = bytes_max,
                    .notes_size = sizeof(int),
                });
}

static struct base_uuid id_of(uint8_t i)
{
    return (struct base_uuid){{i}};
}

static struct replay_cached *put(uint8_t i)
{
    struct base_uuid id = id_of(i);
    return replay_cache_put(&cache, &id, &aggregate_cart, &cart);
}

static struct replay_cached *find(uint8_t i)
{
    struct base_uuid id = id_of(i);
    return replay_cache_find(&cache, &id, &aggregate_cart);
}

static struct replay_cached *take(uint8_t i)
{
    struct base_uuid id = id_of(i);
    return replay_cache_take(&cache, &id, &aggregate_cart);
}

START_TEST(the_least_recently_used_state_is_the_first_to_be_given_up)
{
    make_cache(2, SIZE_MAX);
    put(0);
    put(1);
    put(2);
    put(1);
    ck_assert_ptr_nonnull(find(0)); /* until it is trimmed */
    replay_cache_trim(&cache);
    ck_assert_ptr_null(find(0));
    ck_assert_ptr_nonnull(find(1));
    ck_assert_ptr_nonnull(find(2));
    replay_cache_return(&cache, take(2));
    put(3);
    replay_cache_trim(&cache);
    ck_assert_ptr_null(find(1));
    ck_assert_ptr_nonnull(find(2));
    replay_cache_finish(&cache);
}
END_TEST

START_TEST(a_state_of_another_kind_is_not_found)
{
    make_cache(2, SIZE_MAX);
    struct base_uuid id = id_of(1);
    put(1);
    ck_assert_ptr_null(replay_cache_find(&cache, &id, &aggregate_product));
    ck_assert_ptr_null(replay_cache_take(&cache, &id, &aggregate_product));
    ck_assert_ptr_nonnull(find(1));
    replay_cache_finish(&cache);
}
END_TEST

START_TEST(fewer_states_are_cached_when_they_are_large)
{
    static char properties[10000];
    memset(properties, 'x', sizeof properties - 1);
    struct cart_event added = {
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {.item_id = "a", .sku = "a", .name = "A", .properties = properties, .quantity = 1},
    };
    make_cache(100, 30000);
    for (uint8_t i = 0; i < 20; i++)
        put(i);
    replay_cache_trim(&cache);
    ck_assert_uint_eq(table_count(&cache.table), 20);
    cart_evolve(&cart, &added, T1_US);
    for (uint8_t i = 0; i < 20; i++)
        put(i);
    replay_cache_trim(&cache);
    ck_assert_uint_eq(table_count(&cache.table), 2);
    ck_assert_uint_le(cache.n_bytes, 30000);
    replay_cache_finish(&cache);
    ck_assert_uint_eq(cache.n_bytes, 0);
}
END_TEST

START_TEST(what_takes_the_place_of_a_state_may_borrow_from_it)
{
    make_cache(10, SIZE_MAX);
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    struct replay_cached *cached = put(1);
    *(int *)cached->notes = 17;
    aggregate_cart.copy(&cart, cached->state);
    base_arena_finish(&arena);
    ck_assert_int_eq(fold(tea_added(2)), REPLAY_DONE);
    cached = put(1);
    ck_assert_int_eq(*(int *)cached->notes, 17);
    aggregate_cart.copy(&cart, cached->state);
    assert_is_tea_cart();
    replay_cache_finish(&cache);
}
END_TEST

START_TEST(what_was_taken_is_not_there_and_survives_what_takes_its_place)
{
    make_cache(10, SIZE_MAX);
    ck_assert_int_eq(fold(created()), REPLAY_DONE);
    put(1);
    struct replay_cached *taken = take(1);
    ck_assert_ptr_null(find(1));
    ck_assert_ptr_null(take(1));
    aggregate_cart.copy(&cart, taken->state);
    put(1);
    replay_cached_free(taken);
    aggregate_cart.copy(&cart, find(1)->state);
    ck_assert_str_eq(cart.customer_id, "c1");
    struct base_uuid id = id_of(1);
    replay_cache_remove(&cache, &id);
    replay_cache_remove(&cache, &id);
    ck_assert_ptr_null(find(1));
    replay_cache_finish(&cache);
}
END_TEST

START_TEST(nothing_of_a_former_epoch_is_found)
{
    make_cache(10, SIZE_MAX);
    put(1);
    put(2);
    struct replay_cached *taken = take(2);
    replay_cache_begin_epoch(&cache);
    replay_cache_return(&cache, taken);
    ck_assert_ptr_null(find(1));
    ck_assert_ptr_null(take(2));
    ck_assert_ptr_nonnull(put(1));
    ck_assert_ptr_nonnull(find(1));
    replay_cache_finish(&cache);
}
END_TEST

START_TEST(a_cache_of_no_states_has_none)
{
    make_cache(0, 0);
    ck_assert_ptr_null(put(1));
    ck_assert_ptr_null(find(1));
    replay_cache_finish(&cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *folding = tcase_create("folding");
    tcase_add_checked_fixture(folding, setup, teardown);
    tcase_add_test(folding, events_are_put_on_top_of_each_other);
    tcase_add_test(folding, what_can_not_be_folded_changes_nothing);
    tcase_add_test(folding, a_snapshot_stands_in_for_the_events_before_it);
    tcase_add_test(folding, the_newest_event_of_a_product_says_all);
    tcase_add_test(folding, texts_that_are_moved_need_nothing_of_the_former_arena);
    tcase_add_test(folding, every_aggregate_is_found_by_its_stream_type);
    suite_add_tcase(suite, folding);
    TCase *caching = tcase_create("caching");
    tcase_add_checked_fixture(caching, setup, teardown);
    tcase_add_test(caching, the_least_recently_used_state_is_the_first_to_be_given_up);
    tcase_add_test(caching, a_state_of_another_kind_is_not_found);
    tcase_add_test(caching, fewer_states_are_cached_when_they_are_large);
    tcase_add_test(caching, what_takes_the_place_of_a_state_may_borrow_from_it);
    tcase_add_test(caching, what_was_taken_is_not_there_and_survives_what_takes_its_place);
    tcase_add_test(caching, nothing_of_a_former_epoch_is_found);
    tcase_add_test(caching, a_cache_of_no_states_has_none);
    suite_add_tcase(suite, caching);
    return support_run(suite);
}
