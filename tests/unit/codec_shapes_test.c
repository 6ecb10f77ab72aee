#include <jansson.h>
#include <string.h>

#include "codec_fields.h"
#include "support.h"

/* What was stored in an older shape, and the way there and back. */

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

/* ---- events ---------------------------------------------------------------------------------- */

#define PLAIN_1                                                                                    \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"quantity\":2,\"sku\":\"mug\",\"unit_price\":1250}"
#define PLAIN_2                                                                                    \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"properties\":{},\"quantity\":2,\"sku\":\"mug\","      \
    "\"unit_price\":1250}"
#define SPECIAL_2                                                                                  \
    "{\"item_id\":\"mug~1\",\"name\":\"Mug\",\"properties\":{\"a\":\"b\"},\"quantity\":2,"         \
    "\"sku\":\"mug\",\"unit_price\":1250}"

/* A member that is left out where it says nothing. */
#define SET_3                                                                                      \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"price_source\":\"set\",\"properties\":{},"            \
    "\"quantity\":2,\"sku\":\"mug\",\"unit_price\":1250}"
#define TAGGED_4                                                                                   \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"properties\":{},\"quantity\":2,\"sku\":\"mug\","      \
    "\"tags\":[\"sale\"],\"unit_price\":1250}"
#define OTHER_3                                                                                    \
    "{\"item_id\":\"mug\",\"name\":\"Mug\",\"price_source\":\"x\",\"properties\":{},"              \
    "\"quantity\":2,\"sku\":\"mug\",\"unit_price\":1250}"

START_TEST(a_price_source_is_written_where_it_is_not_the_catalogue)
{
    struct cart_event event;
    const char *reason = "none";
    ck_assert(codec_read_cart_event("ItemAdded", 3, SET_3, &arena, &event));
    ck_assert(event.item_added.is_price_set);
    ck_assert(codec_round_trips("ItemAdded", 3, SET_3, &reason));
    out.length = 0;
    codec_write_cart_event(&out, &event);
    ck_assert_ptr_nonnull(strstr(text(), ",\"price_source\":\"set\"}"));
    for (int32_t version = 2; version <= 3; version++) {
        ck_assert(codec_read_cart_event("ItemAdded", version, PLAIN_2, &arena, &event));
        ck_assert(!event.item_added.is_price_set);
        ck_assert(codec_round_trips("ItemAdded", version, PLAIN_2, &reason));
        ck_assert(codec_is_upcast_of("ItemAdded", version, PLAIN_2, PLAIN_2, &reason));
    }
    out.length = 0;
    codec_write_cart_event(&out, &event);
    ck_assert_ptr_null(strstr(text(), "price_source"));
}
END_TEST

START_TEST(an_item_added_of_version_1_is_read_as_one_without_properties)
{
    struct cart_event event = {.type = CART_EVENT_CANCELLED};
    ck_assert(codec_read_cart_event("ItemAdded", 1, PLAIN_1, &arena, &event));
    ck_assert_int_eq(event.type, CART_EVENT_ITEM_ADDED);
    ck_assert_str_eq(event.item_added.item_id, "mug");
    ck_assert_str_eq(event.item_added.name, "Mug");
    ck_assert_int_eq(event.item_added.quantity, 2);
    ck_assert_ptr_null(event.item_added.properties);

    ck_assert(codec_read_cart_event("ItemAdded", 2, PLAIN_2, &arena, &event));
    ck_assert_ptr_null(event.item_added.properties);
    ck_assert(codec_read_cart_event("ItemAdded", 2, SPECIAL_2, &arena, &event));
    ck_assert_str_eq(event.item_added.properties, "{\"a\":\"b\"}");
    ck_assert(codec_read_cart_event("ItemAdded", 3, SPECIAL_2, &arena, &event));
    ck_assert_ptr_null(event.item_added.unit);
    ck_assert_int_eq(event.item_added.scale, 0);
}
END_TEST

#define BY_WEIGHT_3                                                                                \
    "{\"item_id\":\"nut\",\"name\":\"Nut\",\"properties\":{},\"quantity\":1500,\"scale\":3,"       \
    "\"sku\":\"nut\",\"unit\":\"kg\",\"unit_price\":1250}"
