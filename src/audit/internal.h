/*
 * internal: what the files of the audit share. audit.c opens and closes it, step.c takes one step
 * at a time and says what is done when one fails. walk.c hands out streams, chunk.c replays a few
 * of them and compares them with the read tables, orphans.c finds rows without a stream. verify.c,
 * rebuild.c and sampler.c are the jobs: where streams come from and what becomes of those that were
 * compared.
 */
#ifndef CARTD_AUDIT_INTERNAL_H
#define CARTD_AUDIT_INTERNAL_H

#include "audit.h"

#include "codec.h"
#include "eventstore.h"
#include "postgres.h"
#include "replay.h"

#define STATEMENTS_MAX 64
#define LANES_MAX 2
#define CHUNK_STREAMS_MAX 64
#define WALK_PAGE 1024
#define ORPHANS_PAGE 512
#define SNAPSHOTS_AT_ONCE 512

struct chunk;

/* What is done with the streams of a walk. Each function but init is a step: it asks something,
 * and may be called again when that was not answered. */
struct job {
    const char *role;     /* of its connection */
    int32_t slice_events; /* that are loaded at once */
    int32_t longest;      /* streams of more events are left out */
    size_t n_lanes;       /* chunks at a time: while one is folded, PostgreSQL reads the other */
    int64_t answer_ms;    /* 0: as long as the options say */
    bool writes;          /* else it reports what is wrong */
    bool is_endless;      /* whatever fails, it begins again after a while */
    void (*init)(struct audit *audit); /* adds its statements; NULL: none */
    void (*begin)(struct audit *audit);
    void (*reload)(struct audit *audit); /* the chunk at hand; NULL: nothing is loaded again */
    void (*receive)(struct audit *audit, struct chunk *chunk); /* it was compared: walk_go_on() */
    void (*walked)(struct audit *audit);                       /* all streams are done */
    void (*found_orphans)(struct audit *audit); /* perhaps none, or no table is left */
};
extern const struct job job_verify, job_rebuild, job_sample;

/* ---- a few streams --------------------------------------------------------------------------- */

struct chunk_stream {
    struct base_uuid id;
    int32_t version;  /* of the last event that was read */
    bool is_broken;   /* it can't be replayed; that was reported */
    bool is_left_out; /* the job's: it is not loaded, compared or changed any more */
    bool differs;     /* some of its rows are not what they should be */
    const struct aggregate *aggregate;
    void *state;          /* as folded so far */
    const char *snapshot; /* the state of its snapshot; NULL: none that can be compared */
    int32_t snapshot_version;
    bool has_bad_snapshot; /* it is not what the events say; that was reported */
    int32_t ordinal;       /* in a rewrite, from 1; 0: it is not in it */
    size_t n_findings;     /* findings */
};

struct chunk {
    struct audit *audit;
    bool is_busy; /* its streams are not done yet */

    struct chunk_stream streams[CHUNK_STREAMS_MAX]; /* sorted by id */
    size_t n_streams;
    size_t n_events; /* that they had when they were added */

    bool has_snapshots;
    struct replay_ranges ranges; /* to be loaded */
    char *states;
    struct base_arena texts[2]; /* of what was folded: one is in use */
    size_t texts_in_use;
    struct postgres_pipeline pipeline;
};

void chunk_init(struct chunk *chunk, struct audit *audit);
void chunk_finish(struct chunk *chunk);
/* Forgets all streams. */
void chunk_begin(struct chunk *chunk);
/* False: no room. Streams are added in id order. */
bool chunk_add(
    struct chunk *chunk, const struct base_uuid *id, const struct aggregate *aggregate,
    int32_t last_version) BASE_MUST_CHECK;
/* Reads and folds what came after what is folded already, reports what is wrong with the streams,
 * compares them with all tables, which sets `differs`; then the job receives it. */
void chunk_load(struct chunk *chunk);
/* What its rows should be: as if none of them were there, so that all are put. */
struct projections_change chunk_make_change(const struct chunk_stream *stream);

/* ---- where streams come from ----------------------------------------------------------------- */

struct walk {
    const char **types; /* of the streams that are walked */
    size_t n_types;
    struct base_uuid next_id; /* nothing before it is still to come */
    bool is_over;             /* nothing from next_id on */
    struct {
        struct base_uuid id;
        const struct aggregate *aggregate;
        int32_t version;
    } page[WALK_PAGE];
    size_t n_page;
    size_t at;
    struct chunk lanes[LANES_MAX];
};

