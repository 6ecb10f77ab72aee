/*
 * append: the text of the append statement, composed of the store's own part and the projections'
 * parts; and what rewriting composes in the same way. Private to the event store.
 */
#ifndef CARTD_EVENTSTORE_APPEND_H
#define CARTD_EVENTSTORE_APPEND_H

#include "eventstore.h"

/* The append of any batch, and of one that changes existing streams, keeps no key, and has work for
 * the usual parts only. */
enum append_kind { APPEND_ANYTHING, APPEND_USUAL, APPEND_KINDS };

/* Fills `statement`, for the caller to give to append_finish(). */
void append_compose(
    enum append_kind kind, const struct eventstore_part *const *parts, size_t n_parts,
    struct postgres_statement *statement);

/* Statements are composed of a beginning with its parameters, parts, and an end. The statement
 * is for append_finish() too. */
struct append_text {
    const char *begin;
    const enum postgres_type *types;
    size_t n_types;
    const char *end;
};
void append_compose_text(
    const struct append_text *text, const struct eventstore_part *const *parts, size_t n_parts,
    struct postgres_statement *statement);
/* Frees what was composed. */
void append_finish(struct postgres_statement *statement);

#endif
