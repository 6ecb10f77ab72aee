/*
 * The target of a request: what is refused, how it falls into path segments and query parameters.
 * Percent-encoding (RFC 3986, section 2.1) is undone once and after splitting, so that an encoded
 * delimiter never becomes one.
 */
#ifndef CARTD_HTTP_TARGET_H
#define CARTD_HTTP_TARGET_H

#include "base.h"

#define HTTP_SEGMENTS_MAX 5

struct http_target {
    const char *path;                        /* as it came, without the query; "/" for none */
    const char *query;                       /* as it came, without the question mark; NULL: none */
    size_t n_segments;                       /* HTTP_SEGMENTS_MAX + 1: more than any route has */
    const char *segments[HTTP_SEGMENTS_MAX]; /* decoded */
    const char *raw[HTTP_SEGMENTS_MAX];      /* as they came: in `path`, not ended by a NUL */
    size_t raw_lengths[HTTP_SEGMENTS_MAX];
};

/* The query parameters that operations read. */
#define HTTP_PARAMETERS(ROW)                                                                       \
    ROW(STATUS, "status")                                                                          \
    ROW(CUSTOMER_ID, "customer_id")                                                                \
    ROW(SKU, "sku")                                                                                \
    ROW(ORDER_REFERENCE, "order_reference")                                                        \
    ROW(CURRENCY, "currency")                                                                      \
    ROW(CUSTOMER_EMAIL, "customer_email")                                                          \
    ROW(CREATED_FROM, "created_from")                                                              \
    ROW(CREATED_TO, "created_to")                                                                  \
    ROW(ABANDONED, "abandoned")                                                                    \
    ROW(COUPON, "coupon")                                                                          \
    ROW(UPDATED_FROM, "updated_from")                                                              \
    ROW(UPDATED_TO, "updated_to")                                                                  \
    ROW(TOTAL_FROM, "total_from")                                                                  \
    ROW(TOTAL_TO, "total_to")                                                                      \
    ROW(SORT, "sort")                                                                              \
    ROW(COUNT, "count")                                                                            \
    ROW(LIMIT, "limit")                                                                            \
    ROW(CURSOR, "cursor")                                                                          \
    ROW(VERBOSE, "verbose")                                                                        \
    ROW(VERSION, "version")                                                                        \
    ROW(AT, "at")                                                                                  \
    ROW(PRICES, "prices")                                                                          \
    ROW(AFTER, "after")                                                                            \
    ROW(TYPE, "type")                                                                              \
    ROW(LOG_ID, "log_id")                                                                          \
    ROW(WAIT, "wait")                                                                              \
    ROW(AS_OF, "as_of")                                                                            \
    ROW(FROM, "from")                                                                              \
    ROW(TO, "to")                                                                                  \
    ROW(WITHIN_DAYS, "within_days")
enum http_parameter {
#define HTTP_ROW(NAME, name) HTTP_PARAMETER_##NAME,
    HTTP_PARAMETERS(HTTP_ROW)
#undef HTTP_ROW
        HTTP_N_PARAMETERS
};
/* For the sets of parameters that routes allow. */
#define HTTP_ALLOW(NAME) (1U << HTTP_PARAMETER_##NAME)
const char *http_parameter_name(enum http_parameter parameter);
/* Those that are lists: one that comes more than once is joined with commas. */
#define HTTP_LISTS HTTP_ALLOW(TYPE)
#define HTTP_LISTED_MAX 32 /* in a list, however it comes */

/* The host and port of a target in absolute form (RFC 9112, section 3.2.2), which then counts and
 * not the Host; NULL for one in origin form. */
const char *http_find_authority(const char *raw, size_t *length) BASE_MUST_CHECK;
/* Why a raw target is ambiguous, as a sentence; NULL when it is not. Accepted are the origin form
 * of RFC 9112, section 3.2.1, and the absolute form, whose authority is not looked at, without
 * encoded slashes in the path, but for a sku's, and without encoded NULs. */
const char *http_target_complaint(const char *raw) BASE_MUST_CHECK;
/* Splits a target without complaints. Texts go to the arena. */
void http_split_target(const char *raw, struct base_arena *arena, struct http_target *target);

/* Reads the query into `values` (NULL where absent; each starts as NULL). A '+' is a space, as
 * forms and most client libraries write it. Parameters that are known to mean nothing to anybody
 * but those who count visitors (_, utm_source, fbclid …) are passed over. NULL, or the sentence
 * that says which parameter is wrong: unknown, not in `allowed`, given twice without being a list,
 * or not UTF-8. */
const char *http_read_parameters(
    const char *query, unsigned allowed, struct base_arena *arena,
    const char *values[static HTTP_N_PARAMETERS]) BASE_MUST_CHECK;

/* Appends `text` with everything but the unreserved characters percent-encoded. */
void http_append_encoded(struct base_buffer *out, const char *text);

#endif
