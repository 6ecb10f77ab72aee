#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "migrate.h"
#include "postgres.h"
#include "support.h"

/* A database with some carts, and what an audit says of it. */
static char *url;
static struct loop *loop;
static size_t n_findings;
static char *last_finding;
static bool has_ended;

static void found(void *context, const struct audit_finding *finding)
{
    (void)context;
    n_findings++;
    free(last_finding);
    last_finding = base_copy_text(finding->sentence);
}

static void ended(void *context)
{
    (void)context;
    has_ended = true;
}

static struct audit_options options_with(
    const struct projections_table *const *tables, size_t n_tables)
{
    return (struct audit_options){
        .loop = loop,
        .log = support_quiet_log(),
        .url = url,
        .ready_sql = migrate_ready_sql(),
        .not_ready_detail = "not migrated",
        .wait_ms = 10000,
        .found = found,
        .ended = ended,
        .tables = tables,
        .n_tables = n_tables,
    };
}

static void set_up(void)
{
    url = support_create_migrated_database();
    loop = loop_create();
    n_findings = 0;
}

static void tear_down(void)
{
    free(last_finding);
    loop_destroy(loop);
    support_drop_database(url);
}

/* The one answer of a query, as a number. */
static int64_t ask_sql(const char *sql)
{
    return support_ask_sql(url, sql);
}

/* n carts of n_events events each, written without their rows: a creation, then lines of tea that
 * grow by one with each. */
static void make_carts(int n, int n_events)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    support_run_sql(
        url, base_arena_printf(
                 &arena,
                 "WITH made AS (\n"
                 "    SELECT c, v, gen_random_uuid() AS command_id,\n"
                 "        ('00000000-0000-0000-0000-' || lpad(c::text, 12, '0'))::uuid AS id\n"
                 "    FROM generate_series(1, %d) c, generate_series(1, %d) v\n"
                 ")\n"
                 "INSERT INTO events SELECT row_number() OVER (ORDER BY v, c), 'cart', id, v,\n"
                 "    CASE v WHEN 1 THEN 'CartCreated' ELSE 'ItemAdded' END, 1,\n"
                 "    CASE v WHEN 1 THEN '{\"currency\": \"EUR\", \"customer_id\": \"it\", "
                 "\"metadata\": {}}'\n"
                 "        ELSE '{\"item_id\": \"tea\", \"sku\": \"tea\", \"name\": \"Tea\", "
                 "\"quantity\": 1, \"unit_price\": 5}' END::jsonb,\n"
                 "    '{}', command_id, '2026-01-01'::timestamptz + v * interval '1 second'\n"
                 "FROM made;\n"
                 "INSERT INTO streams SELECT DISTINCT stream_id, 'cart' FROM events;\n"
                 "UPDATE log_head SET (position, recorded_at) =\n"
                 "    (SELECT max(position), max(recorded_at) FROM events)",
                 n, n_events));
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* Of all tables, unless there are options. */
static struct audit *start(const struct audit_options *options, const struct audit_wanted *wanted)
{
    const struct audit_options usual = options_with(NULL, 0);
    char *problem = NULL;
    has_ended = false;
    struct audit *audit = audit_create(options == NULL ? &usual : options, wanted, &problem);
    ck_assert_msg(audit != NULL, "%s", problem);
    return audit;
}

static struct audit *start_verify(const struct audit_options *options)
{
    return start(options, &(struct audit_wanted){.kind = AUDIT_VERIFY});
}

static struct audit *start_rebuild(const struct audit_options *options)
{
    return start(options, &(struct audit_wanted){.kind = AUDIT_REBUILD});
}

static struct audit_result verify(const struct audit_options *options)
{
    n_findings = 0;
    struct audit *verify = start_verify(options);
    for (int i = 0; i < 6000 && !has_ended; i++)
        loop_turn(loop, 10);
    struct audit_result result = *audit_result(verify);
    ck_assert_msg(result.end == AUDIT_DONE, "%s", result.trouble);
    audit_destroy(verify);
    return result;
}

static void assert_clean(void)
{
    verify(NULL);
    ck_assert_msg(n_findings == 0, "%s", last_finding);
}

static struct audit_result end_rebuild(struct audit *rebuild)
{
    for (int i = 0; i < 6000 && !has_ended; i++)
        loop_turn(loop, 10);
    struct audit_result result = *audit_result(rebuild);
    ck_assert_msg(result.end == AUDIT_DONE, "%s", result.trouble);
    audit_destroy(rebuild);
    return result;
}

static struct audit_result rebuild_all(void)
{
    return end_rebuild(start_rebuild(NULL));
}

