#include "cart_coupon_scene.h"

/* What coupons take off a cart, and of which lines. */

START_TEST(a_percentage_is_rounded_once_a_line_half_away_from_zero)
{
    GIVEN(
        &cart, created(), item_added("a", 1, 5), item_added("b", 3, 5), item_added("c", 1, 4),
        applied(percent("ten", 1000)));
    THEN_DISCOUNTS(1, 2, 0); /* of 0.5, 1.5 and 0.4 */
    then_coupon("ten", CART_COUPON_APPLIED, 3);
}
END_TEST

START_TEST(a_percentage_of_the_largest_amount_is_exact)
{
    GIVEN(&cart, created(), item_added("a", 1, CART_AMOUNT_MAX), applied(percent("p", 3333)));
    /* 9007199254740991 * 0.3333 = 3002099511605172.3… */
    THEN_DISCOUNTS(INT64_C(3002099511605172));
    GIVEN(&cart, created(), item_added("a", 1, CART_AMOUNT_MAX), applied(percent("p", 10000)));
    THEN_DISCOUNTS(CART_AMOUNT_MAX);
}
END_TEST

START_TEST(an_amount_is_spread_by_the_largest_remainder)
{
    /* 100 over 100:200:300 is 16.67, 33.33 and 50. */
    GIVEN(
        &cart, created(), item_added("a", 1, 100), item_added("b", 1, 200), item_added("c", 1, 300),
        applied(amount("hundred", 100)));
    THEN_DISCOUNTS(17, 33, 50);
    /* Of equal remainders the first lines get theirs. */
    GIVEN(
        &cart, created(), item_added("a", 1, 9), item_added("b", 1, 9), item_added("c", 1, 9),
        applied(amount("five", 5)));
    THEN_DISCOUNTS(2, 2, 1);
}
END_TEST

START_TEST(an_amount_takes_no_more_than_there_is)
{
    GIVEN(
        &cart, created(), item_added("a", 1, 100), item_added("free", 1, 0),
        applied(amount("much", CART_AMOUNT_MAX)));
    THEN_DISCOUNTS(100, 0);
    then_coupon("much", CART_COUPON_APPLIED, 100);
    GIVEN(&cart, created(), item_added("free", 1, 0), applied(amount("much", 5)));
    then_coupon("much", CART_COUPON_APPLIED, 0);
    ck_assert(!cart_coupon_is_used(&cart.coupons[0]));
    GIVEN(&cart, created(), applied(amount("much", 5)));
    then_coupon("much", CART_COUPON_APPLIED, 0);
}
END_TEST

START_TEST(percentages_come_first_and_each_takes_from_what_is_left)
{
    GIVEN(
        &cart, created(), item_added("a", 1, 1000), applied(amount("five", 500)),
        applied(percent("half", 5000)), applied(percent("tenth", 1000)));
    then_coupon("half", CART_COUPON_APPLIED, 500);
    then_coupon("tenth", CART_COUPON_APPLIED, 50);
    then_coupon("five", CART_COUPON_APPLIED, 450);
    THEN_DISCOUNTS(1000);
    ck_assert_str_eq(cart.coupons[0].code, "five");
}
END_TEST

START_TEST(skus_and_tags_say_which_lines)
{
    static const char *const tea = "tea";
    static const char *const sale = "sale";
    GIVEN(
        &cart, created(), tagged("tea", 100, NULL), tagged("mug", 100, "[\"new\",\"sale\"]"),
        tagged("cup", 100, "[\"wholesale\"]"),
        applied(only_for(percent("both", 1000), &tea, &sale)));
    THEN_DISCOUNTS(10, 10, 0);
    GIVEN(
        &cart, created(), item_added("cup", 1, 100),
        applied(only_for(amount("t", 50), &tea, NULL)));
    then_coupon("t", CART_COUPON_NOT_FOR_THESE_ITEMS, 0);
    struct cart_event add = item_added("tea", 1, 30);
    cart_evolve(&cart, &add, SCENE_T0_US);
    then_coupon("t", CART_COUPON_APPLIED, 30);
    THEN_DISCOUNTS(0, 30);
}
END_TEST

