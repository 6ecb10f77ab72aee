#include <string.h>

#include "codec_fields.h"

/* Members that are one of a few names. */

struct name {
    const char *text;
    int value; /* of the enum */
};

static void read_name(
    const struct codec_object *object, const struct codec_field *field, const json_t *value,
    const struct name *names, size_t n_names, const char *must_be, int *target)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < n_names; i++) {
        if (strcmp(text, names[i].text) == 0) {
            *target = names[i].value;
            return;
        }
    }
    codec_complain_of_member(
        object, field->name, "%s must be %s, not %s.", field->name, must_be,
        codec_describe(object->reader, value));
}

void codec_read_status_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    static const struct name statuses[] = {
#define CODEC_ROW(NAME, name) {name, CART_##NAME},
        CART_STATUSES(CODEC_ROW)
#undef CODEC_ROW
    };
    int status = CART_OPEN;
    /* All but the one that a cart has before there is one. */
    read_name(
        object, field, value, statuses + 1, BASE_COUNT(statuses) - 1, "the status of a cart",
        &status);
    *(enum cart_status *)target = (enum cart_status)status;
}

void codec_read_merge_rule_member(
    const struct codec_object *object, const struct codec_field *field, json_t *value, void *target)
{
    static const struct name rules[] = {
#define CODEC_ROW(NAME, name) {name, CART_MERGE_##NAME},
        CART_MERGE_RULES(CODEC_ROW)
#undef CODEC_ROW
    };
    int rule = CART_MERGE_SUM;
    read_name(object, field, value, rules, BASE_COUNT(rules), "sum, max, theirs or ours", &rule);
    *(enum cart_merge_rule *)target = (enum cart_merge_rule)rule;
}
