#include "internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the catalogue says of the skus that a batch adds. It is asked for in the load, and cached:
 * as long as no product changes, it is still so. Whether one has changed is found out by the append
 * itself, which compares the position of the newest change, so that what was cached is as fresh as
 * what would have been read, and most batches need no load at all. What a load has read is proved
 * in the same way: between the load and the append a price may change too.
 *
 * A decision on cached offers that the append has nothing of (a refusal) was proved by nobody, and
 * is made again on offers that were read.
 *
 * The offers of one position are a price list. A batch holds the list that it was begun with until
 * it ends, so that another batch that finds a newer one takes nothing away from it.
 */
#define OFFERS_MAX 4096 /* of a list that goes on being used; one batch may want more */
/* After a product changed. While products change all the time, nearly each append on cached offers
 * would be in vain; so at most one in this time is. */
#define OFFERS_REST_US 100000

struct price_list {
    unsigned n_holders;
    int64_t shared_position; /* at which it was read */
    struct base_arena arena;
    struct base_buffer offers; /* of struct batch_offer, sorted by sku */
};

/* ---- price lists ----------------------------------------------------------------------------- */

static void release(struct price_list *list)
{
    if (list == NULL || --list->n_holders > 0)
        return;
    base_arena_finish(&list->arena);
    base_buffer_finish(&list->offers);
    free(list);
}

static struct price_list *make_list(int64_t shared_position)
{
    struct price_list *list = base_alloc(sizeof *list);
    list->n_holders = 1;
    list->shared_position = shared_position;
    return list;
}

static int compare_offers(const void *left, const void *right)
{
    const struct batch_offer *const a = left;
    const struct batch_offer *const b = right;
    return strcmp(a->sku, b->sku);
}

static size_t count(const struct price_list *list)
{
    return list->offers.length / sizeof(struct batch_offer);
}

static const struct batch_offer *find(const struct price_list *list, const char *sku)
{
    struct batch_offer wanted = {.sku = sku};
    return list->offers.length == 0
               ? NULL
               : bsearch(&wanted, list->offers.bytes, count(list), sizeof wanted, compare_offers);
}

void offers_forget(struct offers *offers)
{
    release(offers->list);
    offers->list = NULL;
}

void offers_moved(struct offers *offers)
{
    offers_forget(offers);
    offers->rests_until_us = base_clock_monotonic_us() + OFFERS_REST_US;
}

void offers_release(struct batch *batch)
{
    release(batch->prices);
    batch->prices = NULL;
}

static struct batch_offer copy_offer(struct base_arena *arena, const struct batch_offer *offer)
{
    size_t n_bytes = offsetof(struct catalog_content, prices) +
                     offer->prices->n_prices * sizeof offer->prices->prices[0];
    struct catalog_content *prices = base_arena_alloc(arena, n_bytes);
    memcpy(prices, offer->prices, n_bytes);
    return (struct batch_offer){
        .sku = base_arena_copy_text(arena, offer->sku),
        .name = base_arena_copy_text(arena, offer->name),
        .is_active = offer->is_active,
        .quantity = catalog_find_quantity(&offer->quantity),
        .tags = offer->tags == NULL ? NULL : base_arena_copy_text(arena, offer->tags),
        .prices = prices,
    };
}

/* ---- ask and receive ------------------------------------------------------------------------- */

