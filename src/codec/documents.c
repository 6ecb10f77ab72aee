#include <stdio.h>
#include <string.h>

#include "codec_fields.h"

/* The hot path: every answer and every row of a read table is written here. Room is reserved for
 * the fixed part of a line and its ids at once, and then filled without further checks. */

enum {
    LINE_ROOM = 256,  /* one line without its texts */
    USUAL_HEAD = 448, /* what most documents need without lines, with times */
    USUAL_LINE = 224, /* what most lines need, with their texts */
    TIMES_ROOM = 288, /* five members with a time each */
};

/* ---- carts ----------------------------------------------------------------------------------- */

static void write_integer(struct base_buffer *out, const char *name, int64_t number)
{
    base_buffer_append_text(out, name);
    base_buffer_append_int(out, number);
}

static void write_text(struct base_buffer *out, const char *name, const char *text)
{
    base_buffer_append_text(out, name);
    if (text == NULL)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_json_text(out, text);
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

/* 1500 with 3 decimals is 1.5. */
static void write_decimal(struct base_buffer *out, int32_t number, int32_t scale)
{
    char digits[BASE_INT_SIZE + CART_SCALE_MAX];
    int length = snprintf(digits, sizeof digits, "%0*d", (int)scale + 1, (int)number);
    int n_whole = length - (int)scale;
    while (length > n_whole && digits[length - 1] == '0')
        length--;
    base_buffer_append(out, digits, (size_t)n_whole);
    if (length > n_whole) {
        base_buffer_append_char(out, '.');
        base_buffer_append(out, digits + n_whole, (size_t)(length - n_whole));
    }
}

/* What the quantity counts, of a line that says so. */
static void write_measure(struct base_buffer *out, const struct cart_line *line)
{
    base_buffer_append_text(out, ",\"quantity_decimal\":\"");
    write_decimal(out, line->quantity, line->scale);
    write_text(out, "\",\"unit\":", line->unit);
    write_integer(out, ",\"scale\":", line->scale);
}

/* From the subtotal on. Most lines have no discount, and one number less to be formatted. */
static char *put_amounts(char *at, const struct cart_line *line)
{
    const char *subtotal = at;
    at = base_format_int(at, cart_line_subtotal_minor(line));
    size_t length = (size_t)(at - subtotal);
    if (line->discount_minor == 0) {
        at = put_text(at, ",\"discount\":0,\"total\":");
        memcpy(at, subtotal, length);
        return at + length;
    }
    at = put_text(at, ",\"discount\":");
    at = base_format_int(at, line->discount_minor);
    at = put_text(at, ",\"total\":");
    return base_format_int(at, cart_line_total_minor(line));
}

static void write_line(struct base_buffer *out, const struct cart_line *line, bool is_first)
{
    char *at = base_buffer_reserve(out, LINE_ROOM + 2 * strlen(line->item_id));
    at = put_text(at, is_first ? "{\"id\":\"" : ",{\"id\":\"");
    /* An item id has no characters to escape, by its pattern; nor has a sku that is one. */
    at = put_text(at, line->item_id);
    if (cart_is_same_text(line->sku, line->item_id)) {
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
    if (line->scale > 0 || line->unit != NULL) {
        end_at(out, at);
        write_measure(out, line);
        at = base_buffer_reserve(out, LINE_ROOM + properties_room);
    }
    at = put_text(at, ",\"unit_price\":");
    at = base_format_int(at, line->unit_price_minor);
    if (line->is_price_set)
        at = put_text(at, ",\"price_source\":\"set\",\"subtotal\":");
    else
        at = put_text(at, ",\"price_source\":\"catalog\",\"subtotal\":");
    at = put_amounts(at, line);
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
    base_buffer_append_text(out, "\",\"minor_unit\":");
    codec_write_minor_unit(out, cart->currency);
    write_text(out, ",\"customer_id\":", cart->customer_id);
    write_text(out, ",\"customer_email\":", cart->customer_email);
    write_text(out, ",\"note\":", cart->note);
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
    base_buffer_append_text(out, ",\"coupons\":");
    codec_write_coupons(out, cart);
    write_integer(out, ",\"subtotal\":", cart->subtotal_minor);
    write_integer(out, ",\"discount\":", cart->discount_minor);
    base_buffer_append_text(out, ",\"totals\":");
    codec_write_totals(out, cart);
    write_integer(out, ",\"total\":", cart->total_minor);
    base_buffer_append_text(out, ",\"notes\":");
    base_buffer_append_text(out, cart->notes == NULL ? "[]" : cart->notes);
    base_buffer_append_text(out, ",\"metadata\":");
    base_buffer_append_text(out, cart->metadata);
    write_text(out, ",\"order_reference\":", cart->order_reference);
    if (cart->merged_into != NULL)
        write_text(out, ",\"merged_into\":", cart->merged_into);
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

/* As for currencies, what the settings say is the process's. */
static struct cart_lifetimes cart_lifetimes;

void codec_use_lifetimes(const struct cart_lifetimes *lifetimes)
{
    cart_lifetimes = *lifetimes;
}

int64_t codec_lifetime_us(bool has_customer, bool is_empty)
{
    return cart_lifetime_us(&cart_lifetimes, has_customer, is_empty);
}

static int64_t find_expiry(const struct codec_cart_times *times)
{
    if (times->closed_at_us != CART_TIME_NONE || times->lifetime_us == 0 ||
        times->updated_at_us < BASE_TIME_LEAST_US ||
        times->updated_at_us > BASE_TIME_MOST_US - times->lifetime_us)
        return CART_TIME_NONE;
    return times->updated_at_us + times->lifetime_us;
}

void codec_append_cart_times(struct base_buffer *out, const struct codec_cart_times *times)
{
    out->length--; /* The closing brace moves to the end. */
    write_time(out, ",\"created_at\":", times->created_at_us);
    write_time(out, ",\"updated_at\":", times->updated_at_us);
    write_time(out, ",\"closed_at\":", times->closed_at_us);
    write_time(out, ",\"abandoned_at\":", times->abandoned_at_us);
    write_time(out, ",\"expires_at\":", find_expiry(times));
    base_buffer_append_char(out, '}');
}

/* ---- notes ----------------------------------------------------------------------------------- */

static void write_price(struct base_buffer *out, const char *name, int64_t price_minor)
{
    base_buffer_append_text(out, name);
    if (price_minor < 0)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_int(out, price_minor);
}

/* Canonical: its members are in the order of their names. */
static void write_note(struct base_buffer *out, const struct cart_note *note, bool has_prices)
{
    base_buffer_printf(out, "{\"code\":\"%s\"", cart_refusal_name(note->code));
    if (note->coupon != NULL) {
        write_text(out, ",\"coupon\":", note->coupon);
        base_buffer_append_char(out, '}');
        return;
    }
    if (has_prices)
        write_price(out, ",\"current_price\":", note->current_price_minor);
    write_text(out, ",\"item_id\":", note->item_id);
    write_integer(out, ",\"quantity\":", note->quantity);
    write_text(out, ",\"sku\":", note->sku);
    if (has_prices)
        write_price(out, ",\"unit_price\":", note->unit_price_minor);
    base_buffer_append_char(out, '}');
}

const char *codec_make_notes(
    struct base_arena *arena, const struct cart_note *notes, size_t n_notes, bool has_prices)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (n_notes == 0)
        return NULL;
    for (size_t i = 0; i < n_notes; i++) {
        base_buffer_append_char(&text, i == 0 ? '[' : ',');
        write_note(&text, &notes[i], has_prices);
    }
    base_buffer_append_char(&text, ']');
    return base_arena_copy_text(arena, base_buffer_text(&text));
}

/* What an event adds or sets; NULL: another one. */
static const char *find_changed(
    const struct cart_event *event, const struct cart *cart, int32_t *before, int32_t *after)
{
    const char *item_id = NULL;
    if (event->type == CART_EVENT_ITEM_ADDED) {
        item_id = event->item_added.item_id;
        *after = event->item_added.quantity;
    } else if (event->type == CART_EVENT_ITEM_QUANTITY_CHANGED) {
        item_id = event->item_quantity_changed.item_id;
        *after = event->item_quantity_changed.quantity;
    }
    const struct cart_line *line = item_id == NULL ? NULL : cart_find_line(cart, item_id);
    *before = line == NULL ? 0 : line->quantity;
    return item_id;
}

const char *codec_make_changes(
    struct base_arena *arena, const struct cart *cart, const struct cart_event *events,
    size_t n_events)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    for (size_t i = 0; i < n_events; i++) {
        int32_t before;
        int32_t after = 0;
        const char *item_id = find_changed(&events[i], cart, &before, &after);
        if (item_id == NULL)
            continue;
        base_buffer_printf(
            &text, "%c{\"after\":%d,\"before\":%d,\"item_id\":\"%s\"}",
            text.length == 0 ? '[' : ',', (int)after, (int)before, item_id);
    }
    if (text.length == 0)
        return NULL;
    base_buffer_append_char(&text, ']');
    return base_arena_copy_text(arena, base_buffer_text(&text));
}

/* ---- carts as they were stored --------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart, member)

/* What a document says of a cart, beside its items, coupons and totals. What came later may be
 * missing. */
static const struct codec_field former_fields[] = {
    {FIELD("version", INTEGER, version), .least = 1, .most = INT32_MAX},
    {FIELD("status", STATUS, status)},
    {FIELD("currency", CURRENCY, currency)},
    {FIELD("customer_id", TEXT, customer_id), .is_nullable = true},
    {FIELD("customer_email", TEXT, customer_email), .is_optional = true, .is_nullable = true},
    {FIELD("note", TEXT, note), .is_optional = true, .is_nullable = true},
    {FIELD("item_count", INTEGER, item_count), .most = INT32_MAX},
    {FIELD("total", INTEGER, total_minor), .most = CART_AMOUNT_MAX},
    {FIELD("notes", NOTES, notes), .is_optional = true},
    {FIELD("metadata", METADATA, metadata)},
    {FIELD("order_reference", TEXT, order_reference), .is_optional = true, .is_nullable = true},
    {FIELD("merged_into", CART_ID, merged_into), .is_optional = true},
    {.name = NULL},
};

#undef FIELD
#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart_line, member)

static const struct codec_field former_line_fields[] = {
    {FIELD("id", WORD, item_id)},
    {FIELD("sku", SKU, sku)},
    {FIELD("name", TEXT, name)},
    {FIELD("quantity", INTEGER, quantity), .least = 1, .most = CART_QUANTITY_MAX},
    {FIELD("unit_price", INTEGER, unit_price_minor), .most = CART_AMOUNT_MAX},
    {FIELD("price_source", PRICE_SOURCE, is_price_set), .is_optional = true},
    {FIELD("discount", INTEGER, discount_minor), .is_optional = true, .most = CART_AMOUNT_MAX},
    {FIELD("properties", PROPERTIES, properties), .is_optional = true},
    {FIELD("unit", TEXT, unit), .is_optional = true, .is_nullable = true},
    {FIELD("scale", INTEGER, scale), .is_optional = true, .most = CART_SCALE_MAX},
    {.name = NULL},
};

#undef FIELD

static bool read_former_cart(json_t *members, struct codec_reader *reader, struct cart *cart)
{
    struct codec_object head = {.reader = reader, .members = members, .path = {.root = ""}};
    const json_t *items = json_object_get(members, "items");
    json_t *totals = json_object_get(members, "totals");
    json_t *coupons = json_object_get(members, "coupons");
    cart_clear(cart);
    cart->n_lines = json_array_size(items);
    if (cart->n_lines > CART_LINES_MAX)
        return false;
    for (size_t i = 0; i < cart->n_lines; i++) {
        struct codec_object line = {
            .reader = reader, .members = json_array_get(items, i), .path = {.root = ""}};
        cart->lines[i] = (struct cart_line){.item_id = NULL};
        codec_read_fields(&line, former_line_fields, &cart->lines[i]);
    }
    if (reader->is_refused || (totals != NULL && !codec_read_totals(reader, totals, cart)))
        return false;
    cart_sum_up(cart);
    if (coupons != NULL && !codec_read_coupons(reader, coupons, cart))
        return false;
    codec_read_fields(&head, former_fields, cart);
    return !reader->is_refused;
}

/* Whether a number of that name is there without the member that came behind it later. */
static bool lacks(const char *text, const char *end, const char *name, const char *newest)
{
    while ((text = memmem(text, (size_t)(end - text), name, strlen(name))) != NULL) {
        text += strlen(name);
        const char *number = text;
        while (text < end && *text >= '0' && *text <= '9')
            text++;
        if (text > number &&
            ((size_t)(end - text) < strlen(newest) || memcmp(text, newest, strlen(newest)) != 0))
            return true;
    }
    return false;
}

/* A cart's row has the newest shape as soon as the cart is written again, or rebuilt; of its chunks
 * only those that are. Quotes in texts of customers are escaped, so that texts can't look like a
 * member; metadata can, which makes a document of today look like one of before, and it is written
 * as it was. */
bool codec_is_former_cart(const char *document, size_t length)
{
    static const char items[] = ",\"items\":[";
    static const char newest[] = ",\"customer_email\":";
    const char *end = document + length;
    const char *head_end = memmem(document, length, items, strlen(items));
    if (head_end != NULL &&
        memmem(document, (size_t)(head_end - document), newest, strlen(newest)) == NULL)
        return true;
    return lacks(document, end, ",\"unit_price\":", ",\"price_source\":") ||
           lacks(document, end, "],\"item_count\":", ",\"coupons\":");
}

bool codec_read_stored_cart(
    const char *document, size_t length, struct base_arena *arena, struct base_uuid *id,
    struct cart *cart)
{
    struct codec_reader reader = {.arena = arena};
    json_auto_t *members = codec_json_load(base_arena_copy(arena, document, length));
    const char *id_text = json_string_value(json_object_get(members, "id"));
    return id_text != NULL && base_uuid_parse(id_text, id) &&
           read_former_cart(members, &reader, cart);
}

void codec_write_stored_cart(struct base_buffer *out, const char *document, size_t length)
{
    if (!codec_is_former_cart(document, length)) {
        base_buffer_append(out, document, length);
        return;
    }
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct cart *cart = base_arena_alloc(&arena, sizeof *cart);
    struct base_uuid id;
    if (codec_read_stored_cart(document, length, &arena, &id, cart))
        codec_write_cart(out, &id, cart);
    else
        base_buffer_append(out, document, length);
}

void codec_write_cart_times(
    struct base_buffer *out, const char *document, size_t length,
    const struct codec_cart_times *times)
{
    (void)base_buffer_reserve(out, length + TIMES_ROOM);
    codec_write_stored_cart(out, document, length);
    codec_append_cart_times(out, times);
}

/* ---- products -------------------------------------------------------------------------------- */

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct catalog_product, member)

