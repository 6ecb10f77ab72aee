#include "tables.h"

#include <stdlib.h>
#include <string.h>

/* ---- written --------------------------------------------------------------------------------- */

/* Lines that the batch brought into their carts or took away. */
struct moved_lines {
    struct moved_line {
        const struct projections_change *change;
        const struct cart_line *line;
    } * list;
    size_t n;
};

static void add_moved(
    struct moved_lines *moved, const struct projections_change *change,
    const struct cart_line *line)
{
    moved->list[moved->n++] = (struct moved_line){.change = change, .line = line};
}

/* Lines keep their order, and new ones stand at the end; so the two carts are gone through side by
 * side, and what is out of step is looked for in the other one. */
static void find_moved_of(
    const struct projections_change *change, struct moved_lines *came, struct moved_lines *gone)
{
    const struct cart *before = tables_cart_before(change);
    const struct cart *after = tables_cart(change);
    size_t n_before = before == NULL ? 0 : before->n_lines;
    size_t at = 0;
    for (size_t i = 0; i < after->n_lines; i++) {
        const struct cart_line *line = &after->lines[i];
        while (at < n_before && !cart_is_same_text(before->lines[at].item_id, line->item_id)) {
            if (cart_find_line(after, before->lines[at].item_id) == NULL)
                add_moved(gone, change, &before->lines[at]);
            at++;
        }
        const struct cart_line *former = NULL;
        if (at < n_before)
            former = &before->lines[at++];
        else if (n_before > 0)
            former = cart_find_line(before, line->item_id);
        if (former == NULL || !cart_is_same_text(former->sku, line->sku))
            add_moved(came, change, line);
    }
    for (; at < n_before; at++)
        if (cart_find_line(after, before->lines[at].item_id) == NULL)
            add_moved(gone, change, &before->lines[at]);
}

/* The lists are the caller's to free. */
static void find_moved(
    const struct projections_changes *changes, struct moved_lines *came, struct moved_lines *gone)
{
    size_t n_came = 0;
    size_t n_gone = 0;
    TABLES_FOREACH(change, changes, &aggregate_cart)
    {
        n_came += tables_cart(change)->n_lines;
        n_gone += change->before == NULL ? 0 : tables_cart_before(change)->n_lines;
    }
    *came = (struct moved_lines){.list = base_alloc(n_came * sizeof *came->list)};
    *gone = (struct moved_lines){.list = base_alloc(n_gone * sizeof *gone->list)};
    TABLES_FOREACH(change, changes, &aggregate_cart)
    find_moved_of(change, came, gone);
}

/* Which lines, for both the ones that came and the ones that went. */
static void put_line_keys(struct postgres_parameters *to, const struct moved_lines *moved)
{
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_int4(to, moved->list[i].change->ordinal);
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_uuid(to, &moved->list[i].change->stream_id);
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_text(to, moved->list[i].line->item_id);
}

static void put_cart_items(struct postgres_parameters *to, const void *changes)
{
    struct moved_lines came;
    struct moved_lines gone;
    find_moved(changes, &came, &gone);
    put_line_keys(to, &came);
    postgres_begin_array(to);
    for (size_t i = 0; i < came.n; i++)
        postgres_put_text(to, came.list[i].line->sku);
    put_line_keys(to, &gone);
    free(came.list);
    free(gone.list);
}

/* Lines in their old order have neither come nor gone. */
static bool are_lines_the_same(const struct cart *before, const struct cart *after)
{
    size_t n_before = before == NULL ? 0 : before->n_lines;
    if (n_before != after->n_lines)
        return false;
    for (size_t i = 0; i < n_before; i++)
        if (!cart_is_same_text(before->lines[i].item_id, after->lines[i].item_id) ||
            !cart_is_same_text(before->lines[i].sku, after->lines[i].sku))
            return false;
    return true;
}

static bool has_moved_lines(const void *changes)
{
    TABLES_FOREACH(change, changes, &aggregate_cart)
    if (!are_lines_the_same(tables_cart_before(change), tables_cart(change)))
        return true;
    return false;
}

/* An upsert, as a row that is there by mistake must not refuse the whole batch. */
const struct eventstore_clause cart_items_clause = {
    .ctes = "cart_items_put AS (\n"
            "    INSERT INTO cart_items (cart_id, item_id, sku)\n"
            "    SELECT u.cart_id, u.item_id, u.sku\n"
            "    FROM unnest($1, $2, $3, $4) AS u (stream_ordinal, cart_id, item_id, sku)\n"
            "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            "        AND EXISTS (SELECT 1 FROM head)\n"
            "    ON CONFLICT (cart_id, item_id) DO UPDATE SET sku = excluded.sku\n"
            "),\n"
            "cart_items_removed AS (\n"
            "    DELETE FROM cart_items i\n"
            "    USING unnest($5, $6, $7) AS u (stream_ordinal, cart_id, item_id)\n"
            "    WHERE i.cart_id = u.cart_id AND i.item_id = u.item_id\n"
            "        AND (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY,
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY),
    .put = put_cart_items,
    .has_work = has_moved_lines,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_clause REMOVING = TABLES_CART_REMOVING("cart_items");

/* A row for each line of the carts. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_cart_items",
    .sql = "SELECT cart_id, item_id, sku\n"
           "FROM cart_items\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

static const struct postgres_statement ORPHANS = TABLES_CART_ORPHANS("cart_items");

static void compare_line(
    const struct cart_line *line, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    const char *id = line->item_id;
    projections_compare_texts(
        differences, base_arena_printf(&arena, "cart_items.sku of \"%s\"", id),
        postgres_get_text(rows, row, 2), line->sku);
}

static bool has_row(const struct postgres_rows *rows, size_t first, size_t n, const char *item_id)
{
    for (size_t row = first; row < first + n; row++)
        if (strcmp(postgres_get_text(rows, row, 1), item_id) == 0)
            return true;
    return false;
}

static void compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    const struct cart *cart = tables_cart(wanted);
    size_t n_found = 0;
    for (size_t row = first; row < first + n; row++) {
        const char *item_id = postgres_get_text(rows, row, 1);
        const struct cart_line *line = cart_find_line(cart, item_id);
        if (line != NULL) {
            n_found++;
            compare_line(line, rows, row, differences);
            continue;
        }
        base_buffer_append_text(differences, "cart_items has a row ");
        base_buffer_append_json_text(differences, item_id);
        base_buffer_append_text(differences, " that is not in the cart\n");
    }
    for (size_t i = 0; n_found < cart->n_lines && i < cart->n_lines; i++)
        if (!has_row(rows, first, n, cart->lines[i].item_id))
            base_buffer_printf(
                differences, "cart_items has no row \"%s\"\n", cart->lines[i].item_id);
}

const struct projections_table cart_items_table = {
    .name = "cart_items",
    .aggregate = &aggregate_cart,
    .clause = &cart_items_clause,
    .removing = &REMOVING,
    .rows = &ROWS,
    .orphans = &ORPHANS,
    .compare = compare,
};
