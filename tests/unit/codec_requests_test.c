#include <string.h>

#include "codec.h"
#include "support.h"

/* Request bodies: what is read, what is refused, and what is said about it. */

static struct base_arena arena;
static struct codec_complaints complaints;
static struct codec_new_cart new_cart;
static struct codec_commands commands;
static struct catalog_content content;

static void end(void)
{
    base_arena_finish(&arena);
}

enum body_kind { NEW_CART, ADD_ITEM, CHANGE, CHECK_OUT, COMMANDS, NOTHING, PRODUCT };

static enum codec_outcome read_bytes(enum body_kind kind, const char *bytes, size_t length)
{
    struct codec_body body = {.bytes = bytes, .length = length};
    switch (kind) {
    case NEW_CART:
        return codec_read_new_cart(body, "CHF", &arena, &new_cart, &complaints);
    case ADD_ITEM:
        return codec_read_command(body, CART_COMMAND_ADD_ITEM, &arena, &commands, &complaints);
    case CHANGE:
        return codec_read_command(
            body, CART_COMMAND_CHANGE_ITEM_QUANTITY, &arena, &commands, &complaints);
    case CHECK_OUT:
        return codec_read_command(body, CART_COMMAND_CHECK_OUT, &arena, &commands, &complaints);
    case COMMANDS:
        return codec_read_commands(body, &arena, &commands, &complaints);
    case NOTHING:
        return codec_read_command(body, CART_COMMAND_CANCEL, &arena, &commands, &complaints);
    case PRODUCT:
        return codec_read_product(body, &arena, &content, &complaints);
    }
    return CODEC_MALFORMED;
}

static enum codec_outcome read_text(enum body_kind kind, const char *text)
{
    return read_bytes(kind, text, strlen(text));
}

/* ---- what is read ---------------------------------------------------------------------------- */

START_TEST(an_empty_body_creates_an_empty_cart_in_the_default_currency)
{
    static const char *const bodies[] = {"", "{}", " {\n} "};
    for (size_t i = 0; i < BASE_COUNT(bodies); i++) {
        ck_assert_int_eq(read_text(NEW_CART, bodies[i]), CODEC_READ);
        ck_assert(!new_cart.has_id);
        ck_assert_uint_eq(new_cart.commands.n, 1);
        ck_assert_int_eq(new_cart.commands.list[0].type, CART_COMMAND_CREATE);
        ck_assert_str_eq(new_cart.commands.list[0].create.currency, "CHF");
        ck_assert_ptr_null(new_cart.commands.list[0].create.customer_id);
        ck_assert_str_eq(new_cart.commands.list[0].create.metadata, "{}");
        ck_assert_str_eq(new_cart.commands.pointers[0], "");
    }
}
END_TEST

START_TEST(a_new_cart_is_read_with_everything)
{
    ck_assert_int_eq(
        read_text(
            NEW_CART, "{\"items\":[{\"sku\":\"tea\",\"quantity\":999},{\"sku\":\"a~._-Z9\"},"
                      "{\"sku\":\"tea\"}],\"metadata\":{\"b\":1.0,\"a\":null},"
                      "\"customer_id\":\"\xc3\xa9 \\\"x\\\"\",\"currency\":\"EUR\","
                      "\"id\":\"01936F6E-6F0A-4C3E-9A57-5F0C8A4F1B2D\"}"),
        CODEC_READ);
    char id[BASE_UUID_SIZE];
    ck_assert(new_cart.has_id);
    base_uuid_format(&new_cart.id, id);
    ck_assert_str_eq(id, "01936f6e-6f0a-4c3e-9a57-5f0c8a4f1b2d");
    const struct cart_command *list = new_cart.commands.list;
    ck_assert_uint_eq(new_cart.commands.n, 4);
    ck_assert_str_eq(list[0].create.currency, "EUR");
    ck_assert_str_eq(list[0].create.customer_id, "\xc3\xa9 \"x\"");
    ck_assert_str_eq(list[0].create.metadata, "{\"a\":null,\"b\":1}");
    ck_assert_int_eq(list[1].type, CART_COMMAND_ADD_ITEM);
    ck_assert_str_eq(list[1].add_item.sku, "tea");
    ck_assert_int_eq(list[1].add_item.quantity, 999);
    ck_assert_str_eq(list[2].add_item.sku, "a~._-Z9");
    ck_assert_int_eq(list[2].add_item.quantity, 0);
    ck_assert_str_eq(list[3].add_item.sku, "tea");
    ck_assert_str_eq(new_cart.commands.pointers[0], "");
    ck_assert_str_eq(new_cart.commands.pointers[1], "/items/0");
    ck_assert_str_eq(new_cart.commands.pointers[3], "/items/2");
}
END_TEST

