#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The feed on a database of its own. Events are appended by SQL, so that it finds them only when it
 * looks, and listeners take as much as a test lets them. */
static char *url;
static struct loop *loop;
static struct metrics metrics;
static struct feed *feed;

/* Most tests want few events to fill it. */
#define MEMORY_BYTES (16 * 1024)

static void open_feed(void)
{
    char *problem = NULL;
    url = support_create_migrated_database();
    loop = loop_create();
    memset(&metrics, 0, sizeof metrics);
    feed = feed_create(
        &(struct feed_options){
            .loop = loop,
            .log = support_quiet_log(),
            .metrics = &metrics,
            .url = url,
            .wait_ms = 10000,
            .memory_bytes = MEMORY_BYTES,
            .listeners_max = 4,
        },
        &problem);
    ck_assert_msg(feed != NULL, "%s", problem);
    for (int i = 0; i < 2000 && !feed_is_ready(feed); i++)
        loop_turn(loop, 10);
    ck_assert(feed_is_ready(feed));
}

static void close_feed(void)
{
    feed_destroy(feed);
    loop_destroy(loop);
    support_drop_database(url);
}

static struct base_uuid cart_of(uint8_t number)
{
    return (struct base_uuid){{[15] = number}};
}

/* Appends n events of one type to a cart, after `version`. */
static void append(uint8_t cart, int version, int n, const char *type)
{
    char sql[1024];
    char id[BASE_UUID_SIZE];
    struct base_uuid cart_id = cart_of(cart);
    base_uuid_format(&cart_id, id);
    (void)snprintf(
        sql, sizeof sql,
        "WITH head AS (\n"
        "    UPDATE log_head SET position = position + %d, recorded_at = now()\n"
        "    RETURNING position - %d AS before, recorded_at\n"
        ")\n"
        "INSERT INTO events\n"
        "SELECT before + i, 'cart', '%s', %d + i, '%s', 1, '{}',\n"
        "    '{\"command_id\": \"%s\", \"actor\": \"x\"}', '%s', recorded_at\n"
        "FROM head, generate_series(1, %d) i",
        n, n, id, version, type, id, id, n);
    support_run_sql(url, sql);
}

/* ---- a listener that notes what it takes ----------------------------------------------------- */

struct noting {
    struct feed_listener listener;
    int64_t noted[5000]; /* positions, or versions of a cart */
    size_t n;
    size_t most; /* it takes until it has that many */
    bool leaves; /* then, or else it is blocked */
    bool is_ended;
    enum feed_end end;
};

static size_t take(struct feed_listener *listener, const struct feed_event *events, size_t n)
{
    struct noting *noting = BASE_CONTAINER(listener, struct noting, listener);
    size_t n_taken = 0;
    while (n_taken < n && noting->n < noting->most) {
        const struct feed_event *event = &events[n_taken++];
        ck_assert_int_eq(event->framed[event->framed_length - 1], '\n');
        ck_assert_int_eq(event->json[0], '{');
        ck_assert_int_eq(event->json[event->json_length - 1], '}');
        noting->noted[noting->n++] = listener->source.is_of_cart ? event->version : event->position;
    }
    if (noting->leaves && noting->n == noting->most)
        feed_unlisten(feed, listener);
    return n_taken;
}

static void ended(struct feed_listener *listener, enum feed_end end)
{
    struct noting *noting = BASE_CONTAINER(listener, struct noting, listener);
    feed_unlisten(feed, listener);
    noting->is_ended = true;
    noting->end = end;
}

static void listen(struct noting *noting, int cart, int64_t after)
{
    noting->listener.source.is_of_cart = cart > 0;
    noting->listener.source.cart_id = cart_of((uint8_t)cart);
    noting->listener.after = after;
    noting->listener.take = take;
    noting->listener.ended = ended;
    if (noting->most == 0)
        noting->most = BASE_COUNT(noting->noted);
    ck_assert(feed_listen(feed, &noting->listener));
}

