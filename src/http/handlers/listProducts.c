#include "handlers.h"

#include "reply.h"
#include "server.h"

static void answer(struct projections_page *page)
{
    http_reply_page(BASE_CONTAINER(page, struct http_request, wait.page), HTTP_CACHE_PUBLIC);
}

void http_ask_list_products(struct http_request *request)
{
    struct projections_page *page = &request->wait.page;
    if (!http_begin_page(request))
        return;
    page->answered = answer;
    if (!projections_list_products(request->http->options.projections, page))
        http_refuse_cursor(request);
}
