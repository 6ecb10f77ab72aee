/*
 * What the files of this room share with each other and with nobody else.
 */
#ifndef CARTD_POSTGRES_INTERNAL_H
#define CARTD_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "postgres.h"

/* ---- the binary format ----------------------------------------------------------------------- */

/* From 1970 to 2000, where PostgreSQL's timestamps begin. */
#define POSTGRES_EPOCH_DIFFERENCE_US INT64_C(946684800000000)

/* An array: number of dimensions, has nulls, element type, then for the one dimension its length
 * and lower bound (array_recv in PostgreSQL's arrayfuncs.c). An empty array has no dimension. */
#define POSTGRES_ARRAY_HEADER_SIZE 20
#define POSTGRES_EMPTY_ARRAY_SIZE 12

/* ---- parameters.c ---------------------------------------------------------------------------- */

/* All values of one statement lie in one buffer, which may move while it grows: hence offsets. */
struct postgres_parameters {
    const struct postgres_statement *statement;
    struct base_buffer buffer;
    size_t n_begun;
    /* Of each parameter, as many as the largest statement so far has. */
    size_t n_room;
    size_t *starts;
    int *lengths; /* -1: null */
    const char **values;
    int *formats;
    const struct postgres_element *element; /* of the array under way; NULL: there is none */
    bool has_null_elements;
    size_t n_elements;
};

void postgres_parameters_begin(
    struct postgres_parameters *parameters, const struct postgres_statement *statement);
void postgres_parameters_finish(struct postgres_parameters *parameters);
/* Ends an array under way; asserts that every parameter was put. */
void postgres_parameters_complete(struct postgres_parameters *parameters);
/* Hands the statement to libpq; false when it does not take it. */
bool postgres_parameters_send(const struct postgres_parameters *parameters, PGconn *pg)
    BASE_MUST_CHECK;

/* ---- rows.c ---------------------------------------------------------------------------------- */

/* struct postgres_rows is a PGresult under a name that other rooms may know. */
struct postgres_rows *postgres_rows_take(PGresult *result);
void postgres_rows_free(struct postgres_rows *rows);

/* ---- pipeline.c ------------------------------------------------------------------------------ */

void postgres_pipeline_forget_rows(struct postgres_pipeline *pipeline);

/* ---- history.c ------------------------------------------------------------------------------- */

struct postgres_history {
    struct postgres_server server; /* the newest that was seen; system_id 0: none yet */
    LIST_HEAD(, postgres_connection) connections;
};

/* For postgres_connection_create() and destroy(); `history` may be NULL. */
void postgres_history_enter(
    struct postgres_history *history, struct postgres_connection *connection);
void postgres_history_leave(struct postgres_connection *connection);
/* connection->server was learned. NULL: it may be used, and if it is newer than what was seen,
 * other connections are closed. Otherwise why not (the caller's to free). */
char *postgres_history_refuse(struct postgres_connection *connection);

/* ---- resolve.c ------------------------------------------------------------------------------- */

/* Finds the addresses of a connection string's host names. Zero-initialise it and set `resolved`.
 */
struct postgres_resolver {
    void (*resolved)(struct postgres_resolver *resolver);
    struct loop *loop;
    struct loop_watch watch;
    struct postgres_lookup *lookup;
    struct postgres_endpoint *endpoints;
    size_t n_endpoints;
    /* What was found: comma lists of equal length for host, hostaddr and port. Without targets the
     * connection string can be used as it is. */
    bool has_targets;
    struct base_buffer hosts;
    struct base_buffer addresses;
    struct base_buffer ports;
    char *problem; /* or why nothing was found */
};

/* True when there was nothing to wait for; otherwise resolved() is called later from the loop. */
bool postgres_resolver_start(struct postgres_resolver *resolver, struct loop *loop, const char *url)
    BASE_MUST_CHECK;
