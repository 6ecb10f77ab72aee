#include <endian.h>
#include <string.h>

#include "codec.h"
#include "tables.h"

/*
 * Lists of carts. What does not change with a line is found in `carts` itself, so that a list shows
 * every command that was answered before it. What does change with a line, the time of the last
 * change and the total, is found in cart_rankings, which follows the log: such a list says as of
 * when it is. Documents are those of `carts` either way.
 */

/* ---- the statements -------------------------------------------------------------------------- */

/* $1 and $2 the place to go on from, $3 how many rows at most, $4 sku, then these: a row a filter,
 * in the order of enum projections_filter. Null is no filter: each list is planned for the filters
 * that it has (PLAN_EACH), and what is no filter folds away. */
#define FILTERS(ROW)                                                                               \
    ROW(STATUS, TEXT, "$5", "c.status = $5")                                                       \
    ROW(CUSTOMER_ID, TEXT, "$6", "c.customer_id = $6")                                             \
    ROW(ORDER_REFERENCE, TEXT, "$7", "c.order_reference = $7")                                     \
    ROW(CURRENCY, TEXT, "$8", "c.currency = $8")                                                   \
    ROW(CUSTOMER_EMAIL, TEXT, "$9", "lower(c.customer_email) = lower($9)")                         \
    ROW(CREATED_FROM, TIMESTAMPTZ, "$10", "c.created_at >= $10")                                   \
    ROW(CREATED_TO, TIMESTAMPTZ, "$11", "c.created_at < $11")                                      \
    ROW(ABANDONED, TEXT, "$12", "(c.abandoned_at IS NOT NULL) = ($12 = 'true')")                   \
    ROW(COUPON, TEXT, "$13", "c.coupons @> ARRAY[$13]")
/* Those that are about cart_rankings; a list with one of them is of it. */
#define RANKED_FILTERS(ROW)                                                                        \
    ROW(UPDATED_FROM, TIMESTAMPTZ, "$14", "r.updated_at >= $14")                                   \
    ROW(UPDATED_TO, TIMESTAMPTZ, "$15", "r.updated_at < $15")                                      \
    ROW(TOTAL_FROM, INT8, "$16", "r.total >= $16")                                                 \
    ROW(TOTAL_TO, INT8, "$17", "r.total < $17")

#define CONDITION(NAME, TYPE, number, condition)                                                   \
    "    AND (" number "::" #TYPE " IS NULL OR " condition ")\n"
#define TYPE_OF(NAME, TYPE, number, condition) POSTGRES_##TYPE,
#define TYPES(KEY_TYPE)                                                                            \
    POSTGRES_TYPES(                                                                                \
        POSTGRES_##KEY_TYPE, POSTGRES_UUID, POSTGRES_INT4, POSTGRES_TEXT,                          \
        FILTERS(TYPE_OF) RANKED_FILTERS(TYPE_OF))

#define FROM_CARTS "\nFROM carts c\n"
#define WHERE_CARTS FILTERS(CONDITION)
#define FROM_RANKINGS "\nFROM cart_rankings r\nJOIN carts c ON c.cart_id = r.cart_id\n"
/* Also what follows from the filters, so that any index may lead to the rows: what both tables have
 * is the same in both, and no cart was changed before it was created. */
#define WHERE_RANKINGS                                                                             \
    FILTERS(CONDITION)                                                                             \
    RANKED_FILTERS(CONDITION)                                                                      \
    CONDITION(STATUS, TEXT, "$5", "r.status = $5")                                                 \
    CONDITION(CURRENCY, TEXT, "$8", "r.currency = $8")                                             \
    CONDITION(CREATED_FROM, TIMESTAMPTZ, "$10", "r.created_at >= $10 AND r.updated_at >= $10")     \
    CONDITION(CREATED_TO, TIMESTAMPTZ, "$11", "r.created_at < $11")                                \
    CONDITION(UPDATED_TO, TIMESTAMPTZ, "$15", "r.created_at < $15 AND c.created_at < $15")
#define HAS_ANY ""
#define HAS_SKU                                                                                    \
    "    AND EXISTS (SELECT FROM cart_items i WHERE i.cart_id = c.cart_id AND i.sku = $4)\n"

