#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres.h"
#include "service_fixture.h"
#include "support.h"

/* The whole service on a database of its own: commands in, answers out. */
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

static void open_service(size_t cache_carts)
{
    service = fixture_open_service((struct service_options){
        .loop = loop,
        .metrics = &metrics,
        .url = url,
        .queue_commands = 1000,
        .batch_commands = 64,
        .cache_carts = cache_carts,
        .wait_ms = 10000,
    });
}

static void run_sql(const char *sql)
{
    support_run_sql(url, sql);
}

static int64_t ask_sql(const char *sql)
{
    return support_ask_sql(url, sql);
}

static void set_up(void)
{
    url = support_create_migrated_database();
    loop = loop_create();
    n_answered = 0;
    memset(&metrics, 0, sizeof metrics);
    open_service(100);
}

static void tear_down(void)
{
    service_destroy(service);
    loop_destroy(loop);
    support_drop_database(url);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void submit(struct service_command *command)
{
    command->actor = "test";
    command->wants_body = true;
    command->answered = answered;
    service_submit(service, command);
}

static void wait_for(size_t n)
{
    for (int i = 0; i < 3000 && n_answered < n; i++)
        loop_turn(loop, 10);
    ck_assert_uint_eq(n_answered, n);
}

static void finish(struct service_command *commands, size_t n)
{
    for (size_t i = 0; i < n; i++)
        base_buffer_finish(&commands[i].body);
    n_answered = 0;
}

static const struct cart_command CREATE = {
    .type = CART_COMMAND_CREATE, .create = {.currency = "EUR", .metadata = "{}"}};
static const struct cart_command ADD_TEA = {
    .type = CART_COMMAND_ADD_ITEM, .add_item = {.sku = "tea", .quantity = 1}};
static const struct cart_command REMOVE_TEA = {
    .type = CART_COMMAND_REMOVE_ITEM, .remove_item = {.item_id = "tea"}};
static const struct cart_command CLEAR = {.type = CART_COMMAND_CLEAR_ITEMS};

static struct service_command on_cart(int number, const struct cart_command *asked)
{
    return fixture_ask_cart(number, asked, 1);
}

static enum service_outcome do_one(
    int number, const struct cart_command *asked, struct service_command *command)
{
    *command = on_cart(number, asked);
    submit(command);
    wait_for(1);
    finish(command, 1);
    return command->outcome;
}

static void put_tea_as(struct catalog_content content)
{
    content.name = "Tea";
    struct catalog_command change = {
        .type = CATALOG_COMMAND_CHANGE_PRODUCT, .sku = "tea", .content = content};
    struct service_command command = {
        .aggregate = &aggregate_product,
        .stream_id = aggregate_product_id("tea"),
        .command = &change,
    };
    submit(&command);
    wait_for(1);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    finish(&command, 1);
}

static void put_tea(int64_t price_minor)
{
    put_tea_as((struct catalog_content){
        .is_active = true, .n_prices = 1, .prices = {{"EUR", price_minor}}});
}

START_TEST(commands_for_one_cart_that_queue_together_are_folded_into_few_batches)
{
    struct service_command command;
    put_tea(100);
    ck_assert_int_eq(do_one(1, &CREATE, &command), SERVICE_DONE);
    int64_t n_before = metrics.numbers[METRICS_BATCHES];
    struct service_command adds[200];
    for (size_t i = 0; i < 200; i++) {
        adds[i] = on_cart(1, &ADD_TEA);
        submit(&adds[i]);
    }
    wait_for(200);
    for (size_t i = 0; i < 200; i++) {
        ck_assert_int_eq(adds[i].outcome, SERVICE_DONE);
        ck_assert_int_eq(adds[i].version, i + 2);
        char total[40];
        snprintf(total, sizeof total, "\"total\":%zu,\"notes\"", (i + 1) * 100);
        ck_assert_ptr_nonnull(strstr(base_buffer_text(&adds[i].body), total));
    }
    ck_assert_int_eq(metrics.numbers[METRICS_BATCHES] - n_before, 4);
    finish(adds, 200);
    ck_assert_int_eq(ask_sql("SELECT item_count FROM carts"), 200);
    ck_assert_int_eq(ask_sql("SELECT max(position) - count(*) FROM events"), 0);
}
END_TEST

START_TEST(what_says_nothing_new_in_a_batch_that_records_is_counted_so)
{
    struct service_command commands[3];
    struct postgres_session *session = support_open_session(url);
    ck_assert_int_eq(do_one(1, &CREATE, &commands[0]), SERVICE_DONE);
    support_run_in(session, "BEGIN; LOCK TABLE log_head");
    static const struct cart_command CANCEL = {.type = CART_COMMAND_CANCEL};
    for (size_t i = 0; i < 3; i++) {
        commands[i] = on_cart(1, &CANCEL);
        submit(&commands[i]);
    }
    support_run_in(session, "ROLLBACK");
    wait_for(3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(commands[i].outcome, SERVICE_DONE);
        ck_assert_int_eq(commands[i].version, 2);
        ck_assert_ptr_null(strstr(base_buffer_text(&commands[i].body), "\"closed_at\":null"));
    }
    finish(commands, 3);
    ck_assert_int_eq(metrics.numbers[METRICS_COMMANDS_RECORDED], 2);
    ck_assert_int_eq(metrics.numbers[METRICS_COMMANDS_UNCHANGED], 2);
    postgres_session_close(session);
}
END_TEST

/* Each is begun, if it is worth it, before the next is submitted. */
static void submit_new_carts(struct service_command *commands, int n)
{
    for (int i = 0; i < n; i++) {
        commands[i] = on_cart(100 * n + i, &CREATE);
        submit(&commands[i]);
        for (int turn = 0; turn < 3; turn++)
            loop_turn(loop, 0);
    }
}

START_TEST(what_comes_while_a_batch_is_under_way_makes_one_batch_until_two_are_worthwhile)
{
    struct service_command creations[36];
    struct postgres_session *session = support_open_session(url);
    static const struct {
        size_t n_commands;
        int64_t n_batches;
    } ROUNDS[] = {{16, 2 /* of 1 and 15 */}, {36, 3 /* of 1, 16 and 19 */}};
    for (size_t i = 0; i < BASE_COUNT(ROUNDS); i++) {
        int64_t n_before = metrics.numbers[METRICS_BATCHES];
        /* So no append ends before everything was submitted. */
        support_run_in(session, "BEGIN; LOCK TABLE log_head");
        submit_new_carts(creations, (int)ROUNDS[i].n_commands);
        support_run_in(session, "ROLLBACK");
        wait_for(ROUNDS[i].n_commands);
        ck_assert_int_eq(metrics.numbers[METRICS_BATCHES] - n_before, ROUNDS[i].n_batches);
        finish(creations, ROUNDS[i].n_commands);
    }
    postgres_session_close(session);
}
END_TEST

START_TEST(what_is_cached_of_the_catalogue_is_never_older_than_an_answer)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    do_one(1, &ADD_TEA, &command);
    struct service *here = service;
    open_service(100);
    struct service *there = service;
    int64_t n_loads = metrics.numbers[METRICS_CATALOG_CONFLICTS];

    /* A price that another process changed is the next add's. */
    put_tea(200);
    service = here;
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_DONE);
    ck_assert_int_eq(ask_sql("SELECT total FROM carts"), 2 * 200);
    ck_assert_int_eq(metrics.numbers[METRICS_CATALOG_CONFLICTS], n_loads + 1);
    /* And one's own. */
    put_tea(300);
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_DONE);
    ck_assert_int_eq(ask_sql("SELECT total FROM carts"), 3 * 300);

    /* An offer that is cached refuses nobody by itself. */
    service = there;
    put_tea_as((struct catalog_content){.n_prices = 1, .prices = {{"EUR", 300}}});
    usleep(150000); /* until `here` caches offers again */
    service = here;
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_REFUSED);
    ck_assert_int_eq(command.refusal, CART_REFUSED_UNKNOWN_SKU);
    service = there;
    put_tea(400);
    usleep(150000);
    service = here;
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_DONE);
    ck_assert_int_eq(ask_sql("SELECT total FROM carts"), 4 * 400);
    service_destroy(there);
}
END_TEST

