#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* So that neither the loop stands still nor the memory is taken for a stream of any length: about a
 * millisecond of folding, and a quarter of a megabyte of rows. */
#define EVENTS_AT_ONCE 500

/* What a look holds while it is under way. The cart's texts are in the arena. */
struct service_past_work {
    struct cart cart;
    struct base_arena arena;
    bool knows_bad_snapshot;
    int head_at;   /* of the log, in the group; -1: not asked */
    int events_at; /* the same */
    int owner_at;  /* the same */
};

/* ---- answering ------------------------------------------------------------------------------- */

void past_answer(struct service_past *past, enum service_past_outcome outcome)
{
    past->outcome = outcome;
    if (past->service != NULL) {
        struct metrics *metrics = past->service->options.metrics;
        metrics_add(metrics, METRICS_READS, 1);
        metrics_observe(
            metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - past->asked_at_us);
    }
    past->answered(past);
}

static void answer(struct service_past *past, enum service_past_outcome outcome)
{
    base_arena_finish(&past->work->arena);
    free(past->work);
    past->work = NULL;
    postgres_group_finish(&past->group);
    if (past->service != NULL)
        past->service->n_pasts--;
    past_answer(past, outcome);
}

static void answer_cart(struct service_past *past)
{
    const struct cart *cart = &past->work->cart;
    past->version = cart->version;
    if (cart->version == 0) {
        answer(past, SERVICE_PAST_NO_CART);
        return;
    }
    if (cart->version < past->at_version) {
        answer(past, SERVICE_PAST_NO_VERSION);
        return;
    }
    codec_write_cart(&past->body, &past->cart_id, cart, NULL);
    codec_append_cart_times(
        &past->body, cart->created_at_us, cart->updated_at_us, cart->closed_at_us);
    answer(past, SERVICE_PAST_FOUND);
}

/* ---- folding --------------------------------------------------------------------------------- */

enum folding {
    FOLDING_DONE,        /* nothing more is to be read */
    FOLDING_GOES_ON,     /* there may be more events */
    FOLDING_BEGINS_ANEW, /* the snapshot can't be read, but the events can */
    FOLDING_NO_CART,     /* the stream is another thing's */
    FOLDING_FAILED
};

static bool fold(struct service_past_work *work, const struct eventstore_event *event)
{
    struct cart_event fact;
    if (event->version != work->cart.version + 1 ||
        !codec_read_cart_event(
            event->type, event->schema_version, event->data, &work->arena, &fact))
        return false;
    cart_evolve(&work->cart, &fact, event->recorded_at_us);
    return true;
}

static bool begin_from(struct service_past_work *work, const struct eventstore_event *snapshot)
{
    return codec_read_cart_snapshot(snapshot->data, &work->arena, &work->cart) &&
           work->cart.version == snapshot->version;
}

static void tell_log(const struct service_past *past, const struct eventstore_event *event)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(&past->cart_id, id);
    if (past->log != NULL)
        base_log(
            past->log, BASE_LOG_EVENT_UNREADABLE, BASE_LOG_TEXT("stream_id", id),
            BASE_LOG_NUMBER("version", event->version), BASE_LOG_TEXT("type", event->type));
}

static enum folding fold_rows(struct service_past *past, const struct postgres_rows *rows)
{
    struct service_past_work *work = past->work;
    size_t n_rows = postgres_rows_count(rows);
    size_t n_events = 0;
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        bool is_snapshot = strcmp(event.type, EVENTSTORE_SNAPSHOT) == 0;
        n_events += !is_snapshot;
        if (!is_snapshot && strcmp(event.stream_type, "cart") != 0)
            return FOLDING_NO_CART;
        if (is_snapshot ? begin_from(work, &event) : fold(work, &event))
            continue;
        tell_log(past, &event);
        return is_snapshot ? FOLDING_BEGINS_ANEW : FOLDING_FAILED;
    }
    bool is_there = past->at_version > 0 && work->cart.version == past->at_version;
    return n_events < EVENTS_AT_ONCE || is_there ? FOLDING_DONE : FOLDING_GOES_ON;
}

/* Leaves only the texts that the cart still has. */
static bool forget_texts(struct service_past_work *work)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer state = {0};
    codec_write_cart_snapshot(&state, &work->cart);
    base_arena_reset(&work->arena);
    return codec_read_cart_snapshot(base_buffer_text(&state), &work->arena, &work->cart);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void events_read(struct postgres_group *group);

