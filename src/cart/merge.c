#include "rules.h"

#include <string.h>

/*
 * Merging: the lines of another cart come to this one, and the other one ends. A line that both
 * have keeps the price of this cart. One that only the other has comes at its own price or, from
 * another currency, at the catalogue's. What does not fit is in the notes.
 *
 * The other cart keeps its lines, so that it has them again when the merge is reverted. What this
 * cart gives back then is what its own history says came with the merge, as far as that is still
 * there.
 */

struct merge {
    const struct cart *other;
    const struct cart_known *known;
    struct cart_decision *decision;
    struct cart trial; /* the cart with what is decided so far */
};

static void begin(
    struct merge *merge, const struct cart *cart, const struct cart *other,
    const struct cart_known *known, struct cart_decision *decision)
{
    merge->other = other;
    merge->known = known;
    merge->decision = decision;
    cart_copy(&merge->trial, cart);
    if (cart->abandoned_at_us != CART_TIME_NONE) /* the fact that the decision begins with then */
        cart_evolve(
            &merge->trial, &(struct cart_event){.type = CART_EVENT_RESUMED}, CART_TIME_PENDING);
}

static void add(struct merge *merge, struct cart_event event)
{
    (void)rules_accept(merge->decision, event);
    cart_evolve(&merge->trial, &event, CART_TIME_PENDING);
}

static void set_quantity(struct merge *merge, const struct cart_line *line, int32_t quantity)
{
    add(merge, (struct cart_event){
                   .type = CART_EVENT_ITEM_QUANTITY_CHANGED,
                   .item_quantity_changed = {.item_id = line->item_id, .quantity = quantity},
               });
}

static void remove_line(struct merge *merge, const struct cart_line *line)
{
    add(merge, (struct cart_event){
                   .type = CART_EVENT_ITEM_REMOVED,
                   .item_removed = {.item_id = line->item_id, .quantity = line->quantity},
               });
}

static void note(
    struct merge *merge, enum cart_refusal code, const struct cart_line *line, int64_t wanted)
{
    rules_note_line(merge->decision, code, line, (int32_t)wanted);
}

static struct cart_offer find_offer(const struct merge *merge, const struct cart_line *line)
{
    return merge->known->find_offer(merge->known->context, line->sku, merge->trial.currency);
}

static bool is_same_currency(const struct merge *merge)
{
    return strcmp(merge->trial.currency, merge->other->currency) == 0;
}

/* ---- a line that is there -------------------------------------------------------------------- */

/* What stands against more of a line, whatever the quantity; false: nothing does. */
static bool find_obstacle(
    const struct merge *merge, const struct cart_line *line, const struct cart_offer *offer,
    bool is_quoted, enum cart_refusal *obstacle)
{
    struct cart_offer priced = *offer;
    priced.has_price = offer->has_price || line->is_price_set;
    if (!rules_can_take_price(line, &priced, obstacle))
        return true;
    if (is_quoted || rules_may_grow(line, merge->known))
        return false;
    *obstacle = CART_REFUSED_PRICE_IS_SET;
    return true;
}

/* How much of what is wanted the line can hold, with a note if that is not all; 0: nothing. There
 * can be less of what is not sold any more, but not more, and more at a set price only if it was
 * quoted at that. */
static int32_t fit_quantity(
    struct merge *merge, const struct cart_line *line, int64_t wanted, bool is_quoted)
{
    struct cart_offer offer = find_offer(merge, line);
    bool is_about = rules_is_about(line, &offer);
    enum cart_refusal obstacle = CART_REFUSED_QUANTITY_OUT_OF_RANGE;
    struct cart_line becomes = *line;
    if (wanted < line->quantity) {
        becomes.quantity = is_about ? rules_find_allowed(&offer.limits, wanted) : (int32_t)wanted;
    } else if (find_obstacle(merge, line, &offer, is_quoted, &obstacle)) {
        becomes.quantity = line->quantity;
    } else if (rules_find_allowed(&offer.limits, wanted) > line->quantity) {
        becomes.quantity = rules_find_allowed(&offer.limits, wanted);
        if (!rules_fit_amounts(&merge->trial, line, &becomes)) {
            obstacle = CART_REFUSED_AMOUNT_TOO_LARGE;
            becomes.quantity = line->quantity;
        }
    }
    if (becomes.quantity != wanted)
        note(merge, obstacle, line, wanted);
    return becomes.quantity;
}

