#include "internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/*
 *   begin ──▶ the walk ──▶ walked … ──▶ the end
 *     ▲           │ a step that fails is begun again after a pause,
 *     └───────────┘ or the job is, or it is the end
 *
 * A job is a chain of steps, of which one is under way at a time. A verify reads one snapshot, so a
 * step that fails once it has begun is its end. A rebuild begins the step again: what was read is
 * a guess anyway. A sample begins anew.
 */

#define PAUSE_US 200000               /* before what failed is tried again */
#define PATIENCE_US INT64_C(60000000) /* without any answer: a failover takes half of it */

static const struct postgres_statement BEGIN_SNAPSHOT = {
    .name = "begin_snapshot",
    .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
};
static const struct postgres_statement BEGIN = {.name = "begin", .sql = "BEGIN"};
static const struct postgres_statement COMMIT = {.name = "commit", .sql = "COMMIT"};
static const struct postgres_statement ROLLBACK = {.name = "rollback", .sql = "ROLLBACK"};

/* ---- what is found, and the end -------------------------------------------------------------- */

void audit_tell(struct audit *audit, struct audit_finding finding, const char *format, ...)
{
    BASE_CLEANUP(base_free_pointer) char *sentence = NULL;
    va_list values;
    va_start(values, format);
    int length = vasprintf(&sentence, format, values);
    va_end(values);
    finding.sentence = length < 0 ? format : sentence;
    audit->result.n_findings++;
    audit->options.found(audit->options.context, &finding);
}

void audit_end(struct audit *audit, enum audit_end end, const char *trouble)
{
    if (audit->result.end != AUDIT_GOES_ON)
        return;
    loop_stop_timer(audit->options.loop, &audit->pause);
    audit->result.end = end;
    audit->trouble = trouble == NULL ? NULL : base_copy_text(trouble);
    audit->result.trouble = audit->trouble;
    audit->options.ended(audit->options.context);
}

/* ---- steps ----------------------------------------------------------------------------------- */

void audit_ask_transaction(struct audit *audit, bool is_snapshot)
{
    audit->is_in_transaction = true;
    (void)postgres_group_add(&audit->group, is_snapshot ? &BEGIN_SNAPSHOT : &BEGIN);
}

void audit_ask_commit(struct audit *audit)
{
    if (audit->is_in_transaction)
        (void)postgres_group_add(&audit->group, &COMMIT); /* no parameters */
}

void audit_go(struct audit *audit, void (*step)(struct audit *audit))
{
    audit->step = step;
    if (audit->is_stopping)
        audit_end(audit, AUDIT_INTERRUPTED, NULL);
    else
        step(audit);
}

/* ---- what failed ----------------------------------------------------------------------------- */

/* Without a connection there is no transaction either. */
static void rolled_back(struct postgres_group *group)
{
    struct audit *audit = BASE_CONTAINER(group, struct audit, group);
    if (audit->result.end == AUDIT_GOES_ON)
        loop_start_timer(audit->options.loop, &audit->pause, audit->pause_us);
}

void audit_pause(struct audit *audit)
{
    if (!audit->is_in_transaction) {
        loop_start_timer(audit->options.loop, &audit->pause, audit->pause_us);
        return;
    }
    audit->is_in_transaction = false;
    postgres_group_begin(&audit->group);
    audit->group.answered = rolled_back;
    (void)postgres_group_add(&audit->group, &ROLLBACK); /* no parameters */
    postgres_send(audit->connection, &audit->group);
}

