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
        /* Of its own memory, so that a read behind its end is seen. */
        BASE_CLEANUP(base_free_pointer) char *line = base_alloc(length);
        memcpy(line, LINE, length);
        ck_assert_ptr_nonnull(codec_read_event_copy(line, length, &arena, &copy));
    }
}
END_TEST

/* LINE with `instead` in place of `text`. */
static const char *change(const char *text, const char *instead, struct base_buffer *line)
{
    const char *at = strstr(LINE, text);
    ck_assert_ptr_nonnull(at);
    base_buffer_append(line, LINE, (size_t)(at - LINE));
    base_buffer_append_text(line, instead);
    base_buffer_append_text(line, at + strlen(text));
    return base_buffer_text(line);
}

START_TEST(what_is_wrong_with_a_line_is_said)
{
    static const struct {
        const char *text;
        const char *instead;
        const char *says;
    } rows[] = {
        {"{", "", "it is not JSON: "},
        {LINE, "[]", "it is not a JSON object"},
        {"\"position\":7,", "", "/position: position is missing"},
        {":7,", ":0,",
         "/position: position must be an integer from 1 to 9223372036854775807, not 0"},
        {":7,", ":7.0,", "not 7.0"},
        {"\"version\":1", "\"version\":2147483648", "from 1 to 2147483647, not 2147483648"},
        {"\"cart\"", "5", "/stream_type: stream_type must be a string, not 5"},
        {"\"01936f6e-6f0a-", "\"01936f6e", "/stream_id: stream_id must be a UUID, such as "},
        {"T04:", " ", "/recorded_at: recorded_at must be a time, such as 2026-"},
        {"\"data\":{", "\"data\":5,\"more\":{", "/data: data must be an object, not 5"},
        {"{\"position\"", "{\"more\":{},\"position\"", "/more: This member is unknown; "},
        {"\"data\"", "\"d\\u0061ta\"", "must be written without escapes"},
        {"7a10-7d21", "7a10-7d22", "\"command_id\" differs from that of the metadata"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
        struct codec_event_copy copy = {.event = {.position = 5}};
        const char *says = read(change(rows[i].text, rows[i].instead, &line), &copy);
        ck_assert_ptr_nonnull(says);
        ck_assert_msg(strstr(says, rows[i].says) != NULL, "%s", says);
        ck_assert(says[strlen(says) - 1] != '.');
        ck_assert_int_eq(copy.event.position, 5);
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
        what_is_wrong_with_a_line_is_said,
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
