#include "codec.h"
#include "support.h"

/* What an event is recorded with besides its data. */

#define COMMAND_ID "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"

static struct base_buffer out;

static void begin(void)
{
    out.length = 0;
}

static void end(void)
{
    base_buffer_finish(&out);
}

static const char *text(void)
{
    return base_buffer_text(&out);
}

static struct base_uuid id(void)
{
    struct base_uuid parsed;
    ck_assert(base_uuid_parse(COMMAND_ID, &parsed));
    return parsed;
}

START_TEST(the_metadata_of_an_event_names_command_and_actor_and_trace_if_any)
{
    struct codec_metadata metadata = {.command_id = id(), .actor = "key \"a\""};
    begin();
    codec_write_event_metadata(&out, &metadata);
    ck_assert_str_eq(text(), "{\"command_id\":\"" COMMAND_ID "\",\"actor\":\"key \\\"a\\\"\"}");
    begin();
    metadata.actor = "anonymous";
    metadata.trace = (struct codec_trace){"00-ab-cd-01", "a=b", "k=\"v\""};
    codec_write_event_metadata(&out, &metadata);
    ck_assert_str_eq(
        text(),
        "{\"command_id\":\"" COMMAND_ID "\",\"actor\":\"anonymous\","
        "\"traceparent\":\"00-ab-cd-01\",\"tracestate\":\"a=b\",\"baggage\":\"k=\\\"v\\\"\"}");
}
END_TEST

START_TEST(the_metadata_of_an_answer_to_an_event_says_what_caused_it)
{
    char correlation[BASE_UUID_SIZE] = "";
    struct codec_metadata metadata = {.command_id = id(), .actor = "reaction:tidy"};
    begin();
    codec_write_event_metadata(&out, &metadata);
    ck_assert(!codec_read_correlation(text(), correlation));
    begin();
    metadata.cause = (struct codec_cause){
        "0190a0c4-0000-7000-8000-000000000001", "0190a0c4-0000-7000-8000-000000000002"};
    codec_write_event_metadata(&out, &metadata);
    ck_assert_str_eq(
        text(), "{\"command_id\":\"" COMMAND_ID "\",\"actor\":\"reaction:tidy\","
                "\"causation_id\":\"0190a0c4-0000-7000-8000-000000000001\","
                "\"correlation_id\":\"0190a0c4-0000-7000-8000-000000000002\"}");
    ck_assert(codec_read_correlation(text(), correlation));
    ck_assert_str_eq(correlation, "0190a0c4-0000-7000-8000-000000000002");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_metadata");
    TCase *metadata = tcase_create("metadata");
    tcase_add_checked_fixture(metadata, NULL, end);
    tcase_add_test(metadata, the_metadata_of_an_event_names_command_and_actor_and_trace_if_any);
    tcase_add_test(metadata, the_metadata_of_an_answer_to_an_event_says_what_caused_it);
    suite_add_tcase(suite, metadata);
    return support_run(suite);
}
