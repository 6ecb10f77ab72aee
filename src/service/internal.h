/*
 * internal: what the files of the service share, from the bottom up; each uses those before it.
 *
 *   streams.c    who waits, and in whose turn
 *   command.c    how a command is answered, or goes back to its stream
 *   answers.c, history.c, snapshots.c    what is read and stored beside the batches
 *   outage.c, stuck.c, settle.c          what PostgreSQL can't do for a while
 *   boundary.c   the other streams of a command
 *   needs.c      what a decision turned out to need
 *   collect.c    fills a batch from the streams in turn
 *   offers.c     what a batch knows of the catalogue
 *   decide.c     decides its commands
 *   outcome.c    what becomes of it when it ends
 *   append.c     has it recorded, and takes the verdicts
 *   batch.c      the rest of its life: loads and decides
 *   lease.c      when reads may come from memory
 *   service.c    begins batches, and opens and closes the room
 */
#ifndef CARTD_SERVICE_INTERNAL_H
#define CARTD_SERVICE_INTERNAL_H

#include "service.h"

#include "codec.h"
#include "eventstore.h"
#include "postgres.h"
#include "projections.h"
#include "replay.h"
#include "streams.h"

#define BATCH_SLOTS 3 /* batches under way at once on the one connection that writes */
/* PostgreSQL takes one after the other, and a few small batches cost it more than one of them all.
 * So a further one is begun when so many streams wait for each that is under way. */
#define BATCH_WORTHWHILE 16
#define ATTEMPTS_MAX 100 /* of a command whose stream keeps moving on */
/* Two processes that race for one cart in step could go on with the same winner. So one that lost
 * this often rests for a random part of a batch's time before it loads again. */
#define REST_AFTER_ATTEMPTS 3
#define REST_MOST_US 4000
#define MISSED_EVENTS_MAX 100
/* What cached states may take on average. Shoppers may fill a cart with 250 KiB of properties, and
 * as many carts as they like; a usual one takes 2. */
#define CACHED_BYTES_EACH 8192
#define SNAPSHOT_EVERY 100 /* events of a cart: replaying that many takes about 0.2 ms */

/* ---- a batch --------------------------------------------------------------------------------- */

/*
 *   FREE ──collect──▶ LOADING ──rows──▶ DECIDING ──▶ APPENDING ──verdicts──▶ ANSWERING ──▶ FREE
 *                                                    (or confirming what was only read)
 *                        │                 │             │
 *                        └─────────────────┴─────────────┴── what could not be done goes back to
 *                                                            its stream, in its old place
 */
#define BATCH_STATES(STATE)                                                                        \
    STATE(BATCH_FREE, BASE_TO(BATCH_LOADING))                                                      \
    STATE(BATCH_LOADING, BASE_TO(BATCH_DECIDING) | BASE_TO(BATCH_ANSWERING))                       \
    STATE(BATCH_DECIDING, BASE_TO(BATCH_APPENDING) | BASE_TO(BATCH_ANSWERING))                     \
    STATE(BATCH_APPENDING, BASE_TO(BATCH_ANSWERING))                                               \
    STATE(BATCH_ANSWERING, BASE_TO(BATCH_FREE))
enum batch_state { BATCH_STATES(BASE_STATE_NAME) };

/* What becomes of a command when its batch ends. */
enum batch_resolution {
    BATCH_ANSWER,        /* as its outcome says, if the append accepts its stream */
    BATCH_ANSWER_ANYWAY, /* as its outcome says: it does not depend on the stream's state */
    BATCH_REPLAY,        /* DONE before: its answer is read again */
    BATCH_READ_PAST,     /* what streams were is read, and then it is decided anew */
    BATCH_RETRY          /* it goes back and is decided anew */
};

struct batch_command {
    struct service_command *command;
    enum batch_resolution resolution;
    int32_t recorded_version; /* of its last event, when it was found in the stream; else 0 */
    bool rests_on_read;       /* it is DONE, and its batch records nothing that shows it */
    bool has_key_row;
    struct eventstore_key key_row; /* its key text is not used after the load */
};

