#include <math.h>

#include "codec_fields.h"

/* 2.0 and 2e0 are the integer 2 in JSON Schema, and to clients that have only one kind of number;
 * cartd itself never writes them so. */
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

void codec_set_integer(const struct codec_field *field, int64_t number, void *target)
{
    if (field->size == sizeof(int32_t))
        *(int32_t *)target = (int32_t)number;
    else
        *(int64_t *)target = number;
}

void codec_read_integer(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    json_int_t given;
    if (is_whole(object->reader, value, &given) && given >= field->least && given <= field->most)
        codec_set_integer(field, given, target);
    else
        codec_complain_of_member(
            object, field->name, "%s must be an integer from %lld to %lld, not %s.", field->name,
            (long long)field->least, (long long)field->most, codec_describe(object->reader, value));
}
