#include <string.h>

#include "codec.h"
#include "support.h"

/* Coupons and their codes, as they are written and read. */

static struct base_arena arena;
static struct base_buffer out;

static void end(void)
{
    base_arena_finish(&arena);
    base_buffer_finish(&out);
}

static const char *text(void)
{
    return base_buffer_text(&out);
}

/* ---- codes ----------------------------------------------------------------------------------- */

static void assert_same(const char *left, const char *right)
{
    const char *a = codec_fold_code(&arena, left);
    const char *b = codec_fold_code(&arena, right);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_str_eq(a, b);
}

START_TEST(codes_are_compared_without_case)
{
    assert_same("SUMMER", "summer");
    assert_same("Summer", "sUMMER");
    assert_same("Straße", "STRASSE");
    assert_same("ΣΊΣΥΦΟΣ", "Σίσυφος"); /* also with the sigma at the end */
    assert_same("É", "e\xcc\x81");     /* é in one character or two */
    assert_same("ＳＵＭＭＥＲ２０", "summer20");
    assert_same("sum\xe2\x80\x8bmer", "summer"); /* U+200B, which nobody sees */
    assert_same("ﬁne", "FINE");
    ck_assert_str_ne(codec_fold_code(&arena, "SUMMER"), codec_fold_code(&arena, "SUMMER2"));
    ck_assert_str_ne(codec_fold_code(&arena, "a b"), codec_fold_code(&arena, "ab"));
    ck_assert_str_ne(codec_fold_code(&arena, "а"), codec_fold_code(&arena, "a")); /* Cyrillic */
}
END_TEST

START_TEST(what_is_folded_again_stays)
{
    for (uint32_t point = 0x21; point < 0x20000; point++) {
        char code[5] = "";
        if (point < 0x80)
            code[0] = (char)point;
        else if (point < 0x800)
            code[0] = (char)(0xc0 | point >> 6), code[1] = (char)(0x80 | (point & 0x3f));
        else if (point < 0x10000)
            code[0] = (char)(0xe0 | point >> 12), code[1] = (char)(0x80 | (point >> 6 & 0x3f)),
            code[2] = (char)(0x80 | (point & 0x3f));
        else
            code[0] = (char)(0xf0 | point >> 18), code[1] = (char)(0x80 | (point >> 12 & 0x3f)),
            code[2] = (char)(0x80 | (point >> 6 & 0x3f)), code[3] = (char)(0x80 | (point & 0x3f));
        const char *folded = codec_fold_code(&arena, code);
        if (folded != NULL && codec_fold_code(&arena, folded) != NULL)
            ck_assert_msg(strcmp(codec_fold_code(&arena, folded), folded) == 0, "U+%04X", point);
        base_arena_reset(&arena);
    }
}
END_TEST

START_TEST(what_can_not_be_a_code_has_no_folding)
{
    static const char *const bad[] = {
        "",
        "a\nb",
        "\x7f",
        "\xff",
        "\xed\xa0\x80", /* half of a pair */
        ".",
        "..",
        "a/b",
        "a\\..",
        "\xe2\x80\x8b",     /* U+200B: nothing is left */
        "\xcd\xb8",         /* U+0378 is not assigned */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF is none */
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(codec_fold_code(&arena, bad[i]) == NULL, "%zu", i);
    char longest[COUPON_CODE_MAX + 2] = "";
    memset(longest, 'A', COUPON_CODE_MAX);
    ck_assert_ptr_nonnull(codec_fold_code(&arena, longest));
    longest[COUPON_CODE_MAX] = 'A';
    ck_assert_ptr_null(codec_fold_code(&arena, longest));
    /* U+FDFA is 18 characters when it is folded. */
    ck_assert_ptr_nonnull(codec_fold_code(&arena, "\xef\xb7\xba"));
    ck_assert_ptr_null(codec_fold_code(&arena, "\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba\xef\xb7\xba"));
}
END_TEST

/* ---- events and documents -------------------------------------------------------------------- */

#define PERCENT                                                                                    \
    "{\"code\":\"SUMMER\",\"percent\":1250,\"amount\":null,\"minimum\":{},\"skus\":[],"            \
    "\"tags\":[],\"starts_at\":null,\"ends_at\":null,\"limit\":null,"                              \
    "\"limit_per_customer\":null,\"combinable\":false}"
#define AMOUNT                                                                                     \
    "{\"code\":\"Straße\",\"percent\":null,\"amount\":{\"EUR\":300,\"USD\":350},"                 \
    "\"minimum\":{\"EUR\":2000},\"skus\":[\"cup/blue\",\"tea\"],\"tags\":[\"organic\"],"           \
    "\"starts_at\":\"2026-11-23T04:38:00.123456Z\",\"ends_at\":\"2026-12-23T00:00:00.000000Z\","   \
    "\"limit\":10,\"limit_per_customer\":1,\"combinable\":true}"

static struct coupon_event read_defined(const char *data)
{
    struct coupon_event event;
    ck_assert(codec_read_coupon_event("CouponDefined", 1, data, &arena, &event));
    return event;
}

START_TEST(a_definition_round_trips)
{
    static const char *const rows[] = {PERCENT, AMOUNT};
    const char *reason = "none";
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct coupon_event event = read_defined(rows[i]);
        out.length = 0;
        codec_write_coupon_event(&out, &event);
        ck_assert_str_eq(text(), rows[i]);
        ck_assert_msg(codec_round_trips("CouponDefined", 1, rows[i], &reason), "%s", reason);
    }
    struct coupon_definition definition = read_defined(PERCENT).defined;
    ck_assert(definition.starts_at_us == COUPON_TIME_NONE);
    ck_assert(definition.ends_at_us == COUPON_TIME_NONE);
    ck_assert_int_eq(definition.limit, 0);
}
END_TEST

