#include "catalog_import.h"

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
#define UNIT_SIZE (4 * CATALOG_UNIT_MAX + 1)

/* A line under way, with all that its command points to. */
struct import_line {
    struct service_command command;
    struct catalog_command catalog_command;
    struct import *import;
    int64_t line_number; /* 0: it is a product that the file does not have */
    struct import_line *next_free;
    char sku[CART_SKU_SIZE];
    char name[NAME_SIZE];
    char unit[UNIT_SIZE];
    char tags[CATALOG_TAGS_SIZE];
    char currencies[CATALOG_PRICES_MAX][4];
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
    const struct catalog_file *file;
    struct csv_reader reader;
    struct product_line_header header;
    bool has_header;
    bool is_read; /* the whole file */
    struct catalog_notes *notes;
    bool is_checked; /* the lines are known to be right, and are noted */
    int64_t n_lines; /* without the header; a record that spans lines counts once */
    int64_t n_bad;
    const struct catalog_difference *replaced; /* NULL: the file is not the whole catalogue */
    size_t n_missing_submitted;
    int64_t n_deactivated;
    int64_t n_changed_meanwhile; /* of the missing ones */
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

/* Of a line that is right but was not recorded, or of a product that the file does not have. */
static void complain_of_product(struct import_line *slot, const char *reason)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_append_text(&text, reason);
    product_line_append_sku(&text, slot->catalog_command.sku);
    if (slot->line_number > 0) {
        complain(slot->import, slot->line_number, base_buffer_text(&text));
    } else {
        progress_erase(&slot->import->task.progress);
        cli_complain("a product can't be made inactive: %s", base_buffer_text(&text));
    }
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

/* There is a free one. */
static struct import_line *take_slot(struct import *import, int64_t line_number)
{
    struct import_line *slot = import->free_lines;
    import->free_lines = slot->next_free;
    import->n_under_way += 1;
    slot->line_number = line_number;
    return slot;
}

/* Of the product whose command the slot has. */
static void submit(struct import_line *slot, int32_t version)
{
    void (*answered)(struct service_command *) = slot->command.answered;
    slot->command = (struct service_command){
        .aggregate = &aggregate_product,
        .stream_id = aggregate_product_id(slot->catalog_command.sku),
        .command = &slot->catalog_command,
        .match = version > 0 ? SERVICE_MATCH_VERSIONS : SERVICE_MATCH_NOTHING,
        .match_versions = {version},
        .n_match_versions = version > 0,
        .actor = "catalog-import",
        .answered = answered,
    };
    service_submit(slot->import->service, &slot->command);
}

/* Of the whole catalogue the file says everything, also by what it does not have. */
static void replace_product(
    const struct import *import, struct product_line *line, struct import_line *slot)
{
    if (import->replaced == NULL)
        return;
    catalog_notes_complete(import->notes, line);
    slot->catalog_command.kept_currencies = (const char(*)[4])slot->currencies;
    slot->catalog_command.n_kept_currencies =
        catalog_notes_list_currencies(import->notes, line->sku, slot->currencies);
}

static void submit_line(struct import *import, struct product_line *line, int64_t line_number)
{
    struct import_line *slot = take_slot(import, line_number);
    replace_product(import, line, slot);
    /* The texts were checked to fit. */
    (void)strncpy(slot->sku, line->sku, sizeof slot->sku - 1);
    (void)strncpy(slot->name, line->name, sizeof slot->name - 1);
    struct catalog_command *command = &slot->catalog_command;
    command->type = CATALOG_COMMAND_SET_PRICE;
    command->sku = slot->sku;
    command->content.name = slot->name;
    command->content.is_active = line->is_active;
    command->has_active = line->has_active;
    command->has_quantity = line->has_quantity;
    command->content.quantity = line->quantity;
    if (line->quantity.unit != NULL) {
        (void)strncpy(slot->unit, line->quantity.unit, sizeof slot->unit - 1);
        command->content.quantity.unit = slot->unit;
    }
    command->has_tags = line->has_tags;
    command->content.tags = NULL;
    if (line->tags != NULL) {
        (void)strncpy(slot->tags, line->tags, sizeof slot->tags - 1);
        command->content.tags = slot->tags;
    }
    command->takes_price_away = !line->has_price;
    command->content.n_prices = 1;
    (void)strncpy(command->content.prices[0].currency, line->currency, 3);
    command->content.prices[0].price_minor = line->price_minor;
    submit(slot, 0);
}

/* The next of the products that the file does not have. False: there is none. What somebody changed
 * since they were found is newer than the file, and stays. */
static bool deactivate_next(struct import *import)
{
    const struct catalog_difference *replaced = import->replaced;
    if (replaced == NULL || import->n_missing_submitted == replaced->n_missing)
        return false;
    const struct catalog_missing_product *product =
        catalog_difference_missing(replaced, import->n_missing_submitted++);
    struct import_line *slot = take_slot(import, 0);
    slot->catalog_command.type = CATALOG_COMMAND_DEACTIVATE;
    slot->catalog_command.sku = product->sku;
    submit(slot, product->version);
    return true;
}

static void end_in_trouble(struct import *import)
{
    if (import->end <= IMPORT_READ_ALL)
        import->end = IMPORT_IN_TROUBLE;
}

static void receive(struct import *import, struct import_line *slot)
{
    int64_t line_number = slot->line_number;
    switch (slot->command.outcome) {
    case SERVICE_DONE:
        import->n_done += line_number > 0;
        import->n_deactivated += line_number == 0;
        break;
    case SERVICE_REFUSED: /* there is one rule */
        complain_of_product(slot, "the product already has prices in 64 currencies");
        break;
    case SERVICE_OTHER_TYPE:
        complain_of_product(slot, "the id that belongs to this sku is taken by a cart");
        break;
    case SERVICE_VERSION_MISMATCH: /* only the missing ones have one */
        import->n_changed_meanwhile += 1;
        break;
    case SERVICE_KEY_REUSED:
    case SERVICE_FAILED:
        complain_of_product(slot, "it could not be recorded");
        if (++import->n_failed > FAILED_MAX)
            end_in_trouble(import);
        break;
    case SERVICE_OVERLOADED:
    case SERVICE_UNAVAILABLE:
    case SERVICE_UNKNOWN:
    case SERVICE_SHUTTING_DOWN:
        if (line_number > 0 &&
            (import->first_unrecorded_line == 0 || line_number < import->first_unrecorded_line))
            import->first_unrecorded_line = line_number;
        end_in_trouble(import);
        break;
    }
}

static void answered(struct service_command *command)
{
    struct import_line *slot = BASE_CONTAINER(command, struct import_line, command);
    struct import *import = slot->import;
    receive(import, slot);
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
    BASE_CLEANUP(base_buffer_finish) struct base_buffer ignored = {0};
    import->header.has_decimal_prices = import->file->has_decimal_prices;
    import->has_header = columns_read_header(
        &product_line_columns, record, &import->header.columns, &ignored, &problem);
    if (!import->has_header) {
        break_off(
            import, record->line,
            columns_have_cr(record) ? "its lines end with CR alone; save it with LF or CRLF"
                                    : problem);
        return;
    }
    catalog_notes_take_header(import->notes, &import->header);
    if (ignored.length > 0 && !import->is_checked) { /* else the check said it */
        base_buffer_append_text(&ignored, ": unknown columns, which are ignored");
        progress_erase(&import->task.progress);
        cli_complain_of_line(import->task.source->name, record->line, base_buffer_text(&ignored));
    }
}

static void receive_record(struct import *import, const struct csv_record *record)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer problem = {0};
    struct product_line line;
    import->n_lines++;
    if (!product_line_read(&import->header, record, &arena, &line, &problem)) {
        complain(import, record->line, base_buffer_text(&problem));
        return;
    }
    int64_t earlier =
        import->is_checked ? 0 : catalog_notes_take(import->notes, &line, record->line);
    if (earlier > 0) {
        base_buffer_printf(
            &problem, "it contradicts line %" PRId64 " in name, price, activity, quantity or tags",
            earlier);
        product_line_append_sku(&problem, line.sku);
        complain(import, record->line, base_buffer_text(&problem));
    } else if (!import->only_checks) {
        submit_line(import, &line, record->line);
    }
}

