#include "log_reader.h"

#include <string.h>

#include "aggregate.h"

/* How often the end of the log is looked at while following. */
#define REST_US 100000

static void pump(struct log_reader *reader);

static void end_as(struct log_reader *reader, enum log_reader_end end)
{
    if (reader->end != LOG_READER_GOES_ON)
        return;
    reader->end = end;
    loop_stop_timer(reader->link->loop, &reader->rest);
    reader->ended(reader);
}

/* Something was not answered. What was asked is asked again when the link is ready, or a moment
 * later if it is so already. */
static void begin_again(struct log_reader *reader, const struct postgres_group *group)
{
    switch (group->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        end_as(reader, LOG_READER_FAILED);
        return;
    case POSTGRES_AGAIN:
    case POSTGRES_UNABLE:
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        break;
    }
    reader->generation++;
    reader->asked = reader->after;
    for (size_t i = 0; i < BASE_COUNT(reader->pages); i++)
        reader->pages[i].is_here = false;
    if (group->outcome == POSTGRES_AGAIN || group->outcome == POSTGRES_UNABLE)
        loop_start_timer(reader->link->loop, &reader->rest, REST_US);
}

static bool is_answer(const struct postgres_group *group)
{
    return postgres_is_done(group->outcome);
}

/* ---- the end of the log ---------------------------------------------------------------------- */

static bool is_there(const struct postgres_rows *first_event)
{
    struct eventstore_event event;
    if (postgres_rows_count(first_event) == 0)
        return false;
    eventstore_receive_event(first_event, 0, &event);
    return strcmp(event.stream_type, aggregate_cart.stream_type) == 0;
}

static void receive_head(struct log_reader *reader)
{
    struct eventstore_head head = eventstore_receive_head(postgres_group_rows(&reader->head, 0));
    if (reader->cart_id != NULL) {
        if (!is_there(postgres_group_rows(&reader->head, 1)))
            end_as(reader, LOG_READER_NO_CART);
        reader->until = INT32_MAX;
    } else if (head.position < (reader->has_until ? reader->until : reader->after)) {
        reader->until = reader->has_until ? reader->until : reader->after;
        end_as(reader, LOG_READER_BACKWARDS);
    } else if (!reader->has_until || reader->follows) {
        reader->until = head.position;
    }
    reader->has_until = true;
}

static void head_answered(struct postgres_group *group)
{
    struct log_reader *reader = BASE_CONTAINER(group, struct log_reader, head);
    reader->is_asking_head = false;
    if (!is_answer(group)) {
        begin_again(reader, group);
        return;
    }
    receive_head(reader);
    pump(reader);
}

static void ask_head(struct log_reader *reader)
{
    reader->is_asking_head = true;
    postgres_group_begin(&reader->head);
    reader->head.answered = head_answered;
    eventstore_ask_head(&reader->head);
    if (reader->cart_id != NULL)
        eventstore_ask_stream_after(&reader->head, reader->cart_id, 0, 1);
    postgres_send(reader->link->connection, &reader->head);
}

static void rested(struct loop_timer *timer)
{
    struct log_reader *reader = BASE_CONTAINER(timer, struct log_reader, rest);
    log_reader_start(reader);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void page_answered(struct postgres_group *group)
{
    struct log_reader_page *page = BASE_CONTAINER(group, struct log_reader_page, group);
    struct log_reader *reader = page->reader;
    page->is_under_way = false;
    if (page->generation == reader->generation) {
        page->is_here = is_answer(group);
        if (!page->is_here)
            begin_again(reader, group);
    }
    pump(reader);
}

/* Positions and versions have no gaps, so where the next page begins is known before this one is
 * here. */
static void ask_page(struct log_reader *reader, struct log_reader_page *page)
{
    bool is_near = reader->until - reader->asked < LOG_READER_PAGE;
    page->until = is_near ? reader->until : reader->asked + LOG_READER_PAGE;
    page->generation = reader->generation;
    page->is_under_way = true;
    postgres_group_begin(&page->group);
    page->group.answered = page_answered;
    if (reader->cart_id != NULL)
        eventstore_ask_stream_after(
            &page->group, reader->cart_id, (int32_t)reader->asked, LOG_READER_PAGE);
    else
        eventstore_ask_log(
            &page->group, &(struct eventstore_log_wanted){
                              .after_position = reader->asked,
                              .until_position = page->until,
                              .limit = LOG_READER_PAGE,
                              .types = reader->types,
                              .n_types = reader->n_types,
                          });
    reader->asked = page->until;
    postgres_send(reader->link->connection, &page->group);
}

static void ask_pages(struct log_reader *reader)
{
    for (size_t i = 0; i < BASE_COUNT(reader->pages); i++) {
        struct log_reader_page *page =
            &reader->pages[(reader->next_page + i) % BASE_COUNT(reader->pages)];
        if (page->is_under_way && page->generation != reader->generation)
            return; /* the pages stay in their order */
        if (!page->is_under_way && !page->is_here && reader->asked < reader->until &&
            postgres_connection_is_ready(reader->link->connection))
            ask_page(reader, page);
    }
}

static void receive_page(struct log_reader *reader, struct log_reader_page *page)
{
    const struct postgres_rows *rows = postgres_group_rows(&page->group, 0);
    size_t n_rows = postgres_rows_count(rows);
    reader->next_page = (reader->next_page + 1) % BASE_COUNT(reader->pages);
    page->is_here = false;
    if (reader->cart_id == NULL) {
        reader->after = page->until;
    } else if (n_rows < LOG_READER_PAGE) {
        /* The end of the cart for now. A page that was asked for ahead is asked for again. */
        reader->after += (int64_t)n_rows;
        reader->until = reader->asked = reader->after;
        reader->generation++;
        reader->pages[reader->next_page].is_here = false;
    } else {
        reader->after += LOG_READER_PAGE;
    }
    reader->is_held = n_rows > 0 && !reader->received(reader, rows);
}

static void pump(struct log_reader *reader)
{
    if (reader->end != LOG_READER_GOES_ON || !reader->has_until)
        return;
    ask_pages(reader);
    while (!reader->is_held && reader->end == LOG_READER_GOES_ON &&
           reader->pages[reader->next_page].is_here) {
        receive_page(reader, &reader->pages[reader->next_page]);
        ask_pages(reader);
    }
    if (reader->is_held || reader->is_asking_head || reader->after < reader->until)
        return;
    if (!reader->follows)
        end_as(reader, LOG_READER_READ_ALL);
    else if (reader->rest.place == 0)
        loop_start_timer(reader->link->loop, &reader->rest, REST_US);
}

/* ---- from outside ---------------------------------------------------------------------------- */

void log_reader_init(struct log_reader *reader)
{
    reader->rest.fired = rested;
    reader->asked = reader->after;
    for (size_t i = 0; i < BASE_COUNT(reader->pages); i++)
        reader->pages[i].reader = reader;
}

void log_reader_start(struct log_reader *reader)
{
    if (!reader->is_asking_head && reader->end == LOG_READER_GOES_ON)
        ask_head(reader);
}

void log_reader_go_on(struct log_reader *reader)
{
    reader->is_held = false;
    pump(reader);
}

void log_reader_finish(struct log_reader *reader)
{
    loop_stop_timer(reader->link->loop, &reader->rest);
    postgres_group_finish(&reader->head);
    for (size_t i = 0; i < BASE_COUNT(reader->pages); i++)
        postgres_group_finish(&reader->pages[i].group);
}
