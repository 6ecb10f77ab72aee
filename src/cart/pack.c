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

static size_t texts_size(const struct coupon_texts *texts)
{
    size_t n_bytes = texts->n * sizeof texts->list[0];
    for (size_t i = 0; i < texts->n; i++)
        n_bytes += text_size(texts->list[i]);
    return n_bytes;
}

static size_t coupon_size(const struct cart_coupon *coupon)
{
    const struct coupon_definition *definition = coupon->definition;
    size_t n_bytes = sizeof *coupon + text_size(coupon->code);
    if (definition == NULL)
        return n_bytes;
    return n_bytes + sizeof *definition + text_size(definition->code) +
           (definition->amounts.n + definition->minimums.n) * sizeof(struct coupon_money) +
           texts_size(&definition->skus) + texts_size(&definition->tags);
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
                   text_size(line->unit) + text_size(line->tags);
        if (has_id_of_its_own(line))
            n_bytes += text_size(line->item_id);
    }
    for (size_t i = 0; i < cart->n_totals; i++)
        n_bytes += sizeof cart->totals[i] + text_size(cart->totals[i].name);
    for (size_t i = 0; i < cart->n_coupons; i++)
        n_bytes += coupon_size(&cart->coupons[i]);
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

static void *pack_bytes(char **at, const void *bytes, size_t n_bytes)
{
    if (n_bytes == 0)
        return NULL;
    void *copy = memcpy(*at, bytes, n_bytes);
    *at += n_bytes;
    return copy;
}

static void pack_amounts(char **at, struct coupon_amounts *amounts)
{
    amounts->list = pack_bytes(at, amounts->list, amounts->n * sizeof amounts->list[0]);
}

static void pack_list(char **at, struct coupon_texts *texts)
{
    texts->list = pack_bytes(at, texts->list, texts->n * sizeof texts->list[0]);
}

/* Behind the lines, and aligned as they are: all of coupons but their texts. */
static const struct cart_coupon *pack_coupons(char **at, const struct cart *cart)
{
    struct cart_coupon *coupons =
        pack_bytes(at, cart->coupons, cart->n_coupons * sizeof cart->coupons[0]);
    for (size_t i = 0; i < cart->n_coupons; i++) {
        if (coupons[i].definition == NULL)
            continue;
        struct coupon_definition *definition =
            pack_bytes(at, coupons[i].definition, sizeof *definition);
        pack_amounts(at, &definition->amounts);
        pack_amounts(at, &definition->minimums);
        pack_list(at, &definition->skus);
        pack_list(at, &definition->tags);
        coupons[i].definition = definition;
    }
    return coupons;
}

static void pack_texts(char **at, const struct coupon_texts *texts)
{
    const char **list = (const char **)texts->list; /* packed, so ours */
    for (size_t i = 0; i < texts->n; i++)
        list[i] = pack_text(at, list[i]);
}

static void pack_coupon_texts(char **at, struct cart *packed)
{
    struct cart_coupon *coupons = (struct cart_coupon *)packed->coupons; /* likewise */
    for (size_t i = 0; i < packed->n_coupons; i++) {
        struct coupon_definition *definition = (struct coupon_definition *)coupons[i].definition;
        coupons[i].code = pack_text(at, coupons[i].code);
        if (definition == NULL)
            continue;
        definition->code = pack_text(at, definition->code);
        pack_texts(at, &definition->skus);
        pack_texts(at, &definition->tags);
    }
}

/* Behind those. */
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
    packed->coupons = pack_coupons(&at, cart);
    packed->totals = pack_totals(&at, cart);
    pack_coupon_texts(&at, packed);
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
        to->tags = pack_text(&at, line->tags);
        to->item_id = has_id_of_its_own(line) ? pack_text(&at, line->item_id) : to->sku;
    }
    return packed;
}