#define BY_WEIGHT_RESTORED_2                                                                       \
    "{\"index\":0,\"item_id\":\"nut\",\"name\":\"Nut\",\"properties\":{},\"quantity\":1500,"       \
    "\"scale\":3,\"sku\":\"nut\",\"unit\":\"kg\",\"unit_price\":1250}"

START_TEST(unit_and_scale_are_in_an_event_only_where_they_say_something)
{
    struct cart_event event;
    const char *reason = "none";
    ck_assert(codec_read_cart_event("ItemAdded", 3, BY_WEIGHT_3, &arena, &event));
    ck_assert_str_eq(event.item_added.unit, "kg");
    ck_assert_int_eq(event.item_added.scale, 3);
    ck_assert(codec_round_trips("ItemAdded", 3, BY_WEIGHT_3, &reason));
    ck_assert(!codec_read_cart_event("ItemAdded", 2, BY_WEIGHT_3, &arena, &event));
    ck_assert(!codec_round_trips("ItemAdded", 2, BY_WEIGHT_3, &reason));
    ck_assert(!codec_is_upcast_of("ItemAdded", 2, BY_WEIGHT_3, PLAIN_2, &reason));

    event.item_added.unit = NULL;
    event.item_added.scale = 0;
    out.length = 0;
    codec_write_cart_event(&out, &event);
    ck_assert_ptr_null(strstr(text(), "unit\""));
    ck_assert_ptr_null(strstr(text(), "scale"));

    ck_assert(codec_round_trips("ItemRestored", 2, BY_WEIGHT_RESTORED_2, &reason));
    ck_assert(!codec_read_cart_event("ItemRestored", 1, BY_WEIGHT_RESTORED_2, &arena, &event));
}
END_TEST

