#include "handlers.h"

#include <string.h>

#include "server.h"

static bool read_types(struct http_request *request, uint32_t *types)
{
    const char *place = request->parameters[HTTP_PARAMETER_TYPE];
    if (place == NULL)
        return true;
    for (int i = 0; i < HTTP_LISTED_MAX; i++) {
        size_t length = strcspn(place, ",");
        uint32_t type = feed_type(place, length);
        if (type == 0)
            break;
        *types |= type;
        place += length;
        if (*place++ == '\0')
            return true;
    }
    http_refuse_parameter(
        request, "type",
        base_arena_printf(
            &request->arena, "one to %d names of event types, with commas between them, as %s",
            HTTP_LISTED_MAX, codec_cart_event_name(CART_EVENT_ITEM_ADDED)));
    return false;
}

void http_ask_list_events(struct http_request *request)
{
    struct feed_source source = {.is_of_cart = false};
    /* Every integer in an answer fits into a double, as that is what JavaScript has. */
    if (read_types(request, &source.types))
        http_ask_events(request, &source, (INT64_C(1) << 53) - 1);
}
