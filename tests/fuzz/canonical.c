/* Canonical JSON, and what else reads stored JSON without a shape of its own. */
#include "codec.h"
#include "fuzz.h"

/* An event whose data is looked at by nothing but what makes it canonical. */
#define TYPE "CartCleared"

static void claim_canonical(const char *text)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer once = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer twice = {0};
    const char *reason = NULL;
    if (!codec_upcast_event(TYPE, 1, text, &once, &reason)) {
        FUZZ_CLAIM(reason != NULL);
        return;
    }
    FUZZ_CLAIM(codec_upcast_event(TYPE, 1, base_buffer_text(&once), &twice, &reason));
    FUZZ_CLAIM(fuzz_is_same(&once, &twice));

    /* For people: other blanks, the same object. */
    twice.length = 0;
    codec_write_indented(&twice, once.bytes, once.length);
    FUZZ_CLAIM(codec_is_same_json(base_buffer_text(&once), base_buffer_text(&twice)));
    FUZZ_CLAIM(codec_is_same_json(text, text));

    BASE_CLEANUP(base_free_pointer) char *reversed = fuzz_reverse_json(text);
    twice.length = 0;
    FUZZ_CLAIM(reversed != NULL && codec_upcast_event(TYPE, 1, reversed, &twice, &reason));
    FUZZ_CLAIM(fuzz_is_same(&once, &twice));
}

static void claim_prices(const char *text)
{
    static struct catalog_content content;
    static struct catalog_content again;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer once = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer twice = {0};
    if (!codec_read_prices(text, &content))
        return;
    codec_write_prices(&once, &content);
    FUZZ_CLAIM(codec_read_prices(base_buffer_text(&once), &again));
    codec_write_prices(&twice, &again);
    FUZZ_CLAIM(fuzz_is_same(&once, &twice));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    BASE_CLEANUP(base_free_pointer) char *text = fuzz_text(bytes, n_bytes);
    claim_canonical(text);
    claim_prices(text);
    /* These take what we have written ourselves; whatever it is, they stay within it. */
    BASE_CLEANUP(base_free_pointer) char *raw = fuzz_copy(bytes, n_bytes);
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    codec_write_stored_cart(&document, raw, n_bytes);
    FUZZ_CLAIM(document.length >= n_bytes);
    document.length = 0;
    codec_write_indented(&document, raw, n_bytes);
    return 0;
}
