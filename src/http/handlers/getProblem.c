#include "handlers.h"

#include "reply.h"

void http_ask_get_problem(struct http_request *request)
{
    enum http_problem problem;
    if (!http_find_problem(request->path_values[0], &problem)) {
        http_refuse(
            request, HTTP_PROBLEM_NOT_FOUND, "There is no problem \"%.64s\".",
            request->path_values[0]);
        return;
    }
    struct base_buffer body = {0};
    http_explain_problem(&body, problem);
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_JSON,
                     .body = &body,
                     .cache = HTTP_CACHE_PUBLIC,
                 });
}
