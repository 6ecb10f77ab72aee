#include "cart.h"

#include <string.h>

static size_t text_size(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static bool has_id_of_its_own(const struct cart_line *line)
{
    return !cart_is_same_text(line->item_id, line->sku);
}

static size_t lines_size(const struct cart *cart)
{
    return offsetof(struct cart, lines) + cart->n_lines * sizeof cart->lines[0];
}

size_t cart_packed_size(const struct cart *cart)
{
    size_t n_bytes = lines_size(cart) + text_size(cart->customer_id) +
                     text_size(cart->guest_token_hash) + text_size(cart->resume_token_hash) +
                     text_size(cart->metadata) + text_size(cart->customer_email) +
                     text_size(cart->note) + text_size(cart->notes) +
                     text_size(cart->order_reference) + text_size(cart->merged_into);
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        n_bytes += text_size(line->sku) + text_size(line->name) + text_size(line->properties) +
                   text_size(line->unit);
        if (has_id_of_its_own(line))
            n_bytes += text_size(line->item_id);
    }
    for (size_t i = 0; i < cart->n_totals; i++)
        n_bytes += sizeof cart->totals[i] + text_size(cart->totals[i].name);
    return n_bytes;
}

static const char *pack_text(char **at, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* Behind the lines, and aligned as they are. */
static const struct cart_total *pack_totals(char **at, const struct cart *cart)
{
    struct cart_total *totals = (struct cart_total *)(void *)*at;
    *at += cart->n_totals * sizeof *totals;
    for (size_t i = 0; i < cart->n_totals; i++) {
        totals[i] = cart->totals[i];
        totals[i].name = pack_text(at, cart->totals[i].name);
    }
    return totals;
}

struct cart *cart_pack(void *memory, const struct cart *cart)
{
    struct cart *packed = memory;
    memcpy(packed, cart, lines_size(cart));
    char *at = (char *)memory + lines_size(cart);
    packed->totals = pack_totals(&at, cart);
    packed->customer_id = pack_text(&at, cart->customer_id);
    packed->guest_token_hash = pack_text(&at, cart->guest_token_hash);
    packed->resume_token_hash = pack_text(&at, cart->resume_token_hash);
    packed->metadata = pack_text(&at, cart->metadata);
    packed->customer_email = pack_text(&at, cart->customer_email);
    packed->note = pack_text(&at, cart->note);
    packed->notes = pack_text(&at, cart->notes);
    packed->order_reference = pack_text(&at, cart->order_reference);
    packed->merged_into = pack_text(&at, cart->merged_into);
    for (size_t i = 0; i < cart->n_lines; i++) {
        const struct cart_line *line = &cart->lines[i];
        struct cart_line *to = &packed->lines[i];
        to->sku = pack_text(&at, line->sku);
        to->name = pack_text(&at, line->name);
        to->properties = pack_text(&at, line->properties);
        to->unit = pack_text(&at, line->unit);
        to->item_id = has_id_of_its_own(line) ? pack_text(&at, line->item_id) : to->sku;
    }
    return packed;
}
