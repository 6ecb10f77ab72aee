-- The head of the log is what appends lock, so the streams need no guards (src/eventstore/append.c): how
-- far a stream is, its events say. A row of streams says that there is one, and of which type.
ALTER TABLE streams DROP COLUMN version;
-- An id of whoever appended last, and up to where. Whatever else moves the position takes the fence away,
-- also what knows nothing of it.
ALTER TABLE log_head ADD COLUMN fence uuid, ADD COLUMN fenced_position bigint;

-- Which streams are at their expected version (0: has no events), in the order given. Called when the
-- head is locked, which is what its position is asked for: each of a volatile function's statements
-- sees what is committed by then, where the statement that calls it sees what was when it began.
CREATE FUNCTION streams_are_at(
    stream_ids uuid[], expected_versions integer[], locked_position bigint)
RETURNS boolean[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN ARRAY(
        SELECT w.expected_version = coalesce((
            SELECT e.version
            FROM events e
            WHERE e.stream_id = w.stream_id
            ORDER BY e.version DESC
            LIMIT 1), 0)
        FROM unnest(stream_ids, expected_versions) WITH ORDINALITY
            AS w (stream_id, expected_version, ordinal)
        ORDER BY w.ordinal);
END
$$;
