/*
 * The runner itself, for the files of this room: follow.c (who runs, when there is work, resting),
 * chunk.c (one chunk: read, load, fold, write), carts.c (carts kept between chunks), fold.c (an
 * event's effect on its cart), checkpoints.c (statements).
 */
#ifndef CARTD_FOLLOW_INTERNAL_H
#define CARTD_FOLLOW_INTERNAL_H

#include "cart.h"
#include "eventstore.h"
#include "follow.h"

/* ---- carts.c --------------------------------------------------------------------------------- */

/* A cart as it was at the event that was folded last. What is kept saves reading the cart's events
 * again and is never more than a guess: an event only goes onto the version before it. */
struct follow_cart {
    struct base_uuid id;
    uint64_t round;    /* the last in which it was wanted; 0: the place is free */
    struct cart *cart; /* packed; NULL: before its first event */
    size_t n_bytes;
    int64_t created_position;
    bool has_held_items;
    int64_t bad_position; /* an event that can't be read, met while the cart was loaded; 0: none */
};

struct follow_carts {
    struct follow_cart *places;
    uint64_t secret[2]; /* of the hash */
    uint64_t round;
    size_t n_bytes;
    size_t hand; /* where the next look for memory begins */
};

void follow_carts_init(struct follow_carts *carts);
void follow_carts_finish(struct follow_carts *carts);
/* Carts claimed from here on stay until the next round begins; others may go. */
void follow_carts_begin_round(struct follow_carts *carts);
/* The place of a cart. NULL: too many of this round want to lie there. *is_first: nobody has
 * claimed it in this round. */
struct follow_cart *follow_carts_claim(
    struct follow_carts *carts, const struct base_uuid *id, bool *is_first);
/* Keeps a copy of the cart at its place, or (NULL) forgets what was there. */
void follow_carts_keep(
    struct follow_carts *carts, struct follow_cart *place, const struct cart *cart);
int32_t follow_carts_version(const struct follow_cart *place);

/* ---- fold.c ---------------------------------------------------------------------------------- */

/* Folds the next event onto `cart`, whose place it is; held[] of *step is in the arena. False: the
 * event can't be read, and nothing has changed. */
bool follow_fold_event(
    struct follow_cart *place, struct cart *cart, const struct eventstore_event *event,
    struct base_arena *arena, struct projections_step *step) BASE_MUST_CHECK;

/* ---- checkpoints.c --------------------------------------------------------------------------- */

/* Where a projection is. */
struct follow_checkpoint {
    int64_t position;
    int64_t rebuilt_position;    /* -1: no rebuild is on */
    int64_t next_recorded_at_us; /* of the first event that it does not know; INT64_MAX: none */
    bool is_known;               /* there is such a row */
    bool is_paused;
};

/* A stretch of the log for some projections that are all at its beginning. */
struct follow_move {
    const char *names[PROJECTIONS_FOLLOWERS_MAX];
    size_t n_names;
    bool is_rebuild;
    int64_t after;
    int64_t until;
    int64_t until_us; /* the time of its last event */
};

extern const struct postgres_statement *const checkpoints_statements[];
/* To be who runs the projections, for the next few seconds. */
void checkpoints_ask_claim(struct postgres_group *group, const struct base_uuid *runner);
bool checkpoints_receive_claim(const struct postgres_rows *rows);
void checkpoints_ask(struct postgres_group *group);
/* `list` in the order of projections_followers(). */
void checkpoints_receive(const struct postgres_rows *rows, struct follow_checkpoint *list);
/* Moves the checkpoints that are where the stretch begins; the transaction need not be on disk when
 * it is answered, for what a crash takes back is done again. Rows: the names that were moved, and
 * whether that was the end of a rebuild. */
void checkpoints_ask_move(struct postgres_group *group, const struct follow_move *move);
/* Pauses those that are just before the event. Rows: the names that were paused. */
void checkpoints_ask_pause(
    struct postgres_group *group, const struct follow_move *move, int64_t position,
    const char *reason);

/* ---- chunk.c --------------------------------------------------------------------------------- */

/* One of the projections, as the runner sees it. */
struct follow_member {
    const struct projections_follower *follower;
    struct follow_checkpoint checkpoint;
    struct projections_facts facts;
    size_t chunk_max; /* events; fewer after a failure, to find the event that is to blame */
    bool is_alone;    /* one that failed with others is tried by itself */
    bool is_in_chunk;
};

#define CHUNK_LOADED_MAX 32

struct follow_chunk {
    struct follow_move move;
    size_t n_rows;   /* of the log */
    size_t n_ready;  /* of them those whose carts are there */
    size_t n_folded; /* of them those that go into the tables */
    struct follow_cart *loaded[CHUNK_LOADED_MAX];
    struct eventstore_stretch wanted[CHUNK_LOADED_MAX];
    size_t n_wanted;
    char reason[160]; /* why the event after these can't be taken; empty: it can */
};

struct follow {
    struct follow_options options;
    struct postgres_connection *connection;
    const struct postgres_statement *statements[64];
    struct base_uuid runner; /* this process */
    bool is_runner;
    bool is_ending;
    int64_t claimed_at_us;
    int64_t began_at_us; /* the present look and chunk */
    struct loop_timer timer;
    struct postgres_group look; /* and pause */
    struct postgres_group log;  /* its rows stay until the chunk is written */
    struct postgres_group load; /* and write */
    struct follow_member members[PROJECTIONS_FOLLOWERS_MAX];
    size_t n_members;
    size_t turn; /* whose work is looked for first, so that all have their turn */
    struct follow_chunk chunk;
    struct follow_carts carts;
    struct base_arena arena; /* of the chunk */
    struct cart *scratch;
};

/* Begins the next chunk; follow_chunk_ended() is called when it is done. False: there is nothing to
 * do. */
bool follow_begin_chunk(struct follow *follow, int64_t head_position) BASE_MUST_CHECK;
void follow_chunk_ended(struct follow *follow, bool is_done);

#endif
