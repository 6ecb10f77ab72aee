/*
 * projections: the read tables and reports, one file each: how it is written beside how it is read.
 * A read table is a clause of the event store's append statement, so that it is never behind the
 * log; the tables of a report follow the log, which room `follow` reads for them. The read half
 * answers GETs, on connections of its own.
 *
 * It holds no rule of the cart and never reads a table to decide anything, but for the catalogue's
 * offers, which are what a cart is told about a sku.
 */
#ifndef CARTD_PROJECTIONS_H
#define CARTD_PROJECTIONS_H

#include "aggregate.h"
#include "base.h"
#include "cart.h"
#include "catalog.h"
#include "eventstore.h"
#include "loop.h"
#include "metrics.h"
#include "postgres.h"
#include "queue.h"

/* ---- written with the append ----------------------------------------------------------------- */

/*
 * A stream that a batch changed, or whose rows are written anew from the log. Each table makes of
 * it what its own rows need. Pending times (CART_TIME_PENDING) become the append's.
 */
struct projections_change {
    int32_t ordinal; /* of its stream in the batch */
    const struct aggregate *aggregate;
    struct base_uuid stream_id;
    const char *key;      /* where the aggregate has one */
    const void *before;   /* the state that its rows say; NULL: it has no rows */
    const void *after;    /* NULL: its rows are only to be removed */
    const char *document; /* of `after`; NULL: nobody has written it yet */
    size_t document_length;
};

/* What eventstore_batch.changes points to. */
struct projections_changes {
    const struct projections_change *list;
    size_t n;
};

/* The clauses of the append statement, for eventstore_create(). */
const struct eventstore_clause *const *projections_clauses(size_t *n_clauses);

/* ---- the tables as such: compared with the log, and written anew from it --------------------- */

/* A read table. A new one is a file that defines this and its clause, a row in the list of
 * tables.h, and a migration; `cartd rebuild` then fills it from the old events, `cartd verify`
 * holds it to them. "Keys" are stream ids (uuid[]) or, where the aggregate has them, its keys
 * (text[]). */
struct projections_table {
    const char *name;
    const struct aggregate *aggregate; /* whose streams it is about */
    /* How it is written with the append, and how all rows of some keys are removed: like a clause
     * of the append, but it reads no CTE but `verdict`, and of a change only the ordinal and the
     * key.
     */
    const struct eventstore_clause *clause;
    const struct eventstore_clause *removing;
    /* The rows of the keys $1, sorted by the key, which is the first column. A plain SELECT of one
     * table, as FOR UPDATE is put behind it. */
    const struct postgres_statement *rows;
    /* Keys, each once, sorted, from the key $1 on and at most $2: all of those whose stream is not
     * there, and perhaps others. */
    const struct postgres_statement *orphans;
    /* Appends a sentence with a newline for each way in which the n rows from `first` on are not
     * what `change`, without a state before, would have written. */
    void (*compare)(
        const struct projections_change *change, const struct postgres_rows *rows, size_t first,
        size_t n, struct base_buffer *differences);
};
const struct projections_table *const *projections_tables(size_t *n_tables);

/* For compare: a sentence when the two are not the same. `what` is "carts.total" or, where a key
 * has several rows, "cart_items.sku of \"tea\"". NULL is null. Long texts are shown from
 * shortly before where they part. */
void projections_compare_texts(
    struct base_buffer *differences, const char *what, const char *is, const char *should_be);
void projections_compare_numbers(
    struct base_buffer *differences, const char *what, int64_t is, int64_t should_be);
/* CART_TIME_NONE is null. */
void projections_compare_times(
    struct base_buffer *differences, const char *what, int64_t is_us, int64_t should_be_us);

/* ---- written by following the log ------------------------------------------------------------ */

/* What a cart held of a sku, over all its lines, before and after an event. A cart that is not open
 * holds nothing. */
struct projections_held {
    const char *sku;
    int32_t units_before;
    int32_t units_after;
};

/* A cart that was left, as it was then. */
struct projections_abandonment {
    int64_t position; /* of the event; 0: the cart never was */
    int64_t at_us;
    int64_t value_minor; /* its total */
    char currency[4];
    bool is_guest;
    bool is_recovered; /* somebody has come back to it since */
};

/* An event of a cart and what it did. Texts are borrowed until the facts are asked to be written.
 */
