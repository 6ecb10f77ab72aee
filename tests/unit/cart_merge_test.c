#include "cart_merge_scene.h"

/* Merging: what comes, what does not fit, and what becomes of the two carts. */

/* ---- lines ----------------------------------------------------------------------------------- */

START_TEST(a_line_of_both_is_their_sum_and_what_only_the_other_has_comes_at_its_price)
{
    given_both();
    struct cart_decision decision = decide(merge(CART_MERGE_SUM));
    THEN_EVENTS(
        decision, CART_EVENT_ITEM_QUANTITY_CHANGED, CART_EVENT_ITEM_ADDED, CART_EVENT_MERGED);
    ck_assert_str_eq(decision.events[2].merged.from, "other");
    ck_assert_int_eq(decision.events[2].merged.version, 3);
    ck_assert_int_eq(decision.other_event.type, CART_EVENT_MERGED_INTO);
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_lines, 3);
    then_line(now(), 0, "tea", 5, 100);
    then_line(now(), 1, "cup", 1, 200);
    then_line(now(), 2, "plate", 4, 290);
    ck_assert_uint_eq(decision.n_notes, 0);
}
END_TEST

START_TEST(the_other_ends_and_keeps_its_lines)
{
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_int_eq(other_cart.status, CART_MERGED);
    ck_assert_str_eq(other_cart.merged_into, "this");
    ck_assert_int_eq(other_cart.merged_version, now()->version);
    ck_assert_int_eq(other_cart.closed_at_us, SCENE_T0_US);
    then_line(&other_cart, 0, "tea", 3, 90);
    ck_assert_int_eq(now()->status, CART_OPEN);
    then_refused(when(&other_cart, add_item("tea", 1), priced(100)), CART_REFUSED_IS_CLOSED);
    then_refused(when(&other_cart, reopen(NULL), unknown()), CART_REFUSED_IS_CLOSED);
    then_refused(when(&other_cart, claim_for("ada"), unknown()), CART_REFUSED_IS_CLOSED);
}
END_TEST

START_TEST(the_rule_says_how_many_a_line_of_both_has)
{
    static const struct {
        enum cart_merge_rule rule;
        int32_t quantity;
    } expected[] = {
        {CART_MERGE_SUM, 5}, {CART_MERGE_MAX, 3}, {CART_MERGE_THEIRS, 3}, {CART_MERGE_OURS, 2}};
    for (size_t i = 0; i < BASE_COUNT(expected); i++) {
        given_both();
        (void)apply(merge(expected[i].rule));
        then_line(now(), 0, "tea", expected[i].quantity, 100);
        then_line(now(), 2, "plate", 4, 290);
    }
    given_both();
    OTHER(item_quantity_changed("tea", 1));
    (void)apply(merge(CART_MERGE_THEIRS));
    then_line(now(), 0, "tea", 1, 100);
}
END_TEST

START_TEST(a_line_with_other_properties_is_another_line)
{
    given_both();
    OTHER(special_item_added("cup-l", "cup", "{\"size\":\"L\"}"));
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_lines, 4);
    then_line(now(), 3, "cup-l", 1, 100);
    ck_assert_str_eq(now()->lines[3].properties, "{\"size\":\"L\"}");
}
END_TEST

START_TEST(a_line_whose_id_is_taken_gets_another)
{
    given_both();
    RECORD(special_item_added("plate", "tea", "{\"size\":\"L\"}"));
    RECORD(special_item_added("plate-0", "tea", "{\"size\":\"M\"}"));
    (void)apply(merge(CART_MERGE_SUM));
    then_line(now(), 4, "plate-1", 4, 290);
    ck_assert_str_eq(now()->lines[4].sku, "plate");
}
END_TEST

/* ---- what does not fit ----------------------------------------------------------------------- */

