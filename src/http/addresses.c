#include "addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { MAPPED_BITS = 96, ADDRESS_BITS = 128 };

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static struct http_address map(const struct in_addr *four)
{
    struct http_address address;
    memcpy(address.bytes, mapped, sizeof(mapped));
    memcpy(address.bytes + sizeof(mapped), four, sizeof(*four));
    return address;
}

struct http_address http_address_of(const struct sockaddr *socket_address)
{
    struct http_address address = {{0}};
    if (socket_address->sa_family == AF_INET)
        return map(&((const struct sockaddr_in *)(const void *)socket_address)->sin_addr);
    if (socket_address->sa_family == AF_INET6)
        memcpy(
            address.bytes, &((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_addr,
            sizeof(address.bytes));
    return address;
}

static bool read_digits(const char *text, size_t length, struct http_address *address)
{
    char digits[INET6_ADDRSTRLEN];
    if (length >= sizeof(digits))
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    struct in_addr four;
    if (inet_pton(AF_INET, digits, &four) == 1) {
        *address = map(&four);
        return true;
    }
    return inet_pton(AF_INET6, digits, address->bytes) == 1;
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && ((*text)[*length - 1] == ' ' || (*text)[*length - 1] == '\t'))
        (*length)--;
}

bool http_read_address(const char *text, size_t length, struct http_address *address)
{
    trim(&text, &length);
    if (length == 0)
        return false;
    if (*text == '[') {
        const char *end = memchr(text, ']', length);
        return end != NULL && read_digits(text + 1, (size_t)(end - text) - 1, address);
    }
    const char *colon = memchr(text, ':', length);
    bool has_port =
        colon != NULL && memchr(colon + 1, ':', length - (size_t)(colon + 1 - text)) == NULL;
    return read_digits(text, has_port ? (size_t)(colon - text) : length, address);
}

void http_format_address(const struct http_address *address, char text[static HTTP_ADDRESS_SIZE])
{
    bool is_mapped = memcmp(address->bytes, mapped, sizeof(mapped)) == 0;
    const uint8_t *bytes = address->bytes + (is_mapped ? sizeof(mapped) : 0);
    /* It fails only when there is no room. */
    if (inet_ntop(is_mapped ? AF_INET : AF_INET6, bytes, text, HTTP_ADDRESS_SIZE) == NULL)
        text[0] = '\0';
}

/* ---- proxies --------------------------------------------------------------------------------- */

static bool begins_alike(
    const struct http_address *left, const struct http_address *right, unsigned n_bits)
{
    if (memcmp(left->bytes, right->bytes, n_bits / 8) != 0)
        return false;
    unsigned n_more = n_bits % 8;
    uint8_t differing = left->bytes[n_bits / 8 % 16] ^ right->bytes[n_bits / 8 % 16];
    return n_more == 0 || differing >> (8 - n_more) == 0;
}

/* "192.0.2.0/24": a prefix counts within its own kind of address. */
static bool read_network(
    const char *text, size_t length, struct http_address *address, unsigned *prefix)
{
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash == NULL ? length : (size_t)(slash - text);
    if (!read_digits(text, address_length, address))
        return false;
    *prefix = ADDRESS_BITS;
    if (slash == NULL)
        return true;
    bool is_four = memchr(text, ':', address_length) == NULL;
    char digits[4] = "";
    size_t n_digits = length - address_length - 1;
    int64_t n_bits;
    if (n_digits >= sizeof(digits))
        return false;
    memcpy(digits, slash + 1, n_digits);
    if (!base_parse_int(digits, 0, is_four ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS, &n_bits))
        return false;
    *prefix = (unsigned)n_bits + (is_four ? MAPPED_BITS : 0);
    return true;
}

bool http_read_proxies(const char *list, struct http_proxies *proxies, char **problem)
{
    struct http_proxies read = {0};
    for (const char *entry = list; *list != '\0' && entry != NULL;) {
        const char *comma = strchr(entry, ',');
        size_t length = comma == NULL ? strlen(entry) : (size_t)(comma - entry);
        const char *text = entry;
        trim(&text, &length);
        bool has_room = read.n < HTTP_PROXIES_MAX;
        if (!has_room ||
            !read_network(
                text, length, &read.networks[read.n].address, &read.networks[read.n].prefix)) {
            struct base_buffer sentence = {0};
            if (has_room)
                base_buffer_printf(
                    &sentence,
                    "\"%.*s\" is no proxy: an address as 192.0.2.1 or a network as "
                    "10.0.0.0/8 is, in a list with commas",
                    (int)length, text);
            else
                base_buffer_printf(&sentence, "there may be %d proxies at most", HTTP_PROXIES_MAX);
            (void)base_buffer_text(&sentence);
            *problem = sentence.bytes;
            return false;
        }
        read.n++;
        entry = comma == NULL ? NULL : comma + 1;
    }
    *proxies = read;
    return true;
}

bool http_is_proxy(const struct http_proxies *proxies, const struct http_address *address)
{
    for (size_t i = 0; i < proxies->n; i++) {
        if (begins_alike(&proxies->networks[i].address, address, proxies->networks[i].prefix))
            return true;
    }
    return false;
}

struct http_address http_find_origin(
    const struct http_proxies *proxies, const struct http_address *peer, const char *forwarded_for)
{
    struct http_address found = *peer;
    size_t n_left = forwarded_for == NULL ? 0 : strlen(forwarded_for);
    while (n_left > 0 && http_is_proxy(proxies, &found)) {
        size_t begin = n_left;
        while (begin > 0 && forwarded_for[begin - 1] != ',')
            begin--;
        if (!http_read_address(forwarded_for + begin, n_left - begin, &found))
            break;
        n_left = begin == 0 ? 0 : begin - 1;
    }
    return found;
}
