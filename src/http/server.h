/*
 * The server itself, for the files of this room.
 */
#ifndef CARTD_HTTP_SERVER_H
#define CARTD_HTTP_SERVER_H

#include <microhttpd.h>

#include "base.h"
#include "callers.h"
#include "cors.h"
#include "deadlines.h"
#include "http.h"
#include "loop.h"
#include "stream.h"

/* Lines of the log that any client can bring about: one a second is written. */
struct http_seldom {
    int64_t logged_at_us; /* 0: never */
    int64_t n_unlogged;   /* since then */
};

typedef enum MHD_Result http_queue_function(
    struct MHD_Connection *connection, unsigned status, struct MHD_Response *response);

struct http {
    struct http_options options;
    struct base_random random; /* for ids */
    char *address;
    struct MHD_Daemon *daemon;
    http_queue_function *queue_response; /* libmicrohttpd's; see oversize.h */
    struct loop_watch watch;             /* of the daemon's epoll descriptor */
    struct loop_timer timer;             /* for its timeouts */
    struct loop_deferred again;          /* it has more to do */
    struct http_deadlines deadlines;
    struct http_callers callers;
    struct http_callers coupon_carts; /* carts at which coupons are tried: the same for each */
    struct http_proxies proxies;
    struct http_origins origins;
    size_t n_under_way; /* requests, from being whole to the end of their answer */
    struct http_streams streams;
    struct http_request *spare; /* some that were done with, for the next ones */
    size_t n_spare;
    bool is_draining;
    unsigned n_turns_without_use; /* since libmicrohttpd told us anything */
    bool is_lenient_library;
    bool is_library_muted;
    struct http_seldom library_lines;
    struct http_seldom refused_lines;
};

#endif
