#include "product_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "price.h"
#include "seen.h"
#include "support.h"

/* What a line of a catalogue file says. */

static struct csv_record make_record(size_t n_fields, const char *const *fields)
{
    struct csv_record record = {.line = 1, .n_fields = n_fields};
    memcpy(record.fields, fields, n_fields * sizeof *fields);
    return record;
}
#define RECORD(...)                                                                                \
    make_record(                                                                                   \
        BASE_COUNT(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

static struct product_line_header usual_header(void)
{
    struct csv_record record = RECORD("sku", "name", "currency", "price", "active");
    struct product_line_header header = {.has_decimal_prices = false};
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        columns_read_header(&product_line_columns, &record, &header.columns, &ignored, &problem));
    ck_assert_ptr_null(problem);
    ck_assert_uint_eq(ignored.length, 0);
    base_buffer_finish(&ignored);
    return header;
}

static struct base_arena arena;
static struct base_buffer problem_text;

/* NULL, or what is wrong with it, until the next call. */
static const char *read_with(
    const struct product_line_header *header, struct csv_record record, struct product_line *line)
{
    problem_text.length = 0;
    bool is_right = product_line_read(header, &record, &arena, line, &problem_text);
    ck_assert(is_right == (problem_text.length == 0));
    return is_right ? NULL : base_buffer_text(&problem_text);
}

static const char *read_line(struct csv_record record, struct product_line *line)
{
    struct product_line_header header = usual_header();
    return read_with(&header, record, line);
}

START_TEST(sku_and_name_are_read_in_their_normal_form)
{
    struct product_line line;
    ck_assert_ptr_null(
        read_line(RECORD(" Te\xcc\x81/1\n", "\tGru\xcc\x88n", "EUR", "499", ""), &line));
    ck_assert_str_eq(line.sku, "T\xc3\xa9/1");
    ck_assert_str_eq(line.name, "Gr\xc3\xbcn");
}
END_TEST

START_TEST(a_right_line_is_read)
{
    struct product_line line;
    ck_assert_ptr_null(read_line(RECORD("tea", "Gr\xc3\xbcner Tee", "EUR", "499", "true"), &line));
    ck_assert_str_eq(line.sku, "tea");
    ck_assert_str_eq(line.name, "Gr\xc3\xbcner Tee");
    ck_assert_str_eq(line.currency, "EUR");
    ck_assert_int_eq(line.price_minor, 499);
    ck_assert(line.has_active && line.is_active);
}
END_TEST

START_TEST(columns_stand_in_any_order_and_active_may_be_missing)
{
    struct csv_record names = RECORD("price", "currency", "name", "sku");
    struct csv_record record = RECORD("0", "USD", "Tea", "t-1");
    struct product_line_header header = {.has_decimal_prices = false};
    struct product_line line;
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        columns_read_header(&product_line_columns, &names, &header.columns, &ignored, &problem));
    ck_assert_ptr_null(read_with(&header, record, &line));
    ck_assert_str_eq(line.sku, "t-1");
    ck_assert_str_eq(line.name, "Tea");
    ck_assert_str_eq(line.currency, "USD");
    ck_assert_int_eq(line.price_minor, 0);
    ck_assert(!line.has_active);
}
END_TEST

static void check_header_refused(struct csv_record record, const char *part)
{
    struct product_line_header header = {.has_decimal_prices = false};
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        !columns_read_header(&product_line_columns, &record, &header.columns, &ignored, &problem));
    ck_assert_msg(strstr(problem, part) != NULL, "%s", problem);
    free(problem);
    base_buffer_finish(&ignored);
}

START_TEST(a_header_names_each_column_once)
{
    check_header_refused(RECORD("sku", "name", "currency"), "missing column \"price\"");
    check_header_refused(
        RECORD("sku", "name", "currency", "price", "sku"), "duplicate column \"sku\"");
    check_header_refused(
        RECORD("sku", "name", "currency", "price", " SKU "), "duplicate column \"sku\"");
    check_header_refused(RECORD("sku;name;currency;price"), "missing column \"sku\"");
    check_header_refused(RECORD("skus", "name", "currency", "price"), "missing column \"sku\"");
    check_header_refused(RECORD("\x1b[2J"), "missing column \"sku\"");
}
END_TEST

