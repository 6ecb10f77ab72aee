#include "support.h"

#include <fcntl.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"

/* Times and scopes, to the second; the rest is tested over HTTP (test_auth, test_access). */

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW_S 1900000000L

static struct auth *auth;
static struct metrics metrics;
static struct base_arena arena;
static char path[] = "/tmp/cartd-auth-test-XXXXXX";

static void open_auth(void)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, SECRET "\n", strlen(SECRET) + 1), (int)strlen(SECRET) + 1);
    (void)close(fd);
    char *problem = NULL;
    metrics = (struct metrics){0};
    auth = auth_create(
        &(struct auth_options){
            .log = support_quiet_log(),
            .metrics = &metrics,
            .algorithm = AUTH_HS256,
            .keys = path,
            .issuer = "issuer",
            .audience = "cartd",
        },
        &problem);
    ck_assert_msg(auth != NULL, "%s", problem);
}

static void close_auth(void)
{
    auth_destroy(auth);
    auth_destroy(NULL);
    base_arena_finish(&arena);
    (void)unlink(path);
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
}

static const char *make_token(const char *scope, long expires_at_s, long not_before_s)
{
    jwt_t *jwt = NULL;
    ck_assert_int_eq(jwt_new(&jwt), 0);
    ck_assert_int_eq(jwt_add_grant(jwt, "iss", "issuer"), 0);
    ck_assert_int_eq(jwt_add_grant(jwt, "aud", "cartd"), 0);
    ck_assert_int_eq(jwt_add_grant(jwt, "sub", "ada"), 0);
    ck_assert_int_eq(jwt_add_grant(jwt, "scope", scope), 0);
    ck_assert_int_eq(jwt_add_grant_int(jwt, "exp", expires_at_s), 0);
    if (not_before_s != 0)
        ck_assert_int_eq(jwt_add_grant_int(jwt, "nbf", not_before_s), 0);
    ck_assert_int_eq(
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)SECRET, (int)strlen(SECRET)), 0);
    char *text = jwt_encode_str(jwt);
    const char *copy = base_arena_copy_text(&arena, text);
    free(text);
    jwt_free(jwt);
    return copy;
}

static const char *verify_at(const char *token, long now_s, struct auth_identity *identity)
{
    return auth_verify(auth, token, (int64_t)now_s * 1000000, &arena, identity);
}

START_TEST(a_token_expires_to_the_second)
{
    struct auth_identity identity;
    const char *token = make_token("carts", NOW_S, 0);
    ck_assert_ptr_null(verify_at(token, NOW_S + AUTH_LEEWAY_S - 1, &identity));
    ck_assert_str_eq(identity.subject, "ada");
    ck_assert_int_eq(identity.expires_at_s, NOW_S);
    /* It is cached by now, and expires all the same. */
    ck_assert_str_eq(verify_at(token, NOW_S + AUTH_LEEWAY_S, &identity), "The token has expired.");
    ck_assert_ptr_null(identity.subject);
    ck_assert_uint_eq(identity.scopes, 0);
}
END_TEST

START_TEST(a_token_begins_to_the_second)
{
    struct auth_identity identity;
    const char *token = make_token("carts", NOW_S + 100, NOW_S);
    ck_assert_str_eq(
        verify_at(token, NOW_S - AUTH_LEEWAY_S - 1, &identity), "The token is not valid yet.");
    ck_assert_ptr_null(verify_at(token, NOW_S - AUTH_LEEWAY_S, &identity));
    /* Also when it is cached, and the clock was set back. */
    ck_assert_ptr_nonnull(verify_at(token, NOW_S - AUTH_LEEWAY_S - 1, &identity));
}
END_TEST

START_TEST(scopes_are_read_whole)
{
    static const struct {
        const char *scope;
        unsigned scopes;
    } rows[] = {
        {"", 0},
        {"carts", AUTH_ALLOW(CARTS)},
        {"carts:all", AUTH_ALLOW(CARTS_ALL)},
        {" reports  catalog ", AUTH_ALLOW(REPORTS) | AUTH_ALLOW(CATALOG)},
        {"cart cartsx carts: carts:al CARTS openid", 0},
        {"events carts carts", AUTH_ALLOW(EVENTS) | AUTH_ALLOW(CARTS)},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct auth_identity identity;
        ck_assert_ptr_null(verify_at(make_token(rows[i].scope, NOW_S, 0), NOW_S, &identity));
        ck_assert_uint_eq(identity.scopes, rows[i].scopes);
    }
}
END_TEST

START_TEST(a_signature_is_verified_once_until_the_keys_are_read_again)
{
    struct auth_identity identity;
    const char *token = make_token("carts", NOW_S, 0);
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_null(verify_at(token, NOW_S, &identity));
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_VERIFIED], 1);
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_CACHED], 4);
    auth_reload(auth);
    ck_assert_ptr_null(verify_at(token, NOW_S, &identity));
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_VERIFIED], 2);
}
END_TEST

static void verify_nth(int n)
{
    struct auth_identity identity;
    char scope[32];
    (void)snprintf(scope, sizeof scope, "carts n%d", n);
    ck_assert_msg(verify_at(make_token(scope, NOW_S, 0), NOW_S, &identity) == NULL, "%d", n);
}

/* One more than are cached: only the one that was not used for longest is verified again. */
START_TEST(more_tokens_than_are_cached_are_all_taken)
{
    for (int i = 0; i < AUTH_CACHED_MAX; i++)
        verify_nth(i);
    verify_nth(0);
    verify_nth(AUTH_CACHED_MAX);
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_VERIFIED], AUTH_CACHED_MAX + 1);
    verify_nth(0);
    verify_nth(2);
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_VERIFIED], AUTH_CACHED_MAX + 1);
    verify_nth(1);
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_VERIFIED], AUTH_CACHED_MAX + 2);
    ck_assert_int_eq(metrics.numbers[METRICS_TOKENS_REFUSED], 0);
}
END_TEST

START_TEST(a_token_of_the_longest_length_is_looked_at)
{
    struct auth_identity identity;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    for (int i = 0; i < AUTH_TOKEN_MAX + 1; i++)
        base_buffer_append_char(&text, 'x');
    ck_assert_str_eq(
        verify_at(base_buffer_text(&text), NOW_S, &identity), "The token is too long.");
    text.length--;
    ck_assert_str_eq(
        verify_at(base_buffer_text(&text), NOW_S, &identity), "The token is not a signed JWT.");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("auth");
    TCase *tests = tcase_create("tokens");
    tcase_add_checked_fixture(tests, open_auth, close_auth);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_token_expires_to_the_second);
    tcase_add_test(tests, a_token_begins_to_the_second);
    tcase_add_test(tests, scopes_are_read_whole);
    tcase_add_test(tests, a_signature_is_verified_once_until_the_keys_are_read_again);
    tcase_add_test(tests, more_tokens_than_are_cached_are_all_taken);
    tcase_add_test(tests, a_token_of_the_longest_length_is_looked_at);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
