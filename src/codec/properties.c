#include "codec_json.h"

#include <string.h>

/* Properties are kept as canonical JSON, so that the same ones in another order are the same text,
 * and none are NULL, so that a plain line costs nothing. */
static const char *copy_canonical(
    struct codec_reader *reader, json_t *properties, const struct codec_path *path)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (json_object_size(properties) == 0 ||
        !codec_write_canonical(reader, properties, path, 1, &text))
        return NULL;
    return base_arena_copy(reader->arena, text.bytes, text.length);
}

/* ---- of a request ---------------------------------------------------------------------------- */

static void check_property(const struct codec_object *properties, const char *name, json_t *value)
{
    if (!codec_is_property_name(name)) {
        codec_complain_of_word(
            properties, name, "The name of a property", name, CART_PROPERTY_NAME_MAX);
        return;
    }
    (void)codec_read_label(/* The reader knows. */
                           properties, name, "A property", value, CART_PROPERTY_VALUE_MAX);
}

const char *codec_read_new_properties(const struct codec_object *item)
{
    json_t *members = codec_find_member(item, "properties", false);
    struct codec_path path = {.parent = &item->path, .name = "properties"};
    struct codec_object properties;
    if (members == NULL || !codec_open_object(item->reader, members, path, &properties))
        return NULL;
    size_t n_given = json_object_size(members);
    if (n_given > CART_PROPERTIES_MAX) {
        codec_complain_of_member(
            item, "properties", "properties has %zu members; at most %d are allowed.", n_given,
            CART_PROPERTIES_MAX);
        return NULL;
    }
    const char *name;
    json_t *value;
    json_object_foreach(members, name, value)
    {
        check_property(&properties, name, value);
    }
    if (item->reader->is_refused)
        return NULL;
    const char *text = copy_canonical(item->reader, members, &path);
    if (text != NULL && strlen(text) > CART_PROPERTIES_BYTES_MAX)
        codec_complain_of_member(
            item, "properties", "properties has %zu bytes as compact JSON; at most %d are allowed.",
            strlen(text), CART_PROPERTIES_BYTES_MAX);
    return text;
}

/* ---- of a stored event ----------------------------------------------------------------------- */

const char *codec_read_stored_properties(const struct codec_object *data)
{
    json_t *members = codec_find_member(data, "properties", true);
    struct codec_path path = {.parent = &data->path, .name = "properties"};
    struct codec_object properties;
    if (members == NULL || !codec_open_object(data->reader, members, path, &properties))
        return NULL;
    const char *name;
    json_t *value;
    json_object_foreach(members, name, value)
    {
        if (!json_is_string(value))
            codec_complain_of_member(
                &properties, name, "A property must be a string, not %s.",
                codec_describe(data->reader, value));
    }
    return copy_canonical(data->reader, members, &path);
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
