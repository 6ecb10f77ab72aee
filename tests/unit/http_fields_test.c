#include "support.h"

#include <string.h>

#include "fields.h"
#include "http.h"

static struct base_arena arena;

static void finish_arena(void)
{
    base_arena_finish(&arena);
}

START_TEST(entity_tags_are_read_as_versions)
{
    struct http_etags etags;
    ck_assert(http_read_etags("\"7\"", HTTP_STRONG, &etags));
    ck_assert(!etags.is_any);
    ck_assert_uint_eq(etags.n, 1);
    ck_assert_int_eq(etags.versions[0], 7);
    ck_assert(http_read_etags(" , \"7\" ,,\"2147483647\"\t,", HTTP_STRONG, &etags));
    ck_assert_uint_eq(etags.n, 2);
    ck_assert_int_eq(etags.versions[1], INT32_MAX);
    ck_assert(http_read_etags("*", HTTP_STRONG, &etags));
    ck_assert(etags.is_any);
    ck_assert(http_etags_match(&etags, 5));
}
END_TEST

START_TEST(tags_that_are_not_ours_match_nothing)
{
    struct http_etags etags;
    ck_assert(http_read_etags(
        "\"\", \"abc\", \"07\", \"0\", \"-1\", \"+7\", \"2147483648\", \"99999999999999\", "
        "\"\xc3\xbc,\"",
        HTTP_STRONG, &etags));
    ck_assert_uint_eq(etags.n, 0);
    ck_assert(!etags.is_any);
    ck_assert(!http_etags_match(&etags, 7));
    ck_assert_ptr_nonnull(etags.unmatched);
}
END_TEST

START_TEST(weak_tags_match_only_where_the_comparison_is_weak)
{
    struct http_etags etags;
    ck_assert(http_read_etags("W/\"7\", \"8\"", HTTP_STRONG, &etags));
    ck_assert(!http_etags_match(&etags, 7));
    ck_assert(http_etags_match(&etags, 8));
    ck_assert_uint_eq(etags.unmatched_length, strlen("W/\"7\""));
    ck_assert_int_eq(strncmp(etags.unmatched, "W/\"7\"", etags.unmatched_length), 0);
    ck_assert(http_read_etags("W/\"7\"", HTTP_WEAK, &etags));
    ck_assert_ptr_null(etags.unmatched);
    ck_assert(http_etags_match(&etags, 7));
}
END_TEST

START_TEST(what_is_no_list_of_tags_is_refused)
{
    static const char *const refused[] = {
        "",         " ",        ",",  "7",       "\"7",    "7\"", "\"7\" \"8\"", "\"7\"8",
        "*, \"7\"", "\"7\", *", "**", "w/\"7\"", "W\"7\"", "W/7", "\"a b\"",     "\"a\tb\"",
    };
    struct http_etags etags = {.n = 5};
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!http_read_etags(refused[i], HTTP_STRONG, &etags), "%s", refused[i]);
    ck_assert_uint_eq(etags.n, 5);

    struct base_buffer many = {0};
    for (int i = 1; i <= SERVICE_VERSIONS_MAX; i++)
        base_buffer_printf(&many, "\"%d\",", i);
    ck_assert(http_read_etags(base_buffer_text(&many), HTTP_STRONG, &etags));
    base_buffer_append_text(&many, "\"99\"");
    ck_assert(!http_read_etags(base_buffer_text(&many), HTTP_STRONG, &etags));
    base_buffer_finish(&many);
}
END_TEST

