#include "cart_coupons.h"

#include <string.h>

#include "coupon.h"
#include "customer.h"

/* ---- which they are -------------------------------------------------------------------------- */

static bool settles(const struct cart_command *command)
{
    return command->type == CART_COMMAND_CHECK_OUT || command->type == CART_COMMAND_REOPEN ||
           command->type == CART_COMMAND_REPRICE;
}

bool cart_coupons_may_be(const struct cart_command *command)
{
    return command->type == CART_COMMAND_APPLY_COUPON || settles(command);
}

static size_t add_coupon(struct aggregate_stream *others, size_t n, const char *code)
{
    return aggregate_add_stream(
        others, n, (struct aggregate_stream){&aggregate_coupon, aggregate_coupon_id(code)});
}

static size_t add_customer(struct aggregate_stream *others, size_t n, const char *customer_id)
{
    if (customer_id == NULL)
        return n;
    return aggregate_add_stream(
        others, n,
        (struct aggregate_stream){&aggregate_customer, aggregate_customer_id(customer_id)});
}

size_t cart_coupons_list(
    const struct cart *cart, const struct cart_request *request, struct aggregate_stream *others,
    size_t n)
{
    bool is_about_some = false;
    bool is_about_those = false; /* that the cart has */
    for (size_t i = 0; i < request->n_commands; i++) {
        const struct cart_command *command = &request->commands[i];
        is_about_some = is_about_some || command->type == CART_COMMAND_APPLY_COUPON;
        is_about_those = is_about_those || settles(command);
    }
    is_about_those = is_about_those && cart->n_coupons > 0;
    if (is_about_some || is_about_those)
        n = add_customer(others, n, cart->customer_id);
    for (size_t i = 0; is_about_those && i < cart->n_coupons; i++)
        n = add_coupon(others, n, cart->coupons[i].code);
    for (size_t i = 0; is_about_some && i < request->n_commands; i++)
        if (request->commands[i].type == CART_COMMAND_APPLY_COUPON)
            n = add_coupon(others, n, request->commands[i].apply_coupon.code);
    return n;
}

size_t cart_coupons_list_merged(
    const struct cart *merged, const char *customer_id, struct aggregate_stream *others, size_t n)
{
    if (merged->n_coupons > 0)
        n = add_customer(others, n, customer_id);
    for (size_t i = 0; i < merged->n_coupons; i++)
        n = add_coupon(others, n, merged->coupons[i].code);
    return n;
}

/* The state of one; NULL: the request is not about it. */
static const void *find_state(const struct aggregate_others *others, struct base_uuid id)
{
    size_t i = aggregate_find_stream(others->streams, others->n, &id);
    return i < others->n ? others->states[i] : NULL;
}

/* The same; one that the request is not about is asked for. */
static const void *find_or_need(
    const struct aggregate_known *known, const struct aggregate *aggregate, struct base_uuid id)
{
    const void *state = find_state(&known->others, id);
    if (state == NULL)
        known->need_other(known->context, &(struct aggregate_stream){aggregate, id});
    return state;
}

/* ---- what they are --------------------------------------------------------------------------- */

/* The coupon of that code if the cart has it redeemed; NULL: it has not. */
static const struct cart_coupon *find_redeemed(const struct cart *cart, const char *code)
{
    if (cart->status != CART_CHECKED_OUT)
        return NULL;
    const struct cart_coupon *coupon = cart_find_coupon(cart, code);
    return coupon != NULL && cart_coupon_is_used(coupon) ? coupon : NULL;
}

static bool is_for_each_customer(const struct cart_coupon *coupon)
{
    return coupon->definition->limit_per_customer > 0;
}

/* Whose cart it is when the request is done. */
static const char *find_customer_id(const struct cart *before, const struct cart_request *request)
{
    const struct cart_command *first = &request->commands[0];
    return first->type == CART_COMMAND_CLAIM ? first->claim.customer_id : before->customer_id;
}

/* What the cart has redeemed itself comes back when it is reopened, so it does not count. */
static bool is_used_up_by_customer(
    const struct cart *before, const char *customer_id, const struct aggregate_known *known,
    const struct coupon_definition *definition, const char *code)
{
    if (definition->limit_per_customer == 0 || customer_id == NULL)
        return false;
    const struct customer *customer =
        find_or_need(known, &aggregate_customer, aggregate_customer_id(customer_id));
    if (customer == NULL)
        return false;
    const struct cart_coupon *own = find_redeemed(before, code);
    int64_t n_own = own != NULL && is_for_each_customer(own);
    return customer_count_uses(customer, code) - n_own >= definition->limit_per_customer;
}

