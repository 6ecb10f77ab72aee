#include "handlers.h"

#include "reply.h"
#include "server.h"

static void answer(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    http_reply_read(request, HTTP_CACHE_PUBLIC, HTTP_PROBLEM_PRODUCT_NOT_FOUND, "product");
}

void http_ask_get_product(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    if (!http_begin_read(request))
        return;
    read->sku = request->path_values[0];
    if (!codec_is_sku(read->sku)) {
        http_refuse_missing(request, HTTP_PROBLEM_PRODUCT_NOT_FOUND, "product");
        return;
    }
    read->answered = answer;
    projections_read_product(request->http->options.projections, read);
}
