#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int32_t count_units(const struct cart *cart, const char *sku)
{
    int32_t units = 0;
    if (cart->status != CART_OPEN)
        return 0;
    for (size_t i = 0; i < cart->n_lines; i++)
        if (strcmp(cart->lines[i].sku, sku) == 0)
            units += cart->lines[i].quantity; /* at most CART_LINES_MAX * CART_QUANTITY_MAX */
    return units;
}

static int compare_skus(const void *left, const void *right)
{
    const struct projections_held *a = left;
    const struct projections_held *b = right;
    return strcmp(a->sku, b->sku);
}

/* The skus of all lines, each once, with how many there are: of a closed cart none. */
static size_t list_held(
    const struct cart *cart, struct base_arena *arena, struct projections_held **held)
{
    if (cart->n_lines == 0)
        return 0;
    bool is_open = cart->status == CART_OPEN;
    struct projections_held *list = base_arena_alloc(arena, cart->n_lines * sizeof *list);
    for (size_t i = 0; i < cart->n_lines; i++)
        list[i] = (struct projections_held){
            .sku = cart->lines[i].sku, .units_before = is_open ? cart->lines[i].quantity : 0};
    qsort(list, cart->n_lines, sizeof *list, compare_skus);
    size_t n = 0;
    for (size_t i = 1; i < cart->n_lines; i++) {
        if (strcmp(list[n].sku, list[i].sku) == 0)
            list[n].units_before += list[i].units_before;
        else
            list[++n] = list[i];
    }
    *held = list;
    return n + 1;
}

static size_t list_one(
    const struct cart *cart, const char *sku, struct base_arena *arena,
    struct projections_held **held)
{
    *held = base_arena_alloc(arena, sizeof **held);
    **held = (struct projections_held){.sku = sku, .units_before = count_units(cart, sku)};
    return 1;
}

static size_t list_line(
    const struct cart *cart, const char *item_id, struct base_arena *arena,
    struct projections_held **held)
{
    const struct cart_line *line = cart_find_line(cart, item_id);
    return line == NULL ? 0 : list_one(cart, line->sku, arena, held);
}

/* What the event is about to change, as it is before. */
static size_t list_touched(
    const struct cart *cart, const struct cart_event *event, struct base_arena *arena,
    struct projections_held **held)
{
    struct cart_reach reach = cart_find_reach(event);
    switch (reach.kind) {
    case CART_REACH_NOTHING:
        return 0;
    case CART_REACH_SKU:
        return list_one(cart, reach.name, arena, held);
    case CART_REACH_LINE:
        return list_line(cart, reach.name, arena, held);
    case CART_REACH_ALL:
        return list_held(cart, arena, held);
    }
    return 0;
}

/* Somebody has come back to a cart that is neither abandoned any more nor has expired. */
static void note_abandonment(
    struct projections_abandonment *abandonment, const struct cart *cart, enum cart_event_type type,
    const struct eventstore_event *event)
{
    if (type == CART_EVENT_ABANDONED) {
        *abandonment = (struct projections_abandonment){
            .position = event->position,
            .at_us = event->recorded_at_us,
            .value_minor = cart->total_minor,
            .is_guest = cart->customer_id == NULL,
        };
        memcpy(abandonment->currency, cart->currency, sizeof abandonment->currency);
    } else if (
        abandonment->position != 0 && cart->abandoned_at_us == CART_TIME_NONE &&
        cart->status != CART_EXPIRED) {
        abandonment->is_recovered = true;
    }
}

enum replay_outcome follow_fold_event(
    struct follow_notes *notes, struct cart *cart, const struct eventstore_event *event,
    struct base_arena *arena, struct projections_step *step)
{
    struct cart_event fact;
    enum replay_outcome outcome = replay_read(&aggregate_cart, cart, event, arena, &fact);
    if (outcome != REPLAY_DONE)
        return outcome;
    struct projections_held *held = NULL;
    size_t n_held = list_touched(cart, &fact, arena, &held);
    /* The cart's own texts may go with the next event. */
    for (size_t i = 0; i < n_held; i++)
        held[i].sku = base_arena_copy_text(arena, held[i].sku);
    *step = (struct projections_step){
        .status_before = cart->status,
        .total_before_minor = cart->total_minor,
        .has_held_items = notes->has_held_items,
        .closed_position = notes->closed_position,
        .was_recovered = notes->abandonment.is_recovered,
    };
    memcpy(step->currency_before, cart->currency, sizeof step->currency_before);
    aggregate_cart.evolve(cart, &fact, event->version, event->recorded_at_us);
    for (size_t i = 0; i < n_held; i++)
        held[i].units_after = count_units(cart, held[i].sku);
    if (event->version == 1)
        notes->created_position = event->position;
    if (step->status_before == CART_OPEN && cart->status != CART_OPEN)
        notes->closed_position = event->position;
    note_abandonment(&notes->abandonment, cart, fact.type, event);
    step->position = event->position;
    step->recorded_at_us = event->recorded_at_us;
    step->created_position = notes->created_position;
    step->cart_id = event->stream_id;
    step->type = fact.type;
    step->cart = cart;
    step->is_first_item = !notes->has_held_items && cart->n_lines > 0;
    step->held = held;
    step->n_held = n_held;
    step->abandonment = notes->abandonment;
    notes->has_held_items = notes->has_held_items || cart->n_lines > 0;
    return REPLAY_DONE;
}
