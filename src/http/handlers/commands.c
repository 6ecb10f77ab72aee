#include "handlers.h"

#include <string.h>

#include "fields.h"
#include "reply.h"
#include "server.h"

/* ---- asking ---------------------------------------------------------------------------------- */

static bool read_precondition(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (request->headers.values[HTTP_HEADER_IF_NONE_MATCH] != NULL) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "If-None-Match is not supported for commands; use If-Match.");
        return false;
    }
    const char *value = request->headers.values[HTTP_HEADER_IF_MATCH];
    if (value == NULL)
        return true;
    struct http_etags etags;
    if (!http_read_etags(value, HTTP_STRONG, &etags)) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "If-Match must be * or a list of at most %d ETags in quotes, as \"7\".",
            SERVICE_VERSIONS_MAX);
        return false;
    }
    command->match = etags.is_any ? SERVICE_MATCH_ANY : SERVICE_MATCH_VERSIONS;
    command->n_match_versions = etags.n;
    memcpy(command->match_versions, etags.versions, sizeof(etags.versions));
    return true;
}

/* A key stands for one method, path and body. */
static void take_fingerprint(struct http_request *request)
{
    const struct base_part parts[] = {
        {request->method, strlen(request->method)},
        {request->target.path, strlen(request->target.path)},
        {request->body.bytes, request->body.length},
    };
    base_sha256(parts, BASE_COUNT(parts), request->wait.command.key_fingerprint);
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

bool http_begin_command(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    if (!read_precondition(request))
        return false;
    const char *key = request->headers.values[HTTP_HEADER_IDEMPOTENCY_KEY];
    if (key != NULL) {
        command->key = http_read_idempotency_key(key, &request->arena);
        if (command->key == NULL) {
            http_refuse(
                request, HTTP_PROBLEM_INVALID_PARAMETER,
                "Idempotency-Key must be 1 to %d printable ASCII characters, bare or in quotes.",
                HTTP_KEY_MAX);
            return false;
        }
        take_fingerprint(request);
    }
    const char *preference = request->headers.values[HTTP_HEADER_PREFER];
    request->prefers_minimal = preference != NULL && http_prefers_minimal(preference);
    take_trace(request);
    command->wants_body = !request->prefers_minimal;
    command->actor = request->actor;
    command->request_id = request->id;
    return true;
}

bool http_accept_body(
    struct http_request *request, enum codec_outcome outcome,
    const struct codec_complaints *complaints)
{
    const char *detail = complaints->n > 0 ? complaints->list[0].detail : "";
    switch (outcome) {
    case CODEC_READ:
        return true;
    case CODEC_MALFORMED:
        http_refuse(request, HTTP_PROBLEM_MALFORMED_JSON, "%s", detail);
        return false;
    case CODEC_INVALID:
        http_send_trouble(
            request,
            &(struct http_trouble){
                .problem = HTTP_PROBLEM_INVALID_BODY,
                .detail =
                    complaints->n == 1 ? detail : "Several fields are invalid; errors lists them.",
                .errors = complaints,
            });
        return false;
    }
    return false;
}

void http_submit(struct http_request *request, void (*answered)(struct service_command *command))
{
    request->wait.command.answered = answered;
    service_submit(request->http->options.service, &request->wait.command);
}

void http_submit_to_cart(struct http_request *request, const struct codec_commands *commands)
{
    struct service_command *command = &request->wait.command;
    if (!base_uuid_parse(request->path_values[0], &command->stream_id)) {
        http_refuse(
            request, HTTP_PROBLEM_CART_NOT_FOUND,
            "There is no cart \"%.64s\"; the id of a cart is a UUID.", request->path_values[0]);
        return;
    }
    command->key_scope_id = command->stream_id;
    http_submit_commands(request, commands);
}

void http_submit_commands(struct http_request *request, const struct codec_commands *commands)
{
    struct service_command *command = &request->wait.command;
    request->commands = *commands;
    request->wishes = (struct cart_request){
        .commands = commands->list,
        .n_commands = commands->n,
        .caller = request->rights,
    };
    command->aggregate = &aggregate_cart;
    command->command = &request->wishes;
    http_submit(request, http_answer_cart_command);
}

void http_submit_bodiless(struct http_request *request, const struct cart_command *command)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), command->type, &request->arena, &commands, &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    commands.list[0] = *command;
    http_submit_to_cart(request, &commands);
}