START_TEST(idempotency_keys_come_bare_or_quoted)
{
    ck_assert_str_eq(http_read_idempotency_key("abc 1", &arena), "abc 1");
    ck_assert_str_eq(http_read_idempotency_key("\"abc\"", &arena), "abc");
    ck_assert_str_eq(http_read_idempotency_key("\"a\\\"b\\\\\"", &arena), "a\"b\\");
    static const char *const refused[] = {
        "",        "\"\"",     "\"a",          "\"a\"b", "\"a\\b\"",
        "\"a\\\"", "\xc3\xbc", "\"\xc3\xbc\"", "a\tb",   "\"",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(http_read_idempotency_key(refused[i], &arena) == NULL, "%s", refused[i]);

    char key[HTTP_KEY_MAX + 2];
    memset(key, 'k', sizeof(key));
    key[HTTP_KEY_MAX + 1] = '\0';
    ck_assert_ptr_null(http_read_idempotency_key(key, &arena));
    key[HTTP_KEY_MAX] = '\0';
    ck_assert_ptr_nonnull(http_read_idempotency_key(key, &arena));
}
END_TEST

START_TEST(the_first_return_preference_counts)
{
    ck_assert(http_prefers_minimal("return=minimal"));
    ck_assert(http_prefers_minimal("respond-async, RETURN = \"minimal\"; x"));
    ck_assert(http_prefers_minimal("a=\"x, return=representation\", return=minimal"));
    ck_assert(!http_prefers_minimal("return=representation, return=minimal"));
    ck_assert(!http_prefers_minimal("a=\"return=minimal\""));
    ck_assert(!http_prefers_minimal("a; return=minimal"));
    ck_assert(!http_prefers_minimal("return"));
    ck_assert(!http_prefers_minimal(""));
    ck_assert(!http_prefers_minimal("\"return=minimal"));
}
END_TEST

START_TEST(accept_weighs_the_range_that_fits_best)
{
    static const char *const json[] = {"application/json", "application/problem+json", NULL};
    static const char *const accepted[] = {
        "",
        "*/*",
        "application/*",
        "application/json",
        "Application/JSON;charset=\"a,b\"",
        "text/html, */*;q=0.1",
        "application/problem+json",
        "text/html;q=0, application/json;q=0.001",
        "*/*;q=0, application/json",
        "application/json ; q=1.000",
        ",,application/json",
    };
    for (size_t i = 0; i < BASE_COUNT(accepted); i++)
        ck_assert_msg(http_accepts(accepted[i], json), "%s", accepted[i]);
    static const char *const refused[] = {
        "text/html",
        "text/*",
        "application/jsonp",
        "application/json;q=0",
        "*/*;q=0.000",
        "application/json;q=0, */*",
        "application/*;q=0, */*",
        "application/json;q=2",
        "nonsense",
        "*",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!http_accepts(refused[i], json), "%s", refused[i]);
}
END_TEST

START_TEST(a_type_is_preferred_by_its_weight)
{
    ck_assert(http_prefers("text/csv", "text/csv", "application/json"));
    ck_assert(http_prefers("text/*", "text/csv", "application/json"));
    ck_assert(http_prefers("application/json;q=0.3, */*;q=0.4", "text/csv", "application/json"));
    ck_assert(http_prefers("application/json;q=0, text/csv", "text/csv", "application/json"));
    ck_assert(!http_prefers("*/*", "text/csv", "application/json"));
    ck_assert(!http_prefers("text/csv;q=0", "text/csv", "application/json"));
    ck_assert(!http_prefers("text/csv, application/json", "text/csv", "application/json"));
    ck_assert(!http_prefers("text/html", "text/csv", "application/json"));
}
END_TEST

START_TEST(events_are_preferred_only_by_name)
{
    ck_assert(http_prefers_events("text/event-stream"));
    ck_assert(http_prefers_events("Text/Event-Stream; charset=utf-8"));
    ck_assert(http_prefers_events("text/event-stream;q=0.2, */*;q=0.1"));
    ck_assert(http_prefers_events("application/json;q=0, text/event-stream;q=0.001"));
    ck_assert(!http_prefers_events(""));
    ck_assert(!http_prefers_events("*/*"));
    ck_assert(!http_prefers_events("text/*"));
    ck_assert(!http_prefers_events("text/event-stream;q=0"));
    ck_assert(!http_prefers_events("text/event-stream, application/json"));
    ck_assert(!http_prefers_events("text/event-stream, */*"));
    ck_assert(!http_prefers_events("text/event-streams"));
}
END_TEST

START_TEST(a_body_is_json_in_utf_8)
{
    ck_assert(http_is_json("application/json", "application/json"));
    ck_assert(http_is_json("APPLICATION/Json ; Charset=\"UTF-8\"", "application/json"));
    ck_assert(http_is_json("application/json;profile=\"x;y\";charset=utf-8;", "application/json"));
    ck_assert(!http_is_json("application/json;charset=latin1", "application/json"));
    ck_assert(!http_is_json("application/json;charset", "application/json"));
    ck_assert(!http_is_json("application/json, text/plain", "application/json"));
    ck_assert(!http_is_json("application/merge-patch+json", "application/json"));
    ck_assert(http_is_json("application/merge-patch+json", "application/merge-patch+json"));
    ck_assert(!http_is_json("text/json", "application/json"));
    ck_assert(!http_is_json("", "application/json"));
}
END_TEST

START_TEST(request_ids_and_traces_are_taken_only_in_their_form)
{
    ck_assert(http_is_request_id("aZ09._-"));
    ck_assert(!http_is_request_id(""));
    ck_assert(!http_is_request_id("a b"));
    char id[130];
    memset(id, 'a', sizeof(id));
    id[129] = '\0';
    ck_assert(!http_is_request_id(id));
    id[128] = '\0';
    ck_assert(http_is_request_id(id));

    ck_assert(http_is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    ck_assert(http_is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
    static const char *const refused[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!http_is_traceparent(refused[i]), "%s", refused[i]);
}
END_TEST

START_TEST(a_tracestate_is_a_list_of_keys_and_values)
{
    static const char *const taken[] = {
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "a=b",
        " a=b , ,c=d e\t,",
        "fw529a3039@dt=FfffffeC;p:1",
        "0a/*-_=!~",
    };
    for (size_t i = 0; i < BASE_COUNT(taken); i++)
        ck_assert_msg(http_is_tracestate(taken[i]), "%s", taken[i]);
    static const char *const refused[] = {
        "", ",", "a", "a=", "=b", "A=b", "a=b=c", "a=b\x7f", "a=\xc3\xa9", "a b=c", "a=b,,c",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!http_is_tracestate(refused[i]), "%s", refused[i]);

    char text[HTTP_TRACESTATE_MAX + 2] = "a=";
    memset(text + 2, 'x', HTTP_TRACESTATE_MAX - 1);
    ck_assert(!http_is_tracestate(text));
    text[HTTP_TRACESTATE_MAX] = '\0';
    ck_assert(http_is_tracestate(text));
    struct base_buffer many = {0};
    for (int i = 0; i < HTTP_TRACESTATE_MEMBERS_MAX; i++)
        base_buffer_append_text(&many, "a=b,");
    ck_assert(http_is_tracestate(base_buffer_text(&many)));
    base_buffer_append_text(&many, "a=b");
    ck_assert(!http_is_tracestate(base_buffer_text(&many)));
    base_buffer_finish(&many);
}
END_TEST

START_TEST(baggage_is_a_list_of_keys_and_values_with_properties)
{
    static const char *const taken[] = {
        "a=b",
        "userId=Am%C3%A9lie,serverNode=DF:28,isProduction=false",
        "a=b;p;q=1, c = d ; r",
        "a=",
        "a=b=c,",
        "k1=v1;p1;p2=v",
    };
    for (size_t i = 0; i < BASE_COUNT(taken); i++)
        ck_assert_msg(http_is_baggage(taken[i]), "%s", taken[i]);
    static const char *const refused[] = {
        "",        ",",     "a",          "=b",   "a=b;",  "a=b;=c",
        "a=\"b\"", "a=b c", "a=\xc3\xa9", "a@=b", "a=b\\", "a=b,c",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(!http_is_baggage(refused[i]), "%s", refused[i]);

    char text[HTTP_BAGGAGE_MAX + 2] = "a=";
    memset(text + 2, 'x', HTTP_BAGGAGE_MAX - 1);
    ck_assert(!http_is_baggage(text));
    text[HTTP_BAGGAGE_MAX] = '\0';
    ck_assert(http_is_baggage(text));
}
END_TEST

START_TEST(only_identity_is_no_encoding)
{
    ck_assert(http_is_identity(""));
    ck_assert(http_is_identity("identity"));
    ck_assert(http_is_identity("Identity, identity"));
    ck_assert(!http_is_identity("gzip"));
    ck_assert(!http_is_identity("identity, gzip"));
    ck_assert(!http_is_identity("identityx"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_fields");
    TCase *tests = tcase_create("http_fields");
    tcase_add_checked_fixture(tests, NULL, finish_arena);
    tcase_add_test(tests, a_tracestate_is_a_list_of_keys_and_values);
    tcase_add_test(tests, baggage_is_a_list_of_keys_and_values_with_properties);
    tcase_add_test(tests, only_identity_is_no_encoding);
    tcase_add_test(tests, entity_tags_are_read_as_versions);
    tcase_add_test(tests, tags_that_are_not_ours_match_nothing);
    tcase_add_test(tests, weak_tags_match_only_where_the_comparison_is_weak);
    tcase_add_test(tests, what_is_no_list_of_tags_is_refused);
    tcase_add_test(tests, idempotency_keys_come_bare_or_quoted);
    tcase_add_test(tests, the_first_return_preference_counts);
    tcase_add_test(tests, accept_weighs_the_range_that_fits_best);
    tcase_add_test(tests, events_are_preferred_only_by_name);
    tcase_add_test(tests, a_type_is_preferred_by_its_weight);
    tcase_add_test(tests, a_body_is_json_in_utf_8);
    tcase_add_test(tests, request_ids_and_traces_are_taken_only_in_their_form);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
