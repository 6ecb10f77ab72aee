#include "rules.h"

#include <string.h>

/*
 * Coupons in a cart, and what they take off its lines. Percentages come first, then amounts, each
 * in the order in which they were applied, and each takes from what those before it have left: so
 * no line falls below zero, whatever comes together.
 *
 * Which lines a coupon is for say its skus and tags; its minimum is compared with the subtotal of
 * those lines, before any discount. A percentage is rounded once for each line, half away from
 * zero. An amount is spread over the lines in proportion to what is left of them, by the largest
 * remainder: the shares are whole minor units and come to exactly the amount.
 */

/* Wide enough for the product of two amounts. */
__extension__ typedef unsigned __int128 wide_amount;

const char *cart_coupon_state_name(enum cart_coupon_state state)
{
    static const char *const names[] = {
#define CART_ROW(NAME, name) name,
        CART_COUPON_STATES(CART_ROW)
#undef CART_ROW
    };
    return names[state];
}

const struct cart_coupon *cart_find_coupon(const struct cart *cart, const char *code)
{
    for (size_t i = 0; i < cart->n_coupons; i++)
        if (strcmp(cart->coupons[i].code, code) == 0)
            return &cart->coupons[i];
    return NULL;
}

bool cart_coupon_is_used(const struct cart_coupon *coupon)
{
    return coupon->state == CART_COUPON_APPLIED && coupon->amount_minor > 0;
}

/* ---- its state ------------------------------------------------------------------------------- */

/* The lines that a coupon is for. */
struct share {
    struct cart_line *lines[CART_LINES_MAX];
    size_t n_lines;
};

static void find_lines(
    struct cart *cart, const struct coupon_definition *definition, struct share *share)
{
    share->n_lines = 0;
    for (size_t i = 0; i < cart->n_lines; i++)
        if (coupon_covers(definition, cart->lines[i].sku, cart->lines[i].tags))
            share->lines[share->n_lines++] = &cart->lines[i];
}

static bool has_lapsed(const struct cart_coupon *coupon)
{
    return coupon->state == CART_COUPON_EXPIRED || coupon->state == CART_COUPON_EXHAUSTED;
}

static bool meets_minimum(
    const struct cart *cart, const struct coupon_definition *definition, const struct share *share)
{
    int64_t minimum_minor;
    if (!coupon_find_amount(&definition->minimums, cart->currency, &minimum_minor))
        return true;
    wide_amount subtotal_minor = 0;
    for (size_t i = 0; i < share->n_lines; i++)
        subtotal_minor += (wide_amount)cart_line_subtotal_minor(share->lines[i]);
    return minimum_minor <= 0 || subtotal_minor >= (wide_amount)minimum_minor;
}

/* What has lapsed stays so until it is applied anew. An amount that is not in the cart's currency
 * is for none of its lines. */
static enum cart_coupon_state judge(
    const struct cart *cart, const struct cart_coupon *coupon, const struct share *share)
{
    const struct coupon_definition *definition = coupon->definition;
    int64_t amount_minor;
    if (has_lapsed(coupon))
        return coupon->state;
    if (definition->limit_per_customer > 0 && cart->customer_id == NULL)
        return CART_COUPON_NEEDS_CUSTOMER;
    if (share->n_lines == 0 && definition->skus.n + definition->tags.n > 0)
        return CART_COUPON_NOT_FOR_THESE_ITEMS;
    if (definition->percent_hundredths == 0 &&
        !coupon_find_amount(&definition->amounts, cart->currency, &amount_minor))
        return CART_COUPON_NOT_FOR_THESE_ITEMS;
    return meets_minimum(cart, definition, share) ? CART_COUPON_APPLIED
                                                  : CART_COUPON_MINIMUM_NOT_MET;
}

/* ---- what it takes off ----------------------------------------------------------------------- */

