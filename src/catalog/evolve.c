#include "catalog.h"

void catalog_evolve(
    struct catalog_product *product, const struct catalog_event *event, int64_t recorded_at_us)
{
    product->version++;
    product->updated_at_us = recorded_at_us;
    switch (event->type) {
    case CATALOG_EVENT_PRODUCT_CHANGED:
        product->sku = event->product_changed.sku;
        product->content = event->product_changed.content;
        break;
    }
}