/* ---- answering ------------------------------------------------------------------------------- */

void http_reply_done(struct http_request *request, const char *location)
{
    struct service_command *command = &request->wait.command;
    unsigned status = command->is_created ? MHD_HTTP_CREATED : MHD_HTTP_OK;
    if (request->prefers_minimal && !command->is_created)
        status = MHD_HTTP_NO_CONTENT;
    if (request->prefers_minimal)
        base_buffer_finish(&command->body); /* a kept answer may come with one */
    http_send_reply(
        request, &(struct http_reply){
                     .status = status,
                     .media = request->prefers_minimal ? NULL : HTTP_MEDIA_JSON,
                     .body = &command->body,
                     .cache = HTTP_CACHE_PRIVATE,
                     .version = command->version,
                     .location = command->is_created ? location : NULL,
                     .cart_token = command->is_replayed ? NULL : request->cart_token,
                     .is_replayed = command->is_replayed,
                     .is_minimal = request->prefers_minimal,
                 });
}

static void refuse_prices(struct http_request *request)
{
    http_send_trouble(
        request, &(struct http_trouble){
                     .problem = HTTP_PROBLEM_INVALID_BODY,
                     .detail = base_arena_printf(
                         &request->arena, "A product has at most %d prices.", CATALOG_PRICES_MAX),
                     .errors =
                         &(const struct codec_complaints){
                             .n = 1, .list = {{"/prices", "prices has too many currencies."}}},
                 });
}

static void refuse_by_rule(struct http_request *request)
{
    static const char *const slugs[] = {
#define CART_ROW(NAME, slug) slug,
        CART_REFUSALS(CART_ROW)
#undef CART_ROW
    };
    const struct service_command *command = &request->wait.command;
    if (command->aggregate == &aggregate_product) {
        refuse_prices(request);
        return;
    }
    enum http_problem problem;
    if (!http_find_problem(slugs[command->refusal], &problem))
        problem = HTTP_PROBLEM_INTERNAL_ERROR; /* a test finds it for every refusal */
    const char *pointer = NULL;
    if (command->command_index < request->commands.n)
        pointer = request->commands.pointers[command->command_index];
    http_send_trouble(
        request, &(struct http_trouble){
                     .problem = problem,
                     .detail = http_refusal_detail(request),
                     .pointer = pointer,
                     .has_current_total = command->refusal == CART_REFUSED_TOTAL_CHANGED,
                     .current_total_minor = command->current_total_minor,
                 });
}

/* Which tag of If-Match could not match, whatever the version; "": all could. */
static const char *unmatched_detail(struct http_request *request)
{
    struct http_etags etags;
    const char *value = request->headers.values[HTTP_HEADER_IF_MATCH];
    if (value == NULL || !http_read_etags(value, HTTP_STRONG, &etags) || etags.unmatched == NULL)
        return "";
    const char *tag = base_arena_copy(&request->arena, etags.unmatched, etags.unmatched_length);
    if (tag[0] == 'W')
        return base_arena_printf(
            &request->arena,
            " The tag %.64s is weak, and weak tags never match If-Match (RFC 9110, section "
            "13.1.1): send the version in quotes without the W/, as \"7\".",
            tag);
    return base_arena_printf(
        &request->arena,
        " The tag %.64s is not an ETag of this service, whose tags are versions in quotes, as "
        "\"7\": send the tag as the service gave it, without what a proxy added.",
        tag);
}

