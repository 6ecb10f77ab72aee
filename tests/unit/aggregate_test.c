#include "aggregate.h"

#include <string.h>

#include "cart.h"
#include "catalog.h"
#include "customer.h"
#include "support.h"

/* What the rows add to the rules of the core: several commands at once, offers, whose a stream is.
 */

static struct cart cart;
static struct base_arena arena;
static struct aggregate_decision decision;
static size_t n_asked;

/* Everything but "nothing" costs 100; "dear" has no price in the currency. */
static struct cart_offer find_offer(void *context, const char *sku, const char *currency)
{
    ck_assert_ptr_eq(context, &cart);
    ck_assert_str_eq(currency, "EUR");
    n_asked++;
    return (struct cart_offer){
        .is_known = strcmp(sku, "nothing") != 0,
        .limits = {.minimum = 1, .maximum = 999, .multiple_of = 1},
        .has_price = strcmp(sku, "dear") != 0,
        .name = "Something",
        .unit_price_minor = 100,
    };
}

static const struct aggregate_known known = {.find_offer = find_offer, .context = &cart};

static const struct cart_command CREATE = {
    .type = CART_COMMAND_CREATE, .create = {.currency = "EUR", .metadata = "{}"}};
static const struct cart_command ADD_TEA = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "tea", .quantity = 1}};
static const struct cart_command ADD_ENGRAVED_TEA = {
    .type = CART_COMMAND_ADD_ITEM,
    .add_item = {.sku = "tea", .properties = "{\"engraving\":\"A\"}", .quantity = 1}};
static const struct cart_command ADD_NOTHING = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "nothing", .quantity = 1}};
static const struct cart_command CLEAR = {.type = CART_COMMAND_CLEAR_ITEMS};
static const struct cart_command CHECK_OUT = {
    .type = CART_COMMAND_CHECK_OUT,
    .check_out = {.has_expected_total = true, .expected_total_minor = 7}};

static void setup(void)
{
    aggregate_cart.begin(&cart);
    arena = (struct base_arena){NULL};
    n_asked = 0;
}

static void teardown(void)
{
    base_arena_finish(&arena);
}

static struct cart_request request_of(const struct cart_command *commands, size_t n)
{
    struct cart_request request = {.commands = commands, .n_commands = n};
    request.caller.may_all = true;
    return request;
}

static void decide_all(const struct cart_command *commands, size_t n)
{
    struct cart_request request = request_of(commands, n);
    aggregate_cart.decide(&cart, &request, &known, &arena, &decision);
}

static const struct cart_event *fact(size_t i)
{
    ck_assert_uint_lt(i, decision.n_facts);
    return (const struct cart_event *)decision.facts + i;
}

/* The cart becomes what was decided. */
static void evolve(void)
{
    for (size_t i = 0; i < decision.n_facts; i++)
        aggregate_cart.evolve(&cart, fact(i), cart.version + 1, 1000);
}

static void given(const struct cart_command *commands, size_t n)
{
    decide_all(commands, n);
    ck_assert(!decision.is_refused);
    evolve();
}

START_TEST(commands_of_one_request_are_decided_one_on_top_of_the_other)
{
    given((struct cart_command[]){CREATE, ADD_TEA, ADD_TEA, CLEAR, ADD_TEA}, 5);
    ck_assert_uint_eq(decision.n_facts, 5);
    ck_assert_str_eq(aggregate_cart.event_type(fact(0)).name, "CartCreated");
    ck_assert_int_eq(fact(4)->type, CART_EVENT_ITEM_ADDED);
    ck_assert_int_eq(cart.version, 5);
    ck_assert_int_eq(cart.total_minor, 100);
}
END_TEST

START_TEST(what_is_so_already_is_no_fact)
{
    given((struct cart_command[]){CREATE}, 1);
    decide_all((struct cart_command[]){CLEAR}, 1);
    ck_assert(!decision.is_refused);
    ck_assert_uint_eq(decision.n_facts, 0);
}
END_TEST

