#include "internal.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <string.h>

/* Types that only results have. */
enum { TYPE_NAME = 19, TYPE_JSON = 114, TYPE_VARCHAR = 1043 };

struct postgres_rows *postgres_rows_take(PGresult *result)
{
    return (struct postgres_rows *)result;
}

static const PGresult *result_of(const struct postgres_rows *rows)
{
    assert(rows != NULL);
    return (const PGresult *)rows;
}

void postgres_rows_free(struct postgres_rows *rows)
{
    PQclear((PGresult *)rows);
}

size_t postgres_rows_count(const struct postgres_rows *rows)
{
    return (size_t)PQntuples(result_of(rows));
}

/* Row and column as libpq wants them. */
static int index_of(size_t number, int count)
{
    assert(number <= INT_MAX && (int)number < count);
    (void)count;
    return (int)number;
}

bool postgres_is_null(const struct postgres_rows *rows, size_t row, size_t column)
{
    const PGresult *result = result_of(rows);
    return PQgetisnull(
               result, index_of(row, PQntuples(result)), index_of(column, PQnfields(result))) == 1;
}

static Oid type_of(const struct postgres_rows *rows, size_t column)
{
    const PGresult *result = result_of(rows);
    return PQftype(result, index_of(column, PQnfields(result)));
}

static const char *value_of(const struct postgres_rows *rows, size_t row, size_t column)
{
    const PGresult *result = result_of(rows);
    return PQgetvalue(
        result, index_of(row, PQntuples(result)), index_of(column, PQnfields(result)));
}

static size_t length_of(const struct postgres_rows *rows, size_t row, size_t column)
{
    const PGresult *result = result_of(rows);
    return (size_t)PQgetlength(
        result, index_of(row, PQntuples(result)), index_of(column, PQnfields(result)));
}

/* The value of a column that must be of this type, this long and not null. */
static const char *fixed_value(
    const struct postgres_rows *rows, size_t row, size_t column, enum postgres_type type,
    size_t n_bytes)
{
    assert(type_of(rows, column) == (Oid)type);
    assert(!postgres_is_null(rows, row, column));
    assert(length_of(rows, row, column) == n_bytes);
    (void)type;
    (void)n_bytes;
    return value_of(rows, row, column);
}

static int32_t read_int4(const char *bytes)
{
    uint32_t number = 0;
    memcpy(&number, bytes, sizeof number);
    return (int32_t)be32toh(number);
}

static int64_t read_int8(const char *bytes)
{
    uint64_t number = 0;
    memcpy(&number, bytes, sizeof number);
    return (int64_t)be64toh(number);
}

bool postgres_get_bool(const struct postgres_rows *rows, size_t row, size_t column)
{
    return *fixed_value(rows, row, column, POSTGRES_BOOL, 1) != 0;
}

int32_t postgres_get_int4(const struct postgres_rows *rows, size_t row, size_t column)
{
    return read_int4(fixed_value(rows, row, column, POSTGRES_INT4, 4));
}

int64_t postgres_get_int8(const struct postgres_rows *rows, size_t row, size_t column)
{
    return read_int8(fixed_value(rows, row, column, POSTGRES_INT8, 8));
}

int64_t postgres_get_time(const struct postgres_rows *rows, size_t row, size_t column)
{
    int64_t postgres_us = read_int8(fixed_value(rows, row, column, POSTGRES_TIMESTAMPTZ, 8));
    bool is_infinite = postgres_us == INT64_MIN || postgres_us == INT64_MAX;
    return is_infinite ? postgres_us : postgres_us + POSTGRES_EPOCH_DIFFERENCE_US;
}

struct base_uuid postgres_get_uuid(const struct postgres_rows *rows, size_t row, size_t column)
{
    struct base_uuid uuid;
    const char *bytes = fixed_value(rows, row, column, POSTGRES_UUID, sizeof uuid.bytes);
    memcpy(uuid.bytes, bytes, sizeof uuid.bytes);
    return uuid;
}

static bool is_text(Oid type)
{
    return type == POSTGRES_TEXT || type == POSTGRES_JSONB || type == TYPE_JSON ||
           type == TYPE_NAME || type == TYPE_VARCHAR;
}

/* jsonb in binary is a version byte and then its text. */
static size_t prefix_length(const struct postgres_rows *rows, size_t column)
{
    return type_of(rows, column) == POSTGRES_JSONB ? 1 : 0;
}

const char *postgres_get_text(const struct postgres_rows *rows, size_t row, size_t column)
{
    assert(is_text(type_of(rows, column)));
    if (postgres_is_null(rows, row, column))
        return NULL;
    return value_of(rows, row, column) + prefix_length(rows, column);
}

size_t postgres_get_length(const struct postgres_rows *rows, size_t row, size_t column)
{
    if (postgres_is_null(rows, row, column))
        return 0;
    return length_of(rows, row, column) - prefix_length(rows, column);
}

const uint8_t *postgres_get_bytes(const struct postgres_rows *rows, size_t row, size_t column)
{
    assert(type_of(rows, column) == POSTGRES_BYTEA || is_text(type_of(rows, column)));
    if (postgres_is_null(rows, row, column))
        return NULL;
    return (const uint8_t *)value_of(rows, row, column) + prefix_length(rows, column);
}

/* ---- bool[] ---------------------------------------------------------------------------------- */

#define BOOL_ELEMENT_SIZE 5

static const char *bools_of(const struct postgres_rows *rows, size_t row, size_t column)
{
    assert(type_of(rows, column) == POSTGRES_BOOL_ARRAY);
    assert(!postgres_is_null(rows, row, column));
    return value_of(rows, row, column);
}

size_t postgres_get_bools_count(const struct postgres_rows *rows, size_t row, size_t column)
{
    const char *array = bools_of(rows, row, column);
    int32_t n_dimensions = read_int4(array);
    assert(n_dimensions == 0 || n_dimensions == 1);
    return n_dimensions == 0 ? 0 : (size_t)read_int4(array + 12);
}

bool postgres_get_bools_at(const struct postgres_rows *rows, size_t row, size_t column, size_t i)
{
    const char *array = bools_of(rows, row, column);
    assert(i < postgres_get_bools_count(rows, row, column));
    const char *element = array + POSTGRES_ARRAY_HEADER_SIZE;
    bool has_nulls = read_int4(array + 4) != 0;
    if (!has_nulls)
        return element[i * BOOL_ELEMENT_SIZE + 4] != 0;
    for (; i > 0; i--)
        element += read_int4(element) < 0 ? 4 : BOOL_ELEMENT_SIZE;
    return read_int4(element) > 0 && element[4] != 0;
}

/* ---- int4[] ---------------------------------------------------------------------------------- */

#define INT4_ELEMENT_SIZE 8

int32_t postgres_get_int4s_at(const struct postgres_rows *rows, size_t row, size_t column, size_t i)
{
    assert(type_of(rows, column) == POSTGRES_INT4_ARRAY);
    assert(!postgres_is_null(rows, row, column));
    const char *array = value_of(rows, row, column);
    assert(read_int4(array) == 1 && read_int4(array + 4) == 0 && i < (size_t)read_int4(array + 12));
    return read_int4(array + POSTGRES_ARRAY_HEADER_SIZE + i * INT4_ELEMENT_SIZE + 4);
}
