#include "handlers.h"

#include <inttypes.h>

#include "reply.h"
#include "server.h"

/* ---- parameters ------------------------------------------------------------------------------ */

const struct http_refusal *http_read_time(
    struct http_request *request, enum http_parameter parameter, int64_t *unix_us)
{
    const char *text = request->parameters[parameter];
    if (text == NULL || base_time_parse(text, unix_us))
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        "an RFC 3339 time, such as 2026-11-23T04:38:00.123456Z, with + written as %2B");
}

const struct http_refusal *http_read_number(
    struct http_request *request, enum http_parameter parameter, int64_t least, int64_t most,
    int64_t *number)
{
    const char *text = request->parameters[parameter];
    if (text == NULL || base_parse_int(text, least, most, number))
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        base_arena_printf(&request->arena, "a number from %" PRId64 " to %" PRId64, least, most));
}

const struct http_refusal *http_read_limit(struct http_request *request, int32_t *limit)
{
    int64_t number = HTTP_PAGE_DEFAULT;
    const struct http_refusal *refusal =
        http_read_number(request, HTTP_PARAMETER_LIMIT, 1, HTTP_PAGE_MAX, &number);
    *limit = (int32_t)number;
    return refusal;
}

/* ---- one thing ------------------------------------------------------------------------------- */

const struct http_refusal *http_begin_read(struct http_request *request)
{
    const char *value = request->headers.values[HTTP_HEADER_IF_NONE_MATCH];
    struct http_etags etags;
    if (value == NULL || http_read_etags(value, HTTP_WEAK, &etags))
        return NULL;
    return http_refuse_etags(request, "If-None-Match");
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

void http_answer_read(struct projections_read *read, const char *cache, enum http_problem missing)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    if (read->outcome == PROJECTIONS_FOUND)
        http_reply_found(request, cache, read->version, &read->body);
    else if (read->outcome == PROJECTIONS_NOT_FOUND)
        http_send_refusal(request, http_refuse_missing(request, missing));
    else
        http_send_refusal(request, http_refuse_failure(request, read->request.failure));
    base_buffer_finish(&read->body);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Header Link (RFC 8288, section 3): the same list from the next cursor on, relative to the server.
 */
static const char *next_link(struct http_request *request, struct base_buffer *next_cursor)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer link = {0};
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
    return base_arena_copy(&request->arena, link.bytes, link.length);
}

void http_answer_list(
    struct http_request *request, enum base_failure failure, struct http_reply reply,
    struct base_buffer *next_cursor)
{
    reply.status = MHD_HTTP_OK;
    if (next_cursor->length > 0)
        reply.link = next_link(request, next_cursor);
    if (failure == BASE_NO_FAILURE)
        http_send_reply(request, &reply);
    else
        http_send_refusal(request, http_refuse_failure(request, failure));
    base_buffer_finish(reply.body);
    base_buffer_finish(next_cursor);
}

void http_answer_page(struct projections_page *page, const char *cache)
{
    const struct http_reply reply = {.media = HTTP_MEDIA_JSON, .body = &page->body, .cache = cache};
    http_answer_list(
        BASE_CONTAINER(page, struct http_request, wait.page), page->request.failure, reply,
        &page->next_cursor);
}

const struct http_refusal *http_begin_page(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    page->cursor = request->parameters[HTTP_PARAMETER_CURSOR];
    return http_read_limit(request, &page->limit);
}
