#include "append.h"

#include <ctype.h>
#include <stdlib.h>

#include "columns.h"

/*
 * The head of the log is the one lock of all who append: a statement of its own takes it, first in
 * the pipeline, and it is held through the commit, so one append is under way at a time, whoever
 * makes it. The snapshot of the append itself is taken behind that lock: what it reads and updates
 * (versions, rows of read tables) is what the one before left. Locked within the append, the
 * statement's snapshot was from before it may have waited, and it updated rows that a rebuild had
 * replaced meanwhile.
 *
 * A stream that is not at its expected version is refused, and with it everything of that stream.
 * The key of `events` would refuse it too, but with it the whole batch. Each step reads something
 * of the step before, for that is all that orders the CTEs of one statement.
 *
 * Verdicts are one array, and rows ask it by the ordinal of their stream. A join against the
 * accepted streams was planned as a nested loop, quadratic in the size of the batch.
 */

/* What is to be appended. Which streams are where they were when the batch was decided, and whether
 * what it was decided on besides them (shared streams: the catalogue) is still so. $14: which log
 * that was; a log that was restored from a copy is another one. */
#define WANTED                                                                                     \
    "WITH wanted AS MATERIALIZED (\n"                                                              \
    "    SELECT w.stream_id, w.stream_type, w.expected_version, w.n_events, w.is_shared,\n"        \
    "        w.ordinal\n"                                                                          \
    "    FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY\n"                                        \
    "        AS w (stream_id, stream_type, expected_version, n_events, is_shared, ordinal)\n"      \
    "),\n"                                                                                         \
    "found AS MATERIALIZED (\n"                                                                    \
    "    SELECT coalesce(h.shared_position = $13, true) AS is_as_expected,\n"                      \
    "        h.tableoid::bigint AS log, coalesce(h.tableoid::bigint = $14, true) AS is_same_log\n" \
    "    FROM log_head h\n"                                                                        \
    "),\n"
/* One row, with the flags of all streams by ordinal. */
#define CHECK(name)                                                                                \
    name " AS MATERIALIZED (\n"                                                                    \
         "    SELECT f.is_as_expected, f.log, f.is_same_log,\n"                                    \
         "        CASE WHEN f.is_as_expected AND f.is_same_log\n"                                  \
         "            THEN " STREAMS_ARE_AT(                                                       \
             "wanted") "\n"                                                                        \
                       "            ELSE array_fill(false, ARRAY[cardinality($1)])\n"              \
                       "        END AS flags\n"                                                    \
                       "    FROM found f\n"                                                        \
                       ")"
#define VERDICT WANTED CHECK("verdict") ",\n"

/* What the read tables say of each stream, by ordinal; 0: nothing. Their own rows come in between.
 */
#define REFUSED_BEGIN                                                                              \
    "refused AS MATERIALIZED (\n"                                                                  \
    "    SELECT ARRAY(\n"                                                                          \
    "        SELECT max(r.refusal)\n"                                                              \
    "        FROM (\n"                                                                             \
    "            SELECT w.ordinal, 0 AS refusal FROM wanted w"
#define REFUSED_END                                                                                \
    "\n        ) r\n"                                                                              \
    "        GROUP BY r.ordinal ORDER BY r.ordinal\n"                                              \
    "    ) AS refusals\n"                                                                          \
    "),\n"
/* Streams that are tied together ($22: the ordinal of one of them) are accepted together. */
#define TIED                                                                                       \
    "verdict AS MATERIALIZED (\n"                                                                  \
    "    SELECT c.is_as_expected, c.log, c.is_same_log, r.refusals, ARRAY(\n"                      \
    "        SELECT bool_and((c.flags)[w.ordinal] AND (r.refusals)[w.ordinal] = 0)\n"              \
    "            OVER (PARTITION BY ($22)[w.ordinal])\n"                                           \
    "        FROM wanted w ORDER BY w.ordinal\n"                                                   \
    "    ) AS flags\n"                                                                             \
    "    FROM checked c CROSS JOIN refused r\n"                                                    \
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

/* A key that somebody else has stored meanwhile fails the batch. */
#define STORED_KEYS                                                                                \
    "stored_keys AS (\n"                                                                           \
    "    INSERT INTO idempotency_keys\n"                                                           \
    "        (scope_id, key, stream_id, fingerprint, status, version, created_at)\n"               \
    "    SELECT k.scope_id, k.key, k.stream_id, k.fingerprint, k.status, k.version, now()\n"       \
    "    FROM unnest($15, $16, $17, $18, $19, $20, $21)\n"                                         \
    "        AS k (stream_ordinal, scope_id, key, stream_id, fingerprint, status, version)\n"      \
    "    WHERE (SELECT v.flags FROM verdict v)[k.stream_ordinal]\n"                                \
    "),\n"

#define HEAD                                                                                       \
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
    "        WHERE (SELECT v.flags FROM verdict v)[w.ordinal]\n"                                   \
    "    ) n\n"                                                                                    \
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
    "\nSELECT v.flags, h.position, h.recorded_at, v.is_as_expected, v.is_same_log, v.log"
