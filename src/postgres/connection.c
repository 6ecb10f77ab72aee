/*
 * A connection's life: its states, losing it and trying again, and who is told of it when. How it
 * becomes ready is in connecting.c, what travels over it then in wire.c.
 *
 * Nobody is called back from within a call into this room: answers and changes that come up there
 * are deferred. Whoever is called back may do anything, destroying the connection included.
 */
#include "internal.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RETRY_LEAST_US INT64_C(100000)
#define RETRY_MOST_US INT64_C(1000000)

/* ---- states ---------------------------------------------------------------------------------- */

static const struct base_state states[] = {POSTGRES_STATES(BASE_STATE_ROW)};

void postgres_connection_move(struct postgres_connection *connection, enum postgres_state state)
{
    connection->state = base_move(states, connection->state, state);
}

/* ---- notifying ------------------------------------------------------------------------------- */

/* Calls out: whoever is called may destroy the connection, which then only marks it as gone. So
 * between enter() and leave() its memory stays. */
static void enter(struct postgres_connection *connection)
{
    connection->n_calls_out++;
}

/* Not inlined: gcc at -O3 takes the free of an inner call for one before an outer call's end, since
 * it can't see that the count keeps them apart. */
__attribute__((noinline)) static void leave(struct postgres_connection *connection)
{
    connection->n_calls_out--;
    if (connection->n_calls_out > 0 || connection->state != POSTGRES_STATE_GONE)
        return;
    loop_stop_deferred(connection->loop, &connection->notifying);
    free(connection->url);
    free(connection->role);
    free(connection->ready_sql);
    free(connection->not_ready_detail);
    free(connection->enter_sql);
    free(connection->trouble);
    free(connection->last_failure);
    free(connection);
}

/* Answers the pipelines that are decided, in their order. */
static void answer_pipelines(struct postgres_connection *connection)
{
    enter(connection);
    struct postgres_pipeline *pipeline;
    while ((pipeline = STAILQ_FIRST(&connection->pipelines)) != NULL && pipeline->is_decided) {
        STAILQ_REMOVE_HEAD(&connection->pipelines, by_send);
        connection->n_under_way--;
        pipeline->is_under_way = false;
        pipeline->answered(pipeline);
    }
    leave(connection);
}

static void notify_change(struct postgres_connection *connection)
{
    bool is_ready = postgres_connection_is_ready(connection);
    if (is_ready == connection->was_notified_ready || connection->state == POSTGRES_STATE_GONE)
        return;
    connection->was_notified_ready = is_ready;
    if (connection->changed != NULL)
        connection->changed(connection, connection->context);
}

static void notify_ready(struct loop_deferred *deferred)
{
    struct postgres_connection *connection =
        BASE_CONTAINER(deferred, struct postgres_connection, notifying);
    enter(connection);
    answer_pipelines(connection);
    notify_change(connection);
    leave(connection);
}

static void decide_all(struct postgres_connection *connection)
{
    struct postgres_pipeline *pipeline;
    STAILQ_FOREACH(pipeline, &connection->pipelines, by_send)
    {
        if (!pipeline->is_decided) {
            pipeline->is_decided = true;
            pipeline->outcome = pipeline->was_sent ? POSTGRES_UNKNOWN : POSTGRES_UNAVAILABLE;
            postgres_pipeline_forget_rows(pipeline);
        }
    }
}

/* ---- the socket ------------------------------------------------------------------------------ */

/* libpq closes its socket whenever it likes, but what the loop watches must stay open until it is
 * watched no more. So the loop watches a duplicate. */
void postgres_connection_unwatch(struct postgres_connection *connection)
{
    if (connection->watch.is_active) {
        loop_stop_watch(connection->loop, &connection->watch);
        close(connection->watch.fd);
    }
}

