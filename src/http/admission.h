/*
 * Limits of a request's caller, as handlers and replies see them; callers.h keeps the count.
 */
#ifndef CARTD_HTTP_ADMISSION_H
#define CARTD_HTTP_ADMISSION_H

#include "callers.h"
#include "problems.h"

struct http_request;
struct http_header_line;

/* Takes the request from its caller's allowance. */
const struct http_refusal *http_admit(struct http_request *request) BASE_MUST_CHECK;
/* The request does as much as n: it counts for so many. */
void http_count_as(struct http_request *request, size_t n);

/* Takes one attempt at a coupon from what the caller, and everybody at the cart of the command, may
 * fail with. http_settle_attempt() gives it back unless it has failed; at once, and not by what was
 * seen in between, so that many at the same time are no more. `pointer`: to the command that tries
 * it. */
const struct http_refusal *http_admit_attempt(struct http_request *request, const char *pointer)
    BASE_MUST_CHECK;
void http_settle_attempt(struct http_request *request, bool has_failed);

#define HTTP_ALLOWANCE_HEADERS_MAX 2
/* RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), into
 * HTTP_ALLOWANCE_HEADERS_MAX lines at most; returns how many. */
size_t http_allowance_headers(struct http_request *request, struct http_header_line *lines);

/* Whether the caller may listen once more. */
const struct http_refusal *http_admit_listener(struct http_request *request) BASE_MUST_CHECK;

#endif
