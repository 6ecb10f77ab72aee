#include "codec_json.h"

#include <string.h>

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9');
}

static bool is_of_word(char byte)
{
    return is_letter_or_digit(byte) || byte == '.' || byte == '_' || byte == '~' || byte == '-';
}

bool codec_is_word(const char *text, size_t most)
{
    if (!is_letter_or_digit(text[0]))
        return false;
    size_t length = 1;
    for (; text[length] != '\0'; length++) {
        if (length == most || !is_of_word(text[length]))
            return false;
    }
    return true;
}

bool codec_is_item_id(const char *text)
{
    return codec_is_word(text, CART_ITEM_ID_MAX);
}

bool codec_has_dot_segment(const char *text)
{
    for (;;) {
        size_t length = strcspn(text, "/\\");
        if ((length == 1 || length == 2) && strspn(text, ".") == length)
            return true;
        if (text[length] == '\0')
            return false;
        text += length + 1;
    }
}

bool codec_is_sku(const char *text)
{
    return codec_is_item_id(text) /* most are */ ||
           (codec_is_label(text, CART_SKU_MAX) && !codec_has_dot_segment(text));
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

int codec_find_control_character(const char *text, bool may_have_lines)
{
    /* Unicode's control characters (category Cc) are U+0000..1F, U+007F and U+0080..9F; the last
     * are C2 80..9F in UTF-8. */
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (may_have_lines && (*byte == '\n' || *byte == '\r' || *byte == '\t'))
            continue;
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
           strpbrk(text, "<>,;\"") == NULL && codec_is_label(text, CART_EMAIL_MAX) &&
           !codec_has_unseen(text);
}

bool codec_is_label(const char *text, size_t most)
{
    ptrdiff_t n_points = base_utf8_length(text, strlen(text));
    return n_points >= 1 && (size_t)n_points <= most &&
           codec_find_control_character(text, false) < 0;
}

/* ---- item ids -------------------------------------------------------------------------------- */

enum {
    DIGEST_BYTES = 16, /* of the digest that an id shows */
    SKU_SHOWN_MAX = CART_ITEM_ID_MAX - 1 - 2 * DIGEST_BYTES,
};

/* As much of the sku as fits, for people. What an item id can't have is a hyphen, a character of
 * several bytes one; the beginning is a letter or a digit. */
static void append_shown(struct base_buffer *id, const char *sku)
{
    while (*sku != '\0' && !is_letter_or_digit(*sku))
        sku++;
    for (; *sku != '\0' && id->length < SKU_SHOWN_MAX; sku++) {
        bool is_inner_byte = ((unsigned char)*sku & 0xc0) == 0x80;
        if (!is_inner_byte)
            base_buffer_append_char(id, is_of_word(*sku) ? *sku : '-');
    }
    if (id->length == 0)
        base_buffer_append_text(id, "item");
}

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
    append_shown(&id, sku);
    base_buffer_append_char(&id, '~');
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        base_buffer_printf(&id, "%02x", digest[i]);
    return base_arena_copy(arena, id.bytes, id.length);
}
