#include "tables.h"

#include <string.h>

/* ---- written --------------------------------------------------------------------------------- */

static size_t count_parts(size_t n_lines)
{
    if (!projections_is_in_parts(n_lines))
        return 0;
    return (n_lines + PROJECTIONS_PART_LINES - 1) / PROJECTIONS_PART_LINES;
}

/* The lines of a part as they stand in the document, with the commas between them. */
static const char *part_lines(
    const struct projections_cart_change *change, size_t part, size_t *length)
{
    size_t first = part * PROJECTIONS_PART_LINES;
    size_t end = first + PROJECTIONS_PART_LINES;
    if (end > change->cart->n_lines)
        end = change->cart->n_lines;
    *length = change->line_at[end] - 1 - change->line_at[first];
    return change->document + change->line_at[first];
}

/* One element for each part that is to be written, by `put`. */
static void put_parts(
    struct postgres_parameters *to, const struct projections_changes *batch,
    void (*put)(
        struct postgres_parameters *to, const struct projections_cart_change *change, size_t part))
{
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n_carts; i++) {
        const struct projections_cart_change *change = &batch->carts[i];
        size_t n_parts = count_parts(change->cart->n_lines);
        for (size_t part = 0; part < n_parts; part++)
            if ((change->changed_parts >> part & 1) != 0)
                put(to, change, part);
    }
}

static void put_ordinal(
    struct postgres_parameters *to, const struct projections_cart_change *change, size_t part)
{
    (void)part; /* the same for all of the cart's */
    postgres_put_int4(to, change->ordinal);
}

static void put_id(
    struct postgres_parameters *to, const struct projections_cart_change *change, size_t part)
{
    (void)part; /* the same for all of the cart's */
    postgres_put_uuid(to, &change->cart_id);
}

static void put_number(
    struct postgres_parameters *to, const struct projections_cart_change *change, size_t part)
{
    (void)change; /* parts are numbered in each cart */
    postgres_put_int4(to, (int32_t)part);
}

static void put_lines(
    struct postgres_parameters *to, const struct projections_cart_change *change, size_t part)
{
    size_t length = 0;
    const char *lines = part_lines(change, part, &length);
    postgres_put_bytes(to, lines, length);
}

static bool has_fewer_parts(const struct projections_cart_change *change)
{
    return count_parts(change->cart->n_lines) < count_parts(change->n_lines_before);
}

static void put_cart_parts(struct postgres_parameters *to, const void *changes)
{
    const struct projections_changes *batch = changes;
    put_parts(to, batch, put_ordinal);
    put_parts(to, batch, put_id);
    put_parts(to, batch, put_number);
    put_parts(to, batch, put_lines);
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n_carts; i++)
        if (has_fewer_parts(&batch->carts[i]))
            postgres_put_int4(to, batch->carts[i].ordinal);
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n_carts; i++)
        if (has_fewer_parts(&batch->carts[i]))
            postgres_put_uuid(to, &batch->carts[i].cart_id);
    postgres_begin_array(to);
    for (size_t i = 0; i < batch->n_carts; i++)
        if (has_fewer_parts(&batch->carts[i]))
            postgres_put_int4(to, (int32_t)count_parts(batch->carts[i].cart->n_lines));
}

static bool has_parts(const void *changes)
{
    const struct projections_changes *batch = changes;
    for (size_t i = 0; i < batch->n_carts; i++)
        if (projections_is_in_parts(batch->carts[i].cart->n_lines) ||
            has_fewer_parts(&batch->carts[i]))
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
    .n_parameters = 7,
    .types =
        {POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_TEXT_ARRAY,
         POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT4_ARRAY},
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
    .n_parameters = 1,
    .types = {POSTGRES_UUID_ARRAY},
};

static const struct postgres_statement STRAYS = TABLES_CART_STRAYS("cart_parts");

static void compare_part(
    const struct projections_cart_change *wanted, const struct postgres_rows *rows, size_t row,
    struct base_buffer *differences)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer place = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer lines = {0};
    size_t part = (size_t)postgres_get_int4(rows, row, 1);
    size_t length = 0;
    const char *text = part_lines(wanted, part, &length);
    base_buffer_append(&lines, text, length);
    base_buffer_printf(&place, "cart_parts.lines of part %zu", part);
    projections_compare_texts(
        differences, base_buffer_text(&place), postgres_get_text(rows, row, 2),
        base_buffer_text(&lines));
}

static void compare(
    const void *change, const struct postgres_rows *rows, size_t first, size_t n,
    struct base_buffer *differences)
{
    const struct projections_cart_change *wanted = change;
    int32_t n_parts = (int32_t)count_parts(wanted->cart->n_lines);
    uint32_t found = 0;
    for (size_t row = first; row < first + n; row++) {
        int32_t part = postgres_get_int4(rows, row, 1);
        if (part < 0 || part >= n_parts) {
            base_buffer_printf(
                differences, "cart_parts has a part %d that is not in the document\n", part);
            continue;
        }
        found |= UINT32_C(1) << part;
        compare_part(wanted, rows, row, differences);
    }
    for (int32_t part = 0; part < n_parts; part++)
        if ((found >> part & 1) == 0)
            base_buffer_printf(differences, "cart_parts has no part %d\n", part);
}

const struct projections_table cart_parts_table = {
    .name = "cart_parts",
    .subject = PROJECTIONS_CARTS,
    .part = &cart_parts_part,
    .removing = &REMOVING,
    .rows = &ROWS,
    .strays = &STRAYS,
    .compare = compare,
};
