#include "cart.h"

#include <string.h>

/* History is true, but it was read from a disk: no fact may make arithmetic undefined. The sums
 * below stay at the limit rather than overflow; decide never lets them come near it. */
static int64_t add_amounts(int64_t left_minor, int64_t right_minor)
{
    int64_t sum_minor;
    if (__builtin_add_overflow(left_minor, right_minor, &sum_minor))
        return INT64_MAX;
    return sum_minor;
}

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

/* Summed again rather than kept by differences: a sum can't drift, and 250 lines are few. */
static void sum_up(struct cart *cart)
{
    cart->item_count = 0;
    cart->total_minor = 0;
    for (size_t i = 0; i < cart->n_lines; i++) {
        cart->item_count = add_quantities(cart->item_count, cart->lines[i].quantity);
        cart->total_minor = add_amounts(cart->total_minor, cart_line_total_minor(&cart->lines[i]));
    }
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
    cart->customer_id = event->claimed.customer_id;
    cart->guest_token_hash = NULL;
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
        };
    }
    line->name = event->item_added.name;
    line->unit_price_minor = event->item_added.unit_price_minor;
    line->quantity = add_quantities(line->quantity, event->item_added.quantity);
    sum_up(cart);
}

static void change_item_quantity(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_quantity_changed.item_id);
    if (line == NULL)
        return;
    line->quantity = event->item_quantity_changed.quantity;
    sum_up(cart);
}

static void remove_item(struct cart *cart, const struct cart_event *event)
{
    struct cart_line *line = find_line(cart, event->item_removed.item_id);
    if (line == NULL)
        return;
    size_t n_after = (size_t)(&cart->lines[cart->n_lines] - line) - 1;
    memmove(line, line + 1, n_after * sizeof *line);
    cart->n_lines--;
    sum_up(cart);
}

static void clear_items(struct cart *cart)
{
    cart->n_lines = 0;
    sum_up(cart);
}

static void close_as(struct cart *cart, enum cart_status status, int64_t recorded_at_us)
{
    cart->status = status;
    cart->closed_at_us = recorded_at_us;
}

void cart_evolve(struct cart *cart, const struct cart_event *event, int64_t recorded_at_us)
{
    cart->version++;
    cart->updated_at_us = recorded_at_us;
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
    }
}

struct cart_reach cart_find_reach(const struct cart_event *event)
{
    switch (event->type) {
    case CART_EVENT_CREATED:
    case CART_EVENT_CLAIMED:
        break;
    case CART_EVENT_ITEM_ADDED:
        return (struct cart_reach){CART_REACH_SKU, event->item_added.sku};
    case CART_EVENT_ITEM_QUANTITY_CHANGED:
        return (struct cart_reach){CART_REACH_LINE, event->item_quantity_changed.item_id};
    case CART_EVENT_ITEM_REMOVED:
        return (struct cart_reach){CART_REACH_LINE, event->item_removed.item_id};
    case CART_EVENT_CLEARED:
    case CART_EVENT_CHECKED_OUT:
    case CART_EVENT_CANCELLED:
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
}
