#include "codec_json.h"

#include <string.h>

/*
 * A snapshot is written as the shortest history that makes the cart: its creation, then each line
 * as if it had been added at once. So it is read by what reads events, and folded by what folds
 * them.
 */

/* ---- written --------------------------------------------------------------------------------- */

static void write_time(struct base_buffer *out, const char *name, int64_t time_us)
{
    base_buffer_printf(out, ",\"%s\":", name);
    if (time_us == CART_TIME_NONE)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_int(out, time_us);
}

void codec_write_cart_snapshot(struct base_buffer *out, const struct cart *cart)
{
    struct cart_event created = {
        .type = CART_EVENT_CREATED,
        .created =
            {
                .customer_id = cart->customer_id,
                .guest_token_hash = cart->guest_token_hash,
                .metadata = cart->metadata,
            },
    };
    memcpy(created.created.currency, cart->currency, sizeof cart->currency);
    base_buffer_printf(
        out, "{\"version\":%d,\"status\":\"%s\"", (int)cart->version,
        cart_status_name(cart->status));
    write_time(out, "created_at_us", cart->created_at_us);
    write_time(out, "updated_at_us", cart->updated_at_us);
    write_time(out, "closed_at_us", cart->closed_at_us);
    base_buffer_append_text(out, ",\"created\":");
    codec_write_cart_event(out, &created);
    base_buffer_append_text(out, ",\"added\":[");
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        struct cart_event added = {
            .type = CART_EVENT_ITEM_ADDED,
            .item_added =
                {
                    .item_id = line->item_id,
                    .sku = line->sku,
                    .name = line->name,
                    .properties = line->properties,
                    .quantity = line->quantity,
                    .unit_price_minor = line->unit_price_minor,
                },
        };
        if (i > 0)
            base_buffer_append_char(out, ',');
        codec_write_cart_event(out, &added);
    }
    base_buffer_append_text(out, "]}");
}

/* ---- read ------------------------------------------------------------------------------------ */

static bool fold(
    struct codec_reader *reader, struct cart *cart, enum cart_event_type type, json_t *members)
{
    struct cart_event event;
    if (!codec_read_cart_event_members(reader, type, members, &event))
        return false;
    cart_evolve(cart, &event, CART_TIME_NONE);
    return true;
}

static bool read_time(const json_t *members, const char *name, int64_t *time_us)
{
    const json_t *value = json_object_get(members, name);
    int64_t given_us = json_integer_value(value);
    *time_us = json_is_null(value) ? CART_TIME_NONE : given_us;
    return json_is_null(value) || (json_is_integer(value) && given_us >= BASE_TIME_LEAST_US &&
                                   given_us <= BASE_TIME_MOST_US);
}

static bool read_version(const json_t *members, int32_t *version)
{
    json_int_t given = json_integer_value(json_object_get(members, "version"));
    *version = (int32_t)given;
    return given >= 1 && given <= INT32_MAX; /* what is no integer is 0 */
}

static bool read_status(const json_t *members, enum cart_status *status)
{
    static const enum cart_status statuses[] = {CART_OPEN, CART_CHECKED_OUT, CART_CANCELLED};
    const char *name = json_string_value(json_object_get(members, "status"));
    for (size_t i = 0; name != NULL && i < BASE_COUNT(statuses); i++) {
        if (strcmp(name, cart_status_name(statuses[i])) == 0) {
            *status = statuses[i];
            return true;
        }
    }
    return false;
}

bool codec_read_cart_snapshot(const char *json, struct base_arena *arena, struct cart *cart)
{
    json_auto_t *members = codec_json_load(json);
    if (members == NULL)
        return false;
    struct codec_reader reader = {.arena = arena};
    cart_clear(cart);
    if (!fold(&reader, cart, CART_EVENT_CREATED, json_object_get(members, "created")))
        return false;
    const json_t *added = json_object_get(members, "added");
    size_t n_lines = json_array_size(added); /* 0 when it is no array */
    for (size_t i = 0; i < n_lines; i++)
        if (!fold(&reader, cart, CART_EVENT_ITEM_ADDED, json_array_get(added, i)))
            return false;
    return json_is_array(added) && cart->n_lines == n_lines &&
           read_version(members, &cart->version) && read_status(members, &cart->status) &&
           read_time(members, "created_at_us", &cart->created_at_us) &&
           read_time(members, "updated_at_us", &cart->updated_at_us) &&
           read_time(members, "closed_at_us", &cart->closed_at_us);
}