START_TEST(one_refusal_refuses_the_whole_request_and_leaves_the_state_alone)
{
    given((struct cart_command[]){CREATE, ADD_TEA}, 2);
    decide_all((struct cart_command[]){ADD_TEA, CLEAR, ADD_NOTHING, ADD_TEA}, 4);
    ck_assert(decision.is_refused);
    ck_assert_int_eq(decision.refusal, CART_REFUSED_UNKNOWN_SKU);
    ck_assert_uint_eq(decision.command_index, 2);
    ck_assert_uint_eq(decision.n_facts, 0);
    ck_assert_int_eq(cart.version, 2);
    ck_assert_int_eq(cart.total_minor, 100);
}
END_TEST

START_TEST(a_total_that_has_changed_is_told_as_the_request_left_it)
{
    given((struct cart_command[]){CREATE, ADD_TEA}, 2);
    decide_all((struct cart_command[]){ADD_TEA, CHECK_OUT}, 2);
    ck_assert(decision.is_refused);
    ck_assert_int_eq(decision.refusal, CART_REFUSED_TOTAL_CHANGED);
    ck_assert_int_eq(decision.current_total_minor, 200);
}
END_TEST

START_TEST(a_refusal_of_a_closed_cart_says_how_and_when_it_was_closed)
{
    const struct cart_command check_out = {.type = CART_COMMAND_CHECK_OUT};
    given((struct cart_command[]){CREATE, ADD_TEA, check_out}, 3);
    decide_all((struct cart_command[]){ADD_TEA}, 1);
    ck_assert_int_eq(decision.refusal, CART_REFUSED_IS_CLOSED);
    ck_assert_str_eq(decision.status, "checked_out");
    ck_assert_int_eq(decision.closed_at_us, cart.closed_at_us);
}
END_TEST

START_TEST(what_a_request_would_close_is_closed_at_no_time)
{
    const struct cart_command cancel = {.type = CART_COMMAND_CANCEL};
    given((struct cart_command[]){CREATE}, 1);
    decide_all((struct cart_command[]){cancel, ADD_TEA}, 2);
    ck_assert_int_eq(decision.refusal, CART_REFUSED_IS_CLOSED);
    ck_assert_str_eq(decision.status, "cancelled");
    ck_assert(decision.closed_at_us == CART_TIME_NONE);
}
END_TEST

START_TEST(a_line_with_a_taken_id_gets_another)
{
    given((struct cart_command[]){CREATE, ADD_TEA, ADD_ENGRAVED_TEA}, 3);
    ck_assert_uint_eq(cart.n_lines, 2);
    ck_assert_str_eq(cart.lines[0].item_id, "tea");
    ck_assert_str_ne(cart.lines[1].item_id, "tea");
    ck_assert_str_eq(cart.lines[1].sku, "tea");
}
END_TEST

START_TEST(offers_are_asked_for_what_is_added_and_listed_before)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer skus = {0};
    const struct cart_command commands[] = {CREATE, ADD_TEA, CLEAR, ADD_NOTHING};
    struct cart_request request = request_of(commands, 3);
    aggregate_cart.list_skus(&cart, &request, &skus);
    ck_assert_uint_eq(skus.length, sizeof(char *));
    decide_all(commands, 3);
    ck_assert_uint_eq(n_asked, 1);
    request.n_commands = 4;
    skus.length = 0;
    aggregate_cart.list_skus(&cart, &request, &skus);
    const char *const *listed = (const char *const *)(const void *)skus.bytes;
    ck_assert_uint_eq(skus.length, 2 * sizeof *listed);
    ck_assert_str_eq(listed[0], "tea");
    ck_assert_str_eq(listed[1], "nothing");
}
END_TEST