START_TEST(a_header_has_its_names_in_any_case_among_others)
{
    char long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    struct csv_record names = RECORD(
        "Colour", " SKU ", "Name\t", "", "PRICE", "currency", "\x1b[2J", "Colour", long_name);
    struct csv_record record = RECORD("red", "tea", "Tea", "?", "5", "EUR", "", "", "");
    struct product_line_header header = {.has_decimal_prices = false};
    struct product_line line;
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        columns_read_header(&product_line_columns, &names, &header.columns, &ignored, &problem));
    const char *said = base_buffer_text(&ignored);
    static const char expected[] = "\"Colour\", \"\", \"\\u001b[2J\", \"Colour\", \"xxx";
    ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s", said);
    ck_assert_msg(strlen(said) < 130, "%s", said);
    ck_assert_ptr_null(read_with(&header, record, &line));
    ck_assert_str_eq(line.sku, "tea");
    ck_assert_int_eq(line.price_minor, 5);
    base_buffer_finish(&ignored);
}
END_TEST

START_TEST(a_row_of_blanks_is_blank)
{
    struct csv_record blank = RECORD("", " ", "\t\r\n");
    struct csv_record full = RECORD("", " ", "x");
    ck_assert(columns_are_blank(&blank));
    ck_assert(!columns_are_blank(&full));
}
END_TEST

START_TEST(an_empty_price_is_none)
{
    struct product_line line;
    ck_assert_ptr_null(read_line(RECORD("tea", "Tea", "EUR", "", ""), &line));
    ck_assert(!line.has_price);
    ck_assert_ptr_null(read_line(RECORD("tea", "Tea", "EUR", "0", ""), &line));
    ck_assert(line.has_price);
}
END_TEST

START_TEST(a_complaint_has_column_value_and_sku)
{
    struct product_line line;
    ck_assert_str_eq(
        read_line(RECORD("tea", "Tea", "XXX", "1", ""), &line),
        "currency: it must be a currency in use (ISO 4217), such as EUR, or one of "
        "CARTD_CURRENCIES, not \"XXX\" (sku \"tea\")");
    ck_assert_str_eq(
        read_line(RECORD("tea", "Tea", "EUR", "4.99", ""), &line),
        "price: it must be an integer in the currency's minor unit (499 is 4.99 EUR), 0 to "
        "2^53-1, not \"4.99\" (sku \"tea\")");
    /* of long ones the beginning, up to a whole character */
    const char *said = read_line(
        RECORD(
            "tea", "Tea", "EUR", "",
            "12345678901234567890123456789012345678901234567890123456789\xc3\xa4 and more"),
        &line);
    ck_assert_msg(strstr(said, "3456789\"… (sku \"tea\")") != NULL, "%s", said);
}
END_TEST

START_TEST(decimal_prices_are_read_by_the_currency_s_decimals)
{
    static const struct {
        const char *text;
        int minor_unit;
        int64_t price_minor; /* -1: refused */
    } rows[] = {
        {"4.99", 2, 499},
        {"4,99", 2, 499},
        {"4.9", 2, 490},
        {"4", 2, 400},
        {"0.01", 2, 1},
        {"0", 2, 0},
        {"007,50", 2, 750},
        {"1.234", 3, 1234},
        {"1,2", 3, 1200},
        {"800", 0, 800},
        {"0.00000001", 8, 1},
        {"90071992547409.91", 2, CATALOG_PRICE_MAX},
        {"9007199254740991", 0, CATALOG_PRICE_MAX},
        {"90071992547409.92", 2, -1},
        {"9007199254740992", 0, -1},
        {"9007199254740991", 2, -1},
        {"99999999999999999999999999", 2, -1},
        {"4.999", 2, -1},
        {"4.990", 2, -1},
        {"1.234", 2, -1},
        {"800.0", 0, -1},
        {"1,234.56", 2, -1},
        {"1.234,56", 2, -1},
        {"1 234.56", 2, -1},
        {"1'234.56", 2, -1},
        {"4.", 2, -1},
        {".99", 2, -1},
        {".", 2, -1},
        {"", 2, -1},
        {" 4.99", 2, -1},
        {"-4.99", 2, -1},
        {"+4.99", 2, -1},
        {"4e2", 2, -1},
        {"4.99 EUR", 2, -1},
        {"\xe2\x82\xac"
         "4.99",
         2, -1},
        {"\xd9\xa4", 2, -1},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        int64_t price_minor = -1;
        const char *must_be = price_read_decimal(rows[i].text, rows[i].minor_unit, &price_minor);
        ck_assert_msg(price_minor == rows[i].price_minor, "%s", rows[i].text);
        ck_assert((must_be == NULL) == (price_minor >= 0));
    }
    struct product_line_header header = usual_header();
    struct product_line line;
    header.has_decimal_prices = true;
    ck_assert_ptr_null(read_with(&header, RECORD("tea", "Tea", "KWD", "4,9", ""), &line));
    ck_assert_int_eq(line.price_minor, 4900);
    ck_assert_ptr_null(read_with(&header, RECORD("tea", "Tea", "JPY", "", ""), &line));
    ck_assert(!line.has_price);
    ck_assert_ptr_nonnull(read_with(&header, RECORD("tea", "Tea", "JPY", "4,9", ""), &line));
}
END_TEST

