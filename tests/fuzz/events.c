/* The data of stored events: the first byte says of which type, the second of which
 * schema_version, the rest is the data. */
#include "codec.h"
#include "fuzz.h"

static struct base_arena arena;

static size_t count_names(void)
{
    size_t n = 0;
    while (codec_event_names[n] != NULL)
        n++;
    return n;
}

static bool is_read(const char *type, int32_t schema_version, const char *data)
{
    static struct catalog_event catalog_event;
    struct cart_event cart_event;
    bool is_cart = codec_read_cart_event(type, schema_version, data, &arena, &cart_event);
    bool is_product = codec_read_catalog_event(type, schema_version, data, &arena, &catalog_event);
    FUZZ_CLAIM(!is_cart || !is_product);
    return is_cart || is_product;
}

/* The newest shape comes back to the stored one, is of the newest shape already, and means the
 * same. */
static void claim_upcast(
    const char *type, int32_t schema_version, const char *data, struct base_buffer *upcast)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    const char *reason;
    const char *text = base_buffer_text(upcast);
    int32_t newest = codec_newest_schema_version(type);
    FUZZ_CLAIM(codec_comes_back(type, schema_version, text, data, &reason));
    FUZZ_CLAIM(codec_upcast_event(type, newest, text, &again, &reason));
    FUZZ_CLAIM(fuzz_is_same(upcast, &again));
    /* Made canonical, 2.0 is 2, so it may be read where it could not be before. */
    FUZZ_CLAIM(is_read(type, newest, text) || !is_read(type, schema_version, data));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes < 2)
        return 0;
    BASE_CLEANUP(base_free_pointer) char *data = fuzz_text(bytes + 2, n_bytes - 2);
    const char *type = codec_event_names[bytes[0] % count_names()];
    int32_t schema_version = bytes[1] % 4;
    const char *reason = NULL;
    bool is_good = is_read(type, schema_version, data);
    bool is_kept = codec_round_trips(type, schema_version, data, &reason);
    FUZZ_CLAIM(is_good == is_kept);
    FUZZ_CLAIM(is_kept || reason != NULL);

    BASE_CLEANUP(base_buffer_finish) struct base_buffer upcast = {0};
    bool is_upcast = codec_upcast_event(type, schema_version, data, &upcast, &reason);
    FUZZ_CLAIM(is_upcast || !is_good);
    if (is_upcast)
        claim_upcast(type, schema_version, data, &upcast);
    base_arena_reset(&arena);
    return 0;
}
