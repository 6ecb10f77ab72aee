/*
 * follow: who reads the log for the projections that follow it. One process of all that serve the
 * same database does it at a time; when it ends, another goes on. It reads a chunk of the log,
 * folds its carts, and has every projection write what the events say to it, in the transaction
 * that moves the projection's checkpoint: so each event takes effect once, whatever crashes. An
 * event that a projection can't take pauses that projection there and no other; it is never
 * skipped.
 *
 * It serves nobody and decides nothing. Its work is done in chunks of about a millisecond, with
 * rests between them while commands wait.
 */
#ifndef CARTD_FOLLOW_H
#define CARTD_FOLLOW_H

#include "base.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"
#include "projections.h"
#include "runner.h"

struct follow_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    /* Whether somebody waits for what the projections' work would delay. */
    bool (*is_busy)(void *context);
    void *context;
};

struct follow;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct follow *follow_create(const struct follow_options *options, char **problem) BASE_MUST_CHECK;
/* What is under way is left to the database, which keeps all of it or nothing. NULL-safe. */
void follow_destroy(struct follow *follow);

/* ---- for the command line -------------------------------------------------------------------- */

/* The projections by name; texts and list are in the arena. False with *problem, the caller's to
 * free.
 */
bool follow_list(
    struct postgres_session *session, struct base_arena *arena, struct runner_state **list,
    size_t *n, char **problem) BASE_MUST_CHECK;
/* Lets a projection that is paused try again. *was_paused says whether there was anything to do. */
bool follow_resume(
    struct postgres_session *session, const char *name, bool *was_paused,
    char **problem) BASE_MUST_CHECK;
/* Has a projection write its tables anew from the first event on, while reports go on; whoever runs
 * the projections does it. */
bool follow_rebuild(struct postgres_session *session, const char *name, char **problem)
    BASE_MUST_CHECK;

#endif
