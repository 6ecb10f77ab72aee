#include "internal.h"

/*
 * The fence (eventstore.h) that says that nobody else appends, so that an append need not look up
 * how far the streams of its batch are.
 *
 *   NONE ──a batch leaves one──▶ LEFT ──its append records something──▶ STANDING
 *     ▲                           │ it does not                             │
 *     └───────────────────────────┴── an append found it gone, or the ──────┘
 *                                     connection went
 *
 * Each has a number, and each stream that is kept the number of the one behind which its version
 * was seen: it was read when that one stood, or appended to without its having been taken away.
 * What was read before may be older than the fence is.
 */

uint64_t fence_standing(const struct service *service)
{
    return service->fence.state == FENCE_STANDING ? service->fence.number : FENCE_NUMBER_NONE;
}

static bool covers(const struct batch *batch)
{
    uint64_t standing = fence_standing(batch->service);
    if (standing == FENCE_NUMBER_NONE)
        return false;
    for (size_t i = 0; i < batch->n_streams; i++)
        if (batch->streams[i].ordinal > 0 && batch->streams[i].seen_behind != standing)
            return false;
    return true;
}

void fence_join(struct batch *batch)
{
    struct service *service = batch->service;
    struct fence *fence = &service->fence;
    bool is_left = fence->state == FENCE_NONE;
    if (is_left) {
        fence->state = FENCE_LEFT;
        fence->id = base_uuid_make_v7(&service->random, base_clock_now_us());
        fence->number++;
    }
    batch->fence_number = fence->number;
    batch->fence =
        (struct eventstore_fence){.id = fence->id, .is_left = is_left, .covers_all = covers(batch)};
}

uint64_t fence_receive(struct batch *batch, const struct eventstore_appended *appended)
{
    struct fence *fence = &batch->service->fence;
    bool stands = batch->fence.is_left ? appended->position > 0 : appended->was_fenced;
    if (batch->fence_number != fence->number) /* an older one */
        return FENCE_NUMBER_NONE;
    if (!stands)
        fence->state = FENCE_NONE;
    else if (fence->state == FENCE_LEFT)
        fence->state = FENCE_STANDING;
    return fence_standing(batch->service);
}

void fence_miss(struct batch *batch)
{
    struct fence *fence = &batch->service->fence;
    if (batch->fence.is_left && batch->fence_number == fence->number)
        fence->state = FENCE_NONE;
}

void fence_forget(struct service *service)
{
    service->fence.state = FENCE_NONE;
}
