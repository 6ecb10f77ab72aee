/*
 * Addresses: "127.0.0.1:8080", "[::1]:8080", "*:8080" for all of both kinds. Numbers only, as a
 * name would have to be looked up and may be several.
 */
#ifndef CARTD_HTTP_LISTEN_H
#define CARTD_HTTP_LISTEN_H

#include <netdb.h>

#include "base.h"

/* The address as a list of one, for freeaddrinfo(); that of * is 0.0.0.0. NULL with *problem, the
 * caller's to free. */
struct addrinfo *http_parse_address(const char *address, char **problem) BASE_MUST_CHECK;
bool http_is_loopback_address(const struct sockaddr *address) BASE_MUST_CHECK;
/* A non-blocking socket that listens. *taken is the address with the port it got, the caller's to
 * free. -1 with *problem. */
int http_listen(const char *address, char **taken, char **problem) BASE_MUST_CHECK;

#endif
