#include "reply.h"

#include <string.h>
#include <time.h>

#include "admission.h"
#include "cors.h"
#include "daemon.h"
#include "server.h"

#define RETRY_AFTER_SECONDS 1U

static ssize_t end_at_once(void *cls, uint64_t position, char *bytes, size_t n_bytes)
{
    (void)cls;
    (void)position;
    (void)bytes;
    (void)n_bytes;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* The answer to a HEAD: headers that promise neither a length nor chunks. */
static struct MHD_Response *make_endless_response(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, end_at_once, NULL, NULL);
    if (response != NULL)
        (void)MHD_set_response_options(
            response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END); /* it is known */
    return response;
}

/* The body goes to libmicrohttpd without a copy. */
static struct MHD_Response *make_response(const struct http_reply *reply)
{
    if (reply->is_endless)
        return make_endless_response();
    if (reply->body == NULL || reply->body->length == 0) {
        /* It takes no const, but does not write. */
        void *fixed = (void *)(uintptr_t)(reply->fixed == NULL ? "" : reply->fixed);
        return MHD_create_response_from_buffer(reply->fixed_length, fixed, MHD_RESPMEM_PERSISTENT);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        reply->body->length, reply->body->bytes, MHD_RESPMEM_MUST_FREE);
    if (response != NULL)
        *reply->body = (struct base_buffer){0};
    return response;
}

/* The response being made. A header is refused when there is no memory for it (or when its value
 * has a line break, which none of ours can have), and an answer without its ETag, for one, would
 * say what is not so: then there is none. */
struct making {
    struct MHD_Response *response;
    bool lacks_a_header;
};

static void add_header(struct making *making, const char *name, const char *value)
{
    if (value != NULL && MHD_add_response_header(making->response, name, value) != MHD_YES)
        making->lacks_a_header = true;
}

/* Headers of every answer, whichever way it goes. Returns how many. */
enum { COMMON_HEADERS_MAX = HTTP_CORS_HEADERS_MAX + HTTP_ALLOWANCE_HEADERS_MAX };
static size_t make_common_headers(
    struct http_request *request, struct http_header_line lines[static COMMON_HEADERS_MAX])
{
    size_t n = http_cors_headers(request, lines);
    return n + http_allowance_headers(request, lines + n);
}

/* libmicrohttpd 0.9.75 is lenient about chunks too (bare line feeds, extensions, trailers), where
 * the guard sees nothing. So what comes behind a chunked body is not taken for a request. */
static bool has_doubtful_end(const struct http_request *request)
{
    return request->http->is_lenient_library &&
           request->headers.values[HTTP_HEADER_TRANSFER_ENCODING] != NULL;
}

/* Also of a request that no route is for: only its method may be wrong. */
static bool has_secret_path(const struct http_request *request)
{
    static const char beginning[] = "/carts/resume/";
    return (request->route != NULL && request->route->has_secret_path) ||
           strncmp(request->raw_target, beginning, strlen(beginning)) == 0;
}

/* Whether a browser has the page over TLS or from its own machine: from elsewhere it sends no Fetch
 * Metadata, and complains of a Cross-Origin-Opener-Policy, which it ignores. */
static bool is_trustworthy_origin(const struct http_request *request)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Sec-Fetch-Mode") !=
           NULL;
}

static void add_flags(
    struct making *response, const struct http_request *request, const struct http_reply *reply)
{
    /* What is cached for ever must not be shown to who signs in at the same browser later. */
    if (reply->cache != NULL && strcmp(reply->cache, HTTP_CACHE_FOREVER) == 0)
        add_header(response, "Vary", "Authorization, Cart-Token");
    if (has_secret_path(request))
        add_header(response, "Referrer-Policy", "no-referrer");
    if (reply->policy != NULL) {
        add_header(response, "Content-Security-Policy", reply->policy);
        add_header(response, "X-Frame-Options", "DENY");
        add_header(response, "Referrer-Policy", "no-referrer");
        if (is_trustworthy_origin(request))
            add_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    }
    if (reply->is_endless)
        add_header(response, "X-Accel-Buffering", "no");
    if (reply->is_replayed)
        add_header(response, "Idempotent-Replayed", "true");
    if (reply->is_minimal)
        add_header(response, "Preference-Applied", "return=minimal");
    if (reply->media != NULL)
        add_header(response, "X-Content-Type-Options", "nosniff");
    /* A stopping service sends its clients to another one. */
    if (reply->closes || reply->is_endless || request->http->is_draining ||
        has_doubtful_end(request))
        add_header(response, "Connection", "close");
}

static void add_headers(
    struct making *response, struct http_request *request, const struct http_reply *reply)
{
    add_header(response, "Content-Type", reply->media);
    if (reply->version > 0) {
        char etag[BASE_INT_SIZE + sizeof("\"\"")] = "\"";
        *base_format_int(etag + 1, reply->version) = '"';
        add_header(response, "ETag", etag);
    }
    if (reply->is_for_later) {
        char seconds[BASE_INT_SIZE + 1] = "";
        bool is_spent = request->allowance.is_spent;
        (void)base_format_int(seconds, is_spent ? request->allowance.seconds : RETRY_AFTER_SECONDS);
        add_header(response, "Retry-After", seconds);
    }
    add_header(response, "ETag", reply->etag);
    add_header(response, "Cache-Control", reply->cache);
    add_header(response, "Content-Encoding", reply->encoding);
    add_header(response, "Vary", reply->vary);
    add_header(response, "Location", reply->location);
    add_header(response, "Link", reply->link);
    add_header(response, "Allow", reply->allow);
    add_header(response, "WWW-Authenticate", reply->challenge);
    add_header(response, "Cart-Token", reply->cart_token);
    add_header(response, "Resume-Token", reply->resume_token);
    add_header(response, "X-Request-Id", request->id);
    struct http_header_line lines[COMMON_HEADERS_MAX];
    size_t n_lines = make_common_headers(request, lines);
    for (size_t i = 0; i < n_lines; i++)
        add_header(response, lines[i].name, lines[i].value);
    add_flags(response, request, reply);
}