struct projections_step {
    int64_t position;
    int64_t recorded_at_us;
    int64_t created_position; /* of the cart's first event */
    struct base_uuid cart_id;
    enum cart_event_type type;
    const struct cart *cart;        /* after the event */
    enum cart_status status_before; /* of the cart; as are the next three */
    char currency_before[4];
    int64_t total_before_minor;
    bool has_held_items;
    int64_t closed_position;             /* of the event that had closed it last; 0: none had */
    bool is_first_item;                  /* the cart never held anything before */
    const struct projections_held *held; /* whatever the event may have changed, each sku once */
    size_t n_held;
    struct projections_abandonment abandonment; /* the last, be it this event */
    bool was_recovered; /* before the event: from the one that was the last then */
};

/* What some events say to one projection: rows for its tables, not written yet. Zero-initialise;
 * projections_clear_facts() empties it and keeps its memory. */
#define PROJECTIONS_TABLES_MAX 3
struct projections_facts {
    struct base_buffer rows[PROJECTIONS_TABLES_MAX]; /* arrays of the projection's own structs */
    size_t n;
};
void projections_clear_facts(struct projections_facts *facts);
void projections_finish_facts(struct projections_facts *facts);

/*
 * A projection that follows the log. Its statements run in the transaction that moves its row in
 * projection_checkpoints (its migration adds that row, at position 0), after that row was moved,
 * and do nothing if it was not: PROJECTIONS_IF_MOVED. What they write says at which position it
 * became true, so that a report can be given as of any, and so that a rebuild can erase and write
 * again one range of the log after another while reports go on.
 */
struct projections_follower {
    const char *name;
    /* $1 < position <= $2 */
    const struct postgres_statement *const *erase; /* NULL-terminated, like `write` */
    const struct postgres_statement *const *write;
    void (*add)(struct projections_facts *facts, const struct projections_step *step);
    /* Adds the statements of `write` to a pipeline. */
    void (*ask_write)(const struct projections_facts *facts, struct postgres_pipeline *pipeline);
    enum metrics_number lag_events;
    enum metrics_number lag_seconds;
    enum metrics_number is_paused;
};
#define PROJECTIONS_FOLLOWERS_MAX 8
const struct projections_follower *const *projections_followers(size_t *n_followers);

/* For `cartd verify`: at most $1 carts whose row in cart_rankings is not what `carts` says and not
 * what it was at an event that the projection does not know yet. */
extern const struct postgres_statement projections_false_rankings;

/* True in the transaction that moved the checkpoint, for whoever moved it wrote the row. */
#define PROJECTIONS_IF_MOVED(name)                                                                 \
    "EXISTS (SELECT FROM projection_checkpoints\n"                                                 \
    "    WHERE name = '" name "' AND xmin = pg_current_xact_id()::xid)"
/* A statement that erases what a follower wrote of a range into one of its tables. */
#define PROJECTIONS_ERASE(follower, table)                                                         \
    {                                                                                              \
        .name = "erase_" table, .rows = POSTGRES_NO_ROWS,                                          \
        .sql = "DELETE FROM " table "\n"                                                           \
               "WHERE position > $1 AND position <= $2 AND " PROJECTIONS_IF_MOVED(follower),       \
        POSTGRES_TYPES(POSTGRES_INT8, POSTGRES_INT8),                                              \
    }

/* ---- read while deciding --------------------------------------------------------------------- */

/* The statement that a connection must prepare to ask for offers. */
const struct postgres_statement *projections_offers_statement(void);
/* What the catalogue holds for some skus. Rows in no order; unknown ones have none. */
void projections_ask_offers(
    struct postgres_pipeline *pipeline, const char *const *skus, size_t n_skus);
struct projections_offer {
    const char *sku; /* texts are borrowed from the pipeline */
    const char *name;
    bool is_active;
    const char *prices;   /* JSON, for codec_read_prices */
    const char *quantity; /* JSON, for codec_read_quantity; NULL: the default */
    const char *tags;     /* JSON; NULL: none */
};
void projections_receive_offer(
    const struct postgres_rows *rows, size_t row, struct projections_offer *offer);
/* For postgres_session_query(): a page of the products behind sku $1 in order, of all of them ($2
 * is "t") or of the inactive ones ("f"): sku, version, is_active, name, prices, quantity, tags. The
 * text is static. */
const char *projections_products_sql(void);
/* Likewise of the coupons behind folded code $1: folded code, whether it is in force, and its
 * definition as the data of the event. */
const char *projections_coupons_sql(void);

/* ---- read to know the owner of a cart -------------------------------------------------------- */

/* For those who read a cart from the log: the statement that a connection must prepare, and the
 * owner now. Ask after whatever is read of the cart, so that it still belonged to the caller. */
