#include "internal.h"

#include <assert.h>
#include <stdlib.h>

void postgres_group_forget_rows(struct postgres_group *group)
{
    for (size_t i = 0; i < group->n_statements; i++) {
        postgres_rows_free(group->entries[i].rows);
        group->entries[i].rows = NULL;
    }
}

void postgres_group_begin(struct postgres_group *group)
{
    assert(!group->is_under_way);
    postgres_group_forget_rows(group);
    group->n_statements = 0;
    group->n_received = 0;
    group->was_sent = false;
    group->is_retried = false;
    group->is_decided = false;
}

void postgres_group_finish(struct postgres_group *group)
{
    postgres_group_begin(group);
    for (size_t i = 0; i < POSTGRES_GROUP_STATEMENTS_MAX; i++) {
        struct postgres_parameters *parameters = group->entries[i].parameters;
        if (parameters != NULL) {
            postgres_parameters_finish(parameters);
            free(parameters);
            group->entries[i].parameters = NULL;
        }
    }
}

struct postgres_parameters *postgres_group_add(
    struct postgres_group *group, const struct postgres_statement *statement)
{
    assert(!group->is_under_way);
    assert(group->n_statements < POSTGRES_GROUP_STATEMENTS_MAX);
    size_t i = group->n_statements++;
    if (group->entries[i].parameters == NULL)
        group->entries[i].parameters = base_alloc(sizeof *group->entries[i].parameters);
    group->entries[i].statement = statement;
    postgres_parameters_begin(group->entries[i].parameters, statement);
    return group->entries[i].parameters;
}

const struct postgres_rows *postgres_group_rows(const struct postgres_group *group, size_t i)
{
    assert(i < group->n_statements);
    assert(group->entries[i].rows != NULL);
    return group->entries[i].rows;
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
