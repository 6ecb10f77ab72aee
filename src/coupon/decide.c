#include "coupon.h"

#include <string.h>

/* ---- definitions ----------------------------------------------------------------------------- */

bool coupon_find_amount(
    const struct coupon_money *amounts, size_t n_amounts, const char *currency,
    int64_t *amount_minor)
{
    for (size_t i = 0; i < n_amounts; i++)
        if (strcmp(amounts[i].currency, currency) == 0) {
            *amount_minor = amounts[i].amount_minor;
            return true;
        }
    return false;
}

static bool has_same_amounts(
    const struct coupon_money *left, size_t n_left, const struct coupon_money *right,
    size_t n_right)
{
    if (n_left != n_right)
        return false;
    for (size_t i = 0; i < n_left; i++)
        if (left[i].amount_minor != right[i].amount_minor ||
            strcmp(left[i].currency, right[i].currency) != 0)
            return false;
    return true;
}

static bool has_same_texts(
    const char *const *left, size_t n_left, const char *const *right, size_t n_right)
{
    if (n_left != n_right)
        return false;
    for (size_t i = 0; i < n_left; i++)
        if (strcmp(left[i], right[i]) != 0)
            return false;
    return true;
}

static bool is_same(const struct coupon_definition *left, const struct coupon_definition *right)
{
    return strcmp(left->code, right->code) == 0 &&
           left->percent_hundredths == right->percent_hundredths &&
           left->starts_at_us == right->starts_at_us && left->ends_at_us == right->ends_at_us &&
           left->limit == right->limit && left->limit_per_customer == right->limit_per_customer &&
           left->is_combinable == right->is_combinable &&
           has_same_amounts(left->amounts, left->n_amounts, right->amounts, right->n_amounts) &&
           has_same_amounts(left->minimums, left->n_minimums, right->minimums, right->n_minimums) &&
           has_same_texts(left->skus, left->n_skus, right->skus, right->n_skus) &&
           has_same_texts(left->tags, left->n_tags, right->tags, right->n_tags);
}

/* ---- its owner's commands -------------------------------------------------------------------- */

void coupon_decide(
    const struct coupon *coupon, const struct coupon_command *command,
    struct coupon_decision *decision)
{
    bool is_in_force = coupon->version > 0 && !coupon->is_withdrawn;
    decision->outcome = COUPON_ACCEPTED;
    switch (command->type) {
    case COUPON_COMMAND_DEFINE:
        decision->event =
            (struct coupon_event){.type = COUPON_EVENT_DEFINED, .defined = command->definition};
        if (is_in_force && is_same(&coupon->definition, &command->definition))
            decision->outcome = COUPON_ALREADY_SO;
        break;
    case COUPON_COMMAND_WITHDRAW:
        decision->event = (struct coupon_event){.type = COUPON_EVENT_WITHDRAWN};
        if (coupon->version == 0)
            decision->outcome = COUPON_NOT_FOUND;
        else if (!is_in_force)
            decision->outcome = COUPON_ALREADY_SO;
        break;
    }
}

/* ---- a cart's side --------------------------------------------------------------------------- */

enum coupon_usability coupon_find_usability(const struct coupon *coupon, int64_t now_us)
{
    const struct coupon_definition *definition = &coupon->definition;
    if (coupon->version == 0)
        return COUPON_UNKNOWN;
    if (coupon->is_withdrawn)
        return COUPON_WITHDRAWN;
    if (definition->starts_at_us != COUPON_TIME_NONE && now_us < definition->starts_at_us)
        return COUPON_NOT_STARTED;
    if (definition->ends_at_us != COUPON_TIME_NONE && now_us >= definition->ends_at_us)
        return COUPON_EXPIRED;
    if (definition->limit > 0 && coupon->n_redeemed >= definition->limit)
        return COUPON_EXHAUSTED;
    return COUPON_USABLE;
}

enum coupon_usability coupon_redeem(
    const struct coupon *coupon, int64_t now_us, struct coupon_use use, struct coupon_event *event)
{
    enum coupon_usability usability = coupon_find_usability(coupon, now_us);
    if (usability == COUPON_USABLE)
        *event = (struct coupon_event){.type = COUPON_EVENT_REDEEMED, .redeemed = use};
    return usability;
}

bool coupon_release(const struct coupon *coupon, struct coupon_use use, struct coupon_event *event)
{
    if (coupon->n_redeemed == 0)
        return false;
    *event = (struct coupon_event){.type = COUPON_EVENT_RELEASED, .released = use};
    return true;
}
