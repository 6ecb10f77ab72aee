#include "rules.h"

#include <string.h>

static enum cart_outcome claim(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *customer_id = command->claim.customer_id;
    if (cart->customer_id != NULL)
        return strcmp(cart->customer_id, customer_id) == 0
                   ? CART_ALREADY_SO
                   : rules_refuse(decision, CART_REFUSED_IS_CLAIMED);
    (void)rules_accept(
        decision,
        (struct cart_event){.type = CART_EVENT_CLAIMED, .claimed = {.customer_id = customer_id}});
    return command->claim.has_merge ? rules_merge_open_cart(cart, command, known, decision)
                                    : CART_ACCEPTED;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The offer at the price of the line with the units that come to it: what was asked for, else what
 * was set, else what the catalogue says. True: the price is set. */
static bool take_price(
    const struct cart_line *line, const struct cart_command *command, struct cart_offer *offer)
{
    bool is_set = command->add_item.has_unit_price || (line != NULL && line->is_price_set);
    if (!is_set)
        return false;
    offer->has_price = true;
    offer->unit_price_minor = command->add_item.has_unit_price ? command->add_item.unit_price_minor
                                                               : line->unit_price_minor;
    return true;
}

/* What stands against adding to `line` (NULL: a new one) what the offer is for. */
static enum cart_outcome check_addition(
    const struct cart *cart, const struct cart_line *line, int32_t quantity,
    const struct cart_offer *offer, struct cart_decision *decision)
{
    int64_t sum = quantity + (int64_t)(line == NULL ? 0 : line->quantity);
    if (!offer->is_known)
        return rules_refuse(decision, CART_REFUSED_UNKNOWN_SKU);
    if (!offer->has_price)
        return rules_refuse(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    if (line != NULL && !rules_is_about(line, offer))
        return rules_refuse(decision, CART_REFUSED_UNIT_CHANGED);
    if (quantity < 1 || !rules_allow(&offer->limits, sum))
        return rules_refuse_quantity(decision, &offer->limits, sum);
    if (line == NULL && cart->n_lines == CART_LINES_MAX)
        return rules_refuse(decision, CART_REFUSED_IS_FULL);
    const struct cart_line becomes = {
        .quantity = (int32_t)sum,
        .scale = offer->scale,
        .unit_price_minor = offer->unit_price_minor,
    };
    return rules_fit_amounts(cart, line, &becomes)
               ? CART_ACCEPTED
               : rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
}

static enum cart_outcome add_item(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *sku = command->add_item.sku;
    const char *properties = command->add_item.properties;
    int32_t quantity = command->add_item.quantity;
    struct cart_offer offer = known->find_offer(known->context, sku, cart->currency);
    const struct cart_line *line = cart_find_line_of(cart, sku, properties);
    bool is_price_set = take_price(line, command, &offer);
    if (line != NULL && !rules_may_grow(line, known))
        return rules_refuse(decision, CART_REFUSED_PRICE_IS_SET);
    if (quantity == 0 && offer.is_known)
        quantity = rules_least_addition(&offer.limits, line == NULL ? 0 : line->quantity);
    enum cart_outcome outcome = check_addition(cart, line, quantity, &offer, decision);
    if (outcome != CART_ACCEPTED)
        return outcome;
    const char *new_id = command->add_item.item_id == NULL ? sku : command->add_item.item_id;
    if (line == NULL && cart_find_line(cart, new_id) != NULL)
        return CART_ID_TAKEN; /* only by chance or malice: other ids are made from a digest */
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_ITEM_ADDED,
                      .item_added =
                          {
                              .item_id = line == NULL ? new_id : line->item_id,
                              .sku = sku,
                              .name = offer.name,
                              .properties = properties,
                              .unit = offer.unit,
                              .tags = offer.tags,
                              .quantity = quantity,
                              .scale = offer.scale,
                              .is_price_set = is_price_set,
                              .unit_price_minor = offer.unit_price_minor,
                          },
                  });
}

