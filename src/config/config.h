/*
 * config: the settings, one table: name, flag, environment variable, default, bounds and the
 * sentence that --help prints. Only main and the subcommands see it; rooms are given values.
 */
#ifndef CARTD_CONFIG_H
#define CARTD_CONFIG_H

#include <stdio.h>

#include "base.h"

/* NAME, kind, flag, environment, default, least, most, what it is. TEXT has no bounds; NUMBER is a
 * decimal integer; CHOICE names its values in `choices` of the C file. */
#define CONFIG_SETTINGS(ROW)                                                                       \
    ROW(LISTEN, TEXT, "listen", "CARTD_LISTEN", "127.0.0.1:8080", 0, 0,                            \
        "address:port to serve on ([address]:port for IPv6, *:port for all; port 0 takes a free "  \
        "one)")                                                                                    \
    ROW(DATABASE_URL, TEXT, "database-url", "DATABASE_URL", "postgresql:///cartd", 0, 0,           \
        "libpq connection string of the database to serve from")                                   \
    ROW(MIGRATE_URL, TEXT, "migrate-url", "CARTD_MIGRATE_URL", "", 0, 0,                           \
        "connection string of the owner, for `cartd migrate`; empty: database-url")                \
    ROW(DEFAULT_CURRENCY, TEXT, "default-currency", "CARTD_DEFAULT_CURRENCY", "EUR", 0, 0,         \
        "currency of carts that name none (ISO 4217)")                                             \
    ROW(LOG_LEVEL, CHOICE, "log-level", "CARTD_LOG_LEVEL", "info", 0, 0,                           \
        "least level that is logged")                                                              \
    ROW(LOG_FORM, CHOICE, "log-form", "CARTD_LOG_FORM", "auto", 0, 0,                              \
        "auto: plain on a terminal, else JSON lines")                                              \
    ROW(CACHE_CARTS, NUMBER, "cache-carts", "CARTD_CACHE_CARTS", "100000", 0, 10000000,            \
        "carts kept in memory to save their replay; 0: none")                                      \
    ROW(CACHE_READ_MIB, NUMBER, "cache-read-mib", "CARTD_CACHE_READ_MIB", "96", 0, 1048576,        \
        "memory for carts to be read again without asking PostgreSQL; 0: none")                    \
    ROW(QUEUE_COMMANDS, NUMBER, "queue-commands", "CARTD_QUEUE_COMMANDS", "4096", 1, 1000000,      \
        "commands that may wait for a batch; beyond it 503 overloaded")                            \
    ROW(BATCH_COMMANDS, NUMBER, "batch-commands", "CARTD_BATCH_COMMANDS", "64", 1, 1024,           \
        "commands appended in one transaction at most")                                            \
    ROW(WAIT_MS, NUMBER, "wait-ms", "CARTD_WAIT_MS", "5000", 10, 600000,                           \
        "how long a request waits for PostgreSQL before 503")                                      \
    ROW(PROJECTIONS, CHOICE, "projections", "CARTD_PROJECTIONS", "on", 0, 0,                       \
        "off: this process leaves it to others to keep the reports' tables up to date")            \
    ROW(REPORT_SECONDS, NUMBER, "report-seconds", "CARTD_REPORT_SECONDS", "30", 1, 3600,           \
        "how long a report may take before 503")                                                   \
    ROW(DRAIN_MS, NUMBER, "drain-ms", "CARTD_DRAIN_MS", "10000", 0, 600000,                        \
        "how long a stop waits for what was accepted")                                             \
    ROW(CONNECTIONS, NUMBER, "connections", "CARTD_CONNECTIONS", "16384", 1, 1000000,              \
        "client connections at most")                                                              \
    ROW(IDLE_SECONDS, NUMBER, "idle-seconds", "CARTD_IDLE_SECONDS", "75", 1, 86400,                \
        "how long an idle connection is kept")                                                     \
    ROW(HEADERS_SECONDS, NUMBER, "headers-seconds", "CARTD_HEADERS_SECONDS", "30", 1, 3600,        \
        "how long a client may take to send the headers of a request")                             \
    ROW(BODY_SECONDS, NUMBER, "body-seconds", "CARTD_BODY_SECONDS", "60", 1, 3600,                 \
        "how long a client may take to send the body of a request")                                \
    ROW(ANSWER_SECONDS, NUMBER, "answer-seconds", "CARTD_ANSWER_SECONDS", "60", 1, 3600,           \
        "how long a client may take to receive an answer")                                         \
    ROW(CALLER_CONNECTIONS, NUMBER, "caller-connections", "CARTD_CALLER_CONNECTIONS", "0", 0,      \
        1000000, "client connections of one address that is no proxy; 0: no limit")                \
    ROW(CALLER_LISTENERS, NUMBER, "caller-listeners", "CARTD_CALLER_LISTENERS", "0", 0, 1000000,   \
        "event streams and long polls of one caller at a time; 0: no limit")                       \
    ROW(CALLER_READS, NUMBER, "caller-reads", "CARTD_CALLER_READS", "0", 0, 1000000,               \
        "GET requests of one caller in a minute; beyond it 429; 0: no limit")                      \
    ROW(CALLER_WRITES, NUMBER, "caller-writes", "CARTD_CALLER_WRITES", "0", 0, 1000000,            \
        "commands of one caller in a minute; beyond it 429; 0: no limit")                          \
    ROW(PROXIES, TEXT, "proxies", "CARTD_PROXIES", "", 0, 0,                                       \
        "whose X-Forwarded-For is believed, as 127.0.0.1,10.0.0.0/8")                              \
    ROW(CORS_ORIGINS, TEXT, "cors-origins", "CARTD_CORS_ORIGINS", "", 0, 0,                        \
        "origins whose pages may call, as https://shop.example; *: all")                           \
    ROW(LISTENERS, NUMBER, "listeners", "CARTD_LISTENERS", "10000", 1, 1000000,                    \
        "event streams and long polls at a time; beyond it 503 overloaded")                        \
    ROW(FEED_MIB, NUMBER, "feed-mib", "CARTD_FEED_MIB", "16", 1, 16384,                            \
        "memory of the newest events, while somebody listens; who falls behind it is cut off")     \
    ROW(KEEP_KEYS_HOURS, NUMBER, "keep-keys-hours", "CARTD_KEEP_KEYS_HOURS", "48", 24, 8760,       \
        "how long answers to idempotency keys are kept")                                           \
    ROW(VERIFY_MS, NUMBER, "verify-ms", "CARTD_VERIFY_MS", "1000", 0, 86400000,                    \
        "how often some random carts are replayed and compared; 0: never")                         \
    ROW(AUTH, CHOICE, "auth", "CARTD_AUTH", "open", 0, 0,                                          \
        "token: carts are their owners', by bearer tokens and Cart-Tokens; open: everybody's")     \
    ROW(AUTH_OPEN_ANYWHERE, CHOICE, "auth-open-anywhere", "CARTD_AUTH_OPEN_ANYWHERE", "off", 0, 0, \
        "on: auth may be open on an address that is not loopback")                                 \
    ROW(AUTH_ALGORITHM, CHOICE, "auth-algorithm", "CARTD_AUTH_ALGORITHM", "RS256", 0, 0,           \
        "the one algorithm that bearer tokens (JWT) are signed with")                              \
    ROW(AUTH_KEYS, TEXT, "auth-keys", "CARTD_AUTH_KEYS", "", 0, 0,                                 \
        "file of the one or two keys: public keys in PEM, or for HS256 a secret a line; SIGHUP "   \
        "has it read again")                                                                       \
    ROW(AUTH_ISSUER, TEXT, "auth-issuer", "CARTD_AUTH_ISSUER", "", 0, 0,                           \
        "what `iss` of bearer tokens must be")                                                     \
    ROW(AUTH_AUDIENCE, TEXT, "auth-audience", "CARTD_AUTH_AUDIENCE", "", 0, 0,                     \
        "what `aud` of bearer tokens must be or hold")

