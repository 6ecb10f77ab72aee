#include "cart_history.h"

/* Prices: what a cart costs now, in another currency, and whether it is what the catalogue says. */

static void given_tea_and_cup(void)
{
    begin_history();
    sell("tea", 100, 110);
    sell("cup", 200, 220);
    RECORD(created(), item_added("tea", 2, 100), item_added("cup", 1, 200));
}

/* ---- reprice --------------------------------------------------------------------------------- */

START_TEST(each_line_whose_price_has_moved_gets_the_price_of_now)
{
    given_tea_and_cup();
    then_already_so(decide_now(reprice()));
    sell("cup", 0, 220);
    struct cart_decision decision = decide_now(reprice());
    THEN_EVENTS(decision, CART_EVENT_ITEM_PRICE_CHANGED);
    ck_assert_str_eq(decision.events[0].item_price_changed.item_id, "cup");
    ck_assert_int_eq(decision.events[0].item_price_changed.unit_price_minor, 0);
    sell("tea", 101, 110);
    command(reprice());
    then_line(now(), 0, "tea", 2, 101);
    then_line(now(), 1, "cup", 1, 0);
    ck_assert_int_eq(now()->total_minor, 202);
    then_already_so(decide_now(reprice()));
    command(undo()); /* both at once */
    ck_assert_int_eq(now()->total_minor, 400);
}
END_TEST

START_TEST(what_is_not_for_sale_keeps_its_price)
{
    given_tea_and_cup();
    withdraw("tea");
    sell("cup", NO_PRICE, 220);
    then_already_so(decide_now(reprice()));
}
END_TEST

START_TEST(an_empty_cart_has_no_price_to_change)
{
    begin_history();
    RECORD(created());
    then_already_so(decide_now(reprice()));
}
END_TEST

