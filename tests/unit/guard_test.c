#include "support.h"

#include <string.h>

#include "guard.h"

static struct base_arena arena;

static void finish_arena(void)
{
    base_arena_finish(&arena);
}

/* ---- a request in the buffer of libmicrohttpd 0.9.75 ----------------------------------------- */

/* What the guard has against the bytes of a request up to the empty line. They are taken apart as
 * libmicrohttpd 0.9.75 does it, which ends a line at any line feed and a text at any NUL. */
static const char *complaint_of(
    const char *bytes, size_t n_bytes, struct http_headers *headers, bool is_lenient)
{
    *headers = (struct http_headers){0};
    char *method = base_arena_copy(&arena, bytes, n_bytes);
    char *end = method + n_bytes;
    char *line_end = memchr(method, '\n', n_bytes);
    char *next = line_end + 1;
    *line_end-- = '\0';
    if (*line_end == '\r')
        *line_end-- = '\0';
    char *target = memchr(method, ' ', n_bytes);
    *target++ = '\0';
    while (*target == ' ')
        target++;
    while (*line_end != ' ')
        line_end--;
    *line_end = '\0';
    const char *version = line_end + 1;
    const char *raw_target = base_arena_copy_text(&arena, target);

    const struct http_received received = {
        .method = method, .target = target, .version = version, .n_bytes = n_bytes};
    struct http_guard guard;
    http_guard_begin(&guard, &arena, headers, is_lenient ? &received : NULL);
    while (next < end) {
        char *name = next;
        line_end = memchr(name, '\n', (size_t)(end - name));
        next = line_end + 1;
        *line_end = '\0';
        if (line_end > name && line_end[-1] == '\r')
            line_end[-1] = '\0';
        if (*name == '\0')
            break;
        char *colon = strchr(name, ':');
        ck_assert_ptr_nonnull(colon);
        *colon = '\0';
        char *value = colon + 1;
        value += strspn(value, " \t");
        http_guard_header(&guard, name, strlen(name), value, strlen(value));
    }
    return http_guard_finish(&guard, method, raw_target, version);
}

#define COMPLAINT(bytes, headers) complaint_of((bytes), sizeof(bytes) - 1, (headers), true)

static bool is_refused(const char *bytes, size_t n_bytes)
{
    struct http_headers headers;
    return complaint_of(bytes, n_bytes, &headers, true) != NULL;
}

/* Requests with these headers; with a Host of their own. */
#define FIRST "POST /carts HTTP/1.1\r\n"
#define REQUEST(lines) FIRST "Host: x\r\n" lines "\r\n"
#define REFUSES(bytes) ck_assert(is_refused((bytes), sizeof(bytes) - 1))
#define ALLOWS(bytes) ck_assert(!is_refused((bytes), sizeof(bytes) - 1))

START_TEST(a_plain_request_passes_the_guard)
{
    ALLOWS(REQUEST(""));
    ALLOWS(REQUEST("Accept:\r\nX-Other: \t a b\tc \r\nContent-Length: 12\r\n"));
    ALLOWS(REQUEST("transfer-encoding: Chunked\r\n"));
    ALLOWS(REQUEST("X-Utf8: gr\xc3\xbcn\r\n"));
    ALLOWS("GET / HTTP/1.0\r\n\r\n");
}
END_TEST

