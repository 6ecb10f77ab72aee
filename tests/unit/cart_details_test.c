#include "cart_history.h"

/* Details of a cart, changes of a line, and a cart that is opened again. */

static void given_tea(void)
{
    begin_history();
    sell("tea", 100, 110);
    RECORD(created(), item_added("tea", 2, 100));
}

/* ---- details --------------------------------------------------------------------------------- */

START_TEST(a_detail_that_is_not_given_stays)
{
    given_tea();
    command(change_note("ring"));
    command(change_email("ada@example.com"));
    struct cart_event event =
        then_event(decide_now(change_metadata("{\"a\":1}")), CART_EVENT_DETAILS_CHANGED);
    ck_assert_str_eq(event.details_changed.metadata, "{\"a\":1}");
    ck_assert_str_eq(event.details_changed.customer_email, "ada@example.com");
    ck_assert_str_eq(event.details_changed.note, "ring");
    command(change_note(NULL));
    ck_assert_ptr_null(now()->note);
    ck_assert_str_eq(now()->customer_email, "ada@example.com");
    ck_assert_str_eq(now()->metadata, "{\"shop\":1}");
    command(change_email(NULL));
    ck_assert_ptr_null(now()->customer_email);
}
END_TEST

START_TEST(a_detail_that_is_so_already_is_no_fact)
{
    given_tea();
    then_already_so(decide_now((struct cart_command){.type = CART_COMMAND_CHANGE_DETAILS}));
    then_already_so(decide_now(change_note(NULL)));
    then_already_so(decide_now(change_email(NULL)));
    then_already_so(decide_now(change_metadata("{\"shop\":1}")));
    command(change_note("ring"));
    then_already_so(decide_now(change_note("ring")));
    (void)then_event(decide_now(change_note("Ring")), CART_EVENT_DETAILS_CHANGED);
}
END_TEST

START_TEST(metadata_end_with_null_or_when_nothing_is_left_of_them)
{
    static const char *const patches[] = {NULL, "{}"};
    for (size_t i = 0; i < BASE_COUNT(patches); i++) {
        given_tea();
        command(change_metadata(patches[i]));
        ck_assert_str_eq(now()->metadata, "{}");
        then_already_so(decide_now(change_metadata(patches[i])));
    }
}
END_TEST

START_TEST(metadata_that_become_too_large_change_nothing)
{
    given_tea();
    then_refused(decide_now(change_metadata("!")), CART_REFUSED_METADATA_TOO_LARGE);
    ck_assert_uint_eq(decide_now(change_metadata("!")).n_events, 0);
}
END_TEST

/* ---- a line ---------------------------------------------------------------------------------- */

START_TEST(quantity_and_properties_of_a_line_change_together)
{
    given_tea();
    struct cart_decision decision = decide_now(change_item("tea", 5, "{\"size\":\"L\"}"));
    THEN_EVENTS(decision, CART_EVENT_ITEM_QUANTITY_CHANGED, CART_EVENT_ITEM_PROPERTIES_CHANGED);
    command(change_item("tea", 5, "{\"size\":\"L\"}"));
    then_line(now(), 0, "tea", 5, 100);
    ck_assert_str_eq(now()->lines[0].properties, "{\"size\":\"L\"}");
    then_already_so(decide_now(change_item("tea", 5, "{\"size\":\"L\"}")));
    (void)then_event(
        decide_now(change_item("tea", 4, "{\"size\":\"L\"}")), CART_EVENT_ITEM_QUANTITY_CHANGED);
    (void)then_event(decide_now(change_item("tea", 5, NULL)), CART_EVENT_ITEM_PROPERTIES_CHANGED);
    (void)then_event(
        decide_now(change_properties("tea", "{}")), CART_EVENT_ITEM_PROPERTIES_CHANGED);
}
END_TEST

START_TEST(a_quantity_of_0_removes_the_line_whatever_its_properties)
{
    given_tea();
    struct cart_event event =
        then_event(decide_now(change_item("tea", 0, "!")), CART_EVENT_ITEM_REMOVED);
    ck_assert_int_eq(event.item_removed.quantity, 2);
}
END_TEST

