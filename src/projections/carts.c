#include "tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "cart_cache.h"

/* ---- written --------------------------------------------------------------------------------- */

const struct projections_change *tables_next(
    const struct projections_changes *changes, const struct aggregate *aggregate,
    const struct projections_change *change)
{
    const struct projections_change *end = changes->list + changes->n;
    for (change++; change < end; change++)
        if (change->aggregate == aggregate)
            return change;
    return NULL;
}

const struct projections_change *tables_first(
    const struct projections_changes *changes, const struct aggregate *aggregate)
{
    if (changes->n == 0)
        return NULL;
    bool is_first = changes->list[0].aggregate == aggregate;
    return is_first ? changes->list : tables_next(changes, aggregate, changes->list);
}

void tables_put_time(struct postgres_parameters *to, int64_t time_us)
{
    if (time_us == CART_TIME_PENDING || time_us == CART_TIME_NONE)
        postgres_put_null(to);
    else
        postgres_put_time(to, time_us);
}

void tables_write_time(struct base_buffer *out, int64_t unix_us)
{
    if (unix_us == PROJECTIONS_NO_TIME) {
        base_buffer_append_text(out, "null");
        return;
    }
    char text[BASE_TIME_SIZE];
    base_time_format(unix_us, text);
    base_buffer_printf(out, "\"%s\"", text);
}

/* The document, or what of it stands before the first line when it is stored in chunks; cart_chunks
 * has the lines. */
static void write_document(struct base_buffer *out, const struct projections_change *change)
{
    const struct cart *cart = tables_cart(change);
    if (tables_is_in_chunks(cart))
        codec_write_cart_begin(out, &change->stream_id, cart);
    else if (change->document != NULL)
        base_buffer_append(out, change->document, change->document_length);
    else
        codec_write_cart(out, &change->stream_id, cart);
}

static void put_documents(struct postgres_parameters *to, const struct projections_changes *changes)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    {
        text.length = 0;
        write_document(&text, change);
        postgres_put_bytes(to, text.bytes, text.length);
    }
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    {
        text.length = 0;
        if (tables_is_in_chunks(tables_cart(change))) {
            codec_write_cart_end(&text, tables_cart(change));
            postgres_put_bytes(to, text.bytes, text.length);
        } else {
            postgres_put_text(to, NULL);
        }
    }
}

/* The folded codes with line feeds between them, which no code has; NULL: there are none. */
static const char *write_coupons(struct base_buffer *text, const struct cart *cart)
{
    text->length = 0;
    for (size_t i = 0; i < cart->n_coupons; i++) {
        base_buffer_append_text(text, i > 0 ? "\n" : "");
        base_buffer_append_text(text, cart->coupons[i].code);
    }
    return cart->n_coupons > 0 ? base_buffer_text(text) : NULL;
}

static void put_coupons(struct postgres_parameters *to, const struct projections_changes *changes)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, write_coupons(&text, tables_cart(change)));
}

/* What an event of a line changes, for both clauses. */
static void put_lines(struct postgres_parameters *to, const void *changes)
{
    tables_put_cart_keys(to, changes);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_int4(to, tables_cart(change)->version);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_int4(to, tables_cart(change)->item_count);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_int8(to, tables_cart(change)->total_minor);
    put_documents(to, changes);
}

static void put_carts(struct postgres_parameters *to, const void *changes)
{
    put_lines(to, changes);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, cart_status_name(tables_cart(change)->status));
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->currency);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->customer_id);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    tables_put_time(to, tables_cart(change)->created_at_us);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    tables_put_time(to, tables_cart(change)->closed_at_us);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_bool(to, tables_cart(change)->closed_at_us != CART_TIME_NONE);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    tables_put_time(to, tables_cart(change)->updated_at_us);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->guest_token_hash);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->order_reference);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->customer_email);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    tables_put_time(to, tables_cart(change)->abandoned_at_us);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_bool(to, tables_cart(change)->abandoned_at_us != CART_TIME_NONE);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_text(to, tables_cart(change)->resume_token_hash);
    put_coupons(to, changes);
}

static bool are_coupons_the_same(const struct cart *before, const struct cart *after)
{
    if (before->n_coupons != after->n_coupons)
        return false;
    for (size_t i = 0; i < after->n_coupons; i++)
        if (strcmp(before->coupons[i].code, after->coupons[i].code) != 0)
            return false;
    return true;
}

