#include <string.h>

#include "codec.h"
#include "support.h"

/* Merge patches, and the notes of a decision. */

static struct base_arena arena;

static void end(void)
{
    base_arena_finish(&arena);
}

/* ---- merge patches --------------------------------------------------------------------------- */

static const struct codec_merge_limits large = {.bytes = 1000, .members = 100, .levels = 10};

/* NULL stands for {}. */
static const char *merge(const char *object, const char *patch)
{
    const char *merged;
    ck_assert(codec_merge_patch(object, patch, &large, &arena, &merged));
    return merged;
}

/* Those of which both are objects; what they are together is canonical here. */
START_TEST(the_examples_of_rfc_7396_come_out_as_they_say)
{
    static const struct {
        const char *object;
        const char *patch;
        const char *merged;
    } rows[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", NULL},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}"},
        {NULL, "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
        /* Section 3 */
        {"{\"author\":{\"familyName\":\"Doe\",\"givenName\":\"John\"},\"content\":\"This will be "
         "unchanged\",\"tags\":[\"example\",\"sample\"],\"title\":\"Goodbye!\"}",
         "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\",\"author\":{\"familyName\":"
         "null},\"tags\":[\"example\"]}",
         "{\"author\":{\"givenName\":\"John\"},\"content\":\"This will be unchanged\","
         "\"phoneNumber\":\"+01-123-456-7890\",\"tags\":[\"example\"],\"title\":\"Hello!\"}"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        ck_assert_pstr_eq(merge(rows[i].object, rows[i].patch), rows[i].merged);
}
END_TEST

START_TEST(nothing_is_said_of_what_a_patch_does_not_name)
{
    ck_assert_ptr_null(merge(NULL, "{}"));
    ck_assert_ptr_null(merge("{}", "{}"));
    ck_assert_ptr_null(merge(NULL, "{\"a\":null}"));
    ck_assert_str_eq(merge("{\"a\":1}", "{}"), "{\"a\":1}");
    ck_assert_str_eq(merge("{\"a\":1}", "{\"b\":null}"), "{\"a\":1}");
    /* Nulls in an array are values. */
    ck_assert_str_eq(merge(NULL, "{\"a\":[null,{\"b\":null}]}"), "{\"a\":[null,{\"b\":null}]}");
}
END_TEST

START_TEST(the_same_patch_again_changes_nothing)
{
    static const char *const patches[] = {
        "{\"b\":{\"c\":{\"d\":1}},\"a\":null}", "{\"\xc3\xa9\":\"\\\"\",\"B\":2.5,\"a\":true}"};
    for (size_t i = 0; i < BASE_COUNT(patches); i++) {
        const char *once = merge("{\"a\":{\"b\":1},\"b\":[1]}", patches[i]);
        ck_assert_str_eq(merge(once, patches[i]), once);
    }
}
END_TEST

static bool is_within(
    const char *object, const char *patch, size_t bytes, size_t members, size_t levels)
{
    const struct codec_merge_limits limits = {bytes, members, levels};
    const char *merged;
    return codec_merge_patch(object, patch, &limits, &arena, &merged);
}

START_TEST(what_comes_out_has_its_limits_and_what_goes_in_has_none)
{
    ck_assert(is_within("{\"a\":1}", "{\"b\":2}", 13, 2, 1));
    ck_assert(!is_within("{\"a\":1}", "{\"b\":2}", 12, 2, 1));
    ck_assert(!is_within("{\"a\":1}", "{\"b\":2}", 13, 1, 1));
    ck_assert(is_within("{\"a\":1}", "{\"b\":2,\"a\":null}", 7, 1, 1));
    ck_assert(is_within("{\"a\":1}", "{\"b\":{\"c\":2}}", 100, 2, 2));
    ck_assert(!is_within("{\"a\":1}", "{\"b\":{\"c\":2}}", 100, 2, 1));
    ck_assert(!is_within("{\"a\":1}", "{\"b\":[[2]]}", 100, 2, 2));
    ck_assert(is_within("{\"b\":[[2]]}", "{\"b\":1}", 100, 2, 1));
}
END_TEST

START_TEST(what_is_no_object_is_not_merged)
{
    const char *merged;
    ck_assert(!codec_merge_patch("{", "{}", &large, &arena, &merged));
    ck_assert(!codec_merge_patch("{}", "", &large, &arena, &merged));
}
END_TEST

/* ---- notes ----------------------------------------------------------------------------------- */

static const struct cart_note notes[] = {
    {CART_REFUSED_PRODUCT_WITHDRAWN, NULL, "tea~1", "tea", 2, 499, -1},
    {CART_REFUSED_PRICES_CHANGED, NULL, "cup", "cup", 1, 0, 9007199254740991},
};

START_TEST(notes_are_canonical_json)
{
    ck_assert_ptr_null(codec_make_notes(&arena, notes, 0, true));
    ck_assert_str_eq(
        codec_make_notes(&arena, notes, 1, false),
        "[{\"code\":\"product-withdrawn\",\"item_id\":\"tea~1\",\"quantity\":2,\"sku\":\"tea\"}]");
    ck_assert_str_eq(
        codec_make_notes(&arena, notes, 2, true),
        "[{\"code\":\"product-withdrawn\",\"current_price\":null,\"item_id\":\"tea~1\","
        "\"quantity\":2,\"sku\":\"tea\",\"unit_price\":499},"
        "{\"code\":\"prices-changed\",\"current_price\":9007199254740991,\"item_id\":\"cup\","
        "\"quantity\":1,\"sku\":\"cup\",\"unit_price\":0}]");
}
END_TEST

/* So that the same text comes back from jsonb. */
START_TEST(notes_that_are_stored_come_back_as_they_were)
{
    struct cart_event event = {.type = CART_EVENT_CANCELLED};
    const char *text = codec_make_notes(&arena, notes, 2, true);
    const char *data =
        base_arena_printf(&arena, "{\"notes\": %s, \"version\": 1, \"undone_to\": 0}", text);
    ck_assert(codec_read_cart_event("CartRestored", 1, data, &arena, &event));
    ck_assert_str_eq(event.restored.notes, text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec patch");
    TCase *patches = tcase_create("patches");
    tcase_add_checked_fixture(patches, NULL, end);
    tcase_add_test(patches, the_examples_of_rfc_7396_come_out_as_they_say);
    tcase_add_test(patches, nothing_is_said_of_what_a_patch_does_not_name);
    tcase_add_test(patches, the_same_patch_again_changes_nothing);
    tcase_add_test(patches, what_comes_out_has_its_limits_and_what_goes_in_has_none);
    tcase_add_test(patches, what_is_no_object_is_not_merged);
    suite_add_tcase(suite, patches);

    TCase *cases = tcase_create("notes");
    tcase_add_checked_fixture(cases, NULL, end);
    tcase_add_test(cases, notes_are_canonical_json);
    tcase_add_test(cases, notes_that_are_stored_come_back_as_they_were);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
