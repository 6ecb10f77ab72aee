#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define SWEEP_US 50000           /* how often waiting commands are looked at for their age */
#define RESTED_US 1000           /* how often when one of them rests */
#define HOUSE_US 60000000        /* how often old idempotency keys are forgotten */
#define FORGET_KEYS_AT_ONCE 1000 /* so that no statement takes long */
#define SETTLE_AGAIN_US 1000000

/* ---- ids ------------------------------------------------------------------------------------- */

/* Fixed for all time: they are in every log. */
static const struct base_uuid KEY_SPACE = {
    {0x2e, 0xf4, 0x71, 0xa9, 0x05, 0xbc, 0x4d, 0x6e, 0x8a, 0x13, 0xc6, 0x58, 0x7f, 0x21, 0x9d,
     0xb0}};

/* The caller's terminating NUL keeps ("a", "bc") and ("ab", "c") apart. */
struct base_uuid service_keyed_cart_id(const char *caller, const char *key)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer name = {0};
    base_buffer_append(&name, caller, strlen(caller) + 1);
    base_buffer_append_text(&name, key);
    return base_uuid_make_v5(&KEY_SPACE, name.bytes, name.length);
}

/* ---- submitting ------------------------------------------------------------------------------ */

static void reject(
    struct service *service, struct service_command *command, enum service_outcome why)
{
    command->outcome = why;
    command->next = service->rejected;
    service->rejected = command;
    service_poke(service);
}

