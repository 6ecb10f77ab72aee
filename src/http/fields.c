#include "fields.h"

#include <string.h>
#include <strings.h>

#include "http.h"

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* The end of a token (RFC 9110, section 5.6.2) or of a quoted string that begins at `at`;
 * `at` itself when there is neither. */
static const char *skip_word(const char *at)
{
    if (*at != '"')
        return at + strcspn(at, " \t,;=\"");
    for (const char *end = at + 1; *end != '\0'; end++) {
        if (*end == '"')
            return end + 1;
        if (*end == '\\' && end[1] != '\0')
            end++;
    }
    return at;
}

static bool is_same_word(const char *word, size_t length, const char *expected)
{
    return strlen(expected) == length && strncasecmp(word, expected, length) == 0;
}

/* ---- entity tags ----------------------------------------------------------------------------- */

/* etagc of RFC 9110, section 8.8.3: no spaces, quotes or control characters. */
static const char *skip_etag_characters(const char *at)
{
    while ((unsigned char)*at > 0x20 && *at != '"' && *at != 0x7f)
        at++;
    return at;
}

/* The version that an opaque tag names, 0 when it is none of ours. */
static int32_t read_version(const char *tag, size_t length)
{
    char digits[12] = "";
    int64_t version;
    if (length >= sizeof(digits) || tag[0] == '0')
        return 0;
    memcpy(digits, tag, length);
    return base_parse_int(digits, 1, INT32_MAX, &version) ? (int32_t)version : 0;
}

bool http_read_etags(const char *value, enum http_comparison comparison, struct http_etags *etags)
{
    struct http_etags read = {.is_any = strcmp(value, "*") == 0};
    bool has_tag = read.is_any;
    const char *at = read.is_any ? value + 1 : value;
    while (*at != '\0') {
        at = skip_space(at);
        if (*at == ',' || *at == '\0') {
            /* An empty element counts as none (RFC 9110, section 5.6.1.2). */
            at += *at == ',';
            continue;
        }
        const char *begin = at;
        bool is_weak = strncmp(at, "W/", 2) == 0;
        if (is_weak)
            at += 2;
        if (*at != '"')
            return false;
        const char *tag = at + 1;
        at = skip_etag_characters(tag);
        if (*at != '"')
            return false;
        int32_t version = read_version(tag, (size_t)(at - tag));
        has_tag = true;
        if (version > 0 && !(is_weak && comparison == HTTP_STRONG)) {
            if (read.n == SERVICE_VERSIONS_MAX)
                return false;
            read.versions[read.n++] = version;
        } else if (read.unmatched == NULL) {
            read.unmatched = begin;
            read.unmatched_length = (size_t)(at + 1 - begin);
        }
        at = skip_space(at + 1);
        if (*at != ',' && *at != '\0')
            return false;
    }
    if (has_tag)
        *etags = read;
    return has_tag;
}

bool http_etags_match(const struct http_etags *etags, int32_t version)
{
    for (size_t i = 0; i < etags->n; i++)
        if (etags->versions[i] == version)
            return true;
    return etags->is_any;
}

bool http_has_etag(const char *value, const char *etag)
{
    bool is_weak = strncmp(etag, "W/", 2) == 0;
    return strcmp(value, "*") == 0 || strstr(value, etag + 2 * is_weak) != NULL;
}

/* ---- keys and preferences -------------------------------------------------------------------- */

/* Undoes the quotes. NULL: what begins with a quote is not one whole string. */
static const char *unquote(const char *value, struct base_arena *arena)
{
    char *key = base_arena_alloc(arena, strlen(value));
    char *end = key;
    for (const char *at = value + 1; *at != '\0'; at++) {
        if (*at == '"')
            return at[1] == '\0' ? key : NULL;
        if (*at == '\\') {
            at++;
            if (*at != '"' && *at != '\\')
                return NULL;
        }
        *end++ = *at;
    }
    return NULL;
}

const char *http_read_idempotency_key(const char *value, struct base_arena *arena)
{
    const char *key = value[0] == '"' ? unquote(value, arena) : value;
    if (key == NULL)
        return NULL;
    size_t length = 0;
    for (; key[length] != '\0'; length++)
        if (key[length] < 0x20 || key[length] > 0x7e || length == HTTP_KEY_MAX)
            return NULL;
    return length > 0 ? key : NULL;
}

