#include "internal.h"

#include <stdlib.h>

void walk_init(struct walk *walk, struct audit *audit)
{
    const struct aggregate *only = audit->wanted.only;
    walk->types = base_alloc(aggregates_count * sizeof *walk->types);
    for (size_t i = 0; i < aggregates_count; i++)
        if (only == NULL || only == aggregates[i])
            walk->types[walk->n_types++] = aggregates[i]->stream_type;
    if (!audit->job->writes)
        walk->n_types = 0; /* those of a type that nobody knows are reported */
    walk->next_id = audit->wanted.from;
    audit->result.resume_at = audit->wanted.from;
    for (size_t i = 0; i < audit->job->n_lanes; i++)
        chunk_init(&walk->lanes[i], audit);
}

void walk_finish(struct walk *walk)
{
    for (size_t i = 0; i < LANES_MAX; i++)
        chunk_finish(&walk->lanes[i]);
    free(walk->types);
}

bool walk_next_id(struct base_uuid *id)
{
    for (size_t i = sizeof id->bytes; i-- > 0;)
        if (++id->bytes[i] != 0)
            return true;
    return false;
}

/* ---- a page: ask, answer --------------------------------------------------------------------- */

static void page_answered(struct audit *audit)
{
    walk_receive(audit, postgres_pipeline_rows(&audit->pipeline, 0));
    audit_go(audit, walk_ask);
}

static void ask_page(struct audit *audit)
{
    struct postgres_pipeline *pipeline = audit_begin_pipeline(audit);
    eventstore_ask_entries(
        pipeline, &(struct eventstore_entries_wanted){
                      .first_id = audit->walk.next_id,
                      .types = audit->walk.types,
                      .n_types = audit->walk.n_types,
                      .limit = WALK_PAGE,
                  });
    audit_send_pipeline(audit, page_answered);
}

static void receive_entry(struct audit *audit, const struct eventstore_entry *entry)
{
    struct walk *walk = &audit->walk;
    const struct aggregate *aggregate = aggregate_find(entry->stream_type);
    walk->next_id = entry->stream_id;
    if (aggregate != NULL && entry->version <= audit->job->longest) {
        walk->page[walk->n_page].id = entry->stream_id;
        walk->page[walk->n_page].aggregate = aggregate;
        walk->page[walk->n_page].version = entry->version;
        walk->n_page++;
    } else if (aggregate == NULL && !audit->job->is_endless) {
        audit->result.n_streams++;
        audit_report(
            audit, audit_about("streams", entry->stream_type, &entry->stream_id, 0),
            "is of a type that this cartd does not know");
    }
}

void walk_receive(struct audit *audit, const struct postgres_rows *rows)
{
    struct walk *walk = &audit->walk;
    size_t n_rows = postgres_rows_count(rows);
    walk->n_page = 0;
    walk->at = 0;
    for (size_t i = 0; i < audit->job->n_lanes; i++)
        walk->lanes[i].is_busy = false;
    for (size_t row = 0; row < n_rows; row++) {
        struct eventstore_entry entry;
        eventstore_receive_entry(rows, row, &entry);
        receive_entry(audit, &entry);
    }
    walk->is_over = n_rows < WALK_PAGE || !walk_next_id(&walk->next_id);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

void walk_go_on(struct audit *audit, struct chunk *chunk)
{
    chunk->is_busy = false;
    audit->result.n_streams += (int64_t)chunk->n_streams;
    audit->result.resume_at = chunk->streams[chunk->n_streams - 1].id;
    (void)walk_next_id(&audit->result.resume_at); /* after the last of all it is the end anyway */
    audit_go(audit, walk_ask);
}

/* Fills a chunk with the next streams of the page. False: there are none. */
static bool take(struct walk *walk, struct chunk *chunk)
{
    chunk_begin(chunk);
    while (walk->at < walk->n_page &&
           chunk_add(
               chunk, &walk->page[walk->at].id, walk->page[walk->at].aggregate,
               walk->page[walk->at].version))
        walk->at++;
    return chunk->n_streams > 0;
}

void walk_ask(struct audit *audit)
{
    bool is_busy = false;
    for (size_t i = 0; i < audit->job->n_lanes; i++) {
        struct chunk *chunk = &audit->walk.lanes[i];
        if (!chunk->is_busy && take(&audit->walk, chunk))
            chunk_load(chunk);
        is_busy |= chunk->is_busy;
    }
    if (is_busy)
        return; /* the next answer comes back to here */
    if (audit->walk.is_over)
        audit_go(audit, audit->job->walked);
    else
        ask_page(audit);
}
