#include "catalog_difference.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "postgres.h"
#include "projections.h"

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

static void compare(
    const struct catalog_notes *notes, bool replaces, char *const *row,
    struct catalog_difference *difference)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    struct catalog_content content = {0};
    const char *sku = row[COLUMN_SKU];
    bool is_readable = read_content(row, &arena, &content);
    if (!catalog_notes_have(notes, sku)) {
        if (replaces && content.is_active)
            add_missing(difference, row);
        return;
    }
    difference->n_new--;
    difference->n_changed += !is_readable || catalog_notes_differ(notes, sku, &content, replaces);
    difference->n_withdrawn += !content.is_active && !catalog_notes_say_active(notes, sku);
}

/* ---- all of them ----------------------------------------------------------------------------- */

bool catalog_difference_find(
    const struct config *config, const struct catalog_notes *notes, bool replaces,
    enum catalog_scope scope, struct catalog_difference *difference, char **problem)
{
    BASE_CLEANUP(base_free_pointer) char *after = base_copy_text("");
    struct postgres_session *session =
        postgres_session_open(config->texts[CONFIG_DATABASE_URL], problem);
    bool is_good = session != NULL;
    difference->n_new = notes->n_products;
    for (bool is_last = false; is_good && !is_last;) {
        struct postgres_table page = {0};
        const char *const parameters[] = {after, scope == CATALOG_SCOPE_ALL ? "t" : "f"};
        is_good = postgres_session_query(
            session, projections_products_sql(), parameters, BASE_COUNT(parameters), &page,
            problem);
        is_last = page.n_rows == 0;
        for (size_t i = 0; i < page.n_rows; i++)
            compare(notes, replaces, page.cells + i * N_COLUMNS, difference);
        if (!is_last) {
            free(after);
            after = base_copy_text(page.cells[(page.n_rows - 1) * N_COLUMNS + COLUMN_SKU]);
        }
        postgres_table_finish(&page);
    }
    postgres_session_close(session);
    return is_good;
}
