/*
 * events: what the files of `cartd events` share: printing the log (events.c), and copying it to a
 * file and back (events_….c).
 */
#ifndef CARTD_CLI_EVENTS_H
#define CARTD_CLI_EVENTS_H

#include "codec.h"
#include "eventstore.h"
#include "log_reader.h"
#include "output.h"
#include "subcommand.h"
#include "task.h"

/* Bytes of a line of a copy. The largest event is about a tenth of it. */
#define EVENTS_LINE_MAX (1024 * 1024)

enum cli_exit events_export(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit events_import(const struct cli_call *call) BASE_MUST_CHECK;
enum cli_exit events_upgrade(const struct cli_call *call) BASE_MUST_CHECK;

/* The number of --after, 0 when it was not given. False: it is none up to `most`; said. */
bool events_read_after(const struct cli_call *call, int64_t most, int64_t *after) BASE_MUST_CHECK;

/* Reads the log, calls `append` for each event and writes what that appended. */
struct events_copying {
    /* Set by the caller. */
    struct task task;         /* config, role */
    struct log_reader reader; /* cart_id, types, after, follows */
    struct output output;     /* fd */
    const char *name;         /* of what is written to, for complaints */
    const char *doing;        /* "exporting", for the progress line; NULL: there is none */
    bool must_be_whole;       /* a reader that goes away is a failure */
    /* False: the event can't be copied, which was said; what is before it is written. */
    bool (*append)(
        struct events_copying *copying, struct base_buffer *out,
        const struct eventstore_event *event);
    /* What the first event must append; it is not written. NULL: nothing is known. */
    const struct base_buffer *known;

    int64_t n_events;  /* that were written */
    bool is_comparing; /* while append is called for the known one */

    /* The copy's. */
    int64_t began_after;
    struct loop_timer grace;
    bool is_known; /* the first event was what it must be, or may be anything */
    bool is_other_log;
    bool is_refused; /* an event, by whoever appends it */
};
/* reader.after is then the position, or version, up to which it came. */
enum cli_exit events_copy(struct events_copying *copying) BASE_MUST_CHECK;

/* Appends the event as it is, as a line of a copy. */
bool events_append_copy(
    struct events_copying *copying, struct base_buffer *out, const struct eventstore_event *event);
/* Copies to the file of that name, or "-" for the standard output; `copying` has config, role,
 * after, doing and append. A file that holds the beginning of the same copy is gone on with behind
 * its last whole line, if it begins behind `after` where `must_begin_there`. */
enum cli_exit events_write_file(
    struct events_copying *copying, const char *name, bool must_begin_there) BASE_MUST_CHECK;
/* Imports what comes through a pipe, which is closed at the end. */
enum cli_exit events_import_pipe(const char *name, int fd, const struct config *config)
    BASE_MUST_CHECK;

#endif
