#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "events.h"
#include "link.h"
#include "log_reader.h"
#include "output.h"
#include "progress.h"

/* How long a reader that does not read may keep an interrupted process from ending its line. */
#define GRACE_US 1000000

/* From the log to a descriptor. */
struct copy {
    struct events_copying *copying;
    struct link link;
    struct log_reader reader;
    struct output output;
    struct loop_timer grace;
    bool is_known; /* the first event was what it must be, or may be anything */
    bool is_other_log;
    bool is_refused; /* an event, by whoever appends it */
};

/* ---- from page to output --------------------------------------------------------------------- */

static void stop_when_done(struct copy *copy)
{
    bool is_over =
        copy->reader.end != LOG_READER_GOES_ON || copy->link.was_interrupted || copy->is_refused;
    if (copy->output.error != 0 || copy->is_other_log ||
        (is_over && copy->output.buffer.length == 0))
        loop_stop(copy->link.loop);
}

/* What the log was not asked for is not here; a cart's events are asked for whatever they are. */
static bool is_wanted(const struct events_copying *copying, const char *type)
{
    for (size_t i = 0; i < copying->n_types; i++)
        if (strcmp(copying->types[i], type) == 0)
            return true;
    return copying->n_types == 0;
}

static void compare_event(struct copy *copy, const struct eventstore_event *event)
{
    struct events_copying *copying = copy->copying;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    copying->is_comparing = true;
    copy->is_refused = !copying->append(copying, &line, event);
    copying->is_comparing = false;
    copy->is_known = line.length == copying->known->length &&
                     memcmp(line.bytes, copying->known->bytes, line.length) == 0;
    copy->is_other_log = !copy->is_known && !copy->is_refused;
}

static void take_event(struct copy *copy, const struct eventstore_event *event)
{
    struct events_copying *copying = copy->copying;
    if (!copy->is_known) {
        compare_event(copy, event);
    } else if (copying->append(copying, &copy->output.buffer, event)) {
        base_buffer_append_char(&copy->output.buffer, '\n');
        copying->n_events++;
    } else {
        copy->is_refused = true;
    }
}

static bool received(struct log_reader *reader, const struct postgres_rows *rows)
{
    struct copy *copy = BASE_CONTAINER(reader, struct copy, reader);
    struct events_copying *copying = copy->copying;
    if (copy->link.was_interrupted)
        return false;
    size_t n_rows = postgres_rows_count(rows);
    for (size_t row = 0; row < n_rows && !copy->is_other_log && !copy->is_refused; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        if (is_wanted(copying, event.type))
            take_event(copy, &event);
    }
    if (copying->progress != NULL) {
        int64_t n_read = reader->after - copying->after;
        copying->progress->n_bytes = reader->until - copying->after;
        progress_show(copying->progress, n_read, n_read);
    }
    bool is_written = output_write(&copy->output);
    stop_when_done(copy);
    return is_written && !copy->is_refused;
}

static void ended(struct log_reader *reader)
{
    stop_when_done(BASE_CONTAINER(reader, struct copy, reader));
}

static void output_changed(struct output *output)
{
    struct copy *copy = BASE_CONTAINER(output, struct copy, output);
    stop_when_done(copy);
    if (output->error == 0 && !copy->link.was_interrupted && !copy->is_refused)
        log_reader_go_on(&copy->reader);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static void ready(struct link *link)
{
    log_reader_start(&BASE_CONTAINER(link, struct copy, link)->reader);
}

static void end_grace(struct loop_timer *timer)
{
    loop_stop(BASE_CONTAINER(timer, struct copy, grace)->link.loop);
}

/* The line that was begun is ended, if its reader lets us. */
static void interrupted(struct link *link)
{
    struct copy *copy = BASE_CONTAINER(link, struct copy, link);
    output_cut(&copy->output);
    stop_when_done(copy);
    loop_start_timer(link->loop, &copy->grace, GRACE_US);
}

static void complain_of_log(const struct copy *copy)
{
    char id[BASE_UUID_SIZE];
    switch (copy->reader.end) {
    case LOG_READER_GOES_ON:
    case LOG_READER_READ_ALL:
        break;
    case LOG_READER_NO_CART:
        base_uuid_format(copy->reader.cart_id, id);
        cli_complain("there is no cart %s", id);
        break;
    case LOG_READER_BACKWARDS:
        cli_complain(
            "the log ends before position %" PRId64 ", up to which it was read: the database is "
            "another one now",
            copy->reader.until);
        break;
    case LOG_READER_FAILED:
        cli_complain("the log can't be read");
        break;
    }
}

static enum cli_exit say_end(const struct copy *copy)
{
    const struct events_copying *copying = copy->copying;
    int error = copy->output.error;
    /* Whoever has read enough goes away, as head(1) does. */
    if (error == EPIPE && !copying->must_be_whole)
        return CLI_DONE;
    if (error != 0)
        cli_complain("%s can't be written: %s", copying->name, strerror(error));
    else if (copy->link.was_interrupted && copying->follows)
        return CLI_DONE;
    else if (copy->link.was_interrupted)
        cli_complain("interrupted");
    else if (copy->link.trouble != NULL)
        cli_complain("%s", copy->link.trouble);
    else if (copy->is_refused)
        return CLI_FAILED;
    else if (copy->is_other_log || (copy->reader.end == LOG_READER_READ_ALL && !copy->is_known))
        cli_complain(
            "%s is a copy of another log: event %" PRId64 " of this one is not its last line",
            copying->name, copying->after + 1);
    else if (copy->reader.end == LOG_READER_READ_ALL)
        return CLI_DONE;
    else
        complain_of_log(copy);
    return CLI_FAILED;
}

enum cli_exit events_copy(struct events_copying *copying)
{
    struct copy copy = {
        .copying = copying,
        .link =
            {
                .role = copying->role,
                .statements = eventstore_log_statements,
                .reads_log = true,
                .is_patient = copying->follows,
                .ready = ready,
                .interrupted = interrupted,
            },
        .reader =
            {
                .link = &copy.link,
                .cart_id = copying->cart_id,
                .types = copying->types,
                .n_types = copying->n_types,
                .after = copying->after,
                .follows = copying->follows,
                .received = received,
                .ended = ended,
            },
        .output = {.fd = copying->fd, .changed = output_changed},
        .grace.fired = end_grace,
        .is_known = copying->known == NULL,
    };
    (void)signal(SIGPIPE, SIG_IGN); /* It is an error of a write. */
    enum cli_exit status = CLI_FAILED;
    if (link_check_log(copying->config) && link_open(&copy.link, copying->config)) {
        copy.output.loop = copy.link.loop;
        log_reader_init(&copy.reader);
        output_init(&copy.output);
        loop_run(copy.link.loop);
        if (copying->progress != NULL)
            progress_erase(copying->progress);
        copying->ended_after = copy.reader.after;
        status = say_end(&copy);
        link_disconnect(&copy.link);
        loop_stop_timer(copy.link.loop, &copy.grace);
        log_reader_finish(&copy.reader);
        output_finish(&copy.output);
    }
    link_close(&copy.link);
    return status;
}
