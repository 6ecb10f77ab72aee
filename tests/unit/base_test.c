#include "support.h"

#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- memory ---------------------------------------------------------------------------------- */

START_TEST(memory_is_zeroed_and_is_there_even_for_nothing)
{
    char *memory = base_alloc(100);
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(memory[i], 0);
    memory = base_realloc(memory, 0);
    ck_assert_ptr_nonnull(memory);
    free(memory);
    BASE_CLEANUP(base_free_pointer) char *nothing = base_alloc(0);
    ck_assert_ptr_nonnull(nothing);
    BASE_CLEANUP(base_free_pointer) char *copy = base_copy_text("tea");
    BASE_CLEANUP(base_free_pointer) char *printed = base_print("%s for %d", copy, 2);
    ck_assert_str_eq(copy, "tea");
    ck_assert_str_eq(printed, "tea for 2");
}
END_TEST

START_TEST(a_buffer_grows_and_keeps_what_it_has)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
    ck_assert_str_eq(base_buffer_text(&buffer), "");
    for (int i = 0; i < 1000; i++)
        base_buffer_append_char(&buffer, (char)('a' + i % 26));
    base_buffer_append(&buffer, NULL, 0);
    base_buffer_append_text(&buffer, "|");
    base_buffer_printf(&buffer, "%s=%d|", "n", 7);
    ck_assert_uint_eq(buffer.length, 1005);
    const char *text = base_buffer_text(&buffer);
    ck_assert_uint_eq(buffer.length, 1005);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(text[i], 'a' + i % 26);
    ck_assert_str_eq(text + 1000, "|n=7|");
}
END_TEST

START_TEST(a_printed_text_longer_than_the_buffer_comes_whole)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
    base_buffer_printf(&buffer, "%05000d", 1);
    ck_assert_uint_eq(buffer.length, 5000);
    ck_assert_int_eq(base_buffer_text(&buffer)[4999], '1');
}
END_TEST

START_TEST(integers_are_written_to_their_bounds)
{
    static const struct {
        int64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {9, "9"},
        {10, "10"},
        {-100, "-100"},
        {1005, "1005"},
        {1234567890, "1234567890"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
        base_buffer_append_int(&buffer, cases[i].number);
        ck_assert_str_eq(base_buffer_text(&buffer), cases[i].text);
    }
}
END_TEST

START_TEST(an_arena_aligns_and_zeroes_every_allocation)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            unsigned char *memory = base_arena_alloc(&arena, size);
            ck_assert_uint_eq((uintptr_t)memory % alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                ck_assert_int_eq(memory[i], 0);
            memset(memory, 0xff, size);
        }
        base_arena_reset(&arena);
    }
}
END_TEST

START_TEST(an_arena_takes_allocations_larger_than_its_blocks)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    char *small = base_arena_copy_text(&arena, "small");
    char *large = base_arena_alloc(&arena, 1000000);
    memset(large, 1, 1000000);
    char *after = base_arena_printf(&arena, "%s and %d", small, 5);
    ck_assert_str_eq(small, "small");
    ck_assert_str_eq(after, "small and 5");
    ck_assert_int_eq(large[999999], 1);
}
END_TEST

START_TEST(a_reset_arena_uses_its_largest_block_again)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    base_arena_reset(&arena);
    (void)base_arena_alloc(&arena, 100);
    char *large = base_arena_alloc(&arena, 1000000);
    (void)base_arena_alloc(&arena, 100);
    base_arena_reset(&arena);
    ck_assert_ptr_eq(base_arena_alloc(&arena, 999000), large);
}
END_TEST

