#include "catalog.h"

void catalog_evolve(struct catalog_product *product, const struct catalog_event *event)
{
    product->version++;
    switch (event->type) {
    case CATALOG_EVENT_PRODUCT_CHANGED:
        product->content = event->product_changed.content;
        break;
    }
}
