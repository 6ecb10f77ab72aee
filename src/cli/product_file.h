/*
 * product_file: the lines of a catalogue file that are right, one after the other. It says on
 * stderr which lines are not, by number, and goes on. It records nothing.
 */
#ifndef CARTD_CLI_PRODUCT_FILE_H
#define CARTD_CLI_PRODUCT_FILE_H

#include "base.h"
#include "csv.h"
#include "product_line.h"
#include "progress.h"

#define PRODUCT_FILE_SAID_MAX 100 /* bad lines that are named; the others are only counted */

struct product_file {
    const char *name; /* for messages; borrowed, like all here but the reader */
    int fd;
    struct progress *progress;
    struct csv_reader reader;
    struct product_line_header header;
    bool has_header;
    int64_t n_lines; /* without the header; a record that spans lines counts once */
    int64_t n_bad;
};

enum product_file_outcome {
    PRODUCT_FILE_LINE,  /* `line` and `line_number` are set */
    PRODUCT_FILE_MORE,  /* product_file_read() first */
    PRODUCT_FILE_END,   /* there is nothing more */
    PRODUCT_FILE_BROKEN /* this is no catalogue file; said on stderr */
};

void product_file_init(
    struct product_file *file, const char *name, int fd, struct progress *progress);
void product_file_finish(struct product_file *file);
/* Texts of `line` are borrowed until the next call. */
enum product_file_outcome product_file_next(
    struct product_file *file, struct product_line *line, int64_t *line_number) BASE_MUST_CHECK;
/* Reads once. False: it can't be read; said on stderr. */
bool product_file_read(struct product_file *file) BASE_MUST_CHECK;
/* Counts a line as bad and says so. */
void product_file_complain(struct product_file *file, int64_t line_number, const char *reason);
/* To be called once at the end: how many bad lines were not named. */
void product_file_complain_rest(struct product_file *file);

#endif
