#include "cart_history.h"

/* Undo, restore and copy: where they lead, at which prices, and what can't be had. */

/* Tea and cup are in the cart, at versions 2 and 3, and sold at 100 and 200. */
static void given_tea_and_cup(void)
{
    begin_history();
    sell("tea", 100, 110);
    sell("cup", 200, 220);
    RECORD(created());
    RECORD(item_added("tea", 2, 100));
    RECORD(item_added("cup", 1, 200));
}

/* ---- undo ------------------------------------------------------------------------------------ */

START_TEST(an_undo_takes_the_last_change_back_and_the_next_the_one_before)
{
    given_tea_and_cup();
    struct cart_decision decision = decide_now(undo());
    THEN_EVENTS(decision, CART_EVENT_ITEM_REMOVED, CART_EVENT_RESTORED);
    ck_assert_int_eq(decision.events[1].restored.version, 2);
    ck_assert_int_eq(decision.events[1].restored.undone_to, 2);
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 1);
    ck_assert_int_eq(now()->undone_to, 2);
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 0);
    ck_assert_int_eq(now()->undone_to, 1);
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(what_a_cart_was_created_with_is_not_undone)
{
    begin_history();
    then_refused(decide_now(undo()), CART_REFUSED_NOT_FOUND);
    RECORD(created());
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
    begin_history();
    RECORD(created(), item_added("tea", 2, 100));
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(all_events_of_a_request_are_undone_at_once)
{
    given_tea_and_cup();
    RECORD(
        item_quantity_changed("tea", 5), item_removed("cup", 1),
        (struct cart_event){
            .type = CART_EVENT_DETAILS_CHANGED,
            .details_changed = {"{\"a\":1}", "ada@example.com", "ring"}});
    command(undo());
    ck_assert_int_eq(last_asked, 6);
    then_line(now(), 0, "tea", 2, 100);
    then_line(now(), 1, "cup", 1, 200);
    ck_assert_str_eq(now()->metadata, "{\"shop\":1}");
    ck_assert_ptr_null(now()->customer_email);
    ck_assert_ptr_null(now()->note);
}
END_TEST

START_TEST(who_owns_a_cart_and_whether_it_is_open_is_not_undone)
{
    begin_history();
    sell("tea", 100, 110);
    RECORD(created_by_guest());
    RECORD(item_added("tea", 2, 100));
    RECORD(claimed_by("ada"));
    RECORD(checked_out_as("order-1"));
    then_refused(decide_now(undo()), CART_REFUSED_IS_CLOSED);
    command(reopen(NULL));
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 0);
    ck_assert_str_eq(now()->customer_id, "ada");
    ck_assert_int_eq(now()->status, CART_OPEN);
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(a_change_after_an_undo_is_undone_first_and_then_what_came_before_both)
{
    given_tea_and_cup();
    command(undo()); /* without the cup */
    command(add_item("tea", 1));
    command(undo());
    then_line(now(), 0, "tea", 2, 100);
    command(undo()); /* what made the cup is undone already */
    ck_assert_uint_eq(now()->n_lines, 0);
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(an_undo_is_undone_by_restoring_what_was_before_it)
{
    given_tea_and_cup();
    command(undo());
    command(restore(3));
    then_line(now(), 1, "cup", 1, 200);
    ck_assert_int_eq(now()->undone_to, 0);
    command(undo()); /* the restore */
    ck_assert_uint_eq(now()->n_lines, 1);
    command(undo()); /* the tea: the cup was undone before */
    ck_assert_uint_eq(now()->n_lines, 0);
}
END_TEST

START_TEST(an_undo_of_what_changed_nothing_goes_on_all_the_same)
{
    given_tea_and_cup();
    RECORD(item_quantity_changed("tea", 3), item_quantity_changed("tea", 2));
    THEN_EVENTS(decide_now(undo()), CART_EVENT_RESTORED);
    command(undo());
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 1);
}
END_TEST

START_TEST(what_the_request_itself_has_changed_is_one_change)
{
    static struct cart trial;
    given_tea_and_cup();
    cart_copy(&trial, now());
    evolve_all(&trial, decide_in_request(&trial, add_item("tea", 1)));
    evolve_all(&trial, decide_in_request(&trial, clear_items()));
    evolve_all(&trial, decide_in_request(&trial, undo()));
    ck_assert_uint_eq(trial.n_lines, 2);
    then_line(&trial, 0, "tea", 2, 100);
    ck_assert_int_eq(trial.undone_to, 3);
    /* The next one is of what was before the request. */
    evolve_all(&trial, decide_in_request(&trial, undo()));
    ck_assert_uint_eq(trial.n_lines, 1);
    ck_assert_int_eq(trial.undone_to, 2);
}
END_TEST

START_TEST(what_was_and_is_not_read_yet_decides_nothing)
{
    given_tea_and_cup();
    is_unread = true;
    ck_assert_int_eq(decide_now(undo()).outcome, CART_UNREAD);
    ck_assert_uint_eq(decide_now(undo()).n_events, 0);
    ck_assert_int_eq(decide_now(restore(1)).outcome, CART_UNREAD);
    begin_history();
    is_unread = true;
    ck_assert_int_eq(decide_now(copy_other("", 0)).outcome, CART_UNREAD);
}
END_TEST

/* ---- lines ----------------------------------------------------------------------------------- */

START_TEST(a_line_that_never_left_has_the_price_quantity_and_properties_of_then)
{
    given_tea_and_cup();
    sell("tea", 130, 110);
    command(add_item("tea", 3)); /* at 130 */
    command(change_properties("tea", "{\"size\":\"L\"}"));
    struct cart_decision decision = decide_now(restore(3));
    THEN_EVENTS(
        decision, CART_EVENT_ITEM_QUANTITY_CHANGED, CART_EVENT_ITEM_PRICE_CHANGED,
        CART_EVENT_ITEM_PROPERTIES_CHANGED, CART_EVENT_RESTORED);
    command(restore(3));
    then_line(now(), 0, "tea", 2, 100);
    ck_assert_ptr_null(now()->lines[0].properties);
    ck_assert_uint_eq(decision.n_notes, 0);
}
END_TEST

START_TEST(a_line_that_left_comes_back_where_it_was_at_the_price_of_now)
{
    given_tea_and_cup();
    command(remove_item("tea"));
    sell("tea", 150, 110);
    command(undo());
    then_line(now(), 0, "tea", 2, 150);
    then_line(now(), 1, "cup", 1, 200);
    ck_assert_str_eq(now()->lines[0].name, "Thing of now");
    ck_assert_int_eq(now()->lines[0].added_version, 5);
}
END_TEST

START_TEST(a_line_that_left_and_came_again_is_put_back_at_the_price_that_it_has)
{
    given_tea_and_cup();
    RECORD(item_removed("tea", 2), item_added("tea", 5, 120));
    then_line(now(), 1, "tea", 5, 120);
    withdraw("tea"); /* what is there is not bought */
    struct cart_decision decision = decide_now(undo());
    THEN_EVENTS(decision, CART_EVENT_ITEM_REMOVED, CART_EVENT_ITEM_RESTORED, CART_EVENT_RESTORED);
    ck_assert_uint_eq(decision.n_notes, 0);
    command(undo());
    then_line(now(), 0, "tea", 2, 120);
    then_line(now(), 1, "cup", 1, 200);
}
END_TEST

START_TEST(more_of_a_line_that_came_again_must_be_for_sale)
{
    given_tea_and_cup();
    RECORD(item_removed("tea", 2), item_added("tea", 1, 120));
    withdraw("tea");
    then_note(decide_now(undo()), 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 2);
    command(undo());
    then_line(now(), 0, "tea", 1, 120);
}
END_TEST

START_TEST(what_cannot_be_had_is_left_out_with_a_note)
{
    given_tea_and_cup();
    RECORD(cleared());
    withdraw("tea");
    sell("cup", NO_PRICE, 220);
    struct cart_decision decision = decide_now(undo());
    THEN_EVENTS(decision, CART_EVENT_RESTORED);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 2);
    then_note(decision, 1, CART_REFUSED_PRICE_UNAVAILABLE, "cup", 1);
    ck_assert_int_eq(decision.notes[0].unit_price_minor, -1);
    ck_assert_int_eq(decision.notes[0].current_price_minor, -1);
    /* So is a restore, which changes nothing but says so. */
    THEN_EVENTS(decide_now(restore(3)), CART_EVENT_RESTORED);
}
END_TEST

