#include "store_fixture.h"

char *url;
struct loop *loop;
struct eventstore *store;
struct postgres_connection *connection;
struct postgres_pipeline pipeline;
static bool is_answered;

static void answered(struct postgres_pipeline *which)
{
    (void)which;
    is_answered = true;
}

void begin_asking(void)
{
    is_answered = false;
    pipeline.answered = answered;
    postgres_send(connection, &pipeline);
}

void await_answer(void)
{
    for (int i = 0; i < 2000 && !is_answered; i++)
        loop_turn(loop, 10);
    ck_assert_msg(is_answered, "PostgreSQL did not answer");
}

void ask(void)
{
    begin_asking();
    await_answer();
    ck_assert_int_eq(pipeline.outcome, POSTGRES_DONE);
}

void connect_with(const struct postgres_statement *const *statements)
{
    char *problem = NULL;
    postgres_connection_destroy(connection);
    connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = loop,
            .log = support_quiet_log(),
            .url = url,
            .role = "test",
            .statements = statements,
            /* As the service, which may do less than the owner. */
            .ready_sql = "SELECT set_config('role', 'cartd_app', false) = 'cartd_app'",
            .not_ready_detail = "there is no role cartd_app",
            .answer_timeout_ms = 10000,
        },
        &problem);
    ck_assert_ptr_nonnull(connection);
    for (int i = 0; i < 2000 && !postgres_connection_is_ready(connection); i++)
        loop_turn(loop, 10);
}

void open_store(void)
{
    url = support_create_migrated_database();
    loop = loop_create();
    store = eventstore_create(NULL, 0);
    connect_with(eventstore_batch_statements(store));
}

void close_store(void)
{
    postgres_pipeline_finish(&pipeline);
    postgres_connection_destroy(connection);
    eventstore_destroy(store);
    loop_destroy(loop);
    support_drop_database(url);
}

void run_sql(const char *sql)
{
    support_run_sql(url, sql);
}

struct base_uuid id_of(uint8_t number)
{
    return (struct base_uuid){{[15] = number}};
}

int64_t if_shared_position = EVENTSTORE_ANY;
bool are_shared;
int64_t in_log;
const void *change;
struct eventstore_appended last_append;

void put_append(const struct stream_at *targets, size_t n)
{
    struct eventstore_stream streams[16];
    struct eventstore_new_event events[16];
    for (size_t i = 0; i < n; i++) {
        streams[i] = (struct eventstore_stream){
            .stream_id = id_of(targets[i].number),
            .stream_type = "test",
            .expected_version = targets[i].at,
            .n_events = 1,
            .is_shared = are_shared,
        };
        events[i] = (struct eventstore_new_event){
            .ordinal = (int32_t)i + 1,
            .version = targets[i].at + 1,
            .type = "Happened",
            .schema_version = 1,
            .data = "{}",
            .data_length = 2,
            .metadata = "{}",
            .metadata_length = 2,
            .command_id = id_of(200),
        };
    }
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_append(
        store, &pipeline,
        &(struct eventstore_batch){
            .streams = streams,
            .n_streams = n,
            .events = events,
            .n_events = n,
            .shared_position = if_shared_position,
            .log = in_log,
            .changes = change});
}

int64_t append_to(const struct stream_at *targets, size_t n)
{
    put_append(targets, n);
    ask();
    eventstore_receive_append(&pipeline, &last_append);
    return last_append.position;
}

void check_that_positions_are_dense(size_t n)
{
    connect_with(eventstore_log_statements);
    postgres_pipeline_begin(&pipeline);
    eventstore_ask_log(
        &pipeline, &(struct eventstore_log_wanted){.until_position = INT64_MAX, .limit = 99});
    ask();
    const struct postgres_rows *rows = postgres_pipeline_rows(&pipeline, 0);
    ck_assert_uint_eq(postgres_rows_count(rows), n);
    for (size_t row = 0; row < n; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        ck_assert_int_eq(event.position, (int64_t)row + 1);
    }
}
