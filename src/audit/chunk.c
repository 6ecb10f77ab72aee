#include "internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reporting ------------------------------------------------------------------------------- */

/* What a finding about the stream begins with; it is counted. */
static struct audit_finding about(struct chunk_stream *stream, const char *kind, int32_t version)
{
    stream->n_findings++;
    return audit_about(kind, stream->aggregate->stream_type, &stream->id, version);
}

/* ---- a stream: its events and its snapshot --------------------------------------------------- */

static struct base_arena *texts(struct chunk *chunk)
{
    return &chunk->texts[chunk->texts_in_use];
}

/* Rows of snapshots may be removed at any time, so who removes them need not report it. */
static void report_snapshot(
    struct chunk *chunk, struct chunk_stream *stream, int32_t version, const char *sentence)
{
    stream->has_bad_snapshot = true;
    if (!chunk->audit->job->writes)
        audit_report(chunk->audit, about(stream, "snapshots", version), "%s", sentence);
}

static void receive_snapshots(struct chunk *chunk)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(&chunk->pipeline, 0);
    size_t at = 0;
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(rows, row, &snapshot);
        while (base_uuid_compare(&chunk->ranges.list[at].id, &snapshot.stream_id) != 0)
            at++;
        struct chunk_stream *stream = chunk->ranges.list[at].owner;
        if (stream->aggregate->snapshot_shape == 0) {
            report_snapshot(
                chunk, stream, snapshot.version, "has a snapshot, which only carts may have");
        } else if (snapshot.shape == stream->aggregate->snapshot_shape) { /* others are not read */
            stream->snapshot = base_arena_copy_text(texts(chunk), snapshot.state);
            stream->snapshot_version = snapshot.version;
        }
    }
    chunk->has_snapshots = true;
}

static void check_snapshot(struct chunk *chunk, struct chunk_stream *stream)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer state = {0};
    stream->aggregate->write_snapshot(&state, stream->state);
    if (!codec_is_same_json(base_buffer_text(&state), stream->snapshot))
        report_snapshot(
            chunk, stream, stream->version,
            "its snapshot differs from its events up to that version");
    stream->snapshot = NULL;
}

/* What an event should be, whatever it means. */
static void check_event(
    struct chunk *chunk, struct chunk_stream *stream, const struct eventstore_event *event)
{
    int32_t expected = stream->version + 1;
    if (event->version != expected) {
        audit_report(
            chunk->audit, about(stream, "events", expected),
            "is missing: the next event is of version %d", (int)event->version);
        stream->is_broken = true;
    }
    stream->version = event->version;
    if (strcmp(event->stream_type, stream->aggregate->stream_type) != 0) {
        audit_report(
            chunk->audit, about(stream, "events", event->version),
            "is of a stream of another type, \"%s\"", event->stream_type);
        stream->is_broken = true;
    }
}

static void fold(
    struct chunk *chunk, struct chunk_stream *stream, const struct eventstore_event *event)
{
    const char *reason = "can't be read";
    check_event(chunk, stream, event);
    const struct aggregate *aggregate = stream->aggregate;
    bool is_sound = chunk->audit->job->writes || aggregate->round_trips == NULL ||
                    aggregate->round_trips(event, &reason);
    if (!stream->is_broken) {
        bool is_read =
            replay_fold(stream->aggregate, stream->state, event, texts(chunk)) == REPLAY_DONE;
        stream->is_broken = !is_read;
        is_sound = is_sound && is_read;
    }
    if (!is_sound)
        audit_report(
            chunk->audit, about(stream, "events", event->version), "%s in schema version %d %s",
            event->type, (int)event->schema_version, reason);
    if (stream->snapshot != NULL && stream->snapshot_version == stream->version &&
        !stream->is_broken)
        check_snapshot(chunk, stream);
    struct audit *audit = chunk->audit;
    if (stream->aggregate->is_shared && event->position > audit->last_shared_position)
        audit->last_shared_position = event->position;
    audit->result.n_events++;
}

/* Keeps of the texts only those that are still used, so that a long stream needs no more memory
 * than a short one. */
static void move_texts(struct chunk *chunk)
{
    size_t other = 1 - chunk->texts_in_use;
    struct base_arena *to = &chunk->texts[other];
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        if (stream->snapshot != NULL)
            stream->snapshot = base_arena_copy_text(to, stream->snapshot);
        replay_move_texts(stream->aggregate, stream->state, to);
    }
    base_arena_reset(texts(chunk));
    chunk->texts_in_use = other;
}

