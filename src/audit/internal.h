/*
 * internal: what the files of the audit share. chunk.c replays a few streams and compares them,
 * walk.c hands out all streams, strays.c finds rows without a stream, rewriting.c replaces rows;
 * verify.c, rebuild.c and sampler.c are what is done with them.
 */
#ifndef CARTD_AUDIT_INTERNAL_H
#define CARTD_AUDIT_INTERNAL_H

#include "audit.h"

#include "codec.h"
#include "eventstore.h"
#include "postgres.h"
#include "replay.h"

#define STATEMENTS_MAX 64

/* What each of verify, rebuild and sampler has. */
struct common {
    struct audit_options options;
    struct postgres_connection *connection;
    const struct postgres_statement *statements[STATEMENTS_MAX + 1];
    size_t n_statements;
    struct audit_result result;
    int64_t last_shared_position; /* of the newest event that was read of a shared stream */
    char *trouble;
};

/* Takes the options and lists what all need of statements: add others before common_connect(). */
void common_init(struct common *common, const struct audit_options *options);
void common_add_statement(struct common *common, const struct postgres_statement *statement);
/* Of a NULL-terminated list. */
void common_add_statements(
    struct common *common, const struct postgres_statement *const *statements);
/* `changed` gets `context`. An answer is waited for as long as `answer_ms`. */
struct common_wanted {
    const char *role;
    /* Statements are planned for what is there each time: tables that begin empty grow meanwhile,
     * and a plan for an empty cart_items read all of it for every few carts. */
    bool plans_each_time;
    const char *enter_sql; /* NULL: it changes nothing */
    int64_t answer_ms;
    void (*changed)(struct postgres_connection *connection, void *context);
    void *context;
};
bool common_connect(struct common *common, const struct common_wanted *wanted, char **problem)
    BASE_MUST_CHECK;
void common_finish(struct common *common);

/* Begins and ends a transaction that lasts longer than a group. */
extern const struct postgres_statement common_begin_snapshot; /* reads one state of everything */
extern const struct postgres_statement common_begin;
extern const struct postgres_statement common_commit;
extern const struct postgres_statement common_rollback;

/* Tells a finding. */
void common_tell(struct common *common, const struct audit_finding *finding);
/* The end, unless it is there already; `trouble` is copied. Calls ended(). */
void common_end(struct common *common, enum audit_end end, const char *trouble);
/* Why a group was not answered, as a sentence. */
const char *common_explain(const struct common *common, enum postgres_outcome outcome);

/* ---- a few streams --------------------------------------------------------------------------- */

#define CHUNK_STREAMS_MAX 64

struct chunk_stream {
    struct base_uuid id;
    int32_t version;  /* of the last event that was read */
    bool is_broken;   /* it can't be replayed; that was told */
    bool is_left_out; /* the caller's: it is not loaded, compared or changed any more */
    bool differs;     /* some of its rows are not what they should be */
    const struct aggregate *aggregate;
    void *state;          /* as folded so far */
    const char *snapshot; /* the state of its snapshot; NULL: none that can be compared */
    int32_t snapshot_version;
    bool has_bad_snapshot; /* it is not what the events say; that was told */
    size_t n_told;         /* findings */
};

struct chunk {
    struct common *common;
    bool checks_shapes; /* that each event survives being written again */
    bool tells_differences;
    /* Called when a load or a comparison is over; the same can be called again after a failure and
     * goes on where it was. */
    void (*answered)(struct chunk *chunk, enum postgres_outcome outcome);

    struct chunk_stream streams[CHUNK_STREAMS_MAX]; /* sorted by id */
    size_t n_streams;
    size_t n_events; /* that they had when they were added */

    bool has_snapshots;
    struct replay_ranges ranges;                    /* to be loaded */
    struct chunk_stream *by_key[CHUNK_STREAMS_MAX]; /* by aggregate and key, of the comparison */
    size_t n_by_key;
    size_t at_row[POSTGRES_GROUP_STATEMENTS_MAX]; /* of each table's rows */
    char *states;
    struct base_arena texts[2]; /* of what was folded: one is in use */
    size_t texts_in_use;
    struct postgres_group group;
};

