/*
 * What travels over a connection in pipeline mode: pipelines and preparations out, results in.
 *
 * The server answers what is on the wire in its order. Each statement's results end with a NULL,
 * each pipeline with a sync, and only the sync says that the pipeline was committed: an error may
 * still come between the last statement's success and the sync, from a deferred constraint for one.
 */
#include "internal.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FAILURE_LOG_US INT64_C(1000000)

void postgres_failure_forget(struct postgres_failure *failure)
{
    free(failure->message);
    free(failure->constraint);
    *failure = (struct postgres_failure){0};
}

void postgres_wire_finish(struct postgres_connection *connection)
{
    STAILQ_INIT(&connection->wire);
    connection->is_preparing = false;
    postgres_failure_forget(&connection->failure);
    free(connection->last_words);
    connection->last_words = NULL;
    connection->is_unacknowledged = false;
    connection->n_silent = 0;
}

static void give_up_lost(struct postgres_connection *connection)
{
    const char *reason =
        connection->last_words != NULL ? connection->last_words : PQerrorMessage(connection->pg);
    postgres_connection_give_up(connection, BASE_LOG_DATABASE_LOST, reason);
}

/* ---- out ------------------------------------------------------------------------------------- */

static bool send_preparations(const struct postgres_connection *connection, bool is_again)
{
    PGconn *pg = connection->pg;
    if (is_again && PQsendQueryParams(pg, "DEALLOCATE ALL", 0, NULL, NULL, NULL, NULL, 0) != 1)
        return false;
    for (size_t i = 0; connection->statements[i] != NULL; i++) {
        const struct postgres_statement *statement = connection->statements[i];
        _Static_assert(sizeof(Oid) == sizeof(enum postgres_type), "types are libpq's");
        if (PQsendPrepare(
                pg, statement->name, statement->sql, (int)statement->n_parameters,
                (const Oid *)statement->types) != 1) {
            return false;
        }
    }
    return PQpipelineSync(pg) == 1;
}

void postgres_wire_prepare(struct postgres_connection *connection, bool is_again)
{
    connection->is_preparing = true;
    STAILQ_INSERT_TAIL(&connection->wire, &connection->preparation, on_wire);
    if (!send_preparations(connection, is_again)) {
        give_up_lost(connection);
        return;
    }
    postgres_connection_flush(connection);
}

static bool send_statements(
    const struct postgres_connection *connection, const struct postgres_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n_statements; i++) {
        if (!postgres_parameters_send(pipeline->entries[i].parameters, connection->pg))
            return false;
    }
    return PQpipelineSync(connection->pg) == 1;
}

void postgres_wire_send(struct postgres_connection *connection, struct postgres_pipeline *pipeline)
{
    pipeline->was_sent = true;
    pipeline->n_received = 0;
    STAILQ_INSERT_TAIL(&connection->wire, pipeline, on_wire);
    if (!send_statements(connection, pipeline)) {
        give_up_lost(connection);
        return;
    }
    postgres_connection_flush(connection);
}

/* ---- in: errors and notices ------------------------------------------------------------------ */

static bool is_text(const char *text, const char *expected)
{
    return text != NULL && strcmp(text, expected) == 0;
}

static bool contains(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static bool ends_connection(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return is_text(severity, "FATAL") || is_text(severity, "PANIC");
}

static void store_last_words(struct postgres_connection *connection, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    free(connection->last_words);
    connection->last_words =
        postgres_one_line(message == NULL ? PQresultErrorMessage(result) : message);
}

/* A backend whose wait for a synchronous standby is cancelled says so in a warning and then reports
 * success (SyncRepWaitForLSN in syncrep.c). Messages are translated, names of functions are not. */
static bool is_cancelled_wait(const PGresult *notice)
{
    return is_text(PQresultErrorField(notice, PG_DIAG_SOURCE_FUNCTION), "SyncRepWaitForLSN") ||
           contains(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY), "synchronous replication");
}

void postgres_wire_notice(void *context, const PGresult *notice)
{
    struct postgres_connection *connection = context;
    if (ends_connection(notice)) {
        /* libpq makes a notice of an error that comes while it expects nothing. */
        store_last_words(connection, notice);
        return;
    }
    if (!is_text(PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED), "WARNING"))
        return;
    if (!STAILQ_EMPTY(&connection->wire) && is_cancelled_wait(notice))
        connection->is_unacknowledged = true;
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    base_log(
        connection->log, BASE_LOG_DATABASE_NOTICE, BASE_LOG_TEXT("connection", connection->role),
        BASE_LOG_TEXT("sqlstate", sqlstate == NULL ? "" : sqlstate),
        BASE_LOG_TEXT("notice", message == NULL ? "" : message));
}

