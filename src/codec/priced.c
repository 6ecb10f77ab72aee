#include <string.h>

#include "codec_fields.h"

/* A cart beside the catalogue: what its lines would cost now. */

/* What the catalogue says of a line. */
struct current {
    bool is_available;
    bool has_price;
    int64_t price_minor;
};

static struct current find_current(const json_t *offers, const struct cart_line *line)
{
    const json_t *offer = json_object_get(offers, line->item_id);
    const json_t *price = json_array_get(offer, 0);
    const json_t *quantity = json_array_get(offer, 2);
    const struct cart_line offered = {
        .unit = json_string_value(json_object_get(quantity, "unit")),
        .scale = (int32_t)json_integer_value(json_object_get(quantity, "scale")),
    };
    bool has_price = json_is_integer(price) && cart_line_counts_like(line, &offered);
    return (struct current){
        .is_available = (has_price || line->is_price_set) && json_is_true(json_array_get(offer, 1)),
        .has_price = has_price,
        .price_minor = json_integer_value(price),
    };
}

static void append_number(struct base_buffer *out, const char *name, bool is_known, int64_t number)
{
    base_buffer_append_text(out, name);
    if (is_known)
        base_buffer_append_int(out, number);
    else
        base_buffer_append_text(out, "null");
}

static void write_line(
    struct base_buffer *out, const struct cart *cart, size_t index, const struct current *current)
{
    if (index > 0)
        base_buffer_append_char(out, ',');
    codec_write_cart_lines(out, cart, index, index + 1);
    out->length--; /* The closing brace moves to the end. */
    append_number(out, ",\"current_price\":", current->has_price, current->price_minor);
    base_buffer_append_text(out, ",\"available\":");
    base_buffer_append_text(out, current->is_available ? "true}" : "false}");
}

/* Writes the document and makes the cart what it would be at the prices of now. False: some line
 * can't be had. */
static bool write_cart(
    struct base_buffer *out, const struct base_uuid *id, struct cart *cart, const json_t *offers)
{
    bool are_available = true;
    codec_write_cart_begin(out, id, cart);
    for (size_t i = 0; i < cart->n_lines; i++) {
        struct current current = find_current(offers, &cart->lines[i]);
        write_line(out, cart, i, &current);
        are_available = are_available && current.is_available;
        if (!cart->lines[i].is_price_set)
            cart->lines[i].unit_price_minor = current.price_minor;
    }
    codec_write_cart_end(out, cart);
    cart_sum_up(cart);
    return are_available;
}

void codec_write_priced_cart(
    struct base_buffer *out, const char *document, size_t length, const char *offers,
    const struct codec_cart_times *times)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct cart *cart = base_arena_alloc(&arena, sizeof *cart);
    struct base_uuid id;
    json_auto_t *members = codec_json_load(offers);
    if (!codec_read_stored_cart(document, length, &arena, &id, cart)) {
        codec_write_cart_times(out, document, length, times);
        return;
    }
    bool is_known = write_cart(out, &id, cart, members) && cart->total_minor <= CART_AMOUNT_MAX;
    out->length--; /* The closing brace moves to the end. */
    append_number(out, ",\"current_total\":", is_known, cart->total_minor);
    base_buffer_append_char(out, '}');
    codec_append_cart_times(out, times);
}
