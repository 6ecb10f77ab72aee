#include <stdio.h>
#include <string.h>

#include "postgres.h"
#include "service_fixture.h"
#include "support.h"

/* Commands about what a cart was, on a real PostgreSQL: what they need is read beside the batches.
 * Each test runs with carts cached and without. */

enum { CLIENTS = 64 };

static char *url;
static struct loop *loop;
static struct metrics metrics;
static struct service *service;
static size_t n_answered;

static void answered(struct service_command *command)
{
    (void)command;
    n_answered++;
}

static struct service *open_service(size_t cache_carts)
{
    return fixture_open_service((struct service_options){
        .loop = loop,
        .metrics = &metrics,
        .url = url,
        .queue_commands = 1000,
        .batch_commands = 64,
        .cache_carts = cache_carts,
        .wait_ms = 10000,
    });
}

static void set_up(void)
{
    url = support_create_migrated_database();
    loop = loop_create();
    n_answered = 0;
    memset(&metrics, 0, sizeof metrics);
}

static void tear_down(void)
{
    service_destroy(service);
    service = NULL;
    loop_destroy(loop);
    support_drop_database(url);
}

static int64_t ask_sql(const char *sql)
{
    return support_ask_sql(url, sql);
}

/* ---- commands -------------------------------------------------------------------------------- */

static const struct cart_command CREATE = {
    .type = CART_COMMAND_CREATE, .create = {.currency = "EUR", .metadata = "{}"}};
static const struct cart_command ADD_TEA = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "tea", .quantity = 1}};
static const struct cart_command ADD_CUP = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "cup", .quantity = 1}};
static const struct cart_command REMOVE_TEA = {
    .type = CART_COMMAND_REMOVE_ITEM, .remove_item = {.item_id = "tea"}};
static const struct cart_command UNDO = {.type = CART_COMMAND_UNDO};

static struct service_command ask_all(
    int number, const struct cart_command *commands, size_t n_commands)
{
    struct service_command command = fixture_ask_cart(number, commands, n_commands);
    command.actor = "test";
    command.wants_body = true;
    command.answered = answered;
    return command;
}

static struct service_command ask(int number, const struct cart_command *command)
{
    return ask_all(number, command, 1);
}

/* All answers, no more and no less. */
static void wait_for(struct service_command *commands, size_t n)
{
    for (int i = 0; i < 4000 && n_answered < n; i++)
        loop_turn(loop, 10);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 1);
    ck_assert_uint_eq(n_answered, n);
    n_answered = 0;
    for (size_t i = 0; i < n; i++)
        base_buffer_finish(&commands[i].body);
}

static struct service_command do_all(
    struct service *where, const struct cart_command *commands, size_t n_commands)
{
    struct service_command command = ask_all(1, commands, n_commands);
    service_submit(where, &command);
    wait_for(&command, 1);
    return command;
}

static struct service_command do_in(struct service *where, const struct cart_command *command)
{
    return do_all(where, command, 1);
}

static void then_done(struct service_command command, int32_t version)
{
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    ck_assert_int_eq(command.version, version);
}

static void then_refused(struct service_command command, enum cart_refusal refusal)
{
    ck_assert_int_eq(command.outcome, SERVICE_REFUSED);
    ck_assert_int_eq(command.refusal, refusal);
}

static void put(struct service *where, const char *sku, int64_t price_minor)
{
    struct catalog_command change = {
        .type = CATALOG_COMMAND_CHANGE_PRODUCT,
        .sku = sku,
        .content =
            {.name = sku, .is_active = true, .n_prices = 1, .prices = {{"EUR", price_minor}}},
    };
    struct service_command command = {
        .aggregate = &aggregate_product,
        .stream_id = aggregate_product_id(sku),
        .command = &change,
        .actor = "test",
        .answered = answered,
    };
    service_submit(where, &command);
    wait_for(&command, 1);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
}

/* A cart with one tea, at version 2. */
static void given_tea(int is_cached)
{
    service = open_service(is_cached != 0 ? 100 : 0);
    put(service, "tea", 100);
    put(service, "cup", 200);
    then_done(do_in(service, &CREATE), 1);
    then_done(do_in(service, &ADD_TEA), 2);
}

static int64_t count_of(const char *sku)
{
    char sql[300];
    snprintf(
        sql, sizeof sql,
        "SELECT coalesce(sum((item->>'quantity')::integer), 0)"
        " FROM carts, jsonb_array_elements(document::jsonb->'items') AS item"
        " WHERE item->>'sku' = '%s'",
        sku);
    return ask_sql(sql);
}

