#include "cart_scene.h"

/* The rules of the cart, and what its facts do to it. Refusals are in cart_refusals_test.c. */

static struct cart cart;

/* ---- facts ----------------------------------------------------------------------------------- */

START_TEST(a_cart_without_events_is_absent_and_empty)
{
    memset(&cart, 0x5a, sizeof cart);
    cart_clear(&cart);
    ck_assert_int_eq(cart.status, CART_ABSENT);
    ck_assert_int_eq(cart.version, 0);
    ck_assert_int_eq((int)cart.n_lines, 0);
    ck_assert_int_eq(cart.item_count, 0);
    ck_assert_int_eq(cart.total_minor, 0);
    ck_assert_str_eq(cart.currency, "");
    ck_assert_ptr_null(cart.customer_id);
    ck_assert_str_eq(cart.metadata, "{}");
    ck_assert(cart.created_at_us == CART_TIME_NONE);
    ck_assert(cart.updated_at_us == CART_TIME_NONE);
    ck_assert(cart.closed_at_us == CART_TIME_NONE);
}
END_TEST

START_TEST(a_created_cart_is_open_with_what_it_was_created_with)
{
    GIVEN(&cart, created());
    ck_assert_int_eq(cart.status, CART_OPEN);
    ck_assert_int_eq(cart.version, 1);
    ck_assert_str_eq(cart.currency, "EUR");
    ck_assert_str_eq(cart.customer_id, "ada");
    ck_assert_str_eq(cart.metadata, "{\"shop\":1}");
    ck_assert_int_eq(cart.created_at_us, SCENE_T0_US);
    ck_assert_int_eq(cart.updated_at_us, SCENE_T0_US);
    ck_assert(cart.closed_at_us == CART_TIME_NONE);
}
END_TEST

START_TEST(lines_stay_in_the_order_first_added)
{
    GIVEN(
        &cart, created(), item_added("c", 1, 10), item_added("a", 1, 10), item_added("b", 1, 10),
        item_added("c", 1, 10), item_removed("a", 1), item_added("a", 1, 10));
    ck_assert_int_eq((int)cart.n_lines, 3);
    ck_assert_str_eq(cart.lines[0].sku, "c");
    ck_assert_str_eq(cart.lines[1].sku, "b");
    ck_assert_str_eq(cart.lines[2].sku, "a");
}
END_TEST

START_TEST(adding_to_a_line_takes_name_and_price_of_now_for_the_whole_line)
{
    struct cart_event dearer = item_added("tea", 3, 500);
    dearer.item_added.name = "Better tea";
    GIVEN(&cart, created(), item_added("tea", 2, 499), dearer);
    const struct cart_line *line = cart_find_line(&cart, "tea");
    ck_assert_ptr_nonnull(line);
    ck_assert_int_eq(line->quantity, 5);
    ck_assert_int_eq(line->unit_price_minor, 500);
    ck_assert_str_eq(line->name, "Better tea");
    ck_assert_int_eq(cart.total_minor, 2500);
    ck_assert_int_eq(cart.item_count, 5);
}
END_TEST

START_TEST(changing_a_quantity_leaves_name_and_price)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499), item_quantity_changed("tea", 7));
    ck_assert_int_eq(cart.lines[0].quantity, 7);
    ck_assert_int_eq(cart.lines[0].unit_price_minor, 499);
    ck_assert_str_eq(cart.lines[0].name, "Thing");
    ck_assert_int_eq(cart.total_minor, 7 * 499);
    ck_assert_int_eq(cart.item_count, 7);
}
END_TEST

START_TEST(removing_a_line_closes_the_gap)
{
    GIVEN(
        &cart, created(), item_added("a", 1, 1), item_added("b", 2, 10), item_added("c", 3, 100),
        item_removed("b", 2));
    ck_assert_int_eq((int)cart.n_lines, 2);
    ck_assert_str_eq(cart.lines[1].sku, "c");
    ck_assert_int_eq(cart.item_count, 4);
    ck_assert_int_eq(cart.total_minor, 301);
    ck_assert_ptr_null(cart_find_line(&cart, "b"));
}
END_TEST

