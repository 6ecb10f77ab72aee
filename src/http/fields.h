/*
 * The values of the headers that operations read: entity tags, keys, preferences, media types and
 * identifiers. Each function takes a header's value, without the whitespace around it.
 */
#ifndef CARTD_HTTP_FIELDS_H
#define CARTD_HTTP_FIELDS_H

#include "base.h"
#include "service.h"

#define HTTP_MEDIA_JSON "application/json"
#define HTTP_MEDIA_PROBLEM "application/problem+json"
#define HTTP_MEDIA_CSV "text/csv"
#define HTTP_MEDIA_CSV_SENT "text/csv; charset=utf-8; header=present" /* RFC 4180, section 3 */
#define HTTP_MEDIA_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define HTTP_MEDIA_EVENTS "text/event-stream"
#define HTTP_MEDIA_YAML "application/yaml"
#define HTTP_MEDIA_HTML "text/html"

/* The entity tags of If-Match or If-None-Match (RFC 9110, section 13.1). Our tags are "<version>"
 * and strong. Any other tag is well-formed and matches nothing; a proxy may have made it of one of
 * ours, as W/"3" or "3-gzip". */
struct http_etags {
    bool is_any; /* * */
    size_t n;
    int32_t versions[SERVICE_VERSIONS_MAX];
    const char *unmatched; /* the first tag that matches no version, in the value; NULL: none */
    size_t unmatched_length;
};
/* STRONG leaves weak tags out (If-Match); WEAK takes W/"3" for "3" (If-None-Match): RFC 9110,
 * section 8.8.3.2. */
enum http_comparison { HTTP_STRONG, HTTP_WEAK };
/* False: not a list of entity tags, or more than SERVICE_VERSIONS_MAX of ours. */
bool http_read_etags(const char *value, enum http_comparison comparison, struct http_etags *etags)
    BASE_MUST_CHECK;
bool http_etags_match(const struct http_etags *etags, int32_t version);

/* Whether an If-None-Match names a tag that is none of a version, or any: compared weakly. */
bool http_has_etag(const char *value, const char *etag);

/* The key of an Idempotency-Key, bare or as a quoted string (RFC 9651, section 3.3.3), 1 to
 * HTTP_KEY_MAX printable ASCII characters. NULL: it is neither. */
const char *http_read_idempotency_key(const char *value, struct base_arena *arena) BASE_MUST_CHECK;

/* Whether Prefer asks for return=minimal (RFC 7240): the first `return` counts, the rest is not
 * ours. */
bool http_prefers_minimal(const char *value);

/* Whether Accept lets in one of `types`, which are said to be the same ("application/json"); NULL
 * ends them (RFC 9110, section 12.5.1). The first that any range covers decides. */
bool http_accepts(const char *value, const char *const *types);

/* Whether Accept asks for text/event-stream by name and for application/json less. */
bool http_prefers_events(const char *value);

/* Whether Accept lets in `type`, and rather than `other`. */
bool http_prefers(const char *value, const char *type, const char *other);

/* Whether Accept-Encoding names a coding and lets it in (RFC 9110, section 12.5.3). */
bool http_accepts_encoding(const char *value, const char *coding);

/* Whether a Content-Type is that kind of JSON, in UTF-8 if it says so. */
bool http_is_json(const char *value, const char *media);

/* Whether a Content-Encoding says that there is none: identity, however often, or nothing. */
bool http_is_identity(const char *value);

#define HTTP_REQUEST_ID_MAX 128
/* 1 to HTTP_REQUEST_ID_MAX of [A-Za-z0-9._-]. */
bool http_is_request_id(const char *value);
/* Version 00 of W3C Trace Context, section 3.2, with ids that are not all zeros. */
bool http_is_traceparent(const char *value);
#define HTTP_TRACESTATE_MAX 512
#define HTTP_TRACESTATE_MEMBERS_MAX 32
/* W3C Trace Context, section 3.3: 1 to HTTP_TRACESTATE_MEMBERS_MAX of key=value, in at most
 * HTTP_TRACESTATE_MAX bytes. */
bool http_is_tracestate(const char *value);
/* Bytes of baggage that are stored with each event; W3C Baggage lets clients send 8192. */
#define HTTP_BAGGAGE_MAX 1024
/* W3C Baggage, section 3.3: key=value;property, …, in at most HTTP_BAGGAGE_MAX bytes. */
bool http_is_baggage(const char *value);

#endif
