#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "migrate.h"
#include "subcommand.h"
#include "task.h"

/* How often a rebuild says where it is when it has no terminal to draw on, so that it can go on
 * from there after whatever happens to it. */
#define SAY_US INT64_C(30000000)
#define FINDINGS_SHOWN 50 /* as a line each; the rest are counted by what they are about */
#define KINDS_MAX 32

/* A verify or a rebuild. */
struct audit_run {
    struct task task;
    struct audit *audit;
    const char *what; /* is rebuilt; NULL: it is a verify */
    int64_t said_at_us;
    int64_t n_findings;
    struct {
        const char *kind;
        int64_t n; /* that were not shown */
    } kinds[KINDS_MAX];
    size_t n_kinds;
};

/* ---- findings -------------------------------------------------------------------------------- */

/* Prints "cart 0193…, version 3: carts.total is 5 and should be 7" on stdout. */
static void print_finding(const struct audit_finding *finding)
{
    /* A sentence shows what was stored, which may be anything. */
    BASE_CLEANUP(base_buffer_finish) struct base_buffer printable = {0};
    base_buffer_append_printable(&printable, finding->sentence);
    const char *sentence = base_buffer_text(&printable);
    if (finding->stream_type == NULL) {
        printf("%s: %s\n", finding->kind, sentence);
        return;
    }
    char id[BASE_UUID_SIZE];
    base_uuid_format(&finding->stream_id, id);
    printf("%s %s", finding->stream_type, id);
    if (finding->version > 0)
        printf(", version %d", (int)finding->version);
    printf(": %s\n", sentence);
}

static void count_finding(struct audit_run *run, const char *kind)
{
    size_t i = 0;
    while (i < run->n_kinds && strcmp(run->kinds[i].kind, kind) != 0)
        i++;
    if (i == KINDS_MAX)
        i--; /* more kinds than there are tables: the last one takes them all */
    else if (i == run->n_kinds)
        run->kinds[run->n_kinds++].kind = kind;
    run->kinds[i].n++;
}

static void found(void *context, const struct audit_finding *finding)
{
    struct audit_run *run = context;
    if (run->n_findings++ >= FINDINGS_SHOWN) {
        count_finding(run, finding->kind);
        return;
    }
    progress_erase(&run->task.progress);
    print_finding(finding);
    fflush(stdout);
}

