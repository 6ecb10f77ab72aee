#include "rules.h"

#include <string.h>

/* History is true, but it was read from a disk: no fact may make arithmetic undefined. */
static int32_t add_quantities(int32_t left, int32_t right)
{
    int32_t sum;
    return __builtin_add_overflow(left, right, &sum) ? INT32_MAX : sum;
}

static struct cart_line *find_line(struct cart *cart, const char *item_id)
{
    const struct cart_line *line = cart_find_line(cart, item_id);
    return line == NULL ? NULL : &cart->lines[line - cart->lines];
}

static void create(struct cart *cart, const struct cart_event *event, int64_t recorded_at_us)
{
    cart->status = CART_OPEN;
    memcpy(cart->currency, event->created.currency, sizeof cart->currency);
    cart->customer_id = event->created.customer_id;
    cart->guest_token_hash = event->created.guest_token_hash;
    cart->metadata = event->created.metadata;
    cart->created_at_us = recorded_at_us;
}

static void claim(struct cart *cart, const struct cart_event *event)
{
    int64_t discount_minor = cart->discount_minor;
    cart->customer_id = event->claimed.customer_id;
    cart->guest_token_hash = NULL;
    cart->resume_token_hash = NULL;
    cart_sum_up(cart); /* coupons may be for customers */
    if (cart->discount_minor != discount_minor)
        rules_make_totals_stale(cart);
}

static void add_item(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_added.item_id);
    if (line == NULL) {
        if (cart->n_lines == CART_LINES_MAX)
            return;
        line = &cart->lines[cart->n_lines++];
        *line = (struct cart_line){
            .item_id = event->item_added.item_id,
            .sku = event->item_added.sku,
            .properties = event->item_added.properties,
            .added_version = cart->version,
        };
    }
    line->name = event->item_added.name;
    line->unit = event->item_added.unit;
    line->tags = event->item_added.tags;
    line->scale = event->item_added.scale;
    line->unit_price_minor = event->item_added.unit_price_minor;
    line->is_price_set = event->item_added.is_price_set;
    line->quantity = add_quantities(line->quantity, event->item_added.quantity);
    cart_sum_up(cart);
}

static void change_item_quantity(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_quantity_changed.item_id);
    if (line == NULL)
        return;
    line->quantity = event->item_quantity_changed.quantity;
    cart_sum_up(cart);
}

static void remove_line(struct cart *cart, struct cart_line *line)
{
    size_t n_after = (size_t)(&cart->lines[cart->n_lines] - line) - 1;
    memmove(line, line + 1, n_after * sizeof *line);
    cart->n_lines--;
}

static void remove_item(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_removed.item_id);
    if (line == NULL)
        return;
    remove_line(cart, line);
    cart_sum_up(cart);
}

/* A line that is there already stays as it is; room that is not there is not made. */
static void restore_item(struct cart *cart, const struct cart_event *event)
{
    if (find_line(cart, event->item_restored.item_id) != NULL || cart->n_lines == CART_LINES_MAX)
        return;
    size_t index = (size_t)event->item_restored.index;
    if (index > cart->n_lines)
        index = cart->n_lines;
    struct cart_line *line = &cart->lines[index];
    memmove(line + 1, line, (cart->n_lines - index) * sizeof *line);
    *line = (struct cart_line){
        .item_id = event->item_restored.item_id,
        .sku = event->item_restored.sku,
        .name = event->item_restored.name,
        .properties = event->item_restored.properties,
        .unit = event->item_restored.unit,
        .tags = event->item_restored.tags,
        .quantity = event->item_restored.quantity,
        .scale = event->item_restored.scale,
        .added_version = cart->version,
        .is_price_set = event->item_restored.is_price_set,
        .unit_price_minor = event->item_restored.unit_price_minor,
    };
    cart->n_lines++;
    cart_sum_up(cart);
}

static void change_item_properties(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_properties_changed.item_id);
    if (line != NULL)
        line->properties = event->item_properties_changed.properties;
}

