#include "rules.h"

#include <string.h>

/*
 * What leads a cart to the content that it, or another cart, had: its lines, its currency, its
 * coupons and its details. Who owns it and whether it is open stay. A line that never left gets the
 * price of then; one that comes back is bought anew, at the price of now, if it can be had. One
 * that left and came again since is put back where it was, at the price that it has, or the
 * catalogue's of now if another system has set one since. A price that another system had set then
 * comes back with its line, but only for who may set prices: for others that price may have been
 * withdrawn.
 */

/* What the decision has made of the cart so far. */
struct way {
    const struct cart *from;
    const struct cart *to;
    const struct cart_known *known;
    struct cart_decision *decision;
    int64_t total_minor; /* with the lines that are done */
    bool is_exact;
    bool is_in_order; /* the lines that are there now and were then are in the same order */
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

static bool is_other_currency(const struct way *way)
{
    return strcmp(way->from->currency, way->to->currency) != 0;
}

static bool is_in_order(const struct way *way)
{
    size_t next = 0;
    for (size_t i = 0; i < way->from->n_lines; i++) {
        const struct cart_line *then = find_same(way->to, &way->from->lines[i]);
        if (then == NULL)
            continue;
        if (then < &way->to->lines[next])
            return false;
        next = (size_t)(then - way->to->lines) + 1;
    }
    return true;
}

static bool never_left(const struct cart_line *now, const struct cart_line *then)
{
    return now->added_version == then->added_version;
}

/* The same line in another state of the cart; NULL: it is not in there, or it left in between and
 * is another or elsewhere now. */
static const struct cart_line *find_counterpart(
    const struct way *way, const struct cart *cart, const struct cart_line *line)
{
    const struct cart_line *found = find_same(cart, line);
    if (found == NULL || never_left(found, line))
        return found;
    const struct cart_line *now = cart == way->from ? found : line;
    const struct cart_line *then = cart == way->from ? line : found;
    bool is_as_good = way->is_in_order && !is_other_currency(way);
    return is_as_good && cart_line_counts_like(now, then) ? found : NULL;
}

/* ---- prices ---------------------------------------------------------------------------------- */

/* Whether the caller may not give the line its price of then: another system set it, and the line
 * (NULL: it is not there) does not have it now. */
static bool is_price_withheld(
    const struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (rules_may_grow(then, way->known))
        return false;
    return now == NULL || !now->is_price_set || now->unit_price_minor != then->unit_price_minor ||
           is_other_currency(way);
}

/* The catalogue's price of now for a line whose price was the catalogue's then; false: there is
 * none, and *obstacle says why. */
static bool find_catalog_price(
    const struct way *way, const struct cart_line *now, int64_t *unit_price_minor,
    enum cart_refusal *obstacle)
{
    struct cart_offer offer =
        way->known->find_offer(way->known->context, now->sku, way->to->currency);
    if (!rules_can_take_price(now, &offer, obstacle))
        return false;
    *unit_price_minor = offer.unit_price_minor;
    return true;
}

/* Whether the price of a line that is there was set since it came again. */
static bool was_set_since(const struct cart_line *now, const struct cart_line *then)
{
    return !never_left(now, then) && now->is_price_set && !then->is_price_set;
}

/* What a line that is there is to become: the line of then, at the price that it may have. */
static struct cart_line find_target(
    const struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    struct cart_line target = *then;
    enum cart_refusal obstacle;
    target.name = now->name;
    target.unit = now->unit;
    target.tags = now->tags;
    if (was_set_since(now, then) &&
        find_catalog_price(way, now, &target.unit_price_minor, &obstacle))
        return target;
    if (is_price_withheld(way, now, then) || (!never_left(now, then) && !then->is_price_set)) {
        target.unit_price_minor = now->unit_price_minor;
        target.is_price_set = now->is_price_set;
    }
    return target;
}

/* Notes if a line that is there can't have its price of then, or not as much at its price. */
static void note_price(struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    struct cart_line target = find_target(way, now, then);
    enum cart_refusal obstacle = CART_REFUSED_PRICE_IS_SET;
    bool is_too_much = then->quantity > now->quantity && !rules_may_grow(&target, way->known);
    bool lacks_price = was_set_since(now, then) && target.is_price_set &&
                       !find_catalog_price(way, now, &target.unit_price_minor, &obstacle);
    if (is_price_withheld(way, now, then) || is_too_much || lacks_price)
        rules_note_line(way->decision, obstacle, now, then->quantity);
}

/* ---- quantities ------------------------------------------------------------------------------ */

/* Whether the line that `now` was then can stay. It can't if another that stays has the properties
 * of then now: there would be two of the same on the way, so it goes and comes back. Nor has it a
 * price in another currency if that of then is withheld. */
static bool stays(const struct way *way, const struct cart_line *now, const struct cart_line *then)
{
    if (now == NULL || then == NULL)
        return false;
    if (is_other_currency(way) && is_price_withheld(way, now, then))
        return false;
    const struct cart_line *other = cart_find_line_of(way->from, then->sku, then->properties);
    return other == NULL || other == now || find_counterpart(way, way->to, other) == NULL;
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

/* The quantity of the target, if a line that is there can have it; else, with a note, that of now.
 * More of it can only be had while it is sold, as ever, and note_price() has said if it is not to
 * be had at its price. */
static int32_t find_quantity(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    struct cart_offer offer;
    int32_t wanted = target->quantity;
    if (wanted > now->quantity)
        return rules_may_grow(target, way->known) &&
                       can_be_had(way, target, wanted, way->to->currency, &offer)
                   ? wanted
                   : now->quantity;
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
        const struct cart_line *then = find_counterpart(way, way->to, now);
        if (!stays(way, now, then)) {
            (void)rules_remove_line(way->decision, now);
            continue;
        }
        way->decision->prices[n_staying++] =
            (struct cart_item_price){now->item_id, then->unit_price_minor};
        note_price(way, now, then);
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

static void change_price(struct way *way, const struct cart_line *target)
{
    (void)rules_set_price(way->decision, target, target->unit_price_minor, target->is_price_set);
}

static void lower_price(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    if (target->unit_price_minor < now->unit_price_minor)
        change_price(way, target);
}

static void raise_price(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    if (target->unit_price_minor > now->unit_price_minor ||
        (target->unit_price_minor == now->unit_price_minor &&
         target->is_price_set != now->is_price_set))
        change_price(way, target);
}

/* In another currency the prices are there, as if they were the catalogue's. */
static void keep_set_price(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    (void)now;
    if (target->is_price_set)
        change_price(way, target);
}

static void reduce_line(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    if (target->quantity < now->quantity && can_shrink(way, now, target->quantity))
        (void)rules_set_quantity(way->decision, now, target->quantity);
}

static void complete_line(
    struct way *way, const struct cart_line *now, const struct cart_line *target)
{
    struct cart_line becomes = *target;
    becomes.quantity = find_quantity(way, now, target);
    if (becomes.quantity > now->quantity)
        (void)rules_set_quantity(way->decision, now, becomes.quantity);
    if (!cart_is_same_text(target->properties, now->properties))
        add(way, (struct cart_event){
                     .type = CART_EVENT_ITEM_PROPERTIES_CHANGED,
                     .item_properties_changed = {now->item_id, target->properties},
                 });
    count_line(way, &becomes);
}

static void change_lines(
    struct way *way, size_t n_staying,
    void (*change)(struct way *way, const struct cart_line *now, const struct cart_line *target))
{
    for (size_t i = 0; i < n_staying; i++) {
        const char *item_id = way->decision->prices[i].item_id;
        const struct cart_line *now = cart_find_line(way->from, item_id);
        struct cart_line target = find_target(way, now, cart_find_line(way->to, item_id));
        change(way, now, &target);
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
    bool has_price =
        now != NULL && cart_line_counts_like(now, then) &&
        (!is_other_currency(way) || (never_left(now, then) && !is_price_withheld(way, now, then)));
    if (has_price) {
        *back = find_target(way, now, then);
        note_price(way, now, then);
        back->quantity = find_quantity(way, now, back);
        return true;
    }
    bool is_withheld = is_price_withheld(way, NULL, then);
    *back = *then;
    back->is_price_set = then->is_price_set && !is_withheld;
    if (!can_be_had(way, back, then->quantity, way->to->currency, &offer))
        return false;
    if (is_withheld)
        rules_note_line(way->decision, CART_REFUSED_PRICE_IS_SET, then, then->quantity);
    back->name = offer.name;
    back->unit = offer.unit;
    back->tags = offer.tags;
    if (!back->is_price_set)
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
                         .tags = back.tags,
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
        index += stays(way, find_counterpart(way, way->from, then), then) ||
                 bring_back(way, then, index);
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
    if (is_other_currency(&way) && !rules_may_drop_totals(from, known))
        return rules_refuse(decision, CART_REFUSED_HAS_TOTALS);
    if (!is_other_currency(&way))
        way.total_minor = rules_sum_totals(from);
    way.is_in_order = is_in_order(&way);
    keep_lines(&way);
    bring_lines_back(&way);
    rules_bring_coupons_back(from, to, decision);
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
                              .tags = offer.tags,
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
