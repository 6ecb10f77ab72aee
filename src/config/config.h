/*
 * config: the settings, one table: name, flag, environment variable, default, bounds and the
 * sentence that --help prints. Only main and the subcommands see it; rooms are given values.
 */
#ifndef CARTD_CONFIG_H
#define CARTD_CONFIG_H

#include <stdio.h>

#include "base.h"
#include "currency.h"

/* NAME, kind, flag, environment, default, least, most, what it is. TEXT has no bounds; NUMBER is a
 * decimal integer; CHOICE names its values in `choices` of the C file. DURATION is a decimal
 * integer with its unit, such as 90m, and 0 is never; its bounds are seconds. */
#define CONFIG_SETTINGS(ROW)                                                                       \
    ROW(LISTEN, TEXT, "listen", "CARTD_LISTEN", "127.0.0.1:8080", 0, 0,                            \
        "address:port to listen on ([address]:port for IPv6, *:port for all addresses; port 0: "   \
        "any free port)")                                                                          \
    ROW(DATABASE_URL, TEXT, "database-url", "DATABASE_URL", "postgresql:///cartd", 0, 0,           \
        "libpq connection string of the database")                                                 \
    ROW(MIGRATE_URL, TEXT, "migrate-url", "CARTD_MIGRATE_URL", "", 0, 0,                           \
        "connection string for `cartd migrate`, as the owner of the database; empty: "             \
        "database-url")                                                                            \
    ROW(DEFAULT_CURRENCY, TEXT, "default-currency", "CARTD_DEFAULT_CURRENCY", "EUR", 0, 0,         \
        "currency of new carts that name none (ISO 4217, or an own one)")                          \
    ROW(CURRENCIES, TEXT, "currencies", "CARTD_CURRENCIES", "", 0, 0,                              \
        "own currencies beside those of ISO 4217, with their decimals, such as PTS:0,XBT:8")       \
    ROW(OPEN_CARTS, CHOICE, "open-carts", "CARTD_OPEN_CARTS", "many", 0, 0,                        \
        "one: of each customer one cart may be open; many: any number")                            \
    ROW(REOPEN_HOURS, NUMBER, "reopen-hours", "CARTD_REOPEN_HOURS", "24", 0, 87600,                \
        "how long its owner may reopen a cart that was closed")                                    \
    ROW(ABANDONED_AFTER, DURATION, "abandoned-after", "CARTD_ABANDONED_AFTER", "1h", 0, 315360000, \
        "how long after its last change an open cart with lines counts as abandoned")              \
    ROW(EXPIRES_GUEST, DURATION, "expires-guest", "CARTD_EXPIRES_GUEST", "30d", 0, 315360000,      \
        "how long after its last change a cart without customer expires")                          \
    ROW(EXPIRES_CUSTOMER, DURATION, "expires-customer", "CARTD_EXPIRES_CUSTOMER", "90d", 0,        \
        315360000, "how long after its last change the cart of a customer expires")                \
    ROW(EXPIRES_EMPTY, DURATION, "expires-empty", "CARTD_EXPIRES_EMPTY", "6h", 0, 315360000,       \
        "how long after its last change a cart without lines expires")                             \
    ROW(CHECK_PRICES, CHOICE, "check-prices", "CARTD_CHECK_PRICES", "off", 0, 0,                   \
        "on: a cart is checked out only if its lines cost what the catalogue says")                \
    ROW(PAGES, CHOICE, "pages", "CARTD_PAGES", "on", 0, 0,                                         \
        "off: browsers get no pages, only the API")                                                \
    ROW(LOG_LEVEL, CHOICE, "log-level", "CARTD_LOG_LEVEL", "info", 0, 0,                           \
        "lowest level that is logged")                                                             \
    ROW(LOG_FORM, CHOICE, "log-form", "CARTD_LOG_FORM", "auto", 0, 0,                              \
        "auto: plain text on a terminal, else JSON lines")                                         \
    ROW(CACHE_CARTS, NUMBER, "cache-carts", "CARTD_CACHE_CARTS", "100000", 0, 10000000,            \
        "carts cached in memory for commands, to avoid replaying them; 0: none")                   \
    ROW(CACHE_READ_MIB, NUMBER, "cache-read-mib", "CARTD_CACHE_READ_MIB", "96", 0, 1048576,        \
        "memory in MiB for carts cached for GETs, to avoid asking PostgreSQL; 0: none")            \
    ROW(QUEUE_COMMANDS, NUMBER, "queue-commands", "CARTD_QUEUE_COMMANDS", "4096", 1, 1000000,      \
        "commands that may wait for a batch; more get 503 overloaded")                             \
    ROW(BATCH_COMMANDS, NUMBER, "batch-commands", "CARTD_BATCH_COMMANDS", "64", 1, 1024,           \
        "maximum number of commands appended in one transaction")                                  \
    ROW(WAIT_MS, NUMBER, "wait-ms", "CARTD_WAIT_MS", "5000", 10, 600000,                           \
        "how long a request waits for PostgreSQL before it gets 503")                              \
    ROW(PROJECTIONS, CHOICE, "projections", "CARTD_PROJECTIONS", "on", 0, 0,                       \
        "off: this process does not update the tables of reports; another one must")               \
    ROW(REACTIONS, CHOICE, "reactions", "CARTD_REACTIONS", "on", 0, 0,                             \
        "off: this process does nothing by itself; another one must")                              \
    ROW(REPORT_SECONDS, NUMBER, "report-seconds", "CARTD_REPORT_SECONDS", "30", 1, 3600,           \
        "how long a report may take before it gets 503")                                           \
    ROW(DRAIN_MS, NUMBER, "drain-ms", "CARTD_DRAIN_MS", "10000", 0, 600000,                        \
        "how long a shutdown waits for accepted requests")                                         \
    ROW(CONNECTIONS, NUMBER, "connections", "CARTD_CONNECTIONS", "16384", 1, 1000000,              \
        "maximum number of client connections")                                                    \
    ROW(IDLE_SECONDS, NUMBER, "idle-seconds", "CARTD_IDLE_SECONDS", "75", 1, 86400,                \
        "how long an idle connection stays open")                                                  \
    ROW(HEADERS_SECONDS, NUMBER, "headers-seconds", "CARTD_HEADERS_SECONDS", "30", 1, 3600,        \
        "how long a client may take to send the headers of a request")                             \
    ROW(BODY_SECONDS, NUMBER, "body-seconds", "CARTD_BODY_SECONDS", "60", 1, 3600,                 \
        "how long a client may take to send the body of a request")                                \
    ROW(ANSWER_SECONDS, NUMBER, "answer-seconds", "CARTD_ANSWER_SECONDS", "60", 1, 3600,           \
        "how long a client may take to receive an answer")                                         \
    ROW(CALLER_CONNECTIONS, NUMBER, "caller-connections", "CARTD_CALLER_CONNECTIONS", "0", 0,      \
        1000000, "client connections per address, other than proxies; 0: no limit")                \
    ROW(CALLER_LISTENERS, NUMBER, "caller-listeners", "CARTD_CALLER_LISTENERS", "0", 0, 1000000,   \
        "open event streams and long polls per caller; 0: no limit")                               \
    ROW(CALLER_READS, NUMBER, "caller-reads", "CARTD_CALLER_READS", "0", 0, 1000000,               \
        "GET requests per caller and minute; more get 429; 0: no limit")                           \
    ROW(CALLER_WRITES, NUMBER, "caller-writes", "CARTD_CALLER_WRITES", "0", 0, 1000000,            \
        "commands per caller and minute; more get 429; 0: no limit")                               \
    ROW(COUPON_ATTEMPTS, NUMBER, "coupon-attempts", "CARTD_COUPON_ATTEMPTS", "10", 0, 1000000,     \
        "codes that are no applicable coupon per caller, and per cart, and minute; more get 429; " \
        "0: no limit")                                                                             \
    ROW(PROXIES, TEXT, "proxies", "CARTD_PROXIES", "", 0, 0,                                       \
        "proxies whose X-Forwarded-For is trusted, such as 127.0.0.1,10.0.0.0/8")                  \
    ROW(CORS_ORIGINS, TEXT, "cors-origins", "CARTD_CORS_ORIGINS", "", 0, 0,                        \
        "origins whose web pages may call, such as https://shop.example; *: all")                  \
    ROW(LISTENERS, NUMBER, "listeners", "CARTD_LISTENERS", "10000", 1, 1000000,                    \
        "open event streams and long polls; more get 503 overloaded")                              \
    ROW(FEED_MIB, NUMBER, "feed-mib", "CARTD_FEED_MIB", "16", 1, 16384,                            \
        "memory in MiB for the newest events, for open streams; a stream that falls behind is "    \
        "closed")                                                                                  \
    ROW(KEEP_KEYS_HOURS, NUMBER, "keep-keys-hours", "CARTD_KEEP_KEYS_HOURS", "48", 24, 8760,       \
        "how long answers to idempotency keys are stored")                                         \
    ROW(VERIFY_MS, NUMBER, "verify-ms", "CARTD_VERIFY_MS", "1000", 0, 86400000,                    \
        "how often a few random streams are replayed and compared with the read tables; 0: never") \
    ROW(AUTH, CHOICE, "auth", "CARTD_AUTH", "open", 0, 0,                                          \
        "token: callers need a bearer token or a Cart-Token; open: everything is permitted to "    \
        "everyone")                                                                                \
    ROW(AUTH_OPEN_ANYWHERE, CHOICE, "auth-open-anywhere", "CARTD_AUTH_OPEN_ANYWHERE", "off", 0, 0, \
        "on: permit auth=open on an address that is not loopback")                                 \
    ROW(AUTH_ALGORITHM, CHOICE, "auth-algorithm", "CARTD_AUTH_ALGORITHM", "RS256", 0, 0,           \
        "algorithm that signs the bearer tokens (JWT)")                                            \
    ROW(AUTH_KEYS, TEXT, "auth-keys", "CARTD_AUTH_KEYS", "", 0, 0,                                 \
        "file with one or two keys: public keys in PEM, or for HS256 one secret per line; SIGHUP " \
        "reloads it")                                                                              \
    ROW(AUTH_ISSUER, TEXT, "auth-issuer", "CARTD_AUTH_ISSUER", "", 0, 0,                           \
        "`iss` that bearer tokens must have")                                                      \
    ROW(AUTH_AUDIENCE, TEXT, "auth-audience", "CARTD_AUTH_AUDIENCE", "", 0, 0,                     \
        "`aud` that bearer tokens must have or contain")

enum config_setting {
#define CONFIG_ROW(NAME, kind, flag, environment, value, least, most, help) CONFIG_##NAME,
    CONFIG_SETTINGS(CONFIG_ROW)
#undef CONFIG_ROW
        CONFIG_N_SETTINGS
};

struct config {
    const char *texts[CONFIG_N_SETTINGS]; /* borrowed from the environment and the arguments */
    int64_t numbers[CONFIG_N_SETTINGS];   /* of NUMBER settings; of CHOICE: the choice's index; of
                                             DURATION: seconds */
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

/* The currencies that the settings add; the caller's to currency_use(). */
struct currency_list config_currencies(const struct config *config);
enum base_log_level config_log_level(const struct config *config);
/* auto: plain when `fd` is a terminal. */
enum base_log_form config_log_form(const struct config *config, int fd);

/* Whether somebody who wrote `given` may have meant `name`: a letter in three is another, or the
 * end is missing. */
bool config_is_near(const char *given, const char *name) BASE_MUST_CHECK;

#endif
