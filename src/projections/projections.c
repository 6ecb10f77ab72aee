#include "tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cart_cache.h"

/*
 * Reads of single carts, products and coupons queue, and go out many in one round trip as soon as
 * one of two slots is free; everything that one turn of the loop brought goes together. A read
 * changes nothing, so one whose connection was lost is simply asked again, as long as its time
 * allows. Pages have a connection of their own, so that a long one holds up nobody's cart.
 */
#define READS_SLOTS 2
#define READS_AT_ONCE 128 /* in one round trip */
#define PAGES_MAX 256     /* unanswered */

enum read_table {
    TABLE_CARTS,
    TABLE_PRICED_CARTS,
    TABLE_CUSTOMER_CARTS,
    TABLE_PRODUCTS,
    TABLE_COUPONS,
    N_TABLES
};

static const struct {
    const struct postgres_statement *statement;
    bool (*receive)(const struct postgres_rows *rows, size_t row, struct projections_read *read);
} TABLES[N_TABLES] = {
    [TABLE_CARTS] = {&carts_read, carts_receive},
    [TABLE_PRICED_CARTS] = {&carts_read_priced, carts_receive_priced},
    [TABLE_CUSTOMER_CARTS] = {&carts_read_customers, carts_receive},
    [TABLE_PRODUCTS] = {&products_read, products_receive},
    [TABLE_COUPONS] = {&coupons_read, coupons_receive},
};

struct read_slot {
    struct postgres_pipeline pipeline;
    struct projections *projections;
    struct projections_read *reads[N_TABLES][READS_AT_ONCE];
    size_t n_reads[N_TABLES];
    size_t statements[N_TABLES]; /* the table's in the pipeline, when n_reads is not 0 */
    bool is_busy;
};

struct projections {
    struct projections_options options;
    struct postgres_connection *reader;
    struct postgres_connection *lister;
    struct reports *reports;
    struct cart_cache cache;
    struct projections_lessor *lessor; /* NULL: nobody grants leases */
    const struct postgres_statement *list_statements[32];
    struct queue reads;
    struct queue pages;
    struct read_slot slots[READS_SLOTS];
};

/* ---- a round trip: ask and answer ------------------------------------------------------------ */

static void read_answered(struct queue_request *request)
{
    struct projections_read *read = BASE_CONTAINER(request, struct projections_read, request);
    if (request->failure != BASE_NO_FAILURE)
        read->outcome = PROJECTIONS_FAILED;
    read->answered(read);
}

static enum read_table find_table(const struct projections_read *read)
{
    if (read->sku != NULL)
        return TABLE_PRODUCTS;
    if (read->customer_id != NULL)
        return TABLE_CUSTOMER_CARTS;
    if (read->is_coupon)
        return TABLE_COUPONS;
    return read->wants_prices ? TABLE_PRICED_CARTS : TABLE_CARTS;
}

static void take_reads(struct read_slot *slot)
{
    struct projections *self = slot->projections;
    int64_t now_us = base_clock_monotonic_us();
    memset(slot->n_reads, 0, sizeof slot->n_reads);
    for (size_t i = 0; i < READS_AT_ONCE; i++) {
        struct queue_request *request = queue_take(&self->reads);
        if (request == NULL)
            break;
        struct projections_read *read = BASE_CONTAINER(request, struct projections_read, request);
        enum read_table table = find_table(read);
        slot->reads[table][slot->n_reads[table]++] = read;
        if (table == TABLE_CARTS)
            read->mark = cart_cache_mark(&self->cache, now_us, &read->id);
    }
}

static void slot_answered(struct postgres_pipeline *pipeline);

