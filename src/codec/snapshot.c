#include <string.h>

#include "codec_fields.h"

/*
 * A snapshot is written as the shortest history that makes the cart: its creation, its details,
 * then each line as if it had been added at once, its coupons; behind them its totals. So it is
 * read by what reads events, and folded by what folds them.
 */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart, member)
#define TIME_LIMITS                                                                                \
    .is_nullable = true, .otherwise = CART_TIME_NONE, .least = BASE_TIME_LEAST_US,                 \
    .most = BASE_TIME_MOST_US

/* What is not said by those events. */
static const struct codec_field head_fields[] = {
    {FIELD("version", INTEGER, version), .least = 1, .most = INT32_MAX},
    {FIELD("status", STATUS, status)},
    {FIELD("created_at_us", INTEGER, created_at_us), TIME_LIMITS},
    {FIELD("updated_at_us", INTEGER, updated_at_us), TIME_LIMITS},
    {FIELD("closed_at_us", INTEGER, closed_at_us), TIME_LIMITS},
    {FIELD("abandoned_at_us", INTEGER, abandoned_at_us), TIME_LIMITS},
    {FIELD("changed_version", INTEGER, changed_version), .most = INT32_MAX},
    {FIELD("undone_to", INTEGER, undone_to), .most = INT32_MAX},
    {FIELD("notes", NOTES, notes)},
    {FIELD("order_reference", TEXT, order_reference), .is_nullable = true},
    {FIELD("merged_into", CART_ID, merged_into), .is_optional = true},
    {FIELD("merged_version", INTEGER, merged_version), .is_optional = true, .most = INT32_MAX},
    {FIELD("resume_token_hash", TOKEN_HASH, resume_token_hash), .is_nullable = true},
    {.name = NULL},
};
_Static_assert(CART_TIME_NONE == INT64_MIN, "what null is");

#undef TIME_LIMITS
#undef FIELD

static void write_created(struct base_buffer *out, const struct cart *cart)
{
    struct cart_event event = {
        .type = CART_EVENT_CREATED,
        .created =
            {
                .customer_id = cart->customer_id,
                .guest_token_hash = cart->guest_token_hash,
                .metadata = cart->metadata,
            },
    };
    memcpy(event.created.currency, cart->currency, sizeof cart->currency);
    codec_write_cart_event(out, &event);
}

static void write_details(struct base_buffer *out, const struct cart *cart)
{
    codec_write_cart_event(
        out, &(struct cart_event){
                 .type = CART_EVENT_DETAILS_CHANGED,
                 .details_changed = {cart->metadata, cart->customer_email, cart->note},
             });
}

static void write_line(struct base_buffer *out, const struct cart_line *line)
{
    codec_write_cart_event(
        out, &(struct cart_event){
                 .type = CART_EVENT_ITEM_ADDED,
                 .item_added =
                     {
                         .item_id = line->item_id,
                         .sku = line->sku,
                         .name = line->name,
                         .properties = line->properties,
                         .unit = line->unit,
                         .tags = line->tags,
                         .quantity = line->quantity,
                         .is_price_set = line->is_price_set,
                         .scale = line->scale,
                         .unit_price_minor = line->unit_price_minor,
                     },
             });
}

void codec_write_cart_snapshot(struct base_buffer *out, const struct cart *cart)
{
    codec_write_fields(out, head_fields, cart);
    out->length--; /* The closing brace moves to the end. */
    base_buffer_append_text(out, ",\"created\":");
    write_created(out, cart);
    base_buffer_append_text(out, ",\"details\":");
    write_details(out, cart);
    base_buffer_append_text(out, ",\"added\":[");
    for (size_t i = 0; i < cart->n_lines; i++) {
        if (i > 0)
            base_buffer_append_char(out, ',');
        write_line(out, &cart->lines[i]);
    }
    base_buffer_append_text(out, "],\"added_versions\":[");
    for (size_t i = 0; i < cart->n_lines; i++)
        base_buffer_printf(out, "%s%d", i > 0 ? "," : "", (int)cart->lines[i].added_version);
    base_buffer_append_char(out, ']');
    codec_write_coupon_events(out, cart);
    base_buffer_append_text(out, ",\"totals\":");
    codec_write_totals(out, cart);
    base_buffer_append_char(out, '}');
}

static bool fold(
    struct codec_reader *reader, struct cart *cart, enum cart_event_type type, json_t *members)
{
    struct cart_event event;
    if (!codec_read_cart_event_members(reader, type, members, &event))
        return false;
    cart_evolve(cart, &event, CART_TIME_NONE);
    return true;
}

/* Each line gets the version that it was added with. */
static bool fold_lines(struct codec_reader *reader, struct cart *cart, const json_t *members)
{
    const json_t *added = json_object_get(members, "added");
    const json_t *versions = json_object_get(members, "added_versions");
    size_t n_lines = json_array_size(added); /* 0 when it is no array */
    if (!json_is_array(added) || json_array_size(versions) != n_lines)
        return false;
    for (size_t i = 0; i < n_lines; i++) {
        json_int_t version = json_integer_value(json_array_get(versions, i));
        if (version < 1 || version > INT32_MAX)
            return false;
        cart->version = (int32_t)version - 1;
        if (!fold(reader, cart, CART_EVENT_ITEM_ADDED, json_array_get(added, i)))
            return false;
    }
    return cart->n_lines == n_lines;
}

bool codec_read_cart_snapshot(const char *json, struct base_arena *arena, struct cart *cart)
{
    json_auto_t *members = codec_json_load(json);
    struct codec_reader reader = {.arena = arena};
    struct codec_object head = {.reader = &reader, .members = members, .path = {.root = ""}};
    cart_clear(cart);
    if (!fold(&reader, cart, CART_EVENT_CREATED, json_object_get(members, "created")) ||
        !fold(&reader, cart, CART_EVENT_DETAILS_CHANGED, json_object_get(members, "details")) ||
        !fold_lines(&reader, cart, members) || !codec_read_coupon_events(&reader, members, cart) ||
        !codec_read_totals(&reader, json_object_get(members, "totals"), cart))
        return false;
    cart_sum_up(cart);
    codec_read_fields(&head, head_fields, cart);
    return !reader.is_refused;
}