#define turn_until(condition)                                                                      \
    do {                                                                                           \
        for (int turn = 0; turn < 2000 && !(condition); turn++)                                    \
            loop_turn(loop, 10);                                                                   \
        ck_assert_msg((condition), "never: %s", #condition);                                       \
    } while (0)

static void assert_places(const struct noting *noting, int64_t first, int64_t last)
{
    ck_assert_int_eq((int64_t)noting->n, last - first + 1);
    for (size_t i = 0; i < noting->n; i++)
        ck_assert_int_eq(noting->noted[i], first + (int64_t)i);
}

/* Long enough for a poll of the log. */
static void turn_for_a_while(void)
{
    int64_t end_us = base_clock_monotonic_us() + 3 * FEED_POLL_MS * 1000;
    while (base_clock_monotonic_us() < end_us)
        loop_turn(loop, 10);
}

/* A listener to the whole log, so that it is followed. */
static struct noting keeper;

static void keep_following(int64_t head)
{
    memset(&keeper, 0, sizeof keeper);
    listen(&keeper, 0, head);
    turn_until(keeper.listener.state == LISTENER_IDLE);
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(an_event_that_was_read_before_it_is_noticed_comes_once)
{
    static struct noting noting;
    append(1, 0, 1, "CartCreated");
    keep_following(1);
    for (int version = 1; version <= 5; version++) {
        append(1, version, 1, "CartCleared");
        memset(&noting, 0, sizeof noting);
        listen(&noting, 1, 0);
        turn_until(noting.n == (size_t)version + 1);
        turn_until(feed_head(feed) == version + 1); /* only now the feed has polled */
        turn_for_a_while();
        assert_places(&noting, 1, version + 1);
        feed_unlisten(feed, &noting.listener);
    }
    assert_places(&keeper, 2, 6);
    feed_unlisten(feed, &keeper.listener);
}
END_TEST

START_TEST(what_has_left_the_memory_while_a_listener_was_blocked_is_read_again)
{
    static struct noting log, cart;
    append(1, 0, 1, "CartCreated");
    memset(&log, 0, sizeof log);
    memset(&cart, 0, sizeof cart);
    log.most = cart.most = 3;
    listen(&log, 0, 0);
    listen(&cart, 1, 0);
    turn_until(log.listener.state == LISTENER_IDLE && cart.listener.state == LISTENER_IDLE_CART);
    append(1, 1, 2, "CartCleared");
    turn_until(log.n == 3 && cart.n == 3);
    /* Of these they take none, and then the first leave the memory. */
    append(1, 3, 20, "CartCleared");
    turn_until(log.listener.state == LISTENER_BLOCKED && cart.listener.state == LISTENER_BLOCKED);
    int n_others = 0;
    while (feed->memory.tail <= 6) {
        append(2, n_others++, 1, "CartCleared");
        turn_until(feed_head(feed) == 23 + n_others);
    }
    ck_assert_int_le(feed->memory.tail, 23);
    ck_assert(!log.is_ended && !cart.is_ended);
    log.most = cart.most = BASE_COUNT(log.noted);
    feed_go_on(feed, &log.listener);
    feed_go_on(feed, &cart.listener);
    turn_until(cart.n >= 23 && log.n >= 23 + (size_t)n_others);
    /* And they are not read for for ever. */
    turn_until(log.listener.state == LISTENER_IDLE && cart.listener.state == LISTENER_IDLE_CART);
    append(1, 23, 1, "CartCleared");
    turn_until(cart.n >= 24);
    turn_for_a_while();
    assert_places(&cart, 1, 24);
    assert_places(&log, 1, 24 + n_others);
    feed_unlisten(feed, &log.listener);
    feed_unlisten(feed, &cart.listener);
}
END_TEST

START_TEST(who_takes_nothing_while_the_memory_passes_by_is_ended)
{
    static struct noting stuck, slow;
    append(1, 0, 1, "CartCreated");
    memset(&stuck, 0, sizeof stuck);
    memset(&slow, 0, sizeof slow);
    stuck.most = 1;
    slow.most = 1;
    listen(&stuck, 0, 0);
    listen(&slow, 1, 0);
    turn_until(stuck.n == 1 && slow.n == 1);
    for (int version = 1; !stuck.is_ended; version += 4) {
        ck_assert_int_lt(version, 1000);
        append(1, version, 4, "CartCleared");
        turn_until(feed_head(feed) == version + 4);
        slow.most++; /* one of four: it falls behind, but goes on */
        feed_go_on(feed, &slow.listener);
        loop_turn(loop, 0);
    }
    ck_assert_int_eq(stuck.end, FEED_TOO_SLOW);
    ck_assert_int_gt(feed->memory.tail, 2);
    ck_assert(!slow.is_ended);
    ck_assert_int_eq(metrics.numbers[METRICS_FEED_CUT_OFF], 1);
    ck_assert_int_eq(metrics.numbers[METRICS_FEED_LISTENERS], 1);
    int64_t head = feed_head(feed);
    slow.most = BASE_COUNT(slow.noted);
    feed_go_on(feed, &slow.listener);
    turn_until(slow.n == (size_t)head);
    assert_places(&slow, 1, head);
    feed_unlisten(feed, &slow.listener);
}
END_TEST

START_TEST(who_leaves_within_an_offer_is_not_offered_more)
{
    static struct noting first, second;
    append(1, 0, 50, "CartCleared");
    for (int round = 0; round < 2; round++) {
        memset(&first, 0, sizeof first);
        memset(&second, 0, sizeof second);
        first.most = second.most = 7;
        first.leaves = second.leaves = true;
        listen(&first, 0, round == 0 ? 0 : 50);
        listen(&second, 1, round == 0 ? 0 : 50);
        if (round == 1) {
            turn_until(second.listener.state == LISTENER_IDLE_CART);
            append(1, 50, 20, "CartCleared");
        }
        turn_until(first.n == 7 && second.n == 7);
        turn_for_a_while();
        assert_places(&first, round == 0 ? 1 : 51, round == 0 ? 7 : 57);
        assert_places(&second, round == 0 ? 1 : 51, round == 0 ? 7 : 57);
        ck_assert_int_eq(feed->state, TAIL_STOPPED);
        ck_assert_int_eq(feed_head(feed), -1);
    }
}
END_TEST

START_TEST(listeners_may_come_and_go_at_any_moment)
{
    static struct noting noting;
    append(1, 0, 10, "CartCleared");
    for (int n_turns = 0; n_turns < 40; n_turns++) {
        struct noting *brief = base_alloc(sizeof *brief);
        listen(brief, n_turns % 2, 4);
        for (int i = 0; i < n_turns / 2; i++)
            loop_turn(loop, 0);
        feed_unlisten(feed, &brief->listener);
        feed_unlisten(feed, &brief->listener); /* does nothing */
        free(brief);
    }
    memset(&noting, 0, sizeof noting);
    listen(&noting, 0, 4);
    turn_until(noting.n == 6);
    append(1, 10, 1, "CartCleared");
    turn_until(noting.n == 7);
    assert_places(&noting, 5, 11);
    feed_unlisten(feed, &noting.listener);
}
END_TEST

START_TEST(an_answer_to_those_who_have_left_is_not_taken_for_another)
{
    int version = 0;
    for (int round = 0; round < 10; round++) {
        append(1, version++, 1, "CartCleared");
        keep_following(version);
        append(1, version++, 1, "CartCleared");
        feed_poke(feed, version);
        for (int i = 0; i < 100000 && feed->state != TAIL_READING; i++)
            loop_turn(loop, 0);
        feed_unlisten(feed, &keeper.listener);
        for (int i = 0; i < 100000 && feed->state != TAIL_STOPPED; i++)
            loop_turn(loop, 0);
    }
    keep_following(0);
    turn_until(keeper.n == (size_t)version);
    assert_places(&keeper, 1, version);
    feed_unlisten(feed, &keeper.listener);
}
END_TEST

START_TEST(a_poke_is_looked_into_at_once)
{
    append(1, 0, 1, "CartCleared");
    keep_following(1);
    feed_poke(feed, 1); /* known already */
    for (int i = 0; i < 20; i++) {
        append(1, 1 + i, 1, "CartCleared");
        feed_poke(feed, 2 + i);
        ck_assert(
            feed->state == TAIL_READING ||
            feed->tail_timer.due_us <= loop_now_us(loop) + TAIL_PACE_US);
        turn_until(keeper.n == (size_t)i + 1);
    }
    assert_places(&keeper, 2, 21);
    feed_unlisten(feed, &keeper.listener);
    turn_for_a_while();
    feed_poke(feed, 100); /* nobody listens */
    ck_assert_int_eq(feed->state, TAIL_STOPPED);
}
END_TEST

START_TEST(of_few_types_the_others_are_passed_over)
{
    static struct noting noting;
    append(1, 0, 30, "CartCleared");
    append(1, 30, 1, "CartCancelled");
    append(1, 31, 30, "NobodyKnowsThis");
    memset(&noting, 0, sizeof noting);
    noting.listener.source.types = feed_type("CartCancelled", 13) | feed_type("ItemAdded", 9);
    listen(&noting, 0, 0);
    turn_until(noting.listener.state == LISTENER_IDLE);
    ck_assert_int_eq(noting.listener.after, 61);
    append(1, 61, 2, "CartCleared");
    append(1, 63, 2, "ItemAdded");
    append(1, 65, 2, "NobodyKnowsThis");
    turn_until(noting.listener.after == 67);
    ck_assert_uint_eq(noting.n, 3);
    ck_assert_int_eq(noting.noted[0], 31);
    ck_assert_int_eq(noting.noted[1], 64);
    ck_assert_int_eq(noting.noted[2], 65);
    feed_unlisten(feed, &noting.listener);
}
END_TEST

START_TEST(no_more_listen_than_may_and_none_after_the_drain)
{
    static struct noting noting[5];
    memset(noting, 0, sizeof noting);
    for (int i = 0; i < 4; i++)
        listen(&noting[i], i % 2, 0);
    ck_assert(!feed_has_room(feed));
    noting[4].listener.take = take;
    noting[4].listener.ended = ended;
    ck_assert(!feed_listen(feed, &noting[4].listener));
    loop_turn(loop, 10);
    feed_drain(feed);
    for (int i = 0; i < 4; i++) {
        ck_assert(noting[i].is_ended);
        ck_assert_int_eq(noting[i].end, FEED_STOPPED);
    }
    ck_assert(!feed_listen(feed, &noting[4].listener));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed");
    TCase *cases = tcase_create("feed");
    tcase_add_checked_fixture(cases, open_feed, close_feed);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_event_that_was_read_before_it_is_noticed_comes_once);
    tcase_add_test(cases, what_has_left_the_memory_while_a_listener_was_blocked_is_read_again);
    tcase_add_test(cases, who_takes_nothing_while_the_memory_passes_by_is_ended);
    tcase_add_test(cases, who_leaves_within_an_offer_is_not_offered_more);
    tcase_add_test(cases, listeners_may_come_and_go_at_any_moment);
    tcase_add_test(cases, an_answer_to_those_who_have_left_is_not_taken_for_another);
    tcase_add_test(cases, a_poke_is_looked_into_at_once);
    tcase_add_test(cases, of_few_types_the_others_are_passed_over);
    tcase_add_test(cases, no_more_listen_than_may_and_none_after_the_drain);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
