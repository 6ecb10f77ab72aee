/*
 * log_reader: the events of the log, or of one cart, in order and each once, over a connection that
 * may be lost and come back. It asks ahead by one page, holds as many pages and no more, and waits
 * for whoever takes them.
 */
#ifndef CARTD_CLI_LOG_READER_H
#define CARTD_CLI_LOG_READER_H

#include "eventstore.h"
#include "task.h"

#define LOG_READER_PAGE 1000 /* positions, or versions, that are asked for at once */

enum log_reader_end {
    LOG_READER_GOES_ON,
    LOG_READER_READ_ALL,
    LOG_READER_NO_CART,
    LOG_READER_BACKWARDS, /* the log ends before what was read of it: it is another one */
    LOG_READER_FAILED     /* a statement was refused; it was logged */
};

/* Events of a range of positions, or versions. */
struct log_reader_page {
    struct log_reader *reader;
    struct postgres_pipeline pipeline;
    int64_t after;
    int64_t until;
    enum { LOG_READER_IDLE, LOG_READER_UNDER_WAY, LOG_READER_LOST, LOG_READER_HERE } state;
};

struct log_reader {
    /* Set by the caller. */
    struct task *task;
    const struct base_uuid *cart_id; /* NULL: the whole log */
    const char *const *types;
    size_t n_types; /* 0: all; not for a cart */
    int64_t after;  /* a position, or a version of the cart; moves as pages are received */
    bool follows;   /* never reads all */
    /* Rows for eventstore_receive_event(). False: no more until log_reader_go_on(). */
    bool (*received)(struct log_reader *reader, const struct postgres_rows *rows);
    void (*ended)(struct log_reader *reader); /* `end` is set */

    enum log_reader_end end;
    int64_t until; /* the end of the log as it was seen, or INT32_MAX for a cart */

    /* The reader's. */
    struct postgres_pipeline head;
    struct loop_timer rest;
    struct log_reader_page pages[2];
    size_t next_page; /* the one to be received next */
    int64_t asked;
    bool has_until;
    bool needs_head; /* before anything else is asked: the log may be another one now */
    bool is_asking_head;
    bool is_held;
};

/* The statements that the task must prepare are eventstore_log_statements. */
void log_reader_init(struct log_reader *reader);
/* The task is ready: begins, or goes on behind the last page that was received. */
void log_reader_start(struct log_reader *reader);
void log_reader_go_on(struct log_reader *reader);
/* Between task_disconnect() and task_close(). */
void log_reader_finish(struct log_reader *reader);

#endif
