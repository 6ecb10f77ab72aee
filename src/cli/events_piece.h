/*
 * events_piece: a piece of a copied log, line by line checked as far as can be without the log:
 * positions without gaps, times that don't decrease, versions of each stream without gaps.
 */
#ifndef CARTD_CLI_EVENTS_PIECE_H
#define CARTD_CLI_EVENTS_PIECE_H

#include "eventstore.h"

#define EVENTS_PIECE_MAX 1000                    /* events of a piece, which is one transaction */
#define EVENTS_PIECE_BYTES_MAX (4 * 1024 * 1024) /* of its lines; the last one may go beyond */

/* Where the copy is between two pieces. */
struct events_place {
    int64_t position; /* of the last event; 0: none */
    int64_t recorded_at_us;
};

struct events_piece {
    struct eventstore_event events[EVENTS_PIECE_MAX];
    size_t n_events;
    size_t n_bytes;
    struct eventstore_copied_stream streams[EVENTS_PIECE_MAX];
    int64_t first_lines[EVENTS_PIECE_MAX]; /* of each stream's first event */
    size_t n_streams;
    int64_t first_line;
    struct base_arena arena;
};

/* Empties it, for lines from `first_line` on. */
void events_piece_begin(struct events_piece *piece, int64_t first_line);
void events_piece_finish(struct events_piece *piece);
bool events_piece_is_full(const struct events_piece *piece);
/* Adds a line and moves the place. NULL, or what is wrong with it, in the piece's arena. */
const char *events_piece_add(
    struct events_piece *piece, struct events_place *place, const char *line,
    size_t length) BASE_MUST_CHECK;
/* Lists the streams. NULL, or what is wrong with the line whose number is left in *line. */
const char *events_piece_list_streams(struct events_piece *piece, int64_t *line) BASE_MUST_CHECK;
/* The line of the first event of a stream. */
int64_t events_piece_line_of(const struct events_piece *piece, const struct base_uuid *stream_id);

#endif