struct cart_coupon_offer cart_coupons_find(
    const struct cart *before, const struct cart_request *request,
    const struct aggregate_known *known, const char *code)
{
    const struct coupon *state = find_or_need(known, &aggregate_coupon, aggregate_coupon_id(code));
    if (state == NULL)
        return (struct cart_coupon_offer){.usability = COUPON_UNKNOWN};
    struct coupon coupon = *state;
    coupon.n_redeemed -= find_redeemed(before, code) != NULL;
    enum coupon_usability usability = coupon_find_usability(&coupon, request->asked_at_us);
    if (usability == COUPON_USABLE &&
        is_used_up_by_customer(
            before, find_customer_id(before, request), known, &state->definition, code))
        usability = COUPON_EXHAUSTED;
    return (struct cart_coupon_offer){
        .usability = usability,
        .definition = usability == COUPON_USABLE ? &state->definition : NULL,
    };
}

/* ---- what becomes of them -------------------------------------------------------------------- */

static void add_effect(struct cart_effects *effects, struct base_uuid id, const void *fact)
{
    effects->list[effects->n++] = (struct aggregate_effect){
        .other = aggregate_find_stream(effects->others->streams, effects->others->n, &id),
        .facts = fact,
        .n_facts = 1};
}

/* One more use. */
static void redeem(
    const struct cart *cart, const struct cart_coupon *coupon, int64_t now_us,
    struct cart_effects *effects)
{
    struct base_uuid id = aggregate_coupon_id(coupon->code);
    const struct coupon *state = find_state(effects->others, id);
    const struct coupon_use use = {.cart_id = effects->cart_id, .customer_id = cart->customer_id};
    struct coupon_event *redeemed = base_arena_alloc(effects->arena, sizeof *redeemed);
    if (state != NULL && coupon_redeem(state, now_us, use, redeemed) == COUPON_USABLE)
        add_effect(effects, id, redeemed);
}

static void release(
    const struct cart *cart, const struct cart_coupon *coupon, struct cart_effects *effects)
{
    struct base_uuid id = aggregate_coupon_id(coupon->code);
    const struct coupon *state = find_state(effects->others, id);
    const struct coupon_use use = {.cart_id = effects->cart_id, .customer_id = cart->customer_id};
    struct coupon_event *released = base_arena_alloc(effects->arena, sizeof *released);
    if (state != NULL && coupon_release(state, use, released))
        add_effect(effects, id, released);
}

/* One more use by the customer. */
static void redeem_for_customer(
    const struct cart *cart, const struct cart_coupon *coupon, struct cart_effects *effects)
{
    struct base_uuid id = aggregate_customer_id(cart->customer_id);
    struct customer_event *used = base_arena_alloc(effects->arena, sizeof *used);
    customer_use_coupon(cart->customer_id, coupon->code, effects->cart_id, used);
    if (find_state(effects->others, id) != NULL)
        add_effect(effects, id, used);
}

static void release_for_customer(
    const struct cart *cart, const struct cart_coupon *coupon, struct cart_effects *effects)
{
    struct base_uuid id = aggregate_customer_id(cart->customer_id);
    const struct customer *customer = find_state(effects->others, id);
    struct customer_event *given_back = base_arena_alloc(effects->arena, sizeof *given_back);
    if (customer != NULL &&
        customer_release_coupon(customer, coupon->code, effects->cart_id, given_back))
        add_effect(effects, id, given_back);
}

/* Whether the cart has it redeemed, and its customer's uses of it are counted. One that was applied
 * again may be so though the one before was not. */
static bool counts_for_customer(const struct cart *cart, const char *code)
{
    const struct cart_coupon *coupon = find_redeemed(cart, code);
    return coupon != NULL && is_for_each_customer(coupon) && cart->customer_id != NULL;
}

void cart_coupons_settle(
    const struct cart *before, const struct cart *after, int64_t now_us,
    struct cart_effects *effects)
{
    for (size_t i = 0; i < before->n_coupons; i++) {
        const struct cart_coupon *former = &before->coupons[i];
        if (find_redeemed(before, former->code) != NULL &&
            find_redeemed(after, former->code) == NULL)
            release(before, former, effects);
        if (counts_for_customer(before, former->code) && !counts_for_customer(after, former->code))
            release_for_customer(before, former, effects);
    }
    for (size_t i = 0; i < after->n_coupons; i++) {
        const struct cart_coupon *coupon = &after->coupons[i];
        if (find_redeemed(after, coupon->code) != NULL &&
            find_redeemed(before, coupon->code) == NULL)
            redeem(after, coupon, now_us, effects);
        if (counts_for_customer(after, coupon->code) && !counts_for_customer(before, coupon->code))
            redeem_for_customer(after, coupon, effects);
    }
}
