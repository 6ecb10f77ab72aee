#include "handlers.h"

#include "reply.h"
#include "server.h"

void http_ask_get_metrics(struct http_request *request)
{
    struct base_buffer body = {0};
    metrics_print(request->http->options.metrics, &body);
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_METRICS,
                     .body = &body,
                     .cache = HTTP_CACHE_NEVER,
                 });
}
