-- How far each reaction has come: all events up to its position are answered. The migrations of the
-- reactions add their rows.
CREATE TABLE reaction_checkpoints (
    name            text COLLATE "C" NOT NULL PRIMARY KEY,
    position        bigint           NOT NULL DEFAULT 0,
    paused_position bigint,          -- the event that it can't answer; null: none, or it is not paused
    paused_reason   text,
    paused_at       timestamptz      -- null: it is not paused
) WITH (fillfactor = 10);

-- The process that runs them: one at a time, as with the projections.
CREATE TABLE reaction_runner (
    is_only    boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    runner     uuid,
    renewed_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 10);
INSERT INTO reaction_runner DEFAULT VALUES;

-- When a reaction wants to see a stream again. It is no part of the log, and nothing is lost with it: a
-- reaction that is run again from the first event sets its timers anew.
CREATE TABLE reaction_due (
    reaction  text COLLATE "C" NOT NULL,
    stream_id uuid             NOT NULL,
    due_at    timestamptz      NOT NULL,
    PRIMARY KEY (reaction, stream_id)
);
CREATE INDEX reaction_due_at ON reaction_due (reaction, due_at);
