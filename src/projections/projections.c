#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "kept.h"

/*
 * Reads of single carts and products queue, and go out many in one round trip as soon as one of two
 * slots is free; everything that one turn of the loop brought goes together. A read changes
 * nothing, so one whose connection was lost is simply asked again, as long as its time allows.
 * Pages have a connection of their own, so that a long one holds up nobody's cart.
 */
#define READS_SLOTS 2
#define READS_PER_TABLE_MAX 128 /* in one round trip */
#define PAGES_MAX 256           /* under way at once */
#define SWEEP_US 50000          /* how often waiting reads are looked at for their age */

/* First in, first out. */
struct read_queue {
    struct projections_read *first;
    struct projections_read *last;
    size_t length;
};

enum read_table { TABLE_CARTS, TABLE_PRODUCTS, N_TABLES };

static const struct {
    const struct postgres_statement *statement;
    bool (*receive)(const struct postgres_rows *rows, size_t row, struct projections_read *read);
} TABLES[N_TABLES] = {
    [TABLE_CARTS] = {&carts_read, carts_receive},
    [TABLE_PRODUCTS] = {&products_read, products_receive},
};

struct read_slot {
    struct postgres_group group;
    struct projections *projections;
    struct projections_read *reads[N_TABLES][READS_PER_TABLE_MAX];
    size_t n_reads[N_TABLES];
    size_t places[N_TABLES]; /* of the table's statement in the group, when n_reads is not 0 */
    bool is_busy;
};

struct projections {
    struct projections_options options;
    struct postgres_connection *reader;
    struct postgres_connection *lister;
    struct reports *reports;
    struct kept kept;
    struct projections_lender *lender; /* NULL: nobody lends */
    const struct postgres_statement *list_statements[8];
    struct read_queue queues[N_TABLES];
    struct read_queue shed; /* came when the queue was full; answered OVERLOADED by the next turn */
    struct projections_page *shed_pages;
    struct read_slot slots[READS_SLOTS];
    size_t n_pages;             /* under way */
    int64_t not_ready_since_us; /* 0: ready */
    struct loop_deferred dispatch;
    struct loop_timer sweep;
    bool is_ending;
};

static void queue_append(struct read_queue *queue, struct projections_read *read)
{
    read->next = NULL;
    if (queue->last != NULL)
        queue->last->next = read;
    else
        queue->first = read;
    queue->last = read;
    queue->length++;
}

static void queue_prepend(struct read_queue *queue, struct projections_read *read)
{
    read->next = queue->first;
    queue->first = read;
    if (queue->last == NULL)
        queue->last = read;
    queue->length++;
}

static struct projections_read *queue_take(struct read_queue *queue)
{
    struct projections_read *read = queue->first;
    if (read == NULL)
        return NULL;
    queue->first = read->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->length--;
    return read;
}

static void answer_read(
    struct projections *self, struct projections_read *read, enum projections_outcome outcome)
{
    read->outcome = outcome;
    metrics_add(self->options.metrics, METRICS_READS, 1);
    metrics_observe(
        self->options.metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - read->asked_at_us);
    read->answered(read);
}

static void answer_page(
    struct projections *self, struct projections_page *page, enum projections_outcome outcome)
{
    page->outcome = outcome;
    metrics_add(self->options.metrics, METRICS_READS, 1);
    metrics_observe(
        self->options.metrics, METRICS_READ_SECONDS, base_clock_monotonic_us() - page->asked_at_us);
    postgres_group_finish(&page->group);
    page->answered(page);
}

/* ---- a round trip: ask and answer ------------------------------------------------------------ */

static void slot_answered(struct postgres_group *group);

static void ask_reads(struct projections *self, struct read_slot *slot)
{
    postgres_group_begin(&slot->group);
    slot->group.answered = slot_answered;
    slot->is_busy = true;
    int64_t now_us = base_clock_monotonic_us();
    for (size_t table = 0; table < N_TABLES; table++) {
        slot->n_reads[table] = 0;
        if (self->queues[table].length == 0)
            continue;
        slot->places[table] = slot->group.n_statements;
        struct postgres_parameters *to = postgres_group_add(&slot->group, TABLES[table].statement);
        postgres_begin_array(to);
        while (slot->n_reads[table] < READS_PER_TABLE_MAX) {
            struct projections_read *read = queue_take(&self->queues[table]);
            if (read == NULL)
                break;
            slot->reads[table][slot->n_reads[table]++] = read;
            if (table == TABLE_CARTS) {
                read->mark = kept_mark(&self->kept, now_us, &read->cart_id);
                postgres_put_uuid(to, &read->cart_id);
            } else {
                postgres_put_text(to, read->sku);
            }
        }
    }
    metrics_add(self->options.metrics, METRICS_READ_BATCHES, 1);
    postgres_send(self->reader, &slot->group);
}

