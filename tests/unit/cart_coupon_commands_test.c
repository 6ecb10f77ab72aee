#include "cart_coupon_scene.h"

#include <stdlib.h>

/* Coupons are applied and removed, looked at again, and come back with what was. */

/* ---- commands -------------------------------------------------------------------------------- */

START_TEST(applying_copies_what_the_coupon_is)
{
    struct coupon_definition *half = from(percent("half", 5000), 1000);
    GIVEN(&cart, created(), item_added("tea", 1, 100));
    struct cart_event event = then_event(apply(half), CART_EVENT_COUPON_APPLIED);
    ck_assert_str_eq(event.coupon_applied.code, "half");
    ck_assert_ptr_eq(event.coupon_applied.definition, half);
    cart_evolve(&cart, &event, SCENE_T0_US);
    then_coupon("half", CART_COUPON_MINIMUM_NOT_MET, 0);
    then_already_so(apply(half));
}
END_TEST

START_TEST(what_is_not_usable_is_refused_in_one_way)
{
    static const enum coupon_usability unusable[] = {
        COUPON_UNKNOWN, COUPON_WITHDRAWN, COUPON_NOT_STARTED, COUPON_EXPIRED, COUPON_EXHAUSTED};
    GIVEN(&cart, created(), item_added("tea", 1, 100));
    for (size_t i = 0; i < sizeof unusable / sizeof unusable[0]; i++) {
        struct cart_decision decision = apply_unusable("x", unusable[i]);
        then_refused(decision, CART_REFUSED_COUPON_NOT_APPLICABLE);
        ck_assert_int_eq(decision.coupon_usability, unusable[i]);
    }
}
END_TEST

START_TEST(one_that_has_lapsed_can_be_applied_anew)
{
    struct coupon_definition *half = alone(percent("half", 5000));
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), applied(half),
        lapsed("half", CART_COUPON_EXHAUSTED));
    then_refused(apply_unusable("half", COUPON_EXHAUSTED), CART_REFUSED_COUPON_NOT_APPLICABLE);
    (void)then_event(apply(half), CART_EVENT_COUPON_APPLIED);
}
END_TEST

START_TEST(what_does_not_combine_is_alone)
{
    GIVEN(&cart, created(), applied(percent("a", 100)));
    then_refused(apply(alone(percent("b", 100))), CART_REFUSED_COUPONS_NOT_COMBINABLE);
    (void)then_event(apply(percent("c", 100)), CART_EVENT_COUPON_APPLIED);
    GIVEN(&cart, created(), applied(alone(percent("a", 100))));
    then_refused(apply(percent("b", 100)), CART_REFUSED_COUPONS_NOT_COMBINABLE);
}
END_TEST

START_TEST(a_cart_has_at_most_so_many_coupons)
{
    static char codes[CART_COUPONS_MAX][4];
    GIVEN(&cart, created(), item_added("tea", 1, 100));
    for (int i = 0; i < CART_COUPONS_MAX; i++) {
        (void)snprintf(codes[i], sizeof codes[i], "c%d", i); /* fits */
        struct cart_event event = applied(percent(codes[i], 100));
        cart_evolve(&cart, &event, SCENE_T0_US);
    }
    then_refused(apply(percent("more", 100)), CART_REFUSED_TOO_MANY_COUPONS);
    then_refused(apply_unusable("more", COUPON_UNKNOWN), CART_REFUSED_TOO_MANY_COUPONS);
    /* History is true: one too many is not made room for. */
    struct cart_event event = applied(percent("more", 100));
    cart_evolve(&cart, &event, SCENE_T0_US);
    ck_assert_uint_eq(cart.n_coupons, CART_COUPONS_MAX);
    ck_assert_ptr_null(cart_find_coupon(&cart, "more"));
}
END_TEST

START_TEST(removing_is_always_possible)
{
    GIVEN(&cart, created(), applied(percent("a", 100)));
    (void)then_event(remove_coupon("a"), CART_EVENT_COUPON_REMOVED);
    then_already_so(remove_coupon("b"));
    GIVEN(&cart, created(), applied(percent("a", 100)), cancelled());
    then_refused(remove_coupon("a"), CART_REFUSED_IS_CLOSED);
}
END_TEST

START_TEST(a_checkout_is_at_the_total_with_coupons_if_they_can_be_redeemed)
{
    struct coupon_definition *half = percent("half", 5000);
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(half));
    the_offer = (struct cart_coupon_offer){COUPON_USABLE, half};
    then_refused(decide(check_out_expecting(100)), CART_REFUSED_TOTAL_CHANGED);
    struct cart_event event = then_event(decide(check_out_expecting(50)), CART_EVENT_CHECKED_OUT);
    ck_assert_int_eq(event.checked_out.total_minor, 50);
    the_offer = (struct cart_coupon_offer){.usability = COUPON_EXHAUSTED};
    struct cart_decision decision = decide(check_out());
    then_refused(decision, CART_REFUSED_COUPONS_CHANGED);
    ck_assert_uint_eq(decision.n_coupons, 1);
    ck_assert_str_eq(decision.coupons[0].code, "half");
    ck_assert_int_eq(decision.coupons[0].state, CART_COUPON_EXHAUSTED);
    ck_assert_int_eq(decision.coupons[0].amount_minor, 50);
}
END_TEST

