#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { LOOP_EVENTS_PER_TURN = 256, LOOP_LEAST_TIMERS = 64 };

struct loop {
    int epoll_fd;
    bool is_stopped;
    bool is_turning;
    int64_t now_us;
    size_t n_watches;
    /* A binary heap by due_us; timers[1] is due first, and timers[t->heap_index] == t. */
    struct loop_timer **timers;
    size_t n_timers;
    size_t n_slots;
    TAILQ_HEAD(, loop_deferred) deferred; /* in the order of their starts */
    uint64_t n_rounds;                    /* of deferred calls */
    /* What epoll reported in this turn and has not been called yet: from next_event on. The entry
     * of a watch that is stopped meanwhile is emptied, so that it is not called any more. */
    struct epoll_event events[LOOP_EVENTS_PER_TURN];
    size_t n_events;
    size_t next_event;
};

/* For what only fails when the kernel is out of memory or a caller broke its promise. */
static _Noreturn void end_process(const char *call)
{
    perror(call);
    abort();
}

struct loop *loop_create(void)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        return NULL;
    struct loop *loop = base_alloc(sizeof(*loop));
    loop->epoll_fd = epoll_fd;
    loop->now_us = base_clock_monotonic_us();
    TAILQ_INIT(&loop->deferred);
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    assert(!loop->is_turning);
    assert(loop->n_watches == 0);
    assert(loop->n_timers == 0);
    assert(TAILQ_EMPTY(&loop->deferred));
    close(loop->epoll_fd);
    free(loop->timers);
    free(loop);
}

int64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void control(struct loop *loop, int operation, struct loop_watch *watch)
{
    struct epoll_event event = {.events = watch->events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) != 0)
        end_process("cartd: epoll_ctl");
}

void loop_start_watch(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events)
{
    assert(!watch->is_active && watch->ready != NULL);
    watch->fd = fd;
    watch->events = events;
    control(loop, EPOLL_CTL_ADD, watch);
    watch->is_active = true;
    loop->n_watches++;
}

void loop_change_watch(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    assert(watch->is_active);
    if (watch->events == events)
        return;
    watch->events = events;
    control(loop, EPOLL_CTL_MOD, watch);
}

void loop_stop_watch(struct loop *loop, struct loop_watch *watch)
{
    if (!watch->is_active)
        return;
    watch->is_active = false;
    loop->n_watches--;
    /* libpq closes sockets by itself while it connects; a closed one is not watched already. */
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL) != 0 && errno != EBADF &&
        errno != ENOENT)
        end_process("cartd: epoll_ctl");
    for (size_t i = loop->next_event; i < loop->n_events; i++) {
        if (loop->events[i].data.ptr == watch)
            loop->events[i].data.ptr = NULL;
    }
}

static void collect_ready(struct loop *loop, int timeout_ms)
{
    int n_events = epoll_wait(loop->epoll_fd, loop->events, LOOP_EVENTS_PER_TURN, timeout_ms);
    /* A signal that somebody handles ends the wait; the next turn waits again. */
    if (n_events < 0 && errno != EINTR)
        end_process("cartd: epoll_wait");
    loop->next_event = 0;
    loop->n_events = n_events > 0 ? (size_t)n_events : 0;
}

