#include <jansson.h>
#include <string.h>

#include "codec.h"
#include "support.h"

/* Documents and events as they are written, and stored events as they are read. */

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

static struct base_uuid uuid(const char *as_text)
{
    struct base_uuid parsed;
    ck_assert(base_uuid_parse(as_text, &parsed));
    return parsed;
}

#define CART_ID "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"
#define T1_US INT64_C(1795408680123456) /* 2026-11-23T04:38:00.123456Z */
#define T2_US INT64_C(1795408682000001)

static void append_times(void)
{
    codec_append_cart_times(
        &out, &(struct codec_cart_times){T1_US, T2_US, CART_TIME_NONE, CART_TIME_NONE, 0});
}

static struct cart cart;

static void evolve(struct cart_event event)
{
    cart_evolve(&cart, &event, T1_US);
}

static struct cart_event created(const char *customer_id, const char *metadata)
{
    return (struct cart_event){
        .type = CART_EVENT_CREATED,
        .created = {.currency = "EUR", .customer_id = customer_id, .metadata = metadata},
    };
}

static struct cart_event item_added(const char *sku, const char *name, int32_t quantity)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_ADDED,
        .item_added =
            {
                .item_id = sku,
                .sku = sku,
                .name = name,
                .quantity = quantity,
                .unit_price_minor = 499,
            },
    };
}

static struct cart_event item_removed(const char *item_id)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_REMOVED,
        .item_removed = {.item_id = item_id, .quantity = 1},
    };
}

static void write_cart(void)
{
    struct base_uuid id = uuid(CART_ID);
    begin();
    codec_write_cart(&out, &id, &cart);
}

/* ---- documents ------------------------------------------------------------------------------- */

START_TEST(a_cart_is_written_as_the_contract_shows_it)
{
    cart_clear(&cart);
    evolve(created(NULL, "{}"));
    evolve(item_added("tea-green", "Green tea", 1));
    evolve(item_added("tea-green", "Green tea", 1));
    write_cart();
    ck_assert_str_eq(
        text(),
        "{\"id\":\"" CART_ID "\",\"version\":3,\"status\":\"open\",\"currency\":\"EUR\","
        "\"minor_unit\":2,\"customer_id\":null,\"customer_email\":null,\"note\":null,\"items\":[{"
        "\"id\":"
        "\"tea-green\",\"sku\":\"tea-green\","
        "\"name\":\"Green "
        "tea\",\"quantity\":2,\"unit_price\":499,\"price_source\":\"catalog\",\"subtotal\":998,"
        "\"discount\":0,\"total\":998,"
        "\"properties\":{}}],"
        "\"item_count\":2,\"coupons\":[],"
        "\"subtotal\":998,\"discount\":0,\"totals\":[],\"total\":998,\"notes\":[],"
        "\"metadata\":{},\"order_reference\":null}");
    append_times();
    ck_assert_str_eq(
        strstr(text(), ",\"metadata\""),
        ",\"metadata\":{},\"order_reference\":null,\"created_at\":\"2026-11-23T04:38:00.123456Z\","
        "\"updated_at\":\"2026-11-23T04:38:02.000001Z\",\"closed_at\":null,\"abandoned_at\":null,"
        "\"expires_at\":null}");
}
END_TEST

/* A line of so many 10^-scale units, as the document says it; "": as one without. */
static void assert_measure(int32_t quantity, const char *unit, int32_t scale, const char *said)
{
    struct cart_event nuts = item_added("nuts", "Nuts", quantity);
    nuts.item_added.unit = unit;
    nuts.item_added.scale = scale;
    cart_clear(&cart);
    evolve(created(NULL, "{}"));
    evolve(nuts);
    write_cart();
    const char *found = strstr(text(), ",\"quantity\":");
    const char *wanted = base_arena_printf(
        &arena, ",\"quantity\":%d%s,\"unit_price\":499,\"price_source\":\"catalog\",\"subtotal\":",
        (int)quantity, said);
    ck_assert_msg(strncmp(found, wanted, strlen(wanted)) == 0, "%s", found);
}