void http_send_reply(struct http_request *request, const struct http_reply *reply)
{
    request->status = reply->status;
    struct making making = {.response = make_response(reply)};
    if (making.response != NULL)
        add_headers(&making, request, reply);
    if (making.lacks_a_header) {
        MHD_destroy_response(making.response);
        making.response = NULL;
    }
    request->response = making.response;
    if (reply->body != NULL)
        base_buffer_finish(reply->body);
    if (request->stage == HTTP_WAITING) {
        request->stage = HTTP_ANSWERED;
        http_resume(request->http, request->connection);
    }
}

void http_send_json(struct http_request *request, struct base_buffer *body, const char *cache)
{
    http_send_reply(
        request,
        &(struct http_reply){
            .status = MHD_HTTP_OK, .media = HTTP_MEDIA_JSON, .body = body, .cache = cache});
}

void http_send_refusal(struct http_request *request, const struct http_refusal *refusal)
{
    if (refusal == NULL)
        return;
    struct base_buffer body = {0};
    http_write_problem(&body, refusal, request->id);
    request->has_failed = refusal->problem == HTTP_PROBLEM_INTERNAL_ERROR;
    bool has_no_method = refusal->problem == HTTP_PROBLEM_METHOD_NOT_ALLOWED;
    http_send_reply(
        request,
        &(struct http_reply){
            .status = http_problem_status(refusal->problem),
            .media = HTTP_MEDIA_PROBLEM,
            .body = &body,
            .cache = HTTP_CACHE_NEVER,
            .is_for_later = http_problem_is_passing(refusal->problem),
            .allow = has_no_method ? request->allowed : NULL,
            .challenge = refusal->challenge,
            .location = refusal->cart_id == NULL
                            ? NULL
                            : base_arena_printf(&request->arena, "/carts/%s", refusal->cart_id),
            .closes = refusal->problem == HTTP_PROBLEM_MALFORMED_REQUEST,
        });
}

/* ---- past libmicrohttpd ---------------------------------------------------------------------- */

/* As the header Date has it (RFC 9110, section 5.6.7). */
static void append_date(struct base_buffer *out)
{
    time_t now = (time_t)(base_clock_now_us() / 1000000);
    struct tm parts;
    char text[64];
    if (gmtime_r(&now, &parts) != NULL &&
        strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts) > 0)
        base_buffer_append_text(out, text);
}

void http_append_head(
    struct base_buffer *out, unsigned status, const char *media, struct http_request *request,
    const char *request_id)
{
    base_buffer_printf(out, "HTTP/1.1 %u %s\r\n", status, MHD_get_reason_phrase_for(status));
    append_date(out);
    base_buffer_printf(
        out,
        "Content-Type: %s\r\n"
        "Cache-Control: " HTTP_CACHE_NEVER "\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "X-Request-Id: %s\r\n"
        "Connection: close\r\n",
        media, request_id);
    struct http_header_line lines[COMMON_HEADERS_MAX];
    size_t n_lines = request == NULL ? 0 : make_common_headers(request, lines);
    for (size_t i = 0; i < n_lines; i++)
        base_buffer_printf(out, "%s: %s\r\n", lines[i].name, lines[i].value);
}

/* ---- to libmicrohttpd ------------------------------------------------------------------------ */

static enum metrics_number class_of(unsigned status)
{
    if (status < 300)
        return METRICS_HTTP_2XX;
    if (status < 400)
        return METRICS_HTTP_3XX;
    return status < 500 ? METRICS_HTTP_4XX : METRICS_HTTP_5XX;
}

static void log_request(const struct http_request *request)
{
    const struct base_log *log = request->http->options.log;
    if (!request->has_failed && log->least > BASE_LOG_DEBUG)
        return;
    const struct base_log_field fields[] = {
        BASE_LOG_TEXT("method", request->method),
        BASE_LOG_TEXT(
            "path", has_secret_path(request) ? "/carts/resume/{token}" : request->target.path),
        BASE_LOG_NUMBER("status", request->status),
        BASE_LOG_NUMBER("us", base_clock_monotonic_us() - request->began_at_us),
        BASE_LOG_TEXT("request_id", request->id),
    };
    base_log_write(
        log, request->has_failed ? BASE_LOG_REQUEST_FAILED : BASE_LOG_REQUEST, fields,
        BASE_COUNT(fields));
}

/* There is nothing to answer on. What libmicrohttpd says of that is no news. */
static enum MHD_Result leave_to_stream(struct http_request *request)
{
    metrics_add(request->http->options.metrics, class_of(request->status), 1);
    log_request(request);
    request->http->is_library_muted = true;
    return MHD_NO;
}

enum MHD_Result http_queue_reply(struct http_request *request)
{
    if (request->is_taken_over)
        return leave_to_stream(request);
    /* There is no response without memory for it; MHD_NO closes the connection. */
    if (request->response == NULL)
        return MHD_NO;
    request->stage = HTTP_QUEUED;
    http_enter_phase(&request->http->deadlines, request->client, HTTP_PHASE_ANSWER);
    metrics_add(request->http->options.metrics, class_of(request->status), 1);
    log_request(request);
    struct MHD_Response *response = request->response;
    request->response = NULL;
    enum MHD_Result result =
        request->http->queue_response(request->connection, request->status, response);
    MHD_destroy_response(response);
    return result;
}
