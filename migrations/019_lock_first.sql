-- An append locks the head by a statement of its own, before the one that appends (src/eventstore/append.c):
-- that one's snapshot is taken behind the lock, so it reads the streams' versions itself, and nothing needs
-- to be left in the head to spare it that.
DROP FUNCTION streams_are_at(uuid[], integer[], bigint);
ALTER TABLE log_head DROP COLUMN fence, DROP COLUMN fenced_position;
