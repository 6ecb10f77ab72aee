/*
 * A request, as handlers see it. It is made when its first line was read, lives until libmicrohttpd
 * is done with it, and has one owner: the callback that says so frees it. While it waits for the
 * service or the projections its connection is suspended, and suspended connections are neither
 * timed out nor closed, so it can't end under those who owe it an answer.
 */
#ifndef CARTD_HTTP_REQUEST_H
#define CARTD_HTTP_REQUEST_H

#include <microhttpd.h>

#include "auth.h"
#include "base.h"
#include "callers.h"
#include "codec.h"
#include "deadlines.h"
#include "feed.h"
#include "guard.h"
#include "projections.h"
#include "routes.h"
#include "service.h"
#include "target.h"

/* A body that is too large is read and thrown away up to here, so that the connection can go on;
 * beyond it the connection is closed. */
#define HTTP_BODY_SWALLOWED_MAX (1024 * 1024)

/* A long poll: it listens until something is there or its time is over. */
struct http_poll {
    struct feed_listener listener;
    struct http_caller *holder; /* whose listener it is */
    struct loop_timer timer;
    struct base_buffer events; /* JSON, with commas between them */
    int32_t limit;
    int64_t began_after;
    bool is_beyond; /* the log has become shorter */
};

/* BEGUN ─headers─▶ RECEIVING ─whole─▶ ASKED ─▶ WAITING ─answer─▶ ANSWERED ─▶ QUEUED.
 * BEGUN and ASKED go on to QUEUED when the answer is there at once. */
enum http_stage {
    HTTP_BEGUN,     /* its first line was read */
    HTTP_RECEIVING, /* its headers were read; perhaps a body comes */
    HTTP_ASKED,     /* it is whole; its handler is called */
    HTTP_WAITING,   /* for whom the handler asked; the connection is suspended */
    HTTP_ANSWERED,  /* the response is there; the connection resumes */
    HTTP_QUEUED     /* libmicrohttpd has the response */
};

struct http_header_line {
    const char *name;
    const char *value;
};

struct http_request {
    struct http_request *next; /* among the spare ones */
    struct http *http;
    struct http_client *client;
    struct MHD_Connection *connection;
    struct base_arena arena; /* whatever lives as long as the request */
    enum http_stage stage;
    bool is_under_way; /* counted in http->n_under_way */
    int64_t began_at_us;
    const char *id; /* X-Request-Id, the client's or ours */
    struct base_uuid caller;
    struct http_allowance allowance; /* what the caller has left */

    /* What is asked. */
    const char *raw_target;
    const char *method;
    struct http_target target;
    enum http_match match;
    const struct http_route *route;                /* HTTP_MATCH only */
    const char *path_values[HTTP_PATH_VALUES_MAX]; /* decoded, in the order of the route's path */
    const char *allowed;                           /* methods of the path, unless HTTP_MATCH */
    const char *parameters[HTTP_N_PARAMETERS];     /* NULL where absent */
    struct http_headers headers;
    struct base_buffer body;
    const char *canonical_body; /* of a command that has a key and whose body was read */
    size_t body_length;         /* as it came; more than body.length when it was not stored */
    const char *begin;          /* where libmicrohttpd has read the first byte to */
    size_t body_reached;        /* how far from there bytes of the body were seen */
    bool prefers_minimal;
    bool wants_stream;  /* of events */
    bool is_taken_over; /* its socket is a stream's now, and libmicrohttpd has only to let go */
    bool prefers_csv;
    bool prefers_html;
    bool is_attempt; /* at a coupon, that is counted */

    /* The caller (access.c). */
    struct auth_identity identity; /* subject NULL: not authenticated */
    const char *token_complaint; /* why the token is not accepted; NULL: it is, or there is none */
    struct cart_caller rights;   /* which carts are the caller's */
    const char *actor;           /* for events */
    const char *cart_token;      /* of the cart that is made; NULL: it has none */
    const char *resume_token;    /* that is made; NULL: none is */

    /* What a handler waits with. */
    union {
        struct service_command command;
        struct projections_read read;
        struct projections_page page;
        struct projections_report report;
        struct service_history history;
        struct feed_page feed_page;
        struct http_poll poll;
    } wait;
    int64_t poll_seconds;           /* that a long poll may take */
    struct codec_commands commands; /* goes with wait.command; n is 0 for a product */
    struct cart_request asked;      /* the same, as the service takes them */

    /* The answer. */
    unsigned status;
    bool has_failed; /* by a fault of ours */
    struct MHD_Response *response;
};

/* libmicrohttpd's callbacks; cls is the struct http. */
void *http_begin_request(void *cls, const char *raw_target, struct MHD_Connection *connection);
enum MHD_Result http_handle_request(
    void *cls, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_length, void **context);
void http_complete_request(
    void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode termination);

/* For the end of a connection: libmicrohttpd 0.9.75 never completes a request whose query has more
 * parameters than its memory holds. */
void http_end_lost_request(struct http_client *client);

/* Frees what http_complete_request() caches for the next requests. */
void http_free_spare_requests(struct http *http);

/* What an Idempotency-Key stands for is the body's meaning. */
static inline struct codec_body http_request_body(struct http_request *request)
{
    return (struct codec_body){
        .bytes = request->body.bytes,
        .length = request->body.length,
        .canonical = request->wait.command.key == NULL ? NULL : &request->canonical_body,
    };
}

#endif
