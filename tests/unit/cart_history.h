/*
 * What the tests of undo, restore, prices and details share: a catalogue of a few products, a cart
 * with what it was after each request, and words for their commands.
 */
#ifndef CARTD_CART_HISTORY_H
#define CARTD_CART_HISTORY_H

#include "cart_scene.h"

enum { HISTORY_REQUESTS = 1200, SHELF_PRODUCTS = 300 };

/* ---- the catalogue --------------------------------------------------------------------------- */

enum { NO_PRICE = -1 };

struct product {
    const char *sku;
    bool is_withdrawn;
    const char *tags;  /* NULL: none */
    int64_t eur_minor; /* NO_PRICE: none */
    int64_t usd_minor;
    bool is_measured; /* with unit, scale and limits of its own */
    const char *unit;
    int32_t scale;
    struct cart_limits limits;
};

static struct product shelf[SHELF_PRODUCTS];
static size_t n_products;

static inline struct product *find_product(const char *sku)
{
    for (size_t i = 0; i < n_products; i++)
        if (strcmp(shelf[i].sku, sku) == 0)
            return &shelf[i];
    return NULL;
}

/* From now on it costs that. */
static inline void sell(const char *sku, int64_t eur_minor, int64_t usd_minor)
{
    struct product *product = find_product(sku);
    if (product == NULL)
        product = &shelf[n_products++];
    product->sku = sku;
    product->is_withdrawn = false;
    product->eur_minor = eur_minor;
    product->usd_minor = usd_minor;
}

static inline void measure(
    const char *sku, const char *unit, int32_t scale, struct cart_limits limits)
{
    struct product *product = find_product(sku);
    product->is_measured = true;
    product->unit = unit;
    product->scale = scale;
    product->limits = limits;
}

static inline void withdraw(const char *sku)
{
    find_product(sku)->is_withdrawn = true;
}

static inline struct cart_offer offer_of_shelf(void *context, const char *sku, const char *currency)
{
    (void)context;
    const struct product *product = find_product(sku);
    if (product == NULL || product->is_withdrawn)
        return unknown();
    int64_t price_minor = strcmp(currency, "USD") == 0 ? product->usd_minor : product->eur_minor;
    struct cart_offer offer = price_minor == NO_PRICE ? unpriced() : priced(price_minor);
    offer.tags = product->tags;
    if (product->is_measured) {
        offer.unit = product->unit;
        offer.scale = product->scale;
        offer.limits = product->limits;
    }
    return offer;
}

/* ---- what was -------------------------------------------------------------------------------- */

/* The cart after each request, the oldest first; the first is not there yet. */
static struct cart history[HISTORY_REQUESTS + 1];
static size_t n_history;
static struct cart other_cart; /* for copies; absent: there is none */
static int32_t last_asked;     /* the version that was asked for last */
static bool is_unread;         /* nothing of what was is known yet */

static inline struct cart *now(void)
{
    return &history[n_history - 1];
}

static inline const struct cart *find_past_in_history(
    void *context, int32_t version, bool is_before_command, bool *is_read)
{
    (void)context;
    last_asked = version;
    *is_read = !is_unread;
    for (size_t i = 1; i < n_history && !is_unread; i++)
        if (history[i].version >= version)
            return is_before_command ? &history[i - 1]
                                     : (history[i].version == version ? &history[i] : NULL);
    return NULL;
}

static inline const struct cart *find_other_cart(
    void *context, const char *cart_id, int32_t version, bool *is_read)
{
    (void)context;
    *is_read = !is_unread;
    if (is_unread || strcmp(cart_id, "other") != 0 || other_cart.status == CART_ABSENT ||
        version > other_cart.version)
        return NULL;
    return &other_cart;
}

/* A patch is what comes out, "{}" is nothing, and what begins with ! is too large. */
static inline bool merge_as_given(
    void *context, const char *object, const char *patch, const char **merged)
{
    (void)context;
    (void)object;
    *merged = strcmp(patch, "{}") == 0 ? NULL : patch;
    return patch[0] != '!';
}

/* What is known of coupons; a test may set another. */
static inline struct cart_coupon_offer no_coupon(void *context, const char *code)
{
    (void)context;
    (void)code;
    return (struct cart_coupon_offer){.usability = COUPON_UNKNOWN};
}
static struct cart_coupon_offer (*find_coupon_of_shop)(void *context, const char *code) = no_coupon;

static struct cart_request scene_request = {
    .caller = {.may_all = true, .may_set_prices = true, .may_set_totals = true},
    .asked_at_us = SCENE_T0_US,
    .reopen_us = 1000};

/* `cart` is what the request has made of the newest state so far. */
static inline struct cart_decision decide_in_request(
    const struct cart *cart, struct cart_command command)
{
    const struct cart_known known = {
        .merge_metadata = merge_as_given,
        .merge_properties = merge_as_given,
        .find_offer = offer_of_shelf,
        .find_past = find_past_in_history,
        .find_source = find_other_cart,
        .find_coupon = find_coupon_of_shop,
        .recorded_version = now()->version,
        .request = &scene_request,
    };
    return decide_knowing(cart, command, &known);
}

