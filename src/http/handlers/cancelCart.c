#include "handlers.h"

void http_ask_cancel_cart(struct http_request *request)
{
    struct cart_command command = {.type = CART_COMMAND_CANCEL};
    if (http_begin_command(request))
        http_submit_bodiless(request, &command);
}
