#include "codec_json.h"

#include <string.h>

/*
 * How the shapes of stored events changed. A stored event is a promise: it is never rewritten, so
 * its data is brought to the newest shape when it is read, one schema_version after the other, on
 * the JSON. Each change has a way back for what came that way, so that it can be proved that
 * nothing was lost.
 *
 * A new shape of an event: its schema_version in CART_EVENTS or CATALOG_EVENTS, a row here, and the
 * reader and writer in events.c, which know only the newest.
 */

/* ---- one change each ------------------------------------------------------------------------- */

/* These return false for data that isn't of the shape that they begin with or, on the way back,
 * that says what the former shape can't. */

static bool give_properties(json_t *item_added)
{
    return json_object_get(item_added, "properties") == NULL &&
           json_object_set_new(item_added, "properties", json_object()) == 0;
}

static bool take_properties(json_t *item_added)
{
    json_t *properties = json_object_get(item_added, "properties");
    return json_is_object(properties) && json_object_size(properties) == 0 &&
           json_object_del(item_added, "properties") == 0;
}

static bool give_guest_token_hash(json_t *created)
{
    return json_object_get(created, "guest_token_hash") == NULL &&
           json_object_set_new(created, "guest_token_hash", json_null()) == 0;
}

static bool take_guest_token_hash(json_t *created)
{
    return json_is_null(json_object_get(created, "guest_token_hash")) &&
           json_object_del(created, "guest_token_hash") == 0;
}

static const struct {
    const char *type;
    int32_t schema_version; /* before; after it is one more */
    bool (*up)(json_t *data);
    bool (*down)(json_t *data);
} changes[] = {
    /* A line may have properties, such as an engraving. */
    /* A cart may be a guest's, who has its token. */
    {"CartCreated", 1, give_guest_token_hash, take_guest_token_hash},
    {"ItemAdded", 1, give_properties, take_properties},
};

/* ---- the chain ------------------------------------------------------------------------------- */

int32_t codec_newest_schema_version(const char *type)
{
    static const struct {
        const char *type;
        int32_t schema_version;
    } newest[] = {
#define SHAPES_ROW(NAME, name, version) {name, version},
        CART_EVENTS(SHAPES_ROW) CATALOG_EVENTS(SHAPES_ROW)
#undef SHAPES_ROW
    };
    for (size_t i = 0; i < BASE_COUNT(newest); i++)
        if (strcmp(newest[i].type, type) == 0)
            return newest[i].schema_version;
    return 0;
}

static size_t find_change(const char *type, int32_t schema_version)
{
    size_t i = 0;
    while (i < BASE_COUNT(changes) &&
           (changes[i].schema_version != schema_version || strcmp(changes[i].type, type) != 0))
        i++;
    return i;
}

bool codec_upcast_members(const char *type, int32_t schema_version, json_t *data)
{
    int32_t newest = codec_newest_schema_version(type);
    if (schema_version < 1 || schema_version > newest)
        return false;
    for (int32_t version = schema_version; version < newest; version++) {
        size_t change = find_change(type, version);
        if (change == BASE_COUNT(changes) || !changes[change].up(data))
            return false;
    }
    return true;
}