START_TEST(no_customer_may_be_said_with_null)
{
    ck_assert_int_eq(read_text(NEW_CART, "{\"customer_id\":null,\"items\":[]}"), CODEC_READ);
    ck_assert_ptr_null(new_cart.commands.list[0].create.customer_id);
    ck_assert_uint_eq(new_cart.commands.n, 1);
}
END_TEST

START_TEST(the_body_may_go_once_it_is_read)
{
    char body[] = "{\"sku\":\"tea\",\"quantity\":3}";
    ck_assert_int_eq(read_bytes(ADD_ITEM, body, sizeof body - 1), CODEC_READ);
    memset(body, 'x', sizeof body);
    ck_assert_uint_eq(commands.n, 1);
    ck_assert_str_eq(commands.list[0].add_item.sku, "tea");
    ck_assert_int_eq(commands.list[0].add_item.quantity, 3);
    ck_assert_str_eq(commands.pointers[0], "");
}
END_TEST

START_TEST(no_quantity_is_for_the_product_to_say)
{
    ck_assert_int_eq(read_text(ADD_ITEM, "{\"sku\":\"tea\"}"), CODEC_READ);
    ck_assert_int_eq(commands.list[0].add_item.quantity, 0);
}
END_TEST

START_TEST(a_quantity_from_0_to_a_million_is_read)
{
    static const int32_t quantities[] = {0, 1, 999, 1000000};
    for (size_t i = 0; i < BASE_COUNT(quantities); i++) {
        const char *body = base_arena_printf(&arena, "{\"quantity\":%d}", (int)quantities[i]);
        ck_assert_int_eq(read_text(CHANGE, body), CODEC_READ);
        ck_assert_int_eq(commands.list[0].type, CART_COMMAND_CHANGE_ITEM_QUANTITY);
        /* The path says which. */
        ck_assert_ptr_null(commands.list[0].change_item_quantity.item_id);
        ck_assert_int_eq(commands.list[0].change_item_quantity.quantity, quantities[i]);
        ck_assert_str_eq(commands.pointers[0], "");
    }
}
END_TEST

START_TEST(a_number_without_a_fraction_is_an_integer_however_it_is_written)
{
    static const char *const bodies[] = {
        "{\"quantity\":2}",   "{\"quantity\":2.0}",    "{\"quantity\":2.000}",
        "{\"quantity\":2e0}", "{\"quantity\":0.2E+1}", "{\"quantity\":20e-1}",
    };
    for (size_t i = 0; i < BASE_COUNT(bodies); i++) {
        ck_assert_int_eq(read_text(CHANGE, bodies[i]), CODEC_READ);
        ck_assert_int_eq(commands.list[0].change_item_quantity.quantity, 2);
    }
    ck_assert_int_eq(read_text(CHANGE, "{\"quantity\":-0.0}"), CODEC_READ);
    ck_assert_int_eq(commands.list[0].change_item_quantity.quantity, 0);
    ck_assert_int_eq(read_text(CHECK_OUT, "{\"expected_total\":9007199254740991.0}"), CODEC_READ);
    ck_assert_int_eq(commands.list[0].check_out.expected_total_minor, CART_AMOUNT_MAX);
    ck_assert_int_eq(
        read_text(PRODUCT, "{\"name\":\"x\",\"prices\":{\"EUR\":4.99e2}}"), CODEC_READ);
    ck_assert_int_eq(content.prices[0].price_minor, 499);
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
    ck_assert_int_eq(read_text(CHANGE, "\xef\xbb\xbf{\"quantity\":3}"), CODEC_READ);
    ck_assert_int_eq(commands.list[0].change_item_quantity.quantity, 3);
    ck_assert_int_eq(read_text(NOTHING, "\xef\xbb\xbf"), CODEC_READ);
    ck_assert_int_eq(read_text(ADD_ITEM, "\xef\xbb\xbf"), CODEC_MALFORMED);
}
END_TEST

