#include "internal.h"

#include <assert.h>
#include <stdlib.h>

void postgres_pipeline_forget_rows(struct postgres_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n_statements; i++) {
        postgres_rows_free(pipeline->entries[i].rows);
        pipeline->entries[i].rows = NULL;
    }
}

void postgres_pipeline_begin(struct postgres_pipeline *pipeline)
{
    assert(!pipeline->is_under_way);
    postgres_pipeline_forget_rows(pipeline);
    pipeline->n_statements = 0;
    pipeline->n_received = 0;
    pipeline->was_sent = false;
    pipeline->is_retried = false;
    pipeline->is_decided = false;
}

void postgres_pipeline_finish(struct postgres_pipeline *pipeline)
{
    postgres_pipeline_begin(pipeline);
    for (size_t i = 0; i < POSTGRES_PIPELINE_STATEMENTS_MAX; i++) {
        struct postgres_parameters *parameters = pipeline->entries[i].parameters;
        if (parameters != NULL) {
            postgres_parameters_finish(parameters);
            free(parameters);
            pipeline->entries[i].parameters = NULL;
        }
    }
}

struct postgres_parameters *postgres_pipeline_add(
    struct postgres_pipeline *pipeline, const struct postgres_statement *statement)
{
    assert(!pipeline->is_under_way);
    assert(pipeline->n_statements < POSTGRES_PIPELINE_STATEMENTS_MAX);
    size_t i = pipeline->n_statements++;
    if (pipeline->entries[i].parameters == NULL)
        pipeline->entries[i].parameters = base_alloc(sizeof *pipeline->entries[i].parameters);
    pipeline->entries[i].statement = statement;
    postgres_parameters_begin(pipeline->entries[i].parameters, statement);
    return pipeline->entries[i].parameters;
}

const struct postgres_rows *postgres_pipeline_rows(
    const struct postgres_pipeline *pipeline, size_t i)
{
    assert(i < pipeline->n_statements);
    assert(pipeline->entries[i].rows != NULL);
    return pipeline->entries[i].rows;
}

/* ---- outcomes -------------------------------------------------------------------------------- */

enum base_failure postgres_failure(enum postgres_outcome outcome)
{
    switch (outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
        return BASE_NO_FAILURE;
    case POSTGRES_AGAIN:
        return BASE_TOO_SLOW;
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
        return BASE_UNAVAILABLE;
    case POSTGRES_UNKNOWN:
        return BASE_UNKNOWN;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        break;
    }
    return BASE_BROKEN;
}

bool postgres_should_retry(enum postgres_outcome outcome)
{
    return outcome == POSTGRES_AGAIN || outcome == POSTGRES_UNAVAILABLE ||
           outcome == POSTGRES_UNKNOWN;
}