static void check_end(struct chunk *chunk, struct chunk_stream *stream)
{
    if (stream->snapshot != NULL && stream->snapshot_version > stream->version)
        report_snapshot(
            chunk, stream, stream->snapshot_version,
            "its snapshot is of a version that it has not reached");
    stream->snapshot = NULL;
    if (stream->is_broken)
        return;
    bool is_empty = stream->version == 0;
    const char *fault = is_empty ? "has a row in streams but no events"
                                 : stream->aggregate->fault(stream->state, &stream->id);
    stream->is_broken = fault != NULL;
    if (stream->is_broken)
        audit_report(chunk->audit, about(stream, is_empty ? "streams" : "events", 0), "%s", fault);
}

/* ---- comparing: ask, answer ------------------------------------------------------------------ */

static const char *key_of(const struct chunk_stream *stream)
{
    return stream->aggregate->key == NULL ? NULL : stream->aggregate->key(stream->state);
}

struct projections_change chunk_make_change(const struct chunk_stream *stream)
{
    return (struct projections_change){
        .aggregate = stream->aggregate,
        .stream_id = stream->id,
        .key = key_of(stream),
        .after = stream->state,
    };
}

static bool is_compared(const struct chunk_stream *stream, const struct projections_table *table)
{
    return !stream->is_broken && !stream->is_left_out && stream->aggregate == table->aggregate;
}

static bool is_row_of(
    const struct chunk_stream *stream, const struct postgres_rows *rows, size_t row)
{
    if (stream->aggregate->key != NULL)
        return strcmp(postgres_get_text(rows, row, 0), key_of(stream)) == 0;
    struct base_uuid id = postgres_get_uuid(rows, row, 0);
    return base_uuid_compare(&id, &stream->id) == 0;
}

/* The rows of a stream are next to each other, mostly behind those of the stream before: they are
 * looked for from *first on, and round. Returns how many there are, the first at *first. */
static size_t find_rows(
    const struct chunk_stream *stream, const struct postgres_rows *rows, size_t *first)
{
    size_t n_rows = postgres_rows_count(rows);
    for (size_t n_passed = 0; n_passed < n_rows; n_passed++) {
        size_t row = (*first + n_passed) % n_rows;
        if (!is_row_of(stream, rows, row))
            continue;
        *first = row;
        while (row < n_rows && is_row_of(stream, rows, row))
            row++;
        return row - *first;
    }
    return 0;
}

