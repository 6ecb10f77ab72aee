#include "internal.h"

#include <stdlib.h>

static int compare_ids(const void *left, const void *right)
{
    const struct replay_wanted *const *a = left;
    const struct replay_wanted *const *b = right;
    return base_uuid_compare(&(*a)->id, &(*b)->id);
}

static void ask(struct reactions *self);

/* A snapshot that can't be read is done without. */
static bool skip_bad_snapshots(struct slice *slice)
{
    bool has_any = false;
    for (size_t i = 0; i < slice->n; i++)
        if (slice->list[i].outcome == REPLAY_BAD_SNAPSHOT)
            slice->list[i].without_snapshot = has_any = true;
    return has_any;
}

static void streams_loaded(struct postgres_pipeline *pipeline)
{
    struct slice *slice = BASE_CONTAINER(pipeline, struct slice, pipeline);
    struct reactions *self = BASE_CONTAINER(slice, struct reactions, slice);
    bool is_read = postgres_is_done(pipeline->outcome);
    if (is_read)
        replay_receive(&slice->load, pipeline, &slice->texts, self->options.log);
    if (is_read && skip_bad_snapshots(slice)) {
        ask(self);
        return;
    }
    self->chunk.has_trouble = !is_read;
    self->chunk.is_reading = false;
    slice->loaded(self);
}

static void ask(struct reactions *self)
{
    struct slice *slice = &self->slice;
    base_arena_reset(&slice->texts);
    for (size_t i = 0; i < slice->n; i++)
        slice->list[i].aggregate->begin(slice->list[i].state);
    postgres_pipeline_begin(&slice->pipeline);
    slice->pipeline.answered = streams_loaded;
    replay_ask(&slice->load, &slice->pipeline, &slice->texts);
    postgres_send(self->runner.connection, &slice->pipeline);
}

void slice_load(struct reactions *self, void (*loaded)(struct reactions *self))
{
    const struct chunk *chunk = &self->chunk;
    const struct postgres_rows *rows = postgres_pipeline_rows(&self->rows, 0);
    struct slice *slice = &self->slice;
    size_t room = aggregate_state_room();
    if (slice->states == NULL)
        slice->states = base_alloc(SLICE_TIMERS_MAX * room);
    slice->loaded = loaded;
    slice->from = chunk->n_steps;
    slice->n = chunk->n_rows - chunk->n_steps;
    if (slice->n > SLICE_TIMERS_MAX)
        slice->n = SLICE_TIMERS_MAX;
    for (size_t i = 0; i < slice->n; i++) {
        slice->list[i] = (struct replay_wanted){
            .aggregate = chunk->reaction->aggregate,
            .id = postgres_get_uuid(rows, slice->from + i, 0),
            .state = slice->states + i * room,
        };
        slice->sorted[i] = &slice->list[i];
    }
    qsort(slice->sorted, slice->n, sizeof slice->sorted[0], compare_ids);
    slice->load = (struct replay_load){.wanted = slice->sorted, .n_wanted = slice->n};
    self->chunk.is_reading = true;
    ask(self);
}

const struct replay_wanted *slice_find(const struct reactions *self)
{
    size_t row = self->chunk.n_steps;
    const struct slice *slice = &self->slice;
    bool is_loaded = row >= slice->from && row < slice->from + slice->n;
    return is_loaded ? &slice->list[row - slice->from] : NULL;
}

void slice_finish(struct slice *slice)
{
    postgres_pipeline_finish(&slice->pipeline);
    base_arena_finish(&slice->texts);
    free(slice->states);
}
