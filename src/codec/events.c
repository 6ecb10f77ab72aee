#include <string.h>

#include "codec_fields.h"

/* ---- names ----------------------------------------------------------------------------------- */

const char *codec_cart_event_name(enum cart_event_type type)
{
    return codec_cart_shapes[type].type;
}

int32_t codec_cart_event_schema_version(enum cart_event_type type)
{
    return codec_cart_shapes[type].schema_version;
}

const char *codec_catalog_event_name(enum catalog_event_type type)
{
    return codec_catalog_shapes[type].type;
}

int32_t codec_catalog_event_schema_version(enum catalog_event_type type)
{
    return codec_catalog_shapes[type].schema_version;
}

const char *codec_coupon_event_name(enum coupon_event_type type)
{
    return codec_coupon_shapes[type].type;
}

int32_t codec_coupon_event_schema_version(enum coupon_event_type type)
{
    return codec_coupon_shapes[type].schema_version;
}

const char *codec_customer_event_name(enum customer_event_type type)
{
    return codec_customer_shapes[type].type;
}

int32_t codec_customer_event_schema_version(enum customer_event_type type)
{
    return codec_customer_shapes[type].schema_version;
}

bool codec_is_event_name(const char *name)
{
    return codec_find_shape(name) != NULL;
}

int32_t codec_newest_schema_version(const char *type)
{
    const struct codec_shape *shape = codec_find_shape(type);
    return shape == NULL ? 0 : shape->schema_version;
}

/* ---- written and read ------------------------------------------------------------------------ */

void codec_write_cart_event(struct base_buffer *out, const struct cart_event *event)
{
    codec_write_fields(out, codec_cart_shapes[event->type].fields, event);
}

void codec_write_catalog_event(struct base_buffer *out, const struct catalog_event *event)
{
    codec_write_fields(out, codec_catalog_shapes[event->type].fields, event);
}

void codec_write_coupon_event(struct base_buffer *out, const struct coupon_event *event)
{
    codec_write_fields(out, codec_coupon_shapes[event->type].fields, event);
}

const char *codec_write_coupon_member(
    struct base_buffer *out, const struct coupon_definition *definition, size_t i)
{
    const struct codec_field *fields = codec_coupon_shapes[COUPON_EVENT_DEFINED].fields;
    const struct coupon_event event = {.type = COUPON_EVENT_DEFINED, .defined = *definition};
    const struct codec_field alone[] = {fields[i], {.name = NULL}};
    if (fields[i].name != NULL)
        codec_write_fields(out, alone, &event);
    return fields[i].name;
}

void codec_write_customer_event(struct base_buffer *out, const struct customer_event *event)
{
    codec_write_fields(out, codec_customer_shapes[event->type].fields, event);
}

/* Data of any schema_version; what came later stays as it is in `event`. */
static bool read_members(
    struct codec_reader *reader, const struct codec_shape *shape, int32_t schema_version,
    json_t *members, void *event)
{
    struct codec_object data = {
        .reader = reader,
        .members = members,
        .path = {.root = ""},
        .schema_version = schema_version,
    };
    if (!json_is_object(members) || schema_version < 1 || schema_version > shape->schema_version)
        return false;
    codec_read_fields(&data, shape->fields, event);
    codec_refuse_other_members(&data, shape->fields);
    return !reader->is_refused;
}

static bool read_event(
    const struct codec_shape *shape, int32_t schema_version, const char *data,
    struct base_arena *arena, void *event)
{
    struct codec_reader reader = {.arena = arena};
    json_auto_t *members = codec_json_load(data);
    return read_members(&reader, shape, schema_version, members, event);
}

bool codec_read_cart_event_members(
    struct codec_reader *reader, enum cart_event_type type, json_t *members,
    struct cart_event *event)
{
    const struct codec_shape *shape = &codec_cart_shapes[type];
    *event = (struct cart_event){.type = type};
    return read_members(reader, shape, shape->schema_version, members, event);
}

bool codec_read_cart_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct cart_event *event)
{
    const struct codec_shape *shape = codec_find_cart_shape(type);
    if (shape == NULL)
        return false;
    struct cart_event read = {.type = (enum cart_event_type)(shape - codec_cart_shapes)};
    if (!read_event(shape, schema_version, data, arena, &read))
        return false;
    *event = read;
    return true;
}

bool codec_read_catalog_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct catalog_event *event)
{
    const struct codec_shape *shape = codec_find_catalog_shape(type);
    if (shape == NULL)
        return false;
    struct catalog_event read = {.type = (enum catalog_event_type)(shape - codec_catalog_shapes)};
    if (!read_event(shape, schema_version, data, arena, &read))
        return false;
    *event = read;
    return true;
}

bool codec_read_coupon_event_members(
    struct codec_reader *reader, enum coupon_event_type type, json_t *members,
    struct coupon_event *event)
{
    const struct codec_shape *shape = &codec_coupon_shapes[type];
    *event = (struct coupon_event){.type = type};
    return read_members(reader, shape, shape->schema_version, members, event);
}

bool codec_read_coupon_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct coupon_event *event)
{
    const struct codec_shape *shape = codec_find_coupon_shape(type);
    if (shape == NULL)
        return false;
    struct coupon_event read = {.type = (enum coupon_event_type)(shape - codec_coupon_shapes)};
    if (!read_event(shape, schema_version, data, arena, &read))
        return false;
    *event = read;
    return true;
}

