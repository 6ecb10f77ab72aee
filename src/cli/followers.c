#include "followers.h"

#include <inttypes.h>
#include <string.h>

#include "task.h"

static void close_session(struct postgres_session **session)
{
    postgres_session_close(*session);
}

enum cli_exit followers_run(
    const struct cli_call *call,
    enum cli_exit (*run)(
        struct postgres_session *session, const struct cli_call *call, char **problem))
{
    if (!task_check(call->config))
        return CLI_FAILED;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    BASE_CLEANUP(close_session)
    struct postgres_session *session =
        postgres_session_open(call->config->texts[CONFIG_DATABASE_URL], &problem);
    enum cli_exit status = session ? run(session, call, &problem) : CLI_FAILED;
    if (problem)
        cli_complain("%s", problem);
    return status;
}

const struct runner_state *followers_find(
    const struct runner_state *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

enum cli_exit followers_complain_unknown(
    const char *what, const struct runner_state *list, size_t n, const char *name)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer names = {0};
    for (size_t i = 0; i < n; i++)
        base_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", list[i].name);
    cli_complain("unknown %s \"%s\"; the %ss are: %s", what, name, what, base_buffer_text(&names));
    return CLI_MISUSED;
}

void followers_write_activity(struct base_buffer *out, const struct runner_state *state)
{
    out->length = 0;
    if (state->paused_at != NULL) {
        base_buffer_append_text(out, "paused");
        if (state->paused_position > 0)
            base_buffer_printf(out, " at position %" PRId64, state->paused_position);
        base_buffer_printf(out, " since %s: %s", state->paused_at, state->paused_reason);
    } else if (state->rebuilt_position >= 0) {
        int64_t whole = state->position > 0 ? state->position : 1;
        base_buffer_printf(
            out, "rebuilding, %" PRId64 " %% done", state->rebuilt_position * 100 / whole);
    } else {
        base_buffer_append_text(out, state->lag_events > 0 ? "catching up" : "up to date");
    }
}
