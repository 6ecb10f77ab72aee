#include "append.h"
#include "columns.h"

#include <stdlib.h>

/*
 * The head of the log is locked by the first statement, as for an append, so nobody appends until
 * the pipeline's end, which is near; a stream that moved on before that is refused. Both statements
 * behind the lock come to the same verdict.
 */
#define JUDGE                                                                                      \
    "WITH wanted AS MATERIALIZED (\n"                                                              \
    "    SELECT w.stream_id, w.expected_version, w.ordinal\n"                                      \
    "    FROM unnest($1, $2) WITH ORDINALITY AS w (stream_id, expected_version, ordinal)\n"        \
    "),\n"                                                                                         \
    "verdict AS MATERIALIZED (\n"                                                                  \
    "    SELECT " STREAMS_ARE_AT("wanted") " AS flags\n"                                           \
                                           ")"
/* Whoever rewrites says all times, so there is no moment of recording. */
#define NO_MOMENT                                                                                  \
    ",\n"                                                                                          \
    "head AS (\n"                                                                                  \
    "    SELECT NULL::timestamptz AS recorded_at\n"                                                \
    ")"
#define TELL_VERDICT                                                                               \
    "\nSELECT v.flags\n"                                                                           \
    "FROM verdict v"

static const enum postgres_type TYPES[] = {POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY};

struct eventstore_rewriter {
    const struct eventstore_clause *const *removing;
    const struct eventstore_clause *const *putting;
    size_t n_tables;
    struct postgres_statement remove;
    struct postgres_statement put;
    const struct postgres_statement *statements[3];
};

struct eventstore_rewriter *eventstore_rewriter_create(
    const struct eventstore_clause *const *removing, const struct eventstore_clause *const *putting,
    size_t n_tables)
{
    static const struct append_text REMOVE = {
        .name = "remove_rows",
        .begin = JUDGE,
        .types = TYPES,
        .n_types = BASE_COUNT(TYPES),
        .end = TELL_VERDICT,
    };
    static const struct append_text PUT = {
        .name = "put_rows",
        .begin = JUDGE NO_MOMENT,
        .types = TYPES,
        .n_types = BASE_COUNT(TYPES),
        .end = TELL_VERDICT,
    };
    struct eventstore_rewriter *rewriter = base_alloc(sizeof *rewriter);
    rewriter->removing = removing;
    rewriter->putting = putting;
    rewriter->n_tables = n_tables;
    append_compose(&REMOVE, removing, n_tables, &rewriter->remove);
    append_compose(&PUT, putting, n_tables, &rewriter->put);
    rewriter->statements[0] = &rewriter->remove;
    rewriter->statements[1] = &rewriter->put;
    return rewriter;
}

void eventstore_rewriter_destroy(struct eventstore_rewriter *rewriter)
{
    if (rewriter == NULL)
        return;
    append_finish(&rewriter->remove);
    append_finish(&rewriter->put);
    free(rewriter);
}

const struct postgres_statement *const *eventstore_rewriter_statements(
    const struct eventstore_rewriter *rewriter)
{
    return rewriter->statements;
}

static void ask_for_tables(
    struct postgres_pipeline *pipeline, const struct postgres_statement *statement,
    const struct eventstore_clause *const *clauses, size_t n_clauses,
    const struct eventstore_rewrite *rewrite)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, statement);
    POSTGRES_PUT_COLUMN(to, rewrite->streams, rewrite->n_streams, stream_id);
    POSTGRES_PUT_COLUMN(to, rewrite->streams, rewrite->n_streams, expected_version);
    for (size_t i = 0; i < n_clauses; i++)
        clauses[i]->put(to, rewrite->changes);
}

size_t eventstore_ask_rewrite(
    const struct eventstore_rewriter *rewriter, struct postgres_pipeline *pipeline,
    const struct eventstore_rewrite *rewrite)
{
    eventstore_ask_lock(pipeline);
    size_t verdict_at = pipeline->n_statements;
    ask_for_tables(pipeline, &rewriter->remove, rewriter->removing, rewriter->n_tables, rewrite);
    if (!rewrite->only_removes)
        ask_for_tables(pipeline, &rewriter->put, rewriter->putting, rewriter->n_tables, rewrite);
    return verdict_at;
}

bool eventstore_was_rewritten(const struct postgres_rows *rows, int32_t ordinal)
{
    return postgres_get_bools_at(rows, 0, 0, (size_t)ordinal - 1);
}
