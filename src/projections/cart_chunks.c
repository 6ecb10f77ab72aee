#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

_Static_assert(CART_LINES_MAX <= 32 * TABLES_CHUNK_LINES, "a bit for each chunk");

/* ---- written --------------------------------------------------------------------------------- */

static size_t count_chunks(const struct cart *cart)
{
    if (cart == NULL || !tables_is_in_chunks(cart))
        return 0;
    return (cart->n_lines + TABLES_CHUNK_LINES - 1) / TABLES_CHUNK_LINES;
}

static size_t end_of_chunk(const struct cart *cart, size_t chunk)
{
    size_t end = (chunk + 1) * TABLES_CHUNK_LINES;
    return end < cart->n_lines ? end : cart->n_lines;
}

static bool is_same_line(const struct cart_line *left, const struct cart_line *right)
{
    return left->quantity == right->quantity && left->scale == right->scale &&
           left->unit_price_minor == right->unit_price_minor &&
           left->is_price_set == right->is_price_set &&
           cart_is_same_text(left->unit, right->unit) &&
           left->discount_minor == right->discount_minor &&
           cart_is_same_text(left->item_id, right->item_id) &&
           cart_is_same_text(left->sku, right->sku) && cart_is_same_text(left->name, right->name) &&
           cart_is_same_text(left->properties, right->properties);
}

/* Whether a chunk of the document is not what its row says. */
static bool is_changed(const struct projections_change *change, size_t chunk)
{
    const struct cart *before = tables_cart_before(change);
    const struct cart *after = tables_cart(change);
    size_t end = end_of_chunk(after, chunk);
    if (chunk >= count_chunks(before) || end_of_chunk(before, chunk) != end)
        return true;
    for (size_t i = chunk * TABLES_CHUNK_LINES; i < end; i++)
        if (!is_same_line(&before->lines[i], &after->lines[i]))
            return true;
    return false;
}

/* The chunks of a batch that are to be written. */
struct changed_chunks {
    struct changed_chunk {
        const struct projections_change *change;
        size_t chunk;
    } * list;
    size_t n;
};

static struct changed_chunks find_changed(const struct projections_changes *changes)
{
    size_t n_most = 0;
    struct changed_chunks changed = {0};
    TABLES_FOREACH(change, changes, &aggregate_cart)
    n_most += count_chunks(tables_cart(change));
    if (n_most == 0)
        return changed;
    changed.list = base_alloc(n_most * sizeof *changed.list);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    {
        size_t n_chunks = count_chunks(tables_cart(change));
        for (size_t chunk = 0; chunk < n_chunks; chunk++)
            if (is_changed(change, chunk))
                changed.list[changed.n++] =
                    (struct changed_chunk){.change = change, .chunk = chunk};
    }
    return changed;
}

/* Its lines as they stand in the document, with the commas between them. */
static void write_chunk(struct base_buffer *out, const struct cart *cart, size_t chunk)
{
    codec_write_cart_lines(out, cart, chunk * TABLES_CHUNK_LINES, end_of_chunk(cart, chunk));
}

static void put_changed(struct postgres_parameters *to, const struct changed_chunks *changed)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    postgres_begin_array(to);
    for (size_t i = 0; i < changed->n; i++)
        postgres_put_int4(to, changed->list[i].change->ordinal);
    postgres_begin_array(to);
    for (size_t i = 0; i < changed->n; i++)
        postgres_put_uuid(to, &changed->list[i].change->stream_id);
    postgres_begin_array(to);
    for (size_t i = 0; i < changed->n; i++)
        postgres_put_int4(to, (int32_t)changed->list[i].chunk);
    postgres_begin_array(to);
    for (size_t i = 0; i < changed->n; i++) {
        text.length = 0;
        write_chunk(&text, tables_cart(changed->list[i].change), changed->list[i].chunk);
        postgres_put_bytes(to, text.bytes, text.length);
    }
}

static bool has_fewer_chunks(const struct projections_change *change)
{
    return count_chunks(tables_cart(change)) < count_chunks(tables_cart_before(change));
}

static void put_cart_chunks(struct postgres_parameters *to, const void *changes)
{
    struct changed_chunks changed = find_changed(changes);
    put_changed(to, &changed);
    free(changed.list);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_chunks(change))
        postgres_put_int4(to, change->ordinal);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_chunks(change))
        postgres_put_uuid(to, &change->stream_id);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_chunks(change))
        postgres_put_int4(to, (int32_t)count_chunks(tables_cart(change)));
}

static bool has_chunks(const void *changes)
{
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (tables_is_in_chunks(tables_cart(change)) || has_fewer_chunks(change))
        return true;
    return false;
}

const struct eventstore_clause cart_chunks_clause = {
    .ctes = "cart_chunks_put AS (\n"
            "    INSERT INTO cart_chunks (cart_id, chunk, lines)\n"
            "    SELECT u.cart_id, u.chunk, u.lines\n"
            "    FROM unnest($1, $2, $3, $4) AS u (stream_ordinal, cart_id, chunk, lines)\n"
            "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            "        AND EXISTS (SELECT 1 FROM head)\n"
            "    ON CONFLICT (cart_id, chunk) DO UPDATE SET lines = excluded.lines\n"
            "),\n"
            "cart_chunks_removed AS (\n"
            "    DELETE FROM cart_chunks k\n"
            "    USING unnest($5, $6, $7) AS u (stream_ordinal, cart_id, n_chunks)\n"
            "    WHERE k.cart_id = u.cart_id AND k.chunk >= u.n_chunks\n"
            "        AND (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY),
    .put = put_cart_chunks,
    .has_work = has_chunks,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_clause REMOVING = TABLES_CART_REMOVING("cart_chunks");

/* A row for each chunk of the carts. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_cart_chunks",
    .sql = "SELECT cart_id, chunk, lines\n"
           "FROM cart_chunks\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

static const struct postgres_statement ORPHANS = TABLES_CART_ORPHANS("cart_chunks");

static void compare_chunk(
    const struct cart *cart, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer name = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer lines = {0};
    size_t chunk = (size_t)postgres_get_int4(rows, row, 1);
    /* Whoever reads it brings it to today's shape. */
    if (codec_is_former_cart(postgres_get_text(rows, row, 2), postgres_get_length(rows, row, 2)))
        return;
    write_chunk(&lines, cart, chunk);
    base_buffer_printf(&name, "cart_chunks.lines of chunk %zu", chunk);
    projections_compare_texts(
        differences, base_buffer_text(&name), postgres_get_text(rows, row, 2),
        base_buffer_text(&lines));
}

static void compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    const struct cart *cart = tables_cart(wanted);
    int32_t n_chunks = (int32_t)count_chunks(cart);
    uint32_t found = 0;
    for (size_t row = first; row < first + n; row++) {
        int32_t chunk = postgres_get_int4(rows, row, 1);
        if (chunk < 0 || chunk >= n_chunks) {
            base_buffer_printf(
                differences, "cart_chunks has a chunk %d that is not in the document\n", chunk);
            continue;
        }
        found |= UINT32_C(1) << chunk;
        compare_chunk(cart, rows, row, differences);
    }
    for (int32_t chunk = 0; chunk < n_chunks; chunk++)
        if ((found >> chunk & 1) == 0)
            base_buffer_printf(differences, "cart_chunks has no chunk %d\n", chunk);
}

const struct projections_table cart_chunks_table = {
    .name = "cart_chunks",
    .aggregate = &aggregate_cart,
    .clause = &cart_chunks_clause,
    .removing = &REMOVING,
    .rows = &ROWS,
    .orphans = &ORPHANS,
    .compare = compare,
};
