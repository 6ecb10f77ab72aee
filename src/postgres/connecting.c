/*
 * How a connection becomes ready: names are resolved, libpq connects, the session is set up and the
 * backend's name learned in one round trip, the question is asked, the statements are prepared.
 * Whatever fails gives the connection up.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define CONNECT_TIMEOUT_US INT64_C(5000000)

/* ---- connecting: resolve, connect ------------------------------------------------------------ */

static void give_up(struct postgres_connection *connection, const char *reason)
{
    postgres_connection_give_up(connection, BASE_LOG_DATABASE_UNREACHABLE, reason);
}

/* What comes before the connection string is a default, what comes after it overrides it. */
static const char *default_session(const struct postgres_connection *connection)
{
    bool is_set = getenv("PGTARGETSESSIONATTRS") != NULL;
    bool needs_primary = connection->history != NULL || connection->enter_sql != NULL;
    return needs_primary && !is_set ? "read-write" : NULL;
}

static PGconn *start_libpq(struct postgres_connection *connection)
{
    BASE_CLEANUP(base_free_pointer) char *name = base_print("cartd %s", connection->role);
    struct postgres_resolver *targets = &connection->resolver;
    const char *keywords[16];
    const char *values[16];
    size_t n = 0;
    const struct {
        const char *keyword;
        const char *value;
    } settings[] = {
        {"fallback_application_name", name},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "15000"},
        {"target_session_attrs", default_session(connection)},
        {"dbname", connection->url},
        {"host", targets->has_targets ? base_buffer_text(&targets->hosts) : NULL},
        {"hostaddr", targets->has_targets ? base_buffer_text(&targets->addresses) : NULL},
        {"port", targets->has_targets ? base_buffer_text(&targets->ports) : NULL},
    };
    for (size_t i = 0; i < BASE_COUNT(settings); i++) {
        if (settings[i].value != NULL) {
            keywords[n] = settings[i].keyword;
            values[n++] = settings[i].value;
        }
    }
    keywords[n] = NULL;
    values[n] = NULL;
    return PQconnectStartParams(keywords, values, 1);
}

static void start_connecting(struct postgres_connection *connection)
{
    postgres_resolver_rotate(&connection->resolver, connection->n_rotations);
    postgres_connection_move(connection, POSTGRES_STATE_CONNECTING);
    connection->pg = start_libpq(connection);
    if (connection->pg == NULL) {
        give_up(connection, "out of memory for a connection");
        return;
    }
    PQsetNoticeReceiver(connection->pg, postgres_wire_notice, connection);
    if (PQstatus(connection->pg) == CONNECTION_BAD ||
        !postgres_connection_watch(connection, EPOLLOUT)) {
        give_up(connection, PQerrorMessage(connection->pg));
    }
}

void postgres_connecting_resolved(struct postgres_resolver *resolver)
{
    struct postgres_connection *connection =
        BASE_CONTAINER(resolver, struct postgres_connection, resolver);
    if (resolver->problem != NULL) {
        BASE_CLEANUP(base_free_pointer) char *problem = base_copy_text(resolver->problem);
        give_up(connection, problem);
        return;
    }
    start_connecting(connection);
}

void postgres_connecting_start(struct postgres_connection *connection)
{
    postgres_connection_move(connection, POSTGRES_STATE_RESOLVING);
    loop_start_timer(connection->loop, &connection->timer, CONNECT_TIMEOUT_US);
    if (postgres_resolver_start(&connection->resolver, connection->loop, connection->url))
        postgres_connecting_resolved(&connection->resolver);
}

static void ask_greeting(struct postgres_connection *connection);