static void print_counted_findings(const struct audit_run *run)
{
    if (run->n_findings <= FINDINGS_SHOWN)
        return;
    printf("and %" PRId64 " more:", run->n_findings - FINDINGS_SHOWN);
    for (size_t i = 0; i < run->n_kinds; i++)
        printf("%s %s %" PRId64, i > 0 ? "," : "", run->kinds[i].kind, run->kinds[i].n);
    printf("\n");
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void ended(void *context)
{
    struct audit_run *run = context;
    task_stop(&run->task);
}

static void interrupted(struct task *task)
{
    audit_stop(BASE_CONTAINER(task, struct audit_run, task)->audit);
}

static void append_counted(struct base_buffer *out, int64_t n, const char *one, const char *many)
{
    progress_append_number(out, n);
    base_buffer_printf(out, " %s", n == 1 ? one : many);
}

/* Where a rebuild is and how it goes on from there. */
static void say_progress(const struct audit_run *run, const char *word)
{
    const struct audit_result *result = audit_result(run->audit);
    char id[BASE_UUID_SIZE];
    base_uuid_format(&result->resume_at, id);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer done = {0};
    progress_append_number(&done, result->n_streams);
    base_buffer_append_text(&done, " of ");
    progress_append_number(&done, result->n_all);
    cli_complain(
        "%s after %s streams; `cartd rebuild %s --from %s` continues from there", word,
        base_buffer_text(&done), run->what, id);
}

static void show(struct task *task)
{
    struct audit_run *run = BASE_CONTAINER(task, struct audit_run, task);
    const struct audit_result *result = audit_result(run->audit);
    struct progress *progress = &task->progress;
    progress->n_whole = result->n_all;
    if (result->n_positions > 0) {
        progress->task = "checking the order of the log";
        progress->unit = "events";
        progress->n_whole = result->head;
        progress_show(progress, result->n_positions, result->n_positions);
    } else {
        progress_show(progress, result->n_streams, result->n_streams);
    }
    if (run->what != NULL && !progress->is_on &&
        loop_now_us(task->loop) - run->said_at_us >= SAY_US) {
        run->said_at_us = loop_now_us(task->loop);
        say_progress(run, "rebuilding:");
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

static void print_done(const struct audit_run *run, const struct audit_result *result)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    if (run->what != NULL) {
        base_buffer_printf(&line, "rebuilt %s: ", run->what);
        append_counted(&line, result->n_streams, "stream", "streams");
        base_buffer_append_text(&line, " replayed, ");
        progress_append_number(&line, result->n_rewritten);
        base_buffer_append_text(&line, " rewritten, ");
        progress_append_number(&line, result->n_removed);
        base_buffer_append_text(&line, " orphans removed");
    } else {
        base_buffer_append_text(&line, result->n_findings == 0 ? "clean: " : "NOT clean: ");
        if (result->n_findings > 0) {
            append_counted(&line, result->n_findings, "discrepancy", "discrepancies");
            base_buffer_append_text(&line, " in ");
        }
        append_counted(&line, result->n_events, "event", "events");
        base_buffer_append_text(&line, " of ");
        append_counted(&line, result->n_streams, "stream", "streams");
        base_buffer_append_text(&line, ", head of the log at ");
        progress_append_number(&line, result->head);
    }
    int64_t elapsed_us = base_clock_monotonic_us() - run->task.progress.started_at_us;
    base_buffer_append_text(&line, ", in ");
    progress_append_duration(&line, (elapsed_us + 500000) / 1000000);
    puts(base_buffer_text(&line));
}

static enum cli_exit say_end(const struct audit_run *run)
{
    const struct audit_result *result = audit_result(run->audit);
    bool is_trouble = result->end == AUDIT_IN_TROUBLE;
    print_counted_findings(run);
    if (result->end == AUDIT_DONE) {
        print_done(run, result);
        return result->n_findings == 0 ? CLI_DONE : CLI_FAILED;
    }
    if (is_trouble)
        cli_complain("%s", result->trouble ? result->trouble : "PostgreSQL did not answer");
    if (run->what != NULL)
        say_progress(run, is_trouble ? "stopped" : "interrupted");
    else if (!is_trouble)
        cli_complain("interrupted before everything was checked");
    return CLI_FAILED;
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static bool open_audit(struct audit_run *run, const struct audit_wanted *wanted)
{
    const struct config *config = run->task.config;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    run->audit = audit_create(
        &(struct audit_options){
            .loop = run->task.loop,
            .log = &run->task.log,
            .url = config->texts[CONFIG_DATABASE_URL],
            .ready_sql = migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .wait_ms = config->numbers[CONFIG_WAIT_MS],
            .found = found,
            .ended = ended,
            .context = run,
        },
        wanted, &problem);
    if (run->audit == NULL)
        cli_complain("%s", problem);
    return run->audit != NULL;
}

static enum cli_exit run_audit(
    const struct config *config, const char *what, const struct audit_wanted *wanted)
{
    struct audit_run run = {
        .task = {.config = config, .interrupted = interrupted, .show = show},
        .what = what,
    };
    enum cli_exit status = CLI_FAILED;
    progress_start(&run.task.progress, what != NULL ? "rebuilding" : "verifying", "streams");
    if (task_open(&run.task) && open_audit(&run, wanted)) {
        run.said_at_us = loop_now_us(run.task.loop);
        task_run(&run.task);
        status = say_end(&run);
    }
    audit_destroy(run.audit);
    task_close(&run.task);
    return status;
}

enum cli_exit cli_verify(const struct cli_call *call)
{
    return run_audit(call->config, NULL, &(struct audit_wanted){.kind = AUDIT_VERIFY});
}

enum cli_exit cli_rebuild_all(const struct config *config)
{
    return run_audit(config, "all", &(struct audit_wanted){.kind = AUDIT_REBUILD});
}

/* An id or its beginning: 0193 is 01930000-0000-…. */
static bool read_stream_prefix(const char *text, struct base_uuid *stream_id)
{
    char id[BASE_UUID_SIZE] = "00000000-0000-0000-0000-000000000000";
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof id)
        return false;
    memcpy(id, text, length);
    return base_uuid_parse(id, stream_id);
}

/* "carts", "products", …: the streams of one kind. */
static const struct aggregate *find_plural(const char *what)
{
    for (size_t i = 0; i < aggregates_count; i++)
        if (strcmp(aggregates[i]->plural, what) == 0)
            return aggregates[i];
    return NULL;
}

enum cli_exit cli_rebuild(const struct cli_call *call)
{
    const char *what = call->arguments[0];
    struct audit_wanted wanted = {.kind = AUDIT_REBUILD, .only = find_plural(what)};
    if (wanted.only == NULL && strcmp(what, "all") != 0)
        return cli_complain_of_usage(call);
    const struct config_flag *from = &call->flags[CLI_REBUILD_FROM];
    if (from->is_given && !read_stream_prefix(from->value, &wanted.from)) {
        cli_complain(
            "--from must be the id of a stream or a prefix of one, not \"%s\"", from->value);
        return CLI_MISUSED;
    }
    return run_audit(call->config, what, &wanted);
}
