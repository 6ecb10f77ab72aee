/*
 * customer: what may be true only once of a customer. A set whose members exclude each other is a
 * stream of its own, so that whoever races for it is decided one after the other.
 *
 * The same shape as the cart room and as pure: facts out; texts borrowed from the caller, no I/O,
 * no clock, no allocation, no JSON.
 */
#ifndef CARTD_CUSTOMER_H
#define CARTD_CUSTOMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CUSTOMER_COUPONS_MAX 250 /* that are limited for each customer and were used */

struct customer_coupon {
    const char *code; /* folded */
    int64_t n_uses;   /* at least 1 */
};

/* A customer after some events. All zero: before the first one. */
struct customer {
    int32_t version; /* number of events */
    const char *customer_id;
    const char *open_cart_id; /* the one cart that may be open; NULL: none was opened */
    int64_t updated_at_us;    /* as in struct cart */
    size_t n_coupons;
    struct customer_coupon coupons[CUSTOMER_COUPONS_MAX]; /* in any order */
};

#define CUSTOMER_EVENTS(ROW)                                                                       \
    ROW(CART_OPENED, "CustomerCartOpened", 1)                                                      \
    ROW(CART_CLOSED, "CustomerCartClosed", 1)                                                      \
    ROW(COUPON_USED, "CustomerCouponUsed", 1)                                                      \
    ROW(COUPON_RELEASED, "CustomerCouponReleased", 1)
enum customer_event_type {
#define CUSTOMER_ROW(NAME, name, schema_version) CUSTOMER_EVENT_##NAME,
    CUSTOMER_EVENTS(CUSTOMER_ROW)
#undef CUSTOMER_ROW
};

/* Each says whose it is: a stream is known by its customer. */
struct customer_event {
    enum customer_event_type type;
    const char *customer_id;
    union {
        struct {
            const char *cart_id;
        } cart_opened;
        struct {
            const char *cart_id; /* which is not open, or not the customer's, any more */
        } cart_closed;
        struct {
            const char *code;
            const char *cart_id; /* in which */
        } coupon_used;
        struct {
            const char *code;
            const char *cart_id;
        } coupon_released;
    };
};

/* Applies one fact: version grows by one, updated_at becomes `recorded_at_us`. */
void customer_evolve(
    struct customer *customer, const struct customer_event *event, int64_t recorded_at_us);

enum customer_outcome {
    CUSTOMER_ACCEPTED,     /* *event is the fact */
    CUSTOMER_ALREADY_SO,   /* nothing to record */
    CUSTOMER_HAS_OPEN_CART /* another cart is: customer->open_cart_id */
};
/* A cart of the customer opens, where only one may be open; and one ends. `customer` is unchanged.
 * A cart that opened while several could be open ends without a fact. */
enum customer_outcome customer_open_cart(
    const struct customer *customer, const char *customer_id, const char *cart_id,
    struct customer_event *event);
enum customer_outcome customer_close_cart(
    const struct customer *customer, const char *cart_id, struct customer_event *event);

/* How often the customer has used a coupon now. Who has used CUSTOMER_COUPONS_MAX others has used
 * each as often as can be: INT64_MAX. */
int64_t customer_count_uses(const struct customer *customer, const char *code);
/* One use more; whether it may be was looked at before. */
void customer_use_coupon(
    const char *customer_id, const char *code, const char *cart_id, struct customer_event *event);
/* One use less. False: there is none, and nothing to record. */
bool customer_release_coupon(
    const struct customer *customer, const char *code, const char *cart_id,
    struct customer_event *event);

#endif
