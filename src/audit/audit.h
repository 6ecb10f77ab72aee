/*
 * audit: does the database say what the log says? Streams are replayed from their first event, by
 * the codec and the core, and what comes out is compared with the read tables and reported, or put
 * there.
 *
 * It changes no event and no row of streams, for those are the truth. A stream that can't be
 * replayed is reported, never guessed at.
 */
#ifndef CARTD_AUDIT_H
#define CARTD_AUDIT_H

#include "base.h"
#include "loop.h"
#include "metrics.h"
#include "projections.h"

/* ---- what is found --------------------------------------------------------------------------- */

/* Something that is not as the log says, or a log that is not as it should be. Texts are borrowed
 * until found() returns. */
struct audit_finding {
    const char *kind;        /* for counting: the table that is wrong; a static text */
    const char *stream_type; /* NULL: it is about no stream */
    struct base_uuid stream_id;
    int32_t version;      /* of the event that it is about; 0: about the stream as a whole */
    const char *sentence; /* what differs */
};

enum audit_end {
    AUDIT_GOES_ON,
    AUDIT_DONE,        /* all was checked */
    AUDIT_INTERRUPTED, /* as asked by audit_stop() */
    AUDIT_IN_TROUBLE   /* `trouble` says why */
};

struct audit_result {
    enum audit_end end;
    const char *trouble; /* a sentence; borrowed until destroy */
    int64_t n_findings;
    int64_t n_all;              /* streams that there are to check; 0: not known yet */
    int64_t n_streams;          /* of them done */
    int64_t n_events;           /* replayed */
    int64_t n_rewritten;        /* streams whose rows were put anew (rebuild) */
    int64_t n_removed;          /* rows' keys without a stream that were removed (rebuild) */
    int64_t head;               /* of the log, as of the snapshot (verify) */
    int64_t n_positions;        /* events whose position in the log was checked (verify) */
    struct base_uuid resume_at; /* where a rebuild may go on: all streams before it are done */
};

/* ---- audits ---------------------------------------------------------------------------------- */

/* Each audit is one walk over streams, in the order of their ids: a few at a time are replayed,
 * compared with all read tables and handed on. Its memory is bounded, also by a stream of any
 * length. */
enum audit_kind {
    /* Reports what differs of everything, in one snapshot; it locks nothing. Also what is wrong
     * with the order of the log, with snapshots, stored answers and checkpoints. */
    AUDIT_VERIFY,
    /* Makes the read tables of one kind of streams, or of all, say what the log says, while others
     * append: it replaces the rows of streams whose rows differ, and removes those that no stream
     * backs. Appends wait while such a few streams are written. It may be stopped at any time, run
     * again, and run beside itself. */
    AUDIT_REBUILD,
    /* Verifies the streams of a few random events every so often, for as long as it lives. What
     * differs is logged and counted. */
    AUDIT_SAMPLE
};

struct audit_wanted {
    enum audit_kind kind;
    const struct aggregate *only; /* rebuild; NULL: all tables */
    struct base_uuid from;        /* rebuild: streams before it are left out */
    struct metrics *metrics;      /* sample */
    int64_t every_ms;             /* sample */
};

/* Where things are and who wants to know. */
struct audit_options {
    struct loop *loop;
    const struct base_log *log;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    int64_t wait_ms; /* for PostgreSQL, before it is given up */
    /* Of a sample neither is called. */
    void (*found)(void *context, const struct audit_finding *finding);
    void (*ended)(void *context); /* called once, from the loop: read the result */
    void *context;
    /* NULL: projections_tables(). */
    const struct projections_table *const *tables;
    size_t n_tables;
};

struct audit;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct audit *audit_create(
    const struct audit_options *options, const struct audit_wanted *wanted,
    char **problem) BASE_MUST_CHECK;
void audit_destroy(struct audit *audit); /* NULL-safe */
/* It ends soon, where it can be gone on from. */
void audit_stop(struct audit *audit);
const struct audit_result *audit_result(const struct audit *audit);

#endif
