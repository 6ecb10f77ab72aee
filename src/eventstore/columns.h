/*
 * columns: the columns of an event, in the order in which eventstore_receive_event() reads them,
 * and the expressions and statements that files share. Private to this room.
 */
#ifndef CARTD_EVENTSTORE_COLUMNS_H
#define CARTD_EVENTSTORE_COLUMNS_H

#include "postgres.h"

#define EVENT_COLUMNS                                                                              \
    "position, stream_type, stream_id, version, type, schema_version, data, metadata, "            \
    "command_id,\n"                                                                                \
    "    recorded_at"
#define EVENT_COLUMNS_OF_E                                                                         \
    "e.position, e.stream_type, e.stream_id, e.version, e.type, e.schema_version, e.data,\n"       \
    "    e.metadata, e.command_id, e.recorded_at"

/* Of an event that is only folded: those that eventstore_receive_replayed() reads. */
#define REPLAYED_COLUMNS "stream_type, stream_id, version, type, schema_version, data, recorded_at"

/* How far the stream is that a row says, by its alias; 0: it has no events. */
#define LAST_VERSION_OF(row)                                                                       \
    "coalesce((SELECT e.version FROM events e WHERE e.stream_id = " row ".stream_id\n"             \
    "        ORDER BY e.version DESC LIMIT 1), 0)"

/* Whether each stream of a table with stream_id, expected_version and ordinal is at that version
 * (0: has no events), as one array by ordinal. It is so until the transaction ends if the head was
 * locked by a statement before. */
#define STREAMS_ARE_AT(table)                                                                      \
    "ARRAY(SELECT w.expected_version = " LAST_VERSION_OF("w") "\n"                                 \
                                                              "        FROM " table                \
                                                              " w ORDER BY w.ordinal)"

extern const struct postgres_statement eventstore_lock_head;
extern const struct postgres_statement eventstore_read_head;
extern const struct postgres_statement eventstore_load_shared_position;
extern const struct postgres_statement eventstore_load_history;
extern const struct postgres_statement eventstore_forget_snapshots;
extern const struct postgres_statement eventstore_load_stream_after;
extern const struct postgres_statement eventstore_version_before;

#endif
