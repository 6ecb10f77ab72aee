#include "handlers.h"

#include <string.h>

#include "access.h"
#include "reply.h"
#include "server.h"

static bool is_listed_status(const char *status)
{
    /* All but the one that a cart has before there is one. */
    for (int i = CART_OPEN; i <= CART_CANCELLED; i++)
        if (strcmp(status, cart_status_name((enum cart_status)i)) == 0)
            return true;
    return false;
}

static bool read_filters(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    page->status = request->parameters[HTTP_PARAMETER_STATUS];
    if (page->status != NULL && !is_listed_status(page->status)) {
        http_refuse_parameter(request, "status", "open, checked_out or cancelled");
        return false;
    }
    page->customer_id = request->parameters[HTTP_PARAMETER_CUSTOMER_ID];
    if (page->customer_id != NULL && !codec_is_label(page->customer_id, CART_CUSTOMER_ID_MAX)) {
        http_refuse_parameter(
            request, "customer_id",
            base_arena_printf(
                &request->arena, "1 to %d characters without control characters",
                CART_CUSTOMER_ID_MAX));
        return false;
    }
    /* Whoever may not see all carts sees his own. */
    if (!request->rights.may_all) {
        const char *own = request->rights.customer_id;
        if (page->customer_id != NULL && strcmp(page->customer_id, own) != 0) {
            http_refuse_other_customer(request);
            return false;
        }
        page->customer_id = own;
    }
    page->sku = request->parameters[HTTP_PARAMETER_SKU];
    if (page->sku != NULL && !codec_is_sku(page->sku)) {
        http_refuse_parameter(
            request, "sku",
            "a sku: 1 to 64 letters, digits and . _ ~ -, with a letter or digit first");
        return false;
    }
    return true;
}

static void answer(struct projections_page *page)
{
    http_reply_page(BASE_CONTAINER(page, struct http_request, wait.page), HTTP_CACHE_PRIVATE);
}

void http_ask_list_carts(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    if (!read_filters(request) || !http_begin_page(request))
        return;
    page->answered = answer;
    if (!projections_list_carts(request->http->options.projections, page))
        http_refuse_cursor(request);
}
