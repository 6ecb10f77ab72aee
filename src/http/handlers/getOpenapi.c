#include "handlers.h"

#include "reply.h"
#include "server.h"

void http_ask_get_openapi(struct http_request *request)
{
    const struct http_options *options = &request->http->options;
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_YAML,
                     .fixed = options->openapi,
                     .fixed_length = options->openapi_length,
                     .cache = HTTP_CACHE_PUBLIC,
                 });
}