extern const struct postgres_statement projections_owner_statement;
void projections_ask_owner(struct postgres_pipeline *pipeline, const struct base_uuid *cart_id);
/* Whether the cart is there and admits the caller. *is_unclaimed: it has no customer. */
bool projections_receive_owner(
    const struct postgres_rows *rows, const struct cart_caller *caller,
    bool *is_unclaimed) BASE_MUST_CHECK;

/* ---- read for GETs --------------------------------------------------------------------------- */

/* Of one cart, product or coupon. Of a list or a report, request.failure says all. */
enum projections_outcome {
    PROJECTIONS_FOUND,
    PROJECTIONS_NOT_FOUND,
    PROJECTIONS_FAILED /* request.failure says of what */
};

struct projections_options {
    struct loop *loop;
    const struct base_log *log;
    struct metrics *metrics;
    const char *url;
    struct postgres_history *history; /* of the process; NULL: none */
    const char *ready_sql;
    const char *not_ready_detail;
    int64_t wait_ms;
    size_t cache_bytes;     /* for carts that were read, while a lease lasts; 0: none are cached */
    size_t queue_reads;     /* of single things, unanswered; beyond it OVERLOADED */
    int64_t report_seconds; /* that a report may take; beyond it TOO_SLOW */
};

struct projections;
/* NULL with *problem (the caller's to free) when the url is not a connection string. */
struct projections *projections_create(const struct projections_options *options, char **problem)
    BASE_MUST_CHECK;
/* Reads that still wait are answered UNAVAILABLE first. NULL-safe. */
void projections_destroy(struct projections *projections);
bool projections_is_ready(const struct projections *projections);

/* One cart, product or coupon. The caller owns it; it must not move or die until it is answered,
 * which for a cart that is cached is within the call that asks. Zero-initialise, set answered and
 * the id or sku; the caller finishes `body`. */
struct projections_read {
    struct base_uuid id;       /* projections_read_cart, projections_read_coupon */
    struct cart_caller caller; /* of a cart: one of another owner is not found */
    bool wants_prices;         /* of a cart: beside those that the catalogue has at that moment */
    const char *customer_id;   /* projections_read_customer_cart */
    const char *sku;           /* projections_read_product */
    void (*answered)(struct projections_read *read);
    enum projections_outcome outcome;
    struct queue_request request;
    int32_t version;
    struct base_buffer body; /* the whole JSON answer */
    uint64_t mark;           /* the room's own */
    bool is_coupon;          /* the same */
};
void projections_read_cart(struct projections *projections, struct projections_read *read);
/* The newest of a customer's open carts. */
void projections_read_customer_cart(struct projections *projections, struct projections_read *read);
void projections_read_product(struct projections *projections, struct projections_read *read);
void projections_read_coupon(struct projections *projections, struct projections_read *read);

/* Whoever changes carts may grant a lease on reads, until a moment (monotonic) before which nobody
 * else changes any: meanwhile reads are answered from the cache. The cache stays valid from one
 * lease to the next if the number of writers is the same, and projections_revoke_lease() empties
 * it. check() is called with a read, of which there were n_reads, once check_at_us has come.
 * Changes within the process are announced before they are sent and when it is known what became of
 * them; both once each. */
struct projections_lessor {
    void (*check)(struct projections_lessor *lessor, int64_t now_us);
    int64_t check_at_us;
    size_t n_reads;
};
void projections_set_lessor(struct projections *projections, struct projections_lessor *lessor);
void projections_grant_lease(struct projections *projections, int64_t until_us, int64_t n_writers);
void projections_revoke_lease(struct projections *projections);
void projections_begin_change(struct projections *projections, const struct base_uuid *stream_id);
void projections_end_change(struct projections *projections, const struct base_uuid *stream_id);
/* After that, when it was accepted; the cart's times are those that were recorded. */
void projections_cache_change(
    struct projections *projections, const struct projections_change *change);

/* What lists of carts are filtered by: a row here, one in cart_lists.c, and its parameter. From a
 * time or total on, and before one. */
enum projections_filter {
    PROJECTIONS_FILTER_SKU,
    PROJECTIONS_FILTER_STATUS,
    PROJECTIONS_FILTER_CUSTOMER_ID,
    PROJECTIONS_FILTER_ORDER_REFERENCE,
    PROJECTIONS_FILTER_CURRENCY,
    PROJECTIONS_FILTER_CUSTOMER_EMAIL, /* in upper or lower case */
    PROJECTIONS_FILTER_CREATED_FROM,
    PROJECTIONS_FILTER_CREATED_TO,
    PROJECTIONS_FILTER_ABANDONED,    /* true or false */
    PROJECTIONS_FILTER_COUPON,       /* a folded code */
    PROJECTIONS_FILTER_UPDATED_FROM, /* from here on what follows the log */
    PROJECTIONS_FILTER_UPDATED_TO,
    PROJECTIONS_FILTER_TOTAL_FROM,
    PROJECTIONS_FILTER_TOTAL_TO,
    PROJECTIONS_N_FILTERS
};
struct projections_filter_value {
    const char *text; /* as it was given; NULL: no filter */
    int64_t number;   /* of a time, in microseconds since 1970, or of a total */
};