static const char *mismatch_detail(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    if (command->version == 0)
        return base_arena_printf(
            &request->arena, "If-Match requires that it exists, and it does not.%s",
            unmatched_detail(request));
    return base_arena_printf(
        &request->arena, "The current version is %d, which If-Match does not name.%s",
        (int)command->version, unmatched_detail(request));
}

static void refuse_version(struct http_request *request)
{
    const struct service_command *command = &request->wait.command;
    bool has_events = command->body.length > 0;
    http_send_trouble(
        request, &(struct http_trouble){
                     .problem = HTTP_PROBLEM_VERSION_MISMATCH,
                     .detail = mismatch_detail(request),
                     .has_current_version = true,
                     .current_version = command->version,
                     .missed_events = has_events ? command->body.bytes : "[]",
                     .missed_events_length = has_events ? command->body.length : 2,
                 });
}

void http_reply_not_done(struct http_request *request)
{
    switch (request->wait.command.outcome) {
    case SERVICE_DONE:
        return;
    case SERVICE_REFUSED:
        refuse_by_rule(request);
        return;
    case SERVICE_VERSION_MISMATCH:
        refuse_version(request);
        return;
    case SERVICE_OTHER_TYPE:
        http_refuse(
            request, HTTP_PROBLEM_ID_TAKEN,
            request->wait.command.aggregate == &aggregate_cart
                ? "The id is not a cart's but a product's. Nothing was done; create a cart with "
                  "another id."
                : "The log has a cart under the id of this product's sku. Nothing was done; "
                  "whoever "
                  "runs the service finds it with `cartd verify`.");
        return;
    case SERVICE_KEY_REUSED:
        http_refuse(
            request, HTTP_PROBLEM_IDEMPOTENCY_KEY_REUSED,
            request->cart_token != NULL
                ? "This Idempotency-Key was used before. A guest who wants to retry this request "
                  "must "
                  "send a Cart-Token of their own, the same each time. Nothing was done."
                : "This Idempotency-Key was used before with another method, path or body. Use a "
                  "new key for a new request. Nothing was done.");
        return;
    case SERVICE_OVERLOADED:
        http_refuse(
            request, HTTP_PROBLEM_OVERLOADED,
            "Too many commands are waiting already. Nothing was done.");
        return;
    case SERVICE_UNAVAILABLE:
        http_refuse(
            request, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
            "The database can't record anything at the moment. Nothing was recorded.");
        return;
    case SERVICE_UNKNOWN:
        http_refuse(
            request, HTTP_PROBLEM_DATABASE_UNAVAILABLE,
            "The connection to the database was lost, so the command may or may not have been "
            "recorded. "
            "%s",
            request->wait.command.key != NULL
                ? "Try again with the same Idempotency-Key: the command takes effect only once."
                : "Check the current state before you try again, and send an Idempotency-Key next "
                  "time: "
                  "then it is safe to try again.");
        return;
    case SERVICE_SHUTTING_DOWN:
        http_refuse(
            request, HTTP_PROBLEM_SHUTTING_DOWN,
            "This instance is stopping and accepts no new commands. Nothing was done.");
        return;
    case SERVICE_FAILED:
        http_refuse(
            request, HTTP_PROBLEM_INTERNAL_ERROR,
            "The command could not be carried out. Nothing was recorded.");
        return;
    }
}

void http_answer_cart_command(struct service_command *command)
{
    struct http_request *request = BASE_CONTAINER(command, struct http_request, wait.command);
    if (command->outcome == SERVICE_DONE) {
        char location[sizeof("/carts/") - 1 + BASE_UUID_SIZE] = "/carts/";
        base_uuid_format(&command->stream_id, location + strlen(location));
        http_reply_done(request, location);
    } else {
        http_reply_not_done(request);
    }
    base_buffer_finish(&command->body);
}
