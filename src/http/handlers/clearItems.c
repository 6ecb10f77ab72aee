#include "handlers.h"

void http_ask_clear_items(struct http_request *request)
{
    struct cart_command command = {.type = CART_COMMAND_CLEAR_ITEMS};
    if (http_begin_command(request))
        http_submit_bodiless(request, &command);
}
