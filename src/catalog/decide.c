#include "catalog.h"

#include <string.h>

/* ---- prices ---------------------------------------------------------------------------------- */

/* Where the price of that currency stands, or would. */
static size_t find_index(
    const struct catalog_content *content, const char *currency, bool *is_there)
{
    size_t index = 0;
    while (index < content->n_prices && strcmp(content->prices[index].currency, currency) < 0)
        index++;
    *is_there = index < content->n_prices && strcmp(content->prices[index].currency, currency) == 0;
    return index;
}

bool catalog_content_set_price(
    struct catalog_content *content, const char *currency, int64_t price_minor)
{
    bool is_there;
    size_t index = find_index(content, currency, &is_there);
    struct catalog_price *price = &content->prices[index];
    if (!is_there) {
        if (content->n_prices == CATALOG_PRICES_MAX)
            return false;
        memmove(price + 1, price, (content->n_prices - index) * sizeof *price);
        content->n_prices++;
        *price = (struct catalog_price){0};
        memcpy(price->currency, currency, sizeof price->currency - 1);
    }
    price->price_minor = price_minor;
    return true;
}

void catalog_content_remove_price(struct catalog_content *content, const char *currency)
{
    bool is_there;
    size_t index = find_index(content, currency, &is_there);
    if (!is_there)
        return;
    struct catalog_price *price = &content->prices[index];
    content->n_prices--;
    memmove(price, price + 1, (content->n_prices - index) * sizeof *price);
}

bool catalog_find_price(
    const struct catalog_content *content, const char *currency, int64_t *price_minor)
{
    bool is_there;
    size_t index = find_index(content, currency, &is_there);
    if (is_there)
        *price_minor = content->prices[index].price_minor;
    return is_there;
}

/* ---- quantities ------------------------------------------------------------------------------ */

const struct catalog_quantity catalog_default_quantity = {
    .minimum = 1,
    .maximum = CATALOG_QUANTITY_DEFAULT_MAX,
    .multiple_of = 1,
    .scale = 0,
    .unit = NULL};

struct catalog_quantity catalog_find_quantity(const struct catalog_quantity *own)
{
    return own->maximum > 0 ? *own : catalog_default_quantity;
}

bool catalog_quantity_is_possible(const struct catalog_quantity *quantity)
{
    int64_t n_below = (int64_t)(quantity->minimum - 1) / quantity->multiple_of;
    return (n_below + 1) * quantity->multiple_of <= quantity->maximum;
}

static bool is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

bool catalog_quantity_is_same(
    const struct catalog_quantity *left, const struct catalog_quantity *right)
{
    return is_same_text(left->unit, right->unit) && left->minimum == right->minimum &&
           left->maximum == right->maximum && left->multiple_of == right->multiple_of &&
           left->scale == right->scale;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static bool is_same(const struct catalog_content *left, const struct catalog_content *right)
{
    if (left->is_active != right->is_active || left->n_prices != right->n_prices ||
        strcmp(left->name, right->name) != 0 ||
        !catalog_quantity_is_same(&left->quantity, &right->quantity) ||
        !is_same_text(left->tags, right->tags))
        return false;
    for (size_t i = 0; i < left->n_prices; i++)
        if (strcmp(left->prices[i].currency, right->prices[i].currency) != 0 ||
            left->prices[i].price_minor != right->prices[i].price_minor)
            return false;
    return true;
}

static bool keeps(const struct catalog_command *command, const char *currency)
{
    for (size_t i = 0; i < command->n_kept_currencies; i++)
        if (strcmp(command->kept_currencies[i], currency) == 0)
            return true;
    return command->kept_currencies == NULL;
}

/* The prices that stay beside the one that is set. */
static void keep_prices(const struct catalog_command *command, struct catalog_content *content)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < content->n_prices; i++)
        if (keeps(command, content->prices[i].currency))
            content->prices[n_kept++] = content->prices[i];
    content->n_prices = n_kept;
}

/* The product with one price set, as a line of an import wants it. */
static bool set_price(
    const struct catalog_product *product, const struct catalog_command *command,
    struct catalog_content *content)
{
    if (product->version > 0)
        *content = product->content;
    else
        *content = (struct catalog_content){.is_active = true};
    content->name = command->content.name;
    if (command->has_active)
        content->is_active = command->content.is_active;
    if (command->has_quantity)
        content->quantity = command->content.quantity;
    if (command->has_tags)
        content->tags = command->content.tags;
    keep_prices(command, content);
    const struct catalog_price *price = &command->content.prices[0];
    if (!command->takes_price_away)
        return catalog_content_set_price(content, price->currency, price->price_minor);
    catalog_content_remove_price(content, price->currency);
    return true;
}

void catalog_decide(
    const struct catalog_product *product, const struct catalog_command *command,
    struct catalog_decision *decision)
{
    struct catalog_content *content = &decision->event.product_changed.content;
    decision->event.type = CATALOG_EVENT_PRODUCT_CHANGED;
    decision->event.product_changed.sku = command->sku;
    decision->outcome = CATALOG_ACCEPTED;
    switch (command->type) {
    case CATALOG_COMMAND_CHANGE_PRODUCT:
        *content = command->content;
        break;
    case CATALOG_COMMAND_SET_PRICE:
        if (!set_price(product, command, content))
            decision->outcome = CATALOG_TOO_MANY_PRICES;
        break;
    case CATALOG_COMMAND_DEACTIVATE:
        *content = product->content;
        content->is_active = false;
        if (product->version == 0)
            decision->outcome = CATALOG_ALREADY_SO;
        break;
    }
    if (decision->outcome == CATALOG_ACCEPTED && product->version > 0 &&
        is_same(&product->content, content))
        decision->outcome = CATALOG_ALREADY_SO;
}