static void receive_reads(struct read_slot *slot, size_t table)
{
    if (slot->n_reads[table] == 0)
        return;
    const struct postgres_rows *rows = postgres_group_rows(&slot->group, slot->places[table]);
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
            carts_keep(&slot->projections->kept, now_us, rows, row, read);
    }
    for (size_t i = 0; i < slot->n_reads[table]; i++)
        answer_read(slot->projections, slot->reads[table][i], slot->reads[table][i]->outcome);
}

static void slot_answered(struct postgres_group *group)
{
    struct read_slot *slot = BASE_CONTAINER(group, struct read_slot, group);
    struct projections *self = slot->projections;
    for (size_t table = 0; table < N_TABLES; table++) {
        switch (group->outcome) {
        case POSTGRES_DONE:
        case POSTGRES_UNACKNOWLEDGED: /* a warning about commits; a read has none */
            receive_reads(slot, table);
            break;
        case POSTGRES_AGAIN:
        case POSTGRES_UNAVAILABLE:
        case POSTGRES_UNKNOWN:
            for (size_t i = slot->n_reads[table]; i > 0; i--)
                queue_prepend(&self->queues[table], slot->reads[table][i - 1]);
            break;
        case POSTGRES_UNABLE:
            for (size_t i = 0; i < slot->n_reads[table]; i++)
                answer_read(self, slot->reads[table][i], PROJECTIONS_UNAVAILABLE);
            break;
        case POSTGRES_VIOLATED:
        case POSTGRES_FAILED:
            for (size_t i = 0; i < slot->n_reads[table]; i++)
                answer_read(self, slot->reads[table][i], PROJECTIONS_FAILED);
            break;
        }
        slot->n_reads[table] = 0;
    }
    slot->is_busy = false;
    if (!self->is_ending)
        loop_start_deferred(self->options.loop, &self->dispatch);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void answer_too_old(struct projections *self)
{
    int64_t now_us = base_clock_monotonic_us();
    int64_t wait_us = self->options.wait_ms * 1000;
    bool is_gone_for_long =
        self->not_ready_since_us != 0 && now_us - self->not_ready_since_us > wait_us;
    for (size_t table = 0; table < N_TABLES; table++) {
        struct read_queue *queue = &self->queues[table];
        while (queue->first != NULL &&
               (is_gone_for_long || now_us - queue->first->asked_at_us > wait_us))
            answer_read(self, queue_take(queue), PROJECTIONS_UNAVAILABLE);
    }
}

static void answer_shed(struct projections *self)
{
    while (self->shed.first != NULL)
        answer_read(self, queue_take(&self->shed), PROJECTIONS_OVERLOADED);
    while (self->shed_pages != NULL) {
        struct projections_page *page = self->shed_pages;
        self->shed_pages = page->next;
        answer_page(self, page, PROJECTIONS_OVERLOADED);
    }
}

static size_t n_queued(const struct projections *self)
{
    return self->queues[TABLE_CARTS].length + self->queues[TABLE_PRODUCTS].length;
}

static void dispatch_reads(struct loop_deferred *deferred)
{
    struct projections *self = BASE_CONTAINER(deferred, struct projections, dispatch);
    answer_shed(self);
    answer_too_old(self);
    if (postgres_connection_is_ready(self->reader)) {
        for (size_t i = 0; i < READS_SLOTS && n_queued(self) > 0; i++)
            if (!self->slots[i].is_busy)
                ask_reads(self, &self->slots[i]);
    }
    if (n_queued(self) > 0)
        loop_start_timer(self->options.loop, &self->sweep, SWEEP_US);
}

static void sweep_reads(struct loop_timer *timer)
{
    struct projections *self = BASE_CONTAINER(timer, struct projections, sweep);
    dispatch_reads(&self->dispatch);
}

static void reader_changed(struct postgres_connection *connection, void *context)
{
    struct projections *self = context;
    self->not_ready_since_us =
        postgres_connection_is_ready(connection) ? 0 : base_clock_monotonic_us();
    loop_start_deferred(self->options.loop, &self->dispatch);
}

static void queue_read(
    struct projections *self, enum read_table table, struct projections_read *read)
{
    bool is_full = self->queues[table].length >= self->options.queue_reads;
    queue_append(is_full ? &self->shed : &self->queues[table], read);
    loop_start_deferred(self->options.loop, &self->dispatch);
}

static void count_for_lender(struct projections *self, int64_t now_us)
{
    if (self->lender == NULL || self->kept.bytes_max == 0)
        return;
    self->lender->n_reads++;
    if (now_us >= self->lender->look_at_us)
        self->lender->look(self->lender, now_us);
}

void projections_read_cart(struct projections *projections, struct projections_read *read)
{
    int64_t now_us = base_clock_monotonic_us();
    read->asked_at_us = now_us;
    count_for_lender(projections, now_us);
    if (kept_find(&projections->kept, now_us, read)) {
        metrics_add(projections->options.metrics, METRICS_READS_KEPT, 1);
        answer_read(projections, read, PROJECTIONS_FOUND);
        return;
    }
    queue_read(projections, TABLE_CARTS, read);
}

void projections_read_product(struct projections *projections, struct projections_read *read)
{
    read->asked_at_us = base_clock_monotonic_us();
    queue_read(projections, TABLE_PRODUCTS, read);
}

/* ---- kept carts ------------------------------------------------------------------------------ */

void projections_set_lender(struct projections *projections, struct projections_lender *lender)
{
    projections->lender = lender;
}

void projections_trust(struct projections *projections, int64_t until_us, int64_t n_writers)
{
    kept_trust(&projections->kept, until_us, n_writers);
}

void projections_distrust(struct projections *projections)
{
    kept_distrust(&projections->kept);
}

void projections_begin_change(struct projections *projections, const struct base_uuid *cart_id)
{
    kept_begin_change(&projections->kept, cart_id);
}

void projections_end_change(struct projections *projections, const struct base_uuid *cart_id)
{
    kept_end_change(&projections->kept, cart_id);
}

void projections_keep_change(
    struct projections *projections, const struct projections_change *change)
{
    if (change->aggregate == &aggregate_cart)
        carts_keep_change(&projections->kept, base_clock_monotonic_us(), change);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* Ends the body that a table's receive_page began. */
static void end_page(struct projections_page *page)
{
    base_buffer_append_text(&page->body, "],\"next_cursor\":");
    if (page->next_cursor.length > 0)
        base_buffer_append_json_text(&page->body, base_buffer_text(&page->next_cursor));
    else
        base_buffer_append_text(&page->body, "null");
    base_buffer_append_char(&page->body, '}');
}

struct cursor_list projections_cursor_list(char kind, const struct projections_page *page)
{
    return (struct cursor_list){
        .kind = kind,
        .filters = {page->status, page->customer_id, page->sku},
    };
}

static void page_answered(
    struct postgres_group *group, void (*receive)(struct projections_page *page))
{
    struct projections_page *page = BASE_CONTAINER(group, struct projections_page, group);
    struct projections *self = page->projections;
    enum projections_outcome outcome = PROJECTIONS_FAILED;
    self->n_pages--;
    switch (group->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
        receive(page);
        end_page(page);
        outcome = PROJECTIONS_FOUND;
        break;
    case POSTGRES_AGAIN:
        outcome = PROJECTIONS_OVERLOADED;
        break;
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        outcome = PROJECTIONS_UNAVAILABLE;
        break;
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        outcome = PROJECTIONS_FAILED;
        break;
    }
    answer_page(self, page, outcome);
}

static void carts_page_answered(struct postgres_group *group)
{
    page_answered(group, carts_receive_page);
}

static void products_page_answered(struct postgres_group *group)
{
    page_answered(group, products_receive_page);
}

static bool list_page(
    struct projections *self, struct projections_page *page, enum read_table table)
{
    page->projections = self;
    page->asked_at_us = base_clock_monotonic_us();
    postgres_group_begin(&page->group);
    if (!(table == TABLE_CARTS ? carts_ask_page(page) : products_ask_page(page))) {
        postgres_group_finish(&page->group);
        return false;
    }
    if (self->n_pages >= PAGES_MAX) {
        page->next = self->shed_pages;
        self->shed_pages = page;
        loop_start_deferred(self->options.loop, &self->dispatch);
        return true;
    }
    self->n_pages++;
    page->group.answered = table == TABLE_CARTS ? carts_page_answered : products_page_answered;
    postgres_send(self->lister, &page->group);
    return true;
}

bool projections_list_carts(struct projections *projections, struct projections_page *page)
{
    return list_page(projections, page, TABLE_CARTS);
}

bool projections_list_products(struct projections *projections, struct projections_page *page)
{
    return list_page(projections, page, TABLE_PRODUCTS);
}

bool projections_report(struct projections *projections, struct projections_report *report)
{
    return reports_ask(projections->reports, report);
}

/* ---- the room -------------------------------------------------------------------------------- */

const struct eventstore_part *const *projections_parts(size_t *n_parts)
{
    static const struct eventstore_part *const parts[] = {
#define TABLES_ROW(name) &name##_part,
        TABLES(TABLES_ROW)
#undef TABLES_ROW
    };
    *n_parts = BASE_COUNT(parts);
    return parts;
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
    &carts_read, &products_read, NULL};

static void collect_list_statements(struct projections *self)
{
    size_t n = 0;
    for (size_t i = 0; carts_list_statements[i] != NULL; i++)
        self->list_statements[n++] = carts_list_statements[i];
    for (size_t i = 0; products_list_statements[i] != NULL; i++)
        self->list_statements[n++] = products_list_statements[i];
    self->list_statements[n] = NULL;
}

struct projections *projections_create(const struct projections_options *options, char **problem)
{
    struct projections *self = base_alloc(sizeof *self);
    self->options = *options;
    self->dispatch.called = dispatch_reads;
    self->sweep.fired = sweep_reads;
    self->not_ready_since_us = base_clock_monotonic_us();
    for (size_t i = 0; i < READS_SLOTS; i++)
        self->slots[i].projections = self;
    collect_list_statements(self);
    kept_init(&self->kept, options->keep_bytes);
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
        .changed = reader_changed,
        .context = self,
    };
    self->reader = postgres_connection_create(&connection, problem);
    if (self->reader == NULL) {
        kept_finish(&self->kept);
        free(self);
        return NULL;
    }
    connection.role = "list";
    connection.statements = self->list_statements;
    connection.changed = NULL;
    self->lister = postgres_connection_create(&connection, problem);
    self->reports = self->lister == NULL ? NULL : reports_create(options, problem);
    if (self->reports == NULL) {
        postgres_connection_destroy(self->lister);
        postgres_connection_destroy(self->reader);
        kept_finish(&self->kept);
        free(self);
        return NULL;
    }
    return self;
}

void projections_destroy(struct projections *projections)
{
    if (projections == NULL)
        return;
    struct projections *self = projections;
    self->is_ending = true;
    reports_destroy(self->reports);
    postgres_connection_destroy(self->lister);
    postgres_connection_destroy(self->reader);
    loop_stop_deferred(self->options.loop, &self->dispatch);
    loop_stop_timer(self->options.loop, &self->sweep);
    answer_shed(self);
    for (size_t table = 0; table < N_TABLES; table++)
        while (self->queues[table].first != NULL)
            answer_read(self, queue_take(&self->queues[table]), PROJECTIONS_UNAVAILABLE);
    for (size_t i = 0; i < READS_SLOTS; i++)
        postgres_group_finish(&self->slots[i].group);
    kept_finish(&self->kept);
    free(self);
}

bool projections_is_ready(const struct projections *projections)
{
    return postgres_connection_is_ready(projections->reader) &&
           postgres_connection_is_ready(projections->lister) &&
           reports_is_ready(projections->reports);
}

size_t projections_waiting(const struct projections *projections)
{
    size_t n = n_queued(projections) + projections->shed.length + projections->n_pages +
               reports_waiting(projections->reports);
    for (size_t i = 0; i < READS_SLOTS; i++)
        for (size_t table = 0; table < N_TABLES; table++)
            n += projections->slots[i].n_reads[table];
    return n;
}
