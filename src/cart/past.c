#include "rules.h"

#include <string.h>

/*
 * What leads a cart to the content that it, or another cart, had: its lines, its currency and its
 * details. Who owns it and whether it is open stay. A line that never left gets the price of then;
 * one that comes back is bought anew, at the price of now, if it can be had. One that left and came
 * again since is put back where it was, at the price that it has. A price that another system had
 * set comes back with its line.
 */

/* What the decision has made of the cart so far. */
struct way {
    const struct cart *from;
    const struct cart *to;
    const struct cart_known *known;
    struct cart_decision *decision;
    int64_t total_minor; /* with the lines that are done */
    bool is_exact;
};

static void add(struct way *way, struct cart_event event)
{
    (void)rules_accept(way->decision, event);
}

static void count_line(struct way *way, const struct cart_line *line)
{
    way->is_exact = way->is_exact && rules_add_line(way->total_minor, line, &way->total_minor);
}

/* The lines that can't be had are not why. */
static enum cart_outcome refuse_amount(struct cart_decision *decision)
{
    decision->n_notes = 0;
    return rules_refuse(decision, CART_REFUSED_AMOUNT_TOO_LARGE);
}

/* The same line in another state of the cart; NULL: it is not in there. */
static const struct cart_line *find_same(const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = cart_find_line(cart, line->item_id);
    return found != NULL && strcmp(found->sku, line->sku) == 0 ? found : NULL;
}

/* The same line in another state of the cart; NULL: it is not in there, or it left in between. */
static const struct cart_line *find_same_visit(
    const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = cart_find_line(cart, line->item_id);
    return found != NULL && found->added_version == line->added_version ? found : NULL;
}

/* Whether the line that `now` was then can stay. It can't if another that never left either has the
 * properties of then now: there would be two of the same on the way, so it goes and comes back. */
static bool stays(const struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (now == NULL || then == NULL)
        return false;
    const struct cart_line *other = cart_find_line_of(way->from, then->sku, then->properties);
    return other == NULL || other == now || find_same_visit(way->to, other) == NULL;
}

static bool is_other_currency(const struct way *way)
{
    return strcmp(way->from->currency, way->to->currency) != 0;
}

/* False, with a note: so much of the line can't be had in that currency. */
static bool can_be_had(
    struct way *way, const struct cart_line *line, int32_t wanted, const char *currency,
    struct cart_offer *offer)
{
    enum cart_refusal obstacle = CART_REFUSED_QUANTITY_OUT_OF_RANGE;
    *offer = way->known->find_offer(way->known->context, line->sku, currency);
    offer->has_price = offer->has_price || line->is_price_set;
    if (rules_can_take_price(line, offer, &obstacle) && rules_allow(&offer->limits, wanted))
        return true;
    rules_note_line(way->decision, obstacle, line, wanted);
    return false;
}

/* Whether a line may become so much less. */
static bool can_shrink(const struct way *way, const struct cart_line *line, int32_t wanted)
{
    struct cart_offer offer =
        way->known->find_offer(way->known->context, line->sku, way->to->currency);
    return !rules_is_about(line, &offer) || rules_allow(&offer.limits, wanted);
}

/* The quantity of then, if a line that is there can have it; else, with a note, that of now. More
 * of it can only be had while it is sold, as ever. */
static int32_t find_quantity(
    struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    struct cart_offer offer;
    int32_t wanted = then->quantity;
    if (wanted > now->quantity)
        return can_be_had(way, now, wanted, way->to->currency, &offer) ? wanted : now->quantity;
    if (wanted == now->quantity || can_shrink(way, now, wanted))
        return wanted;
    rules_note_line(way->decision, CART_REFUSED_QUANTITY_OUT_OF_RANGE, now, wanted);
    return now->quantity;
}

/* ---- lines that stay ------------------------------------------------------------------------- */

/* What is not to stay goes; what stays is listed with its price of then. Lines that never left are
 * in the same order now and then. */
