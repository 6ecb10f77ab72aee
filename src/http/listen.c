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
    struct base_buffer text = {0};
    base_buffer_printf(&text, "%s: %s.", address, sentence);
    base_buffer_append_char(&text, '\0');
    return text.bytes;
}

struct addrinfo *http_parse_address(const char *address, char **problem)
{
    BASE_CLEANUP(base_free_pointer) char *host = base_copy_text(address);
    char *colon = strrchr(host, ':');
    int64_t port;
    if (colon == NULL || !base_parse_int(colon + 1, 0, 65535, &port)) {
        *problem = complain(address, "not an address and a port, as 127.0.0.1:8080 or [::1]:8080");
        return NULL;
    }
    *colon = '\0';
    bool has_brackets = host[0] == '[' && colon > host + 1 && colon[-1] == ']';
    if (has_brackets)
        colon[-1] = '\0';

    const struct addrinfo hints = {
        .ai_family = has_brackets ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *found;
    if (getaddrinfo(has_brackets ? host + 1 : host, colon + 1, &hints, &found) != 0) {
        *problem = complain(address, "not an IP address in numbers (IPv6 in brackets)");
        return NULL;
    }
    return found;
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
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
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
    struct base_buffer text = {0};
    bool is_ipv6 = address.ss_family == AF_INET6;
    base_buffer_printf(&text, is_ipv6 ? "[%s]:%s" : "%s:%s", host, port);
    base_buffer_append_char(&text, '\0');
    return text.bytes;
}

static bool bind_and_listen(int fd, const struct addrinfo *where)
{
    int yes = 1;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
           /* Several processes share a port, and the kernel spreads connections over them. */
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) == 0 &&
           bind(fd, where->ai_addr, where->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
}

int http_listen(const char *address, char **taken, char **problem)
{
    struct addrinfo *where = http_parse_address(address, problem);
    if (where == NULL)
        return -1;
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_listening = fd >= 0 && bind_and_listen(fd, where);
    int reason = errno;
    freeaddrinfo(where);
    if (is_listening) {
        *taken = address_of(fd);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd); /* it was never used */
    *problem = complain(address, strerror(reason));
    return -1;
}
