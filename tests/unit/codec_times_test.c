#include <string.h>

#include "codec.h"
#include "support.h"

#define CHANGED_US INT64_C(1795408682000001) /* 2026-11-23T04:38:02.000001Z */

/* What a document says of a cart that was changed last then, and lasts so long after it. */
static void assert_expiry(int64_t lifetime_us, int64_t closed_at_us, const char *said)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
    base_buffer_append_text(&out, "{}");
    codec_append_cart_times(
        &out, &(struct codec_cart_times){
                  .created_at_us = 0,
                  .updated_at_us = CHANGED_US,
                  .closed_at_us = closed_at_us,
                  .abandoned_at_us = CART_TIME_NONE,
                  .lifetime_us = lifetime_us,
              });
    const char *found = strstr(base_buffer_text(&out), "\"expires_at\":");
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found, said);
}

START_TEST(an_open_cart_says_when_it_expires)
{
    assert_expiry(9, CART_TIME_NONE, "\"expires_at\":\"2026-11-23T04:38:02.000010Z\"}");
    assert_expiry(0, CART_TIME_NONE, "\"expires_at\":null}");
}
END_TEST

START_TEST(a_closed_cart_does_not_expire)
{
    assert_expiry(9, CHANGED_US, "\"expires_at\":null}");
}
END_TEST

START_TEST(a_time_that_can_not_be_written_is_never)
{
    assert_expiry(BASE_TIME_MOST_US, CART_TIME_NONE, "\"expires_at\":null}");
}
END_TEST

START_TEST(how_long_a_cart_lasts_is_what_the_settings_say_now)
{
    const struct cart_lifetimes lifetimes = {.guest_us = 1, .customer_us = 2, .empty_us = 3};
    codec_use_lifetimes(&lifetimes);
    ck_assert_int_eq(codec_lifetime_us(false, false), 1);
    ck_assert_int_eq(codec_lifetime_us(true, false), 2);
    ck_assert_int_eq(codec_lifetime_us(true, true), 3);
    codec_use_lifetimes(&(struct cart_lifetimes){.guest_us = 0});
    ck_assert_int_eq(codec_lifetime_us(false, false), 0);
}
END_TEST

START_TEST(times_are_spliced_into_a_stored_document_the_same_way)
{
    static const char stored[] = "{\"metadata\":{\"a\":{\"b\":[]}}}";
    const struct codec_cart_times times = {
        .created_at_us = CHANGED_US - 1,
        .updated_at_us = CHANGED_US,
        .closed_at_us = CHANGED_US,
        .abandoned_at_us = CHANGED_US + 1,
    };
    BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer answer = {0};
    base_buffer_append_text(&out, stored);
    codec_append_cart_times(&out, &times);
    base_buffer_append_text(&answer, "before ");
    codec_write_cart_times(&answer, stored, strlen(stored), &times);
    ck_assert_str_eq(base_buffer_text(&answer) + strlen("before "), base_buffer_text(&out));
    ck_assert_str_eq(
        base_buffer_text(&out),
        "{\"metadata\":{\"a\":{\"b\":[]}},\"created_at\":\"2026-11-23T04:38:02.000000Z\","
        "\"updated_at\":\"2026-11-23T04:38:02.000001Z\",\"closed_at\":\"2026-11-23T04:38:02."
        "000001Z\","
        "\"abandoned_at\":\"2026-11-23T04:38:02.000002Z\",\"expires_at\":null}");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_times");
    TCase *cases = tcase_create("times");
    tcase_add_test(cases, an_open_cart_says_when_it_expires);
    tcase_add_test(cases, a_closed_cart_does_not_expire);
    tcase_add_test(cases, a_time_that_can_not_be_written_is_never);
    tcase_add_test(cases, how_long_a_cart_lasts_is_what_the_settings_say_now);
    tcase_add_test(cases, times_are_spliced_into_a_stored_document_the_same_way);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
