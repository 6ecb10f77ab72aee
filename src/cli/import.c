#include "import.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "catalog.h"
#include "loop.h"
#include "metrics.h"
#include "migrate.h"
#include "service.h"
#include "source.h"
#include "subcommand.h"

/* Lines under way: some batches' worth, so that the next ones are full while one commits. */
#define IMPORT_LINES_MAX 2048
/* Above IMPORT_LINES_MAX, so that the service never refuses one for want of room. */
#define IMPORT_QUEUE_COMMANDS (2 * IMPORT_LINES_MAX)
/* Larger than a server's, as nobody waits for a single line: a quarter of the flushes of 64 and 5
 * to 20 % less of PostgreSQL's time. 512 would save little more and take twice the memory. */
#define IMPORT_BATCH_COMMANDS 256
/* Lines that the service may fail to record; with more of them it is not the lines. */
#define IMPORT_FAILED_MAX 20
#define IMPORT_NAME_SIZE (4 * CATALOG_NAME_MAX + 1)
#define IMPORT_SKU_SIZE 65

/* A line under way, with all that its command points to. */
struct import_line {
    struct service_command command;
    struct catalog_command catalog_command;
    struct import *import;
    int64_t line_number;
    struct import_line *next_free;
    char sku[IMPORT_SKU_SIZE];
    char name[IMPORT_NAME_SIZE];
};

enum import_end {
    IMPORT_GOES_ON,
    IMPORT_READ_ALL,
    IMPORT_INTERRUPTED,
    IMPORT_IN_TROUBLE, /* with the database */
    IMPORT_UNREADABLE  /* the file; said already */
};

struct import {
    struct product_file *file;
    struct metrics metrics;
    struct loop *loop;
    struct postgres_history *history;
    struct service *service;
    struct loop_signals signals;
    struct loop_watch input;   /* of a pipe; other files are always readable */
    struct loop_deferred pump; /* reads and submits while lines are free */
    struct loop_timer redraw_timer;
    struct import_line *lines;
    struct import_line *free_lines;
    size_t n_under_way;
    int64_t n_done;
    int64_t n_failed;
    int64_t first_unrecorded_line; /* 0: none */
    enum import_end end;
    bool is_watchable;
};

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
    struct catalog_command *wish = &slot->catalog_command;
    wish->type = CATALOG_COMMAND_SET_PRICE;
    wish->sku = slot->sku;
    wish->content.name = slot->name;
    wish->content.is_active = line->is_active;
    wish->has_active = line->has_active;
    wish->content.n_prices = 1;
    (void)strncpy(wish->content.prices[0].currency, line->currency, 3);
    wish->content.prices[0].price_minor = line->price_minor;

    void (*answered)(struct service_command *) = slot->command.answered;
    slot->command = (struct service_command){
        .aggregate = &aggregate_product,
        .stream_id = aggregate_product_id(slot->sku),
        .command = wish,
        .actor = "catalog-import",
        .answered = answered,
    };
    service_submit(import->service, &slot->command);
}

static void note_unrecorded(struct import *import, int64_t line_number)
{
    if (import->first_unrecorded_line == 0 || line_number < import->first_unrecorded_line)
        import->first_unrecorded_line = line_number;
}

static void answered(struct service_command *command)
{
    struct import_line *slot = BASE_CONTAINER(command, struct import_line, command);
    struct import *import = slot->import;
    switch (command->outcome) {
    case SERVICE_DONE:
        import->n_done += 1;
        break;
    case SERVICE_REFUSED: /* there is one rule */
        product_file_complain(
            import->file, slot->line_number, "the product has prices in 64 currencies already");
        break;
    case SERVICE_OTHER_TYPE:
        product_file_complain(
            import->file, slot->line_number, "the log has something else under the sku's id");
        break;
    case SERVICE_VERSION_MISMATCH:
    case SERVICE_KEY_REUSED:
    case SERVICE_FAILED:
        product_file_complain(import->file, slot->line_number, "it could not be recorded");
        import->n_failed += 1;
        if (import->n_failed > IMPORT_FAILED_MAX && import->end <= IMPORT_READ_ALL)
            import->end = IMPORT_IN_TROUBLE;
        break;
    case SERVICE_OVERLOADED:
    case SERVICE_UNAVAILABLE:
    case SERVICE_UNKNOWN:
    case SERVICE_SHUTTING_DOWN:
        note_unrecorded(import, slot->line_number);
        if (import->end <= IMPORT_READ_ALL)
            import->end = IMPORT_IN_TROUBLE;
        break;
    }
    base_buffer_finish(&command->body);
    slot->next_free = import->free_lines;
    import->free_lines = slot;
    import->n_under_way -= 1;
    loop_start_deferred(import->loop, &import->pump);
}

/* ---- reading as fast as lines are answered --------------------------------------------------- */

/* More of the file, now or when it comes. False: not now. */
static bool read_more(struct import *import)
{
    if (import->is_watchable) {
        loop_start_watch(import->loop, &import->input, import->file->fd, EPOLLIN);
        return false;
    }
    if (!product_file_read(import->file))
        import->end = IMPORT_UNREADABLE;
    return true;
}

static void input_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events; /* A hang-up is read as the end. */
    struct import *import = BASE_CONTAINER(watch, struct import, input);
    /* Watched again when more is wanted, which is not so while all lines are under way. */
    loop_stop_watch(import->loop, watch);
    if (!product_file_read(import->file))
        import->end = IMPORT_UNREADABLE;
    loop_start_deferred(import->loop, &import->pump);
}

