/*
 * append: the text of the append statement, composed of the store's own part and the projections'
 * parts. Private to the event store.
 */
#ifndef CARTD_EVENTSTORE_APPEND_H
#define CARTD_EVENTSTORE_APPEND_H

#include "eventstore.h"

/* Fills `statement`; its sql is allocated and the caller's to free. */
void append_compose(
    const struct eventstore_part *const *parts, size_t n_parts,
    struct postgres_statement *statement);

#endif