START_TEST(an_empty_log_is_clean)
{
    assert_clean();
    struct audit_result result = rebuild_all();
    ck_assert_int_eq(result.n_streams, 0);
}
END_TEST

START_TEST(read_tables_are_filled_from_the_log_alone)
{
    make_carts(3000, 4); /* several pages, many chunks */
    struct audit_result result = rebuild_all();
    ck_assert_int_eq(result.n_streams, 3000);
    ck_assert_int_eq(result.n_rewritten, 3000);
    ck_assert_int_eq(
        ask_sql("SELECT count(*) FROM carts WHERE total = 15 AND version = 4"
                " AND updated_at - created_at = interval '3 seconds'"),
        3000);
    ck_assert_int_eq(ask_sql("SELECT sum(item_count) FROM carts"), 9000);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM cart_items WHERE sku = 'tea'"), 3000);
    assert_clean();
    result = rebuild_all();
    ck_assert_int_eq(result.n_rewritten, 0);
}
END_TEST

START_TEST(filling_tables_that_were_known_to_be_empty_reads_no_row_over_and_over)
{
    make_carts(3000, 2);
    support_run_sql(url, "VACUUM ANALYZE"); /* plans are now made for empty tables */
    rebuild_all();
    while (ask_sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%rebuild'"
                   " AND datname = current_database()") > 0)
        continue; /* what it did is counted when its server process has ended */
    ck_assert_int_lt(
        ask_sql("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes"
                " WHERE relname IN ('carts', 'cart_items')"),
        30000);
}
END_TEST

START_TEST(a_stream_longer_than_any_slice_is_replayed_to_its_end)
{
    make_carts(3, 9000);
    struct audit_result result = rebuild_all();
    ck_assert_int_eq(result.n_events, 27000);
    /* A line holds any quantity that history says; no command could have made it. */
    ck_assert_int_eq(ask_sql("SELECT min(item_count) FROM carts"), 8999);
    assert_clean();
}
END_TEST

START_TEST(a_log_without_a_head_is_told_of)
{
    make_carts(3, 3);
    support_run_sql(url, "DELETE FROM log_head");
    verify(NULL);
    ck_assert_uint_eq(n_findings, 1);
    ck_assert_str_eq(last_finding, "log_head has no row: nothing can be appended");
}
END_TEST

START_TEST(a_checkpoint_that_can_not_be_is_told_of)
{
    static const char *const damages[] = {
        "position = 10",
        "position = -1",
        "rebuilt_position = position + 1",
        "paused_position = 10",
        "recorded_at = 'infinity'",
    };
    make_carts(3, 3);
    rebuild_all();
    for (size_t i = 0; i < BASE_COUNT(damages); i++) {
        BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
        support_run_sql(
            url,
            base_arena_printf(
                &arena, "UPDATE projection_checkpoints SET %s WHERE name = 'demand'", damages[i]));
        verify(NULL);
        ck_assert_msg(n_findings == 1, "%s", damages[i]);
        ck_assert_ptr_nonnull(strstr(last_finding, "the checkpoint of \"demand\" is impossible"));
        support_run_sql(
            url, "UPDATE projection_checkpoints SET position = 9, recorded_at = NULL,"
                 " rebuilt_position = NULL, paused_position = NULL WHERE name = 'demand'");
    }
    assert_clean();
}
END_TEST

/* ---- a new read table ------------------------------------------------------------------------ */

/* What a new file in src/projections would hold: whose cart it is. It is not in the append here, so
 * only a rebuild writes it. */
static void put_keys(struct postgres_parameters *to, const void *changes)
{
    const struct projections_changes *batch = changes;
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n; i++)
        if (batch->list[i].aggregate == &aggregate_cart)
            postgres_put_int4(to, batch->list[i].ordinal);
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n; i++)
        if (batch->list[i].aggregate == &aggregate_cart)
            postgres_put_uuid(to, &batch->list[i].stream_id);
}

static void put_customers(struct postgres_parameters *to, const void *changes)
{
    const struct projections_changes *batch = changes;
    put_keys(to, changes);
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n; i++)
        if (batch->list[i].aggregate == &aggregate_cart)
            postgres_put_text(to, ((const struct cart *)batch->list[i].after)->customer_id);
}