/* 0, or the line that says something else; else it is noted. */
static int64_t note(
    struct seen *seen, const char *sku, const char *what, const char *value, int64_t line)
{
    int64_t other = seen_find_other(seen, sku, what, value);
    if (other == 0)
        seen_note(seen, sku, what, value, line);
    return other;
}

START_TEST(a_line_that_contradicts_an_earlier_one_is_seen)
{
    struct seen seen = {.slots = NULL};
    ck_assert(!seen_has(&seen, "tea", "name"));
    ck_assert_int_eq(note(&seen, "tea", "name", "Tea", 2), 0);
    ck_assert_int_eq(note(&seen, "tea", "name", "Tea", 3), 0);
    ck_assert_int_eq(note(&seen, "tea", "EUR", "499", 3), 0);
    ck_assert_int_eq(note(&seen, "tea", "USD", "549", 4), 0);
    ck_assert_int_eq(note(&seen, "tea", "name", "Thee", 5), 3);
    ck_assert_int_eq(note(&seen, "tea", "EUR", "", 6), 3);
    ck_assert_int_eq(note(&seen, "tea", "name", "Tea", 7), 0); /* the first one counts */
    ck_assert(seen_has(&seen, "tea", "name") && !seen_has(&seen, "te", "aname"));
    char sku[20];
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(sku, sizeof sku, "sku-%d", i);
        ck_assert_int_eq(note(&seen, sku, "name", "Tea", 7 + i), 0);
    }
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(sku, sizeof sku, "sku-%d", i);
        ck_assert_int_eq(note(&seen, sku, "name", "Thee", 30000), 7 + i);
    }
    ck_assert(!seen_has(&seen, "sku-20000", "name"));
    seen_finish(&seen);
    ck_assert(!seen_has(&seen, "tea", "name"));
}
END_TEST

START_TEST(active_is_yes_no_or_not_said)
{
    static const struct {
        const char *text;
        bool has_active;
        bool is_active;
    } rows[] = {{"true", true, true}, {"yes", true, true},   {"1", true, true},
                {"TRUE", true, true}, {"0", true, false},    {"no", true, false},
                {"", false, false},   {"false", true, false}};
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct product_line line;
        ck_assert_ptr_null(read_line(RECORD("tea", "Tea", "EUR", "1", rows[i].text), &line));
        ck_assert_int_eq(line.has_active, rows[i].has_active);
        ck_assert_int_eq(line.is_active, rows[i].is_active);
    }
}
END_TEST

START_TEST(blanks_around_a_value_do_not_count)
{
    struct product_line line;
    ck_assert_ptr_null(read_line(RECORD(" tea ", "\tTea", " EUR", "499 ", " no "), &line));
    ck_assert_str_eq(line.sku, "tea");
    ck_assert_str_eq(line.currency, "EUR");
    ck_assert_int_eq(line.price_minor, 499);
    ck_assert(line.has_price && line.has_active && !line.is_active);
    ck_assert_ptr_null(read_line(RECORD("tea", "Tea", "EUR", " ", " "), &line));
    ck_assert(!line.has_price && !line.has_active);
}
END_TEST