/* Besides what follows from the lines: version, sums, time. */
static bool have_only_lines_changed(const struct cart *before, const struct cart *after)
{
    return before != NULL && before->version > 0 && before->status == after->status &&
           before->abandoned_at_us == after->abandoned_at_us &&
           strcmp(before->currency, after->currency) == 0 &&
           cart_is_same_text(before->customer_id, after->customer_id) &&
           cart_is_same_text(before->customer_email, after->customer_email) &&
           cart_is_same_text(before->guest_token_hash, after->guest_token_hash) &&
           cart_is_same_text(before->resume_token_hash, after->resume_token_hash) &&
           are_coupons_the_same(before, after);
}

static bool has_more_than_lines(const void *changes)
{
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (!have_only_lines_changed(tables_cart_before(change), tables_cart(change)))
        return true;
    return false;
}

/* Most batches change lines of carts that are there: seven values a cart instead of twenty-one, and
 * no search for a conflict before the row is looked up to be changed (bench/NOTES.md). A row that
 * somebody has taken away is not put back so; `cartd rebuild` does that. */
static const struct eventstore_clause USUAL_CARTS_CLAUSE = {
    .ctes =
        "carts_put AS (\n"
        "    UPDATE carts c\n"
        "    SET version = u.version, item_count = u.item_count, total = u.total,\n"
        "        document = u.document, document_end = u.document_end,\n"
        "        updated_at = h.recorded_at\n"
        "    FROM unnest($1, $2, $3, $4, $5, $6, $7)\n"
        "        AS u (stream_ordinal, cart_id, version, item_count, total, document,\n"
        "              document_end)\n"
        "    CROSS JOIN head h\n"
        "    WHERE c.cart_id = u.cart_id AND (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
        ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT8_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_lines,
};

