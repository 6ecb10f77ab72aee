#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "listen.h"
#include "problems.h"
#include "routes.h"
#include "target.h"

static struct base_arena arena;

static void finish_arena(void)
{
    base_arena_finish(&arena);
}

/* ---- targets --------------------------------------------------------------------------------- */

START_TEST(ambiguous_targets_are_refused)
{
    static const char *const refused[] = {
        "",
        "*",
        "x:80",
        "http:/x/carts",
        "ftp://x/",
        "carts",
        "/a#b",
        "/a b",
        "/a\tb",
        "/\xc3",
        "/a%00",
        "/a?b=%00",
        "/a%2fb",
        "/a%2Fb",
        "/a%4",
        "/a%zz",
        "/%",
        "/a\\b",
        "/a?b=\"c\"",
        "/a?b=<c>",
        "/products%2Fa",
        "/%70roducts/a%2Fb",
        "/products/a/b%2Fc",
        "//products/a%2Fb",
        "/products//a%2Fb",
        "/carts/products/a%2Fb",
        "/products/a%00",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++)
        ck_assert_msg(http_target_complaint(refused[i]) != NULL, "%s", refused[i]);
    static const char *const allowed[] = {
        "/",
        "/a%20b",
        "/a?b=c%2Fd",
        "/a?b=/?:@!$&'()*+,;=",
        "/products/a%2fb",
        "/products/%2F",
        "http://x/products/a%2Fb%2F?c",
    };
    for (size_t i = 0; i < BASE_COUNT(allowed); i++)
        ck_assert_msg(http_target_complaint(allowed[i]) == NULL, "%s", allowed[i]);
}
END_TEST

