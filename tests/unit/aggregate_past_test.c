#include "aggregate.h"

#include <stdio.h>
#include <string.h>

#include "cart.h"
#include "support.h"

/* What the row of carts adds to the rules about patches, what a cart was, and copies. */

static struct cart cart;   /* that is decided on */
static struct cart former; /* what find_past() gives */
static struct base_arena arena;
static struct aggregate_decision decision;
static struct aggregate_past asked; /* the last question about what was */
static size_t n_asked;
static bool is_known; /* what was */
static bool is_sold;  /* everything, for 100 */

static struct cart_offer find_offer(void *context, const char *sku, const char *currency)
{
    (void)context;
    (void)sku;
    (void)currency;
    return (struct cart_offer){
        .is_known = is_sold,
        .has_price = is_sold,
        .name = "Something",
        .limits = {.minimum = 1, .maximum = 999, .multiple_of = 1},
        .unit_price_minor = 100,
    };
}

static void need_other(void *context, const struct aggregate_stream *stream)
{
    (void)context;
    (void)stream;
}

static const void *find_past(void *context, const struct aggregate_past *past, bool *is_read)
{
    (void)context;
    asked = *past;
    n_asked++;
    *is_read = is_known;
    return is_known && former.status != CART_ABSENT ? &former : NULL;
}

static const struct aggregate_known known = {
    .find_offer = find_offer, .find_past = find_past, .need_other = need_other};

static const struct cart_command CREATE = {
    .type = CART_COMMAND_CREATE, .create = {.currency = "EUR", .metadata = "{\"a\":{\"b\":1}}"}};
static const struct cart_command ADD_TEA = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "tea", .quantity = 1}};
static const struct cart_command ADD_CUP = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "cup", .quantity = 1}};
static const struct cart_command CLEAR = {.type = CART_COMMAND_CLEAR_ITEMS};
static const struct cart_command UNDO = {.type = CART_COMMAND_UNDO};
static const struct cart_command REPRICE = {.type = CART_COMMAND_REPRICE};

static void setup(void)
{
    cart_clear(&cart);
    cart_clear(&former);
    arena = (struct base_arena){NULL};
    n_asked = 0;
    is_known = true;
    is_sold = true;
}

static void teardown(void)
{
    base_arena_finish(&arena);
}

static void decide_for(
    struct cart_caller caller, const struct cart_command *commands, size_t n_commands)
{
    const struct cart_request request = {
        .commands = commands, .n_commands = n_commands, .caller = caller};
    aggregate_cart.decide(&cart, &request, &known, &arena, &decision);
}

static void decide_all(const struct cart_command *commands, size_t n_commands)
{
    decide_for((struct cart_caller){.may_all = true}, commands, n_commands);
}

static void decide(struct cart_command command)
{
    decide_all(&command, 1);
}

static const struct cart_event *fact(size_t i)
{
    ck_assert_uint_lt(i, decision.n_facts);
    return (const struct cart_event *)decision.facts + i;
}

/* The cart becomes what was decided; what it was is remembered. */
static void evolve(void)
{
    ck_assert(!decision.is_refused);
    cart_copy(&former, &cart);
    for (size_t i = 0; i < decision.n_facts; i++)
        aggregate_cart.evolve(&cart, fact(i), cart.version + 1, CART_TIME_PENDING);
}

static void given(const struct cart_command *commands, size_t n_commands)
{
    decide_all(commands, n_commands);
    evolve();
}

static void then_refused(enum cart_refusal refusal, size_t command_index)
{
    ck_assert(decision.is_refused);
    ck_assert_int_eq(decision.refusal, refusal);
    ck_assert_uint_eq(decision.command_index, command_index);
    ck_assert_uint_eq(decision.n_facts, 0);
}

/* ---- patches --------------------------------------------------------------------------------- */

static struct cart_command patch_metadata(const char *patch)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_DETAILS,
        .change_details = {.has_metadata = true, .metadata = patch},
    };
}

static struct cart_command patch_tea(const char *patch)
{
    return (struct cart_command){
        .type = CART_COMMAND_CHANGE_ITEM,
        .change_item = {.item_id = "tea", .has_properties = true, .properties = patch},
    };
}

