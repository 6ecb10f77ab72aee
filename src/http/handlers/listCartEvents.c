#include "handlers.h"

void http_ask_list_cart_events(struct http_request *request)
{
    struct feed_source source = {.is_of_cart = true};
    if (base_uuid_parse(request->path_values[0], &source.cart_id))
        http_ask_events(request, &source, INT32_MAX);
    else
        http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
}
