/*
 * Replies: how a handler answers. Exactly one reply goes to each request, at once or later.
 */
#ifndef CARTD_HTTP_REPLY_H
#define CARTD_HTTP_REPLY_H

#include "base.h"
#include "problems.h"
#include "request.h"

#define HTTP_MEDIA_JSON "application/json"
#define HTTP_MEDIA_PROBLEM "application/problem+json"
#define HTTP_MEDIA_CSV "text/csv"
#define HTTP_MEDIA_CSV_SENT "text/csv; charset=utf-8; header=present" /* RFC 4180, section 3 */
#define HTTP_MEDIA_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define HTTP_MEDIA_EVENTS "text/event-stream"
#define HTTP_MEDIA_YAML "application/yaml"

/* A cart is a shopper's own and changes; whoever keeps a copy has to ask whether it still holds. */
#define HTTP_CACHE_PRIVATE "private, no-cache"
/* What it was never changes. */
#define HTTP_CACHE_FOREVER "private, max-age=31536000, immutable"
#define HTTP_CACHE_PUBLIC "no-cache"
#define HTTP_CACHE_NEVER "no-store"

/* Texts are copied, but for `fixed`. */
struct http_reply {
    unsigned status;
    const char *media;        /* Content-Type; NULL: there is no body */
    struct base_buffer *body; /* taken: it is empty afterwards; NULL: `fixed` or none */
    const char *fixed;        /* a body that outlives the server */
    size_t fixed_length;
    const char *cache; /* Cache-Control; NULL: says nothing */
    int32_t version;   /* for the ETag; 0: none */
    const char *location;
    const char *link;
    const char *allow;
    const char *challenge;  /* WWW-Authenticate */
    const char *cart_token; /* Cart-Token */
    bool is_replayed;       /* Idempotent-Replayed */
    bool is_minimal;        /* Preference-Applied */
    bool is_for_later;      /* Retry-After: when the caller has something left, or in a moment */
    bool closes;            /* the connection */
    bool is_endless;        /* a stream: it has no length, and the connection ends with it */
};
void http_send_reply(struct http_request *request, const struct http_reply *reply);

/* Replies with a problem. */
void http_send_trouble(struct http_request *request, const struct http_trouble *trouble);
/* The same for one that has nothing but a detail, in the manner of printf. */
void http_refuse(struct http_request *request, enum http_problem problem, const char *detail, ...)
    BASE_PRINTF(3, 4);

#define HTTP_DATE_SIZE 64
/* As the header Date has it (RFC 9110, section 5.6.7). */
void http_format_date(int64_t unix_us, char text[static HTTP_DATE_SIZE]);

#define HTTP_COMMON_HEADERS_MAX 8
/* Headers of every answer, whichever way it goes, in the request's arena; returns how many. */
size_t http_common_headers(
    struct http_request *request, struct http_header_line lines[static HTTP_COMMON_HEADERS_MAX]);

/* Gives the reply to libmicrohttpd, from within its callback. */
enum MHD_Result http_queue_reply(struct http_request *request) BASE_MUST_CHECK;

#endif