START_TEST(metadata_are_merged_with_what_the_commands_before_have_made)
{
    const struct cart_command commands[] = {
        patch_metadata("{\"a\":{\"c\":2}}"), patch_metadata("{\"a\":{\"b\":null}}")};
    given(&CREATE, 1);
    given(commands, 2);
    ck_assert_str_eq(fact(0)->details_changed.metadata, "{\"a\":{\"b\":1,\"c\":2}}");
    ck_assert_str_eq(cart.metadata, "{\"a\":{\"c\":2}}");
    decide(patch_metadata("{\"a\":null}"));
    ck_assert_str_eq(fact(0)->details_changed.metadata, "{}");
    decide(patch_metadata("{\"x\":null}"));
    ck_assert_uint_eq(decision.n_facts, 0);
}
END_TEST

/* The longest text that fits, and one more. */
START_TEST(metadata_have_4096_bytes_and_3_levels)
{
    static char text[CART_METADATA_MAX];
    given(&CREATE, 1);
    memset(text, 'x', sizeof text - 1);
    const size_t around = sizeof "{\"a\":{\"b\":1},\"t\":\"\"}" - 1;
    const char *patch =
        base_arena_printf(&arena, "{\"t\":\"%.*s\"}", (int)(CART_METADATA_MAX - around), text);
    decide(patch_metadata(patch));
    ck_assert_uint_eq(strlen(fact(0)->details_changed.metadata), CART_METADATA_MAX);
    patch =
        base_arena_printf(&arena, "{\"t\":\"%.*s\"}", (int)(CART_METADATA_MAX - around + 1), text);
    decide(patch_metadata(patch));
    then_refused(CART_REFUSED_METADATA_TOO_LARGE, 0);
    decide(patch_metadata("{\"a\":{\"b\":{\"c\":1}}}"));
    ck_assert(!decision.is_refused);
    decide(patch_metadata("{\"a\":{\"b\":{\"c\":[]}}}"));
    then_refused(CART_REFUSED_METADATA_TOO_LARGE, 0);
}
END_TEST

START_TEST(a_line_has_16_properties)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer patch = {0};
    given((struct cart_command[]){CREATE, ADD_TEA}, 2);
    for (int i = 0; i < CART_PROPERTIES_MAX; i++)
        base_buffer_printf(&patch, "%c\"p%d\":\"v\"", i == 0 ? '{' : ',', i);
    base_buffer_append_char(&patch, '}');
    decide(patch_tea(base_buffer_text(&patch)));
    evolve();
    decide(patch_tea("{\"q\":\"v\"}"));
    then_refused(CART_REFUSED_PROPERTIES_TOO_LARGE, 0);
    decide(patch_tea("{\"q\":\"v\",\"p0\":null}"));
    ck_assert(!decision.is_refused);
    decide(patch_tea(NULL));
    ck_assert_ptr_null(fact(0)->item_properties_changed.properties);
}
END_TEST

/* The line that had its sku for an id has become another one. */
START_TEST(a_new_line_takes_no_id_that_a_changed_one_still_has)
{
    given((struct cart_command[]){CREATE, ADD_TEA, patch_tea("{\"size\":\"L\"}"), ADD_TEA}, 4);
    ck_assert_uint_eq(cart.n_lines, 2);
    ck_assert_str_eq(cart.lines[0].item_id, "tea");
    ck_assert_str_ne(cart.lines[1].item_id, "tea");
    ck_assert_ptr_null(cart.lines[1].properties);
}
END_TEST

/* ---- what was -------------------------------------------------------------------------------- */

START_TEST(what_was_is_asked_for_before_the_command_of_the_last_change)
{
    given((struct cart_command[]){CREATE}, 1);
    given((struct cart_command[]){ADD_TEA, ADD_CUP}, 2);
    decide(UNDO);
    ck_assert_ptr_null(asked.stream.aggregate); /* the cart itself */
    ck_assert_int_eq(asked.version, 3);
    ck_assert(asked.is_before_command);
    ck_assert_uint_eq(decision.n_facts, 3);
    ck_assert_int_eq(fact(2)->restored.version, 1);
}
END_TEST

START_TEST(without_what_was_nothing_is_decided)
{
    given((struct cart_command[]){CREATE}, 1);
    given((struct cart_command[]){ADD_TEA}, 1);
    is_known = false;
    decide_all((struct cart_command[]){UNDO, ADD_TEA}, 2);
    ck_assert(!decision.is_refused);
    ck_assert_uint_eq(n_asked, 1); /* what comes behind is not looked at */
}
END_TEST

START_TEST(what_the_request_itself_has_changed_is_undone_without_asking)
{
    given((struct cart_command[]){CREATE, ADD_TEA}, 2);
    given((struct cart_command[]){ADD_TEA, ADD_CUP, UNDO}, 3);
    ck_assert_uint_eq(n_asked, 0);
    ck_assert_uint_eq(cart.n_lines, 1);
    ck_assert_int_eq(cart.lines[0].quantity, 1);
    ck_assert_int_eq(cart.undone_to, 2);
}
END_TEST