START_TEST(clearing_leaves_an_open_cart_without_lines)
{
    GIVEN(&cart, created(), item_added("a", 1, 1), item_added("b", 2, 10), cleared());
    ck_assert_int_eq(cart.status, CART_OPEN);
    ck_assert_int_eq((int)cart.n_lines, 0);
    ck_assert_int_eq(cart.item_count, 0);
    ck_assert_int_eq(cart.total_minor, 0);
    ck_assert_int_eq(cart.version, 4);
}
END_TEST

START_TEST(a_checked_out_cart_keeps_its_lines_and_says_when_it_closed)
{
    GIVEN(&cart, created(), item_added("a", 2, 50), checked_out(100, 2));
    ck_assert_int_eq(cart.status, CART_CHECKED_OUT);
    ck_assert_int_eq((int)cart.n_lines, 1);
    ck_assert_int_eq(cart.total_minor, 100);
    ck_assert_int_eq(cart.created_at_us, SCENE_T0_US);
    ck_assert_int_eq(cart.updated_at_us, SCENE_T0_US + 2000000);
    ck_assert_int_eq(cart.closed_at_us, SCENE_T0_US + 2000000);
}
END_TEST

START_TEST(a_cancelled_cart_says_when_it_closed)
{
    GIVEN(&cart, created(), cancelled());
    ck_assert_int_eq(cart.status, CART_CANCELLED);
    ck_assert_int_eq(cart.closed_at_us, SCENE_T0_US + 1000000);
}
END_TEST

START_TEST(every_fact_counts_as_one_version_and_moves_updated_at)
{
    const struct cart_event events[] = {
        created(), item_added("a", 1, 1), item_quantity_changed("a", 2), item_removed("a", 2),
        cleared(), cancelled(),
    };
    cart_clear(&cart);
    for (int i = 0; i < (int)BASE_COUNT(events); i++) {
        cart_evolve(&cart, &events[i], 100 + i);
        ck_assert_int_eq(cart.version, i + 1);
        ck_assert_int_eq(cart.updated_at_us, 100 + i);
    }
}
END_TEST

START_TEST(pending_times_become_the_moment_of_recording_and_others_stay)
{
    GIVEN(&cart, created());
    struct cart_event event = cancelled();
    cart_evolve(&cart, &event, CART_TIME_PENDING);
    ck_assert(cart.updated_at_us == CART_TIME_PENDING);
    cart_stamp(&cart, 77000000);
    ck_assert_int_eq(cart.created_at_us, SCENE_T0_US);
    ck_assert_int_eq(cart.updated_at_us, 77000000);
    ck_assert_int_eq(cart.closed_at_us, 77000000);

    GIVEN(&cart, created());
    cart_stamp(&cart, 77000000);
    ck_assert_int_eq(cart.updated_at_us, SCENE_T0_US);
    ck_assert(cart.closed_at_us == CART_TIME_NONE);
}
END_TEST

START_TEST(a_copy_is_the_same_cart_and_its_own)
{
    GIVEN(&cart, created(), item_added("a", 1, 1), item_added("b", 2, 10));
    static struct cart copy;
    memset(&copy, 0x5a, sizeof copy);
    cart_copy(&copy, &cart);
    struct cart_event event = item_added("c", 1, 5);
    cart_evolve(&copy, &event, 9);
    ck_assert_int_eq((int)cart.n_lines, 2);
    ck_assert_int_eq(cart.version, 3);
    ck_assert_int_eq((int)copy.n_lines, 3);
    ck_assert_int_eq(copy.total_minor, 26);
    ck_assert_str_eq(copy.customer_id, "ada");
}
END_TEST

