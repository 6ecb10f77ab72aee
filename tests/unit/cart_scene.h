/*
 * What the tests of the cart share: short words for facts, commands and offers, so that a test
 * reads as given (facts), when (a command), then (a fact, nothing, or a refusal).
 */
#ifndef CARTD_CART_SCENE_H
#define CARTD_CART_SCENE_H

#include <stdio.h>
#include <string.h>

#include "cart.h"
#include "support.h"

#define SCENE_T0_US INT64_C(1000000)
#define SCENE_TOKEN_HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- facts ----------------------------------------------------------------------------------- */

static inline struct cart_event created(void)
{
    return (struct cart_event){
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .customer_id = "ada", .metadata = "{\"shop\":1}"},
    };
}

static inline struct cart_event item_added(const char *sku, int32_t quantity, int64_t price_minor)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {
                .item_id = sku,
                .sku = sku,
                .name = "Thing",
                .quantity = quantity,
                .unit_price_minor = price_minor,
            },
    };
}

static inline struct cart_event special_item_added(
    const char *item_id, const char *sku, const char *properties)
{
    struct cart_event event = item_added(sku, 1, 100);
    event.item_added.item_id = item_id;
    event.item_added.properties = properties;
    return event;
}

static inline struct cart_event item_quantity_changed(const char *item_id, int32_t quantity)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_QUANTITY_CHANGED,
        .item_quantity_changed = {.item_id = item_id, .quantity = quantity},
    };
}

static inline struct cart_event item_removed(const char *item_id, int32_t quantity)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_REMOVED,
        .item_removed = {.item_id = item_id, .quantity = quantity},
    };
}

static inline struct cart_event cleared(void)
{
    return (struct cart_event){.type = CART_EVENT_CLEARED};
}

static inline struct cart_event checked_out(int64_t total_minor, int32_t item_count)
{
    return (struct cart_event){
        .type = CART_EVENT_CHECKED_OUT,
        .checked_out =
            {
                .total_minor = total_minor,
                .currency = "EUR",
                .item_count = item_count,
            },
    };
}

static inline struct cart_event checked_out_as(const char *order_reference)
{
    struct cart_event event = checked_out(998, 2);
    event.checked_out.order_reference = order_reference;
    return event;
}

static inline struct cart_event created_by_guest(void)
{
    return (struct cart_event){
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .guest_token_hash = SCENE_TOKEN_HASH, .metadata = "{}"},
    };
}

static inline struct cart_event claimed_by(const char *customer_id)
{
    return (struct cart_event){
        .type = CART_EVENT_CLAIMED,
        .claimed = {.customer_id = customer_id},
    };
}

static inline struct cart_event cancelled(void)
{
    return (struct cart_event){.type = CART_EVENT_CANCELLED};
}

static inline struct cart_event total_set(const char *name, int64_t amount_minor)
{
    return (struct cart_event){
        .type = CART_EVENT_TOTAL_SET,
        .total_set = {.name = name, .amount_minor = amount_minor},
    };
}

static inline struct cart_event total_removed(const char *name)
{
    return (struct cart_event){.type = CART_EVENT_TOTAL_REMOVED, .total_removed = {.name = name}};
}

/* ---- commands -------------------------------------------------------------------------------- */

static inline struct cart_command create(void)
{
    return (struct cart_command){
        .type = CART_COMMAND_CREATE,
        .create = {.currency = "USD", .customer_id = "bob", .metadata = "{}"},
    };
}

static inline struct cart_command add_item(const char *sku, int32_t quantity)
{
    return (struct cart_command){
        .type = CART_COMMAND_ADD_ITEM,
        .add_item = {.sku = sku, .quantity = quantity},
    };
}

static inline struct cart_command add_special_item(
    const char *item_id, const char *sku, const char *properties)
{
    struct cart_command command = add_item(sku, 1);
    command.add_item.item_id = item_id;
    command.add_item.properties = properties;
    return command;
}

static inline struct cart_command change_item_quantity(const char *item_id, int32_t quantity)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_ITEM_QUANTITY,
        .change_item_quantity = {.item_id = item_id, .quantity = quantity},
    };
}

static inline struct cart_command remove_item(const char *item_id)
{
    return (struct cart_command){
        .type = CART_COMMAND_REMOVE_ITEM,
        .remove_item = {.item_id = item_id},
    };
}

static inline struct cart_command clear_items(void)
{
    return (struct cart_command){.type = CART_COMMAND_CLEAR_ITEMS};
}

static inline struct cart_command claim_for(const char *customer_id)
{
    return (struct cart_command){
        .type = CART_COMMAND_CLAIM,
        .claim = {.customer_id = customer_id},
    };
}

static inline struct cart_command check_out(void)
{
    return (struct cart_command){.type = CART_COMMAND_CHECK_OUT};
}

