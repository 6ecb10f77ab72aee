#include "catalog_notes.h"

#include <string.h>

#include "codec.h"

/* ---- taken ----------------------------------------------------------------------------------- */

void catalog_notes_finish(struct catalog_notes *notes)
{
    seen_finish(&notes->seen);
    base_buffer_finish(&notes->currencies);
}

void catalog_notes_take_header(
    struct catalog_notes *notes, const struct product_line_header *header)
{
    notes->has_tags = header->columns.places[PRODUCT_LINE_TAGS] > 0;
    for (int column = PRODUCT_LINE_MINIMUM; column <= PRODUCT_LINE_SCALE; column++)
        notes->has_quantities |= header->columns.places[column] > 0;
}

static size_t count_currencies(const struct catalog_notes *notes)
{
    return notes->currencies.length / 4;
}

static const char *currency_at(const struct catalog_notes *notes, size_t i)
{
    return notes->currencies.bytes + 4 * i;
}

static void note_currency(struct catalog_notes *notes, const char *currency)
{
    for (size_t i = 0; i < count_currencies(notes); i++)
        if (strcmp(currency_at(notes, i), currency) == 0)
            return;
    base_buffer_append(&notes->currencies, currency, 4);
}

/* "": there is none. */
static void format_price(char text[BASE_INT_SIZE + 1], bool has_price, int64_t price_minor)
{
    text[0] = '\0';
    if (has_price)
        *base_format_int(text, price_minor) = '\0';
}

int64_t catalog_notes_take(
    struct catalog_notes *notes, const struct product_line *line, int64_t line_number,
    const char **what)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quantity = {0};
    char price[BASE_INT_SIZE + 1];
    format_price(price, line->has_price, line->price_minor);
    codec_write_quantity(&quantity, &line->quantity);
    const struct {
        const char *what;
        const char *name; /* in the notes */
        bool is_said;
        const char *value;
    } members[] = {
        {"price", line->currency, true, price},
        {"name", "name", true, line->name},
        {"active", "active", line->has_active, line->is_active ? "1" : "0"},
        {"quantity", "quantity", line->has_quantity, base_buffer_text(&quantity)},
        {"tags", "tags", line->has_tags, line->tags == NULL ? "" : line->tags},
    };
    for (size_t i = 0; i < BASE_COUNT(members); i++) {
        int64_t other = seen_find_other(&notes->seen, line->sku, members[i].name, members[i].value);
        *what = members[i].what;
        if (members[i].is_said && other > 0)
            return other;
    }
    notes->n_products += !catalog_notes_have(notes, line->sku);
    if (line->has_price)
        note_currency(notes, line->currency);
    for (size_t i = 0; i < BASE_COUNT(members); i++)
        if (members[i].is_said)
            seen_note(&notes->seen, line->sku, members[i].name, members[i].value, line_number);
    return 0;
}

/* ---- asked ----------------------------------------------------------------------------------- */

bool catalog_notes_have(const struct catalog_notes *notes, const char *sku)
{
    return seen_has(&notes->seen, sku, "name");
}

bool catalog_notes_say_active(const struct catalog_notes *notes, const char *sku)
{
    return seen_has(&notes->seen, sku, "active");
}

void catalog_notes_complete(const struct catalog_notes *notes, struct product_line *line)
{
    if (!catalog_notes_say_active(notes, line->sku)) {
        line->has_active = true;
        line->is_active = true;
    }
    if (notes->has_quantities && !seen_has(&notes->seen, line->sku, "quantity")) {
        line->has_quantity = true;
        line->quantity = (struct catalog_quantity){.maximum = 0};
    }
    if (notes->has_tags && !seen_has(&notes->seen, line->sku, "tags")) {
        line->has_tags = true;
        line->tags = NULL;
    }
}

static bool has_price(const struct catalog_notes *notes, const char *sku, const char *currency)
{
    return seen_has(&notes->seen, sku, currency) && !seen_says(&notes->seen, sku, currency, "");
}

size_t catalog_notes_list_currencies(
    const struct catalog_notes *notes, const char *sku, char currencies[CATALOG_PRICES_MAX][4])
{
    size_t n = 0;
    for (size_t i = 0; i < count_currencies(notes) && n < CATALOG_PRICES_MAX; i++)
        if (has_price(notes, sku, currency_at(notes, i)))
            memcpy(currencies[n++], currency_at(notes, i), 4);
    return n;
}

/* `implied`: what the file says where no line does; NULL: nothing. */
static bool says_other(
    const struct catalog_notes *notes, const char *sku, const char *what, const char *value,
    const char *implied)
{
    if (seen_has(&notes->seen, sku, what))
        return !seen_says(&notes->seen, sku, what, value);
    return implied != NULL && strcmp(implied, value) != 0;
}

static bool prices_differ(
    const struct catalog_notes *notes, const char *sku, const struct catalog_content *content,
    bool replaces)
{
    int64_t ignored;
    for (size_t i = 0; i < content->n_prices; i++) {
        char text[BASE_INT_SIZE + 1];
        format_price(text, true, content->prices[i].price_minor);
        if (says_other(notes, sku, content->prices[i].currency, text, replaces ? "" : NULL))
            return true;
    }
    for (size_t i = 0; i < count_currencies(notes); i++)
        if (!catalog_find_price(content, currency_at(notes, i), &ignored) &&
            has_price(notes, sku, currency_at(notes, i)))
            return true;
    return false;
}

bool catalog_notes_differ(
    const struct catalog_notes *notes, const char *sku, const struct catalog_content *content,
    bool replaces)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer quantity = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer usual = {0};
    codec_write_quantity(&quantity, &content->quantity);
    codec_write_quantity(&usual, &(struct catalog_quantity){.maximum = 0});
    const char *implied_quantity =
        replaces && notes->has_quantities ? base_buffer_text(&usual) : NULL;
    return says_other(notes, sku, "name", content->name, NULL) ||
           says_other(
               notes, sku, "active", content->is_active ? "1" : "0", replaces ? "1" : NULL) ||
           says_other(notes, sku, "quantity", base_buffer_text(&quantity), implied_quantity) ||
           says_other(
               notes, sku, "tags", content->tags == NULL ? "" : content->tags,
               replaces && notes->has_tags ? "" : NULL) ||
           prices_differ(notes, sku, content, replaces);
}
