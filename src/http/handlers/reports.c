#include "handlers.h"

#include "reply.h"
#include "server.h"

enum { LIMIT_DEFAULT = 100 };

bool http_begin_report(struct http_request *request, enum projections_report_kind kind)
{
    struct projections_report *report = &request->wait.report;
    int64_t limit = LIMIT_DEFAULT;
    const char *text = request->parameters[HTTP_PARAMETER_LIMIT];
    *report = (struct projections_report){
        .kind = kind,
        .is_csv = request->prefers_csv,
        .as_of_us = PROJECTIONS_NO_TIME,
        .from_us = PROJECTIONS_NO_TIME,
        .to_us = PROJECTIONS_NO_TIME,
        .cursor = request->parameters[HTTP_PARAMETER_CURSOR],
    };
    if (!http_read_time(request, HTTP_PARAMETER_AS_OF, &report->as_of_us))
        return false;
    if (text != NULL && !base_parse_int(text, 1, PROJECTIONS_REPORT_LIMIT_MAX, &limit)) {
        http_refuse_parameter(
            request, "limit",
            base_arena_printf(
                &request->arena, "a number from 1 to %d", PROJECTIONS_REPORT_LIMIT_MAX));
        return false;
    }
    report->limit = (int32_t)limit;
    return true;
}

static void answer(struct projections_report *report)
{
    struct http_request *request = BASE_CONTAINER(report, struct http_request, wait.report);
    if (report->outcome == PROJECTIONS_FOUND)
        http_send_reply(
            request, &(struct http_reply){
                         .status = MHD_HTTP_OK,
                         .media = report->is_csv ? HTTP_MEDIA_CSV_SENT : HTTP_MEDIA_JSON,
                         .body = &report->body,
                         .cache = HTTP_CACHE_PRIVATE,
                         .link = report->next_cursor.length > 0
                                     ? http_next_link(request, &report->next_cursor)
                                     : NULL,
                     });
    else
        http_refuse_read(
            request, report->outcome, report->request.failure, HTTP_PROBLEM_INTERNAL_ERROR,
            "report");
    base_buffer_finish(&report->body);
    base_buffer_finish(&report->next_cursor);
}

void http_ask_report(struct http_request *request)
{
    struct projections_report *report = &request->wait.report;
    report->answered = answer;
    if (!projections_report(request->http->options.projections, report))
        http_refuse_cursor(request);
}