static void call_ready(struct loop *loop)
{
    while (loop->next_event < loop->n_events) {
        const struct epoll_event *event = &loop->events[loop->next_event++];
        struct loop_watch *watch = event->data.ptr;
        if (watch == NULL)
            continue;
        /* What is watched may have changed since; the kernel always reports the last two. */
        uint32_t events = event->events & (watch->events | EPOLLERR | EPOLLHUP);
        if (events != 0)
            watch->ready(watch, events);
    }
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void put_timer(struct loop *loop, size_t index, struct loop_timer *timer)
{
    loop->timers[index] = timer;
    timer->heap_index = index;
}

/* Moves a timer from a free slot up or down to where it belongs. */
static void settle_timer(struct loop *loop, size_t index, struct loop_timer *timer)
{
    while (index > 1 && loop->timers[index / 2]->due_us > timer->due_us) {
        put_timer(loop, index, loop->timers[index / 2]);
        index /= 2;
    }
    for (size_t child = index * 2; child <= loop->n_timers; child = index * 2) {
        if (child < loop->n_timers && loop->timers[child + 1]->due_us < loop->timers[child]->due_us)
            child++;
        if (loop->timers[child]->due_us >= timer->due_us)
            break;
        put_timer(loop, index, loop->timers[child]);
        index = child;
    }
    put_timer(loop, index, timer);
}

void loop_start_timer(struct loop *loop, struct loop_timer *timer, int64_t delay_us)
{
    assert(timer->fired != NULL);
    /* Between turns nobody has read the clock for a while. */
    if (!loop->is_turning)
        loop->now_us = base_clock_monotonic_us();
    /* At least 1, so that a timer which starts itself again is not due in the same turn for ever.
     */
    if (delay_us < 1)
        delay_us = 1;
    if (__builtin_add_overflow(loop->now_us, delay_us, &timer->due_us))
        timer->due_us = INT64_MAX;

    if (timer->heap_index == 0) {
        if (loop->n_timers + 1 >= loop->n_slots) {
            loop->n_slots = loop->n_slots > 0 ? loop->n_slots * 2 : LOOP_LEAST_TIMERS;
            loop->timers = base_realloc(loop->timers, loop->n_slots * sizeof(struct loop_timer *));
        }
        timer->heap_index = ++loop->n_timers;
    }
    settle_timer(loop, timer->heap_index, timer);
}

void loop_stop_timer(struct loop *loop, struct loop_timer *timer)
{
    size_t index = timer->heap_index;
    if (index == 0)
        return;
    timer->heap_index = 0;
    struct loop_timer *last = loop->timers[loop->n_timers--];
    if (last != timer)
        settle_timer(loop, index, last);
}

static void call_due_timers(struct loop *loop)
{
    while (loop->n_timers > 0 && loop->timers[1]->due_us <= loop->now_us) {
        struct loop_timer *timer = loop->timers[1];
        loop_stop_timer(loop, timer);
        timer->fired(timer);
    }
}

/* ---- deferred calls -------------------------------------------------------------------------- */

void loop_start_deferred(struct loop *loop, struct loop_deferred *deferred)
{
    assert(deferred->called != NULL);
    if (deferred->is_active)
        return;
    deferred->is_active = true;
    deferred->round = loop->n_rounds;
    TAILQ_INSERT_TAIL(&loop->deferred, deferred, by_start);
}

void loop_stop_deferred(struct loop *loop, struct loop_deferred *deferred)
{
    if (!deferred->is_active)
        return;
    deferred->is_active = false;
    TAILQ_REMOVE(&loop->deferred, deferred, by_start);
}

/* What is deferred from here on is of the next round. */
static void call_deferred(struct loop *loop)
{
    uint64_t round = loop->n_rounds++;
    struct loop_deferred *deferred;
    while ((deferred = TAILQ_FIRST(&loop->deferred)) != NULL && deferred->round <= round) {
        loop_stop_deferred(loop, deferred);
        deferred->called(deferred);
    }
}

/* ---- signals --------------------------------------------------------------------------------- */

/* One signal a call: the descriptor stays readable while there are more, and `received` may have
 * stopped and freed everything. */
static void receive_signal(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    struct loop_signals *signals = BASE_CONTAINER(watch, struct loop_signals, watch);
    struct signalfd_siginfo info;
    if (read(watch->fd, &info, sizeof(info)) == sizeof(info))
        signals->received(signals, (int)info.ssi_signo);
}

bool loop_start_signals(struct loop *loop, struct loop_signals *signals, const int *numbers)
{
    assert(signals->received != NULL);
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; numbers[i] != 0; i++)
        sigaddset(&set, numbers[i]);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return false;
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    signals->watch.ready = receive_signal;
    loop_start_watch(loop, &signals->watch, fd, EPOLLIN);
    return true;
}

void loop_stop_signals(struct loop *loop, struct loop_signals *signals)
{
    if (!signals->watch.is_active)
        return;
    loop_stop_watch(loop, &signals->watch);
    close(signals->watch.fd);
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* How long to wait for descriptors: no longer than asked, than the next timer, and not at all when
 * a deferred call waits. */
static int wait_ms(const struct loop *loop, int most_ms)
{
    if (!TAILQ_EMPTY(&loop->deferred))
        return 0;
    if (loop->n_timers == 0)
        return most_ms;
    /* A fresh reading, as the last turn's calls took their time; rounded up, as a wait that ends
     * too early is followed by another. */
    int64_t rest_us = loop->timers[1]->due_us - base_clock_monotonic_us();
    if (rest_us <= 0)
        return 0;
    int64_t rest_ms = rest_us / 1000 + (rest_us % 1000 > 0 ? 1 : 0);
    int64_t limit_ms = most_ms < 0 ? INT_MAX : most_ms;
    return (int)(rest_ms < limit_ms ? rest_ms : limit_ms);
}

/* The wait comes first, so that everything else in a turn sees the time of its end. */
void loop_turn(struct loop *loop, int timeout_ms)
{
    assert(!loop->is_turning);
    loop->is_turning = true;
    collect_ready(loop, wait_ms(loop, timeout_ms));
    loop->now_us = base_clock_monotonic_us();
    call_deferred(loop);
    call_due_timers(loop);
    call_ready(loop);
    loop->is_turning = false;
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopped)
        loop_turn(loop, -1);
    loop->is_stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}