START_TEST(a_coupon_that_takes_nothing_off_does_not_hinder_a_checkout)
{
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(from(percent("a", 5000), 1000)));
    the_offer = (struct cart_coupon_offer){.usability = COUPON_WITHDRAWN};
    struct cart_event event = then_event(decide(check_out()), CART_EVENT_CHECKED_OUT);
    ck_assert_int_eq(event.checked_out.total_minor, 100);
}
END_TEST

START_TEST(repricing_says_what_has_become_of_coupons)
{
    struct cart_command reprice = {.type = CART_COMMAND_REPRICE};
    struct coupon_definition *half = percent("half", 5000);
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(half));
    the_offer = (struct cart_coupon_offer){COUPON_USABLE, half};
    then_already_so(decide(reprice));
    the_offer = (struct cart_coupon_offer){.usability = COUPON_WITHDRAWN};
    struct cart_event event = then_event(decide(reprice), CART_EVENT_COUPON_LAPSED);
    ck_assert_int_eq(event.coupon_lapsed.state, CART_COUPON_EXPIRED);
    cart_evolve(&cart, &event, SCENE_T0_US);
    then_already_so(decide(reprice));
    (void)then_event(decide(check_out_expecting(100)), CART_EVENT_CHECKED_OUT);
    the_offer = (struct cart_coupon_offer){COUPON_USABLE, half};
    (void)then_event(decide(reprice), CART_EVENT_COUPON_APPLIED);
}
END_TEST

START_TEST(amounts_are_limited_without_discounts)
{
    GIVEN(
        &cart, created(), item_added("tea", 1, CART_AMOUNT_MAX - 100),
        applied(percent("all", 10000)));
    ck_assert_int_eq(cart.total_minor, 0);
    then_refused(when(&cart, add_item("mug", 1), priced(101)), CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)then_event(when(&cart, add_item("mug", 1), priced(100)), CART_EVENT_ITEM_ADDED);
    then_refused(when(&cart, set_total("tax", 101), unknown()), CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)then_event(when(&cart, set_total("tax", 100), unknown()), CART_EVENT_TOTAL_SET);
}
END_TEST

/* ---- what was, and copies -------------------------------------------------------------------- */

static const struct cart *find_past_of_scene(
    void *past, int32_t version, bool is_before_command, bool *is_read)
{
    (void)version;
    (void)is_before_command;
    *is_read = true;
    return past;
}

static void undo_to(struct cart *then)
{
    const struct cart_request request = {.caller = {.may_all = true}};
    const struct cart_known known = {
        .find_past = find_past_of_scene,
        .context = then,
        .recorded_version = cart.version,
        .request = &request,
    };
    struct cart_command undo = {.type = CART_COMMAND_UNDO};
    struct cart_decision decision = decide_knowing(&cart, undo, &known);
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    for (size_t i = 0; i < decision.n_events; i++)
        cart_evolve(&cart, &decision.events[i], SCENE_T0_US);
}

START_TEST(an_undo_brings_the_coupons_of_then_back_in_their_order)
{
    static struct cart then;
    struct coupon_definition *a = percent("a", 1000);
    struct coupon_definition *b = percent("b", 2000);
    struct coupon_definition *c = percent("c", 3000);
    GIVEN(&then, created(), applied(a), applied(b), applied(c));
    GIVEN(&cart, created(), applied(a), applied(b), applied(c), removed("b"));
    ck_assert_int_eq(cart.changed_version, 5);
    undo_to(&then);
    ck_assert_uint_eq(cart.n_coupons, 3);
    for (size_t i = 0; i < cart.n_coupons; i++)
        ck_assert_str_eq(cart.coupons[i].code, then.coupons[i].code);
    GIVEN(&then, created());
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(a));
    undo_to(&then);
    ck_assert_uint_eq(cart.n_coupons, 0);
    ck_assert_int_eq(cart.discount_minor, 0);
}
END_TEST

START_TEST(an_undo_brings_back_what_the_coupon_was_then)
{
    static struct cart then;
    struct coupon_definition *was = percent("a", 1000);
    struct coupon_definition *is = percent("a", 5000);
    GIVEN(&then, created(), item_added("tea", 1, 100), applied(was));
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(was), removed("a"), applied(is));
    undo_to(&then);
    ck_assert_uint_eq(cart.n_coupons, 1);
    ck_assert_int_eq(cart.discount_minor, 10);
}
END_TEST

