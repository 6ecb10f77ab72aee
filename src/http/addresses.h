/*
 * Addresses of clients: what the kernel says, and what proxies say that are trusted to. A proxy
 * appends the address it was called from to X-Forwarded-For; everything to the left of that is
 * whatever its own client has sent.
 */
#ifndef CARTD_HTTP_ADDRESSES_H
#define CARTD_HTTP_ADDRESSES_H

#include <sys/socket.h>

#include "base.h"

/* An IP address; one of IPv4 as IPv6 has it (RFC 4291, section 2.5.5.2). */
struct http_address {
    uint8_t bytes[16];
};
/* All zeros for what is neither IPv4 nor IPv6. */
struct http_address http_address_of(const struct sockaddr *socket_address);
/* Reads 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80, with spaces around it; what comes
 * after the address is not looked at, as X-Forwarded-For has no one form. */
bool http_read_address(const char *text, size_t length, struct http_address *address)
    BASE_MUST_CHECK;

#define HTTP_ADDRESS_SIZE 46 /* with the terminating NUL */
void http_format_address(const struct http_address *address, char text[static HTTP_ADDRESS_SIZE]);

/* The text without the spaces and tabs around it; it is changed. */
char *http_trim(char *text);

#define HTTP_PROXIES_MAX 64

struct http_network {
    struct http_address address;
    unsigned prefix; /* how many bits of it count */
};
/* Who is believed about where requests come from. */
struct http_proxies {
    size_t n;
    struct http_network networks[HTTP_PROXIES_MAX];
};
/* Reads a list of addresses and networks: "127.0.0.1, 10.0.0.0/8, fd00::/8". False with *problem,
 * the caller's to free. */
bool http_read_proxies(const char *list, struct http_proxies *proxies, char **problem)
    BASE_MUST_CHECK;
bool http_is_proxy(const struct http_proxies *proxies, const struct http_address *address);
/* Where a request comes from: the peer, or if that is a proxy the last entry of X-Forwarded-For
 * (NULL: there is none), or if that is a proxy too the one before it, and so on. An entry that is
 * not an address ends it: then it is the proxy that says so. */
struct http_address http_find_origin(
    const struct http_proxies *proxies, const struct http_address *peer, const char *forwarded_for);

#endif
