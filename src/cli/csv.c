#include "csv.h"

#include <string.h>

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

/* Up to the delimiter or line end, or the end of everything. */
static const char *scan_plain(struct csv_reader *reader, struct scan *scan)
{
    for (;; scan->offset += 1) {
        int byte = byte_at(reader, scan->offset);
        if (byte == NO_BYTE || byte == reader->delimiter || line_end_at(reader, scan->offset) > 0)
            return NULL;
        if (byte == '"')
            return "it has a quote inside a field that does not begin with one";
        if (byte == '\0')
            return "it has a NUL byte";
        reader->texts[scan->n_texts++] = (char)byte;
    }
}

/* One field, and what ends it: afterwards scan->offset is at a delimiter, at a line end or at the
 * end of everything. */
static const char *scan_field(struct csv_reader *reader, struct scan *scan)
{
    if (byte_at(reader, scan->offset) != '"')
        return scan_plain(reader, scan);
    scan->offset += 1;
    const char *reason = scan_quoted(reader, scan);
    int after = byte_at(reader, scan->offset);
    if (reason == NULL && after != reader->delimiter && after != NO_BYTE &&
        line_end_at(reader, scan->offset) == 0)
        return "it has text between a closing quote and the next delimiter";
    return reason;
}

static const char *scan_record(
    struct csv_reader *reader, struct csv_record *record, struct scan *scan)
{
    do {
        if (record->n_fields == CSV_FIELDS_MAX)
            return "it has too many fields";
        if (record->n_fields > 0)
            scan->offset += 1; /* the delimiter */
        record->fields[record->n_fields++] = reader->texts + scan->n_texts;
        const char *reason = scan_field(reader, scan);
        if (reason != NULL)
            return reason;
        reader->texts[scan->n_texts++] = '\0';
    } while (byte_at(reader, scan->offset) == reader->delimiter);
    size_t line_end = line_end_at(reader, scan->offset);
    scan->offset += line_end;
    scan->n_lines += line_end > 0;
    return NULL;
}

/* ---- the records of the source --------------------------------------------------------------- */

#define MARK_UTF_8 "\xef\xbb\xbf"

/* Afterwards a byte may be noted as missing. */
static bool begins_with(struct csv_reader *reader, const char *bytes)
{
    size_t n = 0;
    while (bytes[n] != '\0' && byte_at(reader, n) == (unsigned char)bytes[n])
        n++;
    return bytes[n] == '\0';
}

/* Passes a byte order mark. NULL, or why it is no text; or it is not known yet. */
static const char *begin(struct csv_reader *reader)
{
    bool is_zip = begins_with(reader, "PK\x03\x04");
    bool is_old_excel = begins_with(reader, "\xd0\xcf\x11\xe0");
    bool is_json = begins_with(reader, "{") || begins_with(reader, "[{");
    bool is_utf_8 = begins_with(reader, MARK_UTF_8);
    bool is_utf_16_le = begins_with(reader, "\xff\xfe");
    bool is_utf_16_be = begins_with(reader, "\xfe\xff");
    reader->has_begun = !reader->is_short;
    if (reader->is_short)
        return NULL;
    if (is_zip || is_old_excel)
        return "it is a workbook (.xlsx, .xls or .ods) or another archive, not CSV; save the sheet "
               "as \"CSV UTF-8\" and import that file";
    if (is_json)
        return "it looks like JSON; JSON lines are not supported, only CSV";
    if (is_utf_8)
        source_take(reader->source, strlen(MARK_UTF_8));
    if (is_utf_16_le || is_utf_16_be) {
        source_take(reader->source, 2);
        source_decode(reader->source, is_utf_16_le ? SOURCE_UTF_16_LE : SOURCE_UTF_16_BE);
    }
    return NULL;
}

/* Of those that the first line has outside quotes, the most frequent; a comma if there is none.
 * Perhaps that line has not come yet. */
static void find_delimiter(struct csv_reader *reader)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[BASE_COUNT(candidates)] = {0};
    bool is_quoted = false;
    int byte;
    for (size_t offset = 0; (byte = byte_at(reader, offset)) != NO_BYTE; offset++) {
        if (byte == '\n' && !is_quoted)
            break;
        is_quoted ^= byte == '"';
        for (size_t i = 0; i < BASE_COUNT(candidates); i++)
            counts[i] += !is_quoted && byte == candidates[i];
    }
    if (reader->is_short)
        return;
    size_t most = 0;
    for (size_t i = 1; i < BASE_COUNT(candidates); i++)
        most = counts[i] > counts[most] ? i : most;
    reader->delimiter = candidates[most];
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

/* It costs the line that it begins on. */
static enum csv_outcome refuse(
    struct csv_reader *reader, struct csv_record *record, const char *reason)
{
    record->reason = reason;
    (void)skip_line(reader); /* When the line end has not come yet, the next call goes on. */
    return CSV_BAD;
}

enum csv_outcome csv_next(struct csv_reader *reader, struct csv_record *record)
{
    *record = (struct csv_record){.line = reader->line};
    reader->is_short = false;
    const char *reason = reader->has_begun ? NULL : begin(reader);
    if (reason != NULL)
        return refuse(reader, record, reason);
    if (reader->is_short || !pass_empty_lines(reader))
        return reader->source->has_ended ? CSV_END : CSV_MORE;
    if (reader->delimiter == '\0')
        find_delimiter(reader);
    if (reader->is_short)
        return CSV_MORE;
    record->line = reader->line;
    struct scan scan = {.offset = 0};
    reason = scan_record(reader, record, &scan);
    if (reader->is_short)
        return CSV_MORE;
    if (scan.offset > CSV_RECORD_MAX)
        reason = "it is longer than 64 KiB, or a quote is not closed";
    if (reason == NULL && strncmp(record->fields[0], MARK_UTF_8, strlen(MARK_UTF_8)) == 0)
        reason = "it begins with a byte order mark, as if another file began here";
    if (reason != NULL)
        return refuse(reader, record, reason);
    source_take(reader->source, scan.offset);
    reader->line += scan.n_lines;
    return CSV_RECORD;
}