START_TEST(a_target_may_be_a_whole_url)
{
    static const struct {
        const char *raw;
        const char *authority;
        const char *path;
        const char *query;
    } rows[] = {
        {"http://x/carts/a%20b?sku=t", "x", "/carts/a%20b", "sku=t"},
        {"HTTPS://shop.example:8443/livez", "shop.example:8443", "/livez", NULL},
        {"http://[::1]:80", "[::1]:80", "/", NULL},
        {"http://x?a", "x", "/", "a"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        size_t length;
        const char *authority = http_find_authority(rows[i].raw, &length);
        ck_assert_str_eq(base_arena_copy(&arena, authority, length), rows[i].authority);
        ck_assert_ptr_null(http_target_complaint(rows[i].raw));
        struct http_target target;
        http_split_target(rows[i].raw, &arena, &target);
        ck_assert_str_eq(target.path, rows[i].path);
        if (rows[i].query == NULL)
            ck_assert_ptr_null(target.query);
        else
            ck_assert_str_eq(target.query, rows[i].query);
    }
    ck_assert_ptr_nonnull(http_target_complaint("http://x/a%2fb"));
    ck_assert_ptr_nonnull(http_target_complaint("http://x/a b"));
    size_t length;
    ck_assert_ptr_null(http_find_authority("/http://x/", &length));
}
END_TEST

START_TEST(a_target_is_split_before_it_is_decoded_once)
{
    struct http_target target;
    http_split_target("/carts/a%2520b/it%65ms?limit=2&sku=%26x", &arena, &target);
    ck_assert_str_eq(target.path, "/carts/a%2520b/it%65ms");
    ck_assert_str_eq(target.query, "limit=2&sku=%26x");
    ck_assert_uint_eq(target.n_segments, 3);
    ck_assert_str_eq(target.segments[1], "a%20b");
    ck_assert_str_eq(target.segments[2], "items");
    http_split_target("/carts/", &arena, &target);
    ck_assert_uint_eq(target.n_segments, 2);
    ck_assert_str_eq(target.segments[1], "");
    ck_assert_ptr_null(target.query);
    http_split_target("/1/2/3/4/5/6/7/8", &arena, &target);
    ck_assert_uint_eq(target.n_segments, HTTP_SEGMENTS_MAX + 1);
}
END_TEST

static const char *query_complaint(const char *query)
{
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    return http_read_parameters(query, HTTP_ALLOW(SKU) | HTTP_ALLOW(LIMIT), &arena, values);
}

START_TEST(query_parameters_are_decoded_and_known_and_single)
{
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    unsigned allowed = HTTP_ALLOW(SKU) | HTTP_ALLOW(CUSTOMER_ID) | HTTP_ALLOW(VERBOSE);
    ck_assert_ptr_null(http_read_parameters(
        "s%6Bu=a%26b&&customer_id=x+y%2Bz=&verbose&", allowed, &arena, values));
    ck_assert_str_eq(values[HTTP_PARAMETER_SKU], "a&b");
    ck_assert_str_eq(values[HTTP_PARAMETER_CUSTOMER_ID], "x y+z=");
    ck_assert_str_eq(values[HTTP_PARAMETER_VERBOSE], "");
    ck_assert_ptr_null(values[HTTP_PARAMETER_LIMIT]);

    ck_assert_ptr_null(query_complaint(NULL));
    ck_assert_ptr_null(query_complaint(""));
    ck_assert_ptr_nonnull(strstr(query_complaint("wait=1"), "\"wait\""));
    ck_assert_ptr_nonnull(strstr(query_complaint("status=open"), "\"status\""));
    ck_assert_ptr_nonnull(strstr(query_complaint("sku=a&sku=a"), "twice"));
    ck_assert_ptr_nonnull(strstr(query_complaint("sku=%ff"), "UTF-8"));
    ck_assert_ptr_nonnull(query_complaint("=1"));
}
END_TEST

START_TEST(parameters_that_mean_nothing_anywhere_are_ignored)
{
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    ck_assert_ptr_null(http_read_parameters(
        "_=1732350000&utm_source=mail&utm_campaign=%ff&sku=a&fbclid=x&gclid=y&_ga=1&utm_source=b",
        HTTP_ALLOW(SKU), &arena, values));
    ck_assert_str_eq(values[HTTP_PARAMETER_SKU], "a");

    ck_assert_ptr_nonnull(query_complaint("__=1"));
    ck_assert_ptr_nonnull(query_complaint("utm=1"));
    ck_assert_ptr_nonnull(query_complaint("FBCLID=1"));
}
END_TEST

START_TEST(lists_may_come_in_parts_but_not_without_end)
{
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    ck_assert_ptr_null(
        http_read_parameters("type=a,b&type=c&type=", HTTP_ALLOW(TYPE), &arena, values));
    ck_assert_str_eq(values[HTTP_PARAMETER_TYPE], "a,b,c,");

    struct base_buffer many = {0};
    for (int i = 0; i < HTTP_LISTED_MAX; i++)
        base_buffer_append_text(&many, "type=x&");
    const char *of_many[HTTP_N_PARAMETERS] = {NULL};
    ck_assert_ptr_null(
        http_read_parameters(base_buffer_text(&many), HTTP_ALLOW(TYPE), &arena, of_many));
    base_buffer_append_text(&many, "type=x");
    const char *of_more[HTTP_N_PARAMETERS] = {NULL};
    ck_assert_ptr_nonnull(
        http_read_parameters(base_buffer_text(&many), HTTP_ALLOW(TYPE), &arena, of_more));
    base_buffer_finish(&many);
}
END_TEST

START_TEST(what_is_encoded_for_a_link_can_be_decoded_again)
{
    struct base_buffer out = {0};
    base_buffer_append_text(&out, "cursor=");
    http_append_encoded(&out, "a+b/c=&\xc3\xbc ~");
    ck_assert_str_eq(base_buffer_text(&out), "cursor=a%2Bb%2Fc%3D%26%C3%BC%20~");
    const char *values[HTTP_N_PARAMETERS] = {NULL};
    ck_assert_ptr_null(
        http_read_parameters(base_buffer_text(&out), HTTP_ALLOW(CURSOR), &arena, values));
    ck_assert_str_eq(values[HTTP_PARAMETER_CURSOR], "a+b/c=&\xc3\xbc ~");
    base_buffer_finish(&out);
}
END_TEST

/* ---- routes ---------------------------------------------------------------------------------- */

static enum http_match find(const char *method, const char *path, const char **operation)
{
    struct http_target target;
    http_split_target(path, &arena, &target);
    const struct http_route *route = NULL;
    const char *values[HTTP_PATH_VALUES_MAX] = {NULL};
    enum http_match match = http_find_route(method, &target, &route, values);
    *operation = route == NULL ? "" : route->operation;
    return match;
}

START_TEST(every_operation_is_found_by_its_own_path)
{
    size_t n_routes;
    const struct http_route *routes = http_routes(&n_routes);
    ck_assert_uint_ge(n_routes, 18);
    for (size_t i = 0; i < n_routes; i++) {
        const char *operation;
        ck_assert_int_eq(find(routes[i].method, routes[i].path, &operation), HTTP_MATCH);
        ck_assert_str_eq(operation, routes[i].operation);
    }
}
END_TEST

START_TEST(paths_and_methods_that_no_operation_has_are_told_apart)
{
    const char *operation;
    static const char *const nowhere[] = {
        "/none",      "/cart",        "/cart/a",   "/cartss",          "/Carts",
        "/carts/",    "//carts",      "/carts/a/", "/carts//items",    "/carts/a/items/b/c",
        "/carts/a/b", "/1/2/3/4/5/6", "/%63arts",  "/carts/a/%69tems",
    };
    for (size_t i = 0; i < BASE_COUNT(nowhere); i++)
        ck_assert_msg(find("GET", nowhere[i], &operation) == HTTP_NO_PATH, "%s", nowhere[i]);
    ck_assert_int_eq(find("PATCH", "/carts", &operation), HTTP_NO_METHOD);
    ck_assert_int_eq(find("get", "/carts", &operation), HTTP_NO_METHOD);
    ck_assert_int_eq(find("GET", "/carts/a/items", &operation), HTTP_NO_METHOD);
    ck_assert_int_eq(find("HEAD", "/carts/a", &operation), HTTP_MATCH);
    ck_assert_str_eq(operation, "getCart");
    ck_assert_int_eq(find("HEAD", "/carts/a/items", &operation), HTTP_NO_METHOD);
}
END_TEST

START_TEST(the_values_of_a_path_are_decoded)
{
    struct http_target target;
    http_split_target("/carts/a%20b/items/c%25", &arena, &target);
    const struct http_route *route;
    const char *values[HTTP_PATH_VALUES_MAX];
    ck_assert_int_eq(http_find_route("DELETE", &target, &route, values), HTTP_MATCH);
    ck_assert_str_eq(values[0], "a b");
    ck_assert_str_eq(values[1], "c%");
}
END_TEST

START_TEST(allow_lists_the_methods_of_a_path)
{
    struct http_target target;
    http_split_target("/carts", &arena, &target);
    ck_assert_str_eq(http_allowed_methods(&target, &arena), "POST, GET, HEAD, OPTIONS");
    http_split_target("/carts/x/items/y", &arena, &target);
    ck_assert_str_eq(http_allowed_methods(&target, &arena), "PATCH, DELETE, OPTIONS");
}
END_TEST

/* ---- problems -------------------------------------------------------------------------------- */

START_TEST(every_refusal_of_a_cart_has_a_problem)
{
    static const char *const slugs[] = {
#define CART_ROW(NAME, slug) slug,
        CART_REFUSALS(CART_ROW)
#undef CART_ROW
    };
    for (size_t i = 0; i < BASE_COUNT(slugs); i++) {
        enum http_problem problem;
        ck_assert_msg(http_find_problem(slugs[i], &problem), "%s", slugs[i]);
    }
}
END_TEST

START_TEST(every_problem_is_found_by_its_slug_alone)
{
    for (int i = 0; i < HTTP_N_PROBLEMS; i++) {
        enum http_problem problem = (enum http_problem)i;
        enum http_problem found;
        ck_assert(http_find_problem(http_problem_slug(problem), &found));
        ck_assert_int_eq(found, problem);
        ck_assert_uint_ge(http_problem_status(problem), 400);
        ck_assert_uint_le(http_problem_status(problem), 503);
        ck_assert_uint_gt(strlen(http_problem_title(problem)), 0);
    }
    enum http_problem found;
    ck_assert(!http_find_problem("", &found));
    ck_assert(!http_find_problem("nothing-of-the-kind", &found));
}
END_TEST

START_TEST(explanations_name_the_limits_that_hold)
{
    static const struct {
        enum http_problem problem;
        int64_t limit;
    } limits[] = {
        {HTTP_PROBLEM_BODY_TOO_LARGE, HTTP_BODY_MAX},
        {HTTP_PROBLEM_CART_FULL, CART_LINES_MAX},
        {HTTP_PROBLEM_QUANTITY_OUT_OF_RANGE, CATALOG_QUANTITY_DEFAULT_MAX},
        {HTTP_PROBLEM_AMOUNT_TOO_LARGE, CART_AMOUNT_MAX},
    };
    for (size_t i = 0; i < BASE_COUNT(limits); i++) {
        struct base_buffer out = {0};
        http_explain_problem(&out, limits[i].problem);
        const char *limit = base_arena_printf(&arena, " %lld", (long long)limits[i].limit);
        ck_assert_ptr_nonnull(strstr(base_buffer_text(&out), limit));
        base_buffer_finish(&out);
    }
}
END_TEST

START_TEST(a_problem_is_written_with_the_members_that_it_has)
{
    struct base_buffer out = {0};
    struct http_refusal trouble = {.problem = HTTP_PROBLEM_CART_CLOSED, .detail = "A \"b\"."};
    http_write_problem(&out, &trouble, "r-1");
    ck_assert_str_eq(
        base_buffer_text(&out),
        "{\"type\":\"/problems/cart-closed\",\"title\":\"The cart is closed\",\"status\":409,"
        "\"detail\":\"A \\\"b\\\".\",\"request_id\":\"r-1\"}");
    out.length = 0;

    const struct codec_complaints errors = {.n = 2, .list = {{"/a", "One."}, {"/b/0", "Two."}}};
    trouble.pointer = "/commands/2";
    trouble.errors = &errors;
    trouble.has_current_total = true;
    trouble.current_total_minor = 0;
    trouble.cart_status = "cancelled";
    trouble.closed_at_us = CART_TIME_NONE;
    trouble.has_current_version = true;
    trouble.current_version = 9;
    trouble.missed_events = "[1]x";
    trouble.missed_events_length = 3;
    trouble.checks = "{}";
    http_write_problem(&out, &trouble, "r-1");
    ck_assert_ptr_nonnull(strstr(
        base_buffer_text(&out),
        ",\"request_id\":\"r-1\",\"pointer\":\"/commands/2\","
        "\"errors\":[{\"pointer\":\"/a\",\"detail\":\"One.\"},{\"pointer\":\"/b/"
        "0\",\"detail\":\"Two.\"}],"
        "\"current_total\":0,\"cart_status\":\"cancelled\",\"closed_at\":null,"
        "\"current_version\":9,\"missed_events\":[1],\"checks\":{}}"));
    base_buffer_finish(&out);
}
END_TEST

/* ---- sockets --------------------------------------------------------------------------------- */

START_TEST(addresses_are_numbers_with_a_port)
{
    static const char *const refused[] = {
        "",       "127.0.0.1",      "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "localhost:80",
        "::1:80", "[127.0.0.1]:80", "[]:80",      "127.0.0:80 ",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++) {
        char *problem = NULL;
        ck_assert_msg(http_parse_address(refused[i], &problem) == NULL, "%s", refused[i]);
        ck_assert_ptr_nonnull(problem);
        free(problem);
    }
    char *problem;
    struct addrinfo *found = http_parse_address("[::1]:8080", &problem);
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->ai_family, AF_INET6);
    freeaddrinfo(found);
}
END_TEST

