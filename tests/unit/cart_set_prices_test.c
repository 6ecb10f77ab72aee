#include "cart_history.h"

/* Prices that another system sets: quotes. */

static struct cart cart;

static struct cart_command add_at(const char *sku, int32_t quantity, int64_t price_minor)
{
    struct cart_command command = add_item(sku, quantity);
    command.add_item.has_unit_price = true;
    command.add_item.unit_price_minor = price_minor;
    return command;
}

static struct cart_event added_at(const char *sku, int32_t quantity, int64_t price_minor)
{
    struct cart_event event = item_added(sku, quantity, price_minor);
    event.item_added.is_price_set = true;
    return event;
}

static struct cart_command price_at(const char *item_id, int64_t price_minor)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_ITEM,
        .change_item =
            {.item_id = item_id, .has_unit_price = true, .unit_price_minor = price_minor},
    };
}

static void apply(struct cart_decision decision)
{
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    for (size_t i = 0; i < decision.n_events; i++)
        cart_evolve(&cart, &decision.events[i], SCENE_T0_US);
}

START_TEST(an_add_may_set_the_price_of_a_product_without_one)
{
    GIVEN(&cart, created());
    then_refused(when(&cart, add_at("tea", 1, 400), unknown()), CART_REFUSED_UNKNOWN_SKU);
    apply(when(&cart, add_at("tea", 2, 400), unpriced()));
    ck_assert(cart.lines[0].is_price_set);
    ck_assert_str_eq(cart.lines[0].name, "Thing of now");
    ck_assert_int_eq(cart.total_minor, 800);
}
END_TEST

START_TEST(more_of_a_line_whose_price_is_set_has_that_price)
{
    GIVEN(&cart, created(), added_at("tea", 1, 400));
    apply(when(&cart, add_item("tea", 2), priced(499)));
    ck_assert(cart.lines[0].is_price_set);
    ck_assert_int_eq(cart.total_minor, 1200);
    apply(when(&cart, add_item("tea", 1), unpriced()));
    apply(when(&cart, add_at("tea", 1, 300), priced(499)));
    ck_assert_int_eq(cart.total_minor, 5 * 300);
    then_refused(
        when(&cart, add_at("tea", 1, CART_AMOUNT_MAX), priced(1)), CART_REFUSED_AMOUNT_TOO_LARGE);
}
END_TEST

START_TEST(the_price_of_a_line_can_be_set)
{
    GIVEN(&cart, created(), item_added("tea", 2, 499));
    apply(when(&cart, price_at("tea", 499), unknown()));
    ck_assert(cart.lines[0].is_price_set);
    then_already_so(when(&cart, price_at("tea", 499), unknown()));
    then_refused(
        when(&cart, price_at("tea", CART_AMOUNT_MAX), unknown()), CART_REFUSED_AMOUNT_TOO_LARGE);
    then_refused(when(&cart, price_at("mug", 1), unknown()), CART_REFUSED_ITEM_NOT_IN_CART);
}
END_TEST

START_TEST(what_makes_less_comes_first)
{
    GIVEN(&cart, created(), item_added("tea", 1, CART_AMOUNT_MAX / 2));
    struct cart_command command = price_at("tea", 1);
    command.change_item.has_quantity = true;
    command.change_item.quantity = 900;
    struct cart_decision decision = when(&cart, command, priced(1));
    ck_assert_uint_eq(decision.n_events, 2);
    ck_assert_int_eq(decision.events[0].type, CART_EVENT_ITEM_PRICE_CHANGED);
    apply(decision);
    ck_assert_int_eq(cart.total_minor, 900);
    command = price_at("tea", CART_AMOUNT_MAX / 2);
    command.change_item.has_quantity = true;
    command.change_item.quantity = 2;
    decision = when(&cart, command, priced(1));
    ck_assert_int_eq(decision.events[0].type, CART_EVENT_ITEM_QUANTITY_CHANGED);
    apply(decision);
    command.change_item.quantity = 0;
    (void)then_event(when(&cart, command, priced(1)), CART_EVENT_ITEM_REMOVED);
}
END_TEST

