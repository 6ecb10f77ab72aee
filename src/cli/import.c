#include "import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "subcommand.h"

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

bool import_read_delimiter(const struct config_flag *flag, char *delimiter)
{
    if (!flag->is_given)
        return true;
    bool is_tab = strcmp(flag->value, "tab") == 0 || strcmp(flag->value, "\\t") == 0;
    bool is_one = strlen(flag->value) == 1 && strchr(",;|\t", flag->value[0]) != NULL;
    if (!is_tab && !is_one)
        cli_complain("--delimiter must be , ; | or tab, not \"%s\"", flag->value);
    *delimiter = is_tab ? '\t' : flag->value[0];
    return is_tab || is_one;
}

/* ---- bad lines ------------------------------------------------------------------------------- */

void import_complain(struct import *import, int64_t line_number, const char *reason)
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

/* This is no such file. */
static void break_off(struct import *import, int64_t line_number, const char *why)
{
    progress_erase(&import->task.progress);
    cli_complain_of_line(import->task.source->name, line_number, why);
    import->end = IMPORT_UNREADABLE;
}

/* ---- a line: submitted, answered ------------------------------------------------------------- */

struct import_slot *import_take_slot(struct import *import, int64_t line_number)
{
    struct import_slot *slot = import->free_slots;
    import->free_slots = slot->next_free;
    import->n_under_way += 1;
    slot->line_number = line_number;
    return slot;
}

void import_submit(
    struct import_slot *slot, struct base_uuid stream_id, const void *command, int32_t version)
{
    const struct import_kind *kind = slot->import->kind;
    void (*answered)(struct service_command *) = slot->command.answered;
    slot->command = (struct service_command){
        .aggregate = kind->aggregate,
        .stream_id = stream_id,
        .command = command,
        .match = version > 0 ? SERVICE_MATCH_VERSIONS : SERVICE_MATCH_NOTHING,
        .match_versions = {version},
        .n_match_versions = version > 0,
        .actor = kind->actor,
        .answered = answered,
    };
    service_submit(slot->import->service, &slot->command);
}

static void end_in_trouble(struct import *import)
{
    if (import->end <= IMPORT_READ_ALL)
        import->end = IMPORT_IN_TROUBLE;
}

static void receive(struct import *import, struct import_slot *slot)
{
    int64_t line_number = slot->line_number;
    switch (slot->command.outcome) {
    case SERVICE_DONE:
        import->n_done += line_number > 0;
        import->n_rest_done += line_number == 0;
        break;
    case SERVICE_REFUSED:
        import->kind->complain(slot, import->kind->refused);
        break;
    case SERVICE_OTHER_TYPE:
        import->kind->complain(slot, import->kind->id_taken);
        break;
    case SERVICE_VERSION_MISMATCH: /* no line has one */
        import->n_rest_changed += 1;
        break;
    case SERVICE_KEY_REUSED:
    case SERVICE_FAILED:
        import->kind->complain(slot, "it could not be recorded");
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
    struct import_slot *slot = BASE_CONTAINER(command, struct import_slot, command);
    struct import *import = slot->import;
    receive(import, slot);
    if (import->kind->release != NULL)
        import->kind->release(slot);
    base_buffer_finish(&command->body);
    slot->next_free = import->free_slots;
    import->free_slots = slot;
    import->n_under_way -= 1;
    task_wake(&import->task);
}

/* ---- reading as fast as lines are answered --------------------------------------------------- */

static void receive_header(struct import *import, const struct csv_record *record)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer ignored = {0};
    import->has_header =
        columns_read_header(import->kind->columns, record, &import->header, &ignored, &problem);
    if (!import->has_header) {
        break_off(
            import, record->line,
            columns_have_cr(record) ? "its lines end with CR alone; save it with LF or CRLF"
                                    : problem);
        return;
    }
    if (import->kind->receive_header != NULL)
        import->kind->receive_header(import, &import->header);
    if (ignored.length > 0 && !import->is_checked) { /* else the check said it */
        base_buffer_append_text(&ignored, ": unknown columns, which are ignored");
        progress_erase(&import->task.progress);
        cli_complain_of_line(import->task.source->name, record->line, base_buffer_text(&ignored));
    }
}

/* The beginning of the source says it, behind a byte order mark. False: it has not come yet. */
static bool find_format(struct import *import)
{
    static const char MARK[] = "\xef\xbb\xbf";
    enum { MARK_LENGTH = sizeof MARK - 1 };
    const struct source *source = import->source;
    size_t length = source->buffer.length - source->start;
    const char *bytes = source->buffer.bytes + source->start;
    if (import->kind->receive_line == NULL) {
        import->format = IMPORT_CSV;
        return true;
    }
    if (length <= MARK_LENGTH && !source->has_ended) {
        task_read(&import->task);
        return false;
    }
    size_t mark = length >= MARK_LENGTH && memcmp(bytes, MARK, MARK_LENGTH) == 0 ? MARK_LENGTH : 0;
    bool is_json = length > mark && bytes[mark] == '{';
    import->format = is_json ? IMPORT_JSON_LINES : IMPORT_CSV;
    if (is_json)
        source_take(import->source, mark);
    return true;
}

static bool is_blank_line(const struct lines *lines)
{
    for (size_t i = 0; i < lines->length; i++)
        if (memchr(COLUMNS_BLANKS, lines->text[i], sizeof COLUMNS_BLANKS - 1) == NULL)
            return false;
    return true;
}

