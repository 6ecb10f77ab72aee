#include <string.h>

#include "internal.h"
#include "support.h"

/* What an event does to its cart, as the reports hear of it. */

static struct cart cart;
static struct follow_notes notes;
static struct base_arena arena;
static struct projections_step step;
static int64_t position;

static void setup(void)
{
    aggregate_cart.begin(&cart);
    notes = (struct follow_notes){0};
    arena = (struct base_arena){NULL};
    position = 40;
}

static void teardown(void)
{
    base_arena_finish(&arena);
}

static enum replay_outcome fold(const char *type, const char *data)
{
    position++;
    const struct eventstore_event event = {
        .position = position,
        .stream_type = "cart",
        .version = cart.version + 1,
        .type = type,
        .schema_version =
            strcmp(type, "CartCreated") == 0 || strcmp(type, "ItemAdded") == 0 ? 2 : 1,
        .data = data,
        .recorded_at_us = 1000 * position,
    };
    return follow_fold_event(&notes, &cart, &event, &arena, &step);
}

static void create(void)
{
    ck_assert_int_eq(
        fold(
            "CartCreated", "{\"currency\":\"EUR\",\"customer_id\":null,\"metadata\":{},"
                           "\"guest_token_hash\":null}"),
        REPLAY_DONE);
}

static void add(const char *item_id, const char *sku, int quantity)
{
    const char *data = base_arena_printf(
        &arena,
        "{\"item_id\":\"%s\",\"sku\":\"%s\",\"name\":\"x\",\"quantity\":%d,\"unit_price\":5,"
        "\"properties\":{}}",
        item_id, sku, quantity);
    ck_assert_int_eq(fold("ItemAdded", data), REPLAY_DONE);
}

static void check_held(size_t i, const char *sku, int32_t before, int32_t after)
{
    ck_assert_uint_lt(i, step.n_held);
    ck_assert_str_eq(step.held[i].sku, sku);
    ck_assert_int_eq(step.held[i].units_before, before);
    ck_assert_int_eq(step.held[i].units_after, after);
}

START_TEST(an_add_tells_how_many_there_were_and_are_over_all_lines_of_the_sku)
{
    create();
    ck_assert_uint_eq(step.n_held, 0);
    add("tea", "tea", 2);
    check_held(0, "tea", 0, 2);
    ck_assert_int_eq(step.total_before_minor, 0);
    add("tea-2", "tea", 3);
    ck_assert_uint_eq(step.n_held, 1);
    check_held(0, "tea", 2, 5);
    ck_assert_int_eq(step.total_before_minor, 10);
    ck_assert_int_eq(step.cart->total_minor, 25);
}
END_TEST

START_TEST(what_takes_all_away_tells_each_sku_once)
{
    create();
    add("tea", "tea", 2);
    add("mug", "mug", 1);
    add("tea-2", "tea", 3);
    ck_assert_int_eq(
        fold("CartCheckedOut", "{\"total\":30,\"currency\":\"EUR\",\"item_count\":6}"),
        REPLAY_DONE);
    ck_assert_uint_eq(step.n_held, 2);
    check_held(0, "mug", 1, 0);
    check_held(1, "tea", 5, 0);
}
END_TEST

START_TEST(a_line_that_is_changed_or_removed_is_told_by_its_sku)
{
    create();
    add("tea-2", "tea", 3);
    ck_assert_int_eq(
        fold("ItemQuantityChanged", "{\"item_id\":\"tea-2\",\"quantity\":7}"), REPLAY_DONE);
    check_held(0, "tea", 3, 7);
    ck_assert_int_eq(fold("ItemRemoved", "{\"item_id\":\"tea-2\",\"quantity\":7}"), REPLAY_DONE);
    check_held(0, "tea", 7, 0);
}
END_TEST

START_TEST(only_the_first_item_ever_is_the_first)
{
    create();
    ck_assert(!step.is_first_item);
    ck_assert_int_eq(step.created_position, 41);
    add("tea", "tea", 1);
    ck_assert(step.is_first_item);
    ck_assert_int_eq(step.created_position, 41);
    ck_assert_int_eq(fold("CartCleared", "{}"), REPLAY_DONE);
    add("mug", "mug", 1);
    ck_assert(!step.is_first_item);
    ck_assert_int_eq(step.recorded_at_us, 44000);
}
END_TEST

START_TEST(an_event_that_can_not_be_read_changes_nothing)
{
    create();
    add("tea", "tea", 1);
    struct follow_notes former = notes;
    ck_assert_int_eq(fold("ItemAdded", "{\"item_id\":\"tea\"}"), REPLAY_UNREADABLE);
    ck_assert_int_eq(fold("ItemStolen", "{}"), REPLAY_UNREADABLE);
    ck_assert_int_eq(cart.version, 2);
    ck_assert_mem_eq(&notes, &former, sizeof notes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("follow_fold");
    TCase *tests = tcase_create("steps");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_add_tells_how_many_there_were_and_are_over_all_lines_of_the_sku);
    tcase_add_test(tests, what_takes_all_away_tells_each_sku_once);
    tcase_add_test(tests, a_line_that_is_changed_or_removed_is_told_by_its_sku);
    tcase_add_test(tests, only_the_first_item_ever_is_the_first);
    tcase_add_test(tests, an_event_that_can_not_be_read_changes_nothing);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
