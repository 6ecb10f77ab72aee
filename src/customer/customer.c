#include "customer.h"

#include <string.h>

static bool is_open(const struct customer *customer, const char *cart_id)
{
    return customer->open_cart_id != NULL && strcmp(customer->open_cart_id, cart_id) == 0;
}

void customer_evolve(
    struct customer *customer, const struct customer_event *event, int64_t recorded_at_us)
{
    customer->version++;
    customer->updated_at_us = recorded_at_us;
    customer->customer_id = event->customer_id;
    switch (event->type) {
    case CUSTOMER_EVENT_CART_OPENED:
        customer->open_cart_id = event->cart_opened.cart_id;
        break;
    case CUSTOMER_EVENT_CART_CLOSED:
        if (is_open(customer, event->cart_closed.cart_id))
            customer->open_cart_id = NULL;
        break;
    }
}

enum customer_outcome customer_open_cart(
    const struct customer *customer, const char *customer_id, const char *cart_id,
    struct customer_event *event)
{
    if (is_open(customer, cart_id))
        return CUSTOMER_ALREADY_SO;
    if (customer->open_cart_id != NULL)
        return CUSTOMER_HAS_OPEN_CART;
    *event = (struct customer_event){
        .type = CUSTOMER_EVENT_CART_OPENED,
        .customer_id = customer_id,
        .cart_opened = {.cart_id = cart_id},
    };
    return CUSTOMER_ACCEPTED;
}

enum customer_outcome customer_close_cart(
    const struct customer *customer, const char *cart_id, struct customer_event *event)
{
    if (!is_open(customer, cart_id))
        return CUSTOMER_ALREADY_SO;
    *event = (struct customer_event){
        .type = CUSTOMER_EVENT_CART_CLOSED,
        .customer_id = customer->customer_id,
        .cart_closed = {.cart_id = cart_id},
    };
    return CUSTOMER_ACCEPTED;
}
