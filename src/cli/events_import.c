#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "events.h"
#include "events_piece.h"
#include "lines.h"
#include "task.h"

/* Pieces under way: one that commits, one that waits for it, one that is being read. */
#define PIECES 3

enum import_end {
    IMPORT_GOES_ON,
    IMPORT_READ_ALL,
    IMPORT_REFUSED, /* a line, or the log; said */
    IMPORT_INTERRUPTED,
    IMPORT_UNREADABLE, /* the source; said */
    IMPORT_LOST        /* the database */
};

struct import_piece {
    struct import *import;
    struct postgres_pipeline pipeline;
    bool is_compared; /* with what the log has; else appended */
    bool is_under_way;
    struct events_piece content;
};

struct import {
    struct task task;
    struct lines lines;
    struct postgres_pipeline head_pipeline;
    bool has_head;
    int64_t head; /* of the log before this import */
    struct events_place place;
    struct import_piece *pieces;
    struct import_piece *reading; /* NULL: none */
    size_t n_under_way;
    size_t n_comparing; /* of them */
    int64_t n_compared;
    int64_t n_imported;
    enum import_end end;
    bool has_failed_piece;
};

static void end_as(struct import *import, enum import_end end)
{
    if (import->end <= IMPORT_READ_ALL)
        import->end = end;
    task_stop_reading(&import->task);
    task_wake(&import->task);
}

static void refuse_line(struct import *import, int64_t line, const char *why)
{
    progress_erase(&import->task.progress);
    cli_complain_of_line(import->task.source->name, line, why);
    end_as(import, IMPORT_REFUSED);
}

/* ---- a piece: asked, answered ---------------------------------------------------------------- */

/* Of several pieces under way only the first that fails is told: the others fail because of it. */
static void refuse_piece(struct import *import, int64_t line, const char *why)
{
    if (!import->has_failed_piece)
        refuse_line(import, line, why);
    import->has_failed_piece = true;
}

static void receive_compared(struct import_piece *piece)
{
    struct import *import = piece->import;
    int64_t position = eventstore_receive_compared(&piece->pipeline);
    if (position == 0) {
        import->n_compared += (int64_t)piece->content.n_events;
        return;
    }
    refuse_piece(
        import, piece->content.first_line + position - piece->content.events[0].position,
        "the log has another event at this position, so this is not a copy of the same log");
}

static void receive_imported(struct import_piece *piece)
{
    struct import *import = piece->import;
    struct eventstore_imported imported = eventstore_receive_imported(&piece->pipeline);
    if (imported.is_done) {
        import->n_imported += (int64_t)piece->content.n_events;
        return;
    }
    if (!imported.has_wrong_stream) {
        refuse_piece(
            import, piece->content.first_line,
            "another process appended to the log during the import; stop all services first");
        return;
    }
    char why[128];
    (void)snprintf(
        why, sizeof why,
        "its version is not the next one: its stream is at version %d, or of another type",
        (int)imported.version);
    refuse_piece(import, events_piece_line_of(&piece->content, &imported.stream_id), why);
}

static void piece_answered(struct postgres_pipeline *pipeline)
{
    struct import_piece *piece = BASE_CONTAINER(pipeline, struct import_piece, pipeline);
    struct import *import = piece->import;
    piece->is_under_way = false;
    import->n_under_way--;
    import->n_comparing -= piece->is_compared;
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* the log has it, as the next import will see */
        if (piece->is_compared)
            receive_compared(piece);
        else
            receive_imported(piece);
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_UNABLE:
    case POSTGRES_FAILED:
        refuse_piece(
            import, piece->content.first_line,
            "PostgreSQL rejected the events from this line on; see the error above");
        break;
    case POSTGRES_AGAIN:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        end_as(import, IMPORT_LOST);
        break;
    }
    task_wake(&import->task);
}

