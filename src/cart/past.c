#include "rules.h"

#include <string.h>

/*
 * What leads a cart to the content that it, or another cart, had: its lines, its currency and its
 * details. Who owns it and whether it is open stay. A line that never left gets the price of then;
 * one that comes back is bought anew, at the price of now, if it can be had.
 */

/* What the decision has made of the cart so far. */
struct way {
    const struct cart *from;
    const struct cart *to;
    const struct cart_known *known;
    struct cart_decision *decision;
    int64_t total_minor; /* of the lines that are done */
    size_t n_lines;      /* that are done */
    bool is_exact;
};

static void add(struct way *way, struct cart_event event)
{
    (void)rules_accept(way->decision, event);
}

static void count_line(struct way *way, int32_t quantity, int32_t scale, int64_t unit_price_minor)
{
    const struct cart_line line = {
        .quantity = quantity, .scale = scale, .unit_price_minor = unit_price_minor};
    way->is_exact = way->is_exact && rules_add_line(way->total_minor, &line, &way->total_minor);
    way->n_lines++;
}

/* The same line in another state of the cart; NULL: it is not in there. */
static const struct cart_line *find_same(const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = cart_find_line(cart, line->item_id);
    return found != NULL && strcmp(found->sku, line->sku) == 0 ? found : NULL;
}

static void remove_line(struct way *way, const struct cart_line *line)
{
    add(way, (struct cart_event){
                 .type = CART_EVENT_ITEM_REMOVED,
                 .item_removed = {.item_id = line->item_id, .quantity = line->quantity},
             });
}

static void note(
    struct way *way, enum cart_refusal code, const struct cart_line *line, int32_t wanted)
{
    rules_note(
        way->decision, (struct cart_note){
                           .code = code,
                           .item_id = line->item_id,
                           .sku = line->sku,
                           .quantity = wanted,
                           .unit_price_minor = -1,
                           .current_price_minor = -1,
                       });
}

/* False, with a note: the line has no price in that currency. */
static bool find_offer(
    struct way *way, const struct cart_line *line, int32_t wanted, const char *currency,
    struct cart_offer *offer)
{
    enum cart_refusal obstacle;
    *offer = way->known->find_offer(way->known->context, line->sku, currency);
    if (rules_can_take_price(line, offer, &obstacle))
        return true;
    note(way, obstacle, line, wanted);
    return false;
}

/* False, with a note: so much of the line can't be had in that currency. */
static bool can_be_had(
    struct way *way, const struct cart_line *line, int32_t wanted, const char *currency,
    struct cart_offer *offer)
{
    if (!find_offer(way, line, wanted, currency, offer))
        return false;
    if (rules_allow(&offer->limits, wanted))
        return true;
    note(way, CART_REFUSED_QUANTITY_OUT_OF_RANGE, line, wanted);
    return false;
}

/* ---- lines that stay ------------------------------------------------------------------------- */

/* The price that a line which stays is to have. False, with a note: it has none in the currency, so
 * it can't stay. */
static bool find_price(
    struct way *way, const struct cart_line *now, const struct cart_line *then,
    int64_t *price_minor)
{
    struct cart_offer offer;
    *price_minor = now->unit_price_minor;
    if (now->added_version == then->added_version)
        *price_minor = then->unit_price_minor;
    else if (strcmp(way->from->currency, way->to->currency) != 0) {
        if (!find_offer(way, now, then->quantity, way->to->currency, &offer))
            return false;
        *price_minor = offer.unit_price_minor;
    }
    return true;
}

/* What is not to stay goes; what stays is listed with its price. */
static size_t choose_lines(struct way *way)
{
    size_t n_staying = 0;
    for (size_t i = 0; i < way->from->n_lines; i++) {
        const struct cart_line *now = &way->from->lines[i];
        const struct cart_line *then = find_same(way->to, now);
        int64_t price_minor = 0;
        if (then != NULL && find_price(way, now, then, &price_minor))
            way->decision->prices[n_staying++] =
                (struct cart_item_price){now->item_id, price_minor};
        else
            remove_line(way, now);
    }
    return n_staying;
}