static void ask_table(struct read_slot *slot, enum read_table table)
{
    if (slot->n_reads[table] == 0)
        return;
    slot->statements[table] = slot->pipeline.n_statements;
    struct postgres_parameters *to =
        postgres_pipeline_add(&slot->pipeline, TABLES[table].statement);
    postgres_begin_array(to);
    for (size_t i = 0; i < slot->n_reads[table]; i++) {
        if (table == TABLE_PRODUCTS)
            postgres_put_text(to, slot->reads[table][i]->sku);
        else if (table == TABLE_CUSTOMER_CARTS)
            postgres_put_text(to, slot->reads[table][i]->customer_id);
        else
            postgres_put_uuid(to, &slot->reads[table][i]->id);
    }
}

static void send_reads(struct queue *queue)
{
    struct projections *self = BASE_CONTAINER(queue, struct projections, reads);
    struct read_slot *slot = self->slots;
    while (slot->is_busy)
        slot++;
    slot->is_busy = true;
    postgres_pipeline_begin(&slot->pipeline);
    slot->pipeline.answered = slot_answered;
    take_reads(slot);
    for (size_t table = 0; table < N_TABLES; table++)
        ask_table(slot, (enum read_table)table);
    metrics_add(self->options.metrics, METRICS_READ_BATCHES, 1);
    postgres_send(self->reader, &slot->pipeline);
}

static void receive_rows(struct read_slot *slot, enum read_table table)
{
    const struct postgres_rows *rows =
        postgres_pipeline_rows(&slot->pipeline, slot->statements[table]);
    size_t n_rows = postgres_rows_count(rows);
    int64_t now_us = base_clock_monotonic_us();
    for (size_t i = 0; i < slot->n_reads[table]; i++)
        slot->reads[table][i]->outcome = PROJECTIONS_NOT_FOUND;
    for (size_t row = 0; row < n_rows; row++) {
        struct projections_read *read = slot->reads[table][postgres_get_int8(rows, row, 0) - 1];
        if (!TABLES[table].receive(rows, row, read))
            continue;
        read->outcome = PROJECTIONS_FOUND;
        if (table == TABLE_CARTS)
            carts_cache(&slot->projections->cache, now_us, rows, row, read);
    }
}

/* Those that wait again stand in their old order: the last is put in front first. */
static void receive_table(struct read_slot *slot, enum read_table table)
{
    struct queue *queue = &slot->projections->reads;
    enum postgres_outcome outcome = slot->pipeline.outcome;
    if (slot->n_reads[table] > 0 && postgres_is_done(outcome))
        receive_rows(slot, table);
    for (size_t i = slot->n_reads[table]; i > 0; i--) {
        struct queue_request *request = &slot->reads[table][i - 1]->request;
        if (queue_receive(queue, request, outcome))
            queue_answer(queue, request, BASE_NO_FAILURE);
    }
}

static void slot_answered(struct postgres_pipeline *pipeline)
{
    struct read_slot *slot = BASE_CONTAINER(pipeline, struct read_slot, pipeline);
    for (size_t table = N_TABLES; table > 0; table--)
        receive_table(slot, (enum read_table)(table - 1));
    slot->is_busy = false;
    queue_sent(&slot->projections->reads);
}

/* ---- reads ----------------------------------------------------------------------------------- */

static void count_for_lessor(struct projections *self, int64_t now_us)
{
    if (self->lessor == NULL || self->cache.bytes_max == 0)
        return;
    self->lessor->n_reads++;
    if (now_us >= self->lessor->check_at_us)
        self->lessor->check(self->lessor, now_us);
}

void projections_read_cart(struct projections *projections, struct projections_read *read)
{
    int64_t now_us = base_clock_monotonic_us();
    if (read->wants_prices) {
        queue_ask(&projections->reads, &read->request);
        return;
    }
    count_for_lessor(projections, now_us);
    if (cart_cache_find(&projections->cache, now_us, read)) {
        metrics_add(projections->options.metrics, METRICS_READS_CACHED, 1);
        read->outcome = PROJECTIONS_FOUND;
        queue_answer_at_once(&projections->reads, &read->request, now_us);
        return;
    }
    queue_ask(&projections->reads, &read->request);
}

