/*
 * lines: the lines of a source of any length, in bounded memory. A last line need not end.
 */
#ifndef CARTD_CLI_LINES_H
#define CARTD_CLI_LINES_H

#include "source.h"

enum lines_outcome {
    LINES_LINE,     /* `text`, `length` and `number` are set */
    LINES_TOO_LONG, /* `number` is that of a line with more than `most` bytes */
    LINES_MORE,     /* source_fill() first */
    LINES_END       /* there is nothing more */
};

struct lines {
    struct source *source; /* set by the caller */
    size_t most;           /* bytes of a line; set by the caller */
    const char *text;      /* without its line end; borrowed until the source is filled */
    size_t length;
    int64_t number; /* from 1 */

    size_t n_searched; /* bytes of the source that have no line end */
};

enum lines_outcome lines_next(struct lines *lines) BASE_MUST_CHECK;

#endif
