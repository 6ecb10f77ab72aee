#include "internal.h"

#include <assert.h>
#include <stdlib.h>

/*
 *              ┌────────── the next few streams ◀─────────────────────────────┐
 *              ▼                                                              │
 *   STARTING ▶ WALKING ▶ LOADING ▶ COMPARING ──rows differ──▶ REWRITING ──────┤
 *                 │          ▲                                   │ refused    │
 *                 │          └───────────────────────────────────┘            │
 *                 │          └── LOCKING ◀── refused too often                │
 *                 ▼
 *               STRAYS ◀─▶ REMOVING
 *                 └──no more──▶ SNAPSHOTS ▶ (the end)
 *
 * What was read is a guess until the head of the log is locked: REWRITING does that, and refuses a
 * stream that moved on meanwhile; it then loads only what came since. The lock is not held across a
 * round trip to here, but for streams that keep moving on: it is taken first (LOCKING), and let go
 * with the rewriting.
 */
enum rebuild_state {
    REBUILD_STARTING, /* connecting, counting */
    REBUILD_WALKING,
    REBUILD_LOCKING,
    REBUILD_LOADING,
    REBUILD_COMPARING,
    REBUILD_REWRITING,
    REBUILD_STRAYS,
    REBUILD_REMOVING,
    REBUILD_SNAPSHOTS
};

#define SLICE_EVENTS 1000
#define REFUSED_MOST 8                /* before the lock is taken first */
#define PAUSE_US 200000               /* before what failed is tried again */
#define PATIENCE_US INT64_C(60000000) /* without any answer: a failover takes half of it */
#define SNAPSHOTS_AT_ONCE 512

struct audit_rebuild {
    struct common common;
    enum rebuild_state state;
    struct rewriting rewriting;

    const char **types; /* of the walk */
    struct walk walk;
    struct chunk chunk;
    struct chunk_changes changes;
    struct strays strays;
    struct postgres_group group;
    unsigned n_refused; /* times in a row, of the present chunk */
    size_t n_bad_snapshots;
    bool is_held;           /* a transaction that holds the lock is open */
    int64_t answered_at_us; /* when something last went well */
    struct loop_timer pause;
    bool is_stopping;
};

static void end(struct audit_rebuild *rebuild, enum audit_end how, const char *trouble)
{
    loop_stop_timer(rebuild->common.options.loop, &rebuild->pause);
    common_end(&rebuild->common, how, trouble);
}

/* ---- what failed is tried again -------------------------------------------------------------- */

/* True when the answer is there and the work goes on; otherwise what the state does is done again,
 * as everything here may be, or it is the end. */
static bool goes_on(struct audit_rebuild *rebuild, enum postgres_outcome outcome)
{
    struct loop *loop = rebuild->common.options.loop;
    if (rebuild->common.result.end != AUDIT_GOES_ON)
        return false;
    switch (outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* what a standby may lack is written anew by the next rebuild */
        rebuild->answered_at_us = loop_now_us(loop);
        return true;
    case POSTGRES_AGAIN:
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        if (loop_now_us(loop) - rebuild->answered_at_us > PATIENCE_US)
            break;
        loop_start_timer(loop, &rebuild->pause, PAUSE_US);
        return false;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        break;
    }
    end(rebuild, AUDIT_IN_TROUBLE, common_explain(&rebuild->common, outcome));
    return false;
}

static void begin_group(
    struct audit_rebuild *rebuild, void (*answered)(struct postgres_group *group))
{
    postgres_group_begin(&rebuild->group);
    rebuild->group.answered = answered;
}

static void send_group(struct audit_rebuild *rebuild)
{
    postgres_send(rebuild->common.connection, &rebuild->group);
}

/* ---- starting -------------------------------------------------------------------------------- */

static void go_on_walking(struct audit_rebuild *rebuild);