/* Why a group was not answered, as a sentence. */
static const char *explain(const struct audit *audit, enum postgres_outcome outcome)
{
    const char *trouble = postgres_connection_trouble(audit->connection);
    const char *failure = postgres_connection_last_failure(audit->connection);
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

static bool may_pass(const struct audit *audit, enum postgres_outcome outcome)
{
    bool may_begin_again = audit->job->writes || audit->step == audit->job->begin;
    bool is_patient = loop_now_us(audit->options.loop) - audit->answered_at_us <= PATIENCE_US;
    return may_begin_again && is_patient && outcome != POSTGRES_VIOLATED &&
           outcome != POSTGRES_FAILED;
}

static void failed(struct audit *audit, enum postgres_outcome outcome)
{
    if (audit->job->is_endless)
        audit->step = audit->job->begin;
    if (audit->job->is_endless || may_pass(audit, outcome))
        audit_pause(audit);
    else
        audit_end(audit, AUDIT_IN_TROUBLE, explain(audit, outcome));
}

bool audit_goes_on(struct audit *audit, enum postgres_outcome outcome)
{
    if (audit->result.end != AUDIT_GOES_ON)
        return false;
    /* What a standby may lack of a rebuild is written anew by the next one. */
    if (outcome != POSTGRES_DONE && outcome != POSTGRES_UNACKNOWLEDGED) {
        failed(audit, outcome);
        return false;
    }
    audit->answered_at_us = loop_now_us(audit->options.loop);
    if (audit->is_stopping && !audit->job->writes)
        audit_end(audit, AUDIT_INTERRUPTED, NULL);
    return audit->result.end == AUDIT_GOES_ON;
}

static void group_answered(struct postgres_group *group)
{
    struct audit *audit = BASE_CONTAINER(group, struct audit, group);
    if (audit_goes_on(audit, group->outcome))
        audit->answered(audit);
}

struct postgres_group *audit_begin_group(struct audit *audit)
{
    postgres_group_begin(&audit->group);
    audit->group.answered = group_answered;
    return &audit->group;
}

void audit_send_group(struct audit *audit, void (*answered)(struct audit *audit))
{
    audit->answered = answered;
    postgres_send(audit->connection, &audit->group);
}

static void pause_is_over(struct loop_timer *timer)
{
    struct audit *audit = BASE_CONTAINER(timer, struct audit, pause);
    if (!postgres_connection_is_ready(audit->connection))
        failed(audit, POSTGRES_UNAVAILABLE);
    else
        audit->step(audit);
}

static void connection_changed(struct postgres_connection *connection, void *context)
{
    struct audit *audit = context;
    if (postgres_connection_is_ready(connection) && audit->pause.place > 0 &&
        !audit->job->is_endless)
        loop_start_timer(audit->options.loop, &audit->pause, 0);
}

/* ---- the audit as a whole -------------------------------------------------------------------- */

void audit_add_statements(struct audit *audit, const struct postgres_statement *const *statements)
{
    for (size_t i = 0; statements[i] != NULL; i++) {
        assert(audit->n_statements < STATEMENTS_MAX);
        audit->statements[audit->n_statements++] = statements[i];
    }
}

static void add_usual_statements(struct audit *audit)
{
    static const struct postgres_statement *const transactions[] = {
        &BEGIN_SNAPSHOT, &BEGIN, &COMMIT, &ROLLBACK, NULL};
    audit_add_statements(audit, transactions);
    audit_add_statements(audit, eventstore_walk_statements);
    audit_add_statements(audit, eventstore_ranges_statements);
    for (size_t i = 0; i < audit->options.n_tables; i++) {
        const struct projections_table *table = audit->options.tables[i];
        audit_add_statements(
            audit, (const struct postgres_statement *[]){table->rows, table->strays, NULL});
    }
}

/* Statements that write are planned for what is there each time: tables that begin empty grow
 * meanwhile, and a plan for an empty cart_items read all of it for every few carts. */
#define PLAN_EACH_TIME "set_config('plan_cache_mode', 'force_custom_plan', false) <> ''"

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
    audit->pause.fired = pause_is_over;
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
    audit->answered_at_us = loop_now_us(options->loop) + options->wait_ms * 1000 - PATIENCE_US;
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
    postgres_group_finish(&audit->group);
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
