#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "events.h"

/*
 * Copies the log with every event in the newest shape of its type. Each event that changes is
 * brought back to its former shape before it is written, and must be what it was; so the copy says
 * all that the log says, but which schema_version an event was recorded with.
 *
 * A file is written as an export is. A database is imported into by a second process, to which the
 * lines of such a file go through a pipe.
 */

#define CHANGES_MAX 32

struct upgrade {
    struct events_copying copying;
    struct base_buffer data; /* of the event at hand */
    /* What changed. */
    struct upgrade_change {
        char type[64];
        int32_t schema_version;
        int64_t n_events;
    } changes[CHANGES_MAX];
    size_t n_changes;
};

/* ---- an event -------------------------------------------------------------------------------- */

static void count_change(struct upgrade *upgrade, const struct eventstore_event *event)
{
    struct upgrade_change *change = upgrade->changes;
    const struct upgrade_change *end = change + upgrade->n_changes;
    while (change < end && (change->schema_version != event->schema_version ||
                            strcmp(change->type, event->type) != 0))
        change++;
    if (change == end) {
        if (upgrade->n_changes == CHANGES_MAX)
            return;
        upgrade->n_changes++;
        (void)snprintf(change->type, sizeof change->type, "%s", event->type); /* a known type */
        change->schema_version = event->schema_version;
    }
    change->n_events++;
}

static bool append_upgraded(
    struct events_copying *copying, struct base_buffer *out, const struct eventstore_event *event)
{
    struct upgrade *upgrade = BASE_CONTAINER(copying, struct upgrade, copying);
    int32_t newest = codec_newest_schema_version(event->type);
    if (event->schema_version == newest)
        return events_append_copy(copying, out, event);

    const char *reason = NULL;
    upgrade->data.length = 0;
    if (!codec_upcast_event(
            event->type, event->schema_version, event->data, &upgrade->data, &reason) ||
        !codec_is_upcast_of(
            event->type, event->schema_version, base_buffer_text(&upgrade->data), event->data,
            &reason)) {
        progress_erase(&copying->task.progress);
        cli_complain(
            "event %" PRId64 ", %s with schema_version %d, can't be upgraded: %s", event->position,
            event->type, (int)event->schema_version, reason);
        return false;
    }
    struct eventstore_event upgraded = *event;
    upgraded.schema_version = newest;
    upgraded.data = base_buffer_text(&upgrade->data);
    if (!copying->is_comparing)
        count_change(upgrade, event);
    return events_append_copy(copying, out, &upgraded);
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static void print_changes(const struct upgrade *upgrade, FILE *stream)
{
    int64_t n_others = upgrade->copying.n_events;
    for (size_t i = 0; i < upgrade->n_changes; i++) {
        const struct upgrade_change *change = &upgrade->changes[i];
        n_others -= change->n_events;
        fprintf(
            stream,
            "%s: %" PRId64 " from schema_version %d to %d; brought back, each is what it was\n",
            change->type, change->n_events, (int)change->schema_version,
            (int)codec_newest_schema_version(change->type));
    }
    fprintf(stream, "already of the newest shape: %" PRId64 "\n", n_others);
}

/* ---- into a database ------------------------------------------------------------------------- */

static enum cli_exit wait_for(pid_t importer)
{
    int status = 0;
    while (waitpid(importer, &status, 0) < 0)
        if (errno != EINTR)
            return CLI_FAILED;
    return WIFEXITED(status) && WEXITSTATUS(status) == CLI_DONE ? CLI_DONE : CLI_FAILED;
}

static enum cli_exit copy_to_importer(struct upgrade *upgrade, const struct config *target)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        cli_complain("%s", strerror(errno));
        return CLI_FAILED;
    }
    (void)fflush(stdout); /* what is there must not be printed twice */
    pid_t importer = fork();
    if (importer == 0) {
        (void)close(ends[1]); /* else its input would never end */
        exit(events_import_pipe("the upgraded log", ends[0], target));
    }
    (void)close(ends[0]); /* so that it is noticed when the importer ends */
    enum cli_exit status = CLI_FAILED;
    if (importer < 0) {
        cli_complain("%s", strerror(errno));
    } else {
        upgrade->copying.output.fd = ends[1];
        upgrade->copying.name = "the other database";
        status = events_copy(&upgrade->copying);
    }
    /* A part is not worth read tables; and the importer may have ended already. */
    if (importer > 0 && status != CLI_DONE)
        (void)kill(importer, SIGTERM);
    (void)close(ends[1]); /* That is the importer's end of input; nothing is buffered. */
    if (importer > 0 && wait_for(importer) != CLI_DONE)
        status = CLI_FAILED;
    return status;
}

static enum cli_exit copy_to_database(struct upgrade *upgrade, const char *url)
{
    struct config target = *upgrade->copying.task.config;
    target.texts[CONFIG_DATABASE_URL] = url;
    if (!cli_check_database("--into", url))
        return CLI_MISUSED;
    return task_check(&target) ? copy_to_importer(upgrade, &target) : CLI_FAILED;
}

enum cli_exit events_upgrade(const struct cli_call *call)
{
    const struct config_flag *into = &call->flags[CLI_EVENTS_INTO];
    if (!into->is_given || into->value[0] == '\0') {
        cli_complain(
            "events upgrade requires --into FILE or --into DATABASE (a connection string)");
        return CLI_MISUSED;
    }
    struct upgrade upgrade = {
        .copying =
            {
                .task = {.config = call->config, .role = "upgrade"},
                .append = append_upgraded,
            },
    };
    if (!cli_is_database(into->value))
        upgrade.copying.doing = "upgrading";
    enum cli_exit status = cli_is_database(into->value)
                               ? copy_to_database(&upgrade, into->value)
                               : events_write_file(&upgrade.copying, into->value, false);
    /* The lines of the copy may go to the standard output. */
    if (status == CLI_DONE)
        print_changes(&upgrade, strcmp(into->value, "-") == 0 ? stderr : stdout);
    base_buffer_finish(&upgrade.data);
    return status;
}
