/*
 * progress: one line on a terminal that says how far a long task is, redrawn in place at most five
 * times a second and erased at the end. Where stderr is no terminal it writes nothing.
 */
#ifndef CARTD_CLI_PROGRESS_H
#define CARTD_CLI_PROGRESS_H

#include "base.h"

#define PROGRESS_INTERVAL_US 200000

struct progress {
    const char *task; /* "importing"; borrowed */
    const char *unit; /* of what is counted, "lines"; borrowed */
    int64_t n_bytes;  /* of the whole; 0: nobody knows */
    int64_t started_at_us;
    int64_t drawn_at_us;
    bool is_on;
    bool is_drawn;
};

void progress_start(struct progress *progress, const char *task, int64_t n_bytes);
/* Of a whole that is counted in the unit itself: progress_show() is given the same number twice,
 * and progress.n_bytes is how many there are. */
void progress_start_counted(struct progress *progress, const char *task, const char *unit);
/* Redraws when it is time to. */
void progress_show(struct progress *progress, int64_t n_lines, int64_t n_bytes_done);
/* Takes the line away, for other words on stderr or for good; progress_show() brings it back. */
void progress_erase(struct progress *progress);

/* What the line says: "importing: 120,000 lines, 40,000 a second, 12 %, 22 s left". Appends to
 * `out`. `n_bytes` as above. */
void progress_write(
    struct base_buffer *out, const char *task, const char *unit, int64_t n_lines,
    int64_t n_bytes_done, int64_t n_bytes, int64_t elapsed_us);
/* 1234567 as 1,234,567; 3725 as "1 h 2 min 5 s". */
void progress_append_number(struct base_buffer *out, int64_t number);
void progress_append_duration(struct base_buffer *out, int64_t seconds);

#endif