static void count_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (!goes_on(rebuild, group->outcome))
        return;
    rebuild->common.result.n_all = eventstore_receive_count(postgres_group_rows(group, 0));
    rebuild->state = REBUILD_WALKING;
    go_on_walking(rebuild);
}

static void ask_count(struct audit_rebuild *rebuild)
{
    begin_group(rebuild, count_answered);
    eventstore_ask_entries_count(
        &rebuild->group, &(struct eventstore_entries_wanted){
                             .first_id = rebuild->walk.next_id,
                             .types = rebuild->walk.types,
                             .n_types = rebuild->walk.n_types,
                         });
    send_group(rebuild);
}

/* ---- a few streams --------------------------------------------------------------------------- */

static void go_on_with_strays(struct audit_rebuild *rebuild);

static void go_on_walking(struct audit_rebuild *rebuild)
{
    if (rebuild->is_stopping) {
        end(rebuild, AUDIT_INTERRUPTED, NULL);
        return;
    }
    if (walk_take(&rebuild->walk, &rebuild->chunk)) {
        rebuild->n_refused = 0;
        rebuild->state = REBUILD_LOADING;
        chunk_load(&rebuild->chunk);
    } else if (!rebuild->walk.is_over) {
        walk_ask(&rebuild->walk);
    } else {
        rebuild->state = REBUILD_STRAYS;
        go_on_with_strays(rebuild);
    }
}

static void page_answered(struct walk *walk, enum postgres_outcome outcome)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(walk, struct audit_rebuild, walk);
    if (goes_on(rebuild, outcome))
        go_on_walking(rebuild);
}

static void end_chunk(struct audit_rebuild *rebuild)
{
    struct audit_result *result = &rebuild->common.result;
    result->n_streams += (int64_t)rebuild->chunk.n_streams;
    result->place = rebuild->chunk.streams[rebuild->chunk.n_streams - 1].id;
    (void)walk_next_id(&result->place); /* after the last of all it is the end anyway */
    rebuild->state = REBUILD_WALKING;
    go_on_walking(rebuild);
}

static void load_chunk(struct audit_rebuild *rebuild);
static void rewrite_chunk(struct audit_rebuild *rebuild);

static void chunk_answered(struct chunk *chunk, enum postgres_outcome outcome)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(chunk, struct audit_rebuild, chunk);
    if (!goes_on(rebuild, outcome))
        return;
    if (rebuild->state == REBUILD_LOADING) {
        chunk_check_ends(chunk);
        rebuild->state = REBUILD_COMPARING;
        chunk_compare(chunk);
    } else {
        rewrite_chunk(rebuild);
    }
}

/* ---- rewriting: ask, answer ------------------------------------------------------------------ */

static void rewrite_answered(struct postgres_group *group);

static void forget_bad_snapshots(struct audit_rebuild *rebuild)
{
    struct base_uuid ids[CHUNK_STREAMS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < rebuild->chunk.n_streams; i++)
        if (rebuild->chunk.streams[i].has_bad_snapshot)
            ids[n++] = rebuild->chunk.streams[i].id;
    if (n > 0)
        eventstore_ask_forget_snapshots(&rebuild->group, ids, n);
    rebuild->n_bad_snapshots = n;
}

/* The rows of what differs, if there is any, and then the end of the transaction, if one is open.
 */
static void rewrite_chunk(struct audit_rebuild *rebuild)
{
    rebuild->state = REBUILD_REWRITING;
    begin_group(rebuild, rewrite_answered);
    chunk_list_changes(&rebuild->chunk, &rebuild->changes);
    if (rebuild->changes.n_streams > 0)
        rebuild->rewriting.verdicts_at = eventstore_ask_rewrite(
            rebuild->rewriting.rewriter, &rebuild->group,
            &(struct eventstore_rewrite){
                .streams = rebuild->changes.streams,
                .n_streams = rebuild->changes.n_streams,
                .changes = &rebuild->changes.changes,
            });
    forget_bad_snapshots(rebuild);
    if (rebuild->changes.has_shared)
        eventstore_ask_move_shared_position(&rebuild->group); /* what is offered has changed */
    if (rebuild->is_held)
        (void)postgres_group_add(&rebuild->group, &common_commit); /* no parameters */
    if (rebuild->group.n_statements > 0)
        send_group(rebuild);
    else
        end_chunk(rebuild);
}

