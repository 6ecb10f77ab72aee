#include "deadlines.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { LEAST_SLEEP_US = 100 * 1000 };

static void join(
    struct http_deadlines *deadlines, struct http_client *client, enum http_phase phase)
{
    client->phase = phase;
    TAILQ_INSERT_TAIL(&deadlines->clients[phase], client, by_due);
}

static void leave(struct http_deadlines *deadlines, struct http_client *client)
{
    TAILQ_REMOVE(&deadlines->clients[client->phase], client, by_due);
}

/* libmicrohttpd sees the end of the connection in its next run. */
static void cut(struct http_deadlines *deadlines, struct http_client *client)
{
    leave(deadlines, client);
    join(deadlines, client, HTTP_PHASE_CUT);
    deadlines->n_open--;
    (void)shutdown(client->fd, SHUT_RDWR); /* it fails when the client is gone already */
}

static void cut_due(struct http_deadlines *deadlines, enum http_phase phase, int64_t now_us)
{
    static const enum metrics_number numbers[HTTP_N_PHASES] = {
        [HTTP_PHASE_IDLE] = METRICS_HTTP_CUT_IDLE,
        [HTTP_PHASE_HEADERS] = METRICS_HTTP_CUT_HEADERS,
        [HTTP_PHASE_BODY] = METRICS_HTTP_CUT_BODY,
        [HTTP_PHASE_ANSWER] = METRICS_HTTP_CUT_ANSWER,
    };
    struct http_client *client;
    while ((client = TAILQ_FIRST(&deadlines->clients[phase])) != NULL && client->due_us <= now_us) {
        cut(deadlines, client);
        metrics_add(deadlines->metrics, numbers[phase], 1);
    }
}

bool http_cut_longest(struct http_deadlines *deadlines)
{
    struct http_client *longest = NULL;
    int64_t since_us = INT64_MAX;
    for (size_t i = 0; i < HTTP_N_PHASES; i++) {
        struct http_client *client = TAILQ_FIRST(&deadlines->clients[i]);
        if (client == NULL || deadlines->durations_us[i] == 0)
            continue;
        int64_t began_us = client->due_us - deadlines->durations_us[i];
        if (began_us < since_us) {
            since_us = began_us;
            longest = client;
        }
    }
    if (longest == NULL)
        return false;
    cut(deadlines, longest);
    metrics_add(deadlines->metrics, METRICS_HTTP_CUT_FOR_ROOM, 1);
    return true;
}

static void timer_fired(struct loop_timer *timer)
{
    struct http_deadlines *deadlines = BASE_CONTAINER(timer, struct http_deadlines, timer);
    int64_t now_us = loop_now_us(deadlines->loop);
    int64_t next_us = INT64_MAX;
    for (size_t i = 0; i < HTTP_N_PHASES; i++) {
        if (deadlines->durations_us[i] == 0)
            continue;
        cut_due(deadlines, (enum http_phase)i, now_us);
        const struct http_client *first = TAILQ_FIRST(&deadlines->clients[i]);
        if (first != NULL && first->due_us < next_us)
            next_us = first->due_us;
    }
    if (next_us == INT64_MAX)
        return;
    int64_t sleep_us = next_us - now_us;
    loop_start_timer(deadlines->loop, timer, sleep_us < LEAST_SLEEP_US ? LEAST_SLEEP_US : sleep_us);
}

void http_init_deadlines(
    struct http_deadlines *deadlines, struct loop *loop, struct metrics *metrics,
    const unsigned seconds[static HTTP_N_PHASES])
{
    *deadlines =
        (struct http_deadlines){.loop = loop, .metrics = metrics, .timer.fired = timer_fired};
    for (size_t i = 0; i < HTTP_N_PHASES; i++) {
        TAILQ_INIT(&deadlines->clients[i]);
        deadlines->durations_us[i] = (int64_t)seconds[i] * 1000000;
    }
}

void http_finish_deadlines(struct http_deadlines *deadlines)
{
    loop_stop_timer(deadlines->loop, &deadlines->timer);
}

void http_enter_phase(
    struct http_deadlines *deadlines, struct http_client *client, enum http_phase phase)
{
    if (client->phase == HTTP_PHASE_CUT)
        return;
    leave(deadlines, client);
    join(deadlines, client, phase);
    int64_t duration_us = deadlines->durations_us[phase];
    client->due_us = loop_now_us(deadlines->loop) + duration_us;
    /* One that is active is for an earlier end, or fires early and then looks again. */
    if (duration_us != 0 &&
        (deadlines->timer.heap_index == 0 || client->due_us < deadlines->timer.due_us))
        loop_start_timer(deadlines->loop, &deadlines->timer, duration_us);
}

struct http_client *http_add_client(struct http_deadlines *deadlines, int fd)
{
    struct http_client *client = base_alloc(sizeof(*client));
    client->fd = fd;
    deadlines->n_open++;
    join(deadlines, client, HTTP_PHASE_HEADERS);
    http_enter_phase(deadlines, client, HTTP_PHASE_HEADERS);
    return client;
}

void http_forget_client(struct http_deadlines *deadlines, struct http_client *client)
{
    leave(deadlines, client);
    if (client->phase != HTTP_PHASE_CUT)
        deadlines->n_open--;
    free(client);
}
