#include "target.h"

#include <ctype.h>
#include <microhttpd.h>
#include <string.h>
#include <strings.h>

static const char *const parameter_names[] = {
#define HTTP_ROW(NAME, name) name,
    HTTP_PARAMETERS(HTTP_ROW)
#undef HTTP_ROW
};

const char *http_parameter_name(enum http_parameter parameter)
{
    return parameter_names[parameter];
}

/* What nearly all of a path is made of, looked at first. */
static bool is_usual(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '-' && byte <= '9');
}

const char *http_find_authority(const char *raw, size_t *length)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < BASE_COUNT(schemes); i++) {
        size_t scheme_length = strlen(schemes[i]);
        if (strncasecmp(raw, schemes[i], scheme_length) == 0) {
            *length = strcspn(raw + scheme_length, "/?");
            return raw + scheme_length;
        }
    }
    return NULL;
}

/* What follows the authority, if there is one: it may be empty or only a query. */
static const char *skip_authority(const char *raw)
{
    size_t length;
    const char *authority = http_find_authority(raw, &length);
    return authority == NULL ? raw : authority + length;
}

/* What may have slashes of its own: the segment behind one of these words. The words of a path are
 * compared as they came. */
static bool may_have_slashes(const char *path, const char *place)
{
    static const char *const words[] = {"/products/", "/customers/"};
    for (size_t i = 0; i < BASE_COUNT(words); i++) {
        size_t length = strlen(words[i]);
        if (strncmp(path, words[i], length) == 0 && place >= path + length &&
            memchr(path + length, '/', (size_t)(place - path) - length) == NULL)
            return true;
    }
    return false;
}

const char *http_target_complaint(const char *raw)
{
    const char *path = skip_authority(raw);
    if (path == raw && raw[0] != '/')
        return "The target of the request must be a path that begins with a slash, or a whole URL "
               "of http or https.";
    bool in_path = true;
    for (const char *place = path; *place != '\0'; place++) {
        unsigned char byte = (unsigned char)*place;
        if (is_usual(byte))
            continue;
        if (byte <= 0x20 || byte >= 0x7f)
            return "The path or query has a character that must be percent-encoded.";
        if (byte == '#' || byte == '"' || byte == '<' || byte == '>' || byte == '\\')
            return "The path or query has a character that is not allowed there.";
        if (byte == '?')
            in_path = false;
        if (byte != '%')
            continue;
        if (!isxdigit((unsigned char)place[1]) || !isxdigit((unsigned char)place[2]))
            return "The path or query has a percent sign without two hexadecimal digits.";
        if (strncmp(place, "%00", 3) == 0)
            return "The path or query has an encoded NUL (%00).";
        if (strncasecmp(place, "%2F", 3) == 0 && in_path && !may_have_slashes(path, place))
            return "The path has an encoded slash (%2F).";
    }
    return NULL;
}

/* Undoes the escapes of `length` bytes. Escapes are complete: the target had no complaints. */
static char *decode(struct base_arena *arena, const char *text, size_t length, bool plus_is_space)
{
    char *decoded = base_arena_copy(arena, text, length);
    for (char *plus = decoded; plus_is_space && (plus = strchr(plus, '+')) != NULL;)
        *plus = ' ';
    (void)MHD_http_unescape(decoded); /* the length is not needed */
    return decoded;
}

void http_split_target(const char *raw, struct base_arena *arena, struct http_target *target)
{
    const char *origin_form = skip_authority(raw);
    size_t path_length = (size_t)(strchrnul(origin_form, '?') - origin_form);
    const char *question = origin_form[path_length] == '?' ? origin_form + path_length + 1 : NULL;
    *target = (struct http_target){
        .path = path_length == 0 ? "/" : base_arena_copy(arena, origin_form, path_length),
        .query = question == NULL ? NULL : base_arena_copy_text(arena, question),
    };

    const char *place = target->path;
    while (*place == '/') {
        place++;
        size_t length = (size_t)(strchrnul(place, '/') - place);
        if (target->n_segments < HTTP_SEGMENTS_MAX) {
            target->segments[target->n_segments] = decode(arena, place, length, false);
            target->raw[target->n_segments] = place;
            target->raw_lengths[target->n_segments] = length;
        }
        if (target->n_segments <= HTTP_SEGMENTS_MAX)
            target->n_segments++;
        place += length;
    }
}

static bool find_parameter(const char *name, enum http_parameter *parameter)
{
    for (size_t i = 0; i < HTTP_N_PARAMETERS; i++) {
        if (strcmp(parameter_names[i], name) == 0) {
            *parameter = (enum http_parameter)i;
            return true;
        }
    }
    return false;
}

/* Parameters that analytics, advertising and caches add to any address on its way to a client, and
 * that mean nothing to whom they reach. */
static bool means_nothing(const char *name)
{
    static const char *const names[] = {
        "_",      "_ga",    "_gl",    "dclid",  "fbclid",  "gad_source",
        "gbraid", "gclid",  "gclsrc", "igshid", "msclkid", "mc_cid",
        "mc_eid", "ttclid", "twclid", "wbraid", "yclid",
    };
    if (strncmp(name, "utm_", 4) == 0)
        return true;
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static const char *unknown_complaint(const char *name, unsigned allowed, struct base_arena *arena)
{
    const char *known = "";
    for (size_t i = 0; i < HTTP_N_PARAMETERS; i++) {
        if ((allowed & 1U << i) != 0)
            known = base_arena_printf(
                arena, "%s%s%s", known, *known == '\0' ? "; it has " : ", ", parameter_names[i]);
    }
    return base_arena_printf(
        arena, "This operation has no query parameter \"%.64s\"%s.", name, known);
}

const char *http_read_parameters(
    const char *query, unsigned allowed, struct base_arena *arena,
    const char *values[static HTTP_N_PARAMETERS])
{
    if (query == NULL)
        return NULL;
    int n_listed = 0;
    for (const char *place = query; *place != '\0';) {
        size_t length = strcspn(place, "&");
        size_t name_length = strcspn(place, "&=");
        const char *name = decode(arena, place, name_length, true);
        const char *value = "";
        if (name_length < length)
            value = decode(arena, place + name_length + 1, length - name_length - 1, true);
        bool is_empty = length == 0; /* as in "a=1&&b=2" */
        place += length;
        if (*place == '&')
            place++;
        if (is_empty || means_nothing(name))
            continue;

        enum http_parameter parameter;
        if (!find_parameter(name, &parameter) || (allowed & 1U << parameter) == 0)
            return unknown_complaint(name, allowed, arena);
        bool is_list = (HTTP_LISTS & 1U << parameter) != 0;
        if (values[parameter] != NULL && !is_list)
            return base_arena_printf(
                arena, "The query parameter \"%s\" appears twice; give it once.", name);
        if (is_list && ++n_listed > HTTP_LISTED_MAX)
            return base_arena_printf(
                arena, "The query parameter \"%s\" appears more than %d times.", name,
                HTTP_LISTED_MAX);
        if (base_utf8_length(value, strlen(value)) < 0)
            return base_arena_printf(arena, "The query parameter \"%s\" is not UTF-8.", name);
        values[parameter] = values[parameter] == NULL
                                ? value
                                : base_arena_printf(arena, "%s,%s", values[parameter], value);
    }
    return NULL;
}

void http_append_encoded(struct base_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (isalnum(byte) || strchr("-._~", byte) != NULL)
            base_buffer_append_char(out, *text);
        else
            base_buffer_printf(out, "%%%02X", (unsigned)byte);
    }
}
