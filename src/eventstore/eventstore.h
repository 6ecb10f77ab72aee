/*
 * eventstore: the log of events in PostgreSQL. It appends a batch of streams in one statement, each
 * stream with a verdict of its own, and reads streams. It knows ids, versions, types and text; what
 * an event means it does not know, and it decides nothing.
 *
 * The append statement is composed once: the store's own clause (log head, idempotency keys,
 * events) and one clause from each immediate projection, so that read tables are written in the
 * transaction that records the events. Functions come in pairs: ask_… adds statements and their
 * parameters to a postgres pipeline, receive_… reads the pipeline's answer.
 */
#ifndef CARTD_EVENTSTORE_H
#define CARTD_EVENTSTORE_H

#include "base.h"
#include "postgres.h"

/* ---- the statements -------------------------------------------------------------------------- */

/*
 * What an immediate projection contributes to the append: CTEs, and the parameters that feed them.
 *
 * `ctes` is SQL, "name AS (…)[, name AS (…)]…", with its parameters as $1, $2, … of its own; they
 * are renumbered. It may read the CTEs
 *   verdict (flags bool[])                 by ordinal of the stream, from 1: was it accepted?
 *   head    (recorded_at timestamptz, …)   one row; none when no event is recorded
 * and must write only rows whose stream was accepted.
 */
struct eventstore_clause {
    const char *ctes;
    size_t n_parameters;
    const enum postgres_type *types;
    /* Refuses streams for what the table has in it: a SELECT, with the same parameters, of the
     * ordinal of a stream and a refusal, a positive number of the caller's own. It may read the CTE
     *   checked (flags bool[])               by ordinal: is it where it was?
     * and must name only such streams. EVENTSTORE_NOT_NOW: another stream of the same batch comes
     * first. A clause with refusals has has_work. NULL: it refuses nothing. */
    const char *refusals;
    /* Puts the n_parameters parameters. `changes` is eventstore_batch.changes. */
    void (*put)(struct postgres_parameters *parameters, const void *changes);
    /* Whether there is anything to write. NULL: always, so the clause is in every append; a batch
     * without work for the others is spared their clause of the statement. */
    bool (*has_work)(const void *changes);
    /* What is written instead when there is no such work: a clause without has_work. NULL: nothing.
     */
    const struct eventstore_clause *usual;
};

#define EVENTSTORE_NOT_NOW 2147483647 /* a text in SQL too */

struct eventstore;

/* `clauses` (borrowed, as long as the store lives) may be empty: n_clauses 0. */
struct eventstore *eventstore_create(
    const struct eventstore_clause *const *clauses, size_t n_clauses);
void eventstore_destroy(struct eventstore *store); /* NULL-safe */
/* The statements that a connection must prepare: for the batches (append, load, settle), and for
 * what goes beside them (one stream, forgetting keys). NULL-terminated, borrowed from the store. */
const struct postgres_statement *const *eventstore_batch_statements(const struct eventstore *store);
const struct postgres_statement *const *eventstore_side_statements(void);
/* The statements that append, for tests that EXPLAIN them. */
enum eventstore_append {
    EVENTSTORE_APPEND_TIED,     /* any batch */
    EVENTSTORE_APPEND_ANYTHING, /* no ties, and no table refuses anything */
    EVENTSTORE_APPEND_USUAL,    /* besides: existing streams, no keys, the usual clauses alone */
    EVENTSTORE_APPENDS
};
const struct postgres_statement *eventstore_append_statement(
    const struct eventstore *store, enum eventstore_append which);

/* ---- appending ------------------------------------------------------------------------------- */

/* A stream of the batch. Its ordinal, by which everything else refers to it, is its index, from 1.
 */
struct eventstore_stream {
    struct base_uuid stream_id;
    const char *stream_type;
    int32_t expected_version; /* 0: the stream must not exist yet */
    int32_t n_events;         /* 0: nothing to record, but the version must still be this one */
    bool is_shared;           /* decisions about other streams read it */
    /* Streams with the same number, the ordinal of one of them, are accepted together or not at
     * all; of one that is tied to no other it is its own. Read only in a batch that has ties. */
    int32_t tie;
};

struct eventstore_new_event {
    int32_t ordinal;
    int32_t version;
    const char *type;
    int32_t schema_version;
    const char *data; /* JSON */
    size_t data_length;
    const char *metadata; /* JSON */
    size_t metadata_length;
    struct base_uuid command_id;
};

/* An answer that is stored for retries of the same request. `scope_id` is the cart or, for a
 * creation, the UUIDv5 of caller and key. */