START_TEST(a_row_of_cart_items_comes_and_goes_with_its_line)
{
    const struct {
        const struct cart_command *asked;
        size_t n_asked;
        int64_t n_rows; /* after them */
    } steps[] = {
        {&CREATE, 1, 0},
        {&ADD_TEA, 1, 1},
        {(struct cart_command[]){REMOVE_TEA, ADD_TEA}, 2, 1},
        {&ADD_TEA, 1, 1},
        {(struct cart_command[]){ADD_TEA, REMOVE_TEA}, 2, 0},
        {(struct cart_command[]){ADD_TEA, CLEAR}, 2, 0},
        {(struct cart_command[]){ADD_TEA, CLEAR, ADD_TEA}, 3, 1},
        {&CLEAR, 1, 0},
    };
    put_tea(100);
    for (size_t i = 0; i < BASE_COUNT(steps); i++) {
        struct service_command command = fixture_ask_cart(1, steps[i].asked, steps[i].n_asked);
        submit(&command);
        wait_for(1);
        ck_assert_int_eq(command.outcome, SERVICE_DONE);
        finish(&command, 1);
        ck_assert_int_eq(ask_sql("SELECT count(*) FROM cart_items"), steps[i].n_rows);
    }
}
END_TEST

START_TEST(a_kept_cart_that_went_stale_neither_refuses_nor_confirms)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_DONE);

    /* Another process, whose cart is newer than the one cached here. */
    struct service *here = service;
    open_service(100);
    ck_assert_int_eq(do_one(1, &REMOVE_TEA, &command), SERVICE_DONE);
    struct service *there = service;
    service = here;
    /* The cached cart has tea; the true one has none. */
    ck_assert_int_eq(do_one(1, &REMOVE_TEA, &command), SERVICE_REFUSED);
    ck_assert_int_eq(command.refusal, CART_REFUSED_ITEM_NOT_IN_CART);

    service = there;
    ck_assert_int_eq(do_one(1, &ADD_TEA, &command), SERVICE_DONE);
    ck_assert_int_eq(command.version, 4);
    service = here;
    /* The cached cart is empty, so clearing it would be nothing; the true one is not. */
    ck_assert_int_eq(do_one(1, &CLEAR, &command), SERVICE_DONE);
    ck_assert_int_eq(command.version, 5);
    service_destroy(there);
}
END_TEST

