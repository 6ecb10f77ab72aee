#include "catalog_missing.h"

#include <stdlib.h>

#include "postgres.h"
#include "projections.h"
#include "subcommand.h"

const struct catalog_missing_product *catalog_missing_at(
    const struct catalog_missing *missing, size_t i)
{
    return (const struct catalog_missing_product *)(const void *)missing->bytes.bytes + i;
}

void catalog_missing_finish(struct catalog_missing *missing)
{
    for (size_t i = 0; i < missing->n; i++)
        free(catalog_missing_at(missing, i)->sku);
    base_buffer_finish(&missing->bytes);
}

/* The rows are sku and version. */
static void add_missing(
    const struct postgres_table *page, const struct catalog_notes *notes,
    struct catalog_missing *missing)
{
    for (size_t row = 0; row < page->n_rows; row++) {
        const char *sku = page->cells[2 * row];
        if (seen_has(&notes->seen, sku, "name"))
            continue;
        struct catalog_missing_product product = {
            .sku = base_copy_text(sku),
            .version = (int32_t)strtol(page->cells[2 * row + 1], NULL, 10),
        };
        base_buffer_append(&missing->bytes, (const char *)&product, sizeof product);
        missing->n++;
    }
}

bool catalog_missing_find(
    const struct config *config, const struct catalog_notes *notes, struct catalog_missing *missing)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    BASE_CLEANUP(base_free_pointer) char *after = base_copy_text("");
    struct postgres_session *session =
        postgres_session_open(config->texts[CONFIG_DATABASE_URL], &problem);
    bool is_good = session != NULL;
    for (bool is_last = false; is_good && !is_last;) {
        struct postgres_table page = {0};
        const char *const parameters[] = {after};
        is_good = postgres_session_query(
            session, projections_active_products_sql(), parameters, 1, &page, &problem);
        is_last = page.n_rows == 0;
        if (is_good && !is_last) {
            add_missing(&page, notes, missing);
            free(after);
            after = base_copy_text(page.cells[2 * (page.n_rows - 1)]);
        }
        postgres_table_finish(&page);
    }
    postgres_session_close(session);
    if (!is_good)
        cli_complain("%s; nothing was imported", problem);
    return is_good;
}