static int64_t choose_quantity(
    enum cart_merge_rule rule, const struct cart_line *ours, const struct cart_line *theirs)
{
    switch (rule) {
    case CART_MERGE_MAX:
        return ours->quantity > theirs->quantity ? ours->quantity : theirs->quantity;
    case CART_MERGE_THEIRS:
        return theirs->quantity;
    case CART_MERGE_OURS:
        return ours->quantity;
    case CART_MERGE_SUM:
        break;
    }
    return (int64_t)ours->quantity + theirs->quantity;
}

/* Whether another system has set the same price for both. */
static bool are_quoted_alike(
    const struct merge *merge, const struct cart_line *ours, const struct cart_line *theirs)
{
    return ours->is_price_set && theirs->is_price_set && is_same_currency(merge) &&
           ours->unit_price_minor == theirs->unit_price_minor;
}

static void join(
    struct merge *merge, enum cart_merge_rule rule, const struct cart_line *ours,
    const struct cart_line *theirs)
{
    if (!cart_line_counts_like(ours, theirs)) {
        note(merge, CART_REFUSED_UNIT_CHANGED, ours, theirs->quantity);
        return;
    }
    bool is_quoted = are_quoted_alike(merge, ours, theirs);
    if (theirs->is_price_set && !is_quoted)
        note(merge, CART_REFUSED_PRICES_CHANGED, ours, theirs->quantity);
    int64_t wanted = choose_quantity(rule, ours, theirs);
    if (wanted == ours->quantity)
        return;
    int32_t quantity = fit_quantity(merge, ours, wanted, is_quoted);
    if (quantity > 0 && quantity != ours->quantity)
        set_quantity(merge, ours, quantity);
}

/* ---- a line that comes ----------------------------------------------------------------------- */

/* What the line would be in this cart; false, with a note: it can't be had. */
static bool fit_line(struct merge *merge, const struct cart_line *theirs, struct cart_line *line)
{
    struct cart_offer offer = find_offer(merge, theirs);
    enum cart_refusal obstacle = CART_REFUSED_QUANTITY_OUT_OF_RANGE;
    *line = *theirs;
    if (is_same_currency(merge)) {
        offer.has_price = offer.has_price || theirs->is_price_set;
    } else {
        line->is_price_set = false;
        line->unit_price_minor = offer.unit_price_minor;
    }
    if (rules_can_take_price(theirs, &offer, &obstacle)) {
        line->name = offer.name;
        line->unit = offer.unit;
        line->tags = offer.tags;
        line->quantity = rules_find_allowed(&offer.limits, theirs->quantity);
        if (merge->trial.n_lines == CART_LINES_MAX)
            obstacle = CART_REFUSED_IS_FULL;
        else if (!rules_fit_amounts(&merge->trial, NULL, line))
            obstacle = CART_REFUSED_AMOUNT_TOO_LARGE;
        else if (line->quantity > 0)
            return true;
    }
    note(merge, obstacle, theirs, theirs->quantity);
    return false;
}

/* The id that it had, unless another line is called so here. */
static const char *choose_id(const struct merge *merge, const struct cart_line *theirs)
{
    const char *item_id = theirs->item_id;
    for (int attempt = 0; cart_find_line(&merge->trial, item_id) != NULL; attempt++)
        item_id = merge->known->make_item_id(
            merge->known->context, theirs->sku, theirs->properties, attempt);
    return item_id;
}