START_TEST(an_event_of_another_version_than_it_says_is_not_understood)
{
    static const struct {
        int32_t schema_version;
        const char *data;
    } rows[] = {
        {0, PLAIN_1},
        {1, PLAIN_2},
        {1, SPECIAL_2},
        {1, "{}"},
        {2, PLAIN_1},
        {3, PLAIN_1},
        {5, PLAIN_2},
        {3, TAGGED_4},
        {2, SET_3},
        {3, OTHER_3},
        {-1, PLAIN_1},
        {INT32_MAX, PLAIN_2},
        {2, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":[],\"quantity\":2,\"sku\":\"m\","
            "\"unit_price\":1}"},
        {2, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{\"a\":1},\"quantity\":2,"
            "\"sku\":\"m\",\"unit_price\":1}"},
        {2, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{\"a\":{}},\"quantity\":2,"
            "\"sku\":\"m\",\"unit_price\":1}"},
        {3, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{},\"quantity\":2,\"scale\":0,"
            "\"sku\":\"m\",\"unit_price\":1}"},
        {3, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{},\"quantity\":2,\"scale\":7,"
            "\"sku\":\"m\",\"unit_price\":1}"},
        {3, "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{},\"quantity\":2,"
            "\"unit\":null,\"sku\":\"m\",\"unit_price\":1}"},
    };
    struct cart_event event = {.type = CART_EVENT_CANCELLED};
    for (size_t i = 0; i < BASE_COUNT(rows); i++)
        ck_assert_msg(
            !codec_read_cart_event(
                "ItemAdded", rows[i].schema_version, rows[i].data, &arena, &event),
            "%d %s", (int)rows[i].schema_version, rows[i].data);
    ck_assert_int_eq(event.type, CART_EVENT_CANCELLED);
}
END_TEST

START_TEST(a_checkout_of_version_1_is_read_as_one_without_an_order_reference)
{
    static const char first[] = "{\"currency\":\"EUR\",\"item_count\":2,\"total\":998}";
    static const char second[] = "{\"currency\":\"EUR\",\"item_count\":2,"
                                 "\"order_reference\":\"o-1\",\"total\":998}";
    struct cart_event event;
    const char *reason = "none";
    ck_assert(codec_read_cart_event("CartCheckedOut", 1, first, &arena, &event));
    ck_assert_ptr_null(event.checked_out.order_reference);
    ck_assert(codec_round_trips("CartCheckedOut", 1, first, &reason));
    ck_assert(codec_read_cart_event("CartCheckedOut", 2, second, &arena, &event));
    ck_assert_str_eq(event.checked_out.order_reference, "o-1");
    ck_assert(codec_round_trips("CartCheckedOut", 2, second, &reason));
    ck_assert(!codec_read_cart_event("CartCheckedOut", 1, second, &arena, &event));
    ck_assert(!codec_read_cart_event("CartCheckedOut", 2, first, &arena, &event));
}
END_TEST

/* Limits are for who writes: what was stored under other ones is read. */
START_TEST(stored_properties_may_be_any_texts)
{
    struct cart_event event;
    ck_assert(codec_read_cart_event(
        "ItemAdded", 2,
        "{\"item_id\":\"m\",\"name\":\"M\",\"properties\":{\"z z\":\"\",\"\xc3\xa9\":\"x\\n\"},"
        "\"quantity\":2,\"sku\":\"m\",\"unit_price\":1}",
        &arena, &event));
    ck_assert_str_eq(event.item_added.properties, "{\"z z\":\"\",\"\xc3\xa9\":\"x\\n\"}");
}
END_TEST

START_TEST(every_type_has_a_newest_version_and_a_whole_chain_to_it)
{
    static const char *const types[] = {
#define ROW(NAME, name, version) name,
        CART_EVENTS(ROW) CATALOG_EVENTS(ROW)
#undef ROW
    };
    for (size_t i = 0; i < BASE_COUNT(types); i++) {
        int32_t newest = codec_newest_schema_version(types[i]);
        ck_assert_int_ge(newest, 1);
        for (int32_t version = 1; version <= newest; version++) {
            const char *reason = "none";
            out.length = 0;
            /* {} fits no shape with members, but a missing step would say so first. */
            bool is_upcast = codec_upcast_event(types[i], version, "{}", &out, &reason);
            ck_assert_msg(is_upcast, "%s %d: %s", types[i], (int)version, reason);
        }
    }
    ck_assert_int_eq(codec_newest_schema_version("ItemAdded"), 4);
    ck_assert_int_eq(codec_newest_schema_version("itemadded"), 0);
    ck_assert_int_eq(codec_newest_schema_version(""), 0);
}
END_TEST

START_TEST(every_schema_version_but_the_first_brought_a_member)
{
    for (const char *const *type = codec_event_names; *type != NULL; type++) {
        const struct codec_shape *shape = codec_find_shape(*type);
        unsigned brought = 1; /* a bit for each version */
        for (const struct codec_field *field = shape->fields; field->name != NULL; field++)
            if (field->since > 0)
                brought |= 1U << (field->since - 1);
        ck_assert_msg(brought == (1U << shape->schema_version) - 1, "%s", *type);
    }
}
END_TEST

START_TEST(an_event_is_upcast_to_the_newest_shape_and_comes_back)
{
    /* As jsonb gives it back. */
    const char *stored = "{\"sku\": \"mug\", \"name\": \"Mug\", \"item_id\": \"mug\", "
                         "\"quantity\": 2, \"unit_price\": 1250}";
    const char *reason = "none";
    out.length = 0;
    ck_assert(codec_upcast_event("ItemAdded", 1, stored, &out, &reason));
    ck_assert_str_eq(text(), PLAIN_2);
    ck_assert(codec_is_upcast_of("ItemAdded", 1, PLAIN_2, stored, &reason));
    ck_assert(codec_round_trips("ItemAdded", 1, stored, &reason));
    ck_assert(codec_round_trips("ItemAdded", 2, SPECIAL_2, &reason));
    ck_assert(codec_round_trips("CartCleared", 1, "{}", &reason));
    ck_assert(codec_round_trips(
        "CartCreated", 1,
        "{\"metadata\": {\"a\": 2.0}, \"currency\": \"EUR\", \"customer_id\": null}", &reason));
    ck_assert(codec_round_trips(
        "ProductChanged", 1,
        "{\"sku\": \"t\", \"name\": \"T\", \"prices\": {\"USD\": 1, \"EUR\": 2}, \"active\": true}",
        &reason));
    ck_assert_str_eq(reason, "none");
}
END_TEST

START_TEST(what_does_not_come_back_is_told)
{
    static const struct {
        int32_t schema_version;
        const char *upcast;
        const char *data;
        const char *reason;
    } rows[] = {
        {1, SPECIAL_2, PLAIN_1, "can't be converted back"},
        {1, PLAIN_1, PLAIN_1, "can't be converted back"},
        {1, "[]", PLAIN_1, "not a readable object"},
        {1, PLAIN_2, "", "not a readable object"},
        {1, PLAIN_2, "{\"item_id\":\"mug\"}", "to its own, differs from it"},
        {1, PLAIN_2, PLAIN_2, "to its own, differs from it"},
        {2, SPECIAL_2, PLAIN_2, "to its own, differs from it"},
        {1, "{\"properties\":{},\"a\":1e300}", "{\"a\":1e300}", "number"},
        {2, SET_3, PLAIN_2, "can't be converted back"},
        {3, TAGGED_4, PLAIN_2, "can't be converted back"},
        {5, PLAIN_2, PLAIN_2, "schema_version is unknown"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const char *reason = "none";
        ck_assert(!codec_is_upcast_of(
            "ItemAdded", rows[i].schema_version, rows[i].upcast, rows[i].data, &reason));
        ck_assert_msg(strstr(reason, rows[i].reason) != NULL, "%zu: %s", i, reason);
    }
}
END_TEST

START_TEST(what_can_not_be_upcast_does_not_round_trip)
{
    static const struct {
        const char *type;
        int32_t schema_version;
        const char *data;
        const char *reason;
    } rows[] = {
        {"ItemAdded", 1, PLAIN_2, "not have the shape of its schema_version"},
        {"ItemAdded", 1, "[]", "not a readable object"},
        {"ItemAdded", 1, "{\"a\":1e300}", "number"},
        {"ItemAdded", 0, PLAIN_1, "schema_version is unknown"},
        {"ItemAdded", 2, SET_3, "not have the shape of its schema_version"},
        {"ItemAdded", 3, OTHER_3, "can't be read"},
        {"ItemAdded", 5, PLAIN_2, "schema_version is unknown"},
        {"ItemAdded", 2, PLAIN_1, "can't be read"},
        {"ItemAdded", 1, "{}", "can't be read"},
        {"CartCleared", 1, "{\"a\":1}", "can't be read"},
        {"ItemRemoved", 1, "{\"item_id\":\"tea\",\"quantity\":2.0}", "can't be read"},
        {"ProductChanged", 1, "{}", "can't be read"},
        {"ItemLost", 1, "{}", "type is unknown"},
        {"ItemLost", 0, "{}", "type is unknown"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const char *reason = "none";
        ck_assert(!codec_round_trips(rows[i].type, rows[i].schema_version, rows[i].data, &reason));
        ck_assert_msg(strstr(reason, rows[i].reason) != NULL, "%zu: %s", i, reason);
    }
}
END_TEST

/* ---- documents ------------------------------------------------------------------------------- */

static struct cart cart;
static unsigned seed;

/* Not for secrets: the same carts every time. */
static unsigned dice(unsigned sides)
{
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % sides;
}

static const char *pick(const char *const *texts, size_t n)
{
    return texts[dice((unsigned)n)];
}

/* A cart of lines without properties, of texts that look like what is searched for. */
static void make_random_cart(void)
{
    static const char *const names[] = {
        "Mug",
        "",
        "\"",
        "\\",
        "\\\"",
        ",\"total\":5}",
        "\"items\":[{\"total\":1}]",
        "}]",
        "]},",
        "a \\\",\"total\":5,\"properties\":{}}",
        "\xc3\xbc\xf0\x9f\x8d\xb5 \x01 \n"};
    static const char *const metadata[] = {
        "{}", "{\"items\":[{\"total\":1}]}",
        "{\"items\":[{\"id\":\"x\",\"total\":1},{\"a\":1,\"total\":2}],\"total\":3}",
        "{\"a\":{\"quantity\":1,\"total\":2,\"unit_price\":3},\"z\":{\"b\":[],\"total\":9}}"};
    static char skus[CART_LINES_MAX][8];
    struct cart_event event = {
        .type = CART_EVENT_CREATED,
        .created =
            {
                .currency = "EUR",
                .customer_id = dice(3) == 0 ? NULL : pick(names, BASE_COUNT(names)),
                .metadata = pick(metadata, BASE_COUNT(metadata)),
            },
    };
    cart_clear(&cart);
    cart_evolve(&cart, &event, 1);
    size_t n_lines = dice(10) == 0 ? dice(CART_LINES_MAX) : dice(6);
    for (size_t i = 0; i < n_lines; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "s%zu", i); /* Short enough. */
        event = (struct cart_event){
            .type = CART_EVENT_ITEM_ADDED,
            .item_added =
                {
                    .item_id = skus[i],
                    .sku = skus[i],
                    .name = pick(names, BASE_COUNT(names)),
                    .quantity = 1 + (int32_t)dice(999),
                    .unit_price_minor = dice(2) == 0 ? 0 : (int64_t)dice(100000) * 1000000,
                },
        };
        cart_evolve(&cart, &event, 2);
    }
}

/* The document of the cart in the shape before items had properties. */
static void write_old_document(struct base_buffer *document, const struct base_uuid *cart_id)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(cart_id, id);
    base_buffer_printf(
        document, "{\"id\":\"%s\",\"version\":%d,\"status\":\"open\",\"currency\":\"EUR\",", id,
        (int)cart.version);
    base_buffer_append_text(document, "\"customer_id\":");
    if (cart.customer_id == NULL)
        base_buffer_append_text(document, "null");
    else
        base_buffer_append_json_text(document, cart.customer_id);
    base_buffer_append_text(document, ",\"items\":[");
    for (size_t i = 0; i < cart.n_lines; i++) {
        const struct cart_line *line = &cart.lines[i];
        base_buffer_printf(
            document, "%s{\"id\":\"%s\",\"sku\":\"%s\",\"name\":", i == 0 ? "" : ",", line->item_id,
            line->sku);
        base_buffer_append_json_text(document, line->name);
        base_buffer_printf(
            document, ",\"quantity\":%d,\"unit_price\":%lld,\"total\":%lld}", (int)line->quantity,
            (long long)line->unit_price_minor, (long long)cart_line_total_minor(line));
    }
    base_buffer_printf(
        document, "],\"item_count\":%d,\"total\":%lld,\"metadata\":%s}", (int)cart.item_count,
        (long long)cart.total_minor, cart.metadata);
}

START_TEST(a_document_of_before_properties_is_read_as_it_would_be_written_now)
{
    struct base_uuid id = {{1, 2, 3}};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer old = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer now = {0};
    size_t n_lines = 0;
    for (int i = 0; i < 1000; i++) {
        make_random_cart();
        n_lines += cart.n_lines;
        out.length = old.length = now.length = 0;
        write_old_document(&old, &id);
        codec_write_cart(&now, &id, &cart);
        codec_write_stored_cart(&out, old.bytes, old.length);
        ck_assert_str_eq(text(), base_buffer_text(&now));
        out.length = 0;
        codec_write_stored_cart(&out, now.bytes, now.length);
        ck_assert_str_eq(text(), base_buffer_text(&now));
    }
    ck_assert_uint_gt(n_lines, 10000);
}
END_TEST

START_TEST(a_document_with_properties_stays_as_it_is)
{
    struct base_uuid id = {{1, 2, 3}};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer now = {0};
    make_random_cart();
    cart.n_lines = 0;
    struct cart_event event;
    ck_assert(codec_read_cart_event("ItemAdded", 2, SPECIAL_2, &arena, &event));
    cart_evolve(&cart, &event, 3);
    codec_write_cart(&now, &id, &cart);
    ck_assert_ptr_nonnull(strstr(
        base_buffer_text(&now), "\"unit_price\":1250,\"price_source\":\"catalog\",\"subtotal\":"
                                "2500,\"discount\":0,\"total\":"
                                "2500,\"properties\":{\"a\":\"b\"}}"));
    out.length = 0;
    codec_write_stored_cart(&out, now.bytes, now.length);
    ck_assert_str_eq(text(), base_buffer_text(&now));
}
END_TEST

START_TEST(a_document_of_before_notes_and_order_references_gets_them)
{
    static const char stored[] =
        "{\"id\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\",\"version\":2,\"status\":\"checked_out\","
        "\"currency\":\"EUR\",\"customer_id\":\"\\\",\\\"customer_email\\\":\",\"items\":[{\"id\":"
        "\"tea~1\",\"sku\":\"tea\",\"name\":\"Tea\",\"quantity\":2,\"unit_price\":5,\"total\":10,"
        "\"properties\":{\"a\":\"b\"}}],\"item_count\":2,\"total\":10,\"metadata\":{\"note\":null}"
        "}";
    out.length = 0;
    ck_assert(codec_is_former_cart(stored, strlen(stored)));
    codec_write_stored_cart(&out, stored, strlen(stored));
    ck_assert(!codec_is_former_cart(out.bytes, out.length));
    ck_assert_str_eq(
        text(),
        "{\"id\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\",\"version\":2,\"status\":\"checked_out\","
        "\"currency\":\"EUR\",\"minor_unit\":2,\"customer_id\":\"\\\",\\\"customer_email\\\":\","
        "\"customer_email\":"
        "null,"
        "\"note\":null,\"items\":[{\"id\":\"tea~1\",\"sku\":\"tea\",\"name\":\"Tea\",\"quantity\":"
        "2,"
        "\"unit_price\":5,\"price_source\":\"catalog\",\"subtotal\":10,\"discount\":0,\"total\":10,"
        "\"properties\":{\"a\":"
        "\"b\"}}],\"item_count\":2,\"coupons\":[],\"subtotal\":10,\"discount\":0,\"totals\":[],"
        "\"total\":10,"
        "\"notes\":[],\"metadata\":{\"note\":null},\"order_reference\":null}");
}
END_TEST

#define OF_TODAY                                                                                   \
    "{\"id\":\"01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d\",\"version\":9,\"status\":\"open\","          \
    "\"currency\":\"EUR\",\"minor_unit\":2,\"customer_id\":null,\"customer_email\":\"a@b\","       \
    "\"note\":\"],\\\"item_count\\\":5\",\"items\":["
#define TEA "{\"id\":\"tea\",\"sku\":\"tea\",\"name\":\"Tea\",\"quantity\":2,\"unit_price\":5,"
#define MUG                                                                                        \
    ",{\"id\":\"mug~1\",\"sku\":\"mug\",\"name\":\"Mug\",\"quantity\":1,\"unit_price\":7,"         \
    "\"price_source\":\"set\",\"subtotal\":7,\"discount\":0,\"total\":7,"                          \
    "\"properties\":{\"a\":\"b\",\"unit_price\":\"1\"}}],"
#define COUPONS                                                                                    \
    "\"coupons\":[{\"code\":\"SPRING\",\"amount\":2,\"state\":\"applied\"},{\"code\":\"old\","     \
    "\"amount\":0,\"state\":\"expired\"}],"
#define SUMS                                                                                       \
    "\"subtotal\":17,\"discount\":2,\"totals\":[{\"name\":\"shipping\",\"amount\":4,\"stale\":"    \
    "false},{\"name\":\"tax\",\"amount\":3,\"stale\":true}],"
#define REST                                                                                       \
    "\"notes\":[{\"code\":\"cart-full\"}],\"metadata\":{\"a\":[1],\"item_count\":5},"              \
    "\"order_reference\":\"o-1\"}"

/* Of a cart in chunks only those are written that change. */
START_TEST(a_document_with_lines_or_sums_of_before_loses_nothing)
{
    static const char today[] =
        OF_TODAY TEA "\"price_source\":\"catalog\",\"subtotal\":10,\"discount\":2,\"total\":8,"
                     "\"properties\":{}}" MUG "\"item_count\":3," COUPONS SUMS "\"total\":22," REST;
    static const char old_line[] =
        OF_TODAY TEA "\"discount\":2,\"total\":8,\"properties\":{}}" MUG
                     "\"item_count\":3," COUPONS SUMS "\"total\":22," REST;
    static const char old_end[] =
        OF_TODAY TEA "\"price_source\":\"catalog\",\"subtotal\":10,\"discount\":0,\"total\":10,"
                     "\"properties\":{}}" MUG "\"item_count\":3," SUMS "\"total\":24," REST;
    static const char old_sums[] =
        OF_TODAY TEA "\"total\":10,\"properties\":{}}" MUG "\"item_count\":3,\"total\":17," REST;
    ck_assert(codec_is_former_cart(old_line, strlen(old_line)));
    ck_assert(codec_is_former_cart(old_sums, strlen(old_sums)));
    ck_assert(codec_is_former_cart("],\"item_count\":3,\"total\":1}", 27));
    ck_assert(codec_is_former_cart("],\"item_count\":3,\"subtotal\":1}", 30));
    ck_assert(!codec_is_former_cart("],\"item_count\":3,\"coupons\":[]}", 30));
    ck_assert(codec_is_former_cart(old_end, strlen(old_end)));
    codec_write_stored_cart(&out, today, strlen(today));
    ck_assert_str_eq(text(), today);
    out.length = 0;
    codec_write_stored_cart(&out, old_line, strlen(old_line));
    ck_assert_str_eq(text(), today);
    out.length = 0;
    codec_write_stored_cart(&out, old_sums, strlen(old_sums));
    ck_assert_ptr_nonnull(strstr(
        text(), "\"item_count\":3,\"coupons\":[],\"subtotal\":17,\"discount\":0,\"totals\":[],"
                "\"total\":17," REST));
    out.length = 0;
    codec_write_stored_cart(&out, old_end, strlen(old_end));
    ck_assert_ptr_nonnull(strstr(text(), "\"item_count\":3,\"coupons\":[],\"subtotal\":17,"));
}
END_TEST

START_TEST(a_damaged_document_is_copied_within_its_bounds)
{
    const char *document = "{\"items\":[{\"id\":\"a\",\"total\":12},{\"id\":\"b\",\"total\":34}]}";
    for (size_t length = 0; length <= strlen(document); length++) {
        BASE_CLEANUP(base_free_pointer) char *exact = base_alloc(length);
        memcpy(exact, document, length); /* so that a byte too far is noticed */
        out.length = 0;
        codec_write_stored_cart(&out, exact, length);
        ck_assert_uint_ge(out.length, length);
    }
    ck_assert_str_eq(text(), document);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_shapes");
    TCase *events = tcase_create("events");
    tcase_add_checked_fixture(events, NULL, end);
    tcase_add_test(events, a_price_source_is_written_where_it_is_not_the_catalogue);
    tcase_add_test(events, an_item_added_of_version_1_is_read_as_one_without_properties);
    tcase_add_test(events, an_event_of_another_version_than_it_says_is_not_understood);
    tcase_add_test(events, stored_properties_may_be_any_texts);
    tcase_add_test(events, a_checkout_of_version_1_is_read_as_one_without_an_order_reference);
    tcase_add_test(events, every_type_has_a_newest_version_and_a_whole_chain_to_it);
    tcase_add_test(events, unit_and_scale_are_in_an_event_only_where_they_say_something);
    tcase_add_test(events, every_schema_version_but_the_first_brought_a_member);
    tcase_add_test(events, an_event_is_upcast_to_the_newest_shape_and_comes_back);
    tcase_add_test(events, what_does_not_come_back_is_told);
    tcase_add_test(events, what_can_not_be_upcast_does_not_round_trip);
    suite_add_tcase(suite, events);

    TCase *documents = tcase_create("documents");
    tcase_add_checked_fixture(documents, NULL, end);
    tcase_add_test(documents, a_document_of_before_properties_is_read_as_it_would_be_written_now);
    tcase_add_test(documents, a_document_with_properties_stays_as_it_is);
    tcase_add_test(documents, a_document_of_before_notes_and_order_references_gets_them);
    tcase_add_test(documents, a_document_with_lines_or_sums_of_before_loses_nothing);
    tcase_add_test(documents, a_damaged_document_is_copied_within_its_bounds);
    suite_add_tcase(suite, documents);
    return support_run(suite);
}
