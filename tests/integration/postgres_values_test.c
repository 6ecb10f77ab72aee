/* Parameters out, rows in: every type, null, empty, large, and the bugs that assertions catch. */
#include "postgres_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SNOWMAN "sn\xe2\x98\x83wman \xf0\x9f\x9b\x92"

static const struct postgres_statement scalars = {
    .name = "scalars",
    .sql = "SELECT $1, $2, $3, $4, $5, $6, $7, $8",
    POSTGRES_TYPES(
        POSTGRES_BOOL, POSTGRES_INT4, POSTGRES_INT8, POSTGRES_TEXT, POSTGRES_BYTEA, POSTGRES_UUID,
        POSTGRES_TIMESTAMPTZ, POSTGRES_JSONB)};

/* The arrays' texts, so that the server says what it understood. */
static const struct postgres_statement arrays = {
    .name = "arrays",
    .sql = "SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text",
    POSTGRES_TYPES(
        POSTGRES_BOOL_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT8_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_BYTEA_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY,
        POSTGRES_JSONB_ARRAY)};

static const struct postgres_statement array_then_same = {
    .name = "array_then_same",
    .sql = "SELECT cardinality($1), $2, $3",
    POSTGRES_TYPES(POSTGRES_INT8_ARRAY, POSTGRES_INT8, POSTGRES_TEXT)};

static const struct postgres_statement bools = {
    .name = "bools",
    .sql = "SELECT $1, '{}'::boolean[], '{t,NULL,t}'::boolean[]",
    POSTGRES_TYPES(POSTGRES_BOOL_ARRAY)};

static const struct postgres_statement big = {
    .name = "big",
    .sql = "SELECT n, repeat('r', 100) FROM generate_series(1, 100000) n"
           " UNION ALL SELECT sum(length(t))::integer, '' FROM unnest($1) t",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY)};

static const struct postgres_statement *const statements[] = {&scalars, &arrays, &array_then_same,
                                                              &bools,   &big,    NULL};

static const struct base_uuid some_uuid = {
    {0x01, 0x93, 0x6f, 0x6e, 0x6f, 0x0a, 0x7c, 0x3e, 0x9a, 0x57, 0x5f, 0x0c, 0x8a, 0x4f, 0x1b,
     0x2d}};

START_TEST(every_type_comes_back_as_it_went)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &scalars);
    postgres_put_bool(parameters, true);
    postgres_put_int4(parameters, INT32_MIN);
    postgres_put_int8(parameters, INT64_MAX);
    postgres_put_text(parameters, SNOWMAN);
    postgres_put_bytes(parameters, "a\0b", 3);
    postgres_put_uuid(parameters, &some_uuid);
    postgres_put_time(parameters, INT64_C(1795408680123456));
    postgres_put_text(parameters, "{\"a\": 1}");
    asked_expect(&asked, POSTGRES_DONE);

    const struct postgres_rows *rows = postgres_pipeline_rows(&asked.pipeline, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), 1);
    ck_assert(postgres_get_bool(rows, 0, 0));
    ck_assert_int_eq(postgres_get_int4(rows, 0, 1), INT32_MIN);
    ck_assert_int_eq(postgres_get_int8(rows, 0, 2), INT64_MAX);
    ck_assert_str_eq(postgres_get_text(rows, 0, 3), SNOWMAN);
    ck_assert_uint_eq(postgres_get_length(rows, 0, 3), strlen(SNOWMAN));
    ck_assert_uint_eq(postgres_get_length(rows, 0, 4), 3);
    ck_assert_mem_eq(postgres_get_bytes(rows, 0, 4), "a\0b", 3);
    struct base_uuid uuid = postgres_get_uuid(rows, 0, 5);
    ck_assert_int_eq(base_uuid_compare(&uuid, &some_uuid), 0);
    ck_assert_int_eq(postgres_get_time(rows, 0, 6), INT64_C(1795408680123456));
    ck_assert_str_eq(postgres_get_text(rows, 0, 7), "{\"a\": 1}");
    ck_assert_uint_eq(postgres_get_length(rows, 0, 7), 8);
    ck_assert(!postgres_is_null(rows, 0, 7));
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(null_and_empty_are_not_the_same)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &scalars);
    postgres_put_null(parameters);
    postgres_put_null(parameters);
    postgres_put_null(parameters);
    postgres_put_text(parameters, "");
    postgres_put_bytes(parameters, NULL, 0);
    postgres_put_uuid(parameters, NULL);
    postgres_put_time(parameters, INT64_MIN);
    postgres_put_text(parameters, NULL);
    asked_expect(&asked, POSTGRES_DONE);

    const struct postgres_rows *rows = postgres_pipeline_rows(&asked.pipeline, 0);
    ck_assert(postgres_is_null(rows, 0, 0));
    ck_assert(postgres_is_null(rows, 0, 2));
    ck_assert_str_eq(postgres_get_text(rows, 0, 3), "");
    ck_assert(!postgres_is_null(rows, 0, 4));
    ck_assert_uint_eq(postgres_get_length(rows, 0, 4), 0);
    ck_assert(postgres_is_null(rows, 0, 5));
    ck_assert_int_eq(postgres_get_time(rows, 0, 6), INT64_MIN);
    ck_assert_ptr_null(postgres_get_text(rows, 0, 7));
    ck_assert_uint_eq(postgres_get_length(rows, 0, 7), 0);
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