START_TEST(uses_round_trip)
{
    static const struct {
        const char *type;
        const char *data;
    } rows[] = {
        {"CouponRedeemed", "{\"cart_id\":\"c\",\"customer_id\":\"ann\"}"},
        {"CouponReleased", "{\"cart_id\":\"c\",\"customer_id\":null}"},
        {"CouponWithdrawn", "{}"},
    };
    const char *reason = "none";
    struct coupon_event event;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        ck_assert(codec_read_coupon_event(rows[i].type, 1, rows[i].data, &arena, &event));
        ck_assert_str_eq(codec_coupon_event_name(event.type), rows[i].type);
        ck_assert_int_eq(codec_coupon_event_schema_version(event.type), 1);
        ck_assert(codec_round_trips(rows[i].type, 1, rows[i].data, &reason));
        ck_assert(!codec_read_coupon_event(rows[i].type, 2, rows[i].data, &arena, &event));
        ck_assert(!codec_read_coupon_event(rows[i].type, 1, "{\"a\":1}", &arena, &event));
    }
    ck_assert(!codec_read_coupon_event("CartCleared", 1, "{}", &arena, &event));
}
END_TEST

START_TEST(a_coupon_is_written_with_its_uses)
{
    struct coupon coupon = {.version = 3, .n_redeemed = 2, .is_withdrawn = true};
    coupon.definition = read_defined(PERCENT).defined;
    out.length = 0;
    codec_write_coupon(&out, &coupon);
    codec_append_updated_at(&out, INT64_C(1795408680123456));
    const char *behind = strstr(text(), ",\"combinable\":false");
    ck_assert_ptr_nonnull(behind);
    ck_assert_str_eq(
        behind, ",\"combinable\":false,\"version\":3,\"used\":2,\"withdrawn\":true,"
                "\"updated_at\":\"2026-11-23T04:38:00.123456Z\"}");
}
END_TEST

START_TEST(a_snapshot_is_read_back)
{
    struct coupon coupon = {
        .version = 7, .n_redeemed = 2, .is_withdrawn = true, .updated_at_us = -5};
    coupon.definition = read_defined(AMOUNT).defined;
    out.length = 0;
    codec_write_coupon_snapshot(&out, &coupon);
    char *snapshot = base_arena_copy_text(&arena, text());
    struct coupon read = {.version = 0};
    ck_assert(codec_read_coupon_snapshot(snapshot, &arena, &read));
    ck_assert_int_eq(read.version, 7);
    ck_assert_int_eq(read.n_redeemed, 2);
    ck_assert_int_eq(read.updated_at_us, -5);
    ck_assert(read.is_withdrawn);
    out.length = 0;
    codec_write_coupon_snapshot(&out, &read);
    ck_assert_str_eq(text(), snapshot);
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"defined\":{},\"state\":{},\"updated_at_us\":1}",
        "{\"defined\":" PERCENT ",\"state\":{\"version\":0,\"used\":0,\"withdrawn\":false},"
        "\"updated_at_us\":1}",
        "{\"defined\":" PERCENT ",\"state\":{\"version\":1,\"used\":0,\"withdrawn\":false}}"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(!codec_read_coupon_snapshot(bad[i], &arena, &read), "%s", bad[i]);
}
END_TEST

