/*
 * What is wrong with a connection string, before it is used: what will never work must not be tried
 * for ever. libpq's own messages quote what they complain of, and that may be the password, or a
 * part of it that is taken for something else. So no word of the string is ever repeated here.
 *
 * libpq knows what it takes, so it is asked: it checks the options before it connects, and is given
 * a socket that does not exist to connect to. What it checks later (ports, numbers, files) is
 * checked here.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_SOCKET "/." /* a folder in which PostgreSQL has no socket */

/* ---- what can't be parsed -------------------------------------------------------------------- */

/* libpq's messages by their beginning, which quotes nothing. */
static const struct {
    const char *beginning;
    const char *sentence;
} complaints[] = {
    {"missing \"=\"", "it is neither a postgresql:// URL nor a list of name=value"},
    {"unterminated quoted", "a quoted value in it is not closed"},
    {"invalid connection option", "it has an option that libpq does not know"},
    {"invalid URI query parameter", "it has an option that libpq does not know"},
    {"extra key/value", "an option after the ? has two \"=\""},
    {"missing key/value", "an option after the ? has no \"=\""},
    {"invalid percent-encoded", "a \"%\" in it does not begin a percent-encoded character: "
                                "write %25 for the character itself"},
    {"forbidden value %00", "it has a %00"},
    {"end of string reached", "an IPv6 address in it has no \"]\""},
    {"IPv6 host address may not be empty", "an IPv6 address in it is empty"},
    {"unexpected character", "the host is followed by neither \":\" nor \"/\": characters such as "
                             "@ and / of a password must be percent-encoded (%40, %2F)"},
    {"unexpected spaces", "it has spaces, which must be percent-encoded (%20)"},
    {"invalid integer value", "an option that must be a number is not one"},
    {"invalid port number", "its port is not a number from 1 to 65535"},
    {"definition of service", "no service file has the service that it names"},
    {"service file", "its service file does not exist"},
    {"syntax error in service file", "its service file has a syntax error"},
    {"nested service", "its service file names another service"},
};

/* What libpq said, without anything that it quotes. Without memory nothing is known of the string:
 * `message` may then be NULL. */
static char *explain(const char *message)
{
    static const char no_memory[] = "out of memory";
    if (message == NULL || strncmp(message, no_memory, strlen(no_memory)) == 0)
        base_end_without_memory();
    for (size_t i = 0; i < BASE_COUNT(complaints); i++) {
        const char *beginning = complaints[i].beginning;
        if (strncmp(message, beginning, strlen(beginning)) == 0)
            return base_copy_text(complaints[i].sentence);
    }
    size_t length = strcspn(message, "\"\n");
    while (length > 0 && (message[length - 1] == ' ' || message[length - 1] == ':'))
        length--;
    BASE_CLEANUP(base_free_pointer)
    char *text = base_print("libpq says: %.*s", (int)length, message);
    return postgres_one_line(text);
}

/* ---- options --------------------------------------------------------------------------------- */

