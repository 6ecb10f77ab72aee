/*
 * PQconnectStart looks names up with getaddrinfo, which blocks for as long as the name servers
 * like. So names are looked up first, by glibc's getaddrinfo_a, and libpq is given the addresses as
 * hostaddr beside host (which it still needs, for certificates and passwords).
 *
 * getaddrinfo_a works in threads of glibc's own. A lookup that nobody waits for any more can't be
 * stopped, so its memory has two owners, the waiting side and the thread, and the last one to leave
 * frees it. The thread says that it is done through an eventfd and touches nothing else.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One host of the connection string. */
struct postgres_endpoint {
    char *host;    /* "" when only an address is given */
    char *address; /* "" when there is none, or none yet */
    char *port;    /* "": the default */
    bool needs_lookup;
    struct addrinfo *found; /* the lookup's */
};

struct postgres_lookup {
    atomic_int n_owners;
    int event_fd;
    struct addrinfo hints;
    size_t n_requests;
    struct gaicb *requests;
    struct gaicb **list;
};

/* ---- the lookup, and who frees it ------------------------------------------------------------ */

static void leave_lookup(struct postgres_lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->n_owners, 1) > 1)
        return;
    for (size_t i = 0; i < lookup->n_requests; i++) {
        if (lookup->requests[i].ar_result != NULL)
            freeaddrinfo(lookup->requests[i].ar_result);
        char *name = (char *)(uintptr_t)lookup->requests[i].ar_name;
        free(name);
    }
    close(lookup->event_fd);
    free(lookup->requests);
    free(lookup->list);
    free(lookup);
}

/* Called in a thread of glibc's when all names are looked up. */
static void lookup_ended(union sigval value)
{
    struct postgres_lookup *lookup = value.sival_ptr;
    (void)eventfd_write(lookup->event_fd, 1); /* can't fail: it is written once */
    leave_lookup(lookup);
}

/* NULL when there is no descriptor left. */
static struct postgres_lookup *start_lookup(
    const struct postgres_endpoint *endpoints, size_t n_endpoints)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return NULL;
    struct postgres_lookup *lookup = base_alloc(sizeof *lookup);
    atomic_init(&lookup->n_owners, 2);
    lookup->event_fd = event_fd;
    lookup->hints = (struct addrinfo){.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    lookup->requests = base_alloc(n_endpoints * sizeof *lookup->requests);
    lookup->list = base_alloc(n_endpoints * sizeof(struct gaicb *));
    for (size_t i = 0; i < n_endpoints; i++) {
        if (endpoints[i].needs_lookup) {
            struct gaicb *request = &lookup->requests[lookup->n_requests];
            request->ar_name = base_copy_text(endpoints[i].host);
            request->ar_request = &lookup->hints;
            lookup->list[lookup->n_requests++] = request;
        }
    }
    struct sigevent ended = {.sigev_notify = SIGEV_THREAD};
    ended.sigev_notify_function = lookup_ended;
    ended.sigev_value.sival_ptr = lookup;
    /* A failure to begin shows in gai_error(), or not at all when there is no memory for the
     * thread; then the time limit for connecting ends the wait. */
    (void)getaddrinfo_a(GAI_NOWAIT, lookup->list, (int)lookup->n_requests, &ended);
    return lookup;
}

/* ---- the connection string ------------------------------------------------------------------- */

/* The setting in the connection string, else in the environment; the caller's to free, "" for
 * none. */
static char *find_option(
    const PQconninfoOption *given, const PQconninfoOption *defaults, const char *keyword)
{
    const char *value = postgres_option(given, keyword);
    return base_copy_text(value[0] != '\0' ? value : postgres_option(defaults, keyword));
}

/* Part i of a comma list; the caller's to free. */
static char *copy_part(const char *list, size_t i)
{
    for (; i > 0; i--)
        list = strchr(list, ',') + 1;
    size_t length = strcspn(list, ",");
    char *part = base_alloc(length + 1);
    memcpy(part, list, length);
    return part;
}

bool postgres_is_address(const char *host)
{
    struct in6_addr address;
    char plain[INET6_ADDRSTRLEN + 1];
    size_t length = strcspn(host, "%"); /* before the zone of a link-local address */
    if (length >= sizeof plain)
        return false;
    memcpy(plain, host, length);
    plain[length] = '\0';
    return inet_pton(AF_INET, plain, &address) == 1 || inet_pton(AF_INET6, plain, &address) == 1;
}

static bool is_name(const char *host)
{
    bool is_socket = host[0] == '/' || host[0] == '@';
    return host[0] != '\0' && !is_socket && !postgres_is_address(host);
}

/* Returns whether any host needs a lookup. Lists of different lengths are left to libpq, which
 * refuses them before it looks anything up. Without memory for the options it is a problem: left to
 * libpq, a name would be looked up blockingly. */
