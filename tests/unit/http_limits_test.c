#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "callers.h"
#include "cors.h"
#include "deadlines.h"

/* ---- deadlines ------------------------------------------------------------------------------- */

static const unsigned ten_seconds_each[HTTP_N_PHASES] = {
    [HTTP_PHASE_IDLE] = 10,
    [HTTP_PHASE_HEADERS] = 10,
    [HTTP_PHASE_BODY] = 10,
    [HTTP_PHASE_ANSWER] = 10,
};

START_TEST(a_client_that_takes_too_long_is_cut_off)
{
    struct loop *loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    struct http_deadlines deadlines;
    struct metrics metrics = {0};
    http_init_deadlines(&deadlines, loop, &metrics, ten_seconds_each);
    deadlines.durations_us[HTTP_PHASE_BODY] = 1;
    int slow[2];
    int quick[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, slow), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, quick), 0);
    struct http_client *first = http_add_client(&deadlines, slow[0]);
    struct http_client *second = http_add_client(&deadlines, quick[0]);
    http_enter_phase(&deadlines, first, HTTP_PHASE_BODY);
    http_enter_phase(&deadlines, second, HTTP_PHASE_BODY);
    http_enter_phase(&deadlines, second, HTTP_PHASE_WORK);
    for (int i = 0; i < 100 && first->phase != HTTP_PHASE_CUT; i++)
        loop_turn(loop, 10);

    char byte;
    ck_assert_int_eq(read(slow[1], &byte, 1), 0);
    ck_assert_int_eq(read(quick[1], &byte, 1), -1);
    ck_assert_int_eq(second->phase, HTTP_PHASE_WORK);
    http_enter_phase(&deadlines, first, HTTP_PHASE_ANSWER);
    ck_assert_int_eq(first->phase, HTTP_PHASE_CUT);
    ck_assert_int_eq(metrics.numbers[METRICS_HTTP_CUT_BODY], 1);
    ck_assert_uint_eq(deadlines.n_open, 1);

    http_forget_client(&deadlines, first);
    http_forget_client(&deadlines, second);
    http_finish_deadlines(&deadlines);
    loop_destroy(loop);
    for (int i = 0; i < 2; i++) {
        close(slow[i]);
        close(quick[i]);
    }
}
END_TEST

START_TEST(who_was_waited_for_longest_makes_room_whatever_for)
{
    struct loop *loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    struct http_deadlines deadlines;
    struct metrics metrics = {0};
    http_init_deadlines(&deadlines, loop, &metrics, ten_seconds_each);
    static const enum http_phase phases[] = {
        HTTP_PHASE_BODY, HTTP_PHASE_WORK, HTTP_PHASE_IDLE, HTTP_PHASE_ANSWER, HTTP_PHASE_HEADERS,
    };
    struct http_client *clients[BASE_COUNT(phases)];
    int nowhere = socket(AF_UNIX, SOCK_STREAM, 0);
    for (size_t i = 0; i < BASE_COUNT(phases); i++) {
        clients[i] = http_add_client(&deadlines, nowhere);
        http_enter_phase(&deadlines, clients[i], phases[i]);
        clients[i]->due_us += (int64_t)i;
    }
    for (size_t i = 0; i < BASE_COUNT(phases); i++) {
        if (phases[i] == HTTP_PHASE_WORK)
            continue;
        ck_assert(http_cut_longest(&deadlines));
        ck_assert_int_eq(clients[i]->phase, HTTP_PHASE_CUT);
    }
    ck_assert(!http_cut_longest(&deadlines));
    ck_assert_int_eq(clients[1]->phase, HTTP_PHASE_WORK);
    ck_assert_uint_eq(deadlines.n_open, 1);
    ck_assert_int_eq(metrics.numbers[METRICS_HTTP_CUT_FOR_ROOM], BASE_COUNT(phases) - 1);
    for (size_t i = 0; i < BASE_COUNT(phases); i++)
        http_forget_client(&deadlines, clients[i]);
    ck_assert_uint_eq(deadlines.n_open, 0);
    http_finish_deadlines(&deadlines);
    loop_destroy(loop);
    close(nowhere);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

static struct http_address read_address(const char *text)
{
    struct http_address address;
    ck_assert_msg(http_read_address(text, strlen(text), &address), "%s", text);
    return address;
}

static const char *shown(struct http_address address)
{
    static char text[HTTP_ADDRESS_SIZE];
    http_format_address(&address, text);
    return text;
}

START_TEST(an_address_is_read_in_every_form_that_proxies_write)
{
    ck_assert_str_eq(shown(read_address("192.0.2.1")), "192.0.2.1");
    ck_assert_str_eq(shown(read_address(" 192.0.2.1:80\t")), "192.0.2.1");
    ck_assert_str_eq(shown(read_address("::FFFF:192.0.2.1")), "192.0.2.1");
    ck_assert_str_eq(shown(read_address("2001:DB8:0::1")), "2001:db8::1");
    ck_assert_str_eq(shown(read_address("[2001:db8::1]")), "2001:db8::1");
    ck_assert_str_eq(shown(read_address("[2001:db8::1]:443")), "2001:db8::1");
    static const char *const refused[] = {
        "",
        " ",
        "unknown",
        "_hidden",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "[",
        "[]",
        "[::1",
        "::1::",
        "1.2.3.4 5",
        ":80",
        "fe80::1%eth0",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001",
    };
    for (size_t i = 0; i < BASE_COUNT(refused); i++) {
        struct http_address address = {{42}};
        ck_assert_msg(
            !http_read_address(refused[i], strlen(refused[i]), &address), "%s", refused[i]);
        ck_assert_uint_eq(address.bytes[0], 42);
    }
}
END_TEST

START_TEST(the_kernel_s_addresses_are_the_same_as_those_in_texts)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    inet_pton(AF_INET, "192.0.2.1", &four.sin_addr);
    ck_assert_str_eq(shown(http_address_of((struct sockaddr *)&four)), "192.0.2.1");
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "::ffff:192.0.2.1", &six.sin6_addr);
    ck_assert_str_eq(shown(http_address_of((struct sockaddr *)&six)), "192.0.2.1");
    inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr);
    ck_assert_str_eq(shown(http_address_of((struct sockaddr *)&six)), "2001:db8::1");
    const struct sockaddr none = {.sa_family = AF_UNIX};
    ck_assert_str_eq(shown(http_address_of(&none)), "::");
}
END_TEST