START_TEST(an_undo_takes_back_that_a_coupon_has_lapsed)
{
    static struct cart then;
    struct coupon_definition *a = percent("a", 1000);
    struct coupon_definition *b = percent("b", 5000);
    GIVEN(&then, created(), item_added("tea", 1, 100), applied(a), applied(b));
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), applied(a), applied(b),
        lapsed("a", CART_COUPON_EXHAUSTED));
    ck_assert_int_eq(cart.changed_version, 5);
    undo_to(&then);
    then_coupon("a", CART_COUPON_APPLIED, 10);
    then_coupon("b", CART_COUPON_APPLIED, 45);
    ck_assert_str_eq(cart.coupons[0].code, "a");
}
END_TEST

START_TEST(what_had_lapsed_then_has_lapsed_again)
{
    static struct cart then;
    struct coupon_definition *a = percent("a", 1000);
    struct coupon_definition *b = percent("b", 5000);
    GIVEN(
        &then, created(), item_added("tea", 1, 100), applied(a),
        lapsed("a", CART_COUPON_EXHAUSTED));
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), applied(a), lapsed("a", CART_COUPON_EXHAUSTED),
        applied(a));
    undo_to(&then);
    then_coupon("a", CART_COUPON_EXHAUSTED, 0);
    GIVEN(&cart, created(), item_added("tea", 1, 100), applied(b), applied(a));
    undo_to(&then);
    ck_assert_uint_eq(cart.n_coupons, 1);
    then_coupon("a", CART_COUPON_EXHAUSTED, 0);
    GIVEN(
        &cart, created(), item_added("tea", 1, 100), applied(a), lapsed("a", CART_COUPON_EXPIRED));
    undo_to(&then);
    then_coupon("a", CART_COUPON_EXHAUSTED, 0);
}
END_TEST

START_TEST(a_copy_and_a_packed_cart_have_them)
{
    static struct cart copy;
    static const char *const tea = "tea";
    static const char *const sale = "sale";
    struct coupon_definition *a = from(only_for(amount("a", 10), &tea, &sale), 50);
    GIVEN(
        &cart, created(), tagged("tea", 100, "[\"sale\"]"), total_set("tax", 7), applied(a),
        applied(percent("b", 1000)));
    struct cart *packed = cart_pack(malloc(cart_packed_size(&cart)), &cart);
    cart_copy(&copy, packed);
    *a = (struct coupon_definition){.code = "gone"};
    const struct coupon_definition *kept = copy.coupons[0].definition;
    ck_assert_str_eq(copy.coupons[0].code, "a");
    ck_assert_str_eq(kept->code, "a");
    ck_assert_str_eq(kept->skus.list[0], "tea");
    ck_assert_ptr_ne(kept->skus.list[0], tea);
    ck_assert_str_eq(kept->tags.list[0], "sale");
    ck_assert_int_eq(kept->amounts.list[0].amount_minor, 10);
    ck_assert_int_eq(kept->minimums.list[0].amount_minor, 50);
    ck_assert_str_eq(copy.lines[0].tags, "[\"sale\"]");
    struct cart_event more = item_added("tea", 1, 100);
    cart_evolve(&copy, &more, SCENE_T0_US);
    ck_assert_int_eq(copy.discount_minor, 20 + 10);
    ck_assert_int_eq(packed->discount_minor, 10 + 10);
    free(packed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cart_coupon_commands");
    TCase *coupons = tcase_create("coupons");
    tcase_add_checked_fixture(coupons, begin, NULL);
    tcase_add_test(coupons, applying_copies_what_the_coupon_is);
    tcase_add_test(coupons, what_is_not_usable_is_refused_in_one_way);
    tcase_add_test(coupons, one_that_has_lapsed_can_be_applied_anew);
    tcase_add_test(coupons, what_does_not_combine_is_alone);
    tcase_add_test(coupons, a_cart_has_at_most_so_many_coupons);
    tcase_add_test(coupons, removing_is_always_possible);
    tcase_add_test(coupons, a_checkout_is_at_the_total_with_coupons_if_they_can_be_redeemed);
    tcase_add_test(coupons, a_coupon_that_takes_nothing_off_does_not_hinder_a_checkout);
    tcase_add_test(coupons, repricing_says_what_has_become_of_coupons);
    tcase_add_test(coupons, amounts_are_limited_without_discounts);
    tcase_add_test(coupons, an_undo_brings_the_coupons_of_then_back_in_their_order);
    tcase_add_test(coupons, an_undo_brings_back_what_the_coupon_was_then);
    tcase_add_test(coupons, an_undo_takes_back_that_a_coupon_has_lapsed);
    tcase_add_test(coupons, what_had_lapsed_then_has_lapsed_again);
    tcase_add_test(coupons, a_copy_and_a_packed_cart_have_them);
    suite_add_tcase(suite, coupons);
    return support_run(suite);
}
