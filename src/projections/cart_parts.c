#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"

_Static_assert(CART_LINES_MAX <= 32 * TABLES_PART_LINES, "a bit for each part");

/* ---- written --------------------------------------------------------------------------------- */

static size_t count_parts(const struct cart *cart)
{
    if (cart == NULL || !tables_is_in_parts(cart))
        return 0;
    return (cart->n_lines + TABLES_PART_LINES - 1) / TABLES_PART_LINES;
}

static size_t end_of_part(const struct cart *cart, size_t part)
{
    size_t end = (part + 1) * TABLES_PART_LINES;
    return end < cart->n_lines ? end : cart->n_lines;
}

static bool is_same_line(const struct cart_line *left, const struct cart_line *right)
{
    return left->quantity == right->quantity && left->unit_price_minor == right->unit_price_minor &&
           tables_is_same_text(left->item_id, right->item_id) &&
           tables_is_same_text(left->sku, right->sku) &&
           tables_is_same_text(left->name, right->name) &&
           tables_is_same_text(left->properties, right->properties);
}

/* Whether a part of the document is not what its row says. */
static bool is_changed(const struct projections_change *change, size_t part)
{
    const struct cart *before = tables_cart_before(change);
    const struct cart *after = tables_cart(change);
    size_t end = end_of_part(after, part);
    if (part >= count_parts(before) || end_of_part(before, part) != end)
        return true;
    for (size_t i = part * TABLES_PART_LINES; i < end; i++)
        if (!is_same_line(&before->lines[i], &after->lines[i]))
            return true;
    return false;
}

/* The parts of a batch that are to be written. */
struct changed_parts {
    struct changed_part {
        const struct projections_change *change;
        size_t part;
    } * list;
    size_t n;
};

static struct changed_parts find_changed(const struct projections_changes *changes)
{
    size_t n_most = 0;
    struct changed_parts changed = {0};
    TABLES_FOREACH(change, changes, &aggregate_cart)
    n_most += count_parts(tables_cart(change));
    if (n_most == 0)
        return changed;
    changed.list = base_alloc(n_most * sizeof *changed.list);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    {
        size_t n_parts = count_parts(tables_cart(change));
        for (size_t part = 0; part < n_parts; part++)
            if (is_changed(change, part))
                changed.list[changed.n++] = (struct changed_part){.change = change, .part = part};
    }
    return changed;
}

/* Its lines as they stand in the document, with the commas between them. */
static void write_part(struct base_buffer *out, const struct cart *cart, size_t part)
{
    codec_write_cart_lines(out, cart, part * TABLES_PART_LINES, end_of_part(cart, part));
}

static void put_changed(struct postgres_parameters *to, const struct changed_parts *changed)
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
        postgres_put_int4(to, (int32_t)changed->list[i].part);
    postgres_begin_array(to);
    for (size_t i = 0; i < changed->n; i++) {
        text.length = 0;
        write_part(&text, tables_cart(changed->list[i].change), changed->list[i].part);
        postgres_put_bytes(to, text.bytes, text.length);
    }
}

static bool has_fewer_parts(const struct projections_change *change)
{
    return count_parts(tables_cart(change)) < count_parts(tables_cart_before(change));
}

static void put_cart_parts(struct postgres_parameters *to, const void *changes)
{
    struct changed_parts changed = find_changed(changes);
    put_changed(to, &changed);
    free(changed.list);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_parts(change))
        postgres_put_int4(to, change->ordinal);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_parts(change))
        postgres_put_uuid(to, &change->stream_id);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (has_fewer_parts(change))
        postgres_put_int4(to, (int32_t)count_parts(tables_cart(change)));
}

static bool has_parts(const void *changes)
{
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (tables_is_in_parts(tables_cart(change)) || has_fewer_parts(change))
        return true;
    return false;
}

const struct eventstore_part cart_parts_part = {
    .ctes = "cart_parts_put AS (\n"
            "    INSERT INTO cart_parts (cart_id, part, lines)\n"
            "    SELECT u.cart_id, u.part, u.lines\n"
            "    FROM unnest($1, $2, $3, $4) AS u (stream_ordinal, cart_id, part, lines)\n"
            "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            "        AND EXISTS (SELECT 1 FROM head)\n"
            "    ON CONFLICT (cart_id, part) DO UPDATE SET lines = excluded.lines\n"
            "),\n"
            "cart_parts_removed AS (\n"
            "    DELETE FROM cart_parts p\n"
            "    USING unnest($5, $6, $7) AS u (stream_ordinal, cart_id, n_parts)\n"
            "    WHERE p.cart_id = u.cart_id AND p.part >= u.n_parts\n"
            "        AND (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY),
    .put = put_cart_parts,
    .has_work = has_parts,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_part REMOVING = TABLES_CART_REMOVING("cart_parts");

/* A row for each part of the carts. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_cart_parts",
    .sql = "SELECT cart_id, part, lines\n"
           "FROM cart_parts\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

static const struct postgres_statement ORPHANS = TABLES_CART_ORPHANS("cart_parts");

static void compare_part(
    const struct cart *cart, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer place = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer lines = {0};
    size_t part = (size_t)postgres_get_int4(rows, row, 1);
    write_part(&lines, cart, part);
    base_buffer_printf(&place, "cart_parts.lines of part %zu", part);
    projections_compare_texts(
        differences, base_buffer_text(&place), postgres_get_text(rows, row, 2),
        base_buffer_text(&lines));
}

static void compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    const struct cart *cart = tables_cart(wanted);
    int32_t n_parts = (int32_t)count_parts(cart);
    uint32_t found = 0;
    for (size_t row = first; row < first + n; row++) {
        int32_t part = postgres_get_int4(rows, row, 1);
        if (part < 0 || part >= n_parts) {
            base_buffer_printf(
                differences, "cart_parts has a part %d that is not in the document\n", part);
            continue;
        }
        found |= UINT32_C(1) << part;
        compare_part(cart, rows, row, differences);
    }
    for (int32_t part = 0; part < n_parts; part++)
        if ((found >> part & 1) == 0)
            base_buffer_printf(differences, "cart_parts has no part %d\n", part);
}

const struct projections_table cart_parts_table = {
    .name = "cart_parts",
    .aggregate = &aggregate_cart,
    .part = &cart_parts_part,
    .removing = &REMOVING,
    .rows = &ROWS,
    .orphans = &ORPHANS,
    .compare = compare,
};
