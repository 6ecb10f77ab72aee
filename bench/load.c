/*
 * load: asks cartd for things over HTTP/1.1 keep-alive connections and measures the answers.
 *
 *   load --port P --carts 100000 --add 1 --connections 64 --seconds 5 [--rate 20000]
 *
 * Without --rate the loop is closed: each connection asks again as soon as it is answered. With it
 * the loop is open: requests have times of their own (a Poisson process), whatever the answers do,
 * and latency counts from that time, also when no connection was free then. So a service that
 * stalls can't hide it by keeping the generator waiting (coordinated omission).
 *
 * With --spin 1 it looks for answers all the time instead of sleeping until one comes. Who sleeps
 * is woken by the send of the answer, on the service's account: an interrupt of another core, which
 * no client on another machine costs it. It takes a whole core, so it is for what needs no third
 * one.
 *
 * Every answer is checked, and after the end the generator waits for those that are still under
 * way: what it counts is exact. It prints one JSON object, and refuses nothing: who reads it
 * judges.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
/* How long answers are waited for after the end, and a backlog is worked off. */
#define DRAIN_NS (20 * NS_PER_S)
#define HEAD_MOST 4096
#define HEAD_END "\r\n\r\n"
#define REQUEST_MOST 65536
/* So many requests are put together before the clock starts, so that the generator takes as little
 * from a machine that it shares as it can. More than that many, and the same come again. */
#define N_PREPARED 300000
/* Cart n has this and n, in decimal digits, in its last group: SQL, Lua and C make it alike. */
#define CART_PREFIX "01936f6e-0000-7000-8000-"
#define CART_BASE 100000000000LL
/* Line k of cart n is the product p<(n + k) mod SKUS>. */
#define SKUS 1000

enum kind { CREATE, ADD, CHANGE, GET, LIVEZ, N_KINDS };
static const char *const KIND_NAMES[] = {"create", "add", "change", "get", "livez"};
static const int KIND_STATUS[] = {201, 200, 200, 200, 200};

struct options {
    long long port, connections, rate, seconds, requests, first, carts, lines, seed;
    long long weights[N_KINDS];
    long long in_order; /* carts one after the other, not at random */
    long long spin;     /* looks for answers without sleeping */
    long long idle;     /* opens the connections, uses each once, and holds them until EOF */
};

struct latencies {
    int64_t *values_ns;
    size_t length;
    size_t capacity;
};

struct tally {
    int64_t n_sent, n_ok, n_ok_in_time, n_refused, n_wrong, n_broken;
    int wrong_status; /* one of them, for the reader */
    struct latencies latencies;
};

struct request {
    enum kind kind;
    size_t length;
    const char *bytes;
};

struct connection {
    int fd;
    enum kind kind;
    int64_t due_ns;
    size_t head_length;  /* of a head that came in parts */
    long long body_left; /* -1: the head is not complete */
    int status;
    char head[HEAD_MOST];
};