/* What the catalogue has against so much in a line. Of a product that is not sold any more, or not
 * by what the line's quantity counts, or not in the cart's currency, there can be less, but not
 * more. */
static enum cart_outcome check_limits(
    const struct cart_line *line, const struct cart_line *becomes, const struct cart_offer *offer,
    struct cart_decision *decision)
{
    static const struct cart_limits widest = {1, CART_QUANTITY_MAX, 1};
    bool is_about = rules_is_about(line, offer);
    bool grows = becomes->quantity > line->quantity;
    const struct cart_limits *limits = is_about ? &offer->limits : &widest;
    if (!is_about && grows)
        return rules_refuse(
            decision, offer->is_known ? CART_REFUSED_UNIT_CHANGED : CART_REFUSED_PRODUCT_WITHDRAWN);
    if (!offer->has_price && !becomes->is_price_set && grows)
        return rules_refuse(decision, CART_REFUSED_PRICE_UNAVAILABLE);
    return rules_allow(limits, becomes->quantity)
               ? CART_ACCEPTED
               : rules_refuse_quantity(decision, limits, becomes->quantity);
}

/* What stands against another quantity of a line. */
static enum cart_outcome check_quantity(
    const struct cart *cart, const struct cart_line *line, const struct cart_line *becomes,
    const struct cart_known *known, struct cart_decision *decision)
{
    struct cart_offer offer = known->find_offer(known->context, line->sku, cart->currency);
    if (becomes->quantity > line->quantity && !rules_may_grow(becomes, known))
        return rules_refuse(decision, CART_REFUSED_PRICE_IS_SET);
    enum cart_outcome outcome = check_limits(line, becomes, &offer, decision);
    if (outcome == CART_ACCEPTED && !rules_fit_amounts(cart, line, becomes))
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    return outcome;
}

/* To the quantity of the line that it becomes, whose price is the one that it is to have. */
static enum cart_outcome change_quantity(
    const struct cart *cart, const struct cart_line *line, const struct cart_line *becomes,
    const struct cart_known *known, struct cart_decision *decision)
{
    if (becomes->quantity == line->quantity)
        return CART_ALREADY_SO;
    if (becomes->quantity == 0)
        return rules_remove_line(decision, line);
    enum cart_outcome outcome = check_quantity(cart, line, becomes, known, decision);
    if (outcome != CART_ACCEPTED)
        return outcome;
    return rules_set_quantity(decision, line, becomes->quantity);
}

/* Gives `becomes` the price that the line is to have: one that is set, or the catalogue's again. */
static enum cart_outcome take_new_price(
    const struct cart *cart, const struct cart_line *line, const struct cart_command *command,
    const struct cart_known *known, struct cart_decision *decision, struct cart_line *becomes)
{
    int64_t price_minor = command->change_item.unit_price_minor;
    enum cart_refusal obstacle;
    if (!command->change_item.has_unit_price)
        return CART_ACCEPTED;
    if (price_minor != CART_PRICE_OF_CATALOG) {
        becomes->unit_price_minor = price_minor;
        becomes->is_price_set = true;
        return CART_ACCEPTED;
    }
    if (!line->is_price_set)
        return CART_ACCEPTED;
    struct cart_offer offer = known->find_offer(known->context, line->sku, cart->currency);
    if (!rules_can_take_price(line, &offer, &obstacle))
        return rules_refuse(decision, obstacle);
    becomes->unit_price_minor = offer.unit_price_minor;
    becomes->is_price_set = false;
    return CART_ACCEPTED;
}

static bool has_other_price(const struct cart_line *line, const struct cart_line *becomes)
{
    return line->is_price_set != becomes->is_price_set ||
           line->unit_price_minor != becomes->unit_price_minor;
}

static enum cart_outcome set_price(const struct cart_line *becomes, struct cart_decision *decision)
{
    return rules_set_price(decision, becomes, becomes->unit_price_minor, becomes->is_price_set);
}

