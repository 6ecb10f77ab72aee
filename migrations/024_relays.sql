-- How far each relay has carried the log to the system outside that it serves. A row is written by the
-- process that holds the relay, which is lost when it is not renewed for five seconds.
CREATE TABLE relays (
    name       text COLLATE "C" NOT NULL PRIMARY KEY,
    position   bigint           NOT NULL,
    sink       text             NOT NULL, -- where it goes, without passwords
    types      text,                      -- only these, with commas between; null: all
    sent       bigint           NOT NULL DEFAULT 0, -- events that the sink has taken
    failure    text,                      -- why it can't go on; null: it can
    failed_at  timestamptz,               -- since when
    runner     uuid,
    renewed_at timestamptz      NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 10);
