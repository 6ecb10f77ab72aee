/*
 * The one table of operations: method, path, name in openapi.yaml, handler, who may, and what a
 * request for it may carry.
 */
#ifndef CARTD_HTTP_ROUTES_H
#define CARTD_HTTP_ROUTES_H

#include "base.h"
#include "cart.h"
#include "target.h"

#define HTTP_PATH_VALUES_MAX 2

struct http_refusal;
struct http_request;

/* Who may, with CARTD_AUTH=token; access.c says what each comes to. There is no good default, so an
 * operation that says nothing is refused. */
enum http_access {
    HTTP_UNSAID,
    HTTP_ANYONE,
    HTTP_NEW_CART,   /* guests; carts: for oneself; carts:all: for anybody */
    HTTP_CART,       /* its guest; carts: one's own; carts:all: any */
    HTTP_CLAIM,      /* carts, with the guest's token; carts:all */
    HTTP_CART_LIST,  /* carts: of one's own; carts:all: of any */
    HTTP_PRICES,     /* prices: in a cart that one may change */
    HTTP_TOTALS,     /* totals: of any cart */
    HTTP_CATALOG,    /* catalog */
    HTTP_COUPONS,    /* coupons */
    HTTP_EVENTS,     /* events */
    HTTP_REPORTS,    /* reports */
    HTTP_OPERATIONS, /* reports; and who is on this machine and came directly */
    HTTP_N_ACCESSES
};

/* What an operation answers with when it succeeds; Accept is checked against it. */
enum http_media {
    HTTP_JSON,
    HTTP_JSON_OR_EVENTS, /* text/event-stream too */
    HTTP_JSON_OR_CSV,    /* text/csv too */
    HTTP_JSON_OR_HTML,   /* text/html too */
    HTTP_METRICS_TEXT,
    HTTP_YAML,
    HTTP_HTML,
    HTTP_PAGE_FILE /* what pages load */
};

/* Answers a request, or asks for what its answer is made of; or says why not. */
typedef const struct http_refusal *http_ask_function(struct http_request *request);

struct http_route {
    const char *method;
    const char *path; /* {…} stands for any one segment */
    const char *operation;
    http_ask_function *ask;
    enum http_access access;
    enum cart_command_type command; /* for http_ask_cart_command() */
    unsigned parameters;            /* of the query: HTTP_ALLOW(…) */
    enum http_media media;
    bool has_secret_path; /* it is neither logged nor told to other sites */
    bool takes_body;      /* false: a body is not looked at */
    bool serves_to_end;   /* also while the service is stopping */
};

const struct http_route *http_routes(size_t *n_routes);

enum http_match {
    HTTP_MATCH,
    HTTP_NO_PATH,  /* no operation has this path */
    HTTP_NO_METHOD /* some have, none with this method */
};
/* Finds the operation of a request. A GET answers HEAD too (RFC 9110, section 9.3.2). `values` get
 * what stands for the {…} of the path. */
enum http_match http_find_route(
    const char *method, const struct http_target *target, const struct http_route **route,
    const char *values[static HTTP_PATH_VALUES_MAX]) BASE_MUST_CHECK;
/* The methods of a path as the header Allow lists them: "GET, HEAD, POST, OPTIONS". */
const char *http_allowed_methods(const struct http_target *target, struct base_arena *arena);

#endif
