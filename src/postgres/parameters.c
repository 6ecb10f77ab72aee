#include "internal.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    FITS_BOOL = 1 << 0,
    FITS_INT4 = 1 << 1,
    FITS_INT8 = 1 << 2,
    FITS_TEXT = 1 << 3,
    FITS_BYTES = 1 << 4,
    FITS_UUID = 1 << 5,
    FITS_TIME = 1 << 6,
    FITS_ANY = (1 << 7) - 1
};

/* ---- types ----------------------------------------------------------------------------------- */

static void put_bool_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_bool(parameters, *(const bool *)member);
}

static void put_int4_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_int4(parameters, *(const int32_t *)member);
}

static void put_int8_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_int8(parameters, *(const int64_t *)member);
}

static void put_time_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_time(parameters, *(const int64_t *)member);
}

static void put_uuid_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_uuid(parameters, member);
}

static void put_text_at(struct postgres_parameters *parameters, const void *member)
{
    postgres_put_text(parameters, *(const char *const *)member);
}

struct postgres_element {
    enum postgres_type type;
    enum postgres_type array;
    int fits;    /* the puts that it accepts */
    size_t size; /* of a column's members in C */
    void (*put_at)(struct postgres_parameters *parameters, const void *member);
};
static const struct postgres_element elements[] = {
    {POSTGRES_INT4, POSTGRES_INT4_ARRAY, FITS_INT4, sizeof(int32_t), put_int4_at},
    {POSTGRES_UUID, POSTGRES_UUID_ARRAY, FITS_UUID, sizeof(struct base_uuid), put_uuid_at},
    {POSTGRES_TEXT, POSTGRES_TEXT_ARRAY, FITS_TEXT | FITS_BYTES, sizeof(char *), put_text_at},
    {POSTGRES_JSONB, POSTGRES_JSONB_ARRAY, FITS_TEXT | FITS_BYTES, sizeof(char *), put_text_at},
    {POSTGRES_INT8, POSTGRES_INT8_ARRAY, FITS_INT8, sizeof(int64_t), put_int8_at},
    {POSTGRES_BOOL, POSTGRES_BOOL_ARRAY, FITS_BOOL, sizeof(bool), put_bool_at},
    {POSTGRES_TIMESTAMPTZ, POSTGRES_TIMESTAMPTZ_ARRAY, FITS_TIME, sizeof(int64_t), put_time_at},
    {POSTGRES_BYTEA, POSTGRES_BYTEA_ARRAY, FITS_BYTES, 0, NULL},
};

/* What a type is, or is an array of. */
static const struct postgres_element *find_element(enum postgres_type type)
{
    size_t i = 0;
    while (elements[i].type != type && elements[i].array != type) {
        i++;
        assert(i < BASE_COUNT(elements));
    }
    return &elements[i];
}

/* ---- values ---------------------------------------------------------------------------------- */

static void write_int4(char *slot, int32_t value)
{
    uint32_t bytes = htobe32((uint32_t)value);
    memcpy(slot, &bytes, sizeof bytes);
}

static void write_int8(char *slot, int64_t value)
{
    uint64_t bytes = htobe64((uint64_t)value);
    memcpy(slot, &bytes, sizeof bytes);
}

static void make_room(struct postgres_parameters *parameters, size_t n)
{
    if (n <= parameters->n_room)
        return;
    parameters->n_room = n;
    parameters->starts = base_realloc(parameters->starts, n * sizeof *parameters->starts);
    parameters->lengths = base_realloc(parameters->lengths, n * sizeof *parameters->lengths);
    parameters->values = base_realloc(parameters->values, n * sizeof *parameters->values);
    parameters->formats = base_realloc(parameters->formats, n * sizeof *parameters->formats);
}

void postgres_parameters_begin(
    struct postgres_parameters *parameters, const struct postgres_statement *statement)
{
    make_room(parameters, statement->n_parameters);
    parameters->statement = statement;
    parameters->buffer.length = 0;
    parameters->n_begun = 0;
    parameters->element = NULL;
}