START_TEST(a_body_whose_end_is_ambiguous_is_refused)
{
    REFUSES(REQUEST("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"));
    REFUSES(REQUEST("Content-Length: 2\r\nContent-Length: 2\r\n"));
    REFUSES(REQUEST("Content-Length: +2\r\n"));
    REFUSES(REQUEST("Content-Length: 2, 2\r\n"));
    REFUSES(REQUEST("Content-Length: \r\n"));
    REFUSES(REQUEST("Content-Length: 0x2\r\n"));
    REFUSES(REQUEST("Transfer-Encoding: gzip, chunked\r\n"));
    REFUSES(REQUEST("Transfer-Encoding: identity\r\n"));
    REFUSES(REQUEST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
}
END_TEST

START_TEST(an_encoding_is_what_the_library_takes_for_it)
{
    static const char bytes[] = REQUEST("Transfer-Encoding: chunked \r\n");
    struct http_headers headers;
    ck_assert_ptr_nonnull(complaint_of(bytes, sizeof(bytes) - 1, &headers, true));
    ck_assert_ptr_null(complaint_of(bytes, sizeof(bytes) - 1, &headers, false));
}
END_TEST

START_TEST(a_continue_is_not_expected_without_a_body)
{
    REFUSES(REQUEST("Expect: 100-continue\r\n"));
    REFUSES(REQUEST("Expect: 100-continue\r\nContent-Length: 00\r\n"));
    ALLOWS(REQUEST("Expect: 100-continue\r\nContent-Length: 10\r\n"));
    ALLOWS(REQUEST("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
}
END_TEST

START_TEST(http_1_0_needs_no_host_and_has_no_chunks)
{
    ALLOWS("POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n");
    REFUSES("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    REFUSES("GET / HTTP/1.1\r\n\r\n");
}
END_TEST

START_TEST(a_host_is_a_host)
{
    ALLOWS(FIRST "Host: cartd.example\r\n\r\n");
    ALLOWS(FIRST "Host: cartd.example:8080\r\n\r\n");
    ALLOWS(FIRST "Host: 127.0.0.1:\r\n\r\n");
    ALLOWS(FIRST "Host: [::1]:8080\r\n\r\n");
    ALLOWS(FIRST "Host:\r\n\r\n");
    REFUSES(FIRST "Host: a b\r\n\r\n");
    REFUSES(FIRST "Host: a/b\r\n\r\n");
    REFUSES(FIRST "Host: a@b\r\n\r\n");
    REFUSES(FIRST "Host: a:b\r\n\r\n");
    REFUSES(FIRST "Host: a:1:2\r\n\r\n");
    REFUSES(FIRST "Host: [::1\r\n\r\n");
    REFUSES(FIRST "Host: [::1]a\r\n\r\n");
    REFUSES(FIRST "Host: <a>\r\n\r\n");
}
END_TEST

START_TEST(headers_that_come_twice_are_refused_combined_or_forgotten)
{
    REFUSES(REQUEST("Host: x\r\n"));
    REFUSES(REQUEST("Idempotency-Key: a\r\nidempotency-key: a\r\n"));
    REFUSES(REQUEST("Content-Type: a\r\nContent-Type: b\r\n"));
    struct http_headers headers;
    ck_assert_ptr_null(COMPLAINT(
        REQUEST("If-Match: \"1\"  \r\nIf-Match:\t\"2\"\r\nX-Request-Id: a\r\n"
                "Prefer: a=b \r\nX-Request-Id: b\r\nAccept: a/b\r\n"),
        &headers));
    ck_assert_str_eq(headers.values[HTTP_HEADER_IF_MATCH], "\"1\", \"2\"");
    ck_assert_str_eq(headers.values[HTTP_HEADER_PREFER], "a=b");
    ck_assert_str_eq(headers.values[HTTP_HEADER_ACCEPT], "a/b");
    ck_assert_ptr_null(headers.values[HTTP_HEADER_X_REQUEST_ID]);
    ck_assert_ptr_null(headers.values[HTTP_HEADER_IF_NONE_MATCH]);
}
END_TEST

START_TEST(what_has_characters_that_do_not_belong_there_is_refused)
{
    REFUSES(REQUEST("Content-Length : 2\r\n"));
    REFUSES(REQUEST(" Folded-First: 2\r\n"));
    REFUSES(REQUEST("A b: c\r\n"));
    REFUSES(REQUEST("A(b): c\r\n"));
    REFUSES(REQUEST(": c\r\n"));
    REFUSES(REQUEST("A: b\x01\r\n"));
    REFUSES(REQUEST("A: b\x7f\r\n"));
    REFUSES(REQUEST("A: b\rC: d\r\n"));
    REFUSES("GE(T / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n");
}
END_TEST

START_TEST(every_byte_of_the_first_line_is_accounted_for)
{
    REFUSES("GET  / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET /  HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET\0X / HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET /a\0/b HTTP/1.1\r\nHost: x\r\n\r\n");
    REFUSES("GET / HTTP/1.1\nHost: x\r\n\r\n");
    REFUSES("GET / HTTP/1.0\n\r\n");
    REFUSES("GET / HTTP/1.0\r\n\n");
}
END_TEST

START_TEST(every_byte_of_the_headers_is_accounted_for)
{
    REFUSES(REQUEST("A: b\nC: d\r\n"));
    REFUSES(FIRST "Host: x\r\nA: b\n\0\t\n");
    REFUSES(REQUEST("A: b\0c\r\n"));
    REFUSES(REQUEST("A: b\0\0c\r\n"));
    REFUSES(REQUEST("A: b\0\0\0\0\r\n"));
    REFUSES(REQUEST("A: b\0\0c\r\nD: e\r\n"));
    REFUSES(REQUEST("\0A: b\r\n"));
    REFUSES(FIRST "Host: x\n\r\n");
    REFUSES(FIRST "Host: x\r\n\n");
}
END_TEST

START_TEST(a_folded_header_is_seen_by_where_its_name_is)
{
    struct http_headers headers = {0};
    static const char bytes[] = "GET\0/\0HTTP/1.1\0\0Content-Length\0 0\0\0\0\0";
    const struct http_received received = {
        .method = bytes, .target = bytes + 4, .version = bytes + 6, .n_bytes = sizeof(bytes) - 1};
    const char *name = bytes + 16;
    static const char moved[] = "Content-Length5";
    struct http_guard guard;
    http_guard_begin(&guard, &arena, &headers, &received);
    http_guard_header(&guard, moved, 15, name + 16, 1);
    ck_assert_ptr_nonnull(guard.complaint);
    http_guard_begin(&guard, &arena, &headers, &received);
    http_guard_header(&guard, name, 14, name + 16, 1);
    ck_assert_ptr_null(guard.complaint);
}
END_TEST

START_TEST(a_strict_library_is_trusted_with_its_own_buffer)
{
    struct http_headers headers = {0};
    struct http_guard guard;
    http_guard_begin(&guard, &arena, &headers, NULL);
    http_guard_header(&guard, "Host", 4, "x", 1);
    ck_assert_ptr_null(http_guard_finish(&guard, "GET", "/", "HTTP/1.1"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tests = tcase_create("guard");
    tcase_add_checked_fixture(tests, NULL, finish_arena);
    tcase_add_test(tests, a_plain_request_passes_the_guard);
    tcase_add_test(tests, a_body_whose_end_is_ambiguous_is_refused);
    tcase_add_test(tests, an_encoding_is_what_the_library_takes_for_it);
    tcase_add_test(tests, a_continue_is_not_expected_without_a_body);
    tcase_add_test(tests, http_1_0_needs_no_host_and_has_no_chunks);
    tcase_add_test(tests, a_host_is_a_host);
    tcase_add_test(tests, headers_that_come_twice_are_refused_combined_or_forgotten);
    tcase_add_test(tests, what_has_characters_that_do_not_belong_there_is_refused);
    tcase_add_test(tests, every_byte_of_the_first_line_is_accounted_for);
    tcase_add_test(tests, every_byte_of_the_headers_is_accounted_for);
    tcase_add_test(tests, a_folded_header_is_seen_by_where_its_name_is);
    tcase_add_test(tests, a_strict_library_is_trusted_with_its_own_buffer);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
