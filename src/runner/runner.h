/*
 * runner: who works along the log, and how far they have come. Followers of one kind (the
 * projections, say) have a table of checkpoints and a row for the process that runs them: one of
 * all that serve the same database does at a time, and when it ends, another goes on. A runner
 * finds out whether it is that one, polls the checkpoints and the log, has its owner do a chunk of
 * work where there is some, and rests.
 *
 * What the work is, it does not know: the owner asks for it on the runner's connection.
 */
#ifndef CARTD_RUNNER_H
#define CARTD_RUNNER_H

#include "base.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"

/* ---- kinds of followers ---------------------------------------------------------------------- */

struct runner_kind {
    const char *checkpoints; /* the table: name, position, paused_position,
                              * paused_reason, paused_at */
    const char *rebuilt;     /* its column of that meaning, or a null */
    struct postgres_statement claim;
    struct postgres_statement read;
    enum metrics_number is_runner; /* a gauge */
};

/* The initialiser of a kind.
 *
 * claim has no row when another process runs them: one that has said so within the last five
 * seconds. What it said in the future it said before the clock was set back: it will say so again
 * within a second, if it still runs. Two that look away at the same time can't both have it, and if
 * a slow one goes on all the same, it finds that the checkpoints have moved. */
#define RUNNER_KIND(checkpoints_table, runner_table, rebuilt_column, gauge)                        \
    {                                                                                              \
        .checkpoints = checkpoints_table, .rebuilt = rebuilt_column, .is_runner = (gauge),         \
        .claim =                                                                                   \
            {                                                                                      \
                .name = "claim_" runner_table,                                                     \
                .rows = POSTGRES_AT_MOST_ONE_ROW,                                                  \
                .sql = "UPDATE " runner_table "\n"                                                 \
                       "SET runner = $1, renewed_at = clock_timestamp()\n"                         \
                       "WHERE runner = $1\n"                                                       \
                       "    OR renewed_at < clock_timestamp() - '5 seconds'::interval\n"           \
                       "    OR renewed_at > clock_timestamp() + '5 seconds'::interval\n"           \
                       "RETURNING set_config('synchronous_commit', 'off', true)",                  \
                POSTGRES_TYPES(POSTGRES_UUID),                                                     \
            },                                                                                     \
        .read = {                                                                                  \
            .name = "read_" checkpoints_table,                                                     \
            .sql = "SELECT c.name, c.position, " rebuilt_column ", c.paused_at IS NOT NULL,\n"     \
                   "    e.recorded_at\n"                                                           \
                   "FROM " checkpoints_table " c\n"                                                \
                   "LEFT JOIN events e ON e.position = c.position + 1",                            \
        },                                                                                         \
    }

/* Where a follower is. */
struct runner_checkpoint {
    int64_t position;
    int64_t rebuilt_position;    /* -1: no rebuild is on */
    int64_t next_recorded_at_us; /* of the first event that it does not know; INT64_MAX: none */
    bool is_known;               /* there is such a row */
    bool is_paused;
};

/* ---- running them ---------------------------------------------------------------------------- */

struct runner_options {
    const struct runner_kind *kind;
    const char *const *names; /* of the followers; the list is copied */
    size_t n_names;           /* at most RUNNER_FOLLOWERS_MAX */
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    const char *role;                 /* of the connection */
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    /* What the owner asks besides eventstore_log_statements: lists that NULL ends; n_statements
     * lists, which are read by runner_start(). One may be in several. */
    const struct postgres_statement *const *const *statements;
    size_t n_statements;
    /* Begins the next chunk of work in a log that ends there; ends with runner_ended(), perhaps
     * within the call. */
    void (*begin)(void *context, int64_t head_position);
    /* After each poll, whoever runs them. */
    void (*measure)(void *context, int64_t head_position);
    /* Whether somebody waits for what the work would delay. */
    bool (*is_busy)(void *context);
    void *context;
};

#define RUNNER_FOLLOWERS_MAX 16
#define RUNNER_STATEMENTS_MAX 64

struct runner {
    struct runner_options options;
    struct postgres_connection *connection;
    struct runner_checkpoint checkpoints[RUNNER_FOLLOWERS_MAX]; /* in the order of the names */
    bool is_runner;

    /* Its own. */
    const char *names[RUNNER_FOLLOWERS_MAX];
    const struct postgres_statement *statements[RUNNER_STATEMENTS_MAX];
    struct base_uuid id; /* this process */
    bool is_ending;
    bool is_behind; /* a follower is, by more than a few events */
    int64_t claimed_at_us;
    int64_t began_at_us; /* the present poll and chunk */
    struct loop_timer timer;
    struct postgres_pipeline poll;
};

/* Zero-initialise it. False with *problem (the caller's to free) when the url is not a connection
 * string; then it needs no stop. */
bool runner_start(struct runner *runner, const struct runner_options *options, char **problem)
    BASE_MUST_CHECK;
/* What is under way is left to the database, which keeps all of it or nothing; the owner's
 * pipelines are answered first. */
void runner_stop(struct runner *runner);

enum runner_result {
    RUNNER_DONE,    /* there may be more */
    RUNNER_NOTHING, /* there was nothing to do */
    RUNNER_TROUBLE  /* it is tried again in a second */
};
void runner_ended(struct runner *runner, enum runner_result result);
/* How old the first event is that the follower does not know, in seconds; 0: it knows all. */
int64_t runner_lag_seconds(const struct runner_checkpoint *checkpoint);

/* ---- for the command line -------------------------------------------------------------------- */

/* A follower and how far it has come. */
struct runner_state {
    const char *name;
    int64_t position;
    int64_t lag_events;
    int64_t lag_seconds;      /* age of the first event that it does not know */
    int64_t rebuilt_position; /* -1: no rebuild is on */
    int64_t paused_position;  /* the event that it can't take; 0: none */
    const char *paused_at;    /* NULL: it is not paused */
    const char *paused_reason;
};
/* The number in a cell; `otherwise` if there is none. */
int64_t runner_read_number(const char *cell, int64_t otherwise);
/* All of them, by name; texts and list are in the arena. False with *problem, the caller's to free.
 */
bool runner_list(
    struct postgres_session *session, const struct runner_kind *kind, struct base_arena *arena,
    struct runner_state **list, size_t *n, char **problem) BASE_MUST_CHECK;
/* Lets a follower that is paused try again. *was_paused says whether there was anything to do. */
bool runner_resume(
    struct postgres_session *session, const struct runner_kind *kind, const char *name,
    bool *was_paused, char **problem) BASE_MUST_CHECK;

#endif