START_TEST(a_line_takes_as_much_as_it_may_hold)
{
    given_both();
    RECORD(item_quantity_changed("tea", 600));
    OTHER(item_quantity_changed("tea", 600));
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 999, 100);
    ck_assert_uint_eq(decision.n_notes, 1);
    then_note(decision, 0, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "tea", 1200);

    given_both();
    measure("tea", NULL, 0, (struct cart_limits){2, 20, 2});
    measure("plate", NULL, 0, (struct cart_limits){1, 3, 1});
    decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 4, 100);
    then_line(now(), 2, "plate", 3, 290);
    then_note(decision, 0, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "tea", 5);
    then_note(decision, 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "plate", 4);
}
END_TEST

START_TEST(less_than_may_be_had_does_not_come)
{
    given_both();
    measure("plate", NULL, 0, (struct cart_limits){5, 20, 5});
    measure("tea", NULL, 0, (struct cart_limits){4, 20, 4});
    struct cart_decision decision = apply(merge(CART_MERGE_THEIRS));
    ck_assert_uint_eq(now()->n_lines, 2);
    then_line(now(), 0, "tea", 2, 100);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "tea", 3);
    then_note(decision, 1, CART_REFUSED_QUANTITY_OUT_OF_RANGE, "plate", 4);
}
END_TEST

START_TEST(what_is_not_sold_any_more_stays_behind)
{
    given_both();
    withdraw("tea");
    withdraw("plate");
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_lines, 2);
    then_line(now(), 0, "tea", 2, 100);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_PRODUCT_WITHDRAWN, "tea", 5);
    then_note(decision, 1, CART_REFUSED_PRODUCT_WITHDRAWN, "plate", 4);
    given_both();
    withdraw("tea");
    OTHER(item_quantity_changed("tea", 1));
    decision = apply(merge(CART_MERGE_THEIRS)); /* less of it */
    then_line(now(), 0, "tea", 1, 100);
    ck_assert_uint_eq(decision.n_notes, 0);
}
END_TEST

START_TEST(what_counts_otherwise_stays_behind)
{
    given_both();
    measure("tea", "kg", 3, (struct cart_limits){1, 9999, 1});
    measure("plate", "kg", 3, (struct cart_limits){1, 9999, 1});
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_lines, 2);
    then_note(decision, 0, CART_REFUSED_UNIT_CHANGED, "tea", 5);
    then_note(decision, 1, CART_REFUSED_UNIT_CHANGED, "plate", 4);

    given_both();
    measure("cup", "kg", 3, (struct cart_limits){1, 9999, 1});
    struct cart_event measured = item_added("cup", 1500, 200);
    measured.item_added.scale = 3;
    OTHER(measured);
    decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 1, "cup", 1, 200);
    then_note(decision, 0, CART_REFUSED_UNIT_CHANGED, "cup", 1500);
}
END_TEST

START_TEST(from_another_currency_a_line_comes_at_the_price_of_the_catalogue)
{
    given_both();
    struct cart_event dollars = {
        .type = CART_EVENT_CURRENCY_CHANGED, .currency_changed = {.currency = "USD"}};
    OTHER(dollars, item_added("spoon", 1, 10));
    sell("spoon", NO_PRICE, 10);
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 5, 100);
    then_line(now(), 2, "plate", 4, 300);
    ck_assert_uint_eq(now()->n_lines, 3);
    ck_assert_uint_eq(decision.n_notes, 1);
    then_note(decision, 0, CART_REFUSED_PRICE_UNAVAILABLE, "spoon", 1);
}
END_TEST

