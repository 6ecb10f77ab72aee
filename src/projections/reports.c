#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "tables.h"

/*
 * A report is two questions: which range of the log it is about, then the report itself. They
 * need no common transaction, since what a table says up to a position never changes. Reports go
 * one at a time, on a connection where nobody else waits: each may read a whole table.
 */
#define REPORTS_MAX 17 /* unanswered: one under way, the others wait */

static const struct report_table *const kinds[] = {
#define REPORTS_ROW(NAME, name) &name##_report,
    PROJECTIONS_REPORTS(REPORTS_ROW)
#undef REPORTS_ROW
};

/* The row after which a page begins, and the moment that its first page was about. */
struct projections_report_work {
    struct base_arena arena;
    struct report_key after;
    int64_t position; /* 0: this is the first page */
    struct report_moment moment;
};

struct reports {
    struct projections_options options;
    struct postgres_connection *connection;
    struct postgres_pipeline pipeline;
    const struct postgres_statement *statements[PROJECTIONS_N_REPORTS + 3];
    struct queue queue;
    struct projections_report *report; /* the one under way */
};

/* ---- the statements -------------------------------------------------------------------------- */

/*
 * Positions are dense and times don't decrease, so the last event of a moment is found by
 * halving. The events of one append have one time; where the projection has come to the middle of
 * them, its report is about the moment before, of which it knows everything.
 */
static const struct postgres_statement MOMENT = {
    .name = "report_moment",
    .rows = POSTGRES_ONE_ROW,
    .sql =
        "WITH RECURSIVE known AS (\n"
        "    SELECT least(c.position, $3) AS position\n"
        "    FROM projection_checkpoints c\n"
        "    WHERE c.name = $1\n"
        "),\n"
        "whole AS (\n"
        "    SELECT CASE WHEN n.recorded_at = l.recorded_at\n"
        "        THEN l.recorded_at - '1 microsecond'::interval ELSE l.recorded_at END AS moment\n"
        "    FROM known k\n"
        "    JOIN events l ON l.position = k.position\n"
        "    LEFT JOIN events n ON n.position = k.position + 1\n"
        "),\n"
        "moments (number, moment) AS (\n"
        "    VALUES (1, least($2, coalesce((SELECT w.moment FROM whole w), '-infinity'))),\n"
        "        (2, $4 - '1 microsecond'::interval),\n"
        "        (3, $5 - '1 microsecond'::interval)\n"
        "),\n"
        "search (number, moment, low, high) AS (\n"
        "    SELECT m.number, m.moment, 0::bigint, h.position\n"
        "    FROM moments m\n"
        "    CROSS JOIN log_head h\n"
        "    WHERE m.moment IS NOT NULL\n"
        "    UNION ALL\n"
        "    SELECT s.number, s.moment,\n"
        "        CASE WHEN e.recorded_at <= s.moment THEN e.position ELSE s.low END,\n"
        "        CASE WHEN e.recorded_at <= s.moment THEN s.high ELSE e.position - 1 END\n"
        "    FROM search s\n"
        "    JOIN events e ON e.position = (s.low + s.high + 1) / 2\n"
        "    WHERE s.low < s.high\n"
        "),\n"
        "found AS (\n"
        "    SELECT coalesce(max(low) FILTER (WHERE number = 1), 0) AS as_of,\n"
        "        coalesce(max(low) FILTER (WHERE number = 2), 0) AS period_after,\n"
        "        max(low) FILTER (WHERE number = 3) AS period_until\n"
        "    FROM search\n"
        "    WHERE low = high\n"
        ")\n"
        "SELECT f.as_of, e.recorded_at, f.period_after, coalesce(f.period_until, f.as_of)\n"
        "FROM found f\n"
        "LEFT JOIN events e ON e.position = f.as_of",
    POSTGRES_TYPES(
        POSTGRES_TEXT, POSTGRES_TIMESTAMPTZ, POSTGRES_INT8, POSTGRES_TIMESTAMPTZ,
        POSTGRES_TIMESTAMPTZ),
};

/* A report may be about a hundred events or about all of them, and is planned for those: perhaps a
 * whole table is read in the order in which it lies, by several. */
static const struct postgres_statement PLAN_EACH = {
    .name = "report_plan_each",
    .rows = POSTGRES_ONE_ROW,
    .sql = "SELECT set_config('enable_seqscan', 'on', true),\n"
           "    set_config('plan_cache_mode', 'force_custom_plan', true)",
};