#define LIST(text, from, where, has, key, key_type, id, than, order)                               \
    {                                                                                              \
        .name = "list_carts_" text,                                                                \
        .sql = "SELECT c.cart_id, " TABLES_CART_DOCUMENT ",\n" TABLES_CART_TIMES ", " key from     \
               "WHERE (" key ", " id ") " than " ($1, $2)\n" has where "ORDER BY " key " " order   \
               ", " id " " order "\nLIMIT $3",                                                     \
        TYPES(key_type)                                                                            \
    }
#define LISTS(text, from, where, key, key_type, id)                                                \
    LIST(text "_down", from, where, HAS_ANY, key, key_type, id, "<", "DESC"),                      \
        LIST(text "_down_of_sku", from, where, HAS_SKU, key, key_type, id, "<", "DESC"),           \
        LIST(text "_up", from, where, HAS_ANY, key, key_type, id, ">", "ASC"),                     \
        LIST(text "_up_of_sku", from, where, HAS_SKU, key, key_type, id, ">", "ASC")
/* At most $3; the place does not matter. */
#define COUNT(text, from, where, has)                                                              \
    {                                                                                              \
        .name = "count_carts_" text,                                                               \
        .sql = "SELECT count(*)\nFROM (\nSELECT" from                                              \
               "WHERE $1 IS NOT NULL AND $2 IS NOT NULL\n" has where "LIMIT $3\n) counted",        \
        .rows = POSTGRES_ONE_ROW, TYPES(TIMESTAMPTZ)                                               \
    }

enum { OF_CARTS, OF_RANKINGS_BY_CREATION, OF_RANKINGS_BY_UPDATE, OF_RANKINGS_BY_TOTAL, COUNTS };
enum { PLAN_EACH = 4 * COUNTS + 4, AS_OF };
const struct postgres_statement carts_list_statements[] = {
    LISTS("by_creation", FROM_CARTS, WHERE_CARTS, "c.created_at", TIMESTAMPTZ, "c.cart_id"),
    LISTS(
        "ranked_by_creation", FROM_RANKINGS, WHERE_RANKINGS, "r.created_at", TIMESTAMPTZ,
        "r.cart_id"),
    LISTS("by_update", FROM_RANKINGS, WHERE_RANKINGS, "r.updated_at", TIMESTAMPTZ, "r.cart_id"),
    LISTS("by_total", FROM_RANKINGS, WHERE_RANKINGS, "r.total", INT8, "r.cart_id"),
    COUNT("all", FROM_CARTS, WHERE_CARTS, HAS_ANY),
    COUNT("of_sku", FROM_CARTS, WHERE_CARTS, HAS_SKU),
    COUNT("ranked", FROM_RANKINGS, WHERE_RANKINGS, HAS_ANY),
    COUNT("ranked_of_sku", FROM_RANKINGS, WHERE_RANKINGS, HAS_SKU),
    /* Beginning workers takes longer than a page does. */
    [PLAN_EACH] =
        {
            .name = "list_carts_plan_each",
            .rows = POSTGRES_ONE_ROW,
            .sql = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),\n"
                   "    set_config('max_parallel_workers_per_gather', '0', true)",
        },
    /* The events of one append have one time; in the middle of them it is the moment before. */
    [AS_OF] =
        {
            .name = "list_carts_as_of",
            .rows = POSTGRES_ONE_ROW,
            .sql = "SELECT CASE WHEN n.recorded_at = p.recorded_at\n"
                   "    THEN p.recorded_at - '1 microsecond'::interval ELSE p.recorded_at END\n"
                   "FROM projection_checkpoints p\n"
                   "LEFT JOIN events n ON n.position = p.position + 1\n"
                   "WHERE p.name = 'cart_rankings'",
        },
};
const size_t carts_list_statements_count = BASE_COUNT(carts_list_statements);

static bool is_ranked(const struct projections_page *page)
{
    for (int i = PROJECTIONS_FILTER_UPDATED_FROM; i < PROJECTIONS_N_FILTERS; i++)
        if (page->filters[i].text != NULL)
            return true;
    return page->sort != PROJECTIONS_SORT_CREATED;
}