START_TEST(of_a_batch_that_fails_as_a_whole_only_the_guilty_command_gets_an_error)
{
    put_tea(100);
    run_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;"
        "CREATE TRIGGER fail BEFORE INSERT ON carts FOR EACH ROW"
        " WHEN (NEW.currency = 'XXX') EXECUTE FUNCTION fail()");
    static const struct cart_command GUILTY = {
        .type = CART_COMMAND_CREATE, .create = {.currency = "XXX", .metadata = "{}"}};
    struct service_command commands[50];
    for (int i = 0; i < 50; i++) {
        commands[i] = on_cart(i, i == 23 ? &GUILTY : &CREATE);
        submit(&commands[i]);
    }
    wait_for(50);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(commands[i].outcome, i == 23 ? SERVICE_FAILED : SERVICE_DONE);
    ck_assert_int_gt(metrics.numbers[METRICS_BATCHES_SPLIT], 0);
    finish(commands, 50);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM carts"), 49);
    ck_assert_int_eq(ask_sql("SELECT max(position) - count(*) FROM events"), 0);
}
END_TEST

START_TEST(the_same_key_for_different_carts_is_answered_once)
{
    struct service_command commands[2];
    for (int i = 0; i < 2; i++) {
        commands[i] = on_cart(i, &CREATE);
        commands[i].key = "the key";
        commands[i].key_scope_id = service_keyed_cart_id("test", "the key");
        commands[i].key_fingerprint[0] = (uint8_t)i;
        submit(&commands[i]);
    }
    wait_for(2);
    ck_assert(
        (commands[0].outcome == SERVICE_DONE && commands[1].outcome == SERVICE_KEY_REUSED) ||
        (commands[1].outcome == SERVICE_DONE && commands[0].outcome == SERVICE_KEY_REUSED));
    finish(commands, 2);
}
END_TEST

static void restart(void)
{
    service_destroy(service);
    memset(&metrics, 0, sizeof metrics);
    open_service(100);
}

/* Nothing is cached of the cart any more. The caller finishes it. */
static void add_after_restart(struct service_command *command)
{
    restart();
    *command = on_cart(1, &ADD_TEA);
    submit(command);
    wait_for(1);
}

