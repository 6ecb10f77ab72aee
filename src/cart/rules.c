#include "rules.h"

#include <string.h>

bool rules_add_line(int64_t others_minor, const struct cart_line *line, int64_t *sum_minor)
{
    int64_t line_minor = cart_line_subtotal_minor(line);
    if (line_minor > CART_AMOUNT_MAX || others_minor > CART_AMOUNT_MAX)
        return false;
    *sum_minor = others_minor + line_minor;
    return *sum_minor <= CART_AMOUNT_MAX;
}

bool rules_fit_amounts(
    const struct cart *cart, const struct cart_line *line, const struct cart_line *becomes)
{
    int64_t others_minor =
        rules_sum_undiscounted(cart) - (line == NULL ? 0 : cart_line_subtotal_minor(line));
    int64_t sum_minor;
    return rules_add_line(others_minor, becomes, &sum_minor);
}

/* ---- facts about a line ---------------------------------------------------------------------- */

enum cart_outcome rules_remove_line(struct cart_decision *decision, const struct cart_line *line)
{
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_ITEM_REMOVED,
                      .item_removed = {.item_id = line->item_id, .quantity = line->quantity},
                  });
}

enum cart_outcome rules_set_quantity(
    struct cart_decision *decision, const struct cart_line *line, int32_t quantity)
{
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_ITEM_QUANTITY_CHANGED,
                      .item_quantity_changed = {.item_id = line->item_id, .quantity = quantity},
                  });
}

enum cart_outcome rules_set_price(
    struct cart_decision *decision, const struct cart_line *line, int64_t unit_price_minor,
    bool is_price_set)
{
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_ITEM_PRICE_CHANGED,
                      .item_price_changed =
                          {
                              .item_id = line->item_id,
                              .is_price_set = is_price_set,
                              .unit_price_minor = unit_price_minor,
                          },
                  });
}

/* ---- quantities ------------------------------------------------------------------------------ */

bool rules_is_about(const struct cart_line *line, const struct cart_offer *offer)
{
    const struct cart_line offered = {.unit = offer->unit, .scale = offer->scale};
    return offer->is_known && cart_line_counts_like(line, &offered);
}

bool rules_can_take_price(
    const struct cart_line *line, const struct cart_offer *offer, enum cart_refusal *obstacle)
{
    if (!offer->is_known)
        *obstacle = CART_REFUSED_PRODUCT_WITHDRAWN;
    else if (!offer->has_price)
        *obstacle = CART_REFUSED_PRICE_UNAVAILABLE;
    else if (!rules_is_about(line, offer))
        *obstacle = CART_REFUSED_UNIT_CHANGED;
    else
        return true;
    return false;
}

bool rules_may_grow(const struct cart_line *line, const struct cart_known *known)
{
    return !line->is_price_set || known->request->caller.may_set_prices;
}

bool rules_allow(const struct cart_limits *limits, int64_t quantity)
{
    return quantity >= limits->minimum && quantity <= limits->maximum &&
           quantity % limits->multiple_of == 0;
}

int32_t rules_find_allowed(const struct cart_limits *limits, int64_t wanted)
{
    int64_t most = wanted < limits->maximum ? wanted : limits->maximum;
    most -= most % limits->multiple_of;
    return most < limits->minimum ? 0 : (int32_t)most;
}

int32_t rules_least_addition(const struct cart_limits *limits, int32_t quantity)
{
    int32_t least = quantity < limits->minimum ? limits->minimum : quantity + 1;
    int32_t above = least % limits->multiple_of;
    int32_t sum = above == 0 ? least : least + limits->multiple_of - above;
    return sum <= limits->maximum ? sum - quantity : 1;
}

enum cart_outcome rules_refuse_quantity(
    struct cart_decision *decision, const struct cart_limits *limits, int64_t quantity)
{
    decision->limits = *limits;
    decision->refused_quantity = quantity;
    return rules_refuse(decision, CART_REFUSED_QUANTITY_OUT_OF_RANGE);
}