static void send_piece(struct import *import)
{
    struct import_piece *piece = import->reading;
    import->reading = NULL;
    int64_t line = 0;
    const char *complaint = events_piece_list_streams(&piece->content, &line);
    if (complaint != NULL) {
        refuse_line(import, line, complaint);
        return;
    }
    const struct eventstore_copied copied = {
        .events = piece->content.events,
        .n_events = piece->content.n_events,
        .streams = piece->content.streams,
        .n_streams = piece->content.n_streams,
    };
    piece->is_compared = import->place.position <= import->head;
    piece->is_under_way = true;
    import->n_under_way++;
    import->n_comparing += piece->is_compared;
    postgres_pipeline_begin(&piece->pipeline);
    piece->pipeline.answered = piece_answered;
    if (piece->is_compared)
        eventstore_ask_compare(&piece->pipeline, &copied);
    else
        eventstore_ask_import(&piece->pipeline, &copied);
    postgres_send(import->task.connection, &piece->pipeline);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void add_line(struct import *import)
{
    struct events_piece *content = &import->reading->content;
    const struct lines *lines = &import->lines;
    const char *complaint = events_piece_add(content, &import->place, lines->text, lines->length);
    if (complaint != NULL)
        refuse_line(import, lines->number, complaint);
    /* A piece is either compared or appended. */
    else if (events_piece_is_full(content) || import->place.position == import->head)
        send_piece(import);
}

static void end_input(struct import *import)
{
    if (import->reading != NULL && import->reading->content.n_events > 0)
        send_piece(import);
    if (import->end == IMPORT_GOES_ON && import->place.position < import->head) {
        progress_erase(&import->task.progress);
        cli_complain(
            "the log has %" PRId64 " events, more than the %" PRId64
            " of %s, so this is not a copy of the same log",
            import->head, import->place.position, import->task.source->name);
        end_as(import, IMPORT_REFUSED);
    }
    end_as(import, IMPORT_READ_ALL);
}

/* False: nothing more can be read at the moment. */
static bool read_line(struct import *import)
{
    switch (lines_next(&import->lines)) {
    case LINES_LINE:
        add_line(import);
        return true;
    case LINES_TOO_LONG:
        refuse_line(import, import->lines.number, "it is longer than any event can be");
        return false;
    case LINES_MORE:
        task_read(&import->task);
        return false;
    case LINES_END:
        end_input(import);
        return false;
    }
    return false;
}

static void take_piece(struct import *import)
{
    for (size_t i = 0; i < PIECES && import->reading == NULL; i++) {
        if (!import->pieces[i].is_under_way) {
            import->reading = &import->pieces[i];
            events_piece_begin(&import->reading->content, import->lines.number + 1);
        }
    }
}

/* Reads one piece a turn, so that answers and signals are seen between them. */
static void step(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (task->is_unreadable && import->end == IMPORT_GOES_ON)
        end_as(import, IMPORT_UNREADABLE);
    if (import->end != IMPORT_GOES_ON) {
        if (import->n_under_way == 0)
            task_stop(task);
        return;
    }
    if (!import->has_head || task_is_reading(task))
        return;
    /* Nothing is appended before all that is there was found to be of this copy. */
    if (import->place.position == import->head && import->n_comparing > 0)
        return;
    if (import->reading == NULL)
        take_piece(import);
    if (import->reading == NULL)
        return; /* the next answer gives one back */
    while (import->reading != NULL && import->end == IMPORT_GOES_ON)
        if (!read_line(import))
            return;
    task_wake(task);
}

static void show(struct task *task)
{
    const struct import *import = BASE_CONTAINER(task, struct import, task);
    progress_show(&task->progress, import->n_compared + import->n_imported, task->source->n_taken);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static void head_answered(struct postgres_pipeline *pipeline)
{
    struct import *import = BASE_CONTAINER(pipeline, struct import, head_pipeline);
    import->has_head = pipeline->outcome == POSTGRES_DONE;
    if (import->has_head)
        import->head = eventstore_receive_head(postgres_pipeline_rows(pipeline, 0)).position;
    else
        end_as(import, IMPORT_LOST);
    task_wake(&import->task);
}

static void ready(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (import->has_head) {
        /* What was under way was lost, and where the log ends is not known: begun again it is. */
        end_as(import, IMPORT_LOST);
        return;
    }
    postgres_pipeline_begin(&import->head_pipeline);
    import->head_pipeline.answered = head_answered;
    eventstore_ask_head(&import->head_pipeline);
    postgres_send(task->connection, &import->head_pipeline);
}

static void interrupted(struct task *task)
{
    end_as(BASE_CONTAINER(task, struct import, task), IMPORT_INTERRUPTED);
}

static enum cli_exit say_end(const struct import *import)
{
    static const char goes_on[] = "import it again to continue from there";
    printf(
        "events: %" PRId64 " imported, %" PRId64 " were there already\n", import->n_imported,
        import->n_compared);
    if (import->end == IMPORT_READ_ALL)
        return CLI_DONE;
    if (import->task.trouble != NULL)
        cli_complain("%s; %s", import->task.trouble, goes_on);
    else if (import->end == IMPORT_INTERRUPTED)
        cli_complain("interrupted; %s", goes_on);
    else if (import->end == IMPORT_LOST)
        cli_complain("the connection to PostgreSQL was lost or timed out; %s", goes_on);
    else
        cli_complain(
            "%s was not imported completely, so the read tables were not written",
            import->task.source->name);
    return CLI_FAILED;
}

static enum cli_exit import_source(struct source *source, const struct config *config)
{
    struct import import = {
        .task =
            {
                .config = config,
                .role = "import",
                .statements = eventstore_copy_statements,
                .source = source,
                .ready = ready,
                .step = step,
                .show = show,
                .interrupted = interrupted,
            },
        .lines = {.source = source, .most = EVENTS_LINE_MAX},
        .pieces = base_alloc(PIECES * sizeof *import.pieces),
    };
    for (size_t i = 0; i < PIECES; i++)
        import.pieces[i].import = &import;
    enum cli_exit status = CLI_FAILED;
    progress_start(&import.task.progress, "importing", "lines");
    import.task.progress.n_whole = source->n_bytes;
    if (task_open(&import.task)) {
        task_run(&import.task);
        status = say_end(&import);
    }
    task_close(&import.task);
    for (size_t i = 0; i < PIECES; i++) {
        postgres_pipeline_finish(&import.pieces[i].pipeline);
        events_piece_finish(&import.pieces[i].content);
    }
    free(import.pieces);
    postgres_pipeline_finish(&import.head_pipeline);
    return status;
}

/* Closes the source in any case. */
static enum cli_exit import_and_rebuild(
    struct source *source, bool is_open, const struct config *config)
{
    enum cli_exit status = CLI_FAILED;
    if (is_open && task_check(config))
        status = import_source(source, config);
    source_close(source);
    /* Also after one that found nothing new: the last one may have been ended before this. */
    return status == CLI_DONE ? cli_rebuild_all(config) : status;
}

enum cli_exit events_import_pipe(const char *name, int fd, const struct config *config)
{
    struct source source = {.name = name, .fd = fd};
    return import_and_rebuild(&source, true, config);
}

enum cli_exit events_import(const struct cli_call *call)
{
    struct source source;
    bool is_open = source_open(&source, call->arguments[1]);
    return import_and_rebuild(&source, is_open, call->config);
}
