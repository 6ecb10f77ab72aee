#include <string.h>

#include "codec_fields.h"

/* Coupons in a cart: in its document, in a refusal, in a snapshot. */

/* ---- documents ------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart_coupon, member)

static const struct codec_field coupon_fields[] = {
    {FIELD("code", TEXT, code)},
    {FIELD("amount", INTEGER, amount_minor), .most = CART_AMOUNT_MAX},
    {FIELD("state", COUPON_STATE, state)},
    {.name = NULL},
};

#undef FIELD

void codec_write_coupons(struct base_buffer *out, const struct cart *cart)
{
    base_buffer_append_char(out, '[');
    for (size_t i = 0; i < cart->n_coupons; i++) {
        struct cart_coupon coupon = cart->coupons[i];
        if (coupon.definition != NULL)
            coupon.code = coupon.definition->code; /* as it was written */
        if (i > 0)
            base_buffer_append_char(out, ',');
        codec_write_fields(out, coupon_fields, &coupon);
    }
    base_buffer_append_char(out, ']');
}

bool codec_read_coupons(struct codec_reader *reader, json_t *array, struct cart *cart)
{
    cart->n_coupons = json_array_size(array);
    if (!json_is_array(array) || cart->n_coupons > CART_COUPONS_MAX)
        return false;
    for (size_t i = 0; i < cart->n_coupons; i++) {
        struct codec_object object = {
            .reader = reader, .members = json_array_get(array, i), .path = {.root = ""}};
        cart->coupons_room[i] = (struct cart_coupon){.code = NULL};
        codec_read_fields(&object, coupon_fields, &cart->coupons_room[i]);
    }
    return !reader->is_refused;
}

/* ---- refusals -------------------------------------------------------------------------------- */

const char *codec_make_changed_coupons(
    struct base_arena *arena, const struct cart_coupon *coupons, size_t n_coupons)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    for (size_t i = 0; i < n_coupons; i++) {
        base_buffer_append_text(&text, i == 0 ? "[{\"code\":" : ",{\"code\":");
        base_buffer_append_json_text(&text, coupons[i].definition->code);
        base_buffer_printf(
            &text, ",\"state\":\"%s\",\"amount\":0,\"former_amount\":%lld}",
            cart_coupon_state_name(coupons[i].state), (long long)coupons[i].amount_minor);
    }
    base_buffer_append_char(&text, ']');
    return base_arena_copy_text(arena, base_buffer_text(&text));
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static bool has_lapsed(const struct cart_coupon *coupon)
{
    return coupon->state == CART_COUPON_EXPIRED || coupon->state == CART_COUPON_EXHAUSTED;
}

void codec_write_coupon_events(struct base_buffer *out, const struct cart *cart)
{
    base_buffer_append_text(out, ",\"coupons\":[");
    for (size_t i = 0; i < cart->n_coupons; i++) {
        const struct cart_coupon *coupon = &cart->coupons[i];
        if (i > 0)
            base_buffer_append_char(out, ',');
        codec_write_cart_event(
            out, &(struct cart_event){
                     .type = CART_EVENT_COUPON_APPLIED,
                     .coupon_applied = {coupon->code, coupon->definition}});
    }
    base_buffer_append_text(out, "],\"lapsed\":[");
    const char *comma = "";
    for (size_t i = 0; i < cart->n_coupons; i++) {
        const struct cart_coupon *coupon = &cart->coupons[i];
        if (!has_lapsed(coupon))
            continue;
        base_buffer_append_text(out, comma);
        comma = ",";
        codec_write_cart_event(
            out,
            &(struct cart_event){
                .type = CART_EVENT_COUPON_LAPSED, .coupon_lapsed = {coupon->code, coupon->state}});
    }
    base_buffer_append_char(out, ']');
}

static bool fold(
    struct codec_reader *reader, struct cart *cart, enum cart_event_type type, const json_t *array)
{
    struct cart_event event;
    if (!json_is_array(array))
        return false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!codec_read_cart_event_members(reader, type, json_array_get(array, i), &event))
            return false;
        cart_evolve(cart, &event, CART_TIME_NONE);
    }
    return true;
}

bool codec_read_coupon_events(
    struct codec_reader *reader, const json_t *snapshot, struct cart *cart)
{
    return fold(reader, cart, CART_EVENT_COUPON_APPLIED, json_object_get(snapshot, "coupons")) &&
           fold(reader, cart, CART_EVENT_COUPON_LAPSED, json_object_get(snapshot, "lapsed"));
}
