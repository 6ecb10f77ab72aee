#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "events.h"

/* How long a reader that does not read may keep an interrupted process from ending its line. */
#define GRACE_US 1000000

/* ---- from page to output --------------------------------------------------------------------- */

static void stop_when_done(struct events_copying *copying)
{
    bool is_over = copying->reader.end != LOG_READER_GOES_ON || copying->task.was_interrupted ||
                   copying->is_refused;
    if (copying->output.error != 0 || copying->is_other_log ||
        (is_over && copying->output.buffer.length == 0))
        task_stop(&copying->task);
}

/* What the log was not asked for is not here; a cart's events are asked for whatever they are. */
static bool is_wanted(const struct log_reader *reader, const char *type)
{
    for (size_t i = 0; i < reader->n_types; i++)
        if (strcmp(reader->types[i], type) == 0)
            return true;
    return reader->n_types == 0;
}

static void compare_event(struct events_copying *copying, const struct eventstore_event *event)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    copying->is_comparing = true;
    copying->is_refused = !copying->append(copying, &line, event);
    copying->is_comparing = false;
    copying->is_known = line.length == copying->known->length &&
                        memcmp(line.bytes, copying->known->bytes, line.length) == 0;
    copying->is_other_log = !copying->is_known && !copying->is_refused;
}

static void take_event(struct events_copying *copying, const struct eventstore_event *event)
{
    if (!copying->is_known) {
        compare_event(copying, event);
    } else if (copying->append(copying, &copying->output.buffer, event)) {
        base_buffer_append_char(&copying->output.buffer, '\n');
        copying->n_events++;
    } else {
        copying->is_refused = true;
    }
}

static bool received(struct log_reader *reader, const struct postgres_rows *rows)
{
    struct events_copying *copying = BASE_CONTAINER(reader, struct events_copying, reader);
    if (copying->task.was_interrupted)
        return false;
    size_t n_rows = postgres_rows_count(rows);
    for (size_t row = 0; row < n_rows && !copying->is_other_log && !copying->is_refused; row++) {
        struct eventstore_event event;
        eventstore_receive_event(rows, row, &event);
        if (is_wanted(&copying->reader, event.type))
            take_event(copying, &event);
    }
    bool is_written = output_write(&copying->output);
    stop_when_done(copying);
    return is_written && !copying->is_refused;
}

static void ended(struct log_reader *reader)
{
    stop_when_done(BASE_CONTAINER(reader, struct events_copying, reader));
}

static void output_changed(struct output *output)
{
    struct events_copying *copying = BASE_CONTAINER(output, struct events_copying, output);
    stop_when_done(copying);
    if (output->error == 0 && !copying->task.was_interrupted && !copying->is_refused)
        log_reader_go_on(&copying->reader);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static void ready(struct task *task)
{
    log_reader_start(&BASE_CONTAINER(task, struct events_copying, task)->reader);
}

static void show(struct task *task)
{
    const struct events_copying *copying = BASE_CONTAINER(task, struct events_copying, task);
    int64_t n_read = copying->reader.after - copying->began_after;
    task->progress.n_whole = copying->reader.until - copying->began_after;
    progress_show(&task->progress, n_read, n_read);
}

static void end_grace(struct loop_timer *timer)
{
    task_stop(&BASE_CONTAINER(timer, struct events_copying, grace)->task);
}

/* The line that was begun is ended, if its reader lets us. */
static void interrupted(struct task *task)
{
    struct events_copying *copying = BASE_CONTAINER(task, struct events_copying, task);
    output_cut(&copying->output);
    stop_when_done(copying);
    loop_start_timer(task->loop, &copying->grace, GRACE_US);
}

static void complain_of_log(const struct events_copying *copying)
{
    char id[BASE_UUID_SIZE];
    switch (copying->reader.end) {
    case LOG_READER_GOES_ON:
    case LOG_READER_READ_ALL:
        break;
    case LOG_READER_NO_CART:
        base_uuid_format(copying->reader.cart_id, id);
        cli_complain("there is no cart %s", id);
        break;
    case LOG_READER_BACKWARDS:
        cli_complain(
            "the log ends before position %" PRId64
            ", up to which it was read: the database is another one now",
            copying->reader.until);
        break;
    case LOG_READER_FAILED:
        cli_complain("the log can't be read");
        break;
    }
}

static enum cli_exit say_end(const struct events_copying *copying)
{
    int error = copying->output.error;
    /* Whoever has read enough goes away, as head(1) does. */
    if (error == EPIPE && !copying->must_be_whole)
        return CLI_DONE;
    if (error != 0)
        cli_complain("%s can't be written: %s", copying->name, strerror(error));
    else if (copying->task.was_interrupted && copying->reader.follows)
        return CLI_DONE;
    else if (copying->task.was_interrupted)
        cli_complain("interrupted");
    else if (copying->task.trouble != NULL)
        cli_complain("%s", copying->task.trouble);
    else if (copying->is_refused)
        return CLI_FAILED;
    else if (
        copying->is_other_log || (copying->reader.end == LOG_READER_READ_ALL && !copying->is_known))
        cli_complain(
            "%s is a copy of another log: event %" PRId64 " of this one is not its last line",
            copying->name, copying->began_after + 1);
    else if (copying->reader.end == LOG_READER_READ_ALL)
        return CLI_DONE;
    else
        complain_of_log(copying);
    return CLI_FAILED;
}

enum cli_exit events_copy(struct events_copying *copying)
{
    struct task *task = &copying->task;
    enum cli_exit status = CLI_FAILED;
    task->statements = eventstore_log_statements;
    task->reads_log = true;
    task->waits_forever = copying->reader.follows;
    task->ready = ready;
    task->interrupted = interrupted;
    task->show = copying->doing == NULL ? NULL : show;
    copying->reader.task = task;
    copying->reader.received = received;
    copying->reader.ended = ended;
    copying->output.changed = output_changed;
    copying->grace.fired = end_grace;
    copying->began_after = copying->reader.after;
    copying->is_known = copying->known == NULL;
    progress_start(&task->progress, copying->doing, "events");
    (void)signal(SIGPIPE, SIG_IGN); /* It is an error of a write. */
    if (task_check_log(task->config) && task_open(task)) {
        copying->output.loop = task->loop;
        log_reader_init(&copying->reader);
        output_init(&copying->output);
        task_run(task);
        status = say_end(copying);
        task_disconnect(task);
        loop_stop_timer(task->loop, &copying->grace);
        log_reader_finish(&copying->reader);
        output_finish(&copying->output);
    }
    task_close(task);
    return status;
}

/* ---- what the subcommands share -------------------------------------------------------------- */

bool events_read_after(const struct cli_call *call, int64_t most, int64_t *after)
{
    const struct config_flag *flag = &call->flags[CLI_EVENTS_AFTER];
    *after = 0;
    if (!flag->is_given || base_parse_int(flag->value, 0, most, after))
        return true;
    cli_complain("--after must be from 0 to %" PRId64 ", not \"%s\"", most, flag->value);
    return false;
}