START_TEST(no_two_allocations_of_an_arena_are_equal)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    ck_assert_ptr_ne(base_arena_alloc(&arena, 0), base_arena_alloc(&arena, 0));
    const char *copy = base_arena_copy(&arena, "a\0b", 3);
    ck_assert_mem_eq(copy, "a\0b", 4);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(times_are_rfc_3339_with_microseconds)
{
    static const struct {
        int64_t unix_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {1795408680123456, "2026-11-23T04:38:00.123456Z"},
        {951782400000000, "2000-02-29T00:00:00.000000Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"}};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        char text[BASE_TIME_SIZE];
        base_time_format(cases[i].unix_us, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(times_are_read_as_rfc_3339_with_any_offset)
{
    static const struct {
        const char *text;
        const char *utc;
    } cases[] = {
        {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"},
        {"2026-11-23T04:38:00.123456Z", "2026-11-23T04:38:00.123456Z"},
        {"2026-11-23t04:38:00.1234569z", "2026-11-23T04:38:00.123456Z"},
        {"2026-11-23 04:38:00.5-00:00", "2026-11-23T04:38:00.500000Z"},
        {"2026-11-23T05:38:00+01:00", "2026-11-23T04:38:00.000000Z"},
        {"2026-12-31T23:30:00-05:30", "2027-01-01T05:00:00.000000Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
        {"2000-03-01T00:00:00+00:01", "2000-02-29T23:59:00.000000Z"},
        {"1900-03-01T00:00:00+00:01", "1900-02-28T23:59:00.000000Z"},
        {"2016-12-31T23:59:60.9Z", "2017-01-01T00:00:00.000000Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"},
        {"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        int64_t unix_us = 0;
        ck_assert_msg(base_time_parse(cases[i].text, &unix_us), "%s", cases[i].text);
        char text[BASE_TIME_SIZE];
        base_time_format(unix_us, text);
        ck_assert_str_eq(text, cases[i].utc);
    }
}
END_TEST

START_TEST(days_of_every_month_are_read_as_they_are_written)
{
    int64_t day_us = INT64_C(86400000000);
    for (int64_t us = -719528 * day_us; us <= 2932896 * day_us; us += 127 * day_us) {
        char text[BASE_TIME_SIZE];
        int64_t read_us = 1;
        base_time_format(us, text);
        ck_assert_msg(base_time_parse(text, &read_us) && read_us == us, "%s", text);
    }
}
END_TEST

START_TEST(every_day_of_ten_thousand_years_is_the_c_librarys)
{
    /* Each ck_assert() takes a system call, which would be most of it. */
    for (int64_t day = -719528; day <= 2932896; day++) {
        const time_t seconds = day * 86400 + 86399;
        struct tm parts;
        char expected[64];
        char text[BASE_TIME_SIZE];
        if (gmtime_r(&seconds, &parts) == NULL)
            ck_abort_msg("%jd", (intmax_t)seconds);
        (void)snprintf(
            expected, sizeof(expected), "%04d-%02d-%02dT23:59:59.999999Z", parts.tm_year + 1900,
            parts.tm_mon + 1, parts.tm_mday);
        base_time_format(seconds * 1000000 + 999999, text);
        if (strcmp(text, expected) != 0)
            ck_abort_msg("%s, but %s", expected, text);
    }
}
END_TEST

START_TEST(what_is_no_time_is_refused_and_leaves_the_output_alone)
{
    static const char *const refused[] = {
        "",
        "now",
        "2026-11-23",
        "2026-11-23T04:38:00",
        "2026-11-23T04:38Z",
        "2026-11-23T04:38:00.Z",
        "2026-11-23T04:38:00,5Z",
        "2026-11-23T04:38:00+01",
        "2026-11-23T04:38:00+0100",
        "2026-11-23T04:38:00 01:00",
        "2026-11-23T04:38:00+24:00",
        "2026-11-23T04:38:00Z ",
        " 2026-11-23T04:38:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T04:60:00Z",
        "2026-11-23T04:38:61Z",
        "2026-11-31T04:38:00Z",
        "2026-02-29T04:38:00Z",
        "1900-02-29T04:38:00Z",
        "2026-13-01T04:38:00Z",
        "2026-00-01T04:38:00Z",
        "2026-01-00T04:38:00Z",
        "26-11-23T04:38:00Z",
        "+2026-11-23T04:38:00Z",
        "2026-1-23T04:38:00Z",
        "1763872680",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01"};
    int64_t unix_us = 42;
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!base_time_parse(refused[i], &unix_us), "%s", refused[i]);
    ck_assert_int_eq(unix_us, 42);
}
END_TEST

START_TEST(the_monotonic_clock_goes_forward)
{
    int64_t before_us = base_clock_monotonic_us();
    usleep(2000);
    int64_t passed_us = base_clock_monotonic_us() - before_us;
    ck_assert_int_ge(passed_us, 2000);
    ck_assert_int_lt(passed_us, 10000000);
    ck_assert_int_gt(base_clock_now_us(), INT64_C(1700000000000000));
}
END_TEST

/* ---- identifiers ----------------------------------------------------------------------------- */

START_TEST(a_version_5_uuid_is_that_of_the_rfc)
{
    struct base_uuid dns;
    ck_assert(base_uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", &dns));
    struct base_uuid uuid = base_uuid_make_v5(&dns, "www.example.com", 15);
    char text[BASE_UUID_SIZE];
    base_uuid_format(&uuid, text);
    ck_assert_str_eq(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}
END_TEST

START_TEST(the_distance_of_texts_counts_what_was_mistyped)
{
    ck_assert_uint_eq(base_text_distance("listen", "listen"), 0);
    ck_assert_uint_eq(base_text_distance("lisen", "listen"), 1);
    ck_assert_uint_eq(base_text_distance("listten", "listen"), 1);
    ck_assert_uint_eq(base_text_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(base_text_distance("", "abc"), 3);
    ck_assert_uint_eq(base_text_distance("abc", ""), 3);
}
END_TEST

START_TEST(a_version_7_uuid_begins_with_the_time)
{
    /* The time of RFC 9562, appendix A.6. */
    struct base_random random_bytes = {0};
    struct base_uuid uuid = base_uuid_make_v7(&random_bytes, INT64_C(0x017F22E279B0) * 1000 + 999);
    char text[BASE_UUID_SIZE];
    base_uuid_format(&uuid, text);
    ck_assert_uint_eq(strlen(text), 36);
    ck_assert_int_eq(strncmp(text, "017f22e2-79b0-7", 15), 0);
    ck_assert_ptr_nonnull(strchr("89ab", text[19]));
}
END_TEST

START_TEST(version_7_uuids_of_one_moment_differ)
{
    struct base_random random_bytes = {0};
    struct base_uuid uuids[1000];
    for (size_t i = 0; i < BASE_COUNT(uuids); i++) {
        uuids[i] = base_uuid_make_v7(&random_bytes, 1000);
        for (size_t j = 0; j < i; j++)
            ck_assert_int_ne(base_uuid_compare(&uuids[i], &uuids[j]), 0);
    }
    struct base_uuid later = base_uuid_make_v7(&random_bytes, 2000);
    ck_assert_int_gt(base_uuid_compare(&later, &uuids[0]), 0);
}
END_TEST

START_TEST(a_uuid_is_read_in_either_case_and_written_in_lower_case)
{
    struct base_uuid uuid;
    ck_assert(base_uuid_parse("01936F6E-6f0A-7C3E-9A57-5F0C8A4F1B2D", &uuid));
    char text[BASE_UUID_SIZE];
    base_uuid_format(&uuid, text);
    ck_assert_str_eq(text, "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d");
}
END_TEST

START_TEST(what_is_no_uuid_is_refused_and_leaves_the_output_alone)
{
    static const char *const texts[] = {
        "",
        "01936f6e",
        "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2",
        "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2dd",
        "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2g",
        "01936f6e6f0a-7c3e-9a57-5f0c8a4f1b2d-",
        "01936f6e6f0a7c3e9a575f0c8a4f1b2d",
        "{01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d}",
        " 1936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d",
        "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d "};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        struct base_uuid uuid = {.bytes = {42}};
        ck_assert_msg(!base_uuid_parse(texts[i], &uuid), "%s", texts[i]);
        ck_assert_int_eq(uuid.bytes[0], 42);
    }
}
END_TEST

/* ---- digests and texts ----------------------------------------------------------------------- */

START_TEST(a_digest_is_sha_256_of_lengths_and_parts)
{
    /* printf '\0\0\0\0\0\0\0\3abc\0\0\0\0\0\0\0\0' | sha256sum */
    static const uint8_t expected[BASE_SHA256_SIZE] = {
        0xf5, 0xa9, 0x34, 0xb5, 0xab, 0x96, 0x15, 0x7b, 0x46, 0x90, 0x5e,
        0x4d, 0xec, 0x48, 0xff, 0x81, 0x75, 0xfe, 0x89, 0x26, 0xc3, 0x6e,
        0xc2, 0x93, 0xb9, 0x8c, 0x8f, 0xbd, 0x08, 0x86, 0x17, 0x1b};
    uint8_t digest[BASE_SHA256_SIZE];
    base_sha256((const struct base_part[]){{"abc", 3}, {"", 0}}, 2, digest);
    ck_assert_mem_eq(digest, expected, sizeof(expected));
}
END_TEST

START_TEST(digests_of_parts_cut_elsewhere_differ)
{
    uint8_t left[BASE_SHA256_SIZE];
    uint8_t right[BASE_SHA256_SIZE];
    base_sha256((const struct base_part[]){{"ab", 2}, {"c", 1}}, 2, left);
    base_sha256((const struct base_part[]){{"a", 1}, {"bc", 2}}, 2, right);
    ck_assert_mem_ne(left, right, sizeof(left));
}
END_TEST

START_TEST(what_others_wrote_is_printed_without_being_obeyed)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer buffer = {0};
    base_buffer_append_printable(&buffer, "a\x1b[2J\n\x7f\xc2\x9b\xc3\xa9\xff\xe2\x82 \\");
    ck_assert_str_eq(
        base_buffer_text(&buffer),
        "a\\u001b[2J\\u000a\\u007f\\u009b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd \\");
    /* ZWSP, RLO, BOM, a line separator and a tag; e with an accent, the euro sign and a tea cup. */
    buffer.length = 0;
    base_buffer_append_printable(
        &buffer, "\xe2\x80\x8b\xe2\x80\xae\xef\xbb\xbf\xe2\x80\xa8\xf3\xa0\x81\x81"
                 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\xb5");
    ck_assert_str_eq(
        base_buffer_text(&buffer), "\\u200b\\u202e\\ufeff\\u2028\\udb40\\udc41"
                                   "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\xb5");
}
END_TEST

START_TEST(base64url_is_written_without_padding)
{
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        size_t length = strlen(cases[i].bytes);
        ck_assert_str_eq(base_base64url_encode(&arena, cases[i].bytes, length), cases[i].text);
        size_t n_bytes = 99;
        const uint8_t *bytes = base_base64url_decode(&arena, cases[i].text, &n_bytes);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(n_bytes, length);
        ck_assert_mem_eq(bytes, cases[i].bytes, length);
    }
}
END_TEST

START_TEST(base64url_that_was_not_written_here_is_refused)
{
    static const char *const texts[] = {"Zg==",  "Zg=",   "Zh",    "Zm9",    "Z",
                                        "Zm9vY", "Zm9v=", "Zm 9v", "Zm9v\n", "+/8",
                                        "Zm9v!", "=",     "====",  "Zg==Zg", "Zm9v\xc3"};
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        size_t n_bytes = 42;
        ck_assert_msg(base_base64url_decode(&arena, texts[i], &n_bytes) == NULL, "%s", texts[i]);
        ck_assert_uint_eq(n_bytes, 42);
    }
}
END_TEST

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
static const ptrdiff_t lengths[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9};

static const char *const ill_formed[] = {
    "\x80",
    "\xbf\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xc2",
    "\xc2 ",
    "\xe0\x9f\xbf",
    "\xe0\xa0",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf0\x8f\xbf\xbf",
    "\xf0\x90\x80",
    "\xf0\x90",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xff",
    "\xe2\x82\""};

START_TEST(well_formed_utf8_is_counted_in_code_points)
{
    for (size_t i = 0; i < BASE_COUNT(well_formed); i++)
        ck_assert_int_eq(base_utf8_length(well_formed[i], strlen(well_formed[i])), lengths[i]);
    ck_assert_int_eq(base_utf8_length("a\0b", 3), 3);
    ck_assert_int_eq(base_utf8_length("\xc3\xbc", 1), -1);
}
END_TEST

START_TEST(ill_formed_utf8_is_refused)
{
    for (size_t i = 0; i < BASE_COUNT(ill_formed); i++) {
        const char *bytes = ill_formed[i];
        ck_assert_msg(base_utf8_length(bytes, strlen(bytes)) == -1, "case %zu", i);
    }
}
END_TEST

START_TEST(integers_are_read_within_bounds_only)
{
    int64_t number = 42;
    static const char *const refused[] = {
        "",
        "-",
        "+1",
        " 1",
        "1 ",
        "1a",
        "0x1",
        "1.0",
        "1e2",
        "--1",
        "11",
        "-11",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999"};
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!base_parse_int(refused[i], -10, 10, &number), "%s", refused[i]);
    ck_assert_int_eq(number, 42);

    ck_assert(base_parse_int("10", -10, 10, &number));
    ck_assert_int_eq(number, 10);
    ck_assert(base_parse_int("-10", -10, 10, &number));
    ck_assert_int_eq(number, -10);
    ck_assert(base_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &number));
    ck_assert_int_eq(number, INT64_MAX);
    ck_assert(base_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &number));
    ck_assert_int_eq(number, INT64_MIN);
}
END_TEST

/* ---- state machines -------------------------------------------------------------------------- */

#define DOOR_STATES(STATE)                                                                         \
    STATE(DOOR_OPEN, BASE_TO(DOOR_CLOSED))                                                         \
    STATE(DOOR_CLOSED, BASE_TO(DOOR_OPEN) | BASE_TO(DOOR_LOCKED))                                  \
    STATE(DOOR_LOCKED, BASE_TO(DOOR_CLOSED))
enum door_state { DOOR_STATES(BASE_STATE_NAME) };
static const struct base_state doors[] = {DOOR_STATES(BASE_STATE_ROW)};

START_TEST(a_machine_makes_the_moves_of_its_table)
{
    ck_assert_uint_eq(base_move(doors, DOOR_OPEN, DOOR_CLOSED), DOOR_CLOSED);
    ck_assert_uint_eq(base_move(doors, DOOR_CLOSED, DOOR_LOCKED), DOOR_LOCKED);
    ck_assert_str_eq(doors[DOOR_LOCKED].name, "DOOR_LOCKED");
}
END_TEST

START_TEST(any_other_move_ends_the_process)
{
    (void)!base_move(doors, DOOR_OPEN, DOOR_LOCKED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        memory_is_zeroed_and_is_there_even_for_nothing,
        a_buffer_grows_and_keeps_what_it_has,
        a_printed_text_longer_than_the_buffer_comes_whole,
        integers_are_written_to_their_bounds,
        an_arena_aligns_and_zeroes_every_allocation,
        an_arena_takes_allocations_larger_than_its_blocks,
        a_reset_arena_uses_its_largest_block_again,
        no_two_allocations_of_an_arena_are_equal,
        times_are_rfc_3339_with_microseconds,
        times_are_read_as_rfc_3339_with_any_offset,
        days_of_every_month_are_read_as_they_are_written,
        every_day_of_ten_thousand_years_is_the_c_librarys,
        what_is_no_time_is_refused_and_leaves_the_output_alone,
        the_monotonic_clock_goes_forward,
        a_version_5_uuid_is_that_of_the_rfc,
        a_version_7_uuid_begins_with_the_time,
        the_distance_of_texts_counts_what_was_mistyped,
        version_7_uuids_of_one_moment_differ,
        a_uuid_is_read_in_either_case_and_written_in_lower_case,
        what_is_no_uuid_is_refused_and_leaves_the_output_alone,
        a_digest_is_sha_256_of_lengths_and_parts,
        digests_of_parts_cut_elsewhere_differ,
        what_others_wrote_is_printed_without_being_obeyed,
        base64url_is_written_without_padding,
        base64url_that_was_not_written_here_is_refused,
        well_formed_utf8_is_counted_in_code_points,
        ill_formed_utf8_is_refused,
        integers_are_read_within_bounds_only,
        a_machine_makes_the_moves_of_its_table};
    TCase *rules = tcase_create("base");
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    tcase_add_test_raise_signal(rules, any_other_move_ends_the_process, SIGABRT);
    Suite *suite = suite_create("base");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
