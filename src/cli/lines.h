/*
 * lines: the lines of a stream of any length, in bounded memory. A last line need not end.
 */
#ifndef CARTD_CLI_LINES_H
#define CARTD_CLI_LINES_H

#include <sys/types.h>

#include "base.h"

enum lines_outcome {
    LINES_LINE,     /* `text`, `length` and `number` are set */
    LINES_TOO_LONG, /* `number` is that of a line with more than `most` bytes */
    LINES_MORE,     /* lines_fill() first */
    LINES_END       /* there is nothing more */
};

struct lines {
    size_t most;      /* bytes of a line; set by the caller */
    const char *text; /* without its line end; borrowed until the next call */
    size_t length;
    int64_t number; /* from 1 */
    int64_t n_consumed;

    struct base_buffer buffer;
    size_t start;    /* of what was not given out yet */
    size_t searched; /* up to here there is no line end */
    bool has_ended;
};

enum lines_outcome lines_next(struct lines *lines) BASE_MUST_CHECK;
/* Reads once, after LINES_MORE. False, with errno: it can't be read. */
bool lines_fill(struct lines *lines, int fd) BASE_MUST_CHECK;
void lines_finish(struct lines *lines);

#endif
