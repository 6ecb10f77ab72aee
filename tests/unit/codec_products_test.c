#include "codec.h"
#include "currency.h"

#include <string.h>

#include "support.h"

/* Products, their prices and their events, as they are written and read. */

static struct base_arena arena;
static struct base_buffer out;

static void begin(void)
{
    out.length = 0;
}

static void end(void)
{
    base_arena_finish(&arena);
    base_buffer_finish(&out);
}

static const char *text(void)
{
    return base_buffer_text(&out);
}

#define T1_US INT64_C(1795408680123456) /* 2026-11-23T04:38:00.123456Z */

static struct catalog_content tea(void)
{
    struct catalog_content content = {.name = "Green \"tea\"", .is_active = true};
    ck_assert(catalog_content_set_price(&content, "USD", 549));
    ck_assert(catalog_content_set_price(&content, "EUR", 499));
    return content;
}

START_TEST(a_product_is_written_with_its_time)
{
    struct catalog_product product = {.version = 2, .sku = "tea", .content = tea()};
    begin();
    codec_write_product(&out, &product);
    ck_assert_str_eq(
        text(), "{\"sku\":\"tea\",\"version\":2,\"name\":\"Green \\\"tea\\\"\","
                "\"prices\":{\"EUR\":499,\"USD\":549},\"active\":true}");
    codec_append_product_times(&out, T1_US);
    ck_assert_str_eq(
        strstr(text(), ",\"active\""), ",\"active\":true,"
                                       "\"quantity\":{\"minimum\":1,\"maximum\":999,"
                                       "\"multiple_of\":1,\"unit\":null,\"scale\":0},\"tags\":[],"
                                       "\"minor_units\":{\"EUR\":2,\"USD\":2},"
                                       "\"updated_at\":\"2026-11-23T04:38:00.123456Z\"}");
}
END_TEST

/* What is appended to a stored product, whose prices are those. */
static void assert_minor_units(const char *prices, const char *minor_units)
{
    begin();
    base_buffer_printf(
        &out,
        "[{\"prices\":{\"CHF\":1}},{\"name\":\",\\\"prices\\\":{\",\"prices\":%s,"
        "\"active\":false,\"later\":{\"a\":{}}}",
        prices);
    codec_append_product_times(&out, T1_US);
    const char *found = strstr(text(), "\"minor_units\":");
    ck_assert_ptr_nonnull(found);
    ck_assert_msg(
        strncmp(found + strlen("\"minor_units\":"), minor_units, strlen(minor_units)) == 0, "%s",
        found);
}

START_TEST(a_product_shows_the_minor_units_of_its_prices)
{
    assert_minor_units("{}", "{},\"updated_at\"");
    assert_minor_units("{\"EUR\":499}", "{\"EUR\":2},\"updated_at\"");
    assert_minor_units("{\"BGN\":1,\"JPY\":800,\"KWD\":5}", "{\"BGN\":null,\"JPY\":0,\"KWD\":3},");
    /* what cartd never wrote */
    assert_minor_units("{\"\":1}", "{},");
    assert_minor_units("5", "{},");
}
END_TEST

START_TEST(an_own_currency_shows_its_minor_unit)
{
    static struct currency_list own;
    ck_assert_ptr_null(currency_read_own("PTS:0,XBT:8", &own));
    currency_use(&own);
    assert_minor_units("{\"PTS\":1,\"XBT\":800}", "{\"PTS\":0,\"XBT\":8},");
    own.n = 0;
    currency_use(&own);
    assert_minor_units("{\"PTS\":1,\"XBT\":800}", "{\"PTS\":null,\"XBT\":null},");
}
END_TEST

/* A price in each of so many currencies. */
static void append_prices(int n)
{
    const char *separator = "";
    for (int i = 0; n > 0 && i < 26 * 26 * 26; i++) {
        char code[] = {
            (char)('A' + i / 26 / 26), (char)('A' + i / 26 % 26), (char)('A' + i % 26), '\0'};
        if (currency_minor_unit(code) == CURRENCY_MINOR_UNIT_NONE)
            continue;
        base_buffer_printf(&out, "%s\"%s\":1", separator, code);
        separator = ",";
        n--;
    }
    ck_assert_int_eq(n, 0);
}

