/* Single values wherever they come from: numbers, times, identifiers, texts, addresses. */
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "feed.h"
#include "fuzz.h"
#include "listen.h"

static struct base_arena arena;

static void claim_time(const char *text)
{
    int64_t time_us = 0;
    int64_t again_us = 0;
    char written[BASE_TIME_SIZE];
    if (!base_time_parse(text, &time_us))
        return;
    base_time_format(time_us, written);
    FUZZ_CLAIM(strlen(written) == BASE_TIME_SIZE - 1);
    FUZZ_CLAIM(base_time_parse(written, &again_us) && again_us == time_us);
}

static void claim_number(const char *text)
{
    int64_t number = 0;
    int64_t again = 0;
    char written[24];
    if (!base_parse_int(text, INT64_MIN, INT64_MAX, &number))
        return;
    (void)snprintf(written, sizeof written, "%" PRId64, number); /* at most 20 digits */
    FUZZ_CLAIM(base_parse_int(written, number, number, &again) && again == number);
    FUZZ_CLAIM(!base_parse_int(text, 1, 0, &again));
}

static void claim_uuid(const char *text)
{
    struct base_uuid uuid;
    struct base_uuid again;
    char written[BASE_UUID_SIZE];
    if (!base_uuid_parse(text, &uuid))
        return;
    base_uuid_format(&uuid, written);
    FUZZ_CLAIM(strcasecmp(written, text) == 0);
    FUZZ_CLAIM(base_uuid_parse(written, &again) && base_uuid_compare(&uuid, &again) == 0);
}

static void claim_base64url(const char *text)
{
    size_t n_bytes = 0;
    const uint8_t *bytes = base_base64url_decode(&arena, text, &n_bytes);
    if (bytes != NULL)
        FUZZ_CLAIM(strcmp(base_base64url_encode(&arena, bytes, n_bytes), text) == 0);
}

/* Any bytes written as a JSON text are one, and good UTF-8 comes out as it went in. */
static void claim_json_text(const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer written = {0};
    base_buffer_append_json_text(&written, text);
    FUZZ_CLAIM(fuzz_is_json(written.bytes, written.length));
    FUZZ_CLAIM(base_utf8_length(written.bytes, written.length) > 0);
    for (size_t i = 0; i < written.length; i++)
        FUZZ_CLAIM((unsigned char)written.bytes[i] >= 0x20);
    if (base_utf8_length(text, strlen(text)) >= 0)
        FUZZ_CLAIM(
            strstr(base_buffer_text(&written), "\xef\xbf\xbd") == NULL ||
            strstr(text, "\xef\xbf\xbd") != NULL);
}

/* Nothing in it that a terminal obeys, and good text without any is the same. */
static void claim_printable(const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer printable = {0};
    base_buffer_append_printable(&printable, text);
    FUZZ_CLAIM(base_utf8_length(printable.bytes, printable.length) >= 0);
    for (size_t i = 0; i < printable.length; i++) {
        unsigned char byte = (unsigned char)printable.bytes[i];
        FUZZ_CLAIM(byte >= 0x20 && byte != 0x7f);
        FUZZ_CLAIM(byte != 0xc2 || (unsigned char)printable.bytes[i + 1] >= 0xa0);
    }
    if (codec_is_label(text, SIZE_MAX))
        FUZZ_CLAIM(strcmp(base_buffer_text(&printable), text) == 0);
}

static void claim_normal(const char *text)
{
    const char *normal = codec_normalise(&arena, text, CART_SKU_MAX);
    ptrdiff_t n_points = base_utf8_length(text, strlen(text));
    ptrdiff_t n_normal = base_utf8_length(normal, strlen(normal));
    FUZZ_CLAIM((n_points < 0) == (n_normal < 0));
    if (n_normal >= 0 && n_normal <= CART_SKU_MAX)
        FUZZ_CLAIM(strcmp(codec_normalise(&arena, normal, CART_SKU_MAX), normal) == 0);
}

static void claim_words(const char *text)
{
    size_t length = strlen(text);
    bool is_sku = codec_is_sku(text);
    bool is_item_id = codec_is_item_id(text);
    FUZZ_CLAIM(!is_item_id || (is_sku && length >= 1 && length <= CART_ITEM_ID_MAX));
    FUZZ_CLAIM(!codec_is_property_name(text) || is_item_id);
    FUZZ_CLAIM(!codec_is_currency(text) || (is_item_id && length == 3));
    FUZZ_CLAIM(!is_sku || (codec_is_label(text, CART_SKU_MAX) && length < CART_SKU_SIZE));
    if (codec_is_label(text, CART_CUSTOMER_ID_MAX))
        FUZZ_CLAIM(base_utf8_length(text, length) <= CART_CUSTOMER_ID_MAX);
    if (is_sku)
        FUZZ_CLAIM(codec_is_item_id(codec_make_item_id(&arena, text, "{\"a\":\"b\"}", 1)));
    FUZZ_CLAIM((feed_type(text, length) != 0) == codec_is_event_name(text));
}

static void claim_address(const char *text)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    struct addrinfo *address = http_parse_address(text, &problem);
    FUZZ_CLAIM((address == NULL) == (problem != NULL));
    if (address != NULL)
        freeaddrinfo(address);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes, n_bytes);
    claim_time(text);
    claim_number(text);
    claim_uuid(text);
    claim_base64url(text);
    claim_json_text(text);
    claim_printable(text);
    claim_words(text);
    claim_normal(text);
    claim_address(text);
    base_arena_reset(&arena);
    return 0;
}
