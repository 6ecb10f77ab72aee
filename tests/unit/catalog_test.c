#include <string.h>

#include "catalog.h"
#include "support.h"

#define NOW_US INT64_C(1764490000000000)

static struct catalog_content content(const char *name, bool is_active)
{
    return (struct catalog_content){.name = name, .is_active = is_active};
}

static struct catalog_content tea(void)
{
    struct catalog_content made = content("Green tea", true);
    ck_assert(catalog_content_set_price(&made, "USD", 549));
    ck_assert(catalog_content_set_price(&made, "EUR", 499));
    return made;
}

static struct catalog_product given(struct catalog_content made)
{
    struct catalog_product product = {.version = 0};
    struct catalog_event event = {
        .type = CATALOG_EVENT_PRODUCT_CHANGED,
        .product_changed = {.sku = "tea", .content = made},
    };
    catalog_evolve(&product, &event, NOW_US);
    return product;
}

static struct catalog_decision when_changed_to(
    const struct catalog_product *product, struct catalog_content wanted)
{
    struct catalog_command command = {
        .type = CATALOG_COMMAND_CHANGE_PRODUCT,
        .sku = "tea",
        .content = wanted,
    };
    struct catalog_decision decision;
    memset(&decision, 0x5a, sizeof decision);
    catalog_decide(product, &command, &decision);
    return decision;
}

/* `active`: 'y', 'n', or '-' when the line says nothing of it. */
static struct catalog_decision when_priced(
    const struct catalog_product *product, const char *name, const char *currency,
    int64_t price_minor, char active)
{
    struct catalog_command command = {
        .type = CATALOG_COMMAND_SET_PRICE,
        .sku = "tea",
        .content = content(name, active == 'y'),
        .has_active = active != '-',
    };
    ck_assert(catalog_content_set_price(&command.content, currency, price_minor));
    struct catalog_decision decision;
    memset(&decision, 0x5a, sizeof decision);
    catalog_decide(product, &command, &decision);
    return decision;
}

static const struct catalog_content *then_content(const struct catalog_decision *decision)
{
    ck_assert_int_eq(decision->outcome, CATALOG_ACCEPTED);
    ck_assert_int_eq(decision->event.type, CATALOG_EVENT_PRODUCT_CHANGED);
    ck_assert_str_eq(decision->event.product_changed.sku, "tea");
    return &decision->event.product_changed.content;
}

static void check_price(
    const struct catalog_content *priced, const char *currency, int64_t price_minor)
{
    int64_t found_minor = -1;
    ck_assert(catalog_find_price(priced, currency, &found_minor));
    ck_assert_int_eq(found_minor, price_minor);
}

START_TEST(prices_are_sorted_by_currency_each_once)
{
    struct catalog_content made = content("Tea", true);
    ck_assert(catalog_content_set_price(&made, "USD", 3));
    ck_assert(catalog_content_set_price(&made, "CHF", 1));
    ck_assert(catalog_content_set_price(&made, "EUR", 2));
    ck_assert(catalog_content_set_price(&made, "CHF", 4));
    ck_assert_uint_eq(made.n_prices, 3);
    ck_assert_str_eq(made.prices[0].currency, "CHF");
    ck_assert_str_eq(made.prices[1].currency, "EUR");
    ck_assert_str_eq(made.prices[2].currency, "USD");
    ck_assert_int_eq(made.prices[0].price_minor, 4);
    ck_assert_int_eq(made.prices[1].price_minor, 2);
    ck_assert_int_eq(made.prices[2].price_minor, 3);
}
END_TEST

START_TEST(a_price_that_is_not_there_is_not_found)
{
    struct catalog_content made = tea();
    int64_t price_minor = 77;
    ck_assert(!catalog_find_price(&made, "CHF", &price_minor));
    ck_assert(!catalog_find_price(&made, "GBP", &price_minor));
    ck_assert(!catalog_find_price(&made, "ZAR", &price_minor));
    ck_assert_int_eq(price_minor, 77);
    check_price(&made, "EUR", 499);
    check_price(&made, "USD", 549);
}
END_TEST

