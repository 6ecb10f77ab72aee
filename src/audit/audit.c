#include "internal.h"

#include <assert.h>
#include <stdlib.h>

#define PAUSE_US 200000 /* before what failed is tried again */

/* ---- statements ------------------------------------------------------------------------------ */

void audit_add_statements(struct audit *audit, const struct postgres_statement *const *statements)
{
    for (size_t i = 0; statements[i] != NULL; i++) {
        assert(audit->n_statements < STATEMENTS_MAX);
        audit->statements[audit->n_statements++] = statements[i];
    }
}

static void add_usual_statements(struct audit *audit)
{
    audit_add_statements(audit, audit_transaction_statements);
    audit_add_statements(audit, eventstore_walk_statements);
    audit_add_statements(audit, eventstore_ranges_statements);
    for (size_t i = 0; i < audit->options.n_tables; i++) {
        const struct projections_table *table = audit->options.tables[i];
        audit_add_statements(
            audit, (const struct postgres_statement *[]){table->rows, table->orphans, NULL});
    }
}

/* Statements that write are planned for what is there each time: tables that begin empty grow
 * meanwhile, and a plan for an empty cart_items read all of it for every few carts. */
#define PLAN_EACH_TIME "set_config('plan_cache_mode', 'force_custom_plan', false) <> ''"

static void connection_changed(struct postgres_connection *connection, void *context)
{
    struct audit *audit = context;
    if (postgres_connection_is_ready(connection) && audit->pause.heap_index > 0 &&
        !audit->job->is_endless)
        loop_start_timer(audit->options.loop, &audit->pause, 0);
}

static bool connect(struct audit *audit, char **problem)
{
    const struct audit_options *options = &audit->options;
    const struct job *job = audit->job;
    const struct base_uuid nobody = {0}; /* it reads nothing from memory */
    BASE_CLEANUP(base_free_pointer)
    char *enter_sql = job->writes ? eventstore_make_enter_sql(&nobody) : NULL;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer ready_sql = {0};
    if (job->writes)
        base_buffer_printf(&ready_sql, "SELECT " PLAN_EACH_TIME " AND (%s)", options->ready_sql);
    else
        base_buffer_append_text(&ready_sql, options->ready_sql);
    audit->connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = options->loop,
            .log = options->log,
            .url = options->url,
            .history = options->history,
            .role = job->role,
            .statements = audit->statements,
            .ready_sql = base_buffer_text(&ready_sql),
            .not_ready_detail = options->not_ready_detail,
            .enter_sql = enter_sql,
            .answer_timeout_ms = job->answer_ms > 0 ? job->answer_ms : options->wait_ms,
            .changed = connection_changed,
            .context = audit,
        },
        problem);
    return audit->connection != NULL;
}

struct audit *audit_create(
    const struct audit_options *options, const struct audit_wanted *wanted, char **problem)
{
    static const struct job *const jobs[] = {
        [AUDIT_VERIFY] = &job_verify,
        [AUDIT_REBUILD] = &job_rebuild,
        [AUDIT_SAMPLE] = &job_sample,
    };
    struct audit *audit = base_alloc(sizeof *audit);
    audit->job = jobs[wanted->kind];
    audit->options = *options;
    audit->wanted = *wanted;
    if (options->tables == NULL)
        audit->options.tables = projections_tables(&audit->options.n_tables);
    audit->step = audit->job->begin;
    audit->pause.fired = audit_pause_is_over;
    audit->pause_us = audit->job->is_endless ? wanted->every_ms * 1000 : PAUSE_US;
    walk_init(&audit->walk, audit);
    add_usual_statements(audit);
    if (audit->job->init != NULL)
        audit->job->init(audit);
    if (!connect(audit, problem)) {
        audit_destroy(audit);
        return NULL;
    }
    /* A database that was never reached is not waited for as long as one that was lost. */
    audit->answered_at_us = loop_now_us(options->loop) + options->wait_ms * 1000 - AUDIT_TIMEOUT_US;
    loop_start_timer(options->loop, &audit->pause, audit->pause_us);
    return audit;
}

void audit_destroy(struct audit *audit)
{
    if (audit == NULL)
        return;
    if (audit->result.end == AUDIT_GOES_ON)
        audit->result.end = AUDIT_INTERRUPTED; /* what is answered now changes nothing */
    loop_stop_timer(audit->options.loop, &audit->pause);
    postgres_connection_destroy(audit->connection);
    walk_finish(&audit->walk);
    orphans_finish(&audit->orphans);
    postgres_pipeline_finish(&audit->pipeline);
    eventstore_rewriter_destroy(audit->rebuild.rewriter);
    free(audit->rebuild.removing);
    free(audit->rebuild.putting);
    free(audit->trouble);
    free(audit);
}

void audit_stop(struct audit *audit)
{
    audit->is_stopping = true;
    if (audit->step == audit->job->begin)
        audit_end(audit, AUDIT_INTERRUPTED, NULL);
}

const struct audit_result *audit_result(const struct audit *audit)
{
    return &audit->result;
}
