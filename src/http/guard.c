#include "guard.h"

#include <string.h>
#include <strings.h>

#include "target.h"

enum times { ONCE, LIST, NONE_IF_MANY };

static const struct {
    const char *name;
    size_t length;
    enum times times;
} known_headers[] = {
#define HTTP_ROW(NAME, name, times) {name, sizeof(name) - 1, times},
    HTTP_HEADERS(HTTP_ROW)
#undef HTTP_ROW
};

/* tchar of RFC 9110, section 5.6.2. */
static bool is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        bool is_alphanumeric = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                               (byte >= '0' && byte <= '9');
        if (!is_alphanumeric && (byte == '\0' || strchr("!#$%&'*+-.^_`|~", byte) == NULL))
            return false;
    }
    return length > 0;
}

static bool has_control_character(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return true;
    }
    return false;
}

/* Whether name and value stand in the buffer as one plain line leaves them. The addresses are
 * compared as numbers, as those of a folded line belong to different objects. */
static bool stand_as_received(
    const char *name, size_t name_length, const char *value, size_t value_length)
{
    const char *colon = value - 1;
    while (*colon == ' ' || *colon == '\t')
        colon--;
    return (uintptr_t)colon == (uintptr_t)name + name_length && value[value_length] == '\0' &&
           value[value_length + 1] == '\0';
}

static const char *header_complaint(
    const struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    if (!is_token(name, name_length))
        return "A header's name has a character that does not belong there.";
    if (guard->is_lenient_library && !stand_as_received(name, name_length, value, value_length))
        return "A header is folded over several lines, holds a NUL or ends with a bare line feed.";
    if (has_control_character(value, value_length))
        return "A header's value has a control character.";
    return NULL;
}

static const char *trim(struct base_arena *arena, const char *value, size_t length)
{
    size_t begin = 0;
    while (begin < length && (value[begin] == ' ' || value[begin] == '\t'))
        begin++;
    size_t end = length;
    while (end > begin && (value[end - 1] == ' ' || value[end - 1] == '\t'))
        end--;
    if (end == length)
        return value + begin;
    return base_arena_copy(arena, value + begin, end - begin);
}

static void keep(struct http_guard *guard, size_t place, const char *value)
{
    const char **kept = &guard->headers->values[place];
    if (guard->seen[place]++ == 0) {
        *kept = value;
        return;
    }
    switch (known_headers[place].times) {
    case ONCE:
        guard->complaint =
            base_arena_printf(guard->arena, "%s came twice.", known_headers[place].name);
        return;
    case LIST:
        *kept = base_arena_printf(guard->arena, "%s, %s", *kept, value);
        return;
    case NONE_IF_MANY:
        *kept = NULL;
        return;
    }
}

void http_guard_header(
    struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    if (guard->complaint != NULL)
        return;
    guard->complaint = header_complaint(guard, name, name_length, value, value_length);
    if (guard->complaint != NULL)
        return;
    for (size_t i = 0; i < HTTP_N_HEADERS; i++) {
        if (known_headers[i].length == name_length &&
            strncasecmp(known_headers[i].name, name, name_length) == 0) {
            keep(guard, i, trim(guard->arena, value, value_length));
            return;
        }
    }
}

/* Who reads on after a body must agree on where it ends (RFC 9112, section 6.3). */
static const char *framing_complaint(const struct http_headers *headers, const char *version)
{
    const char *length = headers->values[HTTP_HEADER_CONTENT_LENGTH];
    const char *encoding = headers->values[HTTP_HEADER_TRANSFER_ENCODING];
    if (length != NULL && encoding != NULL)
        return "Content-Length and Transfer-Encoding came together.";
    if (length != NULL && (length[0] == '\0' || length[strspn(length, "0123456789")] != '\0'))
        return "Content-Length is not a number.";
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
        return "Transfer-Encoding is not chunked.";
    if (encoding != NULL && strcmp(version, "HTTP/1.0") == 0)
        return "HTTP/1.0 has no Transfer-Encoding.";
    return NULL;
}

/* After a target without a NUL and one space comes the version. */
static bool has_hidden_target(
    const char *raw_target, const char *received_target, const char *version)
{
    return (uintptr_t)version != (uintptr_t)received_target + strlen(raw_target) + 1;
}

const char *http_guard_finish(
    struct http_guard *guard, const char *raw_target, const char *received_target,
    const char *version)
{
    if (guard->complaint == NULL)
        guard->complaint = http_target_complaint(raw_target);
    if (guard->complaint == NULL && guard->is_lenient_library &&
        has_hidden_target(raw_target, received_target, version))
        guard->complaint = "The first line of the request holds a NUL.";
    if (guard->complaint == NULL)
        guard->complaint = framing_complaint(guard->headers, version);
    if (guard->complaint == NULL && guard->headers->values[HTTP_HEADER_HOST] == NULL &&
        strcmp(version, "HTTP/1.0") != 0)
        guard->complaint = "HTTP/1.1 requires a Host.";
    return guard->complaint;
}
