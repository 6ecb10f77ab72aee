#include <stdio.h>
#include <string.h>

#include "internal.h"

/* As many events as can be read and folded in about a millisecond. */
#define CHUNK_EVENTS_MAX 256
/* Rows for all tables, beyond which a chunk ends early: a checkout of 250 lines is one event. */
#define CHUNK_FACTS_MAX 2048

static void read_log(struct follow *follow);
static void load_carts(struct follow *follow);
static void write_chunk(struct follow *follow);
static void pause_members(struct follow *follow);

/* True when the answer is there; else the chunk was given up for now. */
static bool is_answered(struct follow *follow, const struct postgres_pipeline *pipeline)
{
    if (postgres_is_done(pipeline->outcome))
        return true;
    follow_chunk_ended(follow, RUNNER_TROUBLE);
    return false;
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

static int64_t begins_after(const struct follow_member *member, bool is_rebuild)
{
    return is_rebuild ? member->checkpoint->rebuilt_position : member->checkpoint->position;
}

static int64_t ends_at(const struct follow_member *member, bool is_rebuild, int64_t head_position)
{
    return is_rebuild ? member->checkpoint->position : head_position;
}

static bool has_work(const struct follow_member *member, bool is_rebuild, int64_t head_position)
{
    int64_t after = begins_after(member, is_rebuild);
    return member->checkpoint->is_known && !member->checkpoint->is_paused && after >= 0 &&
           after < ends_at(member, is_rebuild, head_position);
}

static size_t limit_of(const struct follow_member *member)
{
    return member->chunk_max == 0 ? CHUNK_EVENTS_MAX : member->chunk_max;
}

/* Takes in whoever is at the same position as `chosen`; the log is read once for all of them.
 * Whoever is behind stops where it meets the others. */
static void gather(struct follow *follow, const struct follow_member *chosen, int64_t head_position)
{
    struct follow_move *move = &follow->chunk.move;
    move->until = ends_at(chosen, move->is_rebuild, head_position);
    size_t limit = limit_of(chosen);
    for (size_t i = 0; i < follow->n_members; i++) {
        struct follow_member *member = &follow->members[i];
        int64_t after = begins_after(member, move->is_rebuild);
        bool is_near = has_work(member, move->is_rebuild, head_position);
        member->is_in_chunk = member == chosen || (is_near && after == move->after &&
                                                   !member->is_alone && !chosen->is_alone);
        if (is_near && after > move->after && after < move->until)
            move->until = after;
        if (!member->is_in_chunk)
            continue;
        move->names[move->n_names++] = member->follower->name;
        if (limit_of(member) < limit)
            limit = limit_of(member);
        if (ends_at(member, move->is_rebuild, head_position) < move->until)
            move->until = ends_at(member, move->is_rebuild, head_position);
        projections_clear_facts(&member->facts);
    }
    if (move->until - move->after > (int64_t)limit)
        move->until = move->after + (int64_t)limit;
}

bool follow_begin_chunk(struct follow *follow, int64_t head_position)
{
    size_t n = follow->n_members;
    for (size_t i = 0; i < 2 * n; i++) {
        size_t turn = (follow->turn + i) % (2 * n);
        const struct follow_member *member = &follow->members[turn % n];
        bool is_rebuild = turn >= n;
        if (!has_work(member, is_rebuild, head_position))
            continue;
        follow->turn = turn + 1;
        follow->chunk = (struct follow_chunk){
            .move = {.is_rebuild = is_rebuild, .after = begins_after(member, is_rebuild)}};
        gather(follow, member, head_position);
        read_log(follow);
        return true;
    }
    return false;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool is_of_cart(const struct eventstore_event *event)
{
    return strcmp(event->stream_type, aggregate_cart.stream_type) == 0;
}

/* What is cached of a cart, perhaps no more than that nothing of it was folded yet. It stays until
 * the next chunk. */
static struct replay_cached *find_cart(struct follow *follow, const struct base_uuid *id)
{
    struct replay_cached *cached = replay_cache_find(&follow->carts, id, &aggregate_cart);
    if (cached != NULL)
        return cached;
    aggregate_cart.begin(follow->scratch);
    return replay_cache_put(&follow->carts, id, &aggregate_cart, follow->scratch);
}

/* The cart in follow->scratch takes the place of what was cached. */
static void cache_cart(
    struct follow *follow, const struct base_uuid *id, const struct follow_notes *notes)
{
    struct replay_cached *cached =
        replay_cache_put(&follow->carts, id, &aggregate_cart, follow->scratch);
    *(struct follow_notes *)cached->notes = *notes;
}

/* Makes sure that the cart will be there as it was before the event, if that is the cart's first of
 * the chunk. False: too many have to be loaded already. */
static bool want_cart(struct follow *follow, const struct eventstore_event *event)
{
    int32_t until = event->version - 1;
    struct replay_cached *cached = find_cart(follow, &event->stream_id);
    struct follow_notes *notes = cached->notes;
    if (notes->chunk == follow->n_chunks)
        return true;
    /* What is ahead was folded by a chunk that could not be written. */
    if (aggregate_cart.version(cached->state) > until || notes->bad_position != 0) {
        replay_cache_remove(&follow->carts, &event->stream_id);
        cached = find_cart(follow, &event->stream_id);
        notes = cached->notes;
    }
    int32_t version = aggregate_cart.version(cached->state);
    if (version < until && (follow->missing.n == CHUNK_LOADED_MAX ||
                            !replay_ranges_add(
                                &follow->missing, &(struct replay_range){
                                                      .id = event->stream_id,
                                                      .after_version = version,
                                                      .until_version = until,
                                                  })))
        return false;
    notes->chunk = follow->n_chunks;
    return true;
}

/* Counts the events whose carts are there or can be loaded at once. */
static void plan(struct follow *follow)
{
    struct follow_chunk *chunk = &follow->chunk;
    const struct postgres_rows *rows = postgres_pipeline_rows(&follow->log, 0);
    replay_cache_trim(&follow->carts);
    replay_ranges_begin(&follow->missing);
    follow->n_chunks++;
    for (size_t row = 0; row < chunk->n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        if (is_of_cart(&event) && !want_cart(follow, &event))
            return;
        chunk->n_ready++;
    }
}

static void log_answered(struct postgres_pipeline *pipeline)
{
    struct follow *follow = BASE_CONTAINER(pipeline, struct follow, log);
    if (!is_answered(follow, pipeline))
        return;
    follow->chunk.n_rows = postgres_rows_count(postgres_pipeline_rows(pipeline, 0));
    plan(follow);
    load_carts(follow);
}

static void read_log(struct follow *follow)
{
    const struct follow_move *move = &follow->chunk.move;
    postgres_pipeline_begin(&follow->log);
    follow->log.answered = log_answered;
    eventstore_ask_log(
        &follow->log, &(struct eventstore_log_wanted){
                          .after_position = move->after,
                          .until_position = move->until,
                          .limit = CHUNK_EVENTS_MAX,
                      });
    postgres_send(follow->runner.connection, &follow->log);
}

/* ---- loading --------------------------------------------------------------------------------- */

static void copy_cached(struct follow *follow, const struct replay_cached *cached)
{
    aggregate_cart.begin(follow->scratch);
    aggregate_cart.copy(follow->scratch, cached->state);
}

void follow_receive_range(
    void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end)
{
    (void)owner;
    struct follow *follow = context;
    struct base_uuid id = postgres_get_uuid(rows, from, 2);
    struct replay_cached *cached = find_cart(follow, &id);
    struct follow_notes notes = *(struct follow_notes *)cached->notes;
    copy_cached(follow, cached);
    for (size_t row = from; row < end && notes.bad_position == 0; row++) {
        struct eventstore_event event;
        struct projections_step step;
        eventstore_receive_event(rows, row, &event);
        if (follow_fold_event(&notes, follow->scratch, &event, &follow->arena, &step) !=
            REPLAY_DONE)
            notes.bad_position = event.position;
    }
    cache_cart(follow, &id, &notes);
    base_arena_reset(&follow->arena);
}

static void fold_chunk(struct follow *follow);

static void load_answered(struct postgres_pipeline *pipeline)
{
    struct follow *follow = BASE_CONTAINER(pipeline, struct follow, load);
    if (!is_answered(follow, pipeline))
        return;
    (void)replay_ranges_receive(&follow->missing, postgres_pipeline_rows(pipeline, 0));
    load_carts(follow);
}

static void load_carts(struct follow *follow)
{
    if (follow->missing.n == 0) {
        fold_chunk(follow);
        return;
    }
    postgres_pipeline_begin(&follow->load);
    follow->load.answered = load_answered;
    replay_ranges_ask(&follow->missing, &follow->load);
    postgres_send(follow->runner.connection, &follow->load);
}

/* ---- folding --------------------------------------------------------------------------------- */

static size_t count_facts(const struct follow *follow)
{
    size_t n = 0;
    for (size_t i = 0; i < follow->n_members; i++)
        n += follow->members[i].is_in_chunk ? follow->members[i].facts.n : 0;
    return n;
}

static void explain_bad_event(
    struct follow_chunk *chunk, const struct eventstore_event *event, enum replay_outcome outcome)
{
    if (outcome == REPLAY_MISSING)
        (void)snprintf(
            chunk->reason, sizeof chunk->reason,
            "it is version %d of its cart, but the previous version is missing",
            (int)event->version);
    else
        (void)snprintf(
            chunk->reason, sizeof chunk->reason, "it can't be read as %.64s of schema version %d",
            event->type, (int)event->schema_version);
}

/* False: the event can't be folded, for the reason that is left in chunk->reason. */
static bool fold_row(struct follow *follow, const struct eventstore_event *event)
{
    struct follow_chunk *chunk = &follow->chunk;
    struct replay_cached *cached = find_cart(follow, &event->stream_id);
    struct follow_notes notes = *(struct follow_notes *)cached->notes;
    if (notes.bad_position != 0) {
        (void)snprintf(
            chunk->reason, sizeof chunk->reason,
            "the event at position %lld, earlier in its cart, can't be read",
            (long long)notes.bad_position);
        return false;
    }
    copy_cached(follow, cached);
    struct projections_step step;
    enum replay_outcome outcome =
        follow_fold_event(&notes, follow->scratch, event, &follow->arena, &step);
    if (outcome != REPLAY_DONE) {
        explain_bad_event(chunk, event, outcome);
        return false;
    }
    for (size_t i = 0; i < follow->n_members; i++)
        if (follow->members[i].is_in_chunk)
            follow->members[i].follower->add(&follow->members[i].facts, &step);
    cache_cart(follow, &event->stream_id, &notes);
    return true;
}

static void fold_chunk(struct follow *follow)
{
    struct follow_chunk *chunk = &follow->chunk;
    const struct postgres_rows *rows = postgres_pipeline_rows(&follow->log, 0);
    while (chunk->n_folded < chunk->n_ready && count_facts(follow) < CHUNK_FACTS_MAX) {
        struct eventstore_event event;
        eventstore_receive_event(rows, chunk->n_folded, &event);
        if (is_of_cart(&event) && !fold_row(follow, &event))
            break;
        chunk->move.until = event.position;
        chunk->move.until_us = event.recorded_at_us;
        chunk->n_folded++;
    }
    if (chunk->n_folded > 0)
        write_chunk(follow);
    else if (chunk->reason[0] != '\0')
        pause_members(follow);
    else
        follow_chunk_ended(follow, RUNNER_TROUBLE); /* there was nothing, which the head denies */
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_erase(
    struct postgres_pipeline *pipeline, const struct follow_move *move,
    const struct postgres_statement *const *erase)
{
    for (; *erase != NULL; erase++) {
        struct postgres_parameters *to = postgres_pipeline_add(pipeline, *erase);
        postgres_put_int8(to, move->after);
        postgres_put_int8(to, move->until);
    }
}

static void log_rebuilt(struct follow *follow, const struct postgres_rows *rows)
{
    for (size_t row = 0; row < postgres_rows_count(rows); row++)
        if (postgres_get_bool(rows, row, 1))
            base_log(
                follow->options.log, BASE_LOG_PROJECTION_REBUILT,
                BASE_LOG_TEXT("projection", postgres_get_text(rows, row, 0)),
                BASE_LOG_NUMBER("position", follow->chunk.move.until));
}

/* After what was written the next chunk may be larger again. */
static void praise(struct follow *follow)
{
    for (size_t i = 0; i < follow->n_members; i++) {
        struct follow_member *member = &follow->members[i];
        if (!member->is_in_chunk)
            continue;
        member->chunk_max = limit_of(member) * 2;
        if (member->chunk_max >= CHUNK_EVENTS_MAX) {
            member->chunk_max = CHUNK_EVENTS_MAX;
            member->is_alone = false;
        }
    }
}

/* Narrows down what can't be written: first to one projection, then to one event. True when that is
 * found. */
static bool blame(struct follow *follow, bool is_refused)
{
    struct follow_chunk *chunk = &follow->chunk;
    bool is_one = chunk->move.n_names == 1;
    for (size_t i = 0; i < follow->n_members; i++) {
        struct follow_member *member = &follow->members[i];
        if (!member->is_in_chunk)
            continue;
        member->is_alone = true;
        if (is_one && chunk->n_folded > 1)
            member->chunk_max = chunk->n_folded / 2;
    }
    return is_refused && is_one && chunk->n_folded == 1;
}

static void write_answered(struct postgres_pipeline *pipeline)
{
    struct follow *follow = BASE_CONTAINER(pipeline, struct follow, load);
    struct follow_chunk *chunk = &follow->chunk;
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
        log_rebuilt(follow, postgres_pipeline_rows(pipeline, 0));
        metrics_add(follow->options.metrics, METRICS_PROJECTION_EVENTS, (int64_t)chunk->n_folded);
        praise(follow);
        follow_chunk_ended(follow, RUNNER_DONE);
        return;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        if (!blame(follow, true)) {
            follow_chunk_ended(follow, RUNNER_DONE);
            return;
        }
        (void)snprintf(
            chunk->reason, sizeof chunk->reason,
            "PostgreSQL rejected the rows that it leads to; cartd's log (statement_failed) says "
            "why");
        pause_members(follow);
        return;
    case POSTGRES_AGAIN:
        (void)blame(follow, false); /* perhaps it took too long */
        break;
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        break;
    }
    follow_chunk_ended(follow, RUNNER_TROUBLE);
}

static void write_chunk(struct follow *follow)
{
    struct postgres_pipeline *pipeline = &follow->load;
    postgres_pipeline_begin(pipeline);
    pipeline->answered = write_answered;
    checkpoints_ask_move(pipeline, &follow->chunk.move);
    for (size_t i = 0; i < follow->n_members; i++) {
        const struct follow_member *member = &follow->members[i];
        if (!member->is_in_chunk)
            continue;
        if (follow->chunk.move.is_rebuild)
            put_erase(pipeline, &follow->chunk.move, member->follower->erase);
        if (member->facts.n > 0)
            member->follower->ask_write(&member->facts, pipeline);
    }
    postgres_send(follow->runner.connection, pipeline);
}

/* ---- pausing --------------------------------------------------------------------------------- */

static void pause_answered(struct postgres_pipeline *pipeline)
{
    struct follow *follow = BASE_CONTAINER(pipeline, struct follow, load);
    if (!is_answered(follow, pipeline))
        return;
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 0);
    for (size_t row = 0; row < postgres_rows_count(rows); row++)
        base_log(
            follow->options.log, BASE_LOG_PROJECTION_PAUSED,
            BASE_LOG_TEXT("projection", postgres_get_text(rows, row, 0)),
            BASE_LOG_NUMBER("position", follow->chunk.move.after + 1),
            BASE_LOG_TEXT("reason", follow->chunk.reason));
    follow_chunk_ended(follow, RUNNER_DONE);
}

static void pause_members(struct follow *follow)
{
    const struct follow_chunk *chunk = &follow->chunk;
    postgres_pipeline_begin(&follow->load);
    follow->load.answered = pause_answered;
    checkpoints_ask_pause(&follow->load, &chunk->move, chunk->move.after + 1, chunk->reason);
    postgres_send(follow->runner.connection, &follow->load);
}