void walk_init(struct walk *walk, struct audit *audit);
void walk_finish(struct walk *walk);
/* The step: the next streams for the lanes that are free, the next page when all are. */
void walk_ask(struct audit *audit);
/* Rows of streams, sorted by id, as a page; what was under way of another is forgotten. */
void walk_receive(struct audit *audit, const struct postgres_rows *rows);
/* The job is done with a chunk. */
void walk_go_on(struct audit *audit, struct chunk *chunk);
/* The next id after this one; false after the last. */
bool walk_next_id(struct base_uuid *id);

/* ---- rows without a stream ------------------------------------------------------------------- */

struct orphan {
    struct base_uuid stream_id;
    const char *key;      /* NULL: the key is the id */
    int32_t last_version; /* of a stream of another type with that id; 0: there is none */
};

struct orphans {
    /* What was found: rows of a table; NULL: no table is left. */
    const struct projections_table *table;
    struct orphan rows[ORPHANS_PAGE];
    size_t n_rows;

    size_t at;          /* of the tables */
    struct orphan last; /* key of the page, unless that is the last page */
    bool is_last_page;
    struct base_uuid next_id;    /* nothing of the table before it is still to come */
    struct base_buffer next_key; /* of those whose key is a text */
    struct base_arena arena;     /* keys */
};

void orphans_finish(struct orphans *orphans);
/* The step: finds those of the next page, then calls found_orphans(). */
void orphans_ask(struct audit *audit);

/* ---- the jobs -------------------------------------------------------------------------------- */

struct verify {
    struct eventstore_head head;
    int64_t shared_position;
    int64_t last_position;
    int64_t last_at_us;
    int64_t n_without_entry; /* events */
};

struct rebuild {
    struct eventstore_rewriter *rewriter;
    const struct eventstore_clause **removing; /* by table */
    const struct eventstore_clause **putting;
    size_t verdicts_at;                            /* in the pipeline */
    unsigned n_refused;                            /* times in a row, of the present chunk */
    size_t n_snapshots;                            /* that are being removed */
    struct base_uuid snapshots[SNAPSHOTS_AT_ONCE]; /* those without a stream */
};

struct audit {
    const struct job *job;
    struct audit_options options;
    struct audit_wanted wanted;
    struct postgres_connection *connection;
    const struct postgres_statement *statements[STATEMENTS_MAX + 1];
    size_t n_statements;
    struct audit_result result;
    int64_t last_shared_position; /* of the newest event that was read of a shared stream */
    char *trouble;

    void (*step)(struct audit *audit); /* what was begun last, and is begun again after a pause */
    struct postgres_pipeline pipeline; /* of the step, unless that is a chunk's */
    void (*answered)(struct audit *audit);
    bool is_in_transaction; /* one that lasts longer than a pipeline */
    int64_t answered_at_us; /* when something last went well */
    struct loop_timer pause;
    int64_t pause_us;
    bool is_stopping;

    struct walk walk;
    struct orphans orphans;
    struct verify verify;
    struct rebuild rebuild;
};

/* Before it is connected. A NULL-terminated list. */
void audit_add_statements(struct audit *audit, const struct postgres_statement *const *statements);

/* Without any answer: a failover takes half of it. */
#define AUDIT_TIMEOUT_US INT64_C(60000000)
extern const struct postgres_statement *const audit_transaction_statements[]; /* NULL-terminated */

/* Begins a step, unless the audit is to stop. */
void audit_go(struct audit *audit, void (*step)(struct audit *audit));
/* Begins the step again after a pause, outside of any transaction. */
void audit_pause(struct audit *audit);
void audit_pause_is_over(struct loop_timer *timer);
/* True when the answer is there and the work goes on. Otherwise the step is begun again, or the job
 * is, or it is the end: as the job allows. For pipelines of others than the audit. */
bool audit_goes_on(struct audit *audit, enum postgres_outcome outcome) BASE_MUST_CHECK;
/* The end, unless it is there already; `trouble` is copied. Calls ended(). */
void audit_end(struct audit *audit, enum audit_end end, const char *trouble);

/* The audit's own pipeline, emptied; and on its way: `answered` is called when the work goes on. */
struct postgres_pipeline *audit_begin_pipeline(struct audit *audit);
void audit_send_pipeline(struct audit *audit, void (*answered)(struct audit *audit));
/* Begins a transaction that lasts longer than the pipeline; a snapshot reads one state of
 * everything.
 */
void audit_ask_transaction(struct audit *audit, bool is_snapshot);
/* Ends it, if there is one. */
void audit_ask_commit(struct audit *audit);

/* A finding about a stream, but for its sentence; version 0: about the stream as a whole. */
struct audit_finding audit_about(
    const char *kind, const char *stream_type, const struct base_uuid *stream_id, int32_t version);
/* Tells a finding, of which the sentence is not set. */
void audit_report(struct audit *audit, struct audit_finding finding, const char *format, ...)
    BASE_PRINTF(3, 4);

#endif
