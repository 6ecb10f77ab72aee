/*
 * import: brings the lines of a catalogue file into the catalogue, many at a time, through a
 * service of its own: so they take the same way into the log as a PUT /products/{sku}, also beside
 * running servers.
 */
#ifndef CARTD_CLI_IMPORT_H
#define CARTD_CLI_IMPORT_H

#include "base.h"
#include "config.h"
#include "product_file.h"

struct import_result {
    int64_t n_changed;   /* lines that recorded an event */
    int64_t n_unchanged; /* lines that said what was so already */
    bool is_whole;       /* the file was read to its end and every good line is recorded */
};

/* Reads `file` from where it stands to its end. Bad lines are counted in it. Whatever kept the
 * import from being whole is said on stderr: an interrupt (SIGINT or SIGTERM, what is under way is
 * finished, a second one stops at once), PostgreSQL away, a file that can't be read. */
void import_run(
    const struct config *config, const struct base_log *log, struct product_file *file,
    struct import_result *result);

#endif
