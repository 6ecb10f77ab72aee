#include "handlers.h"

#include "access.h"
#include "reply.h"
#include "server.h"

/* What has to hold, each with the sentence that says why it does not; NULL: it holds. */
struct checks {
    const char *serving;
    const char *commands;
    const char *reads;
};

static struct checks look(const struct http *http)
{
    struct checks checks = {0};
    if (http->is_draining)
        checks.serving = "The service is stopping.";
    if (!service_is_ready(http->options.service)) {
        const char *trouble = service_trouble(http->options.service);
        checks.commands = trouble == NULL ? "Commands can't be recorded yet." : trouble;
    }
    if (!projections_is_ready(http->options.projections) || !feed_is_ready(http->options.feed))
        checks.reads = "There is no connection to read from.";
    return checks;
}

static void append_check(struct base_buffer *out, const char *name, const char *trouble)
{
    base_buffer_printf(out, "%s\"%s\":", out->length == 1 ? "" : ",", name);
    base_buffer_append_json_text(out, trouble == NULL ? "ok" : trouble);
}

static const char *write_checks(struct base_arena *arena, const struct checks *checks)
{
    struct base_buffer out = {0};
    base_buffer_append_char(&out, '{');
    append_check(&out, "serving", checks->serving);
    append_check(&out, "commands", checks->commands);
    append_check(&out, "reads", checks->reads);
    base_buffer_append_char(&out, '}');
    const char *copy = base_arena_copy(arena, out.bytes, out.length);
    base_buffer_finish(&out);
    return copy;
}

static void reply_ready(struct http_request *request, const char *details)
{
    struct base_buffer body = {0};
    base_buffer_append_text(&body, "{\"status\":\"ready\"");
    if (details != NULL)
        base_buffer_printf(&body, ",\"checks\":%s", details);
    base_buffer_append_char(&body, '}');
    http_send_reply(
        request, &(struct http_reply){
                     .status = MHD_HTTP_OK,
                     .media = HTTP_MEDIA_JSON,
                     .body = &body,
                     .cache = HTTP_CACHE_NEVER,
                 });
}

void http_ask_get_readyz(struct http_request *request)
{
    const struct checks checks = look(request->http);
    const char *details = NULL;
    if (request->parameters[HTTP_PARAMETER_VERBOSE] != NULL) {
        if (!http_authorize(request, HTTP_OPERATIONS))
            return;
        details = write_checks(&request->arena, &checks);
    }
    struct http_trouble trouble = {
        .problem = HTTP_PROBLEM_DATABASE_UNAVAILABLE,
        .checks = details,
    };
    if (checks.serving != NULL) {
        trouble.problem = HTTP_PROBLEM_SHUTTING_DOWN;
        trouble.detail = checks.serving;
    } else if (checks.commands != NULL) {
        trouble.detail = checks.commands;
    } else if (checks.reads != NULL) {
        trouble.detail = checks.reads;
    } else {
        reply_ready(request, details);
        return;
    }
    /* The reason may name hosts and users. */
    if (!http_may(request, HTTP_OPERATIONS))
        trouble.detail = "The service is not ready; checks says why.";
    http_send_trouble(request, &trouble);
}
