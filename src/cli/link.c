#include "link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

bool link_check(const struct config *config)
{
    return check(config, migrate_ready_sql());
}

bool link_check_log(const struct config *config)
{
    return check(config, migrate_log_ready_sql());
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void received_signal(struct loop_signals *signals, int signal)
{
    (void)signal;
    struct link *link = BASE_CONTAINER(signals, struct link, signals);
    bool is_second = link->was_interrupted;
    link->was_interrupted = true;
    if (link->interrupted == NULL || is_second)
        loop_stop(link->loop);
    else
        link->interrupted(link);
}

static void lose_patience(struct loop_timer *timer)
{
    struct link *link = BASE_CONTAINER(timer, struct link, patience);
    const char *trouble = postgres_connection_trouble(link->connection);
    link->trouble = base_copy_text(trouble != NULL ? trouble : "PostgreSQL did not answer in time");
    loop_stop(link->loop);
}

static void changed(struct postgres_connection *connection, void *context)
{
    struct link *link = context;
    if (postgres_connection_is_ready(connection)) {
        loop_stop_timer(link->loop, &link->patience);
        link->ready(link);
    } else if (!link->is_patient) {
        loop_start_timer(link->loop, &link->patience, link->wait_ms * 1000);
    }
}

static bool connect(struct link *link, const struct config *config, char **problem)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, 0};
    link->loop = loop_create();
    if (link->loop == NULL || !loop_start_signals(link->loop, &link->signals, stop_signals)) {
        *problem = base_copy_text(strerror(errno));
        return false;
    }
    link->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = link->loop,
            .log = &link->log,
            .url = config->texts[CONFIG_DATABASE_URL],
            .role = link->role,
            .statements = link->statements,
            .ready_sql = link->reads_log ? migrate_log_ready_sql() : migrate_ready_sql(),
            .not_ready_detail = CLI_SCHEMA_NOT_READY,
            .answer_timeout_ms = link->wait_ms,
            .changed = changed,
            .context = link,
        },
        problem);
    return link->connection != NULL;
}

bool link_open(struct link *link, const struct config *config)
{
    /* That it is connected nobody wants to know who has asked for something else. */
    enum base_log_level least = config_log_level(config);
    link->log = (struct base_log){
        .fd = STDERR_FILENO,
        .form = config_log_form(config, STDERR_FILENO),
        .least = least == BASE_LOG_INFO ? BASE_LOG_WARNING : least,
    };
    link->wait_ms = config->numbers[CONFIG_WAIT_MS];
    link->signals.received = received_signal;
    link->patience.fired = lose_patience;
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!connect(link, config, &problem)) {
        cli_complain("%s", problem);
        return false;
    }
    /* It was there a moment ago. */
    loop_start_timer(link->loop, &link->patience, link->wait_ms * 1000);
    return true;
}

void link_disconnect(struct link *link)
{
    postgres_connection_destroy(link->connection);
    link->connection = NULL;
}

void link_close(struct link *link)
{
    link_disconnect(link);
    if (link->loop != NULL) {
        loop_stop_timer(link->loop, &link->patience);
        loop_stop_signals(link->loop, &link->signals);
    }
    loop_destroy(link->loop);
    free(link->trouble);
}
