#include "tables.h"

#include <string.h>

#include "codec.h"

/* ---- written --------------------------------------------------------------------------------- */

static const struct catalog_product *product_of(const struct projections_change *change)
{
    return change->after;
}

static void put_keys(struct postgres_parameters *to, const void *changes)
{
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_int4(to, change->ordinal);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_text(to, change->key);
}

/* NULL: the default, as in rows of before. */
static void put_quantity(struct postgres_parameters *to, const struct catalog_quantity *quantity)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    if (quantity->maximum == 0) {
        postgres_put_null(to);
        return;
    }
    codec_write_quantity(&text, quantity);
    postgres_put_bytes(to, text.bytes, text.length);
}

static void put_products(struct postgres_parameters *to, const void *changes)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    put_keys(to, changes);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_int4(to, product_of(change)->version);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_text(to, product_of(change)->content.name);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    {
        text.length = 0;
        codec_write_prices(&text, &product_of(change)->content);
        postgres_put_bytes(to, text.bytes, text.length);
    }
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_bool(to, product_of(change)->content.is_active);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    {
        text.length = 0;
        codec_write_product(&text, product_of(change));
        postgres_put_bytes(to, text.bytes, text.length);
    }
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    tables_put_time(to, product_of(change)->updated_at_us);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    put_quantity(to, &product_of(change)->content.quantity);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_product)
    postgres_put_text(to, product_of(change)->content.tags);
}

static bool has_products(const void *changes)
{
    return tables_first(changes, &aggregate_product) != NULL;
}

const struct eventstore_clause products_clause = {
    .ctes =
        "products_put AS (\n"
        "    INSERT INTO products (sku, version, name, prices, is_active, document, updated_at,\n"
        "        quantity, tags)\n"
        "    SELECT u.sku, u.version, u.name, u.prices, u.is_active, u.document,\n"
        "        coalesce(u.updated_at, h.recorded_at), u.quantity, u.tags\n"
        "    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)\n"
        "        AS u (stream_ordinal, sku, version, name, prices, is_active, document,\n"
        "              updated_at, quantity, tags)\n"
        "    CROSS JOIN head h\n"
        "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
        "    ON CONFLICT (sku) DO UPDATE\n"
        "    SET version = excluded.version, name = excluded.name, prices = excluded.prices,\n"
        "        is_active = excluded.is_active, document = excluded.document,\n"
        "        updated_at = excluded.updated_at, quantity = excluded.quantity,\n"
        "        tags = excluded.tags\n"
        ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_BOOL_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_products,
    .has_work = has_products,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_clause REMOVING = {
    .ctes = "products_removed AS (\n"
            "    DELETE FROM products\n"
            "    WHERE sku = ANY (ARRAY(" TABLES_ACCEPTED_KEYS "))\n"
            ")",
    POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_keys,
};

/* At most one row a product. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_products",
    .sql = "SELECT sku, version, name, prices, is_active, document, updated_at, quantity, tags\n"
           "FROM products\n"
           "WHERE sku = ANY ($1)\n"
           "ORDER BY sku",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY),
};

/* At most $2 rows: all there are, as SQL can't tell the stream of a sku. */
static const struct postgres_statement ORPHANS = {
    .name = "orphans_of_products",
    .sql = "SELECT sku\n"
           "FROM products\n"
           "WHERE sku >= $1\n"
           "ORDER BY sku\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_INT4),
};

static void compare_quantity(
    const struct catalog_content *content, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer wanted = {0};
    const char *found = postgres_get_text(rows, row, 7);
    codec_write_quantity(&wanted, &content->quantity);
    projections_compare_texts(
        differences, "products.quantity", found == NULL ? "null" : found,
        base_buffer_text(&wanted));
}

static void compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    const struct catalog_product *product = product_of(wanted);
    const struct catalog_content *content = &product->content;
    if (n == 0) {
        base_buffer_append_text(differences, "products has no row for it\n");
        return;
    }
    BASE_CLEANUP(base_buffer_finish) struct base_buffer prices = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    codec_write_prices(&prices, content);
    codec_write_product(&document, product);
    projections_compare_numbers(
        differences, "products.version", postgres_get_int4(rows, first, 1), product->version);
    projections_compare_texts(
        differences, "products.name", postgres_get_text(rows, first, 2), content->name);
    projections_compare_texts(
        differences, "products.prices", postgres_get_text(rows, first, 3),
        base_buffer_text(&prices));
    projections_compare_numbers(
        differences, "products.is_active", postgres_get_bool(rows, first, 4), content->is_active);
    projections_compare_texts(
        differences, "products.document", postgres_get_text(rows, first, 5),
        base_buffer_text(&document));
    projections_compare_times(
        differences, "products.updated_at", postgres_get_time(rows, first, 6),
        product->updated_at_us);
    compare_quantity(content, rows, first, differences);
    projections_compare_texts(
        differences, "products.tags", postgres_get_text(rows, first, 8), content->tags);
}

