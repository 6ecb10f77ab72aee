#include "rules.h"

#include <string.h>

/*
 * What a cart costs. Of a line and of a cart: subtotal - discount = total, and the total of a cart
 * has the amounts of other services too.
 */

/* ---- sums ------------------------------------------------------------------------------------ */

/* History is true, but it was read from a disk: no fact may make arithmetic undefined. The sums
 * stay at the limit rather than overflow; decide never lets them come near it. */
int64_t rules_add_amounts(int64_t left_minor, int64_t right_minor)
{
    int64_t sum_minor;
    if (__builtin_add_overflow(left_minor, right_minor, &sum_minor))
        return INT64_MAX;
    return sum_minor;
}

/* Of a quantity with decimals. The price is taken in two parts, whole * 10^scale + rest, so that
 * only quantity * whole can overflow; what is left to divide is less than 2^31 * 10^scale. */
static int64_t scaled_subtotal_minor(const struct cart_line *line)
{
    int64_t divisor = 1;
    for (int32_t i = 0; i < line->scale; i++)
        divisor *= 10;
    int64_t subtotal_minor;
    int64_t rest = line->quantity * (line->unit_price_minor % divisor);
    if (__builtin_mul_overflow(line->quantity, line->unit_price_minor / divisor, &subtotal_minor) ||
        __builtin_add_overflow(subtotal_minor, (rest + divisor / 2) / divisor, &subtotal_minor))
        return INT64_MAX;
    return subtotal_minor;
}

int64_t cart_line_subtotal_minor(const struct cart_line *line)
{
    int64_t subtotal_minor;
    if (line->scale > 0)
        return scaled_subtotal_minor(line);
    if (__builtin_mul_overflow(line->quantity, line->unit_price_minor, &subtotal_minor))
        return INT64_MAX;
    return subtotal_minor;
}

int64_t cart_line_total_minor(const struct cart_line *line)
{
    return cart_line_subtotal_minor(line) - line->discount_minor;
}

int64_t rules_sum_totals(const struct cart *cart)
{
    int64_t sum_minor = 0;
    for (size_t i = 0; i < cart->n_totals; i++)
        sum_minor = rules_add_amounts(sum_minor, cart->totals[i].amount_minor);
    return sum_minor;
}

int64_t rules_sum_undiscounted(const struct cart *cart)
{
    return rules_add_amounts(cart->subtotal_minor, rules_sum_totals(cart));
}

/* Summed again rather than kept by differences: a sum can't drift, and 250 lines are few. */
void cart_sum_up(struct cart *cart)
{
    if (cart->n_coupons > 0)
        rules_use_coupons(cart);
    cart->item_count = 0;
    cart->subtotal_minor = 0;
    cart->discount_minor = 0;
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        int32_t n_pieces = line->scale > 0 ? 1 : line->quantity;
        if (__builtin_add_overflow(cart->item_count, n_pieces, &cart->item_count))
            cart->item_count = INT32_MAX;
        cart->subtotal_minor =
            rules_add_amounts(cart->subtotal_minor, cart_line_subtotal_minor(line));
        cart->discount_minor = rules_add_amounts(cart->discount_minor, line->discount_minor);
    }
    cart->total_minor =
        rules_add_amounts(cart->subtotal_minor - cart->discount_minor, rules_sum_totals(cart));
}

/* ---- amounts of others ----------------------------------------------------------------------- */

bool rules_may_drop_totals(const struct cart *cart, const struct cart_known *known)
{
    return cart->n_totals == 0 || known->request->caller.may_set_totals;
}

enum cart_outcome rules_set_total(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    const char *name = command->set_total.name;
    int64_t amount_minor = command->set_total.amount_minor;
    const struct cart_total *total = cart_find_total(cart, name);
    if (total != NULL && total->amount_minor == amount_minor && !total->is_stale)
        return CART_ALREADY_SO;
    if (total == NULL && cart->n_totals == CART_TOTALS_MAX)
        return rules_refuse(decision, CART_REFUSED_TOO_MANY_TOTALS);
    int64_t others_minor = rules_sum_undiscounted(cart) - (total == NULL ? 0 : total->amount_minor);
    if (amount_minor > CART_AMOUNT_MAX - others_minor)
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    return rules_accept(
        decision,
        (struct cart_event){
            .type = CART_EVENT_TOTAL_SET, .total_set = {name, amount_minor, cart->notes != NULL}});
}

enum cart_outcome rules_remove_total(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    const char *name = command->remove_total.name;
    if (cart_find_total(cart, name) == NULL)
        return CART_ALREADY_SO;
    return rules_accept(
        decision,
        (struct cart_event){
            .type = CART_EVENT_TOTAL_REMOVED, .total_removed = {name, cart->notes != NULL}});
}

/* Where a total of that name is, or would be. */
static size_t find_index(const struct cart *cart, const char *name)
{
    size_t index = 0;
    while (index < cart->n_totals && strcmp(cart->totals_room[index].name, name) < 0)
        index++;
    return index;
}

static bool is_at(const struct cart *cart, size_t index, const char *name)
{
    return index < cart->n_totals && strcmp(cart->totals_room[index].name, name) == 0;
}

/* Room that is not there is not made. */
void rules_put_total(struct cart *cart, const char *name, int64_t amount_minor)
{
    size_t index = find_index(cart, name);
    struct cart_total *total = &cart->totals_room[index];
    if (!is_at(cart, index, name)) {
        if (cart->n_totals == CART_TOTALS_MAX)
            return;
        memmove(total + 1, total, (cart->n_totals - index) * sizeof *total);
        cart->n_totals++;
    }
    *total = (struct cart_total){.name = name, .amount_minor = amount_minor};
    cart_sum_up(cart);
}

void rules_take_total(struct cart *cart, const char *name)
{
    size_t index = find_index(cart, name);
    struct cart_total *total = &cart->totals_room[index];
    if (!is_at(cart, index, name))
        return;
    cart->n_totals--;
    memmove(total, total + 1, (cart->n_totals - index) * sizeof *total);
    cart_sum_up(cart);
}

void rules_make_totals_stale(struct cart *cart)
{
    for (size_t i = 0; i < cart->n_totals; i++)
        cart->totals_room[i].is_stale = true;
}
