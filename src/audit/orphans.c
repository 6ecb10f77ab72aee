#include "internal.h"

#include <stdlib.h>
#include <string.h>

void orphans_finish(struct orphans *orphans)
{
    base_arena_finish(&orphans->arena);
    base_buffer_finish(&orphans->next_key);
}

/* The table that is looked at; NULL after the last. */
static const struct projections_table *table_at(struct audit *audit)
{
    const struct audit_options *options = &audit->options;
    const struct aggregate *only = audit->wanted.only;
    size_t *at = &audit->orphans.at;
    while (*at < options->n_tables && only != NULL && options->tables[*at]->aggregate != only)
        ++*at;
    return *at < options->n_tables ? options->tables[*at] : NULL;
}

/* ---- which of them have a stream ------------------------------------------------------------- */

/* Leaves those that have none; both are sorted by id. */
static void leave_orphans(struct orphans *orphans, const struct postgres_rows *entries)
{
    const char *type = orphans->table->aggregate->stream_type;
    size_t n_entries = postgres_rows_count(entries);
    size_t n_keys = orphans->n_rows;
    orphans->n_rows = 0;
    for (size_t i = 0, at = 0; i < n_keys; i++) {
        struct orphan orphan = orphans->rows[i];
        struct eventstore_entry entry = {.version = 0};
        if (at < n_entries)
            eventstore_receive_entry(entries, at, &entry);
        if (at < n_entries && base_uuid_compare(&entry.stream_id, &orphan.stream_id) == 0) {
            at++;
            if (strcmp(entry.stream_type, type) == 0)
                continue;
            orphan.last_version = entry.version;
        }
        orphans->rows[orphans->n_rows++] = orphan;
    }
}

/* The next page begins behind the last key. */
static void move_behind_page(struct orphans *orphans)
{
    bool is_over = orphans->is_last_page;
    orphans->next_key.length = 0;
    if (!is_over && orphans->last.key != NULL) {
        /* The next text, bytewise, is the same with the least byte behind it. */
        base_buffer_append_text(&orphans->next_key, orphans->last.key);
        base_buffer_append_char(&orphans->next_key, '\1');
    } else if (!is_over) {
        orphans->next_id = orphans->last.stream_id;
        is_over = !walk_next_id(&orphans->next_id);
    }
    if (is_over) {
        orphans->next_id = (struct base_uuid){{0}};
        orphans->at++;
    }
}

static void entries_answered(struct audit *audit)
{
    leave_orphans(&audit->orphans, postgres_pipeline_rows(&audit->pipeline, 0));
    move_behind_page(&audit->orphans);
    audit->job->found_orphans(audit);
}

/* ---- a page of keys -------------------------------------------------------------------------- */

static void receive_key(struct orphans *orphans, const struct postgres_rows *rows, size_t row)
{
    const struct aggregate *aggregate = orphans->table->aggregate;
    struct orphan *orphan = &orphans->rows[orphans->n_rows++];
    *orphan = (struct orphan){0};
    if (aggregate->key == NULL) {
        orphan->stream_id = postgres_get_uuid(rows, row, 0);
    } else {
        orphan->key = base_arena_copy_text(&orphans->arena, postgres_get_text(rows, row, 0));
        orphan->stream_id = aggregate->id_of_key(orphan->key);
    }
}

static int compare_ids(const void *left, const void *right)
{
    const struct orphan *a = left;
    const struct orphan *b = right;
    return base_uuid_compare(&a->stream_id, &b->stream_id);
}

static void keys_answered(struct audit *audit)
{
    struct orphans *orphans = &audit->orphans;
    const struct postgres_rows *rows = postgres_pipeline_rows(&audit->pipeline, 0);
    size_t n_rows = postgres_rows_count(rows);
    base_arena_reset(&orphans->arena);
    for (size_t row = 0; row < n_rows; row++)
        receive_key(orphans, rows, row);
    orphans->is_last_page = n_rows < ORPHANS_PAGE;
    if (!orphans->is_last_page)
        orphans->last = orphans->rows[n_rows - 1];
    qsort(orphans->rows, n_rows, sizeof(orphans->rows[0]), compare_ids);
    struct base_uuid ids[ORPHANS_PAGE];
    for (size_t i = 0; i < n_rows; i++)
        ids[i] = orphans->rows[i].stream_id;
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    eventstore_ask_entries_of(pipeline, ids, n_rows);
    audit_send_pipeline(audit, entries_answered);
}

void orphans_ask(struct audit *audit)
{
    struct orphans *orphans = &audit->orphans;
    orphans->n_rows = 0;
    orphans->table = table_at(audit);
    if (orphans->table == NULL) {
        audit->job->found_orphans(audit);
        return;
    }
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, orphans->table->orphans);
    if (orphans->table->aggregate->key == NULL)
        postgres_put_uuid(to, &orphans->next_id);
    else
        postgres_put_text(to, base_buffer_text(&orphans->next_key));
    postgres_put_int4(to, ORPHANS_PAGE);
    audit_send_pipeline(audit, keys_answered);
}
