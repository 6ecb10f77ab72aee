#include "codec_json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHORT_TEXT_MAX = 40 /* bytes of a client's text that a sentence repeats */ };

BASE_PRINTF(3, 0)
static void complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format,
    va_list arguments)
{
    assert(format != NULL);
    reader->is_refused = true;
    if (reader->complaints == NULL || reader->complaints->n == CODEC_COMPLAINTS_MAX)
        return;
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t size = (size_t)(length < 0 ? 0 : length) + 1;
    char *detail = base_arena_alloc(reader->arena, size);
    (void)vsnprintf(detail, size, format, arguments); /* Measured above. */
    reader->complaints->list[reader->complaints->n++] = (struct codec_complaint){
        .pointer = codec_json_pointer(reader->arena, path),
        .detail = detail,
    };
}

void codec_complain(
    struct codec_reader *reader, const struct codec_path *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(reader, path, format, arguments);
    va_end(arguments);
}

void codec_complain_of_member(
    const struct codec_object *object, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct codec_path path = {.parent = &object->path, .name = name};
    complain(object->reader, &path, format, arguments);
    va_end(arguments);
}

static const char *describe_text(struct codec_reader *reader, const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quoted = {0};
    if (strlen(text) <= SHORT_TEXT_MAX) {
        base_buffer_append_json_text(&quoted, text);
    } else {
        size_t length = SHORT_TEXT_MAX;
        while (((unsigned char)text[length] & 0xc0) == 0x80) /* not within a character */
            length--;
        base_buffer_append_json_text(&quoted, base_arena_copy(reader->arena, text, length));
        base_buffer_append_text(&quoted, " and so on");
    }
    return base_arena_copy(reader->arena, quoted.bytes, quoted.length);
}

const char *codec_describe(struct codec_reader *reader, const json_t *value)
{
    if (reader->complaints == NULL)
        return "";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return describe_text(reader, json_string_value(value));
    case JSON_INTEGER:
        return base_arena_printf(reader->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL: {
        /* Whoever wrote 1.0 must not read that 1 is not what is expected. */
        const char *text = base_arena_printf(reader->arena, "%.15g", json_real_value(value));
        bool looks_whole = text[strspn(text, "-0123456789")] == '\0';
        return looks_whole ? base_arena_printf(reader->arena, "%s.0", text) : text;
    }
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

bool codec_open_object(
    struct codec_reader *reader, json_t *value, struct codec_path path, struct codec_object *object)
{
    if (!json_is_object(value)) {
        codec_complain(
            reader, &path, "%s must be an object, not %s.",
            path.name == NULL ? "This element" : path.name, codec_describe(reader, value));
        return false;
    }
    *object = (struct codec_object){.reader = reader, .members = value, .path = path};
    return true;
}

static bool is_listed(const char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static const char *join(struct codec_reader *reader, const char *const *names)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer list = {0};
    for (size_t i = 0; names[i] != NULL; i++) {
        base_buffer_append_text(&list, i == 0 ? "" : ", ");
        base_buffer_append_text(&list, names[i]);
    }
    return base_arena_copy(reader->arena, list.bytes, list.length);
}

void codec_refuse_other_members(const struct codec_object *object, const char *const *names)
{
    const char *name;
    json_t *value;
    json_object_foreach(object->members, name, value)
    {
        if (is_listed(names, name))
            continue;
        const struct codec_complaints *complaints = object->reader->complaints;
        object->reader->is_refused = true;
        if (complaints == NULL || complaints->n == CODEC_COMPLAINTS_MAX)
            return;
        if (names[0] == NULL)
            codec_complain_of_member(object, name, "The object must be empty here.");
        else
            codec_complain_of_member(
                object, name, "This member is unknown; the known ones are: %s.",
                join(object->reader, names));
    }
}

json_t *codec_find_member(const struct codec_object *object, const char *name, bool is_required)
{
    json_t *value = json_object_get(object->members, name);
    if (value == NULL && is_required)
        codec_complain_of_member(object, name, "%s is missing.", name);
    return value;
}

/* 2.0 and 2e0 are the integer 2 in JSON Schema, and to clients that have only one kind of number.
 */
static bool is_whole(const struct codec_reader *reader, const json_t *value, json_int_t *number)
{
    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }
    double real = json_real_value(value); /* 0 of what is no number */
    if (!reader->is_of_client || !json_is_real(value) || fabs(real) > (double)CART_AMOUNT_MAX)
        return false;
    *number = (json_int_t)real;
    return (double)*number == real;
}

bool codec_read_integer(
    const struct codec_object *object, const struct codec_integer *field, int64_t *number)
{
    json_t *value = codec_find_member(object, field->name, field->is_required);
    if (value == NULL)
        return false;
    json_int_t given;
    if (!is_whole(object->reader, value, &given) || given < field->least || given > field->most) {
        codec_complain_of_member(
            object, field->name, "%s must be an integer from %lld to %lld, not %s.", field->name,
            (long long)field->least, (long long)field->most, codec_describe(object->reader, value));
        return false;
    }
    *number = given;
    return true;
}

const char *codec_read_sku(const struct codec_object *object, const char *name)
{
    json_t *value = codec_find_member(object, name, true);
    if (value == NULL)
        return NULL;
    const char *text = json_string_value(value);
    if (text != NULL && codec_is_sku(text))
        return text;
    if (text == NULL)
        codec_complain_of_member(
            object, name, "%s must be a string, not %s.", name,
            codec_describe(object->reader, value));
    else
        codec_complain_of_word(object, name, name, text, CART_SKU_MAX);
    return NULL;
}

/* False when there is nothing to complain of: neither empty nor longer than `most` characters. */
static bool complain_of_length(
    const struct codec_object *object, const char *member, const char *subject, const char *text,
    int most)
{
    ptrdiff_t n_points = base_utf8_length(text, strlen(text));
    if (n_points == 0)
        codec_complain_of_member(object, member, "%s must not be empty.", subject);
    else if (n_points > most)
        codec_complain_of_member(
            object, member, "%s has %td characters; at most %d are allowed.", subject, n_points,
            most);
    return n_points == 0 || n_points > most;
}

void codec_complain_of_word(
    const struct codec_object *object, const char *member, const char *subject, const char *text,
    int most)
{
    if (!complain_of_length(object, member, subject, text, most))
        codec_complain_of_member(
            object, member,
            "%s may have only letters (A-Z, a-z), digits and . _ ~ -, and must begin with a letter "
            "or digit, not %s.",
            subject, describe_text(object->reader, text));
}

/* The first control character, as codec_is_label() has it; -1: there is none. */
static int find_control_character(const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        if (*byte < 0x20 || *byte == 0x7f)
            return *byte;
        if (*byte == 0xc2 && byte[1] < 0xa0)
            return byte[1];
    }
    return -1;
}

