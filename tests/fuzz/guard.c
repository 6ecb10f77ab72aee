/* The head of a request, as the bytes come: the guard is shown what libmicrohttpd 0.9.75 makes of
 * them, or, when the first byte is odd, what a strict library would. */
#include "guard.h"

#include <string.h>

#include "fuzz.h"
#include "target.h"

static struct base_arena arena;

/* A request in the library's buffer. */
struct head {
    char *place; /* what was not looked at yet */
    char *end;
    bool is_odd; /* the last line ended with a bare line feed or held a NUL, where that shows */
};

/* The next line, ended as the library ends it: NULs over CR and LF. NULL: there is none. A NUL
 * right before or behind a bare line feed looks as a CR or LF would that was written over. */
static char *take_line(struct head *head)
{
    char *line = head->place;
    char *feed = line < head->end ? memchr(line, '\n', (size_t)(head->end - line)) : NULL;
    if (feed == NULL)
        return NULL;
    head->place = feed + 1;
    bool has_return = feed > line && feed[-1] == '\r';
    bool looks_returned = feed > line && feed[-1] == '\0';
    *feed = '\0';
    if (has_return)
        feed[-1] = '\0';
    char *end = has_return ? feed - 1 : feed;
    while (end > line && end[-1] == '\0')
        end--;
    const char *nul = line + strlen(line);
    bool has_nul = nul < end && nul[1] != '\0'; /* two of them look like an end of the line */
    head->is_odd = has_nul || (!has_return && !looks_returned && *head->place != '\0');
    return line;
}

/* False: the library itself refuses such a line. */
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
        FUZZ_CLAIM(
            n == 0 || (strchr(" \t", value[0]) == NULL && strchr(" \t", value[n - 1]) == NULL));
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
    struct head head = {.place = buffer, .end = buffer + n_bytes - 1};
    char *target = take_line(&head);
    char *space = target == NULL ? NULL : strrchr(target, ' ');
    if (space == NULL)
        return 0;
    *space = '\0';

    struct http_headers headers = {0};
    struct http_guard guard = {
        .arena = &arena,
        .headers = &headers,
        .is_lenient_library = is_lenient,
    };
    bool is_odd = false;
    for (char *line; (line = take_line(&head)) != NULL && *line != '\0';)
        is_odd |= show_header(&guard, line) && head.is_odd;
    const char *complaint = http_guard_finish(&guard, target, target, space + 1);
    if (complaint == NULL) {
        claim_headers(&headers, space + 1);
        FUZZ_CLAIM(http_target_complaint(target) == NULL);
        FUZZ_CLAIM(!is_lenient || !is_odd);
    } else {
        FUZZ_CLAIM(complaint[0] != '\0');
    }
    base_arena_reset(&arena);
    return 0;
}
