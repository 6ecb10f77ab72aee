/*
 * reactions: what acts on the log (process managers). A reaction subscribes to types of events and
 * answers each with commands, or with the moment at which it wants to see the stream again. One
 * process of all that serve the same database runs them; when it ends, another goes on. Commands go
 * through the service like anybody's, a few at a time, and fewer while clients wait.
 *
 * It decides nothing that a command could decide, and it remembers nothing but how far each
 * reaction is and which timers are set: a reaction is a pure function. What is done again after a
 * crash has no effect, for each command has an id and an idempotency key that are made of what it
 * answers. A reaction that can't go on is paused with its reason; the others go on.
 *
 * To write one:
 *
 *   - A file in this folder with its row, a struct reaction; its name in list.c and in meson.build.
 *   - A migration that adds the row of its checkpoint, with the position after which it begins:
 *         INSERT INTO reaction_checkpoints (name) VALUES ('ends');            -- all events
 *         INSERT INTO reaction_checkpoints (name, position) SELECT 'ends', position FROM log_head;
 *   - What it does when a timer is due says due(). Nothing has to be done to a timer when its
 * stream moves: when it is due, due() looks at the stream as it is now and says when it is due
 * again.
 *
 *   static void answer(const struct reaction_event *event, struct reaction_answer *answer)
 *   {
 *       answer->wake_at_us = event->event->recorded_at_us + DAY_US;
 *   }
 *
 *   static void due(const struct reaction_timer *timer, struct reaction_answer *answer)
 *   {
 *       const struct cart *cart = timer->state;
 *       if (cart->status != CART_OPEN)
 *           return;                                        // the timer is gone
 *       answer->wake_at_us = cart->updated_at_us + DAY_US;
 *       if (answer->wake_at_us > answer->now_us)
 *           return;                                        // it has moved: later
 *       struct cart_command *command = base_arena_alloc(answer->arena, sizeof *command);
 *       …
 *       reaction_add_command(answer, &aggregate_cart, &timer->stream_id, request);
 *   }
 */
#ifndef CARTD_REACTIONS_H
#define CARTD_REACTIONS_H

#include "aggregate.h"
#include "base.h"
#include "cart.h"
#include "eventstore.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"
#include "runner.h"
#include "service.h"

/* ---- a reaction ------------------------------------------------------------------------------ */

/* What the settings say to reactions. */
struct reactions_settings {
    struct cart_lifetimes lifetimes;
};

/* A command that a reaction sends. */
struct reaction_command {
    const struct aggregate *aggregate;
    struct base_uuid stream_id;
    const void *command; /* of the aggregate's own kind */
};

#define REACTION_COMMANDS_MAX 16

/* What a reaction says to an event or a timer. The first part is set. */
struct reaction_answer {
    struct base_arena *arena; /* for the commands and all that they point to */
    const struct reactions_settings *settings;
    int64_t now_us; /* the clock */

    /* They are sent in this order, and those for one stream one after the other. */
    struct reaction_command commands[REACTION_COMMANDS_MAX];
    size_t n_commands;
    /* When to be woken for the stream, in the place of what was said before; 0: of an event, as was
     * said before, and of a timer, never. */
    int64_t wake_at_us;
};
/* Adds a command; `command` is in the arena, or static. */
void reaction_add_command(
    struct reaction_answer *answer, const struct aggregate *aggregate,
    const struct base_uuid *stream_id, const void *command);

struct reaction_event {
    const struct eventstore_event *event;
    const void *fact;  /* the event as its aggregate reads it */
    const void *state; /* the stream as the event left it, for who wants it; else NULL */
};

struct reaction_timer {
    struct base_uuid stream_id;
    int64_t due_at_us;
    const void *state; /* the stream as it is now */
};

/*
 * One reaction. Its functions are pure: the same event, state and clock give the same answer. Texts
 * of what they are given end with the call; what a command needs of them is copied to the arena.
 */
struct reaction {
    const char *name;                  /* never changes: commands are known by it */
    const struct aggregate *aggregate; /* the kind of streams whose events it answers */
    const char *const *types;          /* of events; NULL-terminated */
    bool wants_state;                  /* answer() is given the state, which costs a read */
    void (*answer)(const struct reaction_event *event, struct reaction_answer *answer);
    /* A timer is due. NULL: it sets none. */
    void (*due)(const struct reaction_timer *timer, struct reaction_answer *answer);
    /* Whether the command may be refused so, which is then as good as done. Any other refusal
     * pauses the reaction. NULL: none may. */
    bool (*expects)(const struct reaction_command *command, int refusal);
};

extern const struct reaction reactions_ends; /* carts that nobody changes end */

/* All of them; NULL-terminated. By itself in a file, so that a test may link a list of its own. */
extern const struct reaction *const reactions[];
#define REACTIONS_MAX 16

/* ---- running them ---------------------------------------------------------------------------- */

struct reactions_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    struct service *service; /* what sends the commands; destroyed between drain and destroy */
    const struct reactions_settings *settings;
    int64_t (*now_us)(void); /* the clock, such as base_clock_now_us */
};

struct reactions;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct reactions *reactions_create(const struct reactions_options *options, char **problem)
    BASE_MUST_CHECK;
/* From now on no command is sent; those under way are answered by the service. NULL-safe. */
void reactions_drain(struct reactions *reactions);
/* Drained, and without the service. NULL-safe. */
void reactions_destroy(struct reactions *reactions);

/* ---- for the command line -------------------------------------------------------------------- */

/* The timers of a reaction. */
struct reactions_timers {
    int64_t n;
    int64_t n_due;
};
/* The reactions by name, and the timers of each; texts and lists are in the arena. False with
 * *problem, the caller's to free, as from those below. */
bool reactions_list(
    struct postgres_session *session, struct base_arena *arena, struct runner_state **states,
    struct reactions_timers **timers, size_t *n, char **problem) BASE_MUST_CHECK;
/* *has_changed says whether there was anything to do. */
bool reactions_pause(
    struct postgres_session *session, const char *name, bool *has_changed,
    char **problem) BASE_MUST_CHECK;
bool reactions_resume(
    struct postgres_session *session, const char *name, bool *has_changed,
    char **problem) BASE_MUST_CHECK;
/* Has it answer the events from a position on anew, if it has answered them. What it has done stays
 * done once; what it could not do then, it does now. */
bool reactions_rerun(
    struct postgres_session *session, const char *name, const char *from_position,
    bool *has_changed, char **problem) BASE_MUST_CHECK;

#endif
