/*
 * postgres: connections on the loop. The only room that says PQ… and the only one that reads
 * SQLSTATE. A connection is non-blocking, in pipeline mode, with statements prepared once and
 * binary parameters and results. It connects, and reconnects, by itself.
 *
 * The unit is a pipeline: some statements and the sync after them, which are one implicit
 * transaction. Its outcome is known only when the sync is answered: a statement's own success is
 * not its commit. Pipelines of one connection are answered in the order in which they were sent.
 */
#ifndef CARTD_POSTGRES_H
#define CARTD_POSTGRES_H

#include <sys/queue.h>

#include "base.h"
#include "loop.h"

/* ---- statements, parameters, rows ------------------------------------------------------------ */

/* Type oids, as in pg_type.dat. */
enum postgres_type {
    POSTGRES_BOOL = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_INT8 = 20,
    POSTGRES_INT4 = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_TIMESTAMPTZ = 1184,
    POSTGRES_UUID = 2950,
    POSTGRES_JSONB = 3802,
    POSTGRES_BOOL_ARRAY = 1000,
    POSTGRES_BYTEA_ARRAY = 1001,
    POSTGRES_INT4_ARRAY = 1007,
    POSTGRES_TEXT_ARRAY = 1009,
    POSTGRES_INT8_ARRAY = 1016,
    POSTGRES_TIMESTAMPTZ_ARRAY = 1185,
    POSTGRES_UUID_ARRAY = 2951,
    POSTGRES_JSONB_ARRAY = 3807
};

/* How many rows a statement answers with. With another number it has FAILED: what it reads is
 * damaged, such as a table of one row without it. So whoever receives the rows need not count them.
 */
enum postgres_row_count {
    POSTGRES_ANY_ROWS,
    POSTGRES_NO_ROWS,
    POSTGRES_AT_MOST_ONE_ROW,
    POSTGRES_ONE_ROW
};

/* Statements are constant for the life of a connection and are prepared when it connects. */
struct postgres_statement {
    const char *name;
    enum postgres_row_count rows;
    const char *sql;
    size_t n_parameters;
    const enum postgres_type *types;
};
/* The types of the parameters $1, $2, …, in the initialiser of whatever has n_parameters and types
 * at file scope. */
#define POSTGRES_TYPES(...)                                                                        \
    .n_parameters = sizeof((enum postgres_type[]){__VA_ARGS__}) / sizeof(enum postgres_type),      \
    .types = (const enum postgres_type[])                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* The parameters of one statement, written in order $1, $2, …; each put must match the statement's
 * type there (asserted). All bytes are copied. An array is begun and its elements are put one by
 * one; it ends with the next array or with a value of another type. Only where a single value of
 * the same type as the elements (or a null) follows must it be ended explicitly. */
struct postgres_parameters;
void postgres_put_bool(struct postgres_parameters *parameters, bool value);
void postgres_put_int4(struct postgres_parameters *parameters, int32_t value);
void postgres_put_int8(struct postgres_parameters *parameters, int64_t value);
void postgres_put_text(struct postgres_parameters *parameters, const char *text); /* NULL: null */
void postgres_put_bytes(
    struct postgres_parameters *parameters, const void *bytes,
    size_t n_bytes); /* text, bytea or jsonb */
void postgres_put_uuid(
    struct postgres_parameters *parameters, const struct base_uuid *uuid); /* NULL: null */
void postgres_put_time(struct postgres_parameters *parameters, int64_t unix_us);
void postgres_put_null(struct postgres_parameters *parameters);
void postgres_begin_array(struct postgres_parameters *parameters);
/* An array of one member of each element of `list`: int32_t, int64_t, bool, const char * (NULL:
 * null) or struct base_uuid, as the parameter's type asks; a time is an int64_t, JSON a text. */
#define POSTGRES_PUT_COLUMN(parameters, list, n, member)                                           \
    postgres_put_column(                                                                           \
        parameters, (n) == 0 ? NULL : &(list)[0].member, sizeof((list)[0].member), (n),            \
        sizeof((list)[0]))
/* The same of a list of such values. */
#define POSTGRES_PUT_LIST(parameters, list, n)                                                     \
    postgres_put_column(parameters, (list), sizeof((list)[0]), (n), sizeof((list)[0]))
/* For those: n members of that size, so many bytes apart. */
void postgres_put_column(
    struct postgres_parameters *parameters, const void *first, size_t size, size_t n,
    size_t stride);
void postgres_end_array(struct postgres_parameters *parameters);

/* The rows of one statement's answer, borrowed from the pipeline. Columns are binary and typed by
 * the caller's knowledge of the statement; reading a column as another type asserts. */
struct postgres_rows;
size_t postgres_rows_count(const struct postgres_rows *rows);
bool postgres_is_null(const struct postgres_rows *rows, size_t row, size_t column);
bool postgres_get_bool(const struct postgres_rows *rows, size_t row, size_t column);
int32_t postgres_get_int4(const struct postgres_rows *rows, size_t row, size_t column);
int64_t postgres_get_int8(const struct postgres_rows *rows, size_t row, size_t column);
/* text, or jsonb as text; NUL-terminated; NULL for null */
const char *postgres_get_text(const struct postgres_rows *rows, size_t row, size_t column);
size_t postgres_get_length(
    const struct postgres_rows *rows, size_t row, size_t column); /* of get_text, of get_bytes */
