/* A catalogue file: the first byte says how many bytes come at a time, the rest is the file. */
#include "csv.h"

#include <string.h>

#include "codec.h"
#include "fuzz.h"
#include "product_line.h"

/* More system calls would be most of the time. */
#define N_PIECES_MAX 64

/* A file that is read in some steps. */
struct file {
    const uint8_t *bytes;
    size_t n_bytes;
    size_t chunk;
    struct source source;
    struct csv_reader reader;
};

static void fill(struct file *file)
{
    size_t n = file->n_bytes < file->chunk ? file->n_bytes : file->chunk;
    struct source *source = &file->source;
    size_t n_before = source->buffer.length - source->start;
    source->fd = fuzz_feed(file->bytes, n);
    FUZZ_CLAIM(source_fill(source));
    if (source->encoding == SOURCE_AS_IT_IS)
        FUZZ_CLAIM(source->buffer.length - source->start == n_before + n);
    file->bytes += n;
    file->n_bytes -= n;
}

static enum csv_outcome next(struct file *file, struct csv_record *record)
{
    enum csv_outcome outcome;
    while ((outcome = csv_next(&file->reader, record)) == CSV_MORE)
        fill(file);
    return outcome;
}

/* A record written with quotes around everything is read as the same fields, one after the other
 * by the reader of `again`. */
static void claim_round_trip(const struct csv_record *record, struct file *again)
{
    BASE_CLEANUP(base_buffer_finish) struct base_buffer line = {0};
    size_t n_texts = 0;
    for (size_t i = 0; i < record->n_fields; i++) {
        base_buffer_append_text(&line, i > 0 ? ",\"" : "\"");
        for (const char *place = record->fields[i]; *place != '\0'; place++) {
            base_buffer_append_char(&line, *place);
            if (*place == '"')
                base_buffer_append_char(&line, '"');
            n_texts++;
        }
        base_buffer_append_char(&line, '"');
    }
    FUZZ_CLAIM(n_texts <= CSV_RECORD_MAX);
    if (line.length > CSV_RECORD_MAX)
        return;
    base_buffer_append_char(&line, '\n');
    again->bytes = (const uint8_t *)line.bytes;
    again->n_bytes = line.length;
    struct csv_record read;
    FUZZ_CLAIM(next(again, &read) == CSV_RECORD);
    FUZZ_CLAIM(read.n_fields == record->n_fields);
    for (size_t i = 0; i < read.n_fields; i++)
        FUZZ_CLAIM(strcmp(read.fields[i], record->fields[i]) == 0);
    FUZZ_CLAIM(again->n_bytes == 0 && !again->source.has_ended);
}

static void claim_same(
    enum csv_outcome outcome, const struct csv_record *record, const struct csv_record *other,
    struct file *again)
{
    FUZZ_CLAIM(record->line == other->line);
    if (outcome == CSV_BAD) {
        FUZZ_CLAIM(strcmp(record->reason, other->reason) == 0);
        return;
    }
    FUZZ_CLAIM(record->n_fields == other->n_fields);
    for (size_t i = 0; i < record->n_fields; i++)
        FUZZ_CLAIM(strcmp(record->fields[i], other->fields[i]) == 0);
    claim_round_trip(record, again);
}

/* Lines are counted as an editor does. */
static void claim_line(const struct csv_reader *reader, const uint8_t *bytes)
{
    int64_t line = 1;
    if (reader->source->encoding != SOURCE_AS_IT_IS)
        return;
    for (int64_t i = 0; i < reader->source->n_taken; i++)
        line += bytes[i] == '\n';
    FUZZ_CLAIM(reader->line == line);
}

static void claim_product(const struct csv_record *record, struct product_line_header *header)
{
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    BASE_CLEANUP(base_buffer_finish) struct base_buffer text = {0};
    struct product_line line;
    if (header->columns.n_fields == 0 &&
        !columns_read_header(&product_line_columns, record, &header->columns, &text, &problem)) {
        FUZZ_CLAIM(problem != NULL && base_utf8_length(problem, strlen(problem)) > 0);
        return;
    }
    text.length = 0;
    BASE_CLEANUP(base_arena_finish) struct base_arena arena = {0};
    if (!product_line_read(header, record, &arena, &line, &text)) {
        FUZZ_CLAIM(text.length > 0 && text.length < 1000);
        return;
    }
    FUZZ_CLAIM(text.length == 0 && !columns_are_blank(record));
    FUZZ_CLAIM(codec_is_sku(line.sku) && codec_is_currency(line.currency));
    FUZZ_CLAIM(line.price_minor >= 0 && line.price_minor <= CATALOG_PRICE_MAX);
    FUZZ_CLAIM(codec_is_label(line.name, CATALOG_NAME_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    if (n_bytes == 0 || n_bytes > 200000)
        return 0;
    struct file whole = {.bytes = bytes + 1, .n_bytes = n_bytes - 1, .chunk = 60000};
    struct file pieces = {
        .bytes = bytes + 1,
        .n_bytes = n_bytes - 1,
        .chunk = (size_t)bytes[0] * bytes[0] + 1 + n_bytes / N_PIECES_MAX,
    };
    struct file again = {.chunk = 60000};
    struct product_line_header header = {.has_decimal_prices = bytes[0] % 2 == 1};
    int64_t line = 0;
    csv_init(&whole.reader, &whole.source);
    csv_init(&pieces.reader, &pieces.source);
    csv_init(&again.reader, &again.source);
    again.reader.delimiter = ',';
    for (;;) {
        struct csv_record record;
        struct csv_record other;
        enum csv_outcome outcome = next(&whole, &record);
        FUZZ_CLAIM(next(&pieces, &other) == outcome);
        if (outcome == CSV_END)
            break;
        FUZZ_CLAIM(record.line > line);
        line = record.line;
        claim_same(outcome, &record, &other, &again);
        claim_line(&whole.reader, bytes + 1);
        if (outcome == CSV_RECORD)
            claim_product(&record, &header);
    }
    if (whole.source.encoding == SOURCE_AS_IT_IS)
        FUZZ_CLAIM(whole.source.n_taken == (int64_t)n_bytes - 1);
    csv_finish(&whole.reader);
    base_buffer_finish(&whole.source.buffer);
    base_buffer_finish(&whole.source.undecoded);
    csv_finish(&pieces.reader);
    base_buffer_finish(&pieces.source.buffer);
    base_buffer_finish(&pieces.source.undecoded);
    csv_finish(&again.reader);
    base_buffer_finish(&again.source.buffer);
    base_buffer_finish(&again.source.undecoded);
    return 0;
}
