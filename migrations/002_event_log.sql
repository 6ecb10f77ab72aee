-- The event log. What it holds is true forever: rows are only ever added.
CREATE TABLE events (
    position       bigint           NOT NULL,
    stream_type    text COLLATE "C" NOT NULL,
    stream_id      uuid             NOT NULL,
    version        integer          NOT NULL CHECK (version > 0),
    type           text COLLATE "C" NOT NULL,
    schema_version integer          NOT NULL CHECK (schema_version > 0),
    data           jsonb            NOT NULL,
    metadata       jsonb            NOT NULL,
    command_id     uuid             NOT NULL,
    recorded_at    timestamptz      NOT NULL,
    PRIMARY KEY (stream_id, version)
);
CREATE UNIQUE INDEX events_position ON events (position);

-- The guard of each stream's version: an append locks its row, so that of two writers one waits and
-- then sees that the version has moved on.
-- No fillfactor here or in the read tables: from 100 down to 20 it made no difference worth the space
-- (bench/NOTES.md).
CREATE TABLE streams (
    stream_id   uuid             NOT NULL PRIMARY KEY,
    stream_type text COLLATE "C" NOT NULL,
    version     integer          NOT NULL CHECK (version > 0)
);

-- One row: the position and the time of the last event. It is locked last in an append and held
-- through the commit, so positions are dense and follow commit order.
CREATE TABLE log_head (
    is_only     boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    position    bigint      NOT NULL CHECK (position >= 0),
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head (position, recorded_at) VALUES (0, '-infinity');

-- Rights say the same, but rights can be granted; this holds for the owner too.
CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never changed or deleted: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER events_stay
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events();

GRANT SELECT, INSERT ON events TO cartd_app;
GRANT SELECT, INSERT, UPDATE ON streams TO cartd_app;
GRANT SELECT, UPDATE ON log_head TO cartd_app;
GRANT SELECT ON events, streams, log_head, schema_migrations TO cartd_reader;
GRANT SELECT ON schema_migrations TO cartd_app;
