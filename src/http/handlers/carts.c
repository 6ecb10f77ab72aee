#include "handlers.h"

#include <string.h>

#include "access.h"
#include "reply.h"
#include "server.h"

/* ---- getCart: as it is ----------------------------------------------------------------------- */

static void answer_cart(struct projections_read *read)
{
    http_answer_read(read, HTTP_CACHE_PRIVATE, HTTP_PROBLEM_CART_NOT_FOUND);
}

/* Without an ETag: it changes with the catalogue, and not only with the cart. */
static void answer_priced(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    if (read->outcome == PROJECTIONS_FOUND) {
        http_send_json(request, &read->body, HTTP_CACHE_NEVER);
        base_buffer_finish(&read->body);
    } else {
        answer_cart(read);
    }
}

static const struct http_refusal *ask_present(struct http_request *request, bool wants_prices)
{
    struct projections_read *read = &request->wait.read;
    if (!base_uuid_parse(request->path_values[0], &read->id))
        return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
    read->caller = request->rights;
    read->wants_prices = wants_prices;
    read->answered = wants_prices ? answer_priced : answer_cart;
    projections_read_cart(request->http->options.projections, read);
    return NULL;
}

/* ---- getCart: beside the catalogue ----------------------------------------------------------- */

static const struct http_refusal *ask_priced(struct http_request *request)
{
    if (strcmp(request->parameters[HTTP_PARAMETER_PRICES], "current") != 0)
        return http_refuse_parameter(request, HTTP_PARAMETER_PRICES, "current");
    if (request->parameters[HTTP_PARAMETER_VERSION] != NULL ||
        request->parameters[HTTP_PARAMETER_AT] != NULL)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "The query parameter \"prices\" can't be combined with \"version\" or \"at\": the "
            "catalogue's prices are those of now.");
    return ask_present(request, true);
}

/* ---- getCart: as it was ---------------------------------------------------------------------- */

static void answer_history(struct service_history *history)
{
    struct http_request *request = BASE_CONTAINER(history, struct http_request, wait.history);
    if (history->outcome == REPLAY_FOUND)
        http_reply_found(
            request, history->is_final ? HTTP_CACHE_FOREVER : HTTP_CACHE_PRIVATE, history->version,
            &history->body);
    else
        http_send_refusal(request, http_refuse_history(request));
    base_buffer_finish(&history->body);
}

static const struct http_refusal *read_when(struct http_request *request)
{
    struct service_history *history = &request->wait.history;
    int64_t version = 0;
    if (request->parameters[HTTP_PARAMETER_VERSION] != NULL &&
        request->parameters[HTTP_PARAMETER_AT] != NULL)
        return http_refuse(
            &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
            "The query parameters \"version\" and \"at\" can't be combined.");
    const struct http_refusal *refusal =
        http_read_number(request, HTTP_PARAMETER_VERSION, 1, INT32_MAX, &version);
    if (refusal == NULL)
        refusal = http_read_time(request, HTTP_PARAMETER_AT, &history->at_us);
    history->at_version = (int32_t)version;
    return refusal;
}

static const struct http_refusal *ask_history(struct http_request *request)
{
    struct service_history *history = &request->wait.history;
    const struct http_refusal *refusal = read_when(request);
    if (refusal != NULL)
        return refusal;
    if (!base_uuid_parse(request->path_values[0], &history->cart_id))
        return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
    history->caller = request->rights;
    history->answered = answer_history;
    service_read_history(request->http->options.service, history);
    return NULL;
}

static void answer_customer(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    if (read->outcome != PROJECTIONS_NOT_FOUND) {
        http_answer_read(read, HTTP_CACHE_PRIVATE, HTTP_PROBLEM_CART_NOT_FOUND);
        return;
    }
    http_send_refusal(
        request, http_refuse(
                     &request->arena, HTTP_PROBLEM_CART_NOT_FOUND,
                     "The customer \"%.64s\" has no open cart.", read->customer_id));
}

const struct http_refusal *http_ask_get_customer_cart(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    read->customer_id =
        codec_normalise(&request->arena, request->path_values[0], CART_CUSTOMER_ID_MAX);
    if (!codec_is_label(read->customer_id, CART_CUSTOMER_ID_MAX))
        return http_refuse(
            &request->arena, HTTP_PROBLEM_CART_NOT_FOUND,
            "A customer's id has 1 to %d characters without control characters.",
            CART_CUSTOMER_ID_MAX);
    if (!request->rights.may_all && strcmp(read->customer_id, request->rights.customer_id) != 0)
        return http_refuse_other_customer(request);
    read->caller = request->rights;
    read->answered = answer_customer;
    projections_read_customer_cart(request->http->options.projections, read);
    return NULL;
}

const struct http_refusal *http_ask_get_cart(struct http_request *request)
{
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    if (request->parameters[HTTP_PARAMETER_PRICES] != NULL)
        return ask_priced(request);
    bool is_history = request->parameters[HTTP_PARAMETER_VERSION] != NULL ||
                      request->parameters[HTTP_PARAMETER_AT] != NULL;
    return is_history ? ask_history(request) : ask_present(request, false);
}

/* ---- getResumedCart -------------------------------------------------------------------------- */

/* The same for a token that is none, has ended, or is of no cart. */
static const struct http_refusal *refuse_resume_token(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_CART_NOT_FOUND,
        "This is not the resume token of an open cart, or it has ended.");
}

static void answer_resumed(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    if (read->outcome == PROJECTIONS_FOUND)
        http_reply_found(request, HTTP_CACHE_NEVER, read->version, &read->body);
    else if (read->outcome == PROJECTIONS_NOT_FOUND)
        http_send_refusal(request, refuse_resume_token(request));
    else
        http_send_refusal(request, http_refuse_failure(request, read->request.failure));
    base_buffer_finish(&read->body);
}

/* Whoever the caller is: the token alone counts. */
const struct http_refusal *http_ask_get_resumed_cart(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    const char *token = request->path_values[0];
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    if (!http_read_resume_token(token, &request->arena, &read->id))
        return refuse_resume_token(request);
    base_sha256_hex(token, read->caller.guest_token_hash);
    read->answered = answer_resumed;
    projections_read_cart(request->http->options.projections, read);
    return NULL;
}