static void merge_item(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_merged.item_id);
    struct cart_line *into = find_line(cart, event->item_merged.into);
    if (line == NULL || into == NULL || line == into)
        return;
    into->quantity = add_quantities(into->quantity, event->item_merged.quantity);
    remove_line(cart, line);
    cart_sum_up(cart);
}

static void change_item_price(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_price_changed.item_id);
    if (line == NULL)
        return;
    line->unit_price_minor = event->item_price_changed.unit_price_minor;
    line->is_price_set = event->item_price_changed.is_price_set;
    cart_sum_up(cart);
}

static void change_currency(struct cart *cart, const struct cart_event *event)
{
    memcpy(cart->currency, event->currency_changed.currency, sizeof cart->currency);
    for (size_t i = 0; i < event->currency_changed.n_prices; i++) {
        const struct cart_item_price *price = &event->currency_changed.prices[i];
        struct cart_line *line = find_line(cart, price->item_id);
        if (line == NULL)
            continue;
        line->unit_price_minor = price->unit_price_minor;
        line->is_price_set = false;
    }
    cart->n_totals = 0; /* they were of the former currency */
    cart_sum_up(cart);
}

static void change_details(struct cart *cart, const struct cart_event *event)
{
    cart->metadata = event->details_changed.metadata;
    cart->customer_email = event->details_changed.customer_email;
    cart->note = event->details_changed.note;
}

