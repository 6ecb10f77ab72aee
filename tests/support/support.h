/*
 * support: what the tests in C share. A main() for a Check suite, and for those that need it a
 * database of their own on the PostgreSQL that CARTD_TEST_DATABASE_URL names.
 */
#ifndef CARTD_SUPPORT_H
#define CARTD_SUPPORT_H

#include <check.h>

#include "base.h"

/* Runs the suite (forking each test unless CK_FORK=no), prints what failed, and returns main()'s
 * status. */
int support_run(Suite *suite);

/* Makes an empty database with a fresh name on CARTD_TEST_DATABASE_URL's server and returns its
 * connection string, the caller's to free. Ends the test when that fails. */
char *support_create_database(void);
/* The same, migrated to the newest schema. */
char *support_create_migrated_database(void);
/* Drops it, with whoever is still connected. */
void support_drop_database(char *url);

/* A session of the test's own, for postgres_session_close(), and statements in it. End the test
 * when that fails. */
struct postgres_session;
struct postgres_session *support_open_session(const char *url);
void support_run_in(struct postgres_session *session, const char *sql);
/* Runs statements on a database, by a session of their own. Ends the test when that fails. */
void support_run_sql(const char *url, const char *sql);
/* The one number that a query answers. */
int64_t support_ask_sql(const char *url, const char *sql);

/* A log that writes nothing. */
const struct base_log *support_quiet_log(void);

#endif
