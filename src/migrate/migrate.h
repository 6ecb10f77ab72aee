/*
 * migrate: brings a database to the schema that this binary was built with. The scripts of
 * migrations/ are compiled in; they only go forward. It knows nothing of what is in them.
 *
 * schema_migrations(version, name, checksum, applied_at) says what was applied. An advisory lock
 * lets one migration run at a time on a database; each script is one transaction with its row. A
 * script that was applied with other bytes than the binary has is refused, as nobody could say
 * what the schema is then. So is a database that was made before 0.1.0: its events are exported,
 * and imported into a new one.
 */
#ifndef CARTD_MIGRATE_H
#define CARTD_MIGRATE_H

#include "base.h"

/* The version that this binary needs: the number of the last script compiled in. */
int32_t migrate_version(void);

/* Applies what is missing, logs each, and counts them in *n_applied; then makes the roles and
 * grants the rights that are missing, as they are in a new database and after a restore. False with
 * *problem (a sentence, the caller's to free): no connection, a script failed (nothing of it
 * remains), a checksum differs, the database is newer than this binary or was made before 0.1.0, or
 * the user may not make the roles. */
bool migrate_run(const char *url, const struct base_log *log, size_t *n_applied, char **problem)
    BASE_MUST_CHECK;

/* For postgres_options.ready_sql: true when the database is at migrate_version() or above. The text
 * is static. */
const char *migrate_ready_sql(void);
/* The same for whoever only reads the log: also true when the database was made before 0.1.0. */
const char *migrate_log_ready_sql(void);

#endif
