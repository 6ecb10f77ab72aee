#include "handlers.h"

#include <string.h>

#include "access.h"
#include "admission.h"
#include "reply.h"
#include "server.h"

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct http_refusal *read_precondition(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (request->headers.values[HTTP_HEADER_IF_NONE_MATCH] != NULL)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "If-None-Match is not supported for commands; use If-Match.");
    const char *value = request->headers.values[HTTP_HEADER_IF_MATCH];
    struct http_etags etags;
    if (value == NULL)
        return NULL;
    if (!http_read_etags(value, HTTP_STRONG, &etags))
        return http_refuse_etags(request, "If-Match");
    command->match = etags.is_any ? SERVICE_MATCH_ANY : SERVICE_MATCH_VERSIONS;
    command->n_match_versions = etags.n;
    memcpy(command->match_versions, etags.versions, sizeof(etags.versions));
    return NULL;
}

static void make_fingerprint(
    const struct http_request *request, const char *body, size_t body_length,
    uint8_t fingerprint[static BASE_SHA256_SIZE])
{
    const struct base_part parts[] = {
        {request->method, strlen(request->method)},
        {request->target.path, strlen(request->target.path)},
        {body, body_length},
    };
    base_sha256(parts, BASE_COUNT(parts), fingerprint);
}

/* A key stands for one method, path and body, whatever the notation of its JSON. Keys that were
 * stored when it stood for the bytes of the body are recognised by those. */
static void take_fingerprint(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    const struct base_buffer *body = &request->body;
    const char *canonical = request->canonical_body;
    size_t length = strlen(canonical);
    make_fingerprint(request, canonical, length, command->key_fingerprint);
    if (body->length == length && memcmp(body->bytes, canonical, length) == 0)
        return;
    uint8_t *former = base_arena_alloc(&request->arena, BASE_SHA256_SIZE);
    make_fingerprint(request, body->bytes, body->length, former);
    command->former_fingerprint = former;
}

static const struct http_refusal *read_key(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    const char *value = request->headers.values[HTTP_HEADER_IDEMPOTENCY_KEY];
    if (value == NULL)
        return NULL;
    command->key = http_read_idempotency_key(value, &request->arena);
    if (command->key == NULL)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "Idempotency-Key must be 1 to %d printable ASCII characters, bare or in quotes.",
            HTTP_KEY_MAX);
    return NULL;
}

/* What is malformed or too long is dropped, and a tracestate with its traceparent (W3C Trace
 * Context, section 3.3): nobody's command fails for its trace. */
static void take_trace(struct http_request *request)
{
    struct codec_trace *trace = &request->wait.command.trace;
    const char *const *values = request->headers.values;
    const char *parent = values[HTTP_HEADER_TRACEPARENT];
    const char *state = values[HTTP_HEADER_TRACESTATE];
    const char *baggage = values[HTTP_HEADER_BAGGAGE];
    if (parent != NULL && http_is_traceparent(parent))
        trace->traceparent = parent;
    if (trace->traceparent != NULL && state != NULL && http_is_tracestate(state))
        trace->tracestate = state;
    if (baggage != NULL && http_is_baggage(baggage))
        trace->baggage = baggage;
}

const struct http_refusal *http_begin_command(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    const struct http_refusal *refusal = read_precondition(request);
    if (refusal == NULL)
        refusal = read_key(request);
    if (refusal != NULL)
        return refusal;
    const char *preference = request->headers.values[HTTP_HEADER_PREFER];
    request->prefers_minimal = preference != NULL && http_prefers_minimal(preference);
    take_trace(request);
    command->wants_body = !request->prefers_minimal;
    command->actor = request->actor;
    command->request_id = request->id;
    return NULL;
}

/* ---- answering ------------------------------------------------------------------------------- */

static const char *make_location(struct http_request *request, const char *folder, const char *name)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer path = {0};
    base_buffer_append_text(&path, folder);
    http_append_encoded(&path, name);
    return base_arena_copy(&request->arena, path.bytes, path.length);
}

