-- How far each projection has come that follows the log; the files of the projections add their rows. A
-- row moves in the transaction that writes its projection's tables, so that an event has its effect
-- exactly once.
CREATE TABLE projection_checkpoints (
    name             text COLLATE "C" NOT NULL PRIMARY KEY,
    position         bigint           NOT NULL DEFAULT 0, -- the last event that its tables know
    recorded_at      timestamptz,                         -- the time of that event
    rebuilt_position bigint,      -- a rebuild has written its tables anew up to here; null: none is running
    paused_position  bigint,      -- the event that it can't take; null: it is not paused
    paused_reason    text,
    paused_at        timestamptz
) WITH (fillfactor = 10);

-- The process that runs them: one at a time, as long as it says every second or so that it is there.
CREATE TABLE projection_runner (
    is_only    boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    runner     uuid,
    renewed_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 10);
INSERT INTO projection_runner DEFAULT VALUES;
