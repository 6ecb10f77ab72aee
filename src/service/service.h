/*
 * service: the one place where core and store meet. It takes commands, gathers them into batches,
 * loads what they need, lets the core decide, appends, and answers each with a verdict of its own.
 * It knows no HTTP: what a refusal looks like to a client is said further up.
 *
 * A command is answered exactly once, never within the call that submits it, and never with a
 * guess: SERVICE_DONE only after PostgreSQL said that the commit is done, SERVICE_UNKNOWN only when
 * even a later read could not say.
 */
#ifndef CARTD_SERVICE_H
#define CARTD_SERVICE_H

#include "base.h"
#include "cart.h"
#include "catalog.h"
#include "codec.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"
#include "queue.h"
#include "replay.h"

/* The cart that a creation with an idempotency key makes when the client names none; also the scope
 * of that key. */
struct base_uuid service_keyed_cart_id(const char *caller, const char *key);

struct projections;

struct service_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    size_t queue_commands; /* that may wait; beyond it SERVICE_OVERLOADED */
    size_t batch_commands;
    size_t cache_carts; /* 0: no cache */
    int64_t wait_ms;    /* for PostgreSQL */
    /* Who answers reads of carts, to be lent the right to do so from memory; it must outlive the
     * service. NULL: nobody does. */
    struct projections *projections;
    /* The read tables that are written with each append, as long as the service lives; NULL: those
     * of room projections. */
    const struct eventstore_clause *const *clauses;
    size_t n_clauses;
    int32_t keep_keys_hours;
    /* Called after each append, with the position of its last event. NULL: nobody wants to know. */
    void (*appended)(void *context, int64_t position);
    void *appended_context;
};

struct service;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct service *service_create(const struct service_options *options, char **problem)
    BASE_MUST_CHECK;
/* Whatever was not answered yet is answered first (SHUTTING_DOWN, or UNKNOWN where an append is
 * under way). NULL-safe. */
void service_destroy(struct service *service);
/* From now on new commands are answered SERVICE_SHUTTING_DOWN; accepted ones are finished. */
void service_drain(struct service *service);
/* Commands accepted and not answered yet. */
size_t service_waiting(const struct service *service);
bool service_is_ready(const struct service *service);
/* Why not, as a sentence for operators; NULL when it is. */
const char *service_trouble(const struct service *service);

enum service_match {
    SERVICE_MATCH_NOTHING, /* no If-Match */
    SERVICE_MATCH_ANY,     /* it must exist */
    SERVICE_MATCH_VERSIONS /* it must be at one of these versions */
};
#define SERVICE_VERSIONS_MAX 16

enum service_outcome {
    SERVICE_DONE,    /* recorded, or already so; version, body, is_created, is_replayed are set */
    SERVICE_REFUSED, /* by a rule: refusal says which, and what goes with it is set; body is JSON:
                      * its details, or empty */
    SERVICE_OTHER_TYPE, /* the id is that of another thing: a product's, not a cart's; of another
                         * stream that it is about, other_cart_id is set */
    SERVICE_VERSION_MISMATCH, /* version is the present one; body is the JSON array of missed events
                               */
    SERVICE_KEY_REUSED,       /* the idempotency key belongs to another request, or what it made
                               * no longer belongs to the caller */
    SERVICE_OVERLOADED,       /* nothing happened */
    SERVICE_UNAVAILABLE,      /* nothing happened: PostgreSQL can't be reached, or can't record */
    SERVICE_UNKNOWN, /* it may have happened: PostgreSQL was lost in the middle and is not back */
    SERVICE_SHUTTING_DOWN, /* nothing happened */
    SERVICE_FAILED         /* nothing happened: something is broken; it was logged */
};

/* One request to change one stream. The caller owns it and everything it points to; it
 * must not move or die until it is answered. Zero-initialise, fill the first part, submit. */