/* Quantity and price. A price that falls comes first, so that no version in between has a larger
 * total than before and after. */
static enum cart_outcome change_amount(
    const struct cart *cart, const struct cart_line *line, const struct cart_command *command,
    const struct cart_known *known, struct cart_decision *decision)
{
    struct cart_line becomes = *line;
    if (command->change_item.has_quantity)
        becomes.quantity = command->change_item.quantity;
    enum cart_outcome outcome = CART_ACCEPTED;
    if (becomes.quantity != 0)
        outcome = take_new_price(cart, line, command, known, decision, &becomes);
    if (outcome == CART_REFUSED)
        return outcome;
    bool sets_price = has_other_price(line, &becomes);
    bool falls = becomes.unit_price_minor < line->unit_price_minor;
    if (sets_price && falls)
        (void)set_price(&becomes, decision);
    outcome = change_quantity(cart, line, &becomes, known, decision);
    if (outcome == CART_REFUSED || !sets_price)
        return outcome;
    if (!rules_fit_amounts(cart, line, &becomes))
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    return falls ? CART_ACCEPTED : set_price(&becomes, decision);
}

/* The line of `quantity` becomes part of the one that it is the same as, at the price of that
 * or the one that is to be set. */
static enum cart_outcome merge_line(
    const struct cart *cart, const struct cart_line *line, int32_t quantity,
    const struct cart_line *into, const struct cart_command *command,
    const struct cart_known *known, struct cart_decision *decision)
{
    int64_t others_minor = rules_sum_undiscounted(cart) - cart_line_subtotal_minor(line) -
                           cart_line_subtotal_minor(into);
    int64_t sum_minor;
    struct cart_line merged = *into;
    if (!rules_may_grow(into, known))
        return rules_refuse(decision, CART_REFUSED_PRICE_IS_SET);
    if (!cart_line_counts_like(line, into))
        return rules_refuse(decision, CART_REFUSED_UNIT_CHANGED);
    if (__builtin_add_overflow(into->quantity, quantity, &merged.quantity))
        merged.quantity = INT32_MAX;
    struct cart_offer offer = known->find_offer(known->context, line->sku, cart->currency);
    /* There is no more of the product than before, so what is not sold any more may be merged. */
    enum cart_outcome outcome = check_limits(&merged, &merged, &offer, decision);
    if (outcome != CART_ACCEPTED)
        return outcome;
    struct cart_line priced = merged;
    outcome = take_new_price(cart, into, command, known, decision, &priced);
    if (outcome != CART_ACCEPTED)
        return outcome;
    if (!rules_add_line(others_minor, &merged, &sum_minor) ||
        !rules_add_line(others_minor, &priced, &sum_minor))
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    (void)rules_accept(
        decision,
        (struct cart_event){
            .type = CART_EVENT_ITEM_MERGED,
            .item_merged = {.item_id = line->item_id, .into = into->item_id, .quantity = quantity},
        });
    return has_other_price(into, &priced) ? set_price(&priced, decision) : CART_ACCEPTED;
}

/* `so_far` is what became of its quantity. */
static enum cart_outcome change_properties(
    const struct cart *cart, const struct cart_line *line, int32_t quantity,
    const struct cart_command *command, const struct cart_known *known, enum cart_outcome so_far,
    struct cart_decision *decision)
{
    const char *patch = command->change_item.properties;
    const char *properties = NULL;
    if (patch != NULL &&
        !known->merge_properties(known->context, line->properties, patch, &properties))
        return rules_refuse(decision, CART_REFUSED_PROPERTIES_TOO_LARGE);
    if (cart_is_same_text(line->properties, properties))
        return so_far;
    const struct cart_line *into = cart_find_line_of(cart, line->sku, properties);
    if (into != NULL)
        return merge_line(cart, line, quantity, into, command, known, decision);
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
                      .item_properties_changed = {line->item_id, properties},
                  });
}

