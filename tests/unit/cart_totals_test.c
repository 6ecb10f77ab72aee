#include "cart_scene.h"

#include <stdlib.h>

/* What a cart costs, and the amounts of other services in it. */

static struct cart cart;

#define TAXED                                                                                      \
    created(), item_added("tea", 2, 500), total_set("tax", 190), total_set("shipping", 490)

START_TEST(a_total_counts_and_stands_in_the_order_of_the_names)
{
    GIVEN(&cart, TAXED);
    ck_assert_int_eq(cart.subtotal_minor, 1000);
    ck_assert_int_eq(cart.discount_minor, 0);
    ck_assert_int_eq(cart.total_minor, 1000 + 190 + 490);
    ck_assert_uint_eq(cart.n_totals, 2);
    ck_assert_str_eq(cart.totals[0].name, "shipping");
    ck_assert_str_eq(cart.totals[1].name, "tax");
    ck_assert(!cart.totals[0].is_stale && !cart.totals[1].is_stale);
}
END_TEST

START_TEST(what_a_line_costs_is_its_subtotal_without_its_discount)
{
    const struct cart_line line = {.quantity = 3, .unit_price_minor = 100, .discount_minor = 50};
    ck_assert_int_eq(cart_line_subtotal_minor(&line), 300);
    ck_assert_int_eq(cart_line_total_minor(&line), 250);
    GIVEN(&cart, TAXED);
    cart.lines[0].discount_minor = 100;
    cart_sum_up(&cart);
    ck_assert_int_eq(cart.discount_minor, 100);
    ck_assert_int_eq(cart.total_minor, 1000 - 100 + 190 + 490);
}
END_TEST

START_TEST(setting_a_total_records_it)
{
    GIVEN(&cart, created(), item_added("tea", 2, 500));
    struct cart_event event =
        then_event(when(&cart, set_total("tax", 190), unknown()), CART_EVENT_TOTAL_SET);
    ck_assert_str_eq(event.total_set.name, "tax");
    ck_assert_int_eq(event.total_set.amount_minor, 190);
}
END_TEST

START_TEST(the_same_amount_again_is_already_so_unless_it_is_stale)
{
    GIVEN(&cart, TAXED);
    then_already_so(when(&cart, set_total("tax", 190), unknown()));
    GIVEN(&cart, TAXED, item_added("mug", 1, 1));
    struct cart_event again =
        then_event(when(&cart, set_total("tax", 190), unknown()), CART_EVENT_TOTAL_SET);
    cart_evolve(&cart, &again, SCENE_T0_US);
    ck_assert(!cart_find_total(&cart, "tax")->is_stale);
    ck_assert(cart_find_total(&cart, "shipping")->is_stale);
    ck_assert_int_eq(cart.total_minor, 1001 + 190 + 490);
}
END_TEST