static void assert_cells(const struct asked *asked, const char *const expected[8])
{
    const struct postgres_rows *rows = postgres_pipeline_rows(&asked->pipeline, 0);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_str_eq(postgres_get_text(rows, 0, i), expected[i]);
    }
}

START_TEST(arrays_take_nulls_and_any_text)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &arrays);
    postgres_begin_array(parameters);
    postgres_put_bool(parameters, true);
    postgres_put_null(parameters);
    postgres_put_bool(parameters, false);
    postgres_begin_array(parameters);
    postgres_put_int4(parameters, -1);
    postgres_put_int4(parameters, 7);
    postgres_begin_array(parameters);
    postgres_put_int8(parameters, INT64_MIN);
    postgres_put_null(parameters);
    postgres_begin_array(parameters);
    postgres_put_text(parameters, SNOWMAN);
    postgres_put_text(parameters, NULL);
    postgres_put_text(parameters, "");
    postgres_put_bytes(parameters, "a\"b,{}\\", 7);
    postgres_begin_array(parameters);
    postgres_put_bytes(parameters, "\0\xff", 2);
    postgres_put_bytes(parameters, NULL, 0);
    postgres_begin_array(parameters);
    postgres_put_uuid(parameters, NULL);
    postgres_put_uuid(parameters, &some_uuid);
    postgres_begin_array(parameters);
    postgres_put_time(parameters, 0);
    postgres_put_null(parameters);
    postgres_begin_array(parameters);
    postgres_put_text(parameters, "{\"a\": [1, null]}");
    postgres_put_bytes(parameters, "7", 1);
    asked_expect(&asked, POSTGRES_DONE);
    assert_cells(
        &asked, (const char *const[8]){
                    "{t,NULL,f}", "{-1,7}", "{-9223372036854775808,NULL}",
                    "{\"" SNOWMAN "\",NULL,\"\",\"a\\\"b,{}\\\\\"}", "{\"\\\\x00ff\",\"\\\\x\"}",
                    "{NULL,01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d}",
                    "{\"1970-01-01 00:00:00+00\",NULL}", "{\"{\\\"a\\\": [1, null]}\",7}"});
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(empty_arrays_are_empty_and_not_null)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &arrays);
    for (size_t i = 0; i < 8; i++) {
        postgres_begin_array(parameters);
    }
    asked_expect(&asked, POSTGRES_DONE);
    assert_cells(&asked, (const char *const[8]){"{}", "{}", "{}", "{}", "{}", "{}", "{}", "{}"});
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(an_array_ends_before_a_value_of_another_type_or_where_it_is_told_to)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &array_then_same);
    postgres_begin_array(parameters);
    postgres_put_int8(parameters, 1);
    postgres_put_int8(parameters, 2);
    postgres_end_array(parameters);
    postgres_put_int8(parameters, 3);
    postgres_put_text(parameters, "four");
    asked_expect(&asked, POSTGRES_DONE);
    const struct postgres_rows *rows = postgres_pipeline_rows(&asked.pipeline, 0);
    ck_assert_int_eq(postgres_get_int4(rows, 0, 0), 2);
    ck_assert_int_eq(postgres_get_int8(rows, 0, 1), 3);
    ck_assert_str_eq(postgres_get_text(rows, 0, 2), "four");
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