bool codec_read_customer_event(
    const char *type, int32_t schema_version, const char *data, struct base_arena *arena,
    struct customer_event *event)
{
    const struct codec_shape *shape = codec_find_customer_shape(type);
    if (shape == NULL)
        return false;
    struct customer_event read = {
        .type = (enum customer_event_type)(shape - codec_customer_shapes)};
    if (!read_event(shape, schema_version, data, arena, &read))
        return false;
    *event = read;
    return true;
}

/* ---- from one schema_version to another ------------------------------------------------------ */

/* On the JSON: what is read needs none of it, but a copy of the log in the newest shapes does, and
 * whoever proves that nothing is lost. */

/* What a member says of an event of before it; NULL: it is left out. */
static json_t *make_former_value(const struct codec_field *field)
{
    if (field->is_optional)
        return NULL;
    return field->is_nullable ? json_null() : json_object();
}

/* False: the data has already what came later. */
static bool upcast(const struct codec_shape *shape, int32_t schema_version, json_t *data)
{
    for (const struct codec_field *field = shape->fields; field->name != NULL; field++) {
        if (field->since <= schema_version)
            continue;
        json_auto_t *former = make_former_value(field);
        if (json_object_get(data, field->name) != NULL ||
            (former != NULL && json_object_set(data, field->name, former) != 0))
            return false;
    }
    return true;
}

/* False: the data says what the former shape can't. */
static bool downcast(const struct codec_shape *shape, int32_t schema_version, json_t *data)
{
    for (const struct codec_field *field = shape->fields; field->name != NULL; field++) {
        if (field->since <= schema_version)
            continue;
        json_auto_t *former = make_former_value(field);
        json_t *value = json_object_get(data, field->name);
        if (former == NULL && value == NULL)
            continue;
        if (json_equal(value, former) != 1 || json_object_del(data, field->name) != 0)
            return false;
    }
    return true;
}

/* NULL, with a reason: there is no such shape. */
static const struct codec_shape *find_shape(
    const char *type, int32_t schema_version, const char **reason)
{
    const struct codec_shape *shape = codec_find_shape(type);
    if (shape != NULL && schema_version >= 1 && schema_version <= shape->schema_version)
        return shape;
    *reason = shape == NULL ? "its type is unknown" : "its schema_version is unknown";
    return NULL;
}

static bool fail(const char **reason, const char *sentence)
{
    *reason = sentence;
    return false;
}

/* Appends the data as canonical JSON, after upcast() or downcast(); NULL: as it is. */
static bool convert(
    bool (*change)(const struct codec_shape *shape, int32_t schema_version, json_t *data),
    const struct codec_shape *shape, int32_t schema_version, const char *data,
    struct base_buffer *out, const char **reason)
{
    struct codec_reader reader = {.arena = NULL};
    struct codec_path path = {.root = ""};
    json_auto_t *members = codec_json_load(data);
    if (members == NULL)
        return fail(reason, "its data is not a readable object");
    if (change != NULL && !change(shape, schema_version, members))
        return fail(
            reason, change == upcast ? "its data does not have the shape of its schema_version"
                                     : "its newest shape can't be converted back to its own");
    return codec_write_canonical(&reader, members, &path, CODEC_DEPTH_MAX, out) ||
           fail(reason, "its data has a number that can't be stored exactly");
}

bool codec_upcast_event(
    const char *type, int32_t schema_version, const char *data, struct base_buffer *newest,
    const char **reason)
{
    const struct codec_shape *shape = find_shape(type, schema_version, reason);
    return shape != NULL && convert(upcast, shape, schema_version, data, newest, reason);
}

static bool is_same(const struct base_buffer *left, const struct base_buffer *right)
{
    return left->length == right->length && memcmp(left->bytes, right->bytes, left->length) == 0;
}

bool codec_is_upcast_of(
    const char *type, int32_t schema_version, const char *newest, const char *data,
    const char **reason)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer stored = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer back = {0};
    const struct codec_shape *shape = find_shape(type, schema_version, reason);
    if (shape == NULL || !convert(NULL, shape, schema_version, data, &stored, reason) ||
        !convert(downcast, shape, schema_version, newest, &back, reason))
        return false;
    return is_same(&back, &stored) ||
           fail(reason, "its newest shape, converted back to its own, differs from it");
}

/* Reads it and writes it again, in the newest shape. */
static bool write_again(
    const struct codec_shape *shape, int32_t schema_version, const char *data,
    struct base_buffer *again)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    /* Room for an event of any kind, too large for the stack. */
    void *event = base_arena_alloc(
        &arena, sizeof(struct cart_event) + sizeof(struct catalog_event) +
                    sizeof(struct customer_event) + sizeof(struct coupon_event));
    if (!read_event(shape, schema_version, data, &arena, event))
        return false;
    codec_write_fields(again, shape->fields, event);
    return true;
}

bool codec_round_trips(
    const char *type, int32_t schema_version, const char *data, const char **reason)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer newest = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer canonical = {0};
    const struct codec_shape *shape = find_shape(type, schema_version, reason);
    if (shape == NULL || !convert(upcast, shape, schema_version, data, &newest, reason))
        return false;
    /* As it is stored: made canonical, 2.0 would be 2, and could be read where it can't be. */
    if (!write_again(shape, schema_version, data, &again))
        return fail(reason, "its data can't be read");
    return convert(NULL, shape, schema_version, base_buffer_text(&again), &canonical, reason) &&
           (is_same(&canonical, &newest) ||
            fail(reason, "it differs when it is read and written again"));
}