static void pump(struct loop_deferred *deferred)
{
    struct import *import = BASE_CONTAINER(deferred, struct import, pump);
    bool is_waiting = import->input.is_active;
    while (import->end == IMPORT_GOES_ON && import->free_lines && !is_waiting) {
        struct product_line line;
        int64_t line_number = 0;
        switch (product_file_next(import->file, &line, &line_number)) {
        case PRODUCT_FILE_LINE:
            submit(import, &line, line_number);
            break;
        case PRODUCT_FILE_MORE:
            is_waiting = !read_more(import);
            break;
        case PRODUCT_FILE_END:
            import->end = IMPORT_READ_ALL;
            break;
        case PRODUCT_FILE_BROKEN:
            import->end = IMPORT_UNREADABLE;
            break;
        }
    }
    if (import->end != IMPORT_GOES_ON && import->n_under_way == 0)
        loop_stop(import->loop);
}

static void received_signal(struct loop_signals *signals, int signal)
{
    (void)signal;
    struct import *import = BASE_CONTAINER(signals, struct import, signals);
    if (import->end == IMPORT_INTERRUPTED) {
        loop_stop(import->loop);
        return;
    }
    if (import->end == IMPORT_GOES_ON) {
        import->end = IMPORT_INTERRUPTED;
        loop_stop_watch(import->loop, &import->input);
        loop_start_deferred(import->loop, &import->pump);
    }
}

static void redraw(struct loop_timer *timer)
{
    struct import *import = BASE_CONTAINER(timer, struct import, redraw_timer);
    progress_show(
        import->file->progress, import->file->n_lines - (int64_t)import->n_under_way,
        import->file->reader.n_consumed);
    loop_start_timer(import->loop, timer, PROGRESS_INTERVAL_US);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static bool open_rooms(
    struct import *import, const struct config *config, const struct base_log *log, char **problem)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, 0};
    import->history = postgres_history_create();
    import->loop = loop_create();
    if (!import->loop || !loop_start_signals(import->loop, &import->signals, stop_signals)) {
        *problem = base_copy_text(strerror(errno));
        return false;
    }
    import->service = service_create(
        &(struct service_options){
            .loop = import->loop,
            .log = log,
            .metrics = &import->metrics,
            .url = config->texts[CONFIG_DATABASE_URL],
            .history = import->history,
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .queue_commands = IMPORT_QUEUE_COMMANDS,
            .batch_commands = IMPORT_BATCH_COMMANDS,
            .cache_carts = 0,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .keep_keys_hours = (int32_t)config->numbers[CONFIG_KEEP_KEYS_HOURS],
        },
        problem);
    return import->service;
}

static void close_rooms(struct import *import)
{
    service_destroy(import->service);
    if (import->loop) {
        loop_stop_watch(import->loop, &import->input);
        loop_stop_deferred(import->loop, &import->pump);
        loop_stop_timer(import->loop, &import->redraw_timer);
        loop_stop_signals(import->loop, &import->signals);
    }
    loop_destroy(import->loop);
    postgres_history_destroy(import->history);
}

static void make_lines(struct import *import)
{
    import->lines = base_alloc(IMPORT_LINES_MAX * sizeof *import->lines);
    for (size_t i = IMPORT_LINES_MAX; i-- > 0;) {
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
    int64_t line = import->first_unrecorded_line > 0 ? import->first_unrecorded_line
                                                     : import->file->reader.line;
    switch (import->end) {
    case IMPORT_GOES_ON:
    case IMPORT_READ_ALL:
    case IMPORT_UNREADABLE:
        break;
    case IMPORT_INTERRUPTED:
        cli_complain(
            "interrupted: %s is recorded up to line %" PRId64
            "; importing it again from the beginning is safe",
            import->file->name, line - 1);
        break;
    case IMPORT_IN_TROUBLE:
        cli_complain(
            "stopped at line %" PRId64 " of %s: %s; importing it again from the beginning is safe",
            line, import->file->name,
            import->n_failed > IMPORT_FAILED_MAX ? "too many lines could not be recorded"
            : trouble                            ? trouble
                                                 : "PostgreSQL did not answer in time");
        break;
    }
}

void import_run(
    const struct config *config, const struct base_log *log, struct product_file *file,
    struct import_result *result)
{
    struct import import = {
        .file = file,
        .is_watchable = source_may_wait(file->fd),
        .signals.received = received_signal,
        .input.ready = input_ready,
        .pump.called = pump,
        .redraw_timer.fired = redraw,
    };
    BASE_CLEANUP(base_free_pointer) char *trouble = NULL;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    make_lines(&import);
    bool is_open = open_rooms(&import, config, log, &problem);
    if (is_open) {
        loop_start_deferred(import.loop, &import.pump);
        loop_start_timer(import.loop, &import.redraw_timer, PROGRESS_INTERVAL_US);
        loop_run(import.loop);
        const char *why = service_trouble(import.service);
        trouble = why ? base_copy_text(why) : NULL;
    }
    close_rooms(&import);
    free(import.lines);

    product_file_complain_rest(file);
    if (is_open)
        say_end(&import, trouble);
    else
        cli_complain("%s", problem);
    int64_t n_unchanged = import.metrics.numbers[METRICS_COMMANDS_UNCHANGED];
    *result = (struct import_result){
        .n_unchanged = n_unchanged,
        .n_changed = import.n_done - n_unchanged,
        .is_whole = import.end == IMPORT_READ_ALL,
    };
}