static void fill(struct catalog_content *made)
{
    for (int i = 0; i < CATALOG_PRICES_MAX; i++) {
        char currency[4] = {'A', (char)('A' + i / 26), (char)('A' + i % 26), '\0'};
        ck_assert(catalog_content_set_price(made, currency, i));
    }
}

START_TEST(a_product_has_64_prices_and_not_65)
{
    struct catalog_content made = content("Tea", true);
    fill(&made);
    ck_assert(!catalog_content_set_price(&made, "ZZZ", 1));
    ck_assert(catalog_content_set_price(&made, "AAB", 5));
    ck_assert_uint_eq(made.n_prices, CATALOG_PRICES_MAX);
    check_price(&made, "AAB", 5);
}
END_TEST

START_TEST(a_new_product_becomes_what_was_asked_for)
{
    struct catalog_product none = {.version = 0};
    struct catalog_decision decision = when_changed_to(&none, tea());
    const struct catalog_content *made = then_content(&decision);
    ck_assert_str_eq(made->name, "Green tea");
    ck_assert(made->is_active);
    ck_assert_uint_eq(made->n_prices, 2);
    check_price(made, "EUR", 499);

    catalog_evolve(&none, &decision.event, NOW_US);
    ck_assert_int_eq(none.version, 1);
    ck_assert_str_eq(none.sku, "tea");
    ck_assert_int_eq(none.updated_at_us, NOW_US);
    ck_assert_str_eq(none.content.name, "Green tea");
}
END_TEST

START_TEST(an_empty_product_is_still_a_new_one)
{
    struct catalog_product none = {.version = 0, .content = content("Tea", true)};
    struct catalog_decision decision = when_changed_to(&none, content("Tea", true));
    (void)then_content(&decision);
}
END_TEST

START_TEST(the_same_content_again_is_already_so)
{
    struct catalog_product product = given(tea());
    ck_assert_int_eq(when_changed_to(&product, tea()).outcome, CATALOG_ALREADY_SO);
}
END_TEST

START_TEST(any_difference_is_a_change)
{
    struct catalog_product product = given(tea());
    struct catalog_content other = tea();
    other.name = "Black tea";
    struct catalog_decision decision = when_changed_to(&product, other);
    ck_assert_str_eq(then_content(&decision)->name, "Black tea");

    other = tea();
    other.is_active = false;
    decision = when_changed_to(&product, other);
    ck_assert(!then_content(&decision)->is_active);

    other = tea();
    ck_assert(catalog_content_set_price(&other, "EUR", 500));
    decision = when_changed_to(&product, other);
    check_price(then_content(&decision), "EUR", 500);

    other = tea();
    ck_assert(catalog_content_set_price(&other, "CHF", 1));
    decision = when_changed_to(&product, other);
    ck_assert_uint_eq(then_content(&decision)->n_prices, 3);

    other = content("Green tea", true);
    ck_assert(catalog_content_set_price(&other, "EUR", 499));
    ck_assert(catalog_content_set_price(&other, "GBP", 549));
    decision = when_changed_to(&product, other);
    check_price(then_content(&decision), "GBP", 549);
}
END_TEST

START_TEST(another_quantity_is_a_change)
{
    static const struct catalog_quantity others[] = {
        {.minimum = 2, .maximum = 9, .multiple_of = 1, .scale = 3, .unit = "kg"},
        {.minimum = 1, .maximum = 8, .multiple_of = 1, .scale = 3, .unit = "kg"},
        {.minimum = 1, .maximum = 9, .multiple_of = 2, .scale = 3, .unit = "kg"},
        {.minimum = 1, .maximum = 9, .multiple_of = 1, .scale = 2, .unit = "kg"},
        {.minimum = 1, .maximum = 9, .multiple_of = 1, .scale = 3, .unit = "lb"},
        {.minimum = 1, .maximum = 9, .multiple_of = 1, .scale = 3, .unit = NULL},
        {.maximum = 0},
    };
    struct catalog_content nuts = tea();
    nuts.quantity = (struct catalog_quantity){
        .minimum = 1, .maximum = 9, .multiple_of = 1, .scale = 3, .unit = "kg"};
    struct catalog_product product = given(nuts);
    char unit[] = "kg";
    nuts.quantity.unit = unit;
    ck_assert_int_eq(when_changed_to(&product, nuts).outcome, CATALOG_ALREADY_SO);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        nuts.quantity = others[i];
        struct catalog_decision decision = when_changed_to(&product, nuts);
        ck_assert_int_eq(then_content(&decision)->quantity.maximum, others[i].maximum);
    }
}
END_TEST

