#include "handlers.h"

#include <string.h>

#include "fields.h"
#include "reply.h"
#include "server.h"

void http_refuse_parameter(struct http_request *request, const char *name, const char *must_be)
{
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER, "The query parameter \"%s\" must be %s.", name,
        must_be);
}

void http_refuse_missing(struct http_request *request, enum http_problem missing, const char *kind)
{
    http_refuse(request, missing, "There is no %s \"%.64s\".", kind, request->path_values[0]);
}

void http_refuse_cursor(struct http_request *request)
{
    http_refuse_parameter(
        request, "cursor", "the next_cursor of a page of this list with the same filters");
}

bool http_read_time(struct http_request *request, enum http_parameter parameter, int64_t *unix_us)
{
    const char *text = request->parameters[parameter];
    if (text == NULL || base_time_parse(text, unix_us))
        return true;
    http_refuse_parameter(
        request, http_parameter_name(parameter),
        "an RFC 3339 time, as 2026-11-23T04:38:00.123456Z, with + written as %2B");
    return false;
}

void http_refuse_failed(struct http_request *request, enum base_failure failure)
{
    switch (failure) {
    case BASE_NO_FAILURE:
        return;
    case BASE_OVERLOADED:
        http_refuse(request, HTTP_PROBLEM_OVERLOADED, "Too many reads are waiting already.");
        return;
    case BASE_TOO_SLOW:
        http_refuse(
            request, HTTP_PROBLEM_OVERLOADED,
            "The read took too long; narrow it down or try again later.");
        return;
    case BASE_UNAVAILABLE:
    case BASE_UNKNOWN:
        http_refuse(
            request, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
            "The database does not answer at the moment.");
        return;
    case BASE_BROKEN:
        http_refuse(request, HTTP_PROBLEM_INTERNAL_ERROR, "The read failed.");
        return;
    }
}

void http_refuse_read(
    struct http_request *request, enum projections_outcome outcome, enum base_failure failure,
    enum http_problem missing, const char *kind)
{
    switch (outcome) {
    case PROJECTIONS_FOUND:
        return;
    case PROJECTIONS_NOT_FOUND:
        http_refuse_missing(request, missing, kind);
        return;
    case PROJECTIONS_BAD_CURSOR:
        http_refuse_cursor(request);
        return;
    case PROJECTIONS_FAILED:
        http_refuse_failed(request, failure);
        return;
    }
}

/* ---- one thing ------------------------------------------------------------------------------- */

bool http_begin_read(struct http_request *request)
{
    const char *value = request->headers.values[HTTP_HEADER_IF_NONE_MATCH];
    struct http_etags etags;
    if (value == NULL || http_read_etags(value, HTTP_WEAK, &etags))
        return true;
    http_refuse(
        request, HTTP_PROBLEM_INVALID_PARAMETER,
        "If-None-Match must be * or a list of at most %d ETags in quotes, as \"7\".",
        SERVICE_VERSIONS_MAX);
    return false;
}

/* Whether the client has what was found. */
static bool is_known(const struct http_request *request, int32_t version)
{
    const char *value = request->headers.values[HTTP_HEADER_IF_NONE_MATCH];
    struct http_etags etags;
    return value != NULL && http_read_etags(value, HTTP_WEAK, &etags) &&
           http_etags_match(&etags, version);
}

void http_reply_found(
    struct http_request *request, const char *cache, int32_t version, struct base_buffer *body)
{
    bool has_it = is_known(request, version);
    http_send_reply(
        request, &(struct http_reply){
                     .status = has_it ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                     .media = has_it ? NULL : HTTP_MEDIA_JSON,
                     /* With 304 it is not sent, but Content-Length must be that of the 200 (RFC
                      * 9110, section 8.6). */
                     .body = body,
                     .cache = cache,
                     .version = version,
                 });
}

void http_reply_read(
    struct http_request *request, const char *cache, enum http_problem missing, const char *kind)
{
    struct projections_read *read = &request->wait.read;
    if (read->outcome == PROJECTIONS_FOUND)
        http_reply_found(request, cache, read->version, &read->body);
    else
        http_refuse_read(request, read->outcome, read->request.failure, missing, kind);
    base_buffer_finish(&read->body);
}

/* ---- pages ----------------------------------------------------------------------------------- */

bool http_read_limit(struct http_request *request, int32_t *limit)
{
    int64_t number = HTTP_PAGE_DEFAULT;
    const char *text = request->parameters[HTTP_PARAMETER_LIMIT];
    if (text != NULL && !base_parse_int(text, 1, HTTP_PAGE_MAX, &number)) {
        http_refuse_parameter(
            request, "limit",
            base_arena_printf(&request->arena, "a number from 1 to %d", HTTP_PAGE_MAX));
        return false;
    }
    *limit = (int32_t)number;
    return true;
}

bool http_begin_page(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    page->cursor = request->parameters[HTTP_PARAMETER_CURSOR];
    return http_read_limit(request, &page->limit);
}

/* RFC 8288, section 3. */
const char *http_next_link(struct http_request *request, struct base_buffer *next_cursor)
{
    struct base_buffer link = {0};
    base_buffer_printf(&link, "<%s?", request->target.path);
    for (size_t i = 0; i < HTTP_N_PARAMETERS; i++) {
        if (request->parameters[i] == NULL || i == HTTP_PARAMETER_CURSOR)
            continue;
        base_buffer_printf(&link, "%s=", http_parameter_name((enum http_parameter)i));
        http_append_encoded(&link, request->parameters[i]);
        base_buffer_append_char(&link, '&');
    }
    base_buffer_printf(&link, "%s=", http_parameter_name(HTTP_PARAMETER_CURSOR));
    http_append_encoded(&link, base_buffer_text(next_cursor));
    base_buffer_append_text(&link, ">; rel=\"next\"");
    const char *copy = base_arena_copy(&request->arena, link.bytes, link.length);
    base_buffer_finish(&link);
    return copy;
}

void http_reply_page(struct http_request *request, const char *cache)
{
    struct projections_page *page = &request->wait.page;
    if (page->outcome == PROJECTIONS_FOUND)
        http_send_reply(
            request,
            &(struct http_reply){
                .status = MHD_HTTP_OK,
                .media = HTTP_MEDIA_JSON,
                .body = &page->body,
                .cache = cache,
                .link = page->next_cursor.length > 0 ? http_next_link(request, &page->next_cursor)
                                                     : NULL,
            });
    else
        http_refuse_read(
            request, page->outcome, page->request.failure, HTTP_PROBLEM_INTERNAL_ERROR, "list");
    base_buffer_finish(&page->body);
    base_buffer_finish(&page->next_cursor);
}