struct batch_stream {
    struct service_stream *stream;
    struct batch_command *commands;
    size_t n_commands;
    struct replay_wanted load;    /* its state is as decided so far */
    struct replay_cached *cached; /* what the state was begun with, and borrows; NULL: nothing */
    struct replay_cached
        *replaced; /* the same when it isn't cached any more; states of others that are tied to this
                      one may borrow from it until the batch ends */
    const struct base_buffer
        *document; /* the last one that was written for an answer; NULL: none */
    int32_t document_version;
    const void *before; /* the state as it was loaded; NULL: before the first event */
    int32_t loaded_version;
    bool must_read;    /* nothing that is cached may be used */
    bool wants_offers; /* a decision on it may look at the catalogue */
    bool is_guess;  /* nothing was read: the cached state is a guess until the append proves it */
    bool is_loaded; /* the load was answered */
    size_t n_events;
    size_t n_keys;
    size_t n_sharing;             /* decisions on other streams that were about this one too */
    struct batch_stream *tied_to; /* leads to the one that stands for all tied together; NULL: no
                                     other */
    int32_t ordinal;              /* in the append; 0: not in it */
    /* Of the one that stands for a tie: what a read table refused it with, and how many commands
     * of it wait for the append. */
    int32_t refusal;
    size_t n_answers;
    const struct projections_change *change; /* of a stream with events */
};

struct batch {
    struct service *service;
    enum batch_state state;
    struct postgres_pipeline pipeline;
    struct base_arena arena;
    struct batch_stream *streams; /* sorted by id; those without commands are for others' */
    size_t n_streams;
    size_t streams_max;
    bool has_others; /* some commands are about streams besides their own */
    bool has_ties;   /* some were decided so */
    size_t n_commands;
    size_t limit;   /* on n_commands, lower than the setting when a command of it failed before */
    uint64_t epoch; /* of the cache, when it was begun */
    char *states;   /* two for each stream: as decided so far, and before */
    size_t state_room;
    /* What the load asks for, by index in the pipeline; -1: not asked. */
    struct replay_load load;
    int recorded_at;
    int keys_at;
    int offers_at;             /* the shared position, then the offers */
    struct price_list *prices; /* NULL: nothing is added */
    bool were_offers_read;     /* by this batch's load */
    struct base_buffer
        skus; /* of const char *: what is wanted of the catalogue, sorted, each once */
    /* What is appended. */
    bool is_appending;         /* else it only confirms */
    struct base_buffer events; /* of struct eventstore_new_event; texts are in the arena */
    struct base_buffer keys;   /* of struct eventstore_new_key */
    struct base_buffer text;   /* of one event, while it is written */
    int64_t began_at_us;
    int64_t sent_at_us;
    bool met_outage; /* PostgreSQL could not do it, whoever asked */
};

/* What the catalogue says of a sku. */
struct batch_offer {
    const char *sku;
    const char *name;
    bool is_active;
    struct catalog_quantity quantity; /* its own or the default */
    const char *tags;                 /* a JSON array; NULL: none */
    const struct catalog_content *prices;
};

/* ---- offers (offers.c) ----------------------------------------------------------------------- */

/* What the catalogue said, cached as long as no product changes. Zero-initialise. */
struct offers {
    struct price_list *list; /* NULL: nothing is cached */
    int64_t rests_until_us;  /* a product has changed a moment ago */
};
/* Nothing is cached any more; batches keep the lists that they hold. */
void offers_forget(struct offers *offers);
/* An append found that a product has changed. */
void offers_moved(struct offers *offers);
/* Gives the batch the price list that it decides on: the cached one, or what the question that is
 * added to the load brings (the index of its first statement; -1: there is none). */
int offers_ask(struct batch *batch);
void offers_receive(struct batch *batch);
/* The batch ends. */
void offers_release(struct batch *batch);
/* Whether the offer for a sku was asked for. */
bool offers_know(const struct batch *batch, const char *sku);
/* The offer for a sku; its name lives until the batch ends. */
struct cart_offer offers_find(const struct batch *batch, const char *sku, const char *currency);
/* The position at which the batch's price list was read; EVENTSTORE_ANY: it has none. */
int64_t offers_position(const struct batch *batch);
/* Whether the stream was decided on cached offers. */
bool offers_are_guesses(const struct batch *batch, const struct batch_stream *stream);

void batch_init(struct batch *batch, struct service *service);
void batch_finish(struct batch *batch);
/* Takes commands from the streams in turn and sends the load. False: nothing is in turn. */
bool batch_start(struct batch *batch);

void batch_move(struct batch *batch, enum batch_state to);
/* Any command of it: the one of a batch that has one. */
struct service_command *batch_find_first(const struct batch *batch);
/* Takes commands from the streams in turn (collect.c). False: there are none to take now. */
bool batch_collect(struct batch *batch);
/* Whether what was decided of the stream is proved by the append. */
bool batch_is_recorded(const struct batch_stream *stream);

/* ---- commands about several streams (boundary.c) --------------------------------------------- */

