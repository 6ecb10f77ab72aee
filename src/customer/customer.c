#include "customer.h"

#include <string.h>

static bool is_open(const struct customer *customer, const char *cart_id)
{
    return customer->open_cart_id != NULL && strcmp(customer->open_cart_id, cart_id) == 0;
}

/* ---- coupons --------------------------------------------------------------------------------- */

static size_t find_coupon(const struct customer *customer, const char *code)
{
    size_t i = 0;
    while (i < customer->n_coupons && strcmp(customer->coupons[i].code, code) != 0)
        i++;
    return i;
}

/* Room that is not there is not made. */
static void use_coupon(struct customer *customer, const char *code)
{
    size_t i = find_coupon(customer, code);
    if (i == CUSTOMER_COUPONS_MAX)
        return;
    if (i == customer->n_coupons)
        customer->coupons[customer->n_coupons++] = (struct customer_coupon){.code = code};
    customer->coupons[i].n_uses++;
}

static void release_coupon(struct customer *customer, const char *code)
{
    size_t i = find_coupon(customer, code);
    if (i < customer->n_coupons && --customer->coupons[i].n_uses == 0)
        customer->coupons[i] = customer->coupons[--customer->n_coupons];
}

int64_t customer_count_uses(const struct customer *customer, const char *code)
{
    size_t i = find_coupon(customer, code);
    if (i == CUSTOMER_COUPONS_MAX)
        return INT64_MAX;
    return i < customer->n_coupons ? customer->coupons[i].n_uses : 0;
}

void customer_use_coupon(
    const char *customer_id, const char *code, const char *cart_id, struct customer_event *event)
{
    *event = (struct customer_event){
        .type = CUSTOMER_EVENT_COUPON_USED,
        .customer_id = customer_id,
        .coupon_used = {.code = code, .cart_id = cart_id},
    };
}

bool customer_release_coupon(
    const struct customer *customer, const char *code, const char *cart_id,
    struct customer_event *event)
{
    if (find_coupon(customer, code) == customer->n_coupons)
        return false;
    *event = (struct customer_event){
        .type = CUSTOMER_EVENT_COUPON_RELEASED,
        .customer_id = customer->customer_id,
        .coupon_released = {.code = code, .cart_id = cart_id},
    };
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

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
    case CUSTOMER_EVENT_COUPON_USED:
        use_coupon(customer, event->coupon_used.code);
        break;
    case CUSTOMER_EVENT_COUPON_RELEASED:
        release_coupon(customer, event->coupon_released.code);
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
