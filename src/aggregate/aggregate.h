/*
 * aggregate: the kinds of streams, as values. A row says how the events of one kind are read and
 * folded, and how what they make is copied and stored beside the log. Whoever works on streams goes
 * by the row and never asks which kind it is; a new kind is a row here.
 *
 * It is arithmetic over bytes that the caller owns: it loads nothing and waits for nobody.
 */
#ifndef CARTD_AGGREGATE_H
#define CARTD_AGGREGATE_H

#include "base.h"
#include "cart.h"
#include "codec.h"
#include "eventstore.h"

/* What any fact (struct cart_event, …) fits in. */
#define AGGREGATE_FACT_MAX 2048

/* How many other streams one command may be about. */
#define AGGREGATE_BOUNDARY_MAX 16

struct aggregate;

/* A stream, there or not yet. */
struct aggregate_stream {
    const struct aggregate *aggregate;
    struct base_uuid id;
};

/* Lists of streams, each once. Its index; n: it is not there. */
static inline size_t aggregate_find_stream(
    const struct aggregate_stream *streams, size_t n, const struct base_uuid *id)
{
    size_t i = 0;
    while (i < n && base_uuid_compare(&streams[i].id, id) != 0)
        i++;
    return i;
}

/* Unless it is there, or there is no room; returns how many there are then. */
static inline size_t aggregate_add_stream(
    struct aggregate_stream *streams, size_t n, struct aggregate_stream stream)
{
    if (n == AGGREGATE_BOUNDARY_MAX || aggregate_find_stream(streams, n, &stream.id) < n)
        return n;
    streams[n] = stream;
    return n + 1;
}

/* A stream as it was: at a version, or right before the command that made that version. */
struct aggregate_past {
    struct aggregate_stream stream; /* without aggregate: the one that is decided on */
    int32_t version;                /* 0: as it is when it is read */
    bool is_before_command;
};

/* The other streams that a command is about, in the order in which boundary() named them, and
 * their states. */
struct aggregate_others {
    size_t n;
    const struct aggregate_stream *streams;
    const void *const *states;
};

/* What a decision may look at besides its state: what the catalogue says of a sku, the other
 * streams that the command is about, and what streams were. Nothing of the past changes, so that
 * nothing is tied to it.
 *
 * The last two may not be known yet. Then find_past() sets *is_read to false, an offer is of no
 * product, and whatever is decided counts for nothing: what is missing is read, and the command is
 * decided anew. So it is when a decision asks for another stream, which only the past has named:
 * then that is among the others, unless there is no room for it. */
struct aggregate_known {
    struct cart_offer (*find_offer)(void *context, const char *sku, const char *currency);
    /* The state; NULL: there was none. */
    const void *(*find_past)(void *context, const struct aggregate_past *past, bool *is_read);
    void (*need_other)(void *context, const struct aggregate_stream *stream);
    void *context;
    const struct base_uuid *stream_id; /* of the command */
    struct aggregate_others others;
};

/* Facts to record in another stream. */
struct aggregate_effect {
    size_t other; /* its index */
    const void *facts;
    size_t n_facts;
};

/* What becomes of a command: it is refused, or there are facts to record. None: it is so already.
 * Whatever has effects has a fact of its own stream too: a lost append is looked up there. */
struct aggregate_decision {
    const void *facts; /* in the arena, one behind the other; texts of command, state and offers */
    size_t n_facts;
    const struct aggregate_effect *effects; /* in the arena, in their order */
    size_t n_effects;
    bool is_refused;
    int refusal;                            /* enum cart_refusal, catalog_refusal, coupon_refusal */
    size_t command_index;                   /* of several in one request: the one that is refused */
    int64_t current_total_minor;            /* for CART_REFUSED_TOTAL_CHANGED */
    struct cart_limits limits;              /* for CART_REFUSED_QUANTITY_OUT_OF_RANGE */
    int64_t refused_quantity;               /* likewise */
    int32_t current_version;                /* for CART_REFUSED_NO_SUCH_VERSION */
    enum coupon_usability coupon_usability; /* for CART_REFUSED_COUPON_NOT_APPLICABLE */
    const char *details; /* of a refusal, in the arena: a JSON array about lines or coupons, or what
                            CART_REFUSED_OTHER_ORDER_REFERENCE is about; NULL: none */
    const char *status;  /* for CART_REFUSED_IS_CLOSED; static */
    int64_t closed_at_us;           /* likewise; CART_TIME_NONE: only this request would close it */
    struct base_uuid other_cart_id; /* for CART_REFUSED_OPEN_CART_EXISTS: the one that is open */
};

/* How a fact is called in the log. */
struct aggregate_event_type {
    const char *name;
    int32_t schema_version;
};

/* When things happened to a stream, for its document; each kind has those that it has. */
struct aggregate_times {
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t closed_at_us;
    int64_t abandoned_at_us;
    int64_t lifetime_us; /* how long after updated_at it expires; 0: never */
};

/*
 * A state is state_size bytes, a fact fact_size bytes, both the caller's and aligned for any type.
 * Their texts are borrowed: a fact's from the arena it was read into, a state's from the facts that
 * were folded.
 */
struct aggregate {
    const char *stream_type; /* in the log */
    const char *plural;      /* what people call them all */
    size_t state_size;
    size_t fact_size;
    bool newest_says_all; /* the newest event by itself makes the state */
    bool is_shared;       /* decisions about other streams read it */