void postgres_parameters_finish(struct postgres_parameters *parameters)
{
    base_buffer_finish(&parameters->buffer);
    free(parameters->starts);
    free(parameters->lengths);
    free(parameters->values);
    free(parameters->formats);
}

/* Begins the next parameter with room for n bytes, which are returned. */
static char *begin_parameter(struct postgres_parameters *parameters, size_t n_bytes)
{
    assert(n_bytes <= INT_MAX);
    char *slot = base_buffer_reserve(&parameters->buffer, n_bytes);
    parameters->starts[parameters->n_begun] = parameters->buffer.length;
    parameters->lengths[parameters->n_begun] = (int)n_bytes;
    parameters->buffer.length += n_bytes;
    parameters->n_begun++;
    return slot;
}

static enum postgres_type next_type(const struct postgres_parameters *parameters)
{
    assert(parameters->n_begun < parameters->statement->n_parameters);
    return parameters->statement->types[parameters->n_begun];
}

void postgres_begin_array(struct postgres_parameters *parameters)
{
    postgres_end_array(parameters);
    enum postgres_type type = next_type(parameters);
    const struct postgres_element *element = find_element(type);
    assert(element->array == type);
    begin_parameter(parameters, POSTGRES_ARRAY_HEADER_SIZE);
    parameters->element = element;
    parameters->has_null_elements = false;
    parameters->n_elements = 0;
}

void postgres_end_array(struct postgres_parameters *parameters)
{
    const struct postgres_element *element = parameters->element;
    if (element == NULL)
        return;
    parameters->element = NULL;
    size_t array = parameters->n_begun - 1;
    size_t start = parameters->starts[array];
    char *header = parameters->buffer.bytes + start;
    bool is_empty = parameters->n_elements == 0;
    if (is_empty)
        parameters->buffer.length = start + POSTGRES_EMPTY_ARRAY_SIZE;
    size_t length = parameters->buffer.length - start;
    assert(length <= INT_MAX);
    parameters->lengths[array] = (int)length;
    write_int4(header, is_empty ? 0 : 1);
    write_int4(header + 4, parameters->has_null_elements ? 1 : 0);
    write_int4(header + 8, (int32_t)element->type);
    if (!is_empty) {
        write_int4(header + 12, (int32_t)parameters->n_elements);
        write_int4(header + 16, 1);
    }
}

/* Whether a put of these kinds is an element of the array under way. */
static bool is_element(const struct postgres_parameters *parameters, int kinds)
{
    return parameters->element != NULL && (parameters->element->fits & kinds) != 0;
}

/* Whether the next parameter is a single value that such a put may write. */
static bool fits_next(const struct postgres_parameters *parameters, int kinds)
{
    enum postgres_type type = next_type(parameters);
    const struct postgres_element *element = find_element(type);
    return element->type == type && (element->fits & kinds) != 0;
}

/* Room for a value of n bytes: an element of the array under way, else the next parameter. */
static char *begin_value(struct postgres_parameters *parameters, int kinds, size_t n_bytes)
{
    if (!is_element(parameters, kinds)) {
        postgres_end_array(parameters);
        assert(fits_next(parameters, kinds));
        return begin_parameter(parameters, n_bytes);
    }
    assert(n_bytes <= INT_MAX);
    char *slot = base_buffer_reserve(&parameters->buffer, 4 + n_bytes);
    write_int4(slot, (int32_t)n_bytes);
    parameters->buffer.length += 4 + n_bytes;
    parameters->n_elements++;
    return slot + 4;
}

static void put_null(struct postgres_parameters *parameters, int kinds)
{
    if (is_element(parameters, kinds)) {
        char *slot = base_buffer_reserve(&parameters->buffer, 4);
        write_int4(slot, -1);
        parameters->buffer.length += 4;
        parameters->n_elements++;
        parameters->has_null_elements = true;
        return;
    }
    postgres_end_array(parameters);
    assert(kinds == FITS_ANY || fits_next(parameters, kinds));
    (void)next_type(parameters); /* asserts that there is one; also for an array that is null */
    begin_parameter(parameters, 0);
    parameters->lengths[parameters->n_begun - 1] = -1;
}

