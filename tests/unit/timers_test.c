#include "support.h"

#include <stdlib.h>
#include <unistd.h>

#include "loop.h"

/* A timer that writes its letter and then does one thing. */
struct actor {
    char letter;
    struct loop_timer timer;
    void (*act)(struct actor *actor);
};

static struct loop *loop;
static char trace[64];
static size_t n_letters;
static struct actor a;
static struct actor b;
static struct actor c;

static void fired(struct loop_timer *timer)
{
    struct actor *actor = BASE_CONTAINER(timer, struct actor, timer);
    ck_assert_uint_lt(n_letters, sizeof(trace) - 1);
    trace[n_letters++] = actor->letter;
    if (actor->act != NULL)
        actor->act(actor);
}

static void set_up(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    n_letters = 0;
    a = (struct actor){.letter = 'a', .timer = {.fired = fired}};
    b = (struct actor){.letter = 'b', .timer = {.fired = fired}};
    c = (struct actor){.letter = 'c', .timer = {.fired = fired}};
}

static void tear_down(void)
{
    loop_stop_timer(loop, &a.timer);
    loop_stop_timer(loop, &b.timer);
    loop_stop_timer(loop, &c.timer);
    loop_destroy(loop);
}

static void assert_traced(const char *letters)
{
    trace[n_letters] = '\0';
    ck_assert_str_eq(trace, letters);
}

/* Has it called within a turn, during which the loop's time stands still. */
static void call_in_a_turn(void (*called)(struct loop_deferred *deferred))
{
    struct loop_deferred deferred = {.called = called};
    loop_start_deferred(loop, &deferred);
    loop_turn(loop, 0);
}

static void start_out_of_order(struct loop_deferred *deferred)
{
    (void)deferred;
    loop_start_timer(loop, &b.timer, 2000);
    loop_start_timer(loop, &c.timer, 3000);
    loop_start_timer(loop, &a.timer, 1000);
}

START_TEST(timers_fire_in_the_order_of_their_time)
{
    call_in_a_turn(start_out_of_order);
    while (n_letters < 3)
        loop_turn(loop, 1000);
    assert_traced("abc");
    ck_assert_uint_eq(a.timer.heap_index, 0);
}
END_TEST

START_TEST(a_timer_does_not_fire_before_its_time)
{
    int64_t before_us = base_clock_monotonic_us();
    loop_start_timer(loop, &a.timer, 20500);
    while (n_letters == 0)
        loop_turn(loop, -1);
    ck_assert_int_ge(base_clock_monotonic_us() - before_us, 20500);
}
END_TEST

START_TEST(a_turn_ends_at_its_timeout_when_the_timer_is_later)
{
    loop_start_timer(loop, &a.timer, INT64_MAX);
    loop_start_timer(loop, &b.timer, 60 * 1000000);
    int64_t before_us = base_clock_monotonic_us();
    loop_turn(loop, 5);
    int64_t passed_us = base_clock_monotonic_us() - before_us;
    ck_assert_int_ge(passed_us, 4000);
    ck_assert_int_lt(passed_us, 50 * 1000000);
    assert_traced("");
}
END_TEST

START_TEST(a_timer_started_after_a_long_wait_counts_from_its_start)
{
    usleep(20000);
    int64_t before_us = base_clock_monotonic_us();
    loop_start_timer(loop, &a.timer, 10000);
    ck_assert_int_ge(a.timer.due_us, before_us + 10000);
}
END_TEST

static void start_and_move(struct loop_deferred *deferred)
{
    (void)deferred;
    loop_start_timer(loop, &a.timer, 1000);
    loop_start_timer(loop, &b.timer, 2000);
    loop_start_timer(loop, &c.timer, 60 * 1000000);
    loop_start_timer(loop, &a.timer, 3000);
    loop_start_timer(loop, &c.timer, 0);
}

START_TEST(starting_an_active_timer_moves_it)
{
    call_in_a_turn(start_and_move);
    while (n_letters < 3)
        loop_turn(loop, 1000);
    assert_traced("cba");
}
END_TEST

static void stop_timer_of_b(struct actor *actor)
{
    (void)actor;
    loop_stop_timer(loop, &b.timer);
}

START_TEST(a_due_timer_stopped_by_an_earlier_one_does_not_fire)
{
    a.act = stop_timer_of_b;
    loop_start_timer(loop, &a.timer, 1);
    loop_start_timer(loop, &b.timer, 2);
    loop_start_timer(loop, &c.timer, 3);
    usleep(1000);
    loop_turn(loop, 0);
    assert_traced("ac");
}
END_TEST

static void start_timer_again(struct actor *actor)
{
    loop_start_timer(loop, &actor->timer, 0);
}

START_TEST(a_timer_that_starts_itself_again_fires_once_a_turn)
{
    a.act = start_timer_again;
    loop_start_timer(loop, &a.timer, 0);
    usleep(1000);
    loop_turn(loop, 0);
    assert_traced("a");
    loop_turn(loop, 1000);
    assert_traced("aa");
}
END_TEST

struct dated {
    struct loop_timer timer;
    int64_t *last_due_us;
    size_t *n_fired;
};

static void date_fired(struct loop_timer *timer)
{
    struct dated *dated = BASE_CONTAINER(timer, struct dated, timer);
    ck_assert_int_ge(timer->due_us, *dated->last_due_us);
    *dated->last_due_us = timer->due_us;
    (*dated->n_fired)++;
}

START_TEST(a_thousand_timers_started_moved_and_stopped_stay_in_order)
{
    static struct dated dated[1000];
    int64_t last_due_us = 0;
    size_t n_fired = 0;
    size_t n_active = 0;
    srandom(1);
    for (size_t i = 0; i < BASE_COUNT(dated); i++)
        dated[i] = (struct dated){{.fired = date_fired}, &last_due_us, &n_fired};
    for (size_t i = 0; i < 10 * BASE_COUNT(dated); i++) {
        struct loop_timer *timer = &dated[(size_t)random() % BASE_COUNT(dated)].timer;
        if (random() % 3 == 0)
            loop_stop_timer(loop, timer);
        else
            loop_start_timer(loop, timer, random() % 5000);
    }
    for (size_t i = 0; i < BASE_COUNT(dated); i++)
        n_active += dated[i].timer.heap_index != 0;
    ck_assert_uint_gt(n_active, 100);
    for (int i = 0; i < 1000 && n_fired < n_active; i++)
        loop_turn(loop, 10);
    ck_assert_uint_eq(n_fired, n_active);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        timers_fire_in_the_order_of_their_time,
        a_timer_does_not_fire_before_its_time,
        a_turn_ends_at_its_timeout_when_the_timer_is_later,
        a_timer_started_after_a_long_wait_counts_from_its_start,
        starting_an_active_timer_moves_it,
        a_due_timer_stopped_by_an_earlier_one_does_not_fire,
        a_timer_that_starts_itself_again_fires_once_a_turn,
        a_thousand_timers_started_moved_and_stopped_stay_in_order};
    TCase *rules = tcase_create("timers");
    tcase_add_checked_fixture(rules, set_up, tear_down);
    for (size_t i = 0; i < BASE_COUNT(tests); i++)
        tcase_add_test(rules, tests[i]);
    Suite *suite = suite_create("timers");
    suite_add_tcase(suite, rules);
    return support_run(suite);
}
