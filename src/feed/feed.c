#include "internal.h"

#include <stdlib.h>

#include "projections.h"

static void collect_statements(struct feed *feed)
{
    size_t n = 0;
    for (; eventstore_log_statements[n] != NULL; n++)
        feed->statements[n] = eventstore_log_statements[n];
    feed->statements[n] = &projections_owner_statement;
}

struct feed *feed_create(const struct feed_options *options, char **problem)
{
    struct feed *feed = base_alloc(sizeof *feed);
    feed->options = *options;
    collect_statements(feed);
    feed_tail_init(feed);
    feed_listeners_init(feed);
    feed_pages_init(feed);
    struct postgres_options connection = {
        .loop = options->loop,
        .log = options->log,
        .url = options->url,
        .history = options->history,
        .role = "feed",
        .statements = feed->statements,
        .ready_sql = options->ready_sql,
        .not_ready_detail = options->not_ready_detail,
        .answer_timeout_ms = options->wait_ms,
    };
    feed->tail = postgres_connection_create(&connection, problem);
    if (feed->tail != NULL) {
        connection.role = "pages";
        connection.changed = queue_connection_changed;
        connection.context = &feed->pages;
        feed->reader = postgres_connection_create(&connection, problem);
        feed->pages.connection = feed->reader;
    }
    if (feed->reader == NULL) {
        feed_destroy(feed);
        return NULL;
    }
    return feed;
}

void feed_destroy(struct feed *feed)
{
    if (feed == NULL)
        return;
    feed_drain(feed);
    feed->is_ending = true;
    postgres_connection_destroy(feed->tail);
    postgres_connection_destroy(feed->reader);
    queue_finish(&feed->pages);
    feed_listeners_finish(feed);
    postgres_pipeline_finish(&feed->tail_pipeline);
    free(feed);
}

bool feed_is_ready(const struct feed *feed)
{
    return postgres_connection_is_ready(feed->tail) && postgres_connection_is_ready(feed->reader);
}

void feed_drain(struct feed *feed)
{
    feed->is_draining = true;
    feed_listeners_end(feed, FEED_STOPPED);
}
