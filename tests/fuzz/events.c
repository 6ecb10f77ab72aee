/* The data of stored events: the first line says of which type and, as a digit, of which
 * schema_version, the rest is the data. */
#include <string.h>

#include "codec.h"
#include "fuzz.h"

static struct base_arena arena;

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
    FUZZ_CLAIM(codec_is_upcast_of(type, schema_version, text, data, &reason));
    FUZZ_CLAIM(codec_upcast_event(type, newest, text, &again, &reason));
    FUZZ_CLAIM(fuzz_is_same(upcast, &again));
    /* Made canonical, 2.0 is 2, so it may be read where it could not be before. */
    FUZZ_CLAIM(is_read(type, newest, text) || !is_read(type, schema_version, data));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *type = fuzz_text(bytes, n_bytes);
    char *line_end = strchr(type, '\n');
    if (line_end == NULL || line_end - type < 2)
        return 0;
    const char *data = line_end + 1;
    int32_t schema_version = line_end[-1] - '0';
    line_end[-2] = '\0'; /* where the blank is */
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
