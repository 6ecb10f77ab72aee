#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sink.h"

/*
 * JSON lines, each a CloudEvent in its structured form.
 *
 * A file has each event once: what it has is found in its last line, whose `sequence` is the
 * position. A line that a crash left unfinished is cut off and written again. Standard output can't
 * be asked, so there it is at least once.
 */

#define LAST_LINE_MAX (64 * 1024) /* the longest event is far below */

struct link {
    char *path; /* NULL: standard output */
    int fd;     /* -1: it is not open */
    int64_t last_position;
    struct base_buffer lines;
};

static size_t fail(struct link *link, char problem[static RELAY_PROBLEM_SIZE], const char *what)
{
    (void)snprintf(problem, RELAY_PROBLEM_SIZE, "%s: %s", what, strerror(errno));
    if (link->path != NULL && link->fd >= 0) {
        (void)close(link->fd);
        link->fd = -1;
    }
    return 0;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

/* ---- what a file has already ----------------------------------------------------------------- */

static int64_t read_position(const char *line)
{
    static const char name[] = "\"sequence\":\"";
    const char *found = strstr(line, name);
    return found == NULL ? 0 : strtoll(found + sizeof name - 1, NULL, 10);
}

/* The last whole line counts; what is behind it is cut off. */
static bool find_end(struct link *link)
{
    off_t end = lseek(link->fd, 0, SEEK_END);
    off_t from = end > LAST_LINE_MAX ? end - LAST_LINE_MAX : 0;
    size_t n = (size_t)(end - from);
    BASE_CLEANUP(base_free_pointer) char *tail = base_alloc(n + 1);
    if (end < 0 || pread(link->fd, tail, n, from) != (ssize_t)n)
        return false;
    while (n > 0 && tail[n - 1] != '\n')
        n--;
    if (ftruncate(link->fd, from + (off_t)n) != 0)
        return false;
    size_t begin = n > 0 ? n - 1 : 0;
    while (begin > 0 && tail[begin - 1] != '\n')
        begin--;
    tail[n] = '\0';
    link->last_position = read_position(tail + begin);
    return true;
}

static bool open_file(struct link *link, char problem[static RELAY_PROBLEM_SIZE])
{
    if (link->fd >= 0)
        return true;
    link->fd = open(link->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (link->fd < 0)
        fail(link, problem, "the file can't be opened");
    else if (flock(link->fd, LOCK_EX | LOCK_NB) != 0)
        fail(link, problem, "another process writes the file");
    else if (!find_end(link))
        fail(link, problem, "the file can't be read");
    return link->fd >= 0;
}

/* ---- as a sink ------------------------------------------------------------------------------- */

static size_t send(
    void *context, const struct relay_event *events, size_t n,
    char problem[static RELAY_PROBLEM_SIZE])
{
    struct link *link = context;
    if (link->path != NULL && !open_file(link, problem))
        return 0;
    link->lines.length = 0;
    for (size_t i = 0; i < n; i++) {
        if (events[i].position <= link->last_position)
            continue;
        base_buffer_append(&link->lines, events[i].json, events[i].json_length);
        base_buffer_append_char(&link->lines, '\n');
    }
    if (!write_all(link->fd, link->lines.bytes, link->lines.length))
        return fail(link, problem, "it can't be written");
    if (link->path == NULL)
        return n;
    if (fdatasync(link->fd) != 0)
        return fail(link, problem, "it can't be brought to disk");
    if (n > 0 && link->last_position < events[n - 1].position)
        link->last_position = events[n - 1].position;
    return n;
}

static void *open_output(const struct relay_address *address, char **problem)
{
    (void)address;
    (void)problem;
    struct link *link = base_alloc(sizeof *link);
    link->fd = STDOUT_FILENO;
    return link;
}

static void *open_path(const struct relay_address *address, char **problem)
{
    if (address->host[0] != '\0' || address->path[0] != '/') {
        *problem =
            base_copy_text("a file is given with its whole path: file:///var/lib/cart.jsonl");
        return NULL;
    }
    struct link *link = base_alloc(sizeof *link);
    link->path = base_copy_text(address->path);
    link->fd = -1;
    return link;
}

static void close_link(void *context)
{
    struct link *link = context;
    if (link->path != NULL && link->fd >= 0)
        (void)close(link->fd);
    free(link->path);
    base_buffer_finish(&link->lines);
    free(link);
}

const struct relay_sink relay_sink_output = {
    .scheme = "-",
    .usage = "-",
    .sentence = "standard output, as JSON lines; at least once",
    .open = open_output,
    .send = send,
    .close = close_link,
};

const struct relay_sink relay_sink_file = {
    .scheme = "file",
    .usage = "file:///PATH",
    .sentence = "a file, as JSON lines; each event once",
    .open = open_path,
    .send = send,
    .close = close_link,
};
