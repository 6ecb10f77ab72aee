#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "metrics.h"
#include "migrate.h"
#include "product_line.h"
#include "service.h"
#include "subcommand.h"
#include "task.h"

/*
 * Brings the lines of a catalogue file into the catalogue, many at a time, through a service of its
 * own: so they take the same way into the log as a PUT /products/{sku}, also beside running
 * servers. With --strict the same is done before without a service, which only reads the lines.
 */

/* Lines under way: some batches' worth, so that the next ones are full while one commits. */
#define LINES_MAX 2048
/* Above LINES_MAX, so that the service never refuses one for want of room. */
#define QUEUE_COMMANDS (2 * LINES_MAX)
/* Larger than a server's, as nobody waits for a single line: a quarter of the flushes of 64 and 5
 * to 20 % less of PostgreSQL's time. 512 would save little more and take twice the memory. */
#define BATCH_COMMANDS 256
/* Lines that the service may fail to record; with more of them it is not the lines. */
#define FAILED_MAX 20
#define SAID_MAX 100 /* bad lines that are named; the others are only counted */
#define NAME_SIZE (4 * CATALOG_NAME_MAX + 1)

/* A line under way, with all that its command points to. */
struct import_line {
    struct service_command command;
    struct catalog_command catalog_command;
    struct import *import;
    int64_t line_number;
    struct import_line *next_free;
    char sku[CART_SKU_SIZE];
    char name[NAME_SIZE];
};

enum import_end {
    IMPORT_GOES_ON,
    IMPORT_READ_ALL,
    IMPORT_INTERRUPTED,
    IMPORT_IN_TROUBLE, /* with the database */
    IMPORT_UNREADABLE  /* the file; said already */
};

struct import {
    struct task task;
    struct csv_reader reader;
    struct product_line_header header;
    bool has_header;
    int64_t n_lines; /* without the header; a record that spans lines counts once */
    int64_t n_bad;
    struct metrics metrics;
    struct postgres_history *history;
    bool only_checks; /* there is no service */
    struct service *service;
    struct import_line *lines;
    struct import_line *free_lines;
    size_t n_under_way;
    int64_t n_done;
    int64_t n_failed;
    int64_t first_unrecorded_line; /* 0: none */
    enum import_end end;
};

/* ---- bad lines ------------------------------------------------------------------------------- */

static void complain(struct import *import, int64_t line_number, const char *reason)
{
    if (++import->n_bad > SAID_MAX)
        return;
    progress_erase(&import->task.progress);
    cli_complain_of_line(import->task.source->name, line_number, reason);
}

static void complain_of_rest(const struct import *import)
{
    if (import->n_bad > SAID_MAX)
        fprintf(
            stderr, "%s: and %" PRId64 " more bad lines\n", import->task.source->name,
            import->n_bad - SAID_MAX);
}

/* This is no catalogue file. */
static void break_off(struct import *import, int64_t line_number, const char *why)
{
    progress_erase(&import->task.progress);
    cli_complain_of_line(import->task.source->name, line_number, why);
    import->end = IMPORT_UNREADABLE;
}

/* ---- a line: submitted, answered ------------------------------------------------------------- */

static void submit(struct import *import, const struct product_line *line, int64_t line_number)
{
    struct import_line *slot = import->free_lines;
    import->free_lines = slot->next_free;
    import->n_under_way += 1;

    /* Both texts were checked to fit. */
    (void)strncpy(slot->sku, line->sku, sizeof slot->sku - 1);
    (void)strncpy(slot->name, line->name, sizeof slot->name - 1);
    slot->line_number = line_number;
    struct catalog_command *command = &slot->catalog_command;
    command->type = CATALOG_COMMAND_SET_PRICE;
    command->sku = slot->sku;
    command->content.name = slot->name;
    command->content.is_active = line->is_active;
    command->has_active = line->has_active;
    command->content.n_prices = 1;
    (void)strncpy(command->content.prices[0].currency, line->currency, 3);
    command->content.prices[0].price_minor = line->price_minor;

    void (*answered)(struct service_command *) = slot->command.answered;
    slot->command = (struct service_command){
        .aggregate = &aggregate_product,
        .stream_id = aggregate_product_id(slot->sku),
        .command = command,
        .actor = "catalog-import",
        .answered = answered,
    };
    service_submit(import->service, &slot->command);
}

