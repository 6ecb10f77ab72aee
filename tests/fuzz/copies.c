/* One line of `cartd events export`: what is accepted, written again, reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "fuzz.h"

static struct base_arena arena;

static void claim_round_trip(const struct codec_event_copy *copy)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer again = {0};
    struct codec_event_copy read = {0};
    codec_write_event_copy(&line, copy);
    FUZZ_CLAIM(memchr(line.bytes, '\n', line.length) == NULL);
    FUZZ_CLAIM(codec_read_event_copy(line.bytes, line.length, &arena, &read) == NULL);
    FUZZ_CLAIM(fuzz_is_same_text(read.event.data, copy->event.data));
    FUZZ_CLAIM(fuzz_is_same_text(read.event.metadata, copy->event.metadata));
    codec_write_event_copy(&again, &read);
    FUZZ_CLAIM(fuzz_is_same(&line, &again));

    again.length = 0;
    codec_write_indented(&again, line.bytes, line.length);
    FUZZ_CLAIM(codec_is_same_json(base_buffer_text(&line), base_buffer_text(&again)));
    again.length = 0;
    codec_write_event(&again, &copy->event);
    FUZZ_CLAIM(fuzz_is_json(again.bytes, again.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes == 0 || memchr(bytes, '\n', n_bytes) != NULL)
        return 0; /* it is no line */
    /* A line that is being imported is not NUL-terminated. */
    char *line = malloc(n_bytes);
    if (line == NULL)
        abort();
    memcpy(line, bytes, n_bytes);
    struct codec_event_copy copy = {0};
    const char *complaint = codec_read_event_copy(line, n_bytes, &arena, &copy);
    free(line);
    if (complaint == NULL)
        claim_round_trip(&copy);
    else
        FUZZ_CLAIM(complaint[0] != '\0');
    base_arena_reset(&arena);
    return 0;
}
