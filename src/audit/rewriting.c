#include "internal.h"

#include <stdlib.h>

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
}

void rewriting_finish(struct rewriting *rewriting)
{
    eventstore_rewriter_destroy(rewriting->rewriter);
    free(rewriting->removing);
    free(rewriting->putting);
}

/* ---- removing rows without a stream ---------------------------------------------------------- */

static int compare_strays(const void *left, const void *right)
{
    const struct strays_row *a = left;
    const struct strays_row *b = right;
    return base_uuid_compare(&a->stream_id, &b->stream_id);
}

void rewriting_ask_removal(
    struct rewriting *rewriting, struct postgres_group *group, struct strays *strays)
{
    struct eventstore_stream streams[STRAYS_PAGE];
    struct projections_change list[STRAYS_PAGE];
    const struct projections_changes changes = {.list = list, .n = strays->n_rows};
    qsort(strays->rows, strays->n_rows, sizeof(strays->rows[0]), compare_strays);
    for (size_t i = 0; i < strays->n_rows; i++) {
        const struct strays_row *stray = &strays->rows[i];
        streams[i] = (struct eventstore_stream){
            .stream_id = stray->stream_id, .expected_version = stray->last_version};
        list[i] = (struct projections_change){
            .ordinal = (int32_t)i + 1,
            .aggregate = strays->table->aggregate,
            .stream_id = stray->stream_id,
            .key = stray->key,
        };
    }
    rewriting->verdicts_at = eventstore_ask_rewrite(
        rewriting->rewriter, group,
        &(struct eventstore_rewrite){
            .streams = streams,
            .n_streams = strays->n_rows,
            .changes = &changes,
            .only_removes = true,
        });
}

int64_t rewriting_count_removed(
    const struct rewriting *rewriting, const struct postgres_group *group, size_t n_rows)
{
    const struct postgres_rows *verdicts = postgres_group_rows(group, rewriting->verdicts_at);
    int64_t n = 0;
    for (size_t i = 0; i < n_rows; i++)
        n += eventstore_was_rewritten(verdicts, (int32_t)i + 1);
    return n;
}