START_TEST(a_minimum_is_that_of_the_lines_that_it_is_for)
{
    static const char *const tea = "tea";
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), item_added("mug", 1, 900),
        applied(from(only_for(percent("t", 5000), &tea, NULL), 101)));
    then_coupon("t", CART_COUPON_MINIMUM_NOT_MET, 0);
    struct cart_event more = item_quantity_changed("tea", 2);
    cart_evolve(&cart, &more, SCENE_T0_US);
    then_coupon("t", CART_COUPON_APPLIED, 100);
    /* Without what other coupons take off. */
    struct cart_event half = applied(percent("half", 9000));
    cart_evolve(&cart, &half, SCENE_T0_US);
    then_coupon("t", CART_COUPON_APPLIED, 100);
}
END_TEST

START_TEST(what_is_limited_for_each_customer_needs_one)
{
    GIVEN(
        &cart, created_by_guest(), item_added("tea", 1, 100),
        applied(once_a_customer(percent("once", 5000))));
    then_coupon("once", CART_COUPON_NEEDS_CUSTOMER, 0);
    THEN_DISCOUNTS(0);
    struct cart_event claim = claimed_by("ada");
    cart_evolve(&cart, &claim, SCENE_T0_US);
    then_coupon("once", CART_COUPON_APPLIED, 50);
}
END_TEST

START_TEST(totals_are_stale_if_a_claim_makes_a_coupon_take_something_off)
{
    GIVEN(
        &cart, created_by_guest(), item_added("tea", 1, 100),
        applied(once_a_customer(percent("once", 5000))), total_set("tax", 7), claimed_by("ada"));
    ck_assert(cart.totals[0].is_stale);
    GIVEN(
        &cart, created_by_guest(), item_added("tea", 1, 100), applied(percent("any", 5000)),
        total_set("tax", 7), claimed_by("ada"));
    ck_assert(!cart.totals[0].is_stale);
}
END_TEST

START_TEST(in_another_currency_an_amount_is_for_nothing)
{
    static const struct cart_item_price prices[] = {{"tea", 400}};
    struct cart_event change = {
        .type = CART_EVENT_CURRENCY_CHANGED,
        .currency_changed = {.currency = "USD", .prices = prices, .n_prices = 1}};
    GIVEN(
        &cart, created(), item_added("tea", 1, 500), applied(amount("five", 100)),
        applied(from(percent("half", 5000), 1000)));
    then_coupon("five", CART_COUPON_APPLIED, 100);
    then_coupon("half", CART_COUPON_MINIMUM_NOT_MET, 0);
    cart_evolve(&cart, &change, SCENE_T0_US);
    then_coupon("five", CART_COUPON_NOT_FOR_THESE_ITEMS, 0);
    then_coupon("half", CART_COUPON_APPLIED, 200);
    THEN_DISCOUNTS(200);
}
END_TEST

START_TEST(lines_that_become_one_have_one_discount)
{
    struct cart_event merge = {.type = CART_EVENT_ITEM_MERGED, .item_merged = {"tea~1", "tea", 1}};
    GIVEN(
        &cart, created(), item_added("tea", 1, 100),
        special_item_added("tea~1", "tea", "{\"size\":\"L\"}"), applied(amount("a", 51)));
    THEN_DISCOUNTS(26, 25);
    cart_evolve(&cart, &merge, SCENE_T0_US);
    THEN_DISCOUNTS(51);
    struct cart_event all = cleared();
    cart_evolve(&cart, &all, SCENE_T0_US);
    ck_assert_int_eq(cart.total_minor, 0);
    ck_assert_uint_eq(cart.n_coupons, 1);
}
END_TEST

START_TEST(a_coupon_that_goes_or_lapses_takes_its_discount_along)
{
    struct cart_event facts[] = {lapsed("half", CART_COUPON_EXPIRED), removed("half")};
    for (size_t i = 0; i < 2; i++) {
        GIVEN(
            &cart, created(), item_added("tea", 1, 100), total_set("tax", 7),
            applied(percent("half", 5000)));
        ck_assert_int_eq(cart.total_minor, 50 + 7);
        ck_assert(cart.totals[0].is_stale);
        struct cart_event fresh = total_set("tax", 7);
        cart_evolve(&cart, &fresh, SCENE_T0_US);
        cart_evolve(&cart, &facts[i], SCENE_T0_US);
        ck_assert_int_eq(cart.total_minor, 107);
        ck_assert_int_eq(cart.lines[0].discount_minor, 0);
        ck_assert(cart.totals[0].is_stale);
    }
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), applied(percent("half", 5000)), facts[0],
        item_added("tea", 1, 100));
    then_coupon("half", CART_COUPON_EXPIRED, 0);
    struct cart_event anew = applied(percent("half", 5000));
    cart_evolve(&cart, &anew, SCENE_T0_US);
    then_coupon("half", CART_COUPON_APPLIED, 100);
    ck_assert_uint_eq(cart.n_coupons, 1);
}
END_TEST

