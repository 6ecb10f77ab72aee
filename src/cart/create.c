#include "rules.h"

#include <string.h>

/* A new cart, empty or with the lines of another. */

/* Accepted without a fact: *source is what to copy. */
static enum cart_outcome find_source(
    const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision, const struct cart **source)
{
    const char *cart_id = command->create.copy_of;
    int32_t version = command->create.copy_version;
    bool is_read = true;
    /* As it is, first: whether it is there for the caller says who owns it now. */
    *source = known->find_source(known->context, cart_id, 0, &is_read);
    if (is_read && *source == NULL)
        return rules_refuse(decision, CART_REFUSED_SOURCE_NOT_FOUND);
    int32_t current_version = *source != NULL ? (*source)->version : 0;
    if (is_read && version > 0)
        *source = known->find_source(known->context, cart_id, version, &is_read);
    if (!is_read)
        return CART_UNREAD;
    return *source != NULL ? CART_ACCEPTED : rules_refuse_version(decision, current_version);
}

enum cart_outcome rules_create(
    const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const struct cart *source = NULL;
    struct cart_event event = {
        .type = CART_EVENT_CREATED,
        .created =
            {
                .customer_id = command->create.customer_id,
                .guest_token_hash = command->create.guest_token_hash,
                .metadata = command->create.metadata,
            },
    };
    memcpy(event.created.currency, command->create.currency, sizeof event.created.currency);
    if (command->create.copy_of == NULL)
        return rules_accept(decision, event);
    enum cart_outcome outcome = find_source(command, known, decision, &source);
    if (outcome != CART_ACCEPTED)
        return outcome;
    if (event.created.currency[0] == '\0')
        memcpy(event.created.currency, source->currency, sizeof event.created.currency);
    (void)rules_accept(decision, event);
    return rules_copy(source, command, known, decision);
}
