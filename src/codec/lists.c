#include <stdlib.h>
#include <string.h>

#include "codec_fields.h"

/* Lists whose elements have no order: sorted bytewise, each element once. */

/* ---- sorting --------------------------------------------------------------------------------- */

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Returns how many are left. */
static size_t sort_texts(const char **texts, size_t n)
{
    size_t n_left = 0;
    if (n > 0)
        qsort(texts, n, sizeof *texts, compare_texts);
    for (size_t i = 0; i < n; i++)
        if (n_left == 0 || strcmp(texts[i], texts[n_left - 1]) != 0)
            texts[n_left++] = texts[i];
    return n_left;
}

/* ---- tags ------------------------------------------------------------------------------------ */

bool codec_is_tag(const char *text)
{
    return codec_is_word(text, CATALOG_TAG_MAX);
}

const char *codec_make_tags(struct base_arena *arena, const char **words, size_t n)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    const struct coupon_texts tags = {words, sort_texts(words, n)};
    if (n == 0)
        return NULL;
    codec_write_texts(&text, &tags);
    return base_arena_copy(arena, text.bytes, text.length);
}

/* False, with a complaint: there is no array, or too much in it. What is stored may be longer. */
static bool open_list(
    const struct codec_object *object, const struct codec_field *field, json_t *value)
{
    if (!json_is_array(value))
        codec_complain_of_member(
            object, field->name, "%s must be an array, not %s.", field->name,
            codec_describe(object->reader, value));
    else if (field->most > 0 && json_array_size(value) > (size_t)field->most)
        codec_complain_of_member(
            object, field->name, "%s has %zu elements; at most %d are allowed.", field->name,
            json_array_size(value), (int)field->most);
    return !object->reader->is_refused;
}

/* Where an element stands. */
static void complain_of_element(
    const struct codec_object *object, const struct codec_field *field, size_t index,
    const char *must_be, const json_t *value)
{
    struct codec_path list = {.parent = &object->path, .name = field->name};
    struct codec_path element = {.parent = &list, .index = index};
    codec_complain(
        object->reader, &element, "This element must be %s, not %s.", must_be,
        codec_describe(object->reader, value));
}

static const char *read_tag(
    const struct codec_object *object, const struct codec_field *field, json_t *value, size_t index)
{
    const char *text = json_string_value(value);
    if (text != NULL && codec_is_tag(text))
        return base_arena_copy_text(object->reader->arena, text);
    complain_of_element(
        object, field, index,
        "a string of 1 to 64 letters (A-Z, a-z), digits and . _ ~ -, beginning with a letter or "
        "digit",
        value);
    return "";
}

static const char *read_sku(
    const struct codec_object *object, const struct codec_field *field, json_t *value, size_t index)
{
    struct codec_reader *reader = object->reader;
    const char *text = json_string_value(value);
    if (text != NULL && reader->is_of_client)
        text = codec_normalise(reader->arena, text, CART_SKU_MAX);
    if (text != NULL && codec_is_sku(text))
        return base_arena_copy_text(reader->arena, text);
    complain_of_element(
        object, field, index,
        "a sku: a string of 1 to 128 characters without control characters, and not . or .. alone "
        "or between slashes",
        value);
    return "";
}

static size_t read_elements(
    const struct codec_object *object, const struct codec_field *field, json_t *value,
    const char *(*read)(
        const struct codec_object *object, const struct codec_field *field, json_t *value,
        size_t index),
    const char ***texts)
{
    if (!open_list(object, field, value))
        return 0;
    size_t n = json_array_size(value);
    *texts = base_arena_alloc(object->reader->arena, n * sizeof **texts);
    for (size_t i = 0; i < n; i++)
        (*texts)[i] = read(object, field, json_array_get(value, i), i);
    return n;
}

void codec_read_tags(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char **words = NULL;
    size_t n = read_elements(object, field, value, read_tag, &words);
    *(const char **)target = codec_make_tags(object->reader->arena, words, n);
}

void codec_read_words(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    const char **words = NULL;
    size_t n = read_elements(object, field, value, read_tag, &words);
    *(struct coupon_texts *)target = (struct coupon_texts){words, sort_texts(words, n)};
}

void codec_read_skus(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    const char **skus = NULL;
    size_t n = read_elements(object, field, value, read_sku, &skus);
    struct coupon_texts *texts = target;
    *texts = (struct coupon_texts){skus, sort_texts(skus, n)};
    codec_write_texts(&text, texts);
    if (field->most > 0 && text.length > COUPON_TEXTS_BYTES_MAX)
        codec_complain_of_member(
            object, field->name, "%s has %zu bytes as compact JSON; at most %d are allowed.",
            field->name, text.length, COUPON_TEXTS_BYTES_MAX);
}

void codec_write_texts(struct base_buffer *out, const struct coupon_texts *texts)
{
    base_buffer_append_char(out, '[');
    for (size_t i = 0; i < texts->n; i++) {
        if (i > 0)
            base_buffer_append_char(out, ',');
        base_buffer_append_json_text(out, texts->list[i]);
    }
    base_buffer_append_char(out, ']');
}
