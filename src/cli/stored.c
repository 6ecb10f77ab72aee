#include "stored.h"

#include <stdlib.h>

#include "postgres.h"

bool stored_read(const struct stored_list *list, char **problem)
{
    BASE_CLEANUP(base_free_pointer) char *after = base_copy_text("");
    struct postgres_session *session = postgres_session_open(list->url, problem);
    bool is_good = session != NULL;
    for (bool is_last = false; is_good && !is_last;) {
        struct postgres_table page = {0};
        const char *const parameters[] = {after, list->further};
        is_good = postgres_session_query(
            session, list->sql, parameters, list->further == NULL ? 1 : 2, &page, problem);
        is_last = page.n_rows == 0;
        for (size_t i = 0; i < page.n_rows; i++)
            list->receive(list->context, page.cells + i * list->n_columns);
        if (!is_last) {
            free(after);
            after = base_copy_text(page.cells[(page.n_rows - 1) * list->n_columns]);
        }
        postgres_table_finish(&page);
    }
    postgres_session_close(session);
    return is_good;
}