START_TEST(facts_about_lines_that_are_not_there_change_nothing_but_the_version)
{
    GIVEN(
        &cart, created(), item_added("a", 1, 7), item_removed("ghost", 1),
        item_quantity_changed("ghost", 4));
    ck_assert_int_eq(cart.version, 4);
    ck_assert_int_eq((int)cart.n_lines, 1);
    ck_assert_int_eq(cart.total_minor, 7);
}
END_TEST

START_TEST(a_history_of_too_many_lines_stays_within_the_struct)
{
    given_full_cart(&cart);
    struct cart_event event = item_added("one-more", 1, 1);
    cart_evolve(&cart, &event, 1);
    ck_assert_int_eq((int)cart.n_lines, CART_LINES_MAX);
    ck_assert_ptr_null(cart_find_line(&cart, "one-more"));
    ck_assert_int_eq(cart.version, 1 + CART_LINES_MAX + 1);
}
END_TEST

START_TEST(a_history_of_absurd_numbers_saturates_instead_of_overflowing)
{
    GIVEN(
        &cart, created(), item_added("a", INT32_MAX, INT64_MAX), item_added("a", INT32_MAX, 1),
        item_added("b", INT32_MAX, CART_AMOUNT_MAX), item_added("c", 999, CART_AMOUNT_MAX),
        item_added("d", 999, CART_AMOUNT_MAX));
    ck_assert_int_eq(cart.lines[0].quantity, INT32_MAX);
    ck_assert_int_eq(cart.item_count, INT32_MAX);
    ck_assert_int_eq(cart.total_minor, INT64_MAX);
}
END_TEST

/* ---- commands -------------------------------------------------------------------------------- */

START_TEST(creating_records_what_was_asked_for)
{
    cart_clear(&cart);
    struct cart_event event = then_event(when(&cart, create(), unknown()), CART_EVENT_CREATED);
    ck_assert_str_eq(event.created.currency, "USD");
    ck_assert_str_eq(event.created.customer_id, "bob");
    ck_assert_str_eq(event.created.metadata, "{}");
}
END_TEST

START_TEST(adding_records_the_quantity_and_the_catalogues_name_and_price)
{
    GIVEN(&cart, created());
    struct cart_event event =
        then_event(when(&cart, add_item("tea", 2), priced(499)), CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "tea");
    ck_assert_str_eq(event.item_added.sku, "tea");
    ck_assert_str_eq(event.item_added.name, "Thing of now");
    ck_assert_int_eq(event.item_added.quantity, 2);
    ck_assert_int_eq(event.item_added.unit_price_minor, 499);
}
END_TEST

START_TEST(adding_again_records_only_what_was_added)
{
    GIVEN(&cart, created(), item_added("tea", 990, 499));
    struct cart_event event =
        then_event(when(&cart, add_item("tea", 9), priced(500)), CART_EVENT_ITEM_ADDED);
    ck_assert_int_eq(event.item_added.quantity, 9);
    cart_evolve(&cart, &event, 1);
    ck_assert_int_eq((int)cart.n_lines, 1);
    ck_assert_int_eq(cart.item_count, 999);
    ck_assert_int_eq(cart.total_minor, 999 * 500);
}
END_TEST

START_TEST(a_thing_may_be_free)
{
    GIVEN(&cart, created());
    struct cart_event event =
        then_event(when(&cart, add_item("gift", 1), priced(0)), CART_EVENT_ITEM_ADDED);
    cart_evolve(&cart, &event, 1);
    ck_assert_int_eq(cart.total_minor, 0);
    event = then_event(when(&cart, check_out_expecting(0), unknown()), CART_EVENT_CHECKED_OUT);
    ck_assert_int_eq(event.checked_out.item_count, 1);
}
END_TEST

