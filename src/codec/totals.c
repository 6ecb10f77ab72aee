#include <string.h>

#include "codec_fields.h"

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct cart_total, member)

static const struct codec_field total_fields[] = {
    {FIELD("name", WORD, name)},
    {FIELD("amount", INTEGER, amount_minor), .most = CART_AMOUNT_MAX},
    {FIELD("stale", BOOLEAN, is_stale)},
    {.name = NULL},
};

#undef FIELD

void codec_write_totals(struct base_buffer *out, const struct cart *cart)
{
    base_buffer_append_char(out, '[');
    for (size_t i = 0; i < cart->n_totals; i++) {
        if (i > 0)
            base_buffer_append_char(out, ',');
        codec_write_fields(out, total_fields, &cart->totals[i]);
    }
    base_buffer_append_char(out, ']');
}

bool codec_read_totals(struct codec_reader *reader, json_t *array, struct cart *cart)
{
    cart->n_totals = json_array_size(array);
    if (!json_is_array(array) || cart->n_totals > CART_TOTALS_MAX)
        return false;
    for (size_t i = 0; i < cart->n_totals; i++) {
        struct cart_total *total = &cart->totals_room[i];
        struct codec_object object = {
            .reader = reader, .members = json_array_get(array, i), .path = {.root = ""}};
        *total = (struct cart_total){.name = NULL};
        codec_read_fields(&object, total_fields, total);
        if (reader->is_refused || (i > 0 && strcmp(total[-1].name, total->name) >= 0))
            return false;
    }
    return true;
}