const char *postgres_option(const PQconninfoOption *options, const char *keyword)
{
    for (; options != NULL && options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val != NULL ? options->val : "";
    return "";
}

static char *refuse_option(const char *keyword, const char *must)
{
    return base_print("its %s %s", keyword, must);
}

/* As libpq reads one: spaces around it don't matter. */
static bool is_number(const char *text, long least, long most)
{
    char *end = NULL;
    long number = strtol(text, &end, 10);
    return end != text && end[strspn(end, " \t\n")] == '\0' && number >= least && number <= most;
}

static char *check_numbers(const PQconninfoOption *options)
{
    static const char *const keywords[] = {"connect_timeout",  "keepalives",
                                           "keepalives_idle",  "keepalives_interval",
                                           "keepalives_count", "tcp_user_timeout"};
    for (size_t i = 0; i < BASE_COUNT(keywords); i++) {
        const char *value = postgres_option(options, keywords[i]);
        if (value[0] != '\0' && !is_number(value, INT32_MIN, INT32_MAX))
            return refuse_option(keywords[i], "must be a number");
    }
    return NULL;
}

/* The file without which a certificate can't be verified. libpq looks for it only when it connects,
 * and then each time. */
static char *check_files(const PQconninfoOption *options)
{
    static const char must[] =
        "verifies certificates, but the file of root certificates (sslrootcert) can't be read";
    const char *mode = postgres_option(options, "sslmode");
    const char *file = postgres_option(options, "sslrootcert");
    const char *home = getenv("HOME");
    if (strncmp(mode, "verify", strlen("verify")) != 0 || strcmp(file, "system") == 0)
        return NULL;
    struct base_buffer path = {0};
    if (file[0] != '\0') {
        base_buffer_append_text(&path, file);
    } else if (home != NULL) {
        base_buffer_printf(&path, "%s/.postgresql/root.crt", home);
    }
    bool is_there = path.length == 0 || access(base_buffer_text(&path), R_OK) == 0;
    base_buffer_finish(&path);
    return is_there ? NULL : refuse_option("sslmode", must);
}

/* ---- hosts and ports ------------------------------------------------------------------------- */

size_t postgres_count_parts(const char *list)
{
    size_t n = 1;
    for (; *list != '\0'; list++)
        n += *list == ',' ? 1 : 0;
    return n;
}

static bool is_port(const char *text)
{
    return is_number(text, 1, 65535);
}

/* Whether each part of a comma list is empty or like this. */
static bool are_all(const char *list, bool (*is_like_this)(const char *part))
{
    while (true) {
        char part[64] = "";
        size_t length = strcspn(list, ",");
        if (length >= sizeof part)
            return false;
        memcpy(part, list, length);
        if (length > 0 && !is_like_this(part))
            return false;
        if (list[length] == '\0')
            return true;
        list += length + 1;
    }
}

/* Whether an @ of a URL is not the one that ends its user and password: then what is taken for the
 * host or the database may be the rest of a password, and be named in many messages. */
static bool has_orphan_at(const char *url)
{
    const char *slashes = strstr(url, "://");
    if (slashes == NULL || strncmp(url, "postgres", strlen("postgres")) != 0)
        return false;
    const char *begin = slashes + strlen("://");
    const char *first = strpbrk(begin, "@/?");
    if (first == NULL || *first == '?')
        return false;
    const char *rest = first + 1;
    return memchr(rest, '@', strcspn(rest, "?")) != NULL;
}

static char *check_hosts(const char *url, const PQconninfoOption *options)
{
    const char *hosts = postgres_option(options, "host");
    const char *addresses = postgres_option(options, "hostaddr");
    const char *ports = postgres_option(options, "port");
    size_t n = postgres_count_parts(addresses[0] != '\0' ? addresses : hosts);
    if (has_orphan_at(url))
        return base_copy_text(
            "it has an @ after what looks like its host: characters such as @, / and # of a user "
            "or password must be percent-encoded (%40, %2F, %23)");
    if (!are_all(addresses, postgres_is_address))
        return base_copy_text("its hostaddr is not an IP address");
    if (hosts[0] != '\0' && addresses[0] != '\0' && postgres_count_parts(hosts) != n)
        return base_copy_text("it must have as many hostaddr as hosts");
    if (!are_all(ports, is_port))
        return base_copy_text("its port is not a number from 1 to 65535");
    if (postgres_count_parts(ports) != 1 && postgres_count_parts(ports) != n)
        return base_copy_text("it must have one port, or as many as hosts");
    return NULL;
}

/* ---- what libpq checks ----------------------------------------------------------------------- */

/* The options without the hosts, of which libpq gets one that does not exist. */
static PGconn *start_nowhere(const PQconninfoOption *options)
{
    const char *keywords[64] = {"host"};
    const char *values[64] = {NO_SOCKET};
    size_t n = 1;
    for (; options->keyword != NULL && n + 1 < BASE_COUNT(keywords); options++) {
        bool is_host = strcmp(options->keyword, "host") == 0 ||
                       strcmp(options->keyword, "hostaddr") == 0 ||
                       strcmp(options->keyword, "port") == 0;
        if (options->val != NULL && !is_host) {
            keywords[n] = options->keyword;
            values[n++] = options->val;
        }
    }
    return PQconnectStartParams(keywords, values, 0);
}

/* Whether libpq had no more to say of the options and went on to connect. */
static bool got_as_far(const PGconn *pg)
{
    static const char failed[] = "connection to server";
    static const char without_memory[] = "could not translate Unix-domain socket path";
    const char *message = PQerrorMessage(pg);
    return PQstatus(pg) != CONNECTION_BAD || strncmp(message, failed, strlen(failed)) == 0 ||
           strncmp(message, without_memory, strlen(without_memory)) == 0;
}

static char *check_options(const PQconninfoOption *given)
{
    PGconn *pg = start_nowhere(given);
    PQconninfoOption *options = PQconninfo(pg); /* of the environment and the service file too */
    if (pg == NULL || options == NULL)
        base_end_without_memory();
    char *problem = got_as_far(pg) ? NULL : explain(PQerrorMessage(pg));
    if (problem == NULL)
        problem = check_numbers(options);
    if (problem == NULL)
        problem = check_files(options);
    PQconninfoFree(options);
    PQfinish(pg);
    return problem;
}

char *postgres_check_url(const char *url)
{
    char *message = NULL;
    PQconninfoOption *given = PQconninfoParse(url, &message);
    if (given == NULL) {
        char *problem = explain(message);
        PQfreemem(message);
        return problem;
    }
    char *problem = check_hosts(url, given);
    if (problem == NULL)
        problem = check_options(given);
    PQconninfoFree(given);
    return problem;
}
