#include "task.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "migrate.h"
#include "subcommand.h"

/* ---- before anything else -------------------------------------------------------------------- */

static bool has_schema(struct postgres_session *session, const char *ready_sql)
{
    struct postgres_table table = {0};
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    bool is_answer = postgres_session_query(session, ready_sql, NULL, 0, &table, &problem);
    bool is_ready = is_answer && table.n_rows == 1 && table.cells[0] != NULL &&
                    strcmp(table.cells[0], "t") == 0;
    if (!is_answer)
        cli_complain("%s (%s)", CLI_SCHEMA_NOT_READY, problem);
    else if (!is_ready)
        cli_complain("%s", CLI_SCHEMA_NOT_READY);
    postgres_table_finish(&table);
    return is_ready;
}

static bool check(const struct config *config, const char *ready_sql)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct postgres_session *session =
        postgres_session_open(config->texts[CONFIG_DATABASE_URL], &problem);
    if (session == NULL) {
        cli_complain("%s", problem);
        return false;
    }
    bool is_ready = has_schema(session, ready_sql);
    postgres_session_close(session);
    return is_ready;
}

bool task_check(const struct config *config)
{
    return check(config, migrate_ready_sql());
}

bool task_check_log(const struct config *config)
{
    return check(config, migrate_log_ready_sql());
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void received_signal(struct loop_signals *signals, int signal)
{
    (void)signal;
    struct task *task = BASE_CONTAINER(signals, struct task, signals);
    bool is_second = task->was_interrupted;
    task->was_interrupted = true;
    if (task->interrupted == NULL || is_second)
        task_stop(task);
    else
        task->interrupted(task);
}

static void time_out(struct loop_timer *timer)
{
    struct task *task = BASE_CONTAINER(timer, struct task, timeout);
    const char *trouble = postgres_connection_trouble(task->connection);
    task->trouble = base_copy_text(trouble != NULL ? trouble : "PostgreSQL did not answer in time");
    task_stop(task);
}

static void changed(struct postgres_connection *connection, void *context)
{
    struct task *task = context;
    if (postgres_connection_is_ready(connection)) {
        loop_stop_timer(task->loop, &task->timeout);
        task->ready(task);
    } else if (!task->waits_forever) {
        loop_start_timer(task->loop, &task->timeout, task->wait_ms * 1000);
    }
}

static void redraw(struct loop_timer *timer)
{
    struct task *task = BASE_CONTAINER(timer, struct task, redraw);
    task->show(task);
    loop_start_timer(task->loop, timer, PROGRESS_INTERVAL_US);
}

static void woken(struct loop_deferred *deferred)
{
    struct task *task = BASE_CONTAINER(deferred, struct task, wake);
    task->step(task);
}

/* ---- the source ------------------------------------------------------------------------------ */

static void fill(struct task *task)
{
    task_wake(task);
    if (source_fill(task->source))
        return;
    task->is_unreadable = true;
    progress_erase(&task->progress);
    cli_complain("%s can't be read: %s", task->source->name, strerror(errno));
}

static void input_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events; /* A hang-up is read as the end. */
    struct task *task = BASE_CONTAINER(watch, struct task, input);
    loop_stop_watch(task->loop, watch);
    fill(task);
}

void task_read(struct task *task)
{
    if (source_may_wait(task->source->fd))
        loop_start_watch(task->loop, &task->input, task->source->fd, EPOLLIN);
    else
        fill(task);
}

bool task_is_reading(const struct task *task)
{
    return task->input.is_active;
}

void task_stop_reading(struct task *task)
{
    loop_stop_watch(task->loop, &task->input);
}

/* ---- from beginning to end ------------------------------------------------------------------- */

static bool open_loop(struct task *task)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, 0};
    task->signals.received = received_signal;
    task->timeout.fired = time_out;
    task->redraw.fired = redraw;
    task->wake.called = woken;
    task->input.ready = input_ready;
    task->loop = loop_create();
    if (task->loop != NULL && loop_start_signals(task->loop, &task->signals, stop_signals))
        return true;
    cli_complain("%s", strerror(errno));
    return false;
}

static bool connect(struct task *task)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    task->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = task->loop,
            .log = &task->log,
            .url = task->config->texts[CONFIG_DATABASE_URL],
            .role = task->role,
            .statements = task->statements,
            .ready_sql = task->reads_log ? migrate_log_ready_sql() : migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .answer_timeout_ms = task->wait_ms,
            .changed = changed,
            .context = task,
        },
        &problem);
    if (task->connection == NULL)
        cli_complain("%s", problem);
    else
        loop_start_timer(task->loop, &task->timeout, task->wait_ms * 1000);
    return task->connection != NULL;
}

bool task_open(struct task *task)
{
    /* What goes well is said by the progress line and the verdict, so the log has the rest. */
    task->log = cli_log(task->config, BASE_LOG_WARNING);
    task->wait_ms = task->config->numbers[CONFIG_WAIT_MS];
    return open_loop(task) && (task->statements == NULL || connect(task));
}

void task_run(struct task *task)
{
    if (task->show != NULL)
        loop_start_timer(task->loop, &task->redraw, PROGRESS_INTERVAL_US);
    loop_run(task->loop);
    progress_erase(&task->progress);
}

void task_stop(struct task *task)
{
    loop_stop(task->loop);
}

void task_wake(struct task *task)
{
    loop_start_deferred(task->loop, &task->wake);
}

void task_disconnect(struct task *task)
{
    postgres_connection_destroy(task->connection);
    task->connection = NULL;
}

void task_close(struct task *task)
{
    task_disconnect(task);
    if (task->loop != NULL) {
        loop_stop_timer(task->loop, &task->timeout);
        loop_stop_timer(task->loop, &task->redraw);
        loop_stop_deferred(task->loop, &task->wake);
        loop_stop_watch(task->loop, &task->input);
        loop_stop_signals(task->loop, &task->signals);
    }
    loop_destroy(task->loop);
    free(task->trouble);
}
