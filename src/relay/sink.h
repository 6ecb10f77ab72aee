/*
 * A sink: a system that takes events. Each is one file with its row, a struct relay_sink, and a
 * line in sinks.c.
 *
 * Its functions are called by one thread, which is not the loop's, and may wait: for as long as the
 * sink needs, but not for ever. They log nothing; what is wrong they say, for operators, without
 * passwords.
 */
#ifndef CARTD_RELAY_SINK_H
#define CARTD_RELAY_SINK_H

#include "base.h"
#include "codec.h"

/* Where a sink is: SCHEME://[USER[:PASSWORD]@]HOST[:PORT]/PATH[?QUERY], in parts without escapes.
 */
struct relay_address {
    char *scheme;
    char *user;     /* NULL: none */
    char *password; /* NULL: none */
    char *host;     /* "": none */
    int port;       /* 0: the usual one */
    char *path;     /* without the first slash, except of a file */
    char *query;    /* "": none */
};

struct relay_event {
    int64_t position;
    const char *stream_type; /* cart */
    const char *type;        /* ItemAdded */
    struct codec_cloud_event attributes;
    const char *json; /* the structured form */
    size_t json_length;
};

#define RELAY_PROBLEM_SIZE 256

struct relay_sink {
    const char *scheme;
    const char *usage;    /* of the address: "redis://HOST:PORT/STREAM" */
    const char *sentence; /* for --help */
    /* Makes what send() works with. Connects to nothing yet. NULL with a problem, a sentence that
     * is the caller's to free: the address can never work. */
    void *(*open)(const struct relay_address *address, char **problem);
    /* Gives it events, in order, and says how many of them it has for sure, counted from the first.
     * Fewer than n: `problem` says why, and the others are sent again later. The same events may
     * come again. */
    size_t (*send)(
        void *link, const struct relay_event *events, size_t n,
        char problem[static RELAY_PROBLEM_SIZE]);
    void (*close)(void *link);
};

/* All that this program was built with; NULL-terminated. */
extern const struct relay_sink *const relay_sinks[];

extern const struct relay_sink relay_sink_output;
extern const struct relay_sink relay_sink_file;
extern const struct relay_sink relay_sink_redis;
extern const struct relay_sink relay_sink_nats;

/* A copy of a part; NULL of NULL; the caller's to free. */
char *relay_copy(const char *text);
/* The value of a name in the query, or NULL; the caller's to free. */
char *relay_address_find(const struct relay_address *address, const char *name);

#endif