START_TEST(a_product_has_at_most_64_prices)
{
    static struct codec_complaints complaints;
    struct catalog_content content;
    for (int n = 64; n <= 65; n++) {
        begin();
        base_buffer_append_text(&out, "{\"name\":\"n\",\"prices\":{");
        append_prices(n);
        base_buffer_append_text(&out, "}}");
        struct codec_body body = {.bytes = out.bytes, .length = out.length};
        ck_assert_int_eq(
            codec_read_product(body, &arena, &content, &complaints),
            n == 64 ? CODEC_READ : CODEC_INVALID);
    }
    ck_assert_str_eq(complaints.list[0].pointer, "/prices");
}
END_TEST

START_TEST(prices_are_read_back_in_any_order)
{
    struct catalog_content content = {.name = "kept", .n_prices = 7};
    ck_assert(codec_read_prices("{\"USD\": 549, \"CHF\": 0, \"EUR\": 499}", &content));
    ck_assert_uint_eq(content.n_prices, 3);
    begin();
    codec_write_prices(&out, &content);
    ck_assert_str_eq(text(), "{\"CHF\":0,\"EUR\":499,\"USD\":549}");
    ck_assert_str_eq(content.name, "kept");
    ck_assert(codec_read_prices("{}", &content));
    ck_assert_uint_eq(content.n_prices, 0);
}
END_TEST

START_TEST(prices_that_are_none_are_refused)
{
    static const char *const bad[] = {
        "",
        "[]",
        "5",
        "{\"EUR\":1.0}",
        "{\"EUR\":\"1\"}",
        "{\"EUR\":-1}",
        "{\"EUR\":9007199254740992}",
        "{\"EUR\":1,\"EUR\":1}",
        "{\"eur\":1}",
        "{\"EURO\":1}",
        "{\"EUR\":null}",
        "{\"EUR\":1",
    };
    struct catalog_content content = {.n_prices = 7};
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(!codec_read_prices(bad[i], &content), "%s", bad[i]);
    ck_assert_uint_eq(content.n_prices, 7);
}
END_TEST

START_TEST(a_product_event_is_written_as_it_was_read)
{
    struct catalog_event event = {
        .type = CATALOG_EVENT_PRODUCT_CHANGED,
        .product_changed = {.sku = "tea", .content = tea()},
    };
    begin();
    codec_write_catalog_event(&out, &event);
    ck_assert_str_eq(
        text(), "{\"sku\":\"tea\",\"name\":\"Green \\\"tea\\\"\","
                "\"prices\":{\"EUR\":499,\"USD\":549},\"active\":true,\"quantity\":null}");
    struct catalog_event read;
    ck_assert(codec_read_catalog_event(
        codec_catalog_event_name(event.type), codec_catalog_event_schema_version(event.type),
        "{\"active\": false, \"prices\": {\"USD\": 549, \"EUR\": 499}, \"sku\": \"tea\", "
        "\"quantity\": null, \"name\": \"Green \\\"tea\\\"\"}",
        &arena, &read));
    ck_assert(!read.product_changed.content.is_active);
    read.product_changed.content.is_active = true;
    struct base_buffer again = {0};
    codec_write_catalog_event(&again, &read);
    ck_assert_str_eq(base_buffer_text(&again), text());
    base_buffer_finish(&again);
}
END_TEST