/* Rounded half away from zero. In two parts, so that nothing overflows. */
static int64_t percentage_of(int64_t amount_minor, int32_t percent_hundredths)
{
    int64_t whole = amount_minor / COUPON_PERCENT_MAX;
    int64_t rest = amount_minor % COUPON_PERCENT_MAX;
    return whole * percent_hundredths +
           (rest * percent_hundredths + COUPON_PERCENT_MAX / 2) / COUPON_PERCENT_MAX;
}

static int64_t take_percentage(const struct share *share, int32_t percent_hundredths)
{
    int64_t taken_minor = 0;
    for (size_t i = 0; i < share->n_lines; i++) {
        struct cart_line *line = share->lines[i];
        int64_t off_minor = percentage_of(cart_line_total_minor(line), percent_hundredths);
        line->discount_minor += off_minor;
        taken_minor = rules_add_amounts(taken_minor, off_minor);
    }
    return taken_minor;
}

/* The largest remainder of which more than n_units are not larger; n_units < n. */
static wide_amount find_threshold(
    const wide_amount *remainders, size_t n, wide_amount sum, size_t n_units)
{
    wide_amount least = 0;
    wide_amount most = sum;
    while (least < most) {
        wide_amount middle = least + (most - least) / 2;
        size_t n_larger = 0;
        for (size_t i = 0; i < n; i++)
            n_larger += remainders[i] > middle;
        if (n_larger <= n_units)
            most = middle;
        else
            least = middle + 1;
    }
    return least;
}

/* One unit each for the n_units lines with the largest remainders; of equal ones, the first. */
static void hand_out_units(
    const struct share *share, const wide_amount *remainders, wide_amount sum, size_t n_units)
{
    wide_amount threshold = find_threshold(remainders, share->n_lines, sum, n_units);
    size_t n_equal = n_units;
    for (size_t i = 0; i < share->n_lines; i++)
        n_equal -= remainders[i] > threshold;
    for (size_t i = 0; i < share->n_lines; i++) {
        bool is_equal = remainders[i] == threshold && n_equal > 0;
        n_equal -= is_equal;
        share->lines[i]->discount_minor += is_equal || remainders[i] > threshold;
    }
}

/* No more than there is. */
static int64_t take_amount(const struct share *share, int64_t amount_minor)
{
    wide_amount remainders[CART_LINES_MAX];
    wide_amount sum = 0;
    for (size_t i = 0; i < share->n_lines; i++)
        sum += (wide_amount)cart_line_total_minor(share->lines[i]);
    if (sum == 0)
        return 0;
    if ((wide_amount)amount_minor > sum)
        amount_minor = (int64_t)sum;
    int64_t rest_minor = amount_minor;
    for (size_t i = 0; i < share->n_lines; i++) {
        struct cart_line *line = share->lines[i];
        wide_amount product = (wide_amount)amount_minor * (wide_amount)cart_line_total_minor(line);
        int64_t off_minor = (int64_t)(product / sum);
        remainders[i] = product % sum;
        line->discount_minor += off_minor;
        rest_minor -= off_minor;
    }
    hand_out_units(share, remainders, sum, (size_t)rest_minor);
    return amount_minor;
}

static void use(struct cart *cart, struct cart_coupon *coupon)
{
    const struct coupon_definition *definition = coupon->definition;
    struct share share;
    int64_t amount_minor = 0;
    find_lines(cart, definition, &share);
    coupon->state = judge(cart, coupon, &share);
    coupon->amount_minor = 0;
    if (coupon->state != CART_COUPON_APPLIED)
        return;
    if (definition->percent_hundredths > 0)
        coupon->amount_minor = take_percentage(&share, definition->percent_hundredths);
    else if (coupon_find_amount(&definition->amounts, cart->currency, &amount_minor))
        coupon->amount_minor = take_amount(&share, amount_minor);
}

static bool is_percentage(const struct cart_coupon *coupon)
{
    return coupon->definition->percent_hundredths > 0;
}