    /* Makes the state before the first event. */
    void (*begin)(void *state);
    /* The number of events that made it; 0: there is none. */
    int32_t (*version)(const void *state);
    /* False: not an event that this version of cartd understands; *fact is untouched. */
    bool (*read)(const struct eventstore_event *event, struct base_arena *arena, void *fact);
    /* Whether nothing of a stored event is lost when it is read; else *reason is the rest of a
     * sentence about it. NULL: not checked. */
    bool (*round_trips)(const struct eventstore_event *event, const char **reason);
    /* Applies a fact that is of that version. */
    void (*evolve)(void *state, const void *fact, int32_t version, int64_t recorded_at_us);

    /* Gives every pending time of a state the moment at which the database recorded it. */
    void (*stamp)(void *state, int64_t recorded_at_us);

    /* Which other streams a command is about in that state, each once, at most
     * AGGREGATE_BOUNDARY_MAX: all of them are decided on and recorded together, or nothing is.
     * `known` has the states of the first n_known of them: some may lead to others, which come
     * behind those. It is asked again until it names no more than were known.
     * Returns how many. NULL: none. If may_have_others() says no, there are none in any state. */
    bool (*may_have_others)(const void *command);
    size_t (*boundary)(
        const void *state, const void *command, const void *const *known, size_t n_known,
        struct aggregate_stream *others);
    /* Decides a command (struct cart_request, catalog_command, coupon_command) on a state. */
    void (*decide)(
        const void *state, const void *command, const struct aggregate_known *known,
        struct base_arena *arena, struct aggregate_decision *decision);
    /* Appends the const char * of each sku whose offer the decision will look at, as far as can be
     * told from a state that may be of before. NULL: none. */
    void (*list_skus)(const void *state, const void *command, struct base_buffer *skus);
    /* Whether the stream is there for the caller, before any other rule; and whether the command is
     * the one that makes it. NULL: it always is; each command may be the first. */
    bool (*is_there)(const void *state, const void *command);
    bool (*creates)(const void *command);
    /* Whether the caller may see the events of a stream that is there. NULL: yes. */
    bool (*shows_events)(const void *state, const void *command);
    int not_found;                            /* the refusal when it is not there */
    const char *(*refusal_name)(int refusal); /* for operators; NULL: they have none */
    const char *first_event; /* the name of the first event, and of no other; NULL: any may be */
    struct aggregate_event_type (*event_type)(const void *fact);
    /* Appends the data of an event: JSON. */
    void (*write)(struct base_buffer *out, const void *fact);

    /* Copies what is used of a state; the texts stay borrowed. */
    void (*copy)(void *to, const void *from);
    /* A deep copy in as few bytes as can be: `memory` is of packed_size() bytes. A packed state is
     * read and copied, but not evolved. */
    size_t (*packed_size)(const void *state);
    void (*pack)(void *memory, const void *state);

    /* Streams that are known by a text: which one it is, borrowed from the state, and the id of the
     * stream of a text. NULL: they are known by their ids. */
    const char *(*key)(const void *state);
    struct base_uuid (*id_of_key)(const char *key);
    /* What is wrong with a state although each event could be read, as the rest of a sentence about
     * the stream; NULL: nothing. */
    const char *(*fault)(const void *state, const struct base_uuid *id);

    /* The document that is served, a JSON object without its times: the same state gives the same
     * bytes. And the times, put in before the closing brace that `out` ends with. */
    void (*write_document)(struct base_buffer *out, const struct base_uuid *id, const void *state);
    struct aggregate_times (*times)(const void *state);
    void (*append_times)(struct base_buffer *out, const struct aggregate_times *times);

    /* A state as it is stored beside the log. A stored one of another shape is not read. False: it
     * can't be read; the state may have been changed. */
    int32_t snapshot_shape; /* 0: it is not stored, and there is neither of the two */
    void (*write_snapshot)(struct base_buffer *out, const void *state);
    bool (*read_snapshot)(const char *json, struct base_arena *arena, void *state);
};

extern const struct aggregate aggregate_cart;    /* struct cart, struct cart_event */
extern const struct aggregate aggregate_product; /* struct catalog_product, struct catalog_event */

extern const struct aggregate aggregate_customer; /* struct customer, struct customer_event */
extern const struct aggregate aggregate_coupon;   /* struct coupon, struct coupon_event */

/* The stream of a product: a UUIDv5 of its sku; and of a customer, of the customer's id. */
struct base_uuid aggregate_product_id(const char *sku);
struct base_uuid aggregate_customer_id(const char *customer_id);
/* The stream of a coupon: a UUIDv5 of its code as codec_fold_code() makes it. */
struct base_uuid aggregate_coupon_id(const char *folded_code);

/* Appends the whole document of a state, with its times. */
void aggregate_write_document(
    struct base_buffer *out, const struct aggregate *aggregate, const struct base_uuid *id,
    const void *state);

/* A stored event as codec writes it; its texts are borrowed. */
struct codec_event aggregate_to_codec(const struct eventstore_event *event);

/* Bytes that any state fits in, aligned for any type. */
size_t aggregate_state_room(void);

/* All of them. */
extern const struct aggregate *const aggregates[];
extern const size_t aggregates_count;
/* NULL: this version of cartd knows no such stream type. */
const struct aggregate *aggregate_find(const char *stream_type);

#endif
