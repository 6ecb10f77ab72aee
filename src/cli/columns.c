#include "columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_ENDS COLUMNS_BLANKS "|"
#define SHOWN_MAX 60 /* bytes of a value in a complaint */

void columns_append_quoted(struct base_buffer *out, const char *text, size_t length)
{
    size_t shown = length < SHOWN_MAX ? length : SHOWN_MAX;
    while (shown < length && shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
        shown--; /* not within a character */
    BASE_CLEANUP(base_free_pointer) char *cut = base_copy_text(text);
    cut[shown] = '\0';
    base_buffer_append_json_text(out, cut);
    if (shown < length)
        base_buffer_append_text(out, "…");
}

/* ---- the header ------------------------------------------------------------------------------ */

static bool refuse_header(
    const struct columns *columns, char **problem, const char *what, const char *name)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_printf(
        &text, "%s column \"%s\"; the first line names the columns: %s", what, name, columns->said);
    *problem = base_copy_text(base_buffer_text(&text));
    return false;
}

/* columns->n: it has no meaning. */
static size_t find_column(const struct columns *columns, const char *name, size_t length)
{
    size_t column = 0;
    while (column < columns->n && (strlen(columns->list[column].name) != length ||
                                   strncasecmp(columns->list[column].name, name, length) != 0))
        column += 1;
    return column;
}

/* Of a text without the blanks before it, without those behind it. */
static size_t trimmed_length(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && strchr(COLUMNS_BLANKS, text[length - 1]) != NULL)
        length--;
    return length;
}

bool columns_read_header(
    const struct columns *columns, const struct csv_record *record, struct columns_header *header,
    struct base_buffer *ignored, char **problem)
{
    struct columns_header found = {.n_fields = record->n_fields};
    for (size_t i = 0; i < record->n_fields; i++) {
        const char *name = record->fields[i] + strspn(record->fields[i], COLUMNS_BLANKS);
        size_t length = trimmed_length(name);
        size_t column = find_column(columns, name, length);
        if (column == columns->n) {
            base_buffer_append_text(ignored, ignored->length > 0 ? ", " : "");
            columns_append_quoted(ignored, name, length);
            continue;
        }
        if (found.places[column] > 0)
            return refuse_header(columns, problem, "duplicate", columns->list[column].name);
        found.places[column] = i + 1;
    }
    for (size_t column = 0; column < columns->n; column++)
        if (columns->list[column].is_needed && found.places[column] == 0)
            return refuse_header(columns, problem, "missing", columns->list[column].name);
    *header = found;
    return true;
}

bool columns_have_cr(const struct csv_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (strchr(record->fields[i], '\r') != NULL)
            return true;
    return false;
}

bool columns_name_delimiter(const struct csv_record *record)
{
    return record->n_fields == 2 && strcasecmp(record->fields[0], "sep=") == 0 &&
           record->fields[1][0] == '\0';
}

/* ---- a line ---------------------------------------------------------------------------------- */

bool columns_are_blank(const struct csv_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (!columns_is_blank(record->fields[i]))
            return false;
    return true;
}

const char *columns_find_misshape(
    const struct columns_header *header, const struct csv_record *record)
{
    if (record->n_fields == header->n_fields)
        return NULL;
    return record->n_fields < header->n_fields ? "it has fewer fields than the header"
                                               : "it has more fields than the header";
}

const char *columns_field(
    const struct columns_header *header, const struct csv_record *record, size_t column)
{
    size_t place = header->places[column];
    return place > 0 ? record->fields[place - 1] : "";
}

/* ---- a field --------------------------------------------------------------------------------- */

bool columns_is_blank(const char *text)
{
    return text[strspn(text, COLUMNS_BLANKS)] == '\0';
}

const char *columns_trim(struct base_arena *arena, const char *text)
{
    text += strspn(text, COLUMNS_BLANKS);
    return base_arena_copy(arena, text, trimmed_length(text));
}

bool columns_read_yes_or_no(const char *text, bool *is_yes)
{
    static const char *const words[2][3] = {{"false", "no", "0"}, {"true", "yes", "1"}};
    for (size_t yes = 0; yes < 2; yes++) {
        for (size_t i = 0; i < BASE_COUNT(words[yes]); i++) {
            if (strcasecmp(text, words[yes][i]) == 0) {
                *is_yes = yes == 1;
                return true;
            }
        }
    }
    return false;
}

const char *columns_next_word(struct base_arena *arena, const char **at)
{
    const char *word = *at + strspn(*at, WORD_ENDS);
    if (*word == '\0')
        return NULL;
    const char *end = word + strcspn(word, "|");
    *at = end;
    while (strchr(COLUMNS_BLANKS, end[-1]) != NULL)
        end--;
    return base_arena_copy(arena, word, (size_t)(end - word));
}