START_TEST(a_star_is_all_addresses_of_both_kinds)
{
    char *taken;
    char *problem;
    ck_assert(!http_is_loopback("*:8080"));
    int fd = http_listen("*:0", &taken, &problem);
    ck_assert_int_ge(fd, 0);
    const char *port = strrchr(taken, ':');
    static const char *const addresses[] = {"127.0.0.1", "[::1]"};
    for (size_t i = 0; i < BASE_COUNT(addresses); i++) {
        struct base_buffer text = {0};
        base_buffer_printf(&text, "%s%s", addresses[i], port);
        struct addrinfo *where = http_parse_address(base_buffer_text(&text), &problem);
        ck_assert_ptr_nonnull(where);
        int client = socket(where->ai_family, SOCK_STREAM, 0);
        if (client >= 0) /* a machine may be without IPv6 */
            ck_assert_int_eq(connect(client, where->ai_addr, where->ai_addrlen), 0);
        close(client);
        freeaddrinfo(where);
        base_buffer_finish(&text);
    }
    close(fd);
    free(taken);
}
END_TEST

START_TEST(loopback_is_told_from_other_addresses)
{
    ck_assert(http_is_loopback("127.0.0.1:1"));
    ck_assert(http_is_loopback("127.1.2.3:1"));
    ck_assert(http_is_loopback("[::1]:1"));
    ck_assert(http_is_loopback("[::ffff:127.0.0.1]:1"));
    ck_assert(!http_is_loopback("[::ffff:192.0.2.1]:1"));
    ck_assert(!http_is_loopback("0.0.0.0:1"));
    ck_assert(!http_is_loopback("[::]:1"));
    ck_assert(!http_is_loopback("*:1"));
    ck_assert(!http_is_loopback("192.0.2.1:1"));
    ck_assert(!http_is_loopback("localhost:1"));
}
END_TEST