START_TEST(more_of_a_line_than_is_there_must_be_for_sale)
{
    given_tea_and_cup();
    RECORD(item_quantity_changed("tea", 1));
    withdraw("tea");
    struct cart_decision decision = decide_now(undo());
    THEN_EVENTS(decision, CART_EVENT_RESTORED);
    then_note(decision, 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 2);
    RECORD(item_quantity_changed("tea", 9));
    ck_assert_uint_eq(decide_now(restore(4)).n_notes, 0); /* less of it */
}
END_TEST

START_TEST(lines_come_back_between_those_that_stay)
{
    begin_history();
    static const char *const skus[] = {"a", "b", "c", "d", "e"};
    RECORD(created());
    for (size_t i = 0; i < BASE_COUNT(skus); i++) {
        sell(skus[i], 1, 1);
        RECORD(item_added(skus[i], 1, 1));
    }
    RECORD(
        item_removed("a", 1), item_removed("c", 1), item_removed("e", 1), item_added("x", 1, 1),
        item_added("c", 1, 1));
    withdraw("a");
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(now()->lines[i].item_id, skus[i + 1]);
}
END_TEST

START_TEST(a_line_whose_id_another_sku_has_now_takes_it_back)
{
    given_tea_and_cup();
    RECORD(item_removed("tea", 2), special_item_added("tea", "cup", "{\"a\":\"b\"}"));
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 2);
    ck_assert_str_eq(now()->lines[0].sku, "tea");
    ck_assert_ptr_null(now()->lines[0].properties);
}
END_TEST

