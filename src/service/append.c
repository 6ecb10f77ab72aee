#include "internal.h"

/*
 * What a batch decided is sent to be recorded, and each stream gets its verdict.
 */

/* ---- appending ------------------------------------------------------------------------------- */

/* Gives the stream its ordinal. */
static void number_stream(
    struct batch_stream *stream, struct eventstore_stream *list, size_t *n_streams)
{
    if (!batch_is_recorded(stream))
        return;
    list[(*n_streams)++] = (struct eventstore_stream){
        .stream_id = stream->load.id,
        .stream_type = stream->load.aggregate->stream_type,
        .expected_version = stream->loaded_version,
        .n_events = (int32_t)stream->n_events,
        .is_shared = stream->load.aggregate->is_shared,
    };
    stream->ordinal = (int32_t)*n_streams;
}

/* What refers to a stream got its slot when it was decided, and gets its ordinal. */
static void number_records(struct batch *batch, struct eventstore_stream *list)
{
    struct eventstore_new_event *events = (void *)batch->events.bytes;
    for (size_t i = 0; i < batch->events.length / sizeof *events; i++)
        events[i].ordinal = batch->streams[events[i].ordinal].ordinal;
    struct eventstore_new_key *keys = (void *)batch->keys.bytes;
    for (size_t i = 0; i < batch->keys.length / sizeof *keys; i++)
        keys[i].ordinal = batch->streams[keys[i].ordinal].ordinal;
    for (size_t i = 0; batch->has_ties && i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        if (stream->ordinal > 0)
            list[stream->ordinal - 1].tie = batch_find_tie(stream)->ordinal;
    }
}

/* Its document is the one in the last answer, if that is of the stream as it is now. */
static void add_change(const struct batch_stream *stream, struct projections_change *change)
{
    const struct replay_wanted *load = &stream->load;
    const struct aggregate *aggregate = load->aggregate;
    *change = (struct projections_change){
        .ordinal = stream->ordinal,
        .aggregate = aggregate,
        .stream_id = load->id,
        .key = aggregate->key == NULL ? NULL : aggregate->key(load->state),
        .before = stream->before,
        .after = load->state,
    };
    if (stream->document == NULL || stream->document_version != aggregate->version(load->state))
        return;
    change->document = stream->document->bytes;
    change->document_length = stream->document->length;
}

/* Reads of these carts are not answered from memory from before the append is sent until it is
 * known what became of it. */
static void notify_projections(
    struct batch *batch,
    void (*notify)(struct projections *projections, const struct base_uuid *cart_id))
{
    struct projections *projections = batch->service->options.projections;
    if (projections == NULL)
        return;
    for (size_t i = 0; i < batch->n_streams; i++) {
        const struct batch_stream *stream = &batch->streams[i];
        if (stream->n_events > 0)
            notify(projections, &stream->load.id);
    }
}

static void append_answered(struct postgres_pipeline *pipeline);

static void begin_append(struct batch *batch)
{
    batch_move(batch, BATCH_APPENDING);
    postgres_pipeline_begin(&batch->pipeline);
    batch->pipeline.answered = append_answered;
}

void batch_confirm(struct batch *batch)
{
    begin_append(batch);
    batch->is_appending = false;
    eventstore_ask_confirm(&batch->pipeline);
    postgres_send(batch->service->writer, &batch->pipeline);
}

void batch_append(struct batch *batch, bool confirms_reads)
{
    struct service *service = batch->service;
    size_t n_streams = 0;
    struct eventstore_stream *list =
        base_arena_alloc(&batch->arena, batch->n_streams * sizeof *list);
    struct projections_change *changed =
        base_arena_alloc(&batch->arena, batch->n_streams * sizeof *changed);
    struct projections_changes changes = {.list = changed};
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        number_stream(stream, list, &n_streams);
        if (stream->n_events == 0)
            continue;
        add_change(stream, &changed[changes.n]);
        stream->change = &changed[changes.n++];
    }
    number_records(batch, list);
    struct eventstore_batch wanted = {
        .streams = list,
        .n_streams = n_streams,
        .events = (const void *)batch->events.bytes,
        .n_events = batch->events.length / sizeof(struct eventstore_new_event),
        .keys = (const void *)batch->keys.bytes,
        .n_keys = batch->keys.length / sizeof(struct eventstore_new_key),
        .changes = &changes,
        .has_ties = batch->has_ties,
        .shared_position = offers_position(batch),
        .log = service->log,
        .confirms_reads = confirms_reads,
    };
    begin_append(batch);
    batch->is_appending = true;
    eventstore_ask_append(service->store, &batch->pipeline, &wanted);
    batch->sent_at_us = base_clock_monotonic_us();
    notify_projections(batch, projections_begin_change);
    postgres_send(service->writer, &batch->pipeline);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

