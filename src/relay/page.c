#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "internal.h"

/* GET /metrics, and nothing else. */

#define CONNECTIONS_MAX 16
#define IDLE_SECONDS 10
#define TURN_US (1000 * 1000) /* how often connections that are idle are looked for */

struct page {
    struct loop *loop;
    const char *name;
    const struct lane *lane;
    struct MHD_Daemon *daemon;
    struct loop_watch watch;
    struct loop_timer timer;
};

/* ---- the answer ------------------------------------------------------------------------------ */

static void print_number(
    const struct page *self, struct base_buffer *out, const char *name, const char *kind,
    const char *help, int64_t value)
{
    base_buffer_printf(
        out, "# HELP %s %s\n# TYPE %s %s\n%s{relay=\"%s\"} %" PRId64 "\n", name, help, name, kind,
        name, self->name, value);
}

static void print(const struct page *self, struct base_buffer *out)
{
    const struct lane_numbers *numbers = lane_count(self->lane);
    print_number(
        self, out, "cartd_relay_runner", "gauge", "1 if this process runs the relay, else 0.",
        numbers->is_runner);
    print_number(
        self, out, "cartd_relay_position", "gauge", "Position of the last event that was sent on.",
        numbers->position);
    print_number(
        self, out, "cartd_relay_lag_events", "gauge", "Events of the log that are still to come.",
        numbers->head_position > numbers->position ? numbers->head_position - numbers->position
                                                   : 0);
    print_number(
        self, out, "cartd_relay_lag_seconds", "gauge", "Age of the oldest event of the last batch.",
        numbers->lag_seconds);
    print_number(
        self, out, "cartd_relay_events_sent_total", "counter",
        "Events that the sink has taken from this process.", numbers->n_sent);
    print_number(
        self, out, "cartd_relay_failures_total", "counter", "Times that the sink took not all.",
        numbers->n_failures);
}

static enum MHD_Result answer(
    void *context, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **request)
{
    (void)version;
    (void)upload;
    (void)request;
    *upload_size = 0;
    bool is_found = strcmp(url, "/metrics") == 0;
    bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (is_found && is_get)
        print(context, &text);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text.length, text.bytes, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(
        response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    unsigned status = !is_found ? MHD_HTTP_NOT_FOUND
                      : is_get  ? MHD_HTTP_OK
                                : MHD_HTTP_METHOD_NOT_ALLOWED;
    if (result == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    (void)MHD_run(BASE_CONTAINER(watch, struct page, watch)->daemon);
}

static void fired(struct loop_timer *timer)
{
    struct page *self = BASE_CONTAINER(timer, struct page, timer);
    (void)MHD_run(self->daemon);
    loop_start_timer(self->loop, timer, TURN_US);
}

/* NULL: it is no ADDRESS:PORT. */
static struct addrinfo *find_address(const char *address)
{
    BASE_CLEANUP(base_free_pointer) char *host = base_copy_text(address);
    char *colon = strrchr(host, ':');
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    if (colon == NULL)
        return NULL;
    *colon = '\0';
    size_t length = strlen(host);
    bool is_bracketed = length > 2 && host[0] == '[' && host[length - 1] == ']';
    if (is_bracketed)
        host[length - 1] = '\0';
    return getaddrinfo(host + is_bracketed, colon + 1, &hints, &found) == 0 ? found : NULL;
}

struct page *page_open(
    struct loop *loop, const char *address, const char *name, const struct lane *lane,
    char **problem)
{
    struct addrinfo *found = find_address(address);
    if (found == NULL) {
        *problem = base_print("--metrics must be an address and a port, such as 127.0.0.1:9464");
        return NULL;
    }
    struct page *self = base_alloc(sizeof *self);
    *self = (struct page){.loop = loop, .name = name, .lane = lane};
    unsigned family = found->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0;
    self->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | family, 0, NULL, NULL, answer, self, MHD_OPTION_SOCK_ADDR, found->ai_addr,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    freeaddrinfo(found);
    if (self->daemon == NULL) {
        *problem = base_print("can't listen on %s", address);
        free(self);
        return NULL;
    }
    int fd = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    self->watch.ready = ready;
    self->timer.fired = fired;
    loop_start_watch(loop, &self->watch, fd, EPOLLIN);
    loop_start_timer(loop, &self->timer, 0);
    return self;
}

void page_close(struct page *self)
{
    if (self == NULL)
        return;
    loop_stop_watch(self->loop, &self->watch);
    loop_stop_timer(self->loop, &self->timer);
    MHD_stop_daemon(self->daemon);
    free(self);
}