static bool is_proxy(const char *list, const char *address)
{
    struct http_proxies proxies;
    char *problem = NULL;
    ck_assert_msg(http_read_proxies(list, &proxies, &problem), "%s", problem);
    const struct http_address asked = read_address(address);
    return http_is_proxy(&proxies, &asked);
}

START_TEST(proxies_are_addresses_and_networks)
{
    ck_assert(!is_proxy("", "127.0.0.1"));
    ck_assert(is_proxy("127.0.0.1", "127.0.0.1"));
    ck_assert(!is_proxy("127.0.0.1", "127.0.0.2"));
    ck_assert(is_proxy("192.0.2.0/24, 10.0.0.0/9", "10.127.255.255"));
    ck_assert(!is_proxy("192.0.2.0/24,10.0.0.0/9", "10.128.0.0"));
    ck_assert(is_proxy("0.0.0.0/0", "203.0.113.1"));
    ck_assert(!is_proxy("0.0.0.0/0", "2001:db8::1"));
    ck_assert(is_proxy("fd00::/8", "fdff::1"));
    ck_assert(!is_proxy("fd00::/8", "fe00::1"));
    ck_assert(is_proxy("2001:db8::1/128", "2001:db8::1"));
    ck_assert(!is_proxy("2001:db8::1", "2001:db8::2"));
}
END_TEST

START_TEST(an_origin_is_what_the_nearest_proxies_say_and_nothing_further_left)
{
    struct http_proxies proxies;
    char *problem;
    ck_assert(http_read_proxies("10.0.0.0/8", &proxies, &problem));
    static const struct {
        const char *peer;
        const char *forwarded_for;
        const char *origin;
    } cases[] = {
        {"192.0.2.1", NULL, "192.0.2.1"},
        {"192.0.2.1", "203.0.113.1", "192.0.2.1"},
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.1", "203.0.113.1"},
        {"10.0.0.1", "198.51.100.7, 203.0.113.1", "203.0.113.1"},
        {"10.0.0.1", "198.51.100.7, 203.0.113.1, 10.0.0.2,10.0.0.3", "203.0.113.1"},
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
        {"10.0.0.1", "203.0.113.1, unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.1, ,10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", ",", "10.0.0.1"},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        const struct http_address peer = read_address(cases[i].peer);
        ck_assert_str_eq(
            shown(http_find_origin(&proxies, &peer, cases[i].forwarded_for)), cases[i].origin);
    }
}
END_TEST

/* ---- callers --------------------------------------------------------------------------------- */

static struct loop *loop;
static struct http_callers callers;

