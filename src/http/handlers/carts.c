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

/* ---- listCarts ------------------------------------------------------------------------------- */

static bool is_listed_status(const char *status)
{
    /* All but the one that a cart has before there is one. */
    for (int i = CART_OPEN; i <= CART_CANCELLED; i++)
        if (strcmp(status, cart_status_name((enum cart_status)i)) == 0)
            return true;
    return false;
}

/* A label of at most so many characters, or NULL. */
static const struct http_refusal *check_label(
    struct http_request *request, enum http_parameter parameter, const char *label, size_t most)
{
    if (label == NULL || codec_is_label(label, most))
        return NULL;
    return http_refuse_parameter(
        request, parameter,
        base_arena_printf(&request->arena, "1 to %zu characters without control characters", most));
}

/* In its normal form, as it would be stored; or NULL. */
static const char *read_normal(
    struct http_request *request, enum http_parameter parameter, size_t most)
{
    const char *text = request->parameters[parameter];
    return text == NULL ? NULL : codec_normalise(&request->arena, text, most);
}

static const struct http_refusal *read_customer(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    const char *own = request->rights.customer_id;
    page->customer_id = read_normal(request, HTTP_PARAMETER_CUSTOMER_ID, CART_CUSTOMER_ID_MAX);
    const struct http_refusal *refusal =
        check_label(request, HTTP_PARAMETER_CUSTOMER_ID, page->customer_id, CART_CUSTOMER_ID_MAX);
    if (refusal != NULL || request->rights.may_all)
        return refusal;
    /* A customer sees the own carts. */
    if (page->customer_id != NULL && strcmp(page->customer_id, own) != 0)
        return http_refuse_other_customer(request);
    page->customer_id = own;
    return NULL;
}

static const struct http_refusal *read_filters(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    page->status = request->parameters[HTTP_PARAMETER_STATUS];
    page->sku = read_normal(request, HTTP_PARAMETER_SKU, CART_SKU_MAX);
    page->order_reference = request->parameters[HTTP_PARAMETER_ORDER_REFERENCE];
    if (page->status != NULL && !is_listed_status(page->status))
        return http_refuse_parameter(
            request, HTTP_PARAMETER_STATUS, "open, checked_out or cancelled");
    const struct http_refusal *refusal = read_customer(request);
    if (refusal == NULL)
        refusal = check_label(
            request, HTTP_PARAMETER_ORDER_REFERENCE, page->order_reference,
            CART_ORDER_REFERENCE_MAX);
    if (refusal == NULL)
        refusal = check_label(request, HTTP_PARAMETER_SKU, page->sku, CART_SKU_MAX);
    if (refusal != NULL)
        return refusal;
    if (page->sku != NULL && !codec_is_sku(page->sku))
        return http_refuse_parameter(
            request, HTTP_PARAMETER_SKU, "a sku, without . or .. alone or between slashes");
    return NULL;
}

static void answer_page(struct projections_page *page)
{
    http_answer_page(page, HTTP_CACHE_PRIVATE);
}

const struct http_refusal *http_ask_list_carts(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    const struct http_refusal *refusal = read_filters(request);
    if (refusal == NULL)
        refusal = http_begin_page(request);
    if (refusal != NULL)
        return refusal;
    page->answered = answer_page;
    return projections_list_carts(request->http->options.projections, page)
               ? NULL
               : http_refuse_cursor(request);
}
