/*
 * source: a file, or the standard input, that a subcommand reads: its bytes as they come, in
 * bounded memory. csv and lines make records and lines of them.
 */
#ifndef CARTD_CLI_SOURCE_H
#define CARTD_CLI_SOURCE_H

#include <sys/types.h>

#include "base.h"

enum source_encoding { SOURCE_AS_IT_IS, SOURCE_UTF_16_LE, SOURCE_UTF_16_BE };

struct source {
    const char *name; /* for messages; borrowed */
    int fd;
    off_t begins_at; /* standard input may be a file that somebody has read from */
    int64_t n_bytes; /* 0: nobody knows */
    bool is_seekable;

    enum source_encoding encoding;
    struct base_buffer undecoded; /* bytes that may be the beginning of a character */

    /* What was read, as UTF-8 if it was decoded, and is taken from `start` on. */
    struct base_buffer buffer;
    size_t start;
    int64_t n_taken; /* bytes of what was read; of UTF-16, as UTF-8 */
    bool has_ended;
};

/* Opens a path; "-" is the standard input. False: it can't be a source; said on stderr. Close it in
 * any case. */
bool source_open(struct source *source, const char *path) BASE_MUST_CHECK;
void source_close(struct source *source);
/* Makes it one that can be read twice, and goes back to its beginning. False: it can't be; said. */
bool source_spool(struct source *source) BASE_MUST_CHECK;
bool source_rewind(struct source *source) BASE_MUST_CHECK;

/* Reads once. False, with errno: it can't be read. What lies before `start` is forgotten. */
bool source_fill(struct source *source) BASE_MUST_CHECK;
void source_take(struct source *source, size_t n_bytes);
/* From what was not taken yet on, it is UTF-16: the buffer has it as UTF-8, by utf_16_decode(). */
void source_decode(struct source *source, enum source_encoding encoding);

/* Whether a descriptor may keep its reader or writer waiting. Epoll takes those, and refuses plain
 * files and devices like /dev/null, which never do. */
bool source_may_wait(int fd);

#endif
