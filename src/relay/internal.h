/*
 * What the files of this room share, from the bottom up; each uses those before it.
 *
 *   complain.c     says what is wrong, on stderr
 *   address.c      where a sink is
 *   sink_*.c       the sinks, each one file; sinks.c lists them
 *   worker.c       the thread in which the sink waits
 *   checkpoints.c  statements: who holds a relay, and how far it is
 *   lane.c         one relay: reads, gives to its sink, moves its checkpoint
 *   page.c         /metrics, for operators
 *   run.c          the process: its loop, its signals, its lane
 *   states.c       `status`, `rewind` and `remove`
 *   relay.c        the command line
 */
#ifndef CARTD_RELAY_INTERNAL_H
#define CARTD_RELAY_INTERNAL_H

#include "base.h"
#include "config.h"
#include "eventstore.h"
#include "loop.h"
#include "postgres.h"
#include "relay.h"
#include "sink.h"

enum relay_exit { RELAY_DONE = 0, RELAY_FAILED = 1, RELAY_MISUSED = 2 };

/* ---- complain.c ------------------------------------------------------------------------------ */

/* Says "cartd-relay: …" on stderr, on one line. */
void relay_complain(const char *format, ...) BASE_PRINTF(1, 2);

/* ---- address.c ------------------------------------------------------------------------------- */

/* False: it is no address. Else *address is to be finished, and *shown, the address without user,
 * password and query, is the caller's to free. */
bool address_read(const char *text, struct relay_address *address, char **shown) BASE_MUST_CHECK;
void address_finish(struct relay_address *address);

/* ---- worker.c -------------------------------------------------------------------------------- */

struct worker_answer {
    size_t n_taken;
    char problem[RELAY_PROBLEM_SIZE];
};

struct worker;
/* Signals must be blocked before. `link` is closed with it. answered() is called from the loop. */
struct worker *worker_create(
    struct loop *loop, const struct relay_sink *sink, void *link,
    void (*answered)(struct worker *worker, void *context), void *context);
/* One batch at a time; the events stay until it is answered. */
void worker_send(struct worker *worker, const struct relay_event *events, size_t n);
const struct worker_answer *worker_find_answer(const struct worker *worker);
/* Waits for a batch that is under way. */
void worker_destroy(struct worker *worker);

/* ---- checkpoints.c --------------------------------------------------------------------------- */

/* What a process says of a relay when it claims it, or renews its claim. */
struct checkpoints_claim {
    const char *name;
    const struct base_uuid *runner;
    int64_t after;       /* where the process believes it is; -1: it does not know */
    int64_t until;       /* where it has come to */
    int64_t n_sent;      /* events that were taken since the last claim */
    const char *failure; /* NULL: none */
};

extern const struct postgres_statement *const checkpoints_statements[];
/* A row, the position, unless another process holds the relay or there is none of the name. A
 * position other than `until` was set by somebody else, and counts. */
void checkpoints_ask_claim(
    struct postgres_pipeline *pipeline, const struct checkpoints_claim *claim);
/* Lets another process go on at once. */
void checkpoints_ask_release(
    struct postgres_pipeline *pipeline, const char *name, const struct base_uuid *runner);

/* ---- lane.c ---------------------------------------------------------------------------------- */

#define LANE_TYPES_MAX 32

struct lane_options {
    struct loop *loop;
    const struct base_log *log;
    const char *name;
    const char *types[LANE_TYPES_MAX];
    size_t n_types; /* 0: all */
    struct codec_cloud_naming naming;
    /* It claims nothing, begins behind this position, and ends at the end of the log. */
    bool is_rehearsal;
    int64_t after;
    bool ends_in_trouble;         /* what the sink does not take now, it never will */
    void (*ended)(void *context); /* it was stopped, or came to its end */
    void *context;
};

struct lane_numbers {
    int64_t position;
    int64_t head_position;
    int64_t n_sent;
    int64_t n_failures;
    int64_t lag_seconds;
    bool is_runner;
};

struct lane;
struct lane *lane_create(const struct lane_options *options);
/* Before it starts; they outlive it. */
void lane_use(struct lane *lane, struct postgres_connection *connection, struct worker *worker);
void lane_start(struct lane *lane);
/* worker_create()'s. */
void lane_answered(struct worker *worker, void *context);
/* When what is under way is answered, and the checkpoint written, it has ended(). */
void lane_stop(struct lane *lane);
void lane_destroy(struct lane *lane);
const struct lane_numbers *lane_count(const struct lane *lane);

/* ---- page.c ---------------------------------------------------------------------------------- */

struct page;
/* NULL with *problem, the caller's to free: it can't listen there. */
struct page *page_open(
    struct loop *loop, const char *address, const char *name, const struct lane *lane,
    char **problem) BASE_MUST_CHECK;
void page_close(struct page *page); /* NULL-safe */

/* ---- the subcommands ------------------------------------------------------------------------- */

struct relay_call {
    const struct config *config;
    char **arguments;
    size_t n_arguments;
    const struct config_flag *flags;
};
enum relay_flag {
    RELAY_FLAG_TYPES,
    RELAY_FLAG_FROM,
    RELAY_FLAG_SOURCE,
    RELAY_FLAG_PREFIX,
    RELAY_FLAG_METRICS,
    RELAY_FLAG_DRY_RUN
};

enum relay_exit relay_run(const struct relay_call *call);
enum relay_exit relay_status(const struct relay_call *call);
enum relay_exit relay_rewind(const struct relay_call *call);
enum relay_exit relay_remove(const struct relay_call *call);

/* Makes the relay, if it is new, to begin behind `after`; notes where it goes. False with *problem,
 * the caller's to free. */
bool relay_register(
    const char *url, const char *name, const char *shown, const char *types, int64_t after,
    bool *is_new, char **problem) BASE_MUST_CHECK;
/* Where a relay is; 0: there is none of the name. */
bool relay_find_position(const char *url, const char *name, int64_t *position, char **problem)
    BASE_MUST_CHECK;

#endif
