#include "codec_fields.h"

#include <string.h>

/* Members that nobody knows. */

static bool is_known(const struct codec_field *fields, const char *name)
{
    for (; fields->name != NULL; fields++)
        if (strcmp(fields->name, name) == 0)
            return true;
    return false;
}

static void complain_of_unknown(
    const struct codec_object *object, const struct codec_field *fields, const char *name)
{
    if (fields->name == NULL) {
        codec_complain_of_member(object, name, "The object must be empty here.");
        return;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer known = {0};
    for (const struct codec_field *field = fields; field->name != NULL; field++)
        base_buffer_printf(&known, "%s%s", field == fields ? "" : ", ", field->name);
    codec_complain_of_member(
        object, name, "This member is unknown; the known ones are: %s.", base_buffer_text(&known));
}

void codec_refuse_other_members(const struct codec_object *object, const struct codec_field *fields)
{
    const struct codec_complaints *complaints = object->reader->complaints;
    if (object->n_read == json_object_size(object->members))
        return;
    object->reader->is_refused = true;
    const char *name;
    json_t *value;
    json_object_foreach(object->members, name, value)
    {
        if (complaints == NULL || complaints->n == CODEC_COMPLAINTS_MAX)
            return;
        if (!is_known(fields, name))
            complain_of_unknown(object, fields, name);
    }
}
