#include "support.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "loop.h"

/* What was called, in order, as one letter each. */
struct trace {
    char letters[64];
    size_t n_letters;
};

static void note(struct trace *trace, char letter)
{
    ck_assert_uint_lt(trace->n_letters, sizeof(trace->letters) - 1);
    trace->letters[trace->n_letters++] = letter;
}

/* One of everything, that writes its letter and then does one thing to another. */
struct actor {
    struct loop *loop;
    struct trace *trace;
    char letter;
    struct loop_watch watch;
    struct loop_timer timer;
    struct loop_deferred deferred;
    struct loop_signals signals;
    int fds[2];
    void (*act)(struct actor *actor, struct actor *other);
    struct actor *other;
    uint32_t events;
    int signal;
};

static void play(struct actor *actor)
{
    note(actor->trace, actor->letter);
    if (actor->act != NULL)
        actor->act(actor, actor->other);
}

static void watch_ready(struct loop_watch *watch, uint32_t events)
{
    struct actor *actor = BASE_CONTAINER(watch, struct actor, watch);
    actor->events = events;
    play(actor);
}

static void timer_fired(struct loop_timer *timer)
{
    play(BASE_CONTAINER(timer, struct actor, timer));
}

static void deferred_called(struct loop_deferred *deferred)
{
    play(BASE_CONTAINER(deferred, struct actor, deferred));
}

static void signal_received(struct loop_signals *signals, int signal)
{
    struct actor *actor = BASE_CONTAINER(signals, struct actor, signals);
    actor->signal = signal;
    play(actor);
}

static struct loop *loop;
static struct trace trace;
static struct actor a;
static struct actor b;
static struct actor c;

static void prepare(struct actor *actor, char letter)
{
    *actor = (struct actor){
        .loop = loop,
        .trace = &trace,
        .letter = letter,
        .watch = {.ready = watch_ready},
        .timer = {.fired = timer_fired},
        .deferred = {.called = deferred_called},
        .signals = {.received = signal_received},
        .fds = {-1, -1},
    };
}

static void set_up(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    trace = (struct trace){0};
    prepare(&a, 'a');
    prepare(&b, 'b');
    prepare(&c, 'c');
}

static void stop_all(struct actor *actor)
{
    loop_stop_watch(loop, &actor->watch);
    loop_stop_timer(loop, &actor->timer);
    loop_stop_deferred(loop, &actor->deferred);
    loop_stop_signals(loop, &actor->signals);
    for (int i = 0; i < 2; i++) {
        if (actor->fds[i] >= 0)
            close(actor->fds[i]);
        actor->fds[i] = -1;
    }
}

static void tear_down(void)
{
    stop_all(&a);
    stop_all(&b);
    stop_all(&c);
    loop_destroy(loop);
}

/* Watches a new pipe with a byte in it. */
static void watch_readable_pipe(struct actor *actor)
{
    ck_assert_int_eq(pipe(actor->fds), 0);
    ck_assert_int_eq(write(actor->fds[1], "x", 1), 1);
    loop_start_watch(loop, &actor->watch, actor->fds[0], EPOLLIN);
}

static void assert_traced(const char *letters)
{
    trace.letters[trace.n_letters] = '\0';
    ck_assert_str_eq(trace.letters, letters);
}