/* ---- bodies ---------------------------------------------------------------------------------- */

static struct codec_complaints complaints;

static enum codec_outcome read_body(
    const char *json, bool names_code, struct coupon_definition *definition)
{
    struct codec_body body = {.bytes = json, .length = strlen(json)};
    return codec_read_coupon(body, names_code, &arena, definition, &complaints);
}

START_TEST(what_a_client_leaves_out_is_none)
{
    struct coupon_definition definition;
    ck_assert_int_eq(read_body("{\"percent\":10000}", false, &definition), CODEC_READ);
    ck_assert_int_eq(definition.percent_hundredths, 10000);
    ck_assert_uint_eq(definition.minimums.n, 0);
    ck_assert_uint_eq(definition.skus.n, 0);
    ck_assert(definition.starts_at_us == COUPON_TIME_NONE);
    ck_assert(definition.ends_at_us == COUPON_TIME_NONE);
    ck_assert_int_eq(definition.limit, 0);
    ck_assert(!definition.is_combinable);
    ck_assert_int_eq(
        read_body(
            "{\"amount\":{\"USD\":1,\"EUR\":2},\"percent\":null,\"skus\":[\"b\",\" a\",\"b\"],"
            "\"starts_at\":null,\"limit\":null,\"minimum\":null}",
            false, &definition),
        CODEC_READ);
    ck_assert_str_eq(definition.amounts.list[0].currency, "EUR");
    ck_assert_uint_eq(definition.skus.n, 2);
    ck_assert_str_eq(definition.skus.list[0], "a");
    ck_assert_int_eq(
        read_body("{\"code\":\" Tea \",\"percent\":1}", true, &definition), CODEC_READ);
    ck_assert_str_eq(definition.code, "Tea");
}
END_TEST

static const char *const optional[] = {
    "percent",    "amount", "minimum",
    "skus",       "tags",   "starts_at",
    "ends_at",    "limit",  "limit_per_customer",
    "combinable",
};

START_TEST(what_is_null_is_as_if_left_out)
{
    struct coupon_definition without;
    struct coupon_definition definition = {.is_combinable = true};
    bool is_percent = strcmp(optional[_i], "percent") != 0;
    const char *worth = is_percent ? "\"percent\":1" : "\"amount\":{\"EUR\":1}";
    base_buffer_printf(&out, "{%s}", worth);
    ck_assert_int_eq(read_body(text(), false, &without), CODEC_READ);
    out.length = 0;
    base_buffer_printf(&out, "{%s,\"%s\":null}", worth, optional[_i]);
    ck_assert_msg(read_body(text(), false, &definition) == CODEC_READ, "%s", text());
    without.code = definition.code = "";
    ck_assert_msg(coupon_is_same(&definition, &without), "%s", text());
}
END_TEST

static const struct {
    const char *body;
    const char *pointer;
    const char *says;
} invalid[] = {
    {"{}", "", "this one has neither"},
    {"{\"percent\":1,\"amount\":{\"EUR\":1}}", "", "this one has both"},
    {"{\"amount\":{}}", "", "neither"},
    {"{\"percent\":0}", "/percent", "from 1 to 10000, not 0."},
    {"{\"percent\":10001}", "/percent", "not 10001."},
    {"{\"percent\":12.5}", "/percent", "not 12.5."},
    {"{\"amount\":{\"EUR\":0}}", "/amount/EUR", "from 1 to 9007199254740991, not 0."},
    {"{\"amount\":{\"eur\":1}}", "/amount/eur", "three upper-case letters"},
    {"{\"amount\":{\"XAU\":1}}", "/amount/XAU", "neither a currency in use"},
    {"{\"amount\":5}", "/amount", "must be an object"},
    {"{\"percent\":1,\"minimum\":{\"EUR\":-1}}", "/minimum/EUR", "from 0 to"},
    {"{\"percent\":1,\"skus\":[\"a\",\"..\"]}", "/skus/1", "must be a sku"},
    {"{\"percent\":1,\"skus\":{}}", "/skus", "must be an array"},
    {"{\"percent\":1,\"tags\":[\"a b\"]}", "/tags/0", "not \"a b\"."},
    {"{\"percent\":1,\"starts_at\":\"soon\"}", "/starts_at", "must be a time"},
    {"{\"percent\":1,\"starts_at\":\"2026-01-02T00:00:00Z\",\"ends_at\":\"2026-01-02T00:00:00Z\"}",
     "/ends_at", "later than starts_at"},
    {"{\"percent\":1,\"limit\":0}", "/limit", "from 1 to 1000000000"},
    {"{\"percent\":1,\"limit_per_customer\":1000000001}", "/limit_per_customer", "from 1 to"},
    {"{\"percent\":1,\"combinable\":1}", "/combinable", "true or false"},
    {"{\"percent\":1,\"code\":\"a\"}", "/code", "This member is unknown"},
};

