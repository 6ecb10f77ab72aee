#include "handlers.h"

#include "access.h"
#include "reply.h"
#include "server.h"

/* ---- documents ------------------------------------------------------------------------------- */

const struct http_refusal *http_ask_get_livez(struct http_request *request)
{
    struct base_buffer body = {0};
    base_buffer_append_text(&body, "{\"status\":\"alive\"}");
    http_send_json(request, &body, HTTP_CACHE_NEVER);
    return NULL;
}

const struct http_refusal *http_ask_get_metrics(struct http_request *request)
{
    struct base_buffer body = {0};
    metrics_print(request->http->options.metrics, &body);
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_METRICS,
                     .body = &body,
                     .cache = HTTP_CACHE_NEVER,
                 });
    return NULL;
}

/* ---- getReadyz ------------------------------------------------------------------------------- */

/* What has to hold, each with the sentence that says why it does not; NULL: it holds. */
struct checks {
    const char *serving;
    const char *commands;
    const char *reads;
};

static struct checks run_checks(const struct http *http)
{
    struct checks checks = {0};
    if (http->is_draining)
        checks.serving = "This instance is shutting down.";
    if (!service_is_ready(http->options.service)) {
        const char *trouble = service_trouble(http->options.service);
        checks.commands = trouble == NULL ? "Commands can't be recorded yet." : trouble;
    }
    if (!projections_is_ready(http->options.projections) || !feed_is_ready(http->options.feed))
        checks.reads = "There is no database connection for reads yet.";
    return checks;
}

static void append_check(struct base_buffer *out, const char *name, const char *trouble)
{
    base_buffer_printf(out, "%s\"%s\":", out->length == 1 ? "" : ",", name);
    base_buffer_append_json_text(out, trouble == NULL ? "ok" : trouble);
}

static const char *write_checks(struct base_arena *arena, const struct checks *checks)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer out = {0};
    base_buffer_append_char(&out, '{');
    append_check(&out, "serving", checks->serving);
    append_check(&out, "commands", checks->commands);
    append_check(&out, "reads", checks->reads);
    base_buffer_append_char(&out, '}');
    return base_arena_copy(arena, out.bytes, out.length);
}

static void reply_ready(struct http_request *request, const char *details)
{
    struct base_buffer body = {0};
    base_buffer_append_text(&body, "{\"status\":\"ready\"");
    if (details != NULL)
        base_buffer_printf(&body, ",\"checks\":%s", details);
    base_buffer_append_char(&body, '}');
    http_send_json(request, &body, HTTP_CACHE_NEVER);
}

/* The first of them that does not hold. NULL: all hold. */
static const char *find_trouble(const struct checks *checks)
{
    if (checks->serving != NULL)
        return checks->serving;
    return checks->commands != NULL ? checks->commands : checks->reads;
}

const struct http_refusal *http_ask_get_readyz(struct http_request *request)
{
    const struct checks checks = run_checks(request->http);
    const char *details = NULL;
    if (request->parameters[HTTP_PARAMETER_VERBOSE] != NULL) {
        const struct http_refusal *refusal = http_authorize(request, HTTP_OPERATIONS);
        if (refusal != NULL)
            return refusal;
        details = write_checks(&request->arena, &checks);
    }
    const char *trouble = find_trouble(&checks);
    if (trouble == NULL) {
        reply_ready(request, details);
        return NULL;
    }
    /* The reason may name hosts and users. */
    if (!http_may(request, HTTP_OPERATIONS))
        trouble = "This instance is not ready. GET /readyz?verbose, which requires the scope "
                  "reports, says why.";
    return http_refuse_with(
        &request->arena, &(struct http_refusal){
                             .problem = checks.serving != NULL ? HTTP_PROBLEM_SHUTTING_DOWN
                                                               : HTTP_PROBLEM_DATABASE_UNAVAILABLE,
                             .detail = trouble,
                             .checks = details,
                         });
}
