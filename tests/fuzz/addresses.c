/* Addresses that others write: X-Forwarded-For, and the settings that name proxies and origins. */
#include "addresses.h"

#include <stdlib.h>
#include <string.h>

#include "cors.h"
#include "fuzz.h"

static struct http_address read_good(const char *text)
{
    struct http_address address;
    FUZZ_CLAIM(http_read_address(text, strlen(text), &address));
    return address;
}

static bool is_same_address(const struct http_address *left, const struct http_address *right)
{
    return memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static void claim_address(const char *text)
{
    struct http_address address;
    if (!http_read_address(text, strlen(text), &address))
        return;
    char written[HTTP_ADDRESS_SIZE];
    http_format_address(&address, written);
    struct http_address again = read_good(written);
    FUZZ_CLAIM(is_same_address(&address, &again));
}

/* Whatever a client says of itself, its proxy's word comes last and counts. */
static void claim_origin(const char *text)
{
    struct http_proxies proxies;
    char *problem = NULL;
    FUZZ_CLAIM(http_read_proxies("127.0.0.1, 10.0.0.0/8, fd00::/8", &proxies, &problem));
    const struct http_address proxy = read_good("127.0.0.1");
    const struct http_address stranger = read_good("192.0.2.1");
    const struct http_address client = read_good("192.0.2.7");
    struct http_address found = http_find_origin(&proxies, &stranger, text);
    FUZZ_CLAIM(is_same_address(&found, &stranger));

    BASE_CLEANUP(base_buffer_finish) struct base_buffer appended = {0};
    base_buffer_printf(&appended, "%s, 192.0.2.7", text);
    found = http_find_origin(&proxies, &proxy, base_buffer_text(&appended));
    FUZZ_CLAIM(is_same_address(&found, &client));
    base_buffer_append_text(&appended, ", 10.1.2.3");
    found = http_find_origin(&proxies, &proxy, base_buffer_text(&appended));
    FUZZ_CLAIM(is_same_address(&found, &client));
    (void)http_find_origin(&proxies, &proxy, text);
}

static void claim_settings(const char *text)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    BASE_CLEANUP(base_free_pointer) char *other_problem = NULL;
    struct http_proxies proxies;
    struct http_origins origins;
    bool is_read = http_read_proxies(text, &proxies, &problem);
    FUZZ_CLAIM(is_read == (problem == NULL));
    for (size_t i = 0; is_read && i < proxies.n; i++)
        FUZZ_CLAIM(http_is_proxy(&proxies, &proxies.networks[i].address));

    is_read = http_read_origins(text, &origins, &other_problem);
    FUZZ_CLAIM(is_read == (other_problem == NULL));
    if (!is_read)
        return;
    for (size_t i = 0; i < origins.n; i++)
        FUZZ_CLAIM(origins.is_any || http_allowed_origin(&origins, origins.list[i]) != NULL);
    FUZZ_CLAIM(
        origins.is_any || http_allowed_origin(&origins, "https://other.example.invalid") == NULL ||
        strstr(text, "other.example.invalid") != NULL);
    http_finish_origins(&origins);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes, n_bytes);
    claim_address(text);
    claim_origin(text);
    claim_settings(text);
    return 0;
}