static inline struct cart_decision decide_now(struct cart_command command)
{
    return decide_in_request(now(), command);
}

static inline void evolve_all(struct cart *cart, struct cart_decision decision)
{
    for (size_t i = 0; i < decision.n_events; i++)
        cart_evolve(cart, &decision.events[i], SCENE_T0_US);
}

/* The next state begins as the newest one. */
static inline struct cart *begin_request(void)
{
    ck_assert_uint_le(n_history, HISTORY_REQUESTS);
    cart_copy(&history[n_history], now());
    return &history[n_history];
}

/* Facts of one request. */
static inline void record_events(const struct cart_event *events, size_t n)
{
    struct cart *cart = begin_request();
    for (size_t i = 0; i < n; i++)
        cart_evolve(cart, &events[i], SCENE_T0_US);
    n_history++;
}
#define RECORD(...)                                                                                \
    record_events(                                                                                 \
        (const struct cart_event[]){__VA_ARGS__},                                                  \
        sizeof((const struct cart_event[]){__VA_ARGS__}) / sizeof(struct cart_event))

/* A request of one command that is accepted. */
static inline void command(struct cart_command asked)
{
    struct cart_decision decision = decide_now(asked);
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    evolve_all(begin_request(), decision);
    n_history++;
}

/* Nothing was before, and nothing is sold. */
static inline void begin_history(void)
{
    n_products = 0;
    cart_clear(&history[0]);
    cart_clear(&other_cart);
    n_history = 1;
    is_unread = false;
}

/* ---- commands -------------------------------------------------------------------------------- */

static inline struct cart_command undo(void)
{
    return (struct cart_command){.type = CART_COMMAND_UNDO};
}

static inline struct cart_command restore(int32_t version)
{
    return (struct cart_command){.type = CART_COMMAND_RESTORE, .restore = {.version = version}};
}

static inline struct cart_command reprice(void)
{
    return (struct cart_command){.type = CART_COMMAND_REPRICE};
}

static inline struct cart_command change_currency(const char *currency)
{
    struct cart_command asked = {.type = CART_COMMAND_CHANGE_CURRENCY};
    memcpy(asked.change_currency.currency, currency, sizeof asked.change_currency.currency);
    return asked;
}

static inline struct cart_command check_out_at_prices(void)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHECK_OUT, .check_out = {.checks_prices = true}};
}

static inline struct cart_command change_properties(const char *item_id, const char *patch)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_ITEM,
        .change_item = {.item_id = item_id, .has_properties = true, .properties = patch},
    };
}

static inline struct cart_command change_item(
    const char *item_id, int32_t quantity, const char *patch)
{
    struct cart_command asked = change_properties(item_id, patch);
    asked.change_item.has_quantity = true;
    asked.change_item.quantity = quantity;
    return asked;
}

static inline struct cart_command change_metadata(const char *patch)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_DETAILS,
        .change_details = {.has_metadata = true, .metadata = patch},
    };
}

static inline struct cart_command change_note(const char *note)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_DETAILS, .change_details = {.has_note = true, .note = note}};
}

static inline struct cart_command change_email(const char *email)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_DETAILS,
        .change_details = {.has_customer_email = true, .customer_email = email},
    };
}

static inline struct cart_command reopen(const char *reason)
{
    return (struct cart_command){.type = CART_COMMAND_REOPEN, .reopen = {.reason = reason}};
}

static inline struct cart_command copy_other(const char *currency, int32_t version)
{
    struct cart_command asked = create();
    asked.create.copy_of = "other";
    asked.create.copy_version = version;
    memcpy(asked.create.currency, currency, strlen(currency) + 1);
    return asked;
}

/* ---- then ------------------------------------------------------------------------------------ */

static inline void then_line(
    const struct cart *cart, size_t index, const char *item_id, int32_t quantity,
    int64_t price_minor)
{
    ck_assert_uint_lt(index, cart->n_lines);
    ck_assert_str_eq(cart->lines[index].item_id, item_id);
    ck_assert_int_eq(cart->lines[index].quantity, quantity);
    ck_assert_int_eq(cart->lines[index].unit_price_minor, price_minor);
}

static inline void then_events(
    struct cart_decision decision, const enum cart_event_type *types, size_t n)
{
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    ck_assert_uint_eq(decision.n_events, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(decision.events[i].type, types[i]);
}
#define THEN_EVENTS(decision, ...)                                                                 \
    then_events(                                                                                   \
        (decision), (const enum cart_event_type[]){__VA_ARGS__},                                   \
        sizeof((const enum cart_event_type[]){__VA_ARGS__}) / sizeof(enum cart_event_type))

static inline void then_note(
    struct cart_decision decision, size_t index, enum cart_refusal code, const char *item_id,
    int32_t quantity)
{
    ck_assert_uint_lt(index, decision.n_notes);
    ck_assert_int_eq(decision.notes[index].code, code);
    ck_assert_str_eq(decision.notes[index].item_id, item_id);
    ck_assert_int_eq(decision.notes[index].quantity, quantity);
}

#endif
