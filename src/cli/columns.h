/*
 * columns: the columns of a CSV file, which its first line names in any order, among others that
 * are ignored. What the fields mean is the subcommand's.
 */
#ifndef CARTD_CLI_COLUMNS_H
#define CARTD_CLI_COLUMNS_H

#include "base.h"
#include "csv.h"

#define COLUMNS_MAX 16
#define COLUMNS_BLANKS " \t\r\n"

struct columns {
    const char *said; /* which there are, for complaints: "sku,name and, optionally, tags" */
    size_t n;         /* at most COLUMNS_MAX */
    struct {
        const char *name;
        bool is_needed;
    } list[COLUMNS_MAX];
};

struct columns_header {
    size_t n_fields;
    size_t places[COLUMNS_MAX]; /* from 1; 0: the file has no such column */
};

/* Names are compared without regard to case and to the blanks around them. The other columns are
 * appended to `ignored`, quoted, with commas between. False with *problem (a sentence, the caller's
 * to free): a column is missing, or there twice. */
bool columns_read_header(
    const struct columns *columns, const struct csv_record *record, struct columns_header *header,
    struct base_buffer *ignored, char **problem) BASE_MUST_CHECK;
/* Whether a field goes on behind a CR, as all lines are one where they end with CR alone. */
bool columns_have_cr(const struct csv_record *record) BASE_MUST_CHECK;
/* Whether it is the line "sep=;" that Excel writes before the header. */
bool columns_name_delimiter(const struct csv_record *record) BASE_MUST_CHECK;
/* Whether there are only blanks in it, as in a row that a spreadsheet left empty. */
bool columns_are_blank(const struct csv_record *record) BASE_MUST_CHECK;

/* What is wrong with the line as a whole, static; NULL: nothing. */
const char *columns_find_misshape(
    const struct columns_header *header, const struct csv_record *record);
/* Of a line without misshape; "" for a column that the file doesn't have. */
const char *columns_field(
    const struct columns_header *header, const struct csv_record *record, size_t column);

bool columns_is_blank(const char *text) BASE_MUST_CHECK;
/* Without the blanks around it, in the arena. */
const char *columns_trim(struct base_arena *arena, const char *text);
/* False: neither yes nor no. */
bool columns_read_yes_or_no(const char *text, bool *is_yes) BASE_MUST_CHECK;
/* The next of the texts with | between them, without the blanks around it, in the arena; *at moves
 * behind it. NULL: there is none any more. */
const char *columns_next_word(struct base_arena *arena, const char **at);
/* In quotes like JSON, the beginning of it, as a file of another kind may have anything in it. */
void columns_append_quoted(struct base_buffer *out, const char *text, size_t length);

#endif