#define OF_VERDICT                                                                                 \
    "\nFROM verdict v\n"                                                                           \
    "LEFT JOIN head h ON true"

static const enum postgres_type TYPES[] = {
    POSTGRES_UUID_ARRAY, /* streams */
    POSTGRES_TEXT_ARRAY,  POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_BOOL_ARRAY,
    POSTGRES_INT4_ARRAY, /* events */
    POSTGRES_INT4_ARRAY,  POSTGRES_TEXT_ARRAY, POSTGRES_INT4_ARRAY, POSTGRES_JSONB_ARRAY,
    POSTGRES_JSONB_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_INT8, /* shared */
    POSTGRES_INT8,                                            /* log */
    POSTGRES_INT4_ARRAY,                                      /* keys */
    POSTGRES_UUID_ARRAY,  POSTGRES_TEXT_ARRAY, POSTGRES_UUID_ARRAY, POSTGRES_BYTEA_ARRAY,
    POSTGRES_INT4_ARRAY,  POSTGRES_INT4_ARRAY, POSTGRES_INT4_ARRAY, /* ties */
};
#define N_TYPES_OF_KEYS 7
#define N_TYPES_OF_TIES 1

/*
 * PostgreSQL sets up every step of a statement before it runs the first, also those that will find
 * no rows: 260 us of its time for all of them, 180 us for the few that most commands need
 * (bench/NOTES.md). So there are three statements of the same steps.
 */
static const struct append_text TEXTS[] = {
    [EVENTSTORE_APPEND_TIED] =
        {
            .name = "append_tied",
            .begin = WANTED CHECK("checked") ",\n" REFUSED_BEGIN,
            .after_refusals = REFUSED_END TIED CREATED STORED_KEYS HEAD APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES),
            .end = VERDICTS ", v.refusals" OF_VERDICT,
        },
    [EVENTSTORE_APPEND_ANYTHING] =
        {
            .name = "append",
            .begin = VERDICT CREATED STORED_KEYS HEAD APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES) - N_TYPES_OF_TIES,
            .end = VERDICTS ", NULL::integer[]" OF_VERDICT,
        },
    [EVENTSTORE_APPEND_USUAL] =
        {
            .name = "append_usual",
            .begin = VERDICT HEAD APPENDED,
            .types = TYPES,
            .n_types = BASE_COUNT(TYPES) - N_TYPES_OF_TIES - N_TYPES_OF_KEYS,
            .end = VERDICTS ", NULL::integer[]" OF_VERDICT,
        },
};

/* Copies SQL with every $n made $(n + offset). */
static void append_renumbered(struct base_buffer *sql, const char *clause, size_t offset)
{
    while (*clause != '\0') {
        base_buffer_append_char(sql, *clause);
        if (*clause++ != '$' || !isdigit((unsigned char)*clause))
            continue;
        char *end = NULL;
        unsigned long number = strtoul(clause, &end, 10);
        base_buffer_append_int(sql, (int64_t)(number + offset));
        clause = end;
    }
}

/* What the clauses say of refused streams, each with the parameters that it will have. */
static void append_refusals(
    struct base_buffer *sql, const struct append_text *text,
    const struct eventstore_clause *const *clauses, size_t n_clauses)
{
    size_t offset = text->n_types;
    for (size_t i = 0; i < n_clauses; i++) {
        if (clauses[i]->refusals != NULL) {
            base_buffer_append_text(sql, "\n            UNION ALL ");
            append_renumbered(sql, clauses[i]->refusals, offset);
        }
        offset += clauses[i]->n_parameters;
    }
    base_buffer_append_text(sql, text->after_refusals);
}

void append_compose(
    const struct append_text *text, const struct eventstore_clause *const *clauses,
    size_t n_clauses, struct postgres_statement *statement)
{
    struct base_buffer sql = {0};
    struct base_buffer types = {0};
    base_buffer_append(&types, text->types, text->n_types * sizeof *text->types);
    base_buffer_append_text(&sql, text->begin);
    if (text->after_refusals != NULL)
        append_refusals(&sql, text, clauses, n_clauses);
    for (size_t i = 0; i < n_clauses; i++) {
        base_buffer_append_text(&sql, ",\n");
        append_renumbered(&sql, clauses[i]->ctes, types.length / sizeof *text->types);
        base_buffer_append(
            &types, clauses[i]->types, clauses[i]->n_parameters * sizeof *text->types);
    }
    base_buffer_append_text(&sql, text->end);
    base_buffer_text(&sql);
    *statement = (struct postgres_statement){
        .name = text->name,
        .rows = POSTGRES_ONE_ROW,
        .sql = sql.bytes,
        .n_parameters = types.length / sizeof *text->types,
        .types = (const enum postgres_type *)(const void *)types.bytes,
    };
}

void append_finish(struct postgres_statement *statement)
{
    free((char *)statement->sql);
    free((enum postgres_type *)statement->types);
}

void append_compose_append(
    enum eventstore_append which, const struct eventstore_clause *const *clauses, size_t n_clauses,
    struct postgres_statement *statement)
{
    append_compose(&TEXTS[which], clauses, n_clauses, statement);
}
