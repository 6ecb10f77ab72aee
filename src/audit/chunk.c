#include "internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void receive_range(
    void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end);

void chunk_init(struct chunk *chunk, struct common *common, int32_t slice_events)
{
    *chunk = (struct chunk){.common = common};
    chunk->ranges = (struct replay_ranges){
        .slice_events = slice_events, .received = receive_range, .context = chunk};
    chunk->states = base_alloc(CHUNK_STREAMS_MAX * aggregate_state_room());
}

void chunk_finish(struct chunk *chunk)
{
    postgres_group_finish(&chunk->group);
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

/* ---- telling --------------------------------------------------------------------------------- */

static void tell(
    struct chunk *chunk, struct chunk_stream *stream, const char *kind, int32_t version,
    const char *format, ...) BASE_PRINTF(5, 6);

static void tell(
    struct chunk *chunk, struct chunk_stream *stream, const char *kind, int32_t version,
    const char *format, ...)
{
    char sentence[512];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(sentence, sizeof sentence, format, values); /* long texts may be cut */
    va_end(values);
    stream->n_told++;
    common_tell(
        chunk->common, &(struct audit_finding){
                           .kind = kind,
                           .stream_type = stream->aggregate->stream_type,
                           .stream_id = stream->id,
                           .version = version,
                           .sentence = sentence,
                       });
}

/* ---- loading: ask, answer, fold -------------------------------------------------------------- */

static void load_answered(struct postgres_group *group);

static void ask_slice(struct chunk *chunk)
{
    struct base_uuid ids[CHUNK_STREAMS_MAX];
    for (size_t i = 0; i < chunk->ranges.n; i++)
        ids[i] = chunk->ranges.list[i].id;
    postgres_group_begin(&chunk->group);
    chunk->group.answered = load_answered;
    /* Snapshots first: whatever they are of is then among the events. */
    if (!chunk->has_snapshots)
        eventstore_ask_snapshots(&chunk->group, ids, chunk->ranges.n);
    replay_ranges_ask(&chunk->ranges, &chunk->group);
    postgres_send(chunk->common->connection, &chunk->group);
}

void chunk_load(struct chunk *chunk)
{
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

static struct base_arena *texts(struct chunk *chunk)
{
    return &chunk->texts[chunk->texts_in_use];
}

/* Rows of snapshots may be removed at any time, so who removes them need not tell. */
static void tell_snapshot(
    struct chunk *chunk, struct chunk_stream *stream, int32_t version, const char *sentence)
{
    stream->has_bad_snapshot = true;
    if (chunk->tells_differences)
        tell(chunk, stream, "snapshots", version, "%s", sentence);
}

static void receive_snapshots(struct chunk *chunk)
{
    const struct postgres_rows *rows = postgres_group_rows(&chunk->group, 0);
    size_t at = 0;
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct eventstore_snapshot snapshot;
        eventstore_receive_snapshot(rows, row, &snapshot);
        while (base_uuid_compare(&chunk->ranges.list[at].id, &snapshot.stream_id) != 0)
            at++;
        struct chunk_stream *stream = chunk->ranges.list[at].owner;
        if (stream->aggregate->snapshot_shape == 0) {
            tell_snapshot(chunk, stream, snapshot.version, "has a snapshot, as only carts may");
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
        tell_snapshot(
            chunk, stream, stream->version, "its snapshot is not what its events up to there say");
    stream->snapshot = NULL;
}

/* What an event should be, whatever it means. */
static void check_event(
    struct chunk *chunk, struct chunk_stream *stream, const struct eventstore_event *event)
{
    int32_t expected = stream->version + 1;
    if (event->version != expected) {
        tell(
            chunk, stream, "events", expected, "is missing: the next event is of version %d",
            (int)event->version);
        stream->is_broken = true;
    }
    stream->version = event->version;
    if (strcmp(event->stream_type, stream->aggregate->stream_type) != 0) {
        tell(
            chunk, stream, "events", event->version, "is of a stream of another type, \"%s\"",
            event->stream_type);
        stream->is_broken = true;
    }
}

static void fold(
    struct chunk *chunk, struct chunk_stream *stream, const struct eventstore_event *event)
{
    const char *reason = "can't be read";
    check_event(chunk, stream, event);
    const struct aggregate *aggregate = stream->aggregate;
    bool is_sound = !chunk->checks_shapes || aggregate->round_trips == NULL ||
                    aggregate->round_trips(event, &reason);
    if (!stream->is_broken) {
        bool is_read =
            replay_fold(stream->aggregate, stream->state, event, texts(chunk)) == REPLAY_DONE;
        stream->is_broken = !is_read;
        is_sound = is_sound && is_read;
    }
    if (!is_sound)
        tell(
            chunk, stream, "events", event->version, "%s in schema version %d %s", event->type,
            (int)event->schema_version, reason);
    if (stream->snapshot != NULL && stream->snapshot_version == stream->version &&
        !stream->is_broken)
        check_snapshot(chunk, stream);
    if (stream->aggregate->is_shared && event->position > chunk->common->last_shared_position)
        chunk->common->last_shared_position = event->position;
    chunk->common->result.n_events++;
}

static const char *move_text(struct base_arena *to, const char *text)
{
    return text == NULL ? NULL : base_arena_copy_text(to, text);
}

/* Keeps of the texts only those that are still used, so that a long stream needs no more memory
 * than a short one. */
static void move_texts(struct chunk *chunk)
{
    size_t other = 1 - chunk->texts_in_use;
    struct base_arena *to = &chunk->texts[other];
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        stream->snapshot = move_text(to, stream->snapshot);
        replay_move_texts(stream->aggregate, stream->state, to);
    }
    base_arena_reset(texts(chunk));
    chunk->texts_in_use = other;
}

static void receive_range(
    void *context, void *owner, const struct postgres_rows *rows, size_t from, size_t end)
{
    for (size_t row = from; row < end; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        fold(context, owner, &event);
    }
}

static void load_answered(struct postgres_group *group)
{
    struct chunk *chunk = BASE_CONTAINER(group, struct chunk, group);
    if (group->outcome != POSTGRES_DONE) {
        chunk->answered(chunk, group->outcome);
        return;
    }
    if (!chunk->has_snapshots)
        receive_snapshots(chunk);
    if (replay_ranges_receive(
            &chunk->ranges, postgres_group_rows(group, group->n_statements - 1))) {
        move_texts(chunk);
        ask_slice(chunk);
    } else {
        chunk->answered(chunk, POSTGRES_DONE);
    }
}

static void break_stream(
    struct chunk *chunk, struct chunk_stream *stream, const char *kind, const char *sentence)
{
    tell(chunk, stream, kind, 0, "%s", sentence);
    stream->is_broken = true;
}

static void check_end(struct chunk *chunk, struct chunk_stream *stream)
{
    if (stream->snapshot != NULL && stream->snapshot_version > stream->version)
        tell_snapshot(
            chunk, stream, stream->snapshot_version,
            "its snapshot is of a version that it has not reached");
    stream->snapshot = NULL;
    if (stream->is_broken)
        return;
    const char *fault = stream->aggregate->fault(stream->state, &stream->id);
    if (stream->version == 0)
        break_stream(chunk, stream, "streams", "has a row in streams and no events");
    else if (fault != NULL)
        break_stream(chunk, stream, "events", fault);
}

void chunk_check_ends(struct chunk *chunk)
{
    for (size_t i = 0; i < chunk->n_streams; i++)
        if (!chunk->streams[i].is_left_out)
            check_end(chunk, &chunk->streams[i]);
}

/* ---- what should be there -------------------------------------------------------------------- */

static const char *key_of(const struct chunk_stream *stream)
{
    return stream->aggregate->key == NULL ? NULL : stream->aggregate->key(stream->state);
}

/* As if none of its rows were there, so that all are put. */
static struct projections_change make_change(const struct chunk_stream *stream)
{
    return (struct projections_change){
        .aggregate = stream->aggregate,
        .stream_id = stream->id,
        .key = key_of(stream),
        .after = stream->state,
    };
}

/* ---- comparing: ask, answer ------------------------------------------------------------------ */

static int compare_keys(const void *left, const void *right)
{
    const struct chunk_stream *a = *(const struct chunk_stream *const *)left;
    const struct chunk_stream *b = *(const struct chunk_stream *const *)right;
    if (a->aggregate != b->aggregate)
        return strcmp(a->aggregate->stream_type, b->aggregate->stream_type);
    return a->aggregate->key == NULL ? base_uuid_compare(&a->id, &b->id)
                                     : strcmp(key_of(a), key_of(b));
}

/* The streams that can be compared, in the order of their keys. */
static void list_by_key(struct chunk *chunk)
{
    chunk->n_by_key = 0;
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        stream->differs = false;
        if (!stream->is_broken && !stream->is_left_out)
            chunk->by_key[chunk->n_by_key++] = stream;
    }
    qsort(chunk->by_key, chunk->n_by_key, sizeof(chunk->by_key[0]), compare_keys);
}

static void compare_answered(struct postgres_group *group);

static void put_key(struct postgres_parameters *to, const struct chunk_stream *stream)
{
    if (stream->aggregate->key == NULL)
        postgres_put_uuid(to, &stream->id);
    else
        postgres_put_text(to, key_of(stream));
}

void chunk_compare(struct chunk *chunk)
{
    const struct audit_options *options = &chunk->common->options;
    list_by_key(chunk);
    postgres_group_begin(&chunk->group);
    chunk->group.answered = compare_answered;
    for (size_t i = 0; i < options->n_tables; i++) {
        const struct aggregate *aggregate = options->tables[i]->aggregate;
        struct postgres_parameters *to =
            postgres_group_add(&chunk->group, options->tables[i]->rows);
        postgres_begin_array(to);
        for (size_t j = 0; j < chunk->n_by_key; j++)
            if (chunk->by_key[j]->aggregate == aggregate)
                put_key(to, chunk->by_key[j]);
    }
    postgres_send(chunk->common->connection, &chunk->group);
}

static bool is_row_of(
    const struct chunk_stream *stream, const struct postgres_rows *rows, size_t row)
{
    if (stream->aggregate->key != NULL)
        return strcmp(postgres_get_text(rows, row, 0), key_of(stream)) == 0;
    struct base_uuid id = postgres_get_uuid(rows, row, 0);
    return base_uuid_compare(&id, &stream->id) == 0;
}

static void tell_differences(
    struct chunk *chunk, struct chunk_stream *stream, const char *table, char *differences)
{
    char *rest = NULL;
    for (char *line = strtok_r(differences, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        tell(chunk, stream, table, stream->version, "%s", line);
}

static void compare_stream(
    struct chunk *chunk, struct chunk_stream *stream, struct base_buffer *differences)
{
    const struct audit_options *options = &chunk->common->options;
    const struct projections_change change = make_change(stream);
    for (size_t i = 0; i < options->n_tables; i++) {
        const struct projections_table *table = options->tables[i];
        if (table->aggregate != stream->aggregate)
            continue;
        const struct postgres_rows *rows = postgres_group_rows(&chunk->group, i);
        size_t n_rows = postgres_rows_count(rows);
        size_t *first = &chunk->at_row[i];
        size_t n = 0;
        while (*first + n < n_rows && is_row_of(stream, rows, *first + n))
            n++;
        differences->length = 0;
        table->compare(&change, rows, *first, n, differences);
        *first += n;
        if (differences->length == 0)
            continue;
        stream->differs = true;
        if (chunk->tells_differences) {
            (void)base_buffer_text(differences); /* for its NUL */
            tell_differences(chunk, stream, table->name, differences->bytes);
        }
    }
}

static void compare_answered(struct postgres_group *group)
{
    struct chunk *chunk = BASE_CONTAINER(group, struct chunk, group);
    if (group->outcome != POSTGRES_DONE) {
        chunk->answered(chunk, group->outcome);
        return;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer differences = {0};
    memset(chunk->at_row, 0, sizeof chunk->at_row);
    for (size_t i = 0; i < chunk->n_by_key; i++)
        compare_stream(chunk, chunk->by_key[i], &differences);
    chunk->answered(chunk, POSTGRES_DONE);
}

/* ---- what is to be changed ------------------------------------------------------------------- */

void chunk_list_changes(struct chunk *chunk, struct chunk_changes *changes)
{
    changes->n_streams = 0;
    changes->has_shared = false;
    for (size_t i = 0; i < chunk->n_streams; i++) {
        struct chunk_stream *stream = &chunk->streams[i];
        if (!stream->differs)
            continue;
        size_t n = changes->n_streams++;
        changes->owners[n] = stream;
        changes->streams[n] = (struct eventstore_stream){
            .stream_id = stream->id, .expected_version = stream->version};
        changes->list[n] = make_change(stream);
        changes->list[n].ordinal = (int32_t)n + 1;
        changes->has_shared |= stream->aggregate->is_shared;
    }
    changes->changes = (struct projections_changes){.list = changes->list, .n = changes->n_streams};
}