START_TEST(a_product_event_amiss_is_not_understood)
{
    static const char *const bad[] = {
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{},\"active\":1}",
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{}}",
        "{\"sku\":\"t\",\"name\":\"n\",\"active\":true}",
        "{\"sku\":\"t\",\"prices\":{},\"active\":true}",
        "{\"name\":\"n\",\"prices\":{},\"active\":true}",
        "{\"sku\":\"t/..\",\"name\":\"n\",\"prices\":{},\"active\":true}",
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"EUR\":-1},\"active\":true}",
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":[],\"active\":true}",
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{},\"active\":true,\"more\":1}",
        "[]",
    };
    struct catalog_event event;
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(
            !codec_read_catalog_event("ProductChanged", 1, bad[i], &arena, &event), "%s", bad[i]);
    const char *good = "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{},\"active\":true}";
    ck_assert(!codec_read_catalog_event("ProductChanged", 4, good, &arena, &event));
    ck_assert(!codec_read_catalog_event("CartCleared", 1, good, &arena, &event));
    ck_assert(codec_read_catalog_event("ProductChanged", 1, good, &arena, &event));
}
END_TEST

#define BEFORE_QUANTITY                                                                            \
    "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"EUR\":1},\"active\":true,\"quantity\":"
#define BY_WEIGHT                                                                                  \
    "{\"minimum\":100,\"maximum\":50000,\"multiple_of\":50,\"unit\":\"kg\",\"scale\":3}"

START_TEST(an_event_of_before_quantities_has_the_default)
{
    struct catalog_event event;
    const char *reason = "none";
    const char *former = "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"EUR\":1},\"active\":true}";
    ck_assert(codec_read_catalog_event("ProductChanged", 1, former, &arena, &event));
    struct catalog_quantity quantity =
        catalog_find_quantity(&event.product_changed.content.quantity);
    ck_assert(catalog_quantity_is_same(&quantity, &catalog_default_quantity));
    ck_assert(codec_round_trips("ProductChanged", 1, former, &reason));
    ck_assert(!codec_read_catalog_event("ProductChanged", 2, former, &arena, &event));
    ck_assert(codec_round_trips("ProductChanged", 2, BEFORE_QUANTITY "null}", &reason));
    ck_assert(
        !codec_read_catalog_event("ProductChanged", 1, BEFORE_QUANTITY "null}", &arena, &event));
}
END_TEST

