/*
 * events_chunk: a chunk of a copied log, line by line checked as far as can be without the log:
 * positions without gaps, times that don't decrease, versions of each stream without gaps.
 */
#ifndef CARTD_CLI_EVENTS_CHUNK_H
#define CARTD_CLI_EVENTS_CHUNK_H

#include "eventstore.h"

#define EVENTS_CHUNK_MAX 1000                    /* events of a chunk, which is one transaction */
#define EVENTS_CHUNK_BYTES_MAX (4 * 1024 * 1024) /* of its lines; the last one may go beyond */

/* The last event of the copy that was read. */
struct events_last {
    int64_t position; /* 0: none was read yet */
    int64_t recorded_at_us;
};

struct events_chunk {
    struct eventstore_event events[EVENTS_CHUNK_MAX];
    size_t n_events;
    size_t n_bytes;
    struct eventstore_copied_stream streams[EVENTS_CHUNK_MAX];
    int64_t first_lines[EVENTS_CHUNK_MAX]; /* of each stream's first event */
    size_t n_streams;
    int64_t first_line;
    struct base_arena arena;
};

/* Empties it, for lines from `first_line` on. */
void events_chunk_begin(struct events_chunk *chunk, int64_t first_line);
void events_chunk_finish(struct events_chunk *chunk);
bool events_chunk_is_full(const struct events_chunk *chunk);
/* Adds a line, which becomes the last. NULL, or what is wrong with it, in the chunk's arena. */
const char *events_chunk_add(
    struct events_chunk *chunk, struct events_last *last, const char *line,
    size_t length) BASE_MUST_CHECK;
/* Lists the streams. NULL, or what is wrong with the line whose number is left in *line. */
const char *events_chunk_list_streams(struct events_chunk *chunk, int64_t *line) BASE_MUST_CHECK;
/* The line of the first event of a stream. */
int64_t events_chunk_line_of(const struct events_chunk *chunk, const struct base_uuid *stream_id);

#endif
