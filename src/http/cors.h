/*
 * Pages of other origins (WHATWG Fetch, section 3.2): which may read our answers, and what a
 * browser that asks before it sends a request is told.
 *
 * Nothing of ours depends on cookies or other credentials that a browser adds by itself, so
 * Access-Control-Allow-Credentials is never sent, not for listed origins either; and "*" can be
 * said as it is, with which a browser refuses to combine credentials.
 */
#ifndef CARTD_HTTP_CORS_H
#define CARTD_HTTP_CORS_H

#include "base.h"
#include "problems.h"

#define HTTP_ORIGINS_MAX 64
/* How long a browser may remember what it was told; longer than this none does. */
#define HTTP_PREFLIGHT_SECONDS "7200"

struct http_request;

struct http_origins {
    bool is_any;
    size_t n;
    char *list[HTTP_ORIGINS_MAX];
};
/* Reads "*" or "https://shop.example, http://localhost:3000". False with *problem, the caller's to
 * free. */
bool http_read_origins(const char *list, struct http_origins *origins, char **problem)
    BASE_MUST_CHECK;
void http_finish_origins(struct http_origins *origins);
/* What Access-Control-Allow-Origin says to `origin` (NULL: none); NULL: nothing. */
const char *http_allowed_origin(const struct http_origins *origins, const char *origin);

/* Whether an Origin is that of a page of this service itself, by its Host. The scheme is not
 * compared: behind a proxy that ends TLS it is another one outside. NULL or "" never matches. */
bool http_is_own_origin(const char *origin, const char *host) BASE_MUST_CHECK;

/* Refuses a request that may change something if a page of another site, which may not call, made a
 * browser send it. A page needs no leave to send a POST as a form
 * does, with any Content-Type that a form has; it only can't read the answer. So this is what keeps
 * it from a service that asks nobody who they are. Browsers say where such a request comes from in
 * Sec-Fetch-Site (W3C Fetch Metadata Request Headers), but only to https and localhost; and in
 * Origin (Fetch, section 3.2), which is "null" where a page hides it. */
const struct http_refusal *http_check_forgery(struct http_request *request) BASE_MUST_CHECK;

struct http_header_line;
#define HTTP_CORS_HEADERS_MAX 5
/* The headers that an answer has because of the origin of its request, into HTTP_CORS_HEADERS_MAX
 * lines at most; returns how many. */
size_t http_cors_headers(struct http_request *request, struct http_header_line *lines);

#endif