static void set_limits(struct http_caller_limits limits)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    http_init_callers(&callers, loop, &limits);
}

static void finish_limits(void)
{
    http_finish_callers(&callers);
    loop_destroy(loop);
}

static struct base_uuid caller(uint32_t number)
{
    struct base_uuid id = {{[0] = 1}};
    memcpy(id.bytes + 4, &number, sizeof(number));
    return id;
}

static struct http_allowance read_once(uint32_t number)
{
    const struct base_uuid id = caller(number);
    return http_caller_spend(&callers, &id, HTTP_READS);
}

START_TEST(a_caller_is_an_address_and_of_ipv6_a_network)
{
    const struct http_address addresses[] = {
        read_address("192.0.2.1"),       read_address("192.0.2.2"),
        read_address("2001:db8::1"),     read_address("2001:db8::ffff:0:0:1"),
        read_address("2001:db8:0:1::1"),
    };
    struct base_uuid ids[BASE_COUNT(addresses)];
    for (size_t i = 0; i < BASE_COUNT(addresses); i++)
        ids[i] = http_caller_of_address(&addresses[i]);
    ck_assert_int_ne(memcmp(&ids[0], &ids[1], sizeof(ids[0])), 0);
    ck_assert_int_eq(memcmp(&ids[2], &ids[3], sizeof(ids[0])), 0);
    ck_assert_int_ne(memcmp(&ids[2], &ids[4], sizeof(ids[0])), 0);
}
END_TEST

START_TEST(a_bucket_is_emptied_and_fills_up_evenly)
{
    set_limits((struct http_caller_limits){.rates[HTTP_READS] = 6});
    for (unsigned left = 6; left-- > 0;) {
        struct http_allowance allowance = read_once(1);
        ck_assert(!allowance.is_spent);
        ck_assert_uint_eq(allowance.quota, 6);
        ck_assert_uint_eq(allowance.remaining, left);
        /* Until all are there again or, where none is left, one. */
        ck_assert_uint_eq(allowance.seconds, left == 0 ? 10 : (6 - left) * 10);
    }
    struct http_allowance allowance = read_once(1);
    ck_assert(allowance.is_spent);
    ck_assert_uint_eq(allowance.remaining, 0);
    ck_assert_uint_eq(allowance.seconds, 10);
    ck_assert(!read_once(2).is_spent);

    const struct base_uuid id = caller(1);
    ck_assert_uint_eq(http_caller_spend(&callers, &id, HTTP_WRITES).quota, 0);
    /* 10 s give one back; a microsecond less gives none. */
    ck_assert(read_once(1).is_spent);
    TAILQ_LAST(&callers.idle, http_idle_callers)->at_us -= 10 * 1000000 - 1;
    allowance = read_once(1);
    ck_assert(allowance.is_spent);
    ck_assert_uint_eq(allowance.seconds, 1);
    TAILQ_LAST(&callers.idle, http_idle_callers)->at_us -= 1;
    ck_assert(!read_once(1).is_spent);
    ck_assert(read_once(1).is_spent);
    /* It never holds more than it may. */
    TAILQ_LAST(&callers.idle, http_idle_callers)->at_us -= INT64_C(1000000) * 1000000;
    ck_assert_uint_eq(read_once(1).remaining, 5);
    finish_limits();
}
END_TEST

START_TEST(what_is_refunded_can_be_spent_again)
{
    set_limits((struct http_caller_limits){.rates[HTTP_COUPON_ATTEMPTS] = 2});
    const struct base_uuid id = caller(1);
    http_caller_refund(&callers, &id, HTTP_COUPON_ATTEMPTS); /* of nobody */
    for (int i = 0; i < 10; i++) {
        ck_assert(!http_caller_spend(&callers, &id, HTTP_COUPON_ATTEMPTS).is_spent);
        http_caller_refund(&callers, &id, HTTP_COUPON_ATTEMPTS);
    }
    http_caller_refund(&callers, &id, HTTP_COUPON_ATTEMPTS); /* there is no more than all */
    for (int i = 0; i < 2; i++)
        ck_assert(!http_caller_spend(&callers, &id, HTTP_COUPON_ATTEMPTS).is_spent);
    struct http_allowance allowance = http_caller_spend(&callers, &id, HTTP_COUPON_ATTEMPTS);
    ck_assert(allowance.is_spent);
    ck_assert_uint_eq(allowance.seconds, 30);
}
END_TEST

