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

static bool read_digits(const char *digits, struct http_address *address)
{
    struct in_addr four;
    if (inet_pton(AF_INET, digits, &four) == 1) {
        *address = map(&four);
        return true;
    }
    return inet_pton(AF_INET6, digits, address->bytes) == 1;
}

char *http_trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t end = strlen(text); end > 0 && strchr(" \t", text[end - 1]) != NULL; end--)
        text[end - 1] = '\0';
    return text;
}

bool http_read_address(const char *text, size_t length, struct http_address *address)
{
    char copy[128]; /* an address with all that may stand around it */
    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *digits = http_trim(copy);
    if (*digits == '[') {
        char *end = strchr(++digits, ']');
        if (end == NULL)
            return false;
        *end = '\0';
    } else {
        char *colon = strchr(digits, ':');
        if (colon != NULL && strchr(colon + 1, ':') == NULL)
            *colon = '\0';
    }
    return read_digits(digits, address);
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
static bool read_network(char *text, struct http_network *network)
{
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    bool is_read = read_digits(text, &network->address);
    bool is_four = strchr(text, ':') == NULL;
    int64_t most = is_four ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS;
    int64_t n_bits = most;
    if (slash != NULL) {
        is_read = is_read && base_parse_int(slash + 1, 0, most, &n_bits);
        *slash = '/'; /* for who complains */
    }
    network->prefix = (unsigned)(n_bits + ADDRESS_BITS - most);
    return is_read;
}

static char *complain(const struct http_proxies *proxies, const char *entry)
{
    if (proxies->n == HTTP_PROXIES_MAX)
        return base_print("at most %d proxies are allowed", HTTP_PROXIES_MAX);
    return base_print(
        "\"%s\" is not a proxy: give addresses such as 192.0.2.1 or networks such as 10.0.0.0/8, "
        "separated by commas",
        entry);
}

bool http_read_proxies(const char *list, struct http_proxies *proxies, char **problem)
{
    struct http_proxies read = {0};
    BASE_CLEANUP(base_free_pointer) char *copy = base_copy_text(list);
    char *rest = *copy == '\0' ? NULL : copy;
    while (rest != NULL) {
        char *entry = http_trim(strsep(&rest, ","));
        if (read.n == HTTP_PROXIES_MAX || !read_network(entry, &read.networks[read.n])) {
            *problem = complain(&read, entry);
            return false;
        }
        read.n++;
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
