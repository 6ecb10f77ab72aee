#include "support.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static const char *const well_formed[] = {
    "",
    "a",
    "\x7f",
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbf",
    "T\xc3\xa4glich T"};
/* With how many U+FFFD stand for it: one for each longest beginning of a sequence. */
static const struct {
    const char *bytes;
    size_t n_replaced;
} ill_formed[] = {
    {"\x80", 1},
    {"\xbf\xbf", 2},
    {"\xc0\x80", 2},
    {"\xc1\xbf", 2},
    {"\xc2", 1},
    {"\xc2 ", 1},
    {"\xe0\x9f\xbf", 3},
    {"\xe0\xa0", 1},
    {"\xed\xa0\x80", 3},
    {"\xed\xbf\xbf", 3},
    {"\xf0\x8f\xbf\xbf", 4},
    {"\xf0\x90\x80", 1},
    {"\xf0\x90", 1},
    {"\xf4\x90\x80\x80", 4},
    {"\xf5\x80\x80\x80", 4},
    {"\xff", 1},
    {"\xe2\x82\"", 1}};

/* What a JSON reader makes of the text as base writes it; the caller's to json_decref(). */
static json_t *read_json_text(const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
    base_buffer_append_json_text(&buffer, text);
    json_t *json = json_loadb(buffer.bytes, buffer.length, JSON_DECODE_ANY, NULL);
    ck_assert_msg(json_is_string(json), "not JSON: %s", base_buffer_text(&buffer));
    return json;
}

START_TEST(a_json_text_reads_back_as_it_was)
{
    char all[128];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    all[127] = '\0';
    json_t *json = read_json_text(all);
    ck_assert_str_eq(json_string_value(json), all);
    json_decref(json);
    for (size_t i = 0; i < BASE_COUNT(well_formed); i++) {
        json = read_json_text(well_formed[i]);
        ck_assert_str_eq(json_string_value(json), well_formed[i]);
        json_decref(json);
    }
}
END_TEST

START_TEST(valid_utf8_goes_into_a_json_text_unescaped)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
    base_buffer_append_json_text(&buffer, "a\"b\\c/\n\x01\xc3\xbc\x7f");
    ck_assert_str_eq(base_buffer_text(&buffer), "\"a\\\"b\\\\c/\\n\\u0001\xc3\xbc\x7f\"");
}
END_TEST

START_TEST(ill_formed_utf8_becomes_replacement_characters_in_a_json_text)
{
    for (size_t i = 0; i < BASE_COUNT(ill_formed); i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
        base_buffer_printf(&text, "<%s>", ill_formed[i].bytes);
        json_t *json = read_json_text(base_buffer_text(&text));
        size_t n_replaced = 0;
        for (const char *rest = json_string_value(json);
             (rest = strstr(rest, "\xef\xbf\xbd")) != NULL; rest += 3)
            n_replaced++;
        ck_assert_msg(n_replaced == ill_formed[i].n_replaced, "case %zu: %zu", i, n_replaced);
        json_decref(json);
    }
}
END_TEST

/* A log that writes to a pipe, and what came out of it. */
struct captured {
    int fds[2];
    struct base_log log;
    char line[4096];
};

static void capture_begin(struct captured *captured, enum base_log_form form)
{
    ck_assert_int_eq(pipe(captured->fds), 0);
    captured->log = (struct base_log){.fd = captured->fds[1], .form = form, .least = BASE_LOG_INFO};
}

static const char *capture_end(struct captured *captured)
{
    close(captured->fds[1]);
    ssize_t length = read(captured->fds[0], captured->line, sizeof(captured->line) - 1);
    ck_assert_int_ge(length, 0);
    captured->line[length] = '\0';
    close(captured->fds[0]);
    return captured->line;
}

/* Line breaks, quotes, terminal escapes, ill-formed bytes: what a client may send. */
static const char hostile[] = "a\nb\r\"\\\x1b[31m\x7f\xc2\x9b\xc2\xa0\xff\xc2";

START_TEST(a_json_line_is_json_whatever_its_fields_hold)
{
    struct captured captured;
    capture_begin(&captured, BASE_LOG_JSON);
    base_log(
        &captured.log, BASE_LOG_REQUEST_FAILED, BASE_LOG_TEXT("path", hostile),
        BASE_LOG_NUMBER("status", -500));
    const char *line = capture_end(&captured);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_null(strchr(line, '\x7f'));
    ck_assert_ptr_null(strstr(line, "\xc2\x9b"));
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(json != NULL, "%s", line);
    ck_assert_str_eq(json_string_value(json_object_get(json, "level")), "error");
    ck_assert_str_eq(json_string_value(json_object_get(json, "event")), "request_failed");
    ck_assert_str_eq(json_string_value(json_object_get(json, "message")), "a request failed");
    ck_assert_uint_eq(json_string_length(json_object_get(json, "time")), BASE_TIME_SIZE - 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), -500);
    ck_assert_str_eq(
        json_string_value(json_object_get(json, "path")),
        "a\nb\r\"\\\x1b[31m\x7f\xc2\x9b\xc2\xa0\xef\xbf\xbd\xef\xbf\xbd");
    ck_assert_uint_eq(json_object_size(json), 6);
    json_decref(json);
}
END_TEST

START_TEST(a_plain_line_stays_a_line_without_control_characters)
{
    struct captured captured;
    capture_begin(&captured, BASE_LOG_PLAIN);
    base_log(
        &captured.log, BASE_LOG_STARTED, BASE_LOG_TEXT("listen", "127.0.0.1:8080"),
        BASE_LOG_TEXT("path", hostile), BASE_LOG_TEXT("none", ""), BASE_LOG_NUMBER("n", 3));
    const char *line = capture_end(&captured);
    ck_assert_str_eq(
        line + BASE_TIME_SIZE - 1,
        " info serving requests listen=127.0.0.1:8080"
        " path=\"a\\nb\\r\\\"\\\\\\u001b[31m\\u007f\\u009b\xc2\xa0\xef\xbf\xbd\xef\xbf\xbd\""
        " none=\"\" n=3\n");
}
END_TEST

START_TEST(a_line_needs_no_fields)
{
    struct captured captured;
    capture_begin(&captured, BASE_LOG_PLAIN);
    base_log(&captured.log, BASE_LOG_STOPPED);
    ck_assert_str_eq(capture_end(&captured) + BASE_TIME_SIZE - 1, " info stopped\n");
}
END_TEST

START_TEST(what_is_below_the_least_level_is_not_logged)
{
    struct captured captured;
    capture_begin(&captured, BASE_LOG_PLAIN);
    base_log(&captured.log, BASE_LOG_REQUEST);
    ck_assert_str_eq(capture_end(&captured), "");
    base_log(support_quiet_log(), BASE_LOG_REQUEST_FAILED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_json_text_reads_back_as_it_was,
        valid_utf8_goes_into_a_json_text_unescaped,
        ill_formed_utf8_becomes_replacement_characters_in_a_json_text,
        a_json_line_is_json_whatever_its_fields_hold,
        a_plain_line_stays_a_line_without_control_characters,
        a_line_needs_no_fields,
        what_is_below_the_least_level_is_not_logged};
    TCase *rules = tcase_create("log");
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("log");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
