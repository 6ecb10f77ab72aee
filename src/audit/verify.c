#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 *   CONNECTING ──▶ BEGINNING ──▶ STREAMS ──▶ ORDER ──▶ STRAYS ──▶ REST ──▶ ENDING
 *
 * One connection, one transaction, one snapshot. While the streams of one lane are folded here,
 * PostgreSQL reads those of the other.
 */
enum verify_state {
    VERIFY_CONNECTING,
    VERIFY_BEGINNING, /* the transaction; what there is */
    VERIFY_STREAMS,   /* each is replayed and compared */
    VERIFY_ORDER,     /* of the log */
    VERIFY_STRAYS,    /* rows without a stream */
    VERIFY_REST,      /* snapshots and keys */
    VERIFY_ENDING
};

#define LANES 2
#define SLICE_EVENTS 2000
#define PLACES_PAGE 20000
#define REST_LIMIT 1000 /* snapshots and keys that are told of */
#define ANSWER_MS                                                                                  \
    INT64_C(3600000) /* nobody waits for a lock of ours, so patience costs nothing                 \
                      */

struct lane {
    struct chunk chunk;
    struct audit_verify *verify;
    bool is_busy;
};

struct audit_verify {
    struct common common;
    enum verify_state state;
    struct lane lanes[LANES];
    struct walk walk;
    struct strays strays;
    struct postgres_group group;
    struct eventstore_head head;
    int64_t shared_position;
    int64_t last_position;
    int64_t last_at_us;
    int64_t n_without_entry;    /* events */
    struct loop_timer patience; /* until it is connected */
    bool is_stopping;
};

static void end(struct audit_verify *verify, enum audit_end how, const char *trouble)
{
    loop_stop_timer(verify->common.options.loop, &verify->patience);
    common_end(&verify->common, how, trouble);
}

/* True when the answer is there and the work goes on. */
static bool goes_on(struct audit_verify *verify, enum postgres_outcome outcome)
{
    if (verify->common.result.end != AUDIT_GOES_ON)
        return false;
    if (outcome != POSTGRES_DONE) {
        end(verify, AUDIT_IN_TROUBLE, common_explain(&verify->common, outcome));
        return false;
    }
    if (verify->is_stopping) {
        end(verify, AUDIT_INTERRUPTED, NULL);
        return false;
    }
    return true;
}

static void tell_of_log(struct audit_verify *verify, const char *format, ...) BASE_PRINTF(2, 3);

static void tell_of_log(struct audit_verify *verify, const char *format, ...)
{
    char sentence[256];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(sentence, sizeof sentence, format, values); /* they fit */
    va_end(values);
    common_tell(&verify->common, &(struct audit_finding){.kind = "log", .sentence = sentence});
}

static void begin_group(struct audit_verify *verify, void (*answered)(struct postgres_group *group))
{
    postgres_group_begin(&verify->group);
    verify->group.answered = answered;
}

/* ---- the beginning --------------------------------------------------------------------------- */

static void go_on_with_streams(struct audit_verify *verify);

static void begin_answered(struct postgres_group *group)
{
    struct audit_verify *verify = BASE_CONTAINER(group, struct audit_verify, group);
    if (!goes_on(verify, group->outcome))
        return;
    const struct postgres_rows *head = postgres_group_rows(group, 1);
    if (postgres_rows_count(head) != 1) {
        tell_of_log(verify, "log_head has no row: nothing can be appended");
        end(verify, AUDIT_DONE, NULL); /* whatever else there is has no place in it */
        return;
    }
    verify->head = eventstore_receive_head(head);
    verify->common.result.head = verify->head.position;
    verify->common.result.n_all = eventstore_receive_count(postgres_group_rows(group, 2));
    verify->shared_position = eventstore_receive_shared_position(postgres_group_rows(group, 3));
    verify->state = VERIFY_STREAMS;
    go_on_with_streams(verify);
}

static void ask_begin(struct audit_verify *verify)
{
    verify->state = VERIFY_BEGINNING;
    begin_group(verify, begin_answered);
    (void)postgres_group_add(&verify->group, &common_begin_snapshot); /* no parameters */
    eventstore_ask_head(&verify->group);
    eventstore_ask_entries_count(&verify->group, &(struct eventstore_entries_wanted){.limit = 0});
    eventstore_ask_shared_position(&verify->group);
    postgres_send(verify->common.connection, &verify->group);
}