static void want_skus(
    struct batch *batch, const struct batch_stream *stream, const struct service_command *command)
{
    if (command->aggregate->list_skus != NULL)
        command->aggregate->list_skus(stream->load.state, command->command, &batch->skus);
    needs_list_skus(command, &batch->skus);
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The skus that the batch adds, sorted, each once. */
static const char *const *collect_skus(struct batch *batch, size_t *n_skus)
{
    batch->skus.length = 0;
    for (size_t i = 0; i < batch->n_streams; i++) {
        struct batch_stream *stream = &batch->streams[i];
        size_t length = batch->skus.length;
        for (size_t j = 0; j < stream->n_commands; j++)
            want_skus(batch, stream, stream->commands[j].command);
        stream->wants_offers = batch->skus.length > length;
    }
    const char **skus = (const char **)(void *)batch->skus.bytes;
    size_t n = batch->skus.length / sizeof *skus;
    *n_skus = n;
    if (n == 0)
        return skus;
    qsort(skus, n, sizeof *skus, compare_texts);
    *n_skus = 1;
    for (size_t i = 1; i < n; i++)
        if (strcmp(skus[i], skus[*n_skus - 1]) != 0)
            skus[(*n_skus)++] = skus[i];
    batch->skus.length = *n_skus * sizeof *skus;
    return skus;
}

static bool are_cached(const struct batch *batch, const char *const *skus, size_t n_skus)
{
    const struct offers *offers = &batch->service->offers;
    if (offers->list == NULL || base_clock_monotonic_us() < offers->rests_until_us)
        return false;
    for (size_t i = 0; i < batch->n_streams; i++)
        if (batch->streams[i].must_read)
            return false;
    for (size_t i = 0; i < n_skus; i++)
        if (find(offers->list, skus[i]) == NULL)
            return false;
    return true;
}

int offers_ask(struct batch *batch)
{
    size_t n_skus = 0;
    const char *const *skus = collect_skus(batch, &n_skus);
    batch->were_offers_read = false;
    if (n_skus == 0)
        return -1;
    if (are_cached(batch, skus, n_skus)) {
        batch->prices = batch->service->offers.list;
        batch->prices->n_holders++;
        return -1;
    }
    int index = (int)batch->pipeline.n_statements;
    eventstore_ask_shared_position(&batch->pipeline);
    projections_ask_offers(&batch->pipeline, skus, n_skus);
    return index;
}

/* The list that what was read belongs into: the cached one, a newer one that takes its place, or,
 * where another batch has read a newer one meanwhile, one that only this batch has. */
static struct price_list *choose_list(struct offers *offers, int64_t position)
{
    if (offers->list != NULL && offers->list->shared_position > position)
        return make_list(position);
    if (offers->list == NULL || offers->list->shared_position < position ||
        count(offers->list) >= OFFERS_MAX) {
        offers_forget(offers);
        offers->list = make_list(position);
    }
    offers->list->n_holders++;
    return offers->list;
}

/* Adds what the list does not have yet; each sku is in one row. */
static void receive_rows(struct price_list *list, const struct postgres_rows *rows)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer added = {0};
    struct catalog_content prices;
    for (size_t row = 0; row < postgres_rows_count(rows); row++) {
        struct projections_offer found;
        projections_receive_offer(rows, row, &found);
        if (find(list, found.sku) != NULL)
            continue;
        struct catalog_quantity quantity = {.maximum = 0};
        bool is_readable = codec_read_prices(found.prices, &prices) &&
                           codec_read_quantity(found.quantity, &list->arena, &quantity);
        struct batch_offer offer = copy_offer(
            &list->arena, &(struct batch_offer){
                              .sku = found.sku,
                              .name = found.name,
                              .is_active = found.is_active && is_readable,
                              .quantity = quantity,
                              .tags = found.tags,
                              .prices = &prices,
                          });
        base_buffer_append(&added, &offer, sizeof offer);
    }
    base_buffer_append(&list->offers, added.bytes, added.length);
    if (added.length > 0)
        qsort(list->offers.bytes, count(list), sizeof(struct batch_offer), compare_offers);
}

void offers_receive(struct batch *batch)
{
    if (batch->offers_at < 0)
        return;
    size_t index = (size_t)batch->offers_at;
    batch->were_offers_read = true;
    batch->prices = choose_list(
        &batch->service->offers,
        eventstore_receive_shared_position(postgres_pipeline_rows(&batch->pipeline, index)));
    receive_rows(batch->prices, postgres_pipeline_rows(&batch->pipeline, index + 1));
}

/* ---- deciding -------------------------------------------------------------------------------- */

bool offers_know(const struct batch *batch, const char *sku)
{
    size_t n_skus = batch->skus.length / sizeof(const char *);
    return batch->prices != NULL &&
           bsearch(&sku, batch->skus.bytes, n_skus, sizeof sku, compare_texts) != NULL;
}

struct cart_offer offers_find(const struct batch *batch, const char *sku, const char *currency)
{
    const struct batch_offer *offer = find(batch->prices, sku);
    struct cart_offer answer = {0};
    if (offer == NULL || !offer->is_active)
        return answer;
    answer.is_known = true;
    answer.name = offer->name;
    answer.unit = offer->quantity.unit;
    answer.tags = offer->tags;
    answer.scale = offer->quantity.scale;
    answer.limits = (struct cart_limits){
        .minimum = offer->quantity.minimum,
        .maximum = offer->quantity.maximum,
        .multiple_of = offer->quantity.multiple_of,
    };
    answer.has_price = catalog_find_price(offer->prices, currency, &answer.unit_price_minor);
    return answer;
}

int64_t offers_position(const struct batch *batch)
{
    return batch->prices == NULL ? EVENTSTORE_ANY : batch->prices->shared_position;
}

bool offers_are_guesses(const struct batch *batch, const struct batch_stream *stream)
{
    return batch->prices != NULL && !batch->were_offers_read && stream->wants_offers;
}
