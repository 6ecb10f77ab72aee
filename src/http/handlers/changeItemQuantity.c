#include "handlers.h"

void http_ask_change_item_quantity(struct http_request *request)
{
    struct codec_commands commands;
    struct codec_complaints complaints;
    if (!http_begin_command(request))
        return;
    enum codec_outcome outcome = codec_read_command(
        http_request_body(request), CART_COMMAND_CHANGE_ITEM_QUANTITY, &request->arena, &commands,
        &complaints);
    if (!http_accept_body(request, outcome, &complaints))
        return;
    commands.list[0].change_item_quantity.item_id = request->path_values[1];
    http_submit_to_cart(request, &commands);
}
