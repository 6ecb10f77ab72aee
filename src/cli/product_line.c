#include "product_line.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec.h"
#include "currency.h"
#include "price.h"

static const struct {
    const char *name;
    bool is_needed;
} columns[] = {
#define PRODUCT_LINE_ROW(NAME, name, is_needed) {name, is_needed},
    PRODUCT_LINE_COLUMNS(PRODUCT_LINE_ROW)
#undef PRODUCT_LINE_ROW
};

#define BLANKS " \t\r\n"
#define TAG_ENDS BLANKS "|"
#define SHOWN_MAX 60 /* bytes of a value in a complaint */

static bool is_blank(const char *text)
{
    return text[strspn(text, BLANKS)] == '\0';
}

/* In quotes like JSON, as a file of another kind may have anything in it. */
static void append_quoted(struct base_buffer *out, const char *text, size_t length)
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

static bool refuse_header(char **problem, const char *what, const char *name)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    base_buffer_printf(
        &text,
        "%s column \"%s\"; the first line names the columns: sku,name,currency,price and, "
        "optionally, active, minimum, maximum, multiple_of, unit, scale and tags",
        what, name);
    *problem = base_copy_text(base_buffer_text(&text));
    return false;
}

/* PRODUCT_LINE_N_COLUMNS: it has no meaning. */
static size_t find_column(const char *name, size_t length)
{
    size_t column = 0;
    while (column < PRODUCT_LINE_N_COLUMNS &&
           (strlen(columns[column].name) != length ||
            strncasecmp(columns[column].name, name, length) != 0))
        column += 1;
    return column;
}

bool product_line_read_header(
    const struct csv_record *record, struct product_line_header *header,
    struct base_buffer *ignored, char **problem)
{
    struct product_line_header found = *header;
    found.n_fields = record->n_fields;
    for (size_t i = 0; i < record->n_fields; i++) {
        const char *name = record->fields[i] + strspn(record->fields[i], BLANKS);
        size_t length = strlen(name);
        while (length > 0 && strchr(BLANKS, name[length - 1]) != NULL)
            length--;
        size_t column = find_column(name, length);
        if (column == PRODUCT_LINE_N_COLUMNS) {
            base_buffer_append_text(ignored, ignored->length > 0 ? ", " : "");
            append_quoted(ignored, name, length);
            continue;
        }
        if (found.places[column] > 0)
            return refuse_header(problem, "duplicate", columns[column].name);
        found.places[column] = i + 1;
    }
    for (size_t column = 0; column < PRODUCT_LINE_N_COLUMNS; column++)
        if (columns[column].is_needed && found.places[column] == 0)
            return refuse_header(problem, "missing", columns[column].name);
    *header = found;
    return true;
}

bool product_line_has_cr(const struct csv_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (strchr(record->fields[i], '\r') != NULL)
            return true;
    return false;
}

bool product_line_names_delimiter(const struct csv_record *record)
{
    return record->n_fields == 2 && strcasecmp(record->fields[0], "sep=") == 0 &&
           record->fields[1][0] == '\0';
}

/* ---- a line ---------------------------------------------------------------------------------- */

bool product_line_is_blank(const struct csv_record *record)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (!is_blank(record->fields[i]))
            return false;
    return true;
}

/* "" for a column that the file doesn't have. */
static const char *field(
    const struct product_line_header *header, const struct csv_record *record,
    enum product_line_column column)
{
    size_t place = header->places[column];
    return place > 0 ? record->fields[place - 1] : "";
}

/* Without the blanks around it. */
static const char *trim(struct base_arena *arena, const char *text)
{
    text += strspn(text, BLANKS);
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    return base_arena_copy(arena, text, length);
}

/* False: neither yes nor no. */
static bool read_yes_or_no(const char *text, bool *is_yes)
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

void product_line_append_sku(struct base_buffer *problem, const char *sku)
{
    base_buffer_append_text(problem, " (sku ");
    append_quoted(problem, sku, strlen(sku));
    base_buffer_append_char(problem, ')');
}

/* What is wrong with the line as a whole; NULL: nothing. */
static const char *find_misshape(
    const struct product_line_header *header, const struct csv_record *record)
{
    if (record->n_fields == header->n_fields)
        return NULL;
    return record->n_fields < header->n_fields ? "it has fewer fields than the header"
                                               : "it has more fields than the header";
}

static const char *read_price(
    const struct product_line_header *header, const char *text, struct product_line *line)
{
    line->has_price = text[0] != '\0';
    if (!line->has_price)
        return NULL;
    return header->has_decimal_prices
               ? price_read_decimal(text, currency_minor_unit(line->currency), &line->price_minor)
               : price_read_minor(text, &line->price_minor);
}

/* False: the field has something else than an integer within the limits. Empty, it changes nothing.
 */
static bool read_number(const char *text, int32_t least, int32_t most, int32_t *number)
{
    int64_t read;
    if (text[0] == '\0')
        return true;
    if (!base_parse_int(text, least, most, &read))
        return false;
    *number = (int32_t)read;
    return true;
}

static bool has_quantity(const struct product_line_header *header, const struct csv_record *record)
{
    for (int column = PRODUCT_LINE_MINIMUM; column <= PRODUCT_LINE_SCALE; column++)
        if (!is_blank(field(header, record, (enum product_line_column)column)))
            return true;
    return false;
}

/* NULL, or what the value of *column must be. Where one of the columns says something, the empty
 * ones say the default. */