/* ---- cursors --------------------------------------------------------------------------------- */

struct report_cursor {
    uint64_t position;
    uint64_t number;
    char sku[CART_SKU_SIZE];
};
#define CURSOR_HEAD offsetof(struct report_cursor, sku)

/* What a page was asked for is what the next one is asked for: a number each. */
enum { FILTER_SIZE = 21 };
struct filters {
    char within_days[FILTER_SIZE];
    char from[FILTER_SIZE];
    char to[FILTER_SIZE];
};

static void write_time_filter(char out[static FILTER_SIZE], int64_t unix_us)
{
    if (unix_us != PROJECTIONS_NO_TIME)
        (void)snprintf(out, FILTER_SIZE, "%lld", (long long)unix_us); /* at most 20 characters */
}

static struct cursor_list list_of(const struct projections_report *report, struct filters *filters)
{
    *filters = (struct filters){0};
    (void)snprintf(filters->within_days, FILTER_SIZE, "%d", (int)report->within_days);
    write_time_filter(filters->from, report->from_us);
    write_time_filter(filters->to, report->to_us);
    return (struct cursor_list){
        .kind = kinds[report->kind]->cursor,
        .filters = {filters->within_days, filters->from, filters->to},
    };
}

static void write_cursor(struct projections_report *report, const struct report_key *last)
{
    struct filters filters;
    const struct cursor_list list = list_of(report, &filters);
    struct report_cursor cursor = {
        .position = htobe64((uint64_t)report->work->moment.as_of),
        .number = htobe64((uint64_t)last->number),
    };
    size_t length = strlen(last->sku);
    assert(length < CART_SKU_SIZE);
    memcpy(cursor.sku, last->sku, length);
    cursor_encode(&report->next_cursor, &list, &cursor, CURSOR_HEAD + length);
}

static bool read_cursor(const struct projections_report *report)
{
    struct filters filters;
    const struct cursor_list list = list_of(report, &filters);
    struct projections_report_work *work = report->work;
    struct report_cursor cursor = {0};
    size_t n_bytes = 0;
    const uint8_t *bytes = cursor_decode(&work->arena, &list, report->cursor, &n_bytes);
    if (bytes == NULL || n_bytes <= CURSOR_HEAD || n_bytes >= CURSOR_HEAD + CART_SKU_SIZE)
        return false;
    memcpy(&cursor, bytes, n_bytes);
    work->position = (int64_t)be64toh(cursor.position);
    work->after.number = (int64_t)be64toh(cursor.number);
    work->after.sku = base_arena_copy_text(&work->arena, cursor.sku);
    return work->position > 0 && work->after.number > 0 && codec_is_sku(work->after.sku) &&
           strlen(work->after.sku) == n_bytes - CURSOR_HEAD;
}

/* ---- writing the answer ---------------------------------------------------------------------- */

void tables_write_period(struct base_buffer *out, const struct projections_report *report)
{
    base_buffer_append_text(out, "\"from\":");
    tables_write_time(out, report->from_us);
    base_buffer_append_text(out, ",\"to\":");
    tables_write_time(out, report->to_us);
    base_buffer_append_char(out, ',');
}

static void write_json(
    struct projections_report *report, const struct report_table *table,
    const struct postgres_rows *rows, size_t n_rows)
{
    struct base_buffer *out = &report->body;
    base_buffer_append_text(out, "{\"as_of\":");
    tables_write_time(out, report->work->moment.as_of_us);
    base_buffer_append_char(out, ',');
    if (table->write_asked != NULL)
        table->write_asked(out, report);
    base_buffer_printf(out, "\"%s\":[", table->rows_name);
    for (size_t row = 0; row < n_rows; row++) {
        base_buffer_append_text(out, row == 0 ? "{" : ",{");
        for (size_t i = 0; table->columns[i].name != NULL; i++) {
            const char *cell = postgres_get_text(rows, row, i);
            base_buffer_append_text(out, i == 0 ? "\"" : ",\"");
            base_buffer_append_text(out, table->columns[i].name);
            base_buffer_append_text(out, "\":");
            if (table->columns[i].is_text)
                base_buffer_append_json_text(out, cell);
            else
                base_buffer_append_text(out, cell);
        }
        base_buffer_append_char(out, '}');
    }
    base_buffer_append_char(out, ']');
    if (table->cursor != '\0' && report->next_cursor.length > 0) {
        base_buffer_append_text(out, ",\"next_cursor\":");
        base_buffer_append_json_text(out, base_buffer_text(&report->next_cursor));
    } else if (table->cursor != '\0') {
        base_buffer_append_text(out, ",\"next_cursor\":null");
    }
    base_buffer_append_char(out, '}');
}

