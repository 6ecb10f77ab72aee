#include "product_line.h"

#include <string.h>

#include "codec.h"
#include "currency.h"
#include "price.h"

const struct columns product_line_columns = {
    .said = "sku,name,currency,price and, optionally, active, minimum, maximum, multiple_of, unit, "
            "scale and tags",
    .n = PRODUCT_LINE_N_COLUMNS,
    .list =
        {
#define PRODUCT_LINE_ROW(NAME, name, is_needed) {name, is_needed},
            PRODUCT_LINE_COLUMNS(PRODUCT_LINE_ROW)
#undef PRODUCT_LINE_ROW
        },
};

static const char *field(
    const struct product_line_header *header, const struct csv_record *record,
    enum product_line_column column)
{
    return columns_field(&header->columns, record, column);
}

void product_line_append_sku(struct base_buffer *problem, const char *sku)
{
    base_buffer_append_text(problem, " (sku ");
    columns_append_quoted(problem, sku, strlen(sku));
    base_buffer_append_char(problem, ')');
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
        if (!columns_is_blank(field(header, record, (enum product_line_column)column)))
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
            columns_trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
            &quantity->minimum))
        return COUNT;
    *column = PRODUCT_LINE_MULTIPLE_OF;
    if (!read_number(
            columns_trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
            &quantity->multiple_of))
        return COUNT;
    *column = PRODUCT_LINE_SCALE;
    if (!read_number(
            columns_trim(arena, field(header, record, *column)), 0, CATALOG_SCALE_MAX,
            &quantity->scale))
        return "an integer from 0 to 6, or empty";
    *column = PRODUCT_LINE_UNIT;
    const char *unit = codec_normalise(arena, field(header, record, *column), CATALOG_UNIT_MAX);
    if (unit[0] != '\0' && !codec_is_label(unit, CATALOG_UNIT_MAX))
        return "1 to 16 characters, none of them a control character, or empty";
    quantity->unit = unit[0] != '\0' ? unit : NULL;
    *column = PRODUCT_LINE_MAXIMUM;
    if (!read_number(
            columns_trim(arena, field(header, record, *column)), 1, CATALOG_QUANTITY_MAX,
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
    line->has_tags = !columns_is_blank(text);
    for (const char *word; (word = columns_next_word(arena, &text)) != NULL;) {
        if (n == CATALOG_TAGS_MAX || !codec_is_tag(word))
            return MUST_BE;
        words[n++] = word;
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
    line->currency = columns_trim(arena, field(header, record, *column));
    if (currency_minor_unit(line->currency) == CURRENCY_MINOR_UNIT_NONE)
        return "a currency in use (ISO 4217), such as EUR, or one of CARTD_CURRENCIES";
    *column = PRODUCT_LINE_PRICE;
    const char *must_be =
        read_price(header, columns_trim(arena, field(header, record, *column)), line);
    if (must_be != NULL)
        return must_be;
    *column = PRODUCT_LINE_ACTIVE;
    const char *active = columns_trim(arena, field(header, record, *column));
    line->has_active = active[0] != '\0';
    if (line->has_active && !columns_read_yes_or_no(active, &line->is_active))
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
    const char *misshape = columns_find_misshape(&header->columns, record);
    if (misshape != NULL) {
        base_buffer_append_text(problem, misshape);
        if (header->columns.places[PRODUCT_LINE_SKU] <= record->n_fields)
            product_line_append_sku(problem, field(header, record, PRODUCT_LINE_SKU));
        return false;
    }
    struct product_line read = {.sku = ""};
    enum product_line_column column;
    const char *must_be = read_columns(header, record, arena, &read, &column);
    if (must_be != NULL) {
        const char *value = field(header, record, column);
        base_buffer_printf(
            problem, "%s: it must be %s, not ", product_line_columns.list[column].name, must_be);
        columns_append_quoted(problem, value, strlen(value));
        if (column != PRODUCT_LINE_SKU)
            product_line_append_sku(problem, read.sku);
        return false;
    }
    *line = read;
    return true;
}