static const char *read_quantity(
    const struct product_line_header *header, const struct csv_record *record,
    struct base_arena *arena, struct catalog_quantity *quantity, enum product_line_column *column)
{
    static const char COUNT[] = "an integer from 1 to 1000000, or empty";
    *quantity = catalog_default_quantity;
    *column = PRODUCT_LINE_MINIMUM;
    if (!read_number(
            trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
            &quantity->minimum))
        return COUNT;
    *column = PRODUCT_LINE_MULTIPLE_OF;
    if (!read_number(
            trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
            &quantity->multiple_of))
        return COUNT;
    *column = PRODUCT_LINE_SCALE;
    if (!read_number(
            trim(arena, field(header, record, *column)), 0, CATALOG_SCALE_MAX, &quantity->scale))
        return "an integer from 0 to 6, or empty";
    *column = PRODUCT_LINE_UNIT;
    const char *unit = codec_normalise(arena, field(header, record, *column), CATALOG_UNIT_MAX);
    if (unit[0] != '\0' && !codec_is_label(unit, CATALOG_UNIT_MAX))
        return "1 to 16 characters, none of them a control character, or empty";
    quantity->unit = unit[0] != '\0' ? unit : NULL;
    *column = PRODUCT_LINE_MAXIMUM;
    if (!read_number(
            trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
            &quantity->maximum))
        return COUNT;
    if (!catalog_quantity_is_possible(quantity))
        return "at least the first multiple of multiple_of from minimum on (999 where it is empty)";
    if (catalog_quantity_is_same(quantity, &catalog_default_quantity))
        *quantity = (struct catalog_quantity){.maximum = 0};
    return NULL;
}

/* Words with | between them; a | alone: none. NULL, or what the value must be. */
static const char *read_tags(const char *text, struct base_arena *arena, struct product_line *line)
{
    static const char MUST_BE[] =
        "at most 20 words with | between them, each of 1 to 64 letters (A-Z, a-z), digits and "
        ". _ ~ -";
    const char *words[CATALOG_TAGS_MAX];
    size_t n = 0;
    line->has_tags = !is_blank(text);
    for (const char *at = text + strspn(text, TAG_ENDS); *at != '\0'; at += strspn(at, TAG_ENDS)) {
        size_t length = strcspn(at, "|");
        const char *end = at + length;
        while (strchr(BLANKS, end[-1]) != NULL)
            end--;
        if (n == CATALOG_TAGS_MAX)
            return MUST_BE;
        words[n] = base_arena_copy(arena, at, (size_t)(end - at));
        if (!codec_is_tag(words[n++]))
            return MUST_BE;
        at += length;
    }
    line->tags = codec_make_tags(arena, words, n);
    return NULL;
}

/* NULL, or what the value of *column must be. */
static const char *read_columns(
    const struct product_line_header *header, const struct csv_record *record,
    struct base_arena *arena, struct product_line *line, enum product_line_column *column)
{
    *column = PRODUCT_LINE_SKU;
    line->sku = codec_normalise(arena, field(header, record, *column), CART_SKU_MAX);
    if (!codec_is_sku(line->sku))
        return "1 to 128 characters of UTF-8, none of them a control character, without . or .. "
               "alone or between slashes";
    *column = PRODUCT_LINE_NAME;
    line->name = codec_normalise(arena, field(header, record, *column), CATALOG_NAME_MAX);
    if (base_utf8_length(line->name, strlen(line->name)) < 0)
        return "text in UTF-8; save the file as \"CSV UTF-8\"";
    if (!codec_is_label(line->name, CATALOG_NAME_MAX))
        return "1 to 200 characters, none of them a control character";
    *column = PRODUCT_LINE_CURRENCY;
    line->currency = trim(arena, field(header, record, *column));
    if (currency_minor_unit(line->currency) == CURRENCY_MINOR_UNIT_NONE)
        return "a currency in use (ISO 4217), such as EUR, or one of CARTD_CURRENCIES";
    *column = PRODUCT_LINE_PRICE;
    const char *must_be = read_price(header, trim(arena, field(header, record, *column)), line);
    if (must_be != NULL)
        return must_be;
    *column = PRODUCT_LINE_ACTIVE;
    const char *active = trim(arena, field(header, record, *column));
    line->has_active = active[0] != '\0';
    if (line->has_active && !read_yes_or_no(active, &line->is_active))
        return "true, false, yes, no, 1, 0, or empty";
    *column = PRODUCT_LINE_TAGS;
    must_be = read_tags(field(header, record, *column), arena, line);
    if (must_be != NULL)
        return must_be;
    line->has_quantity = has_quantity(header, record);
    return line->has_quantity ? read_quantity(header, record, arena, &line->quantity, column)
                              : NULL;
}

bool product_line_read(
    const struct product_line_header *header, const struct csv_record *record,
    struct base_arena *arena, struct product_line *line, struct base_buffer *problem)
{
    const char *misshape = find_misshape(header, record);
    if (misshape != NULL) {
        base_buffer_append_text(problem, misshape);
        if (header->places[PRODUCT_LINE_SKU] <= record->n_fields)
            product_line_append_sku(problem, field(header, record, PRODUCT_LINE_SKU));
        return false;
    }
    struct product_line read = {.sku = ""};
    enum product_line_column column;
    const char *must_be = read_columns(header, record, arena, &read, &column);
    if (must_be != NULL) {
        const char *value = field(header, record, column);
        base_buffer_printf(problem, "%s: it must be %s, not ", columns[column].name, must_be);
        append_quoted(problem, value, strlen(value));
        if (column != PRODUCT_LINE_SKU)
            product_line_append_sku(problem, read.sku);
        return false;
    }
    *line = read;
    return true;
}
