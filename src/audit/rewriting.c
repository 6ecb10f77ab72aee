#include "internal.h"

#include <stdlib.h>

/* ---- the statements -------------------------------------------------------------------------- */

/* A table's rows, and held: for the moment between finding rows without a stream and removing them.
 */
static void compose_locked_rows(struct rewriting *rewriting, struct common *common)
{
    const struct audit_options *options = &common->options;
    rewriting->locked_rows = base_alloc(options->n_tables * sizeof *rewriting->locked_rows);
    rewriting->locked_texts = base_alloc(2 * options->n_tables * sizeof *rewriting->locked_texts);
    for (size_t i = 0; i < options->n_tables; i++) {
        struct base_buffer name = {0};
        struct base_buffer sql = {0};
        base_buffer_printf(&name, "locked_%s", options->tables[i]->rows->name);
        base_buffer_printf(&sql, "%s\nFOR UPDATE", options->tables[i]->rows->sql);
        (void)base_buffer_text(&name); /* for their NULs */
        (void)base_buffer_text(&sql);
        rewriting->locked_texts[2 * i] = name.bytes;
        rewriting->locked_texts[2 * i + 1] = sql.bytes;
        rewriting->locked_rows[i] = *options->tables[i]->rows;
        rewriting->locked_rows[i].name = name.bytes;
        rewriting->locked_rows[i].sql = sql.bytes;
        common_add_statement(common, &rewriting->locked_rows[i]);
    }
}

void rewriting_init(struct rewriting *rewriting, struct common *common)
{
    const struct audit_options *options = &common->options;
    *rewriting = (struct rewriting){
        .removing = base_alloc(options->n_tables * sizeof *rewriting->removing),
        .putting = base_alloc(options->n_tables * sizeof *rewriting->putting),
    };
    for (size_t i = 0; i < options->n_tables; i++) {
        rewriting->removing[i] = options->tables[i]->removing;
        rewriting->putting[i] = options->tables[i]->part;
    }
    rewriting->rewriter =
        eventstore_rewriter_create(rewriting->removing, rewriting->putting, options->n_tables);
    common_add_statements(common, eventstore_rewriter_statements(rewriting->rewriter));
    compose_locked_rows(rewriting, common);
}

void rewriting_finish(struct rewriting *rewriting, const struct common *common)
{
    eventstore_rewriter_destroy(rewriting->rewriter);
    for (size_t i = 0; i < 2 * common->options.n_tables; i++)
        free(rewriting->locked_texts[i]);
    free(rewriting->locked_texts);
    free(rewriting->locked_rows);
    free(rewriting->removing);
    free(rewriting->putting);
}

/* ---- removing rows without a stream ---------------------------------------------------------- */

static void put_key(struct postgres_parameters *to, const struct strays_row *stray)
{
    if (stray->sku == NULL)
        postgres_put_uuid(to, &stray->stream_id);
    else
        postgres_put_text(to, stray->sku);
}

static int compare_strays(const void *left, const void *right)
{
    const struct strays_row *a = left;
    const struct strays_row *b = right;
    return base_uuid_compare(&a->stream_id, &b->stream_id);
}

static void ask_locked_rows(
    const struct rewriting *rewriting, struct postgres_group *group, const struct strays *strays)
{
    const struct audit_options *options = &strays->common->options;
    for (size_t i = 0; i < options->n_tables; i++) {
        struct postgres_parameters *to = postgres_group_add(group, &rewriting->locked_rows[i]);
        bool is_of_them = options->tables[i]->subject == strays->table->subject;
        postgres_begin_array(to);
        for (size_t j = 0; is_of_them && j < strays->n_rows; j++)
            put_key(to, &strays->rows[j]);
    }
}

void rewriting_ask_removal(
    const struct rewriting *rewriting, struct postgres_group *group, struct strays *strays)
{
    struct eventstore_stream streams[STRAYS_PAGE];
    struct projections_cart_change carts[STRAYS_PAGE];
    struct projections_product_change products[STRAYS_PAGE];
    struct projections_changes changes = {.carts = carts, .products = products};
    ask_locked_rows(rewriting, group, strays);
    qsort(strays->rows, strays->n_rows, sizeof(strays->rows[0]), compare_strays);
    for (size_t i = 0; i < strays->n_rows; i++) {
        const struct strays_row *stray = &strays->rows[i];
        int32_t ordinal = (int32_t)i + 1;
        streams[i] = (struct eventstore_stream){
            .stream_id = stray->stream_id, .expected_version = stray->last_version};
        if (strays->table->subject == PROJECTIONS_CARTS)
            carts[changes.n_carts++] =
                (struct projections_cart_change){.ordinal = ordinal, .cart_id = stray->stream_id};
        else
            products[changes.n_products++] =
                (struct projections_product_change){.ordinal = ordinal, .sku = stray->sku};
    }
    eventstore_ask_rewrite(
        rewriting->rewriter, group,
        &(struct eventstore_rewrite){
            .streams = streams,
            .n_streams = strays->n_rows,
            .changes = &changes,
            .only_removes = true,
        });
}

int64_t rewriting_count_removed(const struct postgres_group *group, const struct strays *strays)
{
    const struct postgres_rows *verdicts =
        postgres_group_rows(group, strays->common->options.n_tables);
    int64_t n = 0;
    for (size_t i = 0; i < strays->n_rows; i++)
        n += eventstore_was_rewritten(verdicts, (int32_t)i + 1);
    return n;
}