START_TEST(a_set_price_comes_with_its_line_where_it_can)
{
    given_both();
    sell("plate", NO_PRICE, 330);
    OTHER(price_set("plate", 5), price_set("tea", 7));
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 5, 100);
    then_line(now(), 2, "plate", 4, 5);
    ck_assert(now()->lines[2].is_price_set);
    ck_assert_uint_eq(decision.n_notes, 1);
    then_note(decision, 0, CART_REFUSED_PRICES_CHANGED, "tea", 3);

    given_both();
    RECORD(price_set("tea", 7));
    OTHER(price_set("tea", 7));
    ck_assert_uint_eq(apply(merge(CART_MERGE_SUM)).n_notes, 0);
    then_line(now(), 0, "tea", 5, 7);

    given_both();
    struct cart_event dollars = {
        .type = CART_EVENT_CURRENCY_CHANGED, .currency_changed = {.currency = "USD"}};
    OTHER(dollars, price_set("plate", 5));
    decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 2, "plate", 4, 300);
    ck_assert(!now()->lines[2].is_price_set);
    then_note(decision, 0, CART_REFUSED_PRICES_CHANGED, "plate", 4);
}
END_TEST

START_TEST(a_price_that_was_set_for_so_many_is_not_taken_for_more)
{
    given_both();
    scene_request.caller.may_set_prices = false;
    RECORD(price_set("tea", 7));
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 2, 7);
    ck_assert_uint_eq(decision.n_notes, 1);
    then_note(decision, 0, CART_REFUSED_PRICE_IS_SET, "tea", 5);

    given_both();
    RECORD(price_set("tea", 7));
    OTHER(price_set("tea", 7)); /* each for as many as are there */
    ck_assert_uint_eq(apply(merge(CART_MERGE_SUM)).n_notes, 0);
    then_line(now(), 0, "tea", 5, 7);

    given_both();
    RECORD(price_set("tea", 7));
    scene_request.caller.may_set_prices = true;
    ck_assert_uint_eq(apply(merge(CART_MERGE_SUM)).n_notes, 0);
    then_line(now(), 0, "tea", 5, 7);
}
END_TEST

START_TEST(what_has_no_price_any_more_stays_behind)
{
    given_both();
    sell("tea", NO_PRICE, 110);
    sell("plate", NO_PRICE, 330);
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_lines, 2);
    then_note(decision, 0, CART_REFUSED_PRICE_UNAVAILABLE, "tea", 5);
    then_note(decision, 1, CART_REFUSED_PRICE_UNAVAILABLE, "plate", 4);
}
END_TEST

START_TEST(a_full_cart_takes_what_it_has_lines_for)
{
    given_both();
    given_full_cart(begin_request());
    n_history++;
    sell("line-7", 1, 1);
    OTHER(item_added("line-7", 5, 1));
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 7, "line-7", 6, 1);
    ck_assert_uint_eq(now()->n_lines, CART_LINES_MAX);
    ck_assert_uint_eq(decision.n_notes, 2);
    then_note(decision, 0, CART_REFUSED_IS_FULL, "tea", 3);
    then_note(decision, 1, CART_REFUSED_IS_FULL, "plate", 4);
}
END_TEST

START_TEST(what_would_make_the_amount_too_large_stays_behind)
{
    given_both();
    RECORD(price_set("cup", CART_AMOUNT_MAX - 500));
    OTHER(price_set("plate", CART_AMOUNT_MAX / 4));
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 5, 100); /* that is all that fits */
    ck_assert_int_eq(now()->total_minor, CART_AMOUNT_MAX);
    ck_assert_uint_eq(now()->n_lines, 2);
    then_note(decision, 0, CART_REFUSED_AMOUNT_TOO_LARGE, "plate", 4);
    given_both();
    RECORD(price_set("cup", CART_AMOUNT_MAX - 499));
    decision = apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 2, 100);
    then_note(decision, 0, CART_REFUSED_AMOUNT_TOO_LARGE, "tea", 5);
}
END_TEST

/* ---- the carts ------------------------------------------------------------------------------- */

START_TEST(an_empty_cart_is_merged_too)
{
    given_both();
    OTHER(cleared());
    THEN_EVENTS(decide(merge(CART_MERGE_SUM)), CART_EVENT_MERGED);
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_int_eq(other_cart.status, CART_MERGED);
    given_both();
    RECORD(cleared());
    (void)apply(merge(CART_MERGE_SUM));
    then_line(now(), 0, "tea", 3, 90);
    then_line(now(), 1, "plate", 4, 290);
}
END_TEST