/* A new connection would have another snapshot, so a lost one is the end. */
static void connection_changed(struct postgres_connection *connection, void *context)
{
    struct audit_verify *verify = context;
    bool is_ready = postgres_connection_is_ready(connection);
    if (verify->state == VERIFY_CONNECTING && is_ready) {
        loop_stop_timer(verify->common.options.loop, &verify->patience);
        ask_begin(verify);
    } else if (verify->state != VERIFY_CONNECTING && !is_ready) {
        end(verify, AUDIT_IN_TROUBLE, postgres_connection_trouble(connection));
    }
}

static void lost_patience(struct loop_timer *timer)
{
    struct audit_verify *verify = BASE_CONTAINER(timer, struct audit_verify, patience);
    end(verify, AUDIT_IN_TROUBLE, postgres_connection_trouble(verify->common.connection));
}

/* ---- the streams: loaded, compared ----------------------------------------------------------- */

static void ask_places(struct audit_verify *verify);

static void compare_answered(struct chunk *chunk, enum postgres_outcome outcome)
{
    struct lane *lane = BASE_CONTAINER(chunk, struct lane, chunk);
    lane->is_busy = false;
    if (!goes_on(lane->verify, outcome))
        return;
    lane->verify->common.result.n_streams += (int64_t)chunk->n_streams;
    go_on_with_streams(lane->verify);
}

static void load_answered(struct chunk *chunk, enum postgres_outcome outcome)
{
    struct lane *lane = BASE_CONTAINER(chunk, struct lane, chunk);
    if (!goes_on(lane->verify, outcome)) {
        lane->is_busy = false;
        return;
    }
    chunk_check_ends(chunk);
    chunk->answered = compare_answered;
    chunk_compare(chunk);
}

static void go_on_with_streams(struct audit_verify *verify)
{
    bool is_busy = false;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &verify->lanes[i];
        if (!lane->is_busy && walk_take(&verify->walk, &lane->chunk)) {
            lane->is_busy = true;
            lane->chunk.answered = load_answered;
            chunk_load(&lane->chunk);
        }
        is_busy |= lane->is_busy;
    }
    if (verify->walk.at == verify->walk.n_page && !verify->walk.is_over)
        walk_ask(&verify->walk);
    else if (!is_busy) {
        verify->state = VERIFY_ORDER;
        ask_places(verify);
    }
}

static void page_answered(struct walk *walk, enum postgres_outcome outcome)
{
    struct audit_verify *verify = BASE_CONTAINER(walk, struct audit_verify, walk);
    if (goes_on(verify, outcome))
        go_on_with_streams(verify);
}

/* ---- the order of the log -------------------------------------------------------------------- */

static void ask_strays(struct audit_verify *verify);
static void places_answered(struct postgres_group *group);

static void ask_places(struct audit_verify *verify)
{
    begin_group(verify, places_answered);
    eventstore_ask_places(&verify->group, verify->last_position, PLACES_PAGE);
    postgres_send(verify->common.connection, &verify->group);
}

static void check_place(struct audit_verify *verify, const struct eventstore_place *place)
{
    bool is_first = verify->common.result.n_placed == 0;
    int64_t expected = is_first ? 1 : verify->last_position + 1;
    if (place->position > expected)
        tell_of_log(
            verify, "position %" PRId64 " is missing: the next event is at %" PRId64, expected,
            place->position);
    else if (place->position < expected)
        tell_of_log(verify, "position %" PRId64 " is before the first", place->position);
    if (!is_first && place->recorded_at_us < verify->last_at_us)
        tell_of_log(
            verify, "recorded_at goes back at position %" PRId64 ", by %" PRId64 " microseconds",
            place->position, verify->last_at_us - place->recorded_at_us);
    if (!place->has_entry) {
        verify->n_without_entry++;
        common_tell(
            &verify->common, &(struct audit_finding){
                                 .kind = "streams",
                                 .stream_type = "stream",
                                 .stream_id = place->stream_id,
                                 .sentence = "has an event and no row in streams",
                             });
    }
    verify->last_position = place->position;
    verify->last_at_us = place->recorded_at_us;
    verify->common.result.n_placed++;
}

static void check_head(struct audit_verify *verify)
{
    int64_t n_placed = verify->common.result.n_placed;
    int64_t last = n_placed == 0 ? 0 : verify->last_position;
    if (verify->head.position != last)
        tell_of_log(
            verify, "log_head.position is %" PRId64 " and should be %" PRId64,
            verify->head.position, last);
    else if (last > 0 && verify->head.recorded_at_us != verify->last_at_us)
        tell_of_log(verify, "log_head.recorded_at is not that of the last event");
    if (verify->shared_position < verify->common.last_shared_position)
        tell_of_log(
            verify, "log_head.shared_position is %" PRId64 ", before the last product's %" PRId64,
            verify->shared_position, verify->common.last_shared_position);
    int64_t n_by_stream = verify->common.result.n_events + verify->n_without_entry;
    if (n_by_stream != n_placed)
        tell_of_log(
            verify, "%" PRId64 " events are found by stream and %" PRId64 " by position",
            n_by_stream, n_placed);
}

