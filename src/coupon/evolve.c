#include "coupon.h"

void coupon_evolve(struct coupon *coupon, const struct coupon_event *event, int64_t recorded_at_us)
{
    coupon->version++;
    coupon->updated_at_us = recorded_at_us;
    switch (event->type) {
    case COUPON_EVENT_DEFINED:
        coupon->definition = event->defined;
        coupon->is_withdrawn = false;
        break;
    case COUPON_EVENT_WITHDRAWN:
        coupon->is_withdrawn = true;
        break;
    case COUPON_EVENT_REDEEMED:
        coupon->n_redeemed++;
        break;
    case COUPON_EVENT_RELEASED:
        coupon->n_redeemed--;
        break;
    }
}