static void stop_other(struct actor *actor, struct actor *other)
{
    (void)actor;
    stop_all(other);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

START_TEST(a_readable_descriptor_is_called_each_turn_until_it_is_read)
{
    watch_readable_pipe(&a);
    loop_turn(loop, 1000);
    loop_turn(loop, 1000);
    char byte;
    ck_assert_int_eq(read(a.fds[0], &byte, 1), 1);
    loop_turn(loop, 0);
    assert_traced("aa");
    ck_assert_uint_eq(a.events, EPOLLIN);
}
END_TEST

START_TEST(a_watch_stopped_by_another_of_the_same_turn_is_not_called)
{
    watch_readable_pipe(&a);
    watch_readable_pipe(&b);
    watch_readable_pipe(&c);
    /* Whichever comes first stops the one after it and the one before it. */
    a.act = b.act = c.act = stop_other;
    a.other = &b;
    b.other = &c;
    c.other = &a;
    loop_turn(loop, 1000);
    ck_assert_uint_eq(trace.n_letters, 2);
    ck_assert_int_eq(a.watch.is_active + b.watch.is_active + c.watch.is_active, 1);
}
END_TEST

/* As a connection does that is closed and connects anew: the same struct, the same number. */
static void replace_pipe_of_other(struct actor *actor, struct actor *other)
{
    actor->act = NULL;
    other->act = NULL;
    int old_fd = other->fds[0];
    stop_all(other);
    ck_assert_int_eq(pipe(other->fds), 0);
    ck_assert_int_eq(other->fds[0], old_fd);
    loop_start_watch(loop, &other->watch, other->fds[0], EPOLLIN);
}

START_TEST(a_watch_started_anew_does_not_see_what_the_old_descriptor_had)
{
    watch_readable_pipe(&a);
    watch_readable_pipe(&b);
    a.act = b.act = replace_pipe_of_other;
    a.other = &b;
    b.other = &a;
    loop_turn(loop, 1000);
    ck_assert_uint_eq(trace.n_letters, 1);
    ck_assert(a.watch.is_active && b.watch.is_active);
}
END_TEST

static void free_self(struct actor *actor, struct actor *other)
{
    (void)other;
    stop_all(actor);
    free(actor);
}

START_TEST(everything_may_free_itself_from_its_own_callback)
{
    struct actor *mortals[4];
    for (size_t i = 0; i < BASE_COUNT(mortals); i++) {
        mortals[i] = base_alloc(sizeof(*mortals[i]));
        prepare(mortals[i], (char)('0' + i));
        mortals[i]->act = free_self;
    }
    watch_readable_pipe(mortals[0]);
    loop_start_timer(loop, &mortals[1]->timer, 0);
    loop_start_deferred(loop, &mortals[2]->deferred);
    ck_assert(loop_start_signals(loop, &mortals[3]->signals, (const int[]){SIGUSR1, 0}));
    ck_assert_int_eq(raise(SIGUSR1), 0);
    usleep(100);
    loop_turn(loop, 1000);
    ck_assert_uint_eq(trace.n_letters, 4);
}
END_TEST

static void narrow_other(struct actor *actor, struct actor *other)
{
    actor->act = NULL;
    loop_change_watch(loop, &other->watch, 0);
}

START_TEST(events_that_are_not_watched_any_more_are_not_reported)
{
    watch_readable_pipe(&a);
    b.act = narrow_other;
    b.other = &a;
    loop_start_deferred(loop, &b.deferred);
    loop_turn(loop, 1000);
    assert_traced("b");
    loop_change_watch(loop, &a.watch, EPOLLIN);
    loop_turn(loop, 1000);
    assert_traced("ba");
}
END_TEST

START_TEST(a_hang_up_is_reported_to_whoever_watches)
{
    ck_assert_int_eq(pipe(a.fds), 0);
    loop_start_watch(loop, &a.watch, a.fds[0], 0);
    close(a.fds[1]);
    a.fds[1] = -1;
    loop_turn(loop, 1000);
    assert_traced("a");
    ck_assert_uint_eq(a.events, EPOLLHUP);
}
END_TEST

START_TEST(a_descriptor_that_was_closed_first_can_still_be_stopped)
{
    watch_readable_pipe(&a);
    close(a.fds[0]);
    a.fds[0] = -1;
    loop_stop_watch(loop, &a.watch);
    loop_turn(loop, 0);
    assert_traced("");
}
END_TEST

struct counted {
    struct loop_watch watch;
    size_t n_calls;
};

static void count_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    BASE_CONTAINER(watch, struct counted, watch)->n_calls++;
}

START_TEST(more_ready_descriptors_than_fit_in_a_turn_are_all_called)
{
    ck_assert_int_eq(pipe(a.fds), 0);
    ck_assert_int_eq(write(a.fds[1], "x", 1), 1);
    struct counted many[600] = {0};
    for (size_t i = 0; i < BASE_COUNT(many); i++) {
        many[i].watch.ready = count_ready;
        loop_start_watch(loop, &many[i].watch, dup(a.fds[0]), EPOLLIN);
    }
    for (int i = 0; i < 3; i++)
        loop_turn(loop, 1000);
    for (size_t i = 0; i < BASE_COUNT(many); i++) {
        ck_assert_uint_ge(many[i].n_calls, 1);
        loop_stop_watch(loop, &many[i].watch);
        close(many[i].watch.fd);
    }
}
END_TEST

/* ---- deferred calls -------------------------------------------------------------------------- */

START_TEST(a_call_deferred_twice_is_called_once)
{
    loop_start_deferred(loop, &a.deferred);
    loop_start_deferred(loop, &b.deferred);
    loop_start_deferred(loop, &a.deferred);
    loop_turn(loop, -1);
    loop_turn(loop, 0);
    assert_traced("ab");
}
END_TEST

static void defer_both(struct actor *actor, struct actor *other)
{
    actor->act = NULL;
    loop_start_deferred(loop, &actor->deferred);
    loop_start_deferred(loop, &other->deferred);
}

START_TEST(a_call_deferred_from_a_deferred_call_waits_for_the_next_turn_which_does_not_sleep)
{
    a.act = defer_both;
    a.other = &b;
    loop_start_deferred(loop, &a.deferred);
    loop_turn(loop, -1);
    assert_traced("a");
    loop_turn(loop, -1);
    assert_traced("aab");
}
END_TEST

