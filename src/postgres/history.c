/*
 * Which history a process has seen. Several servers may answer to one connection string: the
 * primary, standbys, and a former primary that nobody has shut down. Each promotion begins a
 * timeline with a higher number (PostgreSQL's manual, 26.3.5), so a server on a lower one than was
 * seen before is a former primary or behind one, and what it says may be older than what a client
 * was answered. All connections of a process are therefore on the newest timeline that one of them
 * has seen.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct postgres_history *postgres_history_create(void)
{
    return base_alloc(sizeof(struct postgres_history));
}

void postgres_history_destroy(struct postgres_history *history)
{
    free(history);
}

void postgres_history_enter(
    struct postgres_history *history, struct postgres_connection *connection)
{
    connection->history = history;
    if (history != NULL)
        LIST_INSERT_HEAD(&history->connections, connection, of_history);
}

void postgres_history_leave(struct postgres_connection *connection)
{
    if (connection->history != NULL)
        LIST_REMOVE(connection, of_history);
    connection->history = NULL;
}

/* Whether another connection is ready, on the history as it is. */
static bool is_in_use(const struct postgres_history *history)
{
    const struct postgres_connection *at;
    LIST_FOREACH(at, &history->connections, of_history)
    if (at->state == POSTGRES_STATE_READY)
        return true;
    return false;
}

/* The connections that are on an older timeline, or on another cluster. */
static void leave_older(struct postgres_history *history)
{
    struct postgres_connection *at;
    LIST_FOREACH(at, &history->connections, of_history)
    {
        if (at->server.timeline != history->server.timeline ||
            at->server.system_id != history->server.system_id)
            postgres_connection_restart(at, "a newer primary was found");
    }
}

char *postgres_history_refuse(struct postgres_connection *connection)
{
    struct postgres_history *history = connection->history;
    const struct postgres_server *server = &connection->server;
    if (history == NULL)
        return NULL;
    if (server->is_in_recovery)
        return base_copy_text("the server is a standby, and this service needs the primary");
    bool is_known = history->server.system_id != 0;
    bool is_other = is_known && server->system_id != history->server.system_id;
    if (is_other && is_in_use(history))
        return base_copy_text("the server belongs to another cluster than the current one");
    if (is_known && !is_other && server->timeline < history->server.timeline)
        return base_print(
            "the server is a former primary: it is on timeline %" PRIu32
            ", and another one was on %" PRIu32,
            server->timeline, history->server.timeline);
    bool is_newer = is_other || server->timeline > history->server.timeline;
    history->server = *server;
    if (is_known && is_newer)
        leave_older(history);
    return NULL;
}

struct postgres_server postgres_history_server(const struct postgres_history *history)
{
    return history->server;
}