static void ask(struct service_past *past)
{
    struct service_past_work *work = past->work;
    bool is_first = work->cart.version == 0;
    int n = 0;
    postgres_group_begin(&past->group);
    past->group.answered = events_read;
    /* Before the events: whatever is recorded later is no earlier than this head. */
    work->head_at = is_first && past->at_version == 0 ? n++ : -1;
    if (work->head_at >= 0)
        eventstore_ask_head(&past->group);
    work->events_at = n++;
    eventstore_ask_past(
        &past->group,
        &(struct eventstore_past_wanted){
            .stream_id = past->cart_id,
            .after_version = work->cart.version,
            .until_version = past->at_version > 0 ? past->at_version : INT32_MAX,
            .until_us = past->at_version > 0 ? INT64_MAX : past->at_us,
            .snapshot_shape = is_first && !work->knows_bad_snapshot ? CODEC_SNAPSHOT_SHAPE : 0,
            .limit = EVENTS_AT_ONCE,
        });
    /* Whose it was is in the events; whose it is now counts. */
    work->owner_at = past->caller.may_all ? -1 : n;
    if (work->owner_at >= 0)
        projections_ask_owner(&past->group, &past->cart_id);
    postgres_send(past->connection, &past->group);
}

/* What a version was stays so. What was at a moment does once the log has gone on past it; the
 * clocks of this machine and of the client say nothing about that. */
static void look_whether_final(struct service_past *past)
{
    const struct postgres_group *group = &past->group;
    int head_at = past->work->head_at;
    if (past->at_version > 0) {
        past->is_final = true;
    } else if (head_at >= 0) {
        struct eventstore_head head =
            eventstore_receive_head(postgres_group_rows(group, (size_t)head_at));
        past->is_final = head.position > 0 && head.recorded_at_us > past->at_us;
    }
}

static bool is_admitted(const struct service_past *past)
{
    int owner_at = past->work->owner_at;
    bool is_unclaimed;
    return owner_at < 0 ||
           projections_receive_owner(
               postgres_group_rows(&past->group, (size_t)owner_at), &past->caller, &is_unclaimed);
}

static void receive_events(struct service_past *past)
{
    const struct postgres_group *group = &past->group;
    struct service_past_work *work = past->work;
    if (!is_admitted(past)) {
        answer(past, SERVICE_PAST_NO_CART);
        return;
    }
    look_whether_final(past);
    switch (fold_rows(past, postgres_group_rows(group, (size_t)work->events_at))) {
    case FOLDING_DONE:
        answer_cart(past);
        break;
    case FOLDING_GOES_ON:
        if (forget_texts(work))
            ask(past);
        else
            answer(past, SERVICE_PAST_FAILED);
        break;
    case FOLDING_BEGINS_ANEW:
        work->knows_bad_snapshot = true;
        cart_clear(&work->cart);
        ask(past);
        break;
    case FOLDING_NO_CART:
        answer(past, SERVICE_PAST_NO_CART);
        break;
    case FOLDING_FAILED:
        answer(past, SERVICE_PAST_FAILED);
        break;
    }
}

static void events_read(struct postgres_group *group)
{
    struct service_past *past = BASE_CONTAINER(group, struct service_past, group);
    switch (group->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* a read commits nothing */
        receive_events(past);
        break;
    case POSTGRES_AGAIN:
        answer(past, SERVICE_PAST_OVERLOADED);
        break;
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        answer(past, SERVICE_PAST_UNAVAILABLE);
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        answer(past, SERVICE_PAST_FAILED);
        break;
    }
}

void service_read_past_over(
    struct postgres_connection *connection, const struct base_log *log, struct service_past *past)
{
    past->connection = connection;
    past->log = log;
    past->work = base_alloc(sizeof *past->work);
    cart_clear(&past->work->cart);
    ask(past);
}

void service_read_past(struct service *service, struct service_past *past)
{
    past->service = service;
    past->asked_at_us = base_clock_monotonic_us();
    if (service->n_pasts >= SERVICE_PAST_MAX) {
        past->next = service->shed_pasts;
        service->shed_pasts = past;
        service_poke(service);
        return;
    }
    service->n_pasts++;
    service_read_past_over(service->side, service->options.log, past);
}