struct service_command {
    /* What is asked. */
    const struct aggregate *aggregate;
    struct base_uuid stream_id;
    const void *command; /* of the aggregate's own kind */
    enum service_match match;
    int32_t match_versions[SERVICE_VERSIONS_MAX];
    size_t n_match_versions;
    const char *key; /* idempotency key; NULL: none */
    struct base_uuid key_scope_id;
    uint8_t key_fingerprint[BASE_SHA256_SIZE]; /* which request the key stands for */
    const uint8_t *former_fingerprint; /* the same as it may have been stored; NULL: as that */
    const char *actor;                 /* the caller, for the events' metadata */
    struct codec_trace trace;
    struct codec_cause cause;
    /* command_id is the caller's, who may submit the command again, however much later: if an event
     * of the stream has it, the command was done. Keys are forgotten after keep_keys_hours. */
    bool has_own_id;
    struct base_uuid command_id;
    const char *request_id; /* for the log; NULL: none */
    bool wants_body;        /* false: the document is not needed (Prefer: return=minimal) */
    void (*answered)(struct service_command *command);

    /* The answer. The caller finishes `body`. */
    enum service_outcome outcome;
    bool is_created;
    bool is_replayed; /* a stored answer */
    int32_t version;  /* of a refusal: current_version as in struct aggregate_decision */
    int refusal;      /* as in struct aggregate_decision; so are the next seven */
    size_t command_index;
    int64_t current_total_minor;
    struct cart_limits limits;
    enum coupon_usability coupon_usability;
    int64_t refused_quantity;
    const char *status;
    int64_t closed_at_us;
    struct base_uuid other_cart_id;
    struct base_buffer body; /* the document with its times; the whole JSON answer */

    /* The service's own. */
    struct service_stream *stream;
    struct service_command *next;
    struct service_boundary *boundary; /* the other streams that it is about; NULL: none known */
    struct service_needs *needs;       /* what its decision turned out to need; NULL: nothing */
    int64_t submitted_at_us;
    size_t batch_limit; /* size of the next batch that it may be in */
    unsigned n_attempts;
    bool may_be_recorded; /* an append that held it was lost: look up its id before deciding again
                           */
    bool has_waited;      /* for a stream that it shares with others */
    bool hides_events;    /* of a VERSION_MISMATCH: the caller may not see what was missed */
    bool is_in_doubt;     /* its former answer was found, and not confirmed by a standby */
    struct aggregate_times times; /* of the document */
    bool is_recorded;             /* with SERVICE_DONE: it has events, and was not so already */
    int64_t recorded_at_us;       /* of the append that recorded it, or what it rests on */
    bool lacks_times;             /* body is a document without its times */
};
void service_submit(struct service *service, struct service_command *command);

/* ---- a cart as it was ------------------------------------------------------------------------ */

/* A read of one cart. The caller owns it; it must not move or die until it is answered, which is
 * never within the call that asks. Zero-initialise, fill the first part. */
struct service_history {
    struct base_uuid cart_id;
    int32_t at_version;        /* as it was at this version; 0: at this moment */
    int64_t at_us;             /* INT64_MAX: now */
    struct cart_caller caller; /* a cart that does not belong to it now is not found */
    void (*answered)(struct service_history *history);

    /* The answer. The caller finishes `body`. */
    enum replay_history_outcome outcome;
    struct queue_request request;
    int32_t version;
    bool is_final;           /* the same question will never be answered in another way */
    struct base_buffer body; /* the whole JSON answer */

    /* The service's own. */
    struct service *service; /* NULL: none */
    struct replay_history read;
};
/* Beside the commands, at most SERVICE_HISTORIES_MAX unanswered at a time. */
#define SERVICE_HISTORIES_MAX 64
void service_read_history(struct service *service, struct service_history *history);
/* The same for who has no service but a connection that has prepared eventstore_history_statements,
 * and projections_owner_statement if the caller may not all. */
void service_read_history_over(
    struct postgres_connection *connection, const struct base_log *log,
    struct service_history *history);

#endif