START_TEST(a_cart_is_there_for_whom_it_admits)
{
    struct cart_command mine = CREATE;
    mine.create.customer_id = "ada";
    struct cart_request request = request_of(&mine, 1);
    ck_assert(!aggregate_cart.is_there(&cart, &request)); /* it has no events yet */
    ck_assert(aggregate_cart.creates(&request));
    given(&mine, 1);
    ck_assert(aggregate_cart.is_there(&cart, &request));
    request.caller = (struct cart_caller){.customer_id = "bob"};
    ck_assert(!aggregate_cart.is_there(&cart, &request));
    request.caller.customer_id = "ada";
    ck_assert(aggregate_cart.is_there(&cart, &request));
    request.commands = &ADD_TEA;
    ck_assert(!aggregate_cart.creates(&request));
}
END_TEST

START_TEST(a_product_is_refused_for_too_many_prices_only)
{
    struct catalog_product product;
    struct catalog_command command = {.type = CATALOG_COMMAND_SET_PRICE, .sku = "tea"};
    command.content.name = "Tea";
    command.content.n_prices = 1;
    aggregate_product.begin(&product);
    for (int i = 0; i <= CATALOG_PRICES_MAX; i++) {
        char *currency = command.content.prices[0].currency;
        currency[0] = 'A';
        currency[1] = (char)('A' + i / 26);
        currency[2] = (char)('A' + i % 26);
        aggregate_product.decide(&product, &command, &known, &arena, &decision);
        ck_assert_int_eq(decision.is_refused, i == CATALOG_PRICES_MAX);
        if (decision.is_refused)
            break;
        ck_assert_uint_eq(decision.n_facts, 1);
        aggregate_product.evolve(&product, decision.facts, i + 1, CART_TIME_PENDING);
    }
    ck_assert_int_eq(decision.refusal, CATALOG_REFUSED_TOO_MANY_PRICES);
    ck_assert_uint_eq(decision.n_facts, 0);
    aggregate_product.stamp(&product, 5000);
    ck_assert_int_eq(product.updated_at_us, 5000);
    ck_assert_uint_eq(n_asked, 0);
    struct base_uuid id = aggregate_product_id("tea");
    ck_assert_ptr_null(aggregate_product.fault(&product, &id));
    id.bytes[0] ^= 1;
    ck_assert_ptr_nonnull(aggregate_product.fault(&product, &id));
}
END_TEST

START_TEST(a_customer_says_which_cart_is_open_and_since_when)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    struct customer customer;
    const struct customer_event opened = {
        .type = CUSTOMER_EVENT_CART_OPENED, .customer_id = "ada", .cart_opened = {"a"}};
    aggregate_customer.begin(&customer);
    aggregate_customer.evolve(&customer, &opened, 1, 0);
    struct base_uuid id = aggregate_customer_id("ada");
    aggregate_write_document(&document, &aggregate_customer, &id, &customer);
    ck_assert_str_eq(
        base_buffer_text(&document), "{\"customer_id\":\"ada\",\"open_cart_id\":\"a\","
                                     "\"updated_at\":\"1970-01-01T00:00:00.000000Z\"}");
    ck_assert_ptr_null(aggregate_customer.fault(&customer, &id));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aggregate");
    TCase *tests = tcase_create("rows");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, commands_of_one_request_are_decided_one_on_top_of_the_other);
    tcase_add_test(tests, what_is_so_already_is_no_fact);
    tcase_add_test(tests, one_refusal_refuses_the_whole_request_and_leaves_the_state_alone);
    tcase_add_test(tests, a_total_that_has_changed_is_told_as_the_request_left_it);
    tcase_add_test(tests, a_refusal_of_a_closed_cart_says_how_and_when_it_was_closed);
    tcase_add_test(tests, what_a_request_would_close_is_closed_at_no_time);
    tcase_add_test(tests, a_line_with_a_taken_id_gets_another);
    tcase_add_test(tests, offers_are_asked_for_what_is_added_and_listed_before);
    tcase_add_test(tests, a_cart_is_there_for_whom_it_admits);
    tcase_add_test(tests, a_product_is_refused_for_too_many_prices_only);
    tcase_add_test(tests, a_customer_says_which_cart_is_open_and_since_when);
    suite_add_tcase(suite, tests);
    return support_run(suite);
}