START_TEST(port_0_takes_a_free_one_that_others_may_share)
{
    char *taken;
    char *problem;
    int first = http_listen("127.0.0.1:0", &taken, &problem);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(strncmp(taken, "127.0.0.1:", 10), 0);
    ck_assert_str_ne(taken, "127.0.0.1:0");
    char *again;
    int second = http_listen(taken, &again, &problem);
    ck_assert_int_ge(second, 0);
    ck_assert_str_eq(again, taken);
    close(first);
    close(second);
    free(taken);
    free(again);
}
END_TEST

START_TEST(a_probe_says_why_there_is_no_answer)
{
    char *taken;
    char *problem = NULL;
    int status = 0;
    int fd = http_listen("127.0.0.1:0", &taken, &problem);
    ck_assert_int_ge(fd, 0);
    /* It listens, so the kernel connects, but nobody accepts. */
    ck_assert(!http_probe(taken, "/livez", 50, &status, &problem));
    ck_assert_ptr_nonnull(strstr(problem, "no answer in time"));
    free(problem);
    close(fd);
    problem = NULL;
    ck_assert(!http_probe(taken, "/livez", 50, &status, &problem));
    ck_assert_ptr_nonnull(strstr(problem, "refused"));
    free(problem);
    ck_assert_int_eq(status, 0);
    free(taken);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_add_checked_fixture(tests, NULL, finish_arena);
    tcase_add_test(tests, ambiguous_targets_are_refused);
    tcase_add_test(tests, a_target_may_be_a_whole_url);
    tcase_add_test(tests, a_target_is_split_before_it_is_decoded_once);
    tcase_add_test(tests, query_parameters_are_decoded_and_known_and_single);
    tcase_add_test(tests, parameters_that_mean_nothing_anywhere_are_ignored);
    tcase_add_test(tests, lists_may_come_in_parts_but_not_without_end);
    tcase_add_test(tests, what_is_encoded_for_a_link_can_be_decoded_again);
    tcase_add_test(tests, every_operation_is_found_by_its_own_path);
    tcase_add_test(tests, paths_and_methods_that_no_operation_has_are_told_apart);
    tcase_add_test(tests, the_values_of_a_path_are_decoded);
    tcase_add_test(tests, allow_lists_the_methods_of_a_path);
    tcase_add_test(tests, every_refusal_of_a_cart_has_a_problem);
    tcase_add_test(tests, every_problem_is_found_by_its_slug_alone);
    tcase_add_test(tests, explanations_name_the_limits_that_hold);
    tcase_add_test(tests, a_problem_is_written_with_the_members_that_it_has);
    tcase_add_test(tests, addresses_are_numbers_with_a_port);
    tcase_add_test(tests, a_star_is_all_addresses_of_both_kinds);
    tcase_add_test(tests, loopback_is_told_from_other_addresses);
    tcase_add_test(tests, port_0_takes_a_free_one_that_others_may_share);
    tcase_add_test(tests, a_probe_says_why_there_is_no_answer);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
