#include "product_line.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalog.h"
#include "codec.h"

static const struct {
    const char *name;
    bool is_needed;
} columns[] = {
#define PRODUCT_LINE_ROW(NAME, name, is_needed) {name, is_needed},
    PRODUCT_LINE_COLUMNS(PRODUCT_LINE_ROW)
#undef PRODUCT_LINE_ROW
};

static bool refuse_header(char **problem, const char *what, const char *name)
{
    struct base_buffer text = {0};
    base_buffer_append_text(&text, what);
    base_buffer_append_char(&text, ' ');
    /* Quoted like JSON, as a file of another kind may have anything on its first line. */
    base_buffer_append_json_text(&text, name);
    base_buffer_append_text(
        &text, "; the first line names the columns: sku,name,currency,price and, optionally, "
               "active");
    *problem = base_copy_text(base_buffer_text(&text));
    base_buffer_finish(&text);
    return false;
}

bool product_line_read_header(
    const struct csv_record *record, struct product_line_header *header, char **problem)
{
    struct product_line_header found = {.n_fields = record->n_fields};
    for (size_t i = 0; i < record->n_fields; i++) {
        size_t column = 0;
        while (column < PRODUCT_LINE_N_COLUMNS &&
               strcmp(record->fields[i], columns[column].name) != 0)
            column += 1;
        if (column == PRODUCT_LINE_N_COLUMNS)
            return refuse_header(problem, "unknown column", record->fields[i]);
        if (found.places[column] > 0)
            return refuse_header(problem, "duplicate column", record->fields[i]);
        found.places[column] = i + 1;
    }
    for (size_t column = 0; column < PRODUCT_LINE_N_COLUMNS; column++)
        if (columns[column].is_needed && found.places[column] == 0)
            return refuse_header(problem, "missing column", columns[column].name);
    *header = found;
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

const char *product_line_read(
    const struct product_line_header *header, const struct csv_record *record,
    struct base_arena *arena, struct product_line *line)
{
    if (record->n_fields != header->n_fields) {
        return record->n_fields < header->n_fields ? "it has fewer fields than the header"
                                                   : "it has more fields than the header";
    }
    struct product_line read = {
        .sku = codec_normalise(arena, field(header, record, PRODUCT_LINE_SKU), CART_SKU_MAX),
        .name = codec_normalise(arena, field(header, record, PRODUCT_LINE_NAME), CATALOG_NAME_MAX),
        .currency = field(header, record, PRODUCT_LINE_CURRENCY),
    };
    if (!codec_is_sku(read.sku))
        return "sku: 1 to 128 characters of UTF-8, none of them a control character, and not . or "
               ".. alone or between slashes";
    if (!codec_is_label(read.name, CATALOG_NAME_MAX))
        return "name: 1 to 200 characters of UTF-8, none of them a control character";
    if (!codec_is_currency(read.currency))
        return "currency: three upper-case letters (ISO 4217)";
    const char *price = field(header, record, PRODUCT_LINE_PRICE);
    if (!base_parse_int(price, 0, CATALOG_PRICE_MAX, &read.price_minor))
        return "price: an integer in the currency's minor unit (499 is 4.99 EUR), 0 to 2^53-1";
    const char *active = field(header, record, PRODUCT_LINE_ACTIVE);
    read.has_active = active[0] != '\0';
    if (read.has_active && !read_yes_or_no(active, &read.is_active))
        return "active: true, false, yes, no, 1, 0, or empty";
    *line = read;
    return NULL;
}
