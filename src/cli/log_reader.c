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
    loop_stop_timer(reader->task->loop, &reader->rest);
    reader->ended(reader);
}

/* Something was not answered. It is asked again behind the head, which is asked for when the task
 * is ready, or a moment later if it is so already. */
static void failed(struct log_reader *reader, const struct postgres_pipeline *pipeline)
{
    switch (pipeline->outcome) {
    case POSTGRES_DONE:
    case POSTGRES_UNACKNOWLEDGED:
    case POSTGRES_VIOLATED:
    case POSTGRES_FAILED:
        end_as(reader, LOG_READER_FAILED);
        break;
    case POSTGRES_AGAIN:
    case POSTGRES_UNABLE:
        loop_start_timer(reader->task->loop, &reader->rest, REST_US);
        reader->needs_head = true;
        break;
    case POSTGRES_UNAVAILABLE:
    case POSTGRES_UNKNOWN:
        reader->needs_head = true;
        break;
    }
}

static bool is_answer(const struct postgres_pipeline *pipeline)
{
    return postgres_is_done(pipeline->outcome);
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
    struct eventstore_head head = eventstore_receive_head(postgres_pipeline_rows(&reader->head, 0));
    if (reader->cart_id != NULL) {
        if (!is_there(postgres_pipeline_rows(&reader->head, 1)))
            end_as(reader, LOG_READER_NO_CART);
        reader->until = INT32_MAX;
    } else if (head.position < (reader->has_until ? reader->until : reader->after)) {
        reader->until = reader->has_until ? reader->until : reader->after;
        end_as(reader, LOG_READER_BACKWARDS);
    } else if (!reader->has_until || reader->follows) {
        reader->until = head.position;
    }
    reader->has_until = true;
    reader->needs_head = false;
}

static void head_answered(struct postgres_pipeline *pipeline)
{
    struct log_reader *reader = BASE_CONTAINER(pipeline, struct log_reader, head);
    reader->is_asking_head = false;
    if (!is_answer(pipeline)) {
        failed(reader, pipeline);
        return;
    }
    receive_head(reader);
    pump(reader);
}

static void ask_head(struct log_reader *reader)
{
    reader->is_asking_head = true;
    postgres_pipeline_begin(&reader->head);
    reader->head.answered = head_answered;
    eventstore_ask_head(&reader->head);
    if (reader->cart_id != NULL)
        eventstore_ask_stream_after(&reader->head, reader->cart_id, 0, 1);
    postgres_send(reader->task->connection, &reader->head);
}

static void rested(struct loop_timer *timer)
{
    struct log_reader *reader = BASE_CONTAINER(timer, struct log_reader, rest);
    log_reader_start(reader);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void page_answered(struct postgres_pipeline *pipeline)
{
    struct log_reader_page *page = BASE_CONTAINER(pipeline, struct log_reader_page, pipeline);
    page->state = is_answer(pipeline) ? LOG_READER_HERE : LOG_READER_LOST;
    if (page->state == LOG_READER_LOST)
        failed(page->reader, pipeline);
    pump(page->reader);
}

static void ask_page(struct log_reader *reader, struct log_reader_page *page)
{
    page->state = LOG_READER_UNDER_WAY;
    postgres_pipeline_begin(&page->pipeline);
    page->pipeline.answered = page_answered;
    if (reader->cart_id != NULL)
        eventstore_ask_stream_after(
            &page->pipeline, reader->cart_id, (int32_t)page->after, LOG_READER_PAGE);
    else
        eventstore_ask_log(
            &page->pipeline, &(struct eventstore_log_wanted){
                                 .after_position = page->after,
                                 .until_position = page->until,
                                 .limit = LOG_READER_PAGE,
                                 .types = reader->types,
                                 .n_types = reader->n_types,
                             });
    postgres_send(reader->task->connection, &page->pipeline);
}

/* Positions have no gaps, so where the next page begins is known before this one is here. Where a
 * cart ends is not known: its pages are asked for one by one. */
static size_t count_pages(const struct log_reader *reader)
{
    return reader->cart_id == NULL ? BASE_COUNT(reader->pages) : 1;
}

static void ask_pages(struct log_reader *reader)
{
    size_t n_pages = count_pages(reader);
    for (size_t i = 0; i < n_pages && !reader->needs_head; i++) {
        struct log_reader_page *page = &reader->pages[(reader->next_page + i) % n_pages];
        if (page->state == LOG_READER_IDLE && reader->asked < reader->until) {
            bool is_near = reader->until - reader->asked < LOG_READER_PAGE;
            page->after = reader->asked;
            page->until = is_near ? reader->until : reader->asked + LOG_READER_PAGE;
            reader->asked = page->until;
            ask_page(reader, page);
        } else if (page->state == LOG_READER_LOST) {
            ask_page(reader, page);
        }
    }
}

static void receive_page(struct log_reader *reader, struct log_reader_page *page)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(&page->pipeline, 0);
    size_t n_rows = postgres_rows_count(rows);
    reader->next_page = (reader->next_page + 1) % count_pages(reader);
    page->state = LOG_READER_IDLE;
    reader->after = page->until;
    if (reader->cart_id != NULL) {
        reader->asked = reader->after = page->after + (int64_t)n_rows;
        if (n_rows < LOG_READER_PAGE)
            reader->until = reader->after; /* the end of the cart for now */
    }
    reader->is_held = n_rows > 0 && !reader->received(reader, rows);
}

static void pump(struct log_reader *reader)
{
    if (reader->end != LOG_READER_GOES_ON || !reader->has_until)
        return;
    ask_pages(reader);
    while (!reader->is_held && reader->end == LOG_READER_GOES_ON &&
           reader->pages[reader->next_page].state == LOG_READER_HERE) {
        receive_page(reader, &reader->pages[reader->next_page]);
        ask_pages(reader);
    }
    if (reader->is_held || reader->is_asking_head || reader->after < reader->until)
        return;
    if (!reader->follows)
        end_as(reader, LOG_READER_READ_ALL);
    else if (reader->rest.heap_index == 0)
        loop_start_timer(reader->task->loop, &reader->rest, REST_US);
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
    loop_stop_timer(reader->task->loop, &reader->rest);
    postgres_pipeline_finish(&reader->head);
    for (size_t i = 0; i < BASE_COUNT(reader->pages); i++)
        postgres_pipeline_finish(&reader->pages[i].pipeline);
}
