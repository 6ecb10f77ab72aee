/*
 * internal: what the files of the feed share. memory.c caches the newest events, tail.c reads them,
 * listeners.c hands them on, read.c asks for events and receives them, pages.c answers pages,
 * feed.c opens and closes the room.
 */
#ifndef CARTD_FEED_INTERNAL_H
#define CARTD_FEED_INTERNAL_H

#include "feed.h"

#include "eventstore.h"
#include "table.h"

#define TAIL_ROWS 500 /* read at once by the tail */
/* Between two reads of the tail: what comes in between is read at once. */
#define TAIL_PACE_US 5000
#define RETRY_US 500000 /* after a read that failed */
/* So that a turn of the loop stays short. */
#define OFFERS_PER_TURN 256
#define EVENTS_PER_TURN 2500
#define CATCH_UP_SLOTS 4 /* listeners that are read for at the same time */

/* ---- events (read.c) ------------------------------------------------------------------------- */

/* Writes an event as it is handed on; `framed` is the caller's to free. */
struct feed_event feed_write_event(const struct eventstore_event *stored);

/* Adds the statements that read `source` after a position to a pipeline: at most `limit` rows. */
void feed_ask(
    struct postgres_pipeline *pipeline, const struct feed_source *source, int64_t after,
    int32_t limit);
/* The number of statements that this adds. */
#define FEED_STATEMENTS 2
/* What a pipeline of feed_ask() found. */
struct feed_found {
    const struct postgres_rows *rows; /* of events, from `first` on */
    size_t first;
    size_t n_rows;   /* at most `limit` */
    bool exists;     /* of a cart: there is one */
    bool is_beyond;  /* `after` is more than the last */
    int64_t scanned; /* everything of the source up to there is in the rows */
    bool is_all;     /* nothing of the source was left out */
    int64_t log;     /* eventstore_head.log */
    int64_t head;    /* of the log; 0 for a cart */
};
/* Writes which log the answer of a connection is of. */
void feed_identify(const struct feed *feed, int64_t log, char id[FEED_LOG_ID_SIZE]);
struct feed_found feed_receive(
    const struct postgres_pipeline *pipeline, const struct feed_source *source, int64_t after,
    int32_t limit);

/* ---- memory (memory.c) ----------------------------------------------------------------------- */

struct feed_entry {
    struct feed_event event; /* owns `framed` */
    int64_t next_of_stream;  /* position of the next event of the same stream; 0: none yet */
};

/* The newest events; that of position p is in slot p modulo n_slots. */
struct feed_memory {
    struct feed_entry *slots;
    size_t n_slots; /* a power of two */
    size_t n_bytes;
    size_t n_bytes_max;
    int64_t tail; /* the oldest that is cached; head + 1 when there is none */
    int64_t head; /* the newest */
};
/* Begins after `head`, with nothing. */
void feed_memory_start(struct feed_memory *memory, size_t n_bytes_max, int64_t head);
void feed_memory_stop(struct feed_memory *memory);
/* Takes the event, and forgets as many of the oldest as there is no room for. */
void feed_memory_add(struct feed_memory *memory, const struct feed_event *event);
struct feed_entry *feed_memory_at(const struct feed_memory *memory, int64_t position);

/* ---- streams that are listened to (streams.c) ------------------------------------------------ */

struct feed_stream {
    struct table_entry entry;
    LIST_HEAD(, feed_listener) listeners;
    int64_t newest; /* position of its newest event since somebody listens; 0: none */
};
struct feed_stream *feed_streams_find(const struct table *streams, const struct base_uuid *id);
void feed_streams_add_listener(struct table *streams, struct feed_listener *listener);
void feed_streams_remove_listener(struct table *streams, struct feed_listener *listener);

/* ---- what a listener waits for (listeners.c) ------------------------------------------------- */

/*
 *               event                   take() took less
 *      IDLE ───────────▶ READY ────────────────────────▶ BLOCKED
 *        ▲                │ ▲ ▲                             │ feed_go_on()
 *        └── has all ─────┤ │ └─────────────────────────────┘
 *                         │ └───────────────────────────────┐
 *                         ├── memory has lost it ──▶ BEHIND ──▶ READING
 *                         └── no memory yet ──▶ PARKED ──▶ READY
 *
 * From anywhere it may leave. Of READING, which ends as an offer does, a failure leads to PARKED.
 */
#define LISTENER_WAITS BASE_TO(LISTENER_AWAY) | BASE_TO(LISTENER_READY)
#define LISTENER_OFFERED                                                                           \
    LISTENER_WAITS | BASE_TO(LISTENER_IDLE) | BASE_TO(LISTENER_IDLE_CART) |                        \
        BASE_TO(LISTENER_BLOCKED) | BASE_TO(LISTENER_PARKED)
