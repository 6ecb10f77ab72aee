#include "codec_fields.h"

/* How much of a product a line may hold, and what a quantity counts. */

_Static_assert(
    CATALOG_QUANTITY_MAX == CART_QUANTITY_MAX && CATALOG_SCALE_MAX == CART_SCALE_MAX,
    "a line holds what a product may allow");

#define FIELD(name, kind, member) CODEC_FIELD(name, kind, struct catalog_quantity, member)
#define LIMITS .least = 1, .most = CATALOG_QUANTITY_MAX

/* As it is stored: all of it, once it is not the default. */
const struct codec_field codec_quantity_fields[] = {
    {FIELD("minimum", INTEGER, minimum), LIMITS},
    {FIELD("maximum", INTEGER, maximum), LIMITS},
    {FIELD("multiple_of", INTEGER, multiple_of), LIMITS},
    {FIELD("unit", TEXT, unit), .is_nullable = true},
    {FIELD("scale", INTEGER, scale), .most = CATALOG_SCALE_MAX},
    {.name = NULL},
};

/* As a client says it; what it leaves out is as catalog_default_quantity says. */
static const struct codec_field given_fields[] = {
    {FIELD("minimum", INTEGER, minimum), LIMITS, .is_optional = true, .otherwise = 1},
    {FIELD("maximum", INTEGER, maximum), LIMITS, .is_optional = true,
     .otherwise = CATALOG_QUANTITY_DEFAULT_MAX},
    {FIELD("multiple_of", INTEGER, multiple_of), LIMITS, .is_optional = true, .otherwise = 1},
    {FIELD("unit", TEXT, unit), .is_optional = true, .is_nullable = true, .most = CATALOG_UNIT_MAX},
    {FIELD("scale", INTEGER, scale), .is_optional = true, .most = CATALOG_SCALE_MAX},
    {.name = NULL},
};

#undef LIMITS
#undef FIELD

static void check_limits(const struct codec_object *object, const struct catalog_quantity *quantity)
{
    if (quantity->maximum < quantity->minimum)
        codec_complain(
            object->reader, &object->path,
            "maximum must be at least minimum, but %d is less than %d (it is %d where it is left "
            "out).",
            (int)quantity->maximum, (int)quantity->minimum, CATALOG_QUANTITY_DEFAULT_MAX);
    else if (!catalog_quantity_is_possible(quantity))
        codec_complain(
            object->reader, &object->path,
            "No quantity would be allowed: none from %d to %d is a multiple of %d.",
            (int)quantity->minimum, (int)quantity->maximum, (int)quantity->multiple_of);
}

static void read_given(struct codec_object *object, struct catalog_quantity *quantity)
{
    codec_read_fields(object, given_fields, quantity);
    codec_refuse_other_members(object, given_fields);
    if (!object->reader->is_refused)
        check_limits(object, quantity);
    if (catalog_quantity_is_same(quantity, &catalog_default_quantity))
        *quantity = (struct catalog_quantity){.maximum = 0};
}

static void read_stored(struct codec_object *object, struct catalog_quantity *quantity)
{
    codec_read_fields(object, codec_quantity_fields, quantity);
    codec_refuse_other_members(object, codec_quantity_fields);
}

void codec_read_quantity_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    struct codec_path path = {.parent = &object->path, .name = field->name};
    struct codec_object quantity;
    if (!codec_open_object(object->reader, value, path, &quantity))
        return;
    if (object->reader->is_of_client)
        read_given(&quantity, target);
    else
        read_stored(&quantity, target);
}

bool codec_read_quantity(
    const char *json, struct base_arena *arena, struct catalog_quantity *quantity)
{
    struct codec_reader reader = {.arena = arena};
    struct catalog_quantity read = {.maximum = 0};
    json_auto_t *members = json == NULL ? NULL : codec_json_load(json);
    struct codec_object object = {.reader = &reader, .members = members, .path = {.root = ""}};
    if (members != NULL)
        read_stored(&object, &read);
    if (reader.is_refused || (members == NULL && json != NULL))
        return false;
    *quantity = read;
    return true;
}
