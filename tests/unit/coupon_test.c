#include <string.h>

#include "coupon.h"
#include "support.h"

#define NOW_US INT64_C(1764490000000000)
#define DAY_US INT64_C(86400000000)

static struct coupon_definition summer(void)
{
    return (struct coupon_definition){
        .code = "SUMMER",
        .percent_hundredths = 1250,
        .starts_at_us = COUPON_TIME_NONE,
        .ends_at_us = COUPON_TIME_NONE,
    };
}

static struct coupon_event defined(struct coupon_definition definition)
{
    return (struct coupon_event){.type = COUPON_EVENT_DEFINED, .defined = definition};
}

static struct coupon_event withdrawn(void)
{
    return (struct coupon_event){.type = COUPON_EVENT_WITHDRAWN};
}

static const struct coupon_use use = {.cart_id = "cart-1", .customer_id = "ann"};

static struct coupon_event redeemed(void)
{
    return (struct coupon_event){.type = COUPON_EVENT_REDEEMED, .redeemed = use};
}

static struct coupon_event released(void)
{
    return (struct coupon_event){.type = COUPON_EVENT_RELEASED, .released = use};
}

static struct coupon given_events(const struct coupon_event *events, size_t n_events)
{
    struct coupon coupon = {.version = 0};
    for (size_t i = 0; i < n_events; i++)
        coupon_evolve(&coupon, &events[i], NOW_US + (int64_t)i);
    return coupon;
}

#define GIVEN(coupon, ...)                                                                         \
    const struct coupon_event coupon##_events[] = {__VA_ARGS__};                                   \
    struct coupon coupon =                                                                         \
        given_events(coupon##_events, sizeof coupon##_events / sizeof coupon##_events[0])

static struct coupon_decision when_defined_as(
    const struct coupon *coupon, struct coupon_definition definition)
{
    const struct coupon_command command = {.type = COUPON_COMMAND_DEFINE, .definition = definition};
    struct coupon_decision decision;
    memset(&decision, 0x5a, sizeof decision);
    coupon_decide(coupon, &command, &decision);
    return decision;
}

static struct coupon_decision when_withdrawn(const struct coupon *coupon)
{
    const struct coupon_command command = {.type = COUPON_COMMAND_WITHDRAW};
    struct coupon_decision decision;
    memset(&decision, 0x5a, sizeof decision);
    coupon_decide(coupon, &command, &decision);
    return decision;
}

static enum coupon_usability when_redeemed(const struct coupon *coupon, int64_t now_us)
{
    struct coupon_event event = {.type = COUPON_EVENT_WITHDRAWN};
    enum coupon_usability usability = coupon_redeem(coupon, now_us, use, &event);
    if (usability == COUPON_USABLE) {
        ck_assert_int_eq(event.type, COUPON_EVENT_REDEEMED);
        ck_assert_str_eq(event.redeemed.cart_id, "cart-1");
        ck_assert_str_eq(event.redeemed.customer_id, "ann");
    } else {
        ck_assert_int_eq(event.type, COUPON_EVENT_WITHDRAWN); /* untouched */
    }
    return usability;
}

/* ---- its owner's commands -------------------------------------------------------------------- */

START_TEST(a_definition_is_recorded_whole)
{
    struct coupon none = {.version = 0};
    struct coupon_definition wanted = summer();
    wanted.limit = 10;
    struct coupon_decision decision = when_defined_as(&none, wanted);
    ck_assert_int_eq(decision.outcome, COUPON_ACCEPTED);
    ck_assert_int_eq(decision.event.type, COUPON_EVENT_DEFINED);
    ck_assert_str_eq(decision.event.defined.code, "SUMMER");
    ck_assert_int_eq(decision.event.defined.percent_hundredths, 1250);
    ck_assert_int_eq(decision.event.defined.limit, 10);
}
END_TEST

START_TEST(the_same_definition_again_is_already_so)
{
    GIVEN(coupon, defined(summer()));
    ck_assert_int_eq(when_defined_as(&coupon, summer()).outcome, COUPON_ALREADY_SO);
}
END_TEST

/* Each member makes a difference. */
START_TEST(another_definition_is_a_change)
{
    static const struct coupon_money euro = {.currency = "EUR", .amount_minor = 300};
    static const struct coupon_money more = {.currency = "EUR", .amount_minor = 301};
    static const char *const tea[] = {"tea"}, *const coffee[] = {"coffee"};
    struct coupon_definition base = summer();
    base.minimums = (struct coupon_amounts){.list = &euro, .n = 1};
    base.skus = (struct coupon_texts){.list = tea, .n = 1};
    base.tags = (struct coupon_texts){.list = tea, .n = 1};
    GIVEN(coupon, defined(base));
    ck_assert_int_eq(when_defined_as(&coupon, base).outcome, COUPON_ALREADY_SO);

    struct coupon_definition others[12];
    for (size_t i = 0; i < 12; i++)
        others[i] = base;
    others[0].code = "Summer";
    others[1].percent_hundredths = 1251;
    others[2].amounts = base.minimums;
    others[3].minimums.list = &more;
    others[4].minimums.n = 0;
    others[5].skus.list = coffee;
    others[6].tags.list = coffee;
    others[7].starts_at_us = NOW_US;
    others[8].ends_at_us = NOW_US;
    others[9].limit = 1;
    others[10].limit_per_customer = 1;
    others[11].is_combinable = true;
    for (size_t i = 0; i < 12; i++)
        ck_assert_int_eq(when_defined_as(&coupon, others[i]).outcome, COUPON_ACCEPTED);
}
END_TEST

START_TEST(a_withdrawn_coupon_may_be_defined_again)
{
    GIVEN(coupon, defined(summer()), withdrawn());
    ck_assert_int_eq(coupon_find_usability(&coupon, NOW_US), COUPON_WITHDRAWN);
    struct coupon_decision decision = when_defined_as(&coupon, summer());
    ck_assert_int_eq(decision.outcome, COUPON_ACCEPTED);
    coupon_evolve(&coupon, &decision.event, NOW_US + DAY_US);
    ck_assert_int_eq(coupon_find_usability(&coupon, NOW_US), COUPON_USABLE);
    ck_assert_int_eq(coupon.version, 3);
    ck_assert_int_eq(coupon.updated_at_us, NOW_US + DAY_US);
}
END_TEST

START_TEST(a_withdrawn_coupon_may_be_left_so)
{
    GIVEN(coupon, defined(summer()), withdrawn());
    const struct coupon_command command = {
        .type = COUPON_COMMAND_DEFINE, .definition = summer(), .leaves_withdrawn = true};
    struct coupon_decision decision;
    coupon_decide(&coupon, &command, &decision);
    ck_assert_int_eq(decision.outcome, COUPON_ALREADY_SO);
    const struct coupon none = {.version = 0};
    coupon_decide(&none, &command, &decision);
    ck_assert_int_eq(decision.outcome, COUPON_ACCEPTED);
}
END_TEST

START_TEST(a_coupon_is_withdrawn_once)
{
    GIVEN(coupon, defined(summer()));
    struct coupon_decision decision = when_withdrawn(&coupon);
    ck_assert_int_eq(decision.outcome, COUPON_ACCEPTED);
    coupon_evolve(&coupon, &decision.event, NOW_US);
    ck_assert(coupon.is_withdrawn);
    ck_assert_int_eq(when_withdrawn(&coupon).outcome, COUPON_ALREADY_SO);
}
END_TEST

START_TEST(what_was_never_defined_is_not_withdrawn)
{
    struct coupon none = {.version = 0};
    ck_assert_int_eq(when_withdrawn(&none).outcome, COUPON_NOT_FOUND);
}
END_TEST

/* ---- a cart's side --------------------------------------------------------------------------- */

START_TEST(what_was_never_defined_is_not_redeemed)
{
    struct coupon none = {.version = 0};
    ck_assert_int_eq(when_redeemed(&none, NOW_US), COUPON_UNKNOWN);
}
END_TEST

START_TEST(a_withdrawn_coupon_is_not_redeemed)
{
    GIVEN(coupon, defined(summer()), withdrawn());
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_WITHDRAWN);
}
END_TEST