START_TEST(the_facts_of_all_commands_stand_behind_each_other)
{
    given((struct cart_command[]){CREATE}, 1);
    given((struct cart_command[]){ADD_TEA, ADD_CUP}, 2);
    given((struct cart_command[]){UNDO, ADD_CUP, CLEAR}, 3);
    ck_assert_uint_eq(decision.n_facts, 5);
    ck_assert_int_eq(fact(0)->type, CART_EVENT_ITEM_REMOVED);
    ck_assert_int_eq(fact(2)->type, CART_EVENT_RESTORED);
    ck_assert_int_eq(fact(3)->type, CART_EVENT_ITEM_ADDED);
    ck_assert_int_eq(fact(4)->type, CART_EVENT_CLEARED);
}
END_TEST

START_TEST(what_could_not_be_had_is_noted_in_the_last_fact)
{
    given((struct cart_command[]){CREATE}, 1);
    given((struct cart_command[]){ADD_TEA}, 1);
    given((struct cart_command[]){CLEAR}, 1);
    is_sold = false;
    decide(UNDO);
    ck_assert_uint_eq(decision.n_facts, 1);
    ck_assert_str_eq(
        fact(0)->restored.notes,
        "[{\"code\":\"product-withdrawn\",\"item_id\":\"tea\",\"quantity\":1,\"sku\":\"tea\"}]");
}
END_TEST

START_TEST(a_refusal_says_which_lines_it_is_for)
{
    const struct cart_command check_out = {
        .type = CART_COMMAND_CHECK_OUT, .check_out = {.checks_prices = true}};
    given((struct cart_command[]){CREATE, ADD_TEA}, 2);
    is_sold = false;
    decide_all((struct cart_command[]){REPRICE, check_out}, 2);
    then_refused(CART_REFUSED_PRICES_CHANGED, 1);
    ck_assert_str_eq(
        decision.details,
        "[{\"code\":\"product-withdrawn\",\"current_price\":null,\"item_id\":\"tea\","
        "\"quantity\":1,\"sku\":\"tea\",\"unit_price\":100}]");
    decide_all((struct cart_command[]){CLEAR, check_out}, 2);
    then_refused(CART_REFUSED_IS_EMPTY, 1);
    ck_assert_ptr_null(decision.details);
}
END_TEST

/* ---- copies ---------------------------------------------------------------------------------- */

#define OTHER_ID "01938d5c-28d0-7b61-8a77-2f6ed1d8a001"

static struct cart_command copy_other(int32_t version)
{
    struct cart_command command = CREATE;
    command.create.copy_of = OTHER_ID;
    command.create.copy_version = version;
    return command;
}

/* `former` is a cart of ada's, and `cart` is not there. */
static void given_other(void)
{
    struct cart_command create = CREATE;
    create.create.customer_id = "ada";
    given((struct cart_command[]){create, ADD_TEA}, 2);
    cart_copy(&former, &cart);
    cart_clear(&cart);
}

START_TEST(a_copy_asks_for_the_other_cart_as_it_is_and_then_as_it_was)
{
    given_other();
    decide(copy_other(0));
    ck_assert_uint_eq(n_asked, 1);
    ck_assert_ptr_eq(asked.stream.aggregate, &aggregate_cart);
    ck_assert_int_eq(asked.version, 0);
    ck_assert_uint_eq(decision.n_facts, 3);
    ck_assert_str_eq(fact(2)->copied.cart_id, OTHER_ID);
    ck_assert_ptr_null(fact(2)->copied.notes);
    decide(copy_other(2));
    ck_assert_uint_eq(n_asked, 3);
    ck_assert_int_eq(asked.version, 2);
    is_known = false;
    decide(copy_other(2));
    ck_assert_uint_eq(n_asked, 4); /* not yet for as it was */
    ck_assert(!decision.is_refused);
}
END_TEST

START_TEST(a_copy_is_only_of_a_cart_that_admits_the_caller_now)
{
    const struct cart_command copies[] = {copy_other(0), copy_other(1)};
    given_other();
    for (size_t i = 0; i < BASE_COUNT(copies); i++) {
        decide_for((struct cart_caller){.customer_id = "bob"}, &copies[i], 1);
        then_refused(CART_REFUSED_SOURCE_NOT_FOUND, 0);
        decide_for((struct cart_caller){.customer_id = "ada"}, &copies[i], 1);
        ck_assert(!decision.is_refused);
    }
}
END_TEST