START_TEST(a_line_says_what_its_quantity_counts)
{
    assert_measure(1500, NULL, 0, "");
    assert_measure(1500, "kg", 3, ",\"quantity_decimal\":\"1.5\",\"unit\":\"kg\",\"scale\":3");
    assert_measure(2000, "kg", 3, ",\"quantity_decimal\":\"2\",\"unit\":\"kg\",\"scale\":3");
    assert_measure(5, "kg", 3, ",\"quantity_decimal\":\"0.005\",\"unit\":\"kg\",\"scale\":3");
    assert_measure(10, NULL, 1, ",\"quantity_decimal\":\"1\",\"unit\":null,\"scale\":1");
    assert_measure(
        1000000, "\"pc\"", 0,
        ",\"quantity_decimal\":\"1000000\",\"unit\":\"\\\"pc\\\"\",\"scale\":0");
    assert_measure(1000000, "kg", 6, ",\"quantity_decimal\":\"1\",\"unit\":\"kg\",\"scale\":6");
    assert_measure(
        999999, "kg", 6, ",\"quantity_decimal\":\"0.999999\",\"unit\":\"kg\",\"scale\":6");
}
END_TEST

START_TEST(a_cart_of_awkward_texts_and_numbers_reads_back_with_a_json_parser)
{
    const char *name = "\"Tee\" \\ \xc3\xbc\xf0\x9f\x8d\xb5 \n\x01 </script>";
    struct cart_event dear = item_added("b~._-0", name, 1);
    dear.item_added.unit_price_minor = CART_AMOUNT_MAX - 499 * 3;
    cart_clear(&cart);
    evolve(created("a\"b\\c\xc3\xa9", "{\"k\":[1,{\"z\":\"\\\"\"}]}"));
    evolve(item_added("a", "", 3));
    evolve(dear);
    write_cart();
    append_times();

    json_t *expected = json_pack(
        "{s:s, s:i, s:s, s:s, s:i, s:s, s:n, s:n, s:[{s:s, s:s, s:s, s:i, s:i, s:s, s:i, s:i, "
        "s:i, s:{}},"
        "{s:s, s:s, s:s, s:i, s:I, s:s, s:I, s:i, s:I, s:{}}], s:i, s:[], s:I, s:i, s:[], s:I, "
        "s:[], "
        "s:{s:[i,{s:s}]}, s:n, s:s, s:s, "
        "s:n, s:n, s:n}",
        "id", CART_ID, "version", 3, "status", "open", "currency", "EUR", "minor_unit", 2,
        "customer_id", "a\"b\\c\xc3\xa9", "customer_email", "note", "items", "id", "a", "sku", "a",
        "name", "", "quantity", 3, "unit_price", 499, "price_source", "catalog", "subtotal", 1497,
        "discount", 0, "total", 1497, "properties", "id", "b~._-0", "sku", "b~._-0", "name", name,
        "quantity", 1, "unit_price", (json_int_t)dear.item_added.unit_price_minor, "price_source",
        "catalog", "subtotal", (json_int_t)dear.item_added.unit_price_minor, "discount", 0, "total",
        (json_int_t)dear.item_added.unit_price_minor, "properties", "item_count", 4, "coupons",
        "subtotal", (json_int_t)CART_AMOUNT_MAX, "discount", 0, "totals", "total",
        (json_int_t)CART_AMOUNT_MAX, "notes", "metadata", "k", 1, "z", "\"", "order_reference",
        "created_at", "2026-11-23T04:38:00.123456Z", "updated_at", "2026-11-23T04:38:02.000001Z",
        "closed_at", "abandoned_at", "expires_at");
    json_t *parsed = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_ptr_nonnull(expected);
    ck_assert_ptr_nonnull(parsed);
    ck_assert(json_equal(parsed, expected));
    json_decref(parsed);
    json_decref(expected);
}
END_TEST

START_TEST(every_status_is_written)
{
    static const struct {
        enum cart_event_type last;
        const char *status;
    } rows[] = {
        {CART_EVENT_CHECKED_OUT, "\"status\":\"checked_out\""},
        {CART_EVENT_CANCELLED, "\"status\":\"cancelled\""},
        {CART_EVENT_MERGED_INTO, "\"status\":\"merged\""},
        {CART_EVENT_EXPIRED, "\"status\":\"expired\""},
        {CART_EVENT_CLEARED, "\"status\":\"open\""},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        cart_clear(&cart);
        evolve(created(NULL, "{}"));
        evolve((struct cart_event){.type = rows[i].last});
        write_cart();
        ck_assert_ptr_nonnull(strstr(text(), rows[i].status));
    }
}
END_TEST