static void drop_discounts(struct cart *cart)
{
    for (size_t i = 0; i < cart->n_lines; i++)
        cart->lines[i].discount_minor = 0;
}

void rules_use_coupons(struct cart *cart)
{
    drop_discounts(cart);
    for (size_t i = 0; i < cart->n_coupons; i++)
        if (is_percentage(&cart->coupons_room[i]))
            use(cart, &cart->coupons_room[i]);
    for (size_t i = 0; i < cart->n_coupons; i++)
        if (!is_percentage(&cart->coupons_room[i]))
            use(cart, &cart->coupons_room[i]);
}

/* ---- facts ----------------------------------------------------------------------------------- */

static size_t find_index(const struct cart *cart, const char *code)
{
    size_t index = 0;
    while (index < cart->n_coupons && strcmp(cart->coupons_room[index].code, code) != 0)
        index++;
    return index;
}

/* Room that is not there is not made. */
void rules_put_coupon(
    struct cart *cart, const char *code, const struct coupon_definition *definition)
{
    size_t index = find_index(cart, code);
    if (index == CART_COUPONS_MAX)
        return;
    cart->coupons_room[index] = (struct cart_coupon){.code = code, .definition = definition};
    if (index == cart->n_coupons)
        cart->n_coupons++;
    cart_sum_up(cart);
}

void rules_take_coupon(struct cart *cart, const char *code)
{
    size_t index = find_index(cart, code);
    struct cart_coupon *coupon = &cart->coupons_room[index];
    if (index == cart->n_coupons)
        return;
    cart->n_coupons--;
    memmove(coupon, coupon + 1, (cart->n_coupons - index) * sizeof *coupon);
    if (cart->n_coupons == 0)
        drop_discounts(cart);
    cart_sum_up(cart);
}

void rules_lapse_coupon(struct cart *cart, const char *code, enum cart_coupon_state state)
{
    size_t index = find_index(cart, code);
    if (index == cart->n_coupons)
        return;
    cart->coupons_room[index].state = state;
    cart_sum_up(cart);
}

static struct cart_event applied(const char *code, const struct coupon_definition *definition)
{
    return (struct cart_event){
        .type = CART_EVENT_COUPON_APPLIED,
        .coupon_applied = {.code = code, .definition = definition},
    };
}

static struct cart_event removed(const char *code)
{
    return (struct cart_event){.type = CART_EVENT_COUPON_REMOVED, .coupon_removed = {.code = code}};
}

static struct cart_event lapsed(const char *code, enum cart_coupon_state state)
{
    return (struct cart_event){
        .type = CART_EVENT_COUPON_LAPSED, .coupon_lapsed = {.code = code, .state = state}};
}

/* ---- commands -------------------------------------------------------------------------------- */

/* With the other coupons of the cart. */
static bool can_combine(
    const struct cart *cart, const char *code, const struct coupon_definition *definition)
{
    for (size_t i = 0; i < cart->n_coupons; i++) {
        const struct cart_coupon *other = &cart->coupons[i];
        bool can_both = definition->is_combinable && other->definition->is_combinable;
        if (!can_both && strcmp(other->code, code) != 0)
            return false;
    }
    return true;
}

enum cart_outcome rules_apply_coupon(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *code = command->apply_coupon.code;
    const struct cart_coupon *coupon = cart_find_coupon(cart, code);
    if (coupon != NULL && !has_lapsed(coupon))
        return CART_ALREADY_SO;
    if (coupon == NULL && cart->n_coupons == CART_COUPONS_MAX)
        return rules_refuse(decision, CART_REFUSED_TOO_MANY_COUPONS);
    struct cart_coupon_offer offer = known->find_coupon(known->context, code);
    decision->coupon_usability = offer.usability;
    if (offer.usability != COUPON_USABLE)
        return rules_refuse(decision, CART_REFUSED_COUPON_NOT_APPLICABLE);
    if (!can_combine(cart, code, offer.definition))
        return rules_refuse(decision, CART_REFUSED_COUPONS_NOT_COMBINABLE);
    return rules_accept(decision, applied(code, offer.definition));
}

