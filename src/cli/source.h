/*
 * source: a file, or the standard input, that a subcommand reads.
 */
#ifndef CARTD_CLI_SOURCE_H
#define CARTD_CLI_SOURCE_H

#include <sys/types.h>

#include "base.h"

struct source {
    const char *name;
    int fd;
    off_t begins_at; /* standard input may be a file that somebody has read from */
    int64_t n_bytes; /* 0: nobody knows */
    bool is_seekable;
};

/* Opens a path; "-" is the standard input. False: it can't be a source; said on stderr. Close it in
 * any case. */
bool source_open(struct source *source, const char *path) BASE_MUST_CHECK;
void source_close(struct source *source);
/* Finds out about the descriptor. False: it can't be a source; said. */
bool source_look(struct source *source) BASE_MUST_CHECK;

/* Whether a descriptor may keep its reader or writer waiting. Epoll takes those, and refuses plain
 * files and devices like /dev/null, which never do. */
bool source_may_wait(int fd);

#endif
