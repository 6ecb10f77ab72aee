#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "source.h"

/* ---- writing --------------------------------------------------------------------------------- */

/* A descriptor may be shared with other processes, so it is not made non-blocking. A pipe that is
 * ready takes PIPE_BUF bytes without making anyone wait (pipe(7)). */
static bool is_ready(const struct output *output)
{
    struct pollfd entry = {.fd = output->fd, .events = POLLOUT};
    return !output->is_watchable || poll(&entry, 1, 0) != 0;
}

static void write_some(struct output *output)
{
    size_t n_left = output->buffer.length - output->n_written;
    size_t n = output->is_watchable && n_left > PIPE_BUF ? PIPE_BUF : n_left;
    ssize_t n_written = write(output->fd, output->buffer.bytes + output->n_written, n);
    if (n_written >= 0)
        output->n_written += (size_t)n_written;
    else if (errno != EINTR && errno != EAGAIN)
        output->error = errno;
}

/* Watched at all times, for an end of the pipe that goes away. */
static void watch_for(struct output *output, uint32_t events)
{
    if (!output->is_watchable)
        return;
    if (output->watch.is_active)
        loop_change_watch(output->loop, &output->watch, events);
    else if (output->error == 0)
        loop_start_watch(output->loop, &output->watch, output->fd, events);
}

bool output_write(struct output *output)
{
    while (output->error == 0 && output->n_written < output->buffer.length && is_ready(output))
        write_some(output);
    bool is_done = output->n_written == output->buffer.length;
    watch_for(output, is_done ? 0 : EPOLLOUT);
    if (!is_done)
        return false;
    output->buffer.length = 0;
    output->n_written = 0;
    return true;
}

void output_cut(struct output *output)
{
    struct base_buffer *buffer = &output->buffer;
    size_t end = output->n_written;
    if (end > 0 && buffer->bytes[end - 1] != '\n')
        while (end < buffer->length && buffer->bytes[end++] != '\n')
            continue;
    buffer->length = end;
    bool is_written = output_write(output);
    (void)is_written; /* What is not is written when the loop says so. */
}

static void became_ready(struct loop_watch *watch, uint32_t events)
{
    struct output *output = BASE_CONTAINER(watch, struct output, watch);
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        loop_stop_watch(output->loop, watch);
        output->error = EPIPE;
    }
    if (output->error != 0 || output_write(output))
        output->changed(output);
}

/* ---- from outside ---------------------------------------------------------------------------- */

void output_init(struct output *output)
{
    output->watch.ready = became_ready;
    output->is_watchable = source_may_wait(output->fd);
    watch_for(output, 0);
}

void output_finish(struct output *output)
{
    loop_stop_watch(output->loop, &output->watch);
    base_buffer_finish(&output->buffer);
}
