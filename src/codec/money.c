#include <string.h>

#include "codec_fields.h"

/* Amounts by their currency. */

bool codec_is_accepted_currency(const struct codec_reader *reader, const char *code)
{
    return !reader->is_of_client || currency_minor_unit(code) != CURRENCY_MINOR_UNIT_NONE;
}

static void read_price_list(const struct codec_object *prices, struct catalog_content *content)
{
    content->n_prices = 0;
    size_t n_given = json_object_size(prices->members);
    if (n_given > CATALOG_PRICES_MAX) {
        codec_complain(
            prices->reader, &prices->path, "prices has %zu currencies; at most %d are allowed.",
            n_given, CATALOG_PRICES_MAX);
        return;
    }
    const char *currency;
    json_t *value;
    json_object_foreach(prices->members, currency, value)
    {
        int64_t price_minor = 0;
        struct codec_field field = {
            .name = currency, .size = sizeof price_minor, .most = CATALOG_PRICE_MAX};
        if (!codec_is_currency(currency)) {
            codec_complain_of_member(
                prices, currency,
                "The name of a price must be its currency: three upper-case letters (ISO 4217).");
            continue;
        }
        if (!codec_is_accepted_currency(prices->reader, currency)) {
            codec_complain_of_member(
                prices, currency,
                "%s is neither a currency in use (ISO 4217) nor one of this service's own.",
                currency);
            continue;
        }
        codec_read_integer(prices, &field, value, &price_minor);
        /* There is room, as there are no more than CATALOG_PRICES_MAX. */
        (void)catalog_content_set_price(content, currency, price_minor);
    }
}

void codec_read_prices_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct codec_path path = {.parent = &object->path, .name = field->name};
    struct codec_object prices;
    if (codec_open_object(object->reader, value, path, &prices))
        read_price_list(&prices, BASE_CONTAINER(target, struct catalog_content, n_prices));
}

bool codec_read_prices(const char *json, struct catalog_content *content)
{
    json_auto_t *members = codec_json_load(json);
    if (members == NULL)
        return false;
    struct codec_reader reader = {.arena = NULL};
    struct codec_object prices = {.reader = &reader, .members = members, .path = {.root = ""}};
    struct catalog_content read = {.n_prices = 0};
    read_price_list(&prices, &read);
    if (reader.is_refused)
        return false;
    content->n_prices = read.n_prices;
    memcpy(content->prices, read.prices, sizeof read.prices);
    return true;
}
