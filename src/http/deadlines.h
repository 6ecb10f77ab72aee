/*
 * Deadlines of connections. libmicrohttpd ends a connection on which nothing comes, but a client
 * that sends one byte now and then keeps it for ever. So each phase of a connection has an end of
 * its own, after which the socket is shut down; libmicrohttpd then cleans up.
 */
#ifndef CARTD_HTTP_DEADLINES_H
#define CARTD_HTTP_DEADLINES_H

#include <sys/queue.h>

#include "addresses.h"
#include "base.h"
#include "loop.h"
#include "metrics.h"

enum http_phase {
    HTTP_PHASE_IDLE,    /* until the next request begins */
    HTTP_PHASE_HEADERS, /* until all its headers are there; a new connection begins with this */
    HTTP_PHASE_BODY,    /* until its body is there */
    HTTP_PHASE_WORK,    /* until we have an answer */
    HTTP_PHASE_ANSWER,  /* until the client has taken the answer */
    HTTP_PHASE_CUT,     /* the socket was shut down */
    HTTP_N_PHASES
};

struct http;
struct http_caller;
struct http_request;

/* One connection. */
struct http_client {
    TAILQ_ENTRY(http_client) by_due; /* of those in its phase */
    struct http *http;
    enum http_phase phase;
    int64_t due_us;
    int fd;
    struct http_address address;
    struct http_caller *holder;   /* who holds it; NULL: nobody counts */
    struct http_request *begun;   /* its first line was read; NULL: none */
    struct http_request *request; /* the same when its headers were read, too */
};

TAILQ_HEAD(http_clients, http_client);

/* A queue for each phase, the earliest end first: all that join one have the same time. */
struct http_deadlines {
    struct loop *loop;
    struct metrics *metrics;
    struct loop_timer timer;
    int64_t durations_us[HTTP_N_PHASES];
    size_t n_open; /* clients that were not cut off */
    struct http_clients clients[HTTP_N_PHASES];
};

/* How long each phase may last; 0: as long as it takes. */
void http_init_deadlines(
    struct http_deadlines *deadlines, struct loop *loop, struct metrics *metrics,
    const unsigned seconds[static HTTP_N_PHASES]);
void http_finish_deadlines(struct http_deadlines *deadlines);
/* A new connection, for http_forget_client() to free. */
struct http_client *http_add_client(struct http_deadlines *deadlines, int fd);
void http_forget_client(struct http_deadlines *deadlines, struct http_client *client);
void http_enter_phase(
    struct http_deadlines *deadlines, struct http_client *client, enum http_phase phase);
/* Cuts off the client that we have waited for longest, to make room for another one. False: we wait
 * for none; all have requests that are worked on. */
bool http_cut_longest(struct http_deadlines *deadlines) BASE_MUST_CHECK;

#endif
