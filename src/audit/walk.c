#include "internal.h"

#include <string.h>

void walk_init(struct walk *walk, struct common *common)
{
    *walk = (struct walk){.common = common};
}

void walk_finish(struct walk *walk)
{
    postgres_group_finish(&walk->group);
}

bool walk_next_id(struct base_uuid *id)
{
    for (size_t i = sizeof id->bytes; i-- > 0;)
        if (++id->bytes[i] != 0)
            return true;
    return false;
}

/* ---- a page: ask, answer --------------------------------------------------------------------- */

static void page_answered(struct postgres_group *group);

void walk_ask(struct walk *walk)
{
    if (walk->is_asking)
        return;
    walk->is_asking = true;
    postgres_group_begin(&walk->group);
    walk->group.answered = page_answered;
    eventstore_ask_entries(
        &walk->group, &(struct eventstore_entries_wanted){
                          .first_id = walk->next_id,
                          .types = walk->types,
                          .n_types = walk->n_types,
                          .limit = WALK_PAGE,
                      });
    postgres_send(walk->common->connection, &walk->group);
}

static void tell_unknown_type(struct walk *walk, const struct eventstore_entry *entry)
{
    common_tell(
        walk->common, &(struct audit_finding){
                          .kind = "streams",
                          .stream_type = entry->stream_type,
                          .stream_id = entry->stream_id,
                          .sentence = "is of a type that this cartd does not know",
                      });
    walk->common->result.n_streams++;
}

static void receive_entry(struct walk *walk, const struct eventstore_entry *entry)
{
    const struct aggregate *aggregate = aggregate_find(entry->stream_type);
    if (aggregate == NULL) {
        tell_unknown_type(walk, entry);
        return;
    }
    walk->page[walk->n_page].id = entry->stream_id;
    walk->page[walk->n_page].aggregate = aggregate;
    walk->page[walk->n_page].version = entry->version;
    walk->n_page++;
}

static void page_answered(struct postgres_group *group)
{
    struct walk *walk = BASE_CONTAINER(group, struct walk, group);
    walk->is_asking = false;
    if (group->outcome == POSTGRES_DONE) {
        const struct postgres_rows *rows = postgres_group_rows(group, 0);
        size_t n_rows = postgres_rows_count(rows);
        walk->n_page = 0;
        walk->at = 0;
        for (size_t row = 0; row < n_rows; row++) {
            struct eventstore_entry entry;
            eventstore_receive_entry(rows, row, &entry);
            receive_entry(walk, &entry);
            walk->next_id = entry.stream_id;
        }
        walk->is_over = n_rows < WALK_PAGE || !walk_next_id(&walk->next_id);
    }
    walk->answered(walk, group->outcome);
}

bool walk_take(struct walk *walk, struct chunk *chunk)
{
    chunk_begin(chunk);
    while (walk->at < walk->n_page) {
        if (!chunk_add(
                chunk, &walk->page[walk->at].id, walk->page[walk->at].aggregate,
                walk->page[walk->at].version))
            break;
        walk->at++;
    }
    return chunk->n_streams > 0;
}