static bool read_endpoints(struct postgres_resolver *resolver, const char *url)
{
    PQconninfoOption *given = PQconninfoParse(url, NULL);
    PQconninfoOption *defaults = PQconndefaults();
    BASE_CLEANUP(base_free_pointer) char *hosts = find_option(given, defaults, "host");
    BASE_CLEANUP(base_free_pointer) char *addresses = find_option(given, defaults, "hostaddr");
    BASE_CLEANUP(base_free_pointer) char *ports = find_option(given, defaults, "port");
    bool is_complete = given != NULL && defaults != NULL;
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    if (!is_complete) {
        resolver->problem = base_copy_text("out of memory");
        return false;
    }

    size_t n = postgres_count_parts(hosts);
    size_t n_ports = postgres_count_parts(ports);
    bool has_addresses = addresses[0] != '\0';
    if ((has_addresses && postgres_count_parts(addresses) != n) || (n_ports != 1 && n_ports != n))
        return false;
    resolver->endpoints = base_alloc(n * sizeof *resolver->endpoints);
    resolver->n_endpoints = n;
    bool needs_lookup = false;
    for (size_t i = 0; i < n; i++) {
        struct postgres_endpoint *endpoint = &resolver->endpoints[i];
        endpoint->host = copy_part(hosts, i);
        endpoint->address = has_addresses ? copy_part(addresses, i) : base_copy_text("");
        endpoint->port = copy_part(ports, n_ports == 1 ? 0 : i);
        endpoint->needs_lookup = endpoint->address[0] == '\0' && is_name(endpoint->host);
        needs_lookup = needs_lookup || endpoint->needs_lookup;
    }
    return needs_lookup;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void append_target(
    struct postgres_resolver *resolver, const struct postgres_endpoint *endpoint,
    const char *address)
{
    if (resolver->has_targets) {
        base_buffer_append_char(&resolver->hosts, ',');
        base_buffer_append_char(&resolver->addresses, ',');
        base_buffer_append_char(&resolver->ports, ',');
    }
    resolver->has_targets = true;
    base_buffer_append_text(&resolver->hosts, endpoint->host);
    base_buffer_append_text(&resolver->addresses, address);
    base_buffer_append_text(&resolver->ports, endpoint->port);
}

/* Appends the targets of which the numbers are within [from, end) and returns how many there are in
 * all. Every address that was found is a target: libpq tries them in turn. */
static size_t append_targets(struct postgres_resolver *resolver, size_t from, size_t end)
{
    size_t n = 0;
    for (size_t i = 0; i < resolver->n_endpoints; i++) {
        const struct postgres_endpoint *endpoint = &resolver->endpoints[i];
        if (!endpoint->needs_lookup) {
            if (n >= from && n < end)
                append_target(resolver, endpoint, endpoint->address);
            n++;
        }
        for (const struct addrinfo *found = endpoint->found; found != NULL;
             found = found->ai_next) {
            char text[NI_MAXHOST];
            if (n >= from && n < end &&
                getnameinfo(
                    found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0,
                    NI_NUMERICHOST) == 0) {
                append_target(resolver, endpoint, text);
            }
            n++;
        }
    }
    return n;
}

void postgres_resolver_rotate(struct postgres_resolver *resolver, size_t n)
{
    size_t n_targets = append_targets(resolver, 0, 0);
    if (n_targets < 2 && resolver->lookup == NULL) {
        return; /* the connection string says it all */
    }
    resolver->hosts.length = 0;
    resolver->addresses.length = 0;
    resolver->ports.length = 0;
    resolver->has_targets = false;
    size_t first = n_targets == 0 ? 0 : n % n_targets;
    append_targets(resolver, first, n_targets);
    append_targets(resolver, 0, first);
}

static void note_problem(struct postgres_resolver *resolver, const char *host, const char *reason)
{
    if (resolver->problem == NULL)
        resolver->problem = base_print("the host name \"%s\" can't be resolved: %s", host, reason);
}

static void lookup_answered(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    struct postgres_resolver *resolver = BASE_CONTAINER(watch, struct postgres_resolver, watch);
    loop_stop_watch(resolver->loop, watch);
    size_t request = 0;
    for (size_t i = 0; i < resolver->n_endpoints; i++) {
        struct postgres_endpoint *endpoint = &resolver->endpoints[i];
        if (!endpoint->needs_lookup)
            continue;
        struct gaicb *answer = &resolver->lookup->requests[request++];
        int error = gai_error(answer);
        if (error == 0) {
            endpoint->found = answer->ar_result;
        } else {
            note_problem(resolver, endpoint->host, gai_strerror(error));
        }
    }
    postgres_resolver_rotate(resolver, 0);
    if (resolver->has_targets) {
        /* One host that can be reached is enough. */
        free(resolver->problem);
        resolver->problem = NULL;
    }
    resolver->resolved(resolver);
}

bool postgres_resolver_start(struct postgres_resolver *resolver, struct loop *loop, const char *url)
{
    postgres_resolver_stop(resolver);
    resolver->loop = loop;
    if (!read_endpoints(resolver, url))
        return true;
    resolver->lookup = start_lookup(resolver->endpoints, resolver->n_endpoints);
    if (resolver->lookup == NULL) {
        note_problem(resolver, resolver->endpoints[0].host, strerror(errno));
        return true;
    }
    resolver->watch.ready = lookup_answered;
    loop_start_watch(loop, &resolver->watch, resolver->lookup->event_fd, EPOLLIN);
    return false;
}

void postgres_resolver_stop(struct postgres_resolver *resolver)
{
    if (resolver->lookup != NULL) {
        loop_stop_watch(resolver->loop, &resolver->watch);
        leave_lookup(resolver->lookup);
        resolver->lookup = NULL;
    }
    for (size_t i = 0; i < resolver->n_endpoints; i++) {
        free(resolver->endpoints[i].host);
        free(resolver->endpoints[i].address);
        free(resolver->endpoints[i].port);
    }
    free(resolver->endpoints);
    resolver->endpoints = NULL;
    resolver->n_endpoints = 0;
    base_buffer_finish(&resolver->hosts);
    base_buffer_finish(&resolver->addresses);
    base_buffer_finish(&resolver->ports);
    free(resolver->problem);
    resolver->problem = NULL;
    resolver->has_targets = false;
}
