#include "codec_json.h"

#include <string.h>

/* Members of a well-formed object as they stand, for what must not be read and written again. Since
 * it is well-formed, it is walked without a look at its end. */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_blanks(const char *line, size_t i)
{
    while (is_blank(line[i]))
        i++;
    return i;
}

/* Behind the text that begins at i. */
static size_t skip_text(const char *line, size_t i)
{
    for (i++; line[i] != '"'; i++)
        if (line[i] == '\\')
            i++;
    return i + 1;
}

/* Behind the value that begins at i. */
static size_t skip_value(const char *line, size_t i)
{
    if (line[i] == '"')
        return skip_text(line, i);
    if (line[i] != '{' && line[i] != '[') {
        while (line[i] != ',' && line[i] != '}' && !is_blank(line[i]))
            i++;
        return i;
    }
    size_t depth = 0;
    do {
        if (line[i] == '"') {
            i = skip_text(line, i);
            continue;
        }
        depth += line[i] == '{' || line[i] == '[';
        depth -= line[i] == '}' || line[i] == ']';
        i++;
    } while (depth > 0);
    return i;
}

bool codec_next_member(
    const char *object, size_t *at, struct codec_span *name, struct codec_span *value)
{
    /* It stands at the beginning, or behind a value. */
    size_t i = skip_blanks(object, *at);
    if (object[i] == '{' || object[i] == ',')
        i = skip_blanks(object, i + 1);
    if (object[i] == '}')
        return false;
    size_t end = skip_text(object, i);
    *name = (struct codec_span){.bytes = object + i, .length = end - i};
    i = skip_blanks(object, skip_blanks(object, end) + 1);
    end = skip_value(object, i);
    *value = (struct codec_span){.bytes = object + i, .length = end - i};
    *at = end;
    return true;
}

bool codec_is_member(const struct codec_span *name, const char *plain)
{
    size_t length = strlen(plain);
    return name->length == length + 2 && memcmp(name->bytes + 1, plain, length) == 0;
}
