#include "server.h"

#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon.h"
#include "listen.h"
#include "oversize.h"
#include "reply.h"
#include "request.h"

/* How often a line is written that any client can bring about. */
enum { SELDOM_US = 1000 * 1000 };

/* Connections that libmicrohttpd may have beyond ours: those that were cut off, until it has closed
 * them. At its own limit it leaves new ones waiting, unanswered. */
enum { CUT_CONNECTIONS = 256 };

/* How long http_destroy() lets answers that are on their way get out. */
enum { FLUSH_RUNS = 50, FLUSH_RUN_MS = 10 };

/* ---- what the daemon tells ------------------------------------------------------------------- */

/* Whether a line may be written. *n_unlogged are those that were not since the last one. */
static bool may_log(struct http_seldom *seldom, int64_t *n_unlogged)
{
    int64_t now_us = base_clock_monotonic_us();
    if (seldom->logged_at_us != 0 && now_us - seldom->logged_at_us < SELDOM_US) {
        seldom->n_unlogged++;
        return false;
    }
    *n_unlogged = seldom->n_unlogged;
    *seldom = (struct http_seldom){.logged_at_us = now_us};
    return true;
}

static enum MHD_Result refuse_connection(
    struct http *http, const struct http_address *address, const char *reason,
    enum metrics_number number)
{
    http->is_library_muted = true; /* it would say the same, and less */
    metrics_add(http->options.metrics, number, 1);
    int64_t n_unlogged;
    if (may_log(&http->refused_lines, &n_unlogged)) {
        char text[HTTP_ADDRESS_SIZE];
        http_format_address(address, text);
        base_log(
            http->options.log, BASE_LOG_CONNECTION_REFUSED, BASE_LOG_TEXT("reason", reason),
            BASE_LOG_TEXT("address", text), BASE_LOG_NUMBER("unlogged", n_unlogged));
    }
    return MHD_NO;
}

/* What is refused here is closed without a word, which is all that the client needs to know. */
static enum MHD_Result accept_connection(
    void *cls, const struct sockaddr *socket_address, socklen_t length)
{
    (void)length;
    struct http *http = cls;
    http->is_library_muted = false;
    const struct http_address address = http_address_of(socket_address);
    const struct base_uuid id = http_caller_of_address(&address);
    if (http_caller_is_full(&http->callers, &id, HTTP_CONNECTION) &&
        !http_is_proxy(&http->proxies, &address))
        return refuse_connection(
            http, &address, "the address has reached its limit of connections",
            METRICS_HTTP_REFUSED_CONNECTIONS);
    if (http->deadlines.n_open >= http->options.connections_max &&
        !http_cut_longest(&http->deadlines))
        return refuse_connection(
            http, &address, "all connections are busy with requests", METRICS_HTTP_REFUSED_FULL);
    return MHD_YES;
}

static void begin_client(struct http *http, struct MHD_Connection *connection, void **context)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct http_client *client = http_add_client(&http->deadlines, fd);
    const struct sockaddr *socket_address =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
    client->http = http;
    client->address = http_address_of(socket_address);
    const struct base_uuid id = http_caller_of_address(&client->address);
    client->holder = http_caller_hold(&http->callers, &id, HTTP_CONNECTION);
    *context = client;
    metrics_add(http->options.metrics, METRICS_HTTP_CONNECTIONS, 1);
}

static void end_client(struct http *http, void **context)
{
    struct http_client *client = *context;
    http_end_lost_request(client);
    http_caller_drop(&http->callers, client->holder, HTTP_CONNECTION);
    http_forget_client(&http->deadlines, client);
    *context = NULL;
    metrics_add(http->options.metrics, METRICS_HTTP_CONNECTIONS, -1);
}

static void connection_changed(
    void *cls, struct MHD_Connection *connection, void **context,
    enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    http->n_turns_without_use = 0;
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        begin_client(http, connection, context);
        return;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        end_client(http, context);
        return;
    }
}

static void BASE_PRINTF(2, 0) library_says(void *cls, const char *format, va_list arguments)
{
    struct http *http = cls;
    if (http->is_library_muted)
        return;
    int64_t n_unlogged;
    if (!may_log(&http->library_lines, &n_unlogged))
        return;
    char text[256];
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    base_log(
        http->options.log, BASE_LOG_HTTP_LIBRARY, BASE_LOG_TEXT("text", text),
        BASE_LOG_NUMBER("unlogged", n_unlogged));
}

/* Targets are taken apart and decoded by us, from what came. */
static size_t leave_encoded(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Where MHD_queue_response() is; see oversize.h. */
static http_queue_function *find_queue_response(void)
{
    void *found = dlsym(RTLD_NEXT, "MHD_queue_response");
    http_queue_function *function;
    static_assert(sizeof(found) == sizeof(function), "POSIX demands it");
    memcpy(&function, &found, sizeof(function)); /* ISO C has no cast for it */
    return function;
}

static struct MHD_Daemon *create_daemon(struct http *http, int listen_fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
#if MHD_VERSION >= 0x00097707
    flags |= MHD_USE_NO_THREAD_SAFETY;
#endif
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)http->options.connections_max + CUT_CONNECTIONS,
         NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)http_library_timeout(http), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
#if MHD_VERSION >= 0x00097701
        /* As strict as the RFCs let a server be. 2 would refuse the empty line before a request
         * that RFC 9112, section 2.2, asks to overlook, and 3 takes whitespace in chunk extensions.
         * 0.9.75 knows only two more checks, a space in the target and a missing Host, which the
         * guard answers with a problem instead of a page of HTML. */
        {MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL},