START_TEST(a_total_is_stale_when_the_lines_have_changed)
{
    const struct cart_event changes[] = {
        item_added("tea", 1, 500),
        item_quantity_changed("tea", 3),
        item_removed("tea", 2),
        cleared(),
        {.type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
         .item_properties_changed = {"tea", "{\"a\":\"b\"}"}},
        {.type = CART_EVENT_ITEM_PRICE_CHANGED,
         .item_price_changed = {.item_id = "tea", .unit_price_minor = 499}},
        {.type = CART_EVENT_ITEM_RESTORED,
         .item_restored = {.item_id = "mug", .sku = "mug", .name = "Mug", .quantity = 1}},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        GIVEN(&cart, TAXED);
        cart_evolve(&cart, &changes[i], SCENE_T0_US);
        ck_assert_uint_eq(cart.n_totals, 2);
        ck_assert(cart.totals[0].is_stale && cart.totals[1].is_stale);
    }
    GIVEN(&cart, created(), total_set("tax", 1));
    const struct cart_event others[] = {
        claimed_by("ada"),
        total_set("shipping", 2),
        {.type = CART_EVENT_DETAILS_CHANGED, .details_changed = {"{}", "a@b", NULL}},
        {.type = CART_EVENT_RESTORED, .restored = {.version = 1, .undone_to = 1}},
        cancelled(),
        {.type = CART_EVENT_REOPENED},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cart_evolve(&cart, &others[i], SCENE_T0_US);
    ck_assert(!cart_find_total(&cart, "tax")->is_stale);
}
END_TEST

START_TEST(a_removed_total_counts_no_more_and_another_removal_is_already_so)
{
    GIVEN(&cart, TAXED);
    struct cart_event event =
        then_event(when(&cart, remove_total("shipping"), unknown()), CART_EVENT_TOTAL_REMOVED);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_uint_eq(cart.n_totals, 1);
    ck_assert_str_eq(cart.totals[0].name, "tax");
    ck_assert_int_eq(cart.total_minor, 1190);
    then_already_so(when(&cart, remove_total("shipping"), unknown()));
}
END_TEST

static void given_all_totals(void)
{
    static char names[CART_TOTALS_MAX][8];
    GIVEN(&cart, created());
    for (int i = 0; i < CART_TOTALS_MAX; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%d", 7 * i % CART_TOTALS_MAX); /* fits */
        struct cart_event event = total_set(names[i], i);
        cart_evolve(&cart, &event, SCENE_T0_US);
    }
}

START_TEST(a_cart_has_at_most_so_many_totals)
{
    given_all_totals();
    ck_assert_uint_eq(cart.n_totals, CART_TOTALS_MAX);
    for (size_t i = 1; i < cart.n_totals; i++)
        ck_assert_int_lt(strcmp(cart.totals[i - 1].name, cart.totals[i].name), 0);
    then_refused(when(&cart, set_total("tax", 0), unknown()), CART_REFUSED_TOO_MANY_TOTALS);
    (void)then_event(when(&cart, set_total("n3", 9), unknown()), CART_EVENT_TOTAL_SET);
    /* History is true: one too many is not made room for. */
    struct cart_event event = total_set("tax", 5);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_uint_eq(cart.n_totals, CART_TOTALS_MAX);
    ck_assert_ptr_null(cart_find_total(&cart, "tax"));
}
END_TEST

START_TEST(the_total_of_the_cart_stays_exact_with_them)
{
    GIVEN(&cart, created(), item_added("tea", 1, 100));
    then_refused(
        when(&cart, set_total("tax", CART_AMOUNT_MAX - 99), unknown()),
        CART_REFUSED_AMOUNT_TOO_LARGE);
    struct cart_event most = then_event(
        when(&cart, set_total("tax", CART_AMOUNT_MAX - 100), unknown()), CART_EVENT_TOTAL_SET);
    cart_evolve(&cart, &most, SCENE_T0_US);
    ck_assert_int_eq(cart.total_minor, CART_AMOUNT_MAX);
    then_refused(when(&cart, add_item("mug", 1), priced(1)), CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)then_event(when(&cart, add_item("mug", 1), priced(0)), CART_EVENT_ITEM_ADDED);
    then_refused(
        when(&cart, change_item_quantity("tea", 2), priced(1)), CART_REFUSED_AMOUNT_TOO_LARGE);
    struct cart_command reprice = {.type = CART_COMMAND_REPRICE};
    then_refused(when(&cart, reprice, priced(101)), CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)then_event(when(&cart, reprice, priced(99)), CART_EVENT_ITEM_PRICE_CHANGED);
    (void)then_event(when(&cart, set_total("tax", 0), unknown()), CART_EVENT_TOTAL_SET);
}
END_TEST

START_TEST(a_checkout_takes_the_total_with_them)
{
    GIVEN(&cart, TAXED);
    then_refused(when(&cart, check_out_expecting(1000), unknown()), CART_REFUSED_TOTAL_CHANGED);
    struct cart_event event =
        then_event(when(&cart, check_out_expecting(1680), unknown()), CART_EVENT_CHECKED_OUT);
    ck_assert_int_eq(event.checked_out.total_minor, 1680);
    GIVEN(&cart, created(), total_set("tax", 1));
    then_refused(when(&cart, check_out(), unknown()), CART_REFUSED_IS_EMPTY);
}
END_TEST

START_TEST(a_closed_cart_refuses_totals)
{
    GIVEN(&cart, TAXED, cancelled());
    then_refused(when(&cart, set_total("tax", 190), unknown()), CART_REFUSED_IS_CLOSED);
    then_refused(when(&cart, remove_total("tax"), unknown()), CART_REFUSED_IS_CLOSED);
}
END_TEST

START_TEST(another_currency_drops_them)
{
    GIVEN(&cart, TAXED);
    struct cart_command command = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "USD"}};
    struct cart_event event =
        then_event(when(&cart, command, priced(600)), CART_EVENT_CURRENCY_CHANGED);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_uint_eq(cart.n_totals, 0);
    ck_assert_int_eq(cart.total_minor, 1200);
}
END_TEST

static const struct cart *find_past_of_scene(
    void *past, int32_t version, bool is_before_command, bool *is_read)
{
    (void)version;
    (void)is_before_command;
    *is_read = true;
    return past;
}

START_TEST(an_undo_leaves_them_and_makes_them_stale)
{
    static struct cart then;
    GIVEN(&then, created());
    GIVEN(&cart, TAXED);
    ck_assert_int_eq(cart.changed_version, 2);
    const struct cart_request request = {.caller = {.may_all = true}};
    const struct cart_known known = {
        .find_past = find_past_of_scene,
        .context = &then,
        .recorded_version = cart.version,
        .request = &request,
    };
    struct cart_command undo = {.type = CART_COMMAND_UNDO};
    struct cart_decision decision = decide_knowing(&cart, undo, &known);
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    for (size_t i = 0; i < decision.n_events; i++)
        cart_evolve(&cart, &decision.events[i], SCENE_T0_US);
    ck_assert_uint_eq(cart.n_lines, 0);
    ck_assert_uint_eq(cart.n_totals, 2);
    ck_assert(cart.totals[0].is_stale && cart.totals[1].is_stale);
    ck_assert_int_eq(cart.total_minor, 190 + 490);
    ck_assert_int_eq(cart.undone_to, 1);
    struct cart_event fresh = total_set("tax", 0);
    cart_evolve(&cart, &fresh, SCENE_T0_US);
    ck_assert_int_eq(cart.undone_to, 1);
}
END_TEST

