/* The head of a request, as the bytes come: the guard is shown what libmicrohttpd 0.9.75 makes of
 * them, or, when the first byte is odd, what a strict library would. */
#include "guard.h"

#include <string.h>

#include "fuzz.h"
#include "target.h"

enum { LINES_MAX = 64 };

static struct base_arena arena;

/* A request in the library's buffer, taken apart as the library does it. */
struct head {
    size_t n_bytes; /* up to what follows the empty line */
    size_t n_lines;
    char *lines[LINES_MAX]; /* the first one, the headers; the empty one is none of them */
};

/* Ends the lines with NULs over CR and LF. What begins with a NUL is an empty line to the library.
 * False: there is none, and so no request yet, or there are more lines than here is room for. */
static bool take_lines(struct head *head, char *bytes, size_t n_bytes)
{
    *head = (struct head){0};
    char *line = bytes;
    for (char *feed; head->n_lines < LINES_MAX &&
                     (feed = memchr(line, '\n', n_bytes - (size_t)(line - bytes))) != NULL;
         line = feed + 1) {
        *feed = '\0';
        if (feed > line && feed[-1] == '\r')
            feed[-1] = '\0';
        if (*line == '\0') {
            head->n_bytes = (size_t)(feed + 1 - bytes);
            return head->n_lines > 0;
        }
        head->lines[head->n_lines++] = line;
    }
    return false;
}

/* False: the library itself refuses such a line. */
static bool split_first_line(char *line, struct http_received *received)
{
    char *target = strchr(line, ' ');
    if (target == NULL)
        return false;
    *target++ = '\0';
    target += strspn(target, " ");
    char *version = strrchr(target, ' ');
    if (version == NULL)
        return false;
    *version++ = '\0';
    received->method = line;
    received->target = target;
    received->version = version;
    return strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0;
}

static bool show_header(struct http_guard *guard, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    char *value = colon + 1;
    value += strspn(value, " \t");
    http_guard_header(guard, line, strlen(line), value, strlen(value));
    return true;
}

/* Each line of an accepted head ends with CRLF, and nothing in it is a NUL, a bare line feed or a
 * fold: the lines as they were taken are all that there was. Only a NUL in the place of a CR can't
 * be seen, as the library writes one there itself, nor which of the last four bytes are which. */
static void claim_accounted_for(const uint8_t *bytes, size_t n_bytes)
{
    size_t line = 0;
    for (size_t i = 0; i + 4 < n_bytes; i++) {
        FUZZ_CLAIM((bytes[i] != '\0' && bytes[i] != '\r') || bytes[i + 1] == '\n');
        if (bytes[i] != '\n')
            continue;
        FUZZ_CLAIM(i > line && (bytes[i - 1] == '\r' || bytes[i - 1] == '\0'));
        FUZZ_CLAIM(bytes[line] != ' ' && bytes[line] != '\t');
        line = i + 1;
    }
    for (size_t i = n_bytes - 4; i < n_bytes; i++)
        FUZZ_CLAIM(bytes[i] == '\0' || bytes[i] == '\r' || bytes[i] == '\n');
}

static void claim_headers(const struct http_headers *headers, const char *version)
{
    const char *length = headers->values[HTTP_HEADER_CONTENT_LENGTH];
    FUZZ_CLAIM(length == NULL || headers->values[HTTP_HEADER_TRANSFER_ENCODING] == NULL);
    FUZZ_CLAIM(length == NULL || (*length != '\0' && length[strspn(length, "0123456789")] == '\0'));
    FUZZ_CLAIM(headers->values[HTTP_HEADER_HOST] != NULL || strcmp(version, "HTTP/1.0") == 0);
    for (size_t i = 0; i < HTTP_N_HEADERS; i++) {
        const char *value = headers->values[i];
        if (value == NULL)
            continue;
        size_t n = strlen(value);
        FUZZ_CLAIM(n == 0 || strchr(" \t", value[0]) == NULL);
        /* A list may have an empty last member. */
        FUZZ_CLAIM(n < 2 || strchr(" \t", value[n - 1]) == NULL || value[n - 2] == ',');
        for (; *value != '\0'; value++)
            FUZZ_CLAIM((unsigned char)*value >= 0x20 || *value == '\t');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes == 0)
        return 0;
    bool is_lenient = bytes[0] % 2 == 0;
    BASE_CLEANUP(base_free_pointer) char *buffer = fuzz_copy(bytes + 1, n_bytes - 1);
    struct head head;
    struct http_received received;
    if (!take_lines(&head, buffer, n_bytes - 1) || !split_first_line(head.lines[0], &received))
        return 0;
    received.n_bytes = head.n_bytes;

    struct http_headers headers = {0};
    struct http_guard guard;
    http_guard_begin(&guard, &arena, &headers, is_lenient ? &received : NULL);
    bool is_whole = true;
    for (size_t i = 1; i < head.n_lines; i++)
        is_whole &= show_header(&guard, head.lines[i]);
    const char *complaint =
        http_guard_finish(&guard, received.method, received.target, received.version);
    if (complaint == NULL && is_whole) {
        claim_headers(&headers, received.version);
        FUZZ_CLAIM(http_target_complaint(received.target) == NULL);
        if (is_lenient)
            claim_accounted_for(bytes + 1, head.n_bytes);
    } else {
        FUZZ_CLAIM(complaint == NULL || complaint[0] != '\0');
    }
    base_arena_reset(&arena);
    return 0;
}
