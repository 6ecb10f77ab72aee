#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "fields.h"
#include "admission.h"
#include "oversize.h"
#include "reply.h"
#include "server.h"

/* ---- its life -------------------------------------------------------------------------------- */

/* A request with its arena is several kilobytes that come and go with every request. */
enum { SPARE_REQUESTS_MAX = 256 };

static struct http_request *take_request(struct http *http)
{
    struct http_request *request = http->spare;
    if (request == NULL)
        return base_alloc(sizeof(*request));
    http->spare = request->next;
    http->n_spare--;
    struct base_arena arena = request->arena;
    memset(request, 0, sizeof(*request)); /* an initialiser need not reach all of the union */
    request->arena = arena;
    return request;
}

static void give_back(struct http *http, struct http_request *request)
{
    if (http->n_spare == SPARE_REQUESTS_MAX) {
        base_arena_finish(&request->arena);
        free(request);
        return;
    }
    base_arena_reset(&request->arena);
    request->next = http->spare;
    http->spare = request;
    http->n_spare++;
}

void http_free_spare_requests(struct http *http)
{
    while (http->spare != NULL) {
        struct http_request *request = http->spare;
        http->spare = request->next;
        base_arena_finish(&request->arena);
        free(request);
    }
    http->n_spare = 0;
}

static struct http_client *client_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info->socket_context;
}

void *http_begin_request(void *cls, const char *raw_target, struct MHD_Connection *connection)
{
    struct http_request *request = take_request(cls);
    request->http = cls;
    request->http->n_turns_without_use = 0;
    request->client = client_of(connection);
    request->client->begun = request;
    request->connection = connection;
    request->stage = HTTP_BEGUN;
    request->began_at_us = loop_now_us(request->http->options.loop);
    if (request->client->phase == HTTP_PHASE_IDLE)
        http_enter_phase(&request->http->deadlines, request->client, HTTP_PHASE_HEADERS);
    /* libmicrohttpd takes the target apart where it stands, hence the copy. */
    request->raw_target =
        base_arena_copy_text(&request->arena, raw_target == NULL ? "" : raw_target);
    return request;
}

static void end_request(struct http_request *request)
{
    struct http *http = request->http;
    http->is_library_muted = false;
    http->n_turns_without_use = 0;
    if (request->is_under_way)
        http->n_under_way--;
    request->client->begun = NULL;
    if (request->stage != HTTP_BEGUN) {
        request->client->request = NULL;
        http_enter_phase(&http->deadlines, request->client, HTTP_PHASE_IDLE);
    }
    if (request->response != NULL)
        MHD_destroy_response(request->response);
    base_buffer_finish(&request->body);
    give_back(http, request);
}

void http_complete_request(
    void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_RequestTerminationCode termination)
{
    (void)cls;
    (void)connection;
    (void)termination;
    struct http_request *request = *context;
    if (request == NULL)
        return;
    *context = NULL;
    end_request(request);
}

void http_end_lost_request(struct http_client *client)
{
    if (client->begun != NULL)
        end_request(client->begun);
}

/* ---- headers --------------------------------------------------------------------------------- */

static enum MHD_Result see_header(
    void *cls, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    (void)kind;
    struct http_guard *guard = cls;
    http_guard_header(
        guard, name, name_length, value == NULL ? name + name_length : value, value_length);
    return guard->complaint == NULL ? MHD_YES : MHD_NO;
}

static const char *read_headers(
    struct http_request *request, const char *url, const char *method, const char *version)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const struct http_received received = {
        .method = method,
        .target = url,
        .version = version,
        .n_bytes = size == NULL ? 0 : size->header_size,
    };
    struct http_guard guard;
    http_guard_begin(
        &guard, &request->arena, &request->headers,
        request->http->is_lenient_library ? &received : NULL);
    (void)MHD_get_connection_values_n(
        request->connection, MHD_HEADER_KIND, see_header, &guard); /* how many says nothing */
    return http_guard_finish(&guard, method, request->raw_target, version);
}

static void take_id(struct http_request *request)
{
    const char *id = request->headers.values[HTTP_HEADER_X_REQUEST_ID];
    if (id != NULL && http_is_request_id(id)) {
        request->id = id;
        return;
    }
    char text[BASE_UUID_SIZE];
    struct base_uuid uuid = base_uuid_make_v7(&request->http->random, base_clock_now_us());
    base_uuid_format(&uuid, text);
    request->id = base_arena_copy_text(&request->arena, text);
}

/* From here on the request gets an answer, for which the end of the service waits. A body that is
 * still on its way is not waited for: its client may have left without our hearing of it, as
 * libmicrohttpd does not look for the end of a connection once it has read what came with it. */
