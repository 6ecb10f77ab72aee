/*
 * followers: what the subcommands about followers of the log share, `projections` and `reactions`.
 */
#ifndef CARTD_CLI_FOLLOWERS_H
#define CARTD_CLI_FOLLOWERS_H

#include "base.h"
#include "postgres.h"
#include "runner.h"
#include "subcommand.h"

/* Checks the database and connects; run() does the rest, and leaves what is wrong in *problem. */
enum cli_exit followers_run(
    const struct cli_call *call, enum cli_exit (*run)(
                                     struct postgres_session *session, const struct cli_call *call,
                                     char **problem)) BASE_MUST_CHECK;

/* NULL: there is none of that name. */
const struct runner_state *followers_find(
    const struct runner_state *list, size_t n, const char *name);
/* `what` is what they are called: "projection". */
enum cli_exit followers_complain_unknown(
    const char *what, const struct runner_state *list, size_t n, const char *name) BASE_MUST_CHECK;
/* What a follower does at the moment, as words for the last column. */
void followers_write_activity(struct base_buffer *out, const struct runner_state *state);

#endif