/* Where the thing is that a command made. */
static const char *location_of(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    if (command->aggregate == &aggregate_product) {
        const struct catalog_command *change = command->command;
        return make_location(request, "/products/", change->sku);
    }
    if (command->aggregate == &aggregate_coupon) {
        const struct coupon_command *change = command->command;
        return make_location(request, "/coupons/", change->definition.code);
    }
    char id[BASE_UUID_SIZE];
    base_uuid_format(&command->stream_id, id);
    return base_arena_printf(&request->arena, "/carts/%s", id);
}

static void reply_done(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    unsigned status = command->is_created ? MHD_HTTP_CREATED : MHD_HTTP_OK;
    if (request->prefers_minimal && !command->is_created)
        status = MHD_HTTP_NO_CONTENT;
    if (request->prefers_minimal)
        base_buffer_finish(&command->body); /* a stored answer may come with one */
    http_send_reply(
        request, &(struct http_reply){
                     .status = status,
                     .media = request->prefers_minimal ? NULL : HTTP_MEDIA_JSON,
                     .body = &command->body,
                     .cache = HTTP_CACHE_PRIVATE,
                     .version = command->version,
                     .location = command->is_created ? location_of(request) : NULL,
                     .cart_token = command->is_replayed ? NULL : request->cart_token,
                     .resume_token = command->is_replayed ? NULL : request->resume_token,
                     .is_replayed = command->is_replayed,
                     .is_minimal = request->prefers_minimal,
                 });
}

static void answer(struct service_command *command)
{
    struct http_request *request = BASE_CONTAINER(command, struct http_request, wait.command);
    http_settle_attempt(
        request, command->outcome == SERVICE_REFUSED && command->aggregate == &aggregate_cart &&
                     command->refusal == CART_REFUSED_COUPON_NOT_APPLICABLE);
    if (command->outcome == SERVICE_DONE)
        reply_done(request);
    else
        http_send_refusal(request, http_refuse_command(request));
    base_buffer_finish(&command->body);
}

const struct http_refusal *http_submit(
    struct http_request *request, const struct aggregate *aggregate, const void *asked)
{
    struct service_command *command = &request->wait.command;
    if (command->key != NULL)
        take_fingerprint(request);
    command->aggregate = aggregate;
    command->command = asked;
    command->answered = answer;
    service_submit(request->http->options.service, command);
    return NULL;
}

/* The pointer to the first command with which a caller who may not know all coupons tries one;
 * NULL: there is none. However many a request has, it tells one failure. */
static const char *find_guess(const struct http_request *request)
{
    if (http_knows_coupons(request))
        return NULL;
    for (size_t i = 0; i < request->commands.n; i++)
        if (request->commands.list[i].type == CART_COMMAND_APPLY_COUPON)
            return request->commands.pointers[i];
    return NULL;
}

const struct http_refusal *http_submit_commands(struct http_request *request)
{
    const struct http_refusal *refusal = http_authorize_commands(request);
    const char *guess = find_guess(request);
    if (refusal == NULL && guess != NULL)
        refusal = http_admit_attempt(request, guess);
    if (refusal != NULL)
        return refusal;
    request->asked = (struct cart_request){
        .commands = request->commands.list,
        .n_commands = request->commands.n,
        .caller = request->rights,
        .asked_at_us = base_clock_now_us(),
        .has_one_open_cart = request->http->options.has_one_open_cart,
        .reopen_us = request->http->options.reopen_hours * INT64_C(3600000000),
    };
    for (size_t i = 0; request->http->options.checks_prices && i < request->commands.n; i++)
        if (request->commands.list[i].type == CART_COMMAND_CHECK_OUT)
            request->commands.list[i].check_out.checks_prices = true;
    return http_submit(request, &aggregate_cart, &request->asked);
}