const uint8_t *postgres_get_bytes(const struct postgres_rows *rows, size_t row, size_t column);
struct base_uuid postgres_get_uuid(const struct postgres_rows *rows, size_t row, size_t column);
/* unix µs; INT64_MIN and INT64_MAX for -infinity and infinity, also where times are put */
int64_t postgres_get_time(const struct postgres_rows *rows, size_t row, size_t column);
/* A bool[] column: the number of elements, and element i (null counts as false). */
size_t postgres_get_bools_count(const struct postgres_rows *rows, size_t row, size_t column);
bool postgres_get_bools_at(const struct postgres_rows *rows, size_t row, size_t column, size_t i);
/* Element i of an int4[] column that has no null. */
int32_t postgres_get_int4s_at(
    const struct postgres_rows *rows, size_t row, size_t column, size_t i);

/* ---- pipelines ------------------------------------------------------------------------------- */

enum postgres_outcome {
    POSTGRES_DONE,          /* committed; the rows of every statement are there */
    POSTGRES_AGAIN,         /* nothing happened; the same may succeed next time (serialization
                               failure, deadlock, a lock or a statement that took too long or was
                               cancelled, a plan that went stale twice) */
    POSTGRES_VIOLATED,      /* nothing happened: a constraint refused it (class 23) */
    POSTGRES_FAILED,        /* nothing happened: any other error of a statement; was logged */
    POSTGRES_UNABLE,        /* nothing happened: the server can't, whatever is asked of it, and that
                               does not pass at once (no room on its disk, no memory, an I/O error,
                               read-only); was logged. Pause before the next try */
    POSTGRES_UNAVAILABLE,   /* nothing happened: it was not sent, as there is no connection */
    POSTGRES_UNKNOWN,       /* it was sent and the answer never came, or an error that says nothing
                               about the commit: it may have happened */
    POSTGRES_UNACKNOWLEDGED /* it happened on the primary, but the wait for a synchronous standby
                               was cancelled: it may not survive a failover */
};

/* The rows are there. */
static inline bool postgres_is_done(enum postgres_outcome outcome)
{
    return outcome == POSTGRES_DONE || outcome == POSTGRES_UNACKNOWLEDGED;
}
/* What an outcome is to whoever made the request. To a read, which commits nothing,
 * UNACKNOWLEDGED is no failure. */
enum base_failure postgres_failure(enum postgres_outcome outcome) BASE_MUST_CHECK;
/* Whether the next try may succeed at once, or as soon as there is a connection. Only for what may
 * be done twice. */
bool postgres_should_retry(enum postgres_outcome outcome) BASE_MUST_CHECK;

#define POSTGRES_PIPELINE_STATEMENTS_MAX 16

/* Owned by the caller; zero-initialise once, then begin for each use. Must not move or die between
 * send and answered. */
struct postgres_pipeline {
    void (*answered)(
        struct postgres_pipeline *pipeline); /* outcome and rows are set; may begin anew */
    enum postgres_outcome outcome;
    size_t n_statements;
    struct {
        const struct postgres_statement *statement;
        struct postgres_parameters *parameters;
        struct postgres_rows *rows;
    } entries[POSTGRES_PIPELINE_STATEMENTS_MAX];
    int64_t sent_at_us;
    size_t n_received;
    bool was_sent;
    bool is_retried;
    bool is_decided;
    bool is_under_way;
    STAILQ_ENTRY(postgres_pipeline) by_send;
    STAILQ_ENTRY(postgres_pipeline) on_wire;
};
STAILQ_HEAD(postgres_pipelines, postgres_pipeline);
/* Frees the rows of the last use and empties the pipeline; buffers are kept for reuse. */
void postgres_pipeline_begin(struct postgres_pipeline *pipeline);
void postgres_pipeline_finish(struct postgres_pipeline *pipeline);
/* Adds a statement and returns where its parameters go. */
struct postgres_parameters *postgres_pipeline_add(
    struct postgres_pipeline *pipeline, const struct postgres_statement *statement);
const struct postgres_rows *postgres_pipeline_rows(
    const struct postgres_pipeline *pipeline, size_t i);

/* ---- connection strings ---------------------------------------------------------------------- */

/* What is wrong with a connection string that can never work: a sentence that repeats nothing of
 * it, as it may hold a password; the caller's to free. NULL: it may work. What may come right by
 * itself is no reason: a server that is away, a name that is not known, a role or a database that
 * is missing, a wrong password. */
char *postgres_check_url(const char *url) BASE_MUST_CHECK;

/* ---- connections ----------------------------------------------------------------------------- */

struct postgres_connection;