START_TEST(what_is_owed_is_worked_off)
{
    set_limits((struct http_caller_limits){.rates[HTTP_WRITES] = 60});
    const struct base_uuid id = caller(1);
    ck_assert(!http_caller_spend(&callers, &id, HTTP_WRITES).is_spent);
    struct http_allowance allowance = http_caller_owe(&callers, &id, HTTP_WRITES, 99);
    ck_assert(!allowance.is_spent);
    ck_assert_uint_eq(allowance.remaining, 0);
    allowance = http_caller_spend(&callers, &id, HTTP_WRITES);
    ck_assert(allowance.is_spent);
    ck_assert_uint_eq(allowance.seconds, 41);
    TAILQ_LAST(&callers.idle, http_idle_callers)->at_us -= 41 * 1000000;
    ck_assert(!http_caller_spend(&callers, &id, HTTP_WRITES).is_spent);
    finish_limits();
}
END_TEST

START_TEST(no_more_callers_are_remembered_than_may_be)
{
    set_limits((struct http_caller_limits){.rates[HTTP_READS] = 1, .held[HTTP_LISTENER] = 1});
    const struct base_uuid listening = caller(0);
    struct http_caller *listener = http_caller_hold(&callers, &listening, HTTP_LISTENER);
    ck_assert(!read_once(0).is_spent);
    for (uint32_t i = 1; i <= HTTP_CALLERS_MAX; i++)
        ck_assert(!read_once(i).is_spent);
    ck_assert_uint_eq(callers.n_idle, HTTP_CALLERS_MAX);
    ck_assert(read_once(1).is_spent); /* and is the newest now */
    for (uint32_t i = 1; i <= 1000; i++)
        ck_assert(!read_once(HTTP_CALLERS_MAX + i).is_spent);
    ck_assert_uint_eq(callers.n_idle, HTTP_CALLERS_MAX);
    ck_assert(read_once(1).is_spent);
    ck_assert(!read_once(2).is_spent); /* it was forgotten */
    /* Who holds something is not. */
    ck_assert(read_once(0).is_spent);
    http_caller_drop(&callers, listener, HTTP_LISTENER);
    ck_assert_uint_eq(callers.n_idle, HTTP_CALLERS_MAX);
    finish_limits();
}
END_TEST

START_TEST(callers_that_have_everything_back_are_forgotten)
{
    set_limits((struct http_caller_limits){.rates[HTTP_READS] = 1});
    for (uint32_t i = 0; i < 100; i++)
        (void)read_once(i);
    struct http_caller *old;
    TAILQ_FOREACH(old, &callers.idle, by_age)
    old->at_us -= 3 * HTTP_RATE_WINDOW_SECONDS * INT64_C(1000000);
    for (uint32_t i = 0; i < 30; i++)
        (void)read_once(1000 + i);
    ck_assert_uint_eq(callers.n_idle, 30);
    finish_limits();
}
END_TEST

START_TEST(a_caller_holds_what_it_may_and_no_more)
{
    set_limits((struct http_caller_limits){.held = {[HTTP_CONNECTION] = 2, [HTTP_LISTENER] = 1}});
    const struct base_uuid id = caller(1);
    const struct base_uuid other = caller(2);
    ck_assert(!http_caller_is_full(&callers, &id, HTTP_CONNECTION));
    struct http_caller *first = http_caller_hold(&callers, &id, HTTP_CONNECTION);
    ck_assert(!http_caller_is_full(&callers, &id, HTTP_CONNECTION));
    struct http_caller *second = http_caller_hold(&callers, &id, HTTP_CONNECTION);
    ck_assert_ptr_eq(first, second);
    ck_assert(http_caller_is_full(&callers, &id, HTTP_CONNECTION));
    ck_assert(!http_caller_is_full(&callers, &id, HTTP_LISTENER));
    ck_assert(!http_caller_is_full(&callers, &other, HTTP_CONNECTION));
    http_caller_drop(&callers, first, HTTP_CONNECTION);
    ck_assert(!http_caller_is_full(&callers, &id, HTTP_CONNECTION));
    http_caller_drop(&callers, second, HTTP_CONNECTION);
    http_caller_drop(&callers, NULL, HTTP_CONNECTION);
    finish_limits();
}
END_TEST

START_TEST(without_limits_nobody_is_remembered)
{
    set_limits((struct http_caller_limits){.held = {0}});
    const struct base_uuid id = caller(1);
    ck_assert_uint_eq(read_once(1).quota, 0);
    ck_assert_ptr_null(http_caller_hold(&callers, &id, HTTP_LISTENER));
    ck_assert(!http_caller_is_full(&callers, &id, HTTP_LISTENER));
    ck_assert_uint_eq(callers.n_idle, 0);
    finish_limits();
}
END_TEST

