#include <stdlib.h>
#include <string.h>

#include "codec_fields.h"

/* Amounts by their currency. */

bool codec_is_accepted_currency(const struct codec_reader *reader, const char *code)
{
    return !reader->is_of_client || currency_minor_unit(code) != CURRENCY_MINOR_UNIT_NONE;
}

/* False, with a complaint: it is no currency, or none in use. */
static bool check_currency(
    const struct codec_object *amounts, const char *currency, const char *what)
{
    if (!codec_is_currency(currency))
        codec_complain_of_member(
            amounts, currency,
            "The name of %s must be its currency: three upper-case letters (ISO 4217).", what);
    else if (!codec_is_accepted_currency(amounts->reader, currency))
        codec_complain_of_member(
            amounts, currency,
            "%s is neither a currency in use (ISO 4217) nor one of this service's own.", currency);
    else
        return true;
    return false;
}

/* ---- prices ---------------------------------------------------------------------------------- */

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
        if (!check_currency(prices, currency, "a price"))
            continue;
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

/* ---- amounts of a coupon --------------------------------------------------------------------- */

static int compare_money(const void *left, const void *right)
{
    const struct coupon_money *const a = left;
    const struct coupon_money *const b = right;
    return strcmp(a->currency, b->currency);
}

static void read_amount_list(
    const struct codec_object *object, const struct codec_field *field, struct coupon_money *list)
{
    const char *currency;
    json_t *value;
    json_object_foreach(object->members, currency, value)
    {
        struct codec_field amount = {
            .name = currency,
            .size = sizeof list->amount_minor,
            .least = field->least,
            .most = COUPON_AMOUNT_MAX,
        };
        *list = (struct coupon_money){.amount_minor = 0};
        if (check_currency(object, currency, "an amount"))
            memcpy(list->currency, currency, sizeof list->currency);
        codec_read_integer(object, &amount, value, &list++->amount_minor);
    }
}

void codec_read_amounts(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct codec_path path = {.parent = &object->path, .name = field->name};
    struct codec_object amounts;
    if (!codec_open_object(object->reader, value, path, &amounts))
        return;
    size_t n = json_object_size(value);
    if (field->most > 0 && n > (size_t)field->most) {
        codec_complain_of_member(
            object, field->name, "%s has %zu currencies; at most %d are allowed.", field->name, n,
            (int)field->most);
        return;
    }
    struct coupon_money *list = base_arena_alloc(object->reader->arena, n * sizeof *list);
    read_amount_list(&amounts, field, list);
    if (n > 0)
        qsort(list, n, sizeof *list, compare_money);
    *(struct coupon_amounts *)target = (struct coupon_amounts){.list = list, .n = n};
}

static void write_amount(
    struct base_buffer *out, bool is_first, const char *currency, int64_t amount_minor)
{
    base_buffer_append_text(out, is_first ? "\"" : ",\"");
    base_buffer_append_text(out, currency);
    base_buffer_append_text(out, "\":");
    base_buffer_append_int(out, amount_minor);
}

void codec_write_prices(struct base_buffer *out, const struct catalog_content *content)
{
    base_buffer_append_char(out, '{');
    for (size_t i = 0; i < content->n_prices; i++)
        write_amount(out, i == 0, content->prices[i].currency, content->prices[i].price_minor);
    base_buffer_append_char(out, '}');
}

void codec_write_amounts(struct base_buffer *out, const struct coupon_amounts *amounts)
{
    base_buffer_append_char(out, '{');
    for (size_t i = 0; i < amounts->n; i++)
        write_amount(out, i == 0, amounts->list[i].currency, amounts->list[i].amount_minor);
    base_buffer_append_char(out, '}');
}
