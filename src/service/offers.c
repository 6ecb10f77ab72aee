#include "internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * What the catalogue says of the skus that a batch adds. It is asked for in the load, and kept: as
 * long as no product changes, it is still so. Whether one has changed is found out by the append
 * itself, which compares the position of the newest change, so that what was kept is as fresh as
 * what would have been read, and most batches need no load at all.
 *
 * A decision on kept offers that the append has nothing of (a refusal) was proved by nobody, and is
 * made again on offers that were read.
 */
#define OFFERS_KEPT_MAX 4096
/* After a product changed. While products change all the time, nearly each append on kept offers
 * would be in vain; so at most one in this time is. */
#define OFFERS_REST_US 100000

/* ---- what is kept ---------------------------------------------------------------------------- */

static int compare_offers(const void *left, const void *right)
{
    const struct batch_offer *const a = left;
    const struct batch_offer *const b = right;
    return strcmp(a->sku, b->sku);
}

static const struct batch_offer *find(const struct batch_offer *list, size_t n, const char *sku)
{
    struct batch_offer wanted = {.sku = sku};
    return n == 0 ? NULL : bsearch(&wanted, list, n, sizeof *list, compare_offers);
}

void offers_init(struct offers *offers)
{
    *offers = (struct offers){.shared_position = EVENTSTORE_ANY};
}

void offers_finish(struct offers *offers)
{
    free(offers->list);
    base_arena_finish(&offers->arena);
}

void offers_forget(struct offers *offers)
{
    base_arena_reset(&offers->arena);
    offers->n = 0;
    offers->shared_position = EVENTSTORE_ANY;
}

void offers_moved(struct offers *offers)
{
    offers_forget(offers);
    offers->rests_until_us = base_clock_monotonic_us() + OFFERS_REST_US;
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
        .prices = prices,
    };
}

static void keep(struct offers *offers, const struct batch_offer *offer)
{
    if (offers->n == OFFERS_KEPT_MAX || find(offers->list, offers->n, offer->sku) != NULL)
        return;
    if (offers->list == NULL)
        offers->list = base_alloc(OFFERS_KEPT_MAX * sizeof *offers->list);
    size_t place = offers->n;
    while (place > 0 && strcmp(offers->list[place - 1].sku, offer->sku) > 0)
        place--;
    memmove(
        &offers->list[place + 1], &offers->list[place], (offers->n - place) * sizeof *offers->list);
    offers->list[place] = copy_offer(&offers->arena, offer);
    offers->n++;
}

/* ---- ask and receive ------------------------------------------------------------------------- */

static bool adds_items(const struct service_command *command)
{
    for (size_t i = 0; i < command->n_cart_commands; i++)
        if (command->cart_commands[i].type == CART_COMMAND_ADD_ITEM)
            return true;
    return false;
}

static void want_skus(struct batch *batch, const struct service_command *command)
{
    for (size_t i = 0; i < command->n_cart_commands; i++) {
        const struct cart_command *wish = &command->cart_commands[i];
        if (wish->type == CART_COMMAND_ADD_ITEM)
            base_buffer_append(&batch->skus, &wish->add_item.sku, sizeof wish->add_item.sku);
    }
}

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The skus that the batch adds, sorted, each once. */
static const char *const *collect_skus(struct batch *batch, size_t *n_skus)
{
    batch->skus.length = 0;
    for (size_t i = 0; i < batch->n_streams; i++)
        for (size_t j = 0; j < batch->streams[i].n_commands; j++)
            want_skus(batch, batch->streams[i].commands[j].command);
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
    return skus;
}

static bool are_kept(const struct batch *batch, const char *const *skus, size_t n_skus)
{
    const struct offers *offers = &batch->service->offers;
    if (offers->shared_position == EVENTSTORE_ANY ||
        base_clock_monotonic_us() < offers->rests_until_us)
        return false;
    for (size_t i = 0; i < batch->n_streams; i++)
        if (batch->streams[i].must_read)
            return false;
    for (size_t i = 0; i < n_skus; i++)
        if (find(offers->list, offers->n, skus[i]) == NULL)
            return false;
    return true;
}

int offers_ask(struct batch *batch)
{
    size_t n_skus = 0;
    const char *const *skus = collect_skus(batch, &n_skus);
    batch->n_offers = 0;
    batch->shared_position = EVENTSTORE_ANY;
    if (n_skus == 0)
        return -1;
    if (are_kept(batch, skus, n_skus)) {
        batch->shared_position = batch->service->offers.shared_position;
        return -1;
    }
    int place = (int)batch->group.n_statements;
    eventstore_ask_shared_position(&batch->group);
    projections_ask_offers(&batch->group, skus, n_skus);
    return place;
}

void offers_receive(struct batch *batch)
{
    if (batch->offers_at < 0)
        return;
    size_t place = (size_t)batch->offers_at;
    struct offers *kept = &batch->service->offers;
    int64_t position =
        eventstore_receive_shared_position(postgres_group_rows(&batch->group, place));
    if (position > kept->shared_position) {
        offers_forget(kept);
        kept->shared_position = position;
    }
    const struct postgres_rows *rows = postgres_group_rows(&batch->group, place + 1);
    size_t n_rows = postgres_rows_count(rows);
    batch->offers = base_arena_alloc(&batch->arena, n_rows * sizeof *batch->offers);
    for (size_t row = 0; row < n_rows; row++) {
        struct projections_offer row_offer;
        projections_receive_offer(rows, row, &row_offer);
        struct batch_offer *offer = &batch->offers[batch->n_offers++];
        offer->sku = base_arena_copy_text(&batch->arena, row_offer.sku);
        offer->name = base_arena_copy_text(&batch->arena, row_offer.name);
        struct catalog_content *prices = base_arena_alloc(&batch->arena, sizeof *prices);
        offer->is_active = row_offer.is_active && codec_read_prices(row_offer.prices, prices);
        offer->prices = prices;
        /* Another batch may have read newer ones meanwhile. */
        if (position == kept->shared_position)
            keep(kept, offer);
    }
    qsort(batch->offers, batch->n_offers, sizeof *batch->offers, compare_offers);
}

/* ---- deciding -------------------------------------------------------------------------------- */

struct cart_offer offers_find(struct batch *batch, const char *sku, const char *currency)
{
    const struct offers *kept = &batch->service->offers;
    const struct batch_offer *offer = batch->shared_position == EVENTSTORE_ANY
                                          ? find(batch->offers, batch->n_offers, sku)
                                          : find(kept->list, kept->n, sku);
    struct cart_offer answer = {0};
    if (offer == NULL || !offer->is_active)
        return answer;
    answer.is_known = true;
    /* What is kept may be forgotten before the batch ends. */
    answer.name = base_arena_copy_text(&batch->arena, offer->name);
    answer.has_price = catalog_find_price(offer->prices, currency, &answer.unit_price_minor);
    return answer;
}

bool offers_are_guesses(const struct batch *batch, const struct batch_stream *stream)
{
    if (batch->shared_position == EVENTSTORE_ANY)
        return false;
    for (size_t i = 0; i < stream->n_commands; i++)
        if (adds_items(stream->commands[i].command))
            return true;
    return false;
}