static uint64_t random_state;

static int64_t random_below(int64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)((random_state >> 1) % (uint64_t)limit);
}

/* Nobody's share differs from its exact one by a whole unit, and together they are the amount. */
static void then_spread_is_fair(int64_t amount_minor)
{
    __extension__ typedef __int128 wide;
    int64_t given_minor = 0;
    if (amount_minor > cart.subtotal_minor)
        amount_minor = cart.subtotal_minor;
    for (size_t i = 0; i < cart.n_lines; i++) {
        wide off = cart.lines[i].discount_minor;
        wide exact = (wide)amount_minor * cart_line_subtotal_minor(&cart.lines[i]);
        ck_assert(off * cart.subtotal_minor - exact < cart.subtotal_minor);
        ck_assert(exact - off * cart.subtotal_minor < cart.subtotal_minor);
        ck_assert_int_ge(cart_line_total_minor(&cart.lines[i]), 0);
        given_minor += cart.lines[i].discount_minor;
    }
    ck_assert_int_eq(given_minor, amount_minor);
    ck_assert_int_eq(cart.discount_minor, amount_minor);
}

START_TEST(every_spread_is_exact_and_fair)
{
    static char skus[CART_LINES_MAX][16];
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
    for (int round = 0; round < 200; round++) {
        struct cart_event first = created();
        int n_lines = 1 + (int)random_below(round % 10 == 0 ? CART_LINES_MAX : 12);
        int64_t most = round % 3 == 0 ? CART_AMOUNT_MAX / CART_LINES_MAX : 1 + random_below(5000);
        cart_clear(&cart);
        cart_evolve(&cart, &first, SCENE_T0_US);
        for (int i = 0; i < n_lines; i++) {
            (void)snprintf(skus[i], sizeof skus[i], "sku-%d", i); /* fits */
            struct cart_event event = item_added(skus[i], 1, random_below(most));
            cart_evolve(&cart, &event, SCENE_T0_US);
        }
        begin();
        int64_t amount_minor = 1 + random_below(2 * cart.subtotal_minor + 1);
        struct cart_event event = applied(amount("spread", amount_minor));
        cart_evolve(&cart, &event, SCENE_T0_US);
        then_spread_is_fair(amount_minor);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_coupons");
    TCase *coupons = tcase_create("coupons");
    tcase_add_checked_fixture(coupons, begin, NULL);
    tcase_add_test(coupons, a_percentage_is_rounded_once_a_line_half_away_from_zero);
    tcase_add_test(coupons, a_percentage_of_the_largest_amount_is_exact);
    tcase_add_test(coupons, an_amount_is_spread_by_the_largest_remainder);
    tcase_add_test(coupons, an_amount_takes_no_more_than_there_is);
    tcase_add_test(coupons, percentages_come_first_and_each_takes_from_what_is_left);
    tcase_add_test(coupons, skus_and_tags_say_which_lines);
    tcase_add_test(coupons, a_minimum_is_that_of_the_lines_that_it_is_for);
    tcase_add_test(coupons, what_is_limited_for_each_customer_needs_one);
    tcase_add_test(coupons, totals_are_stale_if_a_claim_makes_a_coupon_take_something_off);
    tcase_add_test(coupons, in_another_currency_an_amount_is_for_nothing);
    tcase_add_test(coupons, lines_that_become_one_have_one_discount);
    tcase_add_test(coupons, a_coupon_that_goes_or_lapses_takes_its_discount_along);
    tcase_add_loop_test(coupons, every_spread_is_exact_and_fair, 0, 4);
    suite_add_tcase(suite, coupons);
    return support_run(suite);
}
