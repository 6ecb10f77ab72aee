#include "csv.h"

void csv_init(struct csv_reader *reader, struct source *source)
{
    *reader = (struct csv_reader){
        .source = source,
        .texts = base_alloc(CSV_RECORD_MAX + 2), /* a NUL for each comma, and for the end */
        .line = 1,
    };
}

void csv_finish(struct csv_reader *reader)
{
    base_free_pointer(&reader->texts);
}

/* Drops everything up to and with the next line end. False: it has not come yet. */
static bool skip_line(struct csv_reader *reader)
{
    struct source *source = reader->source;
    const char *from = source->buffer.bytes + source->start;
    size_t n_bytes = source->buffer.length - source->start;
    const char *line_end = n_bytes == 0 ? NULL : memchr(from, '\n', n_bytes);
    reader->is_skipping = line_end == NULL;
    reader->line += line_end != NULL;
    source_take(source, line_end == NULL ? n_bytes : (size_t)(line_end - from) + 1);
    return line_end != NULL;
}

/* The byte at an offset from where the record begins; or none, as the source has ended or the
 * record is too long, or has not come yet, which is then noted. */
#define NO_BYTE (-1)
static int byte_at(struct csv_reader *reader, size_t offset)
{
    const struct source *source = reader->source;
    if (offset > CSV_RECORD_MAX)
        return NO_BYTE;
    if (source->start + offset < source->buffer.length)
        return (unsigned char)source->buffer.bytes[source->start + offset];
    reader->is_short = !source->has_ended;
    return NO_BYTE;
}

/* How many bytes the line end at an offset has; 0: there is none. */
static size_t line_end_at(struct csv_reader *reader, size_t offset)
{
    int byte = byte_at(reader, offset);
    if (byte == '\n')
        return 1;
    return byte == '\r' && byte_at(reader, offset + 1) == '\n' ? 2 : 0;
}

/* ---- a record, as if all of it had come ------------------------------------------------------ */

struct scan {
    size_t offset;   /* from where the record begins */
    size_t n_texts;  /* written to reader->texts */
    int64_t n_lines; /* line ends within quotes */
};

/* From after the opening quote to after the closing one. NULL, or what is wrong. */
static const char *scan_quoted(struct csv_reader *reader, struct scan *scan)
{
    for (;; scan->offset += 1) {
        int byte = byte_at(reader, scan->offset);
        if (byte == NO_BYTE)
            return "a quote is not closed";
        if (byte == '"' && byte_at(reader, ++scan->offset) != '"')
            return NULL;
        if (byte == '\0')
            return "it has a NUL byte";
        scan->n_lines += byte == '\n';
        reader->texts[scan->n_texts++] = (char)byte;
    }
}

/* Up to the comma or line end, or the end of everything. */
static const char *scan_plain(struct csv_reader *reader, struct scan *scan)
{
    for (;; scan->offset += 1) {
        int byte = byte_at(reader, scan->offset);
        if (byte == NO_BYTE || byte == ',' || line_end_at(reader, scan->offset) > 0)
            return NULL;
        if (byte == '"')
            return "it has a quote inside a field that does not begin with one";
        if (byte == '\0')
            return "it has a NUL byte";
        reader->texts[scan->n_texts++] = (char)byte;
    }
}

/* One field, and what ends it: afterwards scan->offset is at a comma, at a line end or at the end
 * of everything. */
static const char *scan_field(struct csv_reader *reader, struct scan *scan)
{
    if (byte_at(reader, scan->offset) != '"')
        return scan_plain(reader, scan);
    scan->offset += 1;
    const char *reason = scan_quoted(reader, scan);
    int after = byte_at(reader, scan->offset);
    if (reason == NULL && after != ',' && after != NO_BYTE &&
        line_end_at(reader, scan->offset) == 0)
        return "it has text between a closing quote and the next comma";
    return reason;
}

static const char *scan_record(
    struct csv_reader *reader, struct csv_record *record, struct scan *scan)
{
    do {
        if (record->n_fields == CSV_FIELDS_MAX)
            return "it has too many fields";
        if (record->n_fields > 0)
            scan->offset += 1; /* the comma */
        record->fields[record->n_fields++] = reader->texts + scan->n_texts;
        const char *reason = scan_field(reader, scan);
        if (reason != NULL)
            return reason;
        reader->texts[scan->n_texts++] = '\0';
    } while (byte_at(reader, scan->offset) == ',');
    size_t line_end = line_end_at(reader, scan->offset);
    scan->offset += line_end;
    scan->n_lines += line_end > 0;
    return NULL;
}

/* ---- the records of the source --------------------------------------------------------------- */

static void pass_byte_order_mark(struct csv_reader *reader)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = 0;
    while (n < 3 && byte_at(reader, n) == (unsigned char)mark[n])
        n++;
    reader->has_begun = !reader->is_short;
    if (n == 3)
        source_take(reader->source, n);
}

/* False: nothing is there for now. */
static bool pass_empty_lines(struct csv_reader *reader)
{
    if (reader->is_skipping && !skip_line(reader))
        return false;
    size_t line_end;
    while ((line_end = line_end_at(reader, 0)) > 0) {
        source_take(reader->source, line_end);
        reader->line += 1;
    }
    return byte_at(reader, 0) != NO_BYTE;
}

enum csv_outcome csv_next(struct csv_reader *reader, struct csv_record *record)
{
    reader->is_short = false;
    if (!reader->has_begun)
        pass_byte_order_mark(reader);
    if (reader->is_short || !pass_empty_lines(reader))
        return reader->source->has_ended ? CSV_END : CSV_MORE;
    *record = (struct csv_record){.line = reader->line};
    struct scan scan = {.offset = 0};
    record->reason = scan_record(reader, record, &scan);
    if (reader->is_short)
        return CSV_MORE;
    if (scan.offset > CSV_RECORD_MAX)
        record->reason = "it is longer than 64 KiB, or a quote is not closed";
    if (record->reason != NULL) {
        (void)skip_line(reader); /* When the line end has not come yet, the next call goes on. */
        return CSV_BAD;
    }
    source_take(reader->source, scan.offset);
    reader->line += scan.n_lines;
    return CSV_RECORD;
}