struct eventstore_new_key {
    int32_t ordinal;
    struct base_uuid scope_id;
    const char *key;
    uint8_t fingerprint[BASE_SHA256_SIZE];
    int32_t status;
    int32_t version;
};

struct eventstore_batch {
    const struct eventstore_stream *streams; /* sorted by stream_id, each once */
    size_t n_streams;
    const struct eventstore_new_event *events; /* in the order of the log; of each stream dense */
    size_t n_events;
    const struct eventstore_new_key *keys;
    size_t n_keys;
    const void *changes; /* for the clauses */
    bool has_ties;
    /* The batch was decided on what shared streams said at this position; if one of them has an
     * event after it, every stream of the batch is refused. EVENTSTORE_ANY: whatever they say. */
    int64_t shared_position;
    /* The log that the batch was decided on, as an append before has said; if a copy was restored
     * in its place, every stream of the batch is refused. 0: not known yet. */
    int64_t log;
    /* Something is answered that was only read: the pipeline commits, and waits for a synchronous
     * standby, even if it records nothing (eventstore_ask_confirm()). */
    bool confirms_reads;
};
#define EVENTSTORE_ANY INT64_C(-1)

void eventstore_ask_append(
    const struct eventstore *store, struct postgres_pipeline *pipeline,
    const struct eventstore_batch *batch);

struct eventstore_appended {
    int64_t position;       /* of the last event of the batch; 0 when none was recorded */
    int64_t recorded_at_us; /* of all its events */
    bool shared_has_moved;  /* past the batch's shared_position */
    bool log_was_replaced;  /* it is not the batch's */
    bool has_refusals;      /* eventstore_refusal() may be asked */
    int64_t log; /* which one it is: as long as the database stands, for this batch's `log` */
};
/* The answer of a pipeline that is POSTGRES_DONE and was made by eventstore_ask_append(). */
void eventstore_receive_append(
    const struct postgres_pipeline *pipeline, struct eventstore_appended *appended);
/* Whether the stream with that ordinal was at its expected version, and its events are recorded. */
bool eventstore_was_accepted(const struct postgres_pipeline *pipeline, int32_t ordinal);
/* Where has_refusals: with what a read table refused the stream with that ordinal; 0: none did. If
 * it was not accepted all the same, it was not at its version, or a stream that is tied to it was
 * not accepted. */
int32_t eventstore_refusal(const struct postgres_pipeline *pipeline, int32_t ordinal);

/* What was read before in the session, by whoever waits for its outcome, is not lost in a failover
 * to a synchronous standby: the pipeline is DONE only when the standby has all that was committed
 * when it was asked. A read alone shows commits whose wait for the standby somebody has cancelled.
 * Costs a commit where there is a synchronous standby, and nothing but the round trip elsewhere. */
void eventstore_ask_confirm(struct postgres_pipeline *pipeline);

/* ---- loading, for deciding ------------------------------------------------------------------- */

/* The events of some streams, of each those after a version (0: all), for
 * eventstore_receive_replayed(). The rows of a stream are in the order of its versions, those of
 * several in any. With `snapshot_shape` a stream's snapshot of that shape, if it is newer than
 * after_version, stands in for the events up to it: a first row of type EVENTSTORE_SNAPSHOT, whose
 * version is the snapshot's and whose data is its state. */
#define EVENTSTORE_SNAPSHOT "$snapshot"
struct eventstore_stream_wanted {
    struct base_uuid stream_id;
    int32_t after_version;
    int32_t snapshot_shape; /* 0: no snapshot */
};
void eventstore_ask_streams(
    struct postgres_pipeline *pipeline, const struct eventstore_stream_wanted *wanted,
    size_t n_wanted);
/* The newest event of each of some streams, for aggregates whose events say everything; for
 * eventstore_receive_replayed() too. */
void eventstore_ask_newest(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams);
/* What a connection must prepare for these two, if it is not for batches. NULL-terminated. */
extern const struct postgres_statement *const eventstore_load_statements[];
/* Which commands have recorded something, each in the stream that it was for. */
struct eventstore_command_wanted {
    struct base_uuid stream_id;
    struct base_uuid command_id;
};
void eventstore_ask_commands(
    struct postgres_pipeline *pipeline, const struct eventstore_command_wanted *wanted,
    size_t n_wanted);

/* One row of it. */
struct eventstore_command {
    struct base_uuid command_id;
    int32_t version; /* of the last of its events */
};
void eventstore_receive_command(
    const struct postgres_rows *rows, size_t row, struct eventstore_command *command);