static void places_answered(struct postgres_group *group)
{
    struct audit_verify *verify = BASE_CONTAINER(group, struct audit_verify, group);
    if (!goes_on(verify, group->outcome))
        return;
    const struct postgres_rows *rows = postgres_group_rows(group, 0);
    size_t n_rows = postgres_rows_count(rows);
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_place place;
        eventstore_receive_place(rows, row, &place);
        check_place(verify, &place);
    }
    if (n_rows == PLACES_PAGE) {
        ask_places(verify);
        return;
    }
    check_head(verify);
    verify->state = VERIFY_STRAYS;
    ask_strays(verify);
}

/* ---- rows without a stream ------------------------------------------------------------------- */

static void ask_rest(struct audit_verify *verify);

static void ask_strays(struct audit_verify *verify)
{
    strays_ask(&verify->strays);
}

static void tell_stray(
    struct audit_verify *verify, const struct projections_table *table,
    const struct strays_row *stray)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer sentence = {0};
    base_buffer_printf(&sentence, "%s has rows of it, and it does not exist", table->name);
    if (stray->key != NULL) {
        base_buffer_append_text(&sentence, ": sku ");
        base_buffer_append_json_text(&sentence, stray->key);
    }
    common_tell(
        &verify->common, &(struct audit_finding){
                             .kind = table->name,
                             .stream_type = table->aggregate->stream_type,
                             .stream_id = stray->stream_id,
                             .sentence = base_buffer_text(&sentence),
                         });
}

static void strays_answered(struct strays *strays, enum postgres_outcome outcome)
{
    struct audit_verify *verify = BASE_CONTAINER(strays, struct audit_verify, strays);
    if (!goes_on(verify, outcome))
        return;
    for (size_t i = 0; i < strays->n_rows; i++)
        tell_stray(verify, strays->table, &strays->rows[i]);
    if (strays->table != NULL) {
        ask_strays(verify);
        return;
    }
    verify->state = VERIFY_REST;
    ask_rest(verify);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* A row a checkpoint of a projection that can't be where it is: beyond the log, or beyond itself.
 */
static const struct postgres_statement FALSE_CHECKPOINTS = {
    .name = "read_false_checkpoints",
    .sql = "SELECT c.name, c.position\n"
           "FROM projection_checkpoints c\n"
           "CROSS JOIN log_head h\n"
           "WHERE (c.position BETWEEN 0 AND h.position\n"
           "    AND coalesce(c.recorded_at <= h.recorded_at, true)\n"
           "    AND coalesce(c.rebuilt_position BETWEEN 0 AND c.position, true)\n"
           "    AND coalesce(c.paused_position BETWEEN 1 AND h.position, true)) IS NOT TRUE\n"
           "ORDER BY c.name",
};

static void rest_answered(struct postgres_group *group);

static void ask_rest(struct audit_verify *verify)
{
    begin_group(verify, rest_answered);
    eventstore_ask_stray_snapshots(&verify->group, REST_LIMIT);
    eventstore_ask_false_keys(&verify->group, REST_LIMIT);
    (void)postgres_group_add(&verify->group, &FALSE_CHECKPOINTS); /* no parameters */
    postgres_send(verify->common.connection, &verify->group);
}

static void tell_stray_snapshot(
    struct audit_verify *verify, const struct eventstore_snapshot *snapshot)
{
    common_tell(
        &verify->common, &(struct audit_finding){
                             .kind = "snapshots",
                             .stream_type = "stream",
                             .stream_id = snapshot->stream_id,
                             .version = snapshot->version,
                             .sentence = "has a snapshot, and it does not exist",
                         });
}

static void tell_false_key(struct audit_verify *verify, const struct eventstore_key *key)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer sentence = {0};
    base_buffer_append_text(&sentence, "the answer that is kept for the key ");
    base_buffer_append_json_text(&sentence, key->key);
    base_buffer_printf(
        &sentence, " can't be: status %d, version %d of a stream that has not reached it",
        (int)key->status, (int)key->version);
    common_tell(
        &verify->common, &(struct audit_finding){
                             .kind = "idempotency_keys",
                             .stream_type = "stream",
                             .stream_id = key->stream_id,
                             .version = key->version,
                             .sentence = base_buffer_text(&sentence),
                         });
}