START_TEST(a_copy_and_a_packed_cart_have_them)
{
    static struct cart copy;
    given_all_totals();
    struct cart *packed = cart_pack(malloc(cart_packed_size(&cart)), &cart);
    cart_copy(&copy, packed);
    struct cart_event event = total_removed("n0");
    cart_evolve(&copy, &event, SCENE_T0_US);
    ck_assert_uint_eq(copy.n_totals, CART_TOTALS_MAX - 1);
    ck_assert_uint_eq(packed->n_totals, CART_TOTALS_MAX);
    for (size_t i = 0; i < cart.n_totals; i++) {
        ck_assert_str_eq(packed->totals[i].name, cart.totals[i].name);
        ck_assert_ptr_ne(packed->totals[i].name, cart.totals[i].name);
        ck_assert_int_eq(packed->totals[i].amount_minor, cart.totals[i].amount_minor);
    }
    free(packed);
}
END_TEST

static struct cart_decision when_customer(struct cart_command command)
{
    struct cart_offer offer = priced(100);
    const struct cart_request request = {.caller = {.customer_id = "ada"}};
    const struct cart_known known = {
        .find_offer = offer_of_scene,
        .context = &offer,
        .recorded_version = cart.version,
        .request = &request,
    };
    return decide_knowing(&cart, command, &known);
}

START_TEST(only_who_may_set_totals_may_drop_them_with_their_currency)
{
    struct cart_command dollars = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "USD"}};
    struct cart_command euros = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "EUR"}};
    GIVEN(&cart, created(), item_added("tea", 1, 100));
    (void)then_event(when_customer(dollars), CART_EVENT_CURRENCY_CHANGED);
    GIVEN(&cart, created(), item_added("tea", 1, 100), total_set("tax", 0));
    then_refused(when_customer(dollars), CART_REFUSED_HAS_TOTALS);
    then_already_so(when_customer(euros));
    (void)then_event(when(&cart, dollars, priced(100)), CART_EVENT_CURRENCY_CHANGED);
}
END_TEST

START_TEST(they_leave_the_notes_of_the_cart)
{
    struct cart_event restored = {
        .type = CART_EVENT_RESTORED, .restored = {.version = 2, .notes = "[1]"}};
    GIVEN(&cart, created(), item_added("tea", 1, 100), restored);
    struct cart_event event =
        then_event(when(&cart, set_total("tax", 5), priced(100)), CART_EVENT_TOTAL_SET);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_str_eq(cart.notes, "[1]");
    event = then_event(when(&cart, remove_total("tax"), priced(100)), CART_EVENT_TOTAL_REMOVED);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_str_eq(cart.notes, "[1]");
    /* An event of version 1 does not say so. */
    event = total_set("tax", 5);
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_ptr_null(cart.notes);
    event = then_event(when(&cart, remove_total("tax"), priced(100)), CART_EVENT_TOTAL_REMOVED);
    ck_assert(!event.total_removed.keeps_notes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_totals");
    TCase *totals = tcase_create("totals");
    tcase_add_test(totals, a_total_counts_and_stands_in_the_order_of_the_names);
    tcase_add_test(totals, what_a_line_costs_is_its_subtotal_without_its_discount);
    tcase_add_test(totals, setting_a_total_records_it);
    tcase_add_test(totals, the_same_amount_again_is_already_so_unless_it_is_stale);
    tcase_add_test(totals, a_total_is_stale_when_the_lines_have_changed);
    tcase_add_test(totals, a_removed_total_counts_no_more_and_another_removal_is_already_so);
    tcase_add_test(totals, a_cart_has_at_most_so_many_totals);
    tcase_add_test(totals, the_total_of_the_cart_stays_exact_with_them);
    tcase_add_test(totals, a_checkout_takes_the_total_with_them);
    tcase_add_test(totals, a_closed_cart_refuses_totals);
    tcase_add_test(totals, another_currency_drops_them);
    tcase_add_test(totals, an_undo_leaves_them_and_makes_them_stale);
    tcase_add_test(totals, a_copy_and_a_packed_cart_have_them);
    tcase_add_test(totals, only_who_may_set_totals_may_drop_them_with_their_currency);
    tcase_add_test(totals, they_leave_the_notes_of_the_cart);
    suite_add_tcase(suite, totals);
    return support_run(suite);
}
