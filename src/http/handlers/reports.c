#include "handlers.h"

#include "reply.h"
#include "server.h"

enum { LIMIT_DEFAULT = 100, WITHIN_DAYS_DEFAULT = 30 };

/* ---- what they share ------------------------------------------------------------------------- */

static const struct http_refusal *begin(
    struct http_request *request, enum projections_report_kind kind)
{
    struct projections_report *report = &request->wait.report;
    int64_t limit = LIMIT_DEFAULT;
    *report = (struct projections_report){
        .kind = kind,
        .is_csv = request->prefers_csv,
        .as_of_us = PROJECTIONS_NO_TIME,
        .from_us = PROJECTIONS_NO_TIME,
        .to_us = PROJECTIONS_NO_TIME,
        .cursor = request->parameters[HTTP_PARAMETER_CURSOR],
    };
    const struct http_refusal *refusal =
        http_read_time(request, HTTP_PARAMETER_AS_OF, &report->as_of_us);
    if (refusal == NULL)
        refusal = http_read_number(
            request, HTTP_PARAMETER_LIMIT, 1, PROJECTIONS_REPORT_LIMIT_MAX, &limit);
    report->limit = (int32_t)limit;
    return refusal;
}

static void answer(struct projections_report *report)
{
    const struct http_reply reply = {
        .media = report->is_csv ? HTTP_MEDIA_CSV_SENT : HTTP_MEDIA_JSON,
        .body = &report->body,
        .cache = HTTP_CACHE_PRIVATE,
    };
    http_answer_list(
        BASE_CONTAINER(report, struct http_request, wait.report), report->request.failure, reply,
        &report->next_cursor);
}

static const struct http_refusal *ask(struct http_request *request)
{
    struct projections_report *report = &request->wait.report;
    report->answered = answer;
    return projections_report(request->http->options.projections, report)
               ? NULL
               : http_refuse_cursor(request);
}

/* ---- the operations -------------------------------------------------------------------------- */

const struct http_refusal *http_ask_get_demand_report(struct http_request *request)
{
    const struct http_refusal *refusal = begin(request, PROJECTIONS_DEMAND);
    return refusal != NULL ? refusal : ask(request);
}

static const struct http_refusal *read_period(struct http_request *request)
{
    struct projections_report *report = &request->wait.report;
    const struct http_refusal *refusal =
        http_read_time(request, HTTP_PARAMETER_FROM, &report->from_us);
    if (refusal == NULL)
        refusal = http_read_time(request, HTTP_PARAMETER_TO, &report->to_us);
    if (refusal != NULL)
        return refusal;
    bool has_both = report->from_us != PROJECTIONS_NO_TIME && report->to_us != PROJECTIONS_NO_TIME;
    return has_both && report->to_us <= report->from_us
               ? http_refuse_parameter(request, HTTP_PARAMETER_TO, "later than \"from\"")
               : NULL;
}

static const struct http_refusal *ask_of_period(
    struct http_request *request, enum projections_report_kind kind)
{
    const struct http_refusal *refusal = begin(request, kind);
    if (refusal == NULL)
        refusal = read_period(request);
    return refusal != NULL ? refusal : ask(request);
}

const struct http_refusal *http_ask_get_funnel_report(struct http_request *request)
{
    return ask_of_period(request, PROJECTIONS_FUNNEL);
}

const struct http_refusal *http_ask_get_abandoned_carts_report(struct http_request *request)
{
    return ask_of_period(request, PROJECTIONS_ABANDONED_CARTS);
}

const struct http_refusal *http_ask_get_removed_then_bought_report(struct http_request *request)
{
    int64_t days = WITHIN_DAYS_DEFAULT;
    const struct http_refusal *refusal = begin(request, PROJECTIONS_REMOVED_THEN_BOUGHT);
    if (refusal == NULL)
        refusal = http_read_number(
            request, HTTP_PARAMETER_WITHIN_DAYS, 1, PROJECTIONS_WITHIN_DAYS_MAX, &days);
    request->wait.report.within_days = (int32_t)days;
    return refusal != NULL ? refusal : ask(request);
}
