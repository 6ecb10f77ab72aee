#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aggregate.h"
#include "events.h"

/* A file that may hold a part of the log already. */
struct target {
    const char *name;
    int fd;
    bool is_file;  /* else a pipe or a device: it holds nothing */
    bool is_begun; /* it has whole lines */
    int64_t first; /* their first and last position */
    int64_t last;
    struct base_buffer last_line;
    int64_t after; /* where a new one begins */
};

bool events_append_copy(
    struct events_copying *copying, struct base_buffer *out, const struct eventstore_event *event)
{
    (void)copying; /* All are copied alike. */
    const struct codec_event_copy copy = {
        .event = aggregate_to_codec(event),
        .command_id = event->command_id,
    };
    codec_write_event_copy(out, &copy);
    return true;
}

/* ---- what is there already ------------------------------------------------------------------- */

static bool complain_of(const struct target *target)
{
    cli_complain("%s can't be written: %s", target->name, strerror(errno));
    return false;
}

static bool refuse(const struct target *target, const char *why)
{
    cli_complain("%s is not a copy of a log (%s), so it was left unchanged", target->name, why);
    return false;
}

/* The bytes from `begin` on, as many as a line may have. */
static bool read_block(const struct target *target, off_t begin, struct base_buffer *block)
{
    block->length = 0;
    while (block->length < EVENTS_LINE_MAX) {
        size_t n_free = EVENTS_LINE_MAX - block->length;
        ssize_t n = pread(
            target->fd, base_buffer_reserve(block, n_free), n_free, begin + (off_t)block->length);
        if (n < 0)
            return complain_of(target);
        if (n == 0)
            break;
        block->length += (size_t)n;
    }
    return true;
}

static bool read_position(
    const struct target *target, const char *line, size_t length, int64_t *position)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct codec_event_copy copy;
    const char *complaint = codec_read_event_copy(line, length, &arena, &copy);
    if (complaint != NULL)
        return refuse(target, complaint);
    *position = copy.event.position;
    return true;
}

/* Finds the last whole line, and goes behind it. */
static bool find_last(struct target *target, off_t size, struct base_buffer *block)
{
    off_t begin = size > EVENTS_LINE_MAX ? size - EVENTS_LINE_MAX : 0;
    if (!read_block(target, begin, block))
        return false;
    const char *end = memrchr(block->bytes, '\n', block->length);
    if (end == NULL)
        return refuse(target, "its last line is longer than any event");
    size_t length = (size_t)(end - block->bytes);
    const char *before = memrchr(block->bytes, '\n', length);
    const char *line = before == NULL ? block->bytes : before + 1;
    base_buffer_append(&target->last_line, line, (size_t)(end - line));
    if (!read_position(target, line, (size_t)(end - line), &target->last))
        return false;
    return lseek(target->fd, begin + (off_t)length + 1, SEEK_SET) >= 0 || complain_of(target);
}

/* What an earlier export has written. */
static bool check_lines(struct target *target, off_t size)
{
    static const char beginning[] = "{\"position\":";
    BASE_CLEANUP(base_buffer_finish) struct base_buffer block = {0};
    if (!read_block(target, 0, &block))
        return false;
    size_t n_compared = sizeof beginning - 1;
    if (n_compared > block.length)
        n_compared = block.length;
    if (memcmp(block.bytes, beginning, n_compared) != 0)
        return refuse(target, "it does not begin with an event");
    const char *end = memchr(block.bytes, '\n', block.length);
    if (end == NULL && size > EVENTS_LINE_MAX)
        return refuse(target, "its first line is longer than any event");
    target->is_begun = end != NULL; /* else the first line was cut short and is written again */
    return end == NULL ||
           (read_position(target, block.bytes, (size_t)(end - block.bytes), &target->first) &&
            find_last(target, size, &block));
}

static bool open_target(struct target *target)
{
    target->fd = strcmp(target->name, "-") == 0
                     ? dup(STDOUT_FILENO)
                     : open(target->name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    struct stat status;
    if (target->fd < 0 || fstat(target->fd, &status) != 0)
        return complain_of(target);
    target->is_file = strcmp(target->name, "-") != 0 && S_ISREG(status.st_mode);
    if (!target->is_file)
        return true;
    if (flock(target->fd, LOCK_EX | LOCK_NB) != 0) {
        cli_complain("%s is being written by another export", target->name);
        return false;
    }
    /* Looked at again, as another export may have just ended. */
    if (fstat(target->fd, &status) != 0)
        return complain_of(target);
    return status.st_size == 0 || check_lines(target, status.st_size);
}

/* ---- the export ------------------------------------------------------------------------------ */

/* Leaves nothing of a line that was cut short, and waits until the disk has it. */
static bool finish_file(const struct target *target)
{
    off_t end = lseek(target->fd, 0, SEEK_CUR);
    if (end < 0 || ftruncate(target->fd, end) != 0 || fsync(target->fd) != 0)
        return complain_of(target);
    return true;
}

static enum cli_exit copy_to(const struct target *target, struct events_copying *copying)
{
    copying->name = target->is_file ? target->name : "the output";
    copying->output.fd = target->fd;
    copying->must_be_whole = true;
    if (target->is_begun) {
        copying->reader.after = target->last - 1;
        copying->known = &target->last_line;
    }
    enum cli_exit status = events_copy(copying);
    if (!target->is_file)
        return status;
    if (status == CLI_DONE && !finish_file(target))
        return CLI_FAILED;
    if (status == CLI_DONE)
        printf(
            "events: %" PRId64 " written; %s goes up to position %" PRId64 "\n", copying->n_events,
            target->name, copying->reader.after);
    else
        cli_complain(
            "%s to %s again continues after its last complete line", copying->doing, target->name);
    return status;
}

enum cli_exit events_write_file(
    struct events_copying *copying, const char *name, bool must_begin_there)
{
    struct target target = {.name = name, .after = copying->reader.after};
    enum cli_exit status = CLI_FAILED;
    if (open_target(&target)) {
        if (must_begin_there && target.is_begun && target.first != target.after + 1)
            cli_complain(
                "%s begins at position %" PRId64 ", not behind %" PRId64, target.name, target.first,
                target.after);
        else
            status = copy_to(&target, copying);
    }
    if (target.fd >= 0)
        (void)close(target.fd); /* Its bytes were synced, where that means something. */
    base_buffer_finish(&target.last_line);
    return status;
}

enum cli_exit events_export(const struct cli_call *call)
{
    const char *name = call->n_arguments > 1 ? call->arguments[1] : "-";
    struct events_copying copying = {
        .task = {.config = call->config, .role = "export"},
        .doing = "exporting",
        .append = events_append_copy,
    };
    if (!events_read_after(call, INT64_MAX, &copying.reader.after))
        return CLI_MISUSED;
    return events_write_file(&copying, name, call->flags[CLI_EVENTS_AFTER].is_given);
}