START_TEST(a_wrong_line_is_refused_with_the_column)
{
    static const struct {
        const char *fields[5];
        const char *reason; /* how it begins */
    } rows[] = {
        {{"", "Tea", "EUR", "1", ""}, "sku:"},
        {{"..", "Tea", "EUR", "1", ""}, "sku:"},
        {{"te\na", "Tea", "EUR", "1", ""}, "sku:"},
        {{"tea", "", "EUR", "1", ""}, "name:"},
        {{"tea", "a\nb", "EUR", "1", ""}, "name:"},
        {{"tea", "\xff", "EUR", "1", ""}, "name:"},
        {{"tea", "Tea", "eur", "1", ""}, "currency:"},
        {{"tea", "Tea", "EURO", "1", ""}, "currency:"},
        {{"tea", "Tea", "EUR", "4.99", ""}, "price:"},
        {{"tea", "Tea", "EUR", "-1", ""}, "price:"},
        {{"tea", "Tea", "XAU", "1", ""}, "currency:"},
        {{"tea", "Tea", "EUR", "1 2", ""}, "price:"},
        {{"tea", "Tea", "EUR", "9007199254740992", ""}, "price:"},
        {{"tea", "Tea", "EUR", "1", "maybe"}, "active:"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        struct product_line line = {.sku = "untouched"};
        const char *reason = read_line(make_record(5, rows[i].fields), &line);
        ck_assert_ptr_nonnull(reason);
        ck_assert_msg(strncmp(reason, rows[i].reason, strlen(rows[i].reason)) == 0, "%s", reason);
        ck_assert_str_eq(line.sku, "untouched");
    }
    struct product_line line;
    ck_assert_str_eq(
        read_line(RECORD("tea", "Tea", "EUR", "1"), &line),
        "it has fewer fields than the header (sku \"tea\")");
    ck_assert_str_eq(
        read_line(RECORD("tea", "Tea", "EUR", "1", "", ""), &line),
        "it has more fields than the header (sku \"tea\")");
}
END_TEST

static const char *read_quantity(
    const char *minimum, const char *maximum, const char *multiple_of, const char *unit,
    const char *scale, struct product_line *line)
{
    struct csv_record names = RECORD(
        "sku", "name", "currency", "price", "minimum", "maximum", "multiple_of", "unit", "scale");
    struct product_line_header header = {.has_decimal_prices = false};
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        columns_read_header(&product_line_columns, &names, &header.columns, &ignored, &problem));
    return read_with(
        &header, RECORD("nut", "Nut", "EUR", "1", minimum, maximum, multiple_of, unit, scale),
        line);
}

START_TEST(what_a_line_says_of_quantities_is_read)
{
    struct product_line line;
    ck_assert_ptr_null(read_quantity("", "", "", "", "", &line));
    ck_assert(!line.has_quantity);
    ck_assert_ptr_null(read_quantity("50", "20000", "50", "kg", "3", &line));
    ck_assert(line.has_quantity);
    const struct catalog_quantity nuts = {
        .minimum = 50, .maximum = 20000, .multiple_of = 50, .scale = 3, .unit = "kg"};
    ck_assert(catalog_quantity_is_same(&line.quantity, &nuts));
    /* The empty ones have the default; all of it is nothing of its own. */
    ck_assert_ptr_null(read_quantity("", "", "6", "", "", &line));
    ck_assert_int_eq(line.quantity.minimum, 1);
    ck_assert_int_eq(line.quantity.maximum, 999);
    ck_assert_ptr_null(line.quantity.unit);
    ck_assert_ptr_null(read_quantity("1", "", "", "", "0", &line));
    ck_assert(line.has_quantity);
    ck_assert_int_eq(line.quantity.maximum, 0);
}
END_TEST