struct generator {
    struct options options;
    int epoll;
    struct connection *connections;
    struct connection **free_connections;
    size_t n_free;
    struct request *prepared; /* NULL: each is put together when it is due */
    int64_t n_issued, begins_ns, ends_ns, due_ns;
    uint64_t random;
    long long weights_sum;
    struct tally tallies[N_KINDS];
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void *allocate(void *former, size_t n_bytes)
{
    void *memory = realloc(former, n_bytes);
    if (memory == NULL)
        fail("memory");
    return memory;
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* xorshift64*: good enough to choose carts by. */
static uint64_t draw(struct generator *self)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return (self->random * 0x2545F4914F6CDD1DULL) >> 16;
}

static long long draw_below(struct generator *self, long long bound)
{
    return (long long)(draw(self) % (uint64_t)bound);
}

/* ---- requests -------------------------------------------------------------------------------- */

static enum kind draw_kind(struct generator *self)
{
    long long ticket = draw_below(self, self->weights_sum);
    enum kind kind = CREATE;
    while (ticket >= self->options.weights[kind])
        ticket -= self->options.weights[kind++];
    return kind;
}

static long long sku_of(long long cart, long long line)
{
    return (cart + line) % SKUS;
}

static size_t write_create(const struct options *options, long long cart, char *body, size_t room)
{
    size_t length = (size_t)snprintf(
        body, room, "{\"id\":\"" CART_PREFIX "%lld\",\"items\":[", CART_BASE + cart);
    for (long long line = 0; line < options->lines; line++)
        length += (size_t)snprintf(
            body + length, room - length, "%s{\"sku\":\"p%lld\",\"quantity\":1}",
            line > 0 ? "," : "", sku_of(cart, line));
    return length + (size_t)snprintf(body + length, room - length, "]}");
}

static size_t write_request(struct generator *self, enum kind kind, char request[REQUEST_MOST])
{
    static char body[REQUEST_MOST / 2];
    const struct options *options = &self->options;
    long long index =
        options->in_order ? self->n_issued % options->carts : draw_below(self, options->carts);
    long long cart = options->first + index;
    long long sku = sku_of(cart, draw_below(self, options->lines));
    const char *method = "GET";
    char path[128] = "/livez";
    size_t body_length = 0;
    switch (kind) {
    case CREATE:
        method = "POST";
        snprintf(path, sizeof path, "/carts");
        body_length = write_create(options, cart, body, sizeof body);
        break;
    case ADD:
        method = "POST";
        snprintf(path, sizeof path, "/carts/" CART_PREFIX "%lld/items", CART_BASE + cart);
        body_length =
            (size_t)snprintf(body, sizeof body, "{\"sku\":\"p%lld\",\"quantity\":1}", sku);
        break;
    case CHANGE:
        method = "PATCH";
        snprintf(
            path, sizeof path, "/carts/" CART_PREFIX "%lld/items/p%lld", CART_BASE + cart, sku);
        body_length = (size_t)snprintf(body, sizeof body, "{\"quantity\":1}");
        break;
    case GET:
        snprintf(path, sizeof path, "/carts/" CART_PREFIX "%lld", CART_BASE + cart);
        break;
    case LIVEZ:
    case N_KINDS:
        break;
    }
    const char *form = body_length == 0
                           ? "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                           : "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s";
    return (size_t)snprintf(request, REQUEST_MOST, form, method, path, body_length, body);
}

/* Its bytes last until the next one is made. */
static struct request make_request(struct generator *self)
{
    static char bytes[REQUEST_MOST];
    enum kind kind = draw_kind(self);
    return (struct request){kind, write_request(self, kind, bytes), bytes};
}

static void prepare_requests(struct generator *self)
{
    self->prepared = allocate(NULL, N_PREPARED * sizeof *self->prepared);
    for (size_t i = 0; i < N_PREPARED; i++) {
        struct request request = make_request(self);
        request.bytes = memcpy(allocate(NULL, request.length), request.bytes, request.length);
        self->prepared[i] = request;
    }
}

static struct request next_request(struct generator *self)
{
    if (self->prepared == NULL)
        return make_request(self);
    return self->prepared[self->n_issued % N_PREPARED];
}

/* ---- connections ----------------------------------------------------------------------------- */

static void open_connection(struct generator *self, struct connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)self->options.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    int yes = 1;
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(self->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        fail("epoll");
}

static void ask(struct generator *self, struct connection *connection, int64_t due_ns)
{
    struct request request = next_request(self);
    connection->kind = request.kind;
    connection->due_ns = due_ns;
    connection->head_length = 0;
    connection->body_left = -1;
    self->tallies[request.kind].n_sent++;
    self->n_issued++;
    /* The socket blocks, but one request at a time never fills it. */
    ssize_t n_sent = send(connection->fd, request.bytes, request.length, MSG_NOSIGNAL);
    if (n_sent != (ssize_t)request.length) {
        /* What is wrong with it, its end of file tells. */
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
}

static void keep_latency(struct latencies *latencies, int64_t latency_ns)
{
    if (latencies->length == latencies->capacity) {
        latencies->capacity = latencies->capacity * 2 + 4096;
        latencies->values_ns =
            allocate(latencies->values_ns, latencies->capacity * sizeof *latencies->values_ns);
    }
    latencies->values_ns[latencies->length++] = latency_ns;
}

static void end_answer(struct generator *self, struct connection *connection)
{
    struct tally *tally = &self->tallies[connection->kind];
    int64_t now = now_ns();
    if (connection->status == KIND_STATUS[connection->kind]) {
        tally->n_ok++;
        tally->n_ok_in_time += now <= self->ends_ns;
        keep_latency(&tally->latencies, now - connection->due_ns);
    } else if (connection->status == 503) {
        tally->n_refused++;
    } else {
        tally->n_wrong++;
        tally->wrong_status = connection->status;
    }
    self->free_connections[self->n_free++] = connection;
}

static void break_connection(struct generator *self, struct connection *connection)
{
    close(connection->fd);
    self->tallies[connection->kind].n_broken++;
    open_connection(self, connection);
    self->free_connections[self->n_free++] = connection;
}

/* Reads status and length of a whole head. False: the generator does not understand it. */
static bool read_head(struct connection *connection, const char *head, size_t length)
{
    static const char first[] = "HTTP/1.1 ", field[] = "\r\nContent-Length: ";
    if (length < sizeof first || memcmp(head, first, sizeof first - 1) != 0)
        return false;
    connection->status = (int)strtol(head + sizeof first - 1, NULL, 10);
    const char *found = memmem(head, length, field, sizeof field - 1);
    connection->body_left = found != NULL ? strtoll(found + sizeof field - 1, NULL, 10) : 0;
    return found != NULL || connection->status == 204;
}

/* How many of the bytes belong to the head; 0: it goes on; -1: this is no answer of cartd's. */
static ssize_t receive_head(struct connection *connection, const char *bytes, size_t n)
{
    size_t before = connection->head_length;
    const char *head = bytes;
    const char *end = before == 0 ? memmem(bytes, n, HEAD_END, strlen(HEAD_END)) : NULL;
    if (end == NULL) {
        size_t room = sizeof connection->head - before;
        size_t taken = n < room ? n : room;
        memcpy(connection->head + before, bytes, taken);
        connection->head_length += taken;
        head = connection->head;
        end = memmem(head, connection->head_length, HEAD_END, strlen(HEAD_END));
        if (end == NULL)
            return taken < n ? -1 : 0;
    }
    size_t length = (size_t)(end - head) + strlen(HEAD_END);
    return read_head(connection, head, length) ? (ssize_t)(length - before) : -1;
}

static void receive(struct generator *self, struct connection *connection)
{
    static char bytes[65536];
    ssize_t n = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && connection->body_left < 0) {
        ssize_t n_head = receive_head(connection, bytes, (size_t)n);
        if (n_head == 0)
            return;
        n = n_head < 0 ? -1 : n - n_head;
    } else if (n == 0) {
        n = -1; /* the end of the file, in an answer or before it */
    }
    if (n < 0 || n > connection->body_left)
        break_connection(self, connection);
    else if ((connection->body_left -= n) == 0)
        end_answer(self, connection);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static double draw_gap_ns(struct generator *self)
{
    double uniform = ((double)(draw(self) >> 8) + 1) / (double)(1ULL << 40);
    return -log(uniform) * (double)NS_PER_S / (double)self->options.rate;
}

static bool may_issue(const struct generator *self, int64_t now)
{
    if (self->options.requests > 0 && self->n_issued >= self->options.requests)
        return false;
    /* What was due before the end is sent, however late: it was late, and that is to be seen. */
    return (self->options.rate > 0 ? self->due_ns : now) < self->ends_ns;
}

static void issue(struct generator *self)
{
    int64_t now = now_ns();
    while (self->n_free > 0 && may_issue(self, now)) {
        int64_t due_ns = now;
        if (self->options.rate > 0) {
            if (self->due_ns > now)
                return;
            due_ns = self->due_ns;
            self->due_ns += (int64_t)draw_gap_ns(self);
        }
        ask(self, self->free_connections[--self->n_free], due_ns);
    }
}

static void wait_for_answers(struct generator *self, int64_t until_ns)
{
    struct epoll_event events[256];
    int64_t wait_ns = until_ns - now_ns();
    if (wait_ns < 0 || self->options.spin)
        wait_ns = 0;
    struct timespec timeout = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int n = epoll_pwait2(self->epoll, events, 256, &timeout, NULL);
    if (n < 0 && errno != EINTR)
        fail("epoll_pwait2");
    for (int i = 0; i < n; i++)
        receive(self, events[i].data.ptr);
}

static void run(struct generator *self)
{
    self->begins_ns = now_ns();
    self->ends_ns = self->begins_ns + self->options.seconds * NS_PER_S;
    self->due_ns = self->begins_ns;
    int64_t gives_up_ns = self->ends_ns + DRAIN_NS;
    for (;;) {
        issue(self);
        int64_t now = now_ns();
        bool goes_on = may_issue(self, now);
        bool is_over = !goes_on && self->n_free == (size_t)self->options.connections;
        if (is_over || now > gives_up_ns)
            break;
        bool is_open_loop = goes_on && self->options.rate > 0 && self->n_free > 0;
        wait_for_answers(self, is_open_loop ? self->due_ns : gives_up_ns);
    }
}

/* ---- what it says ---------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const int64_t *l = left;
    const int64_t *r = right;
    return (*l > *r) - (*l < *r);
}

static double quantile_ms(const struct latencies *latencies, double share)
{
    if (latencies->length == 0)
        return 0;
    size_t index = (size_t)(share * (double)latencies->length);
    size_t last = latencies->length - 1;
    return (double)latencies->values_ns[index < last ? index : last] / 1e6;
}

static double mean_ms(const struct latencies *latencies)
{
    double sum = 0;
    for (size_t i = 0; i < latencies->length; i++)
        sum += (double)latencies->values_ns[i] / 1e6;
    return latencies->length > 0 ? sum / (double)latencies->length : 0;
}

static void print_tally(const struct tally *tally, const char *name, double seconds)
{
    const struct latencies *latencies = &tally->latencies;
    if (latencies->length > 0)
        qsort(latencies->values_ns, latencies->length, sizeof(int64_t), compare);
    printf(
        ",\"%s\":{\"sent\":%lld,\"ok\":%lld,\"refused\":%lld,\"wrong\":%lld,\"wrong_status\":%d,"
        "\"broken\":%lld,\"rate\":%.1f,\"mean_ms\":%.4f,\"p50_ms\":%.4f,\"p90_ms\":%.4f,"
        "\"p99_ms\":%.4f,\"p999_ms\":%.4f,\"max_ms\":%.4f}",
        name, (long long)tally->n_sent, (long long)tally->n_ok, (long long)tally->n_refused,
        (long long)tally->n_wrong, tally->wrong_status, (long long)tally->n_broken,
        (double)tally->n_ok_in_time / seconds, mean_ms(latencies), quantile_ms(latencies, 0.5),
        quantile_ms(latencies, 0.9), quantile_ms(latencies, 0.99), quantile_ms(latencies, 0.999),
        quantile_ms(latencies, 1));
}

static void print_result(struct generator *self)
{
    int64_t took_ns = now_ns() - self->begins_ns;
    double seconds = (double)took_ns / 1e9;
    if (took_ns > self->ends_ns - self->begins_ns)
        seconds = (double)self->options.seconds; /* the rate is that of the time asked for */
    size_t n_unanswered = (size_t)self->options.connections - self->n_free;
    printf("{\"seconds\":%.3f,\"unanswered\":%zu", seconds, n_unanswered);
    for (size_t kind = 0; kind < N_KINDS; kind++)
        if (self->options.weights[kind] > 0)
            print_tally(&self->tallies[kind], KIND_NAMES[kind], seconds);
    printf("}\n");
}

/* Connections that were used once and now say nothing, until standard input ends. */
static void hold(struct generator *self)
{
    self->ends_ns = INT64_MAX;
    for (long long i = 0; i < self->options.connections; i++) {
        self->n_free = 0;
        ask(self, &self->connections[i], now_ns());
        while (self->n_free == 0)
            wait_for_answers(self, now_ns() + NS_PER_S);
    }
    printf("ready\n");
    (void)fflush(stdout);
    while (getchar() != EOF)
        continue;
    long long n_open = 0;
    for (long long i = 0; i < self->options.connections; i++) {
        char byte;
        ssize_t n = recv(self->connections[i].fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        n_open += n < 0 && errno == EAGAIN;
    }
    printf("{\"held\":%lld,\"still_open\":%lld}\n", self->options.connections, n_open);
}

static void read_options(struct options *options, int argc, char **argv)
{
    const struct {
        const char *name;
        long long *number;
    } rows[] = {
        {"port", &options->port},
        {"connections", &options->connections},
        {"rate", &options->rate},
        {"seconds", &options->seconds},
        {"requests", &options->requests},
        {"first", &options->first},
        {"carts", &options->carts},
        {"lines", &options->lines},
        {"seed", &options->seed},
        {"in-order", &options->in_order},
        {"idle", &options->idle},
        {"spin", &options->spin},
        {"create", &options->weights[CREATE]},
        {"add", &options->weights[ADD]},
        {"change", &options->weights[CHANGE]},
        {"get", &options->weights[GET]},
        {"livez", &options->weights[LIVEZ]},
    };
    enum { N_ROWS = sizeof rows / sizeof *rows };
    struct option flags[N_ROWS + 1] = {0};
    for (size_t i = 0; i < N_ROWS; i++)
        flags[i] = (struct option){.name = rows[i].name, .has_arg = required_argument};
    int row = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "", flags, &row)) != -1;) {
        if (found != 0)
            exit(2);
        *rows[row].number = strtoll(optarg, NULL, 10);
    }
}