void projections_read_customer_cart(struct projections *projections, struct projections_read *read)
{
    queue_ask(&projections->reads, &read->request);
}

void projections_read_product(struct projections *projections, struct projections_read *read)
{
    queue_ask(&projections->reads, &read->request);
}

void projections_read_coupon(struct projections *projections, struct projections_read *read)
{
    read->is_coupon = true;
    queue_ask(&projections->reads, &read->request);
}

/* ---- the cache ------------------------------------------------------------------------------- */

void projections_set_lessor(struct projections *projections, struct projections_lessor *lessor)
{
    projections->lessor = lessor;
}

void projections_grant_lease(struct projections *projections, int64_t until_us, int64_t n_writers)
{
    cart_cache_grant(&projections->cache, until_us, n_writers);
}

void projections_revoke_lease(struct projections *projections)
{
    cart_cache_revoke(&projections->cache);
}

void projections_begin_change(struct projections *projections, const struct base_uuid *cart_id)
{
    cart_cache_begin_change(&projections->cache, cart_id);
}

void projections_end_change(struct projections *projections, const struct base_uuid *cart_id)
{
    cart_cache_end_change(&projections->cache, cart_id);
}

void projections_cache_change(
    struct projections *projections, const struct projections_change *change)
{
    if (change->aggregate == &aggregate_cart)
        carts_cache_change(&projections->cache, base_clock_monotonic_us(), change);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* Ends the body that a table's receive_page began. */
static void end_page(struct projections_page *page)
{
    base_buffer_append_text(&page->body, ",\"next_cursor\":");
    if (page->next_cursor.length > 0)
        base_buffer_append_json_text(&page->body, base_buffer_text(&page->next_cursor));
    else
        base_buffer_append_text(&page->body, "null");
    base_buffer_append_char(&page->body, '}');
}

static void page_answered(struct queue_request *request)
{
    struct projections_page *page = BASE_CONTAINER(request, struct projections_page, request);
    postgres_pipeline_finish(&page->pipeline);
    page->answered(page);
}

static void page_read(struct postgres_pipeline *pipeline)
{
    struct projections_page *page = BASE_CONTAINER(pipeline, struct projections_page, pipeline);
    struct queue *queue = &page->projections->pages;
    enum base_failure failure = postgres_failure(pipeline->outcome);
    if (failure == BASE_NO_FAILURE) {
        if (page->list == NULL)
            carts_receive_page(page);
        else
            key_list_receive_page(page->list, page);
        end_page(page);
    }
    queue_answer(queue, &page->request, failure);
    queue_sent(queue);
}

static void send_page(struct queue *queue)
{
    struct queue_request *request = queue_take(queue);
    struct projections_page *page = BASE_CONTAINER(request, struct projections_page, request);
    postgres_send(page->projections->lister, &page->pipeline);
}

/* Of carts where `list` is NULL. */
static bool list_page(
    struct projections *self, struct projections_page *page, const struct key_list *list)
{
    page->projections = self;
    page->list = list;
    postgres_pipeline_begin(&page->pipeline);
    if (!(list == NULL ? carts_ask_page(page) : key_list_ask_page(list, page))) {
        postgres_pipeline_finish(&page->pipeline);
        return false;
    }
    page->pipeline.answered = page_read;
    queue_ask(&self->pages, &page->request);
    return true;
}

bool projections_list_carts(struct projections *projections, struct projections_page *page)
{
    return list_page(projections, page, NULL);
}

bool projections_list_products(struct projections *projections, struct projections_page *page)
{
    return list_page(projections, page, &products_list);
}

bool projections_list_coupons(struct projections *projections, struct projections_page *page)
{
    return list_page(projections, page, &coupons_list);
}

bool projections_report(struct projections *projections, struct projections_report *report)
{
    return reports_ask(projections->reports, report);
}

/* ---- the room -------------------------------------------------------------------------------- */

const struct eventstore_clause *const *projections_clauses(size_t *n_clauses)
{
    static const struct eventstore_clause *const clauses[] = {
#define TABLES_ROW(name) &name##_clause,
        TABLES(TABLES_ROW)
#undef TABLES_ROW
    };
    *n_clauses = BASE_COUNT(clauses);
    return clauses;
}

const struct projections_table *const *projections_tables(size_t *n_tables)
{
    static const struct projections_table *const tables[] = {
#define TABLES_ROW(name) &name##_table,
        TABLES(TABLES_ROW)
#undef TABLES_ROW
    };
    *n_tables = BASE_COUNT(tables);
    return tables;
}

static const struct postgres_statement *const READ_STATEMENTS[] = {
    &carts_read, &carts_read_priced, &carts_read_customers, &products_read, &coupons_read, NULL};

static void collect_list_statements(struct projections *self)
{
    size_t n = 0;
    assert(carts_list_statements_count + 3 <= BASE_COUNT(self->list_statements));
    for (size_t i = 0; i < carts_list_statements_count; i++)
        self->list_statements[n++] = &carts_list_statements[i];
    self->list_statements[n++] = &products_list_statement;
    self->list_statements[n++] = &coupons_list_statement;
    self->list_statements[n] = NULL;
}

static void init_queues(struct projections *self)
{
    struct queue_options options = {
        .loop = self->options.loop,
        .metrics = self->options.metrics,
        .answers = METRICS_READS,
        .seconds = METRICS_READ_SECONDS,
        .wait_us = self->options.wait_ms * 1000,
        .requests_max = self->options.queue_reads,
        .sends_max = READS_SLOTS,
        .send = send_reads,
        .answered = read_answered,
    };
    queue_init(&self->reads, &options);
    options.requests_max = PAGES_MAX;
    options.sends_max = PAGES_MAX;
    options.send = send_page;
    options.answered = page_answered;
    queue_init(&self->pages, &options);
}

static bool connect(struct projections *self, char **problem)
{
    const struct projections_options *options = &self->options;
    struct postgres_options connection = {
        .loop = options->loop,
        .log = options->log,
        .url = options->url,
        .history = options->history,
        .role = "read",
        .statements = READ_STATEMENTS,
        .ready_sql = options->ready_sql,
        .not_ready_detail = options->not_ready_detail,
        .answer_timeout_ms = options->wait_ms,
        .changed = queue_connection_changed,
        .context = &self->reads,
    };
    self->reader = self->reads.connection = postgres_connection_create(&connection, problem);
    if (self->reader == NULL)
        return false;
    connection.role = "list";
    connection.statements = self->list_statements;
    connection.context = &self->pages;
    self->lister = self->pages.connection = postgres_connection_create(&connection, problem);
    if (self->lister == NULL)
        return false;
    self->reports = reports_create(options, problem);
    return self->reports != NULL;
}

struct projections *projections_create(const struct projections_options *options, char **problem)
{
    struct projections *self = base_alloc(sizeof *self);
    self->options = *options;
    for (size_t i = 0; i < READS_SLOTS; i++)
        self->slots[i].projections = self;
    collect_list_statements(self);
    cart_cache_init(&self->cache, options->cache_bytes);
    init_queues(self);
    if (!connect(self, problem)) {
        projections_destroy(self);
        return NULL;
    }
    return self;
}

void projections_destroy(struct projections *projections)
{
    if (projections == NULL)
        return;
    struct projections *self = projections;
    reports_destroy(self->reports);
    postgres_connection_destroy(self->lister);
    postgres_connection_destroy(self->reader);
    queue_finish(&self->reads);
    queue_finish(&self->pages);
    for (size_t i = 0; i < READS_SLOTS; i++)
        postgres_pipeline_finish(&self->slots[i].pipeline);
    cart_cache_finish(&self->cache);
    free(self);
}

bool projections_is_ready(const struct projections *projections)
{
    return postgres_connection_is_ready(projections->reader) &&
           postgres_connection_is_ready(projections->lister) &&
           reports_is_ready(projections->reports);
}
