/*
 * Requests that are too large for the memory of their connection, which libmicrohttpd allocates
 * once and uses for everything: the headers, a record for each of them, a copy of the cookies, and
 * at the end the headers of the answer. When nothing is left for those, it closes the connection
 * without a byte, also after a command was recorded. So a request is refused before anything is
 * done unless enough is left.
 *
 * What does not fit at all libmicrohttpd refuses by itself, with a page of HTML that 0.9.75 sends
 * twice or not at all, depending on the size. So those answers are ours too.
 */
#ifndef CARTD_HTTP_OVERSIZE_H
#define CARTD_HTTP_OVERSIZE_H

#include <microhttpd.h>

#include "base.h"
#include "problems.h"

struct http_request;

/* What libmicrohttpd may use for one connection. About 15 KiB of headers pass, of cookies half of
 * that, which is more than most proxies let through. An idle connection costs a KiB more than this.
 */
#define HTTP_CONNECTION_MEMORY (20 * 1024)

/* Whether the connection of a request has memory left for the headers of its answer. */
bool http_has_room(const struct http_request *request) BASE_MUST_CHECK;
/* Answers a request for which http_has_room() says no. The callback of libmicrohttpd returns what
 * this does, which closes the connection. */
enum MHD_Result http_refuse_oversized(struct http_request *request) BASE_MUST_CHECK;

#endif