START_TEST(what_an_event_says_of_quantities_round_trips)
{
    struct catalog_event event;
    const char *reason = "none";
    ck_assert(codec_read_catalog_event(
        "ProductChanged", 2, BEFORE_QUANTITY BY_WEIGHT "}", &arena, &event));
    const struct catalog_quantity *quantity = &event.product_changed.content.quantity;
    ck_assert_int_eq(quantity->minimum, 100);
    ck_assert_int_eq(quantity->maximum, 50000);
    ck_assert_int_eq(quantity->multiple_of, 50);
    ck_assert_int_eq(quantity->scale, 3);
    ck_assert_str_eq(quantity->unit, "kg");
    begin();
    codec_write_catalog_event(&out, &event);
    ck_assert_str_eq(text(), BEFORE_QUANTITY BY_WEIGHT "}");
    ck_assert(codec_round_trips("ProductChanged", 2, text(), &reason));
    static const char *const bad[] = {
        BEFORE_QUANTITY "{}}",
        BEFORE_QUANTITY "[]}",
        BEFORE_QUANTITY "{\"minimum\":0,\"maximum\":5,\"multiple_of\":1,\"unit\":null,"
                        "\"scale\":0}}",
        BEFORE_QUANTITY "{\"minimum\":1,\"maximum\":5,\"multiple_of\":1,\"unit\":null,"
                        "\"scale\":0,\"more\":1}}",
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(
            !codec_read_catalog_event("ProductChanged", 2, bad[i], &arena, &event), "%s", bad[i]);
}
END_TEST

START_TEST(a_product_shows_its_quantity_once)
{
    struct catalog_product product = {.version = 2, .sku = "tea", .content = tea()};
    product.content.quantity = (struct catalog_quantity){
        .minimum = 100, .maximum = 50000, .multiple_of = 50, .scale = 3, .unit = "\"prices\":{"};
    begin();
    codec_write_product(&out, &product);
    codec_append_product_times(&out, T1_US);
    ck_assert_str_eq(
        strstr(text(), ",\"active\""),
        ",\"active\":true,\"quantity\":{\"minimum\":100,\"maximum\":50000,"
        "\"multiple_of\":50,\"unit\":\"\\\"prices\\\":{\",\"scale\":3},\"tags\":[],"
        "\"minor_units\":{\"EUR\":2,\"USD\":2},\"updated_at\":\"2026-11-23T04:38:00.123456Z\"}");
}
END_TEST

/* ---- tags ------------------------------------------------------------------------------------ */

#define BEFORE_TAGS                                                                                \
    "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"EUR\":1},\"active\":true,\"quantity\":null"

START_TEST(what_an_event_says_of_tags_round_trips)
{
    struct catalog_event event;
    const char *reason = "none";
    const char *tagged = BEFORE_TAGS ",\"tags\":[\"nuts\",\"organic\"]}";
    ck_assert(codec_read_catalog_event("ProductChanged", 3, tagged, &arena, &event));
    ck_assert_str_eq(event.product_changed.content.tags, "[\"nuts\",\"organic\"]");
    ck_assert(codec_round_trips("ProductChanged", 3, tagged, &reason));
    begin();
    codec_write_catalog_event(&out, &event);
    ck_assert_str_eq(text(), tagged);

    for (int32_t version = 2; version <= 3; version++) {
        ck_assert(
            codec_read_catalog_event("ProductChanged", version, BEFORE_TAGS "}", &arena, &event));
        ck_assert_ptr_null(event.product_changed.content.tags);
        ck_assert(codec_round_trips("ProductChanged", version, BEFORE_TAGS "}", &reason));
    }
    ck_assert(!codec_read_catalog_event("ProductChanged", 2, tagged, &arena, &event));
    static const char *const bad[] = {
        BEFORE_TAGS ",\"tags\":null}",
        BEFORE_TAGS ",\"tags\":\"nuts\"}",
        BEFORE_TAGS ",\"tags\":[1]}",
        BEFORE_TAGS ",\"tags\":[\"\\\"\"]}",
    };
    for (size_t i = 0; i < BASE_COUNT(bad); i++)
        ck_assert_msg(
            !codec_read_catalog_event("ProductChanged", 3, bad[i], &arena, &event), "%s", bad[i]);
}
END_TEST

START_TEST(a_product_shows_its_tags_once)
{
    struct catalog_product product = {.version = 2, .sku = "tea", .content = tea()};
    product.content.tags = "[\"green\"]";
    begin();
    codec_write_product(&out, &product);
    ck_assert_str_eq(strstr(text(), ",\"active\""), ",\"active\":true,\"tags\":[\"green\"]}");
    codec_append_product_times(&out, T1_US);
    ck_assert_str_eq(
        strstr(text(), ",\"active\""),
        ",\"active\":true,\"tags\":[\"green\"],"
        "\"quantity\":{\"minimum\":1,\"maximum\":999,\"multiple_of\":1,\"unit\":null,\"scale\":0},"
        "\"minor_units\":{\"EUR\":2,\"USD\":2},\"updated_at\":\"2026-11-23T04:38:00.123456Z\"}");
}
END_TEST

static struct codec_complaints given_complaints;

static const char *read_tags(const char *tags)
{
    struct catalog_content content;
    const char *json =
        base_arena_printf(&arena, "{\"name\":\"n\",\"prices\":{},\"tags\":%s}", tags);
    struct codec_body body = {.bytes = json, .length = strlen(json)};
    enum codec_outcome outcome = codec_read_product(body, &arena, &content, &given_complaints);
    ck_assert(outcome == CODEC_READ || outcome == CODEC_INVALID);
    return outcome == CODEC_READ ? content.tags : "refused";
}

START_TEST(tags_of_a_client_are_sorted_each_once)
{
    ck_assert_str_eq(
        read_tags("[\"organic\",\"nuts\",\"Nuts\",\"nuts\"]"), "[\"Nuts\",\"nuts\",\"organic\"]");
    ck_assert_ptr_null(read_tags("[]"));
    ck_assert_ptr_null(read_tags("null"));
    ck_assert_str_eq(read_tags("{}"), "refused");
    ck_assert_str_eq(given_complaints.list[0].pointer, "/tags");
    ck_assert_str_eq(read_tags("[\"a\",\"b c\",7]"), "refused");
    ck_assert_uint_eq(given_complaints.n, 2);
    ck_assert_str_eq(given_complaints.list[0].pointer, "/tags/1");
    ck_assert_ptr_nonnull(strstr(given_complaints.list[0].detail, "not \"b c\"."));
    ck_assert_str_eq(given_complaints.list[1].pointer, "/tags/2");
    begin();
    for (int i = 0; i <= CATALOG_TAGS_MAX; i++)
        base_buffer_printf(&out, "%s\"t%d\"", i == 0 ? "[" : ",", i);
    base_buffer_append_char(&out, ']');
    ck_assert_str_eq(read_tags(text()), "refused");
    ck_assert_ptr_nonnull(strstr(given_complaints.list[0].detail, "21 elements; at most 20"));
}
END_TEST

/* ---- quantities of a client ------------------------------------------------------------------ */

static enum codec_outcome read_with(const char *quantity, struct catalog_content *content)
{
    const char *json =
        base_arena_printf(&arena, "{\"name\":\"n\",\"prices\":{},\"quantity\":%s}", quantity);
    struct codec_body body = {.bytes = json, .length = strlen(json)};
    return codec_read_product(body, &arena, content, &given_complaints);
}

static struct catalog_quantity read_given(const char *quantity)
{
    struct catalog_content content;
    ck_assert_int_eq(read_with(quantity, &content), CODEC_READ);
    return content.quantity;
}

START_TEST(a_quantity_that_is_none_is_refused_with_its_pointer)
{
    static const struct {
        const char *quantity;
        const char *pointer;
        const char *part; /* of the complaint */
    } rows[] = {
        {"5", "/quantity", "quantity must be an object, not 5."},
        {"{\"minimum\":0}", "/quantity/minimum", "from 1 to 1000000, not 0."},
        {"{\"maximum\":1000001}", "/quantity/maximum", "not 1000001."},
        {"{\"multiple_of\":0}", "/quantity/multiple_of", "not 0."},
        {"{\"multiple_of\":1.5}", "/quantity/multiple_of", "not 1.5."},
        {"{\"scale\":7}", "/quantity/scale", "from 0 to 6, not 7."},
        {"{\"unit\":\"\"}", "/quantity/unit", "unit must not be empty."},
        {"{\"unit\":\"12345678901234567\"}", "/quantity/unit", "at most 16"},
        {"{\"unit\":\"k\\ng\"}", "/quantity/unit", "control character"},
        {"{\"step\":2}", "/quantity/step",
         "known ones are: minimum, maximum, multiple_of, unit, scale."},
        {"{\"minimum\":10,\"maximum\":9}", "/quantity", "9 is less than 10"},
        {"{\"minimum\":1000}", "/quantity", "it is 999 where it is left out"},
        {"{\"minimum\":7,\"maximum\":11,\"multiple_of\":6}", "/quantity",
         "none from 7 to 11 is a multiple of 6."},
        {"{\"multiple_of\":1000}", "/quantity", "a multiple of 1000."},
    };
    struct catalog_content content;
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        ck_assert_int_eq(read_with(rows[i].quantity, &content), CODEC_INVALID);
        ck_assert_uint_eq(given_complaints.n, 1);
        ck_assert_str_eq(given_complaints.list[0].pointer, rows[i].pointer);
        const char *detail = given_complaints.list[0].detail;
        ck_assert_msg(strstr(detail, rows[i].part) != NULL, "%s", detail);
    }
}
END_TEST

