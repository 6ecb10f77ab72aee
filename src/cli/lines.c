#include "lines.h"

static enum lines_outcome give(struct lines *lines, size_t length, size_t length_with_end)
{
    lines->text = lines->source->buffer.bytes + lines->source->start;
    lines->length = length;
    lines->number++;
    lines->n_searched = 0;
    source_take(lines->source, length_with_end);
    return length > lines->most ? LINES_TOO_LONG : LINES_LINE;
}

enum lines_outcome lines_next(struct lines *lines)
{
    const struct source *source = lines->source;
    size_t length = source->buffer.length - source->start;
    if (length > lines->n_searched) {
        const char *start = source->buffer.bytes + source->start;
        const char *end = memchr(start + lines->n_searched, '\n', length - lines->n_searched);
        if (end != NULL)
            return give(lines, (size_t)(end - start), (size_t)(end - start) + 1);
    }
    lines->n_searched = length;
    if (source->has_ended)
        return length == 0 ? LINES_END : give(lines, length, length);
    return length > lines->most ? give(lines, length, length) : LINES_MORE;
}