/* The version before those that one command recorded: the command of this version. 0: it recorded
 * the first; -1: there is no such version. */
void eventstore_ask_version_before(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_id, int32_t version);
int32_t eventstore_receive_version_before(const struct postgres_rows *rows);

/* The events of one stream after a version, in order, at most `limit`. */
void eventstore_ask_stream_after(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_id, int32_t after_version,
    int32_t limit);

/* One row of the last; texts are borrowed from the pipeline. */
struct eventstore_event {
    int64_t position;
    const char *stream_type;
    struct base_uuid stream_id;
    int32_t version;
    const char *type;
    int32_t schema_version;
    const char *data;
    const char *metadata;
    struct base_uuid command_id;
    int64_t recorded_at_us;
};
void eventstore_receive_event(
    const struct postgres_rows *rows, size_t row, struct eventstore_event *event);
/* One row of the others: what is folded. position, metadata and command_id stay 0. */
void eventstore_receive_replayed(
    const struct postgres_rows *rows, size_t row, struct eventstore_event *event);

/* The events of one stream after a version, in order, as far as it had come by a version and by a
 * moment. A snapshot that is no newer than both, and newer than after_version, stands in for the
 * events up to it as above, besides the `limit` events. */
struct eventstore_history_wanted {
    struct base_uuid stream_id;
    int32_t after_version;
    int32_t until_version;  /* INT32_MAX: however far */
    int64_t until_us;       /* INT64_MAX: whenever */
    int32_t snapshot_shape; /* 0: no snapshot */
    int32_t limit;
};
void eventstore_ask_history(
    struct postgres_pipeline *pipeline, const struct eventstore_history_wanted *wanted);

/* The position of the newest event of a shared stream. What is read after it in the same pipeline
 * may be newer, but not older. 0 where log_head has no row. */
void eventstore_ask_shared_position(struct postgres_pipeline *pipeline);
int64_t eventstore_receive_shared_position(const struct postgres_rows *rows);
/* Whoever caches what shared streams said reads them again, as if one had an event: for who has
 * corrected what is read of them. Locks the head until the commit, so nothing may come after it. */
void eventstore_ask_move_shared_position(struct postgres_pipeline *pipeline);

/* Stored answers by scope and key; rows in no order. */
struct eventstore_key_wanted {
    struct base_uuid scope_id;
    const char *key;
};
void eventstore_ask_keys(
    struct postgres_pipeline *pipeline, const struct eventstore_key_wanted *wanted,
    size_t n_wanted);
struct eventstore_key {
    struct base_uuid scope_id;
    const char *key;
    struct base_uuid stream_id;
    uint8_t fingerprint[BASE_SHA256_SIZE];
    int32_t status;
    int32_t version;
};
void eventstore_receive_key(
    const struct postgres_rows *rows, size_t row, struct eventstore_key *key);

/* ---- reading the log ------------------------------------------------------------------------- */

/* What a connection must prepare: for reading the log or one stream of it, and for
 * eventstore_ask_history(); both with eventstore_ask_head(). And for eventstore_ask_ranges().
 * NULL-terminated. */
extern const struct postgres_statement *const eventstore_log_statements[];
extern const struct postgres_statement *const eventstore_history_statements[];
extern const struct postgres_statement *const eventstore_ranges_statements[];

/* The events after a position in the order of the log. Whoever asks for few types of a long log
 * sets `until_position`, so that one question reads no more than that; what it found nothing in is
 * read all the same. */
struct eventstore_log_wanted {
    int64_t after_position; /* 0: from the first */
    int64_t until_position; /* INT64_MAX: to the last */
    int32_t limit;          /* rows */
    const char *const *types;
    size_t n_types; /* 0: all */
};
/* Rows for eventstore_receive_event(). */
void eventstore_ask_log(
    struct postgres_pipeline *pipeline, const struct eventstore_log_wanted *wanted);
/* Of some streams the events after one version up to another; rows in the order of `wanted`, then
 * by version, at most `limit`: whoever gets so many asks again for the rest. */
struct eventstore_range {
    struct base_uuid stream_id;
    int32_t after_version;
    int32_t until_version;
};
void eventstore_ask_ranges(
    struct postgres_pipeline *pipeline, const struct eventstore_range *wanted, size_t n_wanted,
    int32_t limit);
/* The last event's position and time. */
void eventstore_ask_head(struct postgres_pipeline *pipeline);
struct eventstore_head {
    int64_t position;       /* 0: nothing was recorded yet, or log_head has no row */
    int64_t recorded_at_us; /* undefined then */
    int64_t log;            /* which one it is in its database; another one after a restore */
};
struct eventstore_head eventstore_receive_head(const struct postgres_rows *rows);