static void change_currency(struct way *way, size_t n_staying)
{
    struct cart_event event = {
        .type = CART_EVENT_CURRENCY_CHANGED,
        .currency_changed = {.prices = way->decision->prices, .n_prices = n_staying},
    };
    memcpy(event.currency_changed.currency, way->to->currency, sizeof way->to->currency);
    add(way, event);
}

/* The quantity that a line which stays is to have; with a note, that it has now. */
static int32_t find_quantity(
    struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    int32_t wanted = then->quantity;
    const char *currency = way->to->currency;
    struct cart_offer offer;
    if (now->scale != then->scale) {
        note(way, CART_REFUSED_UNIT_CHANGED, now, wanted);
        return now->quantity;
    }
    if (wanted == now->quantity)
        return wanted;
    /* More of it can only be had while it is sold, as ever. */
    if (wanted > now->quantity)
        return can_be_had(way, now, wanted, currency, &offer) ? wanted : now->quantity;
    offer = way->known->find_offer(way->known->context, now->sku, currency);
    if (!rules_is_about(now, &offer) || rules_allow(&offer.limits, wanted))
        return wanted;
    note(way, CART_REFUSED_QUANTITY_OUT_OF_RANGE, now, wanted);
    return now->quantity;
}

static void change_line(
    struct way *way, const struct cart_line *now, const struct cart_line *then, int64_t price_minor,
    bool is_price_set)
{
    if (!is_price_set && price_minor != now->unit_price_minor)
        add(way, (struct cart_event){
                     .type = CART_EVENT_ITEM_PRICE_CHANGED,
                     .item_price_changed = {now->item_id, price_minor},
                 });
    int32_t quantity = find_quantity(way, now, then);
    if (quantity != now->quantity)
        add(way, (struct cart_event){
                     .type = CART_EVENT_ITEM_QUANTITY_CHANGED,
                     .item_quantity_changed = {now->item_id, quantity},
                 });
    if (!rules_is_same_text(then->properties, now->properties))
        add(way, (struct cart_event){
                     .type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
                     .item_properties_changed = {now->item_id, then->properties},
                 });
    count_line(way, quantity, now->scale, price_minor);
}

static void keep_lines(struct way *way)
{
    size_t n_staying = choose_lines(way);
    bool is_other_currency = strcmp(way->from->currency, way->to->currency) != 0;
    if (is_other_currency)
        change_currency(way, n_staying);
    for (size_t i = 0; i < n_staying; i++) {
        const struct cart_item_price *price = &way->decision->prices[i];
        const struct cart_line *now = cart_find_line(way->from, price->item_id);
        change_line(
            way, now, cart_find_line(way->to, price->item_id), price->unit_price_minor,
            is_other_currency);
    }
}

/* ---- lines that come back -------------------------------------------------------------------- */

static bool is_kept(const struct way *way, const struct cart_line *line, size_t n_staying)
{
    for (size_t i = 0; i < n_staying; i++)
        if (strcmp(way->decision->prices[i].item_id, line->item_id) == 0)
            return true;
    return false;
}

static void bring_back(struct way *way, const struct cart_line *line, size_t index)
{
    struct cart_offer offer;
    if (!can_be_had(way, line, line->quantity, way->to->currency, &offer))
        return;
    add(way, (struct cart_event){
                 .type = CART_EVENT_ITEM_RESTORED,
                 .item_restored =
                     {
                         .item_id = line->item_id,
                         .sku = line->sku,
                         .name = offer.name,
                         .properties = line->properties,
                         .unit = offer.unit,
                         .quantity = line->quantity,
                         .scale = offer.scale,
                         .index = (int32_t)index,
                         .unit_price_minor = offer.unit_price_minor,
                     },
             });
    count_line(way, line->quantity, offer.scale, offer.unit_price_minor);
}

static void bring_lines_back(struct way *way)
{
    size_t n_staying = way->n_lines;
    size_t index = 0;
    for (size_t i = 0; i < way->to->n_lines; i++) {
        const struct cart_line *line = &way->to->lines[i];
        size_t n_before = way->n_lines;
        bool stays = is_kept(way, line, n_staying);
        if (!stays && find_same(way->from, line) == NULL)
            bring_back(way, line, index);
        index += stays || way->n_lines > n_before;
    }
}

