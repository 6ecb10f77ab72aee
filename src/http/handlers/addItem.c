#include "handlers.h"

void http_ask_add_item(struct http_request *request)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    if (!http_begin_command(request))
        return;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), CART_COMMAND_ADD_ITEM, &request->arena, &commands, &complaints);
    if (http_accept_body(request, outcome, &complaints))
        http_submit_to_cart(request, &commands);
}
