#include "cart_merge.h"

#include <string.h>

static bool is_merge(const struct cart_command *command)
{
    return command->type == CART_COMMAND_MERGE || command->type == CART_COMMAND_REVERT_MERGE;
}

bool cart_merge_names(const struct cart_request *request, struct base_uuid *cart_id)
{
    for (size_t i = 0; i < request->n_commands; i++)
        if (is_merge(&request->commands[i]))
            return base_uuid_parse(request->commands[i].merge.from, cart_id);
    return false;
}

static bool admits(
    const struct cart *cart, const struct cart_command *command, const struct cart_caller *caller)
{
    struct cart_caller guest = {.may_all = false};
    if (cart_admits(cart->customer_id, cart->guest_token_hash, caller))
        return true;
    if (command->merge.from_token == NULL)
        return false;
    base_sha256_hex(command->merge.from_token, guest.guest_token_hash);
    return cart_admits(cart->customer_id, cart->guest_token_hash, &guest);
}

const struct cart *cart_merge_find(
    const struct cart *state, const struct cart_command *command, const struct cart_caller *caller,
    struct base_arena *arena)
{
    if (state->version == 0 || !admits(state, command, caller))
        return NULL;
    return cart_pack(base_arena_alloc(arena, cart_packed_size(state)), state);
}