const struct eventstore_clause carts_clause = {
    .ctes =
        "carts_put AS (\n"
        "    INSERT INTO carts\n"
        "        (cart_id, version, status, currency, customer_id, item_count, total, document,\n"
        "         document_end, created_at, updated_at, closed_at, guest_token_hash,\n"
        "         order_reference, customer_email, abandoned_at, resume_token_hash, coupons)\n"
        "    SELECT u.cart_id, u.version, u.status, u.currency, u.customer_id, u.item_count,\n"
        "        u.total, u.document, u.document_end, coalesce(u.created_at, h.recorded_at),\n"
        "        coalesce(u.updated_at, h.recorded_at),\n"
        "        CASE WHEN u.is_closed THEN coalesce(u.closed_at, h.recorded_at) END,\n"
        "        u.guest_token_hash, u.order_reference, u.customer_email,\n"
        "        CASE WHEN u.is_abandoned THEN coalesce(u.abandoned_at, h.recorded_at) END,\n"
        "        u.resume_token_hash, string_to_array(u.coupons, E'\\n')\n"
        "    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,\n"
        "        $17, $18, $19, $20, $21)\n"
        "        AS u (stream_ordinal, cart_id, version, item_count, total, document,\n"
        "              document_end, status, currency, customer_id, created_at, closed_at,\n"
        "              is_closed, updated_at, guest_token_hash, order_reference,\n"
        "              customer_email, abandoned_at, is_abandoned, resume_token_hash, coupons)\n"
        "    CROSS JOIN head h\n"
        "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
        "    ON CONFLICT (cart_id) DO UPDATE\n"
        "    SET version = excluded.version, status = excluded.status,\n"
        "        currency = excluded.currency,\n"
        "        item_count = excluded.item_count, total = excluded.total,\n"
        "        document = excluded.document, document_end = excluded.document_end,\n"
        "        updated_at = excluded.updated_at, closed_at = excluded.closed_at,\n"
        "        customer_id = excluded.customer_id,\n"
        "        guest_token_hash = excluded.guest_token_hash,\n"
        "        order_reference = excluded.order_reference,\n"
        "        customer_email = excluded.customer_email,\n"
        "        abandoned_at = excluded.abandoned_at,\n"
        "        resume_token_hash = excluded.resume_token_hash, coupons = excluded.coupons\n"
        ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_INT8_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY,
        POSTGRES_TIMESTAMPTZ_ARRAY, POSTGRES_BOOL_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY,
        POSTGRES_BOOL_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_carts,
    .has_work = has_more_than_lines,
    .usual = &USUAL_CARTS_CLAUSE,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

void tables_put_cart_keys(struct postgres_parameters *to, const void *changes)
{
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_int4(to, change->ordinal);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    postgres_put_uuid(to, &change->stream_id);
}

static const struct eventstore_clause CARTS_REMOVING = TABLES_CART_REMOVING("carts");

/* At most one row a cart. */
static const struct postgres_statement CARTS_ROWS = {
    .name = "rows_of_carts",
    .sql = "SELECT cart_id, version, status, currency, customer_id, item_count, total, document,\n"
           "    created_at, updated_at, closed_at, guest_token_hash, document_end,\n"
           "    order_reference, customer_email, abandoned_at, resume_token_hash,\n"
           "    array_to_string(coupons, E'\\n')\n"
           "FROM carts\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* At most $2 rows. */
static const struct postgres_statement CARTS_ORPHANS = {
    .name = "orphans_of_carts",
    .sql = "SELECT c.cart_id\n"
           "FROM carts c\n"
           "WHERE c.cart_id >= $1\n"
           "    AND NOT EXISTS (\n"
           "        SELECT 1 FROM streams s\n"
           "        WHERE s.stream_id = c.cart_id AND s.stream_type = 'cart')\n"
           "ORDER BY c.cart_id\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),
};

/* CART_TIME_NONE is null and nothing else: not -infinity, which is the same number. */
static int64_t get_time(const struct postgres_rows *rows, size_t row, size_t column)
{
    if (postgres_is_null(rows, row, column))
        return CART_TIME_NONE;
    int64_t time_us = postgres_get_time(rows, row, column);
    return time_us == CART_TIME_NONE ? INT64_MAX : time_us;
}

static void compare_documents(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer should_be = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer end = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer is = {0};
    const char *stored = postgres_get_text(rows, row, 7);
    size_t length = postgres_get_length(rows, row, 7);
    bool is_in_chunks = tables_is_in_chunks(tables_cart(wanted));
    const char *stored_end = postgres_get_text(rows, row, 12);
    /* A piece of it says too little for that. */
    if (is_in_chunks &&
        (codec_is_former_cart(stored, length) ||
         (stored_end != NULL && codec_is_former_cart(stored_end, strlen(stored_end)))))
        return;
    write_document(&should_be, wanted);
    if (is_in_chunks)
        codec_write_cart_end(&end, tables_cart(wanted));
    /* Whoever reads a document brings it to today's shape, so that is what is compared. */
    codec_write_stored_cart(&is, stored, length);
    projections_compare_texts(
        differences, "carts.document", base_buffer_text(&is), base_buffer_text(&should_be));
    projections_compare_texts(
        differences, "carts.document_end", stored_end,
        is_in_chunks ? base_buffer_text(&end) : NULL);
}

static void carts_compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer coupons = {0};
    const struct cart *cart = tables_cart(wanted);
    if (n == 0) {
        base_buffer_append_text(differences, "carts has no row for it\n");
        return;
    }
    projections_compare_numbers(
        differences, "carts.version", postgres_get_int4(rows, first, 1), cart->version);
    projections_compare_texts(
        differences, "carts.status", postgres_get_text(rows, first, 2),
        cart_status_name(cart->status));
    projections_compare_texts(
        differences, "carts.currency", postgres_get_text(rows, first, 3), cart->currency);
    projections_compare_texts(
        differences, "carts.customer_id", postgres_get_text(rows, first, 4), cart->customer_id);
    projections_compare_numbers(
        differences, "carts.item_count", postgres_get_int4(rows, first, 5), cart->item_count);
    projections_compare_numbers(
        differences, "carts.total", postgres_get_int8(rows, first, 6), cart->total_minor);
    compare_documents(wanted, rows, first, differences);
    projections_compare_times(
        differences, "carts.created_at", get_time(rows, first, 8), cart->created_at_us);
    projections_compare_times(
        differences, "carts.updated_at", get_time(rows, first, 9), cart->updated_at_us);
    projections_compare_times(
        differences, "carts.closed_at", get_time(rows, first, 10), cart->closed_at_us);
    projections_compare_times(
        differences, "carts.abandoned_at", get_time(rows, first, 15), cart->abandoned_at_us);
    projections_compare_texts(
        differences, "carts.guest_token_hash", postgres_get_text(rows, first, 11),
        cart->guest_token_hash);
    projections_compare_texts(
        differences, "carts.resume_token_hash", postgres_get_text(rows, first, 16),
        cart->resume_token_hash);
    projections_compare_texts(
        differences, "carts.order_reference", postgres_get_text(rows, first, 13),
        cart->order_reference);
    projections_compare_texts(
        differences, "carts.customer_email", postgres_get_text(rows, first, 14),
        cart->customer_email);
    projections_compare_texts(
        differences, "carts.coupons", postgres_get_text(rows, first, 17),
        write_coupons(&coupons, cart));
}

const struct projections_table carts_table = {
    .name = "carts",
    .aggregate = &aggregate_cart,
    .clause = &carts_clause,
    .removing = &CARTS_REMOVING,
    .rows = &CARTS_ROWS,
    .orphans = &CARTS_ORPHANS,
    .compare = carts_compare,
};

/* ---- read ------------------------------------------------------------------------------------ */

/* Of the statements that read carts. */
enum { CUSTOMER_ID = 8, GUEST_TOKEN_HASH, RESUME_TOKEN_HASH, OFFERS };

/* At most one row a wanted cart. */
const struct postgres_statement carts_read = {
    .name = "read_carts",
    .sql = "SELECT w.ordinal, c.version, " TABLES_CART_DOCUMENT ",\n" TABLES_CART_TIMES
           ", c.guest_token_hash, c.resume_token_hash\n"
           "FROM unnest($1) WITH ORDINALITY AS w (cart_id, ordinal)\n"
           "JOIN carts c ON c.cart_id = w.cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* The columns from `column` on are TABLES_CART_TIMES. */
static struct codec_cart_times get_times(
    const struct postgres_rows *rows, size_t row, size_t column)
{
    bool is_empty = postgres_get_int4(rows, row, column + 4) == 0;
    bool has_customer = !postgres_is_null(rows, row, column + 5);
    return (struct codec_cart_times){
        .created_at_us = postgres_get_time(rows, row, column),
        .updated_at_us = postgres_get_time(rows, row, column + 1),
        .closed_at_us = get_time(rows, row, column + 2),
        .abandoned_at_us = get_time(rows, row, column + 3),
        .lifetime_us = codec_lifetime_us(has_customer, is_empty),
    };
}

void carts_append(
    struct base_buffer *out, const struct postgres_rows *rows, size_t row, size_t column)
{
    const struct codec_cart_times times = get_times(rows, row, column + 1);
    codec_write_cart_times(
        out, postgres_get_text(rows, row, column), postgres_get_length(rows, row, column), &times);
}

/* The columns from `column` on are the customer and the hash of the guest's token. */
static bool admits(
    const struct postgres_rows *rows, size_t row, size_t column, const struct cart_caller *caller)
{
    return caller->may_all || cart_admits(
                                  postgres_get_text(rows, row, column),
                                  postgres_get_text(rows, row, column + 1), caller);
}

/* Also who may resume the cart. */
static bool may_read(const struct postgres_rows *rows, size_t row, const struct cart_caller *caller)
{
    return admits(rows, row, CUSTOMER_ID, caller) ||
           cart_has_token(postgres_get_text(rows, row, RESUME_TOKEN_HASH), caller);
}

bool carts_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
{
    if (!may_read(rows, row, &read->caller))
        return false;
    read->version = postgres_get_int4(rows, row, 1);
    carts_append(&read->body, rows, row, 2);
    return true;
}

/* The same columns, and what the catalogue says of the lines at that moment: an object of [price in
 * the cart's currency or null, whether it is active, quantity or null] by item id; null: of none.
 */
const struct postgres_statement carts_read_priced = {
    .name = "read_priced_carts",
    .sql = "SELECT w.ordinal, c.version, " TABLES_CART_DOCUMENT ",\n" TABLES_CART_TIMES
           ", c.guest_token_hash, c.resume_token_hash,\n"
           "    (SELECT jsonb_object_agg(i.item_id,\n"
           "        jsonb_build_array(p.prices::jsonb -> c.currency::text, p.is_active,\n"
           "            p.quantity::jsonb))::text\n"
           "    FROM cart_items i\n"
           "    JOIN products p ON p.sku = i.sku\n"
           "    WHERE i.cart_id = c.cart_id)\n"
           "FROM unnest($1) WITH ORDINALITY AS w (cart_id, ordinal)\n"
           "JOIN carts c ON c.cart_id = w.cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* The same columns, of the newest open cart of each wanted customer. */
const struct postgres_statement carts_read_customers = {
    .name = "read_customers_carts",
    .sql = "SELECT w.ordinal, c.version, " TABLES_CART_DOCUMENT ",\n" TABLES_CART_TIMES
           ", c.guest_token_hash, c.resume_token_hash\n"
           "FROM unnest($1) WITH ORDINALITY AS w (customer_id, ordinal)\n"
           "CROSS JOIN LATERAL (\n"
           "    SELECT * FROM carts\n"
           "    WHERE customer_id = w.customer_id AND status = 'open'\n"
           "    ORDER BY created_at DESC, cart_id DESC\n"
           "    LIMIT 1) AS c",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY),
};

bool carts_receive_priced(
    const struct postgres_rows *rows, size_t row, struct projections_read *read)
{
    const char *offers = postgres_get_text(rows, row, OFFERS);
    const struct codec_cart_times times = get_times(rows, row, 3);
    if (!may_read(rows, row, &read->caller))
        return false;
    read->version = postgres_get_int4(rows, row, 1);
    codec_write_priced_cart(
        &read->body, postgres_get_text(rows, row, 2), postgres_get_length(rows, row, 2),
        offers == NULL ? "{}" : offers, &times);
    return true;
}

void carts_cache(
    struct cart_cache *cache, int64_t now_us, const struct postgres_rows *rows, size_t row,
    const struct projections_read *read)
{
    const struct cart_cache_entry found = {
        .cart_id = read->id,
        .version = read->version,
        .customer_id = postgres_get_text(rows, row, CUSTOMER_ID),
        .guest_token_hash = postgres_get_text(rows, row, GUEST_TOKEN_HASH),
        .resume_token_hash = postgres_get_text(rows, row, RESUME_TOKEN_HASH),
        .document = read->body.bytes,
        .document_length = read->body.length,
    };
    cart_cache_put(cache, now_us, read->mark, &found);
}

void carts_cache_change(
    struct cart_cache *cache, int64_t now_us, const struct projections_change *change)
{
    uint64_t mark = cart_cache_mark(cache, now_us, &change->stream_id);
    const struct cart *cart = tables_cart(change);
    if (mark == 0 || cart->n_lines > CACHED_CHANGE_LINES ||
        !cart_cache_is_behind(cache, &change->stream_id))
        return;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    if (change->document != NULL)
        base_buffer_append(&document, change->document, change->document_length);
    else
        codec_write_cart(&document, &change->stream_id, cart);
    if (document.length > CACHED_CHANGE_MAX)
        return;
    const struct aggregate_times times = aggregate_cart.times(cart);
    aggregate_cart.append_times(&document, &times);
    const struct cart_cache_entry found = {
        .cart_id = change->stream_id,
        .version = cart->version,
        .customer_id = cart->customer_id,
        .guest_token_hash = cart->guest_token_hash,
        .resume_token_hash = cart->resume_token_hash,
        .document = document.bytes,
        .document_length = document.length,
    };
    cart_cache_put(cache, now_us, mark, &found);
}

const struct postgres_statement projections_owner_statement = {
    .name = "read_owner",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql = "SELECT customer_id, guest_token_hash\n"
           "FROM carts\n"
           "WHERE cart_id = $1",
    POSTGRES_TYPES(POSTGRES_UUID),
};

void projections_ask_owner(struct postgres_pipeline *pipeline, const struct base_uuid *cart_id)
{
    postgres_put_uuid(postgres_pipeline_add(pipeline, &projections_owner_statement), cart_id);
}

bool projections_receive_owner(
    const struct postgres_rows *rows, const struct cart_caller *caller, bool *is_unclaimed)
{
    if (postgres_rows_count(rows) == 0 || !admits(rows, 0, 0, caller))
        return false;
    *is_unclaimed = postgres_is_null(rows, 0, 0);
    return true;
}