START_TEST(a_wrong_quantity_is_refused_with_the_column)
{
    struct product_line line;
    static const struct {
        const char *fields[5];
        const char *reason;
    } rows[] = {
        {{"0", "", "", "", ""}, "minimum: it must be an integer from 1 to 1000000, or empty"},
        {{"", "1000001", "", "", ""}, "maximum: it must be an integer from 1 to 1000000"},
        {{"", "", "1.5", "", ""}, "multiple_of: it must be an integer"},
        {{"", "", "", "12345678901234567", ""}, "unit: it must be 1 to 16 characters"},
        {{"", "", "", "", "7"}, "scale: it must be an integer from 0 to 6, or empty"},
        {{"7", "11", "6", "", ""}, "maximum: it must be at least the first multiple"},
        {{"1000", "", "", "", ""}, "maximum: it must be at least the first multiple"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const char *const *fields = rows[i].fields;
        const char *reason =
            read_quantity(fields[0], fields[1], fields[2], fields[3], fields[4], &line);
        ck_assert_ptr_nonnull(reason);
        ck_assert_msg(strncmp(reason, rows[i].reason, strlen(rows[i].reason)) == 0, "%s", reason);
    }
}
END_TEST

static const char *read_tags(const char *tags, struct product_line *line)
{
    struct csv_record names = RECORD("sku", "tags", "name", "currency", "price");
    struct product_line_header header = {.has_decimal_prices = false};
    struct base_buffer ignored = {0};
    char *problem = NULL;
    ck_assert(
        columns_read_header(&product_line_columns, &names, &header.columns, &ignored, &problem));
    return read_with(&header, RECORD("nut", tags, "Nut", "EUR", "1"), line);
}

START_TEST(tags_are_words_with_bars_between_them)
{
    struct product_line line;
    ck_assert_ptr_null(read_tags("", &line));
    ck_assert(!line.has_tags);
    ck_assert_ptr_null(read_tags("organic|nuts| nuts \t|", &line));
    ck_assert(line.has_tags);
    ck_assert_str_eq(line.tags, "[\"nuts\",\"organic\"]");
    ck_assert_ptr_null(read_tags(" | ", &line));
    ck_assert(line.has_tags);
    ck_assert_ptr_null(line.tags);
    ck_assert_ptr_null(read_tags("1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20", &line));
    static const char *const bad[] = {
        "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21",
        "a;b",
        "a b",
        "-a",
        "caf\xc3\xa9",
        "\xff",
        "1234567890123456789012345678901234567890123456789012345678901234x",
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        const char *reason = read_tags(bad[i], &line);
        ck_assert_ptr_nonnull(reason);
        ck_assert_msg(strstr(reason, "tags: it must be at most 20 words") == reason, "%s", reason);
    }
}
END_TEST

START_TEST(the_dearest_price_is_read)
{
    struct product_line line;
    ck_assert_ptr_null(read_line(RECORD("tea", "Tea", "EUR", "9007199254740991", ""), &line));
    ck_assert_int_eq(line.price_minor, INT64_C(9007199254740991));
}
END_TEST

static void end(void)
{
    base_buffer_finish(&problem_text);
    base_arena_finish(&arena);
}

int main(void)
{
    Suite *suite = suite_create("product_line");
    TCase *lines = tcase_create("lines");
    tcase_add_checked_fixture(lines, NULL, end);
    tcase_add_test(lines, a_right_line_is_read);
    tcase_add_test(lines, sku_and_name_are_read_in_their_normal_form);
    tcase_add_test(lines, columns_stand_in_any_order_and_active_may_be_missing);
    tcase_add_test(lines, a_header_names_each_column_once);
    tcase_add_test(lines, a_header_has_its_names_in_any_case_among_others);
    tcase_add_test(lines, a_row_of_blanks_is_blank);
    tcase_add_test(lines, an_empty_price_is_none);
    tcase_add_test(lines, a_complaint_has_column_value_and_sku);
    tcase_add_test(lines, decimal_prices_are_read_by_the_currency_s_decimals);
    tcase_add_test(lines, a_line_that_contradicts_an_earlier_one_is_seen);
    tcase_add_test(lines, active_is_yes_no_or_not_said);
    tcase_add_test(lines, blanks_around_a_value_do_not_count);
    tcase_add_test(lines, a_wrong_line_is_refused_with_the_column);
    tcase_add_test(lines, what_a_line_says_of_quantities_is_read);
    tcase_add_test(lines, a_wrong_quantity_is_refused_with_the_column);
    tcase_add_test(lines, tags_are_words_with_bars_between_them);
    tcase_add_test(lines, the_dearest_price_is_read);
    suite_add_tcase(suite, lines);
    return support_run(suite);
}
