#include "base.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_FIRST_BLOCK = 4096, ARENA_LARGEST_STEP = 256 * 1024 };

/* Blocks are a list from the newest to the oldest; only the newest is filled. */
struct base_arena_block {
    struct base_arena_block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

static struct base_arena_block *add_block(struct base_arena *arena, size_t n_bytes)
{
    size_t size = ARENA_FIRST_BLOCK;
    if (arena->block != NULL)
        size = arena->block->size * 2;
    if (size > ARENA_LARGEST_STEP)
        size = ARENA_LARGEST_STEP;
    if (size < n_bytes)
        size = n_bytes;
    /* Not zeroed here: each allocation is, so that a block that is used again needs no more. */
    struct base_arena_block *block =
        base_realloc(NULL, offsetof(struct base_arena_block, bytes) + size);
    block->older = arena->block;
    block->size = size;
    block->used = 0;
    arena->block = block;
    return block;
}

void base_arena_finish(struct base_arena *arena)
{
    while (arena->block != NULL) {
        struct base_arena_block *block = arena->block;
        arena->block = block->older;
        free(block);
    }
}

void base_arena_reset(struct base_arena *arena)
{
    struct base_arena_block *largest = arena->block;
    for (struct base_arena_block *block = arena->block; block != NULL; block = block->older) {
        if (block->size > largest->size)
            largest = block;
    }
    while (arena->block != NULL) {
        struct base_arena_block *block = arena->block;
        arena->block = block->older;
        if (block != largest)
            free(block);
    }
    if (largest == NULL)
        return;
    largest->older = NULL;
    largest->used = 0;
    arena->block = largest;
}

void *base_arena_alloc(struct base_arena *arena, size_t n_bytes)
{
    assert(n_bytes <= SIZE_MAX / 4);
    size_t alignment = alignof(max_align_t);
    /* Even no bytes take one, so that no two allocations are equal. */
    size_t size = n_bytes > 0 ? (n_bytes + alignment - 1) / alignment * alignment : alignment;
    struct base_arena_block *block = arena->block;
    if (block == NULL || block->size - block->used < size)
        block = add_block(arena, size);
    void *memory = block->bytes + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

char *base_arena_copy(struct base_arena *arena, const char *bytes, size_t n_bytes)
{
    char *copy = base_arena_alloc(arena, n_bytes + 1);
    if (n_bytes > 0)
        memcpy(copy, bytes, n_bytes);
    return copy;
}

char *base_arena_copy_text(struct base_arena *arena, const char *text)
{
    return base_arena_copy(arena, text, strlen(text));
}

char *base_arena_printf(struct base_arena *arena, const char *format, ...)
{
    assert(format != NULL);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    size_t size = (size_t)length + 1;
    char *text = base_arena_alloc(arena, size);
    va_start(arguments, format);
    (void)vsnprintf(text, size, format, arguments); /* Its length is known already. */
    va_end(arguments);
    return text;
}
