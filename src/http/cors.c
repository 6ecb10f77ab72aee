#include "cors.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addresses.h"
#include "request.h"
#include "server.h"

/* What a page may send beside the headers that any page may (Fetch, section 2.2.2). */
#define SENT_HEADERS                                                                               \
    "Authorization, baggage, Cart-Token, Content-Type, Idempotency-Key, If-Match, If-None-Match, " \
    "Last-Event-ID, Prefer, traceparent, tracestate, X-Request-Id"
/* What a page may read beside the headers that any page may. */
#define READ_HEADERS                                                                               \
    "Allow, Cart-Token, ETag, Idempotent-Replayed, Link, Location, Preference-Applied, "           \
    "RateLimit, "                                                                                  \
    "RateLimit-Policy, Resume-Token, Retry-After, WWW-Authenticate, X-Request-Id"

/* ---- the setting ----------------------------------------------------------------------------- */

/* The port that a browser leaves out, as it is the scheme's own. */
static bool has_port_of_scheme(const char *origin)
{
    const char *colon = strrchr(origin, ':');
    return (strncmp(origin, "http://", 7) == 0 && strcmp(colon, ":80") == 0) ||
           (strncmp(origin, "https://", 8) == 0 && strcmp(colon, ":443") == 0);
}

/* As a browser writes it: nothing is made equal when it is compared. */
static bool is_origin(const char *text)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0)
        return false;
    const char *host = text + scheme + 3;
    size_t length = strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]");
    return length > 0 && host[length] == '\0' && host[length - 1] != ':' &&
           !has_port_of_scheme(text);
}

static char *complain(const struct http_origins *origins, const char *origin)
{
    if (origins->n == HTTP_ORIGINS_MAX)
        return base_print("at most %d origins are allowed", HTTP_ORIGINS_MAX);
    return base_print(
        "\"%s\" is not an origin as browsers send it: scheme://host or scheme://host:port in lower "
        "case, without a path and without the default port of the scheme; or * alone for all "
        "origins",
        origin);
}

bool http_read_origins(const char *list, struct http_origins *origins, char **problem)
{
    struct http_origins read = {.is_any = strcmp(list, "*") == 0};
    BASE_CLEANUP(base_free_pointer) char *copy = base_copy_text(read.is_any ? "" : list);
    char *rest = *copy == '\0' ? NULL : copy;
    while (rest != NULL) {
        const char *entry = http_trim(strsep(&rest, ","));
        if (read.n == HTTP_ORIGINS_MAX || !is_origin(entry)) {
            *problem = complain(&read, entry);
            http_finish_origins(&read);
            return false;
        }
        read.list[read.n++] = base_copy_text(entry);
    }
    *origins = read;
    return true;
}

void http_finish_origins(struct http_origins *origins)
{
    for (size_t i = 0; i < origins->n; i++)
        free(origins->list[i]);
    origins->n = 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

const char *http_allowed_origin(const struct http_origins *origins, const char *origin)
{
    if (origin == NULL)
        return NULL;
    if (origins->is_any)
        return "*";
    for (size_t i = 0; i < origins->n; i++) {
        if (strcmp(origins->list[i], origin) == 0)
            return origins->list[i];
    }
    return NULL;
}

/* A browser leaves out the port that is the scheme's own, a client or proxy may write it. */
bool http_is_own_origin(const char *origin, const char *host)
{
    const char *scheme_end = strstr(origin, "://");
    if (scheme_end == NULL || host == NULL || *host == '\0')
        return false;
    const char *authority = scheme_end + 3;
    size_t length = strlen(authority);
    if (strncasecmp(host, authority, length) != 0)
        return false;
    const char *rest = host + length;
    bool is_https = strncmp(origin, "https:", 6) == 0;
    return *rest == '\0' || strcmp(rest, is_https ? ":443" : ":80") == 0;
}

static bool may_change_something(const char *method)
{
    static const char *const harmless[] = {"GET", "HEAD", "OPTIONS"};
    for (size_t i = 0; i < BASE_COUNT(harmless); i++) {
        if (strcmp(method, harmless[i]) == 0)
            return false;
    }
    return true;
}

/* Why a page made the browser send this; NULL: none did that may not. */
static const char *forgery_complaint(struct http_request *request)
{
    const char *origin = request->headers.values[HTTP_HEADER_ORIGIN];
    if (!may_change_something(request->method) ||
        http_allowed_origin(&request->http->origins, origin) != NULL)
        return NULL;
    const char *site = request->headers.values[HTTP_HEADER_SEC_FETCH_SITE];
    /* This a page can't set, so it holds also where a proxy has changed the Host. */
    if (site != NULL && strcmp(site, "same-origin") == 0)
        return NULL;
    if (site != NULL && strcmp(site, "none") != 0)
        return "A page of another site made the browser send this request (Sec-Fetch-Site), and "
               "its origin is not allowed. The setting CARTD_CORS_ORIGINS lists the allowed "
               "origins.";
    if (origin == NULL || http_is_own_origin(origin, request->headers.values[HTTP_HEADER_HOST]))
        return NULL;
    return base_arena_printf(
        &request->arena,
        "The origin \"%.128s\" is not allowed: it is not that of the Host, and the setting "
        "CARTD_CORS_ORIGINS does not list it.",
        origin);
}

const struct http_refusal *http_check_forgery(struct http_request *request)
{
    const char *complaint = forgery_complaint(request);
    return complaint == NULL
               ? NULL
               : http_refuse(&request->arena, HTTP_PROBLEM_FORBIDDEN, "%s", complaint);
}

size_t http_cors_headers(struct http_request *request, struct http_header_line *lines)
{
    const struct http_origins *origins = &request->http->origins;
    size_t n = 0;
    /* Also where nothing else is said: a cache may not give that to a page that may read it. */
    if (origins->n > 0)
        lines[n++] = (struct http_header_line){"Vary", "Origin"};
    const char *allowed = http_allowed_origin(origins, request->headers.values[HTTP_HEADER_ORIGIN]);
    if (allowed == NULL)
        return n;
    lines[n++] = (struct http_header_line){"Access-Control-Allow-Origin", allowed};
    bool is_preflight = strcmp(request->method, "OPTIONS") == 0 &&
                        request->headers.values[HTTP_HEADER_ACCESS_CONTROL_REQUEST_METHOD] != NULL;
    if (!is_preflight) {
        lines[n++] = (struct http_header_line){"Access-Control-Expose-Headers", READ_HEADERS};
        return n;
    }
    lines[n++] = (struct http_header_line){"Access-Control-Allow-Methods", request->allowed};
    lines[n++] = (struct http_header_line){"Access-Control-Allow-Headers", SENT_HEADERS};
    lines[n++] = (struct http_header_line){"Access-Control-Max-Age", HTTP_PREFLIGHT_SECONDS};
    return n;
}
