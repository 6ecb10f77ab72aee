#include "checks.h"

#include "access.h"
#include "cors.h"
#include "fields.h"
#include "server.h"

static const struct http_refusal *check_draining(struct http_request *request)
{
    if (!request->http->is_draining || request->route->serves_to_end)
        return NULL;
    return http_refuse(
        &request->arena, HTTP_PROBLEM_SHUTTING_DOWN,
        "This instance is shutting down and accepts no new requests. Nothing was done.");
}

static const struct http_refusal *check_access(struct http_request *request)
{
    return http_authorize(request, request->route->access);
}

const struct http_refusal *http_refuse_large_body(struct base_arena *arena)
{
    return http_refuse(
        arena, HTTP_PROBLEM_BODY_TOO_LARGE, "The body is larger than the limit of %d bytes.",
        HTTP_BODY_MAX);
}

static const struct http_refusal *check_length(struct http_request *request)
{
    return request->body_length > HTTP_BODY_MAX ? http_refuse_large_body(&request->arena) : NULL;
}

static const struct http_refusal *read_parameters(struct http_request *request)
{
    const char *complaint = http_read_parameters(
        request->target.query, request->route->parameters, &request->arena, request->parameters);
    if (complaint == NULL)
        return NULL;
    return http_refuse(&request->arena, HTTP_PROBLEM_INVALID_PARAMETER, "%s", complaint);
}

static const char *const *media_types(enum http_media media)
{
    /* Who takes only problems takes JSON. */
    static const char *const json[] = {HTTP_MEDIA_JSON, HTTP_MEDIA_PROBLEM, NULL};
    static const char *const text[] = {"text/plain", NULL};
    static const char *const page_file[] = {"text/javascript", "text/css", "image/svg+xml", NULL};
    static const char *const html[] = {HTTP_MEDIA_HTML, NULL};
    static const char *const yaml[] = {HTTP_MEDIA_YAML, NULL};
    switch (media) {
    case HTTP_JSON:
    case HTTP_JSON_OR_EVENTS:
    case HTTP_JSON_OR_CSV:
    case HTTP_JSON_OR_HTML:
        return json;
    case HTTP_HTML:
        return html;
    case HTTP_PAGE_FILE:
        return page_file;
    case HTTP_METRICS_TEXT:
        return text;
    case HTTP_YAML:
        return yaml;
    }
    return json;
}

static const struct http_refusal *choose_media(struct http_request *request)
{
    const char *accept = request->headers.values[HTTP_HEADER_ACCEPT];
    enum http_media media = request->route->media;
    const char *const *types = media_types(media);
    if (accept == NULL)
        return NULL;
    request->prefers_csv =
        media == HTTP_JSON_OR_CSV && http_prefers(accept, HTTP_MEDIA_CSV, HTTP_MEDIA_JSON);
    request->prefers_html =
        media == HTTP_JSON_OR_HTML && http_prefers(accept, HTTP_MEDIA_HTML, HTTP_MEDIA_JSON);
    request->wants_stream = media == HTTP_JSON_OR_EVENTS && http_prefers_events(accept);
    if (request->wants_stream || request->prefers_csv || request->prefers_html ||
        http_accepts(accept, types))
        return NULL;
    const char *other = media == HTTP_JSON_OR_CSV    ? " or " HTTP_MEDIA_CSV
                        : media == HTTP_JSON_OR_HTML ? " or " HTTP_MEDIA_HTML
                                                     : "";
    return http_refuse(
        &request->arena, HTTP_PROBLEM_NOT_ACCEPTABLE,
        "This operation returns %s%s, which the Accept header excludes.", types[0], other);
}

static const struct http_refusal *check_content(struct http_request *request)
{
    const char *encoding = request->headers.values[HTTP_HEADER_CONTENT_ENCODING];
    const char *type = request->headers.values[HTTP_HEADER_CONTENT_TYPE];
    if (!request->route->takes_body || request->body_length == 0)
        return NULL;
    if (encoding != NULL && !http_is_identity(encoding))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
            "The Content-Encoding \"%.64s\" is not supported; send the body uncompressed, without "
            "this header.",
            encoding);
    bool is_patch = strcmp(request->route->method, "PATCH") == 0;
    if (type != NULL && !http_is_json(type, "application/json") &&
        !(is_patch && http_is_json(type, "application/merge-patch+json")))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
            "The Content-Type \"%.64s\" is not supported; send application/json in UTF-8.", type);
    return NULL;
}

const struct http_refusal *http_check_request(struct http_request *request)
{
    static http_ask_function *const checks[] = {
        check_draining,  http_check_forgery, check_access,  check_length,
        read_parameters, choose_media,       check_content,
    };
    for (size_t i = 0; i < BASE_COUNT(checks); i++) {
        const struct http_refusal *refusal = checks[i](request);
        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}
