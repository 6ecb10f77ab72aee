/*
 * events: what the files of `cartd events` share: printing the log (events.c), and copying it to a
 * file and back (events_….c).
 */
#ifndef CARTD_CLI_EVENTS_H
#define CARTD_CLI_EVENTS_H

#include "codec.h"
#include "eventstore.h"
#include "progress.h"
#include "subcommand.h"

/* Bytes of a line of a copy. The largest event is about a tenth of it. */
#define EVENTS_LINE_MAX (1024 * 1024)

enum cli_exit events_export(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit events_import(const struct cli_call *call) BASE_MUST_CHECK;

/* The number of --after, 0 when it was not given. False: it is none up to `most`; said. */
bool events_read_after(const struct cli_call *call, int64_t most, int64_t *after) BASE_MUST_CHECK;

/* An event of the log as codec takes it. */
struct codec_event events_to_codec(const struct eventstore_event *event);

/* Reads the log from behind `after`, calls `append` for each event and writes what that appended.
 */
struct events_copying {
    const struct config *config;
    const char *role;
    const char *name; /* of what is written to, for complaints */
    int fd;
    int64_t after;
    const struct base_uuid *cart_id; /* NULL: the whole log */
    const char *const *types;
    size_t n_types; /* 0: all */
    bool follows;
    bool must_be_whole; /* a reader that goes away is a failure */
    void (*append)(struct base_buffer *out, const struct eventstore_event *event);
    struct progress *progress; /* NULL: none is shown */
    /* What the first event must append; it is not written. NULL: nothing is known. */
    const struct base_buffer *known;

    int64_t n_events;    /* that were written */
    int64_t ended_after; /* the position, or version, up to which it came */
};
enum cli_exit events_copy(struct events_copying *copying) BASE_MUST_CHECK;

#endif