static enum cart_outcome change_item(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const struct cart_line *line = cart_find_line(cart, command->change_item.item_id);
    if (line == NULL)
        return rules_refuse(decision, CART_REFUSED_ITEM_NOT_IN_CART);
    int32_t quantity =
        command->change_item.has_quantity ? command->change_item.quantity : line->quantity;
    enum cart_outcome outcome = change_amount(cart, line, command, known, decision);
    if (outcome == CART_REFUSED || quantity == 0 || !command->change_item.has_properties)
        return outcome;
    return change_properties(cart, line, quantity, command, known, outcome, decision);
}

static enum cart_outcome change_item_quantity(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const struct cart_line *line = cart_find_line(cart, command->change_item_quantity.item_id);
    if (line == NULL)
        return rules_refuse(decision, CART_REFUSED_ITEM_NOT_IN_CART);
    struct cart_line becomes = *line;
    becomes.quantity = command->change_item_quantity.quantity;
    return change_quantity(cart, line, &becomes, known, decision);
}

static enum cart_outcome remove_item(
    const struct cart *cart, const struct cart_command *command, struct cart_decision *decision)
{
    const struct cart_line *line = cart_find_line(cart, command->remove_item.item_id);
    return line != NULL ? rules_remove_line(decision, line)
                        : rules_refuse(decision, CART_REFUSED_ITEM_NOT_IN_CART);
}

static enum cart_outcome clear_items(const struct cart *cart, struct cart_decision *decision)
{
    if (cart->n_lines == 0)
        return CART_ALREADY_SO;
    return rules_accept(decision, (struct cart_event){.type = CART_EVENT_CLEARED});
}

/* ---- the cart as a whole --------------------------------------------------------------------- */

static enum cart_outcome change_details(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *metadata = cart->metadata;
    const char *patch = command->change_details.metadata;
    if (command->change_details.has_metadata && patch == NULL)
        metadata = "{}";
    else if (
        command->change_details.has_metadata &&
        !known->merge_metadata(known->context, cart->metadata, patch, &metadata))
        return rules_refuse(decision, CART_REFUSED_METADATA_TOO_LARGE);
    struct cart_event event = {
        .type = CART_EVENT_DETAILS_CHANGED,
        .details_changed =
            {
                .metadata = metadata == NULL ? "{}" : metadata,
                .customer_email = command->change_details.has_customer_email
                                      ? command->change_details.customer_email
                                      : cart->customer_email,
                .note =
                    command->change_details.has_note ? command->change_details.note : cart->note,
            },
    };
    if (strcmp(event.details_changed.metadata, cart->metadata) == 0 &&
        cart_is_same_text(event.details_changed.customer_email, cart->customer_email) &&
        cart_is_same_text(event.details_changed.note, cart->note))
        return CART_ALREADY_SO;
    return rules_accept(decision, event);
}

static enum cart_outcome reopen(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const struct cart_request *request = known->request;
    if (cart->status == CART_OPEN)
        return CART_ALREADY_SO;
    if (!request->caller.may_all && cart->closed_at_us != CART_TIME_PENDING &&
        cart->closed_at_us < request->asked_at_us - request->reopen_us)
        return rules_refuse(decision, CART_REFUSED_REOPEN_TOO_LATE);
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_REOPENED,
                      .reopened = {.reason = command->reopen.reason},
                  });
}

/* ---- all of them ----------------------------------------------------------------------------- */

