/*
 * The checks that are the same for every operation, by its row in the table of routes.
 */
#ifndef CARTD_HTTP_CHECKS_H
#define CARTD_HTTP_CHECKS_H

#include "problems.h"
#include "request.h"

/* Refuses what the route does not let through, in the order of API.md, section 6; reads the query
 * parameters, and which media type the answer has, into the request. */
const struct http_refusal *http_check_request(struct http_request *request) BASE_MUST_CHECK;
const struct http_refusal *http_refuse_large_body(struct base_arena *arena);

#endif
