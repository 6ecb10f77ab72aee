/*
 * task: the frame of a subcommand that takes a while. It has a loop, the signals that end it, a
 * progress line and, where it is asked for, a connection to the database and a file that is read as
 * it comes. What is asked and what it means is the subcommand's.
 */
#ifndef CARTD_CLI_TASK_H
#define CARTD_CLI_TASK_H

#include "base.h"
#include "config.h"
#include "loop.h"
#include "postgres.h"
#include "progress.h"
#include "source.h"

struct task {
    /* Set by the caller before task_open(). */
    const struct config *config;
    const char *role; /* of its connection: "show"; for application_name and the log */
    /* NULL: it has no connection of its own. */
    const struct postgres_statement *const *statements;
    bool reads_log;     /* and no other table: a database that was made before 0.1.0 will do */
    bool waits_forever; /* for a database that was lost for however long it takes */
    void (*ready)(struct task *task);       /* connected, or connected again: ask (anew) */
    void (*interrupted)(struct task *task); /* a first SIGINT or SIGTERM; a second stops the loop.
                                               NULL: the first does */
    void (*step)(struct task *task);        /* in the loop, after task_wake() and task_read() */
    void (*show)(struct task *task);        /* progress_show(), every so often; NULL: never */
    struct source *source;                  /* that it reads; NULL: none */
    struct progress progress;               /* progress_start() */

    /* The task's. */
    struct loop *loop;
    struct postgres_connection *connection;
    struct base_log log;
    int64_t wait_ms;
    bool was_interrupted;
    bool is_unreadable; /* the source; said */
    char *trouble;      /* the database was away for too long, which stopped the loop; NULL: no */
    struct loop_signals signals;
    struct loop_timer timeout;
    struct loop_timer redraw;
    struct loop_deferred wake;
    struct loop_watch input;
};

/* Whether the database is there and has the schema. False: it is not; said on stderr. */
bool task_check(const struct config *config) BASE_MUST_CHECK;
/* The same for a task that reads_log. */
bool task_check_log(const struct config *config) BASE_MUST_CHECK;
/* After a check, if it has a connection, so that what is wrong is said at once. False: it can't be;
 * said on stderr. */
bool task_open(struct task *task) BASE_MUST_CHECK;
/* Until task_stop(). The progress line is gone then. */
void task_run(struct task *task);
void task_stop(struct task *task);
/* step() is called soon. */
void task_wake(struct task *task);
/* Reads more of the source, as soon as there is some; then step() is called. Perhaps it can't be
 * read. */
void task_read(struct task *task);
/* Whether that is still to come. */
bool task_is_reading(const struct task *task);
/* What has not come yet is not waited for. */
void task_stop_reading(struct task *task);
/* Whatever is under way is answered. */
void task_disconnect(struct task *task);
/* Disconnects if it was not done, and stops what the task started; the caller has stopped its own.
 */
void task_close(struct task *task);

#endif