START_TEST(a_call_deferred_by_a_ready_descriptor_comes_after_all_that_are_ready)
{
    watch_readable_pipe(&a);
    watch_readable_pipe(&b);
    a.act = b.act = defer_both;
    a.other = b.other = &c;
    loop_turn(loop, 1000);
    ck_assert_uint_eq(trace.n_letters, 2);
    loop_stop_watch(loop, &a.watch);
    loop_stop_watch(loop, &b.watch);
    loop_turn(loop, -1);
    ck_assert_uint_eq(trace.n_letters, 5);
}
END_TEST

START_TEST(a_deferred_call_stopped_by_an_earlier_one_of_the_same_turn_is_not_called)
{
    a.act = stop_other;
    a.other = &b;
    loop_start_deferred(loop, &a.deferred);
    loop_start_deferred(loop, &b.deferred);
    loop_start_deferred(loop, &c.deferred);
    loop_turn(loop, -1);
    assert_traced("ac");
}
END_TEST

START_TEST(a_call_deferred_again_while_it_waits_in_this_turn_is_called_once)
{
    a.act = defer_both;
    a.other = &b;
    loop_start_deferred(loop, &a.deferred);
    loop_start_deferred(loop, &b.deferred);
    loop_turn(loop, -1);
    assert_traced("ab");
    loop_turn(loop, -1);
    assert_traced("aba");
}
END_TEST

/* ---- signals and turns ----------------------------------------------------------------------- */

START_TEST(a_signal_is_received_on_the_loop)
{
    ck_assert(loop_start_signals(loop, &a.signals, (const int[]){SIGTERM, SIGINT, 0}));
    ck_assert_int_eq(raise(SIGTERM), 0);
    loop_turn(loop, 1000);
    ck_assert_int_eq(a.signal, SIGTERM);
    ck_assert_int_eq(raise(SIGINT), 0);
    loop_turn(loop, 1000);
    ck_assert_int_eq(a.signal, SIGINT);
    loop_turn(loop, 0);
    assert_traced("aa");
}
END_TEST

static void ignore_alarm(int signal)
{
    (void)signal;
}

START_TEST(a_handled_signal_does_not_end_the_loop)
{
    struct sigaction action = {.sa_handler = ignore_alarm};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval each_ms = {{0, 1000}, {0, 1000}};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &each_ms, NULL), 0);
    loop_start_timer(loop, &a.timer, 20000);
    while (trace.n_letters == 0)
        loop_turn(loop, -1);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL), 0);
    assert_traced("a");
}
END_TEST

static void stop_loop(struct actor *actor, struct actor *other)
{
    (void)other;
    loop_stop(actor->loop);
}

START_TEST(a_loop_runs_until_it_is_stopped_and_can_run_again)
{
    a.act = stop_loop;
    loop_start_timer(loop, &a.timer, 1000);
    loop_run(loop);
    assert_traced("a");
    loop_stop(loop);
    loop_run(loop);
    loop_start_deferred(loop, &a.deferred);
    loop_run(loop);
    assert_traced("aa");
}
END_TEST

START_TEST(stopping_what_is_not_active_does_nothing)
{
    stop_all(&a);
    loop_destroy(NULL);
}
END_TEST

START_TEST(the_time_stands_still_within_a_turn)
{
    loop_turn(loop, 0);
    int64_t now_us = loop_now_us(loop);
    usleep(2000);
    ck_assert_int_eq(loop_now_us(loop), now_us);
    loop_turn(loop, 0);
    ck_assert_int_ge(loop_now_us(loop), now_us + 2000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_readable_descriptor_is_called_each_turn_until_it_is_read,
        a_watch_stopped_by_another_of_the_same_turn_is_not_called,
        a_watch_started_anew_does_not_see_what_the_old_descriptor_had,
        everything_may_free_itself_from_its_own_callback,
        events_that_are_not_watched_any_more_are_not_reported,
        a_hang_up_is_reported_to_whoever_watches,
        a_descriptor_that_was_closed_first_can_still_be_stopped,
        more_ready_descriptors_than_fit_in_a_turn_are_all_called,
        a_call_deferred_twice_is_called_once,
        a_call_deferred_from_a_deferred_call_waits_for_the_next_turn_which_does_not_sleep,
        a_call_deferred_by_a_ready_descriptor_comes_after_all_that_are_ready,
        a_deferred_call_stopped_by_an_earlier_one_of_the_same_turn_is_not_called,
        a_call_deferred_again_while_it_waits_in_this_turn_is_called_once,
        a_signal_is_received_on_the_loop,
        a_handled_signal_does_not_end_the_loop,
        a_loop_runs_until_it_is_stopped_and_can_run_again,
        stopping_what_is_not_active_does_nothing,
        the_time_stands_still_within_a_turn};
    TCase *rules = tcase_create("loop");
    tcase_add_checked_fixture(rules, set_up, tear_down);
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("loop");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