START_TEST(lines_that_were_merged_are_two_again)
{
    given_tea_and_cup();
    RECORD(special_item_added("tea-l", "tea", "{\"size\":\"L\"}"));
    command(change_item("tea-l", 3, NULL));
    ck_assert_uint_eq(now()->n_lines, 2);
    then_line(now(), 0, "tea", 5, 100);
    command(undo());
    ck_assert_uint_eq(now()->n_lines, 3);
    then_line(now(), 0, "tea", 2, 100);
    then_line(now(), 2, "tea-l", 1, 100);
    ck_assert_str_eq(now()->lines[2].properties, "{\"size\":\"L\"}");
}
END_TEST

/* One of them goes and comes back at the price of then, so that they are never the same. */
START_TEST(lines_that_have_exchanged_their_properties_change_back)
{
    given_tea_and_cup();
    RECORD(special_item_added("tea-l", "tea", "{\"size\":\"L\"}"));
    command(change_properties("tea", "{\"size\":\"M\"}"));
    command(change_properties("tea-l", NULL));
    command(change_properties("tea", "{\"size\":\"L\"}"));
    sell("tea", 555, 555);
    command(reprice());
    struct cart_decision decision = decide_now(restore(4));
    for (size_t i = 0; i < decision.n_events; i++)
        ck_assert_int_ne(decision.events[i].type, CART_EVENT_ITEM_PROPERTIES_CHANGED);
    ck_assert_uint_eq(decision.n_notes, 0);
    withdraw("tea");
    command(restore(4));
    ck_assert_uint_eq(now()->n_lines, 3);
    then_line(now(), 0, "tea", 2, 100);
    then_line(now(), 1, "cup", 1, 200);
    then_line(now(), 2, "tea-l", 1, 100);
    ck_assert_ptr_null(now()->lines[0].properties);
    ck_assert_str_eq(now()->lines[2].properties, "{\"size\":\"L\"}");
}
END_TEST

