#include "customer.h"

#include <string.h>

#include "support.h"

static struct customer customer;

static struct customer_event opened(const char *cart_id)
{
    return (struct customer_event){
        .type = CUSTOMER_EVENT_CART_OPENED, .customer_id = "ada", .cart_opened = {cart_id}};
}

static struct customer_event closed(const char *cart_id)
{
    return (struct customer_event){
        .type = CUSTOMER_EVENT_CART_CLOSED, .customer_id = "ada", .cart_closed = {cart_id}};
}

static void given(const struct customer_event *events, size_t n)
{
    customer = (struct customer){.version = 0};
    for (size_t i = 0; i < n; i++)
        customer_evolve(&customer, &events[i], (int64_t)i + 1);
}

#define GIVEN(...)                                                                                 \
    given(                                                                                         \
        (struct customer_event[]){__VA_ARGS__},                                                    \
        sizeof((struct customer_event[]){__VA_ARGS__}) / sizeof(struct customer_event))

static enum customer_outcome when_opened(const char *cart_id, struct customer_event *event)
{
    return customer_open_cart(&customer, "ada", cart_id, event);
}

START_TEST(the_first_cart_opens)
{
    struct customer_event event;
    given(NULL, 0);
    ck_assert_int_eq(when_opened("a", &event), CUSTOMER_ACCEPTED);
    ck_assert_int_eq(event.type, CUSTOMER_EVENT_CART_OPENED);
    ck_assert_str_eq(event.customer_id, "ada");
    ck_assert_str_eq(event.cart_opened.cart_id, "a");
}
END_TEST

START_TEST(a_second_cart_does_not_open)
{
    struct customer_event event;
    GIVEN(opened("a"));
    ck_assert_int_eq(when_opened("b", &event), CUSTOMER_HAS_OPEN_CART);
    ck_assert_str_eq(customer.open_cart_id, "a");
}
END_TEST

START_TEST(the_open_cart_is_open_already)
{
    struct customer_event event;
    GIVEN(opened("a"));
    ck_assert_int_eq(when_opened("a", &event), CUSTOMER_ALREADY_SO);
}
END_TEST

START_TEST(another_cart_opens_when_the_former_has_ended)
{
    struct customer_event event;
    GIVEN(opened("a"));
    ck_assert_int_eq(customer_close_cart(&customer, "a", &event), CUSTOMER_ACCEPTED);
    ck_assert_int_eq(event.type, CUSTOMER_EVENT_CART_CLOSED);
    ck_assert_str_eq(event.customer_id, "ada");
    customer_evolve(&customer, &event, 2);
    ck_assert_int_eq(customer.version, 2);
    ck_assert_int_eq(when_opened("b", &event), CUSTOMER_ACCEPTED);
}
END_TEST

START_TEST(a_cart_that_was_not_counted_ends_without_a_fact)
{
    struct customer_event event;
    given(NULL, 0);
    ck_assert_int_eq(customer_close_cart(&customer, "old", &event), CUSTOMER_ALREADY_SO);
    GIVEN(opened("a"));
    ck_assert_int_eq(customer_close_cart(&customer, "old", &event), CUSTOMER_ALREADY_SO);
    GIVEN(opened("a"), closed("old"));
    ck_assert_str_eq(customer.open_cart_id, "a");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("customer");
    TCase *tcase = tcase_create("open carts");
    tcase_add_test(tcase, the_first_cart_opens);
    tcase_add_test(tcase, a_second_cart_does_not_open);
    tcase_add_test(tcase, the_open_cart_is_open_already);
    tcase_add_test(tcase, another_cart_opens_when_the_former_has_ended);
    tcase_add_test(tcase, a_cart_that_was_not_counted_ends_without_a_fact);
    suite_add_tcase(suite, tcase);
    return support_run(suite);
}
