/*
 * What the tests of postgres share: a loop, a database, a connection, pipelines that remember when
 * they were answered, and a log that can be searched.
 */
#ifndef CARTD_POSTGRES_FIXTURE_H
#define CARTD_POSTGRES_FIXTURE_H

#include "support.h"

#include "postgres.h"

struct fixture {
    struct loop *loop;
    char *url;
    struct base_log log;
    struct postgres_options options; /* may be changed before fixture_connect() */
    struct postgres_connection *connection;
    size_t n_changes;
    size_t n_answered;
};

/* Of every test: makes the loop, a database and the log. */
void fixture_setup(void);
void fixture_teardown(void);
extern struct fixture fixture;

/* Creates the connection without waiting, with the statements (NULL ends them). */
void fixture_create(const struct postgres_statement *const *statements);
/* Creates it and waits until it is ready. */
void fixture_connect(const struct postgres_statement *const *statements);
void fixture_destroy(void);

/* Turns the loop until the expression holds; fails the test after 20 s, or when one turn blocks. */
#define fixture_wait(expression)                                                                   \
    do {                                                                                           \
        int64_t fixture_start_us = base_clock_monotonic_us();                                      \
        while (!(expression)) {                                                                    \
            fixture_turn();                                                                        \
            ck_assert_msg(                                                                         \
                base_clock_monotonic_us() - fixture_start_us < 20000000, "never: %s",              \
                #expression);                                                                      \
        }                                                                                          \
    } while (0)
void fixture_turn(void);

/* A pipeline that remembers its answer. Zero-initialise it. */
struct asked {
    struct postgres_pipeline pipeline;
    size_t answered_as; /* from 1, in the order of the answers; 0: not answered */
    void (*then)(struct asked *asked);
};
/* Begins the pipeline with one statement. */
struct postgres_parameters *asked_begin(
    struct asked *asked, const struct postgres_statement *statement);
void asked_send(struct asked *asked);
/* Sends, waits for the answer and checks the outcome. */
void asked_expect(struct asked *asked, enum postgres_outcome outcome);
/* The same for one statement without parameters; the pipeline is finished. */
void fixture_expect(const struct postgres_statement *statement, enum postgres_outcome outcome);

/* By a session of its own, on the test's database. */
void fixture_run(const char *sql);
/* The first cell; the caller's to free. */
char *fixture_ask(const char *sql);
void fixture_assert_answer(const char *sql, const char *expected);

/* How often the text is in the log. */
size_t fixture_count_in_log(const char *text);

#endif
