#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "codec_json.h"
#include "support.h"

/* The reader of plain JSON beside jansson's: whatever it takes, jansson takes as the same. */

#define LIST(text) "{\"a\":" text "}"

/* ---- what it takes --------------------------------------------------------------------------- */

static const char *const plain[] = {
    "{}",
    " \t\r\n{ \t\r\n} \t\r\n",
    "{\"currency\": \"EUR\", \"metadata\": {}, \"customer_id\": null}",
    "{\"sku\": \"mug\", \"name\": \"Mug\", \"item_id\": \"mug\", \"quantity\": 2, \"unit_price\": "
    "1250, \"properties\": {\"b\": \"2\", \"a\": \"1\"}}",
    "{\"sku\":\"mug\",\"name\":\"Gr\xc3\xbcner Tee \xf0\x9f\x92\x8d\x7f\",\"prices\":{\"EUR\":499},"
    "\"active\":true}",
    "{\"\":\"\",\"\xc3\xab\":[[],[0,10],{},false,[\"a\",{\"b\":[1]}]]}",
    "{\"most\":999999999999999999,\"least\":0}",
    LIST("[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]"),
};

/* ---- what it leaves -------------------------------------------------------------------------- */

static const char *const others[] = {
    /* good JSON, for jansson to read */
    LIST("\"a\\\"b\\\\c\\n\\u00eb\""),
    LIST("-1"),
    LIST("1.5"),
    LIST("1e3"),
    LIST("1000000000000000000"),
    "{\"a\\u0062\":1}",
    "[1]",
    /* nothing that jansson reads */
    "",
    "\"a\"",
    LIST("01"),
    LIST("1,\"a\":2"),
    LIST("{\"b\":1,\"b\":1}"),
    LIST("1,"),
    LIST("[1,]"),
    LIST("[1}"),
    LIST("tru"),
    LIST("truex"),
    LIST("\"a\x1f\""),
    LIST("\"\xc0\xaf\""),
    LIST("\"\xed\xa0\x80\""),
    "{\"\xff\":1}",
    "{\"a\" 1}",
    "{a:1}",
    "{\"a\":1} {}",
    /* nothing that we read */
    LIST("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"),
};

/* The bytes are in memory of just their size, so that a sanitizer sees a step too far. */
static json_t *load_plain(const char *bytes, size_t length)
{
    BASE_CLEANUP(base_free_pointer) char *exact = base_realloc(NULL, length);
    memcpy(exact, bytes, length);
    return codec_json_load_plain(exact, length);
}

/* Whether it was taken; if so, jansson takes it as the same, members in the same order. */
static bool agrees(const char *bytes, size_t length)
{
    json_auto_t *ours = load_plain(bytes, length);
    if (ours == NULL)
        return false;
    json_auto_t *theirs = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(theirs != NULL, "jansson refuses: %.*s", (int)length, bytes);
    BASE_CLEANUP(base_free_pointer) char *our_text = json_dumps(ours, JSON_COMPACT);
    BASE_CLEANUP(base_free_pointer) char *their_text = json_dumps(theirs, JSON_COMPACT);
    ck_assert_ptr_nonnull(our_text);
    ck_assert_str_eq(our_text, their_text);
    ck_assert_msg(json_equal(ours, theirs) == 1, "other values: %.*s", (int)length, bytes);
    return true;
}

START_TEST(plain_json_is_read_as_jansson_reads_it)
{
    for (size_t i = 0; i < BASE_COUNT(plain); i++)
        ck_assert_msg(agrees(plain[i], strlen(plain[i])), "left: %s", plain[i]);
}
END_TEST

START_TEST(other_json_is_left_to_jansson)
{
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        ck_assert_msg(!agrees(others[i], strlen(others[i])), "taken: %s", others[i]);
    ck_assert(!agrees("{\"a\":\"b\0c\"}", sizeof "{\"a\":\"b\0c\"}" - 1));
    ck_assert(!agrees("{}\0", sizeof "{}\0" - 1));
}
END_TEST

/* ---- what nobody thought of ------------------------------------------------------------------ */

static const char bytes_to_try[] = "{}[]\",:\\019-.eEtfn ab/\n\t\x1f\x7f\x80\xc3\xed\xff";

/* Every byte of `text` left out, replaced, or with another before it; and every beginning. */
static size_t try_changes(const char *text)
{
    size_t length = strlen(text);
    size_t n_taken = 0;
    BASE_CLEANUP(base_free_pointer) char *changed = base_alloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        memcpy(changed, text, i);
        n_taken += agrees(changed, i);
        memcpy(changed + i, text + i + 1, length - i - 1);
        n_taken += agrees(changed, length - 1);
        for (size_t k = 0; k < sizeof bytes_to_try; k++) { /* NUL is one of them. */
            changed[i] = bytes_to_try[k];
            memcpy(changed + i + 1, text + i + 1, length - i - 1);
            n_taken += agrees(changed, length);
            memcpy(changed + i + 1, text + i, length - i);
            n_taken += agrees(changed, length + 1);
        }
    }
    return n_taken;
}

START_TEST(a_changed_byte_is_never_read_otherwise_than_by_jansson)
{
    size_t n_taken = 0;
    for (size_t i = 0; i < BASE_COUNT(plain); i++)
        n_taken += try_changes(plain[i]);
    for (size_t i = 0; i < BASE_COUNT(others); i++)
        n_taken += try_changes(others[i]);
    ck_assert_uint_gt(n_taken, 1000); /* else it compares nothing */
}
END_TEST

/* Two texts put together at every pair of places: names twice, levels too many, values in wrong
 * places. */
START_TEST(halves_of_two_texts_are_never_read_otherwise_than_by_jansson)
{
    size_t n_taken = 0;
    for (size_t one = 0; one < BASE_COUNT(plain); one++) {
        for (size_t other = 0; other < BASE_COUNT(plain); other++) {
            size_t lengths[] = {strlen(plain[one]), strlen(plain[other])};
            BASE_CLEANUP(base_free_pointer) char *both = base_alloc(lengths[0] + lengths[1]);
            memcpy(both, plain[one], lengths[0]);
            for (size_t i = 0; i <= lengths[0]; i++)
                for (size_t k = 0; k <= lengths[1]; k++) {
                    memcpy(both + i, plain[other] + k, lengths[1] - k);
                    n_taken += agrees(both, i + lengths[1] - k);
                    memcpy(both, plain[one], lengths[0]);
                }
        }
    }
    ck_assert_uint_gt(n_taken, 1000);
}
END_TEST

int main(void)
{
    TCase *plain_json = tcase_create("plain json");
    tcase_add_test(plain_json, plain_json_is_read_as_jansson_reads_it);
    tcase_add_test(plain_json, other_json_is_left_to_jansson);
    tcase_add_test(plain_json, a_changed_byte_is_never_read_otherwise_than_by_jansson);
    tcase_add_test(plain_json, halves_of_two_texts_are_never_read_otherwise_than_by_jansson);
    tcase_set_timeout(plain_json, 60);

    Suite *suite = suite_create("codec_plain");
    suite_add_tcase(suite, plain_json);
    return support_run(suite);
}