#define LISTENER_STATES(STATE)                                                                     \
    /* It does not listen. */                                                                      \
    STATE(LISTENER_AWAY, BASE_TO(LISTENER_READY))                                                  \
    /* Something may be there for it. */                                                           \
    STATE(LISTENER_READY, LISTENER_OFFERED | BASE_TO(LISTENER_BEHIND))                             \
    /* It has everything of the log, or of its cart. */                                            \
    STATE(LISTENER_IDLE, LISTENER_WAITS)                                                           \
    STATE(LISTENER_IDLE_CART, LISTENER_WAITS)                                                      \
    /* It took less than it was offered. */                                                        \
    STATE(LISTENER_BLOCKED, LISTENER_WAITS)                                                        \
    /* It waits for a slot; a slot reads for it; it waits until the log can be read. */            \
    STATE(LISTENER_BEHIND, BASE_TO(LISTENER_AWAY) | BASE_TO(LISTENER_READING))                     \
    STATE(LISTENER_READING, LISTENER_OFFERED)                                                      \
    STATE(LISTENER_PARKED, LISTENER_WAITS)
enum feed_listener_state { LISTENER_STATES(BASE_STATE_NAME) N_LISTENER_STATES };
TAILQ_HEAD(feed_listeners, feed_listener);

/* ---- the room -------------------------------------------------------------------------------- */

/*
 *   STOPPED ──somebody listens──▶ FINDING ──head──▶ WAITING ◀──rows──▶ READING
 *      ▲                                 ◀─────────────┤
 *      └────────────────── nobody listens ─────────────┘
 */
#define TAIL_STATES(STATE)                                                                         \
    STATE(TAIL_STOPPED, BASE_TO(TAIL_FINDING) | BASE_TO(TAIL_STOPPED)) /* nobody listens */        \
    STATE(TAIL_FINDING, BASE_TO(TAIL_WAITING) | BASE_TO(TAIL_STOPPED)) /* the head is asked for */ \
    /* For a poke or for the next poll. */                                                         \
    STATE(                                                                                         \
        TAIL_WAITING, BASE_TO(TAIL_WAITING) | BASE_TO(TAIL_FINDING) | BASE_TO(TAIL_READING) |      \
                          BASE_TO(TAIL_STOPPED))                                                   \
    STATE(TAIL_READING, BASE_TO(TAIL_WAITING) | BASE_TO(TAIL_STOPPED))
enum feed_tail_state { TAIL_STATES(BASE_STATE_NAME) };

/* Reads for one listener that is behind. */
struct feed_slot {
    struct feed *feed;
    struct postgres_pipeline pipeline;
    struct feed_listener *listener; /* NULL: it has left */
    bool is_busy;
};

struct feed {
    struct feed_options options;
    const struct postgres_statement *statements[16];
    struct postgres_connection *tail;   /* the new events */
    struct postgres_connection *reader; /* pages, and those who are behind */

    enum feed_tail_state state;
    struct postgres_pipeline tail_pipeline;
    bool is_tail_asked; /* the pipeline is under way */
    bool is_tail_stale; /* it was asked for those who have left since */
    struct loop_timer tail_timer;
    int64_t asked_at_us;
    int64_t poked;                 /* the newest position that this process has appended */
    char log_id[FEED_LOG_ID_SIZE]; /* of what the tail reads */
    struct feed_memory memory;

    struct table streams;                               /* of struct feed_stream */
    struct feed_listeners listeners[N_LISTENER_STATES]; /* who came first is first */
    struct loop_deferred deliver;
    struct loop_timer retry;
    struct loop_deferred rest;
    struct feed_event events[FEED_OFFER_MAX]; /* of the offer that is being made */
    size_t n_offered;                         /* events in this turn */
    struct feed_listener *offered; /* whose take() is being called; NULL: it has left in it */
    struct feed_slot slots[CATCH_UP_SLOTS];
    size_t n_listeners;

    struct queue pages;

    bool is_draining;
    bool is_ending;
};

/* tail.c */
void feed_tail_init(struct feed *feed);
void feed_tail_start(struct feed *feed); /* somebody listens */
void feed_tail_stop(struct feed *feed);  /* nobody does any more */

/* listeners.c */
void feed_listeners_init(struct feed *feed);
void feed_listeners_finish(struct feed *feed);
/* An event was added to the memory. */
void feed_listeners_notice(struct feed *feed, const struct feed_event *event);
/* All new events were added. */
void feed_listeners_wake(struct feed *feed);
/* The log can be read again. */
void feed_listeners_unpark(struct feed *feed);
/* Ends all of them. */
void feed_listeners_end(struct feed *feed, enum feed_end end);

/* pages.c */
void feed_pages_init(struct feed *feed);

#endif