static void accept_request(struct http_request *request)
{
    request->is_under_way = true;
    request->http->n_under_way++;
}

/* What can't be read in one way only is not read on: an answer in the first call closes the
 * connection. */
static enum MHD_Result refuse_ambiguous(struct http_request *request, const char *complaint)
{
    accept_request(request);
    request->headers.values[HTTP_HEADER_X_REQUEST_ID] = NULL;
    take_id(request);
    request->target.path = request->raw_target;
    metrics_add(request->http->options.metrics, METRICS_HTTP_REFUSED, 1);
    base_log(
        request->http->options.log, BASE_LOG_REQUEST_REFUSED, BASE_LOG_TEXT("reason", complaint),
        BASE_LOG_TEXT("request_id", request->id));
    http_refuse(request, HTTP_PROBLEM_MALFORMED_REQUEST, "%s", complaint);
    return http_queue_reply(request);
}

/* The problem of a request whose path or method no operation has. */
static void refuse_unrouted(struct http_request *request)
{
    if (request->match == HTTP_NO_PATH) {
        http_refuse(
            request, HTTP_PROBLEM_NOT_FOUND,
            "There is no resource at %.256s; GET /openapi.yaml lists all paths.",
            request->target.path);
    } else if (strcmp(request->method, "OPTIONS") == 0) {
        http_send_reply(
            request, &(struct http_reply){
                         .status = MHD_HTTP_NO_CONTENT,
                         .allow = http_allowed_methods(&request->target, &request->arena),
                     });
    } else {
        http_refuse(
            request, HTTP_PROBLEM_METHOD_NOT_ALLOWED,
            "%.64s is not allowed for %.256s; allowed are %s.", request->method,
            request->target.path, http_allowed_methods(&request->target, &request->arena));
    }
}

static void refuse_large(struct http_request *request)
{
    http_refuse(
        request, HTTP_PROBLEM_BODY_TOO_LARGE,
        "The body has more than %d bytes, which is the limit.", HTTP_BODY_MAX);
}

/* Whether a body is known to be too large to be waited for: to be swallowed, or to be sent at all
 * by a client that asks first (RFC 9110, section 10.1.1). */
static bool is_hopeless(const struct http_request *request, int64_t announced)
{
    int64_t most = HTTP_BODY_SWALLOWED_MAX;
    if (request->headers.values[HTTP_HEADER_EXPECT] != NULL)
        most = HTTP_BODY_MAX;
    return announced > most;
}

static enum MHD_Result receive_headers(
    struct http_request *request, const char *url, const char *method, const char *version)
{
    request->method = method;
    request->begin = method;
    request->stage = HTTP_RECEIVING;
    request->client->request = request;
    const char *complaint = read_headers(request, url, method, version);
    if (!http_has_room(request)) {
        take_id(request);
        return http_refuse_oversized(request);
    }
    if (complaint != NULL)
        return refuse_ambiguous(request, complaint);

    take_id(request);
    http_split_target(request->raw_target, &request->arena, &request->target);
    request->match =
        http_find_route(method, &request->target, &request->route, request->path_values);

    int64_t announced = 0;
    const char *length = request->headers.values[HTTP_HEADER_CONTENT_LENGTH];
    if (length != NULL && !base_parse_int(length, 0, INT64_MAX, &announced))
        announced = INT64_MAX;
    if (is_hopeless(request, announced)) {
        accept_request(request);
        if (request->match == HTTP_MATCH)
            refuse_large(request);
        else
            refuse_unrouted(request);
        return http_queue_reply(request);
    }
    if (announced > 0 && announced <= HTTP_BODY_MAX)
        (void)base_buffer_reserve(&request->body, (size_t)announced); /* filled as it comes */
    http_enter_phase(&request->http->deadlines, request->client, HTTP_PHASE_BODY);
    return MHD_YES;
}

/* ---- body ------------------------------------------------------------------------------------ */