#define COMMIT "commit"

/* The statement to which the next result belongs. */
static const char *name_statement(const struct postgres_connection *connection)
{
    const struct postgres_pipeline *pipeline = STAILQ_FIRST(&connection->wire);
    if (pipeline == NULL || pipeline == &connection->preparation)
        return "preparation";
    return pipeline->n_received < pipeline->n_statements
               ? pipeline->entries[pipeline->n_received].statement->name
               : COMMIT;
}

/* The plan of a prepared statement no longer fits its tables ("cached plan must not change result
 * type", from RevalidateCachedQuery in plancache.c), or somebody deallocated it. */
static bool is_stale(const char *sqlstate, const PGresult *result)
{
    if (strcmp(sqlstate, "0A000") == 0) {
        const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
        const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        return is_text(function, "RevalidateCachedQuery") || contains(message, "cached plan");
    }
    return strcmp(sqlstate, "26000") == 0;
}

/* False when the connection can't be used any further. */
static bool receive_error(struct postgres_connection *connection, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL || ends_connection(result)) {
        store_last_words(connection, result);
        return false;
    }
    struct postgres_failure *failure = &connection->failure;
    if (failure->sqlstate[0] != '\0')
        return true;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    memcpy(failure->sqlstate, sqlstate, strnlen(sqlstate, sizeof failure->sqlstate - 1));
    failure->is_stale = is_stale(sqlstate, result);
    failure->statement = name_statement(connection);
    failure->message = base_copy_text(message == NULL ? "" : message);
    failure->constraint = constraint == NULL ? NULL : base_copy_text(constraint);
    return true;
}

/* PostgreSQL's cardinality_violation, here found by us. */
#define WRONG_ROW_COUNT "21000"

/* ---- in: what a sync decides ----------------------------------------------------------------- */

/* By statement_timeout, or an operator. It is tried again, but what is too much for PostgreSQL may
 * be so each time, and somebody should know. */
#define QUERY_CANCELED "57014"

static const struct {
    const char *prefix; /* of SQLSTATE, PostgreSQL's appendix A */
    enum postgres_outcome outcome;
} failure_outcomes[] = {
    {"40001", POSTGRES_AGAIN}, /* serialization_failure */
    {"40P01", POSTGRES_AGAIN}, /* deadlock_detected */
    {"55P03", POSTGRES_AGAIN}, /* lock_not_available: lock_timeout */
    {QUERY_CANCELED, POSTGRES_AGAIN},
    {"23", POSTGRES_VIOLATED},  /* integrity_constraint_violation */
    {"08", POSTGRES_UNABLE},    /* connection_exception: of a pooler in between */
    {"25006", POSTGRES_UNABLE}, /* read_only_sql_transaction: no longer the primary */
    {"53", POSTGRES_UNABLE},    /* insufficient_resources: disk, memory */
    {"57P", POSTGRES_UNABLE},   /* the server shuts down or starts */
    {"58", POSTGRES_UNABLE},    /* system_error: its disk fails */
    /* Not XX (internal_error, data_corrupted): one damaged page concerns few, so it is the command
     * that fails. */
};

/* The commit itself went wrong inside the server, or between it and another one: whether it
 * happened, nobody has said. Class 08: connection exceptions, of which one is "transaction
 * resolution unknown"; XX: internal errors. */
static bool is_unknown_commit(const struct postgres_failure *failure)
{
    return strcmp(failure->statement, COMMIT) == 0 &&
           (strncmp(failure->sqlstate, "08", 2) == 0 || strncmp(failure->sqlstate, "XX", 2) == 0);
}

static enum postgres_outcome classify(const struct postgres_failure *failure)
{
    if (failure->is_stale)
        return POSTGRES_AGAIN;
    if (is_unknown_commit(failure))
        return POSTGRES_UNKNOWN;
    for (size_t i = 0; i < BASE_COUNT(failure_outcomes); i++) {
        const char *prefix = failure_outcomes[i].prefix;
        if (strncmp(failure->sqlstate, prefix, strlen(prefix)) == 0)
            return failure_outcomes[i].outcome;
    }
    return POSTGRES_FAILED;
}

/* What an operator can do about it. NULL: nothing that is known here. */
static const char *hint_of(const struct postgres_failure *failure)
{
    return strcmp(failure->sqlstate, "42501") == 0
               ? "a right is missing: run `cartd migrate` as the owner of the database, and give "
                 "this user the role that it needs (docs/production.md, \"Roles\")"
               : NULL;
}