/* Totals are only compared within a currency: a list that is sorted or filtered by them is filtered
 * by it too. */
enum projections_sort {
    PROJECTIONS_SORT_CREATED,
    PROJECTIONS_SORT_UPDATED,
    PROJECTIONS_SORT_TOTAL
};

/* Beyond it a count is not exact: there are more. */
#define PROJECTIONS_COUNT_MAX 10000

/* One page of a list. As above, but never answered within the call; texts are borrowed until it is
 * answered. */
struct projections_page {
    struct projections_filter_value filters[PROJECTIONS_N_FILTERS]; /* carts */
    enum projections_sort sort;                                     /* carts */
    bool is_ascending;  /* carts; false: the largest first */
    bool wants_count;   /* carts: how many there are on all pages */
    int32_t limit;      /* 1..100 */
    const char *cursor; /* NULL: the first page */
    void (*answered)(struct projections_page *page);
    struct queue_request request;
    struct base_buffer
        body; /* {"carts":[…],"as_of":…,"next_cursor":…}, {"products":…}, {"coupons":…} */
    struct base_buffer next_cursor; /* empty: this is the last page */
    struct postgres_pipeline pipeline;
    struct projections *projections;
    const struct key_list *list; /* the room's own; NULL: carts */
};
/* False (and never answered): the cursor is none of this list with these filters. */
bool projections_list_carts(struct projections *projections, struct projections_page *page)
    BASE_MUST_CHECK;
/* By sku. */
bool projections_list_products(struct projections *projections, struct projections_page *page)
    BASE_MUST_CHECK;
/* By folded code. */
bool projections_list_coupons(struct projections *projections, struct projections_page *page)
    BASE_MUST_CHECK;

/* ---- reports --------------------------------------------------------------------------------- */

/* What open carts hold, by sku; how far carts came, by currency; who bought what they had removed,
 * by sku; what became of carts that were abandoned, by day. Each is a file with a follower and a
 * report, name_follower and name_report. */
#define PROJECTIONS_REPORTS(ROW)                                                                   \
    ROW(DEMAND, demand)                                                                            \
    ROW(FUNNEL, funnel)                                                                            \
    ROW(REMOVED_THEN_BOUGHT, removed_then_bought)                                                  \
    ROW(ABANDONED_CARTS, abandoned_carts)
enum projections_report_kind {
#define PROJECTIONS_ROW(NAME, name) PROJECTIONS_##NAME,
    PROJECTIONS_REPORTS(PROJECTIONS_ROW)
#undef PROJECTIONS_ROW
        PROJECTIONS_N_REPORTS
};

#define PROJECTIONS_REPORT_LIMIT_MAX 5000
#define PROJECTIONS_WITHIN_DAYS_MAX 3650
#define PROJECTIONS_NO_TIME INT64_MIN

/* One report. As a page: the caller owns it, sets the first part, and finishes the buffers. A
 * report is about a moment of the log: it takes in exactly the events up to there, and is the same
 * however much later it is asked for again. The moment is that of the last event that its
 * projection knows, or that `as_of` lets in. */
struct projections_report {
    enum projections_report_kind kind;
    bool is_csv;
    int64_t as_of_us;    /* PROJECTIONS_NO_TIME: as far as the projection has come */
    int64_t from_us;     /* carts created, or abandoned, from then on; PROJECTIONS_NO_TIME: all */
    int64_t to_us;       /* and before then; PROJECTIONS_NO_TIME: all */
    int32_t within_days; /* removed_then_bought */
    int32_t limit;       /* rows of the page; not the funnel */
    const char *cursor;  /* not the funnel; NULL: the first page */
    void (*answered)(struct projections_report *report);
    struct queue_request request;
    struct base_buffer body;        /* JSON or CSV (RFC 4180, with a header line) */
    struct base_buffer next_cursor; /* empty: this is the last page */
    struct projections_report_work *work;
};
/* False (and never answered): the cursor is none of this report. Reports run one at a time; beyond
 * a few that wait they are OVERLOADED. */
bool projections_report(struct projections *projections, struct projections_report *report)
    BASE_MUST_CHECK;

#endif