void chunk_init(struct chunk *chunk, struct common *common, int32_t slice_events);
void chunk_finish(struct chunk *chunk);
/* Forgets all streams. */
void chunk_begin(struct chunk *chunk);
/* False: no room. Streams are added in id order. */
bool chunk_add(
    struct chunk *chunk, const struct base_uuid *id, const struct aggregate *aggregate,
    int32_t last_version) BASE_MUST_CHECK;
/* Reads and folds what came after what is folded already. */
void chunk_load(struct chunk *chunk);
/* Tells what can only be seen at the end of a stream: an empty or misplaced one, a snapshot from
 * the future. */
void chunk_check_ends(struct chunk *chunk);
/* Compares with all tables; sets `differs`. */
void chunk_compare(struct chunk *chunk);
/* What is to be written of the streams that differ: numbered from 1 in their order, valid until the
 * next comparison. */
struct chunk_changes {
    struct projections_changes changes;
    struct projections_change list[CHUNK_STREAMS_MAX];
    bool has_shared; /* decisions about other streams read some of them */
    struct eventstore_stream streams[CHUNK_STREAMS_MAX];
    struct chunk_stream *owners[CHUNK_STREAMS_MAX];
    size_t n_streams;
};
void chunk_list_changes(struct chunk *chunk, struct chunk_changes *changes);

/* ---- all streams ----------------------------------------------------------------------------- */

#define WALK_PAGE 1024

struct walk {
    struct common *common;
    const char *const *types;
    size_t n_types;
    /* Called when a page was asked for and is there, or is not. */
    void (*answered)(struct walk *walk, enum postgres_outcome outcome);

    struct base_uuid next_id; /* nothing before it is still to come */
    bool is_over;             /* nothing from next_id on */
    struct {
        struct base_uuid id;
        const struct aggregate *aggregate;
        int32_t version;
    } page[WALK_PAGE];
    size_t n_page;
    size_t at;
    bool is_asking;
    struct postgres_group group;
};

void walk_init(struct walk *walk, struct common *common);
void walk_finish(struct walk *walk);
/* Asks for the next page, unless it is on its way. */
void walk_ask(struct walk *walk);
/* Fills a chunk with the next streams of the page. False: there are none. */
bool walk_take(struct walk *walk, struct chunk *chunk) BASE_MUST_CHECK;
/* The next id after this one; false after the last. */
bool walk_next_id(struct base_uuid *id);

/* ---- rows without a stream ------------------------------------------------------------------- */

#define STRAYS_PAGE 512

struct strays_row {
    struct base_uuid stream_id;
    const char *key;      /* NULL: the key is the id */
    int32_t last_version; /* of a stream of another type with that id; 0: there is none */
};

struct strays {
    struct common *common;
    const struct aggregate *only; /* NULL: rows of all */
    /* Called with some rows (perhaps none), by table; after the last table with table NULL. */
    void (*answered)(struct strays *strays, enum postgres_outcome outcome);
    const struct projections_table *table;
    struct strays_row rows[STRAYS_PAGE];
    size_t n_rows;

    size_t at;                   /* of the tables */
    struct base_uuid next_id;    /* nothing of the table before it is still to come */
    struct base_buffer next_key; /* of those whose key is a text */
    struct strays_row page[STRAYS_PAGE];
    size_t n_page;
    struct base_arena arena;
    struct postgres_group group;
};

void strays_init(struct strays *strays, struct common *common);
void strays_finish(struct strays *strays);
/* Goes on with the next page, after a failure with the same one. */
void strays_ask(struct strays *strays);

/* ---- writing tables -------------------------------------------------------------------------- */

/* The statements that replace and remove rows of the tables. */
struct rewriting {
    struct eventstore_rewriter *rewriter;
    const struct eventstore_part **removing;
    const struct eventstore_part **putting;
    size_t verdicts_at; /* in the group that was asked for last */
};

/* Adds the statements to `common`. */
void rewriting_init(struct rewriting *rewriting, struct common *common);
void rewriting_finish(struct rewriting *rewriting);
/* Removes the rows that strays has found, of all tables of the subject, but those of a stream that
 * somebody has made meanwhile. */
void rewriting_ask_removal(
    struct rewriting *rewriting, struct postgres_group *group, struct strays *strays);
int64_t rewriting_count_removed(
    const struct rewriting *rewriting, const struct postgres_group *group, size_t n_rows);

#endif
