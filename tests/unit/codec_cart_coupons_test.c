#include <string.h>

#include "codec_fields.h"
#include "support.h"

/* Tags and coupons in the events of a cart. */

static struct base_arena arena;
static struct base_buffer out;

static void end(void)
{
    base_arena_finish(&arena);
    base_buffer_finish(&out);
}

static const char *text(void)
{
    return base_buffer_text(&out);
}

#define PLAIN_2                                                                                    \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"properties\":{},\"quantity\":2,\"sku\":\"mug\","      \
    "\"unit_price\":1250}"
#define TAGGED_4                                                                                   \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"properties\":{},\"quantity\":2,\"sku\":\"mug\","      \
    "\"tags\":[\"sale\"],\"unit_price\":1250}"
#define TAGGED_RESTORED_3                                                                          \
    "{\"index\":0,\"item_id\":\"mug\",\"name\":\"Mug\",\"properties\":{},\"quantity\":2,"          \
    "\"sku\":\"mug\",\"tags\":[\"sale\"],\"unit_price\":1250}"

START_TEST(tags_are_in_an_event_only_where_there_are_some)
{
    struct cart_event event;
    const char *reason = "none";
    ck_assert(codec_read_cart_event("ItemAdded", 4, PLAIN_2, &arena, &event));
    ck_assert_ptr_null(event.item_added.tags);
    ck_assert(codec_read_cart_event("ItemAdded", 4, TAGGED_4, &arena, &event));
    ck_assert_str_eq(event.item_added.tags, "[\"sale\"]");
    ck_assert(codec_round_trips("ItemAdded", 4, TAGGED_4, &reason));
    event.item_added.tags = NULL;
    out.length = 0;
    codec_write_cart_event(&out, &event);
    ck_assert_ptr_null(strstr(text(), "tags"));
    ck_assert(codec_round_trips("ItemRestored", 3, TAGGED_RESTORED_3, &reason));
    ck_assert(!codec_round_trips("ItemRestored", 2, TAGGED_RESTORED_3, &reason));
}
END_TEST

START_TEST(a_coupon_is_in_an_event_as_it_was_defined)
{
    static const char *const coupons[] = {
        "{\"code\":\"a\",\"coupon\":{\"code\":\"A\",\"percent\":1000,\"amount\":null,\"minimum\":"
        "{\"EUR\":5},\"skus\":[\"tea\"],\"tags\":[\"new\",\"sale\"],\"starts_at\":null,"
        "\"ends_at\":\"2026-11-23T04:38:00.000000Z\",\"limit\":10,\"limit_per_customer\":1,"
        "\"combinable\":true}}",
        "{\"code\":\"b\",\"coupon\":{\"code\":\"b\",\"percent\":null,\"amount\":{\"EUR\":5,\"USD\":"
        "6},\"minimum\":{},\"skus\":[],\"tags\":[],\"starts_at\":null,\"ends_at\":null,"
        "\"limit\":null,\"limit_per_customer\":null,\"combinable\":false}}",
    };
    static const char *const others[] = {
        "{\"code\":\"a\",\"coupon\":null}", "{\"code\":\"a\",\"coupon\":{}}", "{\"code\":\"a\"}"};
    struct cart_event event;
    for (size_t i = 0; i < BASE_COUNT(coupons); i++) {
        const char *reason = "none";
        ck_assert(codec_read_cart_event("CartCouponApplied", 1, coupons[i], &arena, &event));
        out.length = 0;
        codec_write_cart_event(&out, &event);
        ck_assert_str_eq(text(), coupons[i]);
        ck_assert(codec_round_trips("CartCouponApplied", 1, coupons[i], &reason));
    }
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        ck_assert(!codec_read_cart_event("CartCouponApplied", 1, others[i], &arena, &event));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_cart_coupons");
    TCase *events = tcase_create("events");
    tcase_add_checked_fixture(events, NULL, end);
    tcase_add_test(events, tags_are_in_an_event_only_where_there_are_some);
    tcase_add_test(events, a_coupon_is_in_an_event_as_it_was_defined);
    suite_add_tcase(suite, events);
    return support_run(suite);
}
