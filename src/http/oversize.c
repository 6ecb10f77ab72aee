#include "oversize.h"

#include <string.h>
#include <sys/socket.h>

#include "reply.h"
#include "request.h"
#include "server.h"

/* ---- how much is left ------------------------------------------------------------------------ */

/* Of each header, cookie, parameter and trailer: struct MHD_HTTP_Header, rounded up. */
enum { RECORD = 64 };
/* The buffer that is read into begins with half of the memory, and grows by up to an eighth of the
 * rest when it is full. What was not used of the last growth may be full of the next request. */
enum { BUFFER_BEGIN = HTTP_CONNECTION_MEMORY / 2, BUFFER_GROWTH = 2048 };
/* The headers of an answer: those of a command were measured to take at most 1.2 KiB. A Link has
 * the query of its request, percent-encoded, of which the parameters of lists let through 2 KiB. */
enum { ANSWER = 2048, LINK_MAX = 2048 };

static enum MHD_Result add_size(
    void *cls, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    (void)kind;
    (void)name;
    (void)value;
    size_t *sum = cls;
    *sum += name_length + value_length + sizeof(": \r\n") - 1;
    return MHD_YES;
}

static size_t trailer_bytes(struct MHD_Connection *connection)
{
    size_t sum = 0;
    (void)MHD_get_connection_values_n(connection, MHD_FOOTER_KIND, add_size, &sum); /* the sum is */
    return sum;
}

static size_t record_bytes(struct MHD_Connection *connection)
{
    static const enum MHD_ValueKind kinds[] = {
        MHD_HEADER_KIND, MHD_COOKIE_KIND, MHD_GET_ARGUMENT_KIND, MHD_FOOTER_KIND};
    size_t n = 0;
    for (size_t i = 0; i < BASE_COUNT(kinds); i++)
        n += (size_t)MHD_get_connection_values_n(connection, kinds[i], NULL, NULL);
    return n * RECORD;
}

/* libmicrohttpd takes cookies apart in a copy. */
static size_t cookie_bytes(struct MHD_Connection *connection)
{
    const char *value;
    size_t length;
    bool has_any = MHD_lookup_connection_value_n(
                       connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE,
                       sizeof(MHD_HTTP_HEADER_COOKIE) - 1, &value, &length) == MHD_YES;
    return has_any ? length + RECORD : 0;
}

/* How far the buffer reaches: it has held the headers, and what was seen of the body. */
static size_t buffer_bytes(const struct http_request *request)
{
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t reached = size == NULL ? 0 : size->header_size + BUFFER_GROWTH;
    if (reached < BUFFER_BEGIN)
        reached = BUFFER_BEGIN;
    if (request->body_reached > BUFFER_BEGIN && reached < request->body_reached + BUFFER_GROWTH)
        reached = request->body_reached + BUFFER_GROWTH;
    return reached + trailer_bytes(request->connection);
}

static size_t answer_bytes(const struct http_request *request)
{
    const char *query = strchr(request->raw_target, '?');
    size_t link = query == NULL ? 0 : 3 * strlen(query);
    return ANSWER + (link < LINK_MAX ? link : LINK_MAX);
}

bool http_has_room(const struct http_request *request)
{
    size_t used = buffer_bytes(request) + record_bytes(request->connection) +
                  cookie_bytes(request->connection);
    return used + answer_bytes(request) <= HTTP_CONNECTION_MEMORY;
}

/* ---- what is answered ------------------------------------------------------------------------ */

static const struct http_refusal too_large[] = {
    {.problem = HTTP_PROBLEM_HEADERS_TOO_LARGE,
     .detail = "The headers of the request are too large; cookies count twice. Send fewer or "
               "shorter ones. Nothing was done."},
    {.problem = HTTP_PROBLEM_TARGET_TOO_LONG,
     .detail = "The first line of the request is too long. Shorten the path or the query. Nothing "
               "was done."},
    {.problem = HTTP_PROBLEM_BODY_TOO_LARGE,
     .detail = "Content-Length or the size of a chunk exceeds what the server can read. Nothing "
               "was done."},
};

static void log_request(
    struct http *http, const struct http_request *request, const struct http_refusal *refusal,
    const char *request_id)
{
    metrics_add(http->options.metrics, METRICS_HTTP_REFUSED, 1);
    metrics_add(http->options.metrics, METRICS_HTTP_4XX, 1);
    base_log(
        http->options.log, BASE_LOG_REQUEST_REFUSED, BASE_LOG_TEXT("reason", refusal->detail),
        BASE_LOG_TEXT("request_id", request_id));
    base_log(
        http->options.log, BASE_LOG_REQUEST,
        BASE_LOG_TEXT("method", request == NULL ? "" : request->method),
        BASE_LOG_TEXT("path", request == NULL ? "" : request->raw_target),
        BASE_LOG_NUMBER("status", http_problem_status(refusal->problem)),
        BASE_LOG_TEXT("request_id", request_id));
}

/* Writes the answer to the socket itself, as the memory of the connection may be used up. Nothing
 * else is on its way there: an answer before was sent to its end. `request` is NULL where its
 * headers were not read. */
static void write_problem(
    struct http *http, const struct http_client *client, struct http_request *request,
    const struct http_refusal *refusal)
{
    char made_id[BASE_UUID_SIZE];
    struct base_uuid uuid = base_uuid_make_v7(&http->random, base_clock_now_us());
    base_uuid_format(&uuid, made_id);
    const char *id = request != NULL ? request->id : made_id;
    struct base_buffer body = {0};
    struct base_buffer answer = {0};
    http_write_problem(&body, refusal, id);
    unsigned status = http_problem_status(refusal->problem);
    http_append_head(&answer, status, HTTP_MEDIA_PROBLEM, request, id);
    base_buffer_printf(&answer, "Content-Length: %zu\r\n\r\n", body.length);
    if (request == NULL || strcmp(request->method, "HEAD") != 0)
        base_buffer_append(&answer, body.bytes, body.length);
    /* Who has left, or does not read what was answered before, gets none. */
    (void)send(client->fd, answer.bytes, answer.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(client->fd, SHUT_WR); /* libmicrohttpd has nothing to add */
    base_buffer_finish(&answer);
    base_buffer_finish(&body);

    log_request(http, request, refusal, id);
    http->is_library_muted = true; /* it would say that we have closed the connection */
}

enum MHD_Result http_refuse_oversized(struct http_request *request)
{
    bool is_target = strlen(request->raw_target) >= BUFFER_BEGIN;
    const struct http_refusal *refusal = &too_large[is_target ? 1 : 0];
    request->status = http_problem_status(refusal->problem);
    write_problem(request->http, request->client, request, refusal);
    return MHD_NO;
}

/* ---- what libmicrohttpd refuses -------------------------------------------------------------- */

/* libmicrohttpd has no callback for a request that it refuses by itself. But it calls this function
 * by its public name, which the dynamic linker looks for in the program first; our own calls go to
 * http_queue_response(). Linked in another way, libmicrohttpd sends its own pages. It does get its
 * response, as 0.9.75 can't do without and goes on in memory that it has freed; but the socket
 * takes nothing more. */
enum MHD_Result MHD_queue_response(
    struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct http_client *client = info->socket_context;
    for (size_t i = 0; i < BASE_COUNT(too_large); i++) {
        if (http_problem_status(too_large[i].problem) == status)
            write_problem(client->http, client, NULL, &too_large[i]);
    }
    return client->http->queue_response(connection, status, response);
}
