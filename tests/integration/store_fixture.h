/*
 * store_fixture: a migrated database, a connection that has the event store's statements, a
 * pipeline to ask with, and appends of one event to each of some streams.
 */
#ifndef CARTD_TESTS_STORE_FIXTURE_H
#define CARTD_TESTS_STORE_FIXTURE_H

#include "eventstore.h"
#include "support.h"

extern char *url;
extern struct loop *loop;
extern struct eventstore *store;
extern struct postgres_connection *connection;
extern struct postgres_pipeline pipeline;

void open_store(void);
void close_store(void);
/* Connects anew, with other statements. */
void connect_with(const struct postgres_statement *const *statements);
void run_sql(const char *sql);

/* Sends the pipeline; waits for its answer; both, and asserts that all is done. */
void begin_asking(void);
void await_answer(void);
void ask(void);

struct base_uuid id_of(uint8_t number);

/* What append_to() does if shared streams are at it, whether its streams are shared, to which log;
 * and what the append answered. */
extern int64_t if_shared_position;
extern bool are_shared;
extern int64_t in_log;
extern const void *change; /* for the clauses */
extern struct eventstore_appended last_append;

/* A stream, by a number that its id is made of, and the version that an append expects it at: 0 is
 * a new one. */
struct stream_at {
    uint8_t number;
    int32_t at;
};
enum { FIRST = 1, SECOND };
/* Two arguments: append_to(STREAMS({FIRST, .at = 0}, {SECOND, .at = 0})). */
#define STREAMS(...)                                                                               \
    (const struct stream_at[]){__VA_ARGS__},                                                       \
        sizeof((const struct stream_at[]){__VA_ARGS__}) / sizeof(struct stream_at)
/* Puts the append of one event to each of some streams into the pipeline. */
void put_append(const struct stream_at *targets, size_t n);
/* The same, sent; returns the position after. */
#define NOTHING_APPENDED 0
int64_t append_to(const struct stream_at *targets, size_t n);
/* That there are n events, and that they are without a gap. Connects anew. */
void check_that_positions_are_dense(size_t n);

#endif