START_TEST(the_same_cart_by_another_route_is_the_same_bytes)
{
    cart_clear(&cart);
    evolve(created("ada", "{}"));
    evolve(item_added("a", "A", 2));
    evolve(item_added("b", "B", 1));
    evolve(item_added("c", "C", 1));
    evolve(item_removed("c"));
    evolve((struct cart_event){.type = CART_EVENT_CLEARED});
    evolve(item_added("x", "X", 5));
    write_cart();
    struct base_buffer one = {0};
    base_buffer_append_text(&one, text());

    cart_clear(&cart);
    evolve(created("ada", "{}"));
    evolve(item_added("x", "old name", 1));
    evolve(item_removed("x"));
    evolve(item_added("y", "Y", 1));
    evolve(item_added("x", "older name", 4));
    evolve(item_removed("y"));
    evolve(item_added("x", "X", 1));
    write_cart();
    ck_assert_str_eq(text(), base_buffer_text(&one));
    base_buffer_finish(&one);
}
END_TEST

START_TEST(the_largest_cart_is_written_whole)
{
    static char skus[CART_LINES_MAX][CART_SKU_MAX + 1];
    cart_clear(&cart);
    evolve(created(NULL, "{}"));
    for (size_t i = 0; i < CART_LINES_MAX; i++) {
        memset(skus[i], 'x', CART_SKU_MAX);
        skus[i][0] = (char)('A' + i / 26);
        skus[i][1] = (char)('A' + i % 26);
        evolve(item_added(skus[i], "\x01\x02\x03\x04", 999));
    }
    write_cart();
    json_t *parsed = json_loadb(out.bytes, out.length, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(parsed, "items")), CART_LINES_MAX);
    ck_assert_int_eq(
        json_integer_value(json_object_get(parsed, "total")), INT64_C(250) * 999 * 499);
    json_decref(parsed);
}
END_TEST

/* ---- events ---------------------------------------------------------------------------------- */

#define TOKEN_HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
    const char *type;
    const char *data;
} shapes[] = {
    {"CartCreated", "{\"currency\":\"EUR\",\"customer_id\":null,\"metadata\":{},"
                    "\"guest_token_hash\":\"" TOKEN_HASH "\"}"},
    {"CartCreated", "{\"currency\":\"EUR\",\"customer_id\":\"a\\\"b\",\"metadata\":{\"a\":[1]},"
                    "\"guest_token_hash\":null}"},
    {"CartClaimed", "{\"customer_id\":\"a\\\"b\"}"},
    {"ItemAdded", "{\"item_id\":\"tea\",\"sku\":\"tea\",\"name\":\"Green \xc3\xa9\",\"quantity\":2,"
                  "\"unit_price\":9007199254740991,\"properties\":{}}"},
    {"ItemAdded", "{\"item_id\":\"tea~1\",\"sku\":\"tea\",\"name\":\"T\",\"quantity\":2,"
                  "\"unit_price\":0,\"properties\":{\"A\":\"\xc3\xa9 \\\"\",\"b\":\"\"}}"},
    {"ItemQuantityChanged", "{\"item_id\":\"tea\",\"quantity\":999}"},
    {"ItemRemoved", "{\"item_id\":\"tea\",\"quantity\":1}"},
    {"CartCleared", "{}"},
    {"CartCheckedOut",
     "{\"total\":0,\"currency\":\"EUR\",\"item_count\":2,\"order_reference\":null}"},
    {"CartCheckedOut",
     "{\"total\":0,\"currency\":\"EUR\",\"item_count\":2,\"order_reference\":\"o \\\"1\\\"\"}"},
    {"CartCancelled", "{}"},
    {"CartDetailsChanged", "{\"metadata\":{\"a\":[1]},\"customer_email\":\"ada@example.com\","
                           "\"note\":\"ring \\\"twice\\\"\"}"},
    {"CartDetailsChanged", "{\"metadata\":{},\"customer_email\":null,\"note\":null}"},
    {"ItemPropertiesChanged", "{\"item_id\":\"tea\",\"properties\":{\"a\":\"\xc3\xa9\"}}"},
    {"ItemPropertiesChanged", "{\"item_id\":\"tea\",\"properties\":{}}"},
    {"ItemMerged", "{\"item_id\":\"tea~1\",\"into\":\"tea\",\"quantity\":999}"},
    {"ItemPriceChanged", "{\"item_id\":\"tea\",\"unit_price\":9007199254740991}"},
    {"ItemRestored", "{\"item_id\":\"tea\",\"sku\":\"tea\",\"name\":\"T\",\"quantity\":2,"
                     "\"unit_price\":0,\"properties\":{\"a\":\"b\"},\"index\":249}"},
    {"CartCurrencyChanged", "{\"currency\":\"USD\",\"unit_prices\":{}}"},
    {"CartCurrencyChanged",
     "{\"currency\":\"USD\",\"unit_prices\":{\"cup\":0,\"tea\":9007199254740991}}"},
    {"CartCopied", "{\"cart_id\":\"" CART_ID "\",\"version\":1,\"notes\":[]}"},
    {"CartRestored", "{\"version\":7,\"undone_to\":0,\"notes\":[]}"},
    {"CartRestored", "{\"version\":2147483647,\"undone_to\":2147483647,\"notes\":[{\"code\":"
                     "\"product-withdrawn\",\"item_id\":\"tea\",\"quantity\":2,"
                     "\"sku\":\"tea\"}]}"},
    {"CartCouponRemoved", "{\"code\":\"spring\"}"},
    {"CartCouponLapsed", "{\"code\":\"spring\",\"state\":\"exhausted\"}"},
    {"CartReopened", "{\"reason\":null}"},
    {"CartReopened", "{\"reason\":\"payment \\\"failed\\\"\"}"},
};