START_TEST(what_a_copy_leaves_out_is_noted)
{
    given_other();
    is_sold = false;
    decide(copy_other(0));
    ck_assert_uint_eq(decision.n_facts, 2);
    ck_assert_str_eq(
        fact(1)->copied.notes,
        "[{\"code\":\"product-withdrawn\",\"item_id\":\"tea\",\"quantity\":1,\"sku\":\"tea\"}]");
}
END_TEST

/* ---- offers that can be foreseen ------------------------------------------------------------- */

static size_t count_skus(struct cart_command command)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer skus = {0};
    const struct cart_request request = {.commands = &command, .n_commands = 1};
    aggregate_cart.list_skus(&cart, &request, &skus);
    return skus.length / sizeof(const char *);
}

START_TEST(offers_are_listed_for_what_may_need_them)
{
    const struct cart_command currency = {
        .type = CART_COMMAND_CHANGE_CURRENCY, .change_currency = {.currency = "USD"}};
    struct cart_command check_out = {.type = CART_COMMAND_CHECK_OUT};
    struct cart_command change = patch_tea(NULL);
    given((struct cart_command[]){CREATE, ADD_TEA, ADD_CUP}, 3);
    ck_assert_uint_eq(count_skus(REPRICE), 2);
    ck_assert_uint_eq(count_skus(currency), 2);
    ck_assert_uint_eq(count_skus(check_out), 0);
    check_out.check_out.checks_prices = true;
    ck_assert_uint_eq(count_skus(check_out), 2);
    ck_assert_uint_eq(count_skus(change), 0);
    change.change_item.quantity = 1;
    ck_assert_uint_eq(count_skus(change), 1);
    change.change_item.item_id = "nothing";
    ck_assert_uint_eq(count_skus(change), 0);
    ck_assert_uint_eq(count_skus(UNDO), 0); /* what was says it */
}
END_TEST

START_TEST(a_request_records_so_many_facts_and_no_more)
{
    static char skus[CART_LINES_MAX][8];
    const struct cart_command restore = {
        .type = CART_COMMAND_RESTORE, .restore = {.version = CART_LINES_MAX}};
    const struct cart_command all[] = {CLEAR, restore, CLEAR, restore,
                                       CLEAR, restore, CLEAR, restore};
    given(&CREATE, 1);
    for (size_t i = 0; i < CART_LINES_MAX; i++) {
        struct cart_command add = ADD_TEA;
        (void)snprintf(skus[i], sizeof skus[i], "s%zu", i); /* it has room */
        add.add_item.sku = skus[i];
        given(&add, 1);
    }
    cart_copy(&former, &cart);
    decide_all(all, 6);
    ck_assert(!decision.is_refused);
    ck_assert_uint_eq(decision.n_facts, 3 * (1 + CART_LINES_MAX + 1));
    decide_all(all, 7);
    ck_assert(!decision.is_refused);
    decide_all(all, 8);
    then_refused(CART_REFUSED_TOO_MANY_EVENTS, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aggregate past");
    TCase *tests = tcase_create("carts");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, metadata_are_merged_with_what_the_commands_before_have_made);
    tcase_add_test(tests, metadata_have_4096_bytes_and_3_levels);
    tcase_add_test(tests, a_line_has_16_properties);
    tcase_add_test(tests, a_new_line_takes_no_id_that_a_changed_one_still_has);
    tcase_add_test(tests, what_was_is_asked_for_before_the_command_of_the_last_change);
    tcase_add_test(tests, without_what_was_nothing_is_decided);
    tcase_add_test(tests, what_the_request_itself_has_changed_is_undone_without_asking);
    tcase_add_test(tests, the_facts_of_all_commands_stand_behind_each_other);
    tcase_add_test(tests, what_could_not_be_had_is_noted_in_the_last_fact);
    tcase_add_test(tests, a_refusal_says_which_lines_it_is_for);
    tcase_add_test(tests, a_copy_asks_for_the_other_cart_as_it_is_and_then_as_it_was);
    tcase_add_test(tests, a_copy_is_only_of_a_cart_that_admits_the_caller_now);
    tcase_add_test(tests, what_a_copy_leaves_out_is_noted);
    tcase_add_test(tests, offers_are_listed_for_what_may_need_them);
    tcase_add_test(tests, a_request_records_so_many_facts_and_no_more);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
