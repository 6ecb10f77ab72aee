#include "append.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

/*
 * The head of the log is its one guard: an append locks it first and holds it through the commit,
 * so of all appends, whoever makes them, one is under way at a time. What the streams' versions are
 * is then read behind that lock, by a snapshot taken after it (streams_are_at() in the migrations):
 * the statement's own is from before it may have waited. A stream that moved on meanwhile is
 * refused, and with it everything of that stream. The key of `events` would refuse it too, but with
 * it the whole batch.
 *
 * A writer who knows that nobody else has appended since it last saw these streams need not look.
 * It knows by a fence: an id of its own that it has left in the head. Whoever appends without that
 * id takes it away. So while the head bears it, what its owner has read or appended since it was
 * left there is how things are. A row of streams to lock and change for each cost a quarter of an
 * append before (bench/NOTES.md).
 *
 * Behind the lock nothing waits for anyone else's append, so there is no order of locks to keep,
 * but for that of the head before all else. Each step reads something of the step before, for that
 * is all that orders the CTEs of one statement.
 *
 * Verdicts are one array, and rows ask it by the ordinal of their stream. A join against the
 * accepted streams was planned as a nested loop, quadratic in the size of the batch.
 */

/* What is to be appended, and the lock of the head. */
#define LOCKED                                                                                     \
    "WITH wanted AS MATERIALIZED (\n"                                                              \
    "    SELECT w.stream_id, w.stream_type, w.expected_version, w.n_events, w.is_shared,\n"        \
    "        w.ordinal\n"                                                                          \
    "    FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY\n"                                        \
    "        AS w (stream_id, stream_type, expected_version, n_events, is_shared, ordinal)\n"      \
    "),\n"                                                                                         \
    "locked AS MATERIALIZED (\n"                                                                   \
    "    SELECT h.position,\n"                                                                     \
    "        coalesce(h.shared_position = $13, true) AS is_as_expected,\n"                         \
    "        coalesce(h.fence = $14 AND h.fenced_position = h.position, false) AS is_fenced\n"     \
    "    FROM log_head h\n"                                                                        \
    "    FOR UPDATE\n"                                                                             \
    "),\n"

/* Which streams are where they were when the batch was decided, and whether what it was decided on
 * besides them (shared streams: the catalogue) is still so. $15: the fence covers all of them. */
#define VERDICT                                                                                    \
    "verdict AS MATERIALIZED (\n"                                                                  \
    "    SELECT l.is_as_expected, l.is_fenced,\n"                                                  \
    "        CASE\n"                                                                               \
    "            WHEN NOT l.is_as_expected THEN array_fill(false, ARRAY[cardinality($1)])\n"       \
    "            WHEN l.is_fenced AND $15 THEN array_fill(true, ARRAY[cardinality($1)])\n"         \
    "            ELSE streams_are_at($1, $3, l.position)\n"                                        \
    "        END AS flags\n"                                                                       \
    "    FROM locked l\n"                                                                          \
    "),\n"

/* A row that is there already, though its stream has no events, is taken as it is. */
#define CREATED                                                                                    \
    "created AS (\n"                                                                               \
    "    INSERT INTO streams (stream_id, stream_type)\n"                                           \
    "    SELECT w.stream_id, w.stream_type\n"                                                      \
    "    FROM wanted w\n"                                                                          \
    "    WHERE w.expected_version = 0 AND w.n_events > 0\n"                                        \
    "        AND (SELECT v.flags FROM verdict v)[w.ordinal]\n"                                     \
    "    ON CONFLICT (stream_id) DO NOTHING\n"                                                     \
    "),\n"

/* A key that somebody else has kept meanwhile fails the batch. */
#define KEPT                                                                                       \
    "kept AS (\n"                                                                                  \
    "    INSERT INTO idempotency_keys\n"                                                           \
    "        (scope_id, key, stream_id, fingerprint, status, version, created_at)\n"               \
    "    SELECT k.scope_id, k.key, k.stream_id, k.fingerprint, k.status, k.version, now()\n"       \
    "    FROM unnest($17, $18, $19, $20, $21, $22, $23)\n"                                         \
    "        AS k (stream_ordinal, scope_id, key, stream_id, fingerprint, status, version)\n"      \
    "    WHERE (SELECT v.flags FROM verdict v)[k.stream_ordinal]\n"                                \
    "),\n"

/* $16: the batch leaves its fence. */
#define HEAD                                                                                       \
    "head AS (\n"                                                                                  \
    "    UPDATE log_head h\n"                                                                      \
    "    SET position = h.position + n.n_events,\n"                                                \
    "        shared_position = CASE WHEN n.has_shared\n"                                           \
    "            THEN greatest(h.position + n.n_events, h.shared_position + 1)\n"                  \
    "            ELSE h.shared_position END,\n"                                                    \
    "        recorded_at = greatest(h.recorded_at + '1 microsecond'::interval,\n"                  \
    "            clock_timestamp()),\n"                                                            \
    "        fence = CASE WHEN v.is_fenced OR $16 THEN $14 END,\n"                                 \
    "        fenced_position = h.position + n.n_events\n"                                          \
    "    FROM (\n"                                                                                 \
    "        SELECT sum(w.n_events) AS n_events,\n"                                                \
    "            bool_or(w.is_shared AND w.n_events > 0) AS has_shared\n"                          \
    "        FROM wanted w\n"                                                                      \
    "        WHERE (SELECT v.flags FROM verdict v)[w.ordinal]\n"                                   \
    "    ) n\n"                                                                                    \
    "    CROSS JOIN verdict v\n"                                                                   \
    "    WHERE n.n_events > 0\n"                                                                   \
    "    RETURNING h.position - n.n_events AS before, h.position, h.recorded_at\n"                 \
    "),\n"