static int32_t newest(int shape)
{
    return codec_newest_schema_version(shapes[shape].type);
}

START_TEST(every_event_of_a_cart_is_written_as_it_was_read)
{
    struct cart_event event = {.type = CART_EVENT_CREATED};
    ck_assert(codec_read_cart_event(shapes[_i].type, newest(_i), shapes[_i].data, &arena, &event));
    ck_assert_str_eq(codec_cart_event_name(event.type), shapes[_i].type);
    ck_assert_int_eq(codec_cart_event_schema_version(event.type), newest(_i));
    begin();
    codec_write_cart_event(&out, &event);
    ck_assert_str_eq(text(), shapes[_i].data);
}
END_TEST

/* The members in another order and with other spaces, as jsonb gives them back. */
START_TEST(every_event_is_read_from_any_order_of_its_members)
{
    json_t *data = json_loads(shapes[_i].data, 0, NULL);
    char *sorted = json_dumps(data, JSON_SORT_KEYS | JSON_INDENT(2));
    struct cart_event event = {.type = CART_EVENT_CREATED};
    ck_assert(codec_read_cart_event(shapes[_i].type, newest(_i), sorted, &arena, &event));
    begin();
    codec_write_cart_event(&out, &event);
    ck_assert_str_eq(text(), shapes[_i].data);
    free(sorted);
    json_decref(data);
}
END_TEST

static bool may_be_any_text(const char *member)
{
    static const char *const members[] = {"name",           "customer_id", "order_reference",
                                          "customer_email", "note",        "cart_id",
                                          "reason",         "code"};
    for (size_t i = 0; i < BASE_COUNT(members); i++)
        if (strcmp(member, members[i]) == 0)
            return true;
    return false;
}

/* A stored event without one of its members, with another one, or with one of another kind. */
START_TEST(an_event_with_a_member_amiss_is_not_understood)
{
    json_t *data = json_loads(shapes[_i].data, 0, NULL);
    json_t *wrong[] = {
        NULL, json_true(), json_integer(-1), json_real(1.0), json_string(" ../\x7f")};
    const char *name;
    json_t *value;
    struct cart_event event = {.type = CART_EVENT_CANCELLED};
    json_object_foreach(data, name, value)
    {
        for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
            if (may_be_any_text(name) && json_is_string(wrong[i]))
                continue;
            json_t *changed = json_copy(data);
            if (wrong[i] == NULL)
                (void)json_object_del(changed, name); /* It is there. */
            else
                (void)json_object_set(changed, name, wrong[i]); /* The copy takes any. */
            char *as_text = json_dumps(changed, 0);
            ck_assert_msg(
                !codec_read_cart_event(shapes[_i].type, newest(_i), as_text, &arena, &event), "%s",
                as_text);
            free(as_text);
            json_decref(changed);
        }
    }
    (void)json_object_set_new(data, "more", json_null()); /* The object takes any. */
    char *as_text = json_dumps(data, 0);
    ck_assert(!codec_read_cart_event(shapes[_i].type, newest(_i), as_text, &arena, &event));
    ck_assert(
        !codec_read_cart_event(shapes[_i].type, newest(_i) + 1, shapes[_i].data, &arena, &event));
    ck_assert(!codec_read_cart_event(shapes[_i].type, 0, shapes[_i].data, &arena, &event));
    ck_assert_int_eq(event.type, CART_EVENT_CANCELLED);
    free(as_text);
    for (size_t i = 0; i < BASE_COUNT(wrong); i++)
        json_decref(wrong[i]);
    json_decref(data);
}
END_TEST

