#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "listen.h"

static bool fail(char **problem, const char *listen_address, const char *sentence)
{
    *problem = base_print("%s: %s.", listen_address, sentence);
    return false;
}

/* Who listens on all addresses is reached on the loopback. */
static void aim_at_loopback(struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in *four = (struct sockaddr_in *)(void *)address;
        if (four->sin_addr.s_addr == htonl(INADDR_ANY))
            four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)address;
        if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
            six->sin6_addr = in6addr_loopback;
    }
}

/* Gives every call on the socket what is left of the time; false when nothing is. */
static bool limit_time(int fd, int64_t end_us)
{
    int64_t left_us = end_us - base_clock_monotonic_us();
    if (left_us <= 0)
        return false;
    struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    /* SO_SNDTIMEO limits connect() too. */
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &left, sizeof(left)) == 0;
}

/* Sends a request of one small packet and reads the answer, of which the beginning is stored. It is
 * read to its end, as closing earlier would look like an accident to the server. */
static bool exchange(int fd, int64_t end_us, const char *request, char *answer, size_t size)
{
    size_t length = strlen(request);
    if (!limit_time(fd, end_us) || send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
        return false;
    size_t n_stored = 0;
    for (;;) {
        char bytes[1024];
        ssize_t n = limit_time(fd, end_us) ? recv(fd, bytes, sizeof(bytes), 0) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return strchr(answer, '\n') != NULL;
        size_t n_more = size - 1 - n_stored;
        if (n_more > (size_t)n)
            n_more = (size_t)n;
        memcpy(answer + n_stored, bytes, n_more);
        n_stored += n_more;
    }
}

static bool read_status(const char *answer, int *status)
{
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0)
        return false;
    char digits[4] = "";
    memcpy(digits, answer + 9, strnlen(answer + 9, 3));
    int64_t number;
    if (!base_parse_int(digits, 100, 999, &number))
        return false;
    *status = (int)number;
    return true;
}

bool http_probe(
    const char *listen_address, const char *path, int timeout_ms, int *status, char **problem)
{
    int64_t end_us = base_clock_monotonic_us() + (int64_t)timeout_ms * 1000;
    struct addrinfo *where = http_parse_address(listen_address, problem);
    if (where == NULL)
        return false;
    aim_at_loopback(where->ai_addr);
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected =
        fd >= 0 && limit_time(fd, end_us) && connect(fd, where->ai_addr, where->ai_addrlen) == 0;
    int reason = errno == EINPROGRESS ? ETIMEDOUT : errno;
    freeaddrinfo(where);

    struct base_buffer request = {0};
    base_buffer_printf(
        &request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, listen_address);
    char answer[64] = "";
    bool is_answered =
        is_connected && exchange(fd, end_us, base_buffer_text(&request), answer, sizeof(answer));
    base_buffer_finish(&request);
    if (fd >= 0)
        (void)close(fd); /* nothing is lost with it */
    if (!is_connected)
        return fail(problem, listen_address, strerror(reason));
    if (!is_answered)
        return fail(problem, listen_address, "no answer in time");
    if (!read_status(answer, status))
        return fail(problem, listen_address, "the answer is not HTTP");
    return true;
}
