#include "handlers.h"

/* An id that no item can have is the cart's to refuse too, after what comes before in the order of
 * refusals. */
void http_ask_remove_item(struct http_request *request)
{
    struct cart_command command = {
        .type = CART_COMMAND_REMOVE_ITEM,
        .remove_item.item_id = request->path_values[1],
    };
    if (http_begin_command(request))
        http_submit_bodiless(request, &command);
}