void postgres_connecting_go_on(struct postgres_connection *connection)
{
    /* libpq may go on to the next address, and then has another socket. */
    postgres_connection_unwatch(connection);
    PostgresPollingStatusType status = PQconnectPoll(connection->pg);
    bool is_connected = status == PGRES_POLLING_OK && PQsetnonblocking(connection->pg, 1) == 0;
    bool is_going_on = status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING;
    uint32_t events = status == PGRES_POLLING_WRITING ? EPOLLOUT : EPOLLIN;
    if ((!is_connected && !is_going_on) || !postgres_connection_watch(connection, events)) {
        give_up(connection, PQerrorMessage(connection->pg));
        return;
    }
    if (is_connected)
        ask_greeting(connection);
}

/* ---- connecting: greet, ask, prepare --------------------------------------------------------- */

static void ask(struct postgres_connection *connection, enum postgres_state state, const char *sql)
{
    postgres_connection_move(connection, state);
    if (PQsendQuery(connection->pg, sql) != 1) {
        give_up(connection, PQerrorMessage(connection->pg));
        return;
    }
    postgres_connection_flush(connection);
}

/* The server gives a statement up before the connection is given up, as an error says more than no
 * answer; and a lock before the statement, as that can be tried again. */
static void ask_greeting(struct postgres_connection *connection)
{
    int64_t answer_ms = connection->answer_timeout_ms;
    int64_t statement_ms = answer_ms - answer_ms / 4;
    int64_t lock_ms = answer_ms - answer_ms / 2;
    struct base_buffer sql = {0};
    /* Plans are generic and made when the tables may still be empty, when reading them whole looks
     * cheap; no statement here ever wants that (an import of a million lines took 2.6 times the
     * server's time).
     *
     * glibc gives the end of a heap back to the kernel when more than 128 KiB of it are free, so
     * the server would ask for the memory of a large statement anew, page by page, each time: a
     * tenth of what an append costs it (bench/NOTES.md). A large block that was used and freed
     * raises that threshold to twice its size (mallopt(3), M_MMAP_THRESHOLD); where PostgreSQL runs
     * on another library it does nothing.
     *
     * That a wait for a synchronous standby was cancelled is said in a warning and nowhere else. */
    base_buffer_printf(
        &sql,
        "SET default_transaction_isolation = 'read committed';"
        "SET plan_cache_mode = force_generic_plan;"
        "SET enable_seqscan = off;"
        "SET jit = off;"
        "SET client_encoding = 'UTF8';"
        "SET client_min_messages = 'warning';"
        "SET timezone = 'UTC';"
        "SET lock_timeout = %" PRId64 ";"
        "SET statement_timeout = %" PRId64 ";"
        "SET idle_in_transaction_session_timeout = %" PRId64 ";"
        "SELECT octet_length(repeat(' ', 8388608));"
        "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint, pg_is_in_recovery(),"
        "    (SELECT system_identifier FROM pg_control_system()),"
        /* Of the write-ahead log that is being written: the last checkpoint's may be older. */
        "    CASE WHEN pg_is_in_recovery() THEN '00000000'"
        "        ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END"
        "  FROM pg_stat_activity WHERE pid = pg_backend_pid()",
        lock_ms, statement_ms, answer_ms);
    ask(connection, POSTGRES_STATE_GREETING, base_buffer_text(&sql));
    base_buffer_finish(&sql);
}

static void start_preparing(struct postgres_connection *connection)
{
    postgres_connection_move(connection, POSTGRES_STATE_PREPARING);
    if (PQenterPipelineMode(connection->pg) != 1) {
        give_up(connection, PQerrorMessage(connection->pg));
        return;
    }
    postgres_wire_prepare(connection, false);
}

static void enter(struct postgres_connection *connection)
{
    if (connection->enter_sql != NULL)
        ask(connection, POSTGRES_STATE_ENTERING, connection->enter_sql);
    else
        start_preparing(connection);
}

static void receive_entry(struct postgres_connection *connection)
{
    ExecStatusType status = PQresultStatus(connection->reply);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        start_preparing(connection);
    else
        give_up(connection, PQresultErrorMessage(connection->reply));
}