START_TEST(a_long_cart_is_loaded_from_a_snapshot_that_never_becomes_the_truth)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    /* One that can't be stored at once, for want of a connection, is left out. */
    for (int i = 0; i < 150 || ask_sql("SELECT count(*) FROM snapshots") == 0; i++)
        do_one(1, &ADD_TEA, &command);
    int32_t version = command.version;
    int64_t stored_at = ask_sql("SELECT version FROM snapshots");
    ck_assert_int_eq(stored_at % 100, 0);

    /* It is used: a snapshot that lies shows in the answer. */
    run_sql("UPDATE snapshots SET state = jsonb_set(state, '{added,0,quantity}', '500')");
    add_after_restart(&command);
    char quantity[40];
    snprintf(quantity, sizeof quantity, "\"quantity\":%" PRId64 ",", 501 + version - stored_at);
    ck_assert_ptr_nonnull(strstr(base_buffer_text(&command.body), quantity));
    finish(&command, 1);

    /* One that can't be read, that is of another shape or that is gone is as if it never was. */
    static const char *const losses[] = {
        "UPDATE snapshots SET state = '{\"what\": 1}'",
        "UPDATE snapshots SET shape = 99",
        "DELETE FROM snapshots",
    };
    for (size_t i = 0; i < BASE_COUNT(losses); i++) {
        run_sql(losses[i]);
        add_after_restart(&command);
        ck_assert_int_eq(command.outcome, SERVICE_DONE);
        ck_assert_int_eq(command.version, version + 2 + (int32_t)i);
        snprintf(quantity, sizeof quantity, "\"quantity\":%d,", version + 1 + (int)i);
        ck_assert_ptr_nonnull(strstr(base_buffer_text(&command.body), quantity));
        finish(&command, 1);
    }
}
END_TEST

/* Copies the cart's last event to a later version, as only a defect or a hand in the tables could.
 */
static void copy_last_event(int n_later)
{
    char sql[700];
    snprintf(
        sql, sizeof sql,
        "WITH head AS (UPDATE log_head SET position = position + 1 RETURNING position)"
        "INSERT INTO events SELECT h.position, e.stream_type, e.stream_id, e.version + %d, e.type,"
        " e.schema_version, e.data, e.metadata, e.command_id, e.recorded_at"
        " FROM head h, events e WHERE e.position = h.position - 1",
        n_later);
    run_sql(sql);
}

START_TEST(a_stream_of_which_an_event_is_missing_is_not_gone_on_with)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    do_one(1, &ADD_TEA, &command);
    copy_last_event(1);
    add_after_restart(&command);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    ck_assert_ptr_nonnull(strstr(base_buffer_text(&command.body), "\"quantity\":3,"));
    finish(&command, 1);

    copy_last_event(2);
    add_after_restart(&command);
    ck_assert_int_eq(command.outcome, SERVICE_FAILED);
    finish(&command, 1);
    ck_assert_int_eq(ask_sql("SELECT max(version) FROM events WHERE stream_type = 'cart'"), 6);
}
END_TEST

START_TEST(a_request_and_its_retry_at_once_on_two_processes_get_the_same_answer)
{
    struct service *here = service;
    open_service(100);
    struct service *there = service;
    struct service_command commands[2];
    for (int i = 0; i < 2; i++) {
        commands[i] = on_cart(1, &CREATE);
        commands[i].key = "the key";
        commands[i].key_scope_id = fixture_cart_id(1);
        service = i == 0 ? here : there;
        submit(&commands[i]);
    }
    wait_for(2);
    ck_assert_int_eq(commands[0].outcome, SERVICE_DONE);
    ck_assert_int_eq(commands[1].outcome, SERVICE_DONE);
    ck_assert_int_eq(commands[0].is_replayed + commands[1].is_replayed, 1);
    ck_assert_str_eq(base_buffer_text(&commands[0].body), base_buffer_text(&commands[1].body));
    finish(commands, 2);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM events"), 1);
    service = here;
    service_destroy(there);
}
END_TEST

/* From now on no append commits, until the session is closed. */
static struct postgres_session *hold_log_head(void)
{
    struct postgres_session *blocker = support_open_session(url);
    support_run_in(blocker, "BEGIN; SELECT * FROM log_head FOR UPDATE");
    return blocker;
}