/* False: nothing more can be read at the moment. */
static bool read_record(struct import *import)
{
    struct csv_record record;
    switch (csv_next(&import->reader, &record)) {
    case CSV_RECORD:
        if (columns_are_blank(&record) || (!import->has_header && columns_name_delimiter(&record)))
            return true;
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
        import->is_read = import->has_header;
        if (!import->has_header)
            break_off(import, 1, "the file is empty");
        return import->is_read;
    }
    return false;
}

static void step(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (task->is_unreadable && import->end == IMPORT_GOES_ON)
        import->end = IMPORT_UNREADABLE;
    bool has_next = true;
    while (has_next && import->end == IMPORT_GOES_ON && import->free_lines != NULL &&
           !task_is_reading(task)) {
        has_next = import->is_read ? deactivate_next(import) : read_record(import);
        if (import->is_read && !has_next)
            import->end = IMPORT_READ_ALL;
    }
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
    if (task->source->encoding != SOURCE_AS_IT_IS)
        task->progress.n_whole = 0; /* what was taken is not counted in bytes of the file */
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

static const char *name_trouble(const struct import *import, const char *trouble)
{
    if (import->n_failed > FAILED_MAX)
        return "too many lines failed";
    return trouble != NULL ? trouble : "PostgreSQL did not answer in time";
}

/* Says what kept the import from being whole. */
static void say_end(const struct import *import, const char *trouble)
{
    const char *name = import->task.source->name;
    int64_t line =
        import->first_unrecorded_line > 0 ? import->first_unrecorded_line : import->reader.line;
    bool is_interrupted = import->end == IMPORT_INTERRUPTED;
    if (!is_interrupted && import->end != IMPORT_IN_TROUBLE)
        return;
    if (import->only_checks)
        cli_complain("interrupted; nothing was imported");
    else if (import->n_missing_submitted > 0 && import->first_unrecorded_line == 0)
        cli_complain(
            "%s: %s is recorded, and %" PRId64 " of the %zu products that it does not have were "
            "made inactive; importing it again from the beginning is safe",
            is_interrupted ? "interrupted" : name_trouble(import, trouble), name,
            import->n_deactivated, import->replaced->n_missing);
    else if (is_interrupted)
        cli_complain(
            "interrupted: %s is recorded up to line %" PRId64
            "; importing it again from the beginning is safe",
            name, line - 1);
    else
        cli_complain(
            "stopped at line %" PRId64 " of %s: %s; importing it again from the beginning is safe",
            line, name, name_trouble(import, trouble));
}

static void print_summary(const struct import *import)
{
    int64_t n_unchanged = import->metrics.numbers[METRICS_COMMANDS_UNCHANGED];
    printf(
        "lines: %" PRId64 " read, %" PRId64 " changed a product, %" PRId64
        " said nothing new, %" PRId64 " bad\n",
        import->n_lines, import->n_done - n_unchanged, n_unchanged, import->n_bad);
    if (import->replaced != NULL)
        printf(
            "products that the file does not have: %" PRId64 " made inactive, %" PRId64
            " left as somebody changed them meanwhile\n",
            import->n_deactivated, import->n_changed_meanwhile);
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

/* Goes over the source once; afterwards the import has its numbers. finish() it in any case. */
static void pass(struct import *import, const char *task_name)
{
    const struct catalog_file *file = import->file;
    import->task.config = file->config;
    import->task.source = file->source;
    import->task.step = step;
    import->task.show = show;
    import->task.interrupted = interrupted;
    progress_start(&import->task.progress, task_name, "lines");
    import->task.progress.n_whole = file->source->n_bytes;
    csv_init(&import->reader, file->source);
    import->reader.delimiter = file->delimiter;
    make_lines(import);
    if (task_open(&import->task) && (import->only_checks || open_service(import)))
        run(import);
}

static void finish(struct import *import)
{
    task_close(&import->task);
    postgres_history_destroy(import->history);
    csv_finish(&import->reader);
    free(import->lines);
}

bool catalog_check(const struct catalog_file *file, struct catalog_notes *notes)
{
    struct import import = {.file = file, .notes = notes, .only_checks = true};
    pass(&import, "checking");
    bool is_whole = import.end == IMPORT_READ_ALL;
    bool is_empty = is_whole && file->replaces && import.n_lines == import.n_bad;
    bool is_refused = is_whole && (import.n_bad > 0 || is_empty);
    if (is_refused)
        print_summary(&import);
    if (is_empty)
        cli_complain(
            "%s has no products; %s would make every product inactive", file->source->name,
            file->checked_by);
    if (is_refused)
        cli_complain("nothing was imported, because of %s", file->checked_by);
    finish(&import);
    return is_whole && !is_refused && source_rewind(file->source);
}

bool catalog_import(
    const struct catalog_file *file, struct catalog_notes *notes,
    const struct catalog_difference *replaced)
{
    struct import import = {
        .file = file,
        .notes = notes,
        .is_checked = file->checked_by != NULL,
        .replaced = replaced,
    };
    pass(&import, "importing");
    bool is_whole = import.end == IMPORT_READ_ALL && import.n_bad == 0 && import.n_failed == 0;
    print_summary(&import);
    finish(&import);
    return is_whole;
}
