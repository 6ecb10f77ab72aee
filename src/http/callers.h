/*
 * Callers: who uses how much of the service, for the limits that hold for each by itself. A caller
 * is the subject of a bearer token, wherever it calls from; or else an address (for IPv6 the
 * network of 64 bits that one client is given).
 *
 * The table is bounded: by who holds a connection or listens, which have limits of their own, and
 * by HTTP_CALLERS_MAX for those that are only remembered for what they have spent. When there are
 * more, the one that was not heard of for longest is forgotten, which gives it its allowance back:
 * somebody with so many addresses has as many allowances anyway.
 */
#ifndef CARTD_HTTP_CALLERS_H
#define CARTD_HTTP_CALLERS_H

#include "addresses.h"
#include <sys/queue.h>

#include "base.h"
#include "loop.h"
#include "table.h"

#define HTTP_CALLERS_MAX 65536
#define HTTP_RATE_WINDOW_SECONDS 60

/* Who it is: as many bytes as a UUID has. */
struct base_uuid http_caller_of_subject(const char *subject);
struct base_uuid http_caller_of_address(const struct http_address *address);

/* What a caller may hold several of. */
enum http_holding { HTTP_CONNECTION, HTTP_LISTENER, HTTP_N_HOLDINGS };
/* What a caller may do so often within HTTP_RATE_WINDOW_SECONDS. */
enum http_rate { HTTP_READS, HTTP_WRITES, HTTP_COUPON_ATTEMPTS, HTTP_N_RATES };

struct http_caller {
    struct table_entry entry;
    TAILQ_ENTRY(http_caller) by_age; /* of those that hold nothing */
    unsigned held[HTTP_N_HOLDINGS];
    int64_t at_us; /* when `spent` was so */
    /* What a token bucket lacks of being full, in requests times microseconds of the window: so
     * that filling it up again needs no rounding. */
    int64_t spent[HTTP_N_RATES];
};

/* 0 stands for no limit. */
struct http_caller_limits {
    unsigned held[HTTP_N_HOLDINGS];
    unsigned rates[HTTP_N_RATES]; /* requests within the window */
};

struct http_callers {
    struct loop *loop;
    struct http_caller_limits limits;
    struct table table;
    TAILQ_HEAD(http_idle_callers, http_caller) idle; /* who hold nothing, the oldest first */
    size_t n_idle;
};
void http_init_callers(
    struct http_callers *callers, struct loop *loop, const struct http_caller_limits *limits);
void http_finish_callers(struct http_callers *callers);

/* Whether it holds all that it may. */
bool http_caller_is_full(
    const struct http_callers *callers, const struct base_uuid *id, enum http_holding what);
/* Notes that it holds one more, whatever its limit is; http_caller_drop() notes the end of that.
 * NULL, which may be dropped too, when there is no such limit. */
struct http_caller *http_caller_hold(
    struct http_callers *callers, const struct base_uuid *id, enum http_holding what);
void http_caller_drop(
    struct http_callers *callers, struct http_caller *caller, enum http_holding what);

/* What a caller may still do. */
struct http_allowance {
    unsigned quota; /* within the window; 0: there is no limit, and the rest says nothing */
    bool is_spent;  /* not even this request */
    unsigned remaining;
    unsigned seconds; /* until there is one more if it is spent, else until all of it is back */
    enum http_rate rate;
};
/* Takes one request from the caller's allowance, if there is one. */
struct http_allowance http_caller_spend(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate);
/* The request turned out to count for n more. They are taken in any case, if need be from what will
 * come back. */
struct http_allowance http_caller_owe(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate, size_t n);
/* What was taken for one request comes back: it does not count after all. */
void http_caller_refund(
    struct http_callers *callers, const struct base_uuid *id, enum http_rate rate);

#endif
