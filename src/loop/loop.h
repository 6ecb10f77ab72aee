/*
 * loop: the one thread that everything runs on. File descriptors, timers, deferred calls and
 * signals, on epoll. It knows nothing of HTTP or PostgreSQL. Nothing that is called from it may
 * block.
 *
 * All structs below are owned by the caller, are embedded in what they belong to (find it with
 * BASE_CONTAINER), and must not move or die while they are active. Every start may be followed by
 * a stop at any time, also from within any callback of the same loop: after a stop the callback is
 * not called any more, not even when its readiness was already collected in this turn, and the
 * struct may be freed. Stopping what is not active does nothing.
 */
#ifndef CARTD_LOOP_H
#define CARTD_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base.h"

struct loop;

/* NULL with errno set when the kernel gives no epoll instance. */
struct loop *loop_create(void) BASE_MUST_CHECK;
/* Everything must have been stopped. NULL-safe. */
void loop_destroy(struct loop *loop);
/* Turns until loop_stop(), which ends it after the present turn, or at once when it came first.
 * Each turn waits, then calls: deferred calls, due timers, ready descriptors. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* One turn that waits at most `timeout_ms` (-1: until something happens). For tests. Not from
 * within a callback. */
void loop_turn(struct loop *loop, int timeout_ms);
/* Monotonic microseconds, read once a turn, after its wait. */
int64_t loop_now_us(const struct loop *loop);

/* A descriptor that is watched, level-triggered. `events` and `ready`'s are EPOLLIN, EPOLLOUT, …
 * The descriptor stays the caller's; stop watching before closing it, and where a
 * library closes it by itself, before watching anything else. Zero-initialise it, like the
 * others below, and set the function. */
struct loop_watch {
    void (*ready)(struct loop_watch *watch, uint32_t events);
    int fd;
    uint32_t events;
    bool is_active;
};
void loop_start_watch(struct loop *loop, struct loop_watch *watch, int fd, uint32_t events);
/* Watches for other events; no system call when they are the same. */
void loop_change_watch(struct loop *loop, struct loop_watch *watch, uint32_t events);
void loop_stop_watch(struct loop *loop, struct loop_watch *watch);

/* A timer that fires once, not before `delay_us` from loop_now_us(), and in a later turn than the
 * timer that started it. Starting an active timer moves it. Timers fire in the order of due_us. */
struct loop_timer {
    void (*fired)(struct loop_timer *timer);
    int64_t due_us;
    size_t heap_index; /* in the loop's heap, from 1; 0 when not active */
};
void loop_start_timer(struct loop *loop, struct loop_timer *timer, int64_t delay_us);
void loop_stop_timer(struct loop *loop, struct loop_timer *timer);

/* A call at the start of the next turn, after everything that is ready in this one. Deferring twice
 * calls once. A call deferred from within a deferred call waits for the next turn; a turn does not
 * sleep while one waits. */
struct loop_deferred {
    void (*called)(struct loop_deferred *deferred);
    TAILQ_ENTRY(loop_deferred) by_start;
    uint64_t round; /* in which it is not called yet */
    bool is_active;
};
void loop_start_deferred(struct loop *loop, struct loop_deferred *deferred);
void loop_stop_deferred(struct loop *loop, struct loop_deferred *deferred);

/* Signals by signalfd: blocks those in `numbers` (terminated by 0) for the process and calls
 * `received` for each. They stay blocked after the stop. False with errno set: no descriptor. */
struct loop_signals {
    void (*received)(struct loop_signals *signals, int signal);
    struct loop_watch watch;
};
bool loop_start_signals(struct loop *loop, struct loop_signals *signals, const int *numbers)
    BASE_MUST_CHECK;
void loop_stop_signals(struct loop *loop, struct loop_signals *signals);

#endif