START_TEST(a_set_price_is_never_repriced)
{
    struct cart_command reprice = {.type = CART_COMMAND_REPRICE};
    struct cart_command check = {.type = CART_COMMAND_CHECK_OUT, .check_out.checks_prices = true};
    GIVEN(&cart, created(), added_at("tea", 1, 400), item_added("mug", 1, 499));
    then_already_so(when(&cart, reprice, priced(499)));
    struct cart_event event =
        then_event(when(&cart, reprice, priced(1)), CART_EVENT_ITEM_PRICE_CHANGED);
    ck_assert_str_eq(event.item_price_changed.item_id, "mug");
    (void)then_event(when(&cart, check, priced(499)), CART_EVENT_CHECKED_OUT);
    then_refused(when(&cart, check, unknown()), CART_REFUSED_PRICES_CHANGED);
}
END_TEST

START_TEST(another_currency_is_refused_and_names_the_line)
{
    struct cart_command command = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "USD"}};
    GIVEN(&cart, created(), item_added("mug", 1, 499), added_at("tea", 1, 400));
    struct cart_decision decision = when(&cart, command, priced(400));
    then_refused(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    ck_assert_uint_eq(decision.n_notes, 1);
    ck_assert_str_eq(decision.notes[0].item_id, "tea");
    ck_assert_int_eq(decision.notes[0].current_price_minor, -1);
}
END_TEST

START_TEST(a_set_price_can_be_taken_back)
{
    struct cart_command unset = price_at("tea", CART_PRICE_OF_CATALOG);
    GIVEN(&cart, created(), added_at("tea", 2, 400));
    then_refused(when(&cart, unset, unpriced()), CART_REFUSED_PRICE_UNAVAILABLE);
    then_refused(when(&cart, unset, unknown()), CART_REFUSED_PRODUCT_WITHDRAWN);
    then_refused(when(&cart, unset, priced(CART_AMOUNT_MAX)), CART_REFUSED_AMOUNT_TOO_LARGE);
    apply(when(&cart, unset, priced(499)));
    ck_assert(!cart.lines[0].is_price_set);
    ck_assert_int_eq(cart.total_minor, 998);
    /* A price of the catalogue stays, whatever that says now. */
    then_already_so(when(&cart, unset, priced(1)));
    then_already_so(when(&cart, unset, unknown()));
    GIVEN(&cart, created(), added_at("tea", 2, 400));
    unset.change_item.has_quantity = true;
    (void)then_event(when(&cart, unset, unknown()), CART_EVENT_ITEM_REMOVED);
}
END_TEST

struct restoring {
    const struct cart *past;
    struct cart_offer offer;
};

static const struct cart *find_past_of(
    void *context, int32_t version, bool is_before_command, bool *is_read)
{
    (void)version;
    (void)is_before_command;
    *is_read = true;
    return ((struct restoring *)context)->past;
}

static struct cart_offer find_offer_of(void *context, const char *sku, const char *currency)
{
    (void)sku;
    (void)currency;
    return ((struct restoring *)context)->offer;
}

static void restore_to(const struct cart *past, struct cart_offer offer)
{
    struct restoring restoring = {past, offer};
    const struct cart_request request = {.caller = {.may_all = true, .may_set_prices = true}};
    const struct cart_known known = {
        .find_past = find_past_of,
        .find_offer = find_offer_of,
        .context = &restoring,
        .recorded_version = cart.version,
        .request = &request,
    };
    struct cart_command command = {.type = CART_COMMAND_RESTORE, .restore = {.version = 1}};
    apply(decide_knowing(&cart, command, &known));
}

START_TEST(a_restore_keeps_what_was)
{
    static struct cart then;
    GIVEN(&then, created(), added_at("tea", 1, 400), item_added("mug", 1, 499));
    GIVEN(&cart, created(), added_at("tea", 1, 400), item_added("mug", 1, 499), cleared());
    restore_to(&then, unpriced()); /* the mug can't be had, the tea can */
    ck_assert_uint_eq(cart.n_lines, 1);
    ck_assert(cart.lines[0].is_price_set);
    ck_assert_int_eq(cart.total_minor, 400);

    GIVEN(&then, created(), item_added("tea", 1, 400));
    GIVEN(&cart, created(), item_added("tea", 1, 400));
    apply(when(&cart, price_at("tea", 400), unknown()));
    restore_to(&then, priced(1));
    ck_assert(!cart.lines[0].is_price_set);
    ck_assert_int_eq(cart.total_minor, 400);
}
END_TEST

