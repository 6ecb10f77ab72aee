#include <jansson.h>
#include <string.h>

#include "codec.h"
#include "support.h"

/* Values by themselves, and metadata: whatever a client sends is kept in one canonical form that
 * survives PostgreSQL's jsonb. */

static struct base_arena arena;
static struct codec_complaints complaints;

static void end(void)
{
    base_arena_finish(&arena);
}

/* ---- values by themselves -------------------------------------------------------------------- */

START_TEST(item_ids_and_currencies_have_their_patterns)
{
    static const char longest[] =
        "a234567890123456789012345678901234567890123456789012345678901234";
    ck_assert_uint_eq(strlen(longest), CART_ITEM_ID_MAX);
    ck_assert(codec_is_item_id(longest));
    ck_assert(!codec_is_item_id(base_arena_printf(&arena, "%s5", longest)));
    static const char *const good[] = {"a", "0", "Z~._-9"};
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        ck_assert_msg(codec_is_item_id(good[i]) && codec_is_sku(good[i]), "%s", good[i]);
    static const char *const bad[] = {"",    ".a",  "~a",  "_a",  "-",
                                      "a b", "a/b", "a\n", "a\"", "\xc3\xa9"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(!codec_is_item_id(bad[i]), "%s", bad[i]);
    ck_assert(codec_is_currency("EUR"));
    static const char *const no_currency[] = {"", "E", "EU", "EURO", "eur", "EU1", "EU\xc3\x84"};
    for (size_t i = 0; i < BASE_COUNT(no_currency); i++)
        ck_assert_msg(!codec_is_currency(no_currency[i]), "%s", no_currency[i]);
}
END_TEST

START_TEST(a_sku_is_a_text_that_can_stand_in_a_path)
{
    char most[4 * (CART_SKU_MAX + 1) + 1] = "";
    for (int i = 0; i < CART_SKU_MAX; i++)
        strcat(most, "\xf0\x9f\x8d\xb5");
    ck_assert_uint_eq(strlen(most), CART_SKU_SIZE - 1);
    ck_assert(codec_is_sku(most));
    ck_assert(!codec_is_sku(strcat(most, "\xf0\x9f\x8d\xb5")));
    static const char *const good[] = {
        "a/b", "/",  "//",      "a b", "+",   "-",         "\"",  "\\",      "Gr\xc3\xbcn",
        "%2F", "?#", "=1+1,\"", ".a",  "...", "a/.../..b", "a..", ".hidden", "a\\..b",
    };
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        ck_assert_msg(codec_is_sku(good[i]), "%s", good[i]);
    static const char *const bad[] = {
        "",   ".",   "..",   "a/..",     "../a", "a/./b",    "a\\..\\b",     "..\\",
        "/.", "a\n", "\x7f", "\xc2\x80", "\xff", "\xc0\xaf", "\xed\xa0\x80",
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(!codec_is_sku(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_plain_text_is_normal_as_it_is)
{
    static const char *const plain[] = {"a", "tea-green", "a b  c", "a\nb", "!~"};
    for (size_t i = 0; i < BASE_COUNT(plain); i++)
        ck_assert_ptr_eq(codec_normalise(NULL, plain[i], 10), plain[i]);
}
END_TEST

static const struct {
    const char *given;
    const char *normal;
} normal_forms[] = {
    {"", ""},
    {"  \t\r\n", ""},
    {" a ", "a"},
    {"a\n", "a"},
    {"a\r\nb\rc\nd", "a\nb\nc\nd"}, /* line breaks of other systems */
    {"\xef\xbb\xbf"
     "a\xe2\x80\x8d"
     "b\xe2\x80\x8b \xe2\x81\xa0",
     "a\xe2\x80\x8d"
     "b"}, /* without width, at the ends */
    {"\xe2\x80\x8b\xe2\x80\x8d", ""},
    {"\xc3\xa9", "\xc3\xa9"},
    {"e\xcc\x81", "\xc3\xa9"},
    {"\xe2\x84\xab", "\xc3\x85"},                             /* the sign of angstrom */
    {"a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81"},            /* marks in another order */
    {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"}, /* Hangul */
    {"\xc2\xa0\xe3\x80\x80"
     "a\xe2\x80\xa9",
     "a"}, /* blanks that are not ASCII */
    {"a\xc2\xa0"
     "b",
     "a\xc2\xa0"
     "b"},
    {"\xef\xac\x81", "\xef\xac\x81"}, /* a ligature is another text, as it is not in form KC */
    {"\xf0\x9f\x8d\xb5 ", "\xf0\x9f\x8d\xb5"},
};

START_TEST(a_text_in_two_spellings_has_one_normal_form)
{
    for (size_t i = 0; i < BASE_COUNT(normal_forms); i++) {
        const char *normal = codec_normalise(&arena, normal_forms[i].given, 10);
        ck_assert_str_eq(normal, normal_forms[i].normal);
        ck_assert_str_eq(codec_normalise(&arena, normal, 10), normal);
    }
}
END_TEST

START_TEST(what_can_be_no_text_or_is_far_too_long_is_not_normalised)
{
    static const char *const broken[] = {" \xff", "\xc0\xaf", "e\xcc\x81\xed\xa0\x80"};
    for (size_t i = 0; i < BASE_COUNT(broken); i++)
        ck_assert_ptr_eq(codec_normalise(&arena, broken[i], 10), broken[i]);
    ck_assert_str_eq(codec_normalise(&arena, "ae\xcc\x81 b ", 1), "ae\xcc\x81 b");
    ck_assert_str_eq(codec_normalise(&arena, "e\xcc\x81 b ", 1), "\xc3\xa9 b");
}
END_TEST

START_TEST(labels_have_no_control_characters)
{
    static const char *const good[] = {"a", " ", "\xc2\xa0", "\xe2\x82\xac", "\xc3\x80"};
    for (size_t i = 0; i < BASE_COUNT(good); i++)
        ck_assert_msg(codec_is_label(good[i], 1), "%s", good[i]);
    static const char *const bad[] = {"",     "\n",   "\x7f",         "\xc2\x80", "\xc2\x9f",
                                      "\xc2", "\xff", "\xed\xa0\x80", "ab",       "b\xc3\xa9"};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(!codec_is_label(bad[i], 1), "%s", bad[i]);
}
END_TEST

/* ---- bodies as an idempotency key stands for them -------------------------------------------- */

static const char *canonical_of(enum cart_command_type type, const char *text)
{
    const char *canonical = NULL;
    struct codec_body body = {.bytes = text, .length = strlen(text), .canonical = &canonical};
    struct codec_commands commands;
    ck_assert_int_eq(codec_read_command(body, type, &arena, &commands, &complaints), CODEC_READ);
    ck_assert_ptr_nonnull(canonical);
    return canonical;
}

START_TEST(the_same_json_has_the_same_canonical_form_however_it_is_written)
{
    static const char *const adds[] = {
        "{\"properties\":{\"a\":\"/\",\"b\":\" x\"},\"quantity\":2,\"sku\":\"tea\"}",
        "{\"sku\":\"tea\",\"quantity\":2,\"properties\":{\"b\":\" x\",\"a\":\"/\"}}",
        " {\n\t\"sku\" : \"tea\", \"quantity\" : 2,\"properties\":{\"a\":\"/\",\"b\":\" x\"}}\r\n",
        "{\"\\u0073ku\":\"t\\u0065a\",\"quantity\":2.0,\"properties\":{\"a\":\"\\/\",\"b\":\" "
        "x\"}}",
        "\xef\xbb\xbf{\"properties\":{\"b\":\" "
        "x\",\"a\":\"/\"},\"quantity\":20e-1,\"sku\":\"tea\"}",
    };
    for (size_t i = 0; i < BASE_COUNT(adds); i++)
        ck_assert_str_eq(canonical_of(CART_COMMAND_ADD_ITEM, adds[i]), adds[0]);
    ck_assert_str_eq(canonical_of(CART_COMMAND_CANCEL, ""), "{}");
    ck_assert_str_eq(canonical_of(CART_COMMAND_CANCEL, " { } "), "{}");
    /* The default may be another one day. */
    ck_assert_str_eq(canonical_of(CART_COMMAND_ADD_ITEM, "{\"sku\":\"tea\"}"), "{\"sku\":\"tea\"}");
}
END_TEST

/* ---- metadata -------------------------------------------------------------------------------- */

static enum codec_outcome read_metadata(const char *metadata, const char **canonical)
{
    const char *body = base_arena_printf(&arena, "{\"metadata\":%s}", metadata);
    struct codec_new_cart new_cart;
    enum codec_outcome outcome = codec_read_new_cart(
        (struct codec_body){.bytes = body, .length = strlen(body)}, "EUR", &arena, &new_cart,
        &complaints);
    if (outcome == CODEC_READ)
        *canonical = new_cart.commands.list[0].create.metadata;
    return outcome;
}

/* What is read again from the event that stored it, when the database shows it as `stored`. */
static const char *read_stored(const char *stored)
{
    const char *data = base_arena_printf(
        &arena, "{\"metadata\": %s, \"currency\": \"EUR\", \"customer_id\": null}", stored);
    struct cart_event event;
    if (!codec_read_cart_event("CartCreated", 1, data, &arena, &event))
        return "not understood";
    return event.created.metadata;
}

/* `stored` is what PostgreSQL 15 shows of `canonical` as jsonb: SELECT '…'::jsonb. */
static const struct {
    const char *sent;
    const char *canonical;
    const char *stored;
} rows[] = {
    {"{}", "{}", "{}"},
    {" { \"b\" : [ 1 , true , null ] , \"a\" : \"x\" } ", "{\"a\":\"x\",\"b\":[1,true,null]}",
     "{\"a\": \"x\", \"b\": [1, true, null]}"},
    /* jsonb sorts short names first, we sort by bytes; names of every kind */
    {"{\"bb\":1,\"a\":2,\"ab\":3,\"B\":4,\"\":5}", "{\"\":5,\"B\":4,\"a\":2,\"ab\":3,\"bb\":1}",
     "{\"\": 5, \"B\": 4, \"a\": 2, \"ab\": 3, \"bb\": 1}"},
    {"{\"z\":1,\"aaa\":2,\"\\u00e9\":3,\"e\":4}", "{\"aaa\":2,\"e\":4,\"z\":1,\"\xc3\xa9\":3}",
     "{\"e\": 4, \"z\": 1, \"\xc3\xa9\": 3, \"aaa\": 2}"},
    {"{\"n\":{\"zz\":{},\"y\":[]}}", "{\"n\":{\"y\":[],\"zz\":{}}}",
     "{\"n\": {\"y\": [], \"zz\": {}}}"},
    /* numbers: whole ones are integers, however they are written */
    {"{\"n\":[0,-0,-0.0,1.0,1e2,-1.5e1,100e-2,-7]}", "{\"n\":[0,0,0,1,100,-15,1,-7]}",
     "{\"n\": [0, 0, 0, 1, 100, -15, 1, -7]}"},
    {"{\"n\":[9007199254740991,-9007199254740991,9.007199254740991e15]}",
     "{\"n\":[9007199254740991,-9007199254740991,9007199254740991]}",
     "{\"n\": [9007199254740991, -9007199254740991, 9007199254740991]}"},
    {"{\"n\":[0.1,1.50,0.30000000000000004,-2.5E-1,1e-5,1e-15,123456789.123456789]}",
     "{\"n\":[0.1,1.5,0.30000000000000004,-0.25,1e-05,1e-15,123456789.12345679]}",
     "{\"n\": [0.1, 1.5, 0.30000000000000004, -0.25, 0.00001, 0.000000000000001, "
     "123456789.12345679]}"},
    {"{\"n\":[4503599627370495.5,1.00000000000000000000001,3.14159265358979323846]}",
     "{\"n\":[4503599627370495.5,1,3.141592653589793]}",
     "{\"n\": [4503599627370495.5, 1, 3.141592653589793]}"},
    /* texts: only what must be escaped is */
    {"{\"t\":\"\\u0041\\/\\n\\u0007\\\"\\\\\\ud83c\\udf75\\u007f\"}",
     "{\"t\":\"A/\\n\\u0007\\\"\\\\\xf0\x9f\x8d\xb5\x7f\"}",
     "{\"t\": \"A/\\n\\u0007\\\"\\\\\xf0\x9f\x8d\xb5\x7f\"}"},
    {"{\"t\":\"\\b\\f\\r\\t\\u2028\"}", "{\"t\":\"\\u0008\\u000c\\r\\t\xe2\x80\xa8\"}",
     "{\"t\": \"\\b\\f\\r\\t\xe2\x80\xa8\"}"},
};

START_TEST(metadata_has_one_form_however_it_was_sent_and_stored)
{
    const char *canonical = "refused";
    ck_assert_int_eq(read_metadata(rows[_i].sent, &canonical), CODEC_READ);
    ck_assert_str_eq(canonical, rows[_i].canonical);
    ck_assert_str_eq(read_stored(rows[_i].stored), rows[_i].canonical);
    ck_assert_str_eq(read_stored(rows[_i].sent), rows[_i].canonical);
    ck_assert_str_eq(read_stored(rows[_i].canonical), rows[_i].canonical);
}
END_TEST

/* The form doesn't change what is meant: a parser of its own sees the same values. */
START_TEST(the_canonical_form_means_what_was_sent)
{
    const char *canonical = "refused";
    ck_assert_int_eq(read_metadata(rows[_i].sent, &canonical), CODEC_READ);
    json_t *sent = json_loads(rows[_i].sent, JSON_DECODE_INT_AS_REAL, NULL);
    json_t *kept = json_loads(canonical, JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_ptr_nonnull(sent);
    ck_assert(json_equal(sent, kept));
    json_decref(sent);
    json_decref(kept);
}
END_TEST

static const struct {
    const char *metadata;
    const char *pointer;
    const char *says;
} refused[] = {
    {"[]", "/metadata", "metadata must be an object, not an array."},
    {"\"x\"", "/metadata", "metadata must be an object, not \"x\"."},
    {"{\"n\":9007199254740992}", "/metadata/n", "9007199254740992 can't be stored"},
    {"{\"n\":-9007199254740992}", "/metadata/n", "-9007199254740992 can't be stored"},
    {"{\"n\":[0,9007199254740992.0]}", "/metadata/n/1", "can't be stored"},
    {"{\"n\":1e300}", "/metadata/n", "1e+300 can't be stored"},
    {"{\"a\":{\"b/c\":-1e-16}}", "/metadata/a/b~1c", "-1e-16 can't be stored"},
    {"{\"a~\":[1e999]}", "/metadata/a~0/0", "too large"},
    {"{\"a\":{\"b\":{\"c\":{}}}}", "/metadata/a/b/c", "at most 3 levels are allowed"},
    {"{\"a\":[[[1]]]}", "/metadata/a/0/0", "at most 3 levels are allowed"},
    {"{\"a\":{\"b\":[[]]}}", "/metadata/a/b/0", "at most 3 levels are allowed"},
};

START_TEST(metadata_that_can_not_be_kept_is_refused_at_its_pointer)
{
    const char *canonical;
    ck_assert_int_eq(read_metadata(refused[_i].metadata, &canonical), CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, 1);
    ck_assert_str_eq(complaints.list[0].pointer, refused[_i].pointer);
    const char *detail = complaints.list[0].detail;
    ck_assert_msg(strstr(detail, refused[_i].says) != NULL, "%s", detail);
}
END_TEST

START_TEST(metadata_may_be_three_levels_deep)
{
    const char *canonical = "refused";
    ck_assert_int_eq(read_metadata("{\"a\":{\"b\":{\"c\":1}}}", &canonical), CODEC_READ);
    ck_assert_int_eq(read_metadata("{\"a\":[[1]]}", &canonical), CODEC_READ);
}
END_TEST

START_TEST(metadata_takes_4096_bytes_in_its_canonical_form_and_not_one_more)
{
    static const char around[] = "{\"k\":\"\"}";
    struct base_buffer text = {0};
    for (size_t i = 0; i < CART_METADATA_MAX - (sizeof around - 1); i++)
        base_buffer_append_char(&text, 'x');
    const char *canonical = "refused";
    /* Spaces don't count, and a character that is sent as an escape counts as what it is. */
    const char *most =
        base_arena_printf(&arena, "  { \"\\u006b\" : \"%s\" }  ", base_buffer_text(&text));
    ck_assert_int_eq(read_metadata(most, &canonical), CODEC_READ);
    ck_assert_uint_eq(strlen(canonical), CART_METADATA_MAX);
    const char *more = base_arena_printf(&arena, "{\"k\":\"%sx\"}", base_buffer_text(&text));
    ck_assert_int_eq(read_metadata(more, &canonical), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/metadata");
    ck_assert_str_eq(
        complaints.list[0].detail,
        "metadata has 4097 bytes as compact JSON; at most 4096 are allowed.");
    base_buffer_finish(&text);
}
END_TEST

START_TEST(every_number_of_metadata_that_is_amiss_is_said)
{
    const char *canonical;
    ck_assert_int_eq(
        read_metadata("{\"b\":1e300,\"a\":[1e-300,2,1e301],\"c\":1}", &canonical), CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, 3);
    ck_assert_str_eq(complaints.list[0].pointer, "/metadata/a/0");
    ck_assert_str_eq(complaints.list[1].pointer, "/metadata/a/2");
    ck_assert_str_eq(complaints.list[2].pointer, "/metadata/b");
}
END_TEST

/* Limits of requests are not limits of history: what was stored under other limits can be read. */
START_TEST(stored_metadata_may_be_deeper_than_requests_are_today)
{
    ck_assert_str_eq(
        read_stored("{\"a\": {\"b\": {\"c\": {\"d\": 1}}}}"), "{\"a\":{\"b\":{\"c\":{\"d\":1}}}}");
}
END_TEST

/* Written out in full, as jsonb does, a random real must come back as the same text. */
START_TEST(random_reals_survive_being_written_in_full)
{
    uint64_t state = UINT64_C(88172645463325252);
    for (int i = 0; i < 2000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double mantissa = (double)(state >> 11) / 9007199254740992.0 + 0.5;
        static const double scales[] = {1e-14, 1e-9, 1e-4, 1, 1e3, 1e7, 1e11, 1e15};
        double number = mantissa * scales[state % BASE_COUNT(scales)];
        const char *canonical = "refused";
        if (read_metadata(base_arena_printf(&arena, "{\"n\":%.17g}", number), &canonical) !=
            CODEC_READ)
            ck_abort_msg("%.17g was refused", number);
        /* strtod of what stands behind {"n": */
        double kept = strtod(canonical + 5, NULL);
        const char *in_full = base_arena_printf(&arena, "{\"n\": %.60f}", kept);
        if (kept != number || strcmp(read_stored(in_full), canonical) != 0)
            ck_abort_msg("%.17g became %s", number, canonical);
        base_arena_reset(&arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec values");
    TCase *values = tcase_create("values");
    tcase_add_checked_fixture(values, NULL, end);
    tcase_add_test(values, item_ids_and_currencies_have_their_patterns);
    tcase_add_test(values, a_sku_is_a_text_that_can_stand_in_a_path);
    tcase_add_test(values, a_plain_text_is_normal_as_it_is);
    tcase_add_test(values, a_text_in_two_spellings_has_one_normal_form);
    tcase_add_test(values, what_can_be_no_text_or_is_far_too_long_is_not_normalised);
    tcase_add_test(values, labels_have_no_control_characters);
    tcase_add_test(values, the_same_json_has_the_same_canonical_form_however_it_is_written);
    suite_add_tcase(suite, values);

    TCase *metadata = tcase_create("metadata");
    int n_rows = (int)BASE_COUNT(rows);
    tcase_add_checked_fixture(metadata, NULL, end);
    tcase_add_loop_test(metadata, metadata_has_one_form_however_it_was_sent_and_stored, 0, n_rows);
    tcase_add_loop_test(metadata, the_canonical_form_means_what_was_sent, 0, n_rows);
    tcase_add_loop_test(
        metadata, metadata_that_can_not_be_kept_is_refused_at_its_pointer, 0,
        (int)BASE_COUNT(refused));
    tcase_add_test(metadata, metadata_may_be_three_levels_deep);
    tcase_add_test(metadata, metadata_takes_4096_bytes_in_its_canonical_form_and_not_one_more);
    tcase_add_test(metadata, every_number_of_metadata_that_is_amiss_is_said);
    tcase_add_test(metadata, stored_metadata_may_be_deeper_than_requests_are_today);
    tcase_add_test(metadata, random_reals_survive_being_written_in_full);
    suite_add_tcase(suite, metadata);
    return support_run(suite);
}