START_TEST(an_abandoned_cart_is_resumed_first)
{
    given_both();
    RECORD((struct cart_event){.type = CART_EVENT_ABANDONED});
    OTHER((struct cart_event){.type = CART_EVENT_ABANDONED});
    struct cart_decision decision = apply(merge(CART_MERGE_SUM));
    ck_assert_int_eq(decision.events[0].type, CART_EVENT_RESUMED);
    ck_assert_int_eq(other_cart.merged_version, now()->version);
    ck_assert_int_eq(other_cart.abandoned_at_us, CART_TIME_NONE);
    (void)apply(revert());
    then_line(now(), 0, "tea", 2, 100);
}
END_TEST

START_TEST(a_claim_merges_the_cart_that_the_customer_has_open)
{
    given_both();
    n_history = 1;
    RECORD(created_by_guest(), item_added("tea", 2, 100));
    struct cart_command claim = claim_for("ada");
    claim.claim.has_merge = true;
    claim.claim.merge = CART_MERGE_SUM;
    struct cart_decision decision = decide(claim);
    THEN_EVENTS(
        decision, CART_EVENT_CLAIMED, CART_EVENT_ITEM_QUANTITY_CHANGED, CART_EVENT_ITEM_ADDED,
        CART_EVENT_MERGED);
    ck_assert_int_eq(decision.other_event.merged_into.version, 6);
    OTHER(cancelled());
    (void)then_event(decide(claim), CART_EVENT_CLAIMED);
    ck_assert(!decide(claim).has_other_event);
    cart_clear(&other_cart);
    (void)then_event(decide(claim), CART_EVENT_CLAIMED);
}
END_TEST

START_TEST(a_merge_that_is_repeated_is_already_so)
{
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    then_already_so(decide(merge(CART_MERGE_OURS)));
    RECORD(cancelled());
    then_already_so(decide(merge(CART_MERGE_OURS)));
    then_refused(decide(revert()), CART_REFUSED_IS_CLOSED);
    ck_assert(!decide(merge(CART_MERGE_OURS)).has_other_event);
}
END_TEST

START_TEST(both_must_be_there_and_open)
{
    given_both();
    OTHER(checked_out(1430, 7));
    then_refused(decide(merge(CART_MERGE_SUM)), CART_REFUSED_SOURCE_CLOSED);
    given_both();
    RECORD(cancelled());
    then_refused(decide(merge(CART_MERGE_SUM)), CART_REFUSED_IS_CLOSED);
    given_both();
    cart_clear(&other_cart);
    then_refused(decide(merge(CART_MERGE_SUM)), CART_REFUSED_SOURCE_NOT_FOUND);
    then_refused(decide(revert()), CART_REFUSED_SOURCE_NOT_FOUND);
    given_both();
    OTHER((struct cart_event){.type = CART_EVENT_MERGED_INTO, .merged_into = {"third", 4}});
    then_refused(decide(merge(CART_MERGE_SUM)), CART_REFUSED_SOURCE_CLOSED);
}
END_TEST

START_TEST(details_are_filled_in_where_the_cart_has_none)
{
    given_both();
    RECORD(details_changed("{\"a\":1}", NULL, "mine"));
    OTHER(details_changed("{\"b\":1}", "guest@example.com", "theirs"));
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_str_eq(now()->metadata, "{\"a\":1}");
    ck_assert_str_eq(now()->customer_email, "guest@example.com");
    ck_assert_str_eq(now()->note, "mine");
    given_both();
    RECORD(details_changed("{}", "ada@example.com", NULL));
    OTHER(details_changed("{\"b\":1}", "guest@example.com", "theirs"));
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_str_eq(now()->metadata, "{\"b\":1}");
    ck_assert_str_eq(now()->customer_email, "ada@example.com");
    ck_assert_str_eq(now()->note, "theirs");
}
END_TEST

