#include "internal.h"

/* As reactions are held: who has renewed a claim within the last five seconds has it, and a time in
 * the future was written before a clock was set back. */
static const struct postgres_statement CLAIM = {
    .name = "claim_relay",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql =
        "UPDATE relays\n"
        "SET runner = $2, renewed_at = clock_timestamp(),\n"
        "    position = CASE WHEN runner = $2 AND position = $3 THEN $4 ELSE position END,\n"
        "    sent = sent + $5, failure = $6,\n"
        "    failed_at = CASE WHEN $6 IS NOT NULL THEN coalesce(failed_at, clock_timestamp()) END\n"
        "WHERE name = $1\n"
        "    AND (runner IS NULL OR runner = $2\n"
        "        OR renewed_at < clock_timestamp() - '5 seconds'::interval\n"
        "        OR renewed_at > clock_timestamp() + '5 seconds'::interval)\n"
        "RETURNING position",
    POSTGRES_TYPES(
        POSTGRES_TEXT, POSTGRES_UUID, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_INT8, POSTGRES_TEXT),
};

static const struct postgres_statement RELEASE = {
    .name = "release_relay",
    .rows = POSTGRES_NO_ROWS,
    .sql = "UPDATE relays SET runner = NULL WHERE name = $1 AND runner = $2",
    POSTGRES_TYPES(POSTGRES_TEXT, POSTGRES_UUID),
};

const struct postgres_statement *const checkpoints_statements[] = {&CLAIM, &RELEASE, NULL};

void checkpoints_ask_claim(
    struct postgres_pipeline *pipeline, const struct checkpoints_claim *claim)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &CLAIM);
    postgres_put_text(to, claim->name);
    postgres_put_uuid(to, claim->runner);
    postgres_put_int8(to, claim->after);
    postgres_put_int8(to, claim->until);
    postgres_put_int8(to, claim->n_sent);
    postgres_put_text(to, claim->failure);
}

void checkpoints_ask_release(
    struct postgres_pipeline *pipeline, const char *name, const struct base_uuid *runner)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &RELEASE);
    postgres_put_text(to, name);
    postgres_put_uuid(to, runner);
}