/* ---- copying the log ------------------------------------------------------------------------- */

/* What a connection must prepare for both below and for eventstore_ask_head(). NULL-terminated. */
extern const struct postgres_statement *const eventstore_copy_statements[];

/* A chunk of a copied log: events of positions without a gap, and the streams that they are of,
 * each once, in the order of their ids. */
struct eventstore_copied_stream {
    struct base_uuid stream_id;
    const char *stream_type;
    int32_t first_version; /* of its events in this chunk, which are dense */
    int32_t last_version;
};
struct eventstore_copied {
    const struct eventstore_event *events;
    size_t n_events; /* at least one */
    const struct eventstore_copied_stream *streams;
    size_t n_streams;
};
/* Looks whether the log has exactly these events. */
void eventstore_ask_compare(
    struct postgres_pipeline *pipeline, const struct eventstore_copied *copied);
/* The position of the first that it does not have; 0: it has all. */
int64_t eventstore_receive_compared(const struct postgres_pipeline *pipeline);
/* Appends the chunk behind the log's present end, positions and times as they are: all or nothing.
 * Read tables are not written. */
void eventstore_ask_import(
    struct postgres_pipeline *pipeline, const struct eventstore_copied *copied);
struct eventstore_imported {
    bool is_done;
    /* Why it is not. */
    bool has_wrong_stream; /* else the log ends elsewhere */
    struct base_uuid stream_id;
    int32_t version; /* where that stream is */
};
struct eventstore_imported eventstore_receive_imported(const struct postgres_pipeline *pipeline);

/* ---- snapshots ------------------------------------------------------------------------------- */

/* Stores the state of a stream at a version, unless a newer one of the same shape is there. */
struct eventstore_snapshot {
    struct base_uuid stream_id;
    int32_t version;
    int32_t shape;
    const char *state; /* JSON */
    size_t state_length;
};
void eventstore_ask_store_snapshot(
    struct postgres_pipeline *pipeline, const struct eventstore_snapshot *snapshot);

/* ---- walking all streams --------------------------------------------------------------------- */

/* What a connection must prepare for what follows, up to rewriting. NULL-terminated. */
extern const struct postgres_statement *const eventstore_walk_statements[];

/* Rows of streams: what there is and how far it is. */
struct eventstore_entry {
    struct base_uuid stream_id;
    const char *stream_type; /* borrowed from the pipeline */
    int32_t version;
};
void eventstore_receive_entry(
    const struct postgres_rows *rows, size_t row, struct eventstore_entry *entry);
/* Those from an id on, itself included, in id order, at most `limit`. */
struct eventstore_entries_wanted {
    struct base_uuid first_id;
    const char *const *types;
    size_t n_types; /* 0: all */
    int32_t limit;
};
void eventstore_ask_entries(
    struct postgres_pipeline *pipeline, const struct eventstore_entries_wanted *wanted);
/* How many that would be without the limit. */
void eventstore_ask_entries_count(
    struct postgres_pipeline *pipeline, const struct eventstore_entries_wanted *wanted);
int64_t eventstore_receive_count(const struct postgres_rows *rows);
/* Those with the given ids, in id order. */
void eventstore_ask_entries_of(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams);
/* Nobody appends to any stream before the transaction ends. What the statements after it read is
 * all that was appended. */
void eventstore_ask_lock(struct postgres_pipeline *pipeline);
/* Those of the streams of `n_events` random events, in id order. Long streams are found more often
 * than short ones. */
void eventstore_ask_random_entries(struct postgres_pipeline *pipeline, int32_t n_events);

/* The snapshots of some streams, whatever their shape, in id order; texts are borrowed. */
void eventstore_ask_snapshots(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams);
void eventstore_receive_snapshot(
    const struct postgres_rows *rows, size_t row, struct eventstore_snapshot *snapshot);
/* At most `limit` snapshots of streams that don't exist, for receive_snapshot. */
void eventstore_ask_orphan_snapshots(struct postgres_pipeline *pipeline, int32_t limit);
/* Removes the snapshots of some streams. */
void eventstore_ask_forget_snapshots(
    struct postgres_pipeline *pipeline, const struct base_uuid *stream_ids, size_t n_streams);

/* The order of the log from a position on, itself excluded, at most `limit`. */
struct eventstore_log_row {
    int64_t position;
    int64_t recorded_at_us;
    struct base_uuid stream_id;
    bool has_entry; /* its stream is in streams */
};
void eventstore_ask_log_rows(
    struct postgres_pipeline *pipeline, int64_t after_position, int32_t limit);