START_TEST(a_line_that_is_not_there_does_not_change)
{
    given_tea();
    then_refused(decide_now(change_item("cup", 0, NULL)), CART_REFUSED_ITEM_NOT_IN_CART);
    then_refused(decide_now(change_properties("cup", "!")), CART_REFUSED_ITEM_NOT_IN_CART);
}
END_TEST

START_TEST(more_of_what_is_withdrawn_is_refused_and_less_is_not)
{
    given_tea();
    withdraw("tea");
    then_refused(decide_now(change_item("tea", 3, NULL)), CART_REFUSED_PRODUCT_WITHDRAWN);
    then_refused(decide_now(change_item_quantity("tea", 3)), CART_REFUSED_PRODUCT_WITHDRAWN);
    then_already_so(decide_now(change_item_quantity("tea", 2)));
    (void)then_event(decide_now(change_item_quantity("tea", 1)), CART_EVENT_ITEM_QUANTITY_CHANGED);
    (void)then_event(
        decide_now(change_properties("tea", "{\"a\":\"b\"}")), CART_EVENT_ITEM_PROPERTIES_CHANGED);
    /* Sold, but not in this currency. */
    sell("tea", NO_PRICE, 110);
    then_refused(decide_now(change_item_quantity("tea", 3)), CART_REFUSED_PRICE_UNAVAILABLE);
    then_refused(decide_now(change_item("tea", 3, NULL)), CART_REFUSED_PRICE_UNAVAILABLE);
    (void)then_event(decide_now(change_item_quantity("tea", 1)), CART_EVENT_ITEM_QUANTITY_CHANGED);
}
END_TEST

START_TEST(properties_that_become_too_many_change_nothing)
{
    given_tea();
    then_refused(decide_now(change_item("tea", 3, "!")), CART_REFUSED_PROPERTIES_TOO_LARGE);
    ck_assert_uint_eq(decide_now(change_item("tea", 3, "!")).n_events, 0);
}
END_TEST

/* ---- two lines that become the same ---------------------------------------------------------- */

static void given_two_teas(int32_t quantity, int32_t other_quantity, int64_t other_price_minor)
{
    struct cart_event other = special_item_added("tea-l", "tea", "{\"size\":\"L\"}");
    other.item_added.quantity = other_quantity;
    other.item_added.unit_price_minor = other_price_minor;
    begin_history();
    sell("tea", 100, 110);
    RECORD(created(), item_added("tea", quantity, 100), other);
}

START_TEST(lines_that_become_the_same_are_merged_at_the_price_of_the_one_that_stays)
{
    given_two_teas(2, 3, 90);
    struct cart_event event =
        then_event(decide_now(change_properties("tea-l", NULL)), CART_EVENT_ITEM_MERGED);
    ck_assert_str_eq(event.item_merged.item_id, "tea-l");
    ck_assert_str_eq(event.item_merged.into, "tea");
    ck_assert_int_eq(event.item_merged.quantity, 3);
    command(change_properties("tea-l", NULL));
    ck_assert_uint_eq(now()->n_lines, 1);
    then_line(now(), 0, "tea", 5, 100);
    given_two_teas(2, 3, 90);
    command(change_properties("tea", "{\"size\":\"L\"}"));
    then_line(now(), 0, "tea-l", 5, 90);
    ck_assert_int_eq(now()->total_minor, 450);
    ck_assert_int_eq(now()->item_count, 5);
}
END_TEST

START_TEST(a_line_takes_its_new_quantity_with_it)
{
    given_two_teas(2, 3, 90);
    struct cart_decision decision = decide_now(change_item("tea-l", 7, NULL));
    THEN_EVENTS(decision, CART_EVENT_ITEM_QUANTITY_CHANGED, CART_EVENT_ITEM_MERGED);
    ck_assert_int_eq(decision.events[1].item_merged.quantity, 7);
    command(change_item("tea-l", 7, NULL));
    then_line(now(), 0, "tea", 9, 100);
}
END_TEST

