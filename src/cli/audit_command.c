#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "findings.h"
#include "loop.h"
#include "migrate.h"
#include "progress.h"
#include "subcommand.h"

/* How often a rebuild says where it is when it has no terminal to draw on, so that it can go on
 * from there after whatever happens to it. */
#define AUDIT_SAY_US INT64_C(30000000)

/* A verify or a rebuild. */
struct audit_run {
    const struct config *config;
    struct base_log log;
    struct loop *loop;
    struct loop_signals signals;
    struct loop_timer redraw_timer;
    struct progress progress;
    struct findings findings;
    struct audit *audit;
    const char *what; /* is rebuilt; NULL: it is a verify */
    int64_t said_at_us;
    bool is_interrupted;
};

static const struct audit_result *result_of(const struct audit_run *run)
{
    return audit_result(run->audit);
}

/* ---- while it runs --------------------------------------------------------------------------- */

static void found(void *context, const struct audit_finding *finding)
{
    struct audit_run *run = context;
    findings_add(&run->findings, finding);
}

static void ended(void *context)
{
    struct audit_run *run = context;
    loop_stop(run->loop);
}

static void received_signal(struct loop_signals *signals, int signal)
{
    (void)signal;
    struct audit_run *run = BASE_CONTAINER(signals, struct audit_run, signals);
    if (run->is_interrupted) {
        loop_stop(run->loop);
        return;
    }
    run->is_interrupted = true;
    audit_stop(run->audit);
}

static void append_streams(struct base_buffer *out, const struct audit_result *result)
{
    progress_append_number(out, result->n_streams);
    base_buffer_append_text(out, " of ");
    progress_append_number(out, result->n_all);
    base_buffer_append_text(out, " streams");
}

/* Where a rebuild is and how it goes on from there. */
static void say_place(const struct audit_run *run, const char *word)
{
    const struct audit_result *result = result_of(run);
    char id[BASE_UUID_SIZE];
    base_uuid_format(&result->resume_at, id);
    struct base_buffer done = {0};
    append_streams(&done, result);
    cli_complain(
        "%s after %s; `cartd rebuild %s --from %s` goes on from there", word,
        base_buffer_text(&done), run->what, id);
    base_buffer_finish(&done);
}

static void show_progress(struct audit_run *run)
{
    const struct audit_result *result = result_of(run);
    if (!run->what && result->n_positions > 0) {
        run->progress.task = "checking the order of the log";
        run->progress.unit = "events";
        run->progress.n_bytes = result->head;
        progress_show(&run->progress, result->n_positions, result->n_positions);
        return;
    }
    run->progress.n_bytes = result->n_all;
    progress_show(&run->progress, result->n_streams, result->n_streams);
}

static void redraw(struct loop_timer *timer)
{
    struct audit_run *run = BASE_CONTAINER(timer, struct audit_run, redraw_timer);
    show_progress(run);
    if (run->what && !run->progress.is_on &&
        loop_now_us(run->loop) - run->said_at_us >= AUDIT_SAY_US) {
        run->said_at_us = loop_now_us(run->loop);
        say_place(run, "rebuilding:");
    }
    loop_start_timer(run->loop, timer, PROGRESS_INTERVAL_US);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static bool open_loop(struct audit_run *run, char **problem)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, 0};
    run->signals.received = received_signal;
    run->redraw_timer.fired = redraw;
    run->loop = loop_create();
    if (run->loop && loop_start_signals(run->loop, &run->signals, stop_signals))
        return true;
    *problem = base_copy_text(strerror(errno));
    return false;
}

static bool open_audit(struct audit_run *run, const struct audit_wanted *wanted, char **problem)
{
    const struct audit_options options = {
        .loop = run->loop,
        .log = &run->log,
        .url = run->config->texts[CONFIG_DATABASE_URL],
        .ready_sql = migrate_ready_sql(),
        .not_ready_detail = CLI_SCHEMA_NOT_READY,
        .wait_ms = run->config->numbers[CONFIG_WAIT_MS],
        .found = found,
        .ended = ended,
        .context = run,
    };
    run->audit = audit_create(&options, wanted, problem);
    return run->audit;
}

static void close_all(struct audit_run *run)
{
    audit_destroy(run->audit);
    if (run->loop) {
        loop_stop_timer(run->loop, &run->redraw_timer);
        loop_stop_signals(run->loop, &run->signals);
    }
    loop_destroy(run->loop);
}

/* " in 41 s" and a newline. */
static void append_time(struct base_buffer *out, const struct audit_run *run)
{
    int64_t elapsed_us = base_clock_monotonic_us() - run->progress.started_at_us;
    base_buffer_append_text(out, ", in ");
    progress_append_duration(out, (elapsed_us + 500000) / 1000000);
    base_buffer_append_char(out, '\n');
}

static void append_counted(struct base_buffer *out, int64_t n, const char *one, const char *many)
{
    progress_append_number(out, n);
    base_buffer_printf(out, " %s", n == 1 ? one : many);
}