START_TEST(a_coupon_is_redeemed_from_its_start_to_before_its_end)
{
    struct coupon_definition definition = summer();
    definition.starts_at_us = NOW_US;
    definition.ends_at_us = NOW_US + DAY_US;
    GIVEN(coupon, defined(definition));
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US - 1), COUPON_NOT_STARTED);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_USABLE);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US + DAY_US - 1), COUPON_USABLE);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US + DAY_US), COUPON_EXPIRED);
}
END_TEST

/* Whatever comes in whatever order: it is never redeemed more often than it may be. */
START_TEST(a_limit_holds_in_any_order_of_uses_and_releases)
{
    struct coupon_definition definition = summer();
    definition.limit = 3;
    GIVEN(coupon, defined(definition));
    uint32_t random = 1;
    int64_t n_used = 0;
    for (int i = 0; i < 10000; i++) {
        random = random * 1664525U + 1013904223U;
        struct coupon_event event;
        bool is_release = random >> 30 == 0;
        bool is_recorded = is_release
                               ? coupon_release(&coupon, use, &event)
                               : coupon_redeem(&coupon, NOW_US, use, &event) == COUPON_USABLE;
        ck_assert(is_recorded == (is_release ? n_used > 0 : n_used < 3));
        if (is_recorded) {
            coupon_evolve(&coupon, &event, NOW_US);
            n_used += is_release ? -1 : 1;
        }
        ck_assert_int_eq(coupon.n_redeemed, n_used);
    }
}
END_TEST

START_TEST(a_coupon_without_a_limit_is_redeemed_any_number_of_times)
{
    GIVEN(coupon, defined(summer()));
    coupon.n_redeemed = INT64_MAX - 1;
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_USABLE);
}
END_TEST

