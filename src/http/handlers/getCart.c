#include "handlers.h"

#include "reply.h"
#include "server.h"

/* ---- as it is -------------------------------------------------------------------------------- */

static void answer(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    http_reply_read(request, HTTP_CACHE_PRIVATE, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
}

void http_prefetch_cart(const struct http_request *request)
{
    struct base_uuid id;
    if (base_uuid_parse(request->path_values[0], &id))
        projections_prefetch_cart(request->http->options.projections, &id);
}

static void ask_present(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    if (!base_uuid_parse(request->path_values[0], &read->cart_id)) {
        http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
        return;
    }
    read->caller = request->rights;
    read->answered = answer;
    projections_read_cart(request->http->options.projections, read);
}

/* ---- as it was ------------------------------------------------------------------------------- */

static void refuse_version(struct http_request *request)
{
    const struct service_history *history = &request->wait.history;
    http_send_trouble(
        request, &(struct http_trouble){
                     .problem = HTTP_PROBLEM_NO_SUCH_VERSION,
                     .detail = base_arena_printf(
                         &request->arena, "The cart has no version %d; its newest version is %d.",
                         (int)history->at_version, (int)history->version),
                     .has_current_version = true,
                     .current_version = history->version,
                 });
}

static void answer_history(struct service_history *history)
{
    struct http_request *request = BASE_CONTAINER(history, struct http_request, wait.history);
    switch (history->outcome) {
    case REPLAY_FOUND:
        http_reply_found(
            request, history->is_final ? HTTP_CACHE_FOREVER : HTTP_CACHE_PRIVATE, history->version,
            &history->body);
        break;
    case REPLAY_NO_STREAM:
        if (history->at_version > 0)
            http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
        else
            http_refuse(
                request, HTTP_PROBLEM_CART_NOT_FOUND, "There was no cart \"%.64s\" at %.64s.",
                request->path_values[0], request->parameters[HTTP_PARAMETER_AT]);
        break;
    case REPLAY_NO_VERSION:
        refuse_version(request);
        break;
    case REPLAY_FAILED:
        http_refuse_failed(request, history->request.failure);
        break;
    }
    base_buffer_finish(&history->body);
}

static bool read_when(struct http_request *request)
{
    struct service_history *history = &request->wait.history;
    const char *version = request->parameters[HTTP_PARAMETER_VERSION];
    const char *at = request->parameters[HTTP_PARAMETER_AT];
    if (version != NULL && at != NULL) {
        http_refuse(
            request, HTTP_PROBLEM_INVALID_PARAMETER,
            "The query parameters \"version\" and \"at\" can't be combined.");
        return false;
    }
    int64_t number = 0;
    if (version != NULL && !base_parse_int(version, 1, INT32_MAX, &number)) {
        http_refuse_parameter(request, "version", "a number from 1 to 2147483647");
        return false;
    }
    if (!http_read_time(request, HTTP_PARAMETER_AT, &history->at_us))
        return false;
    history->at_version = (int32_t)number;
    return true;
}

static void ask_history(struct http_request *request)
{
    struct service_history *history = &request->wait.history;
    if (!read_when(request))
        return;
    if (!base_uuid_parse(request->path_values[0], &history->cart_id)) {
        http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
        return;
    }
    history->caller = request->rights;
    history->answered = answer_history;
    service_read_history(request->http->options.service, history);
}

void http_ask_get_cart(struct http_request *request)
{
    if (!http_begin_read(request))
        return;
    if (request->parameters[HTTP_PARAMETER_VERSION] != NULL ||
        request->parameters[HTTP_PARAMETER_AT] != NULL)
        ask_history(request);
    else
        ask_present(request);
}
