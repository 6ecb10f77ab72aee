#include "handlers.h"

#include "reply.h"
#include "server.h"

/* ---- putProduct ------------------------------------------------------------------------------ */

/* NULL: there can be no such sku. A path has no line breaks to be cut off. */
static const char *read_sku(struct http_request *request)
{
    const char *given = request->path_values[0];
    const char *sku = codec_normalise(&request->arena, given, CART_SKU_MAX);
    return codec_is_label(given, SIZE_MAX) && codec_is_sku(sku) ? sku : NULL;
}

static const struct http_refusal *refuse_sku(struct http_request *request)
{
    return http_refuse(
        &request->arena, HTTP_PROBLEM_INVALID_PARAMETER,
        "The sku in the path must be 1 to %d characters of UTF-8 without control characters, and "
        "not . or .. alone or between slashes; it is \"%.64s\".",
        CART_SKU_MAX, request->path_values[0]);
}

const struct http_refusal *http_ask_put_product(struct http_request *request)
{
    struct service_command *command = &request->wait.command;
    const char *sku = read_sku(request);
    const struct http_refusal *refusal =
        sku == NULL ? refuse_sku(request) : http_begin_command(request);
    if (refusal != NULL)
        return refusal;
    struct catalog_command *change = base_arena_alloc(&request->arena, sizeof(*change));
    struct codec_complaints complaints;
    enum codec_outcome outcome = codec_read_product(
        http_request_body(request), &request->arena, &change->content, &complaints);
    refusal = http_check_body(request, outcome, &complaints);
    if (refusal != NULL)
        return refusal;
    change->type = CATALOG_COMMAND_CHANGE_PRODUCT;
    change->sku = sku;
    command->stream_id = aggregate_product_id(change->sku);
    command->key_scope_id = command->stream_id;
    return http_submit(request, &aggregate_product, change);
}

/* ---- getProduct ------------------------------------------------------------------------------ */

static void answer_product(struct projections_read *read)
{
    http_answer_read(read, HTTP_CACHE_PUBLIC, HTTP_PROBLEM_PRODUCT_NOT_FOUND);
}

const struct http_refusal *http_ask_get_product(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    const struct http_refusal *refusal = http_begin_read(request);
    if (refusal != NULL)
        return refusal;
    read->sku = read_sku(request);
    if (read->sku == NULL)
        return http_refuse_missing(request, HTTP_PROBLEM_PRODUCT_NOT_FOUND);
    read->answered = answer_product;
    projections_read_product(request->http->options.projections, read);
    return NULL;
}

/* ---- listProducts ---------------------------------------------------------------------------- */

static void answer_page(struct projections_page *page)
{
    http_answer_page(page, HTTP_CACHE_PUBLIC);
}

const struct http_refusal *http_ask_list_products(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    const struct http_refusal *refusal = http_begin_page(request);
    if (refusal != NULL)
        return refusal;
    page->answered = answer_page;
    return projections_list_products(request->http->options.projections, page)
               ? NULL
               : http_refuse_cursor(request);
}
