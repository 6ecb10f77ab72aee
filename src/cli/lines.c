#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (256 * 1024)

static enum lines_outcome give(struct lines *lines, size_t length, size_t length_with_end)
{
    lines->text = lines->buffer.bytes + lines->start;
    lines->length = length;
    lines->number++;
    lines->start += length_with_end;
    lines->searched = lines->start;
    lines->n_consumed += (int64_t)length_with_end;
    return length > lines->most ? LINES_TOO_LONG : LINES_LINE;
}

enum lines_outcome lines_next(struct lines *lines)
{
    size_t length = lines->buffer.length - lines->start;
    const char *end = NULL;
    if (lines->buffer.length > lines->searched)
        end = memchr(
            lines->buffer.bytes + lines->searched, '\n', lines->buffer.length - lines->searched);
    if (end != NULL) {
        size_t line_length = (size_t)(end - lines->buffer.bytes) - lines->start;
        return give(lines, line_length, line_length + 1);
    }
    lines->searched = lines->buffer.length;
    if (lines->has_ended)
        return length == 0 ? LINES_END : give(lines, length, length);
    return length > lines->most ? give(lines, length, length) : LINES_MORE;
}

bool lines_fill(struct lines *lines, int fd)
{
    struct base_buffer *buffer = &lines->buffer;
    if (lines->start > 0)
        memmove(buffer->bytes, buffer->bytes + lines->start, buffer->length - lines->start);
    buffer->length -= lines->start;
    lines->searched -= lines->start;
    lines->start = 0;
    ssize_t n_read;
    do {
        n_read = read(fd, base_buffer_reserve(buffer, READ_BYTES), READ_BYTES);
    } while (n_read < 0 && errno == EINTR);
    if (n_read > 0)
        buffer->length += (size_t)n_read;
    lines->has_ended = n_read == 0;
    return n_read >= 0;
}

void lines_finish(struct lines *lines)
{
    base_buffer_finish(&lines->buffer);
}