START_TEST(a_restore_to_another_currency_keeps_what_was)
{
    static struct cart then;
    const struct cart_item_price price = {"tea", 500};
    const struct cart_event dollars = {
        .type = CART_EVENT_CURRENCY_CHANGED,
        .currency_changed = {.currency = "USD", .prices = &price, .n_prices = 1}};
    GIVEN(&then, created(), added_at("tea", 1, 400));
    GIVEN(&cart, created(), added_at("tea", 1, 400), dollars);
    ck_assert(!cart.lines[0].is_price_set);
    restore_to(&then, priced(1));
    ck_assert_str_eq(cart.currency, "EUR");
    ck_assert(cart.lines[0].is_price_set);
    ck_assert_int_eq(cart.total_minor, 400);
}
END_TEST

/* ---- a caller who may not set prices --------------------------------------------------------- */

/* As when(), of such a caller, whose undo and restore lead to `past`. */
static struct cart_decision when_customer(
    const struct cart *past, struct cart_command command, struct cart_offer offer)
{
    struct restoring restoring = {past, offer};
    const struct cart_request request = {.caller = {.customer_id = "ada"}};
    const struct cart_known known = {
        .find_past = find_past_of,
        .find_offer = find_offer_of,
        .merge_properties = merge_as_given,
        .context = &restoring,
        .recorded_version = cart.version,
        .request = &request,
    };
    return decide_knowing(&cart, command, &known);
}

static void then_price_noted(struct cart_decision decision, int32_t quantity)
{
    ck_assert_uint_eq(decision.n_notes, 1);
    ck_assert_int_eq(decision.notes[0].code, CART_REFUSED_PRICE_IS_SET);
    ck_assert_int_eq(decision.notes[0].quantity, quantity);
}

static void then_tea(int32_t quantity, int64_t price_minor, bool is_price_set)
{
    ck_assert_uint_eq(cart.n_lines, 1);
    ck_assert_int_eq(cart.lines[0].quantity, quantity);
    ck_assert_int_eq(cart.lines[0].unit_price_minor, price_minor);
    ck_assert_int_eq(cart.lines[0].is_price_set, is_price_set);
}

START_TEST(a_quote_is_not_for_more_than_it_says)
{
    struct cart_command more = {
        .type = CART_COMMAND_CHANGE_ITEM,
        .change_item = {.item_id = "tea", .has_quantity = true, .quantity = 3}};
    GIVEN(&cart, created(), added_at("tea", 2, 400));
    then_refused(when_customer(NULL, add_item("tea", 1), priced(499)), CART_REFUSED_PRICE_IS_SET);
    then_refused(when_customer(NULL, more, priced(499)), CART_REFUSED_PRICE_IS_SET);
    then_refused(
        when_customer(NULL, change_item_quantity("tea", 3), priced(499)),
        CART_REFUSED_PRICE_IS_SET);
    apply(when_customer(NULL, change_item_quantity("tea", 1), priced(499)));
    then_tea(1, 400, true);
    (void)then_event(when_customer(NULL, remove_item("tea"), priced(499)), CART_EVENT_ITEM_REMOVED);
}
END_TEST

START_TEST(no_other_line_becomes_part_of_a_quote)
{
    struct cart_command change = change_properties("big", "{}");
    GIVEN(&cart, created(), added_at("tea", 1, 1), special_item_added("big", "tea", "{\"a\":1}"));
    then_refused(when_customer(NULL, change, priced(100)), CART_REFUSED_PRICE_IS_SET);
    (void)then_event(when(&cart, price_at("big", 5), priced(100)), CART_EVENT_ITEM_PRICE_CHANGED);
    /* The quote may become part of another line, whose price is the catalogue's. */
    change = change_properties("tea", "{\"a\":1}");
    (void)then_event(when_customer(NULL, change, priced(100)), CART_EVENT_ITEM_MERGED);
}
END_TEST

START_TEST(a_price_that_was_withdrawn_does_not_come_back)
{
    static struct cart then;
    GIVEN(&then, created(), added_at("tea", 2, 1));
    GIVEN(&cart, created(), added_at("tea", 2, 1));
    apply(when(&cart, price_at("tea", 1200), priced(1290)));
    struct cart_decision decision = when_customer(&then, restore(2), priced(1290));
    (void)then_event(decision, CART_EVENT_RESTORED);
    then_price_noted(decision, 2);
    /* Nor where the line left in between, and is or is not there again. */
    GIVEN(&cart, created(), added_at("tea", 2, 1), cleared());
    decision = when_customer(&then, restore(2), priced(1290));
    then_price_noted(decision, 2);
    apply(decision);
    then_tea(2, 1290, false);
    decision = when_customer(&then, restore(2), priced(1500));
    then_price_noted(decision, 2);
    apply(decision);
    then_tea(2, 1290, false);
    /* What can't be had at the catalogue's price stays away. */
    GIVEN(&cart, created(), added_at("tea", 2, 1), cleared());
    decision = when_customer(&then, restore(2), unpriced());
    ck_assert_int_eq(decision.notes[0].code, CART_REFUSED_PRICE_UNAVAILABLE);
    ck_assert_uint_eq(decision.n_notes, 1);
    (void)then_event(decision, CART_EVENT_RESTORED);
}
END_TEST