void service_submit(struct service *service, struct service_command *command)
{
    command->submitted_at_us = base_clock_monotonic_us();
    command->may_be_recorded = command->has_own_id;
    if (!command->has_own_id)
        command->command_id = base_uuid_make_v7(&service->random, base_clock_now_us());
    command->batch_limit = SIZE_MAX;
    service->n_waiting++;
    if (service->is_draining) {
        reject(service, command, SERVICE_SHUTTING_DOWN);
    } else if (service->n_waiting > service->options.queue_commands) {
        reject(service, command, SERVICE_OVERLOADED);
    } else {
        streams_add(&service->streams, command);
        metrics_set(service->options.metrics, METRICS_COMMANDS_QUEUED, (int64_t)service->n_waiting);
        service_poke(service);
    }
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void answer_rejected(struct service *service)
{
    while (service->rejected != NULL) {
        struct service_command *command = service->rejected;
        service->rejected = command->next;
        service_answer(service, command);
    }
}

/* Answers every command that was submitted by then and still waits for its turn. */
static void answer_waiting(struct service *service, int64_t since_us, enum service_outcome outcome)
{
    struct service_stream *stream = TAILQ_FIRST(&service->streams.ready);
    while (stream != NULL) {
        struct service_stream *next = TAILQ_NEXT(stream, by_turn);
        while (stream->first != NULL && stream->first->submitted_at_us <= since_us) {
            struct service_command *command = streams_take(stream);
            service_give_up(service, command, outcome);
        }
        if (stream->first == NULL)
            streams_settle(&service->streams, stream);
        stream = next;
    }
}

static bool is_open(const struct service *service)
{
    return postgres_connection_is_ready(service->writer) && !service->must_settle;
}

static void answer_too_old(struct service *service)
{
    int64_t now_us = base_clock_monotonic_us();
    int64_t wait_us = service->options.wait_ms * 1000;
    int64_t tried_at_us = outage_answers_until(service, now_us);
    if (tried_at_us != 0)
        answer_waiting(service, tried_at_us, SERVICE_UNAVAILABLE);
    if (service->not_ready_since_us != 0 && now_us - service->not_ready_since_us > wait_us)
        answer_waiting(service, now_us, SERVICE_UNAVAILABLE);
    else
        answer_waiting(service, now_us - wait_us, SERVICE_UNAVAILABLE);
}

/* Begins the batches that are worth it; what is left waits for one of those under way to end. */
static void start_batches(struct service *service)
{
    struct batch *end = service->batches + BATCH_SLOTS;
    size_t n_under_way = 0;
    for (struct batch *batch = service->batches; batch < end; batch++)
        n_under_way += batch->state != BATCH_FREE;
    for (struct batch *batch = service->batches; batch < end && is_open(service); batch++) {
        if (batch->state != BATCH_FREE)
            continue;
        if (!outage_lets_begin(service, n_under_way))
            return;
        if (service->streams.n_ready < n_under_way * BATCH_WORTHWHILE || !batch_start(batch))
            return;
        n_under_way++;
    }
}

static void dispatch_commands(struct loop_deferred *deferred)
{
    struct service *service = BASE_CONTAINER(deferred, struct service, dispatch);
    answer_rejected(service);
    answer_too_old(service);
    if (service->must_settle)
        settle_ask(service);
    service->has_resting = false;
    start_batches(service);
    if (service->streams.n_ready > 0)
        loop_start_timer(
            service->options.loop, &service->sweep, service->has_resting ? RESTED_US : SWEEP_US);
}

static void sweep_commands(struct loop_timer *timer)
{
    struct service *service = BASE_CONTAINER(timer, struct service, sweep);
    dispatch_commands(&service->dispatch);
}

/* ---- the connection -------------------------------------------------------------------------- */

/* The next server that answers may be another one, or one that has lost its newest commits (which
 * a failover to an asynchronous standby does). Versions alone don't tell: it may have given the
 * same ones again. */
static void forget_cached(struct service *service)
{
    replay_cache_begin_epoch(&service->cache);
    offers_forget(&service->offers);
    service->log = 0;
    lease_end(service);
}

static void writer_changed(struct postgres_connection *connection, void *context)
{
    struct service *service = context;
    bool is_ready = postgres_connection_is_ready(connection);
    if (is_ready)
        lease_wait(service);
    else
        forget_cached(service);
    service->not_ready_since_us = is_ready ? 0 : base_clock_monotonic_us();
    metrics_set(
        service->options.metrics, METRICS_DATABASE_READY,
        is_ready && service->outage.since_us == 0);
    service_poke(service);
}

/* ---- housekeeping ---------------------------------------------------------------------------- */

static void forget_answered(struct postgres_pipeline *pipeline)
{
    struct service *service = BASE_CONTAINER(pipeline, struct service, forget);
    service->is_forgetting = false;
    if (pipeline->outcome == POSTGRES_DONE)
        base_log(service->options.log, BASE_LOG_CLEANED_UP);
}

static void do_housekeeping(struct loop_timer *timer)
{
    struct service *service = BASE_CONTAINER(timer, struct service, housekeeping);
    loop_start_timer(service->options.loop, &service->housekeeping, HOUSE_US);
    if (service->is_forgetting || !postgres_connection_is_ready(service->side))
        return;
    service->is_forgetting = true;
    postgres_pipeline_begin(&service->forget);
    service->forget.answered = forget_answered;
    eventstore_ask_forget_keys(
        &service->forget, service->options.keep_keys_hours, FORGET_KEYS_AT_ONCE);
    postgres_send(service->side, &service->forget);
}

/* ---- the room -------------------------------------------------------------------------------- */

/* Copies a list and returns the slot after it. */
static const struct postgres_statement **copy_statements(
    const struct postgres_statement **to, const struct postgres_statement *const *list)
{
    while (*list != NULL)
        *to++ = *list++;
    return to;
}

static bool connect(struct service *service, char **problem)
{
    const struct postgres_statement **more =
        copy_statements(service->batch_statements, eventstore_batch_statements(service->store));
    *more++ = projections_offers_statement();
    *more = &eventstore_lease_statement;
    *copy_statements(service->side_statements, eventstore_side_statements()) =
        &projections_owner_statement;
    BASE_CLEANUP(base_free_pointer)
    char *enter_sql = eventstore_make_enter_sql(&service->lease_holder);
    struct postgres_options connection = {
        .loop = service->options.loop,
        .log = service->options.log,
        .url = service->options.url,
        .history = service->options.history,
        .role = "write",
        .statements = service->batch_statements,
        .ready_sql = service->options.ready_sql,
        .not_ready_detail = service->options.not_ready_detail,
        .enter_sql = enter_sql,
        .answer_timeout_ms = service->options.wait_ms,
        .changed = writer_changed,
        .context = service,
    };
    service->writer = postgres_connection_create(&connection, problem);
    if (service->writer == NULL)
        return false;
    connection.role = "side"; /* it changes no carts */
    connection.enter_sql = NULL;
    connection.statements = service->side_statements;
    connection.changed = queue_connection_changed;
    connection.context = &service->histories;
    service->side = service->histories.connection =
        postgres_connection_create(&connection, problem);
    return service->side != NULL;
}

struct service *service_create(const struct service_options *options, char **problem)
{
    struct service *service = base_alloc(sizeof *service);
    service->options = *options;
    service->dispatch.called = dispatch_commands;
    service->sweep.fired = sweep_commands;
    service->housekeeping.fired = do_housekeeping;
    service->not_ready_since_us = base_clock_monotonic_us();
    outage_init(&service->outage);
    contention_init(&service->contention);
    streams_init(&service->streams);
    replay_cache_init(
        &service->cache, &(struct replay_cache_limits){
                             .states_max = options->cache_carts,
                             .bytes_max = options->cache_carts * CACHED_BYTES_EACH,
                         });
    for (size_t i = 0; i < BATCH_SLOTS; i++)
        batch_init(&service->batches[i], service);
    size_t n_clauses = options->n_clauses;
    const struct eventstore_clause *const *clauses = options->clauses;
    if (clauses == NULL)
        clauses = projections_clauses(&n_clauses);
    service->store = eventstore_create(clauses, n_clauses);
    lease_begin(service);
    history_init(service);
    if (!connect(service, problem)) {
        service_destroy(service);
        return NULL;
    }
    loop_start_timer(options->loop, &service->housekeeping, HOUSE_US);
    return service;
}

void service_destroy(struct service *service)
{
    if (service == NULL)
        return;
    service->is_ending = true;
    service->is_draining = true;
    postgres_connection_destroy(service->writer);
    postgres_connection_destroy(service->side);
    loop_stop_deferred(service->options.loop, &service->dispatch);
    loop_stop_timer(service->options.loop, &service->sweep);
    loop_stop_timer(service->options.loop, &service->housekeeping);
    outage_finish(service);
    contention_finish(service);
    queue_finish(&service->histories);
    answer_rejected(service);
    answer_waiting(service, INT64_MAX, SERVICE_SHUTTING_DOWN);
    for (size_t i = 0; i < BATCH_SLOTS; i++)
        batch_finish(&service->batches[i]);
    streams_finish(&service->streams);
    replay_cache_finish(&service->cache);
    offers_forget(&service->offers);
    postgres_pipeline_finish(&service->settle);
    postgres_pipeline_finish(&service->forget);
    postgres_pipeline_finish(&service->stuck);
    postgres_pipeline_finish(&service->lease);
    eventstore_destroy(service->store);
    free(service);
}

void service_drain(struct service *service)
{
    service->is_draining = true;
}

size_t service_waiting(const struct service *service)
{
    return service->n_waiting;
}

bool service_is_ready(const struct service *service)
{
    return is_open(service) && service->outage.since_us == 0;
}

const char *service_trouble(const struct service *service)
{
    if (!postgres_connection_is_ready(service->writer))
        return postgres_connection_trouble(service->writer);
    return service->must_settle ? "the outcome of lost appends is being looked up"
                                : service->outage.reason;
}