bool http_prefers_minimal(const char *value)
{
    const char *at = value;
    while (*at != '\0') {
        at = skip_space(at);
        const char *name = at;
        at = skip_word(at);
        bool is_return = is_same_word(name, (size_t)(at - name), "return");
        at = skip_space(at);
        if (is_return) {
            if (*at != '=')
                return false;
            const char *word = skip_space(at + 1);
            size_t length = (size_t)(skip_word(word) - word);
            return is_same_word(word, length, "minimal") ||
                   is_same_word(word, length, "\"minimal\"");
        }
        /* On to the next preference, over values and parameters that may be quoted. */
        while (*at != '\0' && *at != ',') {
            const char *end = skip_word(at);
            at = end > at ? end : at + 1;
        }
        at += *at == ',';
    }
    return false;
}

/* ---- media types ----------------------------------------------------------------------------- */

struct media_range {
    const char *type; /* "text/plain", not ended by a NUL */
    size_t length;
    int thousandths; /* of its weight */
};

/* A qvalue of RFC 9110, section 12.4.2, in thousandths; -1 when it is none. */
static int read_weight(const char *text, size_t length)
{
    if (length == 0 || length > 5 || (text[0] != '0' && text[0] != '1'))
        return -1;
    int weight = (text[0] - '0') * 1000;
    if (length == 1)
        return weight;
    if (text[1] != '.')
        return -1;
    int worth = 100;
    for (size_t i = 2; i < length; i++, worth /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        weight += (text[i] - '0') * worth;
    }
    return weight <= 1000 ? weight : -1;
}

/* Reads parameters up to the end of the element: the weight is returned, the others don't matter.
 */
static const char *read_parameters(const char *at, int *thousandths)
{
    *thousandths = 1000;
    while (*at != '\0' && *at != ',') {
        if (*at != ';') {
            const char *end = skip_word(at);
            at = end > at ? end : at + 1;
            continue;
        }
        const char *name = skip_space(at + 1);
        at = skip_word(name);
        if (*at != '=' || !is_same_word(name, (size_t)(at - name), "q"))
            continue;
        const char *weight = at + 1;
        at = skip_word(weight);
        *thousandths = read_weight(weight, (size_t)(at - weight));
    }
    return at;
}

/* How exactly a range covers a type: 0 not at all, 1 by the star, 2 by its kind, 3 by name. */
static int coverage(const struct media_range *range, const char *type)
{
    if (is_same_word(range->type, range->length, type))
        return 3;
    if (is_same_word(range->type, range->length, "*/*"))
        return 1;
    size_t kind = strcspn(type, "/") + 1;
    bool is_kind = range->length == kind + 1 && range->type[kind] == '*' &&
                   strncasecmp(range->type, type, kind) == 0;
    return is_kind ? 2 : 0;
}

/* The weight that Accept gives a type, by the range that covers it most exactly; -1: none that
 * covers it more than `least` does. */
static int weight_of(const char *value, const char *type, int least)
{
    int best = least;
    int weight = -1;
    const char *at = value;
    while (*at != '\0') {
        at = skip_space(at);
        struct media_range range = {.type = at, .length = strcspn(at, " \t,;")};
        at = read_parameters(at + range.length, &range.thousandths);
        at += *at == ',';
        int covers = coverage(&range, type);
        if (covers > best && range.thousandths >= 0) {
            best = covers;
            weight = range.thousandths;
        }
    }
    return weight;
}

bool http_accepts(const char *value, const char *const *types)
{
    if (*value == '\0')
        return true;
    for (; *types != NULL; types++) {
        int weight = weight_of(value, *types, 0);
        if (weight >= 0)
            return weight > 0;
    }
    return false;
}

bool http_prefers_events(const char *value)
{
    int weight = weight_of(value, HTTP_MEDIA_EVENTS, 2); /* by name: a star is for anything */
    return weight > 0 && weight > weight_of(value, HTTP_MEDIA_JSON, 0);
}

bool http_prefers(const char *value, const char *type, const char *other)
{
    int weight = weight_of(value, type, 0);
    return weight > 0 && weight > weight_of(value, other, 0);
}