void eventstore_receive_log_row(
    const struct postgres_rows *rows, size_t row, struct eventstore_log_row *log_row);

/* Stored answers that can't be true (of a stream that isn't there, of a version that it has not
 * reached, …), at most `limit`; for receive_key. */
void eventstore_ask_false_keys(struct postgres_pipeline *pipeline, int32_t limit);

/* ---- rewriting read tables ------------------------------------------------------------------- */

/*
 * Rows of read tables are replaced by what the log says, stream by stream, while others append. It
 * takes three statements of one pipeline: the first locks the head of the log, as an append does;
 * the second removes the rows of those streams that are at the expected version; the third puts
 * them, by the same clauses that write them with an append. Nothing is between the two, so no
 * reader sees a gap.
 *
 * A clause for removing is like one for the append, but writes nothing where a stream was refused
 * and reads no CTE but `verdict`.
 */
struct eventstore_rewriter;
/* Of both lists n_tables, which belong together; borrowed, as long as the rewriter lives. */
struct eventstore_rewriter *eventstore_rewriter_create(
    const struct eventstore_clause *const *removing, const struct eventstore_clause *const *putting,
    size_t n_tables);
void eventstore_rewriter_destroy(struct eventstore_rewriter *rewriter); /* NULL-safe */
/* What a connection must prepare, besides eventstore_walk_statements. NULL-terminated, borrowed. */
const struct postgres_statement *const *eventstore_rewriter_statements(
    const struct eventstore_rewriter *rewriter);

/* Asks for the lock of the head and two statements; or, of these, only for the first, for rows of
 * what does not exist: streams with the expected version 0. Returns where in the pipeline the
 * verdicts are. */
struct eventstore_rewrite {
    const struct eventstore_stream *streams; /* sorted by stream_id; their n_events is not read */
    size_t n_streams;
    const void *changes; /* for the clauses */
    bool only_removes;
};
size_t eventstore_ask_rewrite(
    const struct eventstore_rewriter *rewriter, struct postgres_pipeline *pipeline,
    const struct eventstore_rewrite *rewrite);
/* Whether the stream with that ordinal was at its version and its rows are replaced; `rows` are
 * those of the verdicts. */
bool eventstore_was_rewritten(const struct postgres_rows *rows, int32_t ordinal);

/* ---- housekeeping ---------------------------------------------------------------------------- */

/* Removes at most `limit` stored answers that are older than `hours`. */
void eventstore_ask_forget_keys(struct postgres_pipeline *pipeline, int32_t hours, int32_t limit);
/* Ends the server process of a lost connection and waits up to 5 s until it is gone, so that what
 * it had under way is either committed or never will be. */
void eventstore_ask_settle(
    struct postgres_pipeline *pipeline, const struct postgres_backend *backend);
/* True when no such process is left. */
bool eventstore_receive_settled(const struct postgres_pipeline *pipeline);
/* Ends the server processes of appends (of any service of the same user) that have begun so long
 * ago and wait in the middle for their client, which is frozen or gone. Says how many. */
void eventstore_ask_end_stuck(struct postgres_pipeline *pipeline, int64_t older_than_ms);
size_t eventstore_receive_end_stuck(const struct postgres_pipeline *pipeline);

/* ---- alone ----------------------------------------------------------------------------------- */

/* How long a lease on reads lasts, and what its holder leaves unused of it. */
#define EVENTSTORE_LEASE_MS 300
#define EVENTSTORE_LEASE_MARGIN_MS 50

/* For postgres_options.enter_sql of every connection that changes carts or their read tables: waits
 * until no other process holds a read lease, and prevents any other connection from being granted
 * one for as long as it lives. The caller's to free. */
char *eventstore_make_enter_sql(const struct base_uuid *holder) BASE_MUST_CHECK;
/* Asks for a read lease, or renews it, on a connection that has entered: for EVENTSTORE_LEASE_MS
 * from some moment after it was asked nobody else changes carts. The statement is to be prepared;
 * the holder is an id of the process's own. */
extern const struct postgres_statement eventstore_lease_statement;
void eventstore_ask_lease(struct postgres_pipeline *pipeline, const struct base_uuid *holder);
/* Whether it was granted: not while another such connection exists. *n_writers counts all that have
 * ever entered, so it is the same as last time if none did in between. */
bool eventstore_receive_lease(const struct postgres_pipeline *pipeline, int64_t *n_writers)
    BASE_MUST_CHECK;

#endif