START_TEST(no_more_of_a_quote_comes_back)
{
    static struct cart then;
    GIVEN(&then, created(), added_at("tea", 50, 1));
    GIVEN(&cart, created(), added_at("tea", 50, 1), item_quantity_changed("tea", 2));
    struct cart_decision decision = when_customer(&then, restore(2), priced(1290));
    then_price_noted(decision, 50);
    (void)then_event(decision, CART_EVENT_RESTORED);
    /* Less does, and the price stays. */
    GIVEN(&then, created(), added_at("tea", 1, 1));
    apply(when_customer(&then, restore(2), priced(1290)));
    then_tea(1, 1, true);
}
END_TEST

START_TEST(a_set_price_of_another_currency_does_not_come_back)
{
    static struct cart then;
    const struct cart_item_price price = {"tea", 500};
    const struct cart_event dollars = {
        .type = CART_EVENT_CURRENCY_CHANGED,
        .currency_changed = {.currency = "USD", .prices = &price, .n_prices = 1}};
    GIVEN(&then, created(), added_at("tea", 2, 1));
    GIVEN(&cart, created(), added_at("tea", 2, 1), dollars);
    struct cart_decision decision = when_customer(&then, restore(2), priced(1290));
    then_price_noted(decision, 2);
    apply(decision);
    ck_assert_str_eq(cart.currency, "EUR");
    then_tea(2, 1290, false);
}
END_TEST

START_TEST(a_price_that_was_set_after_a_line_came_again_is_undone)
{
    static struct cart then;
    GIVEN(&then, created(), item_added("tea", 1, 1290));
    GIVEN(&cart, created(), item_added("tea", 1, 1290), cleared(), added_at("tea", 1, 4));
    struct cart_decision decision = when_customer(&then, restore(2), priced(1300));
    ck_assert_uint_eq(decision.n_notes, 0);
    apply(decision);
    then_tea(1, 1300, false);
    /* If the catalogue has none, it stays, and that is said. */
    GIVEN(&cart, created(), item_added("tea", 1, 1290), cleared(), added_at("tea", 1, 4));
    decision = when_customer(&then, restore(2), unpriced());
    ck_assert_int_eq(decision.notes[0].code, CART_REFUSED_PRICE_UNAVAILABLE);
    (void)then_event(decision, CART_EVENT_RESTORED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_set_prices");
    TCase *prices = tcase_create("prices");
    tcase_add_test(prices, an_add_may_set_the_price_of_a_product_without_one);
    tcase_add_test(prices, more_of_a_line_whose_price_is_set_has_that_price);
    tcase_add_test(prices, the_price_of_a_line_can_be_set);
    tcase_add_test(prices, what_makes_less_comes_first);
    tcase_add_test(prices, a_set_price_is_never_repriced);
    tcase_add_test(prices, another_currency_is_refused_and_names_the_line);
    tcase_add_test(prices, a_restore_keeps_what_was);
    tcase_add_test(prices, a_restore_to_another_currency_keeps_what_was);
    tcase_add_test(prices, a_set_price_can_be_taken_back);
    suite_add_tcase(suite, prices);
    TCase *customers = tcase_create("customers");
    tcase_add_test(customers, a_quote_is_not_for_more_than_it_says);
    tcase_add_test(customers, no_other_line_becomes_part_of_a_quote);
    tcase_add_test(customers, a_price_that_was_withdrawn_does_not_come_back);
    tcase_add_test(customers, no_more_of_a_quote_comes_back);
    tcase_add_test(customers, a_set_price_of_another_currency_does_not_come_back);
    tcase_add_test(customers, a_price_that_was_set_after_a_line_came_again_is_undone);
    suite_add_tcase(suite, customers);
    return support_run(suite);
}
