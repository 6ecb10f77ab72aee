#include "progress.h"

#include <stdio.h>
#include <unistd.h>

/* Erases to the end of the line, ECMA-48 section 8.3.41: every terminal since the VT100. */
#define ERASE_LINE "\r\033[K"

void progress_start(struct progress *progress, const char *task, const char *unit)
{
    *progress = (struct progress){
        .task = task,
        .unit = unit,
        .started_at_us = base_clock_monotonic_us(),
        .is_on = isatty(STDERR_FILENO) == 1,
    };
}

void progress_append_number(struct base_buffer *out, int64_t number)
{
    if (number >= 1000) {
        progress_append_number(out, number / 1000);
        base_buffer_printf(out, ",%03d", (int)(number % 1000));
    } else {
        base_buffer_append_int(out, number);
    }
}

void progress_append_duration(struct base_buffer *out, int64_t seconds)
{
    if (seconds >= 3600)
        base_buffer_printf(out, "%d h ", (int)(seconds / 3600));
    if (seconds >= 60)
        base_buffer_printf(out, "%d min ", (int)(seconds / 60 % 60));
    base_buffer_printf(out, "%d s", (int)(seconds % 60));
}

void progress_write(
    struct base_buffer *out, const char *task, const char *unit, int64_t n_units, int64_t n_done,
    int64_t n_whole, int64_t elapsed_us)
{
    double seconds = elapsed_us > 0 ? (double)elapsed_us / 1e6 : 1e-6;
    base_buffer_printf(out, "%s: ", task);
    progress_append_number(out, n_units);
    base_buffer_printf(out, " %s, ", unit);
    progress_append_number(out, (int64_t)((double)n_units / seconds));
    base_buffer_append_text(out, " a second");
    if (n_whole <= 0 || n_done <= 0)
        return;
    /* A file that grows meanwhile is done to 100 % at most. */
    double done = n_done < n_whole ? (double)n_done / (double)n_whole : 1;
    base_buffer_printf(out, ", %d %%, ", (int)(done * 100));
    progress_append_duration(out, (int64_t)(seconds / done - seconds + 0.5));
    base_buffer_append_text(out, " left");
}

void progress_show(struct progress *progress, int64_t n_units, int64_t n_done)
{
    if (!progress->is_on)
        return;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    base_buffer_append_text(&line, ERASE_LINE);
    progress_write(
        &line, progress->task, progress->unit, n_units, n_done, progress->n_whole,
        base_clock_monotonic_us() - progress->started_at_us);
    fputs(base_buffer_text(&line), stderr);
    fflush(stderr);
    progress->is_drawn = true;
}

void progress_erase(struct progress *progress)
{
    if (progress->is_drawn) {
        fputs(ERASE_LINE, stderr);
        fflush(stderr);
        progress->is_drawn = false;
    }
}
