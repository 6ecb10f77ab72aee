#include "handlers.h"

#include "reply.h"
#include "server.h"

static const char *missing_detail(struct http_request *request)
{
    return base_arena_printf(
        &request->arena, "The catalogue has no product \"%.64s\".", request->path_values[0]);
}

static void answer(struct projections_read *read)
{
    struct http_request *request = BASE_CONTAINER(read, struct http_request, wait.read);
    http_reply_read(
        request, HTTP_CACHE_PUBLIC, HTTP_PROBLEM_PRODUCT_NOT_FOUND, missing_detail(request));
}

void http_ask_get_product(struct http_request *request)
{
    struct projections_read *read = &request->wait.read;
    if (!http_begin_read(request))
        return;
    read->sku = request->path_values[0];
    if (!codec_is_sku(read->sku)) {
        http_refuse(request, HTTP_PROBLEM_PRODUCT_NOT_FOUND, "%s", missing_detail(request));
        return;
    }
    read->answered = answer;
    projections_read_product(request->http->options.projections, read);
}
