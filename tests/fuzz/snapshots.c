/* Snapshots of carts: what is accepted can be shown, and written again it reads back the same. */
#include "codec.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    static struct base_arena arena;
    static struct cart cart;
    static struct cart again;
    const struct base_uuid id = {.bytes = {9}};
    base_arena_reset(&arena);
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes, n_bytes);
    if (!codec_read_cart_snapshot(text, &arena, &cart))
        return 0;

    BASE_CLEANUP(base_buffer_finish) struct base_buffer snapshot = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer other = {0};
    codec_write_cart_snapshot(&snapshot, &cart);
    FUZZ_CLAIM(codec_read_cart_snapshot(base_buffer_text(&snapshot), &arena, &again));
    codec_write_cart_snapshot(&other, &again);
    FUZZ_CLAIM(fuzz_is_same(&snapshot, &other));

    other.length = 0;
    codec_write_cart(&other, &id, &cart);
    codec_append_cart_times(
        &other, &(struct codec_cart_times){
                    .created_at_us = cart.created_at_us,
                    .updated_at_us = cart.updated_at_us,
                    .closed_at_us = cart.closed_at_us,
                    .abandoned_at_us = cart.abandoned_at_us,
                });
    FUZZ_CLAIM(fuzz_is_json(other.bytes, other.length));
    return 0;
}