/* Ends a search under way and frees what was found. May be called at any time. */
void postgres_resolver_stop(struct postgres_resolver *resolver);
/* Writes the lists anew with the addresses rotated by n, so that a dead address that comes first is
 * not the first one forever. */
void postgres_resolver_rotate(struct postgres_resolver *resolver, size_t n);

/* Whether it is an IPv4 or IPv6 address, which needs no lookup. */
bool postgres_is_address(const char *host);

/* ---- url.c ----------------------------------------------------------------------------------- */

/* The value of an option, "" where it has none. */
const char *postgres_option(const PQconninfoOption *options, const char *keyword);
/* How many parts a comma list has. */
size_t postgres_count_parts(const char *list);

/* ---- connection.c ---------------------------------------------------------------------------- */

/*
 *         ┌──────────────── any failure, any loss: pipelines are answered, back off
 * ────────────────┐ ▼ │ WAITING ─▶ RESOLVING ─▶ CONNECTING ─▶ GREETING ─▶ ASKING ─▶ ENTERING ─▶
 * PREPARING ─▶ READY
 *
 * ASKING is passed over without a question, and ENTERING without a script.
 */
#define POSTGRES_GIVEN_UP BASE_TO(POSTGRES_STATE_WAITING) | BASE_TO(POSTGRES_STATE_GONE)
#define POSTGRES_STATES(STATE)                                                                     \
    /* For the next attempt. */                                                                    \
    STATE(                                                                                         \
        POSTGRES_STATE_WAITING, BASE_TO(POSTGRES_STATE_RESOLVING) | BASE_TO(POSTGRES_STATE_GONE))  \
    /* For the addresses of host names. */                                                         \
    STATE(POSTGRES_STATE_RESOLVING, BASE_TO(POSTGRES_STATE_CONNECTING) | POSTGRES_GIVEN_UP)        \
    /* For PQconnectPoll to be content. */                                                         \
    STATE(POSTGRES_STATE_CONNECTING, BASE_TO(POSTGRES_STATE_GREETING) | POSTGRES_GIVEN_UP)         \
    /* For the settings to be taken and the backend's name. */                                     \
    STATE(                                                                                         \
        POSTGRES_STATE_GREETING, BASE_TO(POSTGRES_STATE_ASKING) |                                  \
                                     BASE_TO(POSTGRES_STATE_ENTERING) |                            \
                                     BASE_TO(POSTGRES_STATE_PREPARING) | POSTGRES_GIVEN_UP)        \
    /* For the answer to ready_sql. */                                                             \
    STATE(                                                                                         \
        POSTGRES_STATE_ASKING,                                                                     \
        BASE_TO(POSTGRES_STATE_ENTERING) | BASE_TO(POSTGRES_STATE_PREPARING) | POSTGRES_GIVEN_UP)  \
    /* For enter_sql to be done. */                                                                \
    STATE(POSTGRES_STATE_ENTERING, BASE_TO(POSTGRES_STATE_PREPARING) | POSTGRES_GIVEN_UP)          \
    /* For the statements to be prepared. */                                                       \
    STATE(POSTGRES_STATE_PREPARING, BASE_TO(POSTGRES_STATE_READY) | POSTGRES_GIVEN_UP)             \
    STATE(POSTGRES_STATE_READY, POSTGRES_GIVEN_UP)                                                 \
    STATE(POSTGRES_STATE_GONE, 0) /* within destroy */
enum postgres_state { POSTGRES_STATES(BASE_STATE_NAME) };

/* The first error of the answer being received. */
struct postgres_failure {
    char sqlstate[6]; /* empty: none */
    bool is_stale;    /* the statement must be prepared again */
    const char *statement;
    char *message;
    char *constraint;
};

/* Failures are logged once a second, so that a full disk is not filled further. */
struct postgres_quiet {
    char sqlstate[6]; /* of the last one that was logged */
    int64_t until_us;
    int64_t n_left_out; /* since then */
};

