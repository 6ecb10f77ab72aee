/*
 * replay: the states of streams, folded from their events. Only it folds stored events, for whoever
 * needs a state: commands, point-in-time reads, audits, reports. It also caches states, so that
 * they need no replay. It goes by the rows of room `aggregate` and knows no type of stream by
 * itself.
 *
 * It decides nothing, and what it has cached is never more than a guess: whoever decides on it has
 * to prove it with the append.
 */
#ifndef CARTD_REPLAY_H
#define CARTD_REPLAY_H

#include <sys/queue.h>

#include "aggregate.h"
#include "base.h"
#include "eventstore.h"
#include "table.h"

/* ---- folding --------------------------------------------------------------------------------- */

enum replay_outcome {
    REPLAY_DONE,
    REPLAY_OTHER_TYPE,   /* the event is of a stream of another type */
    REPLAY_MISSING,      /* the event is not the next one: some before it are missing */
    REPLAY_UNREADABLE,   /* this version of cartd can't read the event */
    REPLAY_BAD_SNAPSHOT, /* it can't be read, or is not of the version that it says */
};

/* Reads the event that comes after `state` into *fact, whose texts are in the arena. Nothing but
 * *fact is changed. Not for a row that is a snapshot. */
enum replay_outcome replay_read(
    const struct aggregate *aggregate, const void *state, const struct eventstore_event *event,
    struct base_arena *arena, void *fact) BASE_MUST_CHECK;
/* Puts one stored event on top of the state, or takes the snapshot that stands in for its first
 * ones. Texts are in the arena. The state is unchanged unless it is done; after a bad snapshot it
 * is as before the first event. */
enum replay_outcome replay_fold(
    const struct aggregate *aggregate, void *state, const struct eventstore_event *event,
    struct base_arena *arena) BASE_MUST_CHECK;
/* Writes one line for an event that could not be folded. */
void replay_log_unreadable(const struct base_log *log, const struct eventstore_event *event);

/* Moves the texts of a state into an arena that has nothing else of it: what is left of a long
 * history is no more than what the state still has. */
void replay_move_texts(const struct aggregate *aggregate, void *state, struct base_arena *to);

/* ---- loading --------------------------------------------------------------------------------- */

/* A stream to be loaded. The caller sets the first part and makes the state: what comes after its
 * version is put on top of it. */
struct replay_wanted {
    const struct aggregate *aggregate;
    struct base_uuid id;
    void *state;
    bool without_snapshot;

    int32_t began_at;            /* the version of the state or the snapshot that it began with */
    size_t n_read;               /* events */
    enum replay_outcome outcome; /* of the first event that could not be folded; it was logged */
};

/* Some streams that one pipeline loads: as they are now, however long. */
struct replay_load {
    struct replay_wanted *const *wanted; /* sorted by id, each once */
    size_t n_wanted;                     /* 0: nothing is asked */
    int streams_at;                      /* in the pipeline; -1: not asked */
    int newest_at;
};
/* Adds the questions to a pipeline, and folds its answer. What is put on the states is in the
 * arena.
 */
void replay_ask(
    struct replay_load *load, struct postgres_pipeline *pipeline, struct base_arena *arena);
void replay_receive(
    const struct replay_load *load, const struct postgres_pipeline *pipeline,
    struct base_arena *arena, const struct base_log *log);

/* ---- a stream as it was ---------------------------------------------------------------------- */

enum replay_history_outcome {
    REPLAY_FOUND,
    REPLAY_NO_STREAM, /* there is none of that type, or there was none yet, or not for the caller */
    REPLAY_NO_VERSION, /* `version` is the newest, and is less than the one asked for */
    REPLAY_FAILED      /* `failure` says of what */
};

/* One point-in-time read of one stream. The caller owns it; it must not move or die until it is
 * answered, which is never within the call that asks. Zero-initialise, fill the first part. */
struct replay_history {
    const struct aggregate *aggregate;
    struct base_uuid stream_id;
    int32_t at_version; /* as it was at this version; 0: at this moment */
    int64_t at_us;      /* INT64_MAX: now */
    /* Adds a question behind those about the stream, and says whether its rows admit the caller;
     * both NULL: there is none. They are called for each part of a long stream. */
    void (*ask_owner)(struct replay_history *history, struct postgres_pipeline *pipeline);
    bool (*is_admitted)(struct replay_history *history, const struct postgres_rows *rows);
    void (*answered)(struct replay_history *history);