bool http_accepts_encoding(const char *value, const char *coding)
{
    return weight_of(value, coding, 2) > 0;
}

bool http_is_json(const char *value, const char *media)
{
    size_t length = strcspn(value, " \t;");
    if (!is_same_word(value, length, media))
        return false;
    const char *at = skip_space(value + length);
    while (*at == ';') {
        const char *name = skip_space(at + 1);
        if (*name == ';' || *name == '\0') {
            at = name; /* an empty parameter: RFC 9110, section 5.6.6 */
            continue;
        }
        const char *name_end = skip_word(name);
        if (*name_end != '=')
            return false;
        const char *word = name_end + 1;
        at = skip_word(word);
        size_t word_length = (size_t)(at - word);
        if (is_same_word(name, (size_t)(name_end - name), "charset") &&
            !is_same_word(word, word_length, "utf-8") &&
            !is_same_word(word, word_length, "\"utf-8\""))
            return false;
        at = skip_space(at);
    }
    return *at == '\0';
}

bool http_is_identity(const char *value)
{
    const char *at = value;
    for (;;) {
        at += strspn(at, " \t,");
        if (*at == '\0')
            return true;
        const char *word = at;
        at += strcspn(at, " \t,");
        if (!is_same_word(word, (size_t)(at - word), "identity"))
            return false;
    }
}

/* ---- identifiers ----------------------------------------------------------------------------- */

bool http_is_request_id(const char *value)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strspn(value, allowed);
    return length > 0 && length <= HTTP_REQUEST_ID_MAX && value[length] == '\0';
}

/* Exactly `length` lower-case hexadecimal digits, not all zero unless that is allowed. */
static bool is_hex(const char *text, size_t length, bool may_be_zero)
{
    return strspn(text, "0123456789abcdef") >= length &&
           (may_be_zero || strspn(text, "0") < length);
}

bool http_is_traceparent(const char *value)
{
    return strlen(value) == 55 && strncmp(value, "00-", 3) == 0 && is_hex(value + 3, 32, false) &&
           value[35] == '-' && is_hex(value + 36, 16, false) && value[52] == '-' &&
           is_hex(value + 53, 2, true);
}

/* The end of a run of the characters from `least` to `most` that are not in `others`. */
static const char *skip_all_but(const char *at, char least, char most, const char *others)
{
    while (*at >= least && *at <= most && strchr(others, *at) == NULL)
        at++;
    return at;
}

/* An empty member counts as none. */
static const char *skip_to_member(const char *at)
{
    return at + strspn(at, " \t,");
}

bool http_is_tracestate(const char *value)
{
    static const char key_characters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";
    if (strlen(value) > HTTP_TRACESTATE_MAX)
        return false;
    int n_members = 0;
    for (const char *at = skip_to_member(value); *at != '\0'; at = skip_to_member(at)) {
        const char *equals = at + strspn(at, key_characters);
        const char *end = skip_space(skip_all_but(equals + (*equals == '='), ' ', '~', ",="));
        if (equals == at || *equals != '=' || end == equals + 1 || (*end != '\0' && *end != ','))
            return false;
        at = end;
        n_members++;
    }
    return n_members > 0 && n_members <= HTTP_TRACESTATE_MEMBERS_MAX;
}

/* key or key=value, which end where `at` then stands. */
static bool take_pair(const char **at, bool needs_value)
{
    const char *key = skip_space(*at);
    const char *end = skip_all_but(key, '!', '~', "\"(),/:;<=>?@[\\]{}");
    if (end == key)
        return false;
    const char *equals = skip_space(end);
    bool has_value = *equals == '=';
    if (has_value)
        equals = skip_all_but(skip_space(equals + 1), '!', '~', "\",;\\");
    *at = skip_space(equals);
    return has_value || !needs_value;
}

bool http_is_baggage(const char *value)
{
    if (strlen(value) > HTTP_BAGGAGE_MAX)
        return false;
    const char *at = skip_to_member(value);
    if (*at == '\0')
        return false;
    while (*at != '\0') {
        if (!take_pair(&at, true))
            return false;
        while (*at == ';') {
            at++;
            if (!take_pair(&at, false))
                return false;
        }
        if (*at != '\0' && *at != ',')
            return false;
        at = skip_to_member(at);
    }
    return true;
}