int main(int argc, char **argv)
{
    struct generator self = {
        .options =
            {.port = 8080, .connections = 1, .seconds = 1, .carts = 1, .lines = 4, .seed = 1},
    };
    struct options *options = &self.options;
    read_options(options, argc, argv);
    for (size_t kind = 0; kind < N_KINDS; kind++)
        self.weights_sum += options->weights[kind];
    if (self.weights_sum <= 0 || options->connections <= 0 || options->carts <= 0) {
        fprintf(stderr, "load: nothing to do; see the comment at the top of load.c\n");
        return 2;
    }
    self.random = (uint64_t)options->seed * 0x9E3779B97F4A7C15ULL | 1;
    for (int i = 0; i < 16; i++)
        (void)draw(&self);

    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* Waits end when they should, not up to 50 microseconds later. */
    (void)prctl(PR_SET_TIMERSLACK, 1);

    self.epoll = epoll_create1(EPOLL_CLOEXEC);
    size_t n = (size_t)options->connections;
    self.connections = allocate(NULL, n * sizeof *self.connections);
    self.free_connections = allocate(NULL, n * sizeof *self.free_connections);
    for (size_t i = n; i-- > 0;) {
        open_connection(&self, &self.connections[i]);
        self.free_connections[self.n_free++] = &self.connections[i];
    }
    if (options->idle) {
        hold(&self);
    } else {
        if (!options->in_order && options->requests == 0)
            prepare_requests(&self);
        run(&self);
        print_result(&self);
    }
    return 0;
}