START_TEST(an_append_that_was_lost_is_looked_up_and_not_done_twice)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    /* The commit waits for a lock on the table until its server process is ended: after the append
     * was sent, before it was answered. */
    struct postgres_session *blocker = hold_log_head();
    command = on_cart(1, &ADD_TEA);
    submit(&command);
    for (int i = 0; i < 50; i++)
        loop_turn(loop, 10);
    ck_assert_uint_eq(n_answered, 0);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE '%write' AND datname = current_database()");
    postgres_session_close(blocker);
    wait_for(1);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    ck_assert_int_eq(command.version, 2);
    finish(&command, 1);
    ck_assert_int_eq(ask_sql("SELECT item_count FROM carts"), 1);
}
END_TEST

/* Swallows what has arrived for the connection that writes and was not read yet, and breaks that
 * connection. The other one may still be greeted at this time, and stores what it gets. */
static void lose_answer(void)
{
    int64_t port =
        ask_sql("SELECT client_port FROM pg_stat_activity"
                " WHERE application_name LIKE '%write' AND datname = current_database()");
    struct sockaddr_in local = {0};
    int fd = 2;
    do {
        socklen_t length = sizeof local;
        ck_assert_int_lt(++fd, 256);
        (void)getsockname(fd, (struct sockaddr *)&local, &length);
    } while (local.sin_family != AF_INET || ntohs(local.sin_port) != port);
    char bytes[65536];
    ck_assert_int_gt(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT), 0);
    shutdown(fd, SHUT_RDWR);
}

START_TEST(an_append_whose_answer_was_lost_is_answered_as_done)
{
    struct service_command command;
    put_tea(100);
    do_one(1, &CREATE, &command);
    /* The append waits for the head of the log; while it commits the loop does not listen. */
    struct postgres_session *blocker = hold_log_head();
    command = on_cart(1, &ADD_TEA);
    submit(&command);
    while (ask_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND datname = current_database()") == 0)
        loop_turn(loop, 10);
    postgres_session_close(blocker);
    while (ask_sql("SELECT count(*) FROM cart_items") == 0)
        ck_assert_uint_eq(n_answered, 0);
    usleep(100000); /* from the commit, which is seen, to the answer, which must have arrived */
    lose_answer();

    wait_for(1);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    ck_assert_int_eq(command.version, 2);
    ck_assert(!command.is_replayed);
    ck_assert_int_eq(metrics.numbers[METRICS_OUTCOMES_LOOKED_UP], 1);
    ck_assert_ptr_nonnull(strstr(base_buffer_text(&command.body), "\"quantity\":1"));
    finish(&command, 1);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM events WHERE type = 'ItemAdded'"), 1);
}
END_TEST

START_TEST(a_stopped_service_answers_whatever_still_waits)
{
    struct service_command command = on_cart(1, &CREATE);
    submit(&command);
    service_drain(service);
    struct service_command late = on_cart(2, &CREATE);
    submit(&late);
    wait_for(2);
    ck_assert_int_eq(command.outcome, SERVICE_DONE);
    ck_assert_int_eq(late.outcome, SERVICE_SHUTTING_DOWN);
    finish(&command, 1);
    finish(&late, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service");
    TCase *cases = tcase_create("commands");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, commands_for_one_cart_that_queue_together_are_folded_into_few_batches);
    tcase_add_test(cases, what_says_nothing_new_in_a_batch_that_records_is_counted_so);
    tcase_add_test(
        cases, what_comes_while_a_batch_is_under_way_makes_one_batch_until_two_are_worthwhile);
    tcase_add_test(cases, a_kept_cart_that_went_stale_neither_refuses_nor_confirms);
    tcase_add_test(cases, what_is_cached_of_the_catalogue_is_never_older_than_an_answer);
    tcase_add_test(cases, a_row_of_cart_items_comes_and_goes_with_its_line);
    tcase_add_test(cases, of_a_batch_that_fails_as_a_whole_only_the_guilty_command_gets_an_error);
    tcase_add_test(cases, the_same_key_for_different_carts_is_answered_once);
    tcase_add_test(cases, a_long_cart_is_loaded_from_a_snapshot_that_never_becomes_the_truth);
    tcase_add_test(cases, a_stream_of_which_an_event_is_missing_is_not_gone_on_with);
    tcase_add_test(cases, a_request_and_its_retry_at_once_on_two_processes_get_the_same_answer);
    tcase_add_test(cases, an_append_that_was_lost_is_looked_up_and_not_done_twice);
    tcase_add_test(cases, an_append_whose_answer_was_lost_is_answered_as_done);
    tcase_add_test(cases, a_stopped_service_answers_whatever_still_waits);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