static bool read_greeting(struct postgres_connection *connection)
{
    const PGresult *reply = connection->reply;
    int64_t pid = 0;
    int64_t started_at_us = 0;
    int64_t system_id = 0;
    if (PQresultStatus(reply) != PGRES_TUPLES_OK || PQntuples(reply) != 1 ||
        !base_parse_int(PQgetvalue(reply, 0, 0), 0, INT32_MAX, &pid) ||
        !base_parse_int(PQgetvalue(reply, 0, 1), INT64_MIN, INT64_MAX, &started_at_us) ||
        !base_parse_int(PQgetvalue(reply, 0, 3), INT64_MIN, INT64_MAX, &system_id))
        return false;
    connection->backend = (struct postgres_backend){(int32_t)pid, started_at_us};
    connection->has_backend = true;
    connection->server = (struct postgres_server){
        .system_id = (uint64_t)system_id,
        .timeline = (uint32_t)strtoul(PQgetvalue(reply, 0, 4), NULL, 16),
        .is_in_recovery = strcmp(PQgetvalue(reply, 0, 2), "t") == 0,
    };
    return true;
}

static void receive_greeting(struct postgres_connection *connection)
{
    if (!read_greeting(connection)) {
        give_up(connection, PQresultErrorMessage(connection->reply));
        return;
    }
    BASE_CLEANUP(base_free_pointer) char *reason = postgres_history_refuse(connection);
    if (reason != NULL) {
        connection->n_rotations++;
        give_up(connection, reason);
        return;
    }
    if (connection->ready_sql != NULL) {
        ask(connection, POSTGRES_STATE_ASKING, connection->ready_sql);
    } else {
        enter(connection);
    }
}

static void receive_readiness(struct postgres_connection *connection)
{
    const PGresult *reply = connection->reply;
    bool is_answer =
        PQresultStatus(reply) == PGRES_TUPLES_OK && PQntuples(reply) == 1 && PQnfields(reply) == 1;
    if (is_answer && strcmp(PQgetvalue(reply, 0, 0), "t") == 0) {
        enter(connection);
        return;
    }
    const char *error = PQresultErrorField(reply, PG_DIAG_MESSAGE_PRIMARY);
    BASE_CLEANUP(base_free_pointer)
    char *reason = error == NULL ? base_copy_text(connection->not_ready_detail)
                                 : base_print("%s (%s)", connection->not_ready_detail, error);
    postgres_connection_give_up(connection, BASE_LOG_DATABASE_NOT_READY, reason);
}

/* The results of what ask() sent: the first error counts, otherwise the last one. */
void postgres_connecting_receive(struct postgres_connection *connection)
{
    bool is_open = PQconsumeInput(connection->pg) == 1;
    while (!PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        if (result == NULL)
            break;
        if (PQresultStatus(connection->reply) == PGRES_FATAL_ERROR && connection->reply != NULL) {
            PQclear(result);
            continue;
        }
        PQclear(connection->reply);
        connection->reply = result;
    }
    if (!is_open || PQstatus(connection->pg) == CONNECTION_BAD) {
        const char *reason = connection->last_words != NULL ? connection->last_words
                                                            : PQerrorMessage(connection->pg);
        give_up(connection, reason);
        return;
    }
    if (PQtransactionStatus(connection->pg) == PQTRANS_ACTIVE) {
        postgres_connection_flush(connection);
        return;
    }
    if (connection->state == POSTGRES_STATE_GREETING) {
        receive_greeting(connection);
    } else if (connection->state == POSTGRES_STATE_ASKING) {
        receive_readiness(connection);
    } else {
        receive_entry(connection);
    }
}

void postgres_connecting_done(struct postgres_connection *connection)
{
    postgres_connection_move(connection, POSTGRES_STATE_READY);
    loop_stop_timer(connection->loop, &connection->timer);
    free(connection->trouble);
    connection->trouble = NULL;
    base_log(
        connection->log, BASE_LOG_DATABASE_CONNECTED, BASE_LOG_TEXT("connection", connection->role),
        BASE_LOG_NUMBER("backend", connection->backend.pid));
    loop_start_deferred(connection->loop, &connection->notifying);
}