#define APPENDED                                                                                   \
    "appended AS (\n"                                                                              \
    "    INSERT INTO events\n"                                                                     \
    "        (position, stream_type, stream_id, version, type, schema_version, data, metadata,\n"  \
    "         command_id, recorded_at)\n"                                                          \
    "    SELECT h.before + row_number() OVER (ORDER BY e.ordinal), ($2)[e.stream_ordinal],\n"      \
    "        ($1)[e.stream_ordinal], e.version, e.type, e.schema_version, e.data, e.metadata,\n"   \
    "        e.command_id, h.recorded_at\n"                                                        \
    "    FROM unnest($6, $7, $8, $9, $10, $11, $12) WITH ORDINALITY\n"                             \
    "        AS e (stream_ordinal, version, type, schema_version, data, metadata, command_id,\n"   \
    "              ordinal)\n"                                                                     \
    "    CROSS JOIN head h\n"                                                                      \
    "    WHERE (SELECT v.flags FROM verdict v)[e.stream_ordinal]\n"                                \
    "    RETURNING position\n"                                                                     \
    ")"

#define VERDICTS                                                                                   \
    "\nSELECT v.flags, h.position, h.recorded_at, v.is_as_expected, v.is_fenced\n"                 \
    "FROM verdict v\n"                                                                             \
    "LEFT JOIN head h ON true"

static const enum postgres_type TYPES[] = {
    POSTGRES_UUID_ARRAY, /* streams */
    POSTGRES_TEXT_ARRAY,  POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_BOOL_ARRAY,
    POSTGRES_INT4_ARRAY, /* events */
    POSTGRES_INT4_ARRAY,  POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_JSONB_ARRAY,
    POSTGRES_JSONB_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT8, /* shared */
    POSTGRES_UUID,        POSTGRES_BOOL,       POSTGRES_BOOL, /* fence */
    POSTGRES_INT4_ARRAY,                                      /* keys */
    POSTGRES_UUID_ARRAY,  POSTGRES_TEXT_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_BYTEA_ARRAY,
    POSTGRES_INT4_ARRAY,  POSTGRES_INT4_ARRAY,
};
#define N_TYPES_OF_KEYS 7

/*
 * PostgreSQL sets up every step of a statement before it runs the first, also those that will find
 * no rows: 260 us of its time for all of them, 180 us for the few that most commands need
 * (bench/NOTES.md). So there are two statements of the same steps.
 */
static const struct append_text TEXTS[] = {
    [APPEND_ANYTHING] =
        {
            .begin = LOCKED VERDICT CREATED KEPT HEAD APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES),
            .end = VERDICTS,
        },
    [APPEND_USUAL] =
        {
            .begin = LOCKED VERDICT HEAD APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES) - N_TYPES_OF_KEYS,
            .end = VERDICTS,
        },
};

/* Copies SQL with every $n made $(n + offset). */
static void append_renumbered(struct base_buffer *sql, const char *part, size_t offset)
{
    while (*part != '\0') {
        base_buffer_append_char(sql, *part);
        if (*part++ != '$' || !isdigit((unsigned char)*part))
            continue;
        char *end = NULL;
        unsigned long number = strtoul(part, &end, 10);
        base_buffer_append_int(sql, (int64_t)(number + offset));
        part = end;
    }
}

void append_compose_text(
    const struct append_text *text, const struct eventstore_part *const *parts, size_t n_parts,
    struct postgres_statement *statement)
{
    struct base_buffer sql = {0};
    statement->n_parameters = 0;
    for (size_t i = 0; i < text->n_types; i++)
        statement->types[statement->n_parameters++] = text->types[i];
    base_buffer_append_text(&sql, text->begin);
    for (size_t i = 0; i < n_parts; i++) {
        base_buffer_append_text(&sql, ",\n");
        append_renumbered(&sql, parts[i]->ctes, statement->n_parameters);
        for (size_t j = 0; j < parts[i]->n_parameters; j++) {
            assert(statement->n_parameters < POSTGRES_PARAMETERS_MAX);
            statement->types[statement->n_parameters++] = parts[i]->types[j];
        }
    }
    base_buffer_append_text(&sql, text->end);
    base_buffer_text(&sql);
    statement->sql = sql.bytes;
}

void append_compose(
    enum append_kind kind, const struct eventstore_part *const *parts, size_t n_parts,
    struct postgres_statement *statement)
{
    static const char *const NAMES[] = {
        [APPEND_ANYTHING] = "append", [APPEND_USUAL] = "append_usual"};
    *statement = (struct postgres_statement){.name = NAMES[kind]};
    append_compose_text(&TEXTS[kind], parts, n_parts, statement);
}
