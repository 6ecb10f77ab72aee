/*
 * findings: what an audit has found, for people: the first ones as a line each, the rest counted by
 * what they are about.
 */
#ifndef CARTD_CLI_FINDINGS_H
#define CARTD_CLI_FINDINGS_H

#include "audit.h"
#include "progress.h"

#define FINDINGS_SHOWN 50
#define FINDINGS_KINDS_MAX 32

/* Zero-initialise it and set `progress`, which makes room for the lines. */
struct findings {
    struct progress *progress;
    int64_t n;
    struct {
        const char *kind;
        int64_t n; /* that were not shown */
    } kinds[FINDINGS_KINDS_MAX];
    size_t n_kinds;
};

/* Prints "cart 0193…, version 3: carts.total is 5 and should be 7" on stdout, or counts. */
void findings_add(struct findings *findings, const struct audit_finding *finding);
/* Prints how many were not shown. */
void findings_print_rest(const struct findings *findings);

#endif