static void accept_stream(struct batch *batch, struct batch_stream *stream, int64_t recorded_at_us)
{
    struct service *service = batch->service;
    stream->load.aggregate->stamp(stream->load.state, recorded_at_us);
    if (service->options.projections != NULL && stream->n_events > 0)
        projections_cache_change(service->options.projections, stream->change);
    snapshot_state(
        service, &stream->load.id, stream->load.aggregate, stream->load.state,
        stream->load.began_at);
    batch_cache_state(batch, stream);
    for (size_t i = 0; i < stream->n_commands; i++)
        if (stream->commands[i].resolution == BATCH_ANSWER)
            stream->commands[i].command->recorded_at_us = recorded_at_us;
    metrics_add(service->options.metrics, METRICS_EVENTS_APPENDED, (int64_t)stream->n_events);
}

static void rest(struct service *service, struct service_stream *stream)
{
    uint16_t number = 0;
    base_random_take(&service->random, &number, sizeof number);
    stream->rests_until_us = base_clock_monotonic_us() + number % REST_MOST_US;
}

/* Somebody else appended to the stream since it was loaded. */
static void reject_stream(struct batch *batch, struct batch_stream *stream)
{
    batch_resolve(stream, BATCH_RETRY);
    if (stream->cached != NULL)
        stream->cached->is_stale = true;
    /* Nothing came after what is cached, and still the stream is not there: perhaps it is shorter.
     */
    if (!stream->is_guess && stream->load.n_read == 0)
        batch_forget_cached(stream);
    if (stream->n_commands > 0 && stream->commands[0].command->n_attempts >= REST_AFTER_ATTEMPTS)
        rest(batch->service, stream->stream);
    metrics_add(batch->service->options.metrics, METRICS_VERSION_CONFLICTS, 1);
    if (batch_is_tied(stream))
        metrics_add(
            batch->service->options.metrics, METRICS_SHARED_LOST, (int64_t)stream->n_commands);
}

/* What read tables refused, summed up for each tie. */
static void receive_refusals(struct batch *batch)
{
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        struct batch_stream *tie = batch_find_tie(stream);
        if (stream->ordinal == 0)
            continue;
        int32_t refusal = eventstore_refusal(&batch->pipeline, stream->ordinal);
        if (refusal > tie->refusal)
            tie->refusal = refusal;
        for (size_t j = 0; j < stream->n_commands; j++)
            tie->n_answers += stream->commands[j].resolution == BATCH_ANSWER;
    }
}

/* The one command that waits for the append is what the table refuses. Of several nobody knows
 * which it is, and some were decided on what it would have made: each is tried alone. */
static void refuse_stream(struct batch_stream *stream)
{
    const struct batch_stream *tie = batch_find_tie(stream);
    for (size_t i = 0; i < stream->n_commands; i++) {
        struct batch_command *entry = &stream->commands[i];
        struct service_command *command = entry->command;
        if (entry->resolution != BATCH_ANSWER)
            continue;
        if (tie->n_answers > 1) {
            command->batch_limit = 1;
            entry->resolution = BATCH_RETRY;
            continue;
        }
        command->outcome = SERVICE_REFUSED;
        command->refusal = tie->refusal;
        command->command_index = 0;
        command->body.length = 0;
    }
}

/* A log that took the place of the one before knows nothing of what is cached of that, nor do the
 * locks that this session holds: it begins anew. */
static void receive_log(struct service *service, const struct eventstore_appended *appended)
{
    if (appended->log_was_replaced) {
        base_log(service->options.log, BASE_LOG_LOG_REPLACED);
        postgres_connection_restart(
            service->writer, "the event log was replaced while the service was running");
    } else {
        service->log = appended->log;
    }
}

