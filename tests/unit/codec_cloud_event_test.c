#include <string.h>

#include "codec.h"
#include "support.h"

static const struct codec_cloud_naming NAMING = {
    .source = "https://shop.example/carts", .prefix = "com.example.cartd"};

static struct codec_event make_event(void)
{
    struct codec_event event = {
        .position = 42,
        .stream_type = "cart",
        .version = 1,
        .type = "CartCreated",
        .schema_version = 2,
        .recorded_at_us = 1000000,
        .data = "{\"currency\": \"EUR\", \"guest_token_hash\": \"aa\"}",
        .metadata = "{\"actor\": \"anonymous\"}",
    };
    ck_assert(base_uuid_parse("01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d", &event.stream_id));
    return event;
}

static const char *write(const struct codec_event *event)
{
    static struct base_arena arena;
    static struct base_buffer out;
    base_arena_reset(&arena);
    out.length = 0;
    const struct codec_cloud_event cloud = codec_make_cloud_event(event, &NAMING, &arena);
    codec_write_cloud_event(&out, &cloud);
    return base_buffer_text(&out);
}

START_TEST(an_event_has_its_attributes_and_its_data_without_what_is_hidden)
{
    const struct codec_event event = make_event();
    ck_assert_str_eq(
        write(&event),
        "{\"specversion\":\"1.0\",\"id\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d:1\","
        "\"source\":\"https://shop.example/carts\","
        "\"type\":\"com.example.cartd.cart.CartCreated.v2\","
        "\"subject\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\","
        "\"time\":\"1970-01-01T00:00:01.000000Z\",\"datacontenttype\":\"application/json\","
        "\"sequence\":\"0000000000000042\","
        "\"partitionkey\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\","
        "\"data\":{\"currency\": \"EUR\"}}");
}
END_TEST

START_TEST(the_trace_of_a_request_goes_along)
{
    struct codec_event event = make_event();
    event.metadata = "{\"actor\": \"traceparent\", \"traceparent\": \"00-aa-bb-01\"}";
    ck_assert_ptr_nonnull(strstr(write(&event), "\"traceparent\":\"00-aa-bb-01\",\"data\""));
}
END_TEST

START_TEST(positions_sort_as_texts)
{
    struct codec_event event = make_event();
    event.position = 9999999999999999;
    ck_assert_ptr_nonnull(strstr(write(&event), "\"sequence\":\"9999999999999999\""));
}
END_TEST

int main(void)
{
    TCase *events = tcase_create("cloud events");
    tcase_add_test(events, an_event_has_its_attributes_and_its_data_without_what_is_hidden);
    tcase_add_test(events, the_trace_of_a_request_goes_along);
    tcase_add_test(events, positions_sort_as_texts);
    Suite *suite = suite_create("codec_cloud_event");
    suite_add_tcase(suite, events);
    return support_run(suite);
}