START_TEST(what_a_client_leaves_out_of_a_quantity_is_the_default)
{
    struct catalog_quantity quantity = read_given("{\"unit\":\"kg\",\"scale\":3.0}");
    const struct catalog_quantity wanted = {
        .minimum = 1, .maximum = 999, .multiple_of = 1, .scale = 3, .unit = "kg"};
    ck_assert(catalog_quantity_is_same(&quantity, &wanted));
    ck_assert_int_eq(read_given("{\"maximum\":1000000}").maximum, 1000000);
    ck_assert_int_eq(read_given("null").maximum, 0);
    ck_assert_int_eq(read_given("{}").maximum, 0);
    ck_assert_int_eq(read_given("{\"minimum\":1,\"maximum\":999,\"unit\":null}").maximum, 0);
}
END_TEST

START_TEST(a_stored_quantity_is_read_back)
{
    struct catalog_quantity quantity = {.maximum = 7};
    ck_assert(!codec_read_quantity("{}", &arena, &quantity));
    ck_assert(!codec_read_quantity("", &arena, &quantity));
    ck_assert_int_eq(quantity.maximum, 7);
    ck_assert(codec_read_quantity(BY_WEIGHT, &arena, &quantity));
    ck_assert_str_eq(quantity.unit, "kg");
    ck_assert(codec_read_quantity(NULL, &arena, &quantity));
    ck_assert_int_eq(quantity.maximum, 0);
}
END_TEST

