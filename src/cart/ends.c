#include "rules.h"

#include <string.h>

/*
 * What time makes of an open cart that nobody touches: it is abandoned, which changes nothing but
 * what is known about it, and one day it expires. A timer asks for either; it may be early, late or
 * ask twice, so that the deadline is looked at here.
 */

/* ---- when ------------------------------------------------------------------------------------ */

int64_t cart_lifetime_us(const struct cart_lifetimes *lifetimes, bool has_customer, bool is_empty)
{
    if (is_empty)
        return lifetimes->empty_us;
    return has_customer ? lifetimes->customer_us : lifetimes->guest_us;
}

/* So long after its last change. One that is not recorded yet is of this moment. */
_Static_assert(CART_TIME_NONE < CART_TIME_PENDING, "no time is before both");
static int64_t find_deadline(const struct cart *cart, int64_t after_us)
{
    int64_t at_us;
    if (cart->status != CART_OPEN || after_us == 0 || cart->updated_at_us <= CART_TIME_PENDING ||
        __builtin_add_overflow(cart->updated_at_us, after_us, &at_us))
        return CART_TIME_NONE;
    return at_us;
}

static int64_t find_abandonment(const struct cart *cart, const struct cart_lifetimes *lifetimes)
{
    if (cart->n_lines == 0 || cart->abandoned_at_us != CART_TIME_NONE)
        return CART_TIME_NONE;
    return find_deadline(cart, lifetimes->abandoned_us);
}

int64_t cart_expires_at_us(const struct cart *cart, const struct cart_lifetimes *lifetimes)
{
    return find_deadline(
        cart, cart_lifetime_us(lifetimes, cart->customer_id != NULL, cart->n_lines == 0));
}

struct cart_due cart_find_due(const struct cart *cart, const struct cart_lifetimes *lifetimes)
{
    struct cart_due due = {find_abandonment(cart, lifetimes), CART_COMMAND_ABANDON};
    int64_t expires_at_us = cart_expires_at_us(cart, lifetimes);
    if (due.at_us == CART_TIME_NONE ||
        (expires_at_us != CART_TIME_NONE && expires_at_us < due.at_us))
        due = (struct cart_due){expires_at_us, CART_COMMAND_EXPIRE};
    return due;
}

/* ---- the rules ------------------------------------------------------------------------------- */

bool rules_is_of_time(enum cart_command_type type)
{
    return type == CART_COMMAND_ABANDON || type == CART_COMMAND_EXPIRE;
}

static struct cart_event leave(const struct cart *cart)
{
    struct cart_event event = {
        .type = CART_EVENT_ABANDONED,
        .abandoned = {.total_minor = cart->total_minor, .item_count = cart->item_count},
    };
    memcpy(event.abandoned.currency, cart->currency, sizeof event.abandoned.currency);
    return event;
}

enum cart_outcome rules_pass_time(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const struct cart_request *request = known->request;
    bool expires = command->type == CART_COMMAND_EXPIRE;
    if (request->lifetimes == NULL)
        return CART_ALREADY_SO;
    int64_t due_us = expires ? cart_expires_at_us(cart, request->lifetimes)
                             : find_abandonment(cart, request->lifetimes);
    if (due_us == CART_TIME_NONE || due_us > request->asked_at_us)
        return CART_ALREADY_SO;
    return rules_accept(
        decision, expires ? (struct cart_event){.type = CART_EVENT_EXPIRED} : leave(cart));
}

/* ---- the token by which somebody may go on ----------------------------------------------------
 */

/* What is done to invite somebody back is no sign that anybody came. */
static bool is_of_token(enum cart_command_type type)
{
    return type == CART_COMMAND_MAKE_RESUME_TOKEN || type == CART_COMMAND_END_RESUME_TOKEN;
}

bool rules_admit(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known)
{
    bool is_for_owners = is_of_token(command->type) || command->type == CART_COMMAND_CLAIM ||
                         command->type == CART_COMMAND_UNDO ||
                         command->type == CART_COMMAND_RESTORE;
    return !is_for_owners ||
           cart_admits(cart->customer_id, cart->guest_token_hash, &known->request->caller);
}

enum cart_outcome rules_make_resume_token(
    const struct cart_command *command, struct cart_decision *decision)
{
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_RESUME_TOKEN_MADE,
                      .resume_token_made = {command->make_resume_token.token_hash},
                  });
}

enum cart_outcome rules_end_resume_token(const struct cart *cart, struct cart_decision *decision)
{
    if (cart->resume_token_hash == NULL)
        return CART_ALREADY_SO;
    return rules_accept(decision, (struct cart_event){.type = CART_EVENT_RESUME_TOKEN_ENDED});
}

/* ---- resumed --------------------------------------------------------------------------------- */

void rules_resume(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    if (cart->abandoned_at_us == CART_TIME_NONE || rules_is_of_time(command->type) ||
        is_of_token(command->type))
        return;
    memmove(
        &decision->events[1], decision->events, decision->n_events * sizeof decision->events[0]);
    decision->events[0] = (struct cart_event){.type = CART_EVENT_RESUMED};
    decision->n_events++;
}