static const struct codec_field product_fields[] = {
    {FIELD("sku", SKU, sku)},
    {FIELD("version", INTEGER, version)},
    {FIELD("name", TEXT, content.name)},
    {FIELD("prices", PRICES, content.n_prices)},
    {FIELD("active", BOOLEAN, content.is_active)},
    {FIELD("tags", TAGS, content.tags), .is_optional = true},
    {FIELD("quantity", QUANTITY, content.quantity), .is_optional = true},
    {.name = NULL},
};

#undef FIELD

void codec_write_product(struct base_buffer *out, const struct catalog_product *product)
{
    codec_write_fields(out, product_fields, product);
}

void codec_write_minor_unit(struct base_buffer *out, const char *currency)
{
    int minor_unit = currency_minor_unit(currency);
    if (minor_unit == CURRENCY_MINOR_UNIT_NONE)
        base_buffer_append_text(out, "null");
    else
        base_buffer_append_int(out, minor_unit);
}

/* The prices of the stored product that `out` ends with; its end: there are none. In the texts
 * before them a quote is escaped. */
static const char *find_prices(const struct base_buffer *out)
{
    static const char name[] = ",\"prices\":";
    const size_t length = sizeof(name) - 1;
    size_t end = out->length;
    const char *brace;
    while ((brace = memrchr(out->bytes, '{', end)) != NULL) {
        end = (size_t)(brace - out->bytes);
        if (end >= length && memcmp(brace - length, name, length) == 0)
            return brace;
    }
    return out->bytes + out->length;
}