static void end_in_trouble(struct import *import)
{
    if (import->end <= IMPORT_READ_ALL)
        import->end = IMPORT_IN_TROUBLE;
}

static void receive(struct import *import, enum service_outcome outcome, int64_t line_number)
{
    switch (outcome) {
    case SERVICE_DONE:
        import->n_done += 1;
        break;
    case SERVICE_REFUSED: /* there is one rule */
        complain(import, line_number, "the product already has prices in 64 currencies");
        break;
    case SERVICE_OTHER_TYPE:
        complain(import, line_number, "the id that belongs to this sku is taken by a cart");
        break;
    case SERVICE_VERSION_MISMATCH:
    case SERVICE_KEY_REUSED:
    case SERVICE_FAILED:
        complain(import, line_number, "it could not be recorded");
        if (++import->n_failed > FAILED_MAX)
            end_in_trouble(import);
        break;
    case SERVICE_OVERLOADED:
    case SERVICE_UNAVAILABLE:
    case SERVICE_UNKNOWN:
    case SERVICE_SHUTTING_DOWN:
        if (import->first_unrecorded_line == 0 || line_number < import->first_unrecorded_line)
            import->first_unrecorded_line = line_number;
        end_in_trouble(import);
        break;
    }
}

static void answered(struct service_command *command)
{
    struct import_line *slot = BASE_CONTAINER(command, struct import_line, command);
    struct import *import = slot->import;
    receive(import, command->outcome, slot->line_number);
    base_buffer_finish(&command->body);
    slot->next_free = import->free_lines;
    import->free_lines = slot;
    import->n_under_way -= 1;
    task_wake(&import->task);
}

/* ---- reading as fast as lines are answered --------------------------------------------------- */

static void receive_header(struct import *import, const struct csv_record *record)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    import->has_header = product_line_read_header(record, &import->header, &problem);
    if (!import->has_header)
        break_off(import, record->line, problem);
}

static void receive_record(struct import *import, const struct csv_record *record)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct product_line line;
    const char *reason = product_line_read(&import->header, record, &arena, &line);
    import->n_lines++;
    if (reason != NULL)
        complain(import, record->line, reason);
    else if (!import->only_checks)
        submit(import, &line, record->line);
}

/* False: nothing more can be read at the moment. */
static bool read_record(struct import *import)
{
    struct csv_record record;
    switch (csv_next(&import->reader, &record)) {
    case CSV_RECORD:
        if (import->has_header)
            receive_record(import, &record);
        else
            receive_header(import, &record);
        return true;
    case CSV_BAD:
        import->n_lines += import->has_header;
        if (import->has_header)
            complain(import, record.line, record.reason);
        else
            break_off(import, record.line, record.reason);
        return true;
    case CSV_MORE:
        task_read(&import->task);
        return false;
    case CSV_END:
        if (import->has_header)
            import->end = IMPORT_READ_ALL;
        else
            break_off(import, 1, "the file is empty");
        return false;
    }
    return false;
}

static void step(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (task->is_unreadable && import->end == IMPORT_GOES_ON)
        import->end = IMPORT_UNREADABLE;
    while (import->end == IMPORT_GOES_ON && import->free_lines != NULL && !task_is_reading(task))
        if (!read_record(import))
            break;
    if (import->end != IMPORT_GOES_ON && import->n_under_way == 0)
        task_stop(task);
}

static void interrupted(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (import->end == IMPORT_GOES_ON)
        import->end = IMPORT_INTERRUPTED;
    task_stop_reading(task);
    task_wake(task);
}

