#include "handlers.h"

#include <inttypes.h>

/* What a command names: a sku or the id of an item; "" for one that names neither. */
static const char *subject_of(const struct cart_command *command)
{
    switch (command->type) {
    case CART_COMMAND_ADD_ITEM:
        return command->add_item.sku;
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
        return command->change_item_quantity.item_id;
    case CART_COMMAND_REMOVE_ITEM:
        return command->remove_item.item_id;
    case CART_COMMAND_CREATE:
    case CART_COMMAND_CLAIM:
    case CART_COMMAND_CLEAR_ITEMS:
    case CART_COMMAND_CHECK_OUT:
    case CART_COMMAND_CANCEL:
        return "";
    }
    return "";
}

const char *http_refusal_detail(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    struct base_arena *arena = &request->arena;
    char cart_id[BASE_UUID_SIZE];
    base_uuid_format(&command->stream_id, cart_id);
    if (command->command_index >= request->wishes.n_commands)
        return "The cart does not allow it."; /* the service names a command in each refusal */
    const struct cart_command *refused = &request->wishes.commands[command->command_index];
    const char *subject = subject_of(refused);

    switch ((enum cart_refusal)command->refusal) {
    case CART_REFUSED_NOT_FOUND:
        return base_arena_printf(arena, "There is no cart %s.", cart_id);
    case CART_REFUSED_ALREADY_EXISTS:
        return base_arena_printf(arena, "A cart %s already exists.", cart_id);
    case CART_REFUSED_IS_CLOSED:
        return base_arena_printf(
            arena, "Cart %s was checked out or cancelled and accepts no more commands.", cart_id);
    case CART_REFUSED_IS_CLAIMED:
        return base_arena_printf(arena, "Cart %s already belongs to another customer.", cart_id);
    case CART_REFUSED_ITEM_NOT_IN_CART:
        return base_arena_printf(arena, "Cart %s has no item \"%.128s\".", cart_id, subject);
    case CART_REFUSED_UNKNOWN_SKU:
        return base_arena_printf(
            arena, "The catalogue has no active product with the sku \"%s\".", subject);
    case CART_REFUSED_PRICE_UNAVAILABLE:
        return base_arena_printf(
            arena, "The product \"%s\" has no price in the currency of the cart.", subject);
    case CART_REFUSED_QUANTITY_OUT_OF_RANGE:
        return base_arena_printf(
            arena, "%d more would bring the line of \"%s\" above %d pieces.",
            refused->type == CART_COMMAND_ADD_ITEM ? (int)refused->add_item.quantity : 0, subject,
            CART_QUANTITY_MAX);
    case CART_REFUSED_IS_FULL:
        return base_arena_printf(
            arena, "The cart has %d lines, the limit, so \"%s\" can't be added.", CART_LINES_MAX,
            subject);
    case CART_REFUSED_AMOUNT_TOO_LARGE:
        return base_arena_printf(
            arena, "With \"%s\" the total of the cart would exceed %" PRId64 ".", subject,
            CART_AMOUNT_MAX);
    case CART_REFUSED_IS_EMPTY:
        return base_arena_printf(
            arena, "Cart %s has no items to check out; add one first.", cart_id);
    case CART_REFUSED_TOTAL_CHANGED:
        return base_arena_printf(
            arena, "The total of the cart is %" PRId64 ", not the expected %" PRId64 ".",
            command->current_total_minor,
            refused->type == CART_COMMAND_CHECK_OUT ? refused->check_out.expected_total_minor : 0);
    }
    return "The cart does not allow it.";
}