START_TEST(a_quantity_of_an_import_takes_the_place_of_the_one_that_is_there)
{
    struct catalog_content nuts = tea();
    nuts.quantity = (struct catalog_quantity){.minimum = 1, .maximum = 9, .multiple_of = 1};
    struct catalog_product product = given(nuts);
    struct catalog_decision decision = when_priced(&product, "Nuts", "EUR", 1, '-');
    ck_assert_int_eq(then_content(&decision)->quantity.maximum, 9);
    struct catalog_command command = {
        .type = CATALOG_COMMAND_SET_PRICE, .sku = "tea", .content = nuts, .has_quantity = true};
    command.content.quantity.maximum = 5;
    catalog_decide(&product, &command, &decision);
    ck_assert_int_eq(then_content(&decision)->quantity.maximum, 5);
}
END_TEST

START_TEST(other_tags_are_a_change)
{
    struct catalog_content nuts = tea();
    struct catalog_product plain = given(nuts);
    nuts.tags = "[\"nuts\"]";
    struct catalog_product product = given(nuts);
    ck_assert_int_eq(when_changed_to(&product, nuts).outcome, CATALOG_ALREADY_SO);
    struct catalog_decision decision = when_changed_to(&plain, nuts);
    ck_assert_str_eq(then_content(&decision)->tags, "[\"nuts\"]");
    ck_assert_int_eq(when_changed_to(&product, tea()).outcome, CATALOG_ACCEPTED);
}
END_TEST

START_TEST(an_import_that_says_no_tags_leaves_them)
{
    struct catalog_content nuts = tea();
    nuts.tags = "[\"nuts\"]";
    struct catalog_product product = given(nuts);
    struct catalog_decision decision = when_priced(&product, "Greener tea", "EUR", 1, '-');
    ck_assert_str_eq(then_content(&decision)->tags, "[\"nuts\"]");
    struct catalog_command command = {
        .type = CATALOG_COMMAND_SET_PRICE, .sku = "tea", .content = tea(), .has_tags = true};
    catalog_decide(&product, &command, &decision);
    ck_assert_ptr_null(then_content(&decision)->tags);
}
END_TEST

