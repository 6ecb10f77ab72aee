-- A long stream folded up to a version, so that loading it need not read it from the start. Nothing is
-- known from here that the events do not say: rows may be deleted at any time.
CREATE TABLE snapshots (
    stream_id uuid    NOT NULL PRIMARY KEY,
    version   integer NOT NULL CHECK (version > 0),
    shape     integer NOT NULL,
    state     jsonb   NOT NULL
);
