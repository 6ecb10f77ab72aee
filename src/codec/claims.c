#include "codec_json.h"

#include <string.h>

/* Beyond the year 9999 and before 1970 nothing is a time of a token. */
#define TIME_MOST_S 253402300799.0

/* The claim is absent, or a text. */
static bool read_text(
    const json_t *claims, const char *name, struct base_arena *arena, const char **text)
{
    const json_t *value = json_object_get(claims, name);
    if (value == NULL)
        return true;
    if (!json_is_string(value))
        return false;
    *text = base_arena_copy_text(arena, json_string_value(value));
    return true;
}

bool codec_read_token_header(
    const char *json, struct base_arena *arena, struct codec_token_header *header)
{
    json_auto_t *members = codec_json_load(json);
    struct codec_token_header read = {0};
    if (members == NULL || json_object_get(members, "crit") != NULL ||
        !read_text(members, "alg", arena, &read.algorithm) || read.algorithm == NULL ||
        !read_text(members, "typ", arena, &read.type))
        return false;
    *header = read;
    return true;
}

/* A NumericDate may have a fraction (RFC 7519, section 2). */
static bool read_time(const json_t *claims, const char *name, bool *is_there, int64_t *time_s)
{
    const json_t *value = json_object_get(claims, name);
    *is_there = value != NULL;
    if (value == NULL)
        return true;
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= TIME_MOST_S))
        return false;
    *time_s = (int64_t)number; /* the fraction is cut off */
    return true;
}

static bool is_audience(const json_t *value, const char *audience)
{
    const char *text = json_string_value(value);
    return text != NULL && strcmp(text, audience) == 0;
}

static bool read_audience(const json_t *claims, const char *audience, bool *names_audience)
{
    const json_t *value = json_object_get(claims, "aud");
    *names_audience = is_audience(value, audience);
    if (!json_is_array(value))
        return value == NULL || json_is_string(value);
    size_t index;
    const json_t *element;
    json_array_foreach(value, index, element)
    {
        if (!json_is_string(element))
            return false;
        *names_audience = *names_audience || is_audience(element, audience);
    }
    return true;
}

bool codec_read_claims(
    const char *json, const char *audience, struct base_arena *arena, struct codec_claims *claims)
{
    json_auto_t *members = codec_json_load(json);
    struct codec_claims read = {.not_before_s = INT64_MIN};
    bool has_not_before = false;
    if (members == NULL || !read_text(members, "iss", arena, &read.issuer) ||
        !read_text(members, "sub", arena, &read.subject) ||
        !read_text(members, "scope", arena, &read.scope) ||
        !read_audience(members, audience, &read.names_audience) ||
        !read_time(members, "exp", &read.has_expiry, &read.expires_at_s) ||
        !read_time(members, "nbf", &has_not_before, &read.not_before_s))
        return false;
    *claims = read;
    return true;
}
