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
    n = sort_texts(words, n);
    for (size_t i = 0; i < n; i++) {
        base_buffer_append_char(&text, i == 0 ? '[' : ',');
        base_buffer_append_json_text(&text, words[i]);
    }
    base_buffer_append_char(&text, ']');
    return n == 0 ? NULL : base_arena_copy(arena, text.bytes, text.length);
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

static const char *read_tag(
    const struct codec_object *object, const struct codec_field *field, json_t *value, size_t index)
{
    const char *text = json_string_value(value);
    struct codec_path list = {.parent = &object->path, .name = field->name};
    struct codec_path element = {.parent = &list, .index = index};
    if (text != NULL && codec_is_tag(text))
        return base_arena_copy_text(object->reader->arena, text);
    codec_complain(
        object->reader, &element,
        "A tag must be a string of 1 to %d letters (A-Z, a-z), digits and . _ ~ -, beginning with "
        "a letter or digit, not %s.",
        CATALOG_TAG_MAX, codec_describe(object->reader, value));
    return "";
}

void codec_read_tags(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    if (!open_list(object, field, value))
        return;
    size_t n = json_array_size(value);
    const char **words = base_arena_alloc(object->reader->arena, n * sizeof *words);
    for (size_t i = 0; i < n; i++)
        words[i] = read_tag(object, field, json_array_get(value, i), i);
    *(const char **)target = codec_make_tags(object->reader->arena, words, n);
}
