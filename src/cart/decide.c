#include "cart.h"

#include <string.h>

static struct cart_decision refused(enum cart_refusal refusal)
{
    return (struct cart_decision){.outcome = CART_REFUSED, .refusal = refusal};
}

static struct cart_decision already_so(void)
{
    return (struct cart_decision){.outcome = CART_ALREADY_SO};
}

/* Only by chance or malice: ids that aren't a sku are made from a digest. */
static struct cart_decision id_taken(void)
{
    return (struct cart_decision){.outcome = CART_ID_TAKEN};
}

static struct cart_decision accepted(struct cart_event event)
{
    return (struct cart_decision){.outcome = CART_ACCEPTED, .event = event};
}

/* Whether the cart's amounts stay exact when `line` (NULL: a new one) becomes `quantity` pieces at
 * that price: both the line's total and the cart's. */
static bool fits_amounts(
    const struct cart *cart, const struct cart_line *line, int32_t quantity,
    int64_t unit_price_minor)
{
    int64_t line_minor;
    if (__builtin_mul_overflow(quantity, unit_price_minor, &line_minor) ||
        line_minor > CART_AMOUNT_MAX)
        return false;
    int64_t others_minor = cart->total_minor - (line == NULL ? 0 : cart_line_total_minor(line));
    /* Neither is more than CART_AMOUNT_MAX, so their sum can't overflow. */
    return others_minor + line_minor <= CART_AMOUNT_MAX;
}

static struct cart_decision create(const struct cart_command *command)
{
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
    return accepted(event);
}

static struct cart_decision claim(const struct cart *cart, const struct cart_command *command)
{
    const char *customer_id = command->claim.customer_id;
    if (cart->customer_id != NULL)
        return strcmp(cart->customer_id, customer_id) == 0 ? already_so()
                                                           : refused(CART_REFUSED_IS_CLAIMED);
    return accepted((struct cart_event){
        .type = CART_EVENT_CLAIMED,
        .claimed = {.customer_id = customer_id},
    });
}

