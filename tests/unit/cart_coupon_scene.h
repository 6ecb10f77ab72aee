/*
 * What the tests of coupons in a cart share: short words for coupons and what becomes of them.
 */
#ifndef CARTD_CART_COUPON_SCENE_H
#define CARTD_CART_COUPON_SCENE_H

#include "cart_scene.h"

static struct cart cart;

/* ---- coupons --------------------------------------------------------------------------------- */

enum { SCENE_COUPONS_MAX = 16 };
static struct coupon_definition definitions[SCENE_COUPONS_MAX];
static struct coupon_money moneys[2 * SCENE_COUPONS_MAX];
static size_t n_definitions;

static inline struct coupon_definition *define(const char *code)
{
    struct coupon_definition *definition = &definitions[n_definitions++];
    ck_assert_uint_le(n_definitions, SCENE_COUPONS_MAX);
    *definition = (struct coupon_definition){
        .code = code,
        .starts_at_us = COUPON_TIME_NONE,
        .ends_at_us = COUPON_TIME_NONE,
        .is_combinable = true,
    };
    return definition;
}

static inline struct coupon_definition *percent(const char *code, int32_t percent_hundredths)
{
    struct coupon_definition *definition = define(code);
    definition->percent_hundredths = percent_hundredths;
    return definition;
}

static inline struct coupon_amounts euros(int64_t amount_minor)
{
    static size_t n;
    struct coupon_money *money = &moneys[n++ % (2 * SCENE_COUPONS_MAX)];
    *money = (struct coupon_money){.currency = "EUR", .amount_minor = amount_minor};
    return (struct coupon_amounts){.list = money, .n = 1};
}

static inline struct coupon_definition *amount(const char *code, int64_t amount_minor)
{
    struct coupon_definition *definition = define(code);
    definition->amounts = euros(amount_minor);
    return definition;
}

static inline struct coupon_definition *only_for(
    struct coupon_definition *definition, const char *const *sku, const char *const *tag)
{
    if (sku != NULL)
        definition->skus = (struct coupon_texts){.list = sku, .n = 1};
    if (tag != NULL)
        definition->tags = (struct coupon_texts){.list = tag, .n = 1};
    return definition;
}

static inline struct coupon_definition *from(
    struct coupon_definition *definition, int64_t minimum_minor)
{
    definition->minimums = euros(minimum_minor);
    return definition;
}

static inline struct coupon_definition *once_a_customer(struct coupon_definition *definition)
{
    definition->limit_per_customer = 1;
    return definition;
}

static inline struct coupon_definition *alone(struct coupon_definition *definition)
{
    definition->is_combinable = false;
    return definition;
}

static inline struct cart_event applied(const struct coupon_definition *definition)
{
    return (struct cart_event){
        .type = CART_EVENT_COUPON_APPLIED,
        .coupon_applied = {.code = definition->code, .definition = definition},
    };
}

static inline struct cart_event removed(const char *code)
{
    return (struct cart_event){.type = CART_EVENT_COUPON_REMOVED, .coupon_removed = {.code = code}};
}

static inline struct cart_event lapsed(const char *code, enum cart_coupon_state state)
{
    return (struct cart_event){
        .type = CART_EVENT_COUPON_LAPSED, .coupon_lapsed = {.code = code, .state = state}};
}

static inline struct cart_event tagged(const char *sku, int64_t price_minor, const char *tags)
{
    struct cart_event event = item_added(sku, 1, price_minor);
    event.item_added.tags = tags;
    return event;
}

/* What every coupon is at the moment. */
static struct cart_coupon_offer the_offer;

static inline struct cart_coupon_offer find_coupon(void *context, const char *code)
{
    (void)context;
    (void)code;
    return the_offer;
}

static inline struct cart_decision decide(struct cart_command command)
{
    static struct cart_offer offer;
    struct cart_request request = {.caller = {.may_all = true}};
    offer = priced(100);
    const struct cart_known known = {
        .find_offer = offer_of_scene,
        .find_coupon = find_coupon,
        .context = &offer,
        .recorded_version = cart.version,
        .request = &request,
    };
    return decide_knowing(&cart, command, &known);
}

static inline struct cart_decision apply(const struct coupon_definition *definition)
{
    the_offer = (struct cart_coupon_offer){COUPON_USABLE, definition};
    return decide((struct cart_command){
        .type = CART_COMMAND_APPLY_COUPON, .apply_coupon = {.code = definition->code}});
}

static inline struct cart_decision apply_unusable(const char *code, enum coupon_usability usability)
{
    the_offer = (struct cart_coupon_offer){.usability = usability};
    return decide(
        (struct cart_command){.type = CART_COMMAND_APPLY_COUPON, .apply_coupon = {.code = code}});
}

static inline struct cart_decision remove_coupon(const char *code)
{
    return decide(
        (struct cart_command){.type = CART_COMMAND_REMOVE_COUPON, .remove_coupon = {.code = code}});
}

static inline void then_coupon(const char *code, enum cart_coupon_state state, int64_t amount_minor)
{
    const struct cart_coupon *coupon = cart_find_coupon(&cart, code);
    ck_assert_ptr_nonnull(coupon);
    ck_assert_int_eq(coupon->state, state);
    ck_assert_int_eq(coupon->amount_minor, amount_minor);
}

static inline void then_discounts(const int64_t *discounts, size_t n)
{
    int64_t sum_minor = 0;
    ck_assert_uint_eq(cart.n_lines, n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(cart.lines[i].discount_minor, discounts[i]);
        sum_minor += discounts[i];
    }
    ck_assert_int_eq(cart.discount_minor, sum_minor);
    ck_assert_int_eq(cart.total_minor, cart.subtotal_minor - sum_minor);
}
#define THEN_DISCOUNTS(...)                                                                        \
    then_discounts(                                                                                \
        (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static inline void begin(void)
{
    n_definitions = 0;
}

#endif
