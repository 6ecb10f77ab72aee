#include "tables.h"

#include <string.h>

/* NULL: it is no cursor of this list. */
static const char *read_cursor(
    struct base_arena *arena, const struct key_list *list, const char *cursor)
{
    size_t n_bytes = 0;
    const struct cursor_list of = {.kind = list->cursor};
    const uint8_t *bytes = cursor_decode(arena, &of, cursor, &n_bytes);
    if (bytes == NULL)
        return NULL;
    const char *key = base_arena_copy(arena, (const char *)bytes, n_bytes);
    return list->is_key(key) && strlen(key) == n_bytes ? key : NULL;
}

bool key_list_ask_page(const struct key_list *list, struct projections_page *page)
{
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    const char *after = page->cursor == NULL ? "" : read_cursor(&arena, list, page->cursor);
    if (after == NULL)
        return false;
    struct postgres_parameters *to = postgres_pipeline_add(&page->pipeline, list->statement);
    postgres_put_text(to, after);
    postgres_put_int4(to, page->limit + 1);
    return true;
}

void key_list_receive_page(const struct key_list *list, struct projections_page *page)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(&page->pipeline, 0);
    size_t n_rows = postgres_rows_count(rows);
    size_t n_shown = n_rows > (size_t)page->limit ? (size_t)page->limit : n_rows;
    base_buffer_printf(&page->body, "{\"%s\":[", list->name);
    for (size_t i = 0; i < n_shown; i++) {
        if (i > 0)
            base_buffer_append_char(&page->body, ',');
        list->append(&page->body, rows, i, 1);
    }
    base_buffer_append_char(&page->body, ']');
    if (n_shown < n_rows) {
        const struct cursor_list of = {.kind = list->cursor};
        cursor_encode(
            &page->next_cursor, &of, postgres_get_text(rows, n_shown - 1, 0),
            postgres_get_length(rows, n_shown - 1, 0));
    }
}