    /* The answer. */
    enum replay_history_outcome outcome;
    enum base_failure failure;
    int32_t version;
    bool is_final;     /* the same question will never be answered in another way */
    const void *state; /* when it was found: until answered() returns */

    /* Its own. */
    struct postgres_connection *connection;
    const struct base_log *log;
    struct replay_history_work *work;
    struct postgres_pipeline pipeline;
};
/* On a connection that has prepared eventstore_history_statements. */
void replay_history_read(
    struct replay_history *history, struct postgres_connection *connection,
    const struct base_log *log);

/* ---- ranges of streams ----------------------------------------------------------------------- */

/* Some streams, each from one version to another, read in slices of so many events: for who reads
 * many or long ones, and looks at each event itself. */
#define REPLAY_RANGES_MAX 64
struct replay_range {
    struct base_uuid id;
    int32_t after_version; /* moves on */
    int32_t until_version; /* INT32_MAX: to the last */
    void *owner;           /* for received() */
};
struct replay_ranges {
    int32_t slice_events;
    /* Gets the rows [from, end) of one stream, for eventstore_receive_event(). */
    void (*received)(
        void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end);
    void *context;
    struct replay_range list[REPLAY_RANGES_MAX];
    size_t n;
};
void replay_ranges_begin(struct replay_ranges *ranges);
/* False: there is no room. */
bool replay_ranges_add(struct replay_ranges *ranges, const struct replay_range *range);
/* Adds the question for the next slice; hands out its rows. True: there may be more, ask again. */
void replay_ranges_ask(const struct replay_ranges *ranges, struct postgres_pipeline *pipeline);
bool replay_ranges_receive(struct replay_ranges *ranges, const struct postgres_rows *rows);

/* ---- states in memory ------------------------------------------------------------------------ */

/* A state that was made earlier. */
struct replay_cached {
    struct table_entry entry;
    TAILQ_ENTRY(replay_cached) by_use;
    uint64_t epoch;
    size_t n_bytes;
    const struct aggregate *aggregate;
    void *notes;       /* notes_size bytes of the owner's, zeroed at first */
    const void *state; /* packed */
    bool is_stale;     /* it was proved to have fallen behind: what came after must be loaded */
};

struct replay_cache_limits {
    size_t states_max; /* 0: nothing is cached */
    size_t bytes_max;
    size_t notes_size; /* that the owner caches with each state */
};

struct replay_cache {
    struct replay_cache_limits limits;
    struct table table;
    TAILQ_HEAD(replay_by_use, replay_cached) by_use; /* least recently used first */
    size_t n_bytes;
    uint64_t epoch;
};

void replay_cache_init(struct replay_cache *cache, const struct replay_cache_limits *limits);
void replay_cache_finish(struct replay_cache *cache);
/* Nothing that is cached now is found any more; its memory is given up little by little. */
void replay_cache_begin_epoch(struct replay_cache *cache);
/* The state with that id, borrowed until it is replaced, taken or trimmed; NULL: there is none, or
 * that of another kind of stream, as anybody may ask for any id. */
struct replay_cached *replay_cache_find(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate);
/* Caches a deep copy of the state under that id, in place of what was there, from which the state
 * may borrow. Its notes stay. Returns what is cached; NULL when nothing ever is. */
struct replay_cached *replay_cache_put(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate,
    const void *state);
void replay_cache_remove(struct replay_cache *cache, const struct base_uuid *id);
/* Takes a state out of the cache, so that it stays whatever becomes of that; NULL as above. The
 * caller returns it, or frees it with replay_cached_free(). */
struct replay_cached *replay_cache_take(
    struct replay_cache *cache, const struct base_uuid *id, const struct aggregate *aggregate);
void replay_cache_return(struct replay_cache *cache, struct replay_cached *cached);
void replay_cached_free(struct replay_cached *cached); /* NULL-safe */
/* Gives up the least recently used states until the limits are kept. */
void replay_cache_trim(struct replay_cache *cache);

#endif