static void then_cart_has(int64_t n_teas, int64_t n_cups)
{
    ck_assert_int_eq(count_of("tea"), n_teas);
    ck_assert_int_eq(count_of("cup"), n_cups);
    ck_assert_int_eq(ask_sql("SELECT item_count FROM carts"), n_teas + n_cups);
    ck_assert_int_eq(ask_sql("SELECT max(position) - count(*) FROM events"), 0);
}

/* ---- what is undone -------------------------------------------------------------------------- */

START_TEST(an_undo_goes_back_before_all_events_of_a_request)
{
    const struct cart_command several[] = {REMOVE_TEA, ADD_CUP, ADD_TEA, ADD_TEA};
    given_tea(_i);
    then_done(do_all(service, several, BASE_COUNT(several)), 6);
    then_cart_has(2, 1);
    /* The cup leaves; the tea that came again becomes one, where it was. */
    ck_assert_int_eq(do_in(service, &UNDO).outcome, SERVICE_DONE);
    then_cart_has(1, 0);
    ck_assert_int_eq(do_in(service, &UNDO).outcome, SERVICE_DONE);
    then_cart_has(0, 0);
    then_refused(do_in(service, &UNDO), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

START_TEST(a_request_may_have_as_many_undos_as_commands)
{
    struct cart_command undos[CART_COMMANDS_MAX];
    given_tea(_i);
    for (int i = 1; i <= CART_COMMANDS_MAX; i++)
        then_done(do_in(service, i % 2 == 0 ? &REMOVE_TEA : &ADD_TEA), 2 + i);
    for (size_t i = 0; i < CART_COMMANDS_MAX; i++)
        undos[i] = UNDO;
    /* Once it knows all that was, the append fails for a price that has moved. */
    struct service *there = open_service(100);
    put(there, "tea", 300);
    ck_assert_int_eq(do_all(service, undos, CART_COMMANDS_MAX).outcome, SERVICE_DONE);
    then_cart_has(1, 0);
    ck_assert_int_eq(ask_sql("SELECT total FROM carts"), 300);
    service_destroy(there);
}
END_TEST

START_TEST(a_line_comes_back_at_the_price_of_now_that_nobody_foresaw)
{
    given_tea(_i);
    then_done(do_in(service, &REMOVE_TEA), 3);
    put(service, "tea", 150);
    then_done(do_in(service, &UNDO), 5); /* ItemRestored, CartRestored */
    then_cart_has(1, 0);
    ck_assert_int_eq(ask_sql("SELECT total FROM carts"), 150);
}
END_TEST

START_TEST(an_undo_behind_a_command_of_the_same_batch_undoes_that)
{
    given_tea(_i);
    struct service_command commands[] = {ask(1, &ADD_CUP), ask(1, &UNDO), ask(1, &ADD_TEA)};
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        service_submit(service, &commands[i]);
    wait_for(commands, BASE_COUNT(commands));
    for (size_t i = 0; i < BASE_COUNT(commands); i++)
        ck_assert_int_eq(commands[i].outcome, SERVICE_DONE);
    /* The undo has waited for its past, so that the add may have come before it: it is of the
     * newest change in any case. */
    if (commands[1].version < commands[2].version)
        then_cart_has(2, 0);
    else
        then_cart_has(1, 1);
}
END_TEST

/* The append fails for a price that has moved, when the undo has already asked for the past of a
 * version that was never recorded. */
START_TEST(what_a_failed_append_would_have_made_is_no_past)
{
    const struct cart_command several[] = {REMOVE_TEA, ADD_CUP, ADD_TEA};
    given_tea(_i);
    then_done(do_in(service, &ADD_CUP), 3);
    struct service *there = open_service(100);
    put(there, "tea", 300);
    struct service_command commands[] = {ask_all(1, several, BASE_COUNT(several)), ask(1, &UNDO)};
    service_submit(service, &commands[0]);
    service_submit(service, &commands[1]);
    wait_for(commands, 2);
    then_done(commands[0], 6);
    ck_assert_int_eq(commands[1].outcome, SERVICE_DONE);
    then_cart_has(1, 1);
    service_destroy(there);
}
END_TEST

/* ---- others at the same time ----------------------------------------------------------------- */

START_TEST(an_undo_is_of_what_another_process_has_appended)
{
    given_tea(_i);
    struct service *there = open_service(100);
    then_done(do_in(there, &ADD_CUP), 3);
    then_done(do_in(service, &UNDO), 5);
    then_cart_has(1, 0);
    then_done(do_in(there, &ADD_CUP), 6);
    then_done(do_in(service, &ADD_TEA), 7);
    then_done(do_in(there, &UNDO), 9);
    then_cart_has(1, 1);
    service_destroy(there);
}
END_TEST

START_TEST(undos_and_adds_of_two_processes_at_once_are_each_of_what_is_there)
{
    struct service_command commands[40];
    given_tea(_i);
    struct service *there = open_service(100);
    size_t n_undone = 0;
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        commands[i] = ask(1, i % 4 == 3 ? &UNDO : &ADD_CUP);
        service_submit(i % 2 == 0 ? service : there, &commands[i]);
    }
    wait_for(commands, BASE_COUNT(commands));
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        ck_assert_int_eq(commands[i].outcome, SERVICE_DONE);
        n_undone += i % 4 == 3;
    }
    /* Each undo took one away, whatever the order: there were always some left. */
    int64_t n_left = (int64_t)(BASE_COUNT(commands) - 2 * n_undone);
    ck_assert_int_eq(ask_sql("SELECT item_count FROM carts"), 1 + n_left);
    service_destroy(there);
}
END_TEST