START_TEST(what_was_recorded_in_a_currency_that_is_none_any_more_is_readable)
{
    static const char *const data[] = {
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"BGN\":1},\"active\":true}",
        "{\"sku\":\"t\",\"name\":\"n\",\"prices\":{\"XXX\":1},\"active\":true}"};
    struct catalog_event event;
    struct catalog_content content = {.n_prices = 0};
    for (size_t i = 0; i < BASE_COUNT(data); i++) {
        ck_assert(codec_read_catalog_event("ProductChanged", 1, data[i], &arena, &event));
        ck_assert_uint_eq(event.product_changed.content.n_prices, 1);
    }
    ck_assert(codec_read_prices("{\"BGN\":1}", &content));
    struct cart_event created;
    ck_assert(codec_read_cart_event(
        "CartCreated", 1, "{\"currency\":\"BGN\",\"customer_id\":null,\"metadata\":{}}", &arena,
        &created));
    ck_assert_str_eq(created.created.currency, "BGN");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_products");
    TCase *products = tcase_create("products");
    tcase_add_checked_fixture(products, NULL, end);
    tcase_add_test(products, a_product_is_written_with_its_time);
    tcase_add_test(products, a_product_shows_the_minor_units_of_its_prices);
    tcase_add_test(products, an_own_currency_shows_its_minor_unit);
    tcase_add_test(products, a_product_has_at_most_64_prices);
    tcase_add_test(products, prices_are_read_back_in_any_order);
    tcase_add_test(products, prices_that_are_none_are_refused);
    tcase_add_test(products, a_product_event_is_written_as_it_was_read);
    tcase_add_test(products, a_product_event_amiss_is_not_understood);
    tcase_add_test(products, an_event_of_before_quantities_has_the_default);
    tcase_add_test(products, what_an_event_says_of_quantities_round_trips);
    tcase_add_test(products, a_product_shows_its_quantity_once);
    tcase_add_test(products, what_an_event_says_of_tags_round_trips);
    tcase_add_test(products, a_product_shows_its_tags_once);
    tcase_add_test(products, tags_of_a_client_are_sorted_each_once);
    tcase_add_test(products, what_a_client_leaves_out_of_a_quantity_is_the_default);
    tcase_add_test(products, a_quantity_that_is_none_is_refused_with_its_pointer);
    tcase_add_test(products, a_stored_quantity_is_read_back);
    tcase_add_test(products, what_was_recorded_in_a_currency_that_is_none_any_more_is_readable);
    suite_add_tcase(suite, products);
    return support_run(suite);
}
