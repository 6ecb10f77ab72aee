#include "csv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A record that is not complete, and room for one more read. */
#define CSV_CAPACITY (2 * CSV_RECORD_MAX)

void csv_init(struct csv_reader *reader)
{
    *reader = (struct csv_reader){
        .bytes = base_alloc(CSV_CAPACITY),
        .texts = base_alloc(CSV_CAPACITY + 1),
        .line = 1,
    };
}

void csv_finish(struct csv_reader *reader)
{
    base_free_pointer(&reader->bytes);
    base_free_pointer(&reader->texts);
    *reader = (struct csv_reader){0};
}

ssize_t csv_fill(struct csv_reader *reader, int fd)
{
    memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    assert(reader->end < CSV_CAPACITY);
    ssize_t n_read;
    do {
        n_read = read(fd, reader->bytes + reader->end, CSV_CAPACITY - reader->end);
    } while (n_read < 0 && errno == EINTR);
    if (n_read > 0)
        reader->end += (size_t)n_read;
    if (n_read == 0)
        reader->has_ended = true;
    return n_read;
}

static void consume(struct csv_reader *reader, size_t n_bytes)
{
    reader->start += n_bytes;
    reader->n_consumed += (int64_t)n_bytes;
}

/* Drops everything up to and with the next line end. False: it has not come yet. */
static bool skip_line(struct csv_reader *reader)
{
    const char *from = reader->bytes + reader->start;
    const char *line_end = memchr(from, '\n', reader->end - reader->start);
    reader->is_skipping = !line_end;
    if (!line_end) {
        consume(reader, reader->end - reader->start);
        return false;
    }
    consume(reader, (size_t)(line_end - from) + 1);
    reader->line += 1;
    return true;
}

/* The byte at a place, or one of these two. */
enum { BYTE_UNKNOWN = -1, BYTE_NONE = -2 };
static int byte_at(const struct csv_reader *reader, size_t place)
{
    if (place < reader->end)
        return (unsigned char)reader->bytes[place];
    return reader->has_ended ? BYTE_NONE : BYTE_UNKNOWN;
}

/* How many bytes the line end at `place` has; 0: there is none; -1: the next byte will tell. */
static int line_end_at(const struct csv_reader *reader, size_t place)
{
    int byte = byte_at(reader, place);
    if (byte == '\n')
        return 1;
    if (byte != '\r')
        return 0;
    int next = byte_at(reader, place + 1);
    return next == BYTE_UNKNOWN ? -1 : next == '\n' ? 2 : 0;
}

struct field_scan {
    size_t place;    /* in reader->bytes */
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
    for (;; scan->place += 1) {
        int byte = byte_at(reader, scan->place);
        if (byte == BYTE_UNKNOWN)
            return CSV_MORE;
        if (byte == BYTE_NONE)
            return refuse(scan, "a quote is not closed");
        if (byte == '"') {
            scan->place += 1;
            int next = byte_at(reader, scan->place);
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
    for (;; scan->place += 1) {
        int byte = byte_at(reader, scan->place);
        int line_end = line_end_at(reader, scan->place);
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

/* One field, and what ends it: afterwards scan->place is at a comma, at a line end or at the end of
 * everything. */
static enum csv_outcome scan_field(struct csv_reader *reader, struct field_scan *scan)
{
    if (byte_at(reader, scan->place) != '"')
        return scan_plain(reader, scan);
    scan->place += 1;
    enum csv_outcome outcome = scan_quoted(reader, scan);
    if (outcome != CSV_RECORD)
        return outcome;
    int after = byte_at(reader, scan->place);
    int line_end = line_end_at(reader, scan->place);
    if (line_end < 0)
        return CSV_MORE;
    if (after != ',' && after != BYTE_NONE && line_end == 0)
        return refuse(scan, "something stands between a closing quote and the next comma");
    return CSV_RECORD;
}

/* One record from reader->start on, which it leaves as it is. */
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
        if (byte_at(reader, scan->place) != ',')
            break;
        scan->place += 1;
    }
    int line_end = line_end_at(reader, scan->place);
    scan->place += (size_t)line_end;
    scan->n_lines += line_end > 0;
    return CSV_RECORD;
}

/* False: the first bytes have not come yet. */
static bool pass_byte_order_mark(struct csv_reader *reader)
{
    if (!reader->has_ended && reader->end - reader->start < 3)
        return false;
    if (reader->end - reader->start >= 3 &&
        memcmp(reader->bytes + reader->start, "\xef\xbb\xbf", 3) == 0)
        consume(reader, 3);
    reader->has_begun = true;
    return true;
}

enum csv_outcome csv_next(struct csv_reader *reader, struct csv_record *record)
{
    if (!reader->has_begun && !pass_byte_order_mark(reader))
        return CSV_MORE;
    if (reader->is_skipping && !skip_line(reader) && !reader->has_ended)
        return CSV_MORE;
    int line_end;
    while ((line_end = line_end_at(reader, reader->start)) > 0) {
        consume(reader, (size_t)line_end);
        reader->line += 1;
    }
    if (reader->start == reader->end || line_end < 0)
        return reader->has_ended ? CSV_END : CSV_MORE;

    *record = (struct csv_record){.line = reader->line};
    struct field_scan scan = {.place = reader->start};
    enum csv_outcome outcome = scan_record(reader, record, &scan);
    if (scan.place - reader->start > CSV_RECORD_MAX)
        outcome = refuse(&scan, "it is longer than 64 KiB, or a quote is not closed");
    if (outcome == CSV_RECORD) {
        consume(reader, scan.place - reader->start);
        reader->line += scan.n_lines;
    }
    if (outcome == CSV_BAD) {
        record->reason = scan.reason;
        (void)skip_line(reader); /* When the line end has not come yet, the next call goes on. */
    }
    return outcome;
}