const char *cart_command_subject(const struct cart_command *command)
{
    switch (command->type) {
    case CART_COMMAND_ADD_ITEM:
        return command->add_item.sku;
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
        return command->change_item_quantity.item_id;
    case CART_COMMAND_CHANGE_ITEM:
        return command->change_item.item_id;
    case CART_COMMAND_REMOVE_ITEM:
        return command->remove_item.item_id;
    case CART_COMMAND_SET_TOTAL:
        return command->set_total.name;
    case CART_COMMAND_REMOVE_TOTAL:
        return command->remove_total.name;
    case CART_COMMAND_APPLY_COUPON:
        return command->apply_coupon.code;
    case CART_COMMAND_REMOVE_COUPON:
        return command->remove_coupon.code;
    case CART_COMMAND_CREATE:
    case CART_COMMAND_CLAIM:
    case CART_COMMAND_CLEAR_ITEMS:
    case CART_COMMAND_CHANGE_DETAILS:
    case CART_COMMAND_REPRICE:
    case CART_COMMAND_CHANGE_CURRENCY:
    case CART_COMMAND_UNDO:
    case CART_COMMAND_RESTORE:
    case CART_COMMAND_CHECK_OUT:
    case CART_COMMAND_CANCEL:
    case CART_COMMAND_REOPEN:
    case CART_COMMAND_ABANDON:
    case CART_COMMAND_EXPIRE:
    case CART_COMMAND_MAKE_RESUME_TOKEN:
    case CART_COMMAND_END_RESUME_TOKEN:
        break;
    case CART_COMMAND_MERGE:
    case CART_COMMAND_REVERT_MERGE:
        return command->merge.from;
    }
    return "";
}

/* Of an open cart. */
static enum cart_outcome change(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    switch (command->type) {
    case CART_COMMAND_CLAIM:
        return claim(cart, command, known, decision);
    case CART_COMMAND_ADD_ITEM:
        return add_item(cart, command, known, decision);
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
        return change_item_quantity(cart, command, known, decision);
    case CART_COMMAND_CHANGE_ITEM:
        return change_item(cart, command, known, decision);
    case CART_COMMAND_REMOVE_ITEM:
        return remove_item(cart, command, decision);
    case CART_COMMAND_CLEAR_ITEMS:
        return clear_items(cart, decision);
    case CART_COMMAND_CHANGE_DETAILS:
        return change_details(cart, command, known, decision);
    case CART_COMMAND_REPRICE:
        return rules_reprice(cart, known, decision);
    case CART_COMMAND_CHANGE_CURRENCY:
        return rules_change_currency(cart, command, known, decision);
    case CART_COMMAND_UNDO:
        return rules_undo(cart, known, decision);
    case CART_COMMAND_RESTORE:
        return rules_restore(cart, command, known, decision);
    case CART_COMMAND_CHECK_OUT:
        return rules_check_out(cart, command, known, decision);
    case CART_COMMAND_SET_TOTAL:
        return rules_set_total(cart, command, decision);
    case CART_COMMAND_REMOVE_TOTAL:
        return rules_remove_total(cart, command, decision);
    case CART_COMMAND_APPLY_COUPON:
        return rules_apply_coupon(cart, command, known, decision);
    case CART_COMMAND_REMOVE_COUPON:
        return rules_remove_coupon(cart, command, decision);
    case CART_COMMAND_MERGE:
        return rules_merge(cart, command, known, decision);
    case CART_COMMAND_REVERT_MERGE:
        return rules_revert_merge(cart, command, known, decision);
    case CART_COMMAND_CANCEL:
        return rules_accept(decision, (struct cart_event){.type = CART_EVENT_CANCELLED});
    case CART_COMMAND_MAKE_RESUME_TOKEN:
        return rules_make_resume_token(command, decision);
    case CART_COMMAND_END_RESUME_TOKEN:
        return rules_end_resume_token(cart, decision);
    case CART_COMMAND_CREATE:
    case CART_COMMAND_REOPEN:
    case CART_COMMAND_ABANDON:
    case CART_COMMAND_EXPIRE:
        break;
    }
    return rules_refuse(decision, CART_REFUSED_NOT_FOUND);
}