static bool has_sku(const struct projections_page *page)
{
    return page->filters[PROJECTIONS_FILTER_SKU].text != NULL;
}

static const struct postgres_statement *find_list(const struct projections_page *page)
{
    int which = OF_CARTS;
    switch (page->sort) {
    case PROJECTIONS_SORT_CREATED:
        which = is_ranked(page) ? OF_RANKINGS_BY_CREATION : OF_CARTS;
        break;
    case PROJECTIONS_SORT_UPDATED:
        which = OF_RANKINGS_BY_UPDATE;
        break;
    case PROJECTIONS_SORT_TOTAL:
        which = OF_RANKINGS_BY_TOTAL;
        break;
    }
    return &carts_list_statements[4 * which + 2 * page->is_ascending + has_sku(page)];
}

static const struct postgres_statement *find_count(const struct projections_page *page)
{
    return &carts_list_statements[4 * COUNTS + 2 * is_ranked(page) + has_sku(page)];
}

/* ---- cursors --------------------------------------------------------------------------------- */

/* Where a page of carts goes on: behind this one. */
struct place {
    uint64_t key; /* what the list is sorted by, in microseconds or minor units; the highest byte
                     first */
    struct base_uuid cart_id;
};

static const char *sort_name(const struct projections_page *page)
{
    static const char *const names[] = {"-created", "created", "-updated",
                                        "updated",  "-total",  "total"};
    return names[2 * (int)page->sort + page->is_ascending];
}

static struct cursor_list list_of(const struct projections_page *page)
{
    struct cursor_list list = {.kind = CARTS_CURSOR};
    for (size_t i = 0; i < PROJECTIONS_N_FILTERS; i++)
        list.filters[i] = page->filters[i].text;
    list.filters[PROJECTIONS_N_FILTERS] = sort_name(page);
    return list;
}

static int64_t most_of(enum projections_sort sort)
{
    return sort == PROJECTIONS_SORT_TOTAL ? CART_AMOUNT_MAX : BASE_TIME_MOST_US;
}

/* Before all of them. It begins at the end of what the list's own filter lets in, which the scan of
 * an index would have to pass otherwise. */
static struct place first_place(const struct projections_page *page)
{
    static const enum projections_filter from[] = {
        [PROJECTIONS_SORT_CREATED] = PROJECTIONS_FILTER_CREATED_FROM,
        [PROJECTIONS_SORT_UPDATED] = PROJECTIONS_FILTER_UPDATED_FROM,
        [PROJECTIONS_SORT_TOTAL] = PROJECTIONS_FILTER_TOTAL_FROM,
    };
    const struct projections_filter_value *end =
        &page->filters[from[page->sort] + !page->is_ascending];
    struct place place = {.key = 0}; /* no cart has the nil UUID */
    if (end->text != NULL && end->number >= 0) {
        place.key = htobe64((uint64_t)end->number);
    } else if (!page->is_ascending) {
        place.key = htobe64((uint64_t)most_of(page->sort));
        memset(&place.cart_id, 0xff, sizeof place.cart_id);
    }
    return place;
}

static bool find_place(const struct projections_page *page, struct place *place)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    *place = first_place(page);
    if (page->cursor == NULL)
        return true;
    size_t n_bytes = 0;
    const struct cursor_list list = list_of(page);
    const uint8_t *bytes = cursor_decode(&arena, &list, page->cursor, &n_bytes);
    if (bytes == NULL || n_bytes != sizeof *place)
        return false;
    memcpy(place, bytes, sizeof *place);
    return be64toh(place->key) <= (uint64_t)most_of(page->sort);
}

/* ---- asked ----------------------------------------------------------------------------------- */

static void put_key(
    struct postgres_parameters *to, const struct postgres_statement *statement, int64_t key)
{
    if (statement->types[0] == POSTGRES_INT8)
        postgres_put_int8(to, key);
    else
        postgres_put_time(to, key);
}

