/*
 * The guard: what libmicrohttpd should have refused. It sees each header once, keeps those that
 * operations read, and finds whatever makes a request mean different things to different readers,
 * which is what request smuggling lives on. libmicrohttpd 0.9.75 lets all of this through;
 * 1.0.1, at the discipline that we ask of it, leaves little to do.
 */
#ifndef CARTD_HTTP_GUARD_H
#define CARTD_HTTP_GUARD_H

#include "base.h"

/* How often a header may come. ONCE: more is refused. LIST: combined with commas (RFC 9110, section
 * 5.3). NONE_IF_MANY: more count as none, as nothing depends on it. */
#define HTTP_HEADERS(ROW)                                                                          \
    ROW(HOST, "Host", ONCE)                                                                        \
    ROW(CONTENT_LENGTH, "Content-Length", ONCE)                                                    \
    ROW(TRANSFER_ENCODING, "Transfer-Encoding", ONCE)                                              \
    ROW(CONTENT_TYPE, "Content-Type", ONCE)                                                        \
    ROW(AUTHORIZATION, "Authorization", ONCE)                                                      \
    ROW(EXPECT, "Expect", ONCE)                                                                    \
    ROW(IDEMPOTENCY_KEY, "Idempotency-Key", ONCE)                                                  \
    ROW(ACCEPT, "Accept", LIST)                                                                    \
    ROW(LAST_EVENT_ID, "Last-Event-ID", ONCE)                                                      \
    ROW(IF_MATCH, "If-Match", LIST)                                                                \
    ROW(IF_NONE_MATCH, "If-None-Match", LIST)                                                      \
    ROW(PREFER, "Prefer", LIST)                                                                    \
    ROW(X_FORWARDED_FOR, "X-Forwarded-For", LIST)                                                  \
    ROW(ORIGIN, "Origin", NONE_IF_MANY)                                                            \
    ROW(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method", NONE_IF_MANY)              \
    ROW(X_REQUEST_ID, "X-Request-Id", NONE_IF_MANY)                                                \
    ROW(TRACEPARENT, "traceparent", NONE_IF_MANY)
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

struct http_guard {
    struct base_arena *arena;
    struct http_headers *headers;
    const char *complaint; /* the first, as a sentence; NULL: none so far */
    /* The library is one that takes headers apart where they stand, and takes more than it should.
     * Then what it overwrote shows what was there: see http_guard_header(). */
    bool is_lenient_library;
    unsigned seen[HTTP_N_HEADERS];
};

/* Looks at one header. Both texts end with a NUL. They are borrowed for as long as the headers.
 *
 * With is_lenient_library they lie in the buffer that the request was received in, where the
 * library wrote NULs over the colon and the line's end: after the name comes a NUL and then the
 * value, but for a line that was folded, as the library moves its name; after the value come two
 * NULs, but for a line that ended with a bare LF or held a NUL. */
void http_guard_header(
    struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length);
/* Looks at the first line and at what only all headers show. NULL, or why the request is refused.
 * `received_target` is where the target stands in the buffer; it is only looked at with
 * is_lenient_library, and only as an address: the library has changed what is there. */
const char *http_guard_finish(
    struct http_guard *guard, const char *raw_target, const char *received_target,
    const char *version) BASE_MUST_CHECK;

#endif