START_TEST(a_line_can_grow_in_a_full_cart)
{
    given_full_cart(&cart);
    struct cart_event event =
        then_event(when(&cart, add_item("line-7", 1), priced(3)), CART_EVENT_ITEM_ADDED);
    cart_evolve(&cart, &event, 1);
    ck_assert_int_eq(cart.item_count, CART_LINES_MAX + 1);
    ck_assert_int_eq(cart.total_minor, CART_LINES_MAX - 1 + 6);
}
END_TEST

START_TEST(changing_records_the_new_quantity)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    struct cart_event event = then_event(
        when(&cart, change_item_quantity("tea", 999), priced(1)), CART_EVENT_ITEM_QUANTITY_CHANGED);
    ck_assert_str_eq(event.item_quantity_changed.item_id, "tea");
    ck_assert_int_eq(event.item_quantity_changed.quantity, 999);
}
END_TEST

START_TEST(changing_to_nothing_records_a_removal_of_what_was_there)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    struct cart_event event =
        then_event(when(&cart, change_item_quantity("tea", 0), unknown()), CART_EVENT_ITEM_REMOVED);
    ck_assert_str_eq(event.item_removed.item_id, "tea");
    ck_assert_int_eq(event.item_removed.quantity, 2);
}
END_TEST

START_TEST(changing_to_the_same_quantity_is_already_so)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    then_already_so(when(&cart, change_item_quantity("tea", 2), unknown()));
}
END_TEST

START_TEST(removing_records_what_was_there)
{
    GIVEN(&cart, created(), item_added("cup", 1, 10), item_added("tea", 5, 499));
    struct cart_event event =
        then_event(when(&cart, remove_item("tea"), unknown()), CART_EVENT_ITEM_REMOVED);
    ck_assert_str_eq(event.item_removed.item_id, "tea");
    ck_assert_int_eq(event.item_removed.quantity, 5);
}
END_TEST

START_TEST(clearing_records_one_fact_and_none_when_empty)
{
    GIVEN(&cart, created(), item_added("cup", 1, 10), item_added("tea", 5, 499));
    struct cart_event event = then_event(when(&cart, clear_items(), unknown()), CART_EVENT_CLEARED);
    cart_evolve(&cart, &event, 1);
    then_already_so(when(&cart, clear_items(), unknown()));
}
END_TEST

START_TEST(checking_out_records_what_was_sold)
{
    GIVEN(&cart, created(), item_added("cup", 1, 10), item_added("tea", 5, 499));
    struct cart_event event =
        then_event(when(&cart, check_out(), unknown()), CART_EVENT_CHECKED_OUT);
    ck_assert_int_eq(event.checked_out.total_minor, 10 + 5 * 499);
    ck_assert_int_eq(event.checked_out.item_count, 6);
    ck_assert_str_eq(event.checked_out.currency, "EUR");
}
END_TEST

START_TEST(a_checkout_says_which_order_the_cart_became)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    struct cart_event event =
        then_event(when(&cart, check_out_as("order-1"), unknown()), CART_EVENT_CHECKED_OUT);
    ck_assert_str_eq(event.checked_out.order_reference, "order-1");
    ck_assert_ptr_null(cart.order_reference);
    cart_evolve(&cart, &event, 1);
    ck_assert_str_eq(cart.order_reference, "order-1");
}
END_TEST

START_TEST(a_checkout_that_is_repeated_is_already_so)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out_as("order-1"));
    then_already_so(when(&cart, check_out_as("order-1"), unknown()));
    then_already_so(when(&cart, check_out(), unknown()));
    then_already_so(when(&cart, check_out_expecting(998), unknown()));
    GIVEN(&cart, created(), item_added("tea", 2, 499), checked_out_as(NULL));
    then_already_so(when(&cart, check_out(), unknown()));
}
END_TEST

START_TEST(checking_out_at_the_expected_total_is_accepted)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    (void)then_event(when(&cart, check_out_expecting(998), unknown()), CART_EVENT_CHECKED_OUT);
}
END_TEST

START_TEST(an_empty_cart_can_be_cancelled)
{
    GIVEN(&cart, created());
    (void)then_event(when(&cart, cancel(), unknown()), CART_EVENT_CANCELLED);
}
END_TEST

