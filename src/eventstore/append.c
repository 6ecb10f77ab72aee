#include "append.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

/*
 * The order in which rows are locked keeps two processes from waiting for each other: first the
 * guards of existing streams by id, then new streams by id, then idempotency keys, last the head of
 * the log. Each step reads something of the step before, for that is all that orders the CTEs of
 * one statement. From the head on nothing waits for anyone until the commit, so the lock that all
 * writers share is held as briefly as can be.
 *
 * A guard that was waited for is checked again on its newest row (READ COMMITTED), so a stream that
 * moved on meanwhile falls out of `advanced`, and with it everything of that stream. The update
 * takes the guards in id order because it walks the sorted list and finds each by its key; a test
 * holds the plan to that. A deadlock would only cost time: PostgreSQL ends one of two, and it is
 * tried again.
 *
 * What a batch was decided on besides its own streams (shared ones: the catalogue) is as old as the
 * statement's snapshot: a change of it that commits later counts for the next batch.
 *
 * Verdicts are one array, and rows ask it by the ordinal of their stream. A join against the
 * accepted streams was planned as a nested loop, quadratic in the size of the batch.
 */

/* Which streams, and whether what was decided on besides them is still so. */
#define WANTED                                                                                     \
    "WITH shared AS MATERIALIZED (\n"                                                              \
    "    SELECT h.shared_position AS position,\n"                                                  \
    "        coalesce(h.shared_position = $13, true) AS is_as_expected\n"                          \
    "    FROM log_head h\n"                                                                        \
    "),\n"                                                                                         \
    "wanted AS MATERIALIZED (\n"                                                                   \
    "    SELECT w.stream_id, w.stream_type, w.expected_version, w.n_events, w.is_shared,\n"        \
    "        w.ordinal\n"                                                                          \
    "    FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY\n"                                        \
    "        AS w (stream_id, stream_type, expected_version, n_events, is_shared, ordinal)\n"      \
    "),\n"

/* The guards of the batch, in id order. */
#define ADVANCED                                                                                   \
    "advanced AS (\n"                                                                              \
    "    UPDATE streams s\n"                                                                       \
    "    SET version = s.version + w.n_events\n"                                                   \
    "    FROM (SELECT stream_id, expected_version, n_events, ordinal FROM wanted\n"                \
    "        WHERE expected_version > 0 ORDER BY stream_id) w\n"                                   \
    "    WHERE s.stream_id = w.stream_id AND s.version = w.expected_version\n"                     \
    "        AND (SELECT is_as_expected FROM shared)\n"                                            \
    "    RETURNING w.ordinal\n"                                                                    \
    "),\n"

#define CREATED                                                                                    \
    "created AS (\n"                                                                               \
    "    INSERT INTO streams (stream_id, stream_type, version)\n"                                  \
    "    SELECT w.stream_id, w.stream_type, w.n_events\n"                                          \
    "    FROM wanted w\n"                                                                          \
    "    WHERE w.expected_version = 0 AND w.n_events > 0\n"                                        \
    "        AND (SELECT count(*) FROM advanced) >= 0\n"                                           \
    "        AND (SELECT is_as_expected FROM shared)\n"                                            \
    "    ORDER BY w.stream_id\n"                                                                   \
    "    ON CONFLICT (stream_id) DO NOTHING\n"                                                     \
    "    RETURNING stream_id\n"                                                                    \
    "),\n"

#define VERDICT(or_created, join_created)                                                          \
    "verdict AS MATERIALIZED (\n"                                                                  \
    "    SELECT array_agg(a.ordinal IS NOT NULL" or_created " ORDER BY w.ordinal) AS flags\n"      \
    "    FROM wanted w\n"                                                                          \
    "    LEFT JOIN advanced a ON a.ordinal = w.ordinal\n" join_created "),\n"

/* The same key of another writer is waited for, in order. */
#define KEPT                                                                                       \
    "kept AS (\n"                                                                                  \
    "    INSERT INTO idempotency_keys\n"                                                           \
    "        (scope_id, key, stream_id, fingerprint, status, version, created_at)\n"               \
    "    SELECT k.scope_id, k.key, k.stream_id, k.fingerprint, k.status, k.version, now()\n"       \
    "    FROM unnest($14, $15, $16, $17, $18, $19, $20)\n"                                         \
    "        AS k (stream_ordinal, scope_id, key, stream_id, fingerprint, status, version)\n"      \
    "    WHERE (SELECT v.flags FROM verdict v)[k.stream_ordinal]\n"                                \
    "    ORDER BY k.scope_id, k.key\n"                                                             \
    "    RETURNING scope_id\n"                                                                     \
    "),\n"

/* The last lock: held through the commit. */
#define LOG_HEAD(after_kept)                                                                       \
    "head AS (\n"                                                                                  \
    "    UPDATE log_head h\n"                                                                      \
    "    SET position = h.position + n.n_events,\n"                                                \
    "        shared_position = CASE WHEN n.has_shared\n"                                           \
    "            THEN greatest(h.position + n.n_events, h.shared_position + 1)\n"                  \
    "            ELSE h.shared_position END,\n"                                                    \
    "        recorded_at = greatest(h.recorded_at + '1 microsecond'::interval,\n"                  \
    "            clock_timestamp())\n"                                                             \
    "    FROM (\n"                                                                                 \
    "        SELECT sum(w.n_events) AS n_events,\n"                                                \
    "            bool_or(w.is_shared AND w.n_events > 0) AS has_shared\n"                          \
    "        FROM wanted w\n"                                                                      \
    "        WHERE (SELECT v.flags FROM verdict v)[w.ordinal]\n" after_kept "    ) n\n"            \
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
    "\nSELECT v.flags, h.position, h.recorded_at, s.is_as_expected\n"                              \
    "FROM verdict v\n"                                                                             \
    "CROSS JOIN shared s\n"                                                                        \
    "LEFT JOIN head h ON true"

static const enum postgres_type TYPES[] = {
    POSTGRES_UUID_ARRAY, /* streams */
    POSTGRES_TEXT_ARRAY,  POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_BOOL_ARRAY,
    POSTGRES_INT4_ARRAY, /* events */
    POSTGRES_INT4_ARRAY,  POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_JSONB_ARRAY,
    POSTGRES_JSONB_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT8, /* shared */
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
            .begin = WANTED ADVANCED CREATED VERDICT(
                " OR c.stream_id IS NOT NULL",
                "    LEFT JOIN created c ON c.stream_id = w.stream_id\n")
                KEPT LOG_HEAD("            AND (SELECT count(*) FROM kept) >= 0\n") APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES),
            .end = VERDICTS,
        },
    [APPEND_USUAL] =
        {
            .begin = WANTED ADVANCED VERDICT("", "") LOG_HEAD("") APPENDED,
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
