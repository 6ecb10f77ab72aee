#include "handlers.h"

static bool read_period(struct http_request *request)
{
    struct projections_report *report = &request->wait.report;
    if (!http_read_time(request, HTTP_PARAMETER_FROM, &report->from_us) ||
        !http_read_time(request, HTTP_PARAMETER_TO, &report->to_us))
        return false;
    if (report->from_us != PROJECTIONS_NO_TIME && report->to_us != PROJECTIONS_NO_TIME &&
        report->to_us <= report->from_us) {
        http_refuse_parameter(request, "to", "later than \"from\"");
        return false;
    }
    return true;
}

void http_ask_get_funnel_report(struct http_request *request)
{
    if (http_begin_report(request, PROJECTIONS_FUNNEL) && read_period(request))
        http_ask_report(request);
}