START_TEST(a_checkout_may_expect_a_total)
{
    ck_assert_int_eq(read_text(CHECK_OUT, ""), CODEC_READ);
    ck_assert_int_eq(commands.list[0].type, CART_COMMAND_CHECK_OUT);
    ck_assert(!commands.list[0].check_out.has_expected_total);
    ck_assert_int_eq(read_text(CHECK_OUT, "{\"expected_total\":9007199254740991}"), CODEC_READ);
    ck_assert(commands.list[0].check_out.has_expected_total);
    ck_assert_int_eq(commands.list[0].check_out.expected_total_minor, CART_AMOUNT_MAX);
    ck_assert_int_eq(read_text(CHECK_OUT, "{\"expected_total\":0}"), CODEC_READ);
    ck_assert(commands.list[0].check_out.has_expected_total);
    ck_assert_int_eq(read_text(CHECK_OUT, "{\"order_reference\":\"o 1\"}"), CODEC_READ);
    ck_assert_str_eq(commands.list[0].check_out.order_reference, "o 1");
}
END_TEST

START_TEST(every_command_is_read_in_its_order)
{
    ck_assert_int_eq(
        read_text(
            COMMANDS, "{\"commands\":[{\"type\":\"add_item\",\"sku\":\"tea\"},"
                      "{\"quantity\":0,\"type\":\"change_item_quantity\",\"item_id\":\"cup\"},"
                      "{\"type\":\"remove_item\",\"item_id\":\"pot\"},{\"type\":\"clear_items\"},"
                      "{\"type\":\"check_out\",\"expected_total\":5},{\"type\":\"check_out\"},"
                      "{\"type\":\"cancel\"}]}"),
        CODEC_READ);
    static const enum cart_command_type types[] = {
        CART_COMMAND_ADD_ITEM,    CART_COMMAND_CHANGE_ITEM_QUANTITY,
        CART_COMMAND_REMOVE_ITEM, CART_COMMAND_CLEAR_ITEMS,
        CART_COMMAND_CHECK_OUT,   CART_COMMAND_CHECK_OUT,
        CART_COMMAND_CANCEL,
    };
    ck_assert_uint_eq(commands.n, BASE_COUNT(types));
    for (size_t i = 0; i < BASE_COUNT(types); i++) {
        ck_assert_int_eq(commands.list[i].type, types[i]);
        ck_assert_str_eq(commands.pointers[i], base_arena_printf(&arena, "/commands/%zu", i));
    }
    ck_assert_str_eq(commands.list[0].add_item.sku, "tea");
    ck_assert_int_eq(commands.list[0].add_item.quantity, 0);
    ck_assert_str_eq(commands.list[1].change_item_quantity.item_id, "cup");
    ck_assert_int_eq(commands.list[1].change_item_quantity.quantity, 0);
    ck_assert_str_eq(commands.list[2].remove_item.item_id, "pot");
    ck_assert_int_eq(commands.list[4].check_out.expected_total_minor, 5);
    ck_assert(!commands.list[5].check_out.has_expected_total);
}
END_TEST

START_TEST(nothing_is_nothing_or_an_empty_object)
{
    ck_assert_int_eq(read_text(NOTHING, ""), CODEC_READ);
    ck_assert_int_eq(read_text(NOTHING, "{}"), CODEC_READ);
}
END_TEST

START_TEST(a_product_is_read_with_its_prices_sorted)
{
    ck_assert_int_eq(
        read_text(
            PRODUCT, "{\"prices\":{\"USD\":549,\"EUR\":9007199254740991},\"name\":\"Green tea\"}"),
        CODEC_READ);
    ck_assert_str_eq(content.name, "Green tea");
    ck_assert(content.is_active);
    ck_assert_uint_eq(content.n_prices, 2);
    ck_assert_str_eq(content.prices[0].currency, "EUR");
    ck_assert_int_eq(content.prices[0].price_minor, CATALOG_PRICE_MAX);
    ck_assert_int_eq(
        read_text(PRODUCT, "{\"prices\":{},\"name\":\"x\",\"active\":false}"), CODEC_READ);
    ck_assert(!content.is_active);
    ck_assert_uint_eq(content.n_prices, 0);
}
END_TEST

/* ---- what is not JSON ------------------------------------------------------------------------ */

