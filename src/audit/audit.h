/*
 * audit: does the database say what the log says? Streams are replayed from their first event, by
 * the codec and the core, and what comes out is compared with the read tables (verify; and a few
 * all the time in the service: the sampler) or put there (rebuild).
 *
 * It changes no event and no row of streams, for those are the truth. A stream that can't be
 * replayed is told of, never guessed at.
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

/* Where things are and who wants to know. */
struct audit_options {
    struct loop *loop;
    const struct base_log *log;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    int64_t wait_ms; /* for PostgreSQL, before it is given up */
    void (*found)(void *context, const struct audit_finding *finding);
    void (*ended)(void *context); /* called once, from the loop: look at the result */
    void *context;
    /* NULL: projections_tables(). */
    const struct projections_table *const *tables;
    size_t n_tables;
};

enum audit_end {
    AUDIT_GOES_ON,
    AUDIT_DONE,        /* all was looked at */
    AUDIT_INTERRUPTED, /* as asked by …_stop() */
    AUDIT_IN_TROUBLE   /* `trouble` says why */
};

struct audit_result {
    enum audit_end end;
    const char *trouble; /* a sentence; borrowed until destroy */
    int64_t n_findings;
    int64_t n_all;          /* streams that there are to look at; 0: not known yet */
    int64_t n_streams;      /* of them done */
    int64_t n_events;       /* replayed */
    int64_t n_rewritten;    /* streams whose rows were put anew (rebuild) */
    int64_t n_removed;      /* rows' keys without a stream that were removed (rebuild) */
    int64_t head;           /* of the log, as of the snapshot (verify) */
    int64_t n_placed;       /* events whose place in the log was looked at (verify) */
    struct base_uuid place; /* where a rebuild may go on: all streams before it are done */
};

/* ---- verify ---------------------------------------------------------------------------------- */

/* Looks at everything in one snapshot, with bounded memory. It locks nothing. */
struct audit_verify;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct audit_verify *audit_verify_create(const struct audit_options *options, char **problem)
    BASE_MUST_CHECK;
void audit_verify_destroy(struct audit_verify *verify); /* NULL-safe */
void audit_verify_stop(struct audit_verify *verify);
const struct audit_result *audit_verify_result(const struct audit_verify *verify);

/* ---- rebuild --------------------------------------------------------------------------------- */

/* Makes the read tables of one kind of streams, or of all, say what the log says, while others
 * append: it walks the streams in id order and replaces the rows of those whose rows differ.
 * Appends wait while such a few streams are written. It may be stopped at any time, run again, and
 * run beside itself. */
struct audit_rebuild;
struct audit_rebuild_wanted {
    const struct aggregate *only; /* NULL: all tables */
    struct base_uuid from;        /* streams before it are left out */
};
struct audit_rebuild *audit_rebuild_create(
    const struct audit_options *options, const struct audit_rebuild_wanted *wanted,
    char **problem) BASE_MUST_CHECK;
void audit_rebuild_destroy(struct audit_rebuild *rebuild); /* NULL-safe */
void audit_rebuild_stop(struct audit_rebuild *rebuild);
const struct audit_result *audit_rebuild_result(const struct audit_rebuild *rebuild);

/* ---- the sampler ----------------------------------------------------------------------------- */

/* Verifies the streams of a few random events every so often, for as long as it lives. What differs
 * is logged and counted. Of the options, found, ended and context are not used. */
struct audit_sampler;
struct audit_sampler *audit_sampler_create(
    const struct audit_options *options, struct metrics *metrics, int64_t every_ms,
    char **problem) BASE_MUST_CHECK;
void audit_sampler_destroy(struct audit_sampler *sampler); /* NULL-safe */

#endif
