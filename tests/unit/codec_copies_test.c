#include <string.h>

#include "codec.h"
#include "support.h"

#define LINE                                                                                       \
    "{\"position\":7,\"stream_type\":\"cart\",\"stream_id\":"                                      \
    "\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\",\"version\":1,\"type\":\"CartCreated\","             \
    "\"schema_version\":1,\"recorded_at\":\"2026-11-23T04:38:00.123456Z\",\"command_id\":"         \
    "\"01936f6e-7a10-7d21-8b44-0c6a51d0e9f3\",\"data\":{\"currency\": \"EUR\", \"metadata\": "     \
    "{\"a\": 1.50, \"}\": \"\\\\\\\"]\"}, \"customer_id\": null},\"metadata\":{\"actor\": "        \
    "\"anonymous\", \"command_id\": \"01936f6e-7a10-7d21-8b44-0c6a51d0e9f3\"}}"

static const char *read(const char *line, struct codec_event_copy *copy)
{
    static struct base_arena arena;
    base_arena_reset(&arena);
    return codec_read_event_copy(line, strlen(line), &arena, copy);
}

START_TEST(a_line_that_is_read_is_written_the_same)
{
    struct codec_event_copy copy;
    ck_assert_pstr_eq(read(LINE, &copy), NULL);
    ck_assert_int_eq(copy.event.position, 7);
    ck_assert_str_eq(copy.event.type, "CartCreated");
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    codec_write_event_copy(&line, &copy);
    ck_assert_str_eq(base_buffer_text(&line), LINE);
}
END_TEST

START_TEST(data_is_taken_as_it_stands_wherever_it_stands)
{
    static const char *const lines[] = {
        "\t{ \"metadata\" :{\"command_id\":\"01936f6e-7a10-7d21-8b44-0c6a51d0e9f3\" } ,\"data\" : "
        "{ \"sku\":\"a\",\"name\":\"{\\\"data\\\":\",\"active\":true,\"prices\":{\"EUR\":5}}\n"
        ",\"command_id\":\"01936F6E-7A10-7D21-8B44-0C6A51D0E9F3\",\"type\":\"ProductChanged\","
        "\"recorded_at\":\"2026-11-23T05:38:00+01:00\",\"schema_version\":1,\"version\":9,"
        "\"stream_id\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\",\"stream_type\":\"product\","
        "\"position\":1 } \r",
    };
    struct codec_event_copy copy;
    ck_assert_pstr_eq(read(lines[0], &copy), NULL);
    ck_assert_str_eq(
        copy.event.data,
        "{ \"sku\":\"a\",\"name\":\"{\\\"data\\\":\",\"active\":true,\"prices\":{\"EUR\":5}}");
    ck_assert_str_eq(
        copy.event.metadata, "{\"command_id\":\"01936f6e-7a10-7d21-8b44-0c6a51d0e9f3\" }");
}
END_TEST

START_TEST(a_line_that_is_cut_anywhere_is_refused)
{
    struct codec_event_copy copy;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    for (size_t length = 0; length < sizeof LINE - 1; length++) {
        /* Of its own memory, so that a look behind its end is seen. */
        BASE_CLEANUP(base_free_pointer) char *line = base_alloc(length);
        memcpy(line, LINE, length);
        ck_assert_ptr_nonnull(codec_read_event_copy(line, length, &arena, &copy));
    }
}
END_TEST

START_TEST(names_of_events_are_known)
{
    ck_assert(codec_is_event_name("CartCreated"));
    ck_assert(codec_is_event_name("ProductChanged"));
    ck_assert(!codec_is_event_name(""));
    ck_assert(!codec_is_event_name("cartcreated"));
}
END_TEST

START_TEST(json_is_indented_for_people)
{
    static const struct {
        const char *json;
        const char *indented;
    } cases[] = {
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"\"a:{,\\\"\"", "\"a:{,\\\"\""},
        {"{\"a\":1}", "{\n  \"a\": 1\n}"},
        {"{\"a\":{},\"b\": [],\"c\":[{}]}",
         "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    {}\n  ]\n}"},
        {"[1,[2,3],\"[\"]", "[\n  1,\n  [\n    2,\n    3\n  ],\n  \"[\"\n]"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
        codec_write_indented(&out, cases[i].json, strlen(cases[i].json));
        ck_assert_str_eq(base_buffer_text(&out), cases[i].indented);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_line_that_is_read_is_written_the_same,
        data_is_taken_as_it_stands_wherever_it_stands,
        a_line_that_is_cut_anywhere_is_refused,
        names_of_events_are_known,
        json_is_indented_for_people,
    };
    TCase *rules = tcase_create("copies");
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("codec_copies");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
