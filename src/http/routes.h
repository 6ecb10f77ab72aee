/*
 * The one table of operations: method, path, name in openapi.yaml, handler, and what a request for
 * it may carry. Who may do what will be said beside it.
 */
#ifndef CARTD_HTTP_ROUTES_H
#define CARTD_HTTP_ROUTES_H

#include "base.h"
#include "target.h"

#define HTTP_PATH_VALUES_MAX 2

struct http_request;

/* What an operation answers with when it succeeds; Accept is checked against it. */
enum http_media {
    HTTP_JSON,
    HTTP_JSON_OR_EVENTS, /* text/event-stream too */
    HTTP_JSON_OR_CSV,    /* text/csv too */
    HTTP_METRICS_TEXT,
    HTTP_YAML
};

struct http_route {
    const char *method;
    const char *path; /* {…} stands for any one segment */
    const char *operation;
    void (*ask)(struct http_request *request);
    unsigned parameters; /* of the query: HTTP_ALLOW(…) */
    enum http_media media;
    bool takes_body;    /* false: a body is not looked at */
    bool serves_to_end; /* also while the service is stopping */
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