#endif
        {MHD_OPTION_END, 0, NULL},
    };
    /* clang-format off */
    return MHD_start_daemon(
        flags, 0, accept_connection, http, http_handle_request, http,
        MHD_OPTION_EXTERNAL_LOGGER, library_says, http, /* first, to hear about the others */
        MHD_OPTION_URI_LOG_CALLBACK, http_begin_request, http,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, http,
        MHD_OPTION_NOTIFY_COMPLETED, http_complete_request, http,
        MHD_OPTION_NOTIFY_CONNECTION, connection_changed, http,
        MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
    /* clang-format on */
}

static void init_limits(struct http *http)
{
    const struct http_options *options = &http->options;
    const unsigned seconds[HTTP_N_PHASES] = {
        [HTTP_PHASE_IDLE] = options->idle_seconds,
        [HTTP_PHASE_HEADERS] = options->headers_seconds,
        [HTTP_PHASE_BODY] = options->body_seconds,
        [HTTP_PHASE_ANSWER] = options->answer_seconds,
    };
    http_init_deadlines(&http->deadlines, options->loop, options->metrics, seconds);
    const struct http_caller_limits limits = {
        .held[HTTP_CONNECTION] = options->connections_per_address,
        .held[HTTP_LISTENER] = options->listeners_per_caller,
        .rates[HTTP_READS] = options->reads_per_minute,
        .rates[HTTP_WRITES] = options->writes_per_minute,
        .rates[HTTP_COUPON_ATTEMPTS] = options->coupon_attempts_per_minute,
    };
    const struct http_caller_limits cart_limits = {
        .rates[HTTP_COUPON_ATTEMPTS] = options->coupon_attempts_per_minute};
    http_init_callers(&http->callers, options->loop, &limits);
    http_init_callers(&http->coupon_carts, options->loop, &cart_limits);
}

static void free_http(struct http *http)
{
    http_finish_deadlines(&http->deadlines);
    http_finish_callers(&http->callers);
    http_finish_callers(&http->coupon_carts);
    http_finish_origins(&http->origins);
    free(http->address);
    free(http);
}

struct http *http_create(const struct http_options *options, char **problem)
{
    struct http_proxies proxies;
    if (!http_read_proxies(options->proxies, &proxies, problem))
        return NULL;
    struct http_origins origins;
    if (!http_read_origins(options->cors_origins, &origins, problem))
        return NULL;
    char *address;
    int listen_fd = http_listen(options->listen, &address, problem);
    if (listen_fd < 0) {
        http_finish_origins(&origins);
        return NULL;
    }

    struct http *http = base_alloc(sizeof(*http));
    http->options = *options;
    http->address = address;
    http->proxies = proxies;
    http->origins = origins;
    http->is_lenient_library = strncmp(http_library_version(), "0.", 2) == 0;
    init_limits(http);
    http_init_streams(
        &http->streams, options->loop, options->feed, options->metrics, &http->callers);
    http->queue_response = find_queue_response();
    if (http->queue_response != NULL)
        http->daemon = create_daemon(http, listen_fd);
    if (http->daemon == NULL) {
        *problem = base_copy_text("libmicrohttpd can't be started.");
        (void)close(listen_fd);
        free_http(http);
        return NULL;
    }
    http_start_daemon(http);
    return http;
}

const char *http_library_version(void)
{
    return MHD_get_version();
}

const char *http_listen_address(const struct http *http)
{
    return http->address;
}

size_t http_waiting(const struct http *http)
{
    return http->n_under_way;
}

void http_drain(struct http *http)
{
    if (http->is_draining)
        return;
    /* Who connected before is let in, to be told; the rest finds the port closed. */
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    struct pollfd pending = {.fd = info->listen_fd, .events = POLLIN};
    for (int i = 0; i < FLUSH_RUNS && poll(&pending, 1, 0) > 0; i++)
        (void)MHD_run(http->daemon); /* see daemon.c */
    http->is_draining = true;
    MHD_socket listen_fd = MHD_quiesce_daemon(http->daemon);
    if (listen_fd != MHD_INVALID_SOCKET)
        (void)close(listen_fd); /* nothing was written to it */
    http_run_soon(http);
}

/* Answers who was left waiting, which is nobody when the order of the rooms' ends was kept. */
static void answer_the_rest(struct http *http)
{
    struct http_client *client;
    TAILQ_FOREACH(client, &http->deadlines.clients[HTTP_PHASE_WORK], by_due)
    if (client->request != NULL && client->request->stage == HTTP_WAITING)
        http_send_refusal(
            client->request, &(struct http_refusal){
                                 .problem = HTTP_PROBLEM_SHUTTING_DOWN,
                                 .detail = "The service stopped before the request was answered."});
}

void http_destroy(struct http *http)
{
    if (http == NULL)
        return;
    http_drain(http);
    answer_the_rest(http);
    struct pollfd ready = {.fd = http->watch.fd, .events = POLLIN};
    for (int i = 0; i < FLUSH_RUNS && http->n_under_way > 0; i++) {
        MHD_UNSIGNED_LONG_LONG timeout_ms;
        (void)MHD_run(http->daemon); /* see daemon.c */
        if (MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES || timeout_ms > 0)
            (void)poll(&ready, 1, FLUSH_RUN_MS); /* only to wait */
    }
    http_stop_daemon(http);
    http_finish_streams(&http->streams);
    http_free_spare_requests(http);
    free_http(http);
}
