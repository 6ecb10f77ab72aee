#include <stdio.h>

#include "codec.h"
#include "eventstore.h"
#include "service.h"
#include "subcommand.h"
#include "task.h"

struct show {
    struct task task;
    struct service_history history;
    const char *cart;
    bool is_answered;
};

/* ---- ask and answer -------------------------------------------------------------------------- */

static void answered(struct service_history *history)
{
    struct show *show = BASE_CONTAINER(history, struct show, history);
    /* A connection that is lost is there again soon, or is given up by the task. */
    if (history->outcome == REPLAY_FAILED && history->request.failure == BASE_UNAVAILABLE)
        return;
    show->is_answered = true;
    task_stop(&show->task);
}

static void ask(struct task *task)
{
    struct show *show = BASE_CONTAINER(task, struct show, task);
    show->history.answered = answered;
    show->history.caller.may_all = true; /* who may read the database */
    service_read_history_over(task->connection, &task->log, &show->history);
}

/* ---- what was found -------------------------------------------------------------------------- */

static enum cli_exit print_cart(const struct service_history *history)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    codec_write_indented(&text, history->body.bytes, history->body.length);
    puts(base_buffer_text(&text));
    return CLI_DONE;
}

static enum cli_exit complain(const struct show *show)
{
    const struct service_history *history = &show->history;
    char at[BASE_TIME_SIZE] = "";
    switch (history->outcome) {
    case REPLAY_FOUND:
        break;
    case REPLAY_NO_STREAM:
        if (history->at_version == 0 && history->at_us != INT64_MAX)
            base_time_format(history->at_us, at);
        cli_complain(
            "there %s no cart %s%s%s", at[0] != '\0' ? "was" : "is", show->cart,
            at[0] != '\0' ? " at " : "", at);
        break;
    case REPLAY_NO_VERSION:
        cli_complain(
            "cart %s has no version %d; its latest is %d", show->cart, (int)history->at_version,
            (int)history->version);
        break;
    case REPLAY_FAILED:
        if (history->request.failure == BASE_BROKEN)
            cli_complain("cart %s can't be read", show->cart);
        else
            cli_complain("PostgreSQL did not answer in time");
        break;
    }
    return CLI_FAILED;
}

static enum cli_exit run_show(struct show *show)
{
    struct task *task = &show->task;
    enum cli_exit status = CLI_FAILED;
    if (task_check(task->config) && task_open(task)) {
        task_run(task);
        if (show->is_answered && show->history.outcome == REPLAY_FOUND)
            status = print_cart(&show->history);
        else if (show->is_answered)
            status = complain(show);
        else
            cli_complain("%s", task->trouble != NULL ? task->trouble : "interrupted");
    }
    task_close(task);
    base_buffer_finish(&show->history.body);
    return status;
}

/* ---- the command line ------------------------------------------------------------------------ */

/* False: it is wrong; said. */
static bool read_when(const struct cli_call *call, struct service_history *history)
{
    const struct config_flag *version = &call->flags[CLI_SHOW_VERSION];
    const struct config_flag *at = &call->flags[CLI_SHOW_AT];
    int64_t number = 0;
    history->at_us = INT64_MAX;
    if (version->is_given && at->is_given) {
        cli_complain("--version and --at can't be combined");
        return false;
    }
    if (version->is_given && !base_parse_int(version->value, 1, INT32_MAX, &number)) {
        cli_complain("--version must be from 1 to 2147483647, not \"%s\"", version->value);
        return false;
    }
    if (at->is_given && !base_time_parse(at->value, &history->at_us)) {
        cli_complain(
            "--at must be an RFC 3339 time such as 2026-11-23T04:38:00.123456Z, not \"%s\"",
            at->value);
        return false;
    }
    history->at_version = (int32_t)number;
    return true;
}

enum cli_exit cli_show(const struct cli_call *call)
{
    struct show show = {
        .task =
            {
                .config = call->config,
                .role = "show",
                .statements = eventstore_history_statements,
                .ready = ask,
            },
        .cart = call->arguments[0],
    };
    if (!read_when(call, &show.history))
        return CLI_MISUSED;
    if (!base_uuid_parse(show.cart, &show.history.cart_id)) {
        cli_complain("the id of a cart must be a UUID, not \"%s\"", show.cart);
        return CLI_MISUSED;
    }
    return run_show(&show);
}