void postgres_put_null(struct postgres_parameters *parameters)
{
    put_null(parameters, FITS_ANY);
}

void postgres_put_bool(struct postgres_parameters *parameters, bool value)
{
    *begin_value(parameters, FITS_BOOL, 1) = value ? 1 : 0;
}

void postgres_put_int4(struct postgres_parameters *parameters, int32_t value)
{
    write_int4(begin_value(parameters, FITS_INT4, 4), value);
}

void postgres_put_int8(struct postgres_parameters *parameters, int64_t value)
{
    write_int8(begin_value(parameters, FITS_INT8, 8), value);
}

static void put_bytes(
    struct postgres_parameters *parameters, int kinds, const void *bytes, size_t n_bytes)
{
    enum postgres_type type =
        is_element(parameters, kinds) ? parameters->element->type : next_type(parameters);
    bool is_json = type == POSTGRES_JSONB;
    char *slot = begin_value(parameters, kinds, n_bytes + (is_json ? 1 : 0));
    if (is_json) {
        *slot++ = 1; /* the version of jsonb's binary form: text follows */
    }
    if (n_bytes > 0)
        memcpy(slot, bytes, n_bytes);
}

void postgres_put_text(struct postgres_parameters *parameters, const char *text)
{
    if (text == NULL) {
        put_null(parameters, FITS_TEXT);
        return;
    }
    put_bytes(parameters, FITS_TEXT, text, strlen(text));
}

void postgres_put_bytes(struct postgres_parameters *parameters, const void *bytes, size_t n_bytes)
{
    put_bytes(parameters, FITS_BYTES, bytes, n_bytes);
}

void postgres_put_uuid(struct postgres_parameters *parameters, const struct base_uuid *uuid)
{
    if (uuid == NULL) {
        put_null(parameters, FITS_UUID);
        return;
    }
    memcpy(begin_value(parameters, FITS_UUID, sizeof uuid->bytes), uuid->bytes, sizeof uuid->bytes);
}

void postgres_put_time(struct postgres_parameters *parameters, int64_t unix_us)
{
    bool is_infinite = unix_us == INT64_MIN || unix_us == INT64_MAX;
    int64_t postgres_us = is_infinite ? unix_us : unix_us - POSTGRES_EPOCH_DIFFERENCE_US;
    write_int8(begin_value(parameters, FITS_TIME, 8), postgres_us);
}

void postgres_put_column(
    struct postgres_parameters *parameters, const void *first, size_t size, size_t n, size_t stride)
{
    postgres_begin_array(parameters);
    const struct postgres_element *element = parameters->element;
    assert(size == element->size && element->put_at != NULL);
    (void)size;
    for (size_t i = 0; i < n; i++)
        element->put_at(parameters, (const char *)first + i * stride);
}

void postgres_parameters_complete(struct postgres_parameters *parameters)
{
    postgres_end_array(parameters);
    assert(parameters->n_begun == parameters->statement->n_parameters);
}

bool postgres_parameters_send(const struct postgres_parameters *parameters, PGconn *pg)
{
    for (size_t i = 0; i < parameters->n_begun; i++) {
        /* Without any byte there is no buffer, but an empty value is not null. */
        const char *bytes = parameters->buffer.bytes == NULL ? "" : parameters->buffer.bytes;
        parameters->values[i] = parameters->lengths[i] < 0 ? NULL : bytes + parameters->starts[i];
        parameters->formats[i] = 1;
    }
    return PQsendQueryPrepared(
               pg, parameters->statement->name, (int)parameters->n_begun, parameters->values,
               parameters->lengths, parameters->formats, 1) == 1;
}
