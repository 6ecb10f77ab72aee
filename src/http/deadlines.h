/*
 * Deadlines of connections. libmicrohttpd ends a connection on which nothing comes, but a client
 * that sends one byte now and then keeps it for ever. So each phase of a connection has an end of
 * its own, after which the socket is shut down; libmicrohttpd then cleans up.
 */
#ifndef CARTD_HTTP_DEADLINES_H
#define CARTD_HTTP_DEADLINES_H

#include "base.h"
#include "loop.h"

/* How long a phase may last, in seconds; 0: as long as it takes. The first is added to the time
 * that an idle connection is kept. */
#define HTTP_PHASES(ROW)                                                                           \
    ROW(HEADERS, 30) /* until all headers of the next request are there */                         \
    ROW(BODY, 60)    /* until its body is there */                                                 \
    ROW(WORK, 0)     /* until we have an answer */                                                 \
    ROW(ANSWER, 60)  /* until the client has taken the answer */                                   \
    ROW(CUT, 0)      /* the socket was shut down */
enum http_phase {
#define HTTP_ROW(NAME, seconds) HTTP_PHASE_##NAME,
    HTTP_PHASES(HTTP_ROW)
#undef HTTP_ROW
        HTTP_N_PHASES
};

struct http_request;

/* One connection. */
struct http_client {
    struct http_client *previous;
    struct http_client *next;
    enum http_phase phase;
    int64_t due_us;
    int fd;
    struct http_request *request; /* under way; NULL: none */
};

/* A queue for each phase, the earliest end first: all that join one have the same time. */
struct http_deadlines {
    struct loop *loop;
    struct loop_timer timer;
    int64_t durations_us[HTTP_N_PHASES];
    struct http_client *first[HTTP_N_PHASES];
    struct http_client *last[HTTP_N_PHASES];
};

void http_init_deadlines(
    struct http_deadlines *deadlines, struct loop *loop, unsigned idle_seconds);
void http_finish_deadlines(struct http_deadlines *deadlines);
/* A new connection, for http_forget_client() to free. */
struct http_client *http_add_client(struct http_deadlines *deadlines, int fd);
void http_forget_client(struct http_deadlines *deadlines, struct http_client *client);
void http_enter_phase(
    struct http_deadlines *deadlines, struct http_client *client, enum http_phase phase);

#endif