START_TEST(a_total_that_would_be_too_large_is_refused)
{
    given_tea_and_cup();
    command(remove_item("cup"));
    sell("cup", CART_AMOUNT_MAX - 199, 220);
    then_refused(decide_now(undo()), CART_REFUSED_AMOUNT_TOO_LARGE);
    ck_assert_uint_eq(decide_now(undo()).n_events, 0);
    RECORD(item_quantity_changed("tea", 1));
    withdraw("tea"); /* of which two can't be had */
    sell("cup", CART_AMOUNT_MAX - 99, 220);
    then_refused(decide_now(restore(3)), CART_REFUSED_AMOUNT_TOO_LARGE);
    ck_assert_uint_eq(decide_now(restore(3)).n_notes, 0);
    RECORD(item_quantity_changed("tea", 2));
    sell("cup", CART_AMOUNT_MAX - 200, 220);
    command(restore(3));
    ck_assert_int_eq(now()->total_minor, CART_AMOUNT_MAX);
}
END_TEST

/* What one line has less the other has more, of pieces or of price. */
START_TEST(no_version_on_the_way_has_a_total_that_is_too_large)
{
    const int64_t dear_minor = CART_AMOUNT_MAX / 1000;
    const struct cart_event prices[] = {
        {.type = CART_EVENT_ITEM_PRICE_CHANGED,
         .item_price_changed = {.item_id = "a", .unit_price_minor = 1}},
        {.type = CART_EVENT_ITEM_PRICE_CHANGED,
         .item_price_changed = {.item_id = "b", .unit_price_minor = CART_AMOUNT_MAX - 1}},
    };
    static struct cart cart;
    begin_history();
    sell("a", 1, 1);
    sell("b", 1, 1);
    RECORD(created());
    RECORD(item_added("a", 999, dear_minor), item_added("b", 1, dear_minor));
    RECORD(item_quantity_changed("a", 1), item_quantity_changed("b", 999));
    RECORD(item_quantity_changed("b", 1), prices[0], prices[1]);
    const int32_t versions[] = {3, 5, 8, 5, 3, 8};
    for (size_t i = 0; i < BASE_COUNT(versions); i++) {
        struct cart_decision decision = decide_now(restore(versions[i]));
        cart_copy(&cart, now());
        for (size_t j = 0; j < decision.n_events; j++) {
            cart_evolve(&cart, &decision.events[j], SCENE_T0_US);
            ck_assert_int_le(cart.total_minor, CART_AMOUNT_MAX);
        }
        command(restore(versions[i]));
    }
}
END_TEST

/* ---- restore --------------------------------------------------------------------------------- */

START_TEST(a_restore_to_what_is_there_is_already_so)
{
    given_tea_and_cup();
    then_already_so(decide_now(restore(3)));
    RECORD(item_quantity_changed("tea", 3));
    RECORD(item_quantity_changed("tea", 2));
    then_already_so(decide_now(restore(3)));
}
END_TEST

START_TEST(a_version_that_is_not_recorded_cannot_be_restored)
{
    static struct cart trial;
    given_tea_and_cup();
    then_refused(decide_now(restore(4)), CART_REFUSED_NO_SUCH_VERSION);
    then_refused(decide_now(restore(INT32_MAX)), CART_REFUSED_NO_SUCH_VERSION);
    /* Nor one that only the request has made. */
    cart_copy(&trial, now());
    evolve_all(&trial, decide_in_request(&trial, add_item("tea", 1)));
    then_refused(decide_in_request(&trial, restore(4)), CART_REFUSED_NO_SUCH_VERSION);
    THEN_EVENTS(
        decide_in_request(&trial, restore(3)), CART_EVENT_ITEM_QUANTITY_CHANGED,
        CART_EVENT_RESTORED);
}
END_TEST

START_TEST(the_currency_of_then_comes_back_with_its_prices)
{
    given_tea_and_cup();
    command(change_currency("USD"));
    command(remove_item("cup"));
    sell("tea", 777, 888);
    struct cart_decision decision = decide_now(restore(3));
    THEN_EVENTS(
        decision, CART_EVENT_CURRENCY_CHANGED, CART_EVENT_ITEM_RESTORED, CART_EVENT_RESTORED);
    ck_assert_uint_eq(decision.events[0].currency_changed.n_prices, 1);
    command(restore(3));
    ck_assert_str_eq(now()->currency, "EUR");
    then_line(now(), 0, "tea", 2, 100);
    then_line(now(), 1, "cup", 1, 200);
}
END_TEST

