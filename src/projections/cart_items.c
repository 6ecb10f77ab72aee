#include "tables.h"

#include <stdlib.h>
#include <string.h>

/* ---- written --------------------------------------------------------------------------------- */

/* Lines that the batch brought into their carts or took away. */
struct moved_lines {
    struct moved_line {
        const struct projections_cart_change *change;
        const char *item_id;
        const char *sku; /* NULL: it went */
    } * list;
    size_t n;
};

enum line_move { LINE_STAYED, LINE_CAME, LINE_WENT };

/* What became of a line's row; *sku is what it should say. */
static enum line_move move_of(
    const struct projections_cart_change *change, const struct projections_touched_line *touched,
    const char **sku)
{
    const struct cart_line *line = cart_find_line(change->cart, touched->item_id);
    if (line == NULL)
        return touched->sku_before != NULL ? LINE_WENT : LINE_STAYED;
    *sku = line->sku;
    bool has_row = touched->sku_before != NULL && strcmp(touched->sku_before, line->sku) == 0;
    return has_row ? LINE_STAYED : LINE_CAME;
}

static struct moved_lines find_moved(const struct projections_changes *batch, enum line_move wanted)
{
    size_t n_most = 0;
    for (size_t i = 0; i < batch->n_carts; i++)
        n_most += batch->carts[i].n_touched;
    struct moved_lines moved = {0};
    if (n_most == 0)
        return moved;
    moved.list = base_alloc(n_most * sizeof *moved.list);
    for (size_t i = 0; i < batch->n_carts; i++) {
        const struct projections_cart_change *change = &batch->carts[i];
        for (size_t j = 0; j < change->n_touched; j++) {
            const char *sku = NULL;
            if (move_of(change, &change->touched[j], &sku) == wanted)
                moved.list[moved.n++] = (struct moved_line){
                    .change = change, .item_id = change->touched[j].item_id, .sku = sku};
        }
    }
    return moved;
}

/* Which lines, for both the ones that came and the ones that went. */
static void put_line_keys(struct postgres_parameters *to, const struct moved_lines *moved)
{
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_int4(to, moved->list[i].change->ordinal);
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_uuid(to, &moved->list[i].change->cart_id);
    postgres_begin_array(to);
    for (size_t i = 0; i < moved->n; i++)
        postgres_put_text(to, moved->list[i].item_id);
}

static void put_cart_items(struct postgres_parameters *to, const void *changes)
{
    const struct projections_changes *batch = changes;
    struct moved_lines came = find_moved(batch, LINE_CAME);
    put_line_keys(to, &came);
    postgres_begin_array(to);
    for (size_t i = 0; i < came.n; i++)
        postgres_put_text(to, came.list[i].sku);
    free(came.list);
    struct moved_lines gone = find_moved(batch, LINE_WENT);
    put_line_keys(to, &gone);
    free(gone.list);
}

static bool has_moved_lines(const void *changes)
{
    const struct projections_changes *batch = changes;
    const char *sku = NULL;
    for (size_t i = 0; i < batch->n_carts; i++)
        for (size_t j = 0; j < batch->carts[i].n_touched; j++)
            if (move_of(&batch->carts[i], &batch->carts[i].touched[j], &sku) != LINE_STAYED)
                return true;
    return false;
}

/* An upsert, as a row that is there by mistake must not refuse the whole batch. */
const struct eventstore_part cart_items_part = {
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
    .n_parameters = 7,
    .types =
        {POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_TEXT_ARRAY,
         POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY},
    .put = put_cart_items,
    .has_work = has_moved_lines,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_part REMOVING = TABLES_CART_REMOVING("cart_items");

/* A row for each line of the carts. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_cart_items",
    .sql = "SELECT cart_id, item_id, sku\n"
           "FROM cart_items\n"
           "WHERE cart_id = ANY ($1)\n"
           "ORDER BY cart_id",
    .n_parameters = 1,
    .types = {POSTGRES_UUID_ARRAY},
};

static const struct postgres_statement STRAYS = TABLES_CART_STRAYS("cart_items");

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
    const void *change, const struct postgres_rows *rows, size_t first, size_t n,
    struct base_buffer *differences)
{
    const struct cart *cart = ((const struct projections_cart_change *)change)->cart;
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
    .subject = PROJECTIONS_CARTS,
    .part = &cart_items_part,
    .removing = &REMOVING,
    .rows = &ROWS,
    .strays = &STRAYS,
    .compare = compare,
};
