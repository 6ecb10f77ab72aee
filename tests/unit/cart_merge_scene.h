/*
 * What the tests of merging share. The newest state of the history is the cart, `other_cart` the
 * one whose lines come. What a decision says of that one is applied to it, as the batch does.
 */
#ifndef CARTD_CART_MERGE_SCENE_H
#define CARTD_CART_MERGE_SCENE_H

#include "cart_history.h"

/* ---- the two --------------------------------------------------------------------------------- */

static inline const struct cart *find_merged(
    void *context, const struct cart_command *asked, const char **cart_id)
{
    (void)context;
    bool is_named = asked->type == CART_COMMAND_CLAIM || strcmp(asked->merge.from, "other") == 0;
    *cart_id = "other";
    return is_named && other_cart.status != CART_ABSENT ? &other_cart : NULL;
}

static inline const char *number_item(
    void *context, const char *sku, const char *properties, int attempt)
{
    (void)context;
    (void)properties;
    static char ids[2 * CART_LINES_MAX][CART_ITEM_ID_MAX];
    static size_t n_ids;
    char *id = ids[n_ids++ % BASE_COUNT(ids)];
    (void)snprintf(id, CART_ITEM_ID_MAX, "%.30s-%d", sku, attempt); /* Short enough. */
    return id;
}

static inline struct cart_decision decide(struct cart_command asked)
{
    const struct cart_known known = {
        .find_offer = offer_of_shelf,
        .find_coupon = find_coupon_of_shop,
        .find_past = find_past_in_history,
        .cart_id = "this",
        .find_merged = find_merged,
        .make_item_id = number_item,
        .recorded_version = now()->version,
        .request = &scene_request,
    };
    return decide_knowing(now(), asked, &known);
}

static inline struct cart_decision apply(struct cart_command asked)
{
    struct cart_decision decision = decide(asked);
    ck_assert_int_eq(decision.outcome, CART_ACCEPTED);
    ck_assert(decision.has_other_event);
    evolve_all(begin_request(), decision);
    n_history++;
    cart_evolve(&other_cart, &decision.other_event, SCENE_T0_US);
    return decision;
}

static inline struct cart_command merge(enum cart_merge_rule rule)
{
    return (struct cart_command){
        .type = CART_COMMAND_MERGE, .merge = {.from = "other", .rule = rule}};
}

static inline struct cart_command revert(void)
{
    return (struct cart_command){.type = CART_COMMAND_REVERT_MERGE, .merge = {.from = "other"}};
}

/* Facts of the other cart. */
#define OTHER(...)                                                                                 \
    do {                                                                                           \
        const struct cart_event facts[] = {__VA_ARGS__};                                           \
        for (size_t fact = 0; fact < BASE_COUNT(facts); fact++)                                    \
            cart_evolve(&other_cart, &facts[fact], SCENE_T0_US);                                   \
    } while (0)

static inline struct cart_event details_changed(
    const char *metadata, const char *customer_email, const char *note)
{
    return (struct cart_event){
        .type = CART_EVENT_DETAILS_CHANGED,
        .details_changed = {metadata, customer_email, note},
    };
}

static inline struct cart_event price_set(const char *item_id, int64_t price_minor)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_PRICE_CHANGED,
        .item_price_changed = {item_id, true, price_minor},
    };
}

/* Two teas and a cup are in the cart, three teas and four plates in the other, which is a guest's.
 */
static inline void given_both(void)
{
    begin_history();
    memset(shelf, 0, sizeof shelf);
    sell("tea", 100, 110);
    sell("cup", 200, 220);
    sell("plate", 300, 330);
    RECORD(created());
    RECORD(item_added("tea", 2, 100));
    RECORD(item_added("cup", 1, 200));
    OTHER(created_by_guest(), item_added("tea", 3, 90), item_added("plate", 4, 290));
}

/* ---- then ---- */

static inline void then_same_content(const struct cart *left, const struct cart *right)
{
    ck_assert_uint_eq(left->n_lines, right->n_lines);
    for (size_t i = 0; i < left->n_lines; i++) {
        const struct cart_line *a = &left->lines[i];
        const struct cart_line *b = &right->lines[i];
        then_line(left, i, b->item_id, b->quantity, b->unit_price_minor);
        ck_assert_str_eq(a->sku, b->sku);
        ck_assert_str_eq(a->name, b->name);
        ck_assert(cart_is_same_text(a->properties, b->properties));
        ck_assert(cart_is_same_text(a->unit, b->unit));
        ck_assert_int_eq(a->scale, b->scale);
        ck_assert_int_eq(a->added_version, b->added_version);
        ck_assert_int_eq(a->is_price_set, b->is_price_set);
    }
    ck_assert_int_eq(left->status, right->status);
    ck_assert_str_eq(left->currency, right->currency);
    ck_assert_str_eq(left->metadata, right->metadata);
    ck_assert(cart_is_same_text(left->customer_email, right->customer_email));
    ck_assert(cart_is_same_text(left->note, right->note));
    ck_assert(cart_is_same_text(left->customer_id, right->customer_id));
    ck_assert(cart_is_same_text(left->merged_into, right->merged_into));
    ck_assert_int_eq(left->merged_version, right->merged_version);
    ck_assert_int_eq(left->total_minor, right->total_minor);
    ck_assert_int_eq(left->closed_at_us, right->closed_at_us);
}

#endif