static void bring(struct merge *merge, const struct cart_line *theirs)
{
    struct cart_line line;
    if (!fit_line(merge, theirs, &line))
        return;
    if (line.quantity < theirs->quantity)
        note(merge, CART_REFUSED_QUANTITY_OUT_OF_RANGE, theirs, theirs->quantity);
    if (theirs->is_price_set && !line.is_price_set)
        note(merge, CART_REFUSED_PRICES_CHANGED, theirs, theirs->quantity);
    add(merge, (struct cart_event){
                   .type = CART_EVENT_ITEM_ADDED,
                   .item_added =
                       {
                           .item_id = choose_id(merge, theirs),
                           .sku = line.sku,
                           .name = line.name,
                           .properties = line.properties,
                           .unit = line.unit,
                           .tags = line.tags,
                           .quantity = line.quantity,
                           .scale = line.scale,
                           .is_price_set = line.is_price_set,
                           .unit_price_minor = line.unit_price_minor,
                       },
               });
}

/* ---- what is said about the cart ------------------------------------------------------------- */

static void change_details(
    struct merge *merge, const char *metadata, const char *customer_email, const char *note_text)
{
    const struct cart *trial = &merge->trial;
    if (strcmp(metadata, trial->metadata) == 0 &&
        cart_is_same_text(customer_email, trial->customer_email) &&
        cart_is_same_text(note_text, trial->note))
        return;
    add(merge, (struct cart_event){
                   .type = CART_EVENT_DETAILS_CHANGED,
                   .details_changed = {metadata, customer_email, note_text},
               });
}

/* The other's, where this cart has none. */
static void complete_details(struct merge *merge)
{
    const struct cart *ours = &merge->trial;
    const struct cart *theirs = merge->other;
    change_details(
        merge, strcmp(ours->metadata, "{}") == 0 ? theirs->metadata : ours->metadata,
        ours->customer_email == NULL ? theirs->customer_email : ours->customer_email,
        ours->note == NULL ? theirs->note : ours->note);
}

/* ---- the merge ------------------------------------------------------------------------------- */

static void tell_other(struct merge *merge, struct cart_event event)
{
    merge->decision->has_other_event = true;
    merge->decision->other_event = event;
}

/* Takes the lines of the other cart, which ends. */
static void take(
    struct merge *merge, const char *other_id, const char *cart_id, enum cart_merge_rule rule)
{
    const struct cart *other = merge->other;
    for (size_t i = 0; i < other->n_lines; i++) {
        const struct cart_line *theirs = &other->lines[i];
        const struct cart_line *ours =
            cart_find_line_of(&merge->trial, theirs->sku, theirs->properties);
        if (ours != NULL)
            join(merge, rule, ours, theirs);
        else
            bring(merge, theirs);
    }
    complete_details(merge);
    add(merge, (struct cart_event){
                   .type = CART_EVENT_MERGED,
                   .merged = {.from = other_id, .version = other->version, .rule = rule},
               });
    tell_other(
        merge, (struct cart_event){
                   .type = CART_EVENT_MERGED_INTO,
                   .merged_into = {cart_id, merge->trial.version},
               });
}

static bool is_done(
    const struct cart *other, const struct cart_command *command, const struct cart_known *known)
{
    return command->type == CART_COMMAND_MERGE
               ? cart_is_same_text(other->merged_into, known->cart_id)
               : other->status == CART_OPEN;
}

bool rules_is_repeated_merge(const struct cart_command *command, const struct cart_known *known)
{
    const char *other_id = NULL;
    if (command->type != CART_COMMAND_MERGE && command->type != CART_COMMAND_REVERT_MERGE)
        return false;
    const struct cart *other = known->find_merged(known->context, command, &other_id);
    return other != NULL && is_done(other, command, known);
}

enum cart_outcome rules_merge(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *other_id = NULL;
    const struct cart *other = known->find_merged(known->context, command, &other_id);
    struct merge merge;
    if (other == NULL)
        return rules_refuse(decision, CART_REFUSED_SOURCE_NOT_FOUND);
    if (is_done(other, command, known))
        return CART_ALREADY_SO;
    if (other->status != CART_OPEN)
        return rules_refuse(decision, CART_REFUSED_SOURCE_CLOSED);
    begin(&merge, cart, other, known, decision);
    take(&merge, other_id, known->cart_id, command->merge.rule);
    return CART_ACCEPTED;
}