static enum MHD_Result receive_body(
    struct http_request *request, const char *bytes, size_t *n_bytes)
{
    request->body_length += *n_bytes;
    size_t reached = (uintptr_t)bytes + *n_bytes - (uintptr_t)request->begin;
    if (request->body_reached < reached)
        request->body_reached = reached;
    if (request->body_length > HTTP_BODY_SWALLOWED_MAX)
        return MHD_NO; /* more than was announced, or a stream: closes the connection */
    bool is_kept = request->match == HTTP_MATCH && request->route->takes_body;
    if (is_kept && request->body_length <= HTTP_BODY_MAX)
        base_buffer_append(&request->body, bytes, *n_bytes);
    *n_bytes = 0;
    return MHD_YES;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static const char *const *media_types(enum http_media media)
{
    /* Who takes only problems takes JSON. */
    static const char *const json[] = {HTTP_MEDIA_JSON, HTTP_MEDIA_PROBLEM, NULL};
    static const char *const text[] = {"text/plain", NULL};
    static const char *const yaml[] = {HTTP_MEDIA_YAML, NULL};
    switch (media) {
    case HTTP_JSON:
    case HTTP_JSON_OR_EVENTS:
    case HTTP_JSON_OR_CSV:
        return json;
    case HTTP_METRICS_TEXT:
        return text;
    case HTTP_YAML:
        return yaml;
    }
    return json;
}

/* The checks that are the same for every operation, in the order of API.md, section 6. False: it
 * was refused. */
static bool check_request(struct http_request *request)
{
    const struct http_route *route = request->route;
    if (request->http->is_draining && !route->serves_to_end) {
        http_refuse(
            request, HTTP_PROBLEM_SHUTTING_DOWN,
            "This instance is stopping and accepts no new requests. Nothing was done.");
        return false;
    }
    const char *forgery = http_forgery_complaint(request);
    if (forgery != NULL) {
        http_refuse(request, HTTP_PROBLEM_FORBIDDEN, "%s", forgery);
        return false;
    }
    if (!http_authorize(request, route->access))
        return false;
    if (request->body_length > HTTP_BODY_MAX) {
        refuse_large(request);
        return false;
    }
    const char *complaint = http_read_parameters(
        request->target.query, route->parameters, &request->arena, request->parameters);
    if (complaint != NULL) {
        http_refuse(request, HTTP_PROBLEM_INVALID_PARAMETER, "%s", complaint);
        return false;
    }
    const char *accept = request->headers.values[HTTP_HEADER_ACCEPT];
    const char *const *types = media_types(route->media);
    bool has_csv = route->media == HTTP_JSON_OR_CSV;
    request->prefers_csv =
        has_csv && accept != NULL && http_prefers(accept, HTTP_MEDIA_CSV, HTTP_MEDIA_JSON);
    request->wants_stream =
        accept != NULL && route->media == HTTP_JSON_OR_EVENTS && http_prefers_events(accept);
    bool is_another = request->wants_stream || request->prefers_csv;
    if (accept != NULL && !is_another && !http_accepts(accept, types)) {
        http_refuse(
            request, HTTP_PROBLEM_NOT_ACCEPTABLE,
            "This operation answers with %s%s, which the Accept header excludes.", types[0],
            has_csv ? " or " HTTP_MEDIA_CSV : "");
        return false;
    }
    const char *encoding = request->headers.values[HTTP_HEADER_CONTENT_ENCODING];
    if (route->takes_body && request->body_length > 0 && encoding != NULL &&
        !http_is_identity(encoding)) {
        http_refuse(
            request, HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
            "The Content-Encoding \"%.64s\" is not supported; send the body uncompressed, without "
            "this header.",
            encoding);
        return false;
    }
    const char *type = request->headers.values[HTTP_HEADER_CONTENT_TYPE];
    if (route->takes_body && request->body_length > 0 && type != NULL && !http_is_json(type)) {
        http_refuse(
            request, HTTP_PROBLEM_UNSUPPORTED_MEDIA_TYPE,
            "The Content-Type \"%.64s\" is not supported; send application/json in UTF-8.", type);
        return false;
    }
    return true;
}

static enum MHD_Result ask(struct http_request *request)
{
    if (!http_has_room(request)) /* because of chunks and trailers */
        return http_refuse_oversized(request);
    request->stage = HTTP_ASKED;
    accept_request(request);
    http_enter_phase(&request->http->deadlines, request->client, HTTP_PHASE_WORK);
    if (request->match == HTTP_MATCH)
        http_identify(request);
    if (http_admit(request)) {
        if (request->match != HTTP_MATCH)
            refuse_unrouted(request);
        else if (check_request(request))
            request->route->ask(request);
    }
    if (request->status != 0)
        return http_queue_reply(request);
    request->stage = HTTP_WAITING;
    http_suspend(request->http, request->connection);
    return MHD_YES;
}

enum MHD_Result http_handle_request(
    void *cls, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_length, void **context)
{
    (void)cls;
    struct http_request *request = *context;
    request->http->n_turns_without_use = 0;
    switch (request->stage) {
    case HTTP_BEGUN:
        return receive_headers(request, url, method, version);
    case HTTP_RECEIVING:
        if (*upload_length > 0)
            return receive_body(request, upload, upload_length);
        return ask(request);
    case HTTP_ANSWERED:
        http_come_back(request->http, connection);
        return http_queue_reply(request);
    case HTTP_ASKED:
    case HTTP_WAITING:
    case HTTP_QUEUED:
        break; /* libmicrohttpd does not call then */
    }
    return MHD_NO;
}
