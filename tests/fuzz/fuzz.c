#include "fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

_Noreturn void fuzz_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: it does not hold that %s\n", file, line, claim);
    abort();
}

char *fuzz_copy(const uint8_t *bytes, size_t n_bytes)
{
    char *copy = base_alloc(n_bytes + 1);
    if (n_bytes > 0)
        memcpy(copy, bytes, n_bytes);
    return copy;
}

char *fuzz_text(const uint8_t *bytes, size_t n_bytes)
{
    const uint8_t *nul = n_bytes > 0 ? memchr(bytes, '\0', n_bytes) : NULL;
    return fuzz_copy(bytes, nul == NULL ? n_bytes : (size_t)(nul - bytes));
}

/* Datagrams, each of which is one read: a pipe for each would take longer than what is looked at.
 */
int fuzz_feed(const uint8_t *bytes, size_t n_bytes)
{
    static int ends[2];
    if (ends[0] == ends[1] && socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        abort();
    if (send(ends[1], bytes, n_bytes, 0) != (ssize_t)n_bytes)
        abort();
    return ends[0];
}

bool fuzz_is_json(const char *text, size_t length)
{
    json_auto_t *value =
        json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return value != NULL;
}

static json_t *reverse(const json_t *value);

static json_t *reverse_object(const json_t *object)
{
    json_t *reversed = json_object();
    size_t n = json_object_size(object);
    const char **names = base_alloc(n * sizeof *names);
    const char *name;
    json_t *value;
    size_t i = 0;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        names[i++] = name;
    }
    while (i > 0) {
        json_t *member = json_object_get(object, names[--i]);
        FUZZ_CLAIM(json_object_set_new(reversed, names[i], reverse(member)) == 0);
    }
    free(names);
    return reversed;
}

static json_t *reverse_array(const json_t *array)
{
    json_t *reversed = json_array();
    for (size_t i = 0; i < json_array_size(array); i++)
        FUZZ_CLAIM(json_array_append_new(reversed, reverse(json_array_get(array, i))) == 0);
    return reversed;
}

/* A copy; as deep as the text was. */
static json_t *reverse(const json_t *value)
{
    if (json_is_object(value))
        return reverse_object(value);
    if (json_is_array(value))
        return reverse_array(value);
    return json_copy((json_t *)(uintptr_t)value);
}

char *fuzz_reverse_json(const char *text)
{
    json_auto_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(value))
        return NULL;
    json_auto_t *reversed = reverse(value);
    return json_dumps(reversed, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

/* The next token of a pointer, unescaped, for the caller to free; *pointer moves behind it. */
static char *take_token(const char **pointer)
{
    size_t length = strcspn(*pointer + 1, "/");
    char *token = fuzz_copy((const uint8_t *)*pointer + 1, length);
    *pointer += 1 + length;
    char *to = token;
    for (const char *from = token; *from != '\0'; from++) {
        if (*from != '~') {
            *to++ = *from;
            continue;
        }
        from++;
        FUZZ_CLAIM(*from == '0' || *from == '1');
        *to++ = *from == '0' ? '~' : '/';
    }
    *to = '\0';
    return token;
}

void fuzz_claim_pointer(const char *json, size_t length, const char *pointer)
{
    json_auto_t *root = json_loadb(json, length, JSON_DECODE_ANY, NULL);
    const json_t *value = root;
    while (value != NULL && *pointer != '\0') {
        FUZZ_CLAIM(*pointer == '/');
        BASE_CLEANUP(base_free_pointer) char *token = take_token(&pointer);
        int64_t index;
        if (json_is_array(value)) {
            FUZZ_CLAIM(base_parse_int(token, 0, INT32_MAX, &index));
            value = json_array_get(value, (size_t)index);
            FUZZ_CLAIM(value != NULL);
            continue;
        }
        FUZZ_CLAIM(json_is_object(value));
        value = json_object_get(value, token);
        FUZZ_CLAIM(value != NULL || *pointer == '\0'); /* what is missing is the last */
    }
}

bool fuzz_is_same_text(const char *left, const char *right)
{
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

bool fuzz_is_same(const struct base_buffer *left, const struct base_buffer *right)
{
    return left->length == right->length &&
           (left->length == 0 || memcmp(left->bytes, right->bytes, left->length) == 0);
}
