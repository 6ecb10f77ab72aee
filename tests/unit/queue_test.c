/* The queue without a server: nothing listens on the port, so what is asked waits. */
#include "queue.h"

#include <stdlib.h>

#include "support.h"

#define N_REQUESTS 4
#define WAIT_US 120000

struct scene {
    struct base_log log;
    struct metrics metrics;
    struct loop *loop;
    struct queue queue;
    struct queue_request requests[N_REQUESTS];
    size_t n_sends;
};

static size_t n_answered;
static const struct queue_request *answers[N_REQUESTS];

static void answered(struct queue_request *request)
{
    answers[n_answered++] = request;
}

static void never_sends(struct queue *queue)
{
    BASE_CONTAINER(queue, struct scene, queue)->n_sends++;
}

static void begin(struct scene *scene, bool waits_while_connected)
{
    *scene = (struct scene){.log = {.fd = -1}, .loop = loop_create()};
    n_answered = 0;
    queue_init(
        &scene->queue, &(struct queue_options){
                           .loop = scene->loop,
                           .metrics = &scene->metrics,
                           .answers = METRICS_READS,
                           .seconds = METRICS_READ_SECONDS,
                           .wait_us = WAIT_US,
                           .waits_while_connected = waits_while_connected,
                           .requests_max = N_REQUESTS - 1,
                           .sends_max = 1,
                           .send = never_sends,
                           .answered = answered,
                       });
    char *problem = NULL;
    static const struct postgres_statement *const no_statements[] = {NULL};
    scene->queue.connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = scene->loop,
            .log = &scene->log,
            .url = "host=127.0.0.1 port=1",
            .role = "test",
            .statements = no_statements,
            .answer_timeout_ms = 1000,
            .changed = queue_connection_changed,
            .context = &scene->queue,
        },
        &problem);
    ck_assert_ptr_nonnull(scene->queue.connection);
}

static void end(struct scene *scene)
{
    postgres_connection_destroy(scene->queue.connection);
    queue_finish(&scene->queue);
    ck_assert_uint_eq(scene->n_sends, 0); /* as there never was a connection */
    loop_destroy(scene->loop);
}

static void turn_until_answered(struct scene *scene, size_t n)
{
    while (n_answered < n)
        loop_turn(scene->loop, 10);
}

START_TEST(a_request_too_many_is_rejected_in_the_next_turn)
{
    struct scene scene;
    begin(&scene, false);
    for (size_t i = 0; i < N_REQUESTS; i++)
        queue_ask(&scene.queue, &scene.requests[i]);
    ck_assert_uint_eq(n_answered, 0);
    loop_turn(scene.loop, 0);
    ck_assert_uint_eq(n_answered, 1);
    ck_assert_ptr_eq(answers[0], &scene.requests[N_REQUESTS - 1]);
    ck_assert_int_eq(answers[0]->failure, BASE_OVERLOADED);
    end(&scene);
}
END_TEST

START_TEST(requests_that_have_waited_too_long_are_given_up_in_their_order)
{
    struct scene scene;
    begin(&scene, true); /* the wait ends without a connection */
    queue_ask(&scene.queue, &scene.requests[0]);
    queue_ask(&scene.queue, &scene.requests[1]);
    loop_turn(scene.loop, 0);
    ck_assert_uint_eq(n_answered, 0);
    turn_until_answered(&scene, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_eq(answers[i], &scene.requests[i]);
        ck_assert_int_eq(answers[i]->failure, BASE_UNAVAILABLE);
    }
    ck_assert_int_ge(base_clock_monotonic_us() - scene.requests[1].asked_at_us, WAIT_US);
    end(&scene);
}
END_TEST

START_TEST(nobody_waits_for_a_connection_that_has_been_down_that_long)
{
    struct scene scene;
    begin(&scene, false);
    queue_ask(&scene.queue, &scene.requests[0]);
    turn_until_answered(&scene, 1);
    queue_ask(&scene.queue, &scene.requests[1]);
    loop_turn(scene.loop, 0);
    ck_assert_uint_eq(n_answered, 2);
    ck_assert_int_eq(scene.requests[1].failure, BASE_UNAVAILABLE);
    end(&scene);
}
END_TEST

START_TEST(an_outcome_is_received_put_back_or_answered_with_its_failure)
{
    static const struct {
        enum postgres_outcome outcome;
        enum base_failure failure;
        bool is_received;
        bool is_put_back;
    } cases[] = {
        {POSTGRES_DONE, BASE_NO_FAILURE, true, false},
        {POSTGRES_UNACKNOWLEDGED, BASE_NO_FAILURE, true, false},
        {POSTGRES_AGAIN, BASE_TOO_SLOW, false, true},
        {POSTGRES_UNAVAILABLE, BASE_UNAVAILABLE, false, true},
        {POSTGRES_UNKNOWN, BASE_UNKNOWN, false, true},
        {POSTGRES_UNABLE, BASE_UNAVAILABLE, false, false},
        {POSTGRES_VIOLATED, BASE_BROKEN, false, false},
        {POSTGRES_FAILED, BASE_BROKEN, false, false},
    };
    for (size_t i = 0; i < BASE_COUNT(cases); i++) {
        struct scene scene;
        begin(&scene, false);
        queue_ask(&scene.queue, &scene.requests[0]);
        struct queue_request *taken = queue_take(&scene.queue);
        ck_assert_ptr_eq(taken, &scene.requests[0]);
        ck_assert_int_eq(postgres_failure(cases[i].outcome), cases[i].failure);
        ck_assert(queue_receive(&scene.queue, taken, cases[i].outcome) == cases[i].is_received);
        ck_assert(!TAILQ_EMPTY(&scene.queue.waiting) == cases[i].is_put_back);
        bool is_answered = !cases[i].is_received && !cases[i].is_put_back;
        ck_assert_uint_eq(n_answered, is_answered);
        if (is_answered)
            ck_assert_int_eq(taken->failure, cases[i].failure);
        end(&scene);
    }
}
END_TEST

START_TEST(whoever_waits_at_the_end_is_answered)
{
    struct scene scene;
    begin(&scene, false);
    queue_ask(&scene.queue, &scene.requests[0]);
    end(&scene);
    ck_assert_uint_eq(n_answered, 1);
    ck_assert_int_eq(scene.requests[0].failure, BASE_UNAVAILABLE);
    ck_assert_int_eq(scene.metrics.numbers[METRICS_READS], 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *cases = tcase_create("queue");
    tcase_add_test(cases, a_request_too_many_is_rejected_in_the_next_turn);
    tcase_add_test(cases, requests_that_have_waited_too_long_are_given_up_in_their_order);
    tcase_add_test(cases, nobody_waits_for_a_connection_that_has_been_down_that_long);
    tcase_add_test(cases, an_outcome_is_received_put_back_or_answered_with_its_failure);
    tcase_add_test(cases, whoever_waits_at_the_end_is_answered);
    suite_add_tcase(suite, cases);
    return support_run(suite);
}