const struct projections_table products_table = {
    .name = "products",
    .aggregate = &aggregate_product,
    .clause = &products_clause,
    .removing = &REMOVING,
    .rows = &ROWS,
    .orphans = &ORPHANS,
    .compare = compare,
};

/* ---- read while deciding --------------------------------------------------------------------- */

/* At most one row a sku. */
static const struct postgres_statement OFFERS = {
    .name = "read_offers",
    .sql = "SELECT sku, name, is_active, prices, quantity, tags\n"
           "FROM products\n"
           "WHERE sku = ANY ($1)",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY),
};

const struct postgres_statement *projections_offers_statement(void)
{
    return &OFFERS;
}

void projections_ask_offers(
    struct postgres_pipeline *pipeline, const char *const *skus, size_t n_skus)
{
    POSTGRES_PUT_LIST(postgres_pipeline_add(pipeline, &OFFERS), skus, n_skus);
}

void projections_receive_offer(
    const struct postgres_rows *rows, size_t row, struct projections_offer *offer)
{
    *offer = (struct projections_offer){
        .sku = postgres_get_text(rows, row, 0),
        .name = postgres_get_text(rows, row, 1),
        .is_active = postgres_get_bool(rows, row, 2),
        .prices = postgres_get_text(rows, row, 3),
        .quantity = postgres_get_text(rows, row, 4),
        .tags = postgres_get_text(rows, row, 5),
    };
}

/* At most 10,000 rows. */
const char *projections_products_sql(void)
{
    return "SELECT sku, version, is_active, name, prices, quantity, tags\n"
           "FROM products\n"
           "WHERE sku > $1 AND ($2::boolean OR NOT is_active)\n"
           "ORDER BY sku\n"
           "LIMIT 10000";
}

/* ---- read for GETs --------------------------------------------------------------------------- */

/* At most one row a wanted product. */
const struct postgres_statement products_read = {
    .name = "read_products",
    .sql = "SELECT w.ordinal, p.version, p.document, p.updated_at\n"
           "FROM unnest($1) WITH ORDINALITY AS w (sku, ordinal)\n"
           "JOIN products p ON p.sku = w.sku",
    POSTGRES_TYPES(POSTGRES_TEXT_ARRAY),
};

/* Appends the product of a row whose columns from `column` on are document and updated_at. */
static void append_product(
    struct base_buffer *out, const struct postgres_rows *rows, size_t row, size_t column)
{
    base_buffer_append(
        out, postgres_get_text(rows, row, column), postgres_get_length(rows, row, column));
    codec_append_product_times(out, postgres_get_time(rows, row, column + 1));
}

bool products_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
{
    read->version = postgres_get_int4(rows, row, 1);
    append_product(&read->body, rows, row, 2);
    return true;
}

/* At most $2 rows. */
const struct postgres_statement products_list_statement = {
    .name = "list_products",
    .sql = "SELECT sku, document, updated_at\n"
           "FROM products\n"
           "WHERE sku > $1\n"
           "ORDER BY sku\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_INT4),
};

const struct key_list products_list = {
    .name = "products",
    .statement = &products_list_statement,
    .cursor = PRODUCTS_CURSOR,
    .is_key = codec_is_sku,
    .append = append_product,
};
