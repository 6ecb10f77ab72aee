/*
 * csv: records of comma-separated values (RFC 4180), out of a stream of any length in bounded
 * memory. Quotes, doubled quotes, line ends within quotes, LF and CRLF, a last record without a
 * line end; UTF-8 with and without a byte order mark, UTF-16 with one; semicolons or tabs instead
 * of commas. It knows no columns.
 *
 * A record that is not well-formed costs one line: it is reported with the number of the line that
 * it begins on, and reading goes on with the next line. So a quote that nobody closed doesn't
 * swallow the rest of the file.
 *
 * Why not Debian's libcsv: it counts no lines, its field buffer grows with the longest field
 * without a limit, and in strict mode its first complaint ends the parse.
 */
#ifndef CARTD_CLI_CSV_H
#define CARTD_CLI_CSV_H

#include "source.h"

#define CSV_RECORD_MAX (64 * 1024) /* bytes of a record, its quotes and line end included */
#define CSV_FIELDS_MAX 64

enum csv_outcome {
    CSV_RECORD, /* line and fields are set */
    CSV_BAD,    /* line and reason are set */
    CSV_MORE,   /* source_fill() first */
    CSV_END     /* there is nothing more */
};

struct csv_record {
    int64_t line; /* that it begins on, from 1 */
    size_t n_fields;
    const char *fields[CSV_FIELDS_MAX]; /* NUL-terminated, without their quotes; borrowed until the
                                           next call */
    const char *reason;                 /* what is wrong with it, static; else NULL */
};

struct csv_reader {
    struct source *source;
    char *texts;    /* the fields of the last record */
    char delimiter; /* '\0': the one that the first line has most of, which is then set */
    int64_t line;
    bool has_begun;   /* the byte order mark is behind us */
    bool is_skipping; /* to the next line end */
    bool is_short;    /* a byte was looked at that has not come yet */
};

void csv_init(struct csv_reader *reader, struct source *source);
void csv_finish(struct csv_reader *reader);
/* The next record. Empty lines are passed over. A file that is no text, such as a workbook, is one
 * record that is not well-formed. */
enum csv_outcome csv_next(struct csv_reader *reader, struct csv_record *record) BASE_MUST_CHECK;

#endif