static inline struct cart_command check_out_expecting(int64_t total_minor)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHECK_OUT,
        .check_out = {.has_expected_total = true, .expected_total_minor = total_minor},
    };
}

static inline struct cart_command check_out_as(const char *order_reference)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHECK_OUT,
        .check_out = {.order_reference = order_reference},
    };
}

static inline struct cart_command cancel(void)
{
    return (struct cart_command){.type = CART_COMMAND_CANCEL};
}

static inline struct cart_command set_total(const char *name, int64_t amount_minor)
{
    return (struct cart_command){
        .type = CART_COMMAND_SET_TOTAL,
        .set_total = {.name = name, .amount_minor = amount_minor},
    };
}

static inline struct cart_command remove_total(const char *name)
{
    return (struct cart_command){.type = CART_COMMAND_REMOVE_TOTAL, .remove_total = {.name = name}};
}

/* ---- offers ---------------------------------------------------------------------------------- */

static inline struct cart_offer priced(int64_t price_minor)
{
    return (struct cart_offer){
        .is_known = true,
        .has_price = true,
        .name = "Thing of now",
        .limits = {.minimum = 1, .maximum = 999, .multiple_of = 1},
        .unit_price_minor = price_minor,
    };
}

static inline struct cart_offer unpriced(void)
{
    struct cart_offer offer = priced(0);
    offer.has_price = false;
    return offer;
}

static inline struct cart_offer unknown(void)
{
    return (struct cart_offer){.is_known = false};
}

/* ---- given, when, then ----------------------------------------------------------------------- */

/* The fact at index i is recorded i seconds after SCENE_T0_US. */
static inline void given_events(struct cart *cart, const struct cart_event *events, size_t n)
{
    cart_clear(cart);
    for (size_t i = 0; i < n; i++)
        cart_evolve(cart, &events[i], SCENE_T0_US + (int64_t)i * 1000000);
}
#define GIVEN(cart, ...)                                                                           \
    given_events(                                                                                  \
        (cart), (const struct cart_event[]){__VA_ARGS__},                                          \
        sizeof((const struct cart_event[]){__VA_ARGS__}) / sizeof(struct cart_event))

static inline struct cart_offer offer_of_scene(void *offer, const char *sku, const char *currency)
{
    (void)sku;
    (void)currency;
    return *(const struct cart_offer *)offer;
}

/* Decides with what else is known; what was decided lives until the next decision. */
static inline struct cart_decision decide_knowing(
    const struct cart *cart, struct cart_command command, const struct cart_known *known)
{
    static struct cart_event events[4 * CART_LINES_MAX + 3 * CART_COUPONS_MAX + 3];
    static struct cart_note notes[2 * CART_LINES_MAX + CART_COUPONS_MAX];
    static struct cart_item_price prices[CART_LINES_MAX];
    struct cart_decision decision = {.events = events, .notes = notes, .prices = prices};
    cart_decide(cart, &command, known, &decision);
    struct cart_sizes sizes = cart_find_sizes(cart, &command);
    ck_assert_uint_le(decision.n_events, sizes.n_events);
    ck_assert_uint_le(decision.n_notes, sizes.n_notes);
    return decision;
}

/* The catalogue says the same of every product. */
static inline struct cart_decision when(
    const struct cart *cart, struct cart_command command, struct cart_offer offer)
{
    struct cart_request request = {
        .caller = {.may_all = true, .may_set_prices = true, .may_set_totals = true}};
    const struct cart_known known = {
        .find_offer = offer_of_scene,
        .context = &offer,
        .recorded_version = cart->version,
        .request = &request,
    };
    return decide_knowing(cart, command, &known);
}

static inline void then_refused(struct cart_decision decision, enum cart_refusal refusal)
{
    ck_assert_int_eq(decision.outcome, CART_REFUSED);
    ck_assert_int_eq(decision.refusal, refusal);
}

static inline void then_already_so(struct cart_decision decision)
{
    ck_assert_int_eq(decision.outcome, CART_ALREADY_SO);
}

static inline struct cart_event then_event(struct cart_decision decision, enum cart_event_type type)
{
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    ck_assert_uint_eq(decision.n_events, 1);
    ck_assert_int_eq(decision.events[0].type, type);
    return decision.events[0];
}

/* A cart of CART_LINES_MAX lines, called line-0 and so on, one piece of 1 each. */
static inline void given_full_cart(struct cart *cart)
{
    static char skus[CART_LINES_MAX][24];
    struct cart_event first = created();
    cart_clear(cart);
    cart_evolve(cart, &first, SCENE_T0_US);
    for (int i = 0; i < CART_LINES_MAX; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "line-%d", i); /* Short enough. */
        struct cart_event event = item_added(skus[i], 1, 1);
        cart_evolve(cart, &event, SCENE_T0_US);
    }
}

#endif