static const struct {
    const char *body;
    const char *says;
} malformed[] = {
    {"{", "Line 1, column 1: "},
    {" ", "Line 1, column 1: "},
    {"{\"sku\":\n \"tea\",}", "Line 2, column 8: "},
    {"{\"sku\":\"tea\"} x", "column 15: there is text after the JSON."},
    {"{\"sku\":\"tea\"}{}", "there is text after the JSON"},
    {"{'sku':'tea'}", "Line 1, column 2: "},
    {"{\"sku\":tea}", "invalid token"},
    {"tea", "Line 1, column "},
    {"5 5", "Line 1, column "},
    {"{\"sku\":\"tea\",\"sku\":\"tea\"}", "duplicate object key"},
    {"{\"x\":{\"a\":1,\"a\":2}}", "duplicate object key"},
    {"{\"sku\":\"t\xff\"}", "unable to decode byte 0xff"},
    {"{\"sku\":\"t\xed\xa0\x80\"}", "unable to decode"},
    {"{\"sku\":\"\\ud800\"}", "invalid Unicode"},
    {"{\"sku\":\"\\u0000\"}", "column 15: U+0000 (\\u0000) is not allowed in texts and names."},
    {"{\"a\\u0000b\":1}", ": U+0000 (\\u0000) is not allowed in texts and names."},
    {"{\"sku\":\"a\nb\"}", "unexpected newline"},
    {"{\"sku\":\"a\x01z\"}", "control character"},
    {"\xef\xbb\xbf\xef\xbb\xbf{}", "Line 1, column "},
    {"{}\xef\xbb\xbf", "Line 1, column "},
    {"{\"quantity\":01}", "Line 1, column "},
    {"{\"quantity\":+1}", "Line 1, column "},
    {"{\"quantity\":NaN}", "invalid token"},
    {"{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "Line 1, column 21: nested deeper than 16"},
    {"[[[[[[[[[[[[[[[[[", "Line 1, column 17: nested deeper than 16"},
    {"{\"a\":1}\n{[", "Line 2, column 1: "},
    {"{\"quantity\":1e999", "column 17: the text ends before its JSON does."},
    {"{1e999:1}", "Line 1, column "},
};

START_TEST(what_is_not_json_is_malformed_at_a_line_and_column)
{
    static const enum body_kind kinds[] = {NEW_CART, ADD_ITEM, CHANGE, CHECK_OUT,
                                           COMMANDS, NOTHING,  PRODUCT};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        ck_assert_int_eq(read_text(kinds[i], malformed[_i].body), CODEC_MALFORMED);
        ck_assert_uint_eq(complaints.n, 1);
        ck_assert_str_eq(complaints.list[0].pointer, "");
        const char *detail = complaints.list[0].detail;
        ck_assert_msg(strstr(detail, malformed[_i].says) != NULL, "%s", detail);
    }
}
END_TEST

START_TEST(a_nul_byte_is_malformed_wherever_it_stands)
{
    static const char after[] = "{\"sku\":\"tea\"}\n\0";
    ck_assert_int_eq(read_bytes(ADD_ITEM, after, sizeof after - 1), CODEC_MALFORMED);
    ck_assert_str_eq(complaints.list[0].detail, "Line 2, column 1: the body has a NUL byte.");
    static const char within[] = "{\"sku\":\"\xc3\xa9\0a\"}";
    ck_assert_int_eq(read_bytes(ADD_ITEM, within, sizeof within - 1), CODEC_MALFORMED);
    ck_assert_str_eq(complaints.list[0].detail, "Line 1, column 10: the body has a NUL byte.");
}
END_TEST

START_TEST(an_empty_body_is_malformed_where_something_is_required)
{
    static const enum body_kind kinds[] = {ADD_ITEM, CHANGE, COMMANDS, PRODUCT};
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        ck_assert_int_eq(read_text(kinds[i], ""), CODEC_MALFORMED);
        ck_assert_str_eq(
            complaints.list[0].detail, "The body is empty; a JSON object is expected.");
    }
}
END_TEST

