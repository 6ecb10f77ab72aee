/*
 * feed: who follows the log. One reader a process reads each new event once, caches the newest ones
 * in a memory of a given size, and offers them to all who listen: to the whole log or to one
 * stream. Who is further behind than that memory is read for from the log, page by page and in
 * turn. It also reads single pages. It knows no HTTP: what an event looks like on the wire is all
 * it has of that.
 *
 * With nobody listening it does nothing at all: no query, no timer, no work for an append. While
 * somebody listens it is notified of the appends of this process and polls for those of others
 * every FEED_POLL_MS.
 *
 * Nobody gets an event twice or out of order, or misses one: positions are dense and in the order
 * of the commits, so one number says how far a listener is.
 */
#ifndef CARTD_FEED_H
#define CARTD_FEED_H

#include <sys/queue.h>

#include "base.h"
#include "cart.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"
#include "queue.h"

#define FEED_POLL_MS 100
/* How many positions one question looks at when few types are wanted. A page takes
 * FEED_PAGE_WINDOWS such questions at most, then it says how far it came. */
#define FEED_WINDOW 10000
#define FEED_PAGE_WINDOWS 8
#define FEED_OFFER_MAX 100 /* events offered at once */

struct feed_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    int64_t wait_ms;      /* for PostgreSQL */
    size_t memory_bytes;  /* of the newest events, about */
    size_t listeners_max; /* beyond it feed_listen() refuses */
};

struct feed;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct feed *feed_create(const struct feed_options *options, char **problem) BASE_MUST_CHECK;
/* Ends whoever listens and answers what is asked first. NULL-safe. */
void feed_destroy(struct feed *feed);
bool feed_is_ready(const struct feed *feed);
/* This process has appended up to that position. */
void feed_poke(struct feed *feed, int64_t position);
/* Ends whoever listens; nobody may listen from now on. */
void feed_drain(struct feed *feed);

/* The set of one type of events; 0: there is no such name. Sets are joined by |, and 0 as a set
 * stands for all types. */
uint64_t feed_type(const char *name, size_t length);

/* ---- events ---------------------------------------------------------------------------------- */

/* When a cart was claimed, it is not any more of who had its token. */
bool feed_is_claim(uint64_t type) BASE_MUST_CHECK;

/* Texts are borrowed, for as long as the call that hands them over. */
struct feed_event {
    int64_t position;
    int32_t version;
    struct base_uuid stream_id;
    uint64_t type;      /* as a set of one; empty for one that this version does not know */
    const char *framed; /* "event: <type>\ndata: <JSON>\n\n", as a server-sent event has it */
    size_t framed_length;
    const char *json; /* within it; not ended by a NUL */
    size_t json_length;
};

/* Which log it is: its cluster, its timeline and the table that it was restored into. A position
 * means the same event only as long as this stays the same. */
#define FEED_LOG_ID_SIZE 48

/* ---- pages ----------------------------------------------------------------------------------- */

enum feed_outcome {
    FEED_FOUND,
    FEED_NOT_FOUND, /* there is no such cart */
    FEED_FAILED     /* request.failure says of what */
};

/* What is read: the whole log, or one cart. */
struct feed_source {
    bool is_of_cart;
    struct base_uuid cart_id;
    uint64_t types; /* of the whole log only */
};

/* The caller owns it; it must not move or die until it is answered, which is never within the call
 * that asks. Zero-initialise, fill the first part; the caller finishes `events`. */
struct feed_page {
    struct feed_source source;
    int64_t after; /* position, or version of a cart */
    int32_t limit;
    struct cart_caller caller; /* of a cart only: one of another owner is not found */
    void (*answered)(struct feed_page *page);

    enum feed_outcome outcome;
    struct queue_request request;
    struct base_buffer events; /* JSON, with commas between them */
    size_t n_events;
    int64_t next_after;            /* whence to read on: everything up to there was looked at */
    bool has_more;                 /* there are events of the source after that */
    bool is_beyond;                /* `after` is more than the last position or version there is */
    int64_t head;                  /* the last position of the log; 0 for a cart */
    char log_id[FEED_LOG_ID_SIZE]; /* "" for a cart */
    bool is_unclaimed;             /* of a cart, when not everybody may: it has no customer */

    /* The feed's own. */
    struct feed *feed;
    struct postgres_pipeline pipeline;
    size_t n_windows;
};
void feed_read_page(struct feed *feed, struct feed_page *page);

/* ---- listening ------------------------------------------------------------------------------- */

enum feed_end {
    FEED_TOO_SLOW,        /* it took nothing while the whole memory of the feed passed by */
    FEED_HISTORY_CHANGED, /* the log is another one now, or was restored from an older copy */
    FEED_STOPPED          /* the feed is drained or destroyed */
};

/* Whoever listens. The caller owns it; it must not move or die until feed_unlisten(). Zero-
 * initialise, fill the first part. */
struct feed_listener {
    struct feed_source source;
    int64_t after; /* position, or version of a cart: the last one that it has taken or that is
                      none of its types. Goes on by itself. */
    /* Takes events, in order, and returns how many of them. Fewer than n: it takes no more until
     * feed_go_on(). It may call feed_unlisten(); then the number does not matter. */
    size_t (*take)(struct feed_listener *listener, const struct feed_event *events, size_t n);
    /* It has to call feed_unlisten() before it returns. */
    void (*ended)(struct feed_listener *listener, enum feed_end end);

    /* The feed's own. */
    unsigned state; /* feed_listener_state; 0: it does not listen */
    TAILQ_ENTRY(feed_listener) of_state;
    struct feed_stream *stream; /* of a cart */
    LIST_ENTRY(feed_listener) of_stream;
    int64_t
        pending; /* of a cart: position of the first event in memory that it may lack; 0: none */
    int64_t blocked_at;     /* the newest position when it took less than it was offered */
    bool is_caught_up;      /* of a cart: everything before `pending` was taken */
    struct feed_slot *slot; /* that reads for it */
};
/* False: listeners_max listen already, or the feed is drained. Calls nothing at once. */
bool feed_listen(struct feed *feed, struct feed_listener *listener) BASE_MUST_CHECK;
/* Does nothing when it does not listen. */
void feed_unlisten(struct feed *feed, struct feed_listener *listener);
/* It can take events again. */
void feed_go_on(struct feed *feed, struct feed_listener *listener);
/* Whether one more may listen. */
bool feed_has_room(const struct feed *feed);
/* What was handed on is not, or may not be, in the log any more, which now ends at `head`: ends
 * whoever listens. The feed does this by itself when the log ends before what it has read of it. */
void feed_history_changed(struct feed *feed, int64_t head);
/* The last position that is known, while somebody listens; -1 when none is known. And of which log.
 */
int64_t feed_head(const struct feed *feed);
const char *feed_log_id(const struct feed *feed);

#endif