static size_t choose_lines(struct way *way)
{
    size_t n_staying = 0;
    for (size_t i = 0; i < way->from->n_lines; i++) {
        const struct cart_line *now = &way->from->lines[i];
        const struct cart_line *then = find_same_visit(way->to, now);
        if (stays(way, now, then))
            way->decision->prices[n_staying++] =
                (struct cart_item_price){now->item_id, then->unit_price_minor};
        else
            (void)rules_remove_line(way->decision, now);
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

/* As another system or the catalogue had it then. */
static void change_price(struct way *way, const struct cart_line *then)
{
    (void)rules_set_price(way->decision, then, then->unit_price_minor, then->is_price_set);
}

static void lower_price(struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (then->unit_price_minor < now->unit_price_minor)
        change_price(way, then);
}

static void raise_price(struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (then->unit_price_minor > now->unit_price_minor ||
        (then->unit_price_minor == now->unit_price_minor &&
         then->is_price_set != now->is_price_set))
        change_price(way, then);
}

/* In another currency the prices are there, as if they were the catalogue's. */
static void keep_set_price(
    struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    (void)now;
    if (then->is_price_set)
        change_price(way, then);
}

static void reduce_line(struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (then->quantity < now->quantity && can_shrink(way, now, then->quantity))
        (void)rules_set_quantity(way->decision, now, then->quantity);
}

static void complete_line(
    struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    struct cart_line becomes = *then;
    becomes.quantity = find_quantity(way, now, then);
    if (becomes.quantity > now->quantity)
        (void)rules_set_quantity(way->decision, now, becomes.quantity);
    if (!cart_is_same_text(then->properties, now->properties))
        add(way, (struct cart_event){
                     .type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
                     .item_properties_changed = {now->item_id, then->properties},
                 });
    count_line(way, &becomes);
}

static void change_lines(
    struct way *way, size_t n_staying,
    void (*change)(struct way *way, const struct cart_line *now, const struct cart_line *then))
{
    for (size_t i = 0; i < n_staying; i++) {
        const char *item_id = way->decision->prices[i].item_id;
        change(way, cart_find_line(way->from, item_id), cart_find_line(way->to, item_id));
    }
}

/* What becomes less comes first, so that no version between now and then has a total that is larger
 * than both. */
static void keep_lines(struct way *way)
{
    size_t n_staying = choose_lines(way);
    change_lines(way, n_staying, reduce_line);
    if (is_other_currency(way)) {
        change_currency(way, n_staying);
        change_lines(way, n_staying, keep_set_price);
    } else {
        change_lines(way, n_staying, lower_price);
        change_lines(way, n_staying, raise_price);
    }
    change_lines(way, n_staying, complete_line);
}

/* ---- lines that come back -------------------------------------------------------------------- */

/* What a line comes back as; false, with a note: it can't be had. `now`: the line as it is, or has
 * come again meanwhile; NULL: it is not there. */
static bool find_back(
    struct way *way, const struct cart_line *then, const struct cart_line *now,
    struct cart_line *back)
{
    struct cart_offer offer;
    bool never_left = now != NULL && now->added_version == then->added_version;
    bool has_price =
        now != NULL && cart_line_counts_like(now, then) && (never_left || !is_other_currency(way));
    *back = *then;
    if (has_price) {
        back->name = now->name;
        back->unit = now->unit;
        if (!never_left && !then->is_price_set) {
            back->unit_price_minor = now->unit_price_minor;
            back->is_price_set = now->is_price_set;
        }
        back->quantity = find_quantity(way, now, then);
        return true;
    }
    if (!can_be_had(way, then, then->quantity, way->to->currency, &offer))
        return false;
    back->name = offer.name;
    back->unit = offer.unit;
    if (!then->is_price_set)
        back->unit_price_minor = offer.unit_price_minor;
    return true;
}

static bool bring_back(struct way *way, const struct cart_line *line, size_t index)
{
    struct cart_line back;
    if (!find_back(way, line, find_same(way->from, line), &back))
        return false;
    add(way, (struct cart_event){
                 .type = CART_EVENT_ITEM_RESTORED,
                 .item_restored =
                     {
                         .item_id = back.item_id,
                         .sku = back.sku,
                         .name = back.name,
                         .properties = back.properties,
                         .unit = back.unit,
                         .quantity = back.quantity,
                         .scale = back.scale,
                         .index = (int32_t)index,
                         .is_price_set = back.is_price_set,
                         .unit_price_minor = back.unit_price_minor,
                     },
             });
    count_line(way, &back);
    return true;
}

static void bring_lines_back(struct way *way)
{
    size_t index = 0;
    for (size_t i = 0; i < way->to->n_lines; i++) {
        const struct cart_line *then = &way->to->lines[i];
        index += stays(way, find_same_visit(way->from, then), then) || bring_back(way, then, index);
    }
}

/* ---- the way --------------------------------------------------------------------------------- */

static void bring_details_back(struct way *way)
{
    const struct cart *to = way->to;
    if (strcmp(to->metadata, way->from->metadata) == 0 &&
        cart_is_same_text(to->customer_email, way->from->customer_email) &&
        cart_is_same_text(to->note, way->from->note))
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
    if (strcmp(from->currency, to->currency) == 0)
        way.total_minor = rules_sum_totals(from);
    keep_lines(&way);
    bring_lines_back(&way);
    bring_details_back(&way);
    bool is_undo = restored.restored.undone_to > 0;
    if (!way.is_exact)
        return refuse_amount(decision);
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
        struct cart_line copied = source->lines[i];
        const struct cart_line *line = &copied;
        struct cart_offer offer;
        copied.is_price_set = false; /* a copy is bought at the catalogue's prices */
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
        struct cart_line copy = *line;
        copy.unit_price_minor = offer.unit_price_minor;
        count_line(&way, &copy);
    }
    if (!way.is_exact)
        return refuse_amount(decision);
    return rules_accept(
        decision, (struct cart_event){
                      .type = CART_EVENT_COPIED,
                      .copied = {.cart_id = command->create.copy_of, .version = source->version},
                  });
}