static enum cart_outcome decide(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    if (command->type == CART_COMMAND_CREATE)
        return cart->status == CART_ABSENT ? rules_create(command, known, decision)
                                           : rules_refuse(decision, CART_REFUSED_ALREADY_EXISTS);
    if (cart->status == CART_ABSENT || !rules_admit(cart, command, known))
        return rules_refuse(decision, CART_REFUSED_NOT_FOUND);
    if (command->type == CART_COMMAND_REOPEN && cart->status != CART_MERGED)
        return reopen(cart, command, known, decision);
    if (rules_is_of_time(command->type))
        return rules_pass_time(cart, command, known, decision);
    if (cart->status == CART_CHECKED_OUT && command->type == CART_COMMAND_CHECK_OUT)
        return rules_check_out_again(cart, command, decision);
    if (cart->status == CART_CANCELLED && command->type == CART_COMMAND_CANCEL)
        return CART_ALREADY_SO;
    if (cart->status != CART_OPEN)
        return rules_is_repeated_merge(command, known)
                   ? CART_ALREADY_SO
                   : rules_refuse(decision, CART_REFUSED_IS_CLOSED);
    return change(cart, command, known, decision);
}

void cart_decide(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    decision->n_events = 0;
    decision->n_notes = 0;
    decision->has_other_event = false;
    decision->outcome = decide(cart, command, known, decision);
    if (decision->outcome == CART_ACCEPTED) {
        rules_resume(cart, command, decision);
    } else {
        decision->n_events = 0;
        decision->has_other_event = false;
    }
}

static struct cart_sizes find_sizes(const struct cart *cart, const struct cart_command *command)
{
    enum { AROUND = 3 }; /* facts beside those about lines */
    switch (command->type) {
    case CART_COMMAND_CREATE:
        if (command->create.copy_of == NULL)
            break;
        return (struct cart_sizes){.n_events = CART_LINES_MAX + AROUND, .n_notes = CART_LINES_MAX};
    case CART_COMMAND_CHANGE_ITEM:
        return (struct cart_sizes){.n_events = 4};
    case CART_COMMAND_REPRICE:
        return (struct cart_sizes){.n_events = cart->n_lines + cart->n_coupons};
    case CART_COMMAND_CHANGE_CURRENCY:
    case CART_COMMAND_CHECK_OUT:
        return (struct cart_sizes){.n_events = 1, .n_notes = cart->n_lines};
    case CART_COMMAND_UNDO:
    case CART_COMMAND_RESTORE:
        return (struct cart_sizes){
            .n_events = 3 * cart->n_lines + CART_LINES_MAX + AROUND + 3 * CART_COUPONS_MAX,
            .n_notes = 2 * CART_LINES_MAX,
        };
    case CART_COMMAND_CLAIM:
        if (!command->claim.has_merge)
            break;
        return (struct cart_sizes){
            .n_events = CART_LINES_MAX + AROUND, .n_notes = (size_t)2 * CART_LINES_MAX};
    case CART_COMMAND_MERGE:
    case CART_COMMAND_REVERT_MERGE:
        return (struct cart_sizes){
            .n_events = CART_LINES_MAX + AROUND, .n_notes = (size_t)2 * CART_LINES_MAX};
    case CART_COMMAND_ADD_ITEM:
    case CART_COMMAND_CHANGE_ITEM_QUANTITY:
    case CART_COMMAND_REMOVE_ITEM:
    case CART_COMMAND_CLEAR_ITEMS:
    case CART_COMMAND_CHANGE_DETAILS:
    case CART_COMMAND_CANCEL:
    case CART_COMMAND_REOPEN:
    case CART_COMMAND_SET_TOTAL:
    case CART_COMMAND_REMOVE_TOTAL:
    case CART_COMMAND_APPLY_COUPON:
    case CART_COMMAND_REMOVE_COUPON:
    case CART_COMMAND_ABANDON:
    case CART_COMMAND_EXPIRE:
    case CART_COMMAND_MAKE_RESUME_TOKEN:
    case CART_COMMAND_END_RESUME_TOKEN:
        break;
    }
    return (struct cart_sizes){.n_events = 1};
}

struct cart_sizes cart_find_sizes(const struct cart *cart, const struct cart_command *command)
{
    struct cart_sizes sizes = find_sizes(cart, command);
    sizes.n_events += cart->abandoned_at_us != CART_TIME_NONE; /* it is resumed first */
    return sizes;
}