static void tell_false_checkpoint(struct audit_verify *verify, const char *name, int64_t position)
{
    char sentence[128];
    (void)snprintf(/* long names may be cut */
                   sentence, sizeof sentence,
                   "the checkpoint of \"%.40s\" can't be: position %" PRId64, name, position);
    common_tell(
        &verify->common,
        &(struct audit_finding){.kind = "projection_checkpoints", .sentence = sentence});
}

static void end_answered(struct postgres_group *group);

static void rest_answered(struct postgres_group *group)
{
    struct audit_verify *verify = BASE_CONTAINER(group, struct audit_verify, group);
    if (!goes_on(verify, group->outcome))
        return;
    const struct postgres_rows *snapshots = postgres_group_rows(group, 0);
    for (size_t row = 0; row < postgres_rows_count(snapshots); row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(snapshots, row, &snapshot);
        tell_stray_snapshot(verify, &snapshot);
    }
    const struct postgres_rows *keys = postgres_group_rows(group, 1);
    for (size_t row = 0; row < postgres_rows_count(keys); row++) {
        struct eventstore_key key;
        eventstore_receive_key(keys, row, &key);
        tell_false_key(verify, &key);
    }
    const struct postgres_rows *checkpoints = postgres_group_rows(group, 2);
    for (size_t row = 0; row < postgres_rows_count(checkpoints); row++)
        tell_false_checkpoint(
            verify, postgres_get_text(checkpoints, row, 0), postgres_get_int8(checkpoints, row, 1));
    verify->state = VERIFY_ENDING;
    begin_group(verify, end_answered);
    (void)postgres_group_add(&verify->group, &common_commit); /* no parameters */
    postgres_send(verify->common.connection, &verify->group);
}

static void end_answered(struct postgres_group *group)
{
    struct audit_verify *verify = BASE_CONTAINER(group, struct audit_verify, group);
    if (goes_on(verify, group->outcome))
        end(verify, AUDIT_DONE, NULL);
}

/* ---- verify as a whole ----------------------------------------------------------------------- */

struct audit_verify *audit_verify_create(const struct audit_options *options, char **problem)
{
    struct audit_verify *verify = base_alloc(sizeof *verify);
    common_init(&verify->common, options);
    common_add_statements(&verify->common, eventstore_log_statements);
    common_add_statement(&verify->common, &FALSE_CHECKPOINTS);
    for (size_t i = 0; i < LANES; i++) {
        verify->lanes[i].verify = verify;
        chunk_init(&verify->lanes[i].chunk, &verify->common, SLICE_EVENTS);
        verify->lanes[i].chunk.checks_shapes = true;
        verify->lanes[i].chunk.tells_differences = true;
    }
    walk_init(&verify->walk, &verify->common);
    verify->walk.answered = page_answered;
    strays_init(&verify->strays, &verify->common);
    verify->strays.answered = strays_answered;
    verify->last_position = INT64_MIN;
    verify->patience.fired = lost_patience;
    const struct common_wanted wanted = {
        .role = "verify",
        .answer_ms = ANSWER_MS,
        .changed = connection_changed,
        .context = verify,
    };
    if (!common_connect(&verify->common, &wanted, problem)) {
        audit_verify_destroy(verify);
        return NULL;
    }
    loop_start_timer(options->loop, &verify->patience, options->wait_ms * 1000);
    return verify;
}

void audit_verify_destroy(struct audit_verify *verify)
{
    if (verify == NULL)
        return;
    if (verify->common.result.end == AUDIT_GOES_ON)
        verify->common.result.end = AUDIT_INTERRUPTED; /* what is answered now changes nothing */
    loop_stop_timer(verify->common.options.loop, &verify->patience);
    common_finish(&verify->common);
    for (size_t i = 0; i < LANES; i++)
        chunk_finish(&verify->lanes[i].chunk);
    walk_finish(&verify->walk);
    strays_finish(&verify->strays);
    postgres_group_finish(&verify->group);
    free(verify);
}

void audit_verify_stop(struct audit_verify *verify)
{
    verify->is_stopping = true;
    if (verify->state == VERIFY_CONNECTING)
        end(verify, AUDIT_INTERRUPTED, NULL);
}

const struct audit_result *audit_verify_result(const struct audit_verify *verify)
{
    return &verify->common.result;
}
