#include "codec_json.h"

#include <string.h>

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

bool codec_is_word(const char *text, size_t most)
{
    if (!is_letter_or_digit(text[0]))
        return false;
    size_t length = 1;
    for (; text[length] != '\0'; length++) {
        char byte = text[length];
        if (length == most)
            return false;
        if (!is_letter_or_digit(byte) && byte != '.' && byte != '_' && byte != '~' && byte != '-')
            return false;
    }
    return true;
}

bool codec_is_sku(const char *text)
{
    return codec_is_word(text, CART_SKU_MAX);
}

bool codec_is_property_name(const char *text)
{
    return codec_is_word(text, CART_PROPERTY_NAME_MAX);
}

bool codec_is_currency(const char *text)
{
    for (size_t i = 0; i < 3; i++)
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    return text[3] == '\0';
}

int codec_find_control_character(const char *text)
{
    /* Unicode's control characters (category Cc) are U+0000..1F, U+007F and U+0080..9F; the last
     * are C2 80..9F in UTF-8. */
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (*byte < 0x20 || *byte == 0x7f)
            return *byte;
        if (*byte == 0xc2 && byte[1] < 0xa0)
            return byte[1];
    }
    return -1;
}

bool codec_is_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL &&
           strpbrk(text, " <>,;\"") == NULL && codec_is_label(text, CART_EMAIL_MAX);
}

bool codec_is_label(const char *text, size_t most)
{
    ptrdiff_t n_points = base_utf8_length(text, strlen(text));
    return n_points >= 1 && (size_t)n_points <= most && codec_find_control_character(text) < 0;
}

/* ---- item ids -------------------------------------------------------------------------------- */

enum {
    DIGEST_BYTES = 16, /* of the digest that an id shows */
    SKU_SHOWN_MAX = CART_ITEM_ID_MAX - 1 - 2 * DIGEST_BYTES,
};

char *codec_make_item_id(
    struct base_arena *arena, const char *sku, const char *properties, int attempt)
{
    const char *text = properties == NULL ? "{}" : properties;
    const uint8_t count[] = {(uint8_t)(attempt >> 8), (uint8_t)attempt};
    const struct base_part parts[] = {
        {.bytes = sku, .length = strlen(sku)},
        {.bytes = text, .length = strlen(text)},
        {.bytes = count, .length = sizeof count},
    };
    uint8_t digest[BASE_SHA256_SIZE];
    base_sha256(parts, BASE_COUNT(parts), digest);

    BASE_CLEANUP(base_buffer_finish) struct base_buffer id = {0};
    base_buffer_printf(&id, "%.*s~", SKU_SHOWN_MAX, sku);
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        base_buffer_printf(&id, "%02x", digest[i]);
    return base_arena_copy(arena, id.bytes, id.length);
}