START_TEST(a_lower_limit_leaves_the_uses_and_allows_no_more)
{
    struct coupon_definition fewer = summer();
    fewer.limit = 1;
    GIVEN(coupon, defined(summer()), redeemed(), redeemed());
    struct coupon_decision decision = when_defined_as(&coupon, fewer);
    ck_assert_int_eq(decision.outcome, COUPON_ACCEPTED);
    coupon_evolve(&coupon, &decision.event, NOW_US);
    ck_assert_int_eq(coupon.n_redeemed, 2);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_EXHAUSTED);

    struct coupon_event event = released(); /* one of two: that is still as many as it may be */
    coupon_evolve(&coupon, &event, NOW_US);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_EXHAUSTED);
    coupon_evolve(&coupon, &event, NOW_US);
    ck_assert_int_eq(when_redeemed(&coupon, NOW_US), COUPON_USABLE);
}
END_TEST

START_TEST(a_use_is_given_back_whatever_became_of_the_coupon)
{
    GIVEN(coupon, defined(summer()), redeemed(), withdrawn());
    struct coupon_event event;
    ck_assert(coupon_release(&coupon, use, &event));
    ck_assert_int_eq(event.type, COUPON_EVENT_RELEASED);
    ck_assert_str_eq(event.released.cart_id, "cart-1");
    coupon_evolve(&coupon, &event, NOW_US);
    ck_assert_int_eq(coupon.n_redeemed, 0);
    ck_assert(!coupon_release(&coupon, use, &event));
}
END_TEST

START_TEST(an_amount_is_found_by_its_currency)
{
    static const struct coupon_money list[] = {
        {.currency = "EUR", .amount_minor = 300}, {.currency = "USD", .amount_minor = 350}};
    const struct coupon_amounts amounts = {.list = list, .n = 2};
    const struct coupon_amounts none = {.n = 0};
    int64_t found_minor = -1;
    ck_assert(coupon_find_amount(&amounts, "USD", &found_minor));
    ck_assert_int_eq(found_minor, 350);
    ck_assert(!coupon_find_amount(&amounts, "CHF", &found_minor));
    ck_assert(!coupon_find_amount(&none, "EUR", &found_minor));
    ck_assert_int_eq(found_minor, 350);
}
END_TEST

START_TEST(a_coupon_that_names_nothing_covers_each_line)
{
    struct coupon_definition definition = summer();
    ck_assert(coupon_covers(&definition, "tea", NULL));
}
END_TEST

START_TEST(a_coupon_covers_lines_with_its_skus_or_tags)
{
    static const char *const skus[] = {"coffee", "tea"}, *const tags[] = {"new", "organic"};
    struct coupon_definition definition = summer();
    definition.skus = (struct coupon_texts){.list = skus, .n = 2};
    definition.tags = (struct coupon_texts){.list = tags, .n = 2};
    ck_assert(coupon_covers(&definition, "tea", NULL));
    ck_assert(coupon_covers(&definition, "cup", "[\"organic\"]"));
    ck_assert(coupon_covers(&definition, "cup", "[\"blue\",\"organic\"]"));
    ck_assert(!coupon_covers(&definition, "cup", NULL));
    ck_assert(!coupon_covers(&definition, "te", NULL));
    ck_assert(!coupon_covers(&definition, "teapot", NULL));
    ck_assert(!coupon_covers(&definition, "cup", "[]"));
    ck_assert(!coupon_covers(&definition, "cup", "[\"tea\",\"organi\",\"organics\",\",\"]"));
    ck_assert(!coupon_covers(&definition, "cup", "[\"organi"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coupon");
    TCase *commands = tcase_create("commands");
    tcase_add_test(commands, a_definition_is_recorded_whole);
    tcase_add_test(commands, the_same_definition_again_is_already_so);
    tcase_add_test(commands, another_definition_is_a_change);
    tcase_add_test(commands, a_withdrawn_coupon_may_be_defined_again);
    tcase_add_test(commands, a_withdrawn_coupon_may_be_left_so);
    tcase_add_test(commands, a_coupon_is_withdrawn_once);
    tcase_add_test(commands, what_was_never_defined_is_not_withdrawn);
    suite_add_tcase(suite, commands);
    TCase *uses = tcase_create("uses");
    tcase_add_test(uses, what_was_never_defined_is_not_redeemed);
    tcase_add_test(uses, a_withdrawn_coupon_is_not_redeemed);
    tcase_add_test(uses, a_coupon_is_redeemed_from_its_start_to_before_its_end);
    tcase_add_test(uses, a_limit_holds_in_any_order_of_uses_and_releases);
    tcase_add_test(uses, a_coupon_without_a_limit_is_redeemed_any_number_of_times);
    tcase_add_test(uses, a_lower_limit_leaves_the_uses_and_allows_no_more);
    tcase_add_test(uses, a_use_is_given_back_whatever_became_of_the_coupon);
    tcase_add_test(uses, an_amount_is_found_by_its_currency);
    tcase_add_test(uses, a_coupon_that_names_nothing_covers_each_line);
    tcase_add_test(uses, a_coupon_covers_lines_with_its_skus_or_tags);
    suite_add_tcase(suite, uses);
    return support_run(suite);
}
