/*
 * The guard: what libmicrohttpd should have refused. It sees each header once, stores those that
 * operations read, and finds whatever makes a request mean different things to different readers,
 * which is what request smuggling lives on. libmicrohttpd 0.9.75 lets all of this through;
 * 1.0.1, at the discipline that we ask of it, leaves little to do.
 */
#ifndef CARTD_HTTP_GUARD_H
#define CARTD_HTTP_GUARD_H

#include "base.h"

/* How often a header may come. ONCE: more is refused. LIST: combined with commas (RFC 9110, section
 * 5.3). NONE_IF_MANY: more count as none, as nothing depends on it. Two Origins are nobody's. */
#define HTTP_HEADERS(ROW)                                                                          \
    ROW(HOST, "Host", ONCE)                                                                        \
    ROW(CONTENT_LENGTH, "Content-Length", ONCE)                                                    \
    ROW(TRANSFER_ENCODING, "Transfer-Encoding", ONCE)                                              \
    ROW(CONTENT_TYPE, "Content-Type", ONCE)                                                        \
    ROW(CONTENT_ENCODING, "Content-Encoding", LIST)                                                \
    ROW(AUTHORIZATION, "Authorization", ONCE)                                                      \
    ROW(CART_TOKEN, "Cart-Token", ONCE)                                                            \
    ROW(FORWARDED, "Forwarded", LIST)                                                              \
    ROW(EXPECT, "Expect", ONCE)                                                                    \
    ROW(IDEMPOTENCY_KEY, "Idempotency-Key", ONCE)                                                  \
    ROW(ACCEPT, "Accept", LIST)                                                                    \
    ROW(ACCEPT_ENCODING, "Accept-Encoding", LIST)                                                  \
    ROW(LAST_EVENT_ID, "Last-Event-ID", ONCE)                                                      \
    ROW(IF_MATCH, "If-Match", LIST)                                                                \
    ROW(IF_NONE_MATCH, "If-None-Match", LIST)                                                      \
    ROW(PREFER, "Prefer", LIST)                                                                    \
    ROW(X_FORWARDED_FOR, "X-Forwarded-For", LIST)                                                  \
    ROW(ORIGIN, "Origin", LIST)                                                                    \
    ROW(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method", NONE_IF_MANY)              \
    ROW(SEC_FETCH_SITE, "Sec-Fetch-Site", LIST)                                                    \
    ROW(X_REQUEST_ID, "X-Request-Id", NONE_IF_MANY)                                                \
    ROW(TRACEPARENT, "traceparent", NONE_IF_MANY)                                                  \
    ROW(TRACESTATE, "tracestate", LIST)                                                            \
    ROW(BAGGAGE, "baggage", LIST)
enum http_header {
#define HTTP_ROW(NAME, name, times) HTTP_HEADER_##NAME,
    HTTP_HEADERS(HTTP_ROW)
#undef HTTP_ROW
        HTTP_N_HEADERS
};

/* NULL where a header did not come; without the whitespace around it. */
struct http_headers {
    const char *values[HTTP_N_HEADERS];
};

/* A request in the buffer that it was received in, for libmicrohttpd 0.9.75, which takes more than
 * it should and takes it apart where it stands. It writes NULs over the spaces of the first line,
 * each colon and each line's end, and nothing else; so by where the parts stand, every byte can be
 * accounted for: a NUL, a bare line feed, a fold or a space too many leaves one over. Only a NUL
 * in the place of a CR can't be told from one, nor the order of the last four bytes. */
struct http_received {
    const char *method;
    const char *target;
    const char *version;
    size_t n_bytes; /* from the method up to what follows the empty line */
};

struct http_guard {
    struct base_arena *arena;
    struct http_headers *headers;
    const struct http_received *received; /* NULL: the library is strict by itself */
    const char *next_line;                /* where it must begin in the buffer */
    const char *complaint;                /* the first, as a sentence; NULL: none so far */
    unsigned seen[HTTP_N_HEADERS];
};

/* All is borrowed, for as long as the guard and the headers are. */
void http_guard_begin(
    struct http_guard *guard, struct base_arena *arena, struct http_headers *headers,
    const struct http_received *received);
/* Looks at one header, in the order in which they came. Both texts end with a NUL. They are
 * borrowed for as long as the headers. */
void http_guard_header(
    struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length);
/* Looks at the first line and at what only all headers show. NULL, or why the request is refused.
 * `raw_target` is a copy from before the library changed it. The Host is then that of the target
 * where it has one. */
const char *http_guard_finish(
    struct http_guard *guard, const char *method, const char *raw_target,
    const char *version) BASE_MUST_CHECK;

#endif