/* The server that a connection found, as it said when it greeted. */
struct postgres_server {
    uint64_t system_id; /* of its cluster */
    uint32_t timeline;  /* grows with each promotion; 0 in recovery */
    bool is_in_recovery;
};
/* The newest server that any of a number of connections has seen. */
struct postgres_history;
struct postgres_history *postgres_history_create(void) BASE_MUST_CHECK;
void postgres_history_destroy(struct postgres_history *history); /* NULL-safe */
/* system_id 0: none was seen yet. */
struct postgres_server postgres_history_server(const struct postgres_history *history);

/* answered() and changed() are called from the loop and may do anything: begin and send pipelines,
 * also the answered one, destroy the connection. The one exception is answered() called by
 * postgres_connection_destroy(): a pipeline sent from there is answered UNAVAILABLE before destroy
 * returns, so whoever sends again upon each UNAVAILABLE would never end. */
struct postgres_options {
    struct loop *loop;
    const struct base_log *log;
    const char *url;  /* a libpq connection string or URI */
    const char *role; /* what it is for: "write"; goes into application_name and the log */
    const struct postgres_statement *const
        *statements; /* prepared at every connect; NULL ends it */
    /* Asked before the statements are prepared: one row, one boolean. Anything but true (an error
     * too) leaves the connection not ready, with `not_ready_detail`, and it is asked again each
     * second. NULL: no question. */
    const char *ready_sql;
    const char *not_ready_detail;
    /* Run after that question and before anything else is sent: a script that must succeed, or the
     * connection is given up and tried again. NULL: none. */
    const char *enter_sql;
    /* A pipeline not answered by then: the connection is given up, UNKNOWN. The server is told to
     * give a statement up after three quarters of it and a lock after half of it (AGAIN). */
    int64_t answer_timeout_ms;
    /* What the connections of the process have seen, for those that must not see anything older:
     * standbys and former primaries are refused. It must outlive the connection. NULL: whatever
     * server the connection string finds. */
    struct postgres_history *history;
    /* Called when is_ready changes, never from within a call into this room. */
    void (*changed)(struct postgres_connection *connection, void *context);
    void *context;
};

/* Begins to connect, and goes on trying (100 ms, doubling to 1 s) until destroyed. Host names are
 * resolved without blocking the loop, except for one that only a service file (pg_service.conf)
 * has: libpq reads that by itself. NULL with *problem (a sentence, the caller's to free) only
 * when the url can never work (postgres_check_url). */
struct postgres_connection *postgres_connection_create(
    const struct postgres_options *options, char **problem) BASE_MUST_CHECK;
/* Closes the connection and connects anew: what the session holds is of no use any more. Pipelines
 * under way are answered UNKNOWN. `reason` is for operators. */
void postgres_connection_restart(struct postgres_connection *connection, const char *reason);
/* Pipelines under way are answered UNKNOWN or UNAVAILABLE first. NULL-safe. */
void postgres_connection_destroy(struct postgres_connection *connection);
bool postgres_connection_is_ready(const struct postgres_connection *connection);
/* Why it is not ready, as a sentence for operators; NULL when it is. */
const char *postgres_connection_trouble(const struct postgres_connection *connection);
/* What the last statement that the server could not do failed of (UNABLE, FAILED), as a sentence
 * for operators; NULL: none has. */
const char *postgres_connection_last_failure(const struct postgres_connection *connection);
/* Pipelines sent and not answered yet. */
size_t postgres_connection_under_way(const struct postgres_connection *connection);
/* Sends a pipeline. Its answered() is called later from the loop, never from within this call; when
 * the connection is not ready it is answered UNAVAILABLE. */
void postgres_send(struct postgres_connection *connection, struct postgres_pipeline *pipeline);

/* The server process behind the present or last connection, by which another connection can make
 * sure that it has ended: its pid and start, as pg_stat_activity has them. False: never connected.
 */
struct postgres_backend {
    int32_t pid;
    int64_t started_at_us;
};
bool postgres_connection_backend(
    const struct postgres_connection *connection, struct postgres_backend *backend);

/* ---- sessions: for the command line, where waiting is fine ----------------------------------- */

struct postgres_session;
/* Connects and waits; NULL with *problem (the caller's to free) when that fails. */
struct postgres_session *postgres_session_open(const char *url, char **problem) BASE_MUST_CHECK;
void postgres_session_close(struct postgres_session *session); /* NULL-safe */
/* Runs a script of statements (simple protocol: one implicit transaction unless it has its own).
 * False with *problem, which names SQLSTATE, message and hint. */
bool postgres_session_run(struct postgres_session *session, const char *sql, char **problem)
    BASE_MUST_CHECK;
/* Runs one query with text parameters ($1…) and gives its rows as text cells, row by row. */
struct postgres_table {
    size_t n_rows;
    size_t n_columns;
    char **cells; /* n_rows * n_columns; NULL: null */
};
bool postgres_session_query(
    struct postgres_session *session, const char *sql, const char *const *parameters,
    size_t n_parameters, struct postgres_table *table, char **problem) BASE_MUST_CHECK;
void postgres_table_finish(struct postgres_table *table);

#endif
