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

static const struct http_refusal *ask_present(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    if (!base_uuid_parse(request->path_values[0], &read->cart_id))
        return http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND);
    read->caller = request->rights;
    read->answered = answer_cart;
    projections_read_cart(request->http->options.projections, read);
    return NULL;
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

const struct http_refusal *http_ask_get_cart(struct http_request *request)
{
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    bool is_history = request->parameters[HTTP_PARAMETER_VERSION] != NULL ||
                      request->parameters[HTTP_PARAMETER_AT] != NULL;
    return is_history ? ask_history(request) : ask_present(request);
}
