#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "follow.h"
#include "followers.h"
#include "subcommand.h"

static void print_list(const struct runner_state *list, size_t n)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer activity = {0};
    printf("%-24s %12s %10s %10s  %s\n", "projection", "position", "lag", "seconds", "state");
    for (size_t i = 0; i < n; i++) {
        followers_write_activity(&activity, &list[i]);
        printf(
            "%-24s %12" PRId64 " %10" PRId64 " %10" PRId64 "  %s\n", list[i].name, list[i].position,
            list[i].lag_events, list[i].lag_seconds, base_buffer_text(&activity));
    }
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
    const struct runner_state *state = followers_find(list, n, name);
    if (!state)
        return followers_complain_unknown("projection", list, n, name);
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
    return followers_run(call, run);
}
