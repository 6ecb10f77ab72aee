#include "handlers.h"

void http_ask_check_out_cart(struct http_request *request)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    if (!http_begin_command(request))
        return;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), CART_COMMAND_CHECK_OUT, &request->arena, &commands,
        &complaints);
    if (http_accept_body(request, outcome, &complaints))
        http_submit_to_cart(request, &commands);
}