START_TEST(prices_may_be_as_large_as_the_total_and_no_larger)
{
    given_tea_and_cup();
    sell("tea", (CART_AMOUNT_MAX - 200) / 2, 110);
    (void)then_event(decide_now(reprice()), CART_EVENT_ITEM_PRICE_CHANGED);
    sell("tea", (CART_AMOUNT_MAX - 200) / 2 + 1, 110);
    then_refused(decide_now(reprice()), CART_REFUSED_AMOUNT_TOO_LARGE);
    sell("tea", INT64_MAX, 110);
    then_refused(decide_now(reprice()), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

START_TEST(prices_that_fall_come_before_those_that_rise)
{
    given_tea_and_cup();
    sell("tea", 101, 110);
    sell("cup", 199, 220);
    struct cart_decision decision = decide_now(reprice());
    THEN_EVENTS(decision, CART_EVENT_ITEM_PRICE_CHANGED, CART_EVENT_ITEM_PRICE_CHANGED);
    ck_assert_str_eq(decision.events[0].item_price_changed.item_id, "cup");
    ck_assert_str_eq(decision.events[1].item_price_changed.item_id, "tea");
}
END_TEST

/* ---- another currency ------------------------------------------------------------------------ */

START_TEST(another_currency_is_one_fact_with_the_prices_of_all_lines)
{
    given_tea_and_cup();
    then_already_so(decide_now(change_currency("EUR")));
    struct cart_event event =
        then_event(decide_now(change_currency("USD")), CART_EVENT_CURRENCY_CHANGED);
    ck_assert_str_eq(event.currency_changed.currency, "USD");
    ck_assert_uint_eq(event.currency_changed.n_prices, 2);
    ck_assert_str_eq(event.currency_changed.prices[1].item_id, "cup");
    ck_assert_int_eq(event.currency_changed.prices[1].unit_price_minor, 220);
    command(change_currency("USD"));
    ck_assert_int_eq(now()->total_minor, 440);
    command(add_item("tea", 1));
    then_line(now(), 0, "tea", 3, 110);
}
END_TEST

START_TEST(lines_without_a_price_in_it_are_all_said)
{
    given_tea_and_cup();
    sell("cup", 200, NO_PRICE);
    withdraw("tea");
    struct cart_decision decision = decide_now(change_currency("USD"));
    then_refused(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    ck_assert_uint_eq(decision.n_events, 0);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 2);
    then_note(decision, 1, CART_REFUSED_PRICE_UNAVAILABLE, "cup", 1);
    ck_assert_int_eq(decision.notes[1].unit_price_minor, 200);
    ck_assert_int_eq(decision.notes[1].current_price_minor, -1);
    then_already_so(decide_now(change_currency("EUR"))); /* nobody asks for a price */
}
END_TEST

START_TEST(a_total_that_is_too_large_in_it_is_refused)
{
    given_tea_and_cup();
    sell("tea", 100, (CART_AMOUNT_MAX - 220) / 2);
    (void)then_event(decide_now(change_currency("USD")), CART_EVENT_CURRENCY_CHANGED);
    sell("tea", 100, (CART_AMOUNT_MAX - 220) / 2 + 1);
    then_refused(decide_now(change_currency("USD")), CART_REFUSED_AMOUNT_TOO_LARGE);
    /* What is missing is said first. */
    sell("cup", 200, NO_PRICE);
    then_refused(decide_now(change_currency("USD")), CART_REFUSED_PRICE_UNAVAILABLE);
}
END_TEST

/* ---- checked at the checkout ----------------------------------------------------------------- */

START_TEST(a_checkout_at_the_catalogues_prices_says_what_differs)
{
    given_tea_and_cup();
    (void)then_event(decide_now(check_out_at_prices()), CART_EVENT_CHECKED_OUT);
    sell("tea", 90, 110);
    sell("cup", NO_PRICE, 220);
    struct cart_decision decision = decide_now(check_out_at_prices());
    then_refused(decision, CART_REFUSED_PRICES_CHANGED);
    ck_assert_uint_eq(decision.n_events, 0);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_PRICES_CHANGED, "tea", 2);
    ck_assert_int_eq(decision.notes[0].unit_price_minor, 100);
    ck_assert_int_eq(decision.notes[0].current_price_minor, 90);
    then_note(decision, 1, CART_REFUSED_PRICE_UNAVAILABLE, "cup", 1);
    withdraw("cup");
    then_note(decide_now(check_out_at_prices()), 1, CART_REFUSED_PRODUCT_WITHDRAWN, "cup", 1);
    /* Who doesn't ask pays what the cart says. */
    (void)then_event(decide_now(check_out()), CART_EVENT_CHECKED_OUT);
}
END_TEST

START_TEST(what_was_checked_out_is_not_checked_again)
{
    given_tea_and_cup();
    command(check_out_at_prices());
    sell("tea", 90, 110);
    then_already_so(decide_now(check_out_at_prices()));
}
END_TEST

START_TEST(another_total_than_expected_is_said_before_prices)
{
    given_tea_and_cup();
    sell("tea", 90, 110);
    struct cart_command asked = check_out_at_prices();
    asked.check_out.has_expected_total = true;
    asked.check_out.expected_total_minor = 399;
    then_refused(decide_now(asked), CART_REFUSED_TOTAL_CHANGED);
    asked.check_out.expected_total_minor = 400;
    then_refused(decide_now(asked), CART_REFUSED_PRICES_CHANGED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart prices");
    TCase *cases = tcase_create("prices");
    tcase_add_test(cases, each_line_whose_price_has_moved_gets_the_price_of_now);
    tcase_add_test(cases, what_is_not_for_sale_keeps_its_price);
    tcase_add_test(cases, an_empty_cart_has_no_price_to_change);
    tcase_add_test(cases, prices_may_be_as_large_as_the_total_and_no_larger);
    tcase_add_test(cases, prices_that_fall_come_before_those_that_rise);
    tcase_add_test(cases, another_currency_is_one_fact_with_the_prices_of_all_lines);
    tcase_add_test(cases, lines_without_a_price_in_it_are_all_said);
    tcase_add_test(cases, a_total_that_is_too_large_in_it_is_refused);
    tcase_add_test(cases, a_checkout_at_the_catalogues_prices_says_what_differs);
    tcase_add_test(cases, what_was_checked_out_is_not_checked_again);
    tcase_add_test(cases, another_total_than_expected_is_said_before_prices);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
