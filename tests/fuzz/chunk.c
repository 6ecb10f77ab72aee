/* A copied log: the first byte says how many bytes come at a time, the rest are its lines. */
#include <string.h>

#include "codec.h"
#include "events_chunk.h"
#include "fuzz.h"
#include "lines.h"

enum { LINE_MAX_BYTES = 2048 };

static struct events_chunk chunk;
static struct base_arena arena;

/* History is true: whatever the log holds folds into a cart that can be shown. */
static void claim_fold(void)
{
    static struct cart cart;
    static struct cart read;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer document = {0};
    BASE_CLEANUP(base_buffer_finish) struct base_buffer other = {0};
    const struct base_uuid id = {.bytes = {7}};
    cart_clear(&cart);
    for (size_t i = 0; i < chunk.n_events; i++) {
        const struct eventstore_event *stored = &chunk.events[i];
        struct cart_event event;
        if (codec_read_cart_event(
                stored->type, stored->schema_version, stored->data, &arena, &event))
            cart_evolve(&cart, &event, stored->recorded_at_us);
    }
    codec_write_cart(&document, &id, &cart);
    codec_write_cart_snapshot(&other, &cart);
    /* A history that broke the rules of the cart need not fit into a snapshot. */
    if (cart.version > 0 && codec_read_cart_snapshot(base_buffer_text(&other), &arena, &read)) {
        other.length = 0;
        codec_write_cart(&other, &id, &read);
        FUZZ_CLAIM(fuzz_is_same(&document, &other));
    }
    codec_append_cart_times(
        &document, &(struct codec_cart_times){
                       .created_at_us = cart.created_at_us,
                       .updated_at_us = cart.updated_at_us,
                       .closed_at_us = cart.closed_at_us,
                       .abandoned_at_us = cart.abandoned_at_us,
                   });
    FUZZ_CLAIM(fuzz_is_json(document.bytes, document.length));
}

static void claim_streams(void)
{
    int64_t line = 0;
    size_t n_events = 0;
    if (events_chunk_list_streams(&chunk, &line) != NULL) {
        FUZZ_CLAIM(line >= chunk.first_line);
        return;
    }
    for (size_t i = 0; i < chunk.n_streams; i++) {
        const struct eventstore_copied_stream *stream = &chunk.streams[i];
        FUZZ_CLAIM(stream->last_version >= stream->first_version);
        n_events += (size_t)(stream->last_version - stream->first_version) + 1;
        line = events_chunk_line_of(&chunk, &stream->stream_id);
        FUZZ_CLAIM(line >= 1 && line <= (int64_t)chunk.n_events);
    }
    FUZZ_CLAIM(n_events == chunk.n_events);
}

/* False: the line was refused, which ends an import. */
static bool take_line(struct events_last *last, const struct lines *lines)
{
    int64_t position = last->position;
    const char *complaint = events_chunk_add(&chunk, last, lines->text, lines->length);
    FUZZ_CLAIM(last->position == position + (complaint == NULL));
    return complaint == NULL && !events_chunk_is_full(&chunk);
}

/* Gives the reader the next bytes; at the end of them, the end. */
static void fill(struct lines *lines, const uint8_t **bytes, size_t *n_bytes, size_t at_once)
{
    size_t n = *n_bytes < at_once ? *n_bytes : at_once;
    lines->source->fd = fuzz_feed(*bytes, n);
    FUZZ_CLAIM(source_fill(lines->source));
    *bytes += n;
    *n_bytes -= n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes == 0 || n_bytes > 65536)
        return 0;
    size_t at_once = (size_t)bytes[0] * 16 + 1;
    bytes++;
    n_bytes--;
    const uint8_t *rest = bytes;
    size_t n_rest = n_bytes;
    struct source source = {.fd = -1};
    struct lines lines = {.source = &source, .most = LINE_MAX_BYTES};
    struct events_last last = {.position = 0};
    size_t n_seen = 0;
    bool is_open = true;
    events_chunk_begin(&chunk, 1);
    for (bool goes_on = true; goes_on;) {
        switch (lines_next(&lines)) {
        case LINES_LINE:
            /* The lines are those of the bytes, however they came. */
            FUZZ_CLAIM(n_seen + lines.length <= n_bytes);
            FUZZ_CLAIM(memcmp(lines.text, bytes + n_seen, lines.length) == 0);
            n_seen += lines.length + 1;
            is_open = is_open && take_line(&last, &lines);
            break;
        case LINES_MORE:
            fill(&lines, &rest, &n_rest, at_once);
            break;
        case LINES_TOO_LONG:
            FUZZ_CLAIM(lines.length > LINE_MAX_BYTES);
            goes_on = false;
            break;
        case LINES_END:
            FUZZ_CLAIM(n_rest == 0 && source.n_taken == (int64_t)n_bytes);
            goes_on = false;
            break;
        }
    }
    if (chunk.n_events > 0) {
        claim_streams();
        claim_fold();
    }
    base_buffer_finish(&source.buffer);
    base_arena_reset(&arena);
    return 0;
}
