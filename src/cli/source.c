#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subcommand.h"
#include "utf_16.h"

#define READ_BYTES (256 * 1024)

/* ---- opening --------------------------------------------------------------------------------- */

static bool complain(const struct source *source, const char *what)
{
    cli_complain("%s can't be %s: %s", source->name, what, strerror(errno));
    return false;
}

/* Finds out about the descriptor. */
static bool look(struct source *source)
{
    struct stat status;
    if (fstat(source->fd, &status) != 0)
        return complain(source, "read");
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return complain(source, "read");
    }
    source->is_seekable = S_ISREG(status.st_mode);
    if (source->is_seekable) {
        source->begins_at = lseek(source->fd, 0, SEEK_CUR);
        source->n_bytes = status.st_size - source->begins_at;
    }
    return true;
}

bool source_open(struct source *source, const char *path)
{
    bool is_standard_input = strcmp(path, "-") == 0;
    *source = (struct source){
        .name = is_standard_input ? "standard input" : path,
        .fd = is_standard_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC),
    };
    return source->fd < 0 ? complain(source, "opened") : look(source);
}

void source_close(struct source *source)
{
    base_buffer_finish(&source->buffer);
    base_buffer_finish(&source->undecoded);
    if (source->fd >= 0)
        (void)close(source->fd); /* It was only read. */
}

/* ---- reading it twice ------------------------------------------------------------------------ */

/* A file that nobody else can open and that is gone with this process. */
static int open_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    BASE_CLEANUP(base_buffer_finish) struct base_buffer path = {0};
    base_buffer_printf(
        &path, "%s/cartd-import-XXXXXX", folder && folder[0] != '\0' ? folder : "/tmp");
    (void)base_buffer_text(&path); /* for its NUL */
    int fd = mkostemp(path.bytes, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.bytes); /* A file that stays behind would only be clutter. */
    return fd;
}

static bool write_all(int fd, const char *bytes, size_t n_bytes)
{
    while (n_bytes > 0) {
        ssize_t n = write(fd, bytes, n_bytes);
        if (n < 0)
            return false;
        bytes += n;
        n_bytes -= (size_t)n;
    }
    return true;
}

static bool copy_all(struct source *source, int to)
{
    while (!source->has_ended) {
        if (!source_fill(source) || !write_all(to, source->buffer.bytes, source->buffer.length))
            return false;
        source_take(source, source->buffer.length);
    }
    return lseek(to, 0, SEEK_SET) == 0;
}

bool source_spool(struct source *source)
{
    if (source->is_seekable)
        return true;
    int copy = open_temporary();
    if (copy < 0 || !copy_all(source, copy)) {
        (void)complain(source, "copied to a temporary file");
        if (copy >= 0)
            (void)close(copy);
        return false;
    }
    (void)close(source->fd);
    source->fd = copy;
    return source_rewind(source) && look(source);
}

bool source_rewind(struct source *source)
{
    source->buffer.length = source->start = 0;
    source->undecoded.length = 0;
    source->encoding = SOURCE_AS_IT_IS;
    source->n_taken = 0;
    source->has_ended = false;
    return lseek(source->fd, source->begins_at, SEEK_SET) >= 0 || complain(source, "read twice");
}

/* ---- its bytes ------------------------------------------------------------------------------- */

static void drop_from_begin(struct base_buffer *buffer, size_t n_bytes)
{
    buffer->length -= n_bytes;
    if (n_bytes > 0)
        memmove(buffer->bytes, buffer->bytes + n_bytes, buffer->length);
}

static void decode(struct source *source)
{
    struct base_buffer *undecoded = &source->undecoded;
    size_t n_decoded = utf_16_decode(
        &source->buffer, undecoded->bytes, undecoded->length, source->encoding == SOURCE_UTF_16_BE,
        source->has_ended);
    drop_from_begin(undecoded, n_decoded);
}

void source_decode(struct source *source, enum source_encoding encoding)
{
    struct base_buffer *buffer = &source->buffer;
    source->encoding = encoding;
    base_buffer_append(
        &source->undecoded, buffer->bytes + source->start, buffer->length - source->start);
    buffer->length = source->start;
    decode(source);
}

bool source_fill(struct source *source)
{
    bool is_decoded = source->encoding != SOURCE_AS_IT_IS;
    struct base_buffer *to = is_decoded ? &source->undecoded : &source->buffer;
    drop_from_begin(&source->buffer, source->start);
    source->start = 0;
    ssize_t n_read;
    do {
        n_read = read(source->fd, base_buffer_reserve(to, READ_BYTES), READ_BYTES);
    } while (n_read < 0 && errno == EINTR);
    if (n_read > 0)
        to->length += (size_t)n_read;
    source->has_ended = n_read == 0;
    if (is_decoded && n_read >= 0)
        decode(source);
    return n_read >= 0;
}

void source_take(struct source *source, size_t n_bytes)
{
    source->start += n_bytes;
    source->n_taken += (int64_t)n_bytes;
}

bool source_may_wait(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 &&
           (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(fd) == 1);
}
