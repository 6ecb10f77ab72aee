#include "product_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "subcommand.h"

void product_file_init(
    struct product_file *file, const char *name, int fd, struct progress *progress)
{
    *file = (struct product_file){.name = name, .fd = fd, .progress = progress};
    csv_init(&file->reader);
}

void product_file_finish(struct product_file *file)
{
    csv_finish(&file->reader);
}

void product_file_complain(struct product_file *file, int64_t line_number, const char *reason)
{
    file->n_bad += 1;
    if (file->n_bad <= PRODUCT_FILE_SAID_MAX) {
        progress_erase(file->progress);
        cli_complain_of_line(file->name, line_number, reason);
    }
}

void product_file_complain_rest(struct product_file *file)
{
    progress_erase(file->progress);
    if (file->n_bad > PRODUCT_FILE_SAID_MAX) {
        fprintf(
            stderr, "%s: and %" PRId64 " more bad lines\n", file->name,
            file->n_bad - PRODUCT_FILE_SAID_MAX);
    }
}

static enum product_file_outcome break_off(struct product_file *file, int64_t line, const char *why)
{
    progress_erase(file->progress);
    cli_complain_of_line(file->name, line, why);
    return PRODUCT_FILE_BROKEN;
}

/* The header out of the first record. */
static enum product_file_outcome receive_header(
    struct product_file *file, enum csv_outcome outcome, const struct csv_record *record)
{
    switch (outcome) {
    case CSV_MORE:
        return PRODUCT_FILE_MORE;
    case CSV_END:
        return break_off(file, 1, "the file is empty");
    case CSV_BAD:
        return break_off(file, record->line, record->reason);
    case CSV_RECORD:
        break;
    }
    BASE_CLEANUP(base_free_pointer) char *problem = NULL;
    if (!product_line_read_header(record, &file->header, &problem))
        return break_off(file, record->line, problem);
    file->has_header = true;
    return PRODUCT_FILE_LINE;
}

enum product_file_outcome product_file_next(
    struct product_file *file, struct product_line *line, int64_t *line_number)
{
    struct csv_record record;
    if (!file->has_header) {
        enum csv_outcome first = csv_next(&file->reader, &record);
        enum product_file_outcome outcome = receive_header(file, first, &record);
        if (outcome != PRODUCT_FILE_LINE)
            return outcome;
    }
    for (;;) {
        const char *reason = NULL;
        switch (csv_next(&file->reader, &record)) {
        case CSV_MORE:
            return PRODUCT_FILE_MORE;
        case CSV_END:
            return PRODUCT_FILE_END;
        case CSV_BAD:
            reason = record.reason;
            break;
        case CSV_RECORD:
            reason = product_line_read(&file->header, &record, line);
            break;
        }
        file->n_lines += 1;
        if (!reason) {
            *line_number = record.line;
            return PRODUCT_FILE_LINE;
        }
        product_file_complain(file, record.line, reason);
    }
}

bool product_file_read(struct product_file *file)
{
    if (csv_fill(&file->reader, file->fd) >= 0)
        return true;
    progress_erase(file->progress);
    cli_complain("%s can't be read: %s", file->name, strerror(errno));
    return false;
}
