/*
 * append: the text of the append statement, composed of the store's own clause and the projections'
 * clauses; and what rewriting composes in the same way. Private to the event store.
 */
#ifndef CARTD_EVENTSTORE_APPEND_H
#define CARTD_EVENTSTORE_APPEND_H

#include "eventstore.h"

/* Statements are composed of a beginning with its parameters, clauses, and an end. */
struct append_text {
    const char *name;
    const char *begin;
    const char *after_refusals; /* what clauses refuse comes before it; NULL: nothing is refused */
    const enum postgres_type *types;
    size_t n_types;
    const char *end;
};
/* Both fill `statement`, for the caller to give to append_finish(). */
void append_compose_append(
    enum eventstore_append which, const struct eventstore_clause *const *clauses, size_t n_clauses,
    struct postgres_statement *statement);
void append_compose(
    const struct append_text *text, const struct eventstore_clause *const *clauses,
    size_t n_clauses, struct postgres_statement *statement);
/* Frees what was composed. */
void append_finish(struct postgres_statement *statement);

#endif
