#include "codec_json.h"

/* RFC 7396, section 2: what a patch makes of a value, which it changes in place. Both are objects.
 */
static void merge(json_t *target, json_t *patch)
{
    const char *name;
    json_t *value;
    json_object_foreach(patch, name, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(target, name); /* it may not be there */
            continue;
        }
        if (!json_is_object(value)) {
            (void)json_object_set(target, name, value); /* out of memory: base ends the process */
            continue;
        }
        json_t *member = json_object_get(target, name);
        if (!json_is_object(member)) {
            member = json_object();
            (void)json_object_set_new(target, name, member);
        }
        merge(member, value);
    }
}

bool codec_merge_patch(
    const char *object, const char *patch, const struct codec_merge_limits *limits,
    struct base_arena *arena, const char **merged)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct codec_reader reader = {.arena = arena};
    struct codec_path path = {.root = ""};
    json_auto_t *target = codec_json_load(object == NULL ? "{}" : object);
    json_auto_t *changes = codec_json_load(patch);
    *merged = object;
    if (target == NULL || changes == NULL)
        return false;
    merge(target, changes);
    if (json_object_size(target) > limits->members ||
        !codec_write_canonical(&reader, target, &path, limits->levels, &text) ||
        text.length > limits->bytes)
        return false;
    *merged =
        json_object_size(target) == 0 ? NULL : base_arena_copy_text(arena, base_buffer_text(&text));
    return true;
}
