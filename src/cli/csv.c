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

/* The byte at an offset from where the record begins, or one of these two: it has not come yet; or
 * there is none, or it is of no record, which would be too long. */
enum { BYTE_UNKNOWN = -1, BYTE_NONE = -2 };
static int byte_at(const struct csv_reader *reader, size_t offset)
{
    const struct source *source = reader->source;
    if (offset > CSV_RECORD_MAX)
        return BYTE_NONE;
    if (source->start + offset < source->buffer.length)
        return (unsigned char)source->buffer.bytes[source->start + offset];
    return source->has_ended ? BYTE_NONE : BYTE_UNKNOWN;
}

/* How many bytes the line end at an offset has; 0: there is none; -1: the next byte will tell. */
static int line_end_at(const struct csv_reader *reader, size_t offset)
{
    int byte = byte_at(reader, offset);
    if (byte == '\n')
        return 1;
    if (byte != '\r')
        return 0;
    int next = byte_at(reader, offset + 1);
    return next == BYTE_UNKNOWN ? -1 : next == '\n' ? 2 : 0;
}

struct field_scan {
    size_t offset;   /* from where the record begins */
    size_t n_texts;  /* written to reader->texts */
    int64_t n_lines; /* line ends within quotes */
    const char *reason;
};

static enum csv_outcome refuse(struct field_scan *scan, const char *reason)
{
    scan->reason = reason;
    return CSV_BAD;
}

/* From after the opening quote to after the closing one. */
static enum csv_outcome scan_quoted(struct csv_reader *reader, struct field_scan *scan)
{
    for (;; scan->offset += 1) {
        int byte = byte_at(reader, scan->offset);
        if (byte == BYTE_UNKNOWN)
            return CSV_MORE;
        if (byte == BYTE_NONE)
            return refuse(scan, "a quote is not closed");
        if (byte == '"') {
            scan->offset += 1;
            int next = byte_at(reader, scan->offset);
            if (next == BYTE_UNKNOWN)
                return CSV_MORE;
            if (next != '"')
                return CSV_RECORD;
        }
        if (byte == '\0')
            return refuse(scan, "it has a NUL byte");
        if (byte == '\n')
            scan->n_lines += 1;
        reader->texts[scan->n_texts++] = (char)byte;
    }
}

/* Up to the comma or line end, or the end of everything. */
static enum csv_outcome scan_plain(struct csv_reader *reader, struct field_scan *scan)
{
    for (;; scan->offset += 1) {
        int byte = byte_at(reader, scan->offset);
        int line_end = line_end_at(reader, scan->offset);
        if (byte == BYTE_UNKNOWN || line_end < 0)
            return CSV_MORE;
        if (byte == BYTE_NONE || byte == ',' || line_end > 0)
            return CSV_RECORD;
        if (byte == '"')
            return refuse(scan, "a quote stands within a field that doesn't begin with one");
        if (byte == '\0')
            return refuse(scan, "it has a NUL byte");
        reader->texts[scan->n_texts++] = (char)byte;
    }
}

/* One field, and what ends it: afterwards scan->offset is at a comma, at a line end or at the end
 * of everything. */
static enum csv_outcome scan_field(struct csv_reader *reader, struct field_scan *scan)
{
    if (byte_at(reader, scan->offset) != '"')
        return scan_plain(reader, scan);
    scan->offset += 1;
    enum csv_outcome outcome = scan_quoted(reader, scan);
    if (outcome != CSV_RECORD)
        return outcome;
    int after = byte_at(reader, scan->offset);
    int line_end = line_end_at(reader, scan->offset);
    if (line_end < 0)
        return CSV_MORE;
    if (after != ',' && after != BYTE_NONE && line_end == 0)
        return refuse(scan, "something stands between a closing quote and the next comma");
    return CSV_RECORD;
}

/* One record, which is not taken from the source yet. */
static enum csv_outcome scan_record(
    struct csv_reader *reader, struct csv_record *record, struct field_scan *scan)
{
    for (;;) {
        if (record->n_fields == CSV_FIELDS_MAX)
            return refuse(scan, "it has too many fields");
        record->fields[record->n_fields++] = reader->texts + scan->n_texts;
        enum csv_outcome outcome = scan_field(reader, scan);
        if (outcome != CSV_RECORD)
            return outcome;
        reader->texts[scan->n_texts++] = '\0';
        if (byte_at(reader, scan->offset) != ',')
            break;
        scan->offset += 1;
    }
    int line_end = line_end_at(reader, scan->offset);
    scan->offset += (size_t)line_end;
    scan->n_lines += line_end > 0;
    return CSV_RECORD;
}

/* False: the first bytes have not come yet. */
static bool pass_byte_order_mark(struct csv_reader *reader)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t n = 0;
    while (n < 3 && byte_at(reader, n) == (unsigned char)mark[n])
        n++;
    reader->has_begun = byte_at(reader, n) != BYTE_UNKNOWN || n == 3;
    if (n == 3)
        source_take(reader->source, n);
    return reader->has_begun;
}

enum csv_outcome csv_next(struct csv_reader *reader, struct csv_record *record)
{
    if (!reader->has_begun && !pass_byte_order_mark(reader))
        return CSV_MORE;
    if (reader->is_skipping && !skip_line(reader) && !reader->source->has_ended)
        return CSV_MORE;
    int line_end;
    while ((line_end = line_end_at(reader, 0)) > 0) {
        source_take(reader->source, (size_t)line_end);
        reader->line += 1;
    }
    if (byte_at(reader, 0) < 0 || line_end < 0)
        return byte_at(reader, 0) == BYTE_NONE ? CSV_END : CSV_MORE;

    *record = (struct csv_record){.line = reader->line};
    struct field_scan scan = {.offset = 0};
    enum csv_outcome outcome = scan_record(reader, record, &scan);
    if (scan.offset > CSV_RECORD_MAX)
        outcome = refuse(&scan, "it is longer than 64 KiB, or a quote is not closed");
    if (outcome == CSV_RECORD) {
        source_take(reader->source, scan.offset);
        reader->line += scan.n_lines;
    }
    if (outcome == CSV_BAD) {
        record->reason = scan.reason;
        (void)skip_line(reader); /* When the line end has not come yet, the next call goes on. */
    }
    return outcome;
}
