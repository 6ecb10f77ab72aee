#include "handlers.h"

#include "reply.h"

void http_ask_get_livez(struct http_request *request)
{
    static const char alive[] = "{\"status\":\"alive\"}";
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_JSON,
                     .fixed = alive,
                     .fixed_length = sizeof(alive) - 1,
                     .cache = HTTP_CACHE_NEVER,
                 });
}