/* ---- origins --------------------------------------------------------------------------------- */

START_TEST(an_origin_is_allowed_as_it_is_written_and_in_no_other_way)
{
    struct http_origins origins;
    char *problem;
    ck_assert(http_read_origins("https://a.example, http://b:8080", &origins, &problem));
    ck_assert_str_eq(http_allowed_origin(&origins, "http://b:8080"), "http://b:8080");
    ck_assert_ptr_null(http_allowed_origin(&origins, "http://b"));
    ck_assert_ptr_null(http_allowed_origin(&origins, "https://b:8080"));
    ck_assert_ptr_null(http_allowed_origin(&origins, "null"));
    ck_assert_ptr_null(http_allowed_origin(&origins, NULL));
    http_finish_origins(&origins);
    ck_assert(http_read_origins("*", &origins, &problem));
    ck_assert_str_eq(http_allowed_origin(&origins, "https://c.example"), "*");
    ck_assert_ptr_null(http_allowed_origin(&origins, NULL));
    http_finish_origins(&origins);
    ck_assert(http_read_origins("", &origins, &problem));
    ck_assert_ptr_null(http_allowed_origin(&origins, ""));
    http_finish_origins(&origins);
}
END_TEST

START_TEST(an_origin_is_the_service_s_own_by_host_and_port_whatever_the_scheme)
{
    ck_assert(http_is_own_origin("https://shop.example", "shop.example"));
    ck_assert(http_is_own_origin("http://shop.example", "SHOP.example"));
    ck_assert(http_is_own_origin("https://shop.example", "shop.example:443"));
    ck_assert(http_is_own_origin("http://shop.example", "shop.example:80"));
    ck_assert(http_is_own_origin("http://127.0.0.1:8080", "127.0.0.1:8080"));
    ck_assert(http_is_own_origin("http://[::1]:8080", "[::1]:8080"));
    ck_assert(http_is_own_origin("https://[::1]", "[::1]:443"));

    ck_assert(!http_is_own_origin("https://evil.example", "shop.example"));
    ck_assert(!http_is_own_origin("https://shop.example", "shop.example:80"));
    ck_assert(!http_is_own_origin("http://shop.example", "shop.example:8080"));
    ck_assert(!http_is_own_origin("http://shop.example:8081", "shop.example:8080"));
    ck_assert(!http_is_own_origin("http://shop.example:8080", "shop.example"));
    ck_assert(!http_is_own_origin("http://shop.example", "shop.example.evil"));
    ck_assert(!http_is_own_origin("http://shop", "shop.example"));
    ck_assert(!http_is_own_origin("null", "null"));
    ck_assert(!http_is_own_origin("", "shop.example"));
    ck_assert(!http_is_own_origin("http://", ""));
    ck_assert(!http_is_own_origin("http://shop.example", NULL));
    ck_assert(!http_is_own_origin("https://shop.example, https://shop.example", "shop.example"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_limits");
    TCase *tests = tcase_create("http_limits");
    tcase_add_test(tests, a_client_that_takes_too_long_is_cut_off);
    tcase_add_test(tests, who_was_waited_for_longest_makes_room_whatever_for);
    tcase_add_test(tests, an_address_is_read_in_every_form_that_proxies_write);
    tcase_add_test(tests, the_kernel_s_addresses_are_the_same_as_those_in_texts);
    tcase_add_test(tests, proxies_are_addresses_and_networks);
    tcase_add_test(tests, an_origin_is_what_the_nearest_proxies_say_and_nothing_further_left);
    tcase_add_test(tests, a_caller_is_an_address_and_of_ipv6_a_network);
    tcase_add_test(tests, a_bucket_is_emptied_and_fills_up_evenly);
    tcase_add_test(tests, what_is_owed_is_worked_off);
    tcase_add_test(tests, what_is_refunded_can_be_spent_again);
    tcase_add_test(tests, no_more_callers_are_remembered_than_may_be);
    tcase_add_test(tests, callers_that_have_everything_back_are_forgotten);
    tcase_add_test(tests, a_caller_holds_what_it_may_and_no_more);
    tcase_add_test(tests, without_limits_nobody_is_remembered);
    tcase_add_test(tests, an_origin_is_the_service_s_own_by_host_and_port_whatever_the_scheme);
    tcase_add_test(tests, an_origin_is_allowed_as_it_is_written_and_in_no_other_way);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
