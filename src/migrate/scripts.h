/*
 * scripts: what migrate.c shares with rights.c and with its test, which runs scripts of its own.
 */
#ifndef CARTD_MIGRATE_SCRIPTS_H
#define CARTD_MIGRATE_SCRIPTS_H

#include "migrate.h"
#include "postgres.h"

/* The first script of a table has version 1, and so on. */
struct migrate_script {
    const char *name;
    const char *checksum; /* SHA-256 of the bytes, in hexadecimal */
    const char *sql;
};

/* migrate_run() with these scripts instead of those compiled in, and without rights. */
bool migrate_run_scripts(
    const char *url, const struct base_log *log, const struct migrate_script *scripts,
    size_t n_scripts, size_t *n_applied, char **problem) BASE_MUST_CHECK;

/* Makes the roles and grants the rights that are missing, and logs how many statements that took.
 * `rights` are rows of SQL: ('role','table','PRIVILEGE'),… False with *problem, which says what an
 * administrator must do. */
bool migrate_repair_rights(
    struct postgres_session *session, const struct base_log *log, const char *rights,
    char **problem) BASE_MUST_CHECK;

#endif
