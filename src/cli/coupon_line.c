#include "coupon_line.h"

#include <string.h>

#include "codec.h"

/*
 * A record is written as the JSON that it stands for, and read like any other, so that there is one
 * set of rules. What is no number or neither yes nor no is written as the text that it is, which
 * the rules refuse in their own words.
 */

static void write_text(struct base_buffer *out, struct base_arena *arena, const char *text)
{
    (void)arena;
    base_buffer_append_json_text(out, text);
}

static void write_number(struct base_buffer *out, struct base_arena *arena, const char *text)
{
    int64_t number;
    (void)arena;
    if (base_parse_int(text, INT64_MIN, INT64_MAX, &number))
        base_buffer_append_int(out, number);
    else
        base_buffer_append_json_text(out, text);
}

static void write_yes_or_no(struct base_buffer *out, struct base_arena *arena, const char *text)
{
    bool is_yes;
    if (columns_read_yes_or_no(text, &is_yes))
        base_buffer_append_text(out, is_yes ? "true" : "false");
    else
        write_text(out, arena, text);
}

/* "EUR 500 | USD 550". */
static void write_amounts(struct base_buffer *out, struct base_arena *arena, const char *text)
{
    char before = '{';
    for (const char *word; (word = columns_next_word(arena, &text)) != NULL; before = ',') {
        size_t length = strcspn(word, COLUMNS_BLANKS);
        base_buffer_append_char(out, before);
        base_buffer_append_json_text(out, base_arena_copy(arena, word, length));
        base_buffer_append_char(out, ':');
        write_number(out, arena, columns_trim(arena, word + length));
    }
    base_buffer_append_text(out, before == '{' ? "{}" : "}");
}

/* "organic | nuts". */
static void write_words(struct base_buffer *out, struct base_arena *arena, const char *text)
{
    char before = '[';
    for (const char *word; (word = columns_next_word(arena, &text)) != NULL; before = ',') {
        base_buffer_append_char(out, before);
        base_buffer_append_json_text(out, word);
    }
    base_buffer_append_text(out, before == '[' ? "[]" : "]");
}

/* Column, member, how its value is written. */
#define COLUMNS(ROW)                                                                               \
    ROW("code", true, write_text)                                                                  \
    ROW("percent", false, write_number)                                                            \
    ROW("amount", false, write_amounts)                                                            \
    ROW("minimum", false, write_amounts)                                                           \
    ROW("skus", false, write_words)                                                                \
    ROW("tags", false, write_words)                                                                \
    ROW("starts_at", false, write_text)                                                            \
    ROW("ends_at", false, write_text)                                                              \
    ROW("limit", false, write_number)                                                              \
    ROW("limit_per_customer", false, write_number)                                                 \
    ROW("combinable", false, write_yes_or_no)

static void (*const writers[])(
    struct base_buffer *out, struct base_arena *arena, const char *text) = {
#define COUPON_LINE_ROW(name, is_needed, write) write,
    COLUMNS(COUPON_LINE_ROW)
#undef COUPON_LINE_ROW
};

const struct columns coupon_line_columns = {
    .said = "code and, optionally, percent, amount, minimum, skus, tags, starts_at, ends_at, "
            "limit, limit_per_customer and combinable",
    .n = BASE_COUNT(writers),
    .list =
        {
#define COUPON_LINE_ROW(name, is_needed, write) {name, is_needed},
            COLUMNS(COUPON_LINE_ROW)
#undef COUPON_LINE_ROW
        },
};

void coupon_line_append_code(struct base_buffer *problem, const char *code)
{
    base_buffer_append_text(problem, " (code ");
    columns_append_quoted(problem, code, strlen(code));
    base_buffer_append_char(problem, ')');
}

/* In the words of a line, where those of the codec are about a body. */
static void append_complaint(
    struct base_buffer *problem, const char *pointer, const char *detail, bool is_malformed)
{
    static const char BODY_LINE[] = "Line 1, "; /* there is one, whose number is another */
    static const char BODY[] = "The body must be an object";
    bool names_member = pointer[0] != '/' || strncmp(detail, pointer + 1, strlen(pointer + 1)) == 0;
    if (is_malformed)
        base_buffer_append_text(problem, "it must be a JSON object; ");
    else if (!names_member)
        base_buffer_printf(problem, "%s: ", pointer + 1);
    if (strncmp(detail, BODY_LINE, strlen(BODY_LINE)) == 0)
        detail += strlen(BODY_LINE);
    if (strncmp(detail, BODY, strlen(BODY)) == 0)
        base_buffer_printf(problem, "it must be a JSON object%s", detail + strlen(BODY));
    else
        base_buffer_append_text(problem, detail);
}

bool coupon_line_read(
    const char *json, size_t length, struct base_arena *arena, struct coupon_definition *definition,
    struct base_buffer *problem)
{
    struct codec_complaints complaints = {.n = 0};
    const struct codec_body body = {.bytes = json, .length = length};
    enum codec_outcome outcome = codec_read_coupon(body, true, arena, definition, &complaints);
    for (size_t i = 0; outcome != CODEC_READ && i < complaints.n; i++) {
        base_buffer_append_text(problem, i > 0 ? " " : "");
        append_complaint(
            problem, complaints.list[i].pointer, complaints.list[i].detail,
            outcome == CODEC_MALFORMED);
    }
    return outcome == CODEC_READ;
}

/* NULL, or why it can't be written as JSON. */
static const char *write_record(
    const struct columns_header *header, const struct csv_record *record, struct base_arena *arena,
    struct base_buffer *json)
{
    const char *misshape = columns_find_misshape(header, record);
    if (misshape != NULL)
        return misshape;
    for (size_t i = 0; i < BASE_COUNT(writers); i++) {
        const char *text = columns_trim(arena, columns_field(header, record, i));
        if (base_utf8_length(text, strlen(text)) < 0)
            return "it must be text in UTF-8; save the file as \"CSV UTF-8\"";
        if (text[0] == '\0')
            continue;
        base_buffer_append_text(json, json->length > 0 ? "," : "{");
        base_buffer_printf(json, "\"%s\":", coupon_line_columns.list[i].name);
        writers[i](json, arena, text);
    }
    base_buffer_append_text(json, json->length > 0 ? "}" : "{}");
    return NULL;
}

bool coupon_line_read_record(
    const struct columns_header *header, const struct csv_record *record, struct base_arena *arena,
    struct coupon_definition *definition, struct base_buffer *problem)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer json = {0};
    const char *reason = write_record(header, record, arena, &json);
    if (reason != NULL)
        base_buffer_append_text(problem, reason);
    else if (coupon_line_read(json.bytes, json.length, arena, definition, problem))
        return true;
    if (header->places[0] <= record->n_fields)
        coupon_line_append_code(problem, columns_field(header, record, 0));
    return false;
}
