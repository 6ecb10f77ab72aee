#include "codec_fields.h"

#include <assert.h>

/* The hot path: every event is written here. Room for a name and for a number, time or id behind it
 * is reserved at once. */

enum { NAME_ROOM = sizeof(((struct codec_field *)NULL)->written), VALUE_ROOM = BASE_UUID_SIZE + 2 };
_Static_assert(BASE_INT_SIZE <= VALUE_ROOM && BASE_TIME_SIZE + 2 <= VALUE_ROOM, "they fit");

static void write_name(struct base_buffer *out, const struct codec_field *field, bool is_first)
{
    char *at = base_buffer_reserve(out, NAME_ROOM + VALUE_ROOM);
    memcpy(at, field->written, NAME_ROOM); /* more than the name, as a fixed size is quicker */
    if (is_first)
        *at = '{';
    out->length += field->name_length + strlen(",\"\":");
}

static void write_nullable_text(struct base_buffer *out, const char *text)
{
    if (text == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, text);
}

/* Of a text that has nothing to escape. */
static void write_quoted(struct base_buffer *out, const char *text)
{
    size_t length = strlen(text);
    char *at = base_buffer_reserve(out, length + 2);
    at[0] = '"';
    memcpy(at + 1, text, length);
    at[length + 1] = '"';
    out->length += length + 2;
}

static void write_integer(
    struct base_buffer *out, const struct codec_field *field, const void *source)
{
    int64_t number =
        field->size == sizeof(int32_t) ? *(const int32_t *)source : *(const int64_t *)source;
    if (field->is_nullable && number < field->least)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_int(out, number);
}

static void write_uuid(struct base_buffer *out, const struct base_uuid *uuid)
{
    char text[BASE_UUID_SIZE];
    base_uuid_format(uuid, text);
    write_quoted(out, text);
}

static void write_time(struct base_buffer *out, int64_t unix_us)
{
    char text[BASE_TIME_SIZE];
    if (unix_us == INT64_MIN) {
        base_buffer_append_text(out, "null");
        return;
    }
    base_time_format(unix_us, text);
    write_quoted(out, text);
}

static const char *text_at(const void *source)
{
    return *(const char *const *)source;
}

static void write_item_prices(struct base_buffer *out, const struct cart_event *event)
{
    base_buffer_append_char(out, '{');
    for (size_t i = 0; i < event->currency_changed.n_prices; i++) {
        const struct cart_item_price *price = &event->currency_changed.prices[i];
        if (i > 0)
            base_buffer_append_char(out, ',');
        write_quoted(out, price->item_id);
        base_buffer_append_char(out, ':');
        base_buffer_append_int(out, price->unit_price_minor);
    }
    base_buffer_append_char(out, '}');
}

/* As the data of CouponDefined has it. */
static void write_coupon(struct base_buffer *out, const struct coupon_definition *definition)
{
    const struct coupon_event event = {.type = COUPON_EVENT_DEFINED, .defined = *definition};
    codec_write_fields(out, codec_coupon_shapes[COUPON_EVENT_DEFINED].fields, &event);
}

static void write_value(
    struct base_buffer *out, const struct codec_field *field, const void *source)
{
    switch (field->kind) {
    case CODEC_WORD:
    case CODEC_CART_ID:
        write_quoted(out, text_at(source));
        return;
    case CODEC_SKU:
    case CODEC_TEXT:
    case CODEC_TOKEN_HASH:
        write_nullable_text(out, text_at(source));
        return;
    case CODEC_CURRENCY:
        write_quoted(out, source);
        return;
    case CODEC_INTEGER:
        write_integer(out, field, source);
        return;
    case CODEC_BOOLEAN:
        base_buffer_append_text(out, *(const bool *)source ? "true" : "false");
        return;
    case CODEC_METADATA:
    case CODEC_VERBATIM:
        base_buffer_append_text(out, text_at(source));
        return;
    case CODEC_PROPERTIES:
        base_buffer_append_text(out, text_at(source) == NULL ? "{}" : text_at(source));
        return;
    case CODEC_NOTES:
    case CODEC_TAGS:
        base_buffer_append_text(out, text_at(source) == NULL ? "[]" : text_at(source));
        return;
    case CODEC_ITEM_PRICES:
        write_item_prices(
            out, BASE_CONTAINER(source, const struct cart_event, currency_changed.prices));
        return;
    case CODEC_PRICES:
        codec_write_prices(out, BASE_CONTAINER(source, const struct catalog_content, n_prices));
        return;
    case CODEC_WORDS:
    case CODEC_SKUS:
        codec_write_texts(out, source);
        return;
    case CODEC_AMOUNTS:
        if (field->is_nullable && ((const struct coupon_amounts *)source)->n == 0)
            base_buffer_append_text(out, "null");
        else
            codec_write_amounts(out, source);
        return;
    case CODEC_PRICE_SOURCE:
        base_buffer_append_text(out, *(const bool *)source ? "\"set\"" : "\"catalog\"");
        return;
    case CODEC_QUANTITY:
        codec_write_quantity(out, source);
        return;
    case CODEC_STATUS:
        write_quoted(out, cart_status_name(*(const enum cart_status *)source));
        return;
    case CODEC_MERGE_RULE:
        write_quoted(out, cart_merge_rule_name(*(const enum cart_merge_rule *)source));
        return;
    case CODEC_UUID:
    case CODEC_NEW_ID:
        write_uuid(out, source);
        return;
    case CODEC_TIME:
        write_time(out, *(const int64_t *)source);
        return;
    case CODEC_COUPON:
        write_coupon(out, *(const struct coupon_definition *const *)source);
        return;
    case CODEC_COUPON_STATE:
        write_quoted(out, cart_coupon_state_name(*(const enum cart_coupon_state *)source));
        return;
    case CODEC_TYPE:
    case CODEC_COUPON_CODE:
    case CODEC_EMAIL:
    case CODEC_PATCH:
    case CODEC_ELEMENTS:
        assert(false); /* they are only read */
    }
}

/* Whether a member says nothing, so that it need not be written. */
static bool is_left_out(const struct codec_field *field, const void *source)
{
    if (!field->is_optional)
        return false;
    if (field->kind == CODEC_PRICE_SOURCE || field->kind == CODEC_BOOLEAN)
        return !*(const bool *)source;
    if (field->kind == CODEC_QUANTITY)
        return ((const struct catalog_quantity *)source)->maximum == 0;
    if (field->kind == CODEC_INTEGER)
        return *(const int32_t *)source == field->otherwise;
    return text_at(source) == NULL;
}

static void write_fields(
    struct base_buffer *out, const struct codec_field *fields, const void *source, bool is_shown)
{
    if (fields->name == NULL)
        base_buffer_append_char(out, '{');
    for (const struct codec_field *field = fields; field->name != NULL; field++) {
        const void *value = (const char *)source + field->offset;
        if (is_left_out(field, value) || (field->is_hidden && is_shown))
            continue;
        write_name(out, field, field == fields);
        write_value(out, field, value);
    }
    base_buffer_append_char(out, '}');
}

void codec_write_fields(
    struct base_buffer *out, const struct codec_field *fields, const void *source)
{
    write_fields(out, fields, source, false);
}

void codec_write_shown_fields(
    struct base_buffer *out, const struct codec_field *fields, const void *source)
{
    write_fields(out, fields, source, true);
}

void codec_write_quantity(struct base_buffer *out, const struct catalog_quantity *quantity)
{
    if (quantity->maximum == 0)
        base_buffer_append_text(out, "null");
    else
        codec_write_fields(out, codec_quantity_fields, quantity);
}
