/*
 * rules: what the files of the rules share. Private to the cart.
 */
#ifndef CARTD_CART_RULES_H
#define CARTD_CART_RULES_H

#include "cart.h"

/* totals.c: what the amounts of others are together. Then, for evolve: one is set, one goes, and
 * all are stale. */
int64_t rules_sum_totals(const struct cart *cart);
/* What the cart would cost without discounts. Limits hold for that, as discounts end. */
int64_t rules_sum_undiscounted(const struct cart *cart);
void rules_put_total(struct cart *cart, const char *name, int64_t amount_minor);
void rules_take_total(struct cart *cart, const char *name);
void rules_make_totals_stale(struct cart *cart);
/* The sum, or INT64_MAX. */
int64_t rules_add_amounts(int64_t left_minor, int64_t right_minor);

/* coupons.c: gives each line its discount, each coupon its state and its amount. Then, for evolve:
 * one is applied, one goes, one can't be redeemed any more. */
void rules_use_coupons(struct cart *cart);
void rules_put_coupon(
    struct cart *cart, const char *code, const struct coupon_definition *definition);
void rules_take_coupon(struct cart *cart, const char *code);
void rules_lapse_coupon(struct cart *cart, const char *code, enum cart_coupon_state state);

/* Each rule returns how its decision came out, with the rest of it in *decision. */

static inline enum cart_outcome rules_refuse(
    struct cart_decision *decision, enum cart_refusal refusal)
{
    decision->refusal = refusal;
    return CART_REFUSED;
}

/* A cart of that version has no such version. */
static inline enum cart_outcome rules_refuse_version(
    struct cart_decision *decision, int32_t current_version)
{
    decision->current_version = current_version;
    return rules_refuse(decision, CART_REFUSED_NO_SUCH_VERSION);
}

/* One fact more. */
static inline enum cart_outcome rules_accept(
    struct cart_decision *decision, struct cart_event event)
{
    decision->events[decision->n_events++] = event;
    return CART_ACCEPTED;
}

/* A line goes, or has another quantity or price from now on. */
enum cart_outcome rules_remove_line(struct cart_decision *decision, const struct cart_line *line);
enum cart_outcome rules_set_quantity(
    struct cart_decision *decision, const struct cart_line *line, int32_t quantity);
enum cart_outcome rules_set_price(
    struct cart_decision *decision, const struct cart_line *line, int64_t unit_price_minor,
    bool is_price_set);

static inline void rules_note(struct cart_decision *decision, struct cart_note note)
{
    decision->notes[decision->n_notes++] = note;
}

/* That so much of a line can't be had. */
static inline void rules_note_line(
    struct cart_decision *decision, enum cart_refusal code, const struct cart_line *line,
    int32_t wanted)
{
    rules_note(
        decision, (struct cart_note){
                      .code = code,
                      .item_id = line->item_id,
                      .sku = line->sku,
                      .quantity = wanted,
                      .unit_price_minor = -1,
                      .current_price_minor = -1,
                  });
}

/* Whether an amount of others and that of a line, of which quantity, scale and price count, stay
 * exact together; *sum_minor is what they are. */
bool rules_add_line(int64_t others_minor, const struct cart_line *line, int64_t *sum_minor);
/* Whether the cart's amounts stay exact when `line` (NULL: a new one) becomes another: both the
 * line's total and the cart's. */
bool rules_fit_amounts(
    const struct cart *cart, const struct cart_line *line, const struct cart_line *becomes);

/* Whether the catalogue's limits and price are for what the quantity of the line counts: the
 * product is for sale, and counts alike. */
bool rules_is_about(const struct cart_line *line, const struct cart_offer *offer);
/* Whether a line can have the price of an offer. False: *obstacle says why not. */
bool rules_can_take_price(
    const struct cart_line *line, const struct cart_offer *offer, enum cart_refusal *obstacle);
/* Whether the caller may have more at the price of the line: one that another system set is for as
 * much as that said. */
bool rules_may_grow(const struct cart_line *line, const struct cart_known *known);
bool rules_allow(const struct cart_limits *limits, int64_t quantity);
/* The largest quantity that is allowed and at most `wanted`; 0: none is. */
int32_t rules_find_allowed(const struct cart_limits *limits, int64_t wanted);
enum cart_outcome rules_refuse_quantity(
    struct cart_decision *decision, const struct cart_limits *limits, int64_t quantity);
/* The least that can be added to a line of that quantity (0: a new one). If nothing can, 1. */
int32_t rules_least_addition(const struct cart_limits *limits, int32_t quantity);

/* totals.c */
/* Whether the caller may have the cart lose what others have set, as with another currency. */
bool rules_may_drop_totals(const struct cart *cart, const struct cart_known *known);
enum cart_outcome rules_set_total(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision);
enum cart_outcome rules_remove_total(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision);

/* coupons.c */
enum cart_outcome rules_apply_coupon(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
enum cart_outcome rules_remove_coupon(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision);
/* Refused, or accepted without a fact: every coupon that takes something off can be redeemed. */
enum cart_outcome rules_check_coupons(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision);
/* Adds the facts that make each coupon what it is now. */
void rules_refresh_coupons(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision);
/* Adds the facts that lead from the coupons of one state of the cart to those of another. */
void rules_bring_coupons_back(
    const struct cart *from, const struct cart *to, struct cart_decision *decision);

/* ends.c: that a cart was left, and that it ends by itself. */
bool rules_is_of_time(enum cart_command_type type);
enum cart_outcome rules_pass_time(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* Whether the caller may give the cart such a command. Who has no more than the token to resume it
 * may neither take it over nor make or end such tokens, nor learn what it was before. */
bool rules_admit(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known);
enum cart_outcome rules_make_resume_token(
    const struct cart_command *command, struct cart_decision *decision);
enum cart_outcome rules_end_resume_token(const struct cart *cart, struct cart_decision *decision);
/* For a command that was accepted: a cart that was left is resumed first. */
void rules_resume(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision);

/* prices.c */
enum cart_outcome rules_reprice(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision);
enum cart_outcome rules_change_currency(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* Refused, or accepted without a fact: every line costs what the catalogue says. */
enum cart_outcome rules_check_prices(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision);

/* merge.c */
enum cart_outcome rules_merge(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* The same with the cart that the customer has open, if there is one, behind the claim that the
 * decision has already. */
enum cart_outcome rules_merge_open_cart(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
enum cart_outcome rules_revert_merge(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* Whether it is a merge, or the revert of one, that was done before: so it is, whatever has become
 * of this cart since. */
bool rules_is_repeated_merge(const struct cart_command *command, const struct cart_known *known);

/* create.c */
enum cart_outcome rules_create(
    const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);

/* past.c */
enum cart_outcome rules_undo(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision);
enum cart_outcome rules_restore(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* The lines of another cart, behind the creation that the decision has already. */
enum cart_outcome rules_copy(
    const struct cart *source, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);

/* checkout.c */

enum cart_outcome rules_check_out(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision);
/* Of a cart that was checked out: it is so, unless that was for another order or at another total.
 */
enum cart_outcome rules_check_out_again(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision);

#endif