const char *codec_read_label(
    const struct codec_object *object, const char *member, const char *subject, const json_t *value,
    int most)
{
    const char *text = json_string_value(value);
    if (text != NULL && codec_is_label(text, (size_t)most))
        return text;
    if (text == NULL) {
        codec_complain_of_member(
            object, member, "%s must be a string, not %s.", subject,
            codec_describe(object->reader, value));
        return NULL;
    }
    if (!complain_of_length(object, member, subject, text, most))
        codec_complain_of_member(
            object, member, "%s has the control character U+%04X; remove it.", subject,
            (unsigned)find_control_character(text));
    return NULL;
}

const char *codec_read_text(const struct codec_object *object, const char *name)
{
    json_t *value = codec_find_member(object, name, true);
    if (value == NULL)
        return NULL;
    if (!json_is_string(value))
        codec_complain_of_member(
            object, name, "%s must be a string, not %s.", name,
            codec_describe(object->reader, value));
    return json_string_value(value);
}

bool codec_read_currency(
    const struct codec_object *object, bool is_required, char currency[static 4])
{
    json_t *value = codec_find_member(object, "currency", is_required);
    if (value == NULL)
        return false;
    const char *text = json_string_value(value);
    if (text == NULL || !codec_is_currency(text)) {
        codec_complain_of_member(
            object, "currency", "currency must be three upper-case letters (ISO 4217), not %s.",
            codec_describe(object->reader, value));
        return false;
    }
    memcpy(currency, text, 4);
    return true;
}

bool codec_read_active(const struct codec_object *object, bool is_required, bool *is_active)
{
    json_t *value = codec_find_member(object, "active", is_required);
    if (value == NULL)
        return false;
    if (!json_is_boolean(value)) {
        codec_complain_of_member(
            object, "active", "active must be true or false, not %s.",
            codec_describe(object->reader, value));
        return false;
    }
    *is_active = json_is_true(value);
    return true;
}

bool codec_read_price_list(const struct codec_object *prices, struct catalog_content *content)
{
    content->n_prices = 0;
    size_t n_given = json_object_size(prices->members);
    if (n_given > CATALOG_PRICES_MAX) {
        codec_complain(
            prices->reader, &prices->path, "prices has %zu currencies; at most %d are allowed.",
            n_given, CATALOG_PRICES_MAX);
        return false;
    }
    bool is_good = true;
    const char *currency;
    json_t *value;
    json_object_foreach(prices->members, currency, value)
    {
        int64_t price_minor;
        if (!codec_is_currency(currency)) {
            codec_complain_of_member(
                prices, currency,
                "The name of a price must be its currency: three upper-case letters (ISO 4217).");
            is_good = false;
        } else if (!codec_read_integer(
                       prices, &(struct codec_integer){.name = currency, .most = CATALOG_PRICE_MAX},
                       &price_minor)) {
            is_good = false;
        } else {
            /* There is room, as there are no more than CATALOG_PRICES_MAX. */
            is_good &= catalog_content_set_price(content, currency, price_minor);
        }
    }
    return is_good;
}

bool codec_read_prices_member(const struct codec_object *object, struct catalog_content *content)
{
    json_t *value = codec_find_member(object, "prices", true);
    if (value == NULL)
        return false;
    struct codec_path path = {.parent = &object->path, .name = "prices"};
    struct codec_object prices;
    return codec_open_object(object->reader, value, path, &prices) &&
           codec_read_price_list(&prices, content);
}
