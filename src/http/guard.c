#include "guard.h"

#include <ctype.h>
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
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) &&
            (text[i] == '\0' || strchr("!#$%&'*+-.^_`|~", text[i]) == NULL))
            return false;
    return length > 0;
}

static bool has_control_character(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (iscntrl((unsigned char)text[i]) && text[i] != '\t')
            return true;
    return false;
}

/* Whether a header stands in the buffer as one plain line leaves it, right behind the line before;
 * if so, the next one begins behind it. Addresses are compared as numbers, as those of a folded
 * line belong to different objects. */
static bool stands_as_received(
    struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    if (name != guard->next_line)
        return false;
    const char *colon = value - 1;
    while (*colon == ' ' || *colon == '\t')
        colon--;
    const char *end = value + value_length;
    guard->next_line = end + 2;
    return (uintptr_t)colon == (uintptr_t)name + name_length && end[0] == '\0' && end[1] == '\0';
}

static const char *header_complaint(
    struct http_guard *guard, const char *name, size_t name_length, const char *value,
    size_t value_length)
{
    if (!is_token(name, name_length))
        return "The name of a header has a character that is not allowed there.";
    if (guard->received != NULL &&
        !stands_as_received(guard, name, name_length, value, value_length))
        return "A header is folded over several lines, contains a NUL or ends with a bare line "
               "feed.";
    if (has_control_character(value, value_length))
        return "The value of a header has a control character.";
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

/* The lenient library reads "chunked " as an encoding that it does not know, and a body without
 * end; so there the whitespace stays, to be refused with the rest. */
static const char *stored_value(
    const struct http_guard *guard, size_t header, const char *value, size_t length)
{
    bool is_as_received = guard->received != NULL && header == HTTP_HEADER_TRANSFER_ENCODING;
    return is_as_received ? value : trim(guard->arena, value, length);
}

static void store(struct http_guard *guard, size_t header, const char *value)
{
    const char **stored = &guard->headers->values[header];
    if (guard->seen[header]++ == 0) {
        *stored = value;
        return;
    }
    switch (known_headers[header].times) {
    case ONCE:
        guard->complaint = base_arena_printf(
            guard->arena, "The header %s was sent twice; send it once.",
            known_headers[header].name);
        return;
    case LIST:
        *stored = base_arena_printf(guard->arena, "%s, %s", *stored, value);
        return;
    case NONE_IF_MANY:
        *stored = NULL;
        return;
    }
}

void http_guard_begin(
    struct http_guard *guard, struct base_arena *arena, struct http_headers *headers,
    const struct http_received *received)
{
    *guard = (struct http_guard){
        .arena = arena,
        .headers = headers,
        .received = received,
        .next_line = received == NULL ? NULL : received->version + strlen(received->version) + 2,
    };
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
            store(guard, i, stored_value(guard, i, value, value_length));
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
        return "Content-Length and Transfer-Encoding were sent together; send only one of them.";
    if (length != NULL && (length[0] == '\0' || length[strspn(length, "0123456789")] != '\0'))
        return "Content-Length must be a number.";
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
        return "Transfer-Encoding must be chunked.";
    if (encoding != NULL && strcmp(version, "HTTP/1.0") == 0)
        return "Transfer-Encoding is not allowed in HTTP/1.0.";
    return NULL;
}

/* RFC 9110, section 10.1.1, forbids to expect a 100 without a body. The lenient library loses the
 * answer when more than such a request has come. */
static bool expects_in_vain(const struct http_headers *headers)
{
    const char *length = headers->values[HTTP_HEADER_CONTENT_LENGTH];
    return headers->values[HTTP_HEADER_EXPECT] != NULL &&
           headers->values[HTTP_HEADER_TRANSFER_ENCODING] == NULL &&
           (length == NULL || length[strspn(length, "0")] == '\0');
}

/* A host and a port (RFC 3986, section 3.2.2): a name of letters, digits and some marks, or an
 * address in brackets. An empty host is allowed, and nothing is ever made of it. */
static bool is_host(const char *text)
{
    static const char of_address[] = "0123456789abcdefABCDEFv.:";
    const char *end = text;
    if (*text == '[') {
        end += 1 + strspn(text + 1, of_address);
        if (*end++ != ']')
            return false;
    } else {
        while (isalnum((unsigned char)*end) ||
               (*end != '\0' && strchr("-._~%!$&'()*+,;=", *end) != NULL))
            end++;
    }
    if (*end == ':')
        end += 1 + strspn(end + 1, "0123456789");
    return *end == '\0';
}

static const char *host_complaint(const char *host, const char *version)
{
    if (host == NULL)
        return strcmp(version, "HTTP/1.0") == 0
                   ? NULL
                   : "The Host header is missing; HTTP/1.1 requires one.";
    return is_host(host) ? NULL : "The Host header is invalid.";
}

/* Whether nothing stands between the parts of the first line but one space each, nothing behind
 * it but the line's end, and nothing behind the last header but its own and the empty line, where a
 * bare line feed, a NUL and any byte would take as much room. */
static bool is_all_accounted_for(
    const struct http_guard *guard, const char *raw_target, const char *version)
{
    const struct http_received *received = guard->received;
    uintptr_t method = (uintptr_t)received->method;
    uintptr_t target = (uintptr_t)received->target;
    return target == method + strlen(received->method) + 1 &&
           (uintptr_t)received->version == target + strlen(raw_target) + 1 &&
           received->version[strlen(version) + 1] == '\0' &&
           (uintptr_t)guard->next_line + 2 == method + received->n_bytes &&
           guard->next_line[0] == '\0' && guard->next_line[1] == '\0';
}

static const char *request_complaint(
    const struct http_guard *guard, const char *method, const char *raw_target, const char *version)
{
    if (!is_token(method, strlen(method)))
        return "The method has a character that is not allowed there.";
    const char *complaint = http_target_complaint(raw_target);
    if (complaint != NULL)
        return complaint;
    if (guard->received != NULL && !is_all_accounted_for(guard, raw_target, version))
        return "The request contains a NUL, an extra space, or a line that ends with a bare line "
               "feed.";
    complaint = framing_complaint(guard->headers, version);
    if (complaint != NULL)
        return complaint;
    if (guard->received != NULL && expects_in_vain(guard->headers))
        return "Expect: 100-continue was sent without a body.";
    return host_complaint(guard->headers->values[HTTP_HEADER_HOST], version);
}

/* A target in absolute form brings the Host that counts (RFC 9112, section 3.2.2). */
static const char *take_authority(struct http_guard *guard, const char *raw_target)
{
    size_t length;
    const char *begin = http_find_authority(raw_target, &length);
    if (begin == NULL)
        return NULL;
    const char *authority = base_arena_copy(guard->arena, begin, length);
    if (length == 0 || !is_host(authority))
        return "The host in the target of the request is invalid.";
    guard->headers->values[HTTP_HEADER_HOST] = authority;
    return NULL;
}

const char *http_guard_finish(
    struct http_guard *guard, const char *method, const char *raw_target, const char *version)
{
    if (guard->complaint == NULL)
        guard->complaint = request_complaint(guard, method, raw_target, version);
    if (guard->complaint == NULL)
        guard->complaint = take_authority(guard, raw_target);
    return guard->complaint;
}
