/*
 * progress: one line on a terminal that says how far a long task is, redrawn in place and erased at
 * the end. Where stderr is no terminal it writes nothing.
 */
#ifndef CARTD_CLI_PROGRESS_H
#define CARTD_CLI_PROGRESS_H

#include "base.h"

#define PROGRESS_INTERVAL_US 200000 /* at which it is redrawn */

struct progress {
    const char *task; /* "importing"; borrowed */
    const char *unit; /* of what is counted, "lines"; borrowed */
    int64_t n_whole;  /* of what is to be done; 0: nobody knows */
    int64_t started_at_us;
    bool is_on;
    bool is_drawn;
};

void progress_start(struct progress *progress, const char *task, const char *unit);
/* Draws that n_units were done, which are n_done of the whole. */
void progress_show(struct progress *progress, int64_t n_units, int64_t n_done);
/* Takes the line away, for other words on stderr or for good; progress_show() brings it back. */
void progress_erase(struct progress *progress);

/* What the line says: "importing: 120,000 lines, 40,000 a second, 12 %, 22 s left". Appends to
 * `out`. */
void progress_write(
    struct base_buffer *out, const char *task, const char *unit, int64_t n_units, int64_t n_done,
    int64_t n_whole, int64_t elapsed_us);
/* 1234567 as 1,234,567; 3725 as "1 h 2 min 5 s". */
void progress_append_number(struct base_buffer *out, int64_t number);
void progress_append_duration(struct base_buffer *out, int64_t seconds);

#endif
