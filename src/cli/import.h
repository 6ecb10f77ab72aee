/*
 * import: one pass over a file of things, line by line: only checked, or submitted as commands,
 * many at a time, through a service of its own. So lines take the same way into the log as a
 * request, also beside running servers. It reads the file, counts, and says which lines are bad and
 * how far it came; what a line means is its kind's.
 */
#ifndef CARTD_CLI_IMPORT_H
#define CARTD_CLI_IMPORT_H

#include "columns.h"
#include "csv.h"
#include "lines.h"
#include "metrics.h"
#include "service.h"
#include "source.h"
#include "task.h"

struct import;

/* A command under way. A kind's slots begin with it, and have what the command points to. */
struct import_slot {
    struct service_command command;
    struct import *import;
    int64_t line_number; /* 0: it is about none of the lines */
    struct import_slot *next_free;
};

struct import_kind {
    const char *thing; /* "product", for the summary */
    const char *actor;
    const struct aggregate *aggregate;
    const struct columns *columns;
    size_t slot_size;
    const char *refused; /* why a command may be refused: there is one rule */
    const char *id_taken;
    /* Complains of a line that is right but was not recorded, or of what has no line. */
    void (*complain)(struct import_slot *slot, const char *reason);
    /* NULL: it is not asked about it. */
    void (*receive_header)(struct import *import, const struct columns_header *header);
    void (*receive_record)(struct import *import, const struct csv_record *record);
    /* A line of a file of JSON objects, which is one that begins with a brace. NULL: such a file is
     * read as CSV, and refused. */
    void (*receive_line)(struct import *import, const struct lines *line);
    void (*release)(struct import_slot *slot); /* what the command points to; NULL: nothing */
    /* Submits the next of what the file does not have, after all lines. False: there is none. NULL:
     * there never is. */
    bool (*submit_rest)(struct import *import);
    /* Says what kept what follows the lines from being whole. False: it was the lines. NULL: it
     * always is. */
    bool (*say_end)(const struct import *import, const char *why);
};

enum import_end {
    IMPORT_GOES_ON,
    IMPORT_READ_ALL,
    IMPORT_INTERRUPTED,
    IMPORT_IN_TROUBLE, /* with the database */
    IMPORT_UNREADABLE  /* the file; said already */
};

enum import_format { IMPORT_UNKNOWN_FORMAT, IMPORT_CSV, IMPORT_JSON_LINES };

struct import {
    /* Set by the caller. */
    const struct import_kind *kind;
    const struct config *config;
    struct source *source;
    char delimiter;   /* '\0': found by itself */
    bool only_checks; /* there is no service */
    bool is_checked;  /* the lines are known to be right */

    /* To be read. */
    enum import_end end;
    int64_t n_lines; /* without the header; a record that spans lines counts once */
    int64_t n_bad;
    int64_t n_rest_done;
    int64_t n_rest_changed; /* by somebody meanwhile: their versions did not match */

    struct task task;
    enum import_format format;
    struct csv_reader reader;
    struct lines lines;
    bool is_skipping; /* the rest of a line that is too long */
    struct columns_header header;
    bool has_header;
    bool is_read; /* the whole file */
    struct metrics metrics;
    struct postgres_history *history;
    struct service *service;
    char *slots;
    struct import_slot *free_slots;
    size_t n_under_way;
    int64_t n_done;
    int64_t n_failed;
    int64_t first_unrecorded_line; /* 0: none */
};

/* False: the flag says no delimiter; said. */
bool import_read_delimiter(const struct config_flag *flag, char *delimiter) BASE_MUST_CHECK;

/* Goes over the source once; says what is wrong, and prints nothing. Finish it in any case. */
void import_run(struct import *import, const char *task_name);
void import_finish(struct import *import);
/* Whether all of it was read and recorded. */
bool import_is_whole(const struct import *import) BASE_MUST_CHECK;
void import_print_summary(const struct import *import);
/* The end of what a dry run says, after a check that read the whole file. False: a line is bad. */
bool import_end_dry_run(int64_t n_lines, int64_t n_bad) BASE_MUST_CHECK;

/* ---- for its kind ---------------------------------------------------------------------------- */

void import_complain(struct import *import, int64_t line_number, const char *reason);
/* A free slot: there is one when a record is received. */
struct import_slot *import_take_slot(struct import *import, int64_t line_number);
/* `command`, of the slot, is submitted for a stream at that version; 0: at any. */
void import_submit(
    struct import_slot *slot, struct base_uuid stream_id, const void *command, int32_t version);

#endif