struct service_boundary {
    size_t n;
    struct aggregate_stream streams[AGGREGATE_BOUNDARY_MAX];
};
/* Remembers what a command is about, for when it is collected. */
void service_set_boundary(
    struct service_command *command, const struct aggregate_stream *streams, size_t n);

/* The other streams of a command, as they are decided so far. */
struct batch_others {
    size_t n;
    struct aggregate_stream wanted[AGGREGATE_BOUNDARY_MAX];
    struct batch_stream *streams[AGGREGATE_BOUNDARY_MAX];
    const void *states[AGGREGATE_BOUNDARY_MAX];
};
/* Finds them in the batch and ties them to the command's own. False: they are not all there, and
 * the command's resolution is set. */
bool boundary_find(
    struct batch *batch, struct batch_stream *stream, struct batch_command *entry,
    struct batch_others *others);
bool batch_is_tied(const struct batch_stream *stream);
/* The stream that stands for all that are tied together with this one; itself where none are. */
struct batch_stream *batch_find_tie(struct batch_stream *stream);

/* ---- what a decision turned out to need (needs.c) -------------------------------------------- */

/* Before a command is decided; and after that, whether something was missing, so that what was
 * decided counts for nothing: the command's resolution is set. */
void needs_begin(struct service_command *command);
bool needs_more(struct batch_command *entry);
/* The decision asked for the offer for a sku that nobody has read. */
void needs_offer(struct service_command *command, const char *sku);
/* Adds the skus that it has asked for to those of the batch. */
void needs_list_skus(const struct service_command *command, struct base_buffer *skus);
/* The decision asked for another stream, which the command is about from now on. */
void needs_other(struct service_command *command, const struct aggregate_stream *stream);
/* Adds those behind the n in the list that are not there yet, as far as there is room, which is
 * AGGREGATE_BOUNDARY_MAX. Returns how many there are then. */
size_t needs_list_others(
    const struct service_command *command, struct aggregate_stream *list, size_t n);
/* For the decision: what a stream was, if that has been read. */
const void *needs_find_past(
    struct service_command *command, const struct aggregate_past *past, bool *is_read);
/* Reads the pasts that are missing, beside the batches; then the command goes back to its stream.
 */
void needs_read_past(struct service *service, struct service_command *command);
void needs_finish(struct service_command *command);

/* ---- what becomes of it (append.c, outcome.c) ------------------------------------------------ */

/* Sends what was decided to be recorded; with `confirms_reads` answers of it rest on what was read.
 */
void batch_append(struct batch *batch, bool confirms_reads);
/* Nothing is to be recorded, but answers rest on what was read: sends the question whether a
 * synchronous standby has that too. */
void batch_confirm(struct batch *batch);
/* The state of a stream takes the place of what was cached of it, from which it may borrow. */
void batch_cache_state(struct batch *batch, struct batch_stream *stream);
/* Frees what is cached of a stream: it differs from the log, or may. */
void batch_forget_cached(struct batch_stream *stream);
/* Decides the resolution of every command of a stream at once, but of those that do not depend on
 * it. */
void batch_resolve(struct batch_stream *stream, enum batch_resolution resolution);
/* What the commands of a stream only read is read again. */
void batch_read_again(struct batch_stream *stream);
/* Nothing of the batch (or of its append) happened, or it is not confirmed; all of it is to be
 * tried again. */
void batch_try_again(struct batch *batch);
/* A statement refused the batch as a whole, so one of its commands is to blame: halves find it.
 * `may_pass`: the same command alone may succeed later. */
void batch_split(struct batch *batch, bool may_pass);
/* Answers or puts back every command, lets go of the streams; the batch is free. */
void batch_end(struct batch *batch);

/* ---- what commands about several streams cost each other (contention.c) ---------------------- */

#define CONTENTION_ENTRIES 16

struct contention {
    struct contention_entry {
        struct base_uuid stream_id;
        const char *stream_type;
        int64_t busy_us; /* of whole batches' time, as far as batches were about it */
    } entries[CONTENTION_ENTRIES];
    bool has_some;       /* in this window */
    int64_t began_at_us; /* the window; 0: there is none */
    struct loop_timer window;
};
void contention_init(struct contention *contention);
void contention_finish(struct service *service);
/* A batch with commands about several streams ends. */
void contention_note(struct batch *batch);

/* ---- what PostgreSQL can't do for a while (outage.c) ----------------------------------------- */

