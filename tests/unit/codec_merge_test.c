#include "codec.h"
#include "support.h"

/* What a merge is as JSON: the command, the cart that ended, and what changed line by line. */

#define CART_ID "01936f6e-6f0a-7c3e-9a57-5f0c8a4f1b2d"

static struct base_arena arena;
static struct base_buffer out;

static void begin(void)
{
    out.length = 0;
}

static void finish(void)
{
    base_arena_finish(&arena);
    base_buffer_finish(&out);
}

static struct cart_event item_added(const char *sku, int32_t quantity)
{
    return (struct cart_event){
        .type = CART_EVENT_ITEM_ADDED,
        .item_added = {.item_id = sku, .sku = sku, .name = "Thing", .quantity = quantity},
    };
}

static void make_cart(struct cart *cart)
{
    const struct cart_event events[] = {
        {.type = CART_EVENT_CREATED, .created = {.currency = "EUR", .metadata = "{}"}},
        item_added("tea", 2),
    };
    cart_clear(cart);
    for (size_t i = 0; i < BASE_COUNT(events); i++)
        cart_evolve(cart, &events[i], 1000);
}

static const char *document(const struct cart *cart)
{
    struct base_uuid id = {.bytes = {1}};
    out.length = 0;
    codec_write_cart(&out, &id, cart);
    return base_buffer_text(&out);
}

START_TEST(a_merged_cart_says_into_which_and_no_other_does)
{
    static struct cart cart;
    const struct cart_event merged_into = {
        .type = CART_EVENT_MERGED_INTO, .merged_into = {.into = CART_ID, .version = 7}};
    make_cart(&cart);
    ck_assert_ptr_null(strstr(document(&cart), "merged_into"));
    cart_evolve(&cart, &merged_into, 2000);
    ck_assert_ptr_nonnull(
        strstr(document(&cart), ",\"order_reference\":null,\"merged_into\":\"" CART_ID "\"}"));
    struct cart *packed = cart_pack(base_arena_alloc(&arena, cart_packed_size(&cart)), &cart);
    ck_assert_str_eq(packed->merged_into, CART_ID);
    ck_assert_ptr_ne(packed->merged_into, cart.merged_into);
}
END_TEST

START_TEST(what_a_merge_changes_is_told_line_by_line)
{
    static struct cart cart;
    make_cart(&cart);
    const struct cart_event events[] = {
        {.type = CART_EVENT_ITEM_QUANTITY_CHANGED, .item_quantity_changed = {"tea", 5}},
        item_added("cup", 3),
        {.type = CART_EVENT_MERGED},
    };
    ck_assert_str_eq(
        codec_make_changes(&arena, &cart, events, BASE_COUNT(events)),
        "[{\"after\":5,\"before\":2,\"item_id\":\"tea\"},"
        "{\"after\":3,\"before\":0,\"item_id\":\"cup\"}]");
    ck_assert_ptr_null(codec_make_changes(&arena, &cart, &events[2], 1));
}
END_TEST

static const struct {
    const char *type;
    const char *data;
} shapes[] = {
    {"CartMerged", "{\"from\":\"" CART_ID "\",\"version\":1,\"quantities\":\"sum\",\"lines\":[],"
                   "\"notes\":[]}"},
    {"CartMerged",
     "{\"from\":\"" CART_ID "\",\"version\":2147483647,\"quantities\":\"theirs\","
     "\"lines\":[{\"after\":5,\"before\":2,\"item_id\":\"tea\"}],\"notes\":[{\"code\":"
     "\"cart-full\",\"item_id\":\"cup\",\"quantity\":2,\"sku\":\"cup\"}]}"},
    {"CartMergedInto", "{\"into\":\"" CART_ID "\",\"version\":2147483647}"},
    {"CartMergeReverted", "{\"cart_id\":\"" CART_ID "\",\"notes\":[]}"},
};

START_TEST(every_event_of_a_merge_is_written_as_it_was_read)
{
    struct cart_event event;
    ck_assert(codec_read_cart_event(shapes[_i].type, 1, shapes[_i].data, &arena, &event));
    ck_assert_str_eq(codec_cart_event_name(event.type), shapes[_i].type);
    codec_write_cart_event(&out, &event);
    ck_assert_str_eq(base_buffer_text(&out), shapes[_i].data);
}
END_TEST

static struct cart_command read_command(enum cart_command_type type, const char *json)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    struct codec_body body = {.bytes = json, .length = strlen(json)};
    ck_assert_int_eq(codec_read_command(body, type, &arena, &commands, &complaints), CODEC_READ);
    ck_assert_uint_eq(commands.n, 1);
    return commands.list[0];
}

START_TEST(a_merge_is_read_with_its_rule)
{
    static const struct {
        const char *text;
        enum cart_merge_rule rule;
    } rows[] = {
        {"sum", CART_MERGE_SUM},
        {"max", CART_MERGE_MAX},
        {"theirs", CART_MERGE_THEIRS},
        {"ours", CART_MERGE_OURS},
    };
    for (size_t i = 0; i < BASE_COUNT(rows); i++) {
        const char *json = base_arena_printf(
            &arena, "{\"from\":\"" CART_ID "\",\"quantities\":\"%s\"}", rows[i].text);
        ck_assert_int_eq(read_command(CART_COMMAND_MERGE, json).merge.rule, rows[i].rule);
        ck_assert_str_eq(cart_merge_rule_name(rows[i].rule), rows[i].text);
    }
}
END_TEST

START_TEST(an_id_becomes_lower_case_and_what_is_left_out_has_its_default)
{
    struct cart_command merge =
        read_command(CART_COMMAND_MERGE, "{\"from\":\"01936F6E-6F0A-7C3E-9A57-5F0C8A4F1B2D\"}");
    ck_assert_str_eq(merge.merge.from, CART_ID);
    ck_assert_int_eq(merge.merge.rule, CART_MERGE_SUM);
    ck_assert_ptr_null(merge.merge.from_token);
    struct cart_command revert =
        read_command(CART_COMMAND_REVERT_MERGE, "{\"from_token\":\" of its own \"}");
    ck_assert_str_eq(revert.merge.from_token, " of its own ");
    ck_assert_ptr_null(read_command(CART_COMMAND_REVERT_MERGE, "").merge.from_token);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec_merge");
    TCase *tests = tcase_create("merge");
    tcase_add_checked_fixture(tests, begin, finish);
    tcase_add_test(tests, a_merged_cart_says_into_which_and_no_other_does);
    tcase_add_test(tests, what_a_merge_changes_is_told_line_by_line);
    tcase_add_loop_test(
        tests, every_event_of_a_merge_is_written_as_it_was_read, 0, (int)BASE_COUNT(shapes));
    tcase_add_test(tests, a_merge_is_read_with_its_rule);
    tcase_add_test(tests, an_id_becomes_lower_case_and_what_is_left_out_has_its_default);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
