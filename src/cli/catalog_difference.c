#include "catalog_difference.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "projections.h"
#include "stored.h"

const struct catalog_missing_product *catalog_difference_missing(
    const struct catalog_difference *difference, size_t i)
{
    return (const struct catalog_missing_product *)(const void *)difference->missing.bytes + i;
}

void catalog_difference_finish(struct catalog_difference *difference)
{
    for (size_t i = 0; i < difference->n_missing; i++)
        free(catalog_difference_missing(difference, i)->sku);
    base_buffer_finish(&difference->missing);
}

/* ---- one product ----------------------------------------------------------------------------- */

/* The columns of projections_products_sql(). */
enum column {
    COLUMN_SKU,
    COLUMN_VERSION,
    COLUMN_IS_ACTIVE,
    COLUMN_NAME,
    COLUMN_PRICES,
    COLUMN_QUANTITY,
    COLUMN_TAGS,
    N_COLUMNS
};

static void add_missing(struct catalog_difference *difference, char *const *row)
{
    struct catalog_missing_product product = {
        .sku = base_copy_text(row[COLUMN_SKU]),
        .version = (int32_t)strtol(row[COLUMN_VERSION], NULL, 10),
    };
    base_buffer_append(&difference->missing, (const char *)&product, sizeof product);
    difference->n_missing++;
}

/* A product that can't be read counts as one that changes. */
static bool read_content(
    char *const *row, struct base_arena *arena, struct catalog_content *content)
{
    content->name = row[COLUMN_NAME];
    content->is_active = row[COLUMN_IS_ACTIVE][0] == 't';
    content->tags = row[COLUMN_TAGS];
    return codec_read_prices(row[COLUMN_PRICES], content) &&
           codec_read_quantity(row[COLUMN_QUANTITY], arena, &content->quantity);
}

struct comparison {
    const struct catalog_notes *notes;
    bool replaces;
    struct catalog_difference *difference;
};

static void compare(void *context, char *const *row)
{
    const struct comparison *comparison = context;
    const struct catalog_notes *notes = comparison->notes;
    struct catalog_difference *difference = comparison->difference;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct catalog_content content = {0};
    const char *sku = row[COLUMN_SKU];
    bool is_readable = read_content(row, &arena, &content);
    if (!catalog_notes_have(notes, sku)) {
        if (comparison->replaces && content.is_active)
            add_missing(difference, row);
        return;
    }
    difference->n_new--;
    difference->n_changed +=
        !is_readable || catalog_notes_differ(notes, sku, &content, comparison->replaces);
    difference->n_withdrawn += !content.is_active && !catalog_notes_say_active(notes, sku);
}

/* ---- all of them ----------------------------------------------------------------------------- */

bool catalog_difference_find(
    const struct config *config, const struct catalog_notes *notes, bool replaces,
    enum catalog_scope scope, struct catalog_difference *difference, char **problem)
{
    struct comparison comparison = {.notes = notes, .replaces = replaces, .difference = difference};
    const struct stored_list products = {
        .url = config->texts[CONFIG_DATABASE_URL],
        .sql = projections_products_sql(),
        .further = scope == CATALOG_SCOPE_ALL ? "t" : "f",
        .n_columns = N_COLUMNS,
        .receive = compare,
        .context = &comparison,
    };
    difference->n_new = notes->n_products;
    return stored_read(&products, problem);
}
