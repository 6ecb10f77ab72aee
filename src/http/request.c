#include "request.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "admission.h"
#include "checks.h"
#include "daemon.h"
#include "fields.h"
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
    request->allowed = "OPTIONS"; /* until the path is known */
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
    struct base_uuid uuid = base_uuid_make_v7(&request->http->random, base_clock_now_us());
    request->id = base_uuid_text(&request->arena, &uuid);
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
    http_send_refusal(
        request,
        &(struct http_refusal){.problem = HTTP_PROBLEM_MALFORMED_REQUEST, .detail = complaint});
    return http_queue_reply(request);
}

/* The answer to a request whose path or method no operation has. */
static const struct http_refusal *answer_unrouted(struct http_request *request)
{
    if (request->match == HTTP_NO_PATH)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_NOT_FOUND,
            "There is no resource at %.256s; GET /openapi.yaml lists all paths.",
            request->target.path);
    if (strcmp(request->method, "OPTIONS") != 0)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_METHOD_NOT_ALLOWED,
            "%.64s is not allowed for %.256s; the allowed methods are %s.", request->method,
            request->target.path, request->allowed);
    http_send_reply(
        request, &(struct http_reply){.status = MHD_HTTP_NO_CONTENT, .allow = request->allowed});
    return NULL;
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
    if (request->match != HTTP_MATCH)
        request->allowed = http_allowed_methods(&request->target, &request->arena);

    int64_t announced = 0;
    const char *length = request->headers.values[HTTP_HEADER_CONTENT_LENGTH];
    if (length != NULL && !base_parse_int(length, 0, INT64_MAX, &announced))
        announced = INT64_MAX;
    if (is_hopeless(request, announced)) {
        accept_request(request);
        http_send_refusal(
            request, request->match == HTTP_MATCH ? http_refuse_large_body(&request->arena)
                                                  : answer_unrouted(request));
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
    bool is_stored = request->match == HTTP_MATCH && request->route->takes_body;
    if (is_stored && request->body_length <= HTTP_BODY_MAX)
        base_buffer_append(&request->body, bytes, *n_bytes);
    *n_bytes = 0;
    return MHD_YES;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* NULL: it was answered, or waits for its answer. */
static const struct http_refusal *carry_out(struct http_request *request)
{
    if (request->match == HTTP_MATCH)
        http_identify(request);
    const struct http_refusal *refusal = http_admit(request);
    if (refusal != NULL)
        return refusal;
    if (request->match != HTTP_MATCH)
        return answer_unrouted(request);
    refusal = http_check_request(request);
    return refusal != NULL ? refusal : request->route->ask(request);
}

static enum MHD_Result ask(struct http_request *request)
{
    if (!http_has_room(request)) /* because of chunks and trailers */
        return http_refuse_oversized(request);
    request->stage = HTTP_ASKED;
    accept_request(request);
    http_enter_phase(&request->http->deadlines, request->client, HTTP_PHASE_WORK);
    http_send_refusal(request, carry_out(request));
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