static void tell_refused(struct audit_rebuild *rebuild, const struct chunk_stream *stream)
{
    common_tell(
        &rebuild->common,
        &(struct audit_finding){
            .kind = "events",
            .stream_type = stream->aggregate->stream_type,
            .stream_id = stream->id,
            .version = stream->version,
            .sentence =
                "its last event is not of the version that they add up to; its rows were left",
        });
}

/* Those that were refused stay for another try. True: there are some. */
static bool receive_verdicts(struct audit_rebuild *rebuild)
{
    size_t n_refused = 0;
    for (size_t i = 0; i < rebuild->chunk.n_streams; i++)
        rebuild->chunk.streams[i].is_left_out = true;
    for (size_t i = 0; i < rebuild->changes.n_streams; i++) {
        struct chunk_stream *stream = rebuild->changes.owners[i];
        const struct postgres_rows *rows =
            postgres_group_rows(&rebuild->group, rebuild->rewriting.verdicts_at);
        if (eventstore_was_rewritten(rows, (int32_t)i + 1)) {
            rebuild->common.result.n_rewritten++;
        } else if (rebuild->is_held) {
            tell_refused(rebuild, stream); /* nobody could have moved it on */
        } else {
            stream->is_left_out = false;
            n_refused++;
        }
    }
    for (size_t i = 0; i < rebuild->chunk.n_streams; i++)
        rebuild->chunk.streams[i].has_bad_snapshot = false;
    rebuild->common.result.n_removed += (int64_t)rebuild->n_bad_snapshots;
    return n_refused > 0;
}

static void rewrite_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (!goes_on(rebuild, group->outcome))
        return;
    bool is_again = receive_verdicts(rebuild);
    rebuild->is_held = false;
    if (!is_again) {
        end_chunk(rebuild);
        return;
    }
    rebuild->n_refused++;
    load_chunk(rebuild);
}

/* ---- loading again, at last with the head locked --------------------------------------------- */

/* A client that stops here with the lock in its hand must not keep it from others for long. */
static const struct postgres_statement HURRY = {
    .name = "hurry",
    .sql = "SELECT set_config('idle_in_transaction_session_timeout', '1000', true)",
};

static void lock_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (!goes_on(rebuild, group->outcome))
        return;
    rebuild->state = REBUILD_LOADING;
    chunk_load(&rebuild->chunk);
}

static void lock_chunk(struct audit_rebuild *rebuild)
{
    rebuild->state = REBUILD_LOCKING;
    rebuild->is_held = true;
    begin_group(rebuild, lock_answered);
    (void)postgres_group_add(&rebuild->group, &common_begin); /* no parameters */
    (void)postgres_group_add(&rebuild->group, &HURRY);        /* no parameters */
    eventstore_ask_lock(&rebuild->group);
    send_group(rebuild);
}

static void load_chunk(struct audit_rebuild *rebuild)
{
    if (rebuild->n_refused >= REFUSED_MOST) {
        lock_chunk(rebuild);
        return;
    }
    rebuild->state = REBUILD_LOADING;
    chunk_load(&rebuild->chunk);
}

/* ---- rows without a stream ------------------------------------------------------------------- */

static void ask_stray_snapshots(struct audit_rebuild *rebuild);

static void go_on_with_strays(struct audit_rebuild *rebuild)
{
    if (rebuild->is_stopping)
        end(rebuild, AUDIT_INTERRUPTED, NULL);
    else
        strays_ask(&rebuild->strays);
}

