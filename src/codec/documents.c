#include <string.h>

#include "codec_fields.h"

/* The hot path: every answer and every row of a read table is written here. Room is reserved for
 * the fixed part of a line and its ids at once, and then filled without further checks. */

enum {
    LINE_ROOM = 192,  /* one line without its texts */
    USUAL_HEAD = 384, /* what most documents need without lines, with times */
    USUAL_LINE = 160, /* what most lines need, with their texts */
    TIMES_ROOM = 192, /* three members with a time each */
};

/* ---- carts ----------------------------------------------------------------------------------- */

static void write_integer(struct base_buffer *out, const char *name, int64_t number)
{
    base_buffer_append_text(out, name);
    base_buffer_append_int(out, number);
}

static inline char *put_text(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

static void end_at(struct base_buffer *out, const char *at)
{
    out->length = (size_t)(at - out->bytes);
}

static void write_line(struct base_buffer *out, const struct cart_line *line, bool is_first)
{
    char *at = base_buffer_reserve(out, LINE_ROOM + 2 * strlen(line->item_id));
    at = put_text(at, is_first ? "{\"id\":\"" : ",{\"id\":\"");
    /* An item id has no characters to escape, by its pattern; nor has a sku that is one. */
    at = put_text(at, line->item_id);
    if (strcmp(line->sku, line->item_id) == 0) {
        at = put_text(at, "\",\"sku\":\"");
        at = put_text(at, line->sku);
        at = put_text(at, "\",\"name\":");
        end_at(out, at);
    } else {
        at = put_text(at, "\",\"sku\":");
        end_at(out, at);
        base_buffer_append_json_text(out, line->sku);
        base_buffer_append_text(out, ",\"name\":");
    }

    base_buffer_append_json_text(out, line->name);

    size_t properties_room = line->properties == NULL ? 0 : strlen(line->properties);
    at = base_buffer_reserve(out, LINE_ROOM + properties_room);
    at = put_text(at, ",\"quantity\":");
    at = base_format_int(at, line->quantity);
    at = put_text(at, ",\"unit_price\":");
    at = base_format_int(at, line->unit_price_minor);
    at = put_text(at, ",\"total\":");
    at = base_format_int(at, cart_line_total_minor(line));
    at = put_text(at, ",\"properties\":");
    at = put_text(at, line->properties == NULL ? "{}" : line->properties);
    at = put_text(at, "}");
    end_at(out, at);
}

void codec_write_cart_begin(
    struct base_buffer *out, const struct base_uuid *cart_id, const struct cart *cart)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(cart_id, id);
    base_buffer_append_text(out, "{\"id\":\"");
    base_buffer_append_text(out, id);
    write_integer(out, "\",\"version\":", cart->version);
    base_buffer_append_text(out, ",\"status\":\"");
    base_buffer_append_text(out, cart_status_name(cart->status));
    base_buffer_append_text(out, "\",\"currency\":\"");
    base_buffer_append_text(out, cart->currency);
    base_buffer_append_text(out, "\",\"customer_id\":");
    if (cart->customer_id == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, cart->customer_id);
    base_buffer_append_text(out, ",\"items\":[");
}

void codec_write_cart_lines(
    struct base_buffer *out, const struct cart *cart, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        write_line(out, &cart->lines[i], i == from);
}

void codec_write_cart_end(struct base_buffer *out, const struct cart *cart)
{
    write_integer(out, "],\"item_count\":", cart->item_count);
    write_integer(out, ",\"total\":", cart->total_minor);
    base_buffer_append_text(out, ",\"metadata\":");
    base_buffer_append_text(out, cart->metadata);
    base_buffer_append_char(out, '}');
}

void codec_write_cart(
    struct base_buffer *out, const struct base_uuid *cart_id, const struct cart *cart)
{
    /* At once, instead of twice the size again and again. */
    (void)base_buffer_reserve(out, USUAL_HEAD + cart->n_lines * USUAL_LINE);
    codec_write_cart_begin(out, cart_id, cart);
    codec_write_cart_lines(out, cart, 0, cart->n_lines);
    codec_write_cart_end(out, cart);
}

static void write_time(struct base_buffer *out, const char *name, int64_t unix_us)
{
    char text[BASE_TIME_SIZE];
    base_buffer_append_text(out, name);
    if (unix_us == CART_TIME_NONE) {
        base_buffer_append_text(out, "null");
        return;
    }
    base_time_format(unix_us, text);
    base_buffer_append_char(out, '"');
    base_buffer_append(out, text, BASE_TIME_SIZE - 1);
    base_buffer_append_char(out, '"');
}

void codec_append_cart_times(
    struct base_buffer *out, int64_t created_at_us, int64_t updated_at_us, int64_t closed_at_us)
{
    out->length--; /* The closing brace moves to the end. */
    write_time(out, ",\"created_at\":", created_at_us);
    write_time(out, ",\"updated_at\":", updated_at_us);
    write_time(out, ",\"closed_at\":", closed_at_us);
    base_buffer_append_char(out, '}');
}

/* ---- carts as they were stored --------------------------------------------------------------- */

/* The end of the next item's total; NULL: there is none. */
static const char *find_total_end(const char *from, const char *end)
{
    static const char total[] = ",\"total\":";
    const char *at = memmem(from, (size_t)(end - from), total, strlen(total));
    if (at == NULL)
        return NULL;
    at += strlen(total);
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at < end ? at : NULL;
}

/* Where the first item's total ends or, without items, the cart's own, which its metadata follows.
 * Quotes within texts are escaped, so what is found is no text, and it is found before metadata. */
static const char *find_first_total_end(const char *document, size_t length)
{
    static const char items[] = "\"items\":[";
    const char *at = memmem(document, length, items, strlen(items));
    return at == NULL ? NULL : find_total_end(at, document + length);
}

/* An item ended with its total before it had properties; all items of a document are of one shape.
 * Its row has the newest shape as soon as its cart is written again. */
void codec_write_stored_cart(struct base_buffer *out, const char *document, size_t length)
{
    const char *end = document + length;
    const char *from = document;
    const char *at = find_first_total_end(document, length);
    while (at != NULL && *at == '}') {
        base_buffer_append(out, from, (size_t)(at - from));
        base_buffer_append_text(out, ",\"properties\":{}");
        from = at;
        bool is_last = at + 1 == end || at[1] != ',';
        at = is_last ? NULL : find_total_end(at, end);
    }
    base_buffer_append(out, from, (size_t)(end - from));
}

void codec_write_cart_times(
    struct base_buffer *out, const char *document, size_t length, int64_t created_at_us,
    int64_t updated_at_us, int64_t closed_at_us)
{
    (void)base_buffer_reserve(out, length + TIMES_ROOM);
    codec_write_stored_cart(out, document, length);
    codec_append_cart_times(out, created_at_us, updated_at_us, closed_at_us);
}

/* ---- products -------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct catalog_product, member)

static const struct codec_field product_fields[] = {
    {FIELD("sku", SKU, sku)},
    {FIELD("version", INTEGER, version)},
    {FIELD("name", TEXT, content.name)},
    {FIELD("prices", PRICES, content.n_prices)},
    {FIELD("active", BOOLEAN, content.is_active)},
    {.name = NULL},
};

#undef FIELD

void codec_write_product(struct base_buffer *out, const struct catalog_product *product)
{
    codec_write_fields(out, product_fields, product);
}

void codec_append_product_times(struct base_buffer *out, int64_t updated_at_us)
{
    out->length--; /* The closing brace moves to the end. */
    write_time(out, ",\"updated_at\":", updated_at_us);
    base_buffer_append_char(out, '}');
}
