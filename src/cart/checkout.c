#include <string.h>

#include "rules.h"

static bool expects_other_total(const struct cart *cart, const struct cart_command *command)
{
    return command->check_out.has_expected_total &&
           command->check_out.expected_total_minor != cart->total_minor;
}

enum cart_outcome rules_check_out_again(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    const char *order_reference = command->check_out.order_reference;
    if (order_reference != NULL && !cart_is_same_text(cart->order_reference, order_reference))
        return rules_refuse(decision, CART_REFUSED_OTHER_ORDER_REFERENCE);
    if (expects_other_total(cart, command))
        return rules_refuse(decision, CART_REFUSED_TOTAL_CHANGED);
    return CART_ALREADY_SO;
}

enum cart_outcome rules_check_out(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    if (cart->n_lines == 0)
        return rules_refuse(decision, CART_REFUSED_IS_EMPTY);
    if (expects_other_total(cart, command))
        return rules_refuse(decision, CART_REFUSED_TOTAL_CHANGED);
    if ((command->check_out.checks_prices &&
         rules_check_prices(cart, known, decision) == CART_REFUSED) ||
        rules_check_coupons(cart, known, decision) == CART_REFUSED)
        return CART_REFUSED;
    struct cart_event event = {
        .type = CART_EVENT_CHECKED_OUT,
        .checked_out =
            {
                .total_minor = cart->total_minor,
                .item_count = cart->item_count,
                .order_reference = command->check_out.order_reference,
            },
    };
    memcpy(event.checked_out.currency, cart->currency, sizeof event.checked_out.currency);
    return rules_accept(decision, event);
}
