#include "handlers.h"

enum { WITHIN_DAYS_DEFAULT = 30 };

static bool read_days(struct http_request *request)
{
    int64_t days = WITHIN_DAYS_DEFAULT;
    const char *text = request->parameters[HTTP_PARAMETER_WITHIN_DAYS];
    if (text != NULL && !base_parse_int(text, 1, PROJECTIONS_WITHIN_DAYS_MAX, &days)) {
        http_refuse_parameter(
            request, "within_days",
            base_arena_printf(
                &request->arena, "a number from 1 to %d", PROJECTIONS_WITHIN_DAYS_MAX));
        return false;
    }
    request->wait.report.within_days = (int32_t)days;
    return true;
}

void http_ask_get_removed_then_bought_report(struct http_request *request)
{
    if (http_begin_report(request, PROJECTIONS_REMOVED_THEN_BOUGHT) && read_days(request))
        http_ask_report(request);
}