static void print_verified(const struct audit_run *run, const struct audit_result *result)
{
    struct base_buffer line = {0};
    if (result->n_findings == 0) {
        base_buffer_append_text(&line, "clean: ");
    } else {
        base_buffer_append_text(&line, "NOT clean: ");
        append_counted(&line, result->n_findings, "discrepancy", "discrepancies");
        base_buffer_append_text(&line, " in ");
    }
    append_counted(&line, result->n_events, "event", "events");
    base_buffer_append_text(&line, " of ");
    append_counted(&line, result->n_streams, "stream", "streams");
    base_buffer_append_text(&line, ", head of the log at ");
    progress_append_number(&line, result->head);
    append_time(&line, run);
    fputs(base_buffer_text(&line), stdout);
    base_buffer_finish(&line);
}

static void print_rebuilt(const struct audit_run *run, const struct audit_result *result)
{
    struct base_buffer line = {0};
    base_buffer_printf(&line, "rebuilt %s: ", run->what);
    append_counted(&line, result->n_streams, "stream", "streams");
    base_buffer_append_text(&line, " replayed, ");
    progress_append_number(&line, result->n_rewritten);
    base_buffer_append_text(&line, " written anew, ");
    progress_append_number(&line, result->n_removed);
    base_buffer_append_text(&line, " removed that no event backs");
    append_time(&line, run);
    fputs(base_buffer_text(&line), stdout);
    base_buffer_finish(&line);
}

static enum cli_exit say_end(const struct audit_run *run)
{
    const struct audit_result *result = result_of(run);
    findings_print_rest(&run->findings);
    switch (result->end) {
    case AUDIT_DONE:
        if (!run->what)
            print_verified(run, result);
        else
            print_rebuilt(run, result);
        return result->n_findings == 0 ? CLI_DONE : CLI_FAILED;
    case AUDIT_IN_TROUBLE:
        cli_complain("%s", result->trouble ? result->trouble : "PostgreSQL did not answer");
        if (run->what)
            say_place(run, "stopped");
        return CLI_FAILED;
    case AUDIT_GOES_ON: /* a second signal did not wait */
    case AUDIT_INTERRUPTED:
        break;
    }
    if (run->what)
        say_place(run, "interrupted");
    else
        cli_complain("interrupted: not all was looked at");
    return CLI_FAILED;
}

static enum cli_exit run_audit(
    const struct config *config, const char *what, const struct audit_wanted *wanted)
{
    /* What goes well is said by the progress line and the verdict, so the log has the rest. */
    enum base_log_level least = config_log_level(config);
    struct audit_run run = {
        .config = config,
        .log =
            {
                .fd = STDERR_FILENO,
                .form = config_log_form(config, STDERR_FILENO),
                .least = least == BASE_LOG_INFO ? BASE_LOG_WARNING : least,
            },
        .what = what,
    };
    run.findings.progress = &run.progress;
    progress_start_counted(&run.progress, what ? "rebuilding" : "verifying", "streams");
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    enum cli_exit status = CLI_FAILED;
    if (open_loop(&run, &problem) && open_audit(&run, wanted, &problem)) {
        run.said_at_us = loop_now_us(run.loop);
        loop_start_timer(run.loop, &run.redraw_timer, PROGRESS_INTERVAL_US);
        loop_run(run.loop);
        progress_erase(&run.progress);
        status = say_end(&run);
    } else {
        cli_complain("%s", problem);
    }
    close_all(&run);
    return status;
}

enum cli_exit cli_verify(const struct cli_call *call)
{
    if (call->n_arguments > 0) {
        cli_complain("verify takes no \"%s\"; see `cartd verify --help`", call->arguments[0]);
        return CLI_MISUSED;
    }
    const struct audit_wanted wanted = {.kind = AUDIT_VERIFY};
    return run_audit(call->config, NULL, &wanted);
}

enum cli_exit cli_rebuild_all(const struct config *config)
{
    const struct audit_wanted wanted = {.kind = AUDIT_REBUILD};
    return run_audit(config, "all", &wanted);
}

/* An id or its beginning: 0193 is 01930000-0000-…. */
static bool read_place(const char *text, struct base_uuid *place)
{
    char id[BASE_UUID_SIZE] = "00000000-0000-0000-0000-000000000000";
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof id)
        return false;
    memcpy(id, text, length);
    return base_uuid_parse(id, place);
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
    const char *what = call->n_arguments == 1 ? call->arguments[0] : "";
    struct audit_wanted wanted = {.kind = AUDIT_REBUILD, .only = find_plural(what)};
    if (wanted.only == NULL && strcmp(what, "all") != 0) {
        cli_complain("it is `cartd rebuild carts|products|all`; see `cartd rebuild --help`");
        return CLI_MISUSED;
    }
    const struct config_flag *from = &call->flags[CLI_REBUILD_FROM];
    if (from->is_given && !read_place(from->value, &wanted.from)) {
        cli_complain("--from must be the id of a stream or its beginning, not \"%s\"", from->value);
        return CLI_MISUSED;
    }
    return run_audit(call->config, what, &wanted);
}
