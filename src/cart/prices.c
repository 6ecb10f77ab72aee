#include "rules.h"

#include <string.h>

/* What the catalogue has to say of a line, as a note; false: it costs what the line costs. */
static bool find_difference(
    const struct cart_line *line, const struct cart_offer *offer, struct cart_note *note)
{
    enum cart_refusal code = CART_REFUSED_PRICES_CHANGED;
    bool has_price = rules_can_take_price(line, offer, &code);
    if (has_price && offer->unit_price_minor == line->unit_price_minor)
        return false;
    if (offer->is_known && line->is_price_set)
        return false;
    *note = (struct cart_note){
        .code = code,
        .item_id = line->item_id,
        .sku = line->sku,
        .quantity = line->quantity,
        .unit_price_minor = line->unit_price_minor,
        .current_price_minor = has_price ? offer->unit_price_minor : -1,
    };
    return true;
}

static struct cart_offer find_offer(
    const struct cart_known *known, const struct cart_line *line, const char *currency)
{
    return known->find_offer(known->context, line->sku, currency);
}

enum cart_outcome rules_check_prices(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision)
{
    for (size_t i = 0; i < cart->n_lines; i++) {
        struct cart_offer offer = find_offer(known, &cart->lines[i], cart->currency);
        struct cart_note note;
        if (find_difference(&cart->lines[i], &offer, &note))
            rules_note(decision, note);
    }
    if (decision->n_notes > 0)
        return rules_refuse(decision, CART_REFUSED_PRICES_CHANGED);
    return CART_ACCEPTED;
}

/* The price of now; of a line that can't be had now, or whose price is set, its own. */
static int64_t find_price(
    const struct cart *cart, const struct cart_line *line, const struct cart_known *known)
{
    struct cart_offer offer = find_offer(known, line, cart->currency);
    enum cart_refusal obstacle;
    return rules_can_take_price(line, &offer, &obstacle) && !line->is_price_set
               ? offer.unit_price_minor
               : line->unit_price_minor;
}

static void change_prices(
    const struct cart *cart, const struct cart_known *known, bool rise,
    struct cart_decision *decision)
{
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        int64_t price_minor = find_price(cart, line, known);
        if (rise ? price_minor > line->unit_price_minor : price_minor < line->unit_price_minor)
            (void)rules_set_price(decision, line, price_minor, false);
    }
}

/* Prices that fall come first, so that no version in between has a larger total than the last. */
enum cart_outcome rules_reprice(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision)
{
    int64_t total_minor = rules_sum_totals(cart);
    for (size_t i = 0; i < cart->n_lines; i++) {
        struct cart_line line = cart->lines[i];
        line.unit_price_minor = find_price(cart, &cart->lines[i], known);
        if (!rules_add_line(total_minor, &line, &total_minor))
            return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    }
    change_prices(cart, known, false, decision);
    change_prices(cart, known, true, decision);
    rules_refresh_coupons(cart, known, decision);
    return decision->n_events == 0 ? CART_ALREADY_SO : CART_ACCEPTED;
}

/* All lines in one fact, as no version of a cart has amounts of another currency. */
enum cart_outcome rules_change_currency(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *currency = command->change_currency.currency;
    if (strcmp(cart->currency, currency) == 0)
        return CART_ALREADY_SO;
    if (!rules_may_drop_totals(cart, known))
        return rules_refuse(decision, CART_REFUSED_HAS_TOTALS);
    int64_t total_minor = 0;
    bool are_exact = true;
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        struct cart_offer offer = find_offer(known, line, currency);
        struct cart_line becomes = *line;
        struct cart_note note;
        enum cart_refusal obstacle;
        becomes.unit_price_minor = offer.unit_price_minor;
        decision->prices[i] = (struct cart_item_price){line->item_id, offer.unit_price_minor};
        are_exact = are_exact && rules_add_line(total_minor, &becomes, &total_minor);
        /* What another system's price is in that currency is not known. */
        offer.has_price = offer.has_price && !line->is_price_set;
        becomes.is_price_set = false;
        becomes.unit_price_minor = line->unit_price_minor;
        if (!rules_can_take_price(line, &offer, &obstacle) &&
            find_difference(&becomes, &offer, &note)) {
            rules_note(decision, note);
        }
    }
    if (decision->n_notes > 0)
        return rules_refuse(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    if (!are_exact)
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    struct cart_event event = {
        .type = CART_EVENT_CURRENCY_CHANGED,
        .currency_changed = {.prices = decision->prices, .n_prices = cart->n_lines},
    };
    memcpy(event.currency_changed.currency, currency, sizeof event.currency_changed.currency);
    return rules_accept(decision, event);
}
