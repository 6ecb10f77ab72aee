/*
 * Inside of aggregate: the other cart of a request that merges one, or gives it back its own. There
 * is one at most, as no list of commands can have such a command.
 */
#ifndef CARTD_CART_MERGE_H
#define CARTD_CART_MERGE_H

#include "aggregate.h"

/* Which it is; false: the request is about no other cart. */
bool cart_merge_names(const struct cart_request *request, struct base_uuid *cart_id);
/* A copy of its state, in the arena with its texts: what is decided may outlive the state. NULL: it
 * is not there for the caller, also with the token that the command brings. */
const struct cart *cart_merge_find(
    const struct cart *state, const struct cart_command *command, const struct cart_caller *caller,
    struct base_arena *arena);

#endif
