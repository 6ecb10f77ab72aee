#include "cart.h"

#include <string.h>

const char *cart_status_name(enum cart_status status)
{
    switch (status) {
#define CART_ROW(NAME, name)                                                                       \
    case CART_##NAME:                                                                              \
        return name;
        CART_STATUSES(CART_ROW)
#undef CART_ROW
    }
    return "unknown";
}

const char *cart_merge_rule_name(enum cart_merge_rule rule)
{
    static const char *const names[] = {
#define CART_ROW(NAME, name) name,
        CART_MERGE_RULES(CART_ROW)
#undef CART_ROW
    };
    return names[rule];
}

const char *cart_refusal_name(enum cart_refusal refusal)
{
    static const char *const names[] = {
#define CART_ROW(NAME, name) name,
        CART_REFUSALS(CART_ROW)
#undef CART_ROW
    };
    return names[refusal];
}

void cart_clear(struct cart *cart)
{
    /* Not the whole struct: 250 unused lines would be most of the work. */
    memset(cart, 0, offsetof(struct cart, lines));
    cart->metadata = "{}";
    cart->created_at_us = CART_TIME_NONE;
    cart->updated_at_us = CART_TIME_NONE;
    cart->closed_at_us = CART_TIME_NONE;
    cart->abandoned_at_us = CART_TIME_NONE;
    cart->totals = cart->totals_room;
    cart->coupons = cart->coupons_room;
}

void cart_copy(struct cart *to, const struct cart *from)
{
    memcpy(to, from, offsetof(struct cart, lines) + from->n_lines * sizeof(from->lines[0]));
    for (size_t i = 0; i < from->n_totals; i++)
        to->totals_room[i] = from->totals[i];
    to->totals = to->totals_room;
    for (size_t i = 0; i < from->n_coupons; i++)
        to->coupons_room[i] = from->coupons[i];
    to->coupons = to->coupons_room;
}

const struct cart_line *cart_find_line(const struct cart *cart, const char *item_id)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        if (strcmp(cart->lines[i].item_id, item_id) == 0)
            return &cart->lines[i];
    return NULL;
}

const struct cart_line *cart_find_line_of(
    const struct cart *cart, const char *sku, const char *properties)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        if (strcmp(cart->lines[i].sku, sku) == 0 &&
            cart_is_same_text(cart->lines[i].properties, properties))
            return &cart->lines[i];
    return NULL;
}

const struct cart_total *cart_find_total(const struct cart *cart, const char *name)
{
    for (size_t i = 0; i < cart->n_totals; i++)
        if (strcmp(cart->totals[i].name, name) == 0)
            return &cart->totals[i];
    return NULL;
}

bool cart_line_counts_like(const struct cart_line *line, const struct cart_line *other)
{
    bool gets_name = line->unit == NULL && line->scale == 0;
    return line->scale == other->scale && (gets_name || cart_is_same_text(line->unit, other->unit));
}

/* In constant time, so that the time taken tells nothing about the hash. */
static bool is_same_hash(const char *left, const char *right)
{
    unsigned differences = 0;
    for (size_t i = 0; i < CART_TOKEN_HASH_SIZE; i++)
        differences |= (unsigned)(left[i] ^ right[i]);
    return differences == 0;
}

bool cart_has_token(const char *token_hash, const struct cart_caller *caller)
{
    return token_hash != NULL &&
           strnlen(token_hash, CART_TOKEN_HASH_SIZE) == CART_TOKEN_HASH_SIZE - 1 &&
           is_same_hash(token_hash, caller->guest_token_hash);
}

bool cart_admits(
    const char *customer_id, const char *guest_token_hash, const struct cart_caller *caller)
{
    if (caller->may_all)
        return true;
    if (customer_id != NULL && caller->customer_id != NULL &&
        strcmp(customer_id, caller->customer_id) == 0)
        return true;
    return cart_has_token(guest_token_hash, caller);
}
