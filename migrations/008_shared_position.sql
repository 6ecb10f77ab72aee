-- The position of the newest event of a stream that decisions about other streams read (products).
-- Whoever keeps what such streams said compares it in the append, instead of reading them each time.
ALTER TABLE log_head ADD COLUMN shared_position bigint NOT NULL DEFAULT 0 CHECK (shared_position >= 0);
-- Only whether it has changed counts, so any position from the last such event on is right.
UPDATE log_head SET shared_position = position;