static bool downcast_members(const char *type, int32_t schema_version, json_t *data)
{
    for (int32_t version = codec_newest_schema_version(type); version > schema_version; version--) {
        size_t change = find_change(type, version - 1);
        if (change == BASE_COUNT(changes) || !changes[change].down(data))
            return false;
    }
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

#define NO_OBJECT "its data is not an object that can be read"
#define OTHER_SHAPE "its data is not of the shape that its schema_version says"
#define BAD_NUMBER "its data has a number that can't be kept"

static bool write_members(struct base_buffer *out, json_t *data)
{
    struct codec_reader reader = {.arena = NULL};
    struct codec_path path = {.root = ""};
    return codec_write_canonical(&reader, data, &path, CODEC_DEPTH_MAX, out);
}

static bool fail(const char **reason, const char *sentence)
{
    *reason = sentence;
    return false;
}

static bool check_schema_version(const char *type, int32_t schema_version, const char **reason)
{
    int32_t newest = codec_newest_schema_version(type);
    if (newest == 0)
        return fail(reason, "its type is not known");
    if (schema_version < 1 || schema_version > newest)
        return fail(reason, "its schema_version is not known");
    return true;
}

bool codec_upcast_event(
    const char *type, int32_t schema_version, const char *data, struct base_buffer *upcast,
    const char **reason)
{
    if (!check_schema_version(type, schema_version, reason))
        return false;
    json_auto_t *members = codec_json_load(data);
    if (members == NULL)
        return fail(reason, NO_OBJECT);
    if (!codec_upcast_members(type, schema_version, members))
        return fail(reason, OTHER_SHAPE);
    if (!write_members(upcast, members))
        return fail(reason, BAD_NUMBER);
    return true;
}

static bool is_same(const struct base_buffer *left, const struct base_buffer *right)
{
    return left->length == right->length && memcmp(left->bytes, right->bytes, left->length) == 0;
}

/* Brings members of the newest shape back and compares them with the canonical `stored`. */
static bool come_back(
    const char *type, int32_t schema_version, json_t *members, const struct base_buffer *stored,
    const char **reason)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer back = {0};
    if (!downcast_members(type, schema_version, members))
        return fail(reason, "its newest shape can't be brought back to its own");
    if (!write_members(&back, members))
        return fail(reason, BAD_NUMBER);
    return is_same(&back, stored) ||
           fail(reason, "its newest shape, brought back to its own, is something else");
}

bool codec_comes_back(
    const char *type, int32_t schema_version, const char *upcast, const char *data,
    const char **reason)
{
    if (!check_schema_version(type, schema_version, reason))
        return false;
    json_auto_t *members = codec_json_load(upcast);
    json_auto_t *stored_members = codec_json_load(data);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer stored = {0};
    if (members == NULL || stored_members == NULL)
        return fail(reason, NO_OBJECT);
    if (!write_members(&stored, stored_members))
        return fail(reason, BAD_NUMBER);
    return come_back(type, schema_version, members, &stored, reason);
}

/* Writes what is read, in the newest shape. */
static bool write_again(
    const char *type, int32_t schema_version, const char *data, struct base_buffer *again)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct cart_event cart_event;
    if (codec_read_cart_event(type, schema_version, data, &arena, &cart_event)) {
        codec_write_cart_event(again, &cart_event);
        return true;
    }
    struct catalog_event *catalog_event = base_arena_alloc(&arena, sizeof *catalog_event);
    if (!codec_read_catalog_event(type, schema_version, data, &arena, catalog_event))
        return false;
    codec_write_catalog_event(again, catalog_event);
    return true;
}

/* Reading and writing loses nothing. It is read as it is stored: made canonical, 2.0 would be 2,
 * and could be read where it can't be. */
static bool survives(
    const char *type, int32_t schema_version, const char *data, const struct base_buffer *upcast,
    const char **reason)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer canonical = {0};
    if (!write_again(type, schema_version, data, &again))
        return fail(reason, "its data can't be read");
    json_auto_t *members = codec_json_load(base_buffer_text(&again));
    return (members != NULL && write_members(&canonical, members) && is_same(&canonical, upcast)) ||
           fail(reason, "what is read of it, written again, is something else");
}

bool codec_round_trips(
    const char *type, int32_t schema_version, const char *data, const char **reason)
{
    if (!check_schema_version(type, schema_version, reason))
        return false;
    json_auto_t *members = codec_json_load(data);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer stored = {0};
    if (members == NULL)
        return fail(reason, NO_OBJECT);
    if (!write_members(&stored, members))
        return fail(reason, BAD_NUMBER);
    if (schema_version == codec_newest_schema_version(type))
        return survives(type, schema_version, data, &stored, reason);

    BASE_CLEANUP(base_buffer_finish) struct base_buffer upcast = {0};
    if (!codec_upcast_members(type, schema_version, members))
        return fail(reason, OTHER_SHAPE);
    if (!write_members(&upcast, members))
        return fail(reason, BAD_NUMBER);
    return survives(type, schema_version, data, &upcast, reason) &&
           come_back(type, schema_version, members, &stored, reason);
}
