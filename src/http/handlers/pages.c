#include "handlers.h"

#include <string.h>

#include "pages.h"
#include "reply.h"
#include "server.h"

/*
 * What browsers get. The files are compiled in; a page asks the same API as everybody else, from
 * scripts of its own, and nothing from anywhere else.
 */

/* Content Security Policy Level 3: scripts and styles of this server alone, none within the page.
 */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

#define PAGE_VARY "Accept, Accept-Encoding, Sec-Fetch-Mode"

/* A browser may be led to a picture as to a page. */
static bool is_shown(const struct pages_file *file)
{
    return strncmp(file->media, HTTP_MEDIA_HTML, strlen(HTTP_MEDIA_HTML)) == 0 ||
           strncmp(file->media, "image/", strlen("image/")) == 0;
}

static void send_file(struct http_request *request, const struct pages_file *file)
{
    const char *accepted = request->headers.values[HTTP_HEADER_ACCEPT_ENCODING];
    const char *known = request->headers.values[HTTP_HEADER_IF_NONE_MATCH];
    bool is_compressed = accepted != NULL && http_accepts_encoding(accepted, "gzip");
    bool has_it = known != NULL && http_has_etag(known, file->etag);
    const struct pages_content *content = is_compressed ? &file->gzip : &file->plain;
    http_send_reply(
        request, &(struct http_reply){
                     .status = has_it ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                     .media = has_it ? NULL : file->media,
                     .encoding = is_compressed && !has_it ? "gzip" : NULL,
                     .fixed = content->bytes,
                     .fixed_length = content->length,
                     .cache = HTTP_CACHE_PUBLIC,
                     .etag = file->etag,
                     .vary = PAGE_VARY,
                     .policy = is_shown(file) ? PAGE_POLICY : NULL,
                 });
}

static const struct http_refusal *send_file_at(struct http_request *request, const char *path)
{
    const struct pages_file *file = pages_find(path);
    if (file == NULL || !request->http->options.has_pages)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_NOT_FOUND, "There is no page at %.256s.", path);
    send_file(request, file);
    return NULL;
}

/* Whether an address that has a page and a document answers with the page. */
static bool shows_pages(const struct http_request *request)
{
    return request->prefers_html && request->http->options.has_pages;
}

/* The document of such an address. */
static void send_document(struct http_request *request, struct base_buffer *body)
{
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_JSON,
                     .body = body,
                     .cache = HTTP_CACHE_PUBLIC,
                     .vary = PAGE_VARY,
                 });
}

const struct http_refusal *http_ask_get_page(struct http_request *request)
{
    return send_file_at(request, request->route->path);
}

const struct http_refusal *http_ask_get_page_file(struct http_request *request)
{
    return send_file_at(
        request, base_arena_printf(&request->arena, "/pages/%s", request->path_values[0]));
}

const struct http_refusal *http_ask_get_openapi(struct http_request *request)
{
    send_file(request, pages_find("/openapi.yaml"));
    return NULL;
}

/* A program gets the explanation, a browser a page of it. */
const struct http_refusal *http_ask_get_problem(struct http_request *request)
{
    const char *slug = request->path_values[0];
    enum http_problem problem;
    if (!http_find_problem(slug, &problem))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_NOT_FOUND, "There is no problem \"%.64s\".", slug);
    if (shows_pages(request))
        return send_file_at(request, base_arena_printf(&request->arena, "/problems/%s", slug));
    struct base_buffer body = {0};
    http_explain_problem(&body, problem);
    send_document(request, &body);
    return NULL;
}

/* ---- getStart -------------------------------------------------------------------------------- */

/* "carts" of /carts, "openapi" of /openapi.yaml. */
static const char *name_of(const char *path, struct base_arena *arena)
{
    size_t length = strcspn(path + 1, ".");
    return base_arena_copy(arena, path + 1, length);
}

/* Where each list of things is, and all else that has one address. */
static void append_links(struct base_buffer *out, struct http_request *request)
{
    size_t n_routes;
    const struct http_route *routes = http_routes(&n_routes);
    const char *separator = "";
    for (size_t i = 0; i < n_routes; i++) {
        const struct http_route *route = &routes[i];
        bool is_page = route->media == HTTP_HTML;
        if (strcmp(route->method, "GET") != 0 || strchr(route->path, '{') != NULL ||
            route->path[1] == '\0' || (is_page && !request->http->options.has_pages))
            continue;
        const char *name = name_of(route->path, &request->arena);
        base_buffer_printf(out, "%s\"%s\":\"%s\"", separator, name, route->path);
        separator = ",";
    }
}

const struct http_refusal *http_ask_get_start(struct http_request *request)
{
    if (shows_pages(request))
        return send_file_at(request, "/");
    struct base_buffer body = {0};
    base_buffer_printf(
        &body, "{\"name\":\"cartd\",\"version\":\"%s\",\"links\":{",
        request->http->options.version);
    append_links(&body, request);
    base_buffer_append_text(&body, "}}");
    send_document(request, &body);
    return NULL;
}