START_TEST(a_body_that_is_no_coupon_is_invalid_at_a_pointer)
{
    struct coupon_definition definition = {.code = "untouched"};
    ck_assert_int_eq(read_body(invalid[_i].body, false, &definition), CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, 1);
    ck_assert_str_eq(complaints.list[0].pointer, invalid[_i].pointer);
    const char *detail = complaints.list[0].detail;
    ck_assert_msg(strstr(detail, invalid[_i].says) != NULL, "%s", detail);
    ck_assert_str_eq(definition.code, "untouched");
}
END_TEST

/* {"percent":1,"<name>":[…]} of so many numbered texts that begin so. */
static enum codec_outcome read_list(const char *name, const char *beginning, int n)
{
    struct coupon_definition definition;
    out.length = 0;
    base_buffer_printf(&out, "{\"percent\":1,\"%s\":[", name);
    for (int i = 0; i < n; i++)
        base_buffer_printf(&out, "%s\"%s%03d\"", i == 0 ? "" : ",", beginning, i);
    base_buffer_append_text(&out, "]}");
    return read_body(text(), false, &definition);
}

START_TEST(lists_have_bounds)
{
    ck_assert_int_eq(read_list("skus", "sku-of-some-24-letters-", COUPON_SKUS_MAX), CODEC_READ);
    ck_assert_int_eq(read_list("skus", "s", COUPON_SKUS_MAX + 1), CODEC_INVALID);
    ck_assert_ptr_nonnull(strstr(complaints.list[0].detail, "251 elements; at most 250"));
    ck_assert_int_eq(
        read_list("skus", "a-sku-that-has-thirty-six-letters-or-so-", COUPON_SKUS_MAX),
        CODEC_INVALID);
    ck_assert_ptr_nonnull(strstr(complaints.list[0].detail, "at most 8192 are allowed"));
    ck_assert_int_eq(read_list("tags", "t", COUPON_TAGS_MAX), CODEC_READ);
    ck_assert_int_eq(read_list("tags", "t", COUPON_TAGS_MAX + 1), CODEC_INVALID);
}
END_TEST

START_TEST(a_code_in_a_body_is_checked)
{
    struct coupon_definition definition;
    ck_assert_int_eq(read_body("{\"percent\":1}", true, &definition), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].detail, "code is missing.");
    ck_assert_int_eq(
        read_body("{\"code\":\"..\",\"percent\":1}", true, &definition), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/code");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_coupons");
    TCase *coupons = tcase_create("coupons");
    tcase_add_checked_fixture(coupons, NULL, end);
    tcase_add_test(coupons, codes_are_compared_without_case);
    tcase_add_test(coupons, what_is_folded_again_stays);
    tcase_add_test(coupons, what_can_not_be_a_code_has_no_folding);
    tcase_add_test(coupons, a_definition_round_trips);
    tcase_add_test(coupons, uses_round_trip);
    tcase_add_test(coupons, a_coupon_is_written_with_its_uses);
    tcase_add_test(coupons, a_snapshot_is_read_back);
    tcase_add_test(coupons, what_a_client_leaves_out_is_none);
    tcase_add_loop_test(coupons, what_is_null_is_as_if_left_out, 0, BASE_COUNT(optional));
    tcase_add_loop_test(
        coupons, a_body_that_is_no_coupon_is_invalid_at_a_pointer, 0, (int)BASE_COUNT(invalid));
    tcase_add_test(coupons, lists_have_bounds);
    tcase_add_test(coupons, a_code_in_a_body_is_checked);
    suite_add_tcase(suite, coupons);
    return support_run(suite);
}