static void receive_verdicts(struct batch *batch)
{
    struct metrics *metrics = batch->service->options.metrics;
    struct eventstore_appended appended;
    eventstore_receive_append(&batch->pipeline, &appended);
    if (appended.has_refusals)
        receive_refusals(batch);
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        int32_t refusal = batch_find_tie(stream)->refusal;
        if (stream->ordinal == 0)
            continue;
        if (appended.shared_has_moved || appended.log_was_replaced)
            batch_resolve(stream, BATCH_RETRY);
        else if (eventstore_was_accepted(&batch->pipeline, stream->ordinal))
            accept_stream(batch, stream, appended.recorded_at_us);
        else if (refusal != 0 && refusal != EVENTSTORE_NOT_NOW)
            refuse_stream(stream);
        else
            reject_stream(batch, stream);
    }
    receive_log(batch->service, &appended);
    if (appended.shared_has_moved) {
        offers_moved(&batch->service->offers);
        metrics_add(metrics, METRICS_CATALOG_CONFLICTS, 1);
    }
    metrics_add(metrics, METRICS_BATCHES, 1);
    metrics_observe(metrics, METRICS_BATCH_COMMANDS, (int64_t)batch->n_commands);
    metrics_observe(metrics, METRICS_APPEND_SECONDS, base_clock_monotonic_us() - batch->sent_at_us);
    if (appended.position == 0)
        return;
    metrics_set(metrics, METRICS_LOG_POSITION, appended.position);
    if (batch->service->options.appended != NULL)
        batch->service->options.appended(
            batch->service->options.appended_context, appended.position);
}

/* The append was sent and nobody said what became of it. */
static void lose_stream(struct batch_stream *stream)
{
    batch_read_again(stream);
    if (stream->ordinal == 0)
        return;
    for (size_t i = 0; i < stream->n_commands; i++)
        if (stream->commands[i].resolution == BATCH_ANSWER)
            stream->commands[i].command->may_be_recorded = true;
    batch_resolve(stream, BATCH_RETRY);
    batch_forget_cached(stream);
}

/* The same of what was only read. */
static void doubt_reads(struct batch_stream *stream)
{
    for (size_t i = 0; i < stream->n_commands; i++) {
        struct batch_command *entry = &stream->commands[i];
        if (!entry->rests_on_read)
            continue;
        entry->command->outcome = SERVICE_UNKNOWN;
        entry->resolution = BATCH_ANSWER_ANYWAY;
    }
}

/* It is recorded here, but a failover may lose it: neither yes nor no is true. */
static void doubt_stream(struct batch_stream *stream)
{
    doubt_reads(stream);
    if (stream->ordinal == 0)
        return;
    for (size_t i = 0; i < stream->n_commands; i++)
        if (stream->commands[i].resolution == BATCH_ANSWER)
            stream->commands[i].command->outcome = SERVICE_UNKNOWN;
    batch_forget_cached(stream);
}

static void append_answered(struct postgres_pipeline *pipeline)
{
    struct batch *batch = BASE_CONTAINER(pipeline, struct batch, pipeline);
    if (pipeline->outcome == POSTGRES_UNKNOWN)
        lease_end(batch->service); /* it may yet be done */
    notify_projections(batch, projections_end_change);
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
        if (!batch->is_appending)
            break;
        outage_end(batch->service);
        receive_verdicts(batch);
        break;
    case POSTGRES_UNACKNOWLEDGED:
        for (size_t i = 0; i < batch->n_streams; i++)
            doubt_stream(&batch->streams[i]);
        break;
    case POSTGRES_AGAIN:
        service_end_stuck(batch->service);
        batch_try_again(batch);
        break;
    case POSTGRES_UNABLE:
        outage_note(batch);
        batch_try_again(batch);
        break;
    case POSTGRES_UNAVAILABLE:
        batch_try_again(batch);
        break;
    case POSTGRES_UNKNOWN:
        for (size_t i = 0; i < batch->n_streams; i++)
            lose_stream(&batch->streams[i]);
        service_unsettle(batch->service);
        break;
    case POSTGRES_VIOLATED:
        batch_split(batch, true);
        break;
    case POSTGRES_FAILED:
        batch_split(batch, false);
        break;
    }
    batch_move(batch, BATCH_ANSWERING);
    batch_end(batch);
}