START_TEST(totals_of_others_are_those_of_the_cart_and_stale)
{
    given_both();
    RECORD(total_set("tax", 19));
    OTHER(total_set("shipping", 5));
    (void)apply(merge(CART_MERGE_SUM));
    ck_assert_uint_eq(now()->n_totals, 1);
    ck_assert_str_eq(now()->totals[0].name, "tax");
    ck_assert(now()->totals[0].is_stale);
}
END_TEST

START_TEST(a_merge_is_not_undone_but_what_came_after_it_is)
{
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    then_refused(decide(undo()), CART_REFUSED_NOTHING_TO_UNDO);
    command(add_item("cup", 1));
    command(undo());
    then_line(now(), 1, "cup", 1, 200);
    then_line(now(), 0, "tea", 5, 100);
    then_refused(decide(undo()), CART_REFUSED_NOTHING_TO_UNDO);
    (void)apply(revert());
    then_refused(decide(undo()), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(carts_are_merged_in_chains)
{
    static struct cart first;
    given_both();
    (void)apply(merge(CART_MERGE_SUM));
    cart_copy(&first, &other_cart);
    cart_clear(&other_cart);
    OTHER(created_by_guest(), item_added("plate", 1, 1));
    (void)apply(merge(CART_MERGE_SUM));
    then_line(now(), 2, "plate", 5, 290);
    cart_copy(&other_cart, &first);
    (void)apply(revert()); /* of the first one */
    then_line(now(), 2, "plate", 1, 290);
    then_line(now(), 0, "tea", 2, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_merge");
    TCase *lines = tcase_create("lines");
    tcase_add_test(
        lines, a_line_of_both_is_their_sum_and_what_only_the_other_has_comes_at_its_price);
    tcase_add_test(lines, the_other_ends_and_keeps_its_lines);
    tcase_add_test(lines, the_rule_says_how_many_a_line_of_both_has);
    tcase_add_test(lines, a_line_with_other_properties_is_another_line);
    tcase_add_test(lines, a_line_whose_id_is_taken_gets_another);
    suite_add_tcase(suite, lines);

    TCase *notes = tcase_create("notes");
    tcase_add_test(notes, a_line_takes_as_much_as_it_may_hold);
    tcase_add_test(notes, less_than_may_be_had_does_not_come);
    tcase_add_test(notes, what_is_not_sold_any_more_stays_behind);
    tcase_add_test(notes, what_counts_otherwise_stays_behind);
    tcase_add_test(notes, from_another_currency_a_line_comes_at_the_price_of_the_catalogue);
    tcase_add_test(notes, a_set_price_comes_with_its_line_where_it_can);
    tcase_add_test(notes, a_price_that_was_set_for_so_many_is_not_taken_for_more);
    tcase_add_test(notes, what_has_no_price_any_more_stays_behind);
    tcase_add_test(notes, a_full_cart_takes_what_it_has_lines_for);
    tcase_add_test(notes, what_would_make_the_amount_too_large_stays_behind);
    suite_add_tcase(suite, notes);

    TCase *carts = tcase_create("carts");
    tcase_add_test(carts, an_empty_cart_is_merged_too);
    tcase_add_test(carts, an_abandoned_cart_is_resumed_first);
    tcase_add_test(carts, a_claim_merges_the_cart_that_the_customer_has_open);
    tcase_add_test(carts, a_merge_that_is_repeated_is_already_so);
    tcase_add_test(carts, both_must_be_there_and_open);
    tcase_add_test(carts, details_are_filled_in_where_the_cart_has_none);
    tcase_add_test(carts, totals_of_others_are_those_of_the_cart_and_stale);
    tcase_add_test(carts, a_merge_is_not_undone_but_what_came_after_it_is);
    tcase_add_test(carts, carts_are_merged_in_chains);
    suite_add_tcase(suite, carts);

    return support_run(suite);
}
