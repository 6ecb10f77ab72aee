#include "internal.h"

#include <assert.h>
#include <stdlib.h>

const struct postgres_statement common_begin_snapshot = {
    .name = "begin_snapshot",
    .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
};
const struct postgres_statement common_begin = {.name = "begin", .sql = "BEGIN"};
const struct postgres_statement common_commit = {.name = "commit", .sql = "COMMIT"};
const struct postgres_statement common_rollback = {.name = "rollback", .sql = "ROLLBACK"};

void common_add_statement(struct common *common, const struct postgres_statement *statement)
{
    assert(common->n_statements < STATEMENTS_MAX);
    common->statements[common->n_statements++] = statement;
}

void common_add_statements(
    struct common *common, const struct postgres_statement *const *statements)
{
    for (size_t i = 0; statements[i] != NULL; i++)
        common_add_statement(common, statements[i]);
}

void common_init(struct common *common, const struct audit_options *options)
{
    *common = (struct common){.options = *options};
    if (common->options.tables == NULL)
        common->options.tables = projections_tables(&common->options.n_tables);
    common_add_statements(common, eventstore_walk_statements);
    common_add_statements(common, eventstore_ranges_statements);
    common_add_statement(common, &common_begin_snapshot);
    common_add_statement(common, &common_begin);
    common_add_statement(common, &common_commit);
    common_add_statement(common, &common_rollback);
    for (size_t i = 0; i < common->options.n_tables; i++) {
        common_add_statement(common, common->options.tables[i]->rows);
        common_add_statement(common, common->options.tables[i]->strays);
    }
}

bool common_connect(struct common *common, const struct common_wanted *wanted, char **problem)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer ready_sql = {0};
    if (wanted->plans_each_time)
        base_buffer_printf(
            &ready_sql,
            "SELECT set_config('plan_cache_mode', 'force_custom_plan', false) <> '' AND (%s)",
            common->options.ready_sql);
    else
        base_buffer_append_text(&ready_sql, common->options.ready_sql);
    common->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = common->options.loop,
            .log = common->options.log,
            .url = common->options.url,
            .history = common->options.history,
            .role = wanted->role,
            .statements = common->statements,
            .ready_sql = base_buffer_text(&ready_sql),
            .not_ready_detail = common->options.not_ready_detail,
            .enter_sql = wanted->enter_sql,
            .answer_timeout_ms = wanted->answer_ms,
            .changed = wanted->changed,
            .context = wanted->context,
        },
        problem);
    return common->connection != NULL;
}

void common_finish(struct common *common)
{
    postgres_connection_destroy(common->connection);
    free(common->trouble);
}

void common_tell(struct common *common, const struct audit_finding *finding)
{
    common->result.n_findings++;
    common->options.found(common->options.context, finding);
}

void common_end(struct common *common, enum audit_end end, const char *trouble)
{
    if (common->result.end != AUDIT_GOES_ON)
        return;
    common->result.end = end;
    if (trouble != NULL)
        common->trouble = base_copy_text(trouble);
    common->result.trouble = common->trouble;
    common->options.ended(common->options.context);
}

const char *common_explain(const struct common *common, enum postgres_outcome outcome)
{
    const char *trouble = postgres_connection_trouble(common->connection);
    const char *failure = postgres_connection_last_failure(common->connection);
    switch (outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
        break;
    case POSTGRES_AGAIN:
        return "PostgreSQL gave a statement up: it took too long, or was cancelled";
    case POSTGRES_VIOLATED:
        return "a constraint of a read table refuses what the log says";
    case POSTGRES_FAILED:
        return failure != NULL ? failure : "PostgreSQL refused a statement";
    case POSTGRES_UNABLE:
        return failure != NULL ? failure : "PostgreSQL can't do it for now";
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        return trouble != NULL ? trouble : "the connection to PostgreSQL was lost";
    }
    return NULL;
}