START_TEST(garbage_is_no_event)
{
    static const struct {
        const char *type;
        const char *data;
    } rows[] = {
        {"", "{}"},
        {"cartcleared", "{}"},
        {"CartCleared", ""},
        {"CartCleared", "null"},
        {"CartCleared", "[]"},
        {"CartCleared", "{"},
        {"CartCleared", "{}{}"},
        {"CartCleared", "\xff\xfe"},
        {"CartCleared", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["},
        {"CartCleared",
         "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}"},
        {"ItemRemoved", "{\"item_id\":\"tea\",\"item_id\":\"tea\",\"quantity\":1}"},
        {"ItemRemoved", "{\"item_id\":\"tea\",\"quantity\":99999999999999999999}"},
        {"ItemRemoved", "{\"item_id\":\"tea\",\"quantity\":1e999}"},
        {"ItemRemoved", "{\"item_id\":\"tea\\u0000\",\"quantity\":1}"},
        {"ItemAdded", "{\"item_id\":\"t\\\"\",\"sku\":\"t\",\"name\":\"n\",\"quantity\":1,"
                      "\"unit_price\":1}"},
        {"CartCreated", "{\"currency\":\"euro\",\"customer_id\":null,\"metadata\":{}}"},
        {"CartCreated", "{\"currency\":\"EUR\",\"customer_id\":null,\"metadata\":[]}"},
        {"CartCreated", "{\"currency\":\"EUR\",\"customer_id\":null,\"metadata\":{\"a\":1e300}}"},
        {"ProductChanged", "{}"},
        {"ItemRestored", "{\"item_id\":\"t\",\"sku\":\"t\",\"name\":\"n\",\"quantity\":1,"
                         "\"unit_price\":1,\"properties\":{},\"index\":250}"},
        {"ItemMerged", "{\"item_id\":\"t\",\"into\":\"u\",\"quantity\":1000001}"},
        {"ItemMerged", "{\"item_id\":\"t\",\"into\":\"u\",\"quantity\":0}"},
        {"CartCurrencyChanged", "{\"currency\":\"USD\",\"unit_prices\":{\"a b\":1}}"},
        {"CartCurrencyChanged", "{\"currency\":\"USD\",\"unit_prices\":{\"a\":-1}}"},
        {"CartCurrencyChanged", "{\"currency\":\"USD\",\"unit_prices\":{\"a\":9007199254740992}}"},
        {"CartCurrencyChanged", "{\"currency\":\"USD\",\"unit_prices\":{\"a\":1.0}}"},
        {"CartRestored", "{\"version\":0,\"undone_to\":0,\"notes\":[]}"},
        {"CartRestored", "{\"version\":2147483648,\"undone_to\":0,\"notes\":[]}"},
        {"CartRestored", "{\"version\":1,\"undone_to\":0,\"notes\":null}"},
    };
    struct cart_event event = {.type = CART_EVENT_CANCELLED};
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        ck_assert_msg(
            !codec_read_cart_event(rows[i].type, 1, rows[i].data, &arena, &event), "%s",
            rows[i].data);
    ck_assert_int_eq(event.type, CART_EVENT_CANCELLED);
}
END_TEST

/* Every prefix and every damaged byte of a real event: read or refused, never a crash. */
START_TEST(damaged_events_are_read_or_refused_but_never_crash)
{
    size_t length = strlen(shapes[_i].data);
    char damaged[256];
    struct cart_event event;
    for (size_t at = 0; at < length; at++) {
        static const char bytes[] = "\"{}[]:,0-e\\\xff\x01";
        for (size_t i = 0; i < sizeof bytes; i++) {
            memcpy(damaged, shapes[_i].data, length + 1);
            damaged[at] = bytes[i]; /* the last one cuts it off */
            if (codec_read_cart_event(shapes[_i].type, newest(_i), damaged, &arena, &event)) {
                begin();
                codec_write_cart_event(&out, &event);
                json_t *again = json_loadb(out.bytes, out.length, 0, NULL);
                if (again == NULL)
                    ck_abort_msg("%s was written as %s", damaged, text());
                json_decref(again);
            }
            base_arena_reset(&arena);
        }
    }
}
END_TEST

START_TEST(an_event_is_shown_with_everything_around_it)
{
    struct codec_event event = {
        .position = 812,
        .stream_type = "cart",
        .stream_id = uuid(CART_ID),
        .version = 2,
        .type = "CartCleared",
        .schema_version = 1,
        .recorded_at_us = T2_US,
        .data = "{}",
        .metadata = "{\"actor\": \"anonymous\"}",
    };
    begin();
    codec_write_event(&out, &event);
    ck_assert_str_eq(
        text(), "{\"position\":812,\"stream_type\":\"cart\",\"stream_id\":\"" CART_ID "\","
                "\"version\":2,\"type\":\"CartCleared\",\"schema_version\":1,"
                "\"recorded_at\":\"2026-11-23T04:38:02.000001Z\",\"data\":{},"
                "\"metadata\":{\"actor\": \"anonymous\"}}");
}
END_TEST

/* What the log stores of a guest's token is shown to nobody, wherever jsonb has put it. */
START_TEST(the_hash_of_a_token_is_never_shown)
{
    static const struct {
        const char *stored;
        const char *shown;
    } rows[] = {
        {"{\"currency\": \"EUR\", \"metadata\": {}, \"guest_token_hash\": \"" TOKEN_HASH "\"}",
         "{\"currency\": \"EUR\", \"metadata\": {}}"},
        {"{\"guest_token_hash\":\"" TOKEN_HASH "\",\"metadata\":{\"guest_token_hash\":\"mine\"}}",
         "{\"metadata\": {\"guest_token_hash\":\"mine\"}}"},
        {"{\"guest_token_hash\": null}", "{}"},
        {"{\"a\": \"\\\"}\", \"b\": [1, {\"c\": null}]}",
         "{\"a\": \"\\\"}\", \"b\": [1, {\"c\": null}]}"},
        {"{}", "{}"},
        {"[]", "[]"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        begin();
        codec_write_event(
            &out, &(struct codec_event){
                      .stream_type = "cart",
                      .type = "CartCreated",
                      .data = rows[i].stored,
                      .metadata = "{}",
                  });
        const char *data = strstr(text(), "\"data\":") + strlen("\"data\":");
        size_t length = strlen(rows[i].shown);
        ck_assert_msg(strncmp(data, rows[i].shown, length) == 0, "%s", data);
        ck_assert_str_eq(data + length, ",\"metadata\":{}}");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *documents = tcase_create("documents");
    tcase_add_checked_fixture(documents, NULL, end);
    tcase_add_test(documents, a_cart_is_written_as_the_contract_shows_it);
    tcase_add_test(documents, a_line_says_what_its_quantity_counts);
    tcase_add_test(documents, a_cart_of_awkward_texts_and_numbers_reads_back_with_a_json_parser);
    tcase_add_test(documents, every_status_is_written);
    tcase_add_test(documents, the_same_cart_by_another_route_is_the_same_bytes);
    tcase_add_test(documents, the_largest_cart_is_written_whole);
    suite_add_tcase(suite, documents);

    TCase *events = tcase_create("events");
    int n_shapes = (int)BASE_COUNT(shapes);
    tcase_add_checked_fixture(events, NULL, end);
    tcase_add_loop_test(events, every_event_of_a_cart_is_written_as_it_was_read, 0, n_shapes);
    tcase_add_loop_test(events, every_event_is_read_from_any_order_of_its_members, 0, n_shapes);
    tcase_add_loop_test(events, an_event_with_a_member_amiss_is_not_understood, 0, n_shapes);
    tcase_add_loop_test(events, damaged_events_are_read_or_refused_but_never_crash, 0, n_shapes);
    tcase_add_test(events, garbage_is_no_event);
    tcase_add_test(events, an_event_is_shown_with_everything_around_it);
    tcase_add_test(events, the_hash_of_a_token_is_never_shown);
    suite_add_tcase(suite, events);
    return support_run(suite);
}