static const struct eventstore_clause CUSTOMERS_CLAUSE = {
    .ctes = "customers_put AS (\n"
            "    INSERT INTO customers (cart_id, customer_id)\n"
            "    SELECT u.cart_id, u.customer_id\n"
            "    FROM unnest($1, $2, $3) AS u (stream_ordinal, cart_id, customer_id)\n"
            "    CROSS JOIN head h\n"
            "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            "    ON CONFLICT (cart_id) DO NOTHING\n"
            ")",
    POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_customers,
};
static const struct eventstore_clause CUSTOMERS_REMOVING = {
    .ctes = "customers_removed AS (\n"
            "    DELETE FROM customers c\n"
            "    USING unnest($1, $2) AS u (stream_ordinal, cart_id)\n"
            "    WHERE c.cart_id = u.cart_id\n"
            "        AND (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            ")",
    POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY),
    .put = put_keys,
};
static const struct postgres_statement CUSTOMERS_ROWS = {
    .name = "rows_of_customers",
    .sql = "SELECT cart_id, customer_id\n"
           "FROM customers\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};
static const struct postgres_statement CUSTOMERS_ORPHANS = {
    .name = "orphans_of_customers",
    .sql = "SELECT cart_id\n"
           "FROM customers\n"
           "WHERE cart_id >= $1\n" /* others than orphans may be among them */
           "ORDER BY cart_id\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),
};

static void compare_customers(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    const struct cart *cart = wanted->after;
    projections_compare_texts(
        differences, "customers.customer_id", n == 0 ? "no row" : postgres_get_text(rows, first, 1),
        cart->customer_id);
}

static const struct projections_table CUSTOMERS = {
    .name = "customers",
    .aggregate = &aggregate_cart,
    .clause = &CUSTOMERS_CLAUSE,
    .removing = &CUSTOMERS_REMOVING,
    .rows = &CUSTOMERS_ROWS,
    .orphans = &CUSTOMERS_ORPHANS,
    .compare = compare_customers,
};

START_TEST(a_new_read_table_is_filled_from_the_old_events)
{
    make_carts(1500, 3);
    rebuild_all();
    assert_clean();
    support_run_sql(
        url, "CREATE TABLE customers (cart_id uuid PRIMARY KEY, customer_id text);"
             "INSERT INTO customers SELECT gen_random_uuid(), 'nobody'"
             "    FROM generate_series(1, 1200)");
    const struct projections_table *tables[8];
    size_t n_tables = 0;
    const struct projections_table *const *all = projections_tables(&n_tables);
    memcpy(tables, all, n_tables * sizeof(tables[0]));
    tables[n_tables++] = &CUSTOMERS;
    struct audit_options options = options_with(tables, n_tables);

    verify(&options);
    ck_assert_uint_eq(n_findings, 1500 + 1200);
    struct audit_result result = end_rebuild(start_rebuild(&options));
    ck_assert_int_eq(result.n_rewritten, 1500);
    ck_assert_int_eq(result.n_removed, 1200);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM customers WHERE customer_id = 'it'"), 1500);
    verify(&options);
    ck_assert_uint_eq(n_findings, 0);

    support_run_sql(
        url, "UPDATE customers SET customer_id = 'x' WHERE cart_id ="
             " '00000000-0000-0000-0000-000000000007'");
    verify(&options);
    ck_assert_uint_eq(n_findings, 1);
    ck_assert_str_eq(last_finding, "customers.customer_id is \"x\" and should be \"it\"");
    result = end_rebuild(start_rebuild(&options));
    ck_assert_int_eq(result.n_rewritten, 1);
}
END_TEST

/* ---- beside others --------------------------------------------------------------------------- */

static struct postgres_session *open_session(const char *sql)
{
    char *problem = NULL;
    struct postgres_session *session = postgres_session_open(url, &problem);
    ck_assert_msg(session != NULL, "%s", problem);
    ck_assert_msg(postgres_session_run(session, sql, &problem), "%s", problem);
    return session;
}

static void run_in(struct postgres_session *session, const char *sql)
{
    char *problem = NULL;
    ck_assert_msg(postgres_session_run(session, sql, &problem), "%s", problem);
}

static void wait_until_blocked(void)
{
    while (ask_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND datname = current_database()") == 0)
        loop_turn(loop, 10);
}

#define SEVENTH "'00000000-0000-0000-0000-000000000007'"
/* Locks the head of the log, and appends one more of its third event. */
#define APPEND_TO_SEVENTH                                                                          \
    "UPDATE log_head SET position = position + 1;"                                                 \
    "INSERT INTO events SELECT h.position, e.stream_type, e.stream_id,"                            \
    "    (SELECT max(version) + 1 FROM events WHERE stream_id = " SEVENTH "), e.type,"             \
    "    e.schema_version, e.data, e.metadata, e.command_id, e.recorded_at"                        \
    "    FROM events e, log_head h WHERE e.stream_id = " SEVENTH " AND e.version = 3"

START_TEST(a_stream_that_moves_on_meanwhile_is_written_as_it_is_then)
{
    make_carts(40, 3);
    struct postgres_session *other = open_session("BEGIN; " APPEND_TO_SEVENTH);
    struct audit *rebuild = start_rebuild(NULL);
    wait_until_blocked(); /* it has read version 3, and wants the lock now */
    run_in(other, "COMMIT");
    struct audit_result result = end_rebuild(rebuild);
    postgres_session_close(other);
    ck_assert_int_eq(result.n_rewritten, 40);
    ck_assert_int_eq(ask_sql("SELECT version FROM carts WHERE cart_id = " SEVENTH), 4);
    ck_assert_int_eq(ask_sql("SELECT item_count FROM carts WHERE cart_id = " SEVENTH), 3);
}
END_TEST

START_TEST(a_stream_that_keeps_moving_on_is_written_at_last_with_the_head_locked)
{
    make_carts(40, 3);
    struct postgres_session *other = open_session("BEGIN; " APPEND_TO_SEVENTH);
    struct audit *rebuild = start_rebuild(NULL);
    bool has_locked = false;
    int version = 4;
    for (int i = 0; i < 30 && !has_locked; i++) {
        wait_until_blocked();
        run_in(other, "COMMIT");
        /* What was refused has not come back before the loop turns again. Once the lock is taken
         * first, it is not let go either before that. */
        char *problem = NULL;
        has_locked = !postgres_session_run(
            other, "BEGIN; SET LOCAL lock_timeout = '500ms'; " APPEND_TO_SEVENTH, &problem);
        free(problem);
        if (has_locked)
            run_in(other, "ROLLBACK");
        else
            version++;
    }
    ck_assert_msg(version > 4, "it locked the head at once");
    ck_assert_msg(has_locked, "it never locked the head first");
    struct audit_result result = end_rebuild(rebuild);
    postgres_session_close(other);
    ck_assert_int_eq(result.n_rewritten, 40);
    ck_assert_int_eq(ask_sql("SELECT version FROM carts WHERE cart_id = " SEVENTH), version);
}
END_TEST

START_TEST(rows_of_a_stream_that_is_being_made_are_not_removed)
{
    make_carts(5, 3);
    rebuild_all();
    /* A row that no stream backs; then its stream is made, in a transaction that is not over. */
    support_run_sql(
        url, "INSERT INTO carts (cart_id, version, status, currency, item_count, total, document,"
             " created_at, updated_at) SELECT '00000000-0000-0000-0000-000000000099',"
             " version, status, currency, item_count, total, document,"
             " created_at, updated_at FROM carts LIMIT 1");
    struct postgres_session *other = open_session(
        "BEGIN; UPDATE log_head SET position = position + 1;"
        "INSERT INTO streams VALUES ('00000000-0000-0000-0000-000000000099', 'cart');"
        "INSERT INTO events SELECT h.position, e.stream_type, "
        "'00000000-0000-0000-0000-000000000099', 1, e.type, e.schema_version, e.data, e.metadata,"
        " e.command_id, e.recorded_at FROM events e, log_head h WHERE e.position = 1;"
        "UPDATE carts SET version = 1 WHERE cart_id = '00000000-0000-0000-0000-000000000099'");
    struct audit *rebuild = start_rebuild(NULL);
    wait_until_blocked();
    run_in(other, "COMMIT");
    struct audit_result result = end_rebuild(rebuild);
    postgres_session_close(other);
    ck_assert_int_eq(result.n_removed, 0);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM carts"), 6);
}
END_TEST

START_TEST(a_rebuild_that_loses_its_connection_goes_on)
{
    make_carts(3000, 3);
    struct audit *rebuild = start_rebuild(NULL);
    for (int i = 0; i < 4; i++) {
        int64_t n_before = audit_result(rebuild)->n_streams;
        while (!has_ended && audit_result(rebuild)->n_streams <= n_before + 300)
            loop_turn(loop, 10);
        support_run_sql(
            url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name LIKE '%rebuild'"
                 " AND datname = current_database()");
    }
    struct audit_result result = end_rebuild(rebuild);
    ck_assert_int_eq(result.n_streams, 3000);
    assert_clean();
}
END_TEST

START_TEST(a_rebuild_that_was_stopped_says_where_it_goes_on)
{
    make_carts(3000, 3);
    struct audit *rebuild = start_rebuild(NULL);
    while (audit_result(rebuild)->n_streams == 0)
        loop_turn(loop, 10);
    audit_stop(rebuild);
    while (!has_ended)
        loop_turn(loop, 10);
    struct audit_result result = *audit_result(rebuild);
    ck_assert_int_eq(result.end, AUDIT_INTERRUPTED);
    audit_destroy(rebuild);
    ck_assert_int_eq(ask_sql("SELECT count(*) FROM carts"), result.n_rewritten);

    rebuild = start(
        NULL, &(struct audit_wanted){
                  .kind = AUDIT_REBUILD, .only = &aggregate_cart, .from = result.resume_at});
    struct audit_result rest = end_rebuild(rebuild);
    ck_assert_int_eq(result.n_streams + rest.n_streams, 3000);
    ck_assert_int_eq(result.n_rewritten + rest.n_rewritten, 3000);
    assert_clean();
}
END_TEST

START_TEST(two_rebuilds_at_once_do_no_harm)
{
    make_carts(3000, 3);
    struct audit *one = start_rebuild(NULL);
    struct audit *other = start_rebuild(NULL);
    for (int i = 0; i < 6000 && (audit_result(one)->end == AUDIT_GOES_ON ||
                                 audit_result(other)->end == AUDIT_GOES_ON);
         i++)
        loop_turn(loop, 10);
    ck_assert_int_eq(audit_result(one)->end, AUDIT_DONE);
    ck_assert_int_eq(audit_result(other)->end, AUDIT_DONE);
    audit_destroy(one);
    audit_destroy(other);
    assert_clean();
}
END_TEST

START_TEST(a_verify_that_loses_its_connection_gives_no_verdict)
{
    make_carts(3000, 3);
    struct audit *verify = start_verify(NULL);
    while (audit_result(verify)->n_streams == 0)
        loop_turn(loop, 10);
    support_run_sql(
        url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
             " WHERE application_name LIKE '%verify' AND datname = current_database()");
    while (!has_ended)
        loop_turn(loop, 10);
    ck_assert_int_eq(audit_result(verify)->end, AUDIT_IN_TROUBLE);
    ck_assert_ptr_nonnull(audit_result(verify)->trouble);
    audit_destroy(verify);
}
END_TEST

START_TEST(a_sample_that_loses_its_connection_is_followed_by_others)
{
    make_carts(200, 40);
    rebuild_all();
    struct metrics metrics = {0};
    struct audit *sampler = start(
        NULL, &(struct audit_wanted){.kind = AUDIT_SAMPLE, .metrics = &metrics, .every_ms = 1});
    for (int n_turns = 0; n_turns < 8; n_turns++) {
        int64_t n_wanted = metrics.numbers[METRICS_SAMPLED_SAME] + 1;
        for (int j = 0; j < 6000 && metrics.numbers[METRICS_SAMPLED_SAME] < n_wanted; j++)
            loop_turn(loop, 10);
        ck_assert_int_ge(metrics.numbers[METRICS_SAMPLED_SAME], n_wanted);
        for (int j = 0; j < n_turns; j++)
            loop_turn(loop, 10); /* to each of its steps in turn */
        support_run_sql(
            url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE application_name LIKE '%sample' AND datname = current_database()");
    }
    ck_assert_int_eq(metrics.numbers[METRICS_SAMPLED_DIFFERENT], 0);
    audit_destroy(sampler);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit");
    TCase *cases = tcase_create("audits");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, an_empty_log_is_clean);
    tcase_add_test(cases, read_tables_are_filled_from_the_log_alone);
    tcase_add_test(cases, filling_tables_that_were_known_to_be_empty_reads_no_row_over_and_over);
    tcase_add_test(cases, a_stream_longer_than_any_slice_is_replayed_to_its_end);
    tcase_add_test(cases, a_log_without_a_head_is_told_of);
    tcase_add_test(cases, a_checkpoint_that_can_not_be_is_told_of);
    tcase_add_test(cases, a_new_read_table_is_filled_from_the_old_events);
    tcase_add_test(cases, a_stream_that_moves_on_meanwhile_is_written_as_it_is_then);
    tcase_add_test(cases, a_stream_that_keeps_moving_on_is_written_at_last_with_the_head_locked);
    tcase_add_test(cases, rows_of_a_stream_that_is_being_made_are_not_removed);
    tcase_add_test(cases, a_rebuild_that_loses_its_connection_goes_on);
    tcase_add_test(cases, a_rebuild_that_was_stopped_says_where_it_goes_on);
    tcase_add_test(cases, two_rebuilds_at_once_do_no_harm);
    tcase_add_test(cases, a_verify_that_loses_its_connection_gives_no_verdict);
    tcase_add_test(cases, a_sample_that_loses_its_connection_is_followed_by_others);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