struct postgres_connection {
    struct loop *loop;
    const struct base_log *log;
    char *url;
    char *role;
    char *ready_sql;
    char *not_ready_detail;
    char *enter_sql;
    const struct postgres_statement *const *statements;
    int64_t answer_timeout_ms;
    void (*changed)(struct postgres_connection *connection, void *context);
    void *context;

    enum postgres_state state;
    PGconn *pg;
    struct loop_watch watch; /* of a duplicate of libpq's socket, see connection.c */
    struct loop_timer timer; /* WAITING: the next attempt; READY: the oldest pipeline's time is up;
                                otherwise: connecting took too long */
    struct loop_deferred
        notifying; /* answers and changes that came up within a call into this room */
    struct postgres_resolver resolver;
    size_t n_rotations; /* of the hosts, as the first one did not do */
    int64_t retry_delay_us;
    char *trouble;    /* NULL when ready */
    char *last_words; /* of the server, before it closed the connection */
    PGresult *reply;  /* GREETING, ASKING, ENTERING: the last result so far */
    struct postgres_backend backend;
    bool has_backend;
    struct postgres_server server;
    struct postgres_history *history; /* NULL: none */
    LIST_ENTRY(postgres_connection) of_history;
    bool was_notified_ready;
    size_t n_calls_out; /* not freed before they have returned */

    /* Pipelines in the order of postgres_send(), which is the order of their answers. */
    struct postgres_pipelines pipelines;
    size_t n_under_way;
    /* What the server will answer next, in its order; once at most the preparation of the
     * statements, which stands for no pipeline. */
    struct postgres_pipelines wire;
    struct postgres_pipeline preparation;
    bool is_preparing;
    struct postgres_failure failure;
    char *last_failure; /* as a sentence; NULL: none */
    struct postgres_quiet quiet;
    bool is_unacknowledged;
    size_t n_silent; /* times in a row that libpq had neither a result nor a sync */
};

/* Asserts that the picture above has the move. */
void postgres_connection_move(struct postgres_connection *connection, enum postgres_state state);
/* Watches libpq's present socket; false without a descriptor for it. */
bool postgres_connection_watch(struct postgres_connection *connection, uint32_t events)
    BASE_MUST_CHECK;
void postgres_connection_unwatch(struct postgres_connection *connection);
/* Closes the connection, decides all pipelines, and tries again later. Answers are deferred. */
void postgres_connection_give_up(
    struct postgres_connection *connection, enum base_log_event event, const char *reason);
/* Sends what libpq holds back; gives the connection up when that fails. */
void postgres_connection_flush(struct postgres_connection *connection);

/* ---- connecting.c ---------------------------------------------------------------------------- */

void postgres_connecting_start(struct postgres_connection *connection);
void postgres_connecting_resolved(struct postgres_resolver *resolver);
/* CONNECTING: the socket is ready. */
void postgres_connecting_go_on(struct postgres_connection *connection);
/* GREETING, ASKING, ENTERING: the socket is ready. */
void postgres_connecting_receive(struct postgres_connection *connection);
/* PREPARING: the statements are prepared. */
void postgres_connecting_done(struct postgres_connection *connection);

/* ---- wire.c ------------------------------------------------------------------------------ */

/* Each of these gives the connection up when libpq refuses. */
void postgres_wire_prepare(struct postgres_connection *connection, bool is_again);
void postgres_wire_send(struct postgres_connection *connection, struct postgres_pipeline *pipeline);
/* Takes all results that are there. */
void postgres_wire_receive(struct postgres_connection *connection);
void postgres_wire_finish(struct postgres_connection *connection);
void postgres_failure_forget(struct postgres_failure *failure);
/* A notice receiver; `context` is the connection. */
void postgres_wire_notice(void *context, const PGresult *notice);

/* ---- session.c ------------------------------------------------------------------------------- */

/* libpq's text on one line; the caller's to free. */
char *postgres_one_line(const char *message);

#endif
