/*
 * What the files of this room share, from the bottom up; each uses those before it.
 *
 *   timers.c      statements: which timers are due; what is written when a chunk ends
 *   commands.c    a command of a chunk: its ids, its way through the service, what became of it
 *   slice.c       the streams of the next timers, as they are now
 *   chunk.c       a chunk of events or timers of one reaction, from its rows to its checkpoint
 *   reactions.c   whose turn it is, measuring; opens and closes the room
 *   states.c      the command line
 */
#ifndef CARTD_REACTIONS_INTERNAL_H
#define CARTD_REACTIONS_INTERNAL_H

#include "reactions.h"

#include "codec.h"
#include "replay.h"
#include "runner.h"

#define CHUNK_STEPS_MAX 256
#define COMMANDS_IN_FLIGHT_MAX 8
/* When so many commands of others wait, half a batch, one of reactions is in flight at a time. */
#define SERVICE_LOADED 32
#define DUE_COUNTED_MAX 1000

extern const struct runner_kind reactions_kind;

/* An event or a timer, and what its reaction says to it. */
struct step {
    struct base_uuid stream_id;
    int64_t position;  /* of the event; 0: it is a timer */
    int64_t due_at_us; /* of the timer */
    struct codec_cause cause;
    const struct reaction_command *commands; /* in the arena */
    size_t n_commands;
    int64_t wake_at_us;
    size_t n_sent;
    size_t n_done;
};

struct chunk {
    const struct reaction *reaction;
    bool is_of_timers;
    int64_t now_us;
    int64_t after; /* of events */
    int64_t until;
    size_t n_rows;    /* that are to be answered */
    size_t n_steps;   /* that are answered */
    size_t sending;   /* the step whose commands are sent */
    bool is_reading;  /* the state for the next row */
    bool has_trouble; /* what is left is tried again later */
    char reason[256]; /* why the reaction can't go on; empty: it can */
    int64_t reason_position;
    struct step steps[CHUNK_STEPS_MAX];
};

/* A command on its way. */
struct slot {
    struct service_command command;
    struct reactions *reactions; /* NULL: it is free */
    struct step *step;
    const struct reaction_command *wanted;
    char key[128];
    char actor[64];
};

/* As many timers as are looked at together, so that the loop does not stand still for long. */
#define SLICE_TIMERS_MAX 32
struct slice {
    size_t from; /* the row of the first */
    size_t n;    /* 0: nothing is loaded */
    void (*loaded)(struct reactions *self);
    struct replay_wanted list[SLICE_TIMERS_MAX];
    struct replay_wanted *sorted[SLICE_TIMERS_MAX];
    struct replay_load load;
    struct postgres_pipeline pipeline;
    struct base_arena texts;
    char *states;
};

struct member {
    const struct reaction *reaction;
    const struct runner_checkpoint *checkpoint;
    int64_t n_due; /* at most DUE_COUNTED_MAX */
};

struct reactions {
    struct reactions_options options;
    struct runner runner;
    struct member members[REACTIONS_MAX];
    size_t n_members;
    size_t turn; /* whose work is looked for first, so that all have their turn */
    int64_t head_position;
    bool is_draining;
    struct chunk chunk;
    struct slot slots[COMMANDS_IN_FLIGHT_MAX];
    size_t n_in_flight;
    struct postgres_pipeline due;  /* counts */
    struct postgres_pipeline rows; /* stay until the chunk ends */
    struct postgres_pipeline write;
    struct replay_history history; /* the state that an event left */
    struct slice slice;
    struct base_arena arena; /* of the chunk */
};

/* ---- timers.c -------------------------------------------------------------------------------- */

extern const struct postgres_statement *const timers_statements[];
/* Of each reaction how many timers are due, DUE_COUNTED_MAX at most, and the first. Rows: name,
 * number, time or null. */
void timers_ask_count(
    struct postgres_pipeline *pipeline, const char *const *names, size_t n_names, int64_t now_us);
/* The timers that are due, the first first. Rows: stream, time. */
void timers_ask_due(
    struct postgres_pipeline *pipeline, const char *name, int64_t now_us, int32_t limit);
/* What the done steps, the first `n` of the chunk, leave: timers, and the checkpoint. The
 * transaction need not be on disk when it is answered, for what a crash takes back is done again,
 * to no effect.
 */
void timers_ask_write(
    struct postgres_pipeline *pipeline, const struct chunk *chunk, size_t n, int64_t until);
/* Pauses the reaction. A row: its name, unless it is paused already. */
void timers_ask_pause(struct postgres_pipeline *pipeline, const struct chunk *chunk);

/* ---- commands.c ------------------------------------------------------------------------------ */

/* Sends the next command of the step. False: it has to wait until one in flight is answered. */
bool reactions_send_command(struct reactions *self, struct step *step) BASE_MUST_CHECK;
/* What an event's commands say of their cause; in the arena. */
struct codec_cause reactions_find_cause(
    struct base_arena *arena, const struct eventstore_event *event);

/* ---- slice.c --------------------------------------------------------------------------------- */

/* Reads the streams of the timers from the next row on. */
void slice_load(struct reactions *self, void (*loaded)(struct reactions *self));
/* The stream of the timer that is answered next; NULL: it is not loaded. */
const struct replay_wanted *slice_find(const struct reactions *self);
void slice_finish(struct slice *slice);

/* ---- chunk.c --------------------------------------------------------------------------------- */

/* Begins a chunk of a reaction; runner_ended() is called when it is done. */
void reactions_begin_chunk(struct reactions *self, const struct member *member, bool is_of_timers);
/* A command was answered, or a state read: goes on. */
void reactions_advance(struct reactions *self);

#endif