bool postgres_connection_watch(struct postgres_connection *connection, uint32_t events)
{
    postgres_connection_unwatch(connection);
    int fd = fcntl(PQsocket(connection->pg), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    loop_start_watch(connection->loop, &connection->watch, fd, events);
    return true;
}

static void close_connection(struct postgres_connection *connection)
{
    postgres_connection_unwatch(connection);
    loop_stop_timer(connection->loop, &connection->timer);
    postgres_resolver_stop(&connection->resolver);
    postgres_wire_finish(connection);
    PQclear(connection->reply);
    connection->reply = NULL;
    PQfinish(connection->pg);
    connection->pg = NULL;
}

void postgres_connection_flush(struct postgres_connection *connection)
{
    int is_left = PQflush(connection->pg);
    if (is_left < 0) {
        postgres_connection_give_up(
            connection, BASE_LOG_DATABASE_LOST, PQerrorMessage(connection->pg));
        return;
    }
    /* Reading goes on while writing waits: a server that can't get rid of its answers reads no
     * more. */
    loop_change_watch(
        connection->loop, &connection->watch, is_left == 0 ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

/* ---- giving up ------------------------------------------------------------------------------- */

/* Whether another connection of the process has the same trouble. */
static bool is_said(const struct postgres_connection *connection, const char *trouble)
{
    const struct postgres_connection *at;
    if (connection->history == NULL)
        return false;
    LIST_FOREACH(at, &connection->history->connections, of_history)
    if (at != connection && at->trouble != NULL && strcmp(at->trouble, trouble) == 0)
        return true;
    return false;
}

/* Logs a reason once, until it changes; what the operator has to do first, once for all. */
static void set_trouble(
    struct postgres_connection *connection, enum base_log_event event, const char *reason)
{
    char *trouble = postgres_one_line(reason[0] == '\0' ? "no reason was given" : reason);
    bool is_for_operator = event == BASE_LOG_DATABASE_NOT_READY;
    if ((connection->trouble == NULL || strcmp(connection->trouble, trouble) != 0) &&
        !(is_for_operator && is_said(connection, trouble)))
        base_log(
            connection->log, event, BASE_LOG_TEXT("connection", connection->role),
            BASE_LOG_TEXT("reason", trouble));
    free(connection->trouble);
    connection->trouble = trouble;
}

void postgres_connection_give_up(
    struct postgres_connection *connection, enum base_log_event event, const char *reason)
{
    bool was_ready = connection->state == POSTGRES_STATE_READY;
    set_trouble(connection, event, reason);
    close_connection(connection);
    decide_all(connection);
    postgres_connection_move(connection, POSTGRES_STATE_WAITING);
    if (was_ready)
        connection->retry_delay_us = RETRY_LEAST_US;
    bool is_question_of_time = event == BASE_LOG_DATABASE_NOT_READY;
    int64_t delay_us = is_question_of_time ? RETRY_MOST_US : connection->retry_delay_us;
    if (!is_question_of_time) {
        connection->retry_delay_us *= 2;
        if (connection->retry_delay_us > RETRY_MOST_US)
            connection->retry_delay_us = RETRY_MOST_US;
    }
    loop_start_timer(connection->loop, &connection->timer, delay_us);
    loop_start_deferred(connection->loop, &connection->notifying);
}

/* ---- what the loop calls --------------------------------------------------------------------- */

static void socket_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events; /* libpq finds out by itself, errors and the end included */
    struct postgres_connection *connection =
        BASE_CONTAINER(watch, struct postgres_connection, watch);
    switch (connection->state) {
    case POSTGRES_STATE_CONNECTING:
        postgres_connecting_go_on(connection);
        break;
    case POSTGRES_STATE_GREETING:
    case POSTGRES_STATE_ASKING:
    case POSTGRES_STATE_ENTERING:
        postgres_connecting_receive(connection);
        break;
    case POSTGRES_STATE_PREPARING:
    case POSTGRES_STATE_READY:
        postgres_wire_receive(connection);
        answer_pipelines(connection); /* the last thing that is done here: it may be gone now */
        break;
    case POSTGRES_STATE_WAITING:
    case POSTGRES_STATE_RESOLVING:
    case POSTGRES_STATE_GONE:
        assert(false && "no socket is watched");
        break;
    }
}

static void check_oldest_pipeline(struct postgres_connection *connection)
{
    const struct postgres_pipeline *oldest = STAILQ_FIRST(&connection->pipelines);
    if (oldest == NULL)
        return; /* the next pipeline starts the timer anew */
    int64_t waited_us = base_clock_monotonic_us() - oldest->sent_at_us;
    int64_t left_us = connection->answer_timeout_ms * 1000 - waited_us;
    if (left_us > 0) {
        loop_start_timer(connection->loop, &connection->timer, left_us);
        return;
    }
    postgres_connection_give_up(
        connection, BASE_LOG_DATABASE_TIMEOUT, "PostgreSQL did not answer in time");
}

static void time_is_up(struct loop_timer *timer)
{
    struct postgres_connection *connection =
        BASE_CONTAINER(timer, struct postgres_connection, timer);
    switch (connection->state) {
    case POSTGRES_STATE_WAITING:
        postgres_connecting_start(connection);
        break;
    case POSTGRES_STATE_RESOLVING:
        postgres_connection_give_up(
            connection, BASE_LOG_DATABASE_UNREACHABLE, "no name server answered in time");
        break;
    case POSTGRES_STATE_CONNECTING:
    case POSTGRES_STATE_GREETING:
    case POSTGRES_STATE_ASKING:
    case POSTGRES_STATE_ENTERING:
    case POSTGRES_STATE_PREPARING:
        connection->n_rotations++;
        postgres_connection_give_up(
            connection, BASE_LOG_DATABASE_UNREACHABLE,
            "connecting to PostgreSQL took longer than 5 s");
        break;
    case POSTGRES_STATE_READY:
        check_oldest_pipeline(connection);
        break;
    case POSTGRES_STATE_GONE:
        assert(false && "no timer is active");
        break;
    }
}

/* ---- public ---------------------------------------------------------------------------------- */

struct postgres_connection *postgres_connection_create(
    const struct postgres_options *options, char **problem)
{
    char *complaint = postgres_check_url(options->url);
    if (complaint != NULL) {
        *problem = complaint;
        return NULL;
    }
    assert(options->answer_timeout_ms > 0);
    struct postgres_connection *connection = base_alloc(sizeof *connection);
    const char *detail = options->not_ready_detail;
    *connection = (struct postgres_connection){
        .loop = options->loop,
        .log = options->log,
        .url = base_copy_text(options->url),
        .role = base_copy_text(options->role),
        .ready_sql = options->ready_sql == NULL ? NULL : base_copy_text(options->ready_sql),
        .not_ready_detail = base_copy_text(detail == NULL ? "the database is not ready" : detail),
        .enter_sql = options->enter_sql == NULL ? NULL : base_copy_text(options->enter_sql),
        .statements = options->statements,
        .answer_timeout_ms = options->answer_timeout_ms,
        .changed = options->changed,
        .context = options->context,
        .state = POSTGRES_STATE_WAITING,
        .watch.ready = socket_ready,
        .timer.fired = time_is_up,
        .notifying.called = notify_ready,
        .resolver.resolved = postgres_connecting_resolved,
        .retry_delay_us = RETRY_LEAST_US,
        .trouble = base_copy_text("not connected to PostgreSQL yet"),
    };
    STAILQ_INIT(&connection->pipelines);
    STAILQ_INIT(&connection->wire);
    postgres_history_enter(options->history, connection);
    postgres_connecting_start(connection);
    return connection;
}

void postgres_connection_destroy(struct postgres_connection *connection)
{
    if (connection == NULL)
        return;
    postgres_history_leave(connection);
    enter(connection);
    postgres_connection_move(connection, POSTGRES_STATE_GONE);
    close_connection(connection);
    decide_all(connection);
    answer_pipelines(connection);
    leave(connection);
}

void postgres_connection_restart(struct postgres_connection *connection, const char *reason)
{
    if (connection->state == POSTGRES_STATE_READY)
        postgres_connection_give_up(connection, BASE_LOG_DATABASE_LOST, reason);
}

bool postgres_connection_is_ready(const struct postgres_connection *connection)
{
    return connection->state == POSTGRES_STATE_READY;
}

const char *postgres_connection_trouble(const struct postgres_connection *connection)
{
    return connection->trouble;
}

const char *postgres_connection_last_failure(const struct postgres_connection *connection)
{
    return connection->last_failure;
}

size_t postgres_connection_under_way(const struct postgres_connection *connection)
{
    return connection->n_under_way;
}

bool postgres_connection_backend(
    const struct postgres_connection *connection, struct postgres_backend *backend)
{
    if (connection->has_backend)
        *backend = connection->backend;
    return connection->has_backend;
}

void postgres_send(struct postgres_connection *connection, struct postgres_pipeline *pipeline)
{
    assert(!pipeline->is_under_way && pipeline->answered != NULL && pipeline->n_statements > 0);
    for (size_t i = 0; i < pipeline->n_statements; i++)
        postgres_parameters_complete(pipeline->entries[i].parameters);
    pipeline->is_under_way = true;
    pipeline->sent_at_us = base_clock_monotonic_us();
    STAILQ_INSERT_TAIL(&connection->pipelines, pipeline, by_send);
    connection->n_under_way++;
    if (connection->state != POSTGRES_STATE_READY) {
        pipeline->is_decided = true;
        pipeline->outcome = POSTGRES_UNAVAILABLE;
        loop_start_deferred(connection->loop, &connection->notifying);
        return;
    }
    if (connection->timer.heap_index == 0)
        loop_start_timer(
            connection->loop, &connection->timer, connection->answer_timeout_ms * 1000);
    postgres_wire_send(connection, pipeline);
}
