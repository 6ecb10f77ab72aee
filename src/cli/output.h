/*
 * output: bytes on their way to a descriptor that may be a file, a pipe or a terminal. Where the
 * reader of a pipe is slow the loop goes on meanwhile, so that signals are seen; that it is gone is
 * noticed also while there is nothing to write.
 */
#ifndef CARTD_CLI_OUTPUT_H
#define CARTD_CLI_OUTPUT_H

#include "base.h"
#include "loop.h"

struct output {
    /* Set by the caller. */
    struct loop *loop;
    int fd;
    void (*changed)(struct output *output); /* all was written, or `error` is set */

    struct base_buffer buffer; /* append, then output_write() */
    int error;                 /* errno; EPIPE: nobody reads any more; 0: none */

    /* The output's. */
    size_t n_written;
    struct loop_watch watch;
    bool is_watchable;
};

/* SIGPIPE must be ignored. */
void output_init(struct output *output);
void output_finish(struct output *output);
/* Writes what the buffer has. True: all of it, and the buffer is empty; else changed() is called
 * later. */
bool output_write(struct output *output) BASE_MUST_CHECK;
/* Forgets what was not begun: at most the rest of a line is still to be written. */
void output_cut(struct output *output);

#endif
