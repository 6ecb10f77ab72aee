/*
 * Replies: how a handler answers. Exactly one reply goes to each request, at once or later.
 */
#ifndef CARTD_HTTP_REPLY_H
#define CARTD_HTTP_REPLY_H

#include "base.h"
#include "fields.h"
#include "problems.h"
#include "request.h"

/* A cart is a shopper's own and changes; whoever caches a copy has to ask whether it still holds.
 */
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
    const char *cache;    /* Cache-Control; NULL: says nothing */
    int32_t version;      /* for the ETag; 0: none */
    const char *etag;     /* another one; NULL: none */
    const char *encoding; /* Content-Encoding */
    const char *vary;     /* Vary; only where `cache` is not HTTP_CACHE_FOREVER */
    const char *policy;   /* Content-Security-Policy, of a page */
    const char *location;
    const char *link;
    const char *allow;
    const char *challenge;    /* WWW-Authenticate */
    const char *cart_token;   /* Cart-Token */
    const char *resume_token; /* Resume-Token */
    bool is_replayed;         /* Idempotent-Replayed */
    bool is_minimal;          /* Preference-Applied */
    bool is_for_later;        /* Retry-After: when the caller has something left, or in a moment */
    bool closes;              /* the connection */
    bool is_endless;          /* a stream: it has no length, and the connection ends with it */
};
void http_send_reply(struct http_request *request, const struct http_reply *reply);

/* Replies 200 with a document, which is taken. */
void http_send_json(struct http_request *request, struct base_buffer *body, const char *cache);
/* The one place where refusals become replies. NULL does nothing. */
void http_send_refusal(struct http_request *request, const struct http_refusal *refusal);

/* The head of an answer that goes past libmicrohttpd, up to the headers that only this one has and
 * the empty line: for a request with the id `request_id`, or NULL where its headers were not read.
 */
void http_append_head(
    struct base_buffer *out, unsigned status, const char *media, struct http_request *request,
    const char *request_id);

/* Gives the reply to libmicrohttpd, from within its callback. */
enum MHD_Result http_queue_reply(struct http_request *request) BASE_MUST_CHECK;

#endif