static void note_failure(struct postgres_connection *connection)
{
    const struct postgres_failure *failure = &connection->failure;
    const char *hint = hint_of(failure);
    BASE_CLEANUP(base_free_pointer)
    char *text = base_print(
        "%s (SQLSTATE %s, statement %s)%s%s", failure->message, failure->sqlstate,
        failure->statement, hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
    free(connection->last_failure);
    connection->last_failure = postgres_one_line(text);
}

/* One line a second, unless the error is another one. */
static bool may_log(struct postgres_quiet *quiet, const char *sqlstate)
{
    int64_t now_us = base_clock_monotonic_us();
    if (now_us < quiet->until_us && strcmp(quiet->sqlstate, sqlstate) == 0) {
        quiet->n_left_out++;
        return false;
    }
    memcpy(quiet->sqlstate, sqlstate, sizeof quiet->sqlstate);
    quiet->until_us = now_us + FAILURE_LOG_US;
    return true;
}

static void log_failure(struct postgres_connection *connection)
{
    const struct postgres_failure *failure = &connection->failure;
    const char *constraint = failure->constraint;
    const char *hint = hint_of(failure);
    struct postgres_quiet *quiet = &connection->quiet;
    if (!may_log(quiet, failure->sqlstate))
        return;
    int64_t n_left_out = quiet->n_left_out;
    quiet->n_left_out = 0;
    base_log(
        connection->log, BASE_LOG_STATEMENT_FAILED, BASE_LOG_TEXT("connection", connection->role),
        BASE_LOG_TEXT("statement", failure->statement),
        BASE_LOG_TEXT("sqlstate", failure->sqlstate), BASE_LOG_TEXT("reason", failure->message),
        BASE_LOG_TEXT(constraint == NULL ? NULL : "constraint", constraint),
        BASE_LOG_TEXT(hint == NULL ? NULL : "hint", hint),
        BASE_LOG_NUMBER(n_left_out == 0 ? NULL : "left_out", n_left_out));
}

/* False when the connection was given up. */
static bool settle_preparation(struct postgres_connection *connection)
{
    const struct postgres_failure *failure = &connection->failure;
    if (failure->sqlstate[0] != '\0') {
        BASE_CLEANUP(base_free_pointer)
        char *reason = base_print(
            "the statements can't be prepared: %s (SQLSTATE %s)", failure->message,
            failure->sqlstate);
        postgres_connection_give_up(connection, BASE_LOG_DATABASE_NOT_READY, reason);
        return false;
    }
    if (connection->state == POSTGRES_STATE_PREPARING)
        postgres_connecting_done(connection);
    return true;
}

/* Prepares again, unless that is on its way, and sends the pipeline once more. Pipelines behind it
 * keep their answers until it has one. */
static void send_again(struct postgres_connection *connection, struct postgres_pipeline *pipeline)
{
    postgres_pipeline_forget_rows(pipeline);
    pipeline->is_retried = true;
    if (!connection->is_preparing)
        postgres_wire_prepare(connection, true);
    if (connection->pg != NULL)
        postgres_wire_send(connection, pipeline);
}

static void decide(struct postgres_connection *connection, struct postgres_pipeline *pipeline)
{
    const struct postgres_failure *failure = &connection->failure;
    pipeline->is_decided = true;
    if (failure->sqlstate[0] == '\0') {
        pipeline->outcome = connection->is_unacknowledged ? POSTGRES_UNACKNOWLEDGED : POSTGRES_DONE;
        return;
    }
    postgres_pipeline_forget_rows(pipeline);
    pipeline->outcome = classify(failure);
    bool is_failure = pipeline->outcome == POSTGRES_FAILED ||
                      pipeline->outcome == POSTGRES_UNABLE || pipeline->outcome == POSTGRES_UNKNOWN;
    if (is_failure)
        note_failure(connection);
    if (is_failure || strcmp(failure->sqlstate, QUERY_CANCELED) == 0)
        log_failure(connection);
}

/* A server that is no primary any more stays reachable: only a new connection finds the new one.
 * And of a commit that may have happened nothing is known until its backend is gone. */
static const char *reason_to_leave(const struct postgres_failure *failure)
{
    if (strcmp(failure->sqlstate, "25006") == 0)
        return "the server is read-only";
    bool has_failed = failure->sqlstate[0] != '\0';
    return has_failed && is_unknown_commit(failure) ? "the outcome of a commit is unknown" : NULL;
}

/* False when the connection was given up. */
static bool receive_sync(struct postgres_connection *connection)
{
    struct postgres_pipeline *pipeline = STAILQ_FIRST(&connection->wire);
    struct postgres_failure *failure = &connection->failure;
    STAILQ_REMOVE_HEAD(&connection->wire, on_wire);
    if (pipeline == &connection->preparation) {
        connection->is_preparing = false;
        if (!settle_preparation(connection))
            return false;
    } else if (failure->is_stale && !pipeline->is_retried) {
        postgres_failure_forget(failure);
        send_again(connection, pipeline);
    } else {
        decide(connection, pipeline);
        const char *reason = reason_to_leave(failure);
        if (reason != NULL)
            postgres_connection_give_up(connection, BASE_LOG_DATABASE_LOST, reason);
    }
    if (connection->pg == NULL)
        return false;
    postgres_failure_forget(failure);
    connection->is_unacknowledged = false;
    return true;
}

/* ---- in: results ----------------------------------------------------------------------------- */

static const struct {
    int least;
    int most;
    const char *words;
} row_counts[] = {
    [POSTGRES_ANY_ROWS] = {0, INT_MAX, "any number"},
    [POSTGRES_NO_ROWS] = {0, 0, "none"},
    [POSTGRES_AT_MOST_ONE_ROW] = {0, 1, "at most one"},
    [POSTGRES_ONE_ROW] = {1, 1, "one"},
};

/* A wrong number of rows is a failure of the statement; whoever waits for them never sees them. */
static void check_count(
    struct postgres_connection *connection, const struct postgres_statement *statement,
    const PGresult *result)
{
    struct postgres_failure *failure = &connection->failure;
    int n_rows = PQntuples(result);
    int least = row_counts[statement->rows].least;
    int most = row_counts[statement->rows].most;
    if ((least <= n_rows && n_rows <= most) || failure->sqlstate[0] != '\0')
        return;
    memcpy(failure->sqlstate, WRONG_ROW_COUNT, sizeof failure->sqlstate);
    failure->statement = statement->name;
    failure->message =
        base_print("it returned %d rows instead of %s", n_rows, row_counts[statement->rows].words);
}

static void store_rows(struct postgres_connection *connection, PGresult *result)
{
    struct postgres_pipeline *pipeline = STAILQ_FIRST(&connection->wire);
    if (pipeline->n_received >= pipeline->n_statements) {
        PQclear(result); /* PREPARE and DEALLOCATE have no rows */
        return;
    }
    check_count(connection, pipeline->entries[pipeline->n_received].statement, result);
    postgres_rows_free(pipeline->entries[pipeline->n_received].rows);
    pipeline->entries[pipeline->n_received].rows = postgres_rows_take(result);
}

/* Takes the result. False when the connection was given up. */
static bool receive_result(struct postgres_connection *connection, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        store_rows(connection, result);
        return true;
    }
    bool has_failed = connection->failure.sqlstate[0] != '\0';
    bool is_usable = status == PGRES_PIPELINE_SYNC ||
                     (status == PGRES_PIPELINE_ABORTED && has_failed) ||
                     (status == PGRES_FATAL_ERROR && receive_error(connection, result));
    PQclear(result);
    if (!is_usable) {
        give_up_lost(connection);
        return false;
    }
    return status != PGRES_PIPELINE_SYNC || receive_sync(connection);
}

/* False when the connection was given up. */
static bool receive_end_of_statement(struct postgres_connection *connection)
{
    STAILQ_FIRST(&connection->wire)->n_received++;
    /* A NULL is followed by a result or the sync. An endless row of them is a libpq that has lost
     * count, and waiting for it would be for ever. */
    connection->n_silent++;
    if (connection->n_silent > 2) {
        postgres_connection_give_up(
            connection, BASE_LOG_DATABASE_LOST, "results and statements don't match");
        return false;
    }
    return true;
}

void postgres_wire_receive(struct postgres_connection *connection)
{
    /* What came before the connection broke still counts. */
    bool is_open = PQconsumeInput(connection->pg) == 1;
    while (!PQisBusy(connection->pg) && !STAILQ_EMPTY(&connection->wire)) {
        PGresult *result = PQgetResult(connection->pg);
        if (result == NULL) {
            if (!receive_end_of_statement(connection))
                return;
            continue;
        }
        connection->n_silent = 0;
        if (!receive_result(connection, result))
            return;
    }
    if (!is_open || PQstatus(connection->pg) == CONNECTION_BAD) {
        give_up_lost(connection);
        return;
    }
    postgres_connection_flush(connection);
}