static void removal_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (!goes_on(rebuild, group->outcome))
        return;
    rebuild->state = REBUILD_STRAYS;
    rebuild->common.result.n_removed +=
        rewriting_count_removed(&rebuild->rewriting, group, rebuild->strays.n_rows);
    go_on_with_strays(rebuild);
}

static void ask_removal(struct audit_rebuild *rebuild)
{
    rebuild->state = REBUILD_REMOVING;
    begin_group(rebuild, removal_answered);
    rewriting_ask_removal(&rebuild->rewriting, &rebuild->group, &rebuild->strays);
    if (rebuild->strays.table->aggregate->is_shared)
        eventstore_ask_move_shared_position(&rebuild->group);
    send_group(rebuild);
}

static void strays_answered(struct strays *strays, enum postgres_outcome outcome)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(strays, struct audit_rebuild, strays);
    if (!goes_on(rebuild, outcome))
        return;
    bool has_snapshots = strays->only == NULL || strays->only->snapshot_shape != 0;
    if (strays->table == NULL && !has_snapshots) {
        end(rebuild, AUDIT_DONE, NULL);
    } else if (strays->table == NULL) {
        rebuild->state = REBUILD_SNAPSHOTS;
        ask_stray_snapshots(rebuild);
    } else if (strays->n_rows > 0) {
        ask_removal(rebuild);
    } else {
        go_on_with_strays(rebuild);
    }
}

/* ---- snapshots without a stream -------------------------------------------------------------- */

static void forget_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (goes_on(rebuild, group->outcome))
        ask_stray_snapshots(rebuild);
}

static void stray_snapshots_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (!goes_on(rebuild, group->outcome))
        return;
    struct base_uuid ids[SNAPSHOTS_AT_ONCE];
    const struct postgres_rows *rows = postgres_group_rows(group, 0);
    size_t n = postgres_rows_count(rows);
    for (size_t row = 0; row < n; row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(rows, row, &snapshot);
        ids[row] = snapshot.stream_id;
    }
    if (n == 0) {
        end(rebuild, AUDIT_DONE, NULL);
        return;
    }
    rebuild->common.result.n_removed += (int64_t)n;
    begin_group(rebuild, forget_answered);
    eventstore_ask_forget_snapshots(&rebuild->group, ids, n);
    send_group(rebuild);
}

static void ask_stray_snapshots(struct audit_rebuild *rebuild)
{
    begin_group(rebuild, stray_snapshots_answered);
    eventstore_ask_stray_snapshots(&rebuild->group, SNAPSHOTS_AT_ONCE);
    send_group(rebuild);
}

/* ---- doing again what failed ----------------------------------------------------------------- */

static void do_again(struct audit_rebuild *rebuild)
{
    switch (rebuild->state) {
    case REBUILD_STARTING:
        ask_count(rebuild);
        break;
    case REBUILD_WALKING:
        go_on_walking(rebuild);
        break;
    case REBUILD_LOCKING:
    case REBUILD_LOADING:
    case REBUILD_COMPARING:
    case REBUILD_REWRITING:
        load_chunk(rebuild);
        break;
    case REBUILD_STRAYS:
        go_on_with_strays(rebuild);
        break;
    case REBUILD_REMOVING:
        ask_removal(rebuild);
        break;
    case REBUILD_SNAPSHOTS:
        ask_stray_snapshots(rebuild);
        break;
    }
}

static void rollback_answered(struct postgres_group *group)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(group, struct audit_rebuild, group);
    if (rebuild->common.result.end == AUDIT_GOES_ON)
        do_again(rebuild); /* without a connection there is no transaction either */
}

static void try_again(struct loop_timer *timer)
{
    struct audit_rebuild *rebuild = BASE_CONTAINER(timer, struct audit_rebuild, pause);
    if (!postgres_connection_is_ready(rebuild->common.connection)) {
        (void)goes_on(rebuild, POSTGRES_UNAVAILABLE); /* it doesn't, for now or for good */
    } else if (rebuild->is_held) {
        rebuild->is_held = false;
        begin_group(rebuild, rollback_answered);
        (void)postgres_group_add(&rebuild->group, &common_rollback); /* no parameters */
        send_group(rebuild);
    } else {
        do_again(rebuild);
    }
}