/* RFC 4180: quotes where they are needed, the quotes within doubled. A cell that a spreadsheet
 * would take for a formula has a tab before it, and quotes (OWASP, CSV Injection). */
static void append_cell(struct base_buffer *out, const char *cell)
{
    bool is_formula = *cell != '\0' && strchr("=+-@", *cell) != NULL;
    if (!is_formula && cell[strcspn(cell, ",\"\r\n")] == '\0') {
        base_buffer_append_text(out, cell);
        return;
    }
    base_buffer_append_text(out, is_formula ? "\"\t" : "\"");
    for (; *cell != '\0'; cell++) {
        if (*cell == '"')
            base_buffer_append_char(out, '"');
        base_buffer_append_char(out, *cell);
    }
    base_buffer_append_char(out, '"');
}

static void write_csv(
    struct projections_report *report, const struct report_table *table,
    const struct postgres_rows *rows, size_t n_rows)
{
    struct base_buffer *out = &report->body;
    char as_of[BASE_TIME_SIZE] = "";
    if (report->work->moment.as_of > 0)
        base_time_format(report->work->moment.as_of_us, as_of);
    base_buffer_append_text(out, "as_of");
    for (size_t i = 0; table->columns[i].name != NULL; i++) {
        base_buffer_append_char(out, ',');
        base_buffer_append_text(out, table->columns[i].name);
    }
    base_buffer_append_text(out, "\r\n");
    for (size_t row = 0; row < n_rows; row++) {
        base_buffer_append_text(out, as_of);
        for (size_t i = 0; table->columns[i].name != NULL; i++) {
            base_buffer_append_char(out, ',');
            append_cell(out, postgres_get_text(rows, row, i));
        }
        base_buffer_append_text(out, "\r\n");
    }
}

static void write_report(struct projections_report *report, const struct postgres_rows *rows)
{
    const struct report_table *table = kinds[report->kind];
    size_t n_rows = postgres_rows_count(rows);
    if (table->cursor != '\0' && n_rows > (size_t)report->limit) {
        n_rows = (size_t)report->limit;
        size_t column = table->key_column;
        struct report_key last = {.sku = postgres_get_text(rows, n_rows - 1, column)};
        /* A count of a billion years' events fits. */
        bool is_number = base_parse_int(
            postgres_get_text(rows, n_rows - 1, column + 1), 1, INT64_MAX, &last.number);
        assert(is_number);
        (void)is_number;
        write_cursor(report, &last);
    }
    if (report->is_csv)
        write_csv(report, table, rows, n_rows);
    else
        write_json(report, table, rows, n_rows);
}

/* ---- ask and answer -------------------------------------------------------------------------- */

static void free_work(struct projections_report *report)
{
    base_arena_finish(&report->work->arena);
    free(report->work);
    report->work = NULL;
}

static void report_answered(struct queue_request *request)
{
    struct projections_report *report = BASE_CONTAINER(request, struct projections_report, request);
    free_work(report);
    report->answered(report);
}

static void end_report(struct reports *self, enum base_failure failure)
{
    queue_answer(&self->queue, &self->report->request, failure);
    queue_sent(&self->queue);
}

static void report_read(struct postgres_pipeline *pipeline)
{
    struct reports *self = BASE_CONTAINER(pipeline, struct reports, pipeline);
    enum base_failure failure = postgres_failure(pipeline->outcome);
    if (failure == BASE_NO_FAILURE)
        write_report(self->report, postgres_pipeline_rows(pipeline, 1));
    postgres_pipeline_begin(pipeline); /* the rows may be many */
    end_report(self, failure);
}

static void ask_report(struct reports *self)
{
    const struct projections_report *report = self->report;
    const struct report_table *table = kinds[report->kind];
    postgres_pipeline_begin(&self->pipeline);
    self->pipeline.answered = report_read;
    (void)postgres_pipeline_add(&self->pipeline, &PLAN_EACH); /* it has no parameters */
    table->put(
        postgres_pipeline_add(&self->pipeline, table->statement), report, &report->work->moment,
        &report->work->after);
    postgres_send(self->connection, &self->pipeline);
}