static void show(struct task *task)
{
    const struct import *import = BASE_CONTAINER(task, struct import, task);
    progress_show(
        &task->progress, import->n_lines - (int64_t)import->n_under_way, task->source->n_taken);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static bool open_service(struct import *import)
{
    const struct config *config = import->task.config;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    import->history = postgres_history_create();
    import->service = service_create(
        &(struct service_options){
            .loop = import->task.loop,
            .log = &import->task.log,
            .metrics = &import->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = import->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .queue_commands = QUEUE_COMMANDS,
            .batch_commands = BATCH_COMMANDS,
            .cache_carts = 0,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .keep_keys_hours = (int32_t)config->numbers[CONFIG_KEEP_KEYS_HOURS],
        },
        &problem);
    if (import->service == NULL)
        cli_complain("%s", problem);
    return import->service != NULL;
}

static void make_lines(struct import *import)
{
    import->lines = base_alloc(LINES_MAX * sizeof *import->lines);
    for (size_t i = LINES_MAX; i-- > 0;) {
        struct import_line *line = &import->lines[i];
        line->import = import;
        line->command.answered = answered;
        line->next_free = import->free_lines;
        import->free_lines = line;
    }
}

/* Says what kept the import from being whole. */
static void say_end(const struct import *import, const char *trouble)
{
    const char *name = import->task.source->name;
    int64_t line =
        import->first_unrecorded_line > 0 ? import->first_unrecorded_line : import->reader.line;
    if (import->n_failed > FAILED_MAX)
        trouble = "too many lines failed";
    if (import->end == IMPORT_INTERRUPTED && import->only_checks)
        cli_complain("interrupted; nothing was imported");
    else if (import->end == IMPORT_INTERRUPTED)
        cli_complain(
            "interrupted: %s is recorded up to line %" PRId64
            "; importing it again from the beginning is safe",
            name, line - 1);
    else if (import->end == IMPORT_IN_TROUBLE)
        cli_complain(
            "stopped at line %" PRId64 " of %s: %s; importing it again from the beginning is safe",
            line, name, trouble != NULL ? trouble : "PostgreSQL did not answer in time");
}

static void print_summary(const struct import *import)
{
    int64_t n_unchanged = import->metrics.numbers[METRICS_COMMANDS_UNCHANGED];
    printf(
        "lines: %" PRId64 " read, %" PRId64 " changed a product, %" PRId64
        " said nothing new, %" PRId64 " bad\n",
        import->n_lines, import->n_done - n_unchanged, n_unchanged, import->n_bad);
}

static void run(struct import *import)
{
    BASE_CLEANUP(base_free_pointer) char *trouble = NULL;
    task_wake(&import->task);
    task_run(&import->task);
    if (!import->only_checks) {
        const char *why = service_trouble(import->service);
        trouble = why == NULL ? NULL : base_copy_text(why);
        service_destroy(import->service); /* answers what is under way */
    }
    complain_of_rest(import);
    say_end(import, trouble);
}

/* True: every line is right, and is recorded, or the source is at its beginning again. */
static bool read_source(const struct config *config, struct source *source, bool only_checks)
{
    struct import import = {
        .task =
            {
                .config = config,
                .source = source,
                .step = step,
                .show = show,
                .interrupted = interrupted,
            },
        .only_checks = only_checks,
    };
    progress_start(&import.task.progress, only_checks ? "checking" : "importing", "lines");
    import.task.progress.n_whole = source->n_bytes;
    csv_init(&import.reader, source);
    make_lines(&import);
    if (task_open(&import.task) && (only_checks || open_service(&import)))
        run(&import);
    bool is_whole = import.end == IMPORT_READ_ALL;
    bool is_refused = only_checks && is_whole && import.n_bad > 0;
    if (!only_checks || is_refused)
        print_summary(&import);
    if (is_refused)
        cli_complain("nothing was imported, because of --strict");
    task_close(&import.task);
    postgres_history_destroy(import.history);
    csv_finish(&import.reader);
    free(import.lines);
    return is_whole && import.n_bad == 0 && (!only_checks || source_rewind(source));
}

enum cli_exit cli_catalog(const struct cli_call *call)
{
    if (strcmp(call->arguments[0], "import") != 0)
        return cli_complain_of_usage(call);
    struct source source;
    bool is_strict = call->flags[CLI_CATALOG_STRICT].is_given;
    bool is_done =
        source_open(&source, call->arguments[1]) &&
        (!is_strict || (source_spool(&source) && read_source(call->config, &source, true))) &&
        read_source(call->config, &source, false);
    source_close(&source);
    return is_done ? CLI_DONE : CLI_FAILED;
}
