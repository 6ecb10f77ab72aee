#include <string.h>

#include "codec.h"
#include "support.h"

/* The properties of an item in a request, and the ids that are made of them. */

static struct base_arena arena;
static struct codec_complaints complaints;
static struct codec_commands commands;

static void end(void)
{
    base_arena_finish(&arena);
}

static enum codec_outcome read_item(const char *properties)
{
    const char *text = base_arena_printf(&arena, "{\"sku\":\"mug\",\"properties\":%s}", properties);
    struct codec_body body = {.bytes = text, .length = strlen(text)};
    return codec_read_command(body, CART_COMMAND_ADD_ITEM, &arena, &commands, &complaints);
}

static const struct cart_command *read_good_item(const char *properties)
{
    ck_assert_msg(read_item(properties) == CODEC_READ, "%s", properties);
    return &commands.list[0];
}

START_TEST(properties_are_kept_in_one_order)
{
    const struct cart_command *item = read_good_item("{\"text\":\"For Ada\", \"font\" : \"A\"}");
    ck_assert_str_eq(item->add_item.properties, "{\"font\":\"A\",\"text\":\"For Ada\"}");
    const char *item_id = item->add_item.item_id;
    item = read_good_item("{\"font\":\"\\u0041\",\"text\":\"For Ada\"}");
    ck_assert_str_eq(item->add_item.properties, "{\"font\":\"A\",\"text\":\"For Ada\"}");
    ck_assert_str_eq(item->add_item.item_id, item_id);
}
END_TEST

START_TEST(no_properties_are_a_plain_item)
{
    const struct cart_command *item = read_good_item("{}");
    ck_assert_ptr_null(item->add_item.properties);
    ck_assert_ptr_null(item->add_item.item_id);
}
END_TEST

static const struct cart_command *read_sku(const char *sku)
{
    const char *text = base_arena_printf(&arena, "{\"sku\":\"%s\"}", sku);
    struct codec_body body = {.bytes = text, .length = strlen(text)};
    ck_assert_int_eq(
        codec_read_command(body, CART_COMMAND_ADD_ITEM, &arena, &commands, &complaints),
        CODEC_READ);
    return &commands.list[0];
}

START_TEST(a_sku_that_is_no_item_id_gives_its_line_one)
{
    const struct cart_command *item = read_sku(" Gru\xcc\x88n/1\\n");
    ck_assert_str_eq(item->add_item.sku, "Gr\xc3\xbcn/1");
    ck_assert_str_eq(item->add_item.item_id, codec_make_item_id(&arena, "Gr\xc3\xbcn/1", NULL, 0));
    char longest[CART_ITEM_ID_MAX + 2] = "";
    memset(longest, 'x', CART_ITEM_ID_MAX);
    ck_assert_ptr_null(read_sku(longest)->add_item.item_id);
    longest[CART_ITEM_ID_MAX] = 'x';
    ck_assert(codec_is_item_id(read_sku(longest)->add_item.item_id));
}
END_TEST

START_TEST(values_are_lines_of_text_in_their_normal_form)
{
    const char *composed = "{\"a\":\"For\\n\\tZo\xc3\xab\",\"b\":\"x\"}";
    ck_assert_str_eq(read_good_item(composed)->add_item.properties, composed);
    const char *item_id = commands.list[0].add_item.item_id;
    (void)read_good_item("{\"b\":\" x\\r\\n\",\"a\":\"\\u00a0For\\n\\tZoe\\u0308\"}");
    ck_assert_str_eq(commands.list[0].add_item.properties, composed);
    ck_assert_str_eq(commands.list[0].add_item.item_id, item_id);
    (void)read_good_item("{\"a\":\"1\\r\\n2\"}");
    ck_assert_str_eq(commands.list[0].add_item.properties, "{\"a\":\"1\\n2\"}");
}
END_TEST

START_TEST(a_note_may_have_lines_too_and_is_read_in_its_normal_form)
{
    struct codec_body body = {.bytes = "{\"note\":\" For\\n\\tZoe\\u0308\\r\\n\"}"};
    body.length = strlen(body.bytes);
    enum codec_outcome outcome =
        codec_read_command(body, CART_COMMAND_CHANGE_DETAILS, &arena, &commands, &complaints);
    ck_assert_int_eq(outcome, CODEC_READ);
    ck_assert_str_eq(commands.list[0].change_details.note, "For\n\tZo\xc3\xab");
    body.bytes = "{\"note\":\"\\u0007\"}";
    body.length = strlen(body.bytes);
    outcome = codec_read_command(body, CART_COMMAND_CHANGE_DETAILS, &arena, &commands, &complaints);
    ck_assert_int_eq(outcome, CODEC_INVALID);
}
END_TEST

START_TEST(a_stored_value_is_read_as_it_is)
{
    const char *data =
        "{\"item_id\":\"mug\",\"sku\":\"mug\",\"name\":\" e\xcc\x81\",\"quantity\":1,"
        "\"unit_price\":1,\"properties\":{\"a\":\" e\xcc\x81 \"}}";
    struct cart_event event;
    ck_assert(codec_read_cart_event("ItemAdded", 2, data, &arena, &event));
    ck_assert_str_eq(event.item_added.name, " e\xcc\x81");
    ck_assert_str_eq(event.item_added.properties, "{\"a\":\" e\xcc\x81 \"}");
}
END_TEST

