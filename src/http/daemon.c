#include "daemon.h"

#include <sys/epoll.h>

#include "server.h"

/* A resumed answer needs two runs, so a second one is worth trying at once. */
enum { RUNS_AT_ONCE = 2 };

/* libmicrohttpd 0.9.75 wants to be run again at once for as long as a client has sent more than it
 * has room for (an extension of a chunk, parameters), without any use. After so many of our turns
 * in which it told us nothing there is a pause before each, so that one client can't keep us busy
 * until its deadline. */
enum { TURNS_WITHOUT_USE = 32, PAUSE_US = 5 * 1000 };

/* Ours are the deadlines; libmicrohttpd's own is there for what we may not know of. */
enum { LIBRARY_TIMEOUT_SECONDS = 30 };

/* Runs the daemon, and again if it asks for that: it has to be asked after every run. */
static void run(struct http *http)
{
    loop_stop_deferred(http->options.loop, &http->again);
    for (int i = 0; i < RUNS_AT_ONCE; i++) {
        MHD_UNSIGNED_LONG_LONG timeout_ms;
        (void)MHD_run(http->daemon); /* MHD_NO is for a daemon with threads or none */
        http->is_library_muted = false;
        if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES) {
            loop_stop_timer(http->options.loop, &http->timer);
            return;
        }
        if (timeout_ms > 0) {
            loop_start_timer(http->options.loop, &http->timer, (int64_t)timeout_ms * 1000);
            return;
        }
    }
    if (++http->n_turns_without_use > TURNS_WITHOUT_USE)
        loop_start_timer(http->options.loop, &http->timer, PAUSE_US);
    else
        loop_start_deferred(http->options.loop, &http->again);
}

static void daemon_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    run(BASE_CONTAINER(watch, struct http, watch));
}

static void timer_fired(struct loop_timer *timer)
{
    run(BASE_CONTAINER(timer, struct http, timer));
}

static void called_again(struct loop_deferred *deferred)
{
    run(BASE_CONTAINER(deferred, struct http, again));
}

void http_run_soon(struct http *http)
{
    http->n_turns_without_use = 0;
    loop_start_deferred(http->options.loop, &http->again);
}

void http_start_daemon(struct http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->watch.ready = daemon_ready;
    http->timer.fired = timer_fired;
    http->again.called = called_again;
    loop_start_watch(http->options.loop, &http->watch, info->epoll_fd, EPOLLIN);
    run(http); /* only a run makes it listen */
}

void http_stop_daemon(struct http *http)
{
    loop_stop_watch(http->options.loop, &http->watch);
    loop_stop_timer(http->options.loop, &http->timer);
    loop_stop_deferred(http->options.loop, &http->again);
    MHD_stop_daemon(http->daemon);
}

unsigned http_library_timeout(const struct http *http)
{
    unsigned longest = 0;
    const struct http_options *options = &http->options;
    const unsigned seconds[] = {
        options->idle_seconds, options->headers_seconds, options->body_seconds,
        options->answer_seconds};
    for (size_t i = 0; i < BASE_COUNT(seconds); i++)
        if (longest < seconds[i])
            longest = seconds[i];
    return longest + LIBRARY_TIMEOUT_SECONDS;
}

/* A resumed connection is as a rule read by libmicrohttpd 0.9.75 before its handler is called: in
 * vain, after which it has to go into the epoll set to be read again, and out of it to be suspended
 * again. But it calls the handlers of connections with a timeout of their own before all that. So
 * that is what a suspended one gets; a second more than the others have. */
void http_suspend(struct http *http, struct MHD_Connection *connection)
{
    (void)MHD_set_connection_option(
        connection, MHD_CONNECTION_OPTION_TIMEOUT, http_library_timeout(http) + 1);
    MHD_suspend_connection(connection);
}

void http_resume(struct http *http, struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    http_run_soon(http);
}

void http_come_back(struct http *http, struct MHD_Connection *connection)
{
    (void)MHD_set_connection_option(
        connection, MHD_CONNECTION_OPTION_TIMEOUT, http_library_timeout(http));
}
