/*
 * What migrate.c shares with its test: the same run over any table of scripts.
 */
#ifndef CARTD_MIGRATE_SCRIPTS_H
#define CARTD_MIGRATE_SCRIPTS_H

#include "migrate.h"

struct migrate_script {
    int32_t version; /* from 1, without a gap */
    const char *name;
    const char *checksum; /* SHA-256 of the bytes, in hexadecimal */
    const char *sql;
    const char *former_checksum; /* also taken: of other bytes that made the same; NULL: none */
};

/* migrate_run() with these scripts instead of those compiled in. */
bool migrate_run_scripts(
    const char *url, const struct base_log *log, const struct migrate_script *scripts,
    size_t n_scripts, size_t *n_applied, char **problem) BASE_MUST_CHECK;

/* Held for the whole run. The number only has to differ from other programs' on the same database:
 * it is "cartd" in ASCII. */
#define MIGRATE_LOCK_SQL "SELECT pg_advisory_lock(426836653156)"

/* Makes the roles and grants the rights that are missing of those in migrations/, and logs how
 * many. False with *problem, which says what an administrator must do. */
bool migrate_repair_rights(const char *url, const struct base_log *log, char **problem)
    BASE_MUST_CHECK;

#endif