START_TEST(properties_come_with_any_way_to_add)
{
    struct codec_body body = {
        .bytes = "{\"commands\":[{\"type\":\"add_item\",\"sku\":\"mug\","
                 "\"properties\":{\"a\":\"b\"}}]}",
    };
    body.length = strlen(body.bytes);
    ck_assert_int_eq(codec_read_commands(body, &arena, &commands, &complaints), CODEC_READ);
    ck_assert_str_eq(commands.list[0].add_item.properties, "{\"a\":\"b\"}");

    struct codec_new_cart new_cart;
    body.bytes = "{\"items\":[{\"sku\":\"mug\",\"properties\":{\"a\":\"b\"}}]}";
    body.length = strlen(body.bytes);
    ck_assert_int_eq(codec_read_new_cart(body, "EUR", &arena, &new_cart, &complaints), CODEC_READ);
    ck_assert_str_eq(new_cart.commands.list[1].add_item.properties, "{\"a\":\"b\"}");
    ck_assert_ptr_nonnull(new_cart.commands.list[1].add_item.item_id);
}
END_TEST

/* An object of n members, each value `length` characters long. */
static const char *make_properties(size_t n, int length, char letter)
{
    static const char digits[] = "0123456789abcdefghijklmnop";
    static char values[CART_PROPERTIES_BYTES_MAX + 1];
    memset(values, letter, sizeof values - 1);
    const char *list = "";
    for (size_t i = 0; i < n; i++)
        list = base_arena_printf(
            &arena, "%s%s\"%c\":\"%.*s\"", list, i == 0 ? "" : ",", digits[i], length, values);
    return base_arena_printf(&arena, "{%s}", list);
}

START_TEST(what_is_just_within_the_limits_is_read)
{
    (void)read_good_item(make_properties(CART_PROPERTIES_MAX, 1, 'x'));
    (void)read_good_item(make_properties(1, CART_PROPERTY_VALUE_MAX, 'x'));
    (void)read_good_item("{\"a23456789~b23456789.c23456789-_2\":\"x\"}");
    /* {"0":"…","1":"…","2":"…","3":"…"} is 29 characters around the values: 995 of 1024 are left.
     */
    const char *three = make_properties(3, CART_PROPERTY_VALUE_MAX, 'x');
    (void)read_good_item(
        base_arena_printf(&arena, "%.*s,\"3\":\"%0227d\"}", (int)strlen(three) - 1, three, 0));
    ck_assert_uint_eq(
        strlen(commands.list[0].add_item.properties), (size_t)CART_PROPERTIES_BYTES_MAX);
}
END_TEST

static const struct {
    const char *properties;
    const char *pointer;
    const char *detail;
} refused[] = {
    {"null", "/properties", "must be an object, not null"},
    {"[]", "/properties", "must be an object, not an array"},
    {"\"x\"", "/properties", "must be an object"},
    {"{\"a\":1}", "/properties/a", "A property must be a string, not 1."},
    {"{\"a\":null}", "/properties/a", "not null"},
    {"{\"a\":{\"b\":\"c\"}}", "/properties/a", "not an object"},
    {"{\"a\":\"\"}", "/properties/a", "A property must not be empty."},
    {"{\"a\":\"\\t\\n \"}", "/properties/a", "A property must not be empty."},
    {"{\"a\":\"x\\u000b\"}", "/properties/a",
     "A property has the control character U+000B; remove it."},
    {"{\"a\":\"x\\u001b[1m\"}", "/properties/a", "control character U+001B"},
    {"{\"a\":\"\\u0085\"}", "/properties/a", "control character U+0085"},
    {"{\"\":\"x\"}", "/properties/", "name of a property"},
    {"{\"a b\":\"x\"}", "/properties/a b", "name of a property"},
    {"{\"\xc3\xa9\":\"x\"}", "/properties/\xc3\xa9", "name of a property"},
    {"{\"~/\":\"x\"}", "/properties/~0~1", "name of a property"},
    {"{\"a23456789~b23456789.c23456789-_23\":\"x\"}",
     "/properties/a23456789~0b23456789.c23456789-_23",
     "name of a property has 33 characters; at most 32 are allowed."},
};

START_TEST(what_are_no_properties_is_refused_at_its_place)
{
    ck_assert_int_eq(read_item(refused[_i].properties), CODEC_INVALID);
    ck_assert_uint_eq(complaints.n, 1);
    ck_assert_str_eq(complaints.list[0].pointer, refused[_i].pointer);
    ck_assert_msg(
        strstr(complaints.list[0].detail, refused[_i].detail) != NULL, "%s",
        complaints.list[0].detail);
}
END_TEST

