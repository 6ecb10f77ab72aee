#include "codec_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both bounds keep a number exact through any JSON reader and through jsonb, which writes numbers
 * out in full: 1e-300 would come back as 300 digits. */
#define REAL_MOST 9007199254740991.0
#define REAL_LEAST 1e-15

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool write_integer(
    struct codec_reader *reader, json_int_t number, const struct codec_path *path,
    struct base_buffer *out)
{
    if (number < -CART_AMOUNT_MAX || number > CART_AMOUNT_MAX) {
        codec_complain(
            reader, path, "%lld can't be stored: an integer is at most %lld (2^53-1) in magnitude.",
            (long long)number, (long long)CART_AMOUNT_MAX);
        return false;
    }
    base_buffer_append_int(out, number);
    return true;
}

static bool write_real(
    struct codec_reader *reader, double number, const struct codec_path *path,
    struct base_buffer *out)
{
    if (fabs(number) > REAL_MOST || (number != 0 && fabs(number) < REAL_LEAST)) {
        codec_complain(
            reader, path,
            "%.15g can't be stored: a number must be 0, or between 1e-15 and 9007199254740991 "
            "(2^53-1) in magnitude.",
            number);
        return false;
    }
    if ((double)(int64_t)number == number) {
        base_buffer_append_int(out, (int64_t)number);
        return true;
    }
    /* Nothing calls setlocale(), so the decimal point is a point. 17 digits always suffice. */
    char text[32];
    for (int n_digits = 15; n_digits <= 17; n_digits++) {
        (void)snprintf(text, sizeof text, "%.*g", n_digits, number); /* At most 24 characters. */
        if (strtod(text, NULL) == number)
            break;
    }
    base_buffer_append_text(out, text);
    return true;
}

static bool write_array(
    struct codec_reader *reader, json_t *array, const struct codec_path *path, size_t most_levels,
    struct base_buffer *out)
{
    bool is_good = true;
    size_t index;
    json_t *element;
    base_buffer_append_char(out, '[');
    json_array_foreach(array, index, element)
    {
        struct codec_path element_path = {.parent = path, .index = index};
        if (index > 0)
            base_buffer_append_char(out, ',');
        is_good &= codec_write_canonical(reader, element, &element_path, most_levels, out);
    }
    base_buffer_append_char(out, ']');
    return is_good;
}

static bool write_object(
    struct codec_reader *reader, json_t *object, const struct codec_path *path, size_t most_levels,
    struct base_buffer *out)
{
    size_t n_names = 0;
    BASE_CLEANUP(base_free_pointer)
    const char **names = base_alloc(json_object_size(object) * sizeof *names);
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        names[n_names++] = name;
    }
    qsort(names, n_names, sizeof *names, compare_names);

    bool is_good = true;
    base_buffer_append_char(out, '{');
    for (size_t i = 0; i < n_names; i++) {
        struct codec_path member_path = {.parent = path, .name = names[i]};
        if (i > 0)
            base_buffer_append_char(out, ',');
        base_buffer_append_json_text(out, names[i]);
        base_buffer_append_char(out, ':');
        is_good &= codec_write_canonical(
            reader, json_object_get(object, names[i]), &member_path, most_levels, out);
    }
    base_buffer_append_char(out, '}');
    return is_good;
}

bool codec_write_canonical(
    struct codec_reader *reader, json_t *value, const struct codec_path *path, size_t most_levels,
    struct base_buffer *out)
{
    if ((json_is_object(value) || json_is_array(value)) && most_levels == 0) {
        codec_complain(
            reader, path,
            "metadata is nested too deeply; at most %d levels are allowed, metadata itself "
            "included.",
            CART_METADATA_DEPTH_MAX);
        return false;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(reader, value, path, most_levels - 1, out);
    case JSON_ARRAY:
        return write_array(reader, value, path, most_levels - 1, out);
    case JSON_STRING:
        base_buffer_append_json_text(out, json_string_value(value));
        return true;
    case JSON_INTEGER:
        return write_integer(reader, json_integer_value(value), path, out);
    case JSON_REAL:
        return write_real(reader, json_real_value(value), path, out);
    case JSON_TRUE:
        base_buffer_append_text(out, "true");
        return true;
    case JSON_FALSE:
        base_buffer_append_text(out, "false");
        return true;
    case JSON_NULL:
        base_buffer_append_text(out, "null");
        return true;
    }
    return false;
}