START_TEST(of_64_undos_at_once_each_goes_one_back_or_is_refused)
{
    enum { CHANGES = 40 };
    struct service_command commands[CLIENTS];
    given_tea(_i);
    for (int i = 1; i < CHANGES; i++)
        then_done(do_in(service, &ADD_TEA), 2 + i);
    struct service *there = open_service(100);
    for (size_t i = 0; i < CLIENTS; i++) {
        commands[i] = ask(1, &UNDO);
        service_submit(i % 3 == 0 ? there : service, &commands[i]);
    }
    wait_for(commands, CLIENTS);
    size_t n_done = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        n_done += commands[i].outcome == SERVICE_DONE;
        if (commands[i].outcome != SERVICE_DONE)
            then_refused(commands[i], CART_REFUSED_NOTHING_TO_UNDO);
    }
    ck_assert_uint_eq(n_done, CHANGES);
    then_cart_has(0, 0);
    service_destroy(there);
}
END_TEST

START_TEST(an_undo_with_a_key_that_comes_again_is_done_once)
{
    struct service_command commands[6];
    given_tea(_i);
    then_done(do_in(service, &ADD_CUP), 3);
    then_done(do_in(service, &ADD_CUP), 4);
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        commands[i] = ask(1, &UNDO);
        commands[i].key = "the key";
        commands[i].key_scope_id = fixture_cart_id(1);
    }
    /* At once, and once more later. */
    for (size_t i = 0; i < 5; i++)
        service_submit(service, &commands[i]);
    wait_for(commands, 5);
    service_submit(service, &commands[5]);
    wait_for(&commands[5], 1);
    int n_replayed = 0;
    for (size_t i = 0; i < BASE_COUNT(commands); i++) {
        then_done(commands[i], 6);
        n_replayed += commands[i].is_replayed;
    }
    ck_assert_int_eq(n_replayed, (int)BASE_COUNT(commands) - 1);
    then_cart_has(1, 1);
}
END_TEST

/* ---- long histories, copies ------------------------------------------------------------------ */

START_TEST(a_long_history_is_undone_across_its_snapshot)
{
    enum { CHANGES = 130 };
    given_tea(_i);
    for (int i = 1; i < CHANGES || ask_sql("SELECT count(*) FROM snapshots") == 0; i++)
        ck_assert_int_eq(do_in(service, &ADD_TEA).outcome, SERVICE_DONE);
    int64_t n_teas = count_of("tea");
    service_destroy(service);
    service = open_service(100);
    for (int64_t i = n_teas - 1; i >= 0; i--) {
        ck_assert_int_eq(do_in(service, &UNDO).outcome, SERVICE_DONE);
        if (i % 10 == 0)
            then_cart_has(i, 0);
    }
    then_refused(do_in(service, &UNDO), CART_REFUSED_NOTHING_TO_UNDO);
}
END_TEST

static struct cart_command copy_of(const char *cart_id_text, int32_t version)
{
    struct cart_command command = CREATE;
    command.create.copy_of = cart_id_text;
    command.create.copy_version = version;
    return command;
}

static struct service_command do_copy(struct cart_command copy)
{
    struct service_command command = ask(2, &copy);
    service_submit(service, &command);
    wait_for(&command, 1);
    return command;
}

START_TEST(a_copy_is_of_a_cart_that_is_there_at_a_version_that_is_there)
{
    char first[BASE_UUID_SIZE];
    char second[BASE_UUID_SIZE];
    char product[BASE_UUID_SIZE];
    given_tea(_i);
    struct base_uuid id = fixture_cart_id(1);
    base_uuid_format(&id, first);
    id = fixture_cart_id(2);
    base_uuid_format(&id, second);
    id = aggregate_product_id("tea");
    base_uuid_format(&id, product);
    then_refused(do_copy(copy_of(second, 0)), CART_REFUSED_SOURCE_NOT_FOUND); /* itself */
    then_refused(do_copy(copy_of(product, 0)), CART_REFUSED_SOURCE_NOT_FOUND);
    then_refused(do_copy(copy_of(product, 1)), CART_REFUSED_SOURCE_NOT_FOUND);
    then_refused(do_copy(copy_of(first, 3)), CART_REFUSED_NO_SUCH_VERSION);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM carts"), 1);
    then_done(do_copy(copy_of(first, 0)), 3);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM cart_items WHERE sku = 'tea'"), 2);
    then_refused(do_copy(copy_of(first, 0)), CART_REFUSED_ALREADY_EXISTS);
}
END_TEST

