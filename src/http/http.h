/*
 * http: the HTTP contract of cartd. It turns requests into commands and reads, and their outcomes
 * into answers; it holds no rule of a cart and no SQL. libmicrohttpd parses, without a thread of
 * its own, its epoll descriptor nested in the loop.
 *
 * Inside, from above: server.c (the library's settings and callbacks), request.c (a request from
 * its first line to its end), routes.c (the one table of operations), handlers/ (ask and answer),
 * checks.c, access.c, admission.c and cors.c (what speaks against a request, as a refusal),
 * reply.c (the one place that replies), guard.c (what libmicrohttpd should have refused),
 * deadlines.c (what a client may take), problems.c (the only place that knows the status of a
 * problem), daemon.c (the library on the loop).
 */
#ifndef CARTD_HTTP_H
#define CARTD_HTTP_H

#include "auth.h"
#include "base.h"
#include "feed.h"
#include "loop.h"
#include "metrics.h"
#include "projections.h"
#include "service.h"

#define HTTP_BODY_MAX (64 * 1024)
#define HTTP_PAGE_MAX 100
#define HTTP_PAGE_DEFAULT 20
#define HTTP_KEY_MAX 255 /* characters of an Idempotency-Key */
/* Of a long poll; longer ones end at what stands between a client and a service. */
#define HTTP_WAIT_SECONDS_MAX 30

struct http_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    struct service *service;
    struct projections *projections;
    struct feed *feed;
    struct auth *auth;  /* NULL: everybody may do everything */
    const char *listen; /* address:port, *:port for all; port 0 takes a free one */
    const char *default_currency;
    int64_t reopen_hours;     /* in which an owner may reopen a cart that was closed */
    bool has_one_open_cart;   /* of each customer one may be open */
    bool checks_prices;       /* of each cart that is checked out, asked for or not */
    const char *version;      /* of cartd */
    bool has_pages;           /* browsers get pages */
    unsigned connections_max; /* when there are as many, the one waited for longest is cut off */
    /* How long a client may take; see deadlines.h. */
    unsigned idle_seconds;
    unsigned headers_seconds;
    unsigned body_seconds;
    unsigned answer_seconds;
    /* For each caller, see callers.h; 0: no limit. */
    unsigned connections_per_address;
    unsigned listeners_per_caller;
    unsigned reads_per_minute;
    unsigned writes_per_minute;
    unsigned coupon_attempts_per_minute; /* that fail; also for each cart */
    const char *proxies;                 /* see http_read_proxies() */
    const char *cors_origins;            /* see http_read_origins() */
};

/* Whether `address` can be given to listen. False with *problem (a sentence, the caller's to free).
 */
bool http_check_address(const char *address, char **problem) BASE_MUST_CHECK;
/* Whether `address`, as it is given to listen, is one that only this machine reaches. */
bool http_is_loopback(const char *address) BASE_MUST_CHECK;

struct http;
/* Binds and begins to serve. NULL with *problem (a sentence, the caller's to free) when the address
 * is not one or is taken, or when proxies or origins are no such lists. SO_REUSEPORT is set:
 * several processes may share a port. */
struct http *http_create(const struct http_options *options, char **problem) BASE_MUST_CHECK;
/* The version of libmicrohttpd that runs, which need not be the one that it was compiled with. */
const char *http_library_version(void);
/* The address in use, with the port that was taken; borrowed. */
const char *http_listen_address(const struct http *http);
/* Stops accepting connections and answers new requests 503 shutting-down with Connection: close;
 * requests under way go on. /readyz says so. Event streams end with feed_drain(). */
void http_drain(struct http *http);
/* Requests that are whole and not answered to the end; neither idle connections nor uploads. */
size_t http_waiting(const struct http *http);
/* Everything must have been answered (destroy the service, the projections and the feed first).
 * NULL-safe. */
void http_destroy(struct http *http);

/* For the command line: GETs `path` from a server on `listen` with blocking calls, at most
 * `timeout_ms`. False with *problem when it can't be reached; else *status is the answer's. */
bool http_probe(const char *listen, const char *path, int timeout_ms, int *status, char **problem)
    BASE_MUST_CHECK;

#endif
