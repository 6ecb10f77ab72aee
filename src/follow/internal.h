/*
 * What the files of this room share: follow.c (opens and closes the room), chunk.c (one chunk:
 * read, load, fold, write), fold.c (an event's effect on its cart), checkpoints.c (statements).
 */
#ifndef CARTD_FOLLOW_INTERNAL_H
#define CARTD_FOLLOW_INTERNAL_H

#include "cart.h"
#include "eventstore.h"
#include "follow.h"
#include "replay.h"
#include "runner.h"

/* ---- fold.c ---------------------------------------------------------------------------------- */

/* What is noted of a cart besides its state at the event that was folded last. */
struct follow_notes {
    uint64_t chunk; /* the last in which it was wanted */
    int64_t created_position;
    int64_t closed_position; /* of the event that closed it last; 0: none did */
    bool has_held_items;
    struct projections_abandonment abandonment; /* the last */
    int64_t bad_position; /* an event that can't be read, met while the cart was loaded; 0: none */
};

/* Folds the next event onto `cart`; held[] of *step is in the arena. Unless it is done nothing has
 * changed. */
enum replay_outcome follow_fold_event(
    struct follow_notes *notes, struct cart *cart, const struct eventstore_event *event,
    struct base_arena *arena, struct projections_step *step) BASE_MUST_CHECK;

/* ---- checkpoints.c --------------------------------------------------------------------------- */

extern const struct runner_kind checkpoints_kind;

/* A range of the log for some projections that are all at its beginning. */
struct follow_move {
    const char *names[PROJECTIONS_FOLLOWERS_MAX];
    size_t n_names;
    bool is_rebuild;
    int64_t after;
    int64_t until;
    int64_t until_us; /* the time of its last event */
};

extern const struct postgres_statement *const checkpoints_statements[];
/* Moves the checkpoints that are where the range begins; the transaction need not be on disk when
 * it is answered, for what a crash takes back is done again. Rows: the names that were moved, and
 * whether that was the end of a rebuild. */
void checkpoints_ask_move(struct postgres_pipeline *pipeline, const struct follow_move *move);
/* Pauses those that are just before the event. Rows: the names that were paused. */
void checkpoints_ask_pause(
    struct postgres_pipeline *pipeline, const struct follow_move *move, int64_t position,
    const char *reason);

/* ---- chunk.c --------------------------------------------------------------------------------- */

/* One of the projections, as the runner sees it. */
struct follow_member {
    const struct projections_follower *follower;
    const struct runner_checkpoint *checkpoint;
    struct projections_facts facts;
    size_t chunk_max; /* events; fewer after a failure, to find the event that is to blame */
    bool is_alone;    /* one that failed with others is tried by itself */
    bool is_in_chunk;
};

#define CHUNK_LOADED_MAX 32 /* carts that a chunk may load */

struct follow_chunk {
    struct follow_move move;
    size_t n_rows;    /* of the log */
    size_t n_ready;   /* of them those whose carts are there */
    size_t n_folded;  /* of them those that go into the tables */
    char reason[160]; /* why the event after these can't be taken; empty: it can */
};

struct follow {
    struct follow_options options;
    struct runner runner;
    struct postgres_pipeline log;  /* its rows stay until the chunk is written */
    struct postgres_pipeline load; /* and write, and pause */
    struct follow_member members[PROJECTIONS_FOLLOWERS_MAX];
    size_t n_members;
    size_t turn; /* whose work is looked for first, so that all have their turn */
    struct follow_chunk chunk;
    struct replay_cache carts;    /* with follow_notes */
    struct replay_ranges missing; /* of carts that the chunk needs */
    uint64_t n_chunks;
    struct base_arena arena; /* of the chunk */
    struct cart *scratch;
};

/* Begins the next chunk; follow_chunk_ended() is called when it is done. False: there is nothing to
 * do. */
bool follow_begin_chunk(struct follow *follow, int64_t head_position) BASE_MUST_CHECK;
void follow_chunk_ended(struct follow *follow, enum runner_result result);
/* For follow->missing. */
void follow_receive_range(
    void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end);

#endif