START_TEST(a_line_that_came_again_in_another_currency_is_bought_anew)
{
    given_tea_and_cup();
    command(change_currency("USD"));
    RECORD(item_removed("cup", 1), item_added("cup", 1, 220));
    sell("cup", 205, 220);
    command(restore(3));
    then_line(now(), 1, "cup", 1, 205);
    command(undo());
    then_line(now(), 1, "cup", 1, 220);
    sell("cup", NO_PRICE, 220);
    then_note(decide_now(restore(3)), 0, CART_REFUSED_PRICE_UNAVAILABLE, "cup", 1);
    command(restore(3));
    ck_assert_uint_eq(now()->n_lines, 1);
}
END_TEST

START_TEST(an_empty_cart_gets_its_currency_back)
{
    begin_history();
    RECORD(created());
    command(change_currency("USD"));
    THEN_EVENTS(decide_now(undo()), CART_EVENT_CURRENCY_CHANGED, CART_EVENT_RESTORED);
    command(undo());
    ck_assert_str_eq(now()->currency, "EUR");
}
END_TEST

/* ---- the largest ----------------------------------------------------------------------------- */

START_TEST(a_full_cart_is_undone_to_another_full_cart)
{
    static char skus[CART_LINES_MAX][24];
    begin_history();
    RECORD(created());
    struct cart *full = begin_request();
    given_full_cart(full);
    n_history++;
    struct cart *others = begin_request();
    struct cart_event event = cleared();
    cart_evolve(others, &event, SCENE_T0_US);
    for (int i = 0; i < CART_LINES_MAX; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "other-%d", i); /* Short enough. */
        event = item_added(skus[i], 1, 1);
        cart_evolve(others, &event, SCENE_T0_US);
    }
    n_history++;
    for (int i = 0; i < CART_LINES_MAX; i++)
        sell(full->lines[i].sku, 1, 1);
    struct cart_decision decision = decide_now(undo());
    ck_assert_uint_eq(decision.n_events, 2 * CART_LINES_MAX + 1);
    command(undo());
    ck_assert_uint_eq(now()->n_lines, CART_LINES_MAX);
    ck_assert_str_eq(now()->lines[249].item_id, "line-249");
    n_products = 0; /* nothing is sold any more */
    ck_assert_uint_eq(decide_now(restore(others->version)).n_notes, CART_LINES_MAX);
}
END_TEST

/* ---- copy ------------------------------------------------------------------------------------ */

