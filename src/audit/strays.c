#include "internal.h"

#include <string.h>

void strays_init(struct strays *strays, struct common *common)
{
    *strays = (struct strays){.common = common};
}

void strays_finish(struct strays *strays)
{
    postgres_group_finish(&strays->group);
    base_arena_finish(&strays->arena);
    base_buffer_finish(&strays->next_key);
}

/* The table that is looked at; NULL after the last. */
static const struct projections_table *table_at(struct strays *strays)
{
    const struct audit_options *options = &strays->common->options;
    while (strays->at < options->n_tables && strays->only != NULL &&
           options->tables[strays->at]->aggregate != strays->only)
        strays->at++;
    return strays->at < options->n_tables ? options->tables[strays->at] : NULL;
}

static void keys_answered(struct postgres_group *group);

void strays_ask(struct strays *strays)
{
    strays->n_rows = 0;
    strays->table = table_at(strays);
    if (strays->table == NULL) {
        strays->answered(strays, POSTGRES_DONE);
        return;
    }
    postgres_group_begin(&strays->group);
    strays->group.answered = keys_answered;
    struct postgres_parameters *to = postgres_group_add(&strays->group, strays->table->strays);
    if (strays->table->aggregate->key == NULL)
        postgres_put_uuid(to, &strays->next_id);
    else
        postgres_put_text(to, base_buffer_text(&strays->next_key));
    postgres_put_int4(to, STRAYS_PAGE);
    postgres_send(strays->common->connection, &strays->group);
}

/* ---- the keys of a table --------------------------------------------------------------------- */

static void entries_answered(struct postgres_group *group);

static void receive_key(struct strays *strays, const struct postgres_rows *rows, size_t row)
{
    struct strays_row *stray = &strays->page[strays->n_page++];
    *stray = (struct strays_row){0};
    const struct aggregate *aggregate = strays->table->aggregate;
    if (aggregate->key == NULL) {
        stray->stream_id = postgres_get_uuid(rows, row, 0);
    } else {
        stray->key = base_arena_copy_text(&strays->arena, postgres_get_text(rows, row, 0));
        stray->stream_id = aggregate->id_of_key(stray->key);
    }
}

static void keys_answered(struct postgres_group *group)
{
    struct strays *strays = BASE_CONTAINER(group, struct strays, group);
    if (group->outcome != POSTGRES_DONE) {
        strays->answered(strays, group->outcome);
        return;
    }
    const struct postgres_rows *rows = postgres_group_rows(group, 0);
    size_t n_rows = postgres_rows_count(rows);
    base_arena_reset(&strays->arena);
    strays->n_page = 0;
    for (size_t row = 0; row < n_rows; row++)
        receive_key(strays, rows, row);
    struct base_uuid ids[STRAYS_PAGE];
    for (size_t i = 0; i < strays->n_page; i++)
        ids[i] = strays->page[i].stream_id;
    postgres_group_begin(group);
    group->answered = entries_answered;
    eventstore_ask_entries_of(group, ids, strays->n_page);
    postgres_send(strays->common->connection, group);
}

/* ---- which of them have a stream ------------------------------------------------------------- */

/* The row of a stream; false: it has none. Rows are few, and in id order. */
static bool find_entry(
    const struct postgres_rows *rows, const struct base_uuid *id, struct eventstore_entry *entry)
{
    size_t first = 0;
    size_t end = postgres_rows_count(rows);
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        eventstore_receive_entry(rows, middle, entry);
        int order = base_uuid_compare(&entry->stream_id, id);
        if (order == 0)
            return true;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return false;
}

static void begin_table(struct strays *strays)
{
    strays->next_id = (struct base_uuid){{0}};
    strays->next_key.length = 0;
}

static void go_behind_page(struct strays *strays)
{
    bool is_over = strays->n_page < STRAYS_PAGE;
    if (!is_over) {
        const struct strays_row *last = &strays->page[strays->n_page - 1];
        strays->next_id = last->stream_id;
        is_over = last->key == NULL && !walk_next_id(&strays->next_id);
        /* The next text, bytewise, is the same with the least byte behind it. */
        strays->next_key.length = 0;
        base_buffer_append_text(&strays->next_key, last->key == NULL ? "" : last->key);
        base_buffer_append_char(&strays->next_key, '\1');
    }
    if (is_over) {
        strays->at++;
        begin_table(strays);
    }
}

static void entries_answered(struct postgres_group *group)
{
    struct strays *strays = BASE_CONTAINER(group, struct strays, group);
    if (group->outcome != POSTGRES_DONE) {
        strays->answered(strays, group->outcome);
        return;
    }
    const struct postgres_rows *rows = postgres_group_rows(group, 0);
    const char *type = strays->table->aggregate->stream_type;
    for (size_t i = 0; i < strays->n_page; i++) {
        struct eventstore_entry entry = {.version = 0};
        bool has_entry = find_entry(rows, &strays->page[i].stream_id, &entry);
        if (has_entry && strcmp(entry.stream_type, type) == 0)
            continue;
        strays->rows[strays->n_rows] = strays->page[i];
        strays->rows[strays->n_rows++].last_version = has_entry ? entry.version : 0;
    }
    go_behind_page(strays);
    strays->answered(strays, POSTGRES_DONE);
}