START_TEST(arrays_of_booleans_are_read_by_element)
{
    fixture_connect(statements);
    struct asked asked = {0};
    struct postgres_parameters *parameters = asked_begin(&asked, &bools);
    postgres_begin_array(parameters);
    for (size_t i = 0; i < 100; i++) {
        postgres_put_bool(parameters, i % 3 == 0);
    }
    asked_expect(&asked, POSTGRES_DONE);
    const struct postgres_rows *rows = postgres_pipeline_rows(&asked.pipeline, 0);
    ck_assert_uint_eq(postgres_get_bools_count(rows, 0, 0), 100);
    for (size_t i = 0; i < 100; i++) {
        ck_assert(postgres_get_bools_at(rows, 0, 0, i) == (i % 3 == 0));
    }
    ck_assert_uint_eq(postgres_get_bools_count(rows, 0, 1), 0);
    ck_assert_uint_eq(postgres_get_bools_count(rows, 0, 2), 3);
    ck_assert(postgres_get_bools_at(rows, 0, 2, 0));
    ck_assert(!postgres_get_bools_at(rows, 0, 2, 1));
    ck_assert(postgres_get_bools_at(rows, 0, 2, 2));
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

/* 10 MB out while about as much comes in, three times over: more than sockets hold, so each side
 * must read while it writes. */
START_TEST(large_parameters_and_large_answers_pass_each_other)
{
    fixture.options.answer_timeout_ms = 60000;
    fixture_connect(statements);
    static char text[1000];
    memset(text, 'p', sizeof text);
    struct asked asked[3] = {0};
    for (size_t i = 0; i < BASE_COUNT(asked); i++) {
        struct postgres_parameters *parameters = asked_begin(&asked[i], &big);
        postgres_begin_array(parameters);
        for (size_t j = 0; j < 10000; j++) {
            postgres_put_bytes(parameters, text, sizeof text);
        }
        asked_send(&asked[i]);
    }
    for (size_t i = 0; i < BASE_COUNT(asked); i++) {
        fixture_wait(asked[i].answered_as > 0);
        ck_assert_int_eq(asked[i].pipeline.outcome, POSTGRES_DONE);
        const struct postgres_rows *rows = postgres_pipeline_rows(&asked[i].pipeline, 0);
        ck_assert_uint_eq(postgres_rows_count(rows), 100001);
        ck_assert_int_eq(postgres_get_int4(rows, 100000, 0), 10000000);
        postgres_pipeline_finish(&asked[i].pipeline);
    }
}
END_TEST

START_TEST(a_pipeline_can_be_begun_again_and_keeps_nothing)
{
    fixture_connect(statements);
    struct asked asked = {0};
    for (size_t i = 0; i < 50; i++) {
        struct postgres_parameters *parameters = asked_begin(&asked, &bools);
        postgres_begin_array(parameters);
        for (size_t j = 0; j < i; j++) {
            postgres_put_bool(parameters, true);
        }
        asked_expect(&asked, POSTGRES_DONE);
        const struct postgres_rows *rows = postgres_pipeline_rows(&asked.pipeline, 0);
        ck_assert_uint_eq(postgres_get_bools_count(rows, 0, 0), i);
    }
    postgres_pipeline_finish(&asked.pipeline);
}
END_TEST

/* ---- bugs ------------------------------------------------------------------------------------ */

START_TEST(a_value_of_another_type_is_a_bug)
{
    struct postgres_pipeline pipeline = {0};
    postgres_pipeline_begin(&pipeline);
    postgres_put_int8(postgres_pipeline_add(&pipeline, &scalars), 1);
}
END_TEST

START_TEST(a_value_too_many_is_a_bug)
{
    struct postgres_pipeline pipeline = {0};
    postgres_pipeline_begin(&pipeline);
    struct postgres_parameters *parameters = postgres_pipeline_add(&pipeline, &bools);
    postgres_begin_array(parameters);
    postgres_begin_array(parameters);
}
END_TEST

START_TEST(a_missing_parameter_is_a_bug)
{
    fixture_create(statements);
    struct asked asked = {0};
    postgres_put_bool(asked_begin(&asked, &scalars), true);
    asked_send(&asked);
}
END_TEST

START_TEST(reading_a_column_as_another_type_is_a_bug)
{
    fixture_connect(statements);
    struct asked asked = {0};
    postgres_begin_array(asked_begin(&asked, &bools));
    asked_expect(&asked, POSTGRES_DONE);
    postgres_get_int8(postgres_pipeline_rows(&asked.pipeline, 0), 0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("postgres values");
    TCase *tests = tcase_create("values");
    tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, every_type_comes_back_as_it_went);
    tcase_add_test(tests, null_and_empty_are_not_the_same);
    tcase_add_test(tests, arrays_take_nulls_and_any_text);
    tcase_add_test(tests, empty_arrays_are_empty_and_not_null);
    tcase_add_test(tests, an_array_ends_before_a_value_of_another_type_or_where_it_is_told_to);
    tcase_add_test(tests, arrays_of_booleans_are_read_by_element);
    tcase_add_test(tests, large_parameters_and_large_answers_pass_each_other);
    tcase_add_test(tests, a_pipeline_can_be_begun_again_and_keeps_nothing);
    suite_add_tcase(suite, tests);

    /* In processes of their own, which end without teardown; the databases are dropped by the
     * parent's fixture. */
    TCase *bugs = tcase_create("bugs");
    tcase_add_unchecked_fixture(bugs, fixture_setup, fixture_teardown);
    tcase_add_test_raise_signal(bugs, a_value_of_another_type_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, a_value_too_many_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, a_missing_parameter_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, reading_a_column_as_another_type_is_a_bug, SIGABRT);
    suite_add_tcase(suite, bugs);
    return support_run(suite);
}
