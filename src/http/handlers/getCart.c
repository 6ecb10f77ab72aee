#include "handlers.h"

#include "reply.h"
#include "server.h"

static void answer(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    http_reply_read(request, HTTP_CACHE_PRIVATE, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
}

void http_ask_get_cart(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    if (!http_begin_read(request))
        return;
    if (!base_uuid_parse(request->path_values[0], &read->cart_id)) {
        http_refuse_missing(request, HTTP_PROBLEM_CART_NOT_FOUND, "cart");
        return;
    }
    read->answered = answer;
    projections_read_cart(request->http->options.projections, read);
}
