#include "codec.h"

#include <string.h>

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

static bool is_word(const char *text, size_t most)
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
    return is_word(text, CART_SKU_MAX);
}

bool codec_is_property_name(const char *text)
{
    return is_word(text, CART_PROPERTY_NAME_MAX);
}

bool codec_is_currency(const char *text)
{
    for (size_t i = 0; i < 3; i++)
        if (text[i] < 'A' || text[i] > 'Z')
            return false;
    return text[3] == '\0';
}

bool codec_is_label(const char *text, size_t most)
{
    size_t n_bytes = strlen(text);
    ptrdiff_t n_points = base_utf8_length(text, n_bytes);
    if (n_points < 1 || (size_t)n_points > most)
        return false;
    /* Unicode's control characters (category Cc) are U+0000..1F, U+007F and U+0080..9F; the last
     * are C2 80..9F in UTF-8. */
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0; i < n_bytes; i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f || (bytes[i] == 0xc2 && bytes[i + 1] < 0xa0))
            return false;
    return true;
}