START_TEST(deciding_leaves_the_cart_as_it_was)
{
    static struct cart before;
    given_full_cart(&cart);
    memcpy(&before, &cart, sizeof before);
    const struct cart_command commands[] = {
        create(),
        add_item("line-1", 1),
        add_item("new", 1),
        change_item_quantity("line-1", 5),
        remove_item("line-1"),
        clear_items(),
        check_out(),
        cancel(),
        set_total("tax", 19),
        remove_total("tax"),
    };
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        (void)when(&cart, commands[i], priced(1));
    ck_assert_mem_eq(&cart, &before, sizeof cart);
}
END_TEST

START_TEST(every_status_has_its_name)
{
    ck_assert_str_eq(cart_status_name(CART_ABSENT), "absent");
    ck_assert_str_eq(cart_status_name(CART_OPEN), "open");
    ck_assert_str_eq(cart_status_name(CART_CHECKED_OUT), "checked_out");
    ck_assert_str_eq(cart_status_name(CART_CANCELLED), "cancelled");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart");
    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, a_cart_without_events_is_absent_and_empty);
    tcase_add_test(facts, a_created_cart_is_open_with_what_it_was_created_with);
    tcase_add_test(facts, lines_stay_in_the_order_first_added);
    tcase_add_test(facts, adding_to_a_line_takes_name_and_price_of_now_for_the_whole_line);
    tcase_add_test(facts, changing_a_quantity_leaves_name_and_price);
    tcase_add_test(facts, removing_a_line_closes_the_gap);
    tcase_add_test(facts, clearing_leaves_an_open_cart_without_lines);
    tcase_add_test(facts, a_checked_out_cart_keeps_its_lines_and_says_when_it_closed);
    tcase_add_test(facts, a_cancelled_cart_says_when_it_closed);
    tcase_add_test(facts, every_fact_counts_as_one_version_and_moves_updated_at);
    tcase_add_test(facts, pending_times_become_the_moment_of_recording_and_others_stay);
    tcase_add_test(facts, a_copy_is_the_same_cart_and_its_own);
    tcase_add_test(facts, facts_about_lines_that_are_not_there_change_nothing_but_the_version);
    tcase_add_test(facts, a_history_of_too_many_lines_stays_within_the_struct);
    tcase_add_test(facts, a_history_of_absurd_numbers_saturates_instead_of_overflowing);
    tcase_add_test(facts, every_status_has_its_name);
    suite_add_tcase(suite, facts);

    TCase *commands = tcase_create("commands");
    tcase_add_test(commands, creating_records_what_was_asked_for);
    tcase_add_test(commands, adding_records_the_quantity_and_the_catalogues_name_and_price);
    tcase_add_test(commands, adding_again_records_only_what_was_added);
    tcase_add_test(commands, a_thing_may_be_free);
    tcase_add_test(commands, a_line_can_grow_in_a_full_cart);
    tcase_add_test(commands, changing_records_the_new_quantity);
    tcase_add_test(commands, changing_to_nothing_records_a_removal_of_what_was_there);
    tcase_add_test(commands, changing_to_the_same_quantity_is_already_so);
    tcase_add_test(commands, removing_records_what_was_there);
    tcase_add_test(commands, clearing_records_one_fact_and_none_when_empty);
    tcase_add_test(commands, checking_out_records_what_was_sold);
    tcase_add_test(commands, a_checkout_says_which_order_the_cart_became);
    tcase_add_test(commands, a_checkout_that_is_repeated_is_already_so);
    tcase_add_test(commands, checking_out_at_the_expected_total_is_accepted);
    tcase_add_test(commands, an_empty_cart_can_be_cancelled);
    tcase_add_test(commands, deciding_leaves_the_cart_as_it_was);
    suite_add_tcase(suite, commands);
    return support_run(suite);
}