enum cart_outcome rules_remove_coupon(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    const char *code = command->remove_coupon.code;
    if (cart_find_coupon(cart, code) == NULL)
        return CART_ALREADY_SO;
    return rules_accept(decision, removed(code));
}

/* Whether the coupon can't be redeemed any more, and what it is then. */
static bool is_to_lapse(
    const struct cart_coupon *coupon, const struct cart_known *known, enum cart_coupon_state *state)
{
    struct cart_coupon_offer offer = known->find_coupon(known->context, coupon->code);
    switch (offer.usability) {
    case COUPON_USABLE:
        return false;
    case COUPON_EXHAUSTED:
        *state = CART_COUPON_EXHAUSTED;
        return true;
    case COUPON_UNKNOWN:
    case COUPON_WITHDRAWN:
    case COUPON_NOT_STARTED:
    case COUPON_EXPIRED:
        break;
    }
    *state = CART_COUPON_EXPIRED;
    return true;
}

enum cart_outcome rules_check_coupons(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision)
{
    decision->n_coupons = 0;
    for (size_t i = 0; i < cart->n_coupons; i++) {
        struct cart_coupon changed = cart->coupons[i];
        if (cart_coupon_is_used(&changed) && is_to_lapse(&cart->coupons[i], known, &changed.state))
            decision->coupons[decision->n_coupons++] = changed;
    }
    return decision->n_coupons > 0 ? rules_refuse(decision, CART_REFUSED_COUPONS_CHANGED)
                                   : CART_ACCEPTED;
}

void rules_refresh_coupons(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision)
{
    for (size_t i = 0; i < cart->n_coupons; i++) {
        const struct cart_coupon *coupon = &cart->coupons[i];
        enum cart_coupon_state state = CART_COUPON_APPLIED;
        if (!is_to_lapse(coupon, known, &state)) {
            if (has_lapsed(coupon))
                (void)rules_accept(decision, applied(coupon->code, coupon->definition));
        } else if (coupon->state != state) {
            (void)rules_accept(decision, lapsed(coupon->code, state));
        }
    }
}

/* ---- back to what was ------------------------------------------------------------------------ */

/* Whether it is the coupon of then: one that was defined anew since, and applied again, is not. */
static bool is_same_coupon(const struct cart_coupon *now, const struct cart_coupon *then)
{
    return strcmp(now->code, then->code) == 0 && coupon_is_same(now->definition, then->definition);
}

/* Of a coupon that is there, with the state that it has lapsed to, if it has. */
static void bring_state_back(
    const struct cart_coupon *now, const struct cart_coupon *then, struct cart_decision *decision)
{
    if (has_lapsed(then) && now->state != then->state)
        (void)rules_accept(decision, lapsed(then->code, then->state));
    else if (has_lapsed(now) && !has_lapsed(then))
        (void)rules_accept(decision, applied(then->code, then->definition));
}

/* In the order of then, which counts. */
void rules_bring_coupons_back(
    const struct cart *from, const struct cart *to, struct cart_decision *decision)
{
    size_t n_same = 0;
    while (n_same < from->n_coupons && n_same < to->n_coupons &&
           is_same_coupon(&from->coupons[n_same], &to->coupons[n_same]))
        n_same++;
    for (size_t i = 0; i < n_same; i++)
        bring_state_back(&from->coupons[i], &to->coupons[i], decision);
    for (size_t i = n_same; i < from->n_coupons; i++)
        (void)rules_accept(decision, removed(from->coupons[i].code));
    for (size_t i = n_same; i < to->n_coupons; i++) {
        const struct cart_coupon *then = &to->coupons[i];
        (void)rules_accept(decision, applied(then->code, then->definition));
        if (has_lapsed(then))
            (void)rules_accept(decision, lapsed(then->code, then->state));
    }
}