enum cart_outcome rules_merge_open_cart(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *other_id = NULL;
    const struct cart *other = known->find_merged(known->context, command, &other_id);
    struct merge merge;
    if (other == NULL || other->status != CART_OPEN)
        return CART_ACCEPTED;
    begin(&merge, cart, other, known, decision);
    for (size_t i = 0; i < decision->n_events; i++)
        cart_evolve(&merge.trial, &decision->events[i], CART_TIME_PENDING);
    take(&merge, other_id, known->cart_id, command->claim.merge);
    return CART_ACCEPTED;
}

/* ---- reverting it ---------------------------------------------------------------------------- */

/* The cart right before the merge, NULL if there was none, and right after it. */
struct change {
    const struct cart *before;
    const struct cart *after;
};

/* False: it is not read yet. */
static bool find_change(
    const struct cart *other, const struct cart_known *known, struct change *change)
{
    bool is_before_read = true;
    bool is_after_read = true;
    change->before = known->find_past(known->context, other->merged_version, true, &is_before_read);
    change->after = known->find_past(known->context, other->merged_version, false, &is_after_read);
    return is_before_read && is_after_read;
}

static int32_t find_quantity(const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = cart_find_line(cart, line->item_id);
    return found != NULL && strcmp(found->sku, line->sku) == 0 ? found->quantity : 0;
}

/* Takes away as many as came, or brings back as many as went. What the line held before the merge
 * it can hold again, whatever the catalogue says now. */
static void give_back(struct merge *merge, const struct cart_line *after, int32_t before)
{
    int32_t came = after->quantity - before;
    int32_t there = find_quantity(&merge->trial, after);
    const struct cart_line *line = cart_find_line(&merge->trial, after->item_id);
    if (came == 0)
        return;
    if (there == 0 || there < came)
        note(merge, CART_REFUSED_ITEM_NOT_IN_CART, after, came < 0 ? -came : came - there);
    if (there == 0)
        return;
    int32_t wanted = there > came ? there - came : 0;
    int32_t quantity =
        wanted == 0 || wanted == before ? wanted : fit_quantity(merge, line, wanted, false);
    if (quantity == 0)
        remove_line(merge, line);
    else if (quantity != there)
        set_quantity(merge, line, quantity);
}

/* What was filled in goes, unless it has been changed since. */
static const char *find_former(const char *now, const char *after, const char *before)
{
    return cart_is_same_text(now, after) ? before : now;
}

static void bring_details_back(struct merge *merge, const struct change *change)
{
    const struct cart *now = &merge->trial;
    const struct cart *after = change->after;
    const struct cart *before = change->before;
    change_details(
        merge, find_former(now->metadata, after->metadata, before->metadata),
        find_former(now->customer_email, after->customer_email, before->customer_email),
        find_former(now->note, after->note, before->note));
}

enum cart_outcome rules_revert_merge(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    const char *other_id = NULL;
    const struct cart *other = known->find_merged(known->context, command, &other_id);
    struct merge merge;
    struct change change;
    if (other == NULL)
        return rules_refuse(decision, CART_REFUSED_SOURCE_NOT_FOUND);
    if (is_done(other, command, known))
        return CART_ALREADY_SO;
    if (!cart_is_same_text(other->merged_into, known->cart_id))
        return rules_refuse(decision, CART_REFUSED_NOT_MERGED);
    if (!find_change(other, known, &change))
        return CART_UNREAD;
    if (change.before == NULL || change.after == NULL)
        return rules_refuse(decision, CART_REFUSED_NOT_MERGED);
    begin(&merge, cart, other, known, decision);
    for (size_t i = 0; i < change.after->n_lines; i++) {
        const struct cart_line *after = &change.after->lines[i];
        give_back(&merge, after, find_quantity(change.before, after));
    }
    bring_details_back(&merge, &change);
    add(&merge, (struct cart_event){
                    .type = CART_EVENT_MERGE_REVERTED,
                    .merge_reverted = {.cart_id = other_id},
                });
    tell_other(
        &merge, (struct cart_event){
                    .type = CART_EVENT_MERGE_REVERTED,
                    .merge_reverted = {.cart_id = known->cart_id},
                });
    return CART_ACCEPTED;
}
