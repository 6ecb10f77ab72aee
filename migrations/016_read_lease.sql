-- Until when a process may answer reads of carts from its memory (src/eventstore/lease.c). Only one that
-- is alone with the advisory lock that all share who change carts sets it; all who begin to change them
-- wait for that moment first, and are counted. So a read from memory is as true as one from the tables.
CREATE TABLE read_lease (
    is_only boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (is_only),
    ends_at timestamptz NOT NULL DEFAULT '-infinity',
    holder  uuid,
    writers bigint      NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO read_lease DEFAULT VALUES;

GRANT SELECT, UPDATE ON read_lease TO cartd_app;