struct outage {
    int64_t since_us;    /* 0: there is none */
    int64_t tried_at_us; /* when the last batch that failed of it was begun */
    int64_t retry_at_us;
    int64_t delay_us; /* between the last two tries */
    char *reason;     /* a sentence for operators; NULL: none */
    struct loop_timer over;
};
void outage_init(struct outage *outage);
void outage_finish(struct service *service);
/* PostgreSQL was unable to do the batch, which goes back to its streams. */
void outage_note(struct batch *batch);
/* Something was recorded. */
void outage_end(struct service *service);
/* Whether a batch may be begun beside those under way. */
bool outage_lets_begin(const struct service *service, size_t n_under_way);
/* Every command that was submitted by then was tried and has waited for long enough; 0: none. */
int64_t outage_answers_until(const struct service *service, int64_t now_us);

/* ---- deciding (decide.c) --------------------------------------------------------------------- */

/* Decides the commands of the streams that were loaded one after the other, each on what the former
 * made of them, and adds what is to be recorded to the batch. */
void decide_batch(struct batch *batch);

/* ---- a cart as it was (history.c) ------------------------------------------------------------ */

void history_init(struct service *service);

/* ---- answers from the log (answers.c) -------------------------------------------------------- */

/* A DONE command whose answer is the cart or product at command->version: reads it and answers. */
void answer_from_log(struct service *service, struct service_command *command);
/* A VERSION_MISMATCH: reads the events that the client has missed and answers. */
void answer_missed_events(struct service *service, struct service_command *command);

/* ---- snapshots (snapshots.c) ----------------------------------------------------------------- */

/* Stores a snapshot of a long stream's state, once in SNAPSHOT_EVERY events, beside the batches;
 * `version_before` is where the present work on it began. */
void snapshot_state(
    struct service *service, const struct base_uuid *stream_id, const struct aggregate *aggregate,
    const void *state, int32_t version_before);

/* Removes a snapshot that can't be read or is ahead of its events, before they reach it. */
void snapshot_forget(struct service *service, const struct base_uuid *stream_id);

/* ---- the service ----------------------------------------------------------------------------- */

struct service {
    struct service_options options;
    struct eventstore *store;
    const struct postgres_statement *batch_statements[16];
    const struct postgres_statement *side_statements[16];
    struct postgres_connection *writer;
    struct postgres_connection *side; /* replays, missed events, housekeeping */
    struct streams streams;
    struct replay_cache cache;
    struct offers offers;
    int64_t log; /* that the appends are made to (eventstore_batch); 0: not known */
    struct outage outage;
    struct contention contention;
    struct batch batches[BATCH_SLOTS];
    struct base_random random;        /* for command ids */
    struct service_command *rejected; /* to be answered in the next turn, with their outcome */
    struct queue histories;
    size_t n_waiting;             /* submitted and not answered */
    size_t n_snapshots;           /* under way */
    int64_t not_ready_since_us;   /* 0: ready */
    struct postgres_backend lost; /* may still have an append under way */
    bool must_settle;
    bool is_settling;
    struct postgres_pipeline settle;
    struct postgres_pipeline forget;
    bool is_forgetting;
    struct postgres_pipeline stuck;
    bool is_checking_for_stuck;
    struct projections_lessor lessor;
    struct postgres_pipeline lease;
    bool is_leasing;
    int64_t lease_asked_at_us;
    struct base_uuid lease_holder; /* this process */
    struct loop_deferred dispatch;
    struct loop_timer sweep;
    struct loop_timer housekeeping;
    bool has_resting; /* a stream in turn was passed over */
    bool is_draining;
    bool is_ending;
};

/* Answers a command: its outcome is set. A body that still lacks its times gets them. */
void service_answer(struct service *service, struct service_command *command);
/* Answers a command that is not tried again: `why`, unless a former try may have recorded it. */
void service_give_up(
    struct service *service, struct service_command *command, enum service_outcome why);
/* Forgets what was decided of a command that is to be decided anew. */
void service_undecide(struct service_command *command);
/* Puts a command back in its queue as if it had just come, but for its age and attempts: what its
 * answer needs could not be read, so it rests first. */
void service_requeue(struct service *service, struct service_command *command);
/* An append was lost: nothing is sent until its server process is gone; and asks for that
 * (settle.c). */
void service_unsettle(struct service *service);
void settle_ask(struct service *service);
/* An append could not be made for now, perhaps for a lock that its holder never lets go. */
void service_end_stuck(struct service *service);
/* Reads of carts may be answered from memory from now on, whenever there is a lease; and not any
 * more, until there is another one. */
void lease_begin(struct service *service);
void lease_wait(struct service *service); /* the connection is there, others may be about to come */
void lease_end(struct service *service);
/* A batch is free or a stream is in turn: look for work in the next turn. */
void service_poke(struct service *service);

#endif
