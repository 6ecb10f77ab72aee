#include "tables.h"

#include "codec.h"
#include "coupon.h"

/* ---- written --------------------------------------------------------------------------------- */

static const struct coupon *coupon_of(const struct projections_change *change)
{
    return change->after;
}

static void put_keys(struct postgres_parameters *to, const void *changes)
{
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    postgres_put_int4(to, change->ordinal);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    postgres_put_uuid(to, &change->stream_id);
}

/* NULL: it has none, which the audit reports of the stream. */
static const char *fold(struct base_arena *arena, const struct coupon *coupon)
{
    const char *code = coupon->definition.code;
    return code == NULL ? NULL : codec_fold_code(arena, code);
}

static void put_coupons(struct postgres_parameters *to, const void *changes)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    put_keys(to, changes);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    postgres_put_text(to, fold(&arena, coupon_of(change)));
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    postgres_put_int4(to, coupon_of(change)->version);
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    {
        text.length = 0;
        codec_write_coupon(&text, coupon_of(change));
        postgres_put_bytes(to, text.bytes, text.length);
    }
    postgres_begin_array(to);
    TABLES_FOREACH(change, changes, &aggregate_coupon)
    tables_put_time(to, coupon_of(change)->updated_at_us);
}

static bool has_coupons(const void *changes)
{
    return tables_first(changes, &aggregate_coupon) != NULL;
}

const struct eventstore_clause coupons_clause = {
    .ctes = "coupons_put AS (\n"
            "    INSERT INTO coupons (coupon_id, folded_code, version, document, updated_at)\n"
            "    SELECT u.coupon_id, u.folded_code, u.version, u.document,\n"
            "        coalesce(u.updated_at, h.recorded_at)\n"
            "    FROM unnest($1, $2, $3, $4, $5, $6)\n"
            "        AS u (stream_ordinal, coupon_id, folded_code, version, document, updated_at)\n"
            "    CROSS JOIN head h\n"
            "    WHERE (SELECT v.flags FROM verdict v)[u.stream_ordinal]\n"
            "    ON CONFLICT (coupon_id) DO UPDATE\n"
            "    SET folded_code = excluded.folded_code, version = excluded.version,\n"
            "        document = excluded.document, updated_at = excluded.updated_at\n"
            ")",
    POSTGRES_TYPES(
        POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY,
        POSTGRES_TEXT_ARRAY, POSTGRES_TIMESTAMPTZ_ARRAY),
    .put = put_coupons,
    .has_work = has_coupons,
};

/* ---- compared, and written anew -------------------------------------------------------------- */

static const struct eventstore_clause REMOVING = {
    .ctes = "coupons_removed AS (\n"
            "    DELETE FROM coupons\n"
            "    WHERE coupon_id = ANY (ARRAY(" TABLES_ACCEPTED_KEYS "))\n"
            ")",
    POSTGRES_TYPES(POSTGRES_INT4_ARRAY, POSTGRES_UUID_ARRAY),
    .put = put_keys,
};

/* At most one row a coupon. */
static const struct postgres_statement ROWS = {
    .name = "rows_of_coupons",
    .sql = "SELECT coupon_id, folded_code, version, document, updated_at\n"
           "FROM coupons\n"
           "WHERE coupon_id = ANY ($1)\n"
           "ORDER BY coupon_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* At most $2 rows. */
static const struct postgres_statement ORPHANS = {
    .name = "orphans_of_coupons",
    .sql = "SELECT c.coupon_id\n"
           "FROM coupons c\n"
           "WHERE c.coupon_id >= $1\n"
           "    AND NOT EXISTS (\n"
           "        SELECT 1 FROM streams s\n"
           "        WHERE s.stream_id = c.coupon_id AND s.stream_type = 'coupon')\n"
           "ORDER BY c.coupon_id\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),
};

static void compare(
    const struct projections_change *wanted, const struct postgres_rows *rows, size_t first,
    size_t n, struct base_buffer *differences)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    const struct coupon *coupon = coupon_of(wanted);
    if (n == 0) {
        base_buffer_append_text(differences, "coupons has no row for it\n");
        return;
    }
    codec_write_coupon(&document, coupon);
    projections_compare_texts(
        differences, "coupons.folded_code", postgres_get_text(rows, first, 1),
        fold(&arena, coupon));
    projections_compare_numbers(
        differences, "coupons.version", postgres_get_int4(rows, first, 2), coupon->version);
    projections_compare_texts(
        differences, "coupons.document", postgres_get_text(rows, first, 3),
        base_buffer_text(&document));
    projections_compare_times(
        differences, "coupons.updated_at", postgres_get_time(rows, first, 4),
        coupon->updated_at_us);
}

const struct projections_table coupons_table = {
    .name = "coupons",
    .aggregate = &aggregate_coupon,
    .clause = &coupons_clause,
    .removing = &REMOVING,
    .rows = &ROWS,
    .orphans = &ORPHANS,
    .compare = compare,
};

/* ---- read by imports --------------------------------------------------------------------------
 */

const char *projections_coupons_sql(void)
{
    return "SELECT folded_code, NOT (document::jsonb ->> 'withdrawn')::boolean,\n"
           "    document::jsonb - ARRAY['version', 'used', 'withdrawn']\n"
           "FROM coupons\n"
           "WHERE folded_code > $1\n"
           "    AND ($2::boolean OR (document::jsonb ->> 'withdrawn')::boolean)\n"
           "ORDER BY folded_code\n"
           "LIMIT 10000";
}

/* ---- read for GETs --------------------------------------------------------------------------- */

/* At most one row a wanted coupon. */
const struct postgres_statement coupons_read = {
    .name = "read_coupons",
    .sql = "SELECT w.ordinal, c.version, c.document, c.updated_at\n"
           "FROM unnest($1) WITH ORDINALITY AS w (coupon_id, ordinal)\n"
           "JOIN coupons c ON c.coupon_id = w.coupon_id",
    POSTGRES_TYPES(POSTGRES_UUID_ARRAY),
};

/* Appends the coupon of a row whose columns from `column` on are document and updated_at. */
static void append_coupon(
    struct base_buffer *out, const struct postgres_rows *rows, size_t row, size_t column)
{
    base_buffer_append(
        out, postgres_get_text(rows, row, column), postgres_get_length(rows, row, column));
    codec_append_updated_at(out, postgres_get_time(rows, row, column + 1));
}

bool coupons_receive(const struct postgres_rows *rows, size_t row, struct projections_read *read)
{
    read->version = postgres_get_int4(rows, row, 1);
    append_coupon(&read->body, rows, row, 2);
    return true;
}

/* At most $2 rows. */
const struct postgres_statement coupons_list_statement = {
    .name = "list_coupons",
    .sql = "SELECT folded_code, document, updated_at\n"
           "FROM coupons\n"
           "WHERE folded_code > $1\n"
           "ORDER BY folded_code\n"
           "LIMIT $2",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_INT4),
};

static bool is_folded_code(const char *text)
{
    return codec_is_label(text, COUPON_CODE_MAX);
}

const struct key_list coupons_list = {
    .name = "coupons",
    .statement = &coupons_list_statement,
    .cursor = COUPONS_CURSOR,
    .is_key = is_folded_code,
    .append = append_coupon,
};