static void put_filter(
    struct postgres_parameters *to, enum postgres_type type,
    const struct projections_filter_value *value)
{
    if (value->text == NULL)
        postgres_put_null(to);
    else if (type == POSTGRES_TEXT)
        postgres_put_text(to, value->text);
    else if (type == POSTGRES_INT8)
        postgres_put_int8(to, value->number);
    else
        postgres_put_time(to, value->number);
}

static void ask(
    struct projections_page *page, const struct postgres_statement *statement,
    const struct place *place, int32_t most)
{
    enum { BEFORE_FILTERS = 3 };
    struct postgres_parameters *to = postgres_pipeline_add(&page->pipeline, statement);
    put_key(to, statement, (int64_t)be64toh(place->key));
    postgres_put_uuid(to, &place->cart_id);
    postgres_put_int4(to, most);
    for (size_t i = 0; i < PROJECTIONS_N_FILTERS; i++)
        put_filter(to, statement->types[BEFORE_FILTERS + i], &page->filters[i]);
}

bool carts_ask_page(struct projections_page *page)
{
    struct place place;
    if (!find_place(page, &place))
        return false;
    (void)postgres_pipeline_add(&page->pipeline, &carts_list_statements[PLAN_EACH]);
    /* Before the list, which is not older then. */
    if (is_ranked(page))
        (void)postgres_pipeline_add(&page->pipeline, &carts_list_statements[AS_OF]);
    ask(page, find_list(page), &place, page->limit + 1); /* one more: is there a next page? */
    if (page->wants_count)
        ask(page, find_count(page), &place, PROJECTIONS_COUNT_MAX + 1);
    return true;
}

/* ---- answered -------------------------------------------------------------------------------- */

static void write_as_of(struct projections_page *page, const struct postgres_rows *rows)
{
    bool is_known = rows != NULL && !postgres_is_null(rows, 0, 0);
    base_buffer_append_text(&page->body, "],\"as_of\":");
    tables_write_time(&page->body, is_known ? postgres_get_time(rows, 0, 0) : PROJECTIONS_NO_TIME);
}

static void write_count(struct projections_page *page, const struct postgres_rows *rows)
{
    int64_t count = postgres_get_int8(rows, 0, 0);
    bool is_exact = count <= PROJECTIONS_COUNT_MAX;
    base_buffer_append_text(&page->body, ",\"count\":");
    base_buffer_append_int(&page->body, is_exact ? count : PROJECTIONS_COUNT_MAX);
    base_buffer_append_text(&page->body, ",\"count_is_exact\":");
    base_buffer_append_text(&page->body, is_exact ? "true" : "false");
}

/* The cart of the last row that is shown. */
static void write_cursor(
    struct projections_page *page, const struct postgres_rows *rows, size_t row)
{
    enum { KEY = 8 };
    const struct cursor_list list = list_of(page);
    int64_t key = page->sort == PROJECTIONS_SORT_TOTAL ? postgres_get_int8(rows, row, KEY)
                                                       : postgres_get_time(rows, row, KEY);
    const struct place place = {
        .key = htobe64((uint64_t)key), .cart_id = postgres_get_uuid(rows, row, 0)};
    cursor_encode(&page->next_cursor, &list, &place, sizeof place);
}

void carts_receive_page(struct projections_page *page)
{
    size_t statement = 1; /* after PLAN_EACH */
    const struct postgres_rows *as_of =
        is_ranked(page) ? postgres_pipeline_rows(&page->pipeline, statement++) : NULL;
    const struct postgres_rows *rows = postgres_pipeline_rows(&page->pipeline, statement++);
    size_t n_rows = postgres_rows_count(rows);
    size_t n_shown = n_rows > (size_t)page->limit ? (size_t)page->limit : n_rows;
    base_buffer_append_text(&page->body, "{\"carts\":[");
    for (size_t i = 0; i < n_shown; i++) {
        if (i > 0)
            base_buffer_append_char(&page->body, ',');
        carts_append(&page->body, rows, i, 1);
    }
    write_as_of(page, as_of);
    if (page->wants_count)
        write_count(page, postgres_pipeline_rows(&page->pipeline, statement));
    if (n_shown < n_rows)
        write_cursor(page, rows, n_shown - 1);
}