static struct cart_decision add_item(
    const struct cart *cart, const struct cart_command *command, const struct cart_offer *offer)
{
    if (offer == NULL || !offer->is_known)
        return refused(CART_REFUSED_UNKNOWN_SKU);
    if (!offer->has_price)
        return refused(CART_REFUSED_PRICE_UNAVAILABLE);

    const char *sku = command->add_item.sku;
    const char *properties = command->add_item.properties;
    int32_t quantity = command->add_item.quantity;
    const struct cart_line *line = cart_find_line_of(cart, sku, properties);
    int32_t there = line == NULL ? 0 : line->quantity;
    if (quantity < 1 || quantity > CART_QUANTITY_MAX - there)
        return refused(CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    if (line == NULL && cart->n_lines == CART_LINES_MAX)
        return refused(CART_REFUSED_IS_FULL);
    if (!fits_amounts(cart, line, there + quantity, offer->unit_price_minor))
        return refused(CART_REFUSED_AMOUNT_TOO_LARGE);
    const char *new_id = command->add_item.item_id == NULL ? sku : command->add_item.item_id;
    if (line == NULL && cart_find_line(cart, new_id) != NULL)
        return id_taken();
    return accepted((struct cart_event){
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {
                .item_id = line == NULL ? new_id : line->item_id,
                .sku = sku,
                .name = offer->name,
                .properties = properties,
                .quantity = quantity,
                .unit_price_minor = offer->unit_price_minor,
            },
    });
}

static struct cart_decision remove_line(const struct cart_line *line)
{
    return accepted((struct cart_event){
        .type = CART_EVENT_ITEM_REMOVED,
        .item_removed = {.item_id = line->item_id, .quantity = line->quantity},
    });
}

static struct cart_decision change_item_quantity(
    const struct cart *cart, const struct cart_command *command)
{
    const struct cart_line *line = cart_find_line(cart, command->change_item_quantity.item_id);
    if (line == NULL)
        return refused(CART_REFUSED_ITEM_NOT_IN_CART);
    int32_t quantity = command->change_item_quantity.quantity;
    if (quantity == line->quantity)
        return already_so();
    if (quantity == 0)
        return remove_line(line);
    if (quantity < 0 || quantity > CART_QUANTITY_MAX)
        return refused(CART_REFUSED_QUANTITY_OUT_OF_RANGE);
    if (!fits_amounts(cart, line, quantity, line->unit_price_minor))
        return refused(CART_REFUSED_AMOUNT_TOO_LARGE);
    return accepted((struct cart_event){
        .type = CART_EVENT_ITEM_QUANTITY_CHANGED,
        .item_quantity_changed = {.item_id = line->item_id, .quantity = quantity},
    });
}

static struct cart_decision remove_item(const struct cart *cart, const struct cart_command *command)
{
    const struct cart_line *line = cart_find_line(cart, command->remove_item.item_id);
    if (line == NULL)
        return refused(CART_REFUSED_ITEM_NOT_IN_CART);
    return remove_line(line);
}

static struct cart_decision clear_items(const struct cart *cart)
{
    if (cart->n_lines == 0)
        return already_so();
    return accepted((struct cart_event){.type = CART_EVENT_CLEARED});
}

static bool expects_other_total(const struct cart *cart, const struct cart_command *command)
{
    return command->check_out.has_expected_total &&
           command->check_out.expected_total_minor != cart->total_minor;
}

/* Of a cart that was checked out: it is so, unless that was for another order or at another total.
 */
static struct cart_decision check_out_again(
    const struct cart *cart, const struct cart_command *command)
{
    const char *order_reference = command->check_out.order_reference;
    if (order_reference != NULL &&
        (cart->order_reference == NULL || strcmp(cart->order_reference, order_reference) != 0))
        return refused(CART_REFUSED_OTHER_ORDER_REFERENCE);
    if (expects_other_total(cart, command))
        return refused(CART_REFUSED_TOTAL_CHANGED);
    return already_so();
}

static struct cart_decision check_out(const struct cart *cart, const struct cart_command *command)
{
    if (cart->n_lines == 0)
        return refused(CART_REFUSED_IS_EMPTY);
    if (expects_other_total(cart, command))
        return refused(CART_REFUSED_TOTAL_CHANGED);
    struct cart_event event = {
        .type = CART_EVENT_CHECKED_OUT,
        .checked_out =
            {
                .total_minor = cart->total_minor,
                .item_count = cart->item_count,
                .order_reference = command->check_out.order_reference,
            },
    };
    memcpy(event.checked_out.currency, cart->currency, sizeof event.checked_out.currency);
    return accepted(event);
}

const char *cart_command_subject(const struct cart_command *command)
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
        break;
    }
    return "";
}

struct cart_decision cart_decide(
    const struct cart *cart, const struct cart_command *command, const struct cart_offer *offer)
{
    bool is_create = command->type == CART_COMMAND_CREATE;
    if (cart->status == CART_ABSENT && !is_create)
        return refused(CART_REFUSED_NOT_FOUND);
    if (cart->status != CART_ABSENT && is_create)
        return refused(CART_REFUSED_ALREADY_EXISTS);
    if (cart->status == CART_CHECKED_OUT && command->type == CART_COMMAND_CHECK_OUT)
        return check_out_again(cart, command);
    if (cart->status == CART_CHECKED_OUT || cart->status == CART_CANCELLED)
        return refused(CART_REFUSED_IS_CLOSED);

    switch (command->type) {
    case CART_COMMAND_CREATE:
        return create(command);
    case CART_COMMAND_CLAIM:
        return claim(cart, command);
    case CART_COMMAND_ADD_ITEM:
        return add_item(cart, command, offer);
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
        return change_item_quantity(cart, command);
    case CART_COMMAND_REMOVE_ITEM:
        return remove_item(cart, command);
    case CART_COMMAND_CLEAR_ITEMS:
        return clear_items(cart);
    case CART_COMMAND_CHECK_OUT:
        return check_out(cart, command);
    case CART_COMMAND_CANCEL:
        return accepted((struct cart_event){.type = CART_EVENT_CANCELLED});
    }
    return refused(CART_REFUSED_NOT_FOUND);
}