START_TEST(a_quantity_is_possible_if_a_multiple_is_within_the_limits)
{
    static const struct {
        struct catalog_quantity quantity;
        bool is_possible;
    } rows[] = {
        {{.minimum = 1, .maximum = 1, .multiple_of = 1}, true},
        {{.minimum = 2, .maximum = 1, .multiple_of = 1}, false},
        {{.minimum = 6, .maximum = 6, .multiple_of = 6}, true},
        {{.minimum = 7, .maximum = 11, .multiple_of = 6}, false},
        {{.minimum = 7, .maximum = 12, .multiple_of = 6}, true},
        {{.minimum = 1, .maximum = 5, .multiple_of = 6}, false},
        {{.minimum = CATALOG_QUANTITY_MAX,
          .maximum = CATALOG_QUANTITY_MAX,
          .multiple_of = CATALOG_QUANTITY_MAX},
         true},
        {{.minimum = 1, .maximum = 999999, .multiple_of = CATALOG_QUANTITY_MAX}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(
            catalog_quantity_is_possible(&rows[i].quantity) == rows[i].is_possible, "%zu", i);
    ck_assert(catalog_quantity_is_possible(&catalog_default_quantity));
}
END_TEST

START_TEST(a_price_of_an_import_leaves_the_other_currencies)
{
    struct catalog_product product = given(tea());
    struct catalog_decision decision = when_priced(&product, "Greener tea", "EUR", 450, '-');
    const struct catalog_content *made = then_content(&decision);
    ck_assert_str_eq(made->name, "Greener tea");
    check_price(made, "EUR", 450);
    check_price(made, "USD", 549);
    decision = when_priced(&product, "Green tea", "CHF", 600, '-');
    ck_assert_uint_eq(then_content(&decision)->n_prices, 3);
}
END_TEST

START_TEST(a_price_of_an_import_makes_a_new_product_active)
{
    struct catalog_product none = {.version = 0};
    struct catalog_decision decision = when_priced(&none, "Tea", "EUR", 1, '-');
    ck_assert(then_content(&decision)->is_active);
    ck_assert_uint_eq(then_content(&decision)->n_prices, 1);
    decision = when_priced(&none, "Tea", "EUR", 1, 'n');
    ck_assert(!then_content(&decision)->is_active);
}
END_TEST

START_TEST(a_price_of_an_import_keeps_the_activity_unless_it_says_otherwise)
{
    struct catalog_content asleep = tea();
    asleep.is_active = false;
    struct catalog_product product = given(asleep);
    struct catalog_decision decision = when_priced(&product, "Green tea", "EUR", 1, '-');
    ck_assert(!then_content(&decision)->is_active);
    decision = when_priced(&product, "Green tea", "EUR", 1, 'y');
    ck_assert(then_content(&decision)->is_active);
}
END_TEST

START_TEST(an_import_of_what_is_there_is_already_so)
{
    struct catalog_product product = given(tea());
    ck_assert_int_eq(
        when_priced(&product, "Green tea", "EUR", 499, '-').outcome, CATALOG_ALREADY_SO);
    ck_assert_int_eq(
        when_priced(&product, "Green tea", "EUR", 499, 'y').outcome, CATALOG_ALREADY_SO);
    ck_assert_int_eq(when_priced(&product, "Green tea", "EUR", 499, 'n').outcome, CATALOG_ACCEPTED);
}
END_TEST

START_TEST(an_import_can_not_make_more_than_64_prices)
{
    struct catalog_content full = content("Tea", true);
    fill(&full);
    struct catalog_product product = given(full);
    ck_assert_int_eq(when_priced(&product, "Tea", "ZZZ", 1, '-').outcome, CATALOG_TOO_MANY_PRICES);
    ck_assert_int_eq(when_priced(&product, "Tea", "AAA", 9, '-').outcome, CATALOG_ACCEPTED);
}
END_TEST

static struct catalog_decision when(
    const struct catalog_product *product, struct catalog_command command)
{
    struct catalog_decision decision;
    command.sku = "tea";
    memset(&decision, 0x5a, sizeof decision);
    catalog_decide(product, &command, &decision);
    return decision;
}

static struct catalog_command take_price_away(const char *currency)
{
    struct catalog_command command = {
        .type = CATALOG_COMMAND_SET_PRICE,
        .content = {.name = "Green tea"},
        .takes_price_away = true,
    };
    memcpy(command.content.prices[0].currency, currency, 3);
    return command;
}

START_TEST(an_import_can_take_a_price_away)
{
    struct catalog_product product = given(tea());
    struct catalog_decision decision = when(&product, take_price_away("EUR"));
    int64_t price_minor;
    ck_assert_uint_eq(then_content(&decision)->n_prices, tea().n_prices - 1);
    ck_assert(!catalog_find_price(then_content(&decision), "EUR", &price_minor));
    ck_assert(catalog_find_price(then_content(&decision), "USD", &price_minor));
    ck_assert_int_eq(when(&product, take_price_away("GBP")).outcome, CATALOG_ALREADY_SO);
    struct catalog_product none = {.version = 0};
    decision = when(&none, take_price_away("EUR"));
    ck_assert_uint_eq(then_content(&decision)->n_prices, 0);
    struct catalog_content full = content("Green tea", true);
    fill(&full);
    product = given(full);
    decision = when(&product, take_price_away(full.prices[CATALOG_PRICES_MAX - 1].currency));
    ck_assert_uint_eq(then_content(&decision)->n_prices, CATALOG_PRICES_MAX - 1);
}
END_TEST

START_TEST(an_import_of_all_prices_takes_the_others_away)
{
    struct catalog_product product = given(tea());
    struct catalog_command command = {
        .type = CATALOG_COMMAND_SET_PRICE,
        .sku = "tea",
        .content = content("Green tea", true),
        .kept_currencies = (const char[][4]){"CHF", "EUR"},
        .n_kept_currencies = 2,
    };
    ck_assert(catalog_content_set_price(&command.content, "CHF", 600));
    struct catalog_decision decision = when(&product, command);
    ck_assert_uint_eq(then_content(&decision)->n_prices, 2);
    check_price(then_content(&decision), "CHF", 600);
    check_price(then_content(&decision), "EUR", 499);
    command.n_kept_currencies = 0;
    decision = when(&product, command);
    ck_assert_uint_eq(then_content(&decision)->n_prices, 1);
    check_price(then_content(&decision), "CHF", 600);
}
END_TEST

START_TEST(a_product_becomes_inactive_and_nothing_else_of_it_changes)
{
    static const struct catalog_command deactivate = {.type = CATALOG_COMMAND_DEACTIVATE};
    struct catalog_product product = given(tea());
    struct catalog_decision decision = when(&product, deactivate);
    ck_assert(!then_content(&decision)->is_active);
    ck_assert_str_eq(then_content(&decision)->name, "Green tea");
    ck_assert_uint_eq(then_content(&decision)->n_prices, tea().n_prices);
    catalog_evolve(&product, &decision.event, NOW_US);
    ck_assert_int_eq(when(&product, deactivate).outcome, CATALOG_ALREADY_SO);
    struct catalog_product none = {.version = 0};
    ck_assert_int_eq(when(&none, deactivate).outcome, CATALOG_ALREADY_SO);
}
END_TEST

START_TEST(every_fact_counts_as_one_version)
{
    struct catalog_product product = given(tea());
    ck_assert_int_eq(product.version, 1);
    struct catalog_decision decision = when_priced(&product, "Tea", "EUR", 1, '-');
    catalog_evolve(&product, &decision.event, NOW_US);
    ck_assert_int_eq(product.version, 2);
    ck_assert_str_eq(product.content.name, "Tea");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalog");
    TCase *products = tcase_create("products");
    tcase_add_test(products, prices_are_sorted_by_currency_each_once);
    tcase_add_test(products, a_price_that_is_not_there_is_not_found);
    tcase_add_test(products, a_product_has_64_prices_and_not_65);
    tcase_add_test(products, a_new_product_becomes_what_was_asked_for);
    tcase_add_test(products, an_empty_product_is_still_a_new_one);
    tcase_add_test(products, the_same_content_again_is_already_so);
    tcase_add_test(products, any_difference_is_a_change);
    tcase_add_test(products, another_quantity_is_a_change);
    tcase_add_test(products, a_quantity_of_an_import_takes_the_place_of_the_one_that_is_there);
    tcase_add_test(products, other_tags_are_a_change);
    tcase_add_test(products, an_import_that_says_no_tags_leaves_them);
    tcase_add_test(products, a_quantity_is_possible_if_a_multiple_is_within_the_limits);
    tcase_add_test(products, a_price_of_an_import_leaves_the_other_currencies);
    tcase_add_test(products, a_price_of_an_import_makes_a_new_product_active);
    tcase_add_test(products, a_price_of_an_import_keeps_the_activity_unless_it_says_otherwise);
    tcase_add_test(products, an_import_of_what_is_there_is_already_so);
    tcase_add_test(products, an_import_can_not_make_more_than_64_prices);
    tcase_add_test(products, an_import_can_take_a_price_away);
    tcase_add_test(products, an_import_of_all_prices_takes_the_others_away);
    tcase_add_test(products, a_product_becomes_inactive_and_nothing_else_of_it_changes);
    tcase_add_test(products, every_fact_counts_as_one_version);
    suite_add_tcase(suite, products);
    return support_run(suite);
}