START_TEST(sixteen_levels_are_not_too_deep_and_brackets_in_texts_do_not_count)
{
    ck_assert_int_eq(read_text(NOTHING, "{\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}"), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/a");
    ck_assert_int_eq(
        read_text(
            NEW_CART, "{\"metadata\":{\"[[[[[[[[[[[[[[[[[[[[\":\"{{{{{{{{{{\\\"{{{{{{{{{{\"}}"),
        CODEC_READ);
}
END_TEST

/* ---- what is JSON, but not this body --------------------------------------------------------- */

static const struct {
    enum body_kind kind;
    const char *body;
    const char *pointer;
    const char *says;
} invalid[] = {
    /* the body as a whole */
    {ADD_ITEM, "[]", "", "The body must be an object, not an array."},
    {NOTHING, " 5 ", "", "The body must be an object, not 5."},
    {CHECK_OUT, "\"x\"", "", "The body must be an object, not \"x\"."},
    {NEW_CART, "null", "", "The body must be an object, not null."},
    {PRODUCT, "\ttrue", "", "The body must be an object, not true."},
    /* missing, unknown */
    {ADD_ITEM, "{}", "/sku", "sku is missing."},
    {CHANGE, "{}", "/quantity", "quantity is missing."},
    {COMMANDS, "{}", "/commands", "commands is missing."},
    {NOTHING, "{\"x\":1}", "/x", "The object must be empty here."},
    {ADD_ITEM, "{\"sku\":\"tea\",\"price\":1}", "/price",
     "known ones are: sku, quantity, properties, unit_price."},
    {ADD_ITEM, "{\"sku\":\"tea\",\"a/b~c\":1}", "/a~1b~0c", "This member is unknown"},
    {ADD_ITEM, "{\"sku\":\"tea\",\"\":1}", "/", "This member is unknown"},
    {ADD_ITEM, "{\"sku\":\"tea\",\"type\":\"add_item\"}", "/type", "This member is unknown"},
    {CHANGE, "{\"quantity\":1,\"item_id\":\"tea\"}", "/item_id", "known ones are: quantity."},
    {CHECK_OUT, "{\"total\":1}", "/total", "expected_total, check_prices, order_reference."},
    {COMMANDS, "{\"commands\":[{\"type\":\"cancel\"}],\"x\":0}", "/x", "known ones are: commands."},
    {NEW_CART, "{\"status\":\"open\"}", "/status",
     "id, currency, customer_id, metadata, copy_of, at_version, items."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{},\"sku\":\"s\"}", "/sku",
     "name, prices, active, quantity, tags."},
    /* integers */
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":0}", "/quantity",
     "quantity must be an integer from 1 to 1000000, not 0."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":1000001}", "/quantity", "not 1000001."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":0.0}", "/quantity", "not 0.0."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":1e7}", "/quantity", "not 10000000.0."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":1e300}", "/quantity", "not 1e+300."},
    {CHECK_OUT, "{\"expected_total\":9007199254740992.0}", "/expected_total", "must be"},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":1.5}", "/quantity", "not 1.5."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":\"1\"}", "/quantity", "not \"1\"."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":null}", "/quantity", "not null."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":true}", "/quantity", "not true."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":[1]}", "/quantity", "not an array."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":{}}", "/quantity", "not an object."},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":99999999999999999999}", "/quantity", "too large"},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":-1e999}", "/quantity", "too large"},
    {ADD_ITEM, "{\"sku\":\"t\",\"quantity\":4294967297}", "/quantity", "not 4294967297."},
    {CHANGE, "{\"quantity\":-1}", "/quantity", "from 0 to 1000000, not -1."},
    {CHANGE, "{\"quantity\":1000001}", "/quantity", "from 0 to 1000000, not 1000001."},
    {CHECK_OUT, "{\"expected_total\":9007199254740992}", "/expected_total",
     "from 0 to 9007199254740991, not 9007199254740992."},
    {CHECK_OUT, "{\"expected_total\":-1}", "/expected_total", "not -1."},
    {CHECK_OUT, "{\"order_reference\":\"\"}", "/order_reference", "must not be empty."},
    {CHECK_OUT, "{\"expected_total\":null}", "/expected_total", "not null."},
    {COMMANDS,
     "{\"commands\":[{\"type\":\"cancel\"},{\"a\\u0062/\":{\"c\":[1,\"],\\\"{\",1e999]}}]}",
     "/commands/1/ab~1/c/2", "too large"},
    /* skus and item ids */
    {ADD_ITEM, "{\"sku\":\"\"}", "/sku", "sku must not be empty."},
    {ADD_ITEM, "{\"sku\":\" \\n\"}", "/sku", "sku must not be empty."},
    {ADD_ITEM, "{\"sku\":\"green\\ttea\"}", "/sku", "sku has the control character U+0009"},
    {ADD_ITEM, "{\"sku\":\" .. \"}", "/sku", "must not have . or .. alone or between slashes"},
    {ADD_ITEM, "{\"sku\":\"tea/./1\"}", "/sku", "must not have . or .. alone"},
    {ADD_ITEM, "{\"sku\":5}", "/sku", "not 5."},
    {ADD_ITEM, "{\"sku\":null}", "/sku", "not null."},
    {ADD_ITEM,
     "{\"sku\":\"1234567890123456789012345678901234567890123456789012345678901234"
     "1234567890123456789012345678901234567890123456789012345678901234\xc3\xa9\"}",
     "/sku", "sku has 129 characters; at most 128 are allowed."},
    /* a new cart */
    {NEW_CART, "{\"id\":\"01936f6e6f0a7c3e9a575f0c8a4f1b2d\"}", "/id", "id must be a UUID"},
    {NEW_CART, "{\"id\":null}", "/id", "not null."},
    {NEW_CART,
     "{\"id\":\"\xc3\xa9\xc3\xa9\xc3\xa9"
     "456789012345678901234567890123456\xc3\xa9x\"}",
     "/id",
     "\xc3\xa9"
     "456789012345678901234567890123456\" and more."},
    {NEW_CART, "{\"currency\":\"eur\"}", "/currency", "three upper-case letters"},
    {NEW_CART, "{\"currency\":\"EURO\"}", "/currency", "not \"EURO\"."},
    {NEW_CART, "{\"currency\":\"XXX\"}", "/currency",
     "currency must be a currency in use (ISO 4217) or one of this service's own, not \"XXX\"."},
    {NEW_CART, "{\"currency\":\"BGN\"}", "/currency", "not \"BGN\"."},
    {NEW_CART, "{\"currency\":null}", "/currency", "not null."},
    {NEW_CART, "{\"customer_id\":\"\"}", "/customer_id", "customer_id must not be empty."},
    {NEW_CART, "{\"customer_id\":\"a\\tb\"}", "/customer_id", "control character U+0009"},
    {NEW_CART, "{\"customer_id\":\"a\\u0085b\"}", "/customer_id", "control character U+0085"},
    {NEW_CART, "{\"customer_id\":7}", "/customer_id", "not 7."},
    {NEW_CART, "{\"items\":null}", "/items", "items must be an array, not null."},
    {NEW_CART, "{\"items\":{}}", "/items", "items must be an array, not an object."},
    {NEW_CART, "{\"items\":[5]}", "/items/0", "This element must be an object, not 5."},
    {NEW_CART, "{\"items\":[{\"sku\":\"t\"},{}]}", "/items/1/sku", "sku is missing."},
    {NEW_CART, "{\"items\":[{\"sku\":\"t\",\"price\":1}]}", "/items/0/price",
     "This member is unknown"},
    {NEW_CART, "{\"items\":[{\"sku\":\"t\",\"quantity\":0}]}", "/items/0/quantity", "not 0."},
    {NEW_CART, "{\"metadata\":null}", "/metadata", "metadata must be an object, not null."},
    /* commands */
    {COMMANDS, "{\"commands\":[]}", "/commands", "commands must have 1 to 100 elements, not 0."},
    {COMMANDS, "{\"commands\":{}}", "/commands", "commands must be an array, not an object."},
    {COMMANDS, "{\"commands\":[[]]}", "/commands/0",
     "This element must be an object, not an array."},
    {COMMANDS, "{\"commands\":[{}]}", "/commands/0/type", "type is missing."},
    {COMMANDS, "{\"commands\":[{\"type\":\"create\"}]}", "/commands/0/type",
     "type must be one of add_item, change_item_quantity, remove_item, clear_items, check_out, "
     "cancel, change_details, change_item, reprice, change_currency, undo, restore, reopen, "
     "set_total, remove_total, apply_coupon, remove_coupon, "
     "not \"create\"."},
    {COMMANDS, "{\"commands\":[{\"type\":5,\"x\":1}]}", "/commands/0/type", "not 5."},
    {COMMANDS, "{\"commands\":[{\"type\":\"add_item\"}]}", "/commands/0/sku", "sku is missing."},
    {COMMANDS, "{\"commands\":[{\"type\":\"remove_item\",\"item_id\":\"a/b\"}]}",
     "/commands/0/item_id", "item_id may have only letters"},
    {COMMANDS, "{\"commands\":[{\"type\":\"change_item_quantity\",\"item_id\":\"a\"}]}",
     "/commands/0/quantity", "quantity is missing."},
    {COMMANDS, "{\"commands\":[{\"type\":\"remove_item\",\"item_id\":\"a\",\"quantity\":1}]}",
     "/commands/0/quantity", "known ones are: type, item_id."},
    {COMMANDS, "{\"commands\":[{\"type\":\"clear_items\",\"x\":1}]}", "/commands/0/x",
     "known ones are: type."},
    {COMMANDS, "{\"commands\":[{\"type\":\"check_out\",\"expected_total\":\"5\"}]}",
     "/commands/0/expected_total", "not \"5\"."},
    /* products */
    {PRODUCT, "{\"prices\":{}}", "/name", "name is missing."},
    {PRODUCT, "{\"name\":\"n\"}", "/prices", "prices is missing."},
    {PRODUCT, "{\"name\":\"\",\"prices\":{}}", "/name", "name must not be empty."},
    {PRODUCT, "{\"name\":\"a\\nb\",\"prices\":{}}", "/name",
     "name has the control character U+000A; remove it."},
    {PRODUCT, "{\"name\":5,\"prices\":{}}", "/name", "name must be a string, not 5."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":[]}", "/prices", "must be an object, not an array."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{\"eur\":1}}", "/prices/eur", "three upper-case letters"},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{\"EUR\":1,\"XAU\":1}}", "/prices/XAU",
     "XAU is neither a currency in use (ISO 4217) nor one of this service's own."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{\"EUR\":-1}}", "/prices/EUR",
     "EUR must be an integer from 0 to 9007199254740991, not -1."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{\"EUR\":4.99}}", "/prices/EUR", "not 4.99."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{},\"active\":1}", "/active", "true or false, not 1."},
    {PRODUCT, "{\"name\":\"n\",\"prices\":{},\"active\":null}", "/active", "not null."},
};

START_TEST(what_is_not_the_body_is_invalid_at_a_pointer)
{
    memset(&new_cart, 0x5a, sizeof new_cart);
    memset(&commands, 0x5a, sizeof commands);
    memset(&content, 0x5a, sizeof content);
    struct codec_commands untouched = commands;
    ck_assert_int_eq(read_text(invalid[_i].kind, invalid[_i].body), CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, 1);
    ck_assert_str_eq(complaints.list[0].pointer, invalid[_i].pointer);
    const char *detail = complaints.list[0].detail;
    ck_assert_msg(strstr(detail, invalid[_i].says) != NULL, "%s", detail);
    ck_assert(detail[strlen(detail) - 1] == '.');
    /* Outputs are untouched on failure. */
    ck_assert_mem_eq(&commands, &untouched, sizeof commands);
    ck_assert_mem_eq(&new_cart.commands, &untouched, sizeof untouched);
    ck_assert_mem_eq(&content, &untouched, sizeof untouched);
}
END_TEST

/* A body with one list of n elements. */
static const char *make_list(const char *head, const char *element, size_t n, const char *tail)
{
    struct base_buffer out = {0};
    base_buffer_append_text(&out, head);
    for (size_t i = 0; i < n; i++) {
        base_buffer_append_text(&out, i == 0 ? "" : ",");
        base_buffer_append_text(&out, element);
    }
    base_buffer_append_text(&out, tail);
    const char *body = base_arena_copy(&arena, out.bytes, out.length);
    base_buffer_finish(&out);
    return body;
}

START_TEST(lists_are_as_long_as_the_limits_and_not_longer)
{
    const char *cancel = "{\"type\":\"cancel\"}";
    ck_assert_int_eq(
        read_text(COMMANDS, make_list("{\"commands\":[", cancel, 100, "]}")), CODEC_READ);
    ck_assert_uint_eq(commands.n, 100);
    ck_assert_str_eq(commands.pointers[99], "/commands/99");
    ck_assert_int_eq(
        read_text(COMMANDS, make_list("{\"commands\":[", cancel, 101, "]}")), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/commands");

    const char *item = "{\"sku\":\"t\"}";
    ck_assert_int_eq(read_text(NEW_CART, make_list("{\"items\":[", item, 250, "]}")), CODEC_READ);
    ck_assert_uint_eq(new_cart.commands.n, 251);
    ck_assert_int_eq(
        read_text(NEW_CART, make_list("{\"items\":[", item, 251, "]}")), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/items");
    ck_assert_str_eq(complaints.list[0].detail, "items must have 0 to 250 elements, not 251.");
}
END_TEST

START_TEST(labels_are_counted_in_code_points)
{
    const char *tea = "\xf0\x9f\x8d\xb5";
    struct base_buffer out = {0};
    for (int i = 0; i < 200; i++)
        base_buffer_append_text(&out, tea);
    ck_assert(codec_is_label(base_buffer_text(&out), 200));
    ck_assert(!codec_is_label(base_buffer_text(&out), 199));
    const char *body =
        base_arena_printf(&arena, "{\"name\":\"%s\",\"prices\":{}}", base_buffer_text(&out));
    ck_assert_int_eq(read_text(PRODUCT, body), CODEC_READ);
    body = base_arena_printf(&arena, "{\"name\":\"%sx\",\"prices\":{}}", base_buffer_text(&out));
    ck_assert_int_eq(read_text(PRODUCT, body), CODEC_INVALID);
    base_buffer_finish(&out);
}
END_TEST

START_TEST(all_that_is_wrong_is_said_at_once)
{
    ck_assert_int_eq(
        read_text(
            NEW_CART, "{\"id\":1,\"currency\":\"\",\"items\":[{\"quantity\":0},{\"sku\":\"t\","
                      "\"x\":1}],\"more\":null}"),
        CODEC_INVALID);
    static const char *const pointers[] = {
        "/id", "/currency", "/items/0/sku", "/items/0/quantity", "/items/1/x", "/more",
    };
    ck_assert_uint_eq(complaints.n, BASE_COUNT(pointers));
    for (size_t i = 0; i < BASE_COUNT(pointers); i++)
        ck_assert_str_eq(complaints.list[i].pointer, pointers[i]);
}
END_TEST

START_TEST(no_more_than_twenty_complaints_are_listed)
{
    ck_assert_int_eq(
        read_text(COMMANDS, make_list("{\"commands\":[", "{\"type\":\"x\"}", 100, "]}")),
        CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, CODEC_COMPLAINTS_MAX);
    ck_assert_str_eq(complaints.list[19].pointer, "/commands/19/type");
    ck_assert_int_eq(read_text(ADD_ITEM, "{\"sku\":\"t\"}"), CODEC_READ);
    ck_assert_uint_eq(complaints.n, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec requests");
    TCase *good = tcase_create("read");
    tcase_add_checked_fixture(good, NULL, end);
    tcase_add_test(good, an_empty_body_creates_an_empty_cart_in_the_default_currency);
    tcase_add_test(good, a_new_cart_is_read_with_everything);
    tcase_add_test(good, no_customer_may_be_said_with_null);
    tcase_add_test(good, the_body_may_go_once_it_is_read);
    tcase_add_test(good, no_quantity_is_for_the_product_to_say);
    tcase_add_test(good, a_quantity_from_0_to_a_million_is_read);
    tcase_add_test(good, a_number_without_a_fraction_is_an_integer_however_it_is_written);
    tcase_add_test(good, a_byte_order_mark_is_passed_over);
    tcase_add_test(good, a_checkout_may_expect_a_total);
    tcase_add_test(good, every_command_is_read_in_its_order);
    tcase_add_test(good, nothing_is_nothing_or_an_empty_object);
    tcase_add_test(good, a_product_is_read_with_its_prices_sorted);
    suite_add_tcase(suite, good);

    TCase *bad = tcase_create("refused");
    tcase_add_checked_fixture(bad, NULL, end);
    tcase_add_loop_test(
        bad, what_is_not_json_is_malformed_at_a_line_and_column, 0, (int)BASE_COUNT(malformed));
    tcase_add_test(bad, a_nul_byte_is_malformed_wherever_it_stands);
    tcase_add_test(bad, an_empty_body_is_malformed_where_something_is_required);
    tcase_add_test(bad, sixteen_levels_are_not_too_deep_and_brackets_in_texts_do_not_count);
    tcase_add_loop_test(
        bad, what_is_not_the_body_is_invalid_at_a_pointer, 0, (int)BASE_COUNT(invalid));
    tcase_add_test(bad, lists_are_as_long_as_the_limits_and_not_longer);
    tcase_add_test(bad, labels_are_counted_in_code_points);
    tcase_add_test(bad, all_that_is_wrong_is_said_at_once);
    tcase_add_test(bad, no_more_than_twenty_complaints_are_listed);
    suite_add_tcase(suite, bad);
    return support_run(suite);
}
