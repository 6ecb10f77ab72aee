#include "internal.h"

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

static const struct postgres_statement BEGIN_SNAPSHOT = {
    .name = "begin_snapshot",
    .sql = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
};
static const struct postgres_statement BEGIN = {.name = "begin", .sql = "BEGIN"};
static const struct postgres_statement COMMIT = {.name = "commit", .sql = "COMMIT"};
static const struct postgres_statement ROLLBACK = {.name = "rollback", .sql = "ROLLBACK"};

const struct postgres_statement *const audit_transaction_statements[] = {
    &BEGIN_SNAPSHOT, &BEGIN, &COMMIT, &ROLLBACK, NULL};

/* ---- what is found, and the end -------------------------------------------------------------- */

struct audit_finding audit_about(
    const char *kind, const char *stream_type, const struct base_uuid *stream_id, int32_t version)
{
    return (struct audit_finding){
        .kind = kind, .stream_type = stream_type, .stream_id = *stream_id, .version = version};
}

void audit_report(struct audit *audit, struct audit_finding finding, const char *format, ...)
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
    (void)postgres_pipeline_add(&audit->pipeline, is_snapshot ? &BEGIN_SNAPSHOT : &BEGIN);
}

void audit_ask_commit(struct audit *audit)
{
    if (audit->is_in_transaction)
        (void)postgres_pipeline_add(&audit->pipeline, &COMMIT); /* no parameters */
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
static void rolled_back(struct postgres_pipeline *pipeline)
{
    struct audit *audit = BASE_CONTAINER(pipeline, struct audit, pipeline);
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
    postgres_pipeline_begin(&audit->pipeline);
    audit->pipeline.answered = rolled_back;
    (void)postgres_pipeline_add(&audit->pipeline, &ROLLBACK); /* no parameters */
    postgres_send(audit->connection, &audit->pipeline);
}

/* Why a pipeline was not answered, as a sentence. */
static const char *explain(const struct audit *audit, enum postgres_outcome outcome)
{
    const char *trouble = postgres_connection_trouble(audit->connection);
    const char *failure = postgres_connection_last_failure(audit->connection);
    switch (outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
        break;
    case POSTGRES_AGAIN:
        return "a statement took too long, or was cancelled";
    case POSTGRES_VIOLATED:
        return "a row that the log requires violates a constraint of a read table";
    case POSTGRES_FAILED:
        return failure != NULL ? failure : "a statement failed in PostgreSQL";
    case POSTGRES_UNABLE:
        return failure != NULL ? failure : "PostgreSQL can't do this at the moment";
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        return trouble != NULL ? trouble : "the connection to PostgreSQL was lost";
    }
    return NULL;
}

static bool may_pass(const struct audit *audit, enum postgres_outcome outcome)
{
    bool may_begin_again = audit->job->writes || audit->step == audit->job->begin;
    bool has_time = loop_now_us(audit->options.loop) - audit->answered_at_us <= AUDIT_TIMEOUT_US;
    return may_begin_again && has_time && outcome != POSTGRES_VIOLATED &&
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

static void pipeline_answered(struct postgres_pipeline *pipeline)
{
    struct audit *audit = BASE_CONTAINER(pipeline, struct audit, pipeline);
    if (audit_goes_on(audit, pipeline->outcome))
        audit->answered(audit);
}

struct postgres_pipeline *audit_begin_pipeline(struct audit *audit)
{
    postgres_pipeline_begin(&audit->pipeline);
    audit->pipeline.answered = pipeline_answered;
    return &audit->pipeline;
}

void audit_send_pipeline(struct audit *audit, void (*answered)(struct audit *audit))
{
    audit->answered = answered;
    postgres_send(audit->connection, &audit->pipeline);
}

void audit_pause_is_over(struct loop_timer *timer)
{
    struct audit *audit = BASE_CONTAINER(timer, struct audit, pause);
    if (!postgres_connection_is_ready(audit->connection))
        failed(audit, POSTGRES_UNAVAILABLE);
    else
        audit->step(audit);
}
