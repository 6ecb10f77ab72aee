#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "events.h"
#include "events_chunk.h"
#include "lines.h"
#include "task.h"

/* Chunks under way: one that commits, one that waits for it, one that is being read. */
#define CHUNKS 3

enum import_end {
    IMPORT_GOES_ON,
    IMPORT_READ_ALL,
    IMPORT_REFUSED, /* a line, or the log; said */
    IMPORT_INTERRUPTED,
    IMPORT_UNREADABLE, /* the source; said */
    IMPORT_LOST        /* the database */
};

struct import_chunk {
    struct import *import;
    struct postgres_pipeline pipeline;
    bool is_compared; /* with what the log has; else appended */
    bool is_under_way;
    struct events_chunk content;
};

struct import {
    struct task task;
    struct lines lines;
    struct postgres_pipeline head_pipeline;
    bool has_head;
    int64_t head; /* of the log before this import */
    struct events_last last;
    struct import_chunk *chunks;
    struct import_chunk *reading; /* NULL: none */
    size_t n_under_way;
    size_t n_comparing; /* of them */
    int64_t n_compared;
    int64_t n_imported;
    enum import_end end;
    bool has_failed_chunk;
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

/* ---- a chunk: asked, answered ---------------------------------------------------------------- */

/* Of several chunks under way only the first that fails is reported: the others fail because of it.
 */
static void refuse_chunk(struct import *import, int64_t line, const char *why)
{
    if (!import->has_failed_chunk)
        refuse_line(import, line, why);
    import->has_failed_chunk = true;
}

static void receive_compared(struct import_chunk *chunk)
{
    struct import *import = chunk->import;
    int64_t position = eventstore_receive_compared(&chunk->pipeline);
    if (position == 0) {
        import->n_compared += (int64_t)chunk->content.n_events;
        return;
    }
    refuse_chunk(
        import, chunk->content.first_line + position - chunk->content.events[0].position,
        "the log has another event at this position, so this is not a copy of the same log");
}

static void receive_imported(struct import_chunk *chunk)
{
    struct import *import = chunk->import;
    struct eventstore_imported imported = eventstore_receive_imported(&chunk->pipeline);
    if (imported.is_done) {
        import->n_imported += (int64_t)chunk->content.n_events;
        return;
    }
    if (!imported.has_wrong_stream) {
        refuse_chunk(
            import, chunk->content.first_line,
            "another process appended to the log during the import; stop all services first");
        return;
    }
    char why[128];
    (void)snprintf(
        why, sizeof why,
        "its version is not the next one: its stream is at version %d, or of another type",
        (int)imported.version);
    refuse_chunk(import, events_chunk_line_of(&chunk->content, &imported.stream_id), why);
}

static void chunk_answered(struct postgres_pipeline *pipeline)
{
    struct import_chunk *chunk = BASE_CONTAINER(pipeline, struct import_chunk, pipeline);
    struct import *import = chunk->import;
    chunk->is_under_way = false;
    import->n_under_way--;
    import->n_comparing -= chunk->is_compared;
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED: /* the log has it, as the next import will see */
        if (chunk->is_compared)
            receive_compared(chunk);
        else
            receive_imported(chunk);
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_UNABLE:
    case POSTGRES_FAILED:
        refuse_chunk(
            import, chunk->content.first_line,
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

static void send_chunk(struct import *import)
{
    struct import_chunk *chunk = import->reading;
    import->reading = NULL;
    int64_t line = 0;
    const char *complaint = events_chunk_list_streams(&chunk->content, &line);
    if (complaint != NULL) {
        refuse_line(import, line, complaint);
        return;
    }
    const struct eventstore_copied copied = {
        .events = chunk->content.events,
        .n_events = chunk->content.n_events,
        .streams = chunk->content.streams,
        .n_streams = chunk->content.n_streams,
    };
    chunk->is_compared = import->last.position <= import->head;
    chunk->is_under_way = true;
    import->n_under_way++;
    import->n_comparing += chunk->is_compared;
    postgres_pipeline_begin(&chunk->pipeline);
    chunk->pipeline.answered = chunk_answered;
    if (chunk->is_compared)
        eventstore_ask_compare(&chunk->pipeline, &copied);
    else
        eventstore_ask_import(&chunk->pipeline, &copied);
    postgres_send(import->task.connection, &chunk->pipeline);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void add_line(struct import *import)
{
    struct events_chunk *content = &import->reading->content;
    const struct lines *lines = &import->lines;
    const char *complaint = events_chunk_add(content, &import->last, lines->text, lines->length);
    if (complaint != NULL)
        refuse_line(import, lines->number, complaint);
    /* A chunk is either compared or appended. */
    else if (events_chunk_is_full(content) || import->last.position == import->head)
        send_chunk(import);
}

static void end_input(struct import *import)
{
    if (import->reading != NULL && import->reading->content.n_events > 0)
        send_chunk(import);
    if (import->end == IMPORT_GOES_ON && import->last.position < import->head) {
        progress_erase(&import->task.progress);
        cli_complain(
            "the log has %" PRId64 " events, more than the %" PRId64
            " of %s, so this is not a copy of the same log",
            import->head, import->last.position, import->task.source->name);
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

static void take_chunk(struct import *import)
{
    for (size_t i = 0; i < CHUNKS && import->reading == NULL; i++) {
        if (!import->chunks[i].is_under_way) {
            import->reading = &import->chunks[i];
            events_chunk_begin(&import->reading->content, import->lines.number + 1);
        }
    }
}

/* Reads one chunk a turn, so that answers and signals are seen between them. */
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
    if (import->last.position == import->head && import->n_comparing > 0)
        return;
    if (import->reading == NULL)
        take_chunk(import);
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
        .chunks = base_alloc(CHUNKS * sizeof *import.chunks),
    };
    for (size_t i = 0; i < CHUNKS; i++)
        import.chunks[i].import = &import;
    enum cli_exit status = CLI_FAILED;
    progress_start(&import.task.progress, "importing", "lines");
    import.task.progress.n_whole = source->n_bytes;
    if (task_open(&import.task)) {
        task_run(&import.task);
        status = say_end(&import);
    }
    task_close(&import.task);
    for (size_t i = 0; i < CHUNKS; i++) {
        postgres_pipeline_finish(&import.chunks[i].pipeline);
        events_chunk_finish(&import.chunks[i].content);
    }
    free(import.chunks);
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
