#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

static char *complain(const char *address, const char *sentence)
{
    return base_print("%s: %s.", address, sentence);
}

struct addrinfo *http_parse_address(const char *address, char **problem)
{
    BASE_CLEANUP(base_free_pointer) char *host = base_copy_text(address);
    char *colon = strrchr(host, ':');
    int64_t port;
    if (colon == NULL || !base_parse_int(colon + 1, 0, 65535, &port)) {
        *problem =
            complain(address, "not an address and a port, such as 127.0.0.1:8080 or [::1]:8080");
        return NULL;
    }
    *colon = '\0';
    if (strcmp(host, "localhost") == 0) {
        *problem = complain(
            address, "localhost can mean 127.0.0.1 or [::1]; write the address, or * for all "
                     "addresses of this machine");
        return NULL;
    }
    bool has_brackets = host[0] == '[' && colon > host + 1 && colon[-1] == ']';
    if (has_brackets)
        colon[-1] = '\0';

    const struct addrinfo hints = {
        .ai_family = has_brackets ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    const char *name = has_brackets ? host + 1 : host;
    if (strcmp(host, "*") == 0) /* which getaddrinfo() takes for the loopback */
        name = "0.0.0.0";
    struct addrinfo *found;
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0) {
        *problem = complain(
            address, "not a numeric IP address (IPv6 in brackets), nor * for all addresses");
        return NULL;
    }
    return found;
}

bool http_check_address(const char *address, char **problem)
{
    struct addrinfo *found = http_parse_address(address, problem);
    if (found == NULL)
        return false;
    freeaddrinfo(found);
    return true;
}

bool http_is_loopback(const char *address)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct addrinfo *found = http_parse_address(address, &problem);
    bool is_loopback = found != NULL && http_is_loopback_address(found->ai_addr);
    if (found != NULL)
        freeaddrinfo(found);
    return is_loopback;
}

bool http_is_loopback_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)address;
        return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *ipv6 = (const void *)address;
    if (address->sa_family != AF_INET6)
        return false;
    /* A socket for both shows IPv4 as IPv6 has it (RFC 4291, section 2.5.5.2). */
    if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr))
        return ipv6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
}

/* The address that a socket got, with the port that the kernel chose for 0. */
static char *address_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    char host[NI_MAXHOST] = "";
    char port[NI_MAXSERV] = "";
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo(
            (struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
            NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return base_copy_text("an unknown address");
    return base_print(address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* [::] is for IPv4 too, whatever the machine's own setting (net.ipv6.bindv6only) is. */
static bool bind_and_listen(int fd, const struct addrinfo *where)
{
    int yes = 1;
    int no = 0;
    if (where->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) != 0)
        return false;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
           /* Several processes share a port, and the kernel spreads connections over them. */
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0 &&
           bind(fd, where->ai_addr, where->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
}

static int listen_on(const struct addrinfo *where)
{
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_and_listen(fd, where))
        return fd;
    int reason = errno;
    (void)close(fd); /* it was never used */
    errno = reason;
    return -1;
}

/* One socket for all addresses of both kinds. -1 with errno: EAFNOSUPPORT or EADDRNOTAVAIL where
 * this machine has no IPv6. */
static int listen_on_all(const struct addrinfo *ipv4)
{
    const struct sockaddr_in *port = (const void *)ipv4->ai_addr;
    struct sockaddr_in6 any = {
        .sin6_family = AF_INET6, .sin6_addr = in6addr_any, .sin6_port = port->sin_port};
    const struct addrinfo where = {
        .ai_family = AF_INET6, .ai_addr = (void *)&any, .ai_addrlen = sizeof(any)};
    return listen_on(&where);
}

int http_listen(const char *address, char **taken, char **problem)
{
    struct addrinfo *where = http_parse_address(address, problem);
    if (where == NULL)
        return -1;
    int fd = address[0] == '*' ? listen_on_all(where) : listen_on(where);
    if (fd < 0 && address[0] == '*' && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = listen_on(where);
    int reason = errno;
    freeaddrinfo(where);
    if (fd >= 0)
        *taken = address_of(fd);
    else
        *problem = complain(address, strerror(reason));
    return fd;
}