/* One that is too long comes in pieces, of which the last may be as long as a line. */
static void receive_line(struct import *import, bool is_too_long)
{
    struct lines *lines = &import->lines;
    bool goes_on = is_too_long && import->source->buffer.bytes[import->source->start - 1] != '\n';
    bool is_rest = import->is_skipping;
    import->is_skipping = goes_on;
    if (is_rest) {
        lines->number--;
    } else if (is_too_long) {
        import->n_lines++;
        import_complain(import, lines->number, "it is longer than 64 KiB");
    } else if (!is_blank_line(lines)) {
        import->n_lines++;
        import->kind->receive_line(import, lines);
    }
}

/* False: nothing more can be read at the moment. */
static bool read_line(struct import *import)
{
    enum lines_outcome outcome = lines_next(&import->lines);
    switch (outcome) {
    case LINES_LINE:
    case LINES_TOO_LONG:
        receive_line(import, outcome == LINES_TOO_LONG);
        return true;
    case LINES_MORE:
        task_read(&import->task);
        return false;
    case LINES_END:
        import->is_read = true;
        return true;
    }
    return false;
}

/* False: nothing more can be read at the moment. */
static bool read_record(struct import *import)
{
    struct csv_record record;
    switch (csv_next(&import->reader, &record)) {
    case CSV_RECORD:
        if (columns_are_blank(&record) || (!import->has_header && columns_name_delimiter(&record)))
            return true;
        import->n_lines += import->has_header;
        if (import->has_header)
            import->kind->receive_record(import, &record);
        else
            receive_header(import, &record);
        return true;
    case CSV_BAD:
        import->n_lines += import->has_header;
        if (import->has_header)
            import_complain(import, record.line, record.reason);
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

static bool read_next(struct import *import)
{
    if (import->format == IMPORT_UNKNOWN_FORMAT && !find_format(import))
        return false;
    return import->format == IMPORT_CSV ? read_record(import) : read_line(import);
}

static bool submit_rest(struct import *import)
{
    return import->kind->submit_rest != NULL && import->kind->submit_rest(import);
}

static void step(struct task *task)
{
    struct import *import = BASE_CONTAINER(task, struct import, task);
    if (task->is_unreadable && import->end == IMPORT_GOES_ON)
        import->end = IMPORT_UNREADABLE;
    bool has_next = true;
    while (has_next && import->end == IMPORT_GOES_ON && import->free_slots != NULL &&
           !task_is_reading(task)) {
        has_next = import->is_read ? submit_rest(import) : read_next(import);
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

static void make_slots(struct import *import)
{
    import->slots = base_alloc(LINES_MAX * import->kind->slot_size);
    for (size_t i = LINES_MAX; i-- > 0;) {
        struct import_slot *slot = (void *)(import->slots + i * import->kind->slot_size);
        slot->import = import;
        slot->command.answered = answered;
        slot->next_free = import->free_slots;
        import->free_slots = slot;
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
    int64_t next =
        import->format == IMPORT_JSON_LINES ? import->lines.number + 1 : import->reader.line;
    int64_t line = import->first_unrecorded_line > 0 ? import->first_unrecorded_line : next;
    bool is_interrupted = import->end == IMPORT_INTERRUPTED;
    if (!is_interrupted && import->end != IMPORT_IN_TROUBLE)
        return;
    const char *why = is_interrupted ? "interrupted" : name_trouble(import, trouble);
    if (import->only_checks)
        cli_complain("interrupted; nothing was imported");
    else if (import->kind->say_end != NULL && import->kind->say_end(import, why))
        return;
    else if (is_interrupted)
        cli_complain(
            "interrupted: %s is recorded up to line %" PRId64
            "; importing it again from the beginning is safe",
            name, line - 1);
    else
        cli_complain(
            "stopped at line %" PRId64 " of %s: %s; importing it again from the beginning is safe",
            line, name, why);
}

bool import_is_whole(const struct import *import)
{
    return import->end == IMPORT_READ_ALL && import->n_bad == 0 && import->n_failed == 0;
}

void import_print_summary(const struct import *import)
{
    int64_t n_unchanged = import->metrics.numbers[METRICS_COMMANDS_UNCHANGED];
    if (import->only_checks) {
        printf("lines: %" PRId64 " read, %" PRId64 " bad\n", import->n_lines, import->n_bad);
        return;
    }
    printf(
        "lines: %" PRId64 " read, %" PRId64 " changed a %s, %" PRId64 " said nothing new, %" PRId64
        " bad\n",
        import->n_lines, import->n_done - n_unchanged, import->kind->thing, n_unchanged,
        import->n_bad);
}

bool import_end_dry_run(int64_t n_lines, int64_t n_bad)
{
    if (n_bad == 0)
        puts("dry run: every line is right; nothing was imported");
    else
        printf(
            "dry run: bad lines that would be left out: %" PRId64 " of %" PRId64
            "; nothing was imported\n",
            n_bad, n_lines);
    return n_bad == 0;
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

void import_run(struct import *import, const char *task_name)
{
    import->task.config = import->config;
    import->task.source = import->source;
    import->task.step = step;
    import->task.show = show;
    import->task.interrupted = interrupted;
    progress_start(&import->task.progress, task_name, "lines");
    import->task.progress.n_whole = import->source->n_bytes;
    csv_init(&import->reader, import->source);
    import->reader.delimiter = import->delimiter;
    import->lines = (struct lines){.source = import->source, .most = CSV_RECORD_MAX};
    make_slots(import);
    if (task_open(&import->task) && (import->only_checks || open_service(import)))
        run(import);
}

void import_finish(struct import *import)
{
    task_close(&import->task);
    postgres_history_destroy(import->history);
    csv_finish(&import->reader);
    free(import->slots);
}
