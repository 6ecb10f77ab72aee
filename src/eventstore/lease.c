#include "eventstore.h"

/*
 * A lease on reads (Gray and Cheriton, "Leases", SOSP 1989). Everyone who changes carts holds one
 * advisory lock of the database in shared mode for as long as the session lives. Who gets it
 * exclusively is the only one of them, and may then record until when it answers reads from
 * memory. Whoever comes later gets the lock at once, which ends the renewals, and waits until that
 * moment has passed before it changes anything. It also counts itself, so that a former holder
 * knows whether anybody came in between.
 *
 * The moment is the server's and is compared with the server's clock only. The holder counts the
 * same time from before it asked, on its own monotonic clock, and forgets the lease when it loses
 * the connection, so it need not wait for its own. What is assumed is that neither clock jumps
 * ahead by more than EVENTSTORE_LEASE_MARGIN_MS within a lease.
 *
 * A session that was lost keeps its lock until its backend has ended, so while the outcome of an
 * append is unknown nobody is granted a lease, not even the process that sent it.
 */

/* Advisory locks are one space for the whole database, which may hold several logs in schemas of
 * their own: a number of ours, and the log. */
#define LOCK_CLASS "427015070"
#define WRITERS_LOCK LOCK_CLASS ", 'log_head'::regclass::oid::integer"

/* A former holder whose client fell silent between the lease's statement and its commit would keep
 * the lock until TCP times out; nothing of PostgreSQL's own ends that. */
#define END_SILENT_HOLDERS                                                                         \
    "SELECT pg_terminate_backend(a.pid, 1000)"                                                     \
    "  FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"                                   \
    "  WHERE l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND l.granted"                   \
    "    AND l.classid = " LOCK_CLASS " AND l.objid = 'log_head'::regclass"                        \
    "    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"        \
    "    AND a.usename = current_user AND a.wait_event = 'ClientRead'"                             \
    "    AND a.xact_start < clock_timestamp() - interval '1 second';"

/* The wait reads the lease after the lock was given, hence the level and statements of their own;
 * it may last longer than other statements may, but never longer than a lease: a server's clock
 * that was set back says nothing about how long the holder goes on. */
char *eventstore_make_enter_sql(const struct base_uuid *holder)
{
    char id[BASE_UUID_SIZE];
    base_uuid_format(holder, id);
    struct base_buffer sql = {0};
    base_buffer_printf(
        &sql,
        "BEGIN ISOLATION LEVEL READ COMMITTED;"
        "SET LOCAL statement_timeout = %d;" END_SILENT_HOLDERS
        "SELECT pg_advisory_lock_shared(" WRITERS_LOCK ");"
        "SELECT pg_sleep(extract(epoch FROM"
        "    least(ends_at, clock_timestamp() + interval '%d milliseconds') - clock_timestamp()))"
        "  FROM read_lease WHERE holder <> '%s' AND ends_at > clock_timestamp();"
        "UPDATE read_lease SET writers = writers + 1;"
        "COMMIT",
        10 * EVENTSTORE_LEASE_MS, EVENTSTORE_LEASE_MS, id);
    (void)base_buffer_text(&sql);
    return sql.bytes;
}

const struct postgres_statement eventstore_lease_statement = {
    .name = "lease",
    .rows = POSTGRES_AT_MOST_ONE_ROW,
    .sql = "UPDATE read_lease\n"
           "SET holder = $1, ends_at = clock_timestamp() + $2 * '1 millisecond'::interval\n"
           "WHERE pg_try_advisory_xact_lock(" WRITERS_LOCK ")\n"
           "RETURNING writers",
    POSTGRES_TYPES(POSTGRES_UUID, POSTGRES_INT4),
};

void eventstore_ask_lease(struct postgres_pipeline *pipeline, const struct base_uuid *holder)
{
    struct postgres_parameters *to = postgres_pipeline_add(pipeline, &eventstore_lease_statement);
    postgres_put_uuid(to, holder);
    postgres_put_int4(to, EVENTSTORE_LEASE_MS);
}

bool eventstore_receive_lease(const struct postgres_pipeline *pipeline, int64_t *n_writers)
{
    const struct postgres_rows *rows = postgres_pipeline_rows(pipeline, 0);
    if (postgres_rows_count(rows) == 0)
        return false;
    *n_writers = postgres_get_int8(rows, 0, 0);
    return true;
}
