/*
 * link: a subcommand's one connection to the database, on a loop of its own, with the signals that
 * end it. It is for subcommands that read the log or write it as a whole; it does not know what
 * they ask.
 */
#ifndef CARTD_CLI_LINK_H
#define CARTD_CLI_LINK_H

#include "base.h"
#include "config.h"
#include "loop.h"
#include "postgres.h"

struct link {
    /* Set by the caller before link_open(). */
    const char *role; /* "show"; for application_name and the log */
    const struct postgres_statement *const *statements;
    bool reads_log;  /* and no other table: a database that was made before 0.1.0 will do */
    bool is_patient; /* waits for a database that was lost for however long it takes */
    void (*ready)(struct link *link);       /* connected, or connected again: ask (anew) */
    void (*interrupted)(struct link *link); /* SIGINT or SIGTERM; NULL: the loop stops */

    /* The link's. */
    struct loop *loop;
    struct postgres_connection *connection;
    struct base_log log;
    int64_t wait_ms;
    struct loop_signals signals;
    struct loop_timer patience;
    bool was_interrupted;
    char *trouble; /* the database was away for too long, which stopped the loop; NULL: no */
};

/* Whether the database is there and has the schema. False: it is not; said on stderr. */
bool link_check(const struct config *config) BASE_MUST_CHECK;
/* The same for a link that reads_log. */
bool link_check_log(const struct config *config) BASE_MUST_CHECK;
/* After a check, so that what is wrong is said at once. False: it can't be; said on stderr. */
bool link_open(struct link *link, const struct config *config) BASE_MUST_CHECK;
/* Whatever is under way is answered. */
void link_disconnect(struct link *link);
/* Disconnects if it was not done, and stops what the link started; the caller has stopped its own.
 */
void link_close(struct link *link);

#endif