START_TEST(a_copy_is_only_of_what_the_caller_may_see)
{
    char first[BASE_UUID_SIZE];
    given_tea(_i);
    struct base_uuid id = fixture_cart_id(1);
    base_uuid_format(&id, first);
    const struct cart_command claim = {.type = CART_COMMAND_CLAIM, .claim = {.customer_id = "ada"}};
    then_done(do_in(service, &claim), 3);
    const struct cart_command copy = copy_of(first, 2); /* when it was nobody's */
    static const char *const callers[] = {"bob", "ada"};
    for (int i = 0; i < 2; i++) {
        const struct cart_request request = {
            .commands = &copy, .n_commands = 1, .caller = {.customer_id = callers[i]}};
        struct service_command command = ask(2, &copy);
        command.command = &request;
        service_submit(service, &command);
        wait_for(&command, 1);
        if (i == 0)
            then_refused(command, CART_REFUSED_SOURCE_NOT_FOUND);
        else
            then_done(command, 3);
    }
}
END_TEST

/* ---- PostgreSQL goes away -------------------------------------------------------------------- */

/* The cart is cached, so that only the read of what it was waits for this. */
static struct postgres_session *hold_events(void)
{
    struct postgres_session *blocker = support_open_session(url);
    support_run_in(blocker, "BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    return blocker;
}

static void submit_and_wait_for_the_read(struct service_command *command)
{
    service_submit(service, command);
    while (ask_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND application_name LIKE '%side' AND datname = current_database()") == 0)
        loop_turn(loop, 10);
    ck_assert_uint_eq(n_answered, 0);
}

START_TEST(a_read_of_what_was_that_is_lost_is_made_again)
{
    given_tea(1);
    struct postgres_session *blocker = hold_events();
    struct service_command command = ask(1, &UNDO);
    submit_and_wait_for_the_read(&command);
    support_run_sql(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
             " WHERE application_name LIKE '%side' AND datname = current_database()");
    for (int i = 0; i < 20; i++)
        loop_turn(loop, 10);
    postgres_session_close(blocker);
    wait_for(&command, 1);
    then_done(command, 4);
    then_cart_has(0, 0);
}
END_TEST

START_TEST(a_service_that_ends_while_it_reads_what_was_answers_once)
{
    given_tea(1);
    struct postgres_session *blocker = hold_events();
    struct service_command command = ask(1, &UNDO);
    submit_and_wait_for_the_read(&command);
    service_destroy(service);
    service = NULL;
    postgres_session_close(blocker);
    ck_assert_uint_eq(n_answered, 1);
    ck_assert_int_eq(command.outcome, SERVICE_SHUTTING_DOWN);
    base_buffer_finish(&command.body);
    then_cart_has(1, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("undo");
    TCase *cases = tcase_create("undo");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, an_undo_goes_back_before_all_events_of_a_request, 0, 2);
    tcase_add_loop_test(cases, a_request_may_have_as_many_undos_as_commands, 0, 2);
    tcase_add_loop_test(cases, a_line_comes_back_at_the_price_of_now_that_nobody_foresaw, 0, 2);
    tcase_add_loop_test(cases, an_undo_behind_a_command_of_the_same_batch_undoes_that, 0, 2);
    tcase_add_loop_test(cases, what_a_failed_append_would_have_made_is_no_past, 0, 2);
    tcase_add_loop_test(cases, an_undo_is_of_what_another_process_has_appended, 0, 2);
    tcase_add_loop_test(
        cases, undos_and_adds_of_two_processes_at_once_are_each_of_what_is_there, 0, 2);
    tcase_add_loop_test(cases, of_64_undos_at_once_each_goes_one_back_or_is_refused, 0, 2);
    tcase_add_loop_test(cases, an_undo_with_a_key_that_comes_again_is_done_once, 0, 2);
    tcase_add_loop_test(cases, a_long_history_is_undone_across_its_snapshot, 0, 2);
    tcase_add_loop_test(cases, a_copy_is_of_a_cart_that_is_there_at_a_version_that_is_there, 0, 2);
    tcase_add_loop_test(cases, a_copy_is_only_of_what_the_caller_may_see, 0, 2);
    tcase_add_test(cases, a_read_of_what_was_that_is_lost_is_made_again);
    tcase_add_test(cases, a_service_that_ends_while_it_reads_what_was_answers_once);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
