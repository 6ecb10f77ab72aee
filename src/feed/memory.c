#include "internal.h"

#include <stdlib.h>

/* A short event with its slot takes about this much, so the slots never are what there is too few
 * of by far. */
#define BYTES_PER_SLOT 512
#define SLOTS_MIN 64

static size_t size_of(const struct feed_event *event)
{
    return sizeof(struct feed_entry) + event->framed_length;
}

struct feed_entry *feed_memory_at(const struct feed_memory *memory, int64_t position)
{
    return &memory->slots[(size_t)position & (memory->n_slots - 1)];
}

void feed_memory_start(struct feed_memory *memory, size_t n_bytes_max, int64_t head)
{
    size_t n_slots = SLOTS_MIN;
    while (n_slots * BYTES_PER_SLOT < n_bytes_max)
        n_slots *= 2;
    *memory = (struct feed_memory){
        .slots = base_alloc(n_slots * sizeof *memory->slots),
        .n_slots = n_slots,
        .n_bytes_max = n_bytes_max,
        .tail = head + 1,
        .head = head,
    };
}

static void forget_oldest(struct feed_memory *memory)
{
    struct feed_entry *entry = feed_memory_at(memory, memory->tail++);
    memory->n_bytes -= size_of(&entry->event);
    free((char *)(uintptr_t)entry->event.framed);
    *entry = (struct feed_entry){0};
}

static void forget_all(struct feed_memory *memory)
{
    while (memory->tail <= memory->head)
        forget_oldest(memory);
}

void feed_memory_stop(struct feed_memory *memory)
{
    if (memory->slots == NULL)
        return;
    forget_all(memory);
    free(memory->slots);
    memory->slots = NULL;
}

void feed_memory_add(struct feed_memory *memory, const struct feed_event *event)
{
    if (event->position != memory->head + 1) {
        /* There is no such gap in a log that nobody has tampered with. Whoever is before it reads
         * on from the log. */
        forget_all(memory);
        memory->tail = event->position;
    }
    while (memory->tail < event->position &&
           (memory->n_bytes + size_of(event) > memory->n_bytes_max ||
            (size_t)(event->position - memory->tail) >= memory->n_slots))
        forget_oldest(memory);
    memory->head = event->position;
    memory->n_bytes += size_of(event);
    *feed_memory_at(memory, event->position) = (struct feed_entry){.event = *event};
}