static void receive_moment(struct reports *self, const struct postgres_rows *rows)
{
    self->report->work->moment = (struct report_moment){
        .as_of = postgres_get_int8(rows, 0, 0),
        .as_of_us =
            postgres_is_null(rows, 0, 1) ? PROJECTIONS_NO_TIME : postgres_get_time(rows, 0, 1),
        .period_after = postgres_get_int8(rows, 0, 2),
        .period_until = postgres_get_int8(rows, 0, 3),
    };
}

static void moment_read(struct postgres_pipeline *pipeline)
{
    struct reports *self = BASE_CONTAINER(pipeline, struct reports, pipeline);
    enum base_failure failure = postgres_failure(pipeline->outcome);
    if (failure != BASE_NO_FAILURE) {
        end_report(self, failure);
        return;
    }
    receive_moment(self, postgres_pipeline_rows(pipeline, 0));
    ask_report(self);
}

static void put_time(struct postgres_parameters *to, int64_t unix_us)
{
    if (unix_us == PROJECTIONS_NO_TIME)
        postgres_put_null(to);
    else
        postgres_put_time(to, unix_us);
}

static void ask_moment(struct reports *self)
{
    const struct projections_report *report = self->report;
    postgres_pipeline_begin(&self->pipeline);
    self->pipeline.answered = moment_read;
    struct postgres_parameters *to = postgres_pipeline_add(&self->pipeline, &MOMENT);
    postgres_put_text(to, kinds[report->kind]->name);
    put_time(to, report->as_of_us);
    if (report->work->position > 0)
        postgres_put_int8(to, report->work->position);
    else
        postgres_put_null(to);
    put_time(to, report->from_us);
    put_time(to, report->to_us);
    postgres_send(self->connection, &self->pipeline);
}

static void send_report(struct queue *queue)
{
    struct reports *self = BASE_CONTAINER(queue, struct reports, queue);
    struct queue_request *request = queue_take(queue);
    self->report = BASE_CONTAINER(request, struct projections_report, request);
    ask_moment(self);
}

bool reports_ask(struct reports *self, struct projections_report *report)
{
    report->work = base_alloc(sizeof *report->work);
    report->work->after = (struct report_key){.number = INT64_MAX, .sku = ""};
    if (report->cursor != NULL && !read_cursor(report)) {
        free_work(report);
        return false;
    }
    queue_ask(&self->queue, &report->request);
    return true;
}

/* ---- the room -------------------------------------------------------------------------------- */

struct reports *reports_create(const struct projections_options *options, char **problem)
{
    struct reports *self = base_alloc(sizeof *self);
    self->options = *options;
    queue_init(
        &self->queue, &(struct queue_options){
                          .loop = options->loop,
                          .metrics = options->metrics,
                          .answers = METRICS_REPORTS,
                          .seconds = METRICS_REPORT_SECONDS,
                          .wait_us = options->wait_ms * 1000,
                          .waits_while_connected = true,
                          .requests_max = REPORTS_MAX,
                          .sends_max = 1,
                          .send = send_report,
                          .answered = report_answered,
                      });
    size_t n = 0;
    self->statements[n++] = &MOMENT;
    self->statements[n++] = &PLAN_EACH;
    for (size_t i = 0; i < PROJECTIONS_N_REPORTS; i++)
        self->statements[n++] = kinds[i]->statement;
    self->connection = self->queue.connection = postgres_connection_create(
        &(struct postgres_options){
            .loop = options->loop,
            .log = options->log,
            .url = options->url,
            .history = options->history,
            .role = "report",
            .statements = self->statements,
            .ready_sql = options->ready_sql,
            .not_ready_detail = options->not_ready_detail,
            /* A statement is given up after three quarters of it. */
            .answer_timeout_ms = options->report_seconds * 1000 * 4 / 3,
            .changed = queue_connection_changed,
            .context = &self->queue,
        },
        problem);
    if (self->connection == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

void reports_destroy(struct reports *self)
{
    if (self == NULL)
        return;
    postgres_connection_destroy(self->connection);
    queue_finish(&self->queue);
    postgres_pipeline_finish(&self->pipeline);
    free(self);
}

bool reports_is_ready(const struct reports *self)
{
    return postgres_connection_is_ready(self->connection);
}