START_TEST(too_much_of_them_is_refused)
{
    ck_assert_int_eq(read_item(make_properties(CART_PROPERTIES_MAX + 1, 1, 'x')), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/properties");
    ck_assert_str_eq(
        complaints.list[0].detail, "properties has 17 members; at most 16 are allowed.");
    ck_assert_int_eq(
        read_item(make_properties(1, CART_PROPERTY_VALUE_MAX + 1, 'x')), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/properties/0");
    ck_assert_int_eq(read_item(make_properties(4, 250, 'x')), CODEC_INVALID);
    ck_assert_str_eq(complaints.list[0].pointer, "/properties");
    ck_assert_str_eq(
        complaints.list[0].detail,
        "properties has 1029 bytes as compact JSON; at most 1024 are allowed.");
    ck_assert_int_eq(read_item("{\"a\":\"x\\u0000\"}"), CODEC_MALFORMED);
    ck_assert_int_eq(read_item("{\"a\":\"x\",\"a\":\"y\"}"), CODEC_MALFORMED);
}
END_TEST

/* ---- item ids -------------------------------------------------------------------------------- */

START_TEST(an_item_id_says_its_sku_and_differs_by_sku_properties_and_attempt)
{
    const char *plain = codec_make_item_id(&arena, "mug", NULL, 1);
    const char *one = codec_make_item_id(&arena, "mug", "{\"a\":\"b\"}", 0);
    /* Carts hold such ids, so how they are made stays as it is. */
    ck_assert_str_eq(one, "mug~2256efeb401132f09b551ec5f54855e4");
    ck_assert_str_eq(codec_make_item_id(&arena, "mug", "{\"a\":\"b\"}", 0), one);
    const char *others[] = {
        plain,
        codec_make_item_id(&arena, "mug", "{\"a\":\"b\"}", 1),
        codec_make_item_id(&arena, "mug", "{\"a\":\"b\"}", 256),
        codec_make_item_id(&arena, "mug", "{\"a\":\"c\"}", 0),
        codec_make_item_id(&arena, "mu", "{\"a\":\"b\"}", 0),
    };
    for (size_t i = 0; i < BASE_COUNT(others); i++) {
        ck_assert(codec_is_item_id(others[i]));
        ck_assert_str_ne(one, others[i]);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(others[i], others[j]);
    }
}
END_TEST

START_TEST(an_item_id_begins_with_what_it_can_have_of_its_sku)
{
    static const struct {
        const char *sku;
        const char *begin;
    } rows[] = {
        {"a/b c+d", "a-b-c-d~"},       {"Gr\xc3\xbcn", "Gr-n~"}, {"/..a", "a~"},
        {"\xf0\x9f\x8d\xb5", "item~"}, {"=\"x\"", "x-~"},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const char *id = codec_make_item_id(&arena, rows[i].sku, NULL, 0);
        ck_assert(codec_is_item_id(id));
        ck_assert_msg(strncmp(id, rows[i].begin, strlen(rows[i].begin)) == 0, "%s", id);
    }
}
END_TEST

START_TEST(an_item_id_of_the_longest_sku_fits)
{
    char sku[CART_SKU_MAX + 1];
    memset(sku, 'x', CART_SKU_MAX);
    sku[CART_SKU_MAX] = '\0';
    const char *id = codec_make_item_id(&arena, sku, "{\"a\":\"b\"}", 0);
    ck_assert_uint_eq(strlen(id), CART_ITEM_ID_MAX);
    ck_assert(codec_is_item_id(id));
    sku[CART_SKU_MAX - 1] = 'y'; /* beyond what the id shows of it */
    ck_assert_str_ne(codec_make_item_id(&arena, sku, "{\"a\":\"b\"}", 0), id);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_properties");
    TCase *requests = tcase_create("requests");
    tcase_add_checked_fixture(requests, NULL, end);
    tcase_add_test(requests, properties_are_kept_in_one_order);
    tcase_add_test(requests, no_properties_are_a_plain_item);
    tcase_add_test(requests, a_sku_that_is_no_item_id_gives_its_line_one);
    tcase_add_test(requests, values_are_lines_of_text_in_their_normal_form);
    tcase_add_test(requests, a_note_may_have_lines_too_and_is_read_in_its_normal_form);
    tcase_add_test(requests, a_stored_value_is_read_as_it_is);
    tcase_add_test(requests, properties_come_with_any_way_to_add);
    tcase_add_test(requests, what_is_just_within_the_limits_is_read);
    tcase_add_loop_test(
        requests, what_are_no_properties_is_refused_at_its_place, 0, (int)BASE_COUNT(refused));
    tcase_add_test(requests, too_much_of_them_is_refused);
    suite_add_tcase(suite, requests);

    TCase *ids = tcase_create("ids");
    tcase_add_checked_fixture(ids, NULL, end);
    tcase_add_test(ids, an_item_id_says_its_sku_and_differs_by_sku_properties_and_attempt);
    tcase_add_test(ids, an_item_id_begins_with_what_it_can_have_of_its_sku);
    tcase_add_test(ids, an_item_id_of_the_longest_sku_fits);
    suite_add_tcase(suite, ids);
    return support_run(suite);
}
