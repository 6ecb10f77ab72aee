#include "cart_scene.h"

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
    const struct cart_known known = {
        .find_past = find_past_of,
        .find_offer = find_offer_of,
        .context = &restoring,
        .recorded_version = cart.version,
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
    suite_add_tcase(suite, prices);
    return support_run(suite);
}