static void connection_changed(struct postgres_connection *connection, void *context)
{
    struct audit_rebuild *rebuild = context;
    if (postgres_connection_is_ready(connection) && rebuild->pause.place > 0)
        loop_start_timer(rebuild->common.options.loop, &rebuild->pause, 0);
}

/* ---- rebuild as a whole ---------------------------------------------------------------------- */

static void choose(struct audit_rebuild *rebuild, const struct audit_rebuild_wanted *wanted)
{
    rebuild->types = base_alloc(aggregates_count * sizeof *rebuild->types);
    for (size_t i = 0; i < aggregates_count; i++)
        if (wanted->only == NULL || wanted->only == aggregates[i])
            rebuild->types[rebuild->walk.n_types++] = aggregates[i]->stream_type;
    rebuild->walk.types = rebuild->types;
    rebuild->walk.next_id = wanted->from;
    rebuild->common.result.place = wanted->from;
    rebuild->strays.only = wanted->only;
}

struct audit_rebuild *audit_rebuild_create(
    const struct audit_options *options, const struct audit_rebuild_wanted *wanted, char **problem)
{
    struct audit_rebuild *rebuild = base_alloc(sizeof *rebuild);
    common_init(&rebuild->common, options);
    common_add_statement(&rebuild->common, &HURRY);
    rewriting_init(&rebuild->rewriting, &rebuild->common);
    walk_init(&rebuild->walk, &rebuild->common);
    rebuild->walk.answered = page_answered;
    chunk_init(&rebuild->chunk, &rebuild->common, SLICE_EVENTS);
    rebuild->chunk.answered = chunk_answered;
    strays_init(&rebuild->strays, &rebuild->common);
    rebuild->strays.answered = strays_answered;
    choose(rebuild, wanted);
    rebuild->pause.fired = try_again;
    const struct base_uuid nobody = {0}; /* it reads nothing from memory */
    BASE_CLEANUP(base_free_pointer) char *enter_sql = eventstore_make_enter_sql(&nobody);
    const struct common_wanted connection = {
        .role = "rebuild",
        .enter_sql = enter_sql,
        .plans_each_time = true,
        .answer_ms = options->wait_ms,
        .changed = connection_changed,
        .context = rebuild,
    };
    if (!common_connect(&rebuild->common, &connection, problem)) {
        audit_rebuild_destroy(rebuild);
        return NULL;
    }
    /* A database that was never reached is not waited for as long as one that was lost. */
    rebuild->answered_at_us = loop_now_us(options->loop) + options->wait_ms * 1000 - PATIENCE_US;
    loop_start_timer(options->loop, &rebuild->pause, PAUSE_US);
    return rebuild;
}

void audit_rebuild_destroy(struct audit_rebuild *rebuild)
{
    if (rebuild == NULL)
        return;
    if (rebuild->common.result.end == AUDIT_GOES_ON)
        rebuild->common.result.end = AUDIT_INTERRUPTED; /* what is answered now changes nothing */
    loop_stop_timer(rebuild->common.options.loop, &rebuild->pause);
    common_finish(&rebuild->common);
    walk_finish(&rebuild->walk);
    chunk_finish(&rebuild->chunk);
    strays_finish(&rebuild->strays);
    postgres_group_finish(&rebuild->group);
    rewriting_finish(&rebuild->rewriting);
    free(rebuild->types);
    free(rebuild);
}

void audit_rebuild_stop(struct audit_rebuild *rebuild)
{
    rebuild->is_stopping = true;
    if (rebuild->state == REBUILD_STARTING)
        end(rebuild, AUDIT_INTERRUPTED, NULL);
}

const struct audit_result *audit_rebuild_result(const struct audit_rebuild *rebuild)
{
    return &rebuild->common.result;
}
