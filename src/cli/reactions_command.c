#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "followers.h"
#include "reactions.h"
#include "subcommand.h"

static void print_list(
    const struct runner_state *states, const struct reactions_timers *timers, size_t n)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer activity = {0};
    printf(
        "%-24s %12s %10s %10s %10s %10s  %s\n", "reaction", "position", "lag", "seconds", "timers",
        "due", "state");
    for (size_t i = 0; i < n; i++) {
        followers_write_activity(&activity, &states[i]);
        printf(
            "%-24s %12" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64 "  %s\n",
            states[i].name, states[i].position, states[i].lag_events, states[i].lag_seconds,
            timers[i].n, timers[i].n_due, base_buffer_text(&activity));
    }
}

static bool rerun(
    struct postgres_session *session, const struct runner_state *state, const char *from,
    char **problem)
{
    int64_t head = state->position + state->lag_events;
    int64_t position = 0;
    bool has_changed = false;
    if (!base_parse_int(from, 1, head, &position)) {
        cli_complain("the log ends at position %" PRId64 "; nothing was done", head);
        return false;
    }
    if (!reactions_rerun(session, state->name, from, &has_changed, problem))
        return false;
    printf(
        has_changed ? "%s answers the events from position %s on again\n"
                    : "%s has not come to position %s yet\n",
        state->name, from);
    return true;
}

static bool change(
    struct postgres_session *session, const struct runner_state *state, const struct cli_call *call,
    char **problem)
{
    const char *action = call->arguments[0];
    const char *name = state->name;
    bool has_changed = false;
    if (strcmp(action, "pause") == 0) {
        if (!reactions_pause(session, name, &has_changed, problem))
            return false;
        printf(has_changed ? "%s is paused\n" : "%s was paused already\n", name);
    } else if (strcmp(action, "resume") == 0) {
        if (!reactions_resume(session, name, &has_changed, problem))
            return false;
        printf(has_changed ? "%s goes on\n" : "%s was not paused\n", name);
    } else {
        return rerun(session, state, call->flags[CLI_REACTIONS_FROM].value, problem);
    }
    return true;
}

static enum cli_exit run(
    struct postgres_session *session, const struct cli_call *call, char **problem)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct runner_state *states = NULL;
    struct reactions_timers *timers = NULL;
    size_t n = 0;
    if (!reactions_list(session, &arena, &states, &timers, &n, problem))
        return CLI_FAILED;
    if (call->n_arguments == 0) {
        print_list(states, timers, n);
        return CLI_DONE;
    }
    const struct runner_state *state = followers_find(states, n, call->arguments[1]);
    if (state == NULL)
        return followers_complain_unknown("reaction", states, n, call->arguments[1]);
    return change(session, state, call, problem) ? CLI_DONE : CLI_FAILED;
}

static bool is_understood(const struct cli_call *call)
{
    const struct config_flag *from = &call->flags[CLI_REACTIONS_FROM];
    if (call->n_arguments == 0)
        return !from->is_given;
    if (call->n_arguments != 2)
        return false;
    if (strcmp(call->arguments[0], "rerun") == 0)
        return from->is_given;
    return !from->is_given &&
           (strcmp(call->arguments[0], "pause") == 0 || strcmp(call->arguments[0], "resume") == 0);
}

enum cli_exit cli_reactions(const struct cli_call *call)
{
    const char *from = call->flags[CLI_REACTIONS_FROM].value;
    int64_t position = 0;
    if (!is_understood(call))
        return cli_complain_of_usage(call);
    if (from != NULL && !base_parse_int(from, 1, INT64_MAX, &position)) {
        cli_complain("--from must be a position of the log, from 1 on");
        return CLI_MISUSED;
    }
    return followers_run(call, run);
}