enum config_setting {
#define CONFIG_ROW(NAME, kind, flag, environment, value, least, most, help) CONFIG_##NAME,
    CONFIG_SETTINGS(CONFIG_ROW)
#undef CONFIG_ROW
        CONFIG_N_SETTINGS
};

struct config {
    const char *texts[CONFIG_N_SETTINGS]; /* borrowed from the environment and the arguments */
    int64_t numbers[CONFIG_N_SETTINGS];   /* of NUMBER settings; of CHOICE: the choice's place */
};

/* A flag of a subcommand's own, beside the settings. */
struct config_flag {
    const char *name; /* without the dashes; NULL ends a list */
    bool takes_value;
    bool takes_database; /* its value may be a connection string */
    bool is_given;       /* set by config_read() */
    const char *value;   /* set by config_read(): borrowed from `arguments`; the last one counts */
};

/* Whether a text looks like a connection string, or may be a part of one: then no message repeats
 * it, for it may hold a password. */
bool config_may_hold_password(const char *text) BASE_MUST_CHECK;

/* Reads defaults, then the environment, then the flags of `arguments` (--flag VALUE and
 * --flag=VALUE, from arguments[1] on, ended by NULL or "--"; the last of a flag counts). The
 * non-flags that remain are moved to the front of arguments[1…], ended by NULL, and counted in
 * *n_rest. A flag that the table does not have is looked up in `own_flags` (NULL: none), which then
 * says whether it was given and with which value. An empty
 * environment variable is one that is not set. False with *problem (a sentence for the user, the
 * caller's to free): unknown flag, a value out of bounds or of the wrong form, an environment
 * variable CARTD_… that no setting has (CARTD_DATA_DIR and CARTD_TEST_… are the scripts'). */
bool config_read(
    struct config *config, char **arguments, char *const *environment,
    struct config_flag *own_flags, size_t *n_rest, char **problem) BASE_MUST_CHECK;
/* The table as the settings part of --help. */
void config_print_help(FILE *stream);

enum base_log_level config_log_level(const struct config *config);
/* auto: plain when `fd` is a terminal. */
enum base_log_form config_log_form(const struct config *config, int fd);

#endif