/* ---- the way --------------------------------------------------------------------------------- */

static void bring_details_back(struct way *way)
{
    const struct cart *to = way->to;
    if (strcmp(to->metadata, way->from->metadata) == 0 &&
        rules_is_same_text(to->customer_email, way->from->customer_email) &&
        rules_is_same_text(to->note, way->from->note))
        return;
    add(way, (struct cart_event){
                 .type = CART_EVENT_DETAILS_CHANGED,
                 .details_changed = {to->metadata, to->customer_email, to->note},
             });
}

static enum cart_outcome lead_to(
    const struct cart *from, const struct cart *to, const struct cart_known *known,
    struct cart_event restored, struct cart_decision *decision)
{
    struct way way = {
        .from = from, .to = to, .known = known, .decision = decision, .is_exact = true};
    keep_lines(&way);
    bring_lines_back(&way);
    bring_details_back(&way);
    bool is_undo = restored.restored.undone_to > 0;
    if (!way.is_exact)
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    if (decision->n_events == 0 && decision->n_notes == 0 && !is_undo)
        return CART_ALREADY_SO;
    return rules_accept(decision, restored);
}

enum cart_outcome rules_restore(
    const struct cart *cart, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    int32_t version = command->restore.version;
    bool is_read = true;
    const struct cart *then = NULL;
    if (version <= known->recorded_version)
        then = known->find_past(known->context, version, false, &is_read);
    if (!is_read)
        return CART_UNREAD;
    if (then == NULL)
        return rules_refuse_version(decision, known->recorded_version);
    struct cart_event restored = {
        .type = CART_EVENT_RESTORED, .restored = {.version = version, .undone_to = 0}};
    return lead_to(cart, then, known, restored, decision);
}

/* Before the last change that was not undone yet; NULL: there is none, or *is_read is false. */
static const struct cart *find_before_change(
    const struct cart *cart, const struct cart_known *known, bool *is_read)
{
    const struct cart *base = cart;
    if (cart->undone_to > 0)
        base = known->find_past(known->context, cart->undone_to, false, is_read);
    if (base == NULL || base->changed_version == 0)
        return NULL;
    /* What this request has changed itself is one change. */
    if (base->changed_version > known->recorded_version)
        return known->find_past(known->context, known->recorded_version, false, is_read);
    return known->find_past(known->context, base->changed_version, true, is_read);
}

enum cart_outcome rules_undo(
    const struct cart *cart, const struct cart_known *known, struct cart_decision *decision)
{
    bool is_read = true;
    const struct cart *then = find_before_change(cart, known, &is_read);
    if (!is_read)
        return CART_UNREAD;
    if (then == NULL || then->status == CART_ABSENT)
        return rules_refuse(decision, CART_REFUSED_NOTHING_TO_UNDO);
    struct cart_event restored = {
        .type = CART_EVENT_RESTORED,
        .restored =
            {
                .version = then->version,
                .undone_to = then->undone_to > 0 ? then->undone_to : then->version,
            },
    };
    return lead_to(cart, then, known, restored, decision);
}

enum cart_outcome rules_copy(
    const struct cart *source, const struct cart_command *command, const struct cart_known *known,
    struct cart_decision *decision)
{
    struct way way = {.to = source, .known = known, .decision = decision, .is_exact = true};
    const char *currency = decision->events[0].created.currency;
    for (size_t i = 0; i < source->n_lines; i++) {
        const struct cart_line *line = &source->lines[i];
        struct cart_offer offer;
        if (!can_be_had(&way, line, line->quantity, currency, &offer))
            continue;
        add(&way, (struct cart_event){
                      .type = CART_EVENT_ITEM_ADDED,
                      .item_added =
                          {
                              .item_id = line->item_id,
                              .sku = line->sku,
                              .name = offer.name,
                              .properties = line->properties,
                              .unit = offer.unit,
                              .quantity = line->quantity,
                              .scale = offer.scale,
                              .unit_price_minor = offer.unit_price_minor,
                          },
                  });
        count_line(&way, line->quantity, offer.scale, offer.unit_price_minor);
    }
    if (!way.is_exact)
        return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_COPIED,
                      .copied = {.cart_id = command->create.copy_of, .version = source->version},
                  });
}