/* {"EUR":2,"JPY":0} of {"EUR":499,"JPY":800}; null of what is no currency any more. */
static void write_minor_units(struct base_buffer *out, const char *prices, const char *end)
{
    struct codec_scanner scanner = {.at = prices, .end = end};
    struct codec_token name;
    struct codec_token price;
    char separator = '{';
    while (codec_next_member(&scanner, &name, &price) && name.length == strlen("\"EUR\"")) {
        char code[CURRENCY_CODE_SIZE] = "";
        memcpy(code, name.bytes + 1, CURRENCY_CODE_SIZE - 1);
        base_buffer_append_char(out, separator);
        base_buffer_append(out, name.bytes, name.length);
        base_buffer_append_char(out, ':');
        codec_write_minor_unit(out, code);
        separator = ',';
    }
    if (separator == '{')
        base_buffer_append_char(out, '{');
    base_buffer_append_char(out, '}');
}

/* In the texts behind the prices a quote is escaped. */
static bool says_tags(const char *prices, const char *end)
{
    static const char name[] = ",\"tags\":";
    return memmem(prices, (size_t)(end - prices), name, sizeof(name) - 1) != NULL;
}

void codec_append_product_times(struct base_buffer *out, int64_t updated_at_us)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer minor_units = {0};
    const char *prices = find_prices(out);
    write_minor_units(&minor_units, prices, out->bytes + out->length);
    bool has_tags = says_tags(prices, out->bytes + out->length);
    out->length--;                            /* The closing brace moves to the end. */
    if (out->bytes[out->length - 1] != '}') { /* It ends with its tags or whether it is active. */
        base_buffer_append_text(out, ",\"quantity\":");
        codec_write_quantity(out, &catalog_default_quantity);
    }
    if (!has_tags)
        base_buffer_append_text(out, ",\"tags\":[]");
    base_buffer_append_text(out, ",\"minor_units\":");
    base_buffer_append(out, minor_units.bytes, minor_units.length);
    write_time(out, ",\"updated_at\":", updated_at_us);
    base_buffer_append_char(out, '}');
}