static void clear_items(struct cart *cart)
{
    cart->n_lines = 0;
    cart_sum_up(cart);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Whether it is what an undo takes back: what the cart holds and what is said about it. */
static bool is_undoable(enum cart_event_type type)
{
    switch (type) {
    case CART_EVENT_ITEM_ADDED:
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
    case CART_EVENT_ITEM_REMOVED:
    case CART_EVENT_CLEARED:
    case CART_EVENT_DETAILS_CHANGED:
    case CART_EVENT_ITEM_PROPERTIES_CHANGED:
    case CART_EVENT_ITEM_MERGED:
    case CART_EVENT_ITEM_PRICE_CHANGED:
    case CART_EVENT_ITEM_RESTORED:
    case CART_EVENT_CURRENCY_CHANGED:
    case CART_EVENT_RESTORED:
    case CART_EVENT_COUPON_APPLIED:
    case CART_EVENT_COUPON_REMOVED:
    case CART_EVENT_COUPON_LAPSED:
        return true;
    case CART_EVENT_CREATED:
    case CART_EVENT_COPIED:
    case CART_EVENT_CLAIMED:
    case CART_EVENT_CHECKED_OUT:
    case CART_EVENT_CANCELLED:
    case CART_EVENT_REOPENED:
    case CART_EVENT_TOTAL_SET:
    case CART_EVENT_TOTAL_REMOVED:
    case CART_EVENT_ABANDONED:
    case CART_EVENT_RESUMED:
    case CART_EVENT_EXPIRED:
    case CART_EVENT_MERGED:
    case CART_EVENT_MERGED_INTO:
    case CART_EVENT_MERGE_REVERTED:
    case CART_EVENT_RESUME_TOKEN_MADE:
    case CART_EVENT_RESUME_TOKEN_ENDED:
        break;
    }
    return false;
}

/* Undoable but for what is said about the cart, and the end of an undo, whose lines have changed
 * before. */
static bool changes_amounts(enum cart_event_type type)
{
    return is_undoable(type) && type != CART_EVENT_DETAILS_CHANGED && type != CART_EVENT_RESTORED;
}

/* Notes are about the last change, but are read by others than the service that set a total. */
static bool keeps_notes(const struct cart_event *event)
{
    return (event->type == CART_EVENT_TOTAL_SET && event->total_set.keeps_notes) ||
           (event->type == CART_EVENT_TOTAL_REMOVED && event->total_removed.keeps_notes);
}

static void close_as(struct cart *cart, enum cart_status status, int64_t recorded_at_us)
{
    cart->status = status;
    cart->closed_at_us = recorded_at_us;
    cart->abandoned_at_us = CART_TIME_NONE;
    cart->resume_token_hash = NULL;
}

/* What somebody did with the cart. */
static bool is_change(enum cart_event_type type)
{
    return type != CART_EVENT_ABANDONED && type != CART_EVENT_RESUME_TOKEN_MADE &&
           type != CART_EVENT_RESUME_TOKEN_ENDED;
}

static void reopen(struct cart *cart)
{
    cart->status = CART_OPEN;
    cart->closed_at_us = CART_TIME_NONE;
    cart->order_reference = NULL;
    cart->merged_into = NULL;
    cart->merged_version = 0;
}

/* What came from another cart, or went back, is not undone: one of the two would lack it. */
static void begin_changes(struct cart *cart)
{
    cart->changed_version = 0;
    cart->undone_to = 0;
}

static void end_by_merge(struct cart *cart, const struct cart_event *event, int64_t recorded_at_us)
{
    close_as(cart, CART_MERGED, recorded_at_us);
    cart->merged_into = event->merged_into.into;
    cart->merged_version = event->merged_into.version;
}

static void revert_merge(struct cart *cart, const struct cart_event *event)
{
    cart->notes = event->merge_reverted.notes;
    if (cart->status == CART_MERGED)
        reopen(cart);
    else
        begin_changes(cart);
}

void cart_evolve(struct cart *cart, const struct cart_event *event, int64_t recorded_at_us)
{
    cart->version++;
    if (is_change(event->type)) {
        cart->updated_at_us = recorded_at_us;
        if (!keeps_notes(event))
            cart->notes = NULL;
    }
    if (is_undoable(event->type)) {
        cart->changed_version = cart->version;
        cart->undone_to = 0;
    }
    if (changes_amounts(event->type))
        rules_make_totals_stale(cart);
    switch (event->type) {
    case CART_EVENT_CREATED:
        create(cart, event, recorded_at_us);
        break;
    case CART_EVENT_CLAIMED:
        claim(cart, event);
        break;
    case CART_EVENT_ITEM_ADDED:
        add_item(cart, event);
        break;
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
        change_item_quantity(cart, event);
        break;
    case CART_EVENT_ITEM_REMOVED:
        remove_item(cart, event);
        break;
    case CART_EVENT_CLEARED:
        clear_items(cart);
        break;
    case CART_EVENT_CHECKED_OUT:
        cart->order_reference = event->checked_out.order_reference;
        close_as(cart, CART_CHECKED_OUT, recorded_at_us);
        break;
    case CART_EVENT_CANCELLED:
        close_as(cart, CART_CANCELLED, recorded_at_us);
        break;
    case CART_EVENT_DETAILS_CHANGED:
        change_details(cart, event);
        break;
    case CART_EVENT_ITEM_PROPERTIES_CHANGED:
        change_item_properties(cart, event);
        break;
    case CART_EVENT_ITEM_MERGED:
        merge_item(cart, event);
        break;
    case CART_EVENT_ITEM_PRICE_CHANGED:
        change_item_price(cart, event);
        break;
    case CART_EVENT_ITEM_RESTORED:
        restore_item(cart, event);
        break;
    case CART_EVENT_CURRENCY_CHANGED:
        change_currency(cart, event);
        break;
    case CART_EVENT_COPIED:
        cart->notes = event->copied.notes;
        break;
    case CART_EVENT_RESTORED:
        cart->notes = event->restored.notes;
        cart->undone_to = event->restored.undone_to;
        break;
    case CART_EVENT_REOPENED:
        reopen(cart);
        break;
    case CART_EVENT_TOTAL_SET:
        rules_put_total(cart, event->total_set.name, event->total_set.amount_minor);
        break;
    case CART_EVENT_TOTAL_REMOVED:
        rules_take_total(cart, event->total_removed.name);
        break;
    case CART_EVENT_COUPON_APPLIED:
        rules_put_coupon(cart, event->coupon_applied.code, event->coupon_applied.definition);
        break;
    case CART_EVENT_COUPON_REMOVED:
        rules_take_coupon(cart, event->coupon_removed.code);
        break;
    case CART_EVENT_COUPON_LAPSED:
        rules_lapse_coupon(cart, event->coupon_lapsed.code, event->coupon_lapsed.state);
        break;
    case CART_EVENT_ABANDONED:
        cart->abandoned_at_us = recorded_at_us;
        break;
    case CART_EVENT_RESUMED:
        cart->abandoned_at_us = CART_TIME_NONE;
        break;
    case CART_EVENT_EXPIRED:
        close_as(cart, CART_EXPIRED, recorded_at_us);
        break;
    case CART_EVENT_MERGED:
        cart->notes = event->merged.notes;
        begin_changes(cart);
        break;
    case CART_EVENT_MERGED_INTO:
        end_by_merge(cart, event, recorded_at_us);
        break;
    case CART_EVENT_MERGE_REVERTED:
        revert_merge(cart, event);
        break;
    case CART_EVENT_RESUME_TOKEN_MADE:
        cart->resume_token_hash = event->resume_token_made.token_hash;
        break;
    case CART_EVENT_RESUME_TOKEN_ENDED:
        cart->resume_token_hash = NULL;
        break;
    }
}

struct cart_reach cart_find_reach(const struct cart_event *event)
{
    switch (event->type) {
    case CART_EVENT_CREATED:
    case CART_EVENT_COPIED:
    case CART_EVENT_CLAIMED:
    case CART_EVENT_DETAILS_CHANGED:
    case CART_EVENT_ITEM_PRICE_CHANGED:
    case CART_EVENT_ITEM_PROPERTIES_CHANGED:
    case CART_EVENT_ITEM_MERGED: /* from one line of a sku to another */
    case CART_EVENT_CURRENCY_CHANGED:
    case CART_EVENT_RESTORED:
    case CART_EVENT_TOTAL_SET:
    case CART_EVENT_TOTAL_REMOVED:
    case CART_EVENT_COUPON_APPLIED:
    case CART_EVENT_COUPON_REMOVED:
    case CART_EVENT_COUPON_LAPSED:
    case CART_EVENT_ABANDONED:
    case CART_EVENT_RESUMED:
    case CART_EVENT_MERGED: /* the events before it say what came */
    case CART_EVENT_RESUME_TOKEN_MADE:
    case CART_EVENT_RESUME_TOKEN_ENDED:
        break;
    case CART_EVENT_ITEM_RESTORED:
        return (struct cart_reach){CART_REACH_SKU, event->item_restored.sku};
    case CART_EVENT_ITEM_ADDED:
        return (struct cart_reach){CART_REACH_SKU, event->item_added.sku};
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
        return (struct cart_reach){CART_REACH_LINE, event->item_quantity_changed.item_id};
    case CART_EVENT_ITEM_REMOVED:
        return (struct cart_reach){CART_REACH_LINE, event->item_removed.item_id};
    case CART_EVENT_CLEARED:
    case CART_EVENT_CHECKED_OUT:
    case CART_EVENT_CANCELLED:
    case CART_EVENT_EXPIRED:
    case CART_EVENT_REOPENED:
    case CART_EVENT_MERGED_INTO:
    case CART_EVENT_MERGE_REVERTED:
        return (struct cart_reach){CART_REACH_ALL, NULL};
    }
    return (struct cart_reach){CART_REACH_NOTHING, NULL};
}

static void stamp_time(int64_t *time_us, int64_t recorded_at_us)
{
    if (*time_us == CART_TIME_PENDING)
        *time_us = recorded_at_us;
}

void cart_stamp(struct cart *cart, int64_t recorded_at_us)
{
    stamp_time(&cart->created_at_us, recorded_at_us);
    stamp_time(&cart->updated_at_us, recorded_at_us);
    stamp_time(&cart->closed_at_us, recorded_at_us);
    stamp_time(&cart->abandoned_at_us, recorded_at_us);
}
