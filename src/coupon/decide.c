#include "coupon.h"

#include <string.h>

/* ---- definitions ----------------------------------------------------------------------------- */

bool coupon_find_amount(
    const struct coupon_amounts *amounts, const char *currency, int64_t *amount_minor)
{
    for (size_t i = 0; i < amounts->n; i++)
        if (strcmp(amounts->list[i].currency, currency) == 0) {
            *amount_minor = amounts->list[i].amount_minor;
            return true;
        }
    return false;
}

static bool has_text(const struct coupon_texts *texts, const char *wanted, size_t length)
{
    for (size_t i = 0; i < texts->n; i++)
        if (strncmp(texts->list[i], wanted, length) == 0 && texts->list[i][length] == '\0')
            return true;
    return false;
}

/* A word has nothing that JSON would escape. */
static bool has_a_tag(const struct coupon_texts *wanted, const char *tags)
{
    for (const char *at = tags; at != NULL && *at != '\0'; at++) {
        if (*at != '"')
            continue;
        const char *word = ++at;
        while (*at != '\0' && *at != '"')
            at++;
        if (has_text(wanted, word, (size_t)(at - word)))
            return true;
        if (*at == '\0')
            break;
    }
    return false;
}

bool coupon_covers(const struct coupon_definition *definition, const char *sku, const char *tags)
{
    return (definition->skus.n == 0 && definition->tags.n == 0) ||
           has_text(&definition->skus, sku, strlen(sku)) || has_a_tag(&definition->tags, tags);
}

static bool has_same_amounts(const struct coupon_amounts *left, const struct coupon_amounts *right)
{
    if (left->n != right->n)
        return false;
    for (size_t i = 0; i < left->n; i++)
        if (left->list[i].amount_minor != right->list[i].amount_minor ||
            strcmp(left->list[i].currency, right->list[i].currency) != 0)
            return false;
    return true;
}

static bool has_same_texts(const struct coupon_texts *left, const struct coupon_texts *right)
{
    if (left->n != right->n)
        return false;
    for (size_t i = 0; i < left->n; i++)
        if (strcmp(left->list[i], right->list[i]) != 0)
            return false;
    return true;
}

bool coupon_is_same(const struct coupon_definition *left, const struct coupon_definition *right)
{
    return strcmp(left->code, right->code) == 0 &&
           left->percent_hundredths == right->percent_hundredths &&
           left->starts_at_us == right->starts_at_us && left->ends_at_us == right->ends_at_us &&
           left->limit == right->limit && left->limit_per_customer == right->limit_per_customer &&
           left->is_combinable == right->is_combinable &&
           has_same_amounts(&left->amounts, &right->amounts) &&
           has_same_amounts(&left->minimums, &right->minimums) &&
           has_same_texts(&left->skus, &right->skus) && has_same_texts(&left->tags, &right->tags);
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
        if (is_in_force ? coupon_is_same(&coupon->definition, &command->definition)
                        : coupon->is_withdrawn && command->leaves_withdrawn)
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
