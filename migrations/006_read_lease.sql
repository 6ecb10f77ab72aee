-- Until when a process may answer reads of carts from its memory (src/eventstore/lease.c). Only a process
-- that holds the advisory lock of all who change carts exclusively sets it; whoever begins to change them
-- waits for that moment first, and is counted. So a read from memory is as true as one from the tables.
CREATE TABLE read_lease (
    is_only boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    ends_at timestamptz NOT NULL DEFAULT '-infinity',
    holder  uuid,
    writers bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO read_lease DEFAULT VALUES;
