#include "handlers.h"

#include "admission.h"

void http_ask_execute_commands(struct http_request *request)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    if (!http_begin_command(request))
        return;
    enum codec_outcome outcome =
        codec_read_commands(http_request_body(request), &request->arena, &commands, &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    http_count_as(request, commands.n);
    http_submit_to_cart(request, &commands);
}