static void report_differences(
    struct chunk *chunk, struct chunk_stream *stream, const char *table, char *differences)
{
    char *rest = NULL;
    for (char *line = strtok_r(differences, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        audit_report(chunk->audit, about(stream, table, stream->version), "%s", line);
}

/* next_rows[i]: where in the rows of table i to look first. */
static void compare_stream(struct chunk *chunk, struct chunk_stream *stream, size_t *next_rows)
{
    const struct audit_options *options = &chunk->audit->options;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer differences = {0};
    stream->differs = false;
    for (size_t i = 0; i < options->n_tables; i++) {
        const struct projections_table *table = options->tables[i];
        if (!is_compared(stream, table))
            continue;
        const struct projections_change change = chunk_make_change(stream);
        const struct postgres_rows *rows = postgres_pipeline_rows(&chunk->pipeline, i);
        size_t n = find_rows(stream, rows, &next_rows[i]);
        differences.length = 0;
        table->compare(&change, rows, next_rows[i], n, &differences);
        next_rows[i] += n;
        stream->differs |= differences.length > 0;
        if (!chunk->audit->job->writes) {
            (void)base_buffer_text(&differences); /* for its NUL */
            report_differences(chunk, stream, table->name, differences.bytes);
        }
    }
}

static void rows_answered(struct postgres_pipeline *pipeline)
{
    struct chunk *chunk = BASE_CONTAINER(pipeline, struct chunk, pipeline);
    size_t next_rows[POSTGRES_PIPELINE_STATEMENTS_MAX] = {0};
    if (!audit_goes_on(chunk->audit, pipeline->outcome))
        return;
    for (size_t i = 0; i < chunk->n_streams; i++)
        compare_stream(chunk, &chunk->streams[i], next_rows);
    chunk->audit->job->receive(chunk->audit, chunk);
}

static void ask_rows(struct chunk *chunk)
{
    const struct audit_options *options = &chunk->audit->options;
    postgres_pipeline_begin(&chunk->pipeline);
    chunk->pipeline.answered = rows_answered;
    for (size_t i = 0; i < options->n_tables; i++) {
        const struct projections_table *table = options->tables[i];
        struct postgres_parameters *to = postgres_pipeline_add(&chunk->pipeline, table->rows);
        postgres_begin_array(to);
        for (size_t j = 0; j < chunk->n_streams; j++) {
            const struct chunk_stream *stream = &chunk->streams[j];
            if (is_compared(stream, table) && stream->aggregate->key == NULL)
                postgres_put_uuid(to, &stream->id);
            else if (is_compared(stream, table))
                postgres_put_text(to, key_of(stream));
        }
    }
    postgres_send(chunk->audit->connection, &chunk->pipeline);
}

/* ---- loading: ask, answer -------------------------------------------------------------------- */

static void receive_range(
    void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end)
{
    for (size_t row = from; row < end; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        fold(context, owner, &event);
    }
}

static void load_answered(struct postgres_pipeline *pipeline);

static void ask_slice(struct chunk *chunk)
{
    struct base_uuid ids[CHUNK_STREAMS_MAX];
    for (size_t i = 0; i < chunk->ranges.n; i++)
        ids[i] = chunk->ranges.list[i].id;
    postgres_pipeline_begin(&chunk->pipeline);
    chunk->pipeline.answered = load_answered;
    /* Snapshots first: whatever they are of is then among the events. */
    if (!chunk->has_snapshots)
        eventstore_ask_snapshots(&chunk->pipeline, ids, chunk->ranges.n);
    replay_ranges_ask(&chunk->ranges, &chunk->pipeline);
    postgres_send(chunk->audit->connection, &chunk->pipeline);
}

static void load_answered(struct postgres_pipeline *pipeline)
{
    struct chunk *chunk = BASE_CONTAINER(pipeline, struct chunk, pipeline);
    if (!audit_goes_on(chunk->audit, pipeline->outcome))
        return;
    if (!chunk->has_snapshots)
        receive_snapshots(chunk);
    if (replay_ranges_receive(
            &chunk->ranges, postgres_pipeline_rows(pipeline, pipeline->n_statements - 1))) {
        move_texts(chunk);
        ask_slice(chunk);
        return;
    }
    for (size_t i = 0; i < chunk->n_streams; i++)
        if (!chunk->streams[i].is_left_out)
            check_end(chunk, &chunk->streams[i]);
    ask_rows(chunk);
}

void chunk_load(struct chunk *chunk)
{
    chunk->is_busy = true;
    chunk->audit->step = chunk->audit->job->reload;
    replay_ranges_begin(&chunk->ranges);
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        if (stream->is_left_out)
            continue;
        bool has_room = replay_ranges_add(
            &chunk->ranges, &(struct replay_range){
                                .id = stream->id,
                                .after_version = stream->version,
                                .until_version = INT32_MAX,
                                .owner = stream,
                            });
        assert(has_room);
        (void)has_room; /* as many as there may be streams */
    }
    ask_slice(chunk);
}

/* ---- the chunk ------------------------------------------------------------------------------- */

void chunk_init(struct chunk *chunk, struct audit *audit)
{
    chunk->audit = audit;
    chunk->ranges = (struct replay_ranges){
        .slice_events = audit->job->slice_events, .received = receive_range, .context = chunk};
    chunk->states = base_alloc(CHUNK_STREAMS_MAX * aggregate_state_room());
}

void chunk_finish(struct chunk *chunk)
{
    postgres_pipeline_finish(&chunk->pipeline);
    base_arena_finish(&chunk->texts[0]);
    base_arena_finish(&chunk->texts[1]);
    free(chunk->states);
}

void chunk_begin(struct chunk *chunk)
{
    chunk->n_streams = 0;
    chunk->n_events = 0;
    chunk->has_snapshots = false;
    base_arena_reset(&chunk->texts[0]);
    base_arena_reset(&chunk->texts[1]);
}

bool chunk_add(
    struct chunk *chunk, const struct base_uuid *id, const struct aggregate *aggregate,
    int32_t last_version)
{
    size_t i = chunk->n_streams;
    bool is_too_much =
        i > 0 && chunk->n_events + (size_t)last_version >= (size_t)chunk->ranges.slice_events;
    if (i == CHUNK_STREAMS_MAX || is_too_much)
        return false;
    chunk->streams[i] = (struct chunk_stream){
        .id = *id,
        .aggregate = aggregate,
        .state = chunk->states + i * aggregate_state_room(),
    };
    aggregate->begin(chunk->streams[i].state);
    chunk->n_streams++;
    chunk->n_events += (size_t)last_version;
    return true;
}
