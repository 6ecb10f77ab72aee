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
-- No fillfactor here or in the read tables: from 100 down to 20 it made no difference worth the space
-- (bench/NOTES.md).

-- What ANALYZE samples. The service's plans are generic and need nothing finer, and a sample of 30,000
-- rows with their jsonb, sorted, takes a core for a quarter of a second each time, which the appends
-- beside it feel (bench/NOTES.md). A target of 10 is a sample of 3,000 rows. Carts have the same.
ALTER TABLE events
    ALTER COLUMN position SET STATISTICS 10,
    ALTER COLUMN stream_type SET STATISTICS 10,
    ALTER COLUMN stream_id SET STATISTICS 10,
    ALTER COLUMN version SET STATISTICS 10,
    ALTER COLUMN type SET STATISTICS 10,
    ALTER COLUMN schema_version SET STATISTICS 10,
    ALTER COLUMN data SET STATISTICS 0,
    ALTER COLUMN metadata SET STATISTICS 0,
    ALTER COLUMN command_id SET STATISTICS 10,
    ALTER COLUMN recorded_at SET STATISTICS 10;

-- Which streams there are, and of which type. How far each has come, its events say.
CREATE TABLE streams (
    stream_id   uuid             NOT NULL PRIMARY KEY,
    stream_type text COLLATE "C" NOT NULL
);

-- One row: the position and the time of the last event. An append locks it first, by a statement of its
-- own, and holds it through the commit, so positions are dense and follow commit order.
--
-- shared_position is that of the newest event of a stream that decisions about other streams read
-- (products). Whoever caches such streams compares it in the append, instead of reading them each time.
-- Only whether it has changed counts.
CREATE TABLE log_head (
    is_only         boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    position        bigint      NOT NULL CHECK (position >= 0),
    shared_position bigint      NOT NULL DEFAULT 0 CHECK (shared_position >= 0),
    recorded_at     timestamptz NOT NULL
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