START_TEST(a_copy_has_the_lines_of_the_other_at_the_prices_of_now)
{
    begin_history();
    sell("tea", 100, 110);
    sell("cup", NO_PRICE, 220);
    struct cart_event line = special_item_added("tea-l", "tea", "{\"size\":\"L\"}");
    GIVEN(
        &other_cart, created(), item_added("tea", 2, 70), line, item_added("cup", 1, 200),
        item_added("hat", 1, 300));
    struct cart_decision decision = decide_now(copy_other("", 0));
    THEN_EVENTS(
        decision, CART_EVENT_CREATED, CART_EVENT_ITEM_ADDED, CART_EVENT_ITEM_ADDED,
        CART_EVENT_COPIED);
    ck_assert_str_eq(decision.events[0].created.currency, "EUR");
    ck_assert_str_eq(decision.events[0].created.customer_id, "bob");
    ck_assert_str_eq(decision.events[3].copied.cart_id, "other");
    ck_assert_int_eq(decision.events[3].copied.version, 5);
    then_note(decision, 0, CART_REFUSED_PRICE_UNAVAILABLE, "cup", 1);
    then_note(decision, 1, CART_REFUSED_PRODUCT_WITHDRAWN, "hat", 1);
    command(copy_other("", 0));
    then_line(now(), 0, "tea", 2, 100);
    then_line(now(), 1, "tea-l", 1, 100);
    ck_assert_str_eq(now()->lines[1].properties, "{\"size\":\"L\"}");
    ck_assert_int_eq(now()->version, 4);
    then_refused(decide_now(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(a_copy_may_be_in_another_currency)
{
    begin_history();
    sell("tea", 100, 110);
    GIVEN(&other_cart, created(), item_added("tea", 2, 70));
    command(copy_other("USD", 2));
    ck_assert_str_eq(now()->currency, "USD");
    then_line(now(), 0, "tea", 2, 110);
}
END_TEST

START_TEST(what_cannot_be_copied_makes_no_cart)
{
    begin_history();
    then_refused(decide_now(copy_other("", 0)), CART_REFUSED_SOURCE_NOT_FOUND);
    GIVEN(&other_cart, created(), item_added("tea", 2, 70));
    then_refused(decide_now(copy_other("", 3)), CART_REFUSED_NO_SUCH_VERSION);
    GIVEN(&other_cart, created(), item_added("hat", 1, 1), item_added("tea", 2, 70));
    sell("tea", CART_AMOUNT_MAX / 2 + 1, 110);
    then_refused(decide_now(copy_other("", 0)), CART_REFUSED_AMOUNT_TOO_LARGE);
    ck_assert_uint_eq(decide_now(copy_other("", 0)).n_notes, 0);
    RECORD(created());
    then_refused(decide_now(copy_other("", 0)), CART_REFUSED_ALREADY_EXISTS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart past");
    TCase *undos = tcase_create("undo");
    tcase_add_test(undos, an_undo_takes_the_last_change_back_and_the_next_the_one_before);
    tcase_add_test(undos, what_a_cart_was_created_with_is_not_undone);
    tcase_add_test(undos, all_events_of_a_request_are_undone_at_once);
    tcase_add_test(undos, who_owns_a_cart_and_whether_it_is_open_is_not_undone);
    tcase_add_test(undos, a_change_after_an_undo_is_undone_first_and_then_what_came_before_both);
    tcase_add_test(undos, an_undo_is_undone_by_restoring_what_was_before_it);
    tcase_add_test(undos, an_undo_of_what_changed_nothing_goes_on_all_the_same);
    tcase_add_test(undos, what_the_request_itself_has_changed_is_one_change);
    tcase_add_test(undos, what_was_and_is_not_read_yet_decides_nothing);
    suite_add_tcase(suite, undos);

    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, a_line_that_never_left_has_the_price_quantity_and_properties_of_then);
    tcase_add_test(lines, a_line_that_left_comes_back_where_it_was_at_the_price_of_now);
    tcase_add_test(lines, a_line_that_left_and_came_again_is_put_back_at_the_price_that_it_has);
    tcase_add_test(lines, more_of_a_line_that_came_again_must_be_for_sale);
    tcase_add_test(lines, what_cannot_be_had_is_left_out_with_a_note);
    tcase_add_test(lines, more_of_a_line_than_is_there_must_be_for_sale);
    tcase_add_test(lines, lines_come_back_between_those_that_stay);
    tcase_add_test(lines, a_line_whose_id_another_sku_has_now_takes_it_back);
    tcase_add_test(lines, lines_that_were_merged_are_two_again);
    tcase_add_test(lines, lines_that_have_exchanged_their_properties_change_back);
    tcase_add_test(lines, a_total_that_would_be_too_large_is_refused);
    tcase_add_test(lines, no_version_on_the_way_has_a_total_that_is_too_large);
    suite_add_tcase(suite, lines);

    TCase *restores = tcase_create("restore");
    tcase_add_test(restores, a_restore_to_what_is_there_is_already_so);
    tcase_add_test(restores, a_version_that_is_not_recorded_cannot_be_restored);
    tcase_add_test(restores, the_currency_of_then_comes_back_with_its_prices);
    tcase_add_test(restores, a_line_that_came_again_in_another_currency_is_bought_anew);
    tcase_add_test(restores, an_empty_cart_gets_its_currency_back);
    tcase_add_test(restores, a_full_cart_is_undone_to_another_full_cart);
    suite_add_tcase(suite, restores);

    TCase *copies = tcase_create("copy");
    tcase_add_test(copies, a_copy_has_the_lines_of_the_other_at_the_prices_of_now);
    tcase_add_test(copies, a_copy_may_be_in_another_currency);
    tcase_add_test(copies, what_cannot_be_copied_makes_no_cart);
    suite_add_tcase(suite, copies);
    return support_run(suite);
}