START_TEST(merged_lines_hold_999_and_not_1000)
{
    given_two_teas(990, 9, 90);
    command(change_properties("tea-l", NULL));
    then_line(now(), 0, "tea", 999, 100);
    given_two_teas(990, 10, 90);
    then_refused(decide_now(change_properties("tea-l", NULL)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    given_two_teas(990, 9, 90);
    then_refused(decide_now(change_item("tea-l", 10, NULL)), CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    (void)then_event(decide_now(change_properties("tea-l", "{}")), CART_EVENT_ITEM_MERGED);
}
END_TEST

START_TEST(merged_lines_stay_within_the_largest_amount)
{
    int64_t third_minor = CART_AMOUNT_MAX / 3;
    given_two_teas(1, 1, third_minor);
    command(change_properties("tea", "{\"size\":\"L\"}"));
    given_two_teas(2, 1, third_minor);
    command(change_properties("tea", "{\"size\":\"L\"}"));
    ck_assert_int_eq(now()->total_minor, 3 * third_minor);
    given_two_teas(3, 1, third_minor);
    then_refused(
        decide_now(change_properties("tea", "{\"size\":\"L\"}")), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

/* ---- opened again ---------------------------------------------------------------------------- */

START_TEST(a_closed_cart_is_opened_and_has_no_order_any_more)
{
    given_tea();
    then_already_so(decide_now(reopen("why")));
    RECORD(checked_out_as("order-1"));
    struct cart_event event = then_event(decide_now(reopen("payment failed")), CART_EVENT_REOPENED);
    ck_assert_str_eq(event.reopened.reason, "payment failed");
    command(reopen(NULL));
    ck_assert_int_eq(now()->status, CART_OPEN);
    ck_assert_ptr_null(now()->order_reference);
    ck_assert_int_eq(now()->closed_at_us, CART_TIME_NONE);
    then_line(now(), 0, "tea", 2, 100);
    RECORD(cancelled());
    command(reopen(NULL));
    ck_assert_int_eq(now()->status, CART_OPEN);
}
END_TEST

START_TEST(an_owner_may_reopen_for_some_time_and_the_back_office_always)
{
    given_tea();
    RECORD(cancelled()); /* at SCENE_T0_US, and it may be reopened for 1000 us */
    scene_request.caller.may_all = false;
    scene_request.asked_at_us = SCENE_T0_US + 1000;
    (void)then_event(decide_now(reopen(NULL)), CART_EVENT_REOPENED);
    scene_request.asked_at_us++;
    then_refused(decide_now(reopen(NULL)), CART_REFUSED_REOPEN_TOO_LATE);
    scene_request.caller.may_all = true;
    (void)then_event(decide_now(reopen(NULL)), CART_EVENT_REOPENED);
    /* What the request itself has closed was closed a moment ago. */
    static struct cart trial;
    scene_request.caller.may_all = false;
    given_tea();
    cart_copy(&trial, now());
    struct cart_event closing = cancelled();
    cart_evolve(&trial, &closing, CART_TIME_PENDING);
    (void)then_event(decide_in_request(&trial, reopen(NULL)), CART_EVENT_REOPENED);
}
END_TEST

START_TEST(a_closed_cart_changes_nothing_but_that)
{
    const struct cart_command commands[] = {
        change_note("ring"), change_item("tea", 0, NULL), reprice(), change_currency("USD"), undo(),
        restore(1),
    };
    given_tea();
    RECORD(checked_out(200, 2));
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        then_refused(decide_now(commands[i]), CART_REFUSED_IS_CLOSED);
    begin_history();
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        then_refused(decide_now(commands[i]), CART_REFUSED_NOT_FOUND);
    then_refused(decide_now(reopen(NULL)), CART_REFUSED_NOT_FOUND);
}
END_TEST

/* ---- facts that can't be true ---------------------------------------------------------------- */

/* They come from a disk, and must do no harm. */
START_TEST(facts_about_lines_that_are_not_there_change_nothing)
{
    static struct cart before;
    const struct cart_item_price price = {"cup", 5};
    const struct cart_event events[] = {
        {.type = CART_EVENT_ITEM_PRICE_CHANGED,
         .item_price_changed = {.item_id = "cup", .unit_price_minor = 5}},
        {.type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
         .item_properties_changed = {"cup", "{\"a\":\"b\"}"}},
        {.type = CART_EVENT_ITEM_MERGED, .item_merged = {"cup", "tea", 3}},
        {.type = CART_EVENT_ITEM_MERGED, .item_merged = {"tea", "cup", 3}},
        {.type = CART_EVENT_ITEM_MERGED, .item_merged = {"tea", "tea", 3}},
        {.type = CART_EVENT_CURRENCY_CHANGED,
         .currency_changed = {.currency = "EUR", .prices = &price, .n_prices = 1}},
        {.type = CART_EVENT_ITEM_RESTORED,
         .item_restored = {.item_id = "tea", .sku = "tea", .name = "T", .quantity = 9}},
    };
    for (size_t i = 0; i < BASE_COUNT(events); i++) {
        given_tea();
        cart_copy(&before, now());
        RECORD(events[i]);
        ck_assert_int_eq(now()->version, before.version + 1);
        ck_assert_uint_eq(now()->n_lines, 1);
        then_line(now(), 0, "tea", 2, 100);
        ck_assert_int_eq(now()->total_minor, before.total_minor);
    }
}
END_TEST

START_TEST(a_line_is_restored_no_further_than_at_the_end_and_into_no_full_cart)
{
    struct cart_event event = {
        .type = CART_EVENT_ITEM_RESTORED,
        .item_restored = {.item_id = "cup", .sku = "cup", .name = "C", .quantity = 1, .index = 200},
    };
    given_tea();
    RECORD(event);
    then_line(now(), 1, "cup", 1, 0);
    begin_history();
    given_full_cart(begin_request());
    n_history++;
    RECORD(event);
    ck_assert_uint_eq(now()->n_lines, CART_LINES_MAX);
    ck_assert_ptr_null(cart_find_line(now(), "cup"));
}
END_TEST

START_TEST(notes_are_those_of_the_last_fact)
{
    given_tea();
    RECORD((struct cart_event){
        .type = CART_EVENT_RESTORED, .restored = {.version = 1, .notes = "[1]"}});
    ck_assert_str_eq(now()->notes, "[1]");
    RECORD(claimed_by("ada"));
    ck_assert_ptr_null(now()->notes);
    RECORD((struct cart_event){
        .type = CART_EVENT_COPIED, .copied = {.cart_id = "x", .version = 1, .notes = "[2]"}});
    ck_assert_str_eq(now()->notes, "[2]");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart details");
    TCase *details = tcase_create("details");
    tcase_add_test(details, a_detail_that_is_not_given_stays);
    tcase_add_test(details, a_detail_that_is_so_already_is_no_fact);
    tcase_add_test(details, metadata_end_with_null_or_when_nothing_is_left_of_them);
    tcase_add_test(details, metadata_that_become_too_large_change_nothing);
    suite_add_tcase(suite, details);

    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, quantity_and_properties_of_a_line_change_together);
    tcase_add_test(lines, a_quantity_of_0_removes_the_line_whatever_its_properties);
    tcase_add_test(lines, a_line_that_is_not_there_does_not_change);
    tcase_add_test(lines, more_of_what_is_withdrawn_is_refused_and_less_is_not);
    tcase_add_test(lines, properties_that_become_too_many_change_nothing);
    tcase_add_test(lines, lines_that_become_the_same_are_merged_at_the_price_of_the_one_that_stays);
    tcase_add_test(lines, a_line_takes_its_new_quantity_with_it);
    tcase_add_test(lines, merged_lines_hold_999_and_not_1000);
    tcase_add_test(lines, merged_lines_stay_within_the_largest_amount);
    suite_add_tcase(suite, lines);

    TCase *status = tcase_create("status");
    tcase_add_test(status, a_closed_cart_is_opened_and_has_no_order_any_more);
    tcase_add_test(status, an_owner_may_reopen_for_some_time_and_the_back_office_always);
    tcase_add_test(status, a_closed_cart_changes_nothing_but_that);
    suite_add_tcase(suite, status);

    TCase *facts = tcase_create("facts");
    tcase_add_test(facts, facts_about_lines_that_are_not_there_change_nothing);
    tcase_add_test(facts, a_line_is_restored_no_further_than_at_the_end_and_into_no_full_cart);
    tcase_add_test(facts, notes_are_those_of_the_last_fact);
    suite_add_tcase(suite, facts);
    return support_run(suite);
}
