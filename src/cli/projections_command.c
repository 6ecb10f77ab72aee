#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "follow.h"
#include "subcommand.h"
#include "task.h"

static void close_session(struct postgres_session **session)
{
    postgres_session_close(*session);
}

/* What a projection does at the moment, as words for the last column. */
static void write_activity(struct base_buffer *out, const struct runner_state *state)
{
    out->length = 0;
    if (state->paused_position > 0) {
        base_buffer_printf(
            out, "paused at position %" PRId64 " since %s: %s", state->paused_position,
            state->paused_at, state->paused_reason);
    } else if (state->rebuilt_position >= 0) {
        int64_t whole = state->position > 0 ? state->position : 1;
        base_buffer_printf(
            out, "rebuilding, %" PRId64 " %% done", state->rebuilt_position * 100 / whole);
    } else {
        base_buffer_append_text(out, state->lag_events > 0 ? "catching up" : "up to date");
    }
}

static void print_list(const struct runner_state *list, size_t n)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer activity = {0};
    printf("%-24s %12s %10s %10s  %s\n", "projection", "position", "lag", "seconds", "state");
    for (size_t i = 0; i < n; i++) {
        write_activity(&activity, &list[i]);
        printf(
            "%-24s %12" PRId64 " %10" PRId64 " %10" PRId64 "  %s\n", list[i].name, list[i].position,
            list[i].lag_events, list[i].lag_seconds, base_buffer_text(&activity));
    }
}

static const struct runner_state *find_state(
    const struct runner_state *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static enum cli_exit complain_unknown(const struct runner_state *list, size_t n, const char *name)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer names = {0};
    for (size_t i = 0; i < n; i++)
        base_buffer_printf(&names, "%s%s", i > 0 ? ", " : "", list[i].name);
    cli_complain(
        "unknown projection \"%s\"; the projections are: %s", name, base_buffer_text(&names));
    return CLI_MISUSED;
}

static bool resume(struct postgres_session *session, const char *name, char **problem)
{
    bool was_paused = false;
    if (!follow_resume(session, name, &was_paused, problem))
        return false;
    printf(was_paused ? "%s goes on\n" : "%s was not paused\n", name);
    return true;
}

static bool rebuild(
    struct postgres_session *session, const struct runner_state *state, char **problem)
{
    if (!follow_rebuild(session, state->name, problem))
        return false;
    printf(
        "%s is being rebuilt from %" PRId64 " events; `cartd projections` shows its progress\n",
        state->name, state->position);
    return true;
}

static enum cli_exit run(
    struct postgres_session *session, const struct cli_call *call, char **problem)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct runner_state *list = NULL;
    size_t n = 0;
    if (!follow_list(session, &arena, &list, &n, problem))
        return CLI_FAILED;
    if (call->n_arguments == 0) {
        print_list(list, n);
        return CLI_DONE;
    }
    const char *name = call->arguments[1];
    const struct runner_state *state = find_state(list, n, name);
    if (!state)
        return complain_unknown(list, n, name);
    bool is_done = strcmp(call->arguments[0], "resume") == 0 ? resume(session, name, problem)
                                                             : rebuild(session, state, problem);
    return is_done ? CLI_DONE : CLI_FAILED;
}

static bool is_understood(const struct cli_call *call)
{
    return call->n_arguments == 0 ||
           (call->n_arguments == 2 && (strcmp(call->arguments[0], "resume") == 0 ||
                                       strcmp(call->arguments[0], "rebuild") == 0));
}

enum cli_exit cli_projections(const struct cli_call *call)
{
    if (!is_understood(call))
        return cli_complain_of_usage(call);
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
