#include "handlers.h"

void http_ask_get_demand_report(struct http_request *request)
{
    if (http_begin_report(request, PROJECTIONS_DEMAND))
        http_ask_report(request);
}
